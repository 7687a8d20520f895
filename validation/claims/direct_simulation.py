"""Walkers that know no mesh: exit times and the share of a well by simulation, beside the solver's numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from fokker_planck.quantity import Quantity
from validation.claim import Check, Claim, Finding, Run, Table, at_most, equal
from validation.drawing import BLUE, MUTED, ORANGE, figure
from validation.walkers import FloatArray, Walk, exit_times, shares
from validation.wells import QUARTIC, TILTED

LOW, LOWER = 1.0 / 12.0, 1.0 / 16.0  # noises; the barriers are 1/4, and 0.193 with D = eps (1 + x**2)
SHARE = "share of the higher well"
NOISE, WAITING, COUNTING, WALKERS = 0.125, 150.0, 600.0, 1000
SEED = 1
DEVIATIONS = 3.5
LARGEST_ERROR, LARGEST_EFFECT = 0.02, 0.05
STATISTICS = "3.5 standard errors of the mean over all pairs: exceeded by chance once in two thousand times"
LEFT = "the extrapolation leaves about its square, 0.25 percent: less than the statistical error"


@dataclass(frozen=True)
class Case:
    """What walks, until the distance is gone, in steps h and h/2, and the same put to the solver."""

    walk: Walk
    distance: Callable[[FloatArray], FloatArray]
    step: float
    solve: Callable[[], list[Quantity | None]]
    pairs: int = 8000


def compute(run: Run) -> Finding:
    """Five exit times and the share of a well."""
    found: dict[str, Any] = {}
    for name, case in CASES.items():
        if name == "line" or not run.quick:
            key = f"walkers, {name}, step {case.step:g}, {case.pairs} pairs, seed {SEED}"
            found[name] = [run.step(key, partial(walked, case)), run.step(f"solver, {name}", case.solve)]
    if not run.quick:
        key = f"walkers, {SHARE}, noise {NOISE:g}, {WALKERS} pairs, seed {SEED}"
        found[SHARE] = [run.step(key, share_walked), run.step(f"solver, {SHARE}", share_solved)]
    checks: list[Check] = []
    for name, ((seen, effect), (number, _)) in found.items():
        error = seen.relative_error
        checks.append(equal(f"walkers over solver, {name}", seen, number, DEVIATIONS * error, STATISTICS))
        checks.append(at_most(f"standard error, {name}", error, LARGEST_ERROR, "small enough to tell anything"))
        checks.append(at_most(f"change from h to h/2, {name}", abs(effect), LARGEST_EFFECT, LEFT))
    rows = tuple(
        (name, seen, number, (seen.ratio(number) - 1.0) / seen.relative_error, formula)
        for name, ((seen, _), (number, formula)) in found.items()
    )
    table = Table(
        "Mean exit times, and the share of a well", ("", "walkers", "solver", "standard errors apart", "formula"), rows
    )
    drawing = figure(
        "Walkers over solver, and the formula for small noise over solver",
        "Ratios to the solver's numbers: the walkers' are one within 3.5 standard errors, which the bars show; the "
        "formulas of the times lie by a tenth to a third below it.",
        partial(_draw, found),
        height=170.0 + 10.0 * len(found),
    )
    return Finding(tuple(checks), (table,), (drawing,), REMARKS)


def walked(case: Case) -> list[Any]:
    """The mean of the exit times, extrapolated to step zero, and the relative change from h to h/2."""
    return _extrapolated(exit_times(case.walk, case.distance, case.step, case.pairs, SEED))


def share_walked() -> list[Any]:
    """The share of the right, higher well of the tilted potential."""
    walk = Walk((-1.0,), lambda x: x - x * x * x - 0.1, lambda x: sqrt(2.0 * NOISE))
    return _extrapolated(shares(walk, TILTED.critical[1], 0.1, (WAITING, COUNTING), WALKERS, SEED))


def share_solved() -> list[Quantity | None]:
    """The same by the stationary density."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(TILTED.formula), fp.Isotropic(NOISE))
    right = max(fp.stationary_density(_posed(process, (2.0,))).wells, key=lambda well: well.minimum)
    return [right.probability, right.asymptotic]


def _extrapolated(values: FloatArray) -> list[Any]:
    refined = 2.0 * values[1] - values[0]
    mean = float(refined.mean())
    error = float(refined.std(ddof=1)) / sqrt(len(refined)) / mean
    return [Quantity.of(mean, error), float((values[1] - values[0]).mean()) / mean]


def _posed(process: Any, upper: tuple[float, ...]) -> Any:
    import fokker_planck as fp

    tolerance = 1e-8 if len(upper) == 1 else 1e-5
    box = fp.Box((-2.0,) * len(upper), upper)
    return fp.Problem(process, box, resolution=fp.Resolution(tolerance=tolerance))


def on_the_line(reading: str) -> list[Quantity | None]:
    """The quartic from -1 to 1: with constant noise, or D = eps (1 + x**2) in that reading."""
    import fokker_planck as fp

    D = fp.Quadratic(LOWER, LOWER) if reading else fp.Isotropic(LOW)
    posed = _posed(fp.Overdamped(fp.Potential(QUARTIC.formula), D, reading or "ito"), (2.0,))
    time = fp.mean_exit_time(posed, (-1.0,), fp.HalfSpace((1.0,), 1.0))
    return [time.mean, time.asymptotic]


def in_a_bent_valley() -> list[Quantity | None]:
    """From the left end of a parabola to a disc around the right one."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + (y - x**2)**2/2"), fp.Isotropic(LOW))
    time = fp.mean_exit_time(_posed(process, (2.0, 3.5)), (-1.0, 1.0), fp.Ball((1.0, 1.0), 0.4))
    return [time.mean, time.asymptotic]


def turning() -> list[Quantity | None]:
    """The quartic with a circulation along the level lines, from (-1, 0) to x = 0.8."""
    import fokker_planck as fp

    circulation = fp.Drift(["-y", "x**3 - x"])
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(LOW), extra=circulation)
    time = fp.mean_exit_time(_posed(process, (2.0, 2.0)), (-1.0, 0.0), fp.HalfSpace((1.0, 0.0), 0.8))
    return [time.mean, time.asymptotic]


def _down(x: FloatArray) -> FloatArray:
    return x - x * x * x


def _down_the_valley(point: FloatArray) -> FloatArray:
    x, y = point
    return np.array([x - x * x * x + 2.0 * x * (y - x * x), x * x - y])


def _down_and_around(point: FloatArray) -> FloatArray:
    x, y = point
    return np.array([x - x * x * x - y, x * x * x - x - y])


def _to(edge: float) -> Callable[[FloatArray], FloatArray]:
    return lambda x: edge - x[0]


def _to_disc(point: FloatArray) -> FloatArray:
    return np.hypot(point[0] - 1.0, point[1] - 1.0) - 0.4


def _even(x: FloatArray) -> float:
    return sqrt(2.0 * LOW)


def _uneven(x: FloatArray) -> FloatArray:
    return np.sqrt(2.0 * LOWER * (1.0 + x[0] * x[0]))


CASES = {
    "line": Case(Walk((-1.0,), _down, _even), _to(1.0), 0.1, partial(on_the_line, "")),
    "noise in x, Itô": Case(Walk((-1.0,), _down, _uneven), _to(1.0), 0.05, partial(on_the_line, "ito")),
    "the same, Klimontovich": Case(
        Walk((-1.0,), _down, _uneven, at_end=True), _to(1.0), 0.05, partial(on_the_line, "klimontovich")
    ),
    "bent valley, to a disc": Case(Walk((-1.0, 1.0), _down_the_valley, _even), _to_disc, 0.05, in_a_bent_valley),
    "with circulation": Case(Walk((-1.0, 0.0), _down_and_around, _even), _to(0.8), 0.05, turning),
}
REMARKS = (
    "The walkers share nothing with the solver: drift and noise are written out as numbers, there is no mesh and no "
    "density, and Klimontovich's reading is what it says, the noise taken where a step ends. Ignoring the reading "
    "would be off by a factor 1.7, forgetting the circulation by 1.5, a factor of two in the noise by four.",
    "At barriers of three units of epsilon the formulas for small noise are off by 10 to 35 percent; the walkers are "
    "with the solver, not with them. Much higher barriers no walker crosses.",
    "What the finite step leaves was measured with other seeds and twelve times as many pairs: all times within 0.5 "
    "percent of the solver's, at a standard error of 0.35.",
)


def _draw(found: dict[str, Any], ax: Any) -> None:
    places = list(range(len(found)))[::-1]
    for place, ((seen, _), (number, formula)) in zip(places, found.values(), strict=True):
        bar = DEVIATIONS * seen.relative_error * seen.ratio(number)
        one = ax.errorbar(seen.ratio(number), place, xerr=bar, fmt="o", color=BLUE, ecolor=BLUE)
        if formula is not None:
            other = ax.plot(formula.ratio(number), place, "D", color=ORANGE)[0]
    ax.axvline(1.0, color=MUTED, linewidth=1.0)
    ax.set_yticks(places, list(found))
    ax.set_xlabel("ratio to the solver")
    ax.legend([one, other], ["walkers", "formula"])


CLAIM = Claim(
    name="direct-simulation",
    group="witness",
    title="Walkers agree with the solver",
    statement=(
        "Thousands of random walkers, each stepping through dX = b dt + √(2D) dW, measure mean exit times and the time "
        "spent in a well to about one percent. Where barriers are low enough for them, on a line, in the plane, with "
        "noise that depends on the place and without detailed balance, they find the solver's numbers."
    ),
    formula="X(t+h) = X(t) + b(X)h + √(2D(X')h) ξ,  X' the beginning of the step (Itô) or its end (Klimontovich)",
    source=(
        "Maruyama 1955; extrapolation to h = 0: Talay and Tubaro 1990; touching the target within a step: Gobet 2000; "
        "the readings: Itô 1944, Klimontovich 1990"
    ),
    compute=compute,
)
