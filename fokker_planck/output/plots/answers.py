"""One picture for each kind of answer, on axes that are given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.canvas import CYCLE, FIRST, INK, SECOND, colour_map, curve, on_line, tidy
from fokker_planck.output.plots.labels import measured
from fokker_planck.output.plots.slices import Shown, mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.quantity import Quantity
    from fokker_planck.solvers.results.in_time import ExitLaw
    from fokker_planck.solvers.results.steady import ExitTime, Spectrum, Stationary

LOG_TEN = math.log(10.0)
"""Natural logarithms over this are powers of ten, which readers of axes know."""
FADED = -2.0 * LOG_TEN
"""Of log P(tau > t), below which its tail is drawn in powers of ten: on an axis from zero to one there is none."""
DECADES = {1: 12.0, 2: 12.0, 3: 6.0}
"""Powers of ten below the highest density that are shown, by the dimension: slices of tails show cells."""
MOST_CURVES = 6
"""Of eigenfunctions on one pair of axes: as many as there are colours that all eyes tell apart."""


def draw_exit_time(axes: Axes, answer: ExitTime | ExitLaw) -> None:
    """The mean time from everywhere, in powers of ten, with the start."""
    points, _, values = answer.field.triangulation()
    name = measured(r"$\log_{10}$ mean exit time", "time")
    if points.shape[1] == 1:
        x, logs = on_line(answer.field, logarithm=True)
        decades = np.where(np.isfinite(logs), logs / LOG_TEN, np.nan)
        curve(axes, x, decades, name)
        axes.plot(answer.start, [np.interp(answer.start[0], x, decades)], "o", color=SECOND)
        return
    at_nodes = _decades(answer.field.log_values, values)
    least = float(np.min(at_nodes[np.isfinite(at_nodes)]))
    what = Shown(
        np.where(np.isfinite(at_nodes), at_nodes, least),
        lambda x: np.maximum(_decades(answer.field.log(x), answer.field(x)), least),
    )
    start = np.array([answer.start])
    shown = colour_map(axes, answer.field, what, name, through=start[0])
    mark(shown, start, color=SECOND, markeredgecolor="white")


def _decades(logs: Floats, values: Floats) -> Floats:
    """Powers of ten; where times are less than the error of the longest, a polynomial that is negative: its size."""
    with np.errstate(divide="ignore"):
        return np.where(np.isnan(logs), np.log(np.abs(values)), logs) / LOG_TEN


def draw_law(axes: Axes, answer: ExitLaw) -> None:
    """P(tau > t) at the times that were asked for; without such, the mean times."""
    if not answer.times:
        draw_exit_time(axes, answer)
        return
    times = [each.time for each in answer.times]
    survival = [each.survival for each in answer.times]
    axes.set_xscale("log")
    axes.set_xlabel(measured("time $t$", "time"))
    if any(q.log is not None and q.log < FADED for q in survival):
        _draw_tail(axes, answer, times, survival)
    else:
        style = {"color": FIRST, "marker": "o", "markersize": 4, "linewidth": 0.6}
        axes.errorbar(times, [_double(q) for q in survival], yerr=_bars(survival), **style)
        axes.set_ylabel(r"not left, $P(\tau > t)$")
        axes.set_ylim(-0.02, 1.04)
    tidy(axes)


def _draw_tail(axes: Axes, answer: ExitLaw, times: Sequence[float], survival: Sequence[Quantity]) -> None:
    """log10 P(tau > t), and beside it the exponential at the rate in the end, through the last time."""
    logs = np.array([math.nan if q.log is None else q.log / LOG_TEN for q in survival])
    style = {"color": FIRST, "marker": "o", "markersize": 4, "linewidth": 0.6}
    axes.errorbar(times, logs, yerr=[q.relative_error / LOG_TEN for q in survival], **style)
    if answer.rate.value is not None and np.isfinite(logs[-1]):
        later = np.geomspace(times[0], times[-1], 200)
        tail = logs[-1] + answer.rate.value * (times[-1] - later) / LOG_TEN
        axes.plot(later, tail, color=INK, linestyle="--", linewidth=1.0, label=r"$c\, e^{-\lambda t}$")
        axes.legend(frameon=False, fontsize="small")
    axes.set_ylabel(r"not left, $\log_{10} P(\tau > t)$")


def draw_stationary(axes: Axes, answer: Stationary) -> None:
    """The density in powers of ten, with the wells."""
    points, _, _ = answer.field.triangulation()
    line = points.shape[1] == 1
    x, logs = on_line(answer.field, logarithm=True) if line else (points, answer.field.log_values)
    decades = logs / LOG_TEN
    highest = float(decades[np.isfinite(decades)].max())
    lowest = highest - DECADES[points.shape[1]]
    minima = np.array([well.minimum for well in answer.wells]).reshape(-1, points.shape[1])
    if line:
        curve(axes, x, np.where(np.isfinite(decades), decades, np.nan), r"$\log_{10}$ density")
        axes.plot(minima[:, 0], np.interp(minima[:, 0], x, decades), "o", color=SECOND)
        axes.set_ylim(max(lowest, axes.get_ylim()[0]), None)
        return
    decades = np.clip(np.nan_to_num(decades, neginf=lowest), lowest, None)
    through = points[int(np.argmax(decades))]
    what = Shown(decades, lambda place: np.maximum(answer.field.log(place) / LOG_TEN, lowest))
    shown = colour_map(axes, answer.field, what, r"$\log_{10}$ density", through=through)
    mark(shown, minima, color="white")


def draw_spectrum(axes: Axes, answer: Spectrum) -> None:
    """Eigenfunctions over a line; in the plane that of the gap."""
    field = answer.eigenfunctions[0 if answer.target is not None else 1]
    points, _, values = field.triangulation()
    if points.shape[1] > 1:
        reach = float(np.abs(values).max())
        style = {"cmap": "RdBu", "vmin": -reach, "vmax": reach}
        name = measured(rf"eigenfunction of $\lambda$ = {answer.gap.digits}", "rate")
        near = np.linalg.norm((points - points.mean(axis=0)) / np.ptp(points, axis=0), axis=1)
        through = points[int(np.argmin(near + np.abs(values) / reach))]
        colour_map(axes, field, Shown(values, field), name, through=through, **style)
        return
    for number, each in enumerate(answer.eigenfunctions[:MOST_CURVES]):
        colour, value = CYCLE[number % len(CYCLE)], answer.eigenvalues[number].real.digits
        curve(axes, *on_line(each), "eigenfunction", color=colour, label=rf"$\lambda$ = {value}")
    axes.legend(frameon=False, fontsize="small")


def _double(quantity: Quantity) -> float:
    return math.nan if quantity.value is None else quantity.value


def _bars(quantities: Sequence[Quantity]) -> list[float]:
    found = [abs(_double(q)) * q.relative_error for q in quantities]
    return [bar if math.isfinite(bar) else 0.0 for bar in found]
