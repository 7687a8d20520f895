"""Isosurfaces of functions of three coordinates: rendered by PyVista without a screen, framed by matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fokker_planck.errors import MissingPackageError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.edges_of_box import MINUS, Edge, draw_edge, edges_in_picture
from fokker_planck.output.plots.labels import measured
from fokker_planck.output.plots.near_levels import Levelled, near_levels
from fokker_planck.quantity.light_dataclasses import dataclass, field

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.results.in_time import ExitLaw
    from fokker_planck.solvers.results.steady import Committor, ExitTime, Spectrum, Stationary

WINDOW = (1500, 1200)
"""Pixels: what 200 to an inch show of half a page."""
LOWEST = 99.0
"""Powers of ten below the highest density that a density of zero is shown as."""
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


Function: TypeAlias = Callable[[Floats], Floats]
"""Of points (3, n), nan where it is not known."""


@dataclass(frozen=True)
class Surfaces:
    """Where a function, ``values`` at points of a mesh, is at ``levels``; ``marked``: zeros of others, by colours."""

    values: Floats
    function: Function
    levels: Sequence[float]
    label: str
    colours: str = "YlGnBu"
    marked: Mapping[str, Function] = field(default_factory=dict)


def draw_density_surfaces(axes: Axes, answer: Stationary) -> None:
    """Surfaces of equal density, some powers of ten below its highest."""
    decades = answer.field.log_values / LOG_TEN
    highest = float(decades[np.isfinite(decades)].max())

    def shown(logs: Floats) -> Floats:
        return np.maximum(logs / LOG_TEN, highest - LOWEST)

    levels = [highest - depth for depth in BELOW_THE_PEAK]
    what = Surfaces(
        shown(np.nan_to_num(answer.field.log_values, neginf=-np.inf)),
        lambda x: shown(answer.field.log(x)),
        levels,
        r"$\log_{10}$ density",
    )
    _draw(axes, answer.field, what)


def draw_committor_surfaces(axes: Axes, answer: Committor) -> None:
    """Surfaces of equal committor, and both sets."""
    _, _, values = answer.field.triangulation()
    marked = {}
    if answer.sets is not None:
        marked = {colour: each.level for colour, each in zip(("#0072b2", "#d55e00"), answer.sets, strict=True)}
    what = Surfaces(values, answer.field, COMMITTORS, "committor", "cividis", marked)
    _draw(axes, answer.field, what)


def draw_time_surfaces(axes: Axes, answer: ExitTime | ExitLaw) -> None:
    """Surfaces from which the mean time is the same."""
    logs = answer.field.log_values / LOG_TEN
    finite = logs[np.isfinite(logs)]
    low, high = float(np.quantile(finite, 0.02)), float(finite.max())
    levels = [low + share * (high - low) for share in SHARES]
    values = np.where(np.isfinite(logs), logs, low)
    label = measured(r"$\log_{10}$ mean exit time", "time")
    what = Surfaces(values, lambda x: np.maximum(answer.field.log(x) / LOG_TEN, low), levels, label)
    _draw(axes, answer.field, what)


def draw_eigenfunction_surfaces(axes: Axes, answer: Spectrum) -> None:
    """Surfaces of equal value of the eigenfunction of the gap, its zeros among them."""
    mode = answer.eigenfunctions[0 if answer.target is not None else 1]
    _, _, values = mode.triangulation()
    low, high = float(values.min()), float(values.max())
    levels = [0.5 * low, 0.0, 0.5 * high] if low < 0.0 < high else [low + s * (high - low) for s in SHARES]
    label = measured(rf"eigenfunction of $\lambda$ = {answer.gap.digits}", "rate")
    _draw(axes, mode, Surfaces(values, mode, levels, label, "coolwarm"))


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
    image, edges = _rendered(np.asarray(points, dtype=float), cells, what, colours)
    axes.imshow(image)
    axes.set_axis_off()
    around = [draw_edge(axes, edge) for edge in edges]
    ink = np.argwhere((image < 250).any(axis=2))[:, ::-1]
    low, high = (end(np.concatenate([ink, *around]), axis=0) for end in (np.min, np.max))
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(high[1], low[1])
    scale = ScalarMappable(BoundaryNorm(np.arange(count + 1) - 0.5, count), ListedColormap(colours))
    bar = axes.figure.colorbar(scale, ax=axes, ticks=range(count), shrink=0.7, aspect=14, pad=0.02, label=what.label)
    bar.ax.set_yticklabels([f"{level:.2g}".replace("-", MINUS) for level in what.levels])
    bar.ax.tick_params(length=0)


def _rendered(points: Floats, cells: Any, what: Surfaces, colours: Sequence[Any]) -> tuple[Any, list[Edge]]:
    """The picture as an array of pixels, and where three edges of the box are in it."""
    pyvista = pyvista_or_say()
    lower, upper = points.min(axis=0), points.max(axis=0)
    edges = upper - lower
    shown = np.minimum(edges, LONGEST * edges.min())
    grid = _grid(points, cells, what)
    grid.points = (grid.points - lower) / edges * shown / shown.max()
    with pyvista.vtk_verbosity("off"):  # that there is no screen is as it should be
        plotter = pyvista.Plotter(off_screen=True, window_size=WINDOW, lighting="three lights")
        plotter.set_background("white")
        for number, (level, colour) in enumerate(zip(what.levels, colours, strict=True), start=1):
            share = number / len(what.levels)
            _add(plotter, grid, "values", level, color=colour[:3], opacity=FAINT + (OPAQUE - FAINT) * share)
        for name in what.marked:
            _add(plotter, grid, name, 0.0, color=name, opacity=1.0)
        corner = shown / shown.max()
        plotter.add_mesh(pyvista.Box([0.0, corner[0], 0.0, corner[1], 0.0, corner[2]]), opacity=0.0)
        plotter.view_vector((1.0, -1.7, 0.9))
        plotter.camera.zoom(CLOSE)
        image = plotter.screenshot(return_img=True)
        seen = edges_in_picture(plotter, lower, upper, corner)
        plotter.close()
    return image, seen


def _grid(points: Floats, cells: Any, what: Surfaces) -> Any:
    """Where surfaces pass, on fine cells, with the values of all functions by their names."""
    pyvista = pyvista_or_say()
    functions: list[Levelled] = [(what.function, what.levels), *((marked, (0.0,)) for marked in what.marked.values())]
    values = [what.values, *(np.asarray(marked(points.T)) for marked in what.marked.values())]
    fine = near_levels(points, np.asarray(cells), [np.asarray(each, dtype=float) for each in values], functions)
    grid = pyvista.UnstructuredGrid({pyvista.CellType.TETRA: fine.cells}, fine.points)
    for name, each in zip(("values", *what.marked), fine.values, strict=True):
        grid[name] = np.ascontiguousarray(each)
    return grid


def _add(plotter: Any, grid: Any, name: str, level: float, **style: Any) -> None:
    surface = grid.contour([level], scalars=name)
    if surface.n_points:
        surface = surface.smooth_taubin(n_iter=SMOOTHINGS, pass_band=0.1, boundary_smoothing=False)
        plotter.add_mesh(surface, smooth_shading=True, show_scalar_bar=False, scalars=None, **style)


def pyvista_or_say() -> Any:
    """The package; raises MissingPackageError, which names the extra, where it is not installed."""
    try:
        import pyvista
    except ImportError:
        raise MissingPackageError("pyvista", "pictures3d") from None
    return pyvista
