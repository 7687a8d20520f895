"""The mean exit time of a diffusion by simulation: a witness that knows nothing of any mesh."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.arguments import LARGEST, described, point, whole_number
from fokker_planck.model.domains.box import Box
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region, Set
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.sgd.euler import EulerMaruyama, Process, coefficients, into_box
from fokker_planck.sgd.replicas import MOST_REPLICAS, Seed

#: Share of the effect of halving the step that is left, as an error bar, after the extrapolation.
LEFT_AFTER_EXTRAPOLATION = 1.0 / 3.0


@dataclass(frozen=True)
class SimulatedExit:
    """A mean exit time by simulation.

    Attributes
    ----------
    mean
        extrapolated to step zero; its ``relative_error`` is one standard error and a third of ``step_effect``, added in
        squares
    standard_error, step_effect
        relative to the mean; the step effect is what halving the step changed
    step
        the larger of the two steps
    replicas
        how many pairs of paths
    """

    mean: Quantity
    standard_error: float
    step_effect: float
    step: float
    replicas: int


@dataclass
class _Paths:
    """Paths on their way: where they are, when they arrived; changed in place by the loop below."""

    x: Floats
    time: Floats
    travelling: Booleans


def simulated_exit_time(
    process: Process,
    start: Sequence[float] | float,
    target: Set,
    step: float,
    replicas: int = 10_000,
    seed: Seed = 0,
    domain: Box | None = None,
    most_time: float = 1e6,
) -> SimulatedExit:
    """tau = E min{t: X_t in the target}, dX = b dt + sqrt(2 D(X)) dW, X_0 = start, reflected in the box.

    Euler and Maruyama's method with steps h and h/2 along the same Brownian paths, extrapolated to h = 0. Within a step
    a path that ends outside has touched the target with the probability exp(-2 d_0 d_1/(2 n . D n h)), d_0 and d_1 the
    distances to it at both ends and n its normal: without that the error would be of order sqrt(h).

    Parameters
    ----------
    process
        anything with ``drift`` and ``field``, as ``Overdamped`` has
    start, target
        a point and a set; its surface is taken as flat over the length of one step
    step
        h; h times the largest curvature of the potential should be well below one
    domain
        a Box with sides that reflect or are periodic, None for the whole space
    replicas
        pairs of paths
    seed
        of the random numbers
    most_time
        after which a path may not be on its way any more

    Returns
    -------
    SimulatedExit
        The time, extrapolated to step zero, with its standard error.

    Raises
    ------
    ProblemError
        For bad input
    ConvergenceError
        Where a path is on its way at ``most_time`` or diverges.

    References
    ----------
    Gobet, Weak approximation of killed diffusion using Euler schemes (2000), for the correction; Talay and Tubaro
    (1990) for the extrapolation; Giles (2008) for the paths in pairs.

    Examples
    --------
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> brownian = Overdamped(Potential("0*x"), Isotropic(0.5))
    >>> line = Box([-1.0], [3.0])
    >>> found = simulated_exit_time(brownian, -1.0, HalfSpace([1.0], 0.0), 0.05, replicas=2000, domain=line)
    >>> abs(found.mean.value - 1.0) < 4 * found.mean.relative_error                  # L^2 / (2 D)
    True
    """
    _check(process, target)
    h = EulerMaruyama(process, step, domain).unit
    count = whole_number("replicas", replicas, 2, MOST_REPLICAS)
    place = np.asarray(point("start", start))
    if target.contains(place[:, None])[0]:
        raise ProblemError("start", place.tolist(), "a point outside of the target")
    generator = np.random.default_rng(seed)
    coarse, fine = _paths(place, count), _paths(place, count)
    time = 0.0
    while True:
        active = np.flatnonzero(coarse.travelling | fine.travelling)
        if len(active) == 0:
            break
        if time >= most_time:
            raise ConvergenceError(f"{len(active)} of {count} paths are on their way at {time:g}", "raise most_time")
        shape = (2, len(place), len(active))
        normal = np.zeros((2, len(place), count))
        chance = np.zeros((2, count))
        normal[:, :, active] = generator.standard_normal(shape) * np.sqrt(h / 2.0)
        chance[:, active] = generator.random((2, len(active)))
        _advance(coarse, process, target, domain, h, time, normal, chance)
        for half in (0, 1):
            now = time + half * h / 2.0
            _advance(fine, process, target, domain, h / 2.0, now, normal[half : half + 1], chance[half : half + 1])
        time += h
    return _extrapolated(coarse.time, fine.time, h)


def _extrapolated(coarse: Floats, fine: Floats, h: float) -> SimulatedExit:
    """The mean of times with steps h and h/2 along the same paths, extrapolated to h = 0."""
    count = len(fine)
    change = float(np.mean(fine - coarse))
    refined = 2.0 * fine - coarse
    mean = float(refined.mean())
    statistical = float(refined.std(ddof=1)) / np.sqrt(count) / mean
    effect = abs(change) / mean
    error = hypot(statistical, LEFT_AFTER_EXTRAPOLATION * effect)
    return SimulatedExit(Quantity.of(mean, error), statistical, effect, h, count)


def _advance(
    paths: _Paths,
    process: Process,
    target: Set,
    domain: Box | None,
    h: float,
    time: float,
    normal: Floats,
    chance: Floats,
) -> None:
    """One step h with frozen coefficients, looked at after each of its len(normal) parts."""
    on = np.flatnonzero(paths.travelling)
    if len(on) == 0:
        return
    x = paths.x[:, on]
    drift, root = coefficients(process, x)
    slope = target.gradient(x)
    length = np.maximum(np.linalg.norm(slope, axis=0), 1e-300)
    across = np.einsum("in,ijn->jn", slope / length, root)
    part = h / len(normal)
    variance = np.maximum(np.sum(across**2, axis=0) * part, 1e-300)
    outside = np.maximum(-target.level(x) / length, 0.0)
    waiting = np.ones(len(on), dtype=bool)
    for number, (noise, luck) in enumerate(zip(normal[:, :, on], chance[:, on], strict=True)):
        x = x + drift * part + np.einsum("ijn,jn->in", root, noise)
        if not (np.abs(x) <= LARGEST).all():
            raise ConvergenceError(f"paths have left all bounds at the time {time:g}", "a smaller step, or a domain")
        level = target.level(x) / np.maximum(np.linalg.norm(target.gradient(x), axis=0), 1e-300)
        beyond = np.maximum(-level, 0.0)
        with np.errstate(over="ignore"):  # no noise towards the target: no chance
            touched = luck < np.exp(-2.0 * outside * beyond / variance)
        hit = waiting & ((level >= 0.0) | touched)
        paths.time[on[hit]] = time + (number + 0.5) * part
        waiting &= ~hit
        outside = beyond
    paths.travelling[on[~waiting]] = False
    paths.x[:, on] = into_box(x, domain)


def _paths(place: Floats, count: int) -> _Paths:
    return _Paths(np.repeat(place[:, None], count, axis=1), np.zeros(count), np.ones(count, dtype=bool))


def _check(process: Process, target: Set) -> None:
    if not isinstance(target, Ball | Ellipsoid | HalfSpace | Region):
        raise ProblemError("target", described(target), "a Ball, Ellipsoid, HalfSpace or Region")
    for name in ("drift", "field"):
        if not callable(getattr(process, name, None)):
            raise ProblemError("process", described(process), "a process, such as Overdamped(potential, diffusion)")
