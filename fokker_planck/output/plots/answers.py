"""One picture for each kind of answer, on axes that are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.output.plots.canvas import CYCLE, FIRST, INK, SECOND, colour_map, curve, plane_only, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.landscape.types import Landscape
    from fokker_planck.quantity import Quantity
    from fokker_planck.solvers.results import ExitTime, Rates, Spectrum, Stationary
    from fokker_planck.solvers.results_in_time import ExitLaw

LOG_TEN = math.log(10.0)
"""Natural logarithms over this are powers of ten, which readers of axes know."""
FADED = -2.0 * LOG_TEN
"""Of log P(tau > t), below which its tail is drawn in powers of ten: on an axis from zero to one there is none."""
DECADES = 12.0
"""Powers of ten below the highest density that are shown."""
MOST_CURVES = 6
"""Of eigenfunctions on one pair of axes: as many as there are colours that all eyes tell apart."""


def draw_exit_time(axes: Axes, answer: ExitTime | ExitLaw) -> None:
    """The mean time from everywhere, in powers of ten, with the start."""
    points, _, _ = answer.field.triangulation()
    plane_only(points.shape[1], "mean exit times")
    decades = answer.field.log_values / LOG_TEN
    decades = np.where(np.isfinite(decades), decades, np.nan)
    if points.shape[1] == 1:
        curve(axes, points, decades, r"$\log_{10}$ mean exit time")
        axes.plot(answer.start, [np.interp(answer.start[0], *_sorted(points[:, 0], decades))], "o", color=SECOND)
        return
    lowest = float(np.nanmin(decades))
    colour_map(axes, answer.field, np.nan_to_num(decades, nan=lowest), r"$\log_{10}$ mean exit time")
    axes.plot(*answer.start, "o", color=SECOND, markeredgecolor="white")


def draw_law(axes: Axes, answer: ExitLaw) -> None:
    """P(tau > t) at the times that were asked for; without such, the mean times."""
    if not answer.times:
        draw_exit_time(axes, answer)
        return
    times = [each.time for each in answer.times]
    survival = [each.survival for each in answer.times]
    axes.set_xscale("log")
    axes.set_xlabel("time $t$")
    if any(q.log is not None and q.log < FADED for q in survival):
        _draw_tail(axes, answer, times, survival)
    else:
        style = {"color": FIRST, "marker": "o", "markersize": 4}
        axes.errorbar(times, [_double(q) for q in survival], yerr=_bars(survival), **style)
        axes.set_ylabel(r"not left, $P(\tau > t)$")
        axes.set_ylim(-0.02, 1.04)
    tidy(axes)


def _draw_tail(axes: Axes, answer: ExitLaw, times: Sequence[float], survival: Sequence[Quantity]) -> None:
    """log10 P(tau > t), and beside it the exponential at the rate in the end, through the last time."""
    logs = np.array([math.nan if q.log is None else q.log / LOG_TEN for q in survival])
    axes.errorbar(
        times, logs, yerr=[q.relative_error / LOG_TEN for q in survival], color=FIRST, marker="o", markersize=4
    )
    if answer.rate.value is not None and np.isfinite(logs[-1]):
        later = np.geomspace(times[0], times[-1], 200)
        tail = logs[-1] + answer.rate.value * (times[-1] - later) / LOG_TEN
        axes.plot(later, tail, color=INK, linestyle="--", linewidth=1.0, label=r"$c\, e^{-\lambda t}$")
        axes.legend(frameon=False, fontsize="small")
    axes.set_ylabel(r"not left, $\log_{10} P(\tau > t)$")


def draw_stationary(axes: Axes, answer: Stationary) -> None:
    """The density in powers of ten, with the wells."""
    points, _, _ = answer.field.triangulation()
    plane_only(points.shape[1], "a density")
    decades = answer.field.log_values / LOG_TEN
    highest = float(decades[np.isfinite(decades)].max())
    decades = np.clip(np.nan_to_num(decades, neginf=highest - DECADES), highest - DECADES, None)
    minima = np.array([well.minimum for well in answer.wells]).reshape(-1, points.shape[1])
    if points.shape[1] == 1:
        curve(axes, points, decades, r"$\log_{10}$ density")
        at = np.interp(minima[:, 0], *_sorted(points[:, 0], decades))
        axes.plot(minima[:, 0], at, "o", color=SECOND)
        return
    colour_map(axes, answer.field, decades, r"$\log_{10}$ density")
    axes.plot(*minima.T, "o", color="white", markeredgecolor=INK)


def draw_spectrum(axes: Axes, answer: Spectrum) -> None:
    """Eigenfunctions over a line; in the plane that of the gap."""
    field = answer.eigenfunctions[0 if answer.target is not None else 1]
    points, _, values = field.triangulation()
    plane_only(points.shape[1], "an eigenfunction")
    if points.shape[1] == 2:
        reach = float(np.abs(values).max())
        gap = answer.gap.digits
        colour_map(axes, field, values, rf"eigenfunction of $\lambda$ = {gap}", cmap="RdBu", vmin=-reach, vmax=reach)
        return
    for number, each in enumerate(answer.eigenfunctions[:MOST_CURVES]):
        places, _, found = each.triangulation()
        colour, value = CYCLE[number % len(CYCLE)], answer.eigenvalues[number].real.digits
        curve(axes, places, found, "eigenfunction", color=colour, label=rf"$\lambda$ = {value}")
    axes.legend(frameon=False, fontsize="small")


def draw_rates(axes: Axes, answer: Rates) -> None:
    """The wells and the rates between them, arrows as wide as the logarithm of the rate."""
    places = np.array(answer.minima, dtype=float)
    if places.shape[1] == 1:
        places = np.column_stack([places[:, 0], np.zeros(len(places))])
    places = places[:, :2]
    logs = {(k, m): q.log for k, row in enumerate(answer.rates) for m, q in enumerate(row) if q is not None and q.log}
    if not logs:
        raise ProblemError("picture", "no positive rate", "rates between wells")
    low, high = min(logs.values()), max(logs.values())
    for (k, m), log in logs.items():
        style = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=0.18", "color": FIRST, "shrinkA": 12, "shrinkB": 12}
        width = 0.5 + 2.0 * (log - low) / (high - low) if high > low else 1.5
        axes.annotate("", places[m], places[k], arrowprops={**style, "linewidth": width})
        middle, across = (places[k] + places[m]) / 2.0, (places[m] - places[k])[::-1] * (0.13, -0.13)
        rate = answer.rates[k][m]
        axes.annotate(
            "" if rate is None else f"{rate:.2e}", middle + across, ha="center", va="center", fontsize="small"
        )
    axes.plot(*places.T, "o", markersize=18, color="white", markeredgecolor=INK)
    for number, place in enumerate(places, start=1):
        axes.annotate(str(number), place, ha="center", va="center")
    axes.set_xlabel("$x$")
    axes.set_ylabel("$y$" if len(answer.minima[0]) > 1 else "", rotation=0)
    if len(answer.minima[0]) == 1:
        axes.set_yticks([])
    middle, reach = (places.max(axis=0) + places.min(axis=0)) / 2.0, float(np.ptp(places, axis=0).max())
    half = np.maximum(np.ptp(places, axis=0) / 2.0 + 0.3 * reach, 0.4 * reach)
    axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axes.set_ylim(middle[1] - half[1], middle[1] + half[1])
    axes.set_aspect("equal")  # arrows bend to their right, and rates stand beside them
    tidy(axes)


def draw_landscape(axes: Axes, answer: Landscape) -> None:
    """The tree in which wells merge, in units of V: a leaf is a minimum, a joint the lowest saddle between wells."""
    order = list(range(len(answer.minima)))
    place = {well: float(position) for position, well in enumerate(order)}
    tops = {well: answer.minima[well].value for well in order}
    for merge in answer.merges:
        kept, gone = merge.survivor, merge.absorbed
        for well in (kept, gone):
            axes.plot([place[well]] * 2, [tops[well], merge.value], color=FIRST, linewidth=1.4)
        axes.plot([place[kept], place[gone]], [merge.value] * 2, color=FIRST, linewidth=1.4)
        place[kept], tops[kept] = (place[kept] + place[gone]) / 2.0, merge.value
    for well in order:
        axes.plot(well, answer.minima[well].value, "o", color=SECOND)
    axes.set_xticks(order, [str(well + 1) for well in order])
    axes.set_xlabel("well")
    axes.set_ylabel("$V$")
    tidy(axes)


def _sorted(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(x)
    return x[order], y[order]


def _double(quantity: Quantity) -> float:
    return math.nan if quantity.value is None else quantity.value


def _bars(quantities: Sequence[Quantity]) -> list[float]:
    found = [abs(_double(q)) * q.relative_error for q in quantities]
    return [bar if math.isfinite(bar) else 0.0 for bar in found]
