"""The lowest eigenvalues of A u = lambda M u on a line of which some cells are a billion times narrower than others.

A factor of A + s M as a whole knows s to the rounding of the stiffest cell: of a layer 1e-9 wide, with 1e9 times the
noise, an eigenvalue was a third off at a bar of 1e-5.  As a chain of conductances, see :mod:`~.line_chain`, it knows it
to all digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.static_condensation import condensed_factorization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats

LARGEST = 1e-9
"""Of the rate at which wells settle, the rounding of the fastest in any cell, up to which shift and invert by a factor
of the whole, which needs no scipy, leaves what every bar has: smooth wells have 2e-13 to 6e-11, one a thousandth wide
1e-6 to 2e-5."""
ACCURATE, MOST_RESTARTS = 1e-13, 300
"""Of 1 / (lambda + s), and of a Krylov space: as for the factor of the whole."""


def is_stiff(generator: Generator, rate: float) -> bool:
    """Whether a line has cells so narrow, or of so much noise, that their rounding is more than what is asked for."""
    if generator.discretization.triangulation.dimension > 1 or not generator.symmetric:
        return False
    stiffness, mass = (np.einsum("cii->ci", elements) for elements in (generator.stiffness, generator.mass))
    with np.errstate(all="ignore"):
        fastest = np.nan_to_num(stiffness / mass, nan=0.0, posinf=0.0).max(initial=0.0)
    fastest = generator.discretization.comm.allreduce(float(fastest), op=MPI.MAX)
    return bool(np.finfo(float).eps * fastest > LARGEST * rate)


def lowest_on_a_line(
    generator: Generator, free: Booleans, count: int, shift: float, known: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Eigenvalues (k,) nearest to -``shift`` and their scaled vectors on the ``free`` unknowns (N,), (k, n).

    ``known`` eigenvectors (N,) are kept out.
    """
    factored = condensed_factorization(
        generator.discretization,
        generator.stiffness + shift * generator.mass,
        free,
        exponent=generator.exponent,
        lost=shift * generator.mass_of_constant,
    )
    apart = [(vector, generator.apply_mass(vector)) for vector in known]
    whole = np.zeros(len(free))

    def mass(vector: Floats) -> Floats:
        whole[free] = np.ravel(vector)
        return np.asarray(generator.apply_mass(whole)[free])

    def inverse(vector: Floats) -> Floats:
        whole[free] = np.ravel(vector)
        found = factored.solve(whole)
        for one, image in apart:
            found = found - one * float(image @ found) / float(image @ one)
        return np.asarray(found[free])

    def step(asked: tuple[bool, Floats]) -> Floats:
        return (mass if asked[0] else inverse)(asked[1])

    def pairs(apply: Any) -> tuple[Floats, Floats]:
        from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

        shape = (int(free.sum()),) * 2
        here = LinearOperator(shape, matvec=lambda vector: apply((True, vector)), dtype=np.float64)
        there = LinearOperator(shape, matvec=lambda vector: apply((False, vector)), dtype=np.float64)
        start = np.cos(np.arange(shape[0]) * 0.7) + 0.3
        options = {"v0": start, "tol": ACCURATE, "maxiter": MOST_RESTARTS}
        try:
            values, vectors = eigsh(here, count, M=here, sigma=-shift, OPinv=there, **options)
        except ArpackError as error:
            raise ConvergenceError(f"eigenvalues of a line did not converge ({error})", _petsc.REMEDY) from None
        return np.asarray(values), np.asarray(vectors.T)

    found: tuple[Floats, Floats] = _petsc.led_by_first_rank(generator.discretization.comm, step, pairs)
    return found
