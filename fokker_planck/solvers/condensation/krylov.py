"""The functions by which the span of the wells' potentials is widened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Floats

DEPENDENT = 1e-6
"""Of the length of a vector: what is left of it beside the others by less has half of its digits, and brings
nothing."""


def images(
    generator: Generator,
    start: Sequence[Floats] | Floats,
    solve: Callable[[Floats], Floats],
    powers: int,
    beside: Floats | None = None,
) -> Floats:
    """What A_FF^-1 M and its powers make of vectors (N,), orthonormal in M, dependent ones left out, (size, N).

    ``solve`` is A_FF^-1, or its transpose's, of vectors (k, N).  Those ``beside`` which they are to be, orthonormal
    ones, come first in the result.  One vector after the other loses what the earlier have of it, without rotations:
    these would put 1e-16 of the functions of one well into those of another, where they are 1e-100.
    """
    start = np.asarray(start).reshape(len(start), len(generator.exponent))
    count = 0 if beside is None else len(beside)
    basis, masses = np.empty((2, count + powers * len(start), start.shape[1]))
    if beside is not None and count:
        basis[:count], masses[:count] = beside, generator.apply_mass(beside)
    loads = generator.apply_mass(start)
    for _ in range(powers if len(start) else 0):
        current = solve(loads)
        loads = generator.apply_mass(current)
        for vector, load in zip(current, loads, strict=True):
            norm, image = np.sqrt(vector @ load), load
            # against all at once, twice: what rounding leaves of the first time goes
            for _ in range(2 if count else 0):
                vector = vector - (masses[:count] @ vector) @ basis[:count]
            if count:
                image = generator.apply_mass(vector)
            left = np.sqrt(max(vector @ image, 0.0))
            if left > DEPENDENT * norm:
                basis[count], masses[count], count = vector / left, image / left, count + 1
    return basis[:count]
