"""A density in the plane at twenty times, here and by py-pde and fplanck: error against a reference, and CPU time.

    p_t = div(p grad V) + eps Laplace p,    V = (x^2 - 1)^2/4 + y^2/2,   eps = 1/20,

from a Gaussian at the left minimum, at t = 1/2, 1, ..., 10.  The density is a product of one in x, from a sine
expansion of exp(V/2 eps) p on a line, and a Gaussian in y.  Its walls are 22 units of epsilon up, so that it does not
matter what a method does there.  Errors are half the integral of |p - exact|, the worst of all times.

    python -m benchmarks.density_in_time [--quick]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Floats

NOISE, VARIANCE = 1.0 / 20.0, 0.02
TIMES = tuple(0.5 * k for k in range(1, 21))
LOWER, UPPER = (-2.0, -1.5), (2.0, 1.5)
MODES = 500
"""Of the sine expansion: with 400 it is the same to 1e-13."""
BOLTZMANN = 1.380649e-23
"""In joules a kelvin: fplanck is given a temperature."""


def exact(x: Floats, t: float) -> Floats:
    """The density at points (2, n)."""
    variance = NOISE + (VARIANCE - NOISE) * np.exp(-2.0 * t)
    across = np.exp(-(x[1] ** 2) / (2.0 * variance)) / np.sqrt(2.0 * np.pi * variance)
    return np.asarray(along(x[0], t) * across)


def along(x: Floats, t: float) -> Floats:
    """The factor in x: psi = exp(V/2 eps) p, psi_t = eps psi'' - (V'^2/4 eps - V''/2) psi, zero at -2.2 and 2.2."""
    half, count = 2.2, MODES
    nodes = half * (2.0 * np.arange(1, count + 1) / (count + 1) - 1.0)
    rise, bend = nodes**3 - nodes, 3.0 * nodes**2 - 1.0
    numbers = np.arange(1, count + 1)
    sines = np.sqrt(2.0 / (count + 1)) * np.sin(np.pi * np.outer(numbers, numbers) / (count + 1))
    kinetic = sines @ np.diag(NOISE * (np.pi * numbers / (2.0 * half)) ** 2) @ sines
    rates, vectors = np.linalg.eigh(kinetic + np.diag(rise**2 / (4.0 * NOISE) - bend / 2.0))
    begin = np.exp((nodes**2 - 1.0) ** 2 / (8.0 * NOISE)) * gaussian(nodes)
    later = sines @ (vectors @ (np.exp(-rates * t) * (vectors.T @ begin)))
    waves = np.sqrt(2.0 / (count + 1)) * np.sin(np.outer((x + half) * np.pi / (2.0 * half), numbers))
    return np.asarray(np.exp(-((x**2 - 1.0) ** 2) / (8.0 * NOISE)) * (waves @ later))


def gaussian(x: Floats, center: float = -1.0) -> Floats:
    """The beginning, in x; in y about zero."""
    return np.asarray(np.exp(-((x - center) ** 2) / (2.0 * VARIANCE)) / np.sqrt(2.0 * np.pi * VARIANCE))


def cell_centres(count: tuple[int, int]) -> tuple[Floats, Floats]:
    """Of a grid of so many cells, along each axis."""
    first, second = (
        low + (high - low) * (np.arange(n) + 0.5) / n for low, high, n in zip(LOWER, UPPER, count, strict=True)
    )
    return first, second


def error_of(densities: list[Floats], count: tuple[int, int]) -> float:
    """The worst over the times of half the integral of what densities, (n, m) at the centres, are off."""
    x, y = cell_centres(count)
    cell = (x[1] - x[0]) * (y[1] - y[0])
    worst = 0.0
    for t, density in zip(TIMES, densities, strict=True):
        column = exact(np.array([x, np.zeros_like(x)]), t)
        row = exact(np.array([np.zeros_like(y), y]), t) / exact(np.zeros((2, 1)), t)
        worst = max(worst, 0.5 * cell * float(np.abs(density - column[:, None] * row[None, :]).sum()))
    return worst


def here(tolerance: float) -> tuple[float, int]:
    """Error and unknowns of this package."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(NOISE))
    problem = fp.Problem(process, fp.Box(LOWER, UPPER), fp.Resolution(tolerance=tolerance))
    start = {"gaussian": {"mean": [-1.0, 0.0], "covariance": [[VARIANCE, 0.0], [0.0, VARIANCE]]}}
    found = fp.evolve(problem, initial=start, times=TIMES)
    count = (200, 150)
    x, y = (axis.ravel() for axis in np.meshgrid(*cell_centres(count), indexing="ij"))
    densities = [np.nan_to_num(state.density(np.array([x, y]))).reshape(count) for state in found.times]
    return error_of(densities, count), found.statistics.unknowns


def by_py_pde(cells: int) -> tuple[float, int]:
    """The same of py-pde: centred differences, Runge-Kutta with steps that adapt."""
    pde = import_module("pde")
    count = (4 * cells, 3 * cells)
    grid = pde.CartesianGrid([(LOWER[0], UPPER[0]), (LOWER[1], UPPER[1])], count)
    x, y = cell_centres(count)
    state = pde.ScalarField(grid, gaussian(x)[:, None] * gaussian(y, 0.0)[None, :])
    terms = f"{NOISE}*laplace(p) + (x**3 - x)*d_dx(p) + (3*x**2 - 1)*p + y*d_dy(p) + p"
    equation = pde.PDE({"p": terms}, bc={"value": 0})
    storage = pde.MemoryStorage()
    equation.solve(
        state, t_range=TIMES[-1], dt=1e-4, adaptive=True, tolerance=1e-6, solver="explicit", scheme="runge-kutta",
        tracker=storage.tracker(TIMES[0]),
    )  # fmt: skip
    return error_of([np.array(each) for each in storage.data[1:]], count), count[0] * count[1]


def by_fplanck(cells: int) -> tuple[float, int]:
    """The same of fplanck: a master equation on a grid, and its exponential."""
    solver, utility = import_module("fplanck.solver"), import_module("fplanck.utility")
    count = (4 * cells, 3 * cells)
    width = (UPPER[0] - LOWER[0]) / count[0]
    simulation = solver.FokkerPlanck(
        temperature=NOISE / BOLTZMANN,
        drag=1.0,
        extent=[high - low for low, high in zip(LOWER, UPPER, strict=True)],
        resolution=width,
        boundary=utility.Boundary.REFLECTING,
        potential=lambda x, y: (x**2 - 1.0) ** 2 / 4.0 + y**2 / 2.0,
    )
    x, y = simulation.grid[0][:, 0], simulation.grid[1][0, :]
    begin = gaussian(x)[:, None] * gaussian(y, 0.0)[None, :]
    probability = begin / begin.sum()
    _, found = simulation.propagate_interval(lambda *_: probability, TIMES[-1], Nsteps=len(TIMES) + 1)
    return error_of([np.array(each) / width**2 for each in found[1:]], count), count[0] * count[1]


def measured(name: str, ask: Callable[[Any], tuple[float, int]], settings: list[Any]) -> None:
    """A line for each setting, as it comes; one that says what is missing."""
    for setting in settings:
        begun = time.process_time()
        try:
            error, unknowns = ask(setting)
        except ModuleNotFoundError as absent:
            print(f"{name}: no module {absent.name}; pip install py-pde fplanck", file=sys.stderr)
            return
        print(f"{name:10} {setting:10g} {unknowns:10,} {error:10.1e} {time.process_time() - begun:8.1f} s", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """A table: the setting (tolerance, or cells for a length of one), unknowns, error, CPU time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="coarse, a few seconds each")
    quick = parser.parse_args(arguments).quick
    print(f"{'':10} {'setting':>10} {'unknowns':>10} {'error':>10} {'CPU time':>10}")
    measured("here", here, [1e-3] if quick else [1e-4, 1e-6])
    measured("fplanck", by_fplanck, [12] if quick else [25, 50, 100])
    measured("py-pde", by_py_pde, [12] if quick else [25, 50, 100])


if __name__ == "__main__":
    main()
