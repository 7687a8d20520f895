"""Formulas beside the answers about an underdamped process: Mel'nikov and Meshkov's for any friction, and its limits.

Over the wells of V alone: ``k = F lambda_+/(2 pi) sqrt(V''(a)/|V''(b)|) exp(-dV/eps)`` between them
(:mod:`fokker_planck.asymptotics.underdamped`), on a line with the factor F of low friction, which tends to that of
energy diffusion, and to Kramers and Langer's formula with F = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.asymptotics.eyring_kramers import well_probabilities
from fokker_planck.asymptotics.markov_chain import log_watched_chain
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.positions import positions_of
from fokker_planck.model.sets.shapes import Set
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.asymptotics.underdamped import Regime

ANY_FRICTION, LARGE_FRICTION, SMALL_FRICTION = "Mel'nikov-Meshkov", "Kramers-Langer", "energy diffusion"
REACH = 3.0
"""Units of epsilon above and below the saddle within which orbits are that have crossed it and not yet settled: beyond,
a target is met at once, or only by what has settled.  exp(-3) of them is less than what the formula lacks: at friction
0.05 and barrier 5 a ball that ends 3.4 units below the saddle takes 1.04 times as long as one at the bottom."""
FAR = 0.99
"""The part of those at a target's surface that goes on, from which the exit is over: the law is right to percents."""
SAMPLES = 400
"""Points an axis at which the energy in a target is looked at: of a well 1/100 as wide as the box four are in it."""

Table = tuple[tuple["Quantity | None", ...], ...]
Limits = tuple[tuple[str, tuple["Quantity | None", ...]], ...]


@dataclass(frozen=True)
class Kinetic:
    """The wells of V, the friction and the noise of an underdamped process."""

    process: Underdamped
    positions: Problem

    @property
    def exponent(self) -> Any:
        """V/eps of positions."""
        return self._setting.exponent

    @property
    def landscape(self) -> Any:
        """Of V/eps."""
        return self._setting.landscape

    @property
    def _setting(self) -> Any:
        from fokker_planck.solvers.setting.landscape_of_potential import of_potential

        return of_potential(self.positions)

    @property
    def arguments(self) -> tuple[Any, Any, Any, float]:
        """Landscape, exponent, friction and noise, as the formulas take them."""
        return self.landscape, self.exponent, self.process.friction_at_positions, self.process.diffusion.epsilon

    def well(self, place: tuple[float, ...]) -> int:
        """The minimum of V nearest to a point whose first coordinates are a position."""
        return int(self.landscape.nearest_minimum(place[: self.positions.dimension]))


def formula_of(problem: Problem) -> str:
    """What the asymptotic value beside an answer is called."""
    if not isinstance(problem.process, Underdamped):
        return "Eyring-Kramers"
    return ANY_FRICTION if problem.process.position_potential.dimension == 1 else LARGE_FRICTION


def of(problem: Problem) -> Kinetic:
    """What the formulas are about; made once and kept with the problem."""
    process, found = problem.process, problem.known.get("kinetic formulas")
    if isinstance(found, Kinetic):
        return found
    assert isinstance(process, Underdamped)
    kinetic = Kinetic(process, positions_of(problem))
    problem.known["kinetic formulas"] = kinetic
    return kinetic


def eigenvalues(problem: Problem, count: int) -> tuple[list[Quantity | None], Limits]:
    """Of the small eigenvalues, the zero first; and in the limits."""
    from fokker_planck.asymptotics import underdamped

    def by(regime: Regime) -> list[Quantity | None]:
        found = underdamped.kinetic_eigenvalues(*of(problem).arguments, count, regime)
        return [None, *found[1:], *[None] * count][:count]

    return _tried(lambda: by("any")) or [None] * count, _limits(problem, lambda regime: tuple(by(regime)))


def rates(problem: Problem, places: tuple[tuple[float, ...], ...]) -> tuple[Table | None, Limits]:
    """Between the wells at ``places``, from row to column; and in the limits pair by pair, row by row."""
    from fokker_planck.asymptotics import underdamped

    def by(regime: Regime) -> Table | None:
        kinetic = of(problem)
        kept = [kinetic.well(place) for place in places]
        if len(set(kept)) < len(kept):
            return None
        found = underdamped.kinetic_rates(*kinetic.arguments, regime)
        logs, _ = log_watched_chain(found.logs, kept)
        error = float(found.errors.max())
        return tuple(tuple(Quantity.of_log(v, error) if np.isfinite(v) else None for v in row) for row in logs.tolist())

    def pairs(regime: Regime) -> tuple[Quantity | None, ...]:
        table = by(regime) or ()
        return tuple(value for k, row in enumerate(table) for m, value in enumerate(row) if k != m)

    return _tried(lambda: by("any")), _limits(problem, pairs)


def exit_time(problem: Problem, start: tuple[float, ...], target: Set) -> tuple[Quantity | None, Limits]:
    """From the well of ``start`` to the wells whose minima are in the ``target``; None where it reaches to a saddle."""
    from fokker_planck.asymptotics import underdamped

    def by(regime: Regime) -> Quantity | None:
        kinetic = of(problem)
        minima = np.array([minimum.position for minimum in kinetic.landscape.minima]).T
        held = np.flatnonzero(target.contains(np.concatenate([minima, np.zeros_like(minima)])))
        well = _well_of(kinetic, start)
        if well is None or not len(held) or well in held or not _is_beyond(kinetic, target):
            return None
        goals, back = held.tolist(), _returning(problem, well, target)
        return underdamped.kinetic_exit_time(*kinetic.arguments, well, goals, back, regime)

    return _tried(lambda: by("any")), _limits(problem, lambda regime: (by(regime),))


def weights(problem: Problem, places: tuple[tuple[float, ...], ...]) -> list[Quantity | None]:
    """Of the wells at ``places``, by Laplace's formula, which knows no friction."""
    kinetic = of(problem)
    kept = [kinetic.well(place) for place in places]
    if sorted(kept) != list(range(len(kinetic.landscape.minima))):
        return [None] * len(places)
    found = well_probabilities(kinetic.landscape, kinetic.exponent)
    return [found[well] for well in kept]


def _well_of(kinetic: Kinetic, start: tuple[float, ...]) -> int | None:
    """The well in which a point (x, v) is held by its energy; None for one that may leave it without noise."""
    place, landscape = np.array(start)[:, None], kinetic.landscape
    count = kinetic.positions.dimension
    energy = (
        kinetic.exponent.value(place[:count]) + 0.5 * (place[count:] ** 2).sum() / kinetic.process.diffusion.epsilon
    )
    if min((saddle.value for saddle in landscape.saddles), default=np.inf) <= energy[0]:
        return None
    # below all saddles: from the position downhill, where no saddle is in between
    minima = [minimum.position[0] for minimum in landscape.minima]
    tops = [saddle.position[0] for saddle in landscape.saddles]
    near = [
        well
        for well, bottom in enumerate(minima)
        if not any(min(bottom, start[0]) < top < max(bottom, start[0]) for top in tops)
    ]
    return near[0] if len(near) == 1 else None


def _is_beyond(kinetic: Kinetic, target: Set) -> bool:
    """Whether a target is met, from every saddle that leads to it, only where next to nothing turns back by chance.

    In the linear drift at the saddle who stands at the distance s beyond the separatrix goes on with the probability
    ``(1 + erf(s sqrt(lambda_+/(2 gamma eps))))/2``, where ``s = w . (x - z)`` with ``w = (lambda_+ + gamma, 1)``.
    """
    from fokker_planck.asymptotics.kramers_langer import unstable_rate

    landscape, process = kinetic.landscape, kinetic.process
    for saddle in landscape.saddles:
        place = np.array([[saddle.position[0]], [0.0]])
        if target.contains(place)[0]:
            return False
        gamma = float(process.friction_at(place)[0])
        rate = unstable_rate(float(process.position_potential.hessian(place[:1])[0, 0, 0]), gamma)
        for well in saddle.joins:
            bottom = np.array(landscape.minima[well].position)
            if not target.contains(np.array([bottom, [0.0]]))[0]:
                continue
            goal = float(landscape.frame.difference(bottom, place[0])[0])
            steps = np.linspace(0.0, 1.0, SAMPLES)
            inside = np.asarray(target.contains(place + np.array([[goal], [rate * goal]]) * steps))
            reach = abs(goal) * (steps[np.argmax(inside)] if inside.any() else 1.0)
            s = reach * (2.0 * rate + gamma) * sqrt(rate / (2.0 * gamma * process.diffusion.epsilon))
            if erf(s) < 2.0 * FAR - 1.0:
                return False
    return True


def _returning(problem: Problem, start: int, target: Set) -> bool | None:
    """Whether what crosses a saddle can come back before the target takes it; None where some of it can.

    The orbits of one energy through a well meet a target that reaches from its minimum to that energy.
    """
    kinetic = of(problem)
    epsilon, process = kinetic.process.diffusion.epsilon, kinetic.process
    around = [saddle.value for saddle in kinetic.landscape.saddles if start in saddle.joins]
    lower, upper = problem.bounding_box()
    axes = [np.linspace(low, high, SAMPLES) for low, high in zip(lower, upper, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(len(axes), -1)
    inside = points[:, np.asarray(target.contains(points)) & problem.contains(points)]
    if not around or not inside.shape[1]:
        return None
    zero = np.zeros((1, 1))
    offset = float(process.position_potential.value(zero)[0]) / epsilon - float(kinetic.exponent.value(zero)[0])
    energies = process.potential.value(inside) / epsilon - offset
    if energies.max() < min(around) - REACH:
        return True
    return False if energies.max() > max(around) + REACH else None


def _limits(problem: Problem, values: Callable[[Regime], tuple[Quantity | None, ...]]) -> Limits:
    """The numbers for large and for small friction, where the formula for any friction has both."""
    if formula_of(problem) != ANY_FRICTION:
        return ()
    names: dict[str, Regime] = {LARGE_FRICTION: "large", SMALL_FRICTION: "small"}
    found = [(name, _tried(lambda regime=regime: values(regime)) or ()) for name, regime in names.items()]  # type: ignore[misc]
    return tuple((name, row) for name, row in found if any(value is not None for value in row))


def _tried(ask: Callable[[], Any]) -> Any:
    """None where the formulas do not apply: a well that a wall holds, say, or an end without a turning point."""
    try:
        return ask()
    except (ProblemError, ConvergenceError):
        return None
