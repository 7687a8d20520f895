"""The reference exponent of a process with noise in some directions only, whose density nobody knows.

Noise cannot be raised until psi = 0 serves, as it is elsewhere: in the other directions there is none.  Guesses take
its place, the first of which settles: the Gaussian of a linear drift, psi = (x - a) . S^-1 (x - a) / 2 with
J S + S J^T = -2 D, and the chain of :mod:`~.grid_chain`, in which an upwinded grid stands for noise that is missing.
The forms are those of the process in either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.model.degeneracy.hoermander import NO_NOISE
from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.boundaries.ends import Ends, reaches
from fokker_planck.solvers.reference_density.grid_chain import rough_exponent

PER_AXIS = {2: 193, 3: 41}
"""Points of the grid: its upwinding is noise of |b| h / 2, 97 in the plane left the exponent of coloured noise off by a
quarter; 193 take a second of CPU."""
STEEP = 60.0
"""Of D^-1 b along an edge: so little noise stands for none, exp(-60) being none of a double's digits."""
LINEAR = 1e-9
"""Of the Jacobian of a drift, by which it changes where it is constant but for rounding."""
ON_WALL = 41
"""Points an axis of a wall, at which the drift through it is looked at."""
OUTWARD = 1e-9
"""Of the largest drift: what leads out of the domain by less is along the wall."""


@dataclass(frozen=True)
class Blurred:
    """D + diag(added), for a grid that needs noise in all directions."""

    field: Any
    added: tuple[float, ...]

    def tensor(self, x: Floats) -> Floats:
        """At points (dim, n), (dim, dim, n)."""
        return np.asarray(self.field.tensor(x) + np.diag(self.added)[:, :, None])

    def divergence(self, x: Floats) -> Floats:
        """That of D."""
        return np.asarray(self.field.divergence(x))


@dataclass(frozen=True)
class Gaussian:
    """(x - a) . P (x - a) / 2 at points (dim, n)."""

    middle: Floats
    precision: Floats

    def value(self, x: Floats) -> Floats:
        """At points (dim, n), (n,)."""
        offset = x - self.middle[:, None]
        return np.asarray(0.5 * np.einsum("in,ij,jn->n", offset, self.precision, offset))


def guesses(problem: Problem) -> Iterator[Any]:
    """Exponents to begin with, the likeliest first, each made when it is asked for."""
    for made in (gaussian, chained):
        guess = made(problem)
        if guess is not None:
            yield guess


def gaussian(problem: Problem) -> Gaussian | None:
    """The exponent of a linear drift in constant noise that is stable; None for any other."""
    from scipy.linalg import solve_continuous_lyapunov

    x, dimension = problem.sample(), problem.dimension
    field = problem.process.field(dimension)
    jacobians = np.moveaxis(problem.process.drift_jacobian(x, dimension), -1, 0)
    jacobian = jacobians[0]
    if not field.constant or np.abs(jacobians - jacobian).max() > LINEAR * np.abs(jacobian).max():
        return None
    if any(period is not None for period in problem.periods) or np.linalg.eigvals(jacobian).real.max() >= 0.0:
        return None
    middle = x[:, 0] - np.linalg.solve(jacobian, problem.process.drift(x[:, :1], dimension)[:, 0])
    spread = solve_continuous_lyapunov(jacobian, -2.0 * np.asarray(field.tensor(x[:, :1]))[:, :, 0])
    return Gaussian(middle, np.linalg.inv(0.5 * (spread + spread.T)))


def chained(problem: Problem) -> GridFunction | None:
    """The exponent of an upwinded chain on a grid; None where it finds none."""
    dimension = problem.dimension
    drift, field = ItoDrift(problem.process, dimension), problem.process.field(dimension)
    box, count = problem.bounding_box(), PER_AXIS[dimension]
    largest = np.abs(drift(problem.sample())).max(axis=1)
    spacing = np.subtract(box[1], box[0]) / (count - 1)
    blurred = Blurred(field, tuple((largest * spacing / STEEP).tolist()))
    return rough_exponent(drift, blurred, box, problem.periods, problem.contains, count)


def refuse_flow_through_walls(problem: Problem, weighting: Weighting, ceiling: float, ends: Ends) -> None:
    """Raise ProblemError where the drift leads out through a wall that no noise crosses, and nothing absorbs.

    Such a process would stay on the wall, where a part of it has no density.  Above the energy cutoff nothing is lost.
    """
    if problem.process.turns_at_walls:
        return
    if not isinstance(problem.domain, Box):
        found = "noise in some directions only, in a domain whose walls are not those of a box"
        raise ProblemError("domain.kind", found, "a box: a set that absorbs may have any shape")
    lower, upper = (np.asarray(corner) for corner in problem.bounding_box())
    for axis, period in enumerate(problem.periods):
        if period is None:
            for place, outward in ((lower[axis], -1.0), (upper[axis], 1.0)):
                x = _wall(lower, upper, axis, float(place))
                lost = _lost(problem, weighting, x, axis, outward) & (weighting.value(x) < ceiling)
                for _, goal in ends.goals:
                    lost &= ~np.asarray(reaches(problem, goal)(x), dtype=bool)
                if lost.any():
                    where = ", ".join(f"{entry:.4g}" for entry in x[:, int(np.argmax(lost))])
                    found = f"a wall that no noise crosses, and through which the drift leads out at ({where})"
                    wanted = "a larger box, at whose walls it leads in; or a target that absorbs there"
                    raise ProblemError("domain", found, wanted)


def _wall(lower: Floats, upper: Floats, axis: int, place: float) -> Floats:
    axes = [np.linspace(low, high, ON_WALL) for low, high in zip(lower, upper, strict=True)]
    axes[axis] = np.array([place])
    return np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")])


def _lost(problem: Problem, weighting: Weighting, x: Floats, axis: int, outward: float) -> Booleans:
    """At which points (dim, n) of a wall the drift leads out, and no noise crosses."""
    dimension = problem.dimension
    field = problem.process.field(dimension)
    tensor = np.asarray(field.tensor(x))
    quiet = tensor[axis, axis] <= NO_NOISE * np.einsum("iin->n", tensor)
    drift = problem.process.drift(x, dimension) - np.asarray(field.divergence(x))
    return np.asarray(quiet & (outward * drift[axis] > OUTWARD * np.abs(drift).max()))
