"""A u = lambda M u on the unknowns of a mesh that are not absorbed: eigenvalues near a shift, from both sides.

A u = lambda M u,     A^T z = lambda M z,     |Im lambda| <= Y where Re lambda <= sigma.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.static_condensation import is_positive
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.eigenvalues.shift_and_invert import ShiftedPencil

SAME = 1e-6
"""Relative distance up to which eigenvalues of both sides are the same; of Krylov spaces 1e-12 is asked."""
MODERATE = 30.0
"""The condition up to which an eigenvalue is one of an ordinary matrix: one digit and a half are lost."""


@dataclass(frozen=True)
class PencilMode:
    """An eigenvalue with scaled eigenvectors (N,) of both sides, z . M u = 1, and its condition |u| |z|."""

    value: complex
    right: Numbers
    left: Numbers
    condition: float

    @property
    def alone(self) -> PencilMode:
        """Without its vectors."""
        return PencilMode(self.value, np.zeros(0), np.zeros(0), self.condition)

    @property
    def mirrored(self) -> PencilMode:
        """That of the conjugate eigenvalue."""
        return PencilMode(self.value.conjugate(), np.conj(self.right), np.conj(self.left), self.condition)


@dataclass(frozen=True)
class Pencil:
    """The pencil of a ``generator`` where ``absorbed`` (N,) does not hold.

    ``closed`` allows that the stationary current is taken as tangential where the domain is cut off.  Where noise is
    degenerate the numerical range is no sector, and |Im| <= ``sector`` Re is what is searched.  The ``last`` real
    shift is kept with its factor, which is asked again: for the vectors found, and for those of the other side.
    """

    generator: Generator
    absorbed: Booleans
    closed: bool = True
    sector: float | None = None
    last: list[ShiftedPencil] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return int((~self.absorbed).sum())

    @cached_property
    def weights(self) -> Floats:
        """The diagonal of M, (N,): a norm as good as that of M, for vectors of many scales."""
        size = len(self.absorbed)
        dofs = self.generator.discretization.dofs
        local = np.einsum("cii->ci", self.generator.mass)
        result = np.bincount(dofs.ravel(), local.ravel(), minlength=size)
        comm = self.generator.discretization.comm
        return np.asarray(comm.allreduce(result) if comm.size > 1 else result)

    def nearest(self, shift: complex, count: int) -> Numbers:
        """The eigenvalues nearest to ``shift``, at least ``count``."""
        return self._sides(shift, count, both=False)[0]

    def bounded(self, width: float, height: float, slope: float) -> bool:
        """Whether |Im| <= ``height`` + ``slope`` (Re - ``width``) for the numerical range; its boundary part left out.

        Where the domain is cut off the current crosses the cut, which on its own moves the numerical range anywhere.
        With detailed balance there is none, and else so little of it that the cut may be a wall along the current.
        """
        if self.sector is not None:
            return height >= self.sector * width
        generator = self.generator
        transposed = np.swapaxes(generator.stiffness, 1, 2)
        skew = 0.5 * (generator.stiffness - transposed)
        form = generator.energy if self.closed else 0.5 * (generator.stiffness + transposed)
        lifted = slope * form + (height - slope * width) * generator.mass
        return is_positive(generator.discretization, lifted + 1j * skew, ~self.absorbed)

    def modes(self, shift: complex, known: Numbers, wanted: Sequence[int]) -> dict[int, PencilMode]:
        """The ``wanted`` of the ``known`` modes near a shift, by their numbers, as this mesh has them."""
        from scipy.optimize import linear_sum_assignment

        values, right, duals, left = self._sides(shift, min(len(known) + 3, self.size - 2), both=True)
        if len(values) < len(known):
            raise ConvergenceError(f"eigenvalues near {shift:.3g} are lost on this mesh", _petsc.REMEDY)
        rows, columns = linear_sum_assignment(np.abs(known[:, None] - values))
        if max(wanted) >= len(known):
            raise ConvergenceError(f"eigenvalues near {shift:.3g} differ from one solve to the next", _petsc.REMEDY)
        chosen = columns[np.argsort(rows)]
        return {number: self._mode(values[chosen[number]], right[chosen[number]], duals, left) for number in wanted}

    def _sides(self, shift: complex, count: int, *, both: bool) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """Eigenvalues near a shift with the vectors (k, n) of the right side, and of the left one if ``both``."""
        factored, none = self._shifted(shift), np.zeros(0)
        values, right = factored.nearest(count)
        duals, left = factored.nearest(min(count + 2, self.size - 2), adjoint=True) if both else (none, none)
        return values, right, duals, left

    def _shifted(self, shift: complex) -> ShiftedPencil:
        """The last real one if it has the same shift; the factor of another goes first, one that is complex at once."""
        if complex(shift).imag:
            return ShiftedPencil(self.generator, ~self.absorbed, shift)
        if not (self.last and self.last[0].shift == shift):
            self.last.clear()
            self.last.append(ShiftedPencil(self.generator, ~self.absorbed, shift))
        return self.last[0]

    def _mode(self, value: complex, vector: Numbers, duals: Numbers, left: Numbers) -> PencilMode:
        """With the left eigenvector of the same eigenvalue; of a multiple one the combination that fits ``vector``."""
        free = ~self.absorbed
        right, dual = np.zeros(len(free), dtype=complex), np.zeros(len(free), dtype=complex)
        right[free] = vector
        distance = np.abs(duals - value)
        near = np.flatnonzero(distance <= max(SAME * abs(value), 2.0 * float(distance.min())))
        image = self.times_mass(right)
        dual[free] = np.conj(left[near] @ image[free]) @ left[near]
        weight = complex(dual @ image)
        if not abs(weight) > 0.0:
            raise ConvergenceError(f"the eigenvalue {value:.4g} has no left eigenvector", _petsc.REMEDY)
        condition = self.norm(right) * self.norm(dual) / abs(weight)
        apart = float(distance.min()) / max(abs(value), 1e-300)
        if apart > SAME and condition < MODERATE:
            raise ConvergenceError(f"eigenvalues of both sides differ by {apart:.1e}", _petsc.REMEDY)
        if condition < MODERATE:
            value = complex(dual @ self.times_stiffness(right)) / weight
        if abs(value.imag) < 1e-11 * abs(value):
            value = complex(value.real)
        return PencilMode(value, right, dual / weight, max(condition, 1.0))

    def norm(self, vector: Numbers) -> float:
        """That of a scaled vector (N,) in the diagonal of M."""
        return float(np.sqrt(self.weights @ np.abs(vector) ** 2))

    def times_mass(self, vector: Numbers) -> Numbers:
        """M u of a complex scaled vector (N,)."""
        return _applied(self.generator.apply_mass, vector)

    def times_stiffness(self, vector: Numbers) -> Numbers:
        """A u of a complex scaled vector (N,)."""
        return _applied(self.generator.apply_stiffness, vector)


def _applied(apply: Any, vector: Numbers) -> Numbers:
    return np.asarray(apply(np.ascontiguousarray(vector.real)) + 1j * apply(np.ascontiguousarray(vector.imag)))
