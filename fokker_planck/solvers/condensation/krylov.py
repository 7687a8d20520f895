"""The functions by which the span of the wells' potentials is widened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

DEPENDENT = 1e-6
"""Of the length of a vector: what is left of it beside the others by less has half of its digits, and brings
nothing."""
CANCELS = 1e-2
"""The same, down to which M times what is left is M times the vector less its parts, right to twelve digits: each
product with M alone reads all of its elements, a quarter of the time of rates between eleven wells."""


@dataclass(frozen=True)
class Widening:
    """Functions by ``basis`` (size, N), orthonormal in M, and M times each, ``masses`` (size, N)."""

    basis: Floats
    masses: Floats


def images(
    generator: Generator,
    start: Sequence[Floats] | Floats,
    solve: Callable[[Floats], Floats],
    powers: int,
    beside: Widening | None = None,
) -> Widening:
    """What A_FF^-1 M and its powers make of vectors (N,), orthonormal in M, dependent ones left out.

    ``solve`` is A_FF^-1, or its transpose's, of vectors (k, N).  Those ``beside`` which they are to be come first in
    the result.  A vector loses what the earlier have of it, those of other powers all at once, without rotations: these
    would put 1e-16 of the functions of one well into those of another, where they are 1e-100.  One that is dependent
    has no further powers, which are dependent, too, but where what is beside it is of the other side.
    """
    start = np.asarray(start).reshape(len(start), len(generator.exponent))
    count = 0 if beside is None else len(beside.basis)
    basis, masses = np.empty((2, count + powers * len(start), start.shape[1]))
    if beside is not None:
        basis[:count], masses[:count] = beside.basis, beside.masses
    loads = generator.apply_mass(start) if powers and len(start) else start
    for _ in range(powers):
        if not len(loads):
            break
        current = solve(loads)
        loads, known = generator.apply_mass(current), count
        norms = _norms(current, loads)
        rest, masses_of_rest = _less(generator, (current, loads), basis[:known], masses[:known])
        fresh = np.zeros(len(loads), dtype=bool)
        for number, norm in enumerate(norms):
            one, among = slice(number, number + 1), slice(known, count)
            vector, image = _less(generator, (rest[one], masses_of_rest[one]), basis[among], masses[among])
            (left,) = _norms(vector, image)
            if left > DEPENDENT * norm:
                basis[count], masses[count], count = vector[0] / left, image[0] / left, count + 1
                fresh[number] = True
        if beside is None:
            loads = loads[fresh]
    return Widening(basis[:count], masses[:count])


def _norms(vectors: Floats, images: Floats) -> Floats:
    """Of vectors (k, N), given M times those, (k,)."""
    return np.asarray(np.sqrt(np.maximum(np.einsum("kn,kn->k", vectors, images), 0.0)))


def _less(generator: Generator, pair: tuple[Floats, Floats], basis: Floats, masses: Floats) -> tuple[Floats, Floats]:
    """Vectors and M times those, (k, N) each, less what they have of orthonormal ones (m, N), M times which are known.

    Twice: what rounding leaves of the first time goes.
    """
    vectors, images = pair
    before = _norms(vectors, images)
    for _ in range(2 if len(basis) else 0):
        shares = vectors @ masses.T
        vectors, images = vectors - shares @ basis, images - shares @ masses
    anew = ~(_norms(vectors, images) > CANCELS * before)
    if anew.any() and len(basis):
        images[anew] = generator.apply_mass(vectors[anew])
    return vectors, images
