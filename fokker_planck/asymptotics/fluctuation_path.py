"""A fluctuation path to high accuracy: Hamilton's equations between an attractor and a saddle, or another point.

``x' = H_p``, ``p' = -H_x`` from the unstable manifold of the attractor, on which p = grad W, to the stable manifold of
the saddle; both are known to second order near their fixed points.  A relaxed string is the first guess.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.asymptotics.path_boundary import BoundaryProblem, Ends, ends_of, energy
from fokker_planck.asymptotics.quasipotential import SmallNoise
from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

RADII = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Where the linear theory at the fixed points takes over, as fractions of their distance, in turn."""
LARGEST_RADIUS = 0.01
"""With a larger one nothing is reported."""
ROUGH, ROUGHER = 1e-5, 1e-3
"""Tolerances of the collocation before the last radius, whose path may be all that is found, and beyond
``LARGEST_RADIUS``: with 1e-5 there, too, actions of rotated wells and Maier and Stein's drift (alpha 1, 3, 5) are the
same to 13 digits, and it takes a sixteenth longer."""
MOST_NODES = 10_000
"""Of the collocation, where it gives up: the paths of a rotated well and of Maier and Stein's drift take 400 to
1,200."""
FINE = 4001
"""Points at which a path is handed on and its action summed: 1,001 to 8,001 of them change the action of the rotated
quartic well by less than 1e-12."""


@dataclass(frozen=True)
class ActionPath:
    """A curve of stationary action with its momentum.

    Parameters
    ----------
    action
        the difference of W between its ends
    error
        estimate of the error of the action
    times
        (n,), of the points; the ends of the curve itself are infinitely early and late
    points
        x, (dim, n)
    momenta
        p = grad W, (dim, n)
    start, end
        the two points that it joins
    to_saddle
        whether the end is a fixed point
    """

    action: float
    error: float
    times: Floats
    points: Floats
    momenta: Floats
    start: tuple[float, ...]
    end: tuple[float, ...]
    to_saddle: bool


@dataclass(frozen=True)
class String:
    """A string at equal distances, with speed and momentum, and its action."""

    points: Floats
    speed: Floats
    momenta: Floats
    action: float


def collocated(noise: SmallNoise, relaxed: String, first: Floats, last: Floats, tolerance: float) -> ActionPath:
    """Solve Hamilton's equations in time, from a small ellipsoid around the start to a sphere around the end.

    The ellipsoid and the sphere shrink in steps, so that each solution is a good guess of the next.
    """
    size = len(first)
    ends = ends_of(noise, first, last)
    if size == 1:
        radius = RADII[-1]
        return _assembled(noise, *_uphill(noise, ends, radius), ends, radius, tolerance, relaxed.action)
    times, state = _first_guess(relaxed, RADII[0], ends.way_in is not None)
    radius = RADII[0]
    for number, smaller in enumerate(RADII):
        rough = ROUGHER if smaller > LARGEST_RADIUS else ROUGH
        try:
            guess = _prolonged(times, state, ends, smaller) if number > 0 else (times, state)
            times, state = _solved(noise, *guess, ends, smaller, tolerance if smaller == RADII[-1] else rough)
        except ConvergenceError:
            if radius > LARGEST_RADIUS:
                raise
            tolerance = ROUGH
            break
        radius = smaller
    return _assembled(noise, times, state, ends, radius, tolerance, relaxed.action)


def _uphill(noise: SmallNoise, ends: Ends, fraction: float) -> tuple[Floats, Floats]:
    """On a line the way up is that down, backwards: ``x' = -b``, ``p = -b/a``."""
    from scipy.integrate import solve_ivp

    radius = fraction * ends.span
    side = float(np.sign(ends.last[0] - ends.first[0]))
    stop = ends.last[0] - side * (radius if ends.way_in is not None else 0.0)

    def arrived(t: float, x: Floats) -> float:
        return float(side * (stop - x[0]))

    arrived.terminal = True  # type: ignore[attr-defined]
    begin = ends.first + side * radius
    longest = 1e4 / float(np.abs(ends.growth).max())
    path = solve_ivp(
        lambda t, x: -noise.drift(x[:, None])[:, 0],
        (0.0, longest),
        begin,
        "DOP853",
        rtol=1e-12,
        atol=1e-14 * ends.span,
        events=arrived,
        dense_output=True,
    )
    if path.status != 1:
        raise ConvergenceError(f"the drift does not come from {ends.last} to {ends.first}", "take a point of its basin")
    times = np.linspace(0.0, path.t[-1], FINE)
    x = path.sol(times)
    return times, np.concatenate([x, -noise.drift(x) / noise.a(x)[0]])


def _assembled(
    noise: SmallNoise,
    times: Floats,
    state: Floats,
    ends: Ends,
    radius: float,
    tolerance: float,
    rough_action: float,
) -> ActionPath:
    """The path with its action, that of the pieces at the fixed points included."""
    size, first, last = len(ends.first), ends.first, ends.last
    x, p = state[:size], state[size:]
    action = _simpson(np.einsum("in,in->n", p, noise.velocity(x, p)), times[1])
    away = x[:, 0] - first
    action += 0.5 * float(away @ ends.shape @ away) + float(np.einsum("ijk,i,j,k", ends.twist, away, away, away)) / 6.0
    action += 0.5 * float(p[:, -1] @ (last - x[:, -1])) if ends.way_in is not None else 0.0
    excess = float(np.abs(energy(noise, x, p)).max())
    error = float(times[-1]) * excess + (10.0 * radius**3 + tolerance) * abs(action)
    if not abs(action - rough_action) < 0.05 * abs(rough_action) + error:
        raise ConvergenceError(
            f"relaxation found the action {rough_action:.6g}, collocation {action:.6g}", "begin with a better guess"
        )
    return ActionPath(action, error, times, x, p, tuple(first.tolist()), tuple(last.tolist()), ends.way_in is not None)


def _solved(
    noise: SmallNoise, times: Floats, state: Floats, ends: Ends, fraction: float, tolerance: float
) -> tuple[Floats, Floats]:
    from scipy.integrate import solve_bvp

    asked = BoundaryProblem(noise, ends, fraction)
    with np.errstate(all="ignore"):
        solution: Any = solve_bvp(
            asked.equations,
            asked.conditions,
            times / times[-1],
            state,
            p=[times[-1], 0.0],
            fun_jac=asked.slopes,
            bc_jac=asked.slopes_of_conditions,
            tol=tolerance,
            max_nodes=MOST_NODES,
        )
    if not solution.success:
        raise ConvergenceError(
            f"the equations of a minimum-action path were not solved: {solution.message}",
            "the way may lead past another fixed point or a cycle",
        )
    fine = np.linspace(0.0, 1.0, FINE)
    return float(solution.p[0]) * fine, np.asarray(solution.sol(fine))


def _prolonged(times: Floats, state: Floats, ends: Ends, fraction: float) -> tuple[Floats, Floats]:
    """A path continued at both ends by the linear theory, to smaller distances."""
    from scipy.linalg import expm

    size, radius = len(ends.first), fraction * ends.span
    away = state[:size, 0] - ends.first
    level = radius**2 * float(np.linalg.eigvalsh(ends.shape)[0])
    backward = expm(-ends.growth * 0.02 / float(np.linalg.norm(ends.growth)))
    before = [away]
    while before[-1] @ ends.shape @ before[-1] > level:
        before.append(backward @ before[-1])
    left = np.array(before[:0:-1]).T
    count = left.shape[1]
    lead = 0.02 / float(np.linalg.norm(ends.growth))
    head = np.concatenate([ends.first[:, None] + left, ends.shape @ left])
    parts_t, parts = [lead * np.arange(count), count * lead + times], [head, state]
    if ends.way_in is not None:
        way_in = ends.way_in
        lag = 0.02 / float(np.linalg.norm(way_in.stable))
        forward = expm(way_in.stable * lag)
        sigma = [way_in.left @ np.append(state[:size, -1] - ends.last, state[size:, -1])]
        while np.linalg.norm(way_in.basis[:size] @ sigma[-1]) > radius:
            sigma.append(forward @ sigma[-1])
        tail = way_in.basis @ np.array(sigma[1:]).reshape(-1, size).T
        tail[:size] += ends.last[:, None]
        parts_t.append(parts_t[-1][-1] + lag * np.arange(1, len(sigma)))
        parts.append(tail)
    times, state = np.concatenate(parts_t), np.concatenate(parts, axis=1)
    chosen = np.unique(np.linspace(0, len(times) - 1, 400).astype(int))
    return times[chosen], state[:, chosen]


def _first_guess(relaxed: String, near: float, to_saddle: bool) -> tuple[Floats, Floats]:
    """Times and states on the relaxed string, a little off its ends."""
    s = np.linspace(0.0, 1.0, relaxed.points.shape[1])
    where = np.linspace(near, 1.0 - near if to_saddle else 1.0, 400)
    x, p = ([np.interp(where, s, row) for row in rows] for rows in (relaxed.points, relaxed.momenta))
    speed = np.interp(where, s, relaxed.speed)
    pace = 0.5 * (1.0 / speed[1:] + 1.0 / speed[:-1])
    return np.concatenate([[0.0], np.cumsum(np.diff(where) * pace)]), np.array([*x, *p])


def _simpson(values: Floats, step: float) -> float:
    return float(step / 3.0 * (values[0] + values[-1] + 4.0 * values[1:-1:2].sum() + 2.0 * values[2:-1:2].sum()))
