"""What depends on time: densities, probabilities of wells and sets, correlations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.output.plots.canvas import CYCLE, FIRST, curve, text, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.evolution_results import Evolution
    from fokker_planck.solvers.periodic_results import PeriodicState
    from fokker_planck.solvers.results_in_time import Correlation

WIDE = 50.0
"""Last over first time from which the axis of times is logarithmic."""


def draw_evolution(axes: Axes, answer: Evolution | PeriodicState) -> None:
    """On a line the densities at all times; else what the wells, and the sets, have of the mass."""
    points, _, _ = answer.times[0].density.triangulation()
    if points.shape[1] == 1:
        colours = [str(0.75 * (1.0 - (n + 1) / len(answer.times))) for n in range(len(answer.times))]
        for state, colour in zip(answer.times, colours, strict=True):
            places, _, values = state.density.triangulation()
            curve(axes, places, values, "density $p(x, t)$", color=colour, label=f"$t$ = {state.time:g}")
    else:
        times = [state.time for state in answer.times]
        shown = {f"well {n + 1}": [state.wells[n] for state in answer.times] for n in range(len(answer.minima))}
        shown |= {text(name): [state.sets[name] for state in answer.times] for name in answer.times[0].sets}
        for number, (name, row) in enumerate(shown.items()):
            known = [math.nan if q.value is None else q.value for q in row]
            axes.plot(times, known, color=CYCLE[number % len(CYCLE)], marker="o", markersize=4, label=name)
        _times(axes, times)
        axes.set_ylabel("probability")
    axes.legend(frameon=False, fontsize="small")


def draw_correlation(axes: Axes, answer: Correlation) -> None:
    """C(t) at the times that were asked for, with its error estimates."""
    if not answer.times:
        raise ProblemError("picture", "a correlation at no times", "times of the correlation")
    times = [each.time for each in answer.times]
    values = [each.covariance.value for each in answer.times]
    bars = np.nan_to_num([each.covariance.absolute_error for each in answer.times], posinf=0.0)
    axes.errorbar(times, values, yerr=bars, color=FIRST, marker="o", markersize=4, capsize=2)
    axes.axhline(0.0, color="0.8", linewidth=0.6, zorder=0)
    _times(axes, times)
    axes.set_ylabel(text("covariance of {} and {}".format(*answer.functions)))


def _times(axes: Axes, times: list[float]) -> None:
    positive = [time for time in times if time > 0.0]
    if positive and max(positive) > WIDE * min(positive):
        axes.set_xscale("log" if len(positive) == len(times) else "symlog")
    axes.set_xlabel("time $t$")
    tidy(axes)
