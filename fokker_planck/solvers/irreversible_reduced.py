"""The slow modes of a process without detailed balance: S y = lambda T y on potentials of both sides.

Right potentials h_k are widened by A_FF^-1 M h_k and its successors, left ones likewise with the transpose.  Between
the two bases A splits into S and a block of order one, so that S keeps its digits.  Complex pairs may come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fokker_planck.arrays import Floats
from fokker_planck.fem.generator import Generator
from fokker_planck.solvers.irreversible_accuracy import Numbers, Pair
from fokker_planck.solvers.krylov import images
from fokker_planck.solvers.wells import Condensation

POWERS = 2
LEAST_PRODUCT = 0.02


@dataclass(frozen=True)
class SlowModes:
    """Eigenpairs in mpmath, ascending modulus; columns of ``right`` and rows of ``left`` are coefficients.

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

    def pairs(self, condensed: Condensation, chosen: Iterable[int]) -> list[Pair]:
        """For the chosen modes the functions whose errors make that of lambda, the left one times the right's scale."""
        import mpmath

        generator, count = condensed.generator, len(condensed.wells)
        height = 0.5 * (generator.exponent - generator.lowest)
        targets = np.zeros(len(condensed.targets))
        dofs = generator.discretization.dofs
        result = []
        with mpmath.workdps(self.digits):
            for number in chosen:
                row, largest = self._column(number)
                at_wells = [self.right[k, number] * self.scale[k] for k in range(count)]
                top = max(abs(value) for value in at_wells)
                values = np.array([complex(value / top) for value in at_wells])
                inside = np.exp(height) * (row[count:] @ self.right_basis[count:]) * float(largest / top)
                right = condensed.cell_values(np.append(values, targets), inside)
                other = np.array([complex(self.left[number, i] * top) for i in range(len(self.left_basis))])
                scale = np.array([float(self.scale[k]) for k in range(count)])
                rest = np.exp(height) * (other[count:] @ self.left_basis[count:])
                left = condensed.nodal(np.append(other[:count] * scale, targets), rest, adjoint=True)
                result.append(Pair(right, left[dofs], float(abs(self.values[number]))))
        return result


def slow_modes(condensed: Condensation, powers: int = POWERS) -> SlowModes:
    """All eigenpairs of the reduced problem; those far below ``slowest_inside`` are those of the process."""
    import mpmath

    generator, count = condensed.generator, len(condensed.wells)

    def right_step(vector: Floats) -> Floats:
        return condensed.solve_inside(generator.apply_mass(vector))

    def left_step(vector: Floats) -> Floats:
        return condensed.solve_inside(generator.apply_mass(vector), adjoint=True)

    right_inner = images(generator, condensed.potentials[:count], right_step, powers)
    left_inner = images(generator, condensed.left_potentials[:count], left_step, powers)
    right_inner, left_inner = _facing(generator, right_inner, left_inner)
    size = len(right_inner)
    right = np.concatenate([condensed.potentials[:count], right_inner])
    left = np.concatenate([condensed.left_potentials[:count], left_inner])
    mass = left @ np.asarray([generator.apply_mass(vector) for vector in right]).T
    flows = np.asarray([generator.apply_stiffness(vector) for vector in right_inner]).reshape(size, right.shape[1])
    energy = left_inner @ flows.T
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
        order = sorted(range(whole), key=lambda k: (float(abs(values[k])), -float(values[k].imag)))
        columns = mpmath.matrix(whole, whole)
        for place, number in enumerate(order):
            for i in range(whole):
                columns[i, place] = vectors[i, number]
        inverse = mpmath.inverse(m * columns)
    return SlowModes([values[k] for k in order], columns, inverse, scale, right, left, digits)


def _facing(generator: Generator, right: Floats, left: Floats) -> tuple[Floats, Floats]:
    """As many of either as have a partner in the other: a projection along nearly orthogonal ones adds eigenvalues."""
    if not len(right) or not len(left):
        return right[:0], left[:0]
    u, sizes, v = np.linalg.svd(left @ np.asarray([generator.apply_mass(vector) for vector in right]).T)
    kept = int((sizes > LEAST_PRODUCT).sum())
    return v[:kept] @ right, u[:, :kept].T @ left
