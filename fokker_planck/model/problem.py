"""The problem: a process in a domain, and how finely it is to be solved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.grids.grid_spline import BEYOND, GridSpline
from fokker_planck.model.arguments import described, finite_number, whole_number
from fokker_planck.model.diffusion.constant import Constant
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.domain import Domain, bounding_box, contains, dimension_of, periods_of, sample_points
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.model.domains.periodicity import Seam, check_period, on_both_faces
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.grid_data import spline_of
from fokker_planck.model.phase_space import check_phase_space, with_velocity
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Drifting, Overdamped, Process
from fokker_planck.model.schedule import Schedule
from fokker_planck.model.schedule_of_problem import check_schedule
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, Set, fits
from fokker_planck.model.sets.tagged_sets import TaggedCells, TaggedFacets
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.quantity.units import NONE, Units

#: The tolerances that double precision can be asked for.
# What rounding leaves of every number is 2e-13 (solvers/adaptivity/accuracy.py): a finer tolerance is met on no mesh.
FINEST, COARSEST = 5e-13, 0.1
HIGHEST_DEGREE = 8
"""Of polynomials: meshes that adapt have 6 or less, where higher ones cost more in each cell than they save in
cells."""
MOST_CELLS = 20_000_000
"""Of a prescribed mesh, as a number typed by hand; the memory that they take is checked through their unknowns."""
# Of a prescribed mesh. In the plane a million unknowns take about a minute and 6 GB.
MOST_EIGENVALUES = {1: 300, 2: 200, 3: 200}
"""Of one question. In the plane time grows with the square of their number: of the quartic well plus y^2/2, noise 1/20,
to 1e-6, 100 take 17 s of a core, 200 take 59 s, the rest of it vectors that are kept orthogonal to one another."""
MOST_PRESCRIBED_UNKNOWNS = 4_000_000
"""Some 24 GB in the plane, at 6 GB a million: refused before the memory is gone."""
USUAL_DEGREE = 4
"""Of a prescribed mesh without ``degree``: between the 3 of coarse tolerances and the 6 of adapted meshes."""
SAME_PERIOD = 1e-5
"""Of a period: ends of axes are written with six digits."""
_SAMPLES = 1000
"""Points of the domain at which coefficients are looked at: cheap beside any solve, some thirty an axis in the
plane."""


@dataclass(frozen=True)
class Resolution:
    """How finely to solve.

    Parameters
    ----------
    tolerance
        the wanted relative error of every reported number
    degree
        of the elements; None lets the solver choose
    cells
        along each axis, for a fixed mesh; None refines until the tolerance is met

    Examples
    --------
    >>> Resolution(tolerance=1e-8, cells=[64, 48])
    Resolution(tolerance=1e-08, degree=None, cells=(64, 48))
    """

    tolerance: float = 1e-6
    degree: int | None = None
    cells: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        wanted = f"a number from {FINEST:g} to {COARSEST:g}"
        tolerance = finite_number("discretization.tolerance", self.tolerance, wanted)
        if not FINEST <= tolerance <= COARSEST:
            raise ProblemError("discretization.tolerance", described(tolerance), wanted)
        object.__setattr__(self, "tolerance", tolerance)
        if self.degree is not None:
            object.__setattr__(self, "degree", whole_number("discretization.degree", self.degree, 1, HIGHEST_DEGREE))
        if self.cells is not None:
            object.__setattr__(self, "cells", _cells(self.cells))


@dataclass(frozen=True)
class Problem:
    """p_t = -div(b p) + grad grad : (D p) in the domain, no flux through its boundary.

    Checked when it is made: the dimensions agree, potential and drift are finite in the domain and periodic along its
    periodic axes.

    ``known`` is what was found out about it, by name: whether there is detailed balance, the landscape, the density
    where that had to be followed. Every question begins with these, and they take half of a short one (a quartic well
    in the plane: 0.24 of 0.60 s of CPU; Maier and Stein's drift: 1.4 of 2.2 s). It depends on the problem alone, which
    is frozen, takes no part in comparisons, and is not copied by ``replace``.

    Parameters
    ----------
    process
        an ``Overdamped``, ``Drifting`` or ``Underdamped`` process
    domain
        where it lives
    resolution
        how exactly questions are answered
    sets
        by name, the targets of questions
    title
        for tables and pictures
    schedule
        what of the coefficients depends on time, None for nothing; of the questions ``evolve`` alone answers then
    units
        for tables and pictures

    Raises
    ------
    ProblemError
        That names the key of the problem file.

    Examples
    --------
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> from fokker_planck.model.potential import Potential
    >>> process = Overdamped(Potential("(x**2 - 1)**2/4"), Isotropic(0.05))
    >>> Problem(process, Box([-2.0], [2.0])).dimension
    1
    """

    process: Process
    domain: Domain
    resolution: Resolution = field(default_factory=Resolution)
    sets: Mapping[str, Set] = field(default_factory=dict)
    title: str = ""
    schedule: Schedule | None = None
    units: Units = NONE
    known: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.process, (Overdamped, Drifting, Underdamped)):
            raise ProblemError("process", described(self.process), "an Overdamped, Drifting or Underdamped process")
        if not isinstance(self.domain, (Box, Ball, MeshDomain, Sublevel)):
            raise ProblemError("domain", described(self.domain), "a Box, Ball, MeshFile, DolfinxMesh or Sublevel")
        if not isinstance(self.resolution, Resolution):
            raise ProblemError("discretization", described(self.resolution), "a Resolution, such as Resolution(1e-8)")
        object.__setattr__(self, "sets", _named_sets(self.sets))
        if isinstance(self.process, Underdamped):
            check_phase_space(self.process, self.domain)
            object.__setattr__(self, "units", with_velocity(self.process, self.units))
        _check_dimensions(self)
        if not isinstance(self.units, Units):
            raise ProblemError("units", described(self.units), "Units(length, time, energy, names)")
        if self.units.names and len(self.units.names) != self.dimension:
            raise ProblemError("units.names", f"{len(self.units.names)} names", f"{self.dimension}, one a coordinate")
        _check_size(self)
        _check_grids(self)
        if self.process.potential is not None:
            _check_potential(self, self.process.potential)
        _check_drift(self)
        if self.schedule is not None:
            check_schedule(self.schedule, self.process, self.seams, self.sample())

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return dimension_of(self.domain, self.process.potential)

    @property
    def periods(self) -> tuple[float | None, ...]:
        """Length of each periodic axis, None for the others."""
        return periods_of(self.domain)[: self.dimension]

    @property
    def seams(self) -> list[Seam]:
        """Of every periodic axis its number and its two ends."""
        if not any(self.periods):
            return []
        ends = zip(self.periods, *self.bounding_box(), strict=True)
        return [(axis, low, high) for axis, (period, low, high) in enumerate(ends) if period is not None]

    def bounding_box(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Lower and upper corner of a box that holds the domain."""
        return bounding_box(self.domain, self.process.potential)

    def contains(self, x: Floats) -> NDArray[np.bool_]:
        """Which of the points x, shape (dim, n), lie in the domain."""
        return contains(self.domain, x, self.process.potential)

    def sample(self, count: int = _SAMPLES) -> Floats:
        """Points spread over the domain, shape (dim, n)."""
        return sample_points(self.domain, count, self.process.potential)


def _cells(given: Any) -> tuple[int, ...]:
    key = "discretization.cells"
    listed = [given] if isinstance(given, int) and not isinstance(given, bool) else given
    if isinstance(listed, (str, bytes)) or not isinstance(listed, (Sequence, np.ndarray)) or not 1 <= len(listed) <= 3:
        raise ProblemError(key, described(given), "a list of whole numbers, one for each axis")
    cells = tuple(whole_number(f"{key}[{i}]", count, 1, MOST_CELLS) for i, count in enumerate(listed))
    if math.prod(cells) > MOST_CELLS:
        raise ProblemError(key, list(cells), f"at most {MOST_CELLS} cells in all")
    return cells


def _named_sets(given: Any) -> dict[str, Set]:
    """Sets by their names, each of which is one."""
    if not isinstance(given, Mapping):
        raise ProblemError("sets", described(given), "sets by their names, such as {'A': Ball([0.0, 0.0], 1.0)}")
    for name, shape in given.items():
        if not isinstance(name, str):
            raise ProblemError("sets", f"the name {name!r}", "names that are texts")
        if not hasattr(shape, "dimension") or not hasattr(shape, "contains"):
            wanted = "a Ball, Ellipsoid, HalfSpace or Region, such as Region('x - 0.8'), or a tag of a mesh"
            raise ProblemError(f"sets.{name}", described(shape), wanted)
    return dict(given)


def _check_size(problem: Problem) -> None:
    """A prescribed mesh that no machine at hand holds is refused before it is made."""
    cells, degree = problem.resolution.cells, problem.resolution.degree or USUAL_DEGREE
    if cells is None or isinstance(problem.domain, MeshDomain):
        return
    unknowns = math.prod(cells) * degree**problem.dimension
    if unknowns > MOST_PRESCRIBED_UNKNOWNS:
        found = f"{list(cells)}, which makes {unknowns:.2g} unknowns of degree {degree}"
        raise ProblemError("discretization.cells", found, f"fewer than {MOST_PRESCRIBED_UNKNOWNS:,} unknowns")


def _check_dimensions(problem: Problem) -> None:
    resolution = problem.resolution
    potential = problem.process.potential
    key = "drift" if potential is None else _key_of(potential)
    dimension = problem.dimension
    if not 1 <= dimension <= 3:
        raise ProblemError(key, f"{dimension} coordinates", "one, two or three")
    if potential is not None and potential.dimension > dimension:
        found = f"a potential of {potential.dimension} coordinates in a domain of {dimension}"
        raise ProblemError(key, found, f"only {', '.join('xyz'[:dimension])}, or a domain of more dimensions")
    drift = problem.process.whole if isinstance(problem.process, Drifting) else problem.process.extra
    if drift is not None and drift.dimension != dimension:
        found = f"{drift.dimension} components in a domain of {dimension} dimensions"
        raise ProblemError(drift.key, found, f"{dimension}, one for each coordinate")
    diffusion = problem.process.diffusion
    if isinstance(diffusion, Constant) and diffusion.dimension != dimension:
        found = f"a matrix with {diffusion.dimension} rows in a domain of {dimension} dimensions"
        raise ProblemError("diffusion.matrix", found, f"{dimension} rows and columns")
    problem.process.field(dimension)
    if resolution.cells is not None:
        if isinstance(problem.domain, MeshDomain):
            raise ProblemError("discretization.cells", list(resolution.cells), "none: the mesh file gives them")
        if len(resolution.cells) != dimension:
            raise ProblemError("discretization.cells", list(resolution.cells), f"{dimension} of them, one an axis")
    for name, shape in problem.sets.items():
        if name == "boundary":
            raise ProblemError("sets.boundary", "a set of that name", "another: boundary is the boundary of the domain")
        if not fits(shape, dimension):
            found = f"a set in {shape.dimension} dimensions in a domain of {dimension}"
            raise ProblemError(f"sets.{name}", found, f"a set in {dimension} dimensions")
        check_wrapping(problem, shape, f"sets.{name}")
        check_mesh(problem, shape, f"sets.{name}")


def check_mesh(problem: Problem, shape: Set, key: str) -> None:
    """Tags mean the cells and facets of one mesh."""
    if isinstance(shape, TaggedCells | TaggedFacets) and shape.domain is not problem.domain:
        raise ProblemError(key, f"{shape} of another mesh", "those of the domain of the problem")


def check_wrapping(problem: Problem, shape: Set, key: str) -> None:
    """A set that reaches across a periodic face goes on at the opposite one, unless it reaches itself there."""
    if not isinstance(shape, (Ball, Ellipsoid)) or not any(problem.periods):
        return
    axes = shape.semi_axes if isinstance(shape, Ellipsoid) else (shape.radius,) * shape.dimension
    low, high = problem.bounding_box()
    for i, (c, r, period) in enumerate(zip(shape.center, axes, problem.periods, strict=True)):
        if period is None or low[i] <= c - r and c + r <= high[i]:
            continue
        if not low[i] <= c <= high[i]:
            found = f"a set around {c:g} along {'xyz'[i]}, beyond the periodic boundary"
            raise ProblemError(key, found, f"its centre between {low[i]:g} and {high[i]:g}")
        if not 2.0 * r < period:
            found = f"a set from {c - r:g} to {c + r:g} along {'xyz'[i]}, which reaches itself across the boundary"
            raise ProblemError(key, found, f"one narrower than the period, {period:g}")


def _key_of(potential: Potential) -> str:
    return "potential.expression" if isinstance(potential.source, str) else "potential"


def _sample_between_ends(problem: Problem) -> Floats:
    """Points of the domain; at the very ends of a line coefficients may be infinite, see ``model.ends.line_ends``."""
    x = problem.sample()
    if problem.dimension > 1 or problem.periods[0] is not None:
        return x
    lower, upper = problem.bounding_box()
    return np.asarray(x[:, (x[0] > lower[0]) & (x[0] < upper[0])])


def _check_drift(problem: Problem) -> None:
    """Where a drift is given: finite in the domain, and equal on both sides of a periodic axis."""
    process = problem.process
    drift = process.whole if isinstance(process, Drifting) else process.extra
    if drift is None:
        return
    x = _sample_between_ends(problem)
    values = drift.value(x)
    finite = np.isfinite(values).all(axis=0)
    if not finite.all():
        where = ", ".join(f"{c:.6g}" for c in x[:, int(np.argmin(finite))])
        raise ProblemError(drift.key, f"a drift that is not finite at ({where})", "finite values in the whole domain")
    for axis, low, high in problem.seams:
        left, right = on_both_faces(x, (axis, low, high))
        jump = float(np.abs(drift.value(left) - drift.value(right)).max())
        if jump > 1e-8 * (1e-300 + float(np.abs(values).max())):
            wanted = f"equal values at {'xyz'[axis]} = {low:g} and {high:g}, for a periodic boundary"
            wanted += "; a jump may be anywhere else: begin the period beside it"
            raise ProblemError(drift.key, f"a drift that differs by {jump:.3g} across the period", wanted)


def _check_grids(problem: Problem) -> None:
    """Data on a grid repeat themselves as the domain does: with one face of an axis too few a period is a step off."""
    potential, noise = problem.process.potential, problem.process.diffusion
    for key, function in (("potential.grid", getattr(potential, "source", None)), ("diffusion.file", noise)):
        spline = spline_of(function)
        if spline is None:
            continue
        _check_extent(problem, key, spline)
        for axis, period in enumerate(problem.periods[: spline.dimension]):
            length = spline.upper[axis] - spline.lower[axis]
            if period is not None and spline.periodic[axis] and abs(length - period) > SAME_PERIOD * period:
                found = f"a period of {length:.9g} along {'xyz'[axis]}"
                raise ProblemError(
                    key, found, f"{period:.9g}, that of the domain (is one face of the axis in the file?)"
                )


def _check_extent(problem: Problem, key: str, spline: GridSpline) -> None:
    """Nothing is continued beyond a grid; a sublevel set may be smaller than the box in which it is looked for."""
    if isinstance(problem.domain, Sublevel):
        return
    box = zip(*problem.bounding_box(), spline.lower, spline.upper, spline.periodic, strict=False)
    for axis, (low, high, first, last, wraps) in enumerate(box):
        room = BEYOND * (last - first)
        if not wraps and (low < first - room or high > last + room):
            name = "xyz"[axis]
            wanted = f"one that holds the domain, {name} from {low:.9g} to {high:.9g}"
            if problem.periods[axis] is not None:
                wanted += ", or periodic = true for a grid that has one face of a period"
            raise ProblemError(key, f"a grid with {name} from {first:.9g} to {last:.9g}", wanted)


def _check_potential(problem: Problem, potential: Potential) -> None:
    key = _key_of(potential)
    x = _sample_between_ends(problem)
    values = potential.value(x)
    finite = np.isfinite(values)
    if not finite.all():
        worst = int(np.argmin(finite))
        where = ", ".join(f"{c:.6g}" for c in x[:, worst])
        raise ProblemError(key, f"the value {values[worst]:g} at ({where})", "finite values in the whole domain")
    scale = float(np.ptp(values)) + 1e-9 * float(np.abs(values).max())
    spline = spline_of(getattr(potential, "source", None))
    for seam in problem.seams:
        loose = spline is not None and not spline.periodic[seam[0]]
        check_period(potential, key, seam, x, scale, "say periodic = true of the grid" if loose else "")
