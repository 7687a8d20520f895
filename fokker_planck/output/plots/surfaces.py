"""Isosurfaces of functions of three coordinates: rendered by PyVista without a screen, framed by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import MissingPackageError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.labels import AXES_NAMES, measured, symbol
from fokker_planck.quantity.light_dataclasses import dataclass, field

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.results.in_time import ExitLaw
    from fokker_planck.solvers.results.steady import Committor, ExitTime, Spectrum, Stationary

WINDOW = (1500, 1200)
"""Pixels: what 200 to an inch show of half a page."""
LOG_TEN = float(np.log(10.0))
"""Natural logarithms over this are powers of ten."""
BELOW_THE_PEAK = (4.0, 2.5, 1.5, 0.5)
"""Powers of ten below the highest density: at noise of a tenth of a barrier the outer one goes through the saddle."""
COMMITTORS = (0.1, 0.5, 0.9)
"""Of which surfaces are drawn: the separatrix and both sides of the layer around it."""
SHARES = (0.15, 0.5, 0.85)
"""Of the range of other functions at which surfaces lie."""
OPAQUE = 0.9
"""The innermost surface; the others let it shine through, the outermost most."""
FAINT = 0.25
"""The outermost surface."""
SMOOTHINGS = 40
"""Steps that take edges of cells off a surface, without moving it by more than a cell."""
CLOSE = 1.15
"""Nearer than where all of the box is seen with room for its numbers on every side."""
LONGEST = 2.5
"""Edge over the shortest edge in the picture: longer boxes are drawn shorter, with their own numbers on the axes."""


@dataclass(frozen=True)
class Surfaces:
    """Where ``values`` at points of a mesh are ``levels``; ``marked``: zeros of other functions, by their colours."""

    values: Floats
    levels: Sequence[float]
    label: str
    colours: str = "YlGnBu"
    marked: dict[str, Floats] = field(default_factory=dict)


def draw_density_surfaces(axes: Axes, answer: Stationary) -> None:
    """Surfaces of equal density, some powers of ten below its highest."""
    decades = answer.field.log_values / LOG_TEN
    highest = float(decades[np.isfinite(decades)].max())
    decades = np.clip(np.nan_to_num(decades, neginf=highest - 99.0), highest - 99.0, None)
    levels = [highest - depth for depth in BELOW_THE_PEAK]
    _draw(axes, answer.field, Surfaces(decades, levels, r"$\log_{10}$ density"))


def draw_committor_surfaces(axes: Axes, answer: Committor) -> None:
    """Surfaces of equal committor, and both sets."""
    points, _, values = answer.field.triangulation()
    marked = {}
    if answer.sets is not None:
        levels = (np.asarray(each.level(points.T)) for each in answer.sets)
        marked = {colour: level for colour, level in zip(("#0072b2", "#d55e00"), levels, strict=True)}
    _draw(axes, answer.field, Surfaces(np.clip(values, 0.0, 1.0), COMMITTORS, "committor", "cividis", marked))


def draw_time_surfaces(axes: Axes, answer: ExitTime | ExitLaw) -> None:
    """Surfaces from which the mean time is the same."""
    logs = answer.field.log_values / LOG_TEN
    finite = logs[np.isfinite(logs)]
    low, high = float(np.quantile(finite, 0.02)), float(finite.max())
    levels = [low + share * (high - low) for share in SHARES]
    values = np.where(np.isfinite(logs), logs, low)
    _draw(axes, answer.field, Surfaces(values, levels, measured(r"$\log_{10}$ mean exit time", "time")))


def draw_eigenfunction_surfaces(axes: Axes, answer: Spectrum) -> None:
    """Surfaces of equal value of the eigenfunction of the gap, its zeros among them."""
    mode = answer.eigenfunctions[0 if answer.target is not None else 1]
    _, _, values = mode.triangulation()
    low, high = float(values.min()), float(values.max())
    levels = [0.5 * low, 0.0, 0.5 * high] if low < 0.0 < high else [low + s * (high - low) for s in SHARES]
    label = measured(rf"eigenfunction of $\lambda$ = {answer.gap.digits}", "rate")
    _draw(axes, mode, Surfaces(values, levels, label, "coolwarm"))


def _draw(axes: Axes, function: Any, what: Surfaces) -> None:
    """An image of the surfaces on the axes, and a bar with their colours."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    points, cells, _ = function.triangulation()
    if points.shape[1] != 3:
        raise ProblemError("kind", f"surfaces in {points.shape[1]} coordinates", "a problem in space")
    count = len(what.levels)
    colours = [colormaps[what.colours](0.12 + 0.85 * k / max(count - 1, 1)) for k in range(count)]
    axes.imshow(_trimmed(_rendered(np.asarray(points, dtype=float), cells, what, colours)))
    axes.set_axis_off()
    scale = ScalarMappable(BoundaryNorm(np.arange(count + 1) - 0.5, count), ListedColormap(colours))
    bar = axes.figure.colorbar(scale, ax=axes, ticks=range(count), shrink=0.7, aspect=14, pad=0.02, label=what.label)
    bar.ax.set_yticklabels([f"{level:.2g}" for level in what.levels])
    bar.ax.tick_params(length=0)


def _rendered(points: Floats, cells: Any, what: Surfaces, colours: Sequence[Any]) -> Any:
    """The picture as an array of pixels."""
    pyvista = pyvista_or_say()
    lower, upper = points.min(axis=0), points.max(axis=0)
    edges = upper - lower
    shown = np.minimum(edges, LONGEST * edges.min())
    placed = (points - lower) / edges * shown / shown.max()
    grid = pyvista.UnstructuredGrid({pyvista.CellType.TETRA: np.asarray(cells)}, placed)
    grid["values"] = np.asarray(what.values, dtype=float)
    with pyvista.vtk_verbosity("off"):  # that there is no screen is as it should be
        plotter = pyvista.Plotter(off_screen=True, window_size=WINDOW, lighting="three lights")
        plotter.set_background("white")
        for number, (level, colour) in enumerate(zip(what.levels, colours, strict=True), start=1):
            share = number / len(what.levels)
            _add(plotter, grid, "values", level, color=colour[:3], opacity=FAINT + (OPAQUE - FAINT) * share)
        for name, levels in what.marked.items():
            grid[name] = levels
            _add(plotter, grid, name, 0.0, color=name, opacity=1.0)
        _frame(plotter, grid, lower, upper)
        plotter.view_vector((1.0, -1.7, 0.9))
        plotter.camera.zoom(CLOSE)
        image = plotter.screenshot(return_img=True)
        plotter.close()
    return image


def _trimmed(image: Any) -> Any:
    """Without the white around it."""
    ink = (image < 250).any(axis=2)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else image


def _add(plotter: Any, grid: Any, name: str, level: float, **style: Any) -> None:
    surface = grid.contour([level], scalars=name)
    if surface.n_points:
        surface = surface.smooth_taubin(n_iter=SMOOTHINGS, pass_band=0.1)
        plotter.add_mesh(surface, smooth_shading=True, show_scalar_bar=False, scalars=None, **style)


def _frame(plotter: Any, grid: Any, lower: Floats, upper: Floats) -> None:
    """A box around the domain with the numbers of the coordinates."""
    plain = [symbol(axis).strip("$") or AXES_NAMES[axis] for axis in range(3)]
    plotter.show_bounds(
        mesh=grid,
        axes_ranges=[float(end) for pair in zip(lower, upper, strict=True) for end in pair],
        xtitle=plain[0],
        ytitle=plain[1],
        ztitle=plain[2],
        n_xlabels=3,
        n_ylabels=3,
        n_zlabels=3,
        location="outer",
        padding=0.06,
        color="#262626",
        font_size=30,
        fmt="%.3g",
    )


def pyvista_or_say() -> Any:
    """The package; raises MissingPackageError, which names the extra, where it is not installed."""
    try:
        import pyvista
    except ImportError:
        raise MissingPackageError("pyvista", "pictures3d") from None
    return pyvista
