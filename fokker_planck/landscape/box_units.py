"""Long boxes in units of their edges: x = S z with S = diag(edges) / longest edge, so that z is in a cube.

Searches and flows measure steps, distances and errors by one length for all axes. In a box of 4 by 40,000 that length
is the long edge, beside which wells along the short axis vanish; in the units of the edges none does.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle
from fokker_planck.quantity.light_dataclasses import dataclass, replace

LONG = 8.0
"""Ratio of edges from which a box is long: below it 151 samples an axis still see wells of the shorter one."""


def units_of(frame: Frame) -> Floats | None:
    """The diagonal of S, (dim,), for a frame that is a box; None where no edge is much longer than another."""
    if not frame.box:
        return None
    edges = np.array(frame.upper) - np.array(frame.lower)
    if not edges.min() > 0.0 or edges.max() <= LONG * edges.min():
        return None
    return np.asarray(edges / edges.max())


def frame_in(frame: Frame, units: Floats) -> Frame:
    """The same frame around z."""
    periods = [None if p is None else p / s for p, s in zip(frame.periods, units.tolist(), strict=True)]
    return replace(
        frame,
        lower=tuple((np.array(frame.lower) / units).tolist()),
        upper=tuple((np.array(frame.upper) / units).tolist()),
        periods=tuple(periods),
    )


@dataclass(frozen=True)
class InUnits:
    """f(S z) and its derivatives with respect to z."""

    function: Function
    units: Floats

    def value(self, z: Floats) -> Floats:
        """f, (n,)."""
        return self.function.value(z * self.units[:, None])

    def rounding(self, z: Floats) -> Floats:
        """What f knows of its own rounding, (n,); none where it takes no finite differences."""
        known = getattr(self.function, "rounding", None)
        return np.zeros(z.shape[1]) if known is None else np.asarray(known(z * self.units[:, None]))

    def gradient(self, z: Floats) -> Floats:
        """S grad f, (dim, n)."""
        return self.units[:, None] * self.function.gradient(z * self.units[:, None])

    def hessian(self, z: Floats) -> Floats:
        """S Hess f S, (dim, dim, n)."""
        outer = self.units[:, None] * self.units
        return outer[:, :, None] * self.function.hessian(z * self.units[:, None])

    @property
    def dear_hessian(self) -> bool:
        """Whether the other Hessian is worth having."""
        return bool(getattr(self.function, "dear_hessian", False))

    def rough_hessian(self, z: Floats) -> Floats:
        """The same to some digits, where f has a cheaper one."""
        rough = getattr(self.function, "rough_hessian", self.function.hessian)
        outer = self.units[:, None] * self.units
        return np.asarray(outer[:, :, None] * rough(z * self.units[:, None]))


@dataclass(frozen=True)
class FlowInUnits:
    """The flow dx/dt = -a(x) as one of z: dz/dt = -S^-1 a(S z), with -a and its Jacobian as ``Function`` names them."""

    function: Function
    units: Floats

    def value(self, z: Floats) -> Floats:
        """f, (n,)."""
        return self.function.value(z * self.units[:, None])

    def gradient(self, z: Floats) -> Floats:
        """S^-1 a, (dim, n)."""
        return self.function.gradient(z * self.units[:, None]) / self.units[:, None]

    def hessian(self, z: Floats) -> Floats:
        """S^-1 (Da) S, (dim, dim, n)."""
        outer = self.units / self.units[:, None]
        return outer[:, :, None] * self.function.hessian(z * self.units[:, None])


def landscape_in(landscape: Landscape, units: Floats, frame: Frame) -> Landscape:
    """A landscape that was found around z, around x = S z; ``frame`` is that of x."""
    minima = tuple(_point_in(point, units) for point in landscape.minima)
    saddles = tuple(_saddle_in(saddle, units) for saddle in landscape.saddles)
    return Landscape(minima, saddles, frame)


def _point_in(point: CriticalPoint, units: Floats) -> CriticalPoint:
    hessian = np.array(point.hessian) / (units[:, None] * units)
    held = [n for n, slope in zip(point.wall_normals, point.wall_slopes, strict=True) if slope > 0.0]
    free = np.array([axis for axis in range(len(units)) if not any(normal[axis] for normal in held)], dtype=np.int64)
    slopes = [s / abs(units @ n) for s, n in zip(point.wall_slopes, point.wall_normals, strict=True)]
    eigenvalues = np.linalg.eigvalsh(hessian[np.ix_(free, free)]) if len(free) else np.zeros(0)
    return replace(
        point,
        position=tuple((point.x * units).tolist()),
        hessian=tuple(tuple(row) for row in hessian.tolist()),
        hessian_eigenvalues=tuple(eigenvalues.tolist()),
        wall_slopes=tuple(float(slope) for slope in slopes),
        uncertainty=point.uncertainty * float(units.max()),
    )


def _saddle_in(saddle: Saddle, units: Floats) -> Saddle:
    point = _point_in(saddle, units)
    direction = np.array(saddle.unstable_direction) * units
    eigenvalues, vectors = np.linalg.eigh(np.array(point.hessian))
    if not saddle.wall_normals and not saddle.degenerate and eigenvalues[0] < 0.0:
        direction = vectors[:, 0] * np.sign(vectors[:, 0] @ (direction / units**2))
    direction = direction / np.linalg.norm(direction)
    return replace(point, unstable_direction=tuple(direction.tolist()))  # type: ignore[return-value,call-arg]
