"""Two panels for the transitions between two sets: the committor, and where the paths are that go across."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.output.plots.density import COLOURS, TYPOGRAPHY, save_figure, upright_label
from fokker_planck.output.plots.labels import coordinate
from fokker_planck.output.plots.picture import between_nodes
from fokker_planck.output.plots.slices import OUTSIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.results.steady import Committor

TITLES = ("committor", "reactive density / its maximum")
LINES = np.linspace(0.1, 0.9, 9)
"""Levels of the committor that are drawn: tenths."""
HALF = 4
"""Which of them is the separatrix, q = 1/2: drawn heavier."""


def plot_committor(answer: Committor, path: str | Path, title: str = "") -> Path:
    """Write the committor and the reactive density to ``path`` (.png, .svg or .pdf) and return the path.

    One dimension: two curves. Two: two maps, of the committor with lines at every tenth, that of one half thick.

    Parameters
    ----------
    answer
        of :func:`committor`
    path
        of the picture; its ending says the format
    title
        above it

    Returns
    -------
    Path
        The path.

    Raises
    ------
    ProblemError
        In three dimensions, where the result folder has both as .vtu.
    """
    import matplotlib
    from matplotlib.figure import Figure

    points, cells, committor = answer.field.triangulation()
    logs = answer.reactive_density.log_values
    highest = float(logs[np.isfinite(logs)].max())
    density = np.exp(logs - highest)
    dimension = points.shape[1]
    if dimension > 2:
        wanted = "one or two; ParaView shows the committor.vtu of the result folder"
        raise ProblemError("picture", "a committor in three dimensions", wanted)

    def relative(x: Floats) -> Floats:
        return np.asarray(np.exp(answer.reactive_density.log(x) - highest))

    with matplotlib.rc_context(TYPOGRAPHY):
        figure = Figure(figsize=(9.2, 3.4 if dimension == 1 else 4.2), layout="constrained")
        panels = figure.subplots(1, 2)
        for axes, values, name in zip(panels, (committor, density), TITLES, strict=True):
            if dimension == 1:
                order = np.argsort(points[:, 0])
                axes.plot(points[order, 0], values[order], color="black", linewidth=1.2)
                axes.set_ylim(-0.02, 1.04)
            else:
                of_field = answer.field if name == TITLES[0] else relative
                image = _map(axes, between_nodes(points, cells, values, of_field), lines=name == TITLES[0])
                figure.colorbar(image, ax=axes, ticks=np.linspace(0.0, 1.0, 6), aspect=28, pad=0.02)
                upright_label(axes, coordinate(1))
            axes.set_xlabel(coordinate(0))
            axes.set_title(name, fontsize=11)
        if title:
            figure.suptitle(title.replace("$", r"\$"), fontsize=12)
        return save_figure(figure, Path(path))


def _map(axes: Axes, surface: tuple[Floats, Integers, Floats], *, lines: bool) -> Any:
    from matplotlib.tri import Triangulation

    points, cells, values = surface
    triangles = Triangulation(points[:, 0], points[:, 1], cells)
    image = axes.tripcolor(
        triangles, np.clip(values, 0.0, 1.0), cmap=COLOURS, vmin=0.0, vmax=1.0, shading="gouraud", rasterized=True
    )
    if lines:
        widths = [1.4 if number == HALF else 0.5 for number in range(len(LINES))]
        colours = ["black" if line <= 0.5 else "white" for line in LINES]
        axes.tricontour(triangles, values, levels=LINES, colors=colours, linewidths=widths)
    axes.set_facecolor(OUTSIDE)
    axes.set_aspect("equal")
    axes.set_xlim(points[:, 0].min(), points[:, 0].max())
    axes.set_ylim(points[:, 1].min(), points[:, 1].max())
    return image
