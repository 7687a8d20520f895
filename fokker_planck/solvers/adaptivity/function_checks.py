"""Coefficients that are Python functions, looked at once more at random points when the mesh is final.

Of a function there is nothing but samples.  What its nodes in a cell say, the polynomial through them, is compared with
the function itself at random points of the cells, in units of the exponent:

    |V - p|/D,    |log D - p|,    |b - p| h/D,    h the diameter of the cell.

A part of the function that is narrower than the cells shows there if a point falls on it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.triangulations.triangulation import Triangulation, diameters, volumes
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.solvers.results.function_check import FunctionCheck

POINTS = 20_000
"""Half of them spread by volume, half by cells: what covers a thousandth of the domain holds ten of them."""
HIGHEST = 6
"""Degree of the polynomials at most: beyond it those through equidistant nodes swing."""
ASIDE = 1e-9
"""Of their way to the centre of their cell nodes are moved before a function is asked: what it changes there is
nothing beside ``NOTICED``."""
NOTICED = 2.0
"""Units of the exponent from which on there is a warning.  Polynomials of degree 6 and 3 through a kink |x - k| are off
by up to 0.11 and 0.125 of what it changes over the cell (measured over k), which is 17 at most below the cut."""
UNSEEN = 5.0
"""From which on there is no answer: something as high or as deep lies between the nodes."""


def check_functions(problem: Problem, mesh: Triangulation, degree: int) -> FunctionCheck | None:
    """Compare functions with their interpolants at random points; None where all coefficients are formulas.

    Warns where they differ by more than ``NOTICED`` units of the exponent, raises ConvergenceError beyond ``UNSEEN``.
    """
    functions = list(_functions(problem))
    if not functions or not len(mesh.cells):
        return None
    rng = np.random.default_rng(len(mesh.cells))
    size = np.abs(volumes(mesh.points, mesh.cells))
    share = 0.5 * size / size.sum() + 0.5 / len(size)
    chosen = np.sort(rng.choice(len(size), POINTS, p=share / share.sum()))
    corners, width = mesh.points[mesh.cells[chosen]], diameters(mesh)[chosen]
    inside = rng.dirichlet(np.ones(corners.shape[1]), len(chosen))
    points = np.einsum("nk,nkd->dn", inside, corners)
    lattice = _lattice(mesh.dimension, min(degree, HIGHEST))
    # corners may lie on a jump: what counts is the side of the cell
    lattice = (1.0 - ASIDE) * lattice + ASIDE / corners.shape[1]
    nodes = np.einsum("mk,nkd->dnm", lattice, corners)
    weights = _interpolation(lattice, inside, min(degree, HIGHEST))
    tensor = problem.process.field(problem.dimension).tensor(points)
    noise = np.einsum("iin->n", tensor) / problem.dimension
    within = problem.contains(points) & problem.contains(nodes.reshape(len(nodes), -1)).reshape(nodes.shape[1:]).all(1)
    worst, place = 0.0, points[:, 0]
    for key, function, unit in functions:
        with np.errstate(all="ignore"):
            there = function(points)
            seen = function(nodes.reshape(len(nodes), -1)).reshape(len(there), *nodes.shape[1:])
            off = np.abs(there - np.einsum("knm,nm->kn", seen, weights)).max(axis=0) * unit(noise, width)
        off = np.where(within & np.isfinite(off), off, 0.0)
        k = int(np.argmax(off))
        if off[k] > worst:
            worst, place = float(off[k]), points[:, k]
        if worst > NOTICED:
            _say(key, worst, place)
    return FunctionCheck(POINTS, worst, tuple(float(c) for c in place))


def _say(key: str, worst: float, place: Floats) -> None:
    where = ", ".join(f"{c:.6g}" for c in place)
    found = f"the function given as {key} is {worst:.2g} units of the exponent off at ({where})"
    found += " from what the mesh sees of it"
    remedy = "a formula, whose narrow parts are found, or a function without such parts"
    if worst > UNSEEN:
        raise ConvergenceError(found, remedy)
    warnings.warn(f"{found}; {remedy}", stacklevel=4)


Unit = Callable[[Floats, Floats], Floats]


def _functions(problem: Problem) -> Iterator[tuple[str, Callable[[Floats], Floats], Unit]]:
    """Every coefficient that is a function, with values (k, n), and what makes of a difference one of the exponent."""
    process, dimension = problem.process, problem.dimension
    potential, field = process.potential, process.field(dimension)
    drift = process.extra if isinstance(process, Overdamped) else process.whole
    if potential is not None and not potential.formulas:
        yield "potential", lambda x: potential.value(x)[None], lambda noise, width: 1.0 / noise
    if drift is not None and not drift.formulas:
        yield drift.key, drift.value, lambda noise, width: width / noise
    if field.key == "diffusion" and not field.constant:
        # of a function that varies little beside its mean the logarithm is the quotient by it
        yield (
            "diffusion",
            lambda x: np.log(np.maximum(np.einsum("iin->n", field.tensor(x)), 1e-300))[None],
            lambda noise, width: np.ones_like(noise),
        )


def _lattice(dimension: int, degree: int) -> Floats:
    """Barycentric coordinates of equidistant nodes, (m, dim + 1)."""
    inner = np.array([c for c in product(range(degree + 1), repeat=dimension) if sum(c) <= degree]) / degree
    return np.concatenate([1.0 - inner.sum(axis=1, keepdims=True), inner], axis=1)


def _interpolation(lattice: Floats, inside: Floats, degree: int) -> Floats:
    """Weights (n, m) of the nodes in the polynomial through them, at points with these barycentric coordinates."""
    dimension = lattice.shape[1] - 1
    powers = np.array([c for c in product(range(degree + 1), repeat=dimension) if sum(c) <= degree])

    def monomials(at: Floats) -> Floats:
        return np.asarray(np.prod(at[:, None, 1:] ** powers[None], axis=2))

    return np.asarray(np.linalg.solve(monomials(lattice).T, monomials(inside).T).T)
