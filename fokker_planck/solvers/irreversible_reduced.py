"""The slow modes of a process without detailed balance: S y = lambda T y on potentials of both sides.

Right potentials h_k are widened by A_FF^-1 M h_k and its successors, left ones likewise with the transpose.  Between
the two bases A splits into S and a block of order one, so that S keeps its digits.  Complex pairs may come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fokker_planck.fem.triangulation import Floats
from fokker_planck.solvers.irreversible_accuracy import Numbers, Pair
from fokker_planck.solvers.irreversible_wells import TwoSided

POWERS = 2


@dataclass(frozen=True)
class SlowModes:
    """Eigenpairs in mpmath, ascending real part; columns of ``right`` and rows of ``left`` are coefficients.

    The first K functions of ``right_basis`` and ``left_basis`` (size, N) are the scaled potentials of the wells;
    ``scale`` turns their coefficients into values at the wells.  ``left`` T ``right`` is the unit matrix.
    """

    values: list[Any]
    right: Any
    left: Any
    scale: list[Any]
    right_basis: Floats
    left_basis: Floats
    digits: int

    def scaled_vector(self, number: int) -> Numbers:
        """The right eigenfunction in scaled unknowns, (N,), largest coefficient one."""
        return np.asarray(self._column(number)[0] @ self.right_basis)

    def _column(self, number: int) -> tuple[Numbers, Any]:
        column = [self.right[i, number] for i in range(len(self.right_basis))]
        largest = max(abs(c) for c in column)
        return np.array([complex(c / largest) for c in column]), largest

    def pairs(self, condensed: TwoSided, chosen: Iterable[int]) -> list[Pair]:
        """For the chosen modes the functions whose errors make that of lambda, the left one times the right's scale."""
        import mpmath

        generator, count = condensed.generator, len(condensed.wells)
        height = np.exp(0.5 * (generator.exponent - generator.lowest))
        targets = np.zeros(len(condensed.targets))
        dofs = generator.discretization.dofs
        result = []
        with mpmath.workdps(self.digits):
            for number in chosen:
                row, largest = self._column(number)
                at_wells = [self.right[k, number] * self.scale[k] for k in range(count)]
                top = max(abs(value) for value in at_wells)
                values = np.array([complex(value / top) for value in at_wells])
                inside = (row[count:] @ self.right_basis[count:]) * float(largest / top) * height
                right = condensed.right_cells(np.append(values, targets), inside)
                other = np.array([complex(self.left[number, i] * top) for i in range(len(self.left_basis))])
                scale = np.array([float(self.scale[k]) for k in range(count)])
                left = condensed.left_sum(
                    np.append(other[:count] * scale, targets), (other[count:] @ self.left_basis[count:]) * height
                )
                result.append(Pair(right, left[dofs], float(abs(self.values[number]))))
        return result


def slow_modes(condensed: TwoSided, powers: int = POWERS) -> SlowModes:
    """All eigenpairs of the reduced problem; those far below ``slowest_inside`` are those of the process."""
    import mpmath

    generator, count = condensed.generator, len(condensed.wells)

    def right_step(vector: Floats) -> Floats:
        return condensed.inside(generator.apply_mass(vector))

    def left_step(vector: Floats) -> Floats:
        return condensed.inside(generator.apply_mass(vector), adjoint=True)

    right_inner = _inner_basis(condensed, condensed.right[:count], right_step, powers)
    left_inner = _inner_basis(condensed, condensed.left[:count], left_step, powers)
    size = min(len(right_inner), len(left_inner))
    right = np.concatenate([condensed.right[:count], right_inner[:size]])
    left = np.concatenate([condensed.left[:count], left_inner[:size]])
    mass = left @ np.asarray([generator.apply_mass(vector) for vector in right]).T
    images = np.asarray([generator.apply_stiffness(vector) for vector in right[count:]]).reshape(size, right.shape[1])
    energy = left[count:] @ images.T
    digits, whole = condensed.digits(), count + size
    with mpmath.workdps(digits):
        scale = [1 / half for half in condensed.half_weights()[:count]]
        reduced = condensed.reduced_generator()
        a, m = mpmath.matrix(whole, whole), mpmath.matrix(whole, whole)
        for i in range(whole):
            for j in range(whole):
                m[i, j] = mpmath.mpf(float(mass[i, j]))
                if i < count and j < count:
                    a[i, j] = reduced[i, j] * scale[i] * scale[j]
                elif i >= count and j >= count:
                    a[i, j] = mpmath.mpf(float(energy[i - count, j - count]))
        values, vectors = mpmath.eig(mpmath.inverse(m) * a)
        order = sorted(range(whole), key=lambda k: (float(values[k].real), -float(values[k].imag)))
        columns = mpmath.matrix(whole, whole)
        for place, number in enumerate(order):
            for i in range(whole):
                columns[i, place] = vectors[i, number]
        inverse = mpmath.inverse(m * columns)
    return SlowModes([values[k] for k in order], columns, inverse, scale, right, left, digits)


def _inner_basis(condensed: TwoSided, start: Floats, step: Callable[[Floats], Floats], powers: int) -> Floats:
    """The images of the potentials under ``step`` and its powers, orthonormal in M, dependent ones left out."""
    generator = condensed.generator
    basis: list[Floats] = []
    current = list(start)
    for _ in range(powers):
        current = [step(vector) for vector in current]
        for vector in current:
            norm = np.sqrt(vector @ generator.apply_mass(vector))
            for _ in range(2):
                for other in basis:
                    vector = vector - (other @ generator.apply_mass(vector)) * other
            left = np.sqrt(max(vector @ generator.apply_mass(vector), 0.0))
            if left > 1e-6 * norm:
                basis.append(vector / left)
    return np.asarray(basis).reshape(len(basis), len(generator.exponent))
