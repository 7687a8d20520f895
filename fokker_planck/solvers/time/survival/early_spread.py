"""What has become of a point at the first time that is asked for, and on the way: a mesh has to be as fine as that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.initial import AtPoint, Gaussian, Initial
from fokker_planck.model.problem import Problem
from fokker_planck.solvers.setting.setting import Setting

STEPS = 64
"""Of Runge and Kutta on that way: places are to be right to less than a standard deviation."""


def early_places(setting: Setting, initial: Initial, first: float, narrowing: float = 1.0) -> tuple[Gaussian, ...]:
    """What has become of a point at the ``first`` time, and on its way there without noise; none if as wide as all.

    On a mesh that is coarse on the way down what is beside the point is carried along and grows: from 200 units of
    epsilon up 6e-4 of the mass had gone elsewhere.
    """
    if not isinstance(initial, AtPoint):
        return ()
    point = np.array(initial.point)[:, None]
    tensor = narrowing * np.asarray(setting.diffusion.tensor(point))[..., 0]
    widths = np.subtract(*setting.problem.bounding_box()[::-1])
    degenerate = is_degenerate(setting.problem)
    if degenerate:
        spread = spread_by_flow(setting.problem.process.noiseless_jacobian(point)[..., 0], tensor, first)
    else:
        spread = 2.0 * first * tensor
    if not (np.diag(spread) < widths**2).all():
        return ()
    way = [point[:, 0]] if degenerate else _carried(setting.problem, point, first, spread)
    covariance, periods = tuple(map(tuple, spread.tolist())), setting.problem.periods
    return tuple(Gaussian(tuple(place.tolist()), covariance, periods) for place in way)


def _carried(problem: Problem, point: Floats, first: float, spread: Floats) -> list[Floats]:
    """Places on the way of a point (dim, 1) without noise, a standard deviation of the ``spread`` apart or more."""

    def drift(x: Floats) -> Floats:
        return np.asarray(problem.process.drift(x, problem.dimension))

    inverse, step, places = np.linalg.inv(spread), first / STEPS, [point[:, 0]]
    for _ in range(STEPS):
        point = runge_kutta(drift, point, step)
        if not (np.isfinite(point).all() and problem.contains(point)[0]):
            break
        away = point[:, 0] - places[-1]
        if away @ inverse @ away >= 1.0:
            places.append(point[:, 0])
    return places


def runge_kutta(slope: Callable[[Floats], Floats], y: Floats, step: float) -> Floats:
    """y at the end of one step of y' = ``slope(y)``, to order 4.

    >>> float(runge_kutta(lambda y: -y, np.array([1.0]), 0.1)[0])          # exp(-0.1) = 0.9048374180
    0.9048375
    """
    one = slope(y)
    two = slope(y + 0.5 * step * one)
    three = slope(y + 0.5 * step * two)
    return y + step / 6.0 * (one + 2.0 * two + 2.0 * three + slope(y + step * three))


def spread_by_flow(jacobian: Floats, tensor: Floats, t: float) -> Floats:
    """int_0^t exp(J s) 2 D exp(J^T s) ds, which is regular where D is not.

    Source: Van Loan, IEEE Trans. Automat. Control 23 (1978) 395.

    >>> spread_by_flow(np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([0.0, 0.5]), 2.0).round(12).tolist()
    [[2.666666666667, 2.0], [2.0, 2.0]]
    """
    from scipy.linalg import expm

    size = len(tensor)
    block = expm(t * np.block([[-jacobian, 2.0 * tensor], [np.zeros_like(tensor), jacobian.T]]))
    spread = block[size:, size:].T @ block[:size, size:]
    return np.asarray(0.5 * (spread + spread.T))
