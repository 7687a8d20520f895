"""What depends on time: displacements over many periods, correlations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.output.plots.canvas import CYCLE, FIRST, tidy
from fokker_planck.output.plots.evolution import axis_of_times
from fokker_planck.output.plots.labels import measured, symbol, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.results.in_time import Correlation, Transport

CLEAR = 2.0
"""Standard deviations by which a drift leads at two thirds of the picture: both are seen there."""


def draw_transport(axes: Axes, answer: Transport) -> None:
    """Where the process is after a time, turns counted: v t, and around it the standard deviation sqrt(2 D t)."""
    drifts = [found.value for found in answer.drift]
    spreads = [max(answer.diffusion[k][k].value, 0.0) for k in range(len(drifts))]
    # as long as the drift takes to leave the spread behind
    scales = [CLEAR**2 * 2.0 * spread / drift**2 for drift, spread in zip(drifts, spreads, strict=True) if drift != 0.0]
    last = min([scale for scale in scales if 0.0 < scale < math.inf], default=1.0)
    times = np.linspace(0.0, 1.5 * last, 200)
    for number, (axis, drift, spread) in enumerate(zip(answer.axes, drifts, spreads, strict=True)):
        mean, width, colour = drift * times, np.sqrt(2.0 * spread * times), CYCLE[number % len(CYCLE)]
        axes.fill_between(times, mean - width, mean + width, color=colour, alpha=0.25, linewidth=0.0)
        axes.plot(times, mean, color=colour, linewidth=1.4, label=f"{symbol(axis)}: {drift:.4g} t, D = {spread:.4g}")
    axes.set_xlim(0.0, times[-1])
    axes.set_xlabel(measured("time $t$", "time"))
    axes.set_ylabel(measured("mean displacement, and its standard deviation", "length"))
    axes.legend(frameon=False, fontsize="small")
    tidy(axes)


def draw_correlation(axes: Axes, answer: Correlation) -> None:
    """C(t) at the times that were asked for, with its error estimates."""
    if not answer.times:
        raise ProblemError("picture", "a correlation at no times", "times of the correlation")
    times = [each.time for each in answer.times]
    values = [each.covariance.value for each in answer.times]
    bars = np.nan_to_num([each.covariance.absolute_error for each in answer.times], posinf=0.0)
    axes.errorbar(times, values, yerr=bars, color=FIRST, marker="o", markersize=4, capsize=2)
    axes.axhline(0.0, color="0.8", linewidth=0.6, zorder=0)
    axis_of_times(axes, times)
    axes.set_ylabel(text("covariance of {} and {}".format(*answer.functions)))
