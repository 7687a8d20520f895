"""One picture of the stationary density: log scale, wells and saddles marked, readable in greyscale."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.mesh.locator import Locator
from fokker_planck.output.plots.labels import coordinate, symbol, text
from fokker_planck.output.plots.picture import Picture, Sheet, density_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fokker_planck.landscape.types import Landscape
    from fokker_planck.solvers.results.steady import Stationary

COLOURS = "YlGnBu"  # darkens evenly with the density: reads the same in greyscale and with any colour vision
TYPOGRAPHY: dict[Any, Any] = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 11.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "savefig.dpi": 200,
    "svg.hashsalt": "fokker_planck",
}
"""The letters of formulas in a paper, at the size of its captions, and lines as thin as its rules."""
DECADES_WITHOUT_SADDLE = 12.0
"""Powers of ten shown below the highest density: beyond, every picture would be of its tails."""
SHORT = 4
"""Letters of a name that stands upright beside its axis: $y$, with its dollars, has three."""
RASTER, SLIVER = 64, 1e-12
"""Points an axis at which a box is looked at for what is missing, and the area of the largest triangle, below which one
of a slice through a vertex has none."""
FLAT = 1e-6  # decades below which a density is uniform


def plot_density(answer: Stationary, path: str | Path, landscape: Landscape | None = None, title: str = "") -> Path:
    """Write the picture of the stationary density to ``path`` (.png, .svg or .pdf) and return the path.

    One dimension: ``p`` over ``x`` on a log scale. Two: log colour scale with contour lines at whole powers of ten.
    Three: the three axis-parallel slices through the lowest minimum. Numbered circles are wells, crosses saddles.

    Parameters
    ----------
    answer
        of :func:`stationary_density`
    path
        of the picture; its ending says the format
    landscape
        whose wells and saddles are marked
    title
        above it

    Returns
    -------
    Path
        The path.
    """
    return save_picture(density_picture(answer, landscape, title), path)


def save_picture(picture: Picture, path: str | Path) -> Path:
    """Draw a collected picture into a file; the ending of ``path`` chooses the format."""
    import matplotlib

    with matplotlib.rc_context(TYPOGRAPHY):
        return save_figure(_figure(picture), Path(path))


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure without a date, so that the same picture is the same file."""
    if path.suffix not in {".png", ".svg", ".pdf"}:
        raise ProblemError("picture", str(path), "a file name that ends in .png, .svg or .pdf")
    undated: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
    figure.savefig(path, metadata=undated, bbox_inches="tight", pad_inches=0.06)
    return path


def _figure(picture: Picture) -> Figure:
    if len(picture.sheets) == 3:
        return _slices(picture)
    return _line(picture) if len(picture.sheets[0].axes) == 1 else _map(picture)


def _line(picture: Picture) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axes = figure.add_subplot()
    (sheet,) = picture.sheets
    order = np.argsort(sheet.points[:, 0])
    x, decades = sheet.points[order, 0], sheet.decades[order]
    low, high = _range(picture)
    # a linear axis of log10 p with labels made by hand: p itself may fit no double
    axes.plot(x, decades, color=_colour(0.9), linewidth=1.4, solid_joinstyle="round")
    axes.set_xlim(float(x[0]), float(x[-1]))
    axes.set_ylim(low, high + 0.06 * (high - low))
    _mark(
        axes,
        np.column_stack([picture.wells[:, 0], np.interp(picture.wells[:, 0], x, decades)]),
        np.column_stack([picture.saddles[:, 0], np.interp(picture.saddles[:, 0], x, decades)]),
    )
    ticks = _ticks(low, high)
    axes.set_yticks(ticks, [_power(tick) for tick in ticks])
    axes.yaxis.grid(True, color="0.88", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(coordinate(0))
    axes.set_ylabel("stationary density $p$")
    _finish(figure, axes, picture)
    return figure


def _map(picture: Picture) -> Figure:
    from matplotlib.figure import Figure

    (sheet,) = picture.sheets
    figure = Figure(figsize=(5.6, 5.6 * 0.74 / _aspect(sheet) + 0.8), layout="compressed")
    axes = figure.add_subplot()
    low, high = _range(picture)
    image = _paint(axes, sheet, low, high)
    _mark(axes, picture.wells, picture.saddles)
    _colour_bar(figure, [axes], image, "stationary density $p$", picture)
    _finish(figure, axes, picture)
    return figure


def _slices(picture: Picture) -> Figure:
    from matplotlib.figure import Figure

    widths = [_aspect(sheet) for sheet in picture.sheets]
    figure = Figure(figsize=(9.6, 6.8 / sum(widths) + 1.0), layout="compressed")
    low, high = _range(picture)
    panels = list(figure.subplots(1, 3, width_ratios=widths))
    extent = _extent(picture)
    for axes, sheet in zip(panels, picture.sheets, strict=True):
        image = _paint(axes, sheet, low, high)
        normal, shown = sheet.normal or 0, list(sheet.axes)
        near_wells, near_saddles = (
            np.abs(marked[:, normal] - sheet.offset) < 0.02 * extent[normal]
            for marked in (picture.wells, picture.saddles)
        )
        numbers = np.flatnonzero(near_wells) + 1
        _mark(axes, picture.wells[near_wells][:, shown], picture.saddles[near_saddles][:, shown], numbers)
        axes.set_title(f"{symbol(normal)} = {_signed(sheet.offset, extent[normal])}", fontsize=10)
    _colour_bar(figure, panels, image, "stationary density $p$", picture)
    _finish(figure, panels[0], picture)
    return figure


def _paint(axes: Axes, sheet: Sheet, low: float, high: float) -> Any:
    from matplotlib.tri import Triangulation

    triangles = Triangulation(sheet.points[:, 0], sheet.points[:, 1], sheet.cells)
    image = axes.tricontourf(
        triangles,
        np.minimum(sheet.decades, high),
        levels=np.linspace(low, high, 97),
        cmap=COLOURS,
        extend="min",
        antialiased=False,
    )
    with warnings.catch_warnings():
        # from 3.8 on matplotlib rasterizes the whole set, but says that it does not
        warnings.filterwarnings("ignore", message="Rasterization of")
        for part in getattr(image, "collections", [image]):  # matplotlib before 3.8 has one collection a level
            part.set_rasterized(True)
    levels = [tick for tick in _ticks(low, high) if low < tick < high]
    if levels and np.ptp(sheet.decades) > FLAT:
        # light lines on the dark half of the scale, dark lines on the light half
        lines = ["#ffffff" if tick > 0.5 * (low + high) else "#000000" for tick in levels]
        axes.tricontour(
            triangles, sheet.decades, levels=levels, colors=lines, linewidths=0.5, linestyles="solid", alpha=0.6
        )
    lower, upper = sheet.points.min(axis=0), sheet.points.max(axis=0)
    if _is_cut_box(sheet, low):
        axes.set_facecolor(_colour(0.0))
    axes.set_xlim(lower[0], upper[0])
    axes.set_ylim(lower[1], upper[1])
    axes.set_aspect("equal" if np.isclose(_aspect(sheet), (upper - lower)[0] / (upper - lower)[1]) else "auto")
    axes.set_xlabel(coordinate(sheet.axes[0]))
    upright_label(axes, coordinate(sheet.axes[1]))
    return image


def upright_label(axes: Axes, name: str) -> None:
    """A short name beside the axis upright, a long one along it."""
    short = len(name) <= SHORT
    axes.set_ylabel(name, rotation=0 if short else 90, labelpad=8 if short else 4)


def _is_cut_box(sheet: Sheet, low: float) -> bool:
    """Whether the cells that are missing from a box are those where next to nothing is: they are painted as such.

    Asked at points of a raster: slices of tetrahedra do not fit together to the last digit, and tell no outline.
    """
    if not sheet.box:
        return False
    lower, upper = sheet.points.min(axis=0), sheet.points.max(axis=0)
    middles = (np.arange(RASTER) + 0.5) / RASTER
    raster = lower + np.stack([part.ravel() for part in np.meshgrid(middles, middles)], axis=1) * (upper - lower)
    first, second = (sheet.points[sheet.cells[:, k]] - sheet.points[sheet.cells[:, 0]] for k in (1, 2))
    area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    missing = raster[Locator(sheet.points, sheet.cells[area > SLIVER * area.max()]).find(raster.T) < 0]
    if not len(missing):
        return False
    from scipy.spatial import cKDTree

    outline = cKDTree(sheet.points).query(missing)[1]
    return bool((sheet.decades[outline] < low).all())


def _mark(axes: Axes, wells: np.ndarray, saddles: np.ndarray, numbers: Iterable[int] | None = None) -> None:
    edge: dict[str, Any] = {"clip_on": False, "zorder": 5, "linestyle": "none"}
    if len(saddles):
        axes.plot(*saddles.T[:2], marker="X", markersize=7.5, mfc="white", mec="black", mew=0.9, label="saddle", **edge)
    if len(wells):
        axes.plot(*wells.T[:2], marker="o", markersize=11.0, mfc="white", mec="black", mew=0.9, label="well", **edge)
    for number, well in zip(range(1, len(wells) + 1) if numbers is None else numbers, wells, strict=True):
        axes.annotate(
            str(number), well[:2], xytext=(0.0, -0.4), textcoords="offset points", ha="center", va="center_baseline",
            fontsize=8.5, zorder=6, annotation_clip=False,
        )  # fmt: skip


def _colour_bar(figure: Figure, panels: list[Axes], image: Any, label: str, picture: Picture) -> None:
    low, high = _range(picture)
    uniform = picture.highest - picture.lowest <= FLAT
    ticks = [picture.highest] if uniform else _ticks(low, high)
    bar = figure.colorbar(
        image, ax=panels, ticks=ticks, extend="min", extendfrac=0.03, aspect=28, pad=0.02, shrink=0.96
    )
    bar.ax.set_yticklabels([_power(tick) for tick in ticks])
    bar.set_label(label)
    bar.outline.set_linewidth(0.6)


def _finish(figure: Figure, axes: Axes, picture: Picture) -> None:
    if picture.title:
        figure.suptitle(text(picture.title), fontsize=12)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles[::-1], labels[::-1], loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=0.2, ncols=2,
            frameon=False, handletextpad=0.2, columnspacing=1.4, fontsize=9.5,
        )  # fmt: skip


def _range(picture: Picture) -> tuple[float, float]:
    """Lowest and highest power of ten shown: the wells, the saddles, and half as much again."""
    high, depth = picture.highest, DECADES_WITHOUT_SADDLE
    if picture.saddle_decades:
        depth = max(1.5 * (high - min(picture.saddle_decades)) + 1.0, 4.0)
    low = max(picture.lowest, high - depth)
    return (low, high) if high - low > FLAT else (high - 1.0, high + 0.1)


def _ticks(low: float, high: float) -> list[float]:
    """Whole powers of ten, or 1, 2, 5 times those where there are few."""
    whole = np.arange(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    if len(whole) >= 3:
        step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6) if len(whole) <= 9 * step)
        return [float(tick) for tick in whole if tick % step == 0]
    exponents = range(math.floor(low), math.ceil(high) + 1)
    between = [exponent + math.log10(digit) for exponent in exponents for digit in (1, 2, 5)]
    between = [tick for tick in between if low <= tick <= high]
    return between if len(between) >= 2 else [low, 0.5 * (low + high), high]


def _aspect(sheet: Sheet) -> float:
    """Width over height of a panel: that of the domain, within what a page can hold."""
    width, height = np.ptp(sheet.points, axis=0)
    return float(np.clip(width / height, 0.6, 2.8))


def _extent(picture: Picture) -> np.ndarray:
    extent = np.ones(3)
    for sheet in picture.sheets:
        extent[list(sheet.axes)] = np.ptp(sheet.points, axis=0)
    return extent


def _power(decade: float) -> str:
    if abs(decade - round(decade)) < 1e-9:
        return f"$10^{{{round(decade)}}}$"
    exponent = math.floor(decade)
    mantissa = f"{10.0 ** (decade - exponent):.3g}"
    if -3 <= exponent < 3:
        return f"${float(mantissa) * 10.0**exponent:.3g}$"
    return rf"${mantissa}\cdot 10^{{{exponent}}}$"


def _signed(value: float, extent: float) -> str:
    return f"{0.0 if abs(value) < 1e-6 * extent else value:.4g}"


def _colour(fraction: float) -> Any:
    import matplotlib

    return matplotlib.colormaps[COLOURS](fraction)
