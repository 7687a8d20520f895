"""One picture of the stationary density: log scale, wells and saddles marked, readable in greyscale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fokker_planck.landscape import Landscape
    from fokker_planck.solvers.results import Stationary

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
AXES_NAMES = ("x", "y", "z")
DECADES_WITHOUT_SADDLE = 12.0


@dataclass(frozen=True)
class Picture:
    """What is drawn: ``decades`` = log10 of the density at ``points`` (n, dim) of the simplices ``cells``."""

    points: np.ndarray
    cells: np.ndarray
    decades: np.ndarray
    wells: np.ndarray
    saddles: np.ndarray
    title: str = ""

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.points.shape[1])


def density_picture(answer: Stationary, landscape: Landscape | None = None, title: str = "") -> Picture:
    """Collect what a picture of the stationary density shows; under MPI every rank has to call this.

    The saddles are those of ``landscape`` (none if it is not given); the wells are numbered as in ``answer``.
    """
    points, cells, values = answer.density.triangulation()
    points = np.asarray(points, dtype=float)
    dimension = points.shape[1]
    if answer.density.logarithm:
        decades = np.asarray(values, dtype=float) / math.log(10.0)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            decades = np.log10(np.asarray(values, dtype=float))
    saddles = () if landscape is None else tuple(saddle.position for saddle in landscape.saddles)
    return Picture(
        points=points,
        cells=np.asarray(cells, dtype=np.int64),
        decades=_finite(decades),
        wells=_positions((well.minimum for well in answer.wells), dimension),
        saddles=_positions(saddles, dimension),
        title=title,
    )


def plot_density(answer: Stationary, path: str | Path, landscape: Landscape | None = None, title: str = "") -> Path:
    """Write the picture of the stationary density to ``path`` (.png, .svg or .pdf) and return the path.

    One dimension: ``p`` over ``x`` on a log scale. Two: log colour scale with contour lines at whole powers of ten.
    Three: the three axis-parallel slices through the lowest minimum. Numbered circles are wells, crosses saddles.
    """
    return save_picture(density_picture(answer, landscape, title), path)


def save_picture(picture: Picture, path: str | Path) -> Path:
    """Draw a collected picture into a file; the ending of ``path`` chooses the format."""
    path = Path(path)
    if path.suffix not in {".png", ".svg", ".pdf"}:
        raise ProblemError("picture", str(path), "a file name that ends in .png, .svg or .pdf")
    import matplotlib

    with matplotlib.rc_context(TYPOGRAPHY):
        figure = _figure(picture)
        undated: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix, {})
        figure.savefig(path, metadata=undated, bbox_inches="tight", pad_inches=0.06)
    return path


def _figure(picture: Picture) -> Figure:
    if picture.dimension == 1:
        return _line(picture)
    if picture.dimension == 2:
        return _map(picture)
    return _slices(picture)


def _line(picture: Picture) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axes = figure.add_subplot()
    order = np.argsort(picture.points[:, 0])
    x, decades = picture.points[order, 0], picture.decades[order]
    low, high = _range(picture)
    ink, margin = _colour(0.9), 0.06 * (high - low)
    # a linear axis of log10 p with labels made by hand: p itself may fit no double
    axes.plot(x, decades, color=ink, linewidth=1.4, solid_joinstyle="round")
    axes.set_xlim(float(x[0]), float(x[-1]))
    axes.set_ylim(low, high + margin)
    _mark(
        axes,
        np.column_stack([picture.wells[:, 0], np.interp(picture.wells[:, 0], x, decades)]),
        np.column_stack([picture.saddles[:, 0], np.interp(picture.saddles[:, 0], x, decades)]),
    )
    ticks = _decade_ticks(low, high)
    axes.set_yticks(ticks, [_power(tick) for tick in ticks])
    axes.yaxis.grid(True, color="0.88", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("$x$")
    axes.set_ylabel("stationary density $p(x)$")
    _finish(figure, axes, picture)
    return figure


def _map(picture: Picture) -> Figure:
    from matplotlib.figure import Figure

    width, height = np.ptp(picture.points, axis=0)
    aspect = min(max(height / width, 0.35), 1.6)
    figure = Figure(figsize=(5.6, 5.6 * 0.74 * aspect + 0.9), layout="compressed")
    axes = figure.add_subplot()
    low, high = _range(picture)
    image = _paint(axes, picture.points, picture.cells, picture.decades, low, high)
    _mark(axes, picture.wells, picture.saddles)
    _frame(axes, picture.points, (0, 1), stretched=not 0.35 <= height / width <= 1.6)
    _colour_bar(figure, [axes], image, "stationary density $p(x, y)$", low, high)
    _finish(figure, axes, picture)
    return figure


def _slices(picture: Picture) -> Figure:
    from matplotlib.figure import Figure

    centre = picture.wells[0] if len(picture.wells) else picture.points[np.argmax(picture.decades)]
    figure = Figure(figsize=(9.6, 3.5), layout="compressed")
    low, high = _range(picture)
    extent = np.ptp(picture.points, axis=0)
    panels = list(figure.subplots(1, 3, width_ratios=_panel_widths(extent)))
    for axes, normal in zip(panels, (2, 1, 0), strict=True):
        across = tuple(axis for axis in range(3) if axis != normal)
        points, cells, decades = slice_plane(picture.points, picture.cells, picture.decades, normal, centre[normal])
        image = _paint(axes, points[:, across], cells, decades, low, high)
        near = [
            np.abs(marked[:, normal] - centre[normal]) < 0.02 * extent[normal]
            for marked in (picture.wells, picture.saddles)
        ]
        numbers = np.flatnonzero(near[0]) + 1
        _mark(axes, picture.wells[near[0]][:, across], picture.saddles[near[1]][:, across], numbers)
        shape = extent[across[1]] / extent[across[0]]
        _frame(axes, picture.points[:, across], across, stretched=not 0.35 <= shape <= 1.6)
        axes.set_title(f"${AXES_NAMES[normal]} = {_signed(centre[normal])}$", fontsize=10)
    _colour_bar(figure, panels, image, "stationary density $p$", low, high)
    _finish(figure, panels[0], picture)
    return figure


def _panel_widths(extent: np.ndarray) -> list[float]:
    """Widths that give the panels (x, y), (x, z), (y, z) equal heights where their axes have equal units."""
    return [float(np.clip(extent[a] / extent[b], 0.6, 2.8)) for a, b in ((0, 1), (0, 2), (1, 2))]


def _paint(axes: Axes, points: np.ndarray, cells: np.ndarray, decades: np.ndarray, low: float, high: float) -> Any:
    from matplotlib.tri import Triangulation

    triangles = Triangulation(points[:, 0], points[:, 1], cells)
    shades = np.linspace(low, high, 129)
    image = axes.tricontourf(
        triangles, np.minimum(decades, high), levels=shades, cmap=COLOURS, extend="min", antialiased=False
    )
    for part in getattr(image, "collections", [image]):  # matplotlib before 3.8 has one collection a level
        part.set_rasterized(True)
    levels = [tick for tick in _decade_ticks(low, high) if low < tick < high]
    if levels and np.ptp(decades) > 0.0:
        # light lines on the dark half of the scale, dark lines on the light half
        lines = ["#ffffff" if tick > 0.5 * (low + high) else "#000000" for tick in levels]
        axes.tricontour(triangles, decades, levels=levels, colors=lines, linewidths=0.5, linestyles="solid", alpha=0.6)
    return image


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


def _frame(axes: Axes, points: np.ndarray, across: tuple[int, ...], stretched: bool) -> None:
    lower, upper = points.min(axis=0), points.max(axis=0)
    axes.set_xlim(lower[0], upper[0])
    axes.set_ylim(lower[1], upper[1])
    axes.set_aspect("auto" if stretched else "equal")
    axes.set_xlabel(f"${AXES_NAMES[across[0]]}$")
    axes.set_ylabel(f"${AXES_NAMES[across[1]]}$", rotation=0, labelpad=8)


def _colour_bar(figure: Figure, panels: list[Axes], image: Any, label: str, low: float, high: float) -> None:
    ticks = _decade_ticks(low, high)
    bar = figure.colorbar(
        image, ax=panels, ticks=ticks, extend="min", extendfrac=0.03, aspect=28, pad=0.02, shrink=0.96
    )
    bar.ax.set_yticklabels([_power(tick) for tick in ticks])
    bar.set_label(label)
    bar.outline.set_linewidth(0.6)


def _finish(figure: Figure, axes: Axes, picture: Picture) -> None:
    if picture.title:
        figure.suptitle(picture.title.replace("$", r"\$"), fontsize=12)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles[::-1], labels[::-1], loc="upper center", bbox_to_anchor=(0.5, 0.0), borderaxespad=0.2, ncols=2,
            frameon=False, handletextpad=0.2, columnspacing=1.4, fontsize=9.5,
        )  # fmt: skip


def _range(picture: Picture) -> tuple[float, float]:
    """Lowest and highest power of ten shown: the wells, the saddles, and half as much again."""
    lowest, high = float(picture.decades.min()), float(picture.decades.max())
    depth = DECADES_WITHOUT_SADDLE
    if len(picture.saddles):
        at_saddles = [_nearest(picture, saddle) for saddle in picture.saddles]
        depth = max(1.5 * (high - min(at_saddles)) + 1.0, 4.0)
    low = max(lowest, high - depth)
    return (low, high) if high - low > 1e-6 else (high - 1.0, high + 0.1)


def _nearest(picture: Picture, point: np.ndarray) -> float:
    return float(picture.decades[np.argmin(np.sum((picture.points - point) ** 2, axis=1))])


def _decade_ticks(low: float, high: float) -> list[float]:
    whole = np.arange(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    if len(whole) >= 3:
        step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6) if len(whole) <= 9 * step)
        return [float(tick) for tick in whole if tick % step == 0]
    return [float(tick) for tick in np.linspace(low, high, 4)]


def _power(decade: float) -> str:
    if abs(decade - round(decade)) < 1e-9:
        return f"$10^{{{round(decade)}}}$"
    exponent = math.floor(decade)
    mantissa = f"{10.0 ** (decade - exponent):.2f}"
    return (
        f"${float(mantissa) * 10.0**exponent:.3g}$" if -3 <= exponent < 3 else rf"${mantissa}\cdot 10^{{{exponent}}}$"
    )


def _signed(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-9 else value:.4g}"


def _colour(fraction: float) -> Any:
    import matplotlib

    return matplotlib.colormaps[COLOURS](fraction)


def _finite(decades: np.ndarray) -> np.ndarray:
    finite = decades[np.isfinite(decades)]
    if finite.size == 0:
        raise ProblemError("density", "no finite value", "a density that is positive somewhere")
    return np.where(np.isfinite(decades), decades, finite.min())


def _positions(points: Iterable[Any], dimension: int) -> np.ndarray:
    return np.array([np.asarray(point, dtype=float) for point in points], dtype=float).reshape(-1, dimension)


def slice_plane(
    points: np.ndarray, cells: np.ndarray, values: np.ndarray, normal: int, offset: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut tetrahedra by the plane ``x_normal = offset``: points (k, 3), triangles (t, 3) and values (k,) on the plane.

    The values are those of the linear interpolant on every tetrahedron.

    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> cut, triangles, heights = slice_plane(corners, np.array([[0, 1, 2, 3]]), corners[:, 0], 2, 0.5)
    >>> triangles.shape, cut[:, :2].max(), heights.max()
    ((1, 3), 0.5, 0.5)
    """
    height = points[:, normal] - offset
    span = float(np.ptp(points[:, normal]))
    # a plane through vertices is moved by less than can be seen, into the body
    nudge = 1e-7 * span * (1.0 if np.mean(height) > 0.0 else -1.0)
    height = np.where(np.abs(height) < abs(nudge), -nudge, height)
    above = height[cells] > 0.0
    order = np.argsort(above, axis=1, kind="stable")  # vertices below the plane first
    cells = np.take_along_axis(cells, order, axis=1)
    count = above.sum(axis=1)
    a, b, c, d = (cells[count == 2][:, column] for column in range(4))
    one, three = cells[count == 1], cells[count == 3]
    edges = np.concatenate(
        [
            np.stack([one[:, [0, 3]], one[:, [1, 3]], one[:, [2, 3]]], axis=1),
            np.stack([three[:, [0, 1]], three[:, [0, 2]], three[:, [0, 3]]], axis=1),
            np.stack([np.stack(pair, axis=1) for pair in ((a, c), (a, d), (b, d))], axis=1),
            np.stack([np.stack(pair, axis=1) for pair in ((a, c), (b, d), (b, c))], axis=1),
        ]
    )
    crossed, triangles = np.unique(np.sort(edges.reshape(-1, 2), axis=1), axis=0, return_inverse=True)
    share = (height[crossed[:, 0]] / (height[crossed[:, 0]] - height[crossed[:, 1]]))[:, None]
    cut = (1.0 - share) * points[crossed[:, 0]] + share * points[crossed[:, 1]]
    cut_values = (1.0 - share[:, 0]) * values[crossed[:, 0]] + share[:, 0] * values[crossed[:, 1]]
    return cut, np.asarray(triangles).reshape(-1, 3), cut_values
