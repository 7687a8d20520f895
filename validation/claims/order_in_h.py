"""Errors on finer and finer meshes: h^(2p) where they are energies, h^(p+1) where they are values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import pi
from typing import TYPE_CHECKING, Any

from validation.claim import Check, Claim, Figure, Finding, Run, Table, near, worst

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.fem.fields.field import Field
    from fokker_planck.model.problem import Problem

#: Kummer: M(-lambda/2, 1/2, 1) = 0, the Ornstein-Uhlenbeck process at noise 1/2 killed at -1 and 1
KILLED = 0.7984598320320566938
#: (1/noise) int_0^1 exp(y**2/(2 noise)) int_0^y exp(-z**2/(2 noise)) dz dy, by 2F2 in multiple precision
EXIT = {0.08: 202.890999767339138908, 0.25: 4.501602416224074643}
TORUS = 0.5

EIGENVALUE, EIGENFUNCTION, TIME = "eigenvalue", "eigenfunction", "exit time"
DENSITY, PEAK, SOLVED = "density", "density, pointwise", "density, solved for"
SPACES = {1: "line", 2: "plane", 3: "space"}

#: cells along an axis, by dimension and degree: fine enough for the order to show, coarse enough to stay above rounding
KILLED_CELLS = {
    1: {1: (16, 24, 32, 48), 2: (8, 12, 16, 24), 3: (6, 8, 12, 16), 4: (4, 6, 8, 10)},
    2: {1: (12, 16, 24, 32), 2: (8, 12, 16, 24), 3: (6, 8, 12, 16), 4: (4, 5, 6, 8)},
    3: {1: (6, 8, 10, 12), 2: (4, 5, 6, 8)},
}
EXIT_CELLS = {
    1: {1: (64, 96, 128, 192), 2: (32, 48, 64, 96), 3: (24, 32, 48, 64), 4: (12, 16, 20, 24)},
    2: {1: (16, 24, 32, 48), 2: (12, 16, 24, 32), 3: (8, 12, 16, 24), 4: (8, 12, 16, 20)},
    3: {1: (6, 8, 10, 12), 2: (4, 6, 8, 10)},
}
TORUS_CELLS = {
    1: {1: (32, 48, 64, 96), 2: (24, 32, 48, 64), 3: (16, 24, 32, 48), 4: (12, 16, 24, 32)},
    2: {1: (32, 48, 64, 96), 2: (16, 24, 32, 48), 3: (12, 16, 24, 32), 4: (8, 12, 16, 24)},
    3: {1: (10, 12, 16, 20), 2: (8, 10, 12, 16)},
}
QUICK_DEGREES = (2, 4)
WIDEST = 0.4

Curves = dict[tuple[str, int, int], tuple[tuple[int, ...], list[float]]]


def compute(run: Run) -> Finding:
    """Errors on four meshes for every quantity, dimension and degree, and the order that they show."""
    families: tuple[tuple[tuple[str, ...], Callable[..., list[float]], dict[int, Any]], ...] = (
        ((EIGENVALUE, EIGENFUNCTION), killed, KILLED_CELLS),
        ((TIME,), left, EXIT_CELLS),
        ((DENSITY, PEAK), filled, TORUS_CELLS),
        ((SOLVED,), swirled, {2: TORUS_CELLS[2]}),
    )
    curves: Curves = {}
    for names, errors, meshes in families:
        for dimension in meshes.keys() & ({1} if run.quick else {1, 2, 3}):
            for degree, cells in meshes[dimension].items():
                if run.quick and degree not in QUICK_DEGREES:
                    continue
                key = f"{names[0]}, {dimension}-D, degree {degree}"
                found = [run.step(f"{key}, {n} cells", partial(errors, dimension, degree, n)) for n in cells]
                for name, values in zip(names, zip(*found, strict=True), strict=False):
                    curves[name, dimension, degree] = cells, list(values)
    return Finding(checks(curves), (table(curves),), (picture(curves),), REMARKS)


def killed(dimension: int, degree: int, cells: int) -> list[float]:
    """Relative errors of the eigenvalue and, in the mean square, of the eigenfunction, with u = 0 on a whole cube."""
    import numpy as np
    from scipy.special import hyp1f1

    import fokker_planck as fp

    problem = uphill(dimension, TORUS, -1.0, degree, cells)
    spectrum = fp.spectrum(problem, 1, "boundary")
    x, u = sampled(spectrum.eigenfunctions[0])
    exact = np.prod(hyp1f1(-KILLED / 2.0, 0.5, x**2), axis=0)
    u, exact = (values / np.sqrt(np.mean(values**2)) for values in (np.abs(u), np.abs(exact)))
    return [float(spectrum.gap) / (dimension * KILLED) - 1.0, float(np.sqrt(np.mean((u - exact) ** 2)))]


def left(dimension: int, degree: int, cells: int) -> list[float]:
    """Relative error of the time from 0 to the side x = 1 of a box, all other sides reflecting."""
    import fokker_planck as fp

    noise = 0.25 if dimension == 3 else 0.08
    problem = uphill(dimension, noise, 0.0, degree, cells)
    side = fp.HalfSpace((1.0,) + (0.0,) * (dimension - 1), 1.0)
    return [float(fp.mean_exit_time(problem, (0.0,) * dimension, side).mean) / EXIT[noise] - 1.0]


def uphill(dimension: int, noise: float, lower: float, degree: int, cells: int) -> Problem:
    """V = |x|**2/2 for x from ``lower`` to 1 and other coordinates from -1 to 1."""
    import fokker_planck as fp

    potential = fp.Potential("(" + " + ".join(f"{axis}**2" for axis in "xyz"[:dimension]) + ")/2")
    box = fp.Box((lower,) + (-1.0,) * (dimension - 1), (1.0,) * dimension)
    resolution = fp.Resolution(cells=(cells,) * dimension, degree=degree)
    return fp.Problem(fp.Overdamped(potential, fp.Isotropic(noise)), box, resolution)


def filled(dimension: int, degree: int, cells: int, swirl: float = 0.0) -> list[float]:
    """Errors in the mean square and at most, over the norm of the same kind, of exp(-V/noise)/Z on a torus.

    V = -cos x - cos y - cos z; ``swirl`` times grad V turned by a right angle changes nothing but hides V.
    """
    import numpy as np

    import fokker_planck as fp

    noise = fp.Isotropic(TORUS)
    process: Any = fp.Overdamped(fp.Potential("".join(f"-cos({axis})" for axis in "xyz"[:dimension])), noise)
    if swirl:
        process = fp.Drifting(fp.Drift([f"-sin(x) + {swirl}*sin(y)", f"-sin(y) - {swirl}*sin(x)"]), noise)
    box = fp.Box((0.0,) * dimension, (2.0 * pi,) * dimension, "periodic")
    resolution = fp.Resolution(1e-10 if dimension < 3 else 1e-6, degree, (cells,) * dimension)
    x, density = sampled(fp.stationary_density(fp.Problem(process, box, resolution)).field)
    exact = np.exp(np.cos(x).sum(axis=0) / TORUS) / (2.0 * pi * np.i0(1.0 / TORUS)) ** dimension
    error = np.abs(density - exact)
    mean = float(np.sqrt(np.mean(error**2) / np.mean(exact**2)))
    return [mean, float(error.max() / exact.max())] if dimension < 3 else [mean]


def swirled(dimension: int, degree: int, cells: int) -> list[float]:
    """The same density of a drift that is no gradient, in the mean square."""
    return filled(dimension, degree, cells, swirl=2.0)[:1]


def sampled(field: Field) -> tuple[Any, Any]:
    """Eight points in every cell, the same in each, and what the elements make of the field there: (dim, n), (n,).

    Without the formula that a field may be known by: it has no order.
    """
    import numpy as np

    from fokker_planck.quantity.light_dataclasses import replace

    mesh = field.discretization.triangulation
    corners = mesh.points[mesh.cells]
    inside = np.random.default_rng(1).dirichlet(np.ones(corners.shape[1]), 8)
    x = np.einsum("kc,mcd->dmk", inside, corners).reshape(corners.shape[2], -1)
    return x, replace(field, known_part=None)(x)


def order(cells: tuple[int, ...], errors: list[float]) -> tuple[float, float]:
    """q of the fit log error = a + q log h + b h**2, and by how much it differs from that without b."""
    import numpy as np

    h, logs = 1.0 / np.array(cells), np.log(np.abs(errors))
    straight = np.polyfit(np.log(h), logs, 1)[0]
    bent = np.linalg.lstsq(np.c_[np.ones(len(h)), np.log(h), (h / h[0]) ** 2], logs, rcond=None)[0][1]
    return float(bent), abs(float(bent - straight))


def expected(quantity: str, degree: int) -> int:
    """Order in theory."""
    return 2 * degree if quantity in (EIGENVALUE, TIME) else degree + 1


def checks(curves: Curves) -> tuple[Check, ...]:
    """Of every quantity and dimension the degree whose order is furthest off."""
    furthest: dict[tuple[str, int], list[Check]] = {}
    for (quantity, dimension, degree), curve in curves.items():
        found, bend = order(*curve)
        what = f"order of the {quantity}, {SPACES[dimension]}, degree {degree}"
        check = near(what, found, expected(quantity, degree), min(0.1 + bend, WIDEST), BECAUSE)
        furthest.setdefault((quantity, dimension), []).append(check)
    return tuple(worst(group) for group in furthest.values())


def table(curves: Curves) -> Table:
    """Every fit."""
    rows = tuple(
        (quantity, SPACES[dimension], degree, cells[-1], f"{abs(errors[-1]):.1e}", f"{order(cells, errors)[0]:.2f}",
         expected(quantity, degree))
        for (quantity, dimension, degree), (cells, errors) in curves.items()
    )  # fmt: skip
    head = ("quantity", "in", "degree", "cells an axis", "error there", "order", "theory")
    return Table("Finest mesh and fitted order", head, rows)


def picture(curves: Curves) -> Figure:
    """Three quantities against h: colours are degrees, markers dimensions."""
    from validation import drawing

    colours = dict(zip((1, 2, 3, 4), (drawing.BLUE, drawing.ORANGE, drawing.GREEN, drawing.PURPLE), strict=True))
    markers = {1: "o", 2: "s", 3: "^"}

    def draw(*panels: Axes) -> None:
        for ax, quantity in zip(panels, (EIGENVALUE, TIME, DENSITY), strict=True):
            for (name, dimension, degree), (cells, errors) in curves.items():
                if name == quantity:
                    sizes, sums = [1.0 / n for n in cells], [abs(error) for error in errors]
                    ax.loglog(sizes, sums, marker=markers[dimension], color=colours[degree], linewidth=1.0)
            ax.set_title(f"{quantity}: order {'p + 1' if quantity == DENSITY else '2 p'}")
            ax.set_xlabel("size of a cell over that of the domain")
            ax.set_ylabel("relative error")
        for degree in sorted({degree for _, _, degree in curves}):
            panels[0].plot([], [], color=colours[degree], label=f"p = {degree}")
        for dimension in sorted({dimension for _, dimension, _ in curves}):
            style = {"marker": markers[dimension], "color": drawing.INK, "linestyle": "none"}
            panels[0].plot([], [], label=SPACES[dimension], **style)
        panels[0].legend()

    caption = "Relative errors on uniform meshes"
    description = "Doubly logarithmic: straight lines, the steeper the higher the polynomial degree."
    return drawing.figure(caption, description, draw, panels=3)


BECAUSE = "0.1 and what the next term of the expansion changes in the fit; the next order is 1 away"
REMARKS = (
    "Eigenvalues and mean times out of a deep well are energies: their error is the square of that of a function in "
    "the energy norm, h to the 2p. Functions themselves are known to the order p + 1, in the mean and at every point.",
    "The mean time at a point is an energy only as far as the well is deep: the time until the well is full, smaller "
    "by exp(-barrier/noise), is a value at a point. At a barrier of one unit of epsilon the same start in the plane "
    "shows the orders 2, 4, 4, 6 for p = 1 to 4 instead of 2, 4, 6, 8.",
    "The density of a process in detailed balance is a formula, interpolated. For the density that is solved for, a "
    "swirl was added to the drift which leaves the density as it is; the solver is told the drift alone.",
)

CLAIM = Claim(
    name="order-in-h",
    group="convergence",
    title="Order of convergence on finer meshes",
    statement=(
        "On uniform meshes of cells of size h with polynomials of degree p, eigenvalues and mean exit times converge "
        "to the exact values like h to the 2p, densities and eigenfunctions like h to the p + 1, in one, two and three "
        "dimensions."
    ),
    formula="|λ_h/λ - 1| = O(h^2p),  |T_h/T - 1| = O(h^2p),  ‖u_h - u‖ = O(h^(p+1))",
    source="Babuška and Osborn 1991, section 8 (eigenvalues); Ciarlet 1978, section 3.2 (functions)",
    compute=compute,
)
