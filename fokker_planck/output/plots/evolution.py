"""A density in time: curves or a map on a line, frames in the plane, probabilities anywhere, and films of it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.canvas import CYCLE, canvas, curve, on_line, plane, tidy
from fokker_planck.output.plots.density import COLOURS
from fokker_planck.output.plots.labels import coordinate, measured, text
from fokker_planck.output.plots.slices import OUTSIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.quantity.units import Units
    from fokker_planck.solvers.time.driven.periodic_results import PeriodicState
    from fokker_planck.solvers.time.evolving.evolution_results import Evolution, StateAtTime

LOG_TEN = math.log(10.0)
"""Natural logarithms over this are powers of ten."""
WIDE = 50.0
"""Last over first time from which the axis of times is logarithmic."""
DECADES = 4.0
"""Powers of ten below the highest density of all times that frames show: what is fainter is next to nothing there."""
MOST_FRAMES = 6
"""On one pair of axes, two rows of three: the first and the last time, and others evenly between."""
COLUMNS = 3
"""Of frames: a page is wider than it is high."""
THIN, WIDEST = 1.2, 3.0
"""Points: the last curve and the first one, half of whose width shows on both sides of the last."""
PACE = 4
"""Frames of a film in a second: each can be looked at."""
HELD = 4
"""Frames for which the last one stays."""


def draw_evolution(axes: Axes, answer: Evolution | PeriodicState) -> None:
    """Curves on a line, frames in the plane, probabilities in space."""
    dimension = answer.times[0].density.triangulation()[0].shape[1]
    {1: _draw_curves, 2: draw_frames}.get(dimension, draw_probabilities)(axes, answer)


def _draw_curves(axes: Axes, answer: Evolution | PeriodicState) -> None:
    """The densities at all times, the later the darker."""
    for number, state in enumerate(answer.times, start=1):
        shade = str(0.75 * (1.0 - number / len(answer.times)))
        width = seen_below(number - 1, len(answer.times))["linewidth"]
        style = {"color": shade, "label": _time(state), "linewidth": width}
        curve(axes, *on_line(state.density), "density $p(x, t)$", **style)
    axes.legend(frameon=False, fontsize="small")


def draw_probabilities(axes: Axes, answer: Evolution | PeriodicState) -> None:
    """What wells and sets have of the mass, over time."""
    times = [state.time for state in answer.times]
    shown = {f"well {n + 1}": [state.wells[n] for state in answer.times] for n in range(len(answer.minima))}
    shown |= {text(name): [state.sets[name] for state in answer.times] for name in answer.times[0].sets}
    for number, (name, row) in enumerate(shown.items()):
        known = [math.nan if q.value is None else q.value for q in row]
        style = {"color": CYCLE[number % len(CYCLE)], "label": name, **seen_below(number, len(shown))}
        axes.plot(times, known, marker="o", **style)
    axis_of_times(axes, times)
    axes.set_ylabel("probability")
    axes.legend(frameon=False, fontsize="small")


def seen_below(number: int, count: int) -> dict[str, Any]:
    """Widths for one of ``count`` curves, the first the widest: where two coincide both are seen."""
    share = (count - 1 - number) / max(count - 1, 1)
    return {"linewidth": THIN + (WIDEST - THIN) * share, "markersize": 3.0 * (THIN + (WIDEST - THIN) * share)}


def draw_map(axes: Axes, answer: Evolution) -> None:
    """p(x, t) on a line by colours: a band for each time, between the middles to its neighbours."""
    if answer.times[0].density.triangulation()[0].shape[1] != 1:
        raise ProblemError("kind", "a map of time in more than one coordinate", "frames")
    if len(answer.times) < 2:
        raise ProblemError("picture", "a density at one time", "two times and more")
    x = np.unique(np.concatenate([on_line(state.density)[0] for state in answer.times]))
    rows = np.array([np.interp(x, *on_line(state.density)) for state in answer.times])
    times = np.array([state.time for state in answer.times])
    wide = bool(times[0] > 0.0 and times[-1] > WIDE * times[0])
    places = np.log(times) if wide else times
    middles = 0.5 * (places[1:] + places[:-1])
    ends = (2.0 * places[0] - middles[0], 2.0 * places[-1] - middles[-1])
    edges = np.concatenate([ends[:1], middles, ends[1:]])
    across = np.concatenate([x[:1], 0.5 * (x[1:] + x[:-1]), x[-1:]])
    image = axes.pcolormesh(across, np.exp(edges) if wide else edges, rows, cmap=COLOURS, vmin=0.0, rasterized=True)
    axes.set_yscale("log" if wide else "linear")
    axes.figure.colorbar(image, ax=axes, aspect=28, pad=0.02, label="density $p(x, t)$")
    axes.set_xlabel(coordinate(0))
    axes.set_ylabel(measured("time $t$", "time"))


def draw_frames(axes: Axes, answer: Evolution | PeriodicState) -> None:
    """log10 of the density in the plane at up to six of the times, with one scale of colours."""
    if answer.times[0].density.triangulation()[0].shape[1] != 2:
        raise ProblemError("kind", "frames of a density that has not two coordinates", "a density in the plane")
    picked = np.unique(np.linspace(0, len(answer.times) - 1, min(MOST_FRAMES, len(answer.times))).round().astype(int))
    states = [answer.times[k] for k in picked]
    rows = 1 if len(states) <= COLUMNS else 2
    columns = math.ceil(len(states) / rows)
    axes.set_axis_off()
    spec = axes.get_subplotspec()
    if spec is None:
        raise ProblemError("picture", "axes that stand in no grid", "axes of subplots, for frames")
    if axes.figure.get_layout_engine() is not None:
        axes.figure.set_layout_engine("constrained")  # compressed, it cuts titles and labels of panels in panels off
    grid = spec.subgridspec(rows, columns)
    panels = [axes.figure.add_subplot(grid[divmod(k, columns)]) for k in range(len(states))]
    limits = _limits(answer)
    for number, (panel, state) in enumerate(zip(panels, states, strict=True)):
        image = _frame(panel, state, limits)
        if number % columns:
            panel.set_ylabel("")
        if number + columns < len(states):
            panel.set_xlabel("")
    axes.figure.colorbar(image, ax=panels, aspect=28, pad=0.02, extend="min", label=r"$\log_{10}$ density")


def _frame(axes: Axes, state: StateAtTime, limits: tuple[float, float]) -> Any:
    points, cells, _ = state.density.triangulation()
    decades = np.clip(np.nan_to_num(state.density.log_values / LOG_TEN, nan=-1e3, neginf=-1e3), limits[0], limits[1])
    style = {"cmap": COLOURS, "vmin": limits[0], "vmax": limits[1], "shading": "gouraud", "rasterized": True}
    image = axes.tripcolor(*points.T, cells, decades, **style)
    axes.set_facecolor(OUTSIDE)
    plane(axes, points.min(axis=0), points.max(axis=0))
    axes.set_title(_time(state), fontsize=10)
    return image


def _limits(answer: Evolution | PeriodicState) -> tuple[float, float]:
    """Powers of ten between which densities are shown, the same for all times: of the highest but the first."""
    later = answer.times[1:] or answer.times
    highest = max(float(np.nanmax(state.density.log_values)) for state in later) / LOG_TEN
    return highest - DECADES, highest


def film(answer: Evolution, path: str | Path, title: str = "", units: Units | None = None) -> Path:
    """Write a density in time as a film, .gif or (with ffmpeg) .mp4, a frame for each time; the path.

    Parameters
    ----------
    answer
        of :func:`evolve`, on a line or in the plane, at as many times as there shall be frames
    path
        of the film; its ending says the format
    title
        above it
    units
        for its labels

    Returns
    -------
    Path
        The path.

    Raises
    ------
    ProblemError
        In space, at one time, for another ending, and for .mp4 where there is no ffmpeg.
    """
    from matplotlib import animation, pyplot

    path, dimension = Path(path), answer.times[0].density.triangulation()[0].shape[1]
    if path.suffix not in (".gif", ".mp4"):
        raise ProblemError("film", str(path), "a file name that ends in .gif or .mp4")
    if dimension == 3 or len(answer.times) < 2:
        raise ProblemError("film", f"{len(answer.times)} times in {dimension} coordinates", "two times, one or two")
    if path.suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise ProblemError("film", "an .mp4 where there is no ffmpeg", "a .gif, or ffmpeg on the PATH")
    writer: Any = animation.PillowWriter(fps=PACE) if path.suffix == ".gif" else animation.FFMpegWriter(fps=PACE)
    with canvas(None, units) as axes:
        figure: Any = axes.figure
        shown = _shower(axes, answer, dimension)
        with writer.saving(figure, str(path), dpi=120):
            for state in (*answer.times, *(answer.times[-1:] * HELD)):
                axes.clear()
                shown(state)
                axes.set_title(f"{text(title)}   {_time(state)}".strip(), fontsize=11)
                writer.grab_frame()
        pyplot.close(figure)
    return path


def _shower(axes: Axes, answer: Evolution, dimension: int) -> Any:
    """What draws one state on cleared axes, with the scale of all."""
    if dimension == 2:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        limits = _limits(answer)
        scale = ScalarMappable(Normalize(*limits), COLOURS)
        axes.figure.colorbar(scale, ax=axes, aspect=28, pad=0.02, extend="min", label=r"$\log_{10}$ density")
        return lambda state: _frame(axes, state, limits)
    curves = [on_line(state.density) for state in answer.times]
    lower, upper = min(x[0] for x, _ in curves), max(x[-1] for x, _ in curves)
    highest = float(np.sort([values.max() for _, values in curves])[-2:].min())

    def shown(state: StateAtTime) -> None:
        x, values = on_line(state.density)
        curve(axes, x, values, "density $p(x, t)$")
        axes.fill_between(x, values, color=CYCLE[0], alpha=0.15, linewidth=0.0)
        axes.set_xlim(lower, upper)
        axes.set_ylim(0.0, 1.08 * highest)

    return shown


def _time(state: StateAtTime) -> str:
    return measured(f"$t$ = {state.time:g}", "time").replace(" / ", " ")


def axis_of_times(axes: Axes, times: list[float] | Floats) -> None:
    """Times along the axis, by their logarithms where they span decades."""
    positive = [time for time in times if time > 0.0]
    if positive and max(positive) > WIDE * min(positive):
        axes.set_xscale("log" if len(positive) == len(times) else "symlog")
    axes.set_xlabel(measured("time $t$", "time"))
    tidy(axes)
