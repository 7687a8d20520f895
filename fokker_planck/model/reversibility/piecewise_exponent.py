"""Psi in several dimensions where coefficients jump or have kinks: in closed form what can be, the rest along lines.

For a scalar D

    Psi(x) = (1 - alpha) log(D(x)/D(c)) + Phi(x),      grad Phi = -a/D,

with the noiseless drift a. The first part holds its jumps by itself; the integrand of the second jumps where a line
from the centre c crosses a surface, so that the line is divided there. Where V jumps, Phi does by (V+ - V-)/D.
Of a matrix D all of grad Psi = D^-1 ((1 - alpha) div D - a) is integrated; it must not jump unless alpha is one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.formulas.parsing.switches import CHOICES, STEPS
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.diffusion.inverse_tensors import solved
from fokker_planck.model.jumps.interfaces import Interfaces
from fokker_planck.model.process import Overdamped, Process, alpha_of
from fokker_planck.model.reversibility.line_integrals import nodes_and_weights, settled_integrals
from fokker_planck.model.reversibility.local_integrals import LocalIntegrals, local_integrals
from fokker_planck.model.sets.shapes import Ball, HalfSpace, Set
from fokker_planck.quantity.light_dataclasses import dataclass

# Crossings of a line with a curved surface are looked for on so many intervals: closer pairs are integrated across.
INTERVALS = 48
BISECTIONS = 52
"""Of an interval of the line down to the rounding of its places, 2^-52."""
# Where V is compared on both sides of a crossing, in units of the line.
BESIDE = 1e-9


@dataclass(frozen=True)
class PiecewiseExponent:
    """Psi of a process in detailed balance; Psi(c) = 0.

    Parameters
    ----------
    process
        drift and noise; centre : c, (dim,), on no surface; interfaces : where coefficients jump; scalar : whether D is
        a multiple of the identity everywhere; box : corners of a box that holds the domain, in which integrals along
        lines are found once, on patches

    Examples
    --------
    >>> from fokker_planck.model.jumps.interfaces import interfaces_of
    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.diffusion.state_dependent import Formula
    >>> process = Overdamped(Potential("0*x"), Formula("1 - 0.9*heaviside(x)"))
    >>> psi = PiecewiseExponent(process, (-0.5, 0.0), interfaces_of(process, 2, [-1, -1], [1, 1]))
    >>> np.exp(psi.value(np.array([[-0.7, 0.7], [0.1, 0.1]]))).round(12).tolist()    # one over the density
    [1.0, 0.1]
    """

    process: Process
    centre: tuple[float, ...]
    interfaces: Interfaces
    scalar: bool = True
    box: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @cached_property
    def _field(self) -> DiffusionField:
        return self.process.field(len(self.centre))

    @property
    def _share(self) -> float:
        return 0.0 if self._field.constant else 1.0 - alpha_of(self.process)

    @cached_property
    def _free(self) -> bool:
        """Whether the formulas say that there is no noiseless drift."""
        if isinstance(self.process, Overdamped):
            formulas = self.process.potential.formulas
            return self.process.extra is None and bool(formulas) and not formulas[0].sympy.free_symbols
        whole = self.process.whole
        return whole is not None and bool(whole.formulas) and all(f.sympy == 0 for f in whole.formulas)

    def value(self, x: Floats) -> Floats:
        """Psi, (n,)."""
        points = np.asarray(x, dtype=np.float64)
        result = np.zeros(points.shape[1]) if self._free else self._phi(points)
        if self._share and self.scalar:
            with np.errstate(all="ignore"):
                at_centre = np.log(self._noise(np.array(self.centre)[:, None]))
                result = result + self._share * (np.log(self._noise(points)) - at_centre)
        return np.asarray(result)

    __call__ = value

    def gradient(self, x: Floats) -> Floats:
        """D^-1 ((1 - alpha) div D - a), (dim, n)."""
        points = np.asarray(x, dtype=np.float64)
        force = -self.process.noiseless_drift(points)
        if self._share:
            force = force + self._share * self._field.divergence(points)
        return solved(self._field.tensor(points), force)

    def hessian(self, x: Floats) -> Floats:
        """Its derivatives on one side, made symmetric, (dim, dim, n)."""
        jacobian = self.jacobian(x)
        return np.asarray(0.5 * (jacobian + jacobian.swapaxes(0, 1)))

    def jacobian(self, x: Floats) -> Floats:
        """d_j of component i of the gradient, (dim, dim, n): symmetric where detailed balance holds."""
        points = np.asarray(x, dtype=np.float64)
        if not self.scalar:
            return np.moveaxis(differences.gradient(self.gradient, points), 0, 1)
        noise = self._noise(points)
        slope = -self.process.noiseless_jacobian(points)
        force = -self.process.noiseless_drift(points)
        with np.errstate(all="ignore"):
            if self._field.constant:
                return np.asarray(slope / noise)
            gradient = self._field.divergence(points)
            if self._share:
                slope = slope + self._share * self._field.divergence_jacobian(points)
                force = force + self._share * gradient
            return np.asarray(slope / noise - force[:, None] * gradient[None] / noise**2)

    def _noise(self, points: Floats) -> Floats:
        return np.asarray(self._field.tensor(points)[0, 0])

    def _phi(self, points: Floats) -> Floats:
        """Phi, (n,): its integral along the line from the centre to every point."""
        by_potential = isinstance(self.process, Overdamped) and self.process.extra is None
        if self.scalar and by_potential and self._field.constant:
            both = np.concatenate([np.array(self.centre)[:, None], points], axis=1)
            values = self.process.potential.value(both)  # type: ignore[union-attr]
            return np.asarray((values[1:] - values[0]) / self._noise(both[:, :1]))
        if self.scalar and by_potential and self._flat:
            return self._over_levels(points)
        local = self._local
        inside = np.zeros(points.shape[1], dtype=bool) if local is None else local.inside(points)
        result = np.empty(points.shape[1])
        if local is not None and inside.any():
            result[inside] = local.value(points[:, inside])
        if not inside.all():
            result[~inside] = self._along(self._from_centre(points[:, ~inside]), points[:, ~inside])
        return result

    @cached_property
    def _local(self) -> LocalIntegrals | None:
        """Phi on patches of the box; None where there is none, or where few integrals settle."""
        if self.box is None or not 2 <= len(self.centre) <= 3:
            return None
        return local_integrals(self._integrand, self._along, self.interfaces, self.box, np.array(self.centre))

    def _from_centre(self, points: Floats) -> Floats:
        return np.broadcast_to(np.array(self.centre)[:, None], points.shape)

    def _along(self, starts: Floats, points: Floats, size: Floats | float = 1.0, *, partial: bool = False) -> Floats:
        """The integral of grad Phi, and its jumps, along the lines from ``starts`` (dim, n) to points, (n,).

        ``size`` is that of what it is added to, the rounding of which it need not be below; ``partial`` lets those that
        do not settle be not-a-number.
        """
        whole = np.broadcast_to(np.maximum(size, 1.0), points.shape[1:])
        breaks = self._breaks(starts, points)
        smooth = settled_integrals(
            lambda lines, pieces: self._integrated(starts[:, lines], points[:, lines], breaks[lines], pieces),
            np.asarray(whole),
            stretches=breaks.shape[1] - 1,
            partial=partial,
        )
        return self._jumps(starts, points, breaks) + smooth

    @cached_property
    def _flat(self) -> bool:
        """Whether the formulas say that D is constant between the surfaces, and V is continuous."""
        if not isinstance(self.process, Overdamped):
            return False
        noise, potential = getattr(self._field, "formulas", ()), self.process.potential.formulas
        slopes = (formula.derivative(axis).sympy for formula in noise for axis in range(len(self.centre)))
        return (
            bool(noise) and all(slope == 0 for slope in slopes) and bool(potential) and not can_jump(potential[0].sympy)
        )

    def _over_levels(self, points: Floats) -> Floats:
        """Phi = sum of (V(end) - V(start))/D over the stretches between crossings, (n,)."""
        breaks = self._breaks(self._from_centre(points), points)
        centre, potential = np.array(self.centre)[:, None], self.process.potential
        way, result = points - centre, np.zeros(points.shape[1])
        if potential is None:
            return result
        before = np.broadcast_to(potential.value(centre), result.shape)
        for start, stop in zip(breaks.T[:-1], breaks.T[1:], strict=True):
            after = potential.value(np.where(stop == 1.0, points, centre + stop * way))
            middle = centre + 0.5 * (start + stop) * way
            result += np.where(stop > start, (after - before) / self._noise(middle), 0.0)
            before = after
        return result

    def _breaks(self, starts: Floats, points: Floats) -> Floats:
        """Where the lines from ``starts`` cross surfaces, from 0 to 1 in order, filled up with ones; (n, k)."""
        columns = [np.zeros((points.shape[1], 1)), np.ones((points.shape[1], 1))]
        columns += [_crossings(surface, starts, points) for surface in self.interfaces.surfaces]
        breaks = np.sort(np.concatenate(columns, axis=1), axis=1)
        needed = (breaks < 1.0).any(axis=0)
        return breaks[:, : max(2, int(np.count_nonzero(needed)) + 1)]

    def _jumps(self, starts: Floats, points: Floats, breaks: Floats) -> Floats:
        """What the jumps of V on the way add, (n,)."""
        result = np.zeros(points.shape[1])
        if not isinstance(self.process, Overdamped) or not self.scalar:
            return result
        potential = self.process.potential
        for before_it, place in zip(breaks.T[:-2], breaks.T[1:-1], strict=True):
            # where two surfaces meet, the line crosses both at once
            inner = np.flatnonzero((place < 1.0 - 2.0 * BESIDE) & (place - before_it > 4.0 * BESIDE))
            if not len(inner):
                continue
            way = points[:, inner] - starts[:, inner]
            after, before = (starts[:, inner] + (place[inner] + side) * way for side in (BESIDE, -BESIDE))
            step = potential.value(after) - potential.value(before)
            # what a smooth V changes over so little is taken off, and a kink leaves nothing
            slope = 0.5 * (potential.gradient(after) + potential.gradient(before))
            step -= 2.0 * BESIDE * (slope * way).sum(axis=0)
            size = np.maximum(np.abs(potential.value(after)), np.abs(potential.value(before)))
            result[inner] += np.where(np.abs(step) > 1e-10 * size, step / self._noise(after), 0.0)
        return result

    def _integrand(self, points: Floats) -> Floats:
        if not self.scalar:
            return self.gradient(points)
        with np.errstate(all="ignore"):
            return np.asarray(-self.process.noiseless_drift(points) / self._noise(points))

    def _integrated(self, starts: Floats, points: Floats, breaks: Floats, pieces: int) -> Floats:
        nodes, weights = nodes_and_weights()
        shares = ((np.arange(pieces)[:, None] + nodes) / pieces).ravel()
        width = np.diff(breaks, axis=1)
        t = (breaks[:, :-1, None] + width[:, :, None] * shares).reshape(len(breaks), -1)
        way = points - starts
        along = (starts[:, :, None] + way[:, :, None] * t).reshape(len(points), -1)
        force = self._integrand(along)
        slope = np.einsum("in,int->nt", way, force.reshape(len(points), points.shape[1], -1))
        parts = slope.reshape(*width.shape, -1) @ np.tile(weights / pieces, pieces)
        return np.asarray(np.where(width > 0.0, width * parts, 0.0).sum(axis=1))


def can_jump(tree: Any) -> bool:
    """Whether a formula can jump: it holds a step, or a choice."""
    from sympy import preorder_traversal

    return any(type(part).__name__ in (*STEPS, *CHOICES) for part in preorder_traversal(tree))


def _crossings(surface: Set, centre: Floats, points: Floats) -> Floats:
    """Where the lines from ``centre`` (dim, n) to ``points`` cross a surface, in units of the line; else one."""
    way = points - centre
    if isinstance(surface, HalfSpace):
        start, end = surface.level(centre), surface.level(points)
        with np.errstate(all="ignore"):
            return np.where(start * end < 0.0, start / (start - end), 1.0)[:, None]
    if isinstance(surface, Ball):
        offset = centre - np.asarray(surface.center)[:, None]
        square, half = (way**2).sum(axis=0), (way * offset).sum(axis=0)
        with np.errstate(all="ignore"):
            root = np.sqrt(half**2 - square * ((offset**2).sum(axis=0) - surface.radius**2))
            both = np.stack([(-half - root) / square, (-half + root) / square], axis=1)
        return np.where((both > 0.0) & (both < 1.0), both, 1.0)
    grid = np.linspace(0.0, 1.0, INTERVALS + 1)
    along = (centre[:, :, None] + way[:, :, None] * grid).reshape(len(points), -1)
    levels = surface.level(along).reshape(points.shape[1], -1)
    # a zero at one of these places counts as inside: neither product with its neighbours is negative
    positive, before = levels > 0.0, levels[:, :-1]
    line, interval = np.nonzero((positive[:, :-1] != positive[:, 1:]) & ~np.isnan(before * levels[:, 1:]))
    if not len(line):
        return np.ones((points.shape[1], 0))
    low, high = grid[interval], grid[interval + 1]
    beyond, starts = positive[line, interval], np.broadcast_to(centre, points.shape)[:, line]
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        same = (surface.level(starts + middle * way[:, line]) > 0.0) == beyond
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    rank = np.arange(len(line)) - np.searchsorted(line, line)
    result = np.ones((points.shape[1], int(np.max(rank)) + 1))
    result[line, rank] = 0.5 * (low + high)
    return result
