"""How far a well or a saddle is from a parabola, in units of epsilon: the honest error of Laplace's method there.

Along an eigenvector e of the Hessian with the eigenvalue h

    int exp(-+(Phi(x + t e) - Phi(x))) dt   stands beside   sqrt(2 pi / |h|),

with the minus where Phi rises.  To first order in the noise the logarithm of their ratio is the term that follows the
formula, ``5 Phi'''^2/(24 |h|^3) -+ Phi''''/(8 h^2)``; where a steep layer is narrower than the Gaussian, derivatives at
the point know nothing of the rest, but the integral does.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import expm1, log, pi

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint
from fokker_planck.quantity.light_dataclasses import replace

SAFETY = 1.2
"""On the deviations along the axes, each on its own: terms that mix them are about as large (the three-hole potential,
Mueller and Brown's, a turned quartic well)."""
SAMPLES = 600
"""On each side, in geometric steps: quadrature to 1e-4, while formulas are right to percents."""
NEAREST, FURTHEST = 1e-3, 1e4
"""In widths 1/sqrt(|h|): a layer of a hundredth of the width that a well has beyond it is still seen whole."""
TURN = 0.3
"""Units of epsilon by which the integrand may rise again: beyond that another well, or another saddle, begins."""
PARTS, AT_ONCE = 12, 4
"""In which the steps are taken, the nearest first: most are not needed, and what is far out is in no domain. So many,
up to a fifth of a width, always are."""
NEGLIGIBLE = 40.0
"""Units of epsilon above the point, beyond which exp(-40) = 4e-18 of the integrand is left: nothing beside 1."""


def deviation(point: CriticalPoint, exponent: Function, frame: Frame) -> float:
    """Sum over the axes of |log of the integral over that of the parabola|; infinite where it is not known.

    >>> from types import SimpleNamespace
    >>> quartic = SimpleNamespace(value=lambda x: 100.0 * (x[0]**2 - 1)**2)       # (x**2 - 1)**2/4 at eps = 1/400
    >>> well = CriticalPoint((1.0,), 0.0, ((800.0,),), (800.0,), "minimum")
    >>> round(400 * deviation(well, quartic, Frame((-2.0,), (2.0,), (None,))), 2)  # 0.75 to first order
    0.81
    """
    if point.degenerate:
        return float("inf")
    basis = np.eye(len(point.position))
    if point.wall_normals:
        normals = np.array(point.wall_normals)
        basis = np.linalg.qr(normals.T, mode="complete")[0][:, len(normals) :]
    if not basis.shape[1]:
        return 0.0
    curvatures, axes = np.linalg.eigh(basis.T @ np.array(point.hessian) @ basis)
    total = 0.0
    for curvature, axis in zip(curvatures.tolist(), (basis @ axes).T, strict=True):
        if curvature == 0.0:
            return float("inf")
        found = sum(_half(point, exponent, frame, side * axis, curvature) for side in (-1.0, 1.0))
        total += abs(log(found * np.sqrt(abs(curvature) / (2.0 * pi)))) if found > 0.0 else float("inf")
    return total


def neglected(points: Iterable[CriticalPoint], exponent: Function, frame: Frame) -> float:
    """Relative error of a product of Gaussian integrals at several critical points, with a margin."""
    total = SAFETY * sum(deviation(point, exponent, frame) for point in points)
    return expm1(min(total, 700.0)) if np.isfinite(total) else float("inf")


def _half(point: CriticalPoint, exponent: Function, frame: Frame, direction: Floats, curvature: float) -> float:
    """The integral on one side, as far as the integrand falls and there is a domain."""
    steps = np.concatenate([[0.0], np.geomspace(NEAREST, FURTHEST, SAMPLES)]) / np.sqrt(abs(curvature))
    rise, ended = np.zeros(1), False
    parts = np.array_split(np.arange(1, len(steps)), PARTS)
    for part in [np.concatenate(parts[:AT_ONCE]), *parts[AT_ONCE:]]:
        # an exponent that is an integral along lines need not exist where nothing of the integrand is left
        rise = np.concatenate([rise, _rise(point, exponent, frame, direction[:, None] * steps[part], curvature)])
        lost = ~np.isfinite(rise)
        turned = rise < np.maximum.accumulate(np.where(lost, -np.inf, rise)) - TURN
        ends = turned | lost | (rise > NEGLIGIBLE)
        ended = bool(ends.any())
        if ended:
            break
    end = int(np.argmax(ends)) if ended else len(steps)
    if ended and turned[end]:
        end = int(np.argmax(rise[:end])) + 1
    values = np.exp(-np.maximum(rise[:end], -NEGLIGIBLE))
    return float(np.sum(0.5 * (values[1:] + values[:-1]) * np.diff(steps[:end])))


def _rise(point: CriticalPoint, exponent: Function, frame: Frame, away: Floats, curvature: float) -> Floats:
    """By how much the exponent is above the point, or below a saddle, at steps ``away`` (dim, n); NaN beyond walls."""
    x = point.x[:, None] + away
    held = replace(frame, box=True).holds(x)
    if frame.hold is not None:
        held &= np.linalg.norm(frame.hold(x) - x, axis=0) <= 1e-6 * frame.extent
    lengths = [period for period in frame.periods if period is not None]
    if lengths:
        held &= np.linalg.norm(away, axis=0) <= 0.5 * min(lengths)
    here = np.where(held, frame.wrapped(x), point.x[:, None])
    with np.errstate(all="ignore"):
        return np.where(held, np.sign(curvature) * (exponent.value(here) - point.value), np.nan)


__all__ = ["deviation", "neglected"]
