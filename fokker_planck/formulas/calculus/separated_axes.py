"""A function that is a sum over groups of coordinates, phi(x) = sum_g phi_g(x_g), from its gradient.

A gradient of which every component depends on a few coordinates alone is that of such a sum: noise that follows the
Hessian of V(x) + W(y) + U(z), say.  Each group takes polynomials of its own, on an axis where others need a box of
patches: twelve points an axis and patch are thousands in space, and a wave or two of every coordinate more of them than
can be sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.calculus.chebyshev_patches import ChebyshevPatches, from_gradient
from fokker_planck.quantity.light_dataclasses import dataclass

PROBES = 32
"""Points at which every coordinate is changed in turn: a component depends on it where one of these shows it.  What all
of them miss is found where the polynomials are held against integrals."""
INDEPENDENT = 1e-13
"""Of a component, for what rounding makes of it while a coordinate changes on which it does not depend."""


@dataclass(frozen=True)
class SeparatedPatches:
    """The sum of ``parts``, each with the coordinates that it depends on."""

    parts: tuple[tuple[tuple[int, ...], ChebyshevPatches], ...]

    def inside(self, x: Floats) -> Booleans:
        """Which points (dim, n) lie in the box."""
        points = np.asarray(x)
        return np.asarray(np.all([part.inside(points[list(axes)]) for axes, part in self.parts], axis=0))

    def value(self, x: Floats) -> Floats:
        """The function at points (dim, n) of the box, (n,)."""
        points = np.asarray(x)
        return np.asarray(np.sum([part.value(points[list(axes)]) for axes, part in self.parts], axis=0))

    def derivative(self, x: Floats, orders: Sequence[int]) -> Floats:
        """A partial derivative at points (dim, n) of the box, (n,): none of two groups together."""
        points, differentiated = np.asarray(x), {axis for axis, order in enumerate(orders) if order}
        if not differentiated:
            return self.value(points)
        for axes, part in self.parts:
            if differentiated <= set(axes):
                return part.derivative(points[list(axes)], [orders[axis] for axis in axes])
        return np.zeros(points.shape[1])


def from_separated_gradient(
    gradient: Callable[[Floats], Floats], lower: Sequence[float], upper: Sequence[float], centre: Sequence[float]
) -> SeparatedPatches | None:
    """phi with grad phi = ``gradient`` and phi(``centre``) = 0; None where it is no such sum, or is not smooth enough.

    >>> apart = from_separated_gradient(lambda x: np.array([np.cos(x[0]), 2 * x[1]]), (0, 0), (3, 1), (0, 0))
    >>> round(float(apart.value(np.array([[2.0], [0.5]]))[0]), 12), round(float(np.sin(2.0) + 0.25), 12)
    (1.159297426826, 1.159297426826)
    >>> from_separated_gradient(lambda x: np.array([x[1], x[0]]), (0, 0), (3, 1), (0, 0)) is None
    True
    """
    groups = _groups(gradient, np.array(lower, dtype=float), np.array(upper, dtype=float))
    if len(groups) < 2:
        return None
    parts = []
    for axes in groups:
        found = from_gradient(
            _component(gradient, axes, centre), *([end[k] for k in axes] for end in (lower, upper, centre))
        )
        if found is None:
            return None
        parts.append((axes, found))
    return SeparatedPatches(tuple(parts))


def _component(
    gradient: Callable[[Floats], Floats], axes: tuple[int, ...], centre: Sequence[float]
) -> Callable[[Floats], Floats]:
    """The components of a gradient along some axes as a function of these coordinates, the others at the centre."""

    def along(part: Floats) -> Floats:
        points = np.tile(np.array(centre, dtype=float)[:, None], part.shape[1])
        points[list(axes)] = part
        return np.asarray(gradient(points))[list(axes)]

    return along


def _groups(gradient: Callable[[Floats], Floats], lower: Floats, upper: Floats) -> list[tuple[int, ...]]:
    """The coordinates in groups of which the components of the gradient along others do not depend."""
    dimension, rng = len(lower), np.random.default_rng(3)
    points = lower[:, None] + (upper - lower)[:, None] * rng.uniform(0.0, 1.0, (dimension, PROBES))
    values = np.asarray(gradient(points))
    together = np.eye(dimension, dtype=bool)
    for axis in range(dimension):
        moved = points.copy()
        moved[axis] = lower[axis] + (upper - lower)[axis] * rng.uniform(0.0, 1.0, PROBES)
        apart = np.abs(np.asarray(gradient(moved)) - values).max(axis=1)
        # not a number counts as dependent
        depends = ~(apart <= INDEPENDENT * np.abs(values).max(axis=1))
        together[axis] |= depends
        together[:, axis] |= depends
    for _ in range(dimension):
        together = (together.astype(int) @ together.astype(int)) > 0
    return sorted({tuple(np.flatnonzero(row).tolist()) for row in together})
