"""Psi in several dimensions where D^-1 (div D - b) is a gradient: its integral along straight lines from one point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.formulas.calculus.chebyshev_patches import ChebyshevPatches, from_gradient
from fokker_planck.formulas.calculus.separated_axes import SeparatedPatches, from_separated_gradient
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.diffusion.inverse_tensors import solved
from fokker_planck.model.jumps.interfaces import Interfaces
from fokker_planck.model.process import Process, alpha_of
from fokker_planck.model.reversibility.line_integrals import nodes_and_weights, settled_integrals
from fokker_planck.model.reversibility.local_integrals import KNOWN, LocalIntegrals, local_integrals
from fokker_planck.quantity.light_dataclasses import dataclass

PROBES = 24
"""Points at which polynomials are held against integrals: 24 lines cross most patches of a box in the plane."""
BESIDE = 0.5
"""Of the box, on either side: within a tenth of it points that leave it in iterations still took 14 s by differences
in space, within a half hardly any."""
AGREED = 2e-12
"""What polynomials and integrals may differ by, relative to Psi where it is more than one: a share of every bar."""


Known = ChebyshevPatches | SeparatedPatches | LocalIntegrals


@dataclass(frozen=True)
class PathExponent:
    """Psi(x) = int_0^1 G(c + t (x - c)) . (x - c) dt with G = D^-1 (div D - b), a gradient; Psi(c) = 0.

    Parameters
    ----------
    process
        drift and noise; centre : c, (dim,)
    box
        corners of a box that holds the domain; there Psi is a polynomial on every patch of a grid, found once, where G
        is smooth and the polynomials agree with integrals along lines to ``AGREED``

    Examples
    --------
    >>> from fokker_planck.model.drift import Drift
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> from fokker_planck.model.process import Drifting
    >>> saddle = Drifting(Drift(["x*y**2", "x**2*y"]), Isotropic(0.5))      # b = grad (x y)**2/2
    >>> round(float(PathExponent(saddle, (0.0, 0.0)).value(np.array([[1.0], [2.0]]))[0]), 12)
    -4.0
    """

    process: Process
    centre: tuple[float, ...]
    box: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @cached_property
    def _patches(self) -> ChebyshevPatches | SeparatedPatches | None:
        """The polynomials; None where integrals along lines serve."""
        if self.box is None or not 2 <= len(self.centre) <= 3:
            return None
        # polynomials of one coordinate cost so little that those beside the box, where iterations go, have theirs, too
        lower, upper = (np.array(corner) for corner in self.box)
        wide = BESIDE * (upper - lower)
        found = (
            from_separated_gradient(self._force, (lower - wide).tolist(), (upper + wide).tolist(), self.centre)
            or from_separated_gradient(self._force, *self.box, self.centre)
            or from_gradient(self._force, *self.box, self.centre)
        )
        if found is None:
            return None
        return found if self._agrees(found) else None

    @cached_property
    def _local(self) -> LocalIntegrals | None:
        """Polynomials where they need not be many, and short lines elsewhere; None where only long lines serve.

        A Hessian that vanishes along a curve takes more patches beside it than the whole box can have.
        """
        if self.box is None or not 2 <= len(self.centre) <= 3:
            return None
        found = local_integrals(self._force, self._between, Interfaces(), self.box, np.array(self.centre))
        return found if found is not None and self._agrees(found) else None

    def _agrees(self, found: Known) -> bool:
        """Whether what was ``found`` is the integral along long lines at random points, where these settle."""
        lower, upper = (np.array(corner)[:, None] for corner in self.box or ())
        probes = lower + (upper - lower) * np.random.default_rng(1).uniform(0.02, 0.98, (len(self.centre), PROBES))
        exact = self._between(self._from_centre(probes), probes, first=2, partial=True)
        compared = np.isfinite(exact) & found.inside(probes)
        if compared.mean() < KNOWN:
            return False
        difference = float(np.abs(found.value(probes[:, compared]) - exact[compared]).max())
        return difference <= AGREED * max(1.0, float(np.abs(exact[compared]).max()))

    def _from_centre(self, points: Floats) -> Floats:
        return np.broadcast_to(np.array(self.centre)[:, None], points.shape)

    @cached_property
    def _field(self) -> DiffusionField:
        return self.process.field(len(self.centre))

    def gradient(self, x: Floats) -> Floats:
        """G, or the gradient of the polynomials, within 1e-10 of it and in a third of the time, (dim, n)."""
        points = np.asarray(x, dtype=np.float64)
        axes = range(len(points))
        return self._by_patches(points, [[int(k == i) for k in axes] for i in axes], self._force)

    def _force(self, points: Floats) -> Floats:
        """G from drift and noise, (dim, n)."""
        # b = a + alpha div D: what cancels is not computed
        share, force = 1.0 - alpha_of(self.process), -self.process.noiseless_drift(points)
        if share:
            force = force + share * self._field.divergence(points)
        return solved(self._field.tensor(points), force)

    def hessian(self, x: Floats) -> Floats:
        """Second derivatives of the polynomials; beyond those by differences of sixth order, (dim, dim, n)."""
        points = np.asarray(x, dtype=np.float64)
        size = len(points)
        orders = [[(k == i) + (k == j) for k in range(size)] for i in range(size) for j in range(size)]
        found = self._by_patches(points, orders, self._second_differences)
        return found.reshape(size, size, -1)

    def rough_hessian(self, x: Floats) -> Floats:
        """The same to some digits: beyond the polynomials by one step a coordinate, a twelfth of the evaluations."""
        if self._patches is not None:
            return self.hessian(x)
        jacobian = differences.rough_gradient(self._force, np.asarray(x, dtype=np.float64))
        return np.asarray(0.5 * (jacobian + jacobian.swapaxes(0, 1)))

    @property
    def dear_hessian(self) -> bool:
        """Whether second derivatives are differences of what itself takes long."""
        return self._patches is None

    def _second_differences(self, points: Floats) -> Floats:
        """The Hessian by differences, row after row, (dim^2, n)."""
        jacobian = differences.gradient(self._force, points)
        return np.asarray(0.5 * (jacobian + jacobian.swapaxes(0, 1))).reshape(-1, points.shape[1])

    def _by_patches(
        self, points: Floats, orders: Sequence[Sequence[int]], otherwise: Callable[[Floats], Floats]
    ) -> Floats:
        """Derivatives of the polynomials, (orders, n), and beyond these what does ``otherwise``.

        Point by point: an iteration that carries one of them out of the box leaves the others where they are.
        """
        patches = self._patches
        if patches is None:
            return otherwise(points)
        inside = patches.inside(points)
        result = np.empty((len(orders), points.shape[1]))
        result[:, inside] = [patches.derivative(points[:, inside], order) for order in orders]
        if not inside.all():
            result[:, ~inside] = otherwise(points[:, ~inside])
        return result

    def value(self, x: Floats) -> Floats:
        """Psi, (n,)."""
        points = np.asarray(x, dtype=np.float64)
        known: Known | None = self._patches or self._local
        if known is None:
            return self._along_lines(points)
        inside = known.inside(points)
        if inside.all():
            return known.value(points)
        result = np.empty(points.shape[1])
        result[inside] = known.value(points[:, inside])
        result[~inside] = self._along_lines(points[:, ~inside])
        return result

    def _along_lines(self, points: Floats) -> Floats:
        return self._between(self._from_centre(points), points, first=2)

    def _between(
        self, starts: Floats, points: Floats, size: Floats | float = 1.0, first: int = 1, *, partial: bool = False
    ) -> Floats:
        """The integral of G along the lines from ``starts`` (dim, n) to points, (n,), added to something of a size."""
        return settled_integrals(
            lambda lines, pieces: self._integrated(starts[:, lines], points[:, lines], pieces),
            np.broadcast_to(np.maximum(size, 1.0), points.shape[1:]),
            first,
            partial=partial,
        )

    __call__ = value

    def _integrated(self, starts: Floats, points: Floats, pieces: int) -> Floats:
        nodes, weights = nodes_and_weights()
        t = ((np.arange(pieces)[:, None] + nodes) / pieces).ravel()
        way = points - starts
        along = (starts[:, :, None] + way[:, :, None] * t).reshape(len(points), -1)
        slope = np.einsum("in,int->nt", way, self._force(along).reshape(len(points), points.shape[1], -1))
        return np.asarray(slope @ np.tile(weights / pieces, pieces))
