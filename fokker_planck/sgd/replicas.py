"""What many independent replicas of a random recursion show: times of arrival, where they spend their time, moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import LARGEST, described, point, whole_number
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region, Set
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass

Inside: TypeAlias = Callable[[Floats], npt.ArrayLike]
Seed: TypeAlias = int | np.random.Generator

MOST_REPLICAS = 10**8
"""Of which the positions alone take 0.8 GB a coordinate."""


class Walk(Protocol):
    """A random recursion in space: ``Recursion`` or ``EulerMaruyama``."""

    @property
    def dimension(self) -> int:
        """Least number of coordinates."""
        ...

    @property
    def unit(self) -> float:
        """Time of one step."""
        ...

    def step(self, x: Floats, generator: np.random.Generator) -> Floats:
        """The next points from the points x, (dim, n)."""
        ...


@dataclass(frozen=True, eq=False)
class FirstPassage:
    """When the replicas first stood in a set.

    Attributes
    ----------
    time, iterations
        the mean; its ``relative_error`` is one standard error
    times
        of every replica, (replicas,)
    """

    time: Quantity
    iterations: Quantity
    times: Floats


@dataclass(frozen=True)
class Occupation:
    """Which share of the iterations was spent in each set, with one standard error from replica to replica.

    Attributes
    ----------
    fractions
        shares of the iterations, by the name of the set
    """

    fractions: Mapping[str, Quantity]

    def ratio(self, one: str, other: str) -> float | None:
        """The quotient of two shares."""
        return self.fractions[one].ratio(self.fractions[other])


@dataclass(frozen=True, eq=False)
class Moments:
    """E (x_t - c) and E (x_t - c)(x_t - c)^T for t = 0, 1, ...

    Attributes
    ----------
    first, second
        (iterations + 1, dim), (iterations + 1, dim, dim)
    second_error
        one standard error of the second
    """

    first: Floats
    second: Floats
    second_error: Floats


def first_passage(
    walk: Walk,
    start: Sequence[float] | float | Floats,
    target: Set | Inside,
    replicas: int = 1000,
    seed: Seed = 0,
    most_iterations: int = 1_000_000,
) -> FirstPassage:
    """min{t: x_t in the target}, the mean over independent replicas that begin at the start.

    Parameters
    ----------
    walk
        a ``Recursion``, or an ``EulerMaruyama`` (whose jumps over a boundary are seen at their ends only: see
        :func:`fokker_planck.sgd.simulated_exit_time` for the diffusion)
    start
        a point, or one for each replica, (dim, replicas)
    target
        a set, or a function from points (dim, n) to truth values (n,)
    replicas
        how many walk at a time
    seed
        of the random numbers
    most_iterations
        after which a replica may not be on its way any more

    Returns
    -------
    FirstPassage
        The mean number of iterations with its standard error.

    Raises
    ------
    ConvergenceError
        Where a replica diverges or has not arrived after ``most_iterations``: leaving it out would make the mean too
        small.

    Examples
    --------
    >>> from fokker_planck.sgd.losses import SampleLosses
    >>> from fokker_planck.sgd.recursion import Recursion
    >>> coin = Recursion(SampleLosses(["x", "-x"]), learning_rate=1.0, batch_size=1)      # a simple random walk
    >>> found = first_passage(coin, 0.0, lambda x: abs(x[0]) >= 4, replicas=4000)         # 4^2 steps
    >>> abs(found.iterations.value - 16.0) < 4 * 16.0 * found.iterations.relative_error
    True
    """
    x, generator = _started(walk, start, replicas, seed)
    inside = membership(target, "target")
    arrival = np.zeros(x.shape[1])
    travelling = np.flatnonzero(~inside(x))
    x = x[:, travelling]
    for iteration in range(1, most_iterations + 1):
        if len(travelling) == 0:
            break
        x = walk.step(x, generator)
        _check_bounds(x, iteration)
        there = inside(x)
        arrival[travelling[there]] = iteration
        travelling, x = travelling[~there], x[:, ~there]
    if len(travelling):
        raise ConvergenceError(
            f"{len(travelling)} of {replicas} replicas have not arrived after {most_iterations} iterations",
            "raise most_iterations, or begin nearer",
        )
    iterations = estimate(arrival)
    return FirstPassage(iterations.scaled(walk.unit), iterations, arrival * walk.unit)


def occupation(
    walk: Walk,
    start: Sequence[float] | float | Floats,
    sets: Mapping[str, Set | Inside],
    iterations: int,
    replicas: int = 1000,
    seed: Seed = 0,
    burn_in: int = 0,
) -> Occupation:
    """1/T sum_t 1(x_t in the set), the mean over replicas, after ``burn_in`` iterations that are not counted.

    It is the stationary probability of the set once the replicas have forgotten the start: compare two starts.

    Parameters
    ----------
    walk
        a ``Recursion``, a ``MomentumRecursion`` or an ``EulerMaruyama``
    start
        a point, or one for each replica, (dim, replicas)
    sets
        by name: sets, or functions from points (dim, n) to truth values (n,)
    iterations
        T
    replicas
        how many walk at a time
    seed
        of the random numbers
    burn_in
        iterations that are not counted

    Returns
    -------
    Occupation
        The shares by name of the set.

    Examples
    --------
    >>> from fokker_planck.sgd.losses import SampleLosses
    >>> from fokker_planck.sgd.recursion import Recursion
    >>> pair = SampleLosses(["(x - 1)**2/2", "(x + 1)**2/2"])
    >>> walk = Recursion(pair, learning_rate=0.5, batch_size=1)      # uniform on [-1, 1] (a binary expansion)
    >>> found = occupation(walk, 0.0, {"right": lambda x: x[0] > 0.5}, 400, replicas=100, burn_in=60)
    >>> abs(found.fractions["right"].value - 0.25) < 4 * 0.25 * found.fractions["right"].relative_error
    True
    """
    x, generator = _started(walk, start, replicas, seed)
    whole_number("iterations", iterations, 1, 10**12)
    inside = {name: membership(target, name) for name, target in sets.items()}
    counts = {name: np.zeros(x.shape[1]) for name in sets}
    for iteration in range(1, burn_in + iterations + 1):
        x = walk.step(x, generator)
        _check_bounds(x, iteration)
        if iteration > burn_in:
            for name, count in counts.items():
                count += inside[name](x)
    return Occupation({name: estimate(count / iterations) for name, count in counts.items()})


def moments(
    walk: Walk,
    start: Sequence[float] | float | Floats,
    iterations: int,
    replicas: int = 1000,
    seed: Seed = 0,
    center: Sequence[float] | float | None = None,
) -> Moments:
    """E (x_t - c) and E (x_t - c)(x_t - c)^T over the replicas, t = 0 ... ``iterations``; c is zero if not given.

    Where the second moment grows it does so by ever rarer replicas: after many iterations no number of replicas shows
    it.

    Parameters
    ----------
    walk
        a ``Recursion``, a ``MomentumRecursion`` or an ``EulerMaruyama``
    start
        a point, or one for each replica, (dim, replicas)
    iterations
        how many
    replicas
        how many walk at a time
    seed
        of the random numbers
    center
        c

    Returns
    -------
    Moments
        Both moments after every iteration, with standard errors.

    Examples
    --------
    >>> from fokker_planck.sgd.losses import SampleLosses
    >>> from fokker_planck.sgd.recursion import Recursion
    >>> walk = Recursion(SampleLosses(["x**2/10", "19*x**2/10"]), learning_rate=0.5, batch_size=1)
    >>> found = moments(walk, 1.0, 1, replicas=20000)           # (1 - eta a)^2 + eta^2 s^2 = 0.81, up to the coins
    >>> bool(abs(found.second[1, 0, 0] - 0.81) < 4 * found.second_error[1, 0, 0] + 1e-12)
    True
    """
    x, generator = _started(walk, start, replicas, seed)
    dimension = x.shape[0]
    place = np.zeros(dimension) if center is None else np.asarray(point("center", center, dimension))
    first = np.empty((iterations + 1, dimension))
    second = np.empty((iterations + 1, dimension, dimension))
    error = np.empty(second.shape)
    for iteration in range(iterations + 1):
        if iteration:
            x = walk.step(x, generator)
            _check_bounds(x, iteration)
        away = x - place[:, None]
        products = away[:, None] * away[None]
        first[iteration], second[iteration] = away.mean(axis=1), products.mean(axis=2)
        error[iteration] = products.std(axis=2, ddof=1) / np.sqrt(x.shape[1])
    return Moments(first, second, error)


def estimate(values: Floats) -> Quantity:
    """The mean of independent values with one standard error as the relative error."""
    mean = float(values.mean())
    standard = float(values.std(ddof=1)) / np.sqrt(len(values))
    return Quantity.of(mean, standard / abs(mean) if mean != 0.0 else float("inf"))


def membership(target: Any, key: str) -> Callable[[Floats], npt.NDArray[np.bool_]]:
    """Whether points (dim, n) are in a set, or what a function says of it."""
    inside = target.contains if isinstance(target, Ball | Ellipsoid | HalfSpace | Region) else target
    if not callable(inside):
        raise ProblemError(key, described(target), "a set, or a function from points to truth values")

    def checked(x: Floats) -> npt.NDArray[np.bool_]:
        found = np.asarray(inside(x))
        if found.shape != (x.shape[1],) or found.dtype != np.bool_:
            wanted = f"truth values of shape ({x.shape[1]},)"
            raise ProblemError(key, f"an array of shape {found.shape} and type {found.dtype}", wanted)
        return found

    return checked


def _started(
    walk: Walk, start: Sequence[float] | float | Floats, replicas: int, seed: Seed
) -> tuple[Floats, np.random.Generator]:
    count = whole_number("replicas", replicas, 2, MOST_REPLICAS)
    if isinstance(start, np.ndarray) and start.ndim == 2:
        if start.shape[0] < walk.dimension or start.shape[1] != count or not np.isfinite(start).all():
            wanted = f"finite points of shape ({walk.dimension}, {count})"
            raise ProblemError("start", f"an array of shape {start.shape}", wanted)
        return np.array(start, dtype=np.float64), np.random.default_rng(seed)
    place = point("start", start)
    if len(place) < walk.dimension:
        raise ProblemError("start", list(place), f"{walk.dimension} coordinates")
    return np.repeat(np.asarray(place)[:, None], count, axis=1), np.random.default_rng(seed)


def _check_bounds(x: Floats, iteration: int) -> None:
    lost = ~(np.abs(x) <= LARGEST)
    if lost.any():
        raise ConvergenceError(
            f"{int(lost.any(axis=0).sum())} replicas have left all bounds after {iteration} iterations",
            "a smaller learning rate or step, or a domain that keeps them",
        )
