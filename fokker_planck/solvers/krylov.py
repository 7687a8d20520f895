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
    generator: Generator, start: Sequence[Floats] | Floats, step: Callable[[Floats], Floats], powers: int
) -> Floats:
    """What ``step`` and its powers make of vectors (N,), orthonormal in M, dependent ones left out, (size, N)."""
    start = np.asarray(start)
    size = len(generator.exponent)
    basis, count = np.empty((powers * len(start), size)), 0
    current = list(start)
    for _ in range(powers):
        current = [step(vector) for vector in current]
        for vector in current:
            norm = np.sqrt(vector @ generator.apply_mass(vector))
            # against all at once, twice: a product with M each, where one for every pair would be thousands
            for _ in range(2 if count else 0):
                vector = vector - (basis[:count] @ generator.apply_mass(vector)) @ basis[:count]
            left = np.sqrt(max(vector @ generator.apply_mass(vector), 0.0))
            if left > DEPENDENT * norm:
                basis[count], count = vector / left, count + 1
    return basis[:count]
