"""The most probable way from an attractor to a saddle, or anywhere else, against a drift: minimum-action paths.

The quasipotential is ``W = inf int p . dx``: the least of the geometric action

``S = 1/2 int (|phi'|_a |b|_a - <phi', b>_a) ds``,  ``<u, v>_a = u . a^-1 v``,

over the curves phi between two points.  Found in two steps: a string of points relaxes by the geometric minimum action
method (Heymann and Vanden-Eijnden, Comm. Pure Appl. Math. 61 (2008) 1052); then collocation solves Hamilton's equations
``x' = H_p, p' = -H_x`` between the unstable manifold of the attractor and the stable manifold of the saddle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fokker_planck.asymptotics.fluctuation_path import ActionPath, String, collocated
from fokker_planck.asymptotics.quasipotential import SmallNoise
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats

POINTS = 201
"""On the curve that is relaxed, a guess for the collocation only: 101 and 401 end in the same action to 1e-15 and cost
the same 0.6 to 1 s."""
RELAXATIONS = 6000
"""Steps after which a guess is handed on unsettled: those that settle took 6 to 221 (rotated quartic well, Maier and
Stein's drift), 6,000 cost some ten seconds."""
PACE = 1.0
"""Of the slowest time of the drift, the step of a relaxation at first: half of it is taken where the action rises. With
0.1 the rotated quartic well takes 272 steps, with 0.3 as many as 95, in place of 40; actions of it and of Maier and
Stein's drift (alpha 1, 3 and 5) are the same to 13 digits."""
SAME = 0.01
"""Of the distance, so near to each other two curves are one: those that end on one path differ by 1e-4."""
BENDS = (0.0, 0.3, -0.3)
"""Amplitudes of the first guesses, in units of the distance: the straight line alone may be a maximum across."""


def minimum_action_path(
    noise: SmallNoise,
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    guess: npt.ArrayLike | None = None,
    tolerance: float = 1e-8,
) -> ActionPath:
    """The path of least action from an attractor to a saddle, or to a point in its basin.

    Parameters
    ----------
    noise
        b and a.
    start
        the attractor, (dim,).
    end
        the saddle, or another point.
    guess
        a first curve (dim, m) from one to the other; the straight line and bent ones if not given.
    tolerance
        of the collocation.

    Raises
    ------
    ProblemError
        The start is no fixed point.
    ConvergenceError
        Neither relaxation nor collocation settled.

    Examples
    --------
    >>> def jacobian(x):
    ...     return np.array([[1 - 3 * x[0]**2, 0 * x[0]], [0 * x[0], -1 + 0 * x[0]]])
    >>> gradient = SmallNoise(lambda x: np.array([x[0] - x[0]**3, -x[1]]), jacobian)
    >>> round(minimum_action_path(gradient, [-1.0, 0.0], [0.0, 0.0]).action, 9)  # the barrier of (x**2 - 1)**2/4
    0.25
    """
    return minimum_action_paths(noise, start, end, guess, tolerance)[0]


def minimum_action_paths(
    noise: SmallNoise,
    start: npt.ArrayLike,
    end: npt.ArrayLike,
    guess: npt.ArrayLike | None = None,
    tolerance: float = 1e-8,
) -> tuple[ActionPath, ...]:
    """All paths that the guesses led to, the least action first; paths that a symmetry maps to each other all count."""
    first, last = (np.atleast_1d(np.asarray(point, dtype=float)) for point in (start, end))
    if first.shape != last.shape or not np.linalg.norm(last - first) > 0.0:
        raise ProblemError(
            "end", last.tolist(), f"another point than the start {first.tolist()}, of the same dimension"
        )
    span = float(np.linalg.norm(last - first))
    slope = float(np.abs(noise.J(first[:, None])).max())
    if float(np.linalg.norm(noise.drift(first[:, None]))) > 1e-7 * slope * span:
        raise ProblemError("start", first.tolist(), "a fixed point of the drift")
    if np.linalg.eigvals(noise.J(first[:, None])[:, :, 0]).real.max() >= 0.0:
        raise ProblemError("start", first.tolist(), "an attractor")
    curves = [np.asarray(guess, dtype=float)] if guess is not None else _guesses(first, last)
    strings: list[String] = []
    found: list[ActionPath] = []
    failures: list[tuple[float, ConvergenceError]] = []
    for curve in curves:
        string = _relaxed(noise, curve, strings)
        if string is None or any(_same(string.points, other.points, span) for other in strings):
            continue
        strings.append(string)
        try:
            path = collocated(noise, string, first, last, tolerance)
        except ConvergenceError as error:
            failures.append((string.action, error))
            continue
        if not any(_same(path.points, other.points, span) for other in found):
            found.append(path)
    least = min((path.action for path in found), default=np.inf)
    for action, failure in failures:
        # A path that was lost may not be passed over for one of more action.
        if action < least * (1.0 - 1e-3):
            raise failure
    return tuple(sorted(found, key=lambda path: path.action))


def _guesses(first: Floats, last: Floats) -> list[Floats]:
    s = np.linspace(0.0, 1.0, POINTS)
    line = first[:, None] + (last - first)[:, None] * s
    if len(first) == 1:
        return [line]
    along = (last - first) / np.linalg.norm(last - first)
    across = np.linalg.svd(along[None, :])[2][1:]
    span = float(np.linalg.norm(last - first))
    curves = [line]
    for normal in across:
        curves += [line + bend * span * normal[:, None] * np.sin(np.pi * s) for bend in BENDS if bend != 0.0]
    return curves


def _same(one: Floats, other: Floats, span: float) -> bool:
    """Whether the middle of each of two curves lies on the other."""
    middle = [curve[:, curve.shape[1] // 2][:, None] for curve in (one, other)]
    gaps = [np.linalg.norm(a - b, axis=0).min() for a, b in zip((one, other), reversed(middle), strict=True)]
    return bool(max(gaps) < SAME * span)


def geometric_action(noise: SmallNoise, curve: Floats) -> float:
    """S of a curve given by points (dim, n), by the midpoint rule.

    >>> gradient = SmallNoise(lambda x: -x)
    >>> round(geometric_action(gradient, np.linspace(0.0, 1.0, 11)[None]), 12)
    0.5
    """
    middle, step = 0.5 * (curve[:, 1:] + curve[:, :-1]), np.diff(curve, axis=1)
    inverse, drift = noise.a_inverse(middle), noise.drift(middle)
    turned, turned_drift = _turned(inverse, step), _turned(inverse, drift)
    lengths = np.sqrt((step * turned).sum(axis=0) * (drift * turned_drift).sum(axis=0))
    return float(0.5 * np.sum(lengths - (step * turned_drift).sum(axis=0)))


def _turned(inverse: Floats, vectors: Floats) -> Floats:
    """a^-1 applied to vectors (dim, n)."""
    if len(inverse) == 1:
        return np.asarray(inverse[0] @ vectors)
    return np.asarray(np.einsum("nij,jn->in", inverse, vectors))


def _relaxed(noise: SmallNoise, curve: Floats, others: Sequence[String] = ()) -> String | None:
    """Relax a curve with its ends held: ``phi_tau = l^2 phi'' - l H_px phi' + H_pp H_x + l l' phi'``, l the speed.

    One that does not settle is a guess of the collocation all the same, which decides.  None for one that comes so
    near to another, all along, that it is the same.
    """
    from scipy.linalg import solve_banded

    phi = _evenly_spaced(curve, POINTS)
    h = 1.0 / (POINTS - 1)
    span = float(np.linalg.norm(phi[:, -1] - phi[:, 0]))
    rate = float(np.abs(np.linalg.eigvals(np.moveaxis(noise.J(phi), -1, 0))).max())
    step, action = PACE / rate, geometric_action(noise, phi)
    settled = 0
    for _ in range(RELAXATIONS):
        speed, tangent, p = _momentum(noise, phi)
        gradient, force = noise.linearised(phi, p)
        right = phi / step - speed * np.einsum("ijn,jn->in", gradient, tangent) - force
        right += speed * np.gradient(speed, h) * tangent
        bands = np.zeros((3, POINTS))
        diagonal = (speed / h) ** 2
        bands[0, 2:], bands[1], bands[2, :-2] = -diagonal[1:-1], 1.0 / step + 2.0 * diagonal, -diagonal[1:-1]
        bands[1, [0, -1]] = 1.0
        right[:, [0, -1]] = phi[:, [0, -1]]
        new = solve_banded((1, 1), bands, right.T).T
        if not np.isfinite(new).all():
            raise ConvergenceError("the relaxation of a minimum-action path diverged", "begin with a better guess")
        new = _evenly_spaced(new, POINTS)
        after = geometric_action(noise, new)
        if after > action * (1.0 + 1e-3) + 1e-12:
            step *= 0.5
            if step < 1e-6 / rate:
                break
            continue
        moved = float(np.linalg.norm(new - phi, axis=0).max()) / (step * rate * span)
        phi, action = new, after
        if any(np.abs(phi - other.points).max() < SAME * span for other in others):
            return None
        settled = settled + 1 if moved < 1e-4 else 0
        if settled >= 5:
            break
    speed, _tangent, p = _momentum(noise, phi)
    return String(phi, speed, p, action)


def _momentum(noise: SmallNoise, phi: Floats) -> tuple[Floats, Floats, Floats]:
    """Speed l with ``x' = l phi'``, phi' per unit of the parameter in [0, 1], and ``p = a^-1 (l phi' - b)/2``."""
    tangent = np.gradient(phi, 1.0 / (phi.shape[1] - 1), axis=1, edge_order=2)
    inverse, drift = noise.a_inverse(phi), noise.drift(phi)
    size = (drift * _turned(inverse, drift)).sum(axis=0)
    speed = np.sqrt(size / (tangent * _turned(inverse, tangent)).sum(axis=0))
    return speed, tangent, 0.5 * _turned(inverse, speed * tangent - drift)


def _evenly_spaced(curve: Floats, count: int) -> Floats:
    """The same polygon with its corners at equal distances along it."""
    lengths = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(curve, axis=1) ** 2).sum(axis=0)))])
    even = np.linspace(0.0, lengths[-1], count)
    result = np.array([np.interp(even, lengths, row) for row in curve])
    result[:, 0], result[:, -1] = curve[:, 0], curve[:, -1]
    return result
