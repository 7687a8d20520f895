"""Small answers with known numbers for tables, files and pictures: V = (x**2 - 1)**2/4 + y**2/2 + ..., eps = 1/20."""

import itertools
from dataclasses import dataclass

import numpy as np

from fokker_planck.asymptotics.saddle_flow import SaddleFlow
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle
from fokker_planck.quantity import Quantity
from fokker_planck.questions.rates import WellRates
from fokker_planck.solvers.results.steady import (
    Committor,
    Eigenvalue,
    ExitTime,
    Spectrum,
    Stationary,
    Statistics,
    WellWeight,
)

EPS = 0.05
COST = Statistics(unknowns=7469, cells=640, degree=4, levels=3, seconds=0.42, dolfinx="0.5.2")


@dataclass(frozen=True)
class GridField:
    """Nodal values on a grid of simplices, as a solver's field hands them out."""

    points: np.ndarray
    cells: np.ndarray
    nodal: np.ndarray
    logarithm: bool = False
    name: str = "by hand"
    in_a_box: bool = True

    def __call__(self, x):
        return np.full(x.shape[1], np.nan)  # as outside of a mesh

    def log(self, x):
        return self(x)

    @property
    def dimension(self):
        return self.points.shape[1]

    @property
    def values(self):
        return np.exp(self.nodal) if self.logarithm else self.nodal

    @property
    def log_values(self):
        with np.errstate(divide="ignore"):
            return self.nodal if self.logarithm else np.log(self.nodal)

    def triangulation(self):
        return self.points, self.cells, self.values


def potential(points):
    return (points[:, 0] ** 2 - 1) ** 2 / 4 + np.sum(points[:, 1:] ** 2, axis=1) / 2


def grid(dimension, per_axis):
    lower, upper = [-2.0] + [-1.5] * (dimension - 1), [2.0] + [1.5] * (dimension - 1)
    axes = [np.linspace(low, high, per_axis) for low, high in zip(lower, upper, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dimension)
    number = np.arange(len(points)).reshape([per_axis] * dimension)
    cells = []
    for order in itertools.permutations(range(dimension)):
        corner = np.zeros(dimension, dtype=int)
        corners = [corner]
        for axis in order:
            corner = corner + np.eye(dimension, dtype=int)[axis]
            corners.append(corner)
        cells.append(
            np.stack([number[tuple(slice(s, per_axis - 1 + s) for s in corner)].ravel() for corner in corners], axis=1)
        )
    return points, np.concatenate(cells)


def log_density_field(dimension=2, per_axis=21):
    points, cells = grid(dimension, per_axis)
    return GridField(points, cells, -potential(points) / EPS, logarithm=True)


def at(x, dimension):
    return (x,) + (0.0,) * (dimension - 1)


def stationary(dimension=2, per_axis=21):
    weight = Quantity.of(0.5, 2e-9)
    wells = tuple(WellWeight(at(x, dimension), weight, Quantity.of(0.5, 0.1)) for x in (-1.0, 1.0))
    return Stationary(wells, log_density_field(dimension, per_axis), COST)


def spectrum():
    values = (
        Eigenvalue(Quantity.of(0.0, 0.0)),
        Eigenvalue(Quantity.of(0.002795123456789, 3e-8), 0.0, Quantity.of(0.003033, 0.2)),
        Eigenvalue(Quantity.of(0.98765, 4e-7)),
    )
    points, cells = grid(2, 5)
    fields = tuple(GridField(points, cells, np.cos(n * points[:, 0])) for n in range(3))
    return Spectrum(values, fields, COST)


def exit_time(log=None):
    points, cells = grid(2, 5)
    mean = Quantity.of(714.25, 1e-7) if log is None else Quantity.of_log(log, 1e-7)
    prediction = Quantity.of(659.4, 0.2) if log is None else Quantity.of_log(log - 0.05, 0.01)
    return ExitTime(mean, (-1.0, 0.0), "B", GridField(points, cells, 1.0 + points[:, 0] ** 2), COST, prediction)


def committor():
    """From the ball at -1 to that at 1, with a straight line for q; the numbers have no meaning."""
    points, cells = grid(2, 9)
    q = (points[:, 0] + 2.0) / 4.0
    with np.errstate(divide="ignore"):
        reactive = np.log(q) + np.log(1.0 - q) - potential(points) / EPS
    return Committor(
        rate=Quantity.of(4.26249e-3, 2e-7),
        probability_reactive=Quantity.of(0.0139179, 1e-6),
        probability_last_from=Quantity.of(0.5, 1e-9),
        field=GridField(points, cells, q),
        reactive_density=GridField(points, cells, reactive, logarithm=True),
        statistics=COST,
    )


def rates():
    """Three wells in a row, the middle one deep: rates that a reader can add up."""
    there, back, across = Quantity.of(3.0e-3, 1e-8), Quantity.of(1.0e-3, 1e-8), Quantity.of(-2.0e-7, 1e-4)
    near, far = Quantity.of(300.0, 1e-6), Quantity.of(1500.0, 1e-6)
    predicted = Quantity.of(2.5e-3, float("nan"))
    return WellRates(
        minima=((-1.0, 0.0), (0.0, 0.0), (1.0, 0.0)),
        rates=((None, there, across), (back, None, back), (across, there, None)),
        hitting_times=((None, near, far), (far, None, far), (far, near, None)),
        statistics=COST,
        asymptotic=((None, predicted, None), (predicted, None, predicted), (None, predicted, None)),
        flows=(SaddleFlow((0, 1), (-0.5, 0.0), 0.75), SaddleFlow((0, 1), (-0.5, 1.0), 0.25)),
    )


def landscape(dimension=2):
    def diagonal(first):
        entries = [first] + [1.0] * (dimension - 1)
        return {"hessian": tuple(map(tuple, np.diag(entries))), "hessian_eigenvalues": tuple(sorted(entries))}

    minima = tuple(CriticalPoint(at(x, dimension), 0.0, kind="minimum", **diagonal(2.0)) for x in (-1.0, 1.0))
    top = Saddle(
        at(0.0, dimension), 0.25, kind="saddle", joins=(0, 1), unstable_direction=at(1.0, dimension), **diagonal(-1.0)
    )
    lower, upper = (-2.0,) + (-1.5,) * (dimension - 1), (2.0,) + (1.5,) * (dimension - 1)
    return Landscape(minima, (top,), Frame(lower, upper, (None,) * dimension))
