"""From a domain and the sets of a question to a first mesh that resolves the landscape.

Cells are small enough that the exponent Phi changes little across each; what lies so high that the process never
goes there is cut away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.coinciding_walls import with_wall
from fokker_planck.fem.fitting import component_holding, cut_at_ends, with_ends, with_vertices
from fokker_planck.fem.fronts import Front, front_errors
from fokker_planck.fem.generation import (
    axis_points,
    ball_triangulation,
    grid_triangulation,
    symmetric_axis,
    triangulation_of_arrays,
)
from fokker_planck.fem.narrow import NarrowPlaces, narrow_places, too_wide
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.shapes.level_sets import fit_regions, mark
from fokker_planck.fem.tagged_parts import with_tagged
from fokker_planck.fem.triangulation import (
    Facets,
    Triangulation,
    boundary_facets,
    diameters,
    local_edges,
    without_cells,
)
from fokker_planck.fem.trimming import trimmed
from fokker_planck.fem.turning_points import entered_along, graded_planes, turning_surface
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.landscape.box_units import LONG
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.model.domain import Box, MeshDomain, Sublevel, bounding_box, periods_of
from fokker_planck.model.images import with_images
from fokker_planck.model.interfaces import interfaces_of
from fokker_planck.model.line_ends import line_ends
from fokker_planck.model.outside_box import OutsideBox
from fokker_planck.model.phase_space import turns_around
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Ball, HalfSpace, Region, Set
from fokker_planck.model.tagged_sets import TaggedCells, TaggedFacets

CELLS_AN_AXIS = {1: 12, 2: 8, 3: 4}
"""Of the first mesh, before anything is known: half and twice as many end in the same time, and in bars 0.4 to 1.2
times as wide (quartic well in the plane, barriers 12 and 50, 1e-6)."""
CELLS_ACROSS = 2
"""Along an axis ``LONG`` times shorter than the longest. Rounding grows like (length / width of a cell)^2: in a box of
1 by 1e4 four times wider cells, of degree 6, leave a sixteenth of it; where V changes along the axis, cells are cut."""
MOST_CELLS = {1: 200_000, 2: 400_000, 3: 400_000}
"""Of a mesh that follows Phi before a solve: what needs more has steps, and takes gigabytes to factor."""
SUBLEVEL_ROOM, PROBES = 0.25, 9
"""Of the width of a sublevel set in space, between it and the walls of the box that it is cut out of: next to a wall
that it all but touches cells are squeezed, and a sphere took 50 s of CPU instead of 3; and points an axis, at which V
has to be finite in that box."""
SURFACE = "a jump or kink of a coefficient, number "
ROOM = {1: 12, 2: 8, 3: 4}
"""Degrees for the weight of the rule by which first meshes are judged: on a line fewer than the forms have, whose rule
would see the weight in cells in which the functions themselves are not resolved yet."""
LARGEST_CHANGE = {1: 9.0, 2: 17.0, 3: 14.0}
"""Of Phi in a cell below the saddles, whose rounding grows like its exponential, by e^17 to 3e-9. With 9 in the plane
smooth wells took as long or half as long again, with 30 they changed by less than 1e-9 (barriers 12 and 50)."""
FINE, LARGEST_FINE_CHANGE = 1e-6, {1: 9.0, 2: 14.0, 3: 14.0}
"""For finer tolerances than this, where rounding within a cell counts, cells are smaller."""
STEP = 0.7
"""By what the change in a cell falls from one cut of the domain to the next: 0.4 and 0.9 give the same exit times to
1e-11 and the same time within a third."""
DEEP = {1: 60.0, 2: 40.0, 3: 20.0}
"""Units of epsilon from the lowest minimum to the cutoff, from which on cutting cells away repays its time: half and
twice of it change an exit time at barrier 50 by 2e-11."""
STEEPEST = 35.0
"""Of Phi in any cell: exp(-35) = 6e-16 is where the energy would lose its sign; 20 and 70 change smooth wells by less
than 1e-11."""
TRIM = {1: 1e-4, 2: 1e-4, 3: 2e-2}
"""Of the tolerance, what cells hold together that go. The channels that are left carry what went through those that are
gone, too: gaps of double ridges in the plane were wrong by up to 160 times the share (six of them, 1e-4), two times in
space by less than once. In the plane a tenth of the share costs 3 to 12 % more cells."""
NARROWED = {1: 1.0, 2: 200.0, 3: 10.0}
"""What a cut can change, over the share that it cuts: on a line there is no channel that it could narrow."""
LOWER = 4
"""Degrees less of the rule that shows the error of a quadrature: with 2 and 8 the same exit times to 3e-11."""
GRADING = 4.0
"""Ratio of neighbouring distances to a singular end: what refinement halves once or twice is there at once."""
FRONT = 0.3
"""Of the accuracy, for transition layers: 1 changes nothing, 0.1 makes the bar at barrier 50 a half, for as much
time."""


def domain_triangulation(problem: Problem, regions: Mapping[str, Set]) -> Triangulation:
    """A coarse mesh of the domain (or the fixed one of the problem's ``cells``) that is fitted to every region."""
    cells = problem.resolution.cells
    grid = isinstance(problem.domain, Box) or problem.dimension == 1 and isinstance(problem.domain, Ball)
    if isinstance(problem.domain, Box) and problem.dimension > 1:
        box = problem.domain
        regions = {n: with_images(region, box.lower, box.upper, box.periods) for n, region in regions.items()}
    regions = {**regions, **_surfaces(problem, regions)}
    flat = {name: region for name, region in regions.items() if grid and _on_faces(region, problem.dimension)}
    base = _coarse(problem, flat, cells, [] if cells else graded_planes(problem, flat))
    tagged = {name: region for name, region in regions.items() if isinstance(region, TaggedCells | TaggedFacets)}
    for name, tags in tagged.items():
        base = with_tagged(base, tags, name)
    regions = {name: region for name, region in regions.items() if name not in tagged}
    for name, region in flat.items():
        base = mark(base, region, name)
    curved = {name: region for name, region in regions.items() if name not in flat}
    if problem.dimension == 1:
        for name, region in curved.items():
            base = mark(with_ends(base, region), region, name)
        return base
    if isinstance(problem.domain, MeshDomain):
        for name, region in list(curved.items()):
            walled = with_wall(cut_at_ends(base, region), region, name)
            if walled is not None:
                base = walled
                del curved[name]
    base = fit_regions(base, curved) if curved else base
    for name, region in curved.items():
        if not base.regions[name].any() and not name.startswith(SURFACE):
            base = cut_at_ends(base, region)
    return replace(base, regions={name: mask for name, mask in base.regions.items() if not name.startswith(SURFACE)})


def _surfaces(problem: Problem, regions: Mapping[str, Set]) -> dict[str, Set]:
    """Where coefficients jump or have kinks, as sets that the mesh is fitted to and then forgets."""
    if problem.dimension == 1:
        return {}
    found = interfaces_of(problem.process, problem.dimension, *problem.bounding_box())
    surfaces = list(found.surfaces)
    # a surface that noise does not cross is entered where the drift leads in, and left where it leads out
    surfaces += [turning_surface(problem, axis) for axis in entered_along(problem, regions)]
    return {f"{SURFACE}{number}": surface for number, surface in enumerate(surfaces)}


def _coarse(
    problem: Problem, flat: Mapping[str, Set], cells: tuple[int, ...] | None, planes: Sequence[Sequence[float]]
) -> Triangulation:
    domain, dimension = problem.domain, problem.dimension
    if isinstance(domain, MeshDomain):
        data = domain.data
        read = triangulation_of_arrays(data.points, data.cells, data.cell_sets, data.curved)
        if dimension > 1 or cells is not None:
            return read
        return with_vertices(read, problem.process.kinks(float(data.points.min()), float(data.points.max())))
    if isinstance(domain, Ball) and dimension > 1:
        triangulation = ball_triangulation(domain)
        size = 2.0 * domain.radius / (cells[0] if cells else CELLS_AN_AXIS[dimension] / 2)
        while diameters(triangulation).max() > size:
            triangulation = refine(triangulation, np.ones(len(triangulation.cells), dtype=bool), all_edges=True)
        return triangulation
    lower, upper = bounding_box(domain, problem.process.potential)
    if isinstance(domain, Sublevel) and dimension == 3:
        lower, upper = _with_room(domain, problem, lower, upper)
    wanted = cells or _counts(np.subtract(upper, lower))
    breaks: list[list[float]] = [[] for _ in range(dimension)]
    if dimension == 1:
        breaks[0] += _towards_singular_ends(problem, lower[0], upper[0])
    if dimension == 1 and cells is None:
        breaks[0] += problem.process.kinks(lower[0], upper[0])
    for region in flat.values():
        for axis, places in region.faces(lower, upper).items():
            breaks[axis] += places
    for axis, places in enumerate(planes):
        breaks[axis] += places
    axes = [axis_points(a, b, n, k) for a, b, n, k in zip(lower, upper, wanted, breaks, strict=True)]
    periodic = [period is not None for period in periods_of(domain)[:dimension]]
    axes = [_at_least(axis, 4) if wraps else axis for axis, wraps in zip(axes, periodic, strict=True)]
    turned = problem.process.turns_at_walls and turns_around(domain)
    if turned:
        axes[1] = symmetric_axis(axes[1])
    triangulation = grid_triangulation(axes, periodic, turned=turned)
    return _sublevel(triangulation, domain, problem) if isinstance(domain, Sublevel) else triangulation


def _with_room(
    domain: Sublevel, problem: Problem, lower: tuple[float, ...], upper: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A box with room around a sublevel set, within the search box and where V is finite: see ``SUBLEVEL_ROOM``."""
    low, high = np.array(lower), np.array(upper)
    room = SUBLEVEL_ROOM * (high - low)
    low, high = low - room, high + room
    if domain.lower is not None and domain.upper is not None:
        low, high = np.maximum(low, np.minimum(domain.lower, lower)), np.minimum(high, np.maximum(domain.upper, upper))
    points = np.stack([c.ravel() for c in np.meshgrid(*np.linspace(low, high, PROBES).T, indexing="ij")])
    potential = problem.process.potential
    with np.errstate(all="ignore"):
        finite = potential is not None and bool(np.isfinite(potential.value(points)).all())
    return (tuple(low.tolist()), tuple(high.tolist())) if finite else (lower, upper)


def _counts(edges: Floats) -> tuple[int, ...]:
    """Cells along every axis of a first grid: few across a box that is much longer along others."""
    dimension = len(edges)
    longest = float(edges.max())
    return tuple(CELLS_AN_AXIS[dimension] if edge * LONG >= longest else CELLS_ACROSS for edge in edges)


def _towards_singular_ends(problem: Problem, lower: float, upper: float) -> list[float]:
    """The edge of the last stretch next to a singular end, and points beyond it by powers of ``GRADING``."""
    if any(period is not None for period in problem.periods):
        return []
    found: list[float] = []
    for end in line_ends(problem.process, lower, upper):
        reach = 0.5 * (upper - lower) / CELLS_AN_AXIS[1]
        count = max(0, int(np.log(reach / end.stretch) / np.log(GRADING)))
        found += [end.place + end.inward * end.stretch * GRADING**k for k in range(count + 1)]
    return found


def _at_least(axis: Floats, count: int) -> Floats:
    while len(axis) <= count:
        axis = np.sort(np.concatenate([axis, 0.5 * (axis[1:] + axis[:-1])]))
    return axis


def _on_faces(region: Set, dimension: int) -> bool:
    """Whether the surface of the set is made of planes normal to an axis, which a grid can have among its own."""
    return dimension == 1 or (isinstance(region, HalfSpace | Region | OutsideBox) and bool(region.faces()))


def _sublevel(triangulation: Triangulation, domain: Sublevel, problem: Problem) -> Triangulation:
    from fokker_planck.model.sublevel import connected_part

    potential = problem.process.potential
    if potential is None:
        raise ProblemError("domain.kind", "sublevel", "another domain: there is no potential")
    part = connected_part(domain, potential)
    region = Region(
        lambda x: domain.level - potential.value(x),
        gradient_function=lambda x: -potential.gradient(x),
        dimension=problem.dimension,
    )
    if problem.dimension == 1:
        inner = mark(with_ends(triangulation, region), region, "")
    else:
        inner = fit_regions(triangulation, {"": region})
    keep = component_holding(inner, inner.regions[""], np.asarray([part.seed]))
    kept = without_cells(inner, keep)
    boundary = boundary_facets(kept.cells, kept.vertex_class)
    number = 0 if kept.surfaces else -1
    facets = Facets(boundary, np.full(len(boundary), number), np.ones(len(boundary), dtype=bool))
    return Triangulation(kept.points, kept.cells, kept.vertex_class, facets, kept.surfaces, {})


@dataclass(frozen=True)
class Heights:
    """Where Phi matters: ``bottoms`` of the wells, ``passes`` between them, the ``ceiling`` above which nothing does.

    ``wells`` (K, dim) are the positions of the minima, ``start`` is where an exit begins, ``targets`` the names of
    the absorbing regions, or "boundary"; ``fill_targets`` keeps the mass inside of them, too.  Without ``trim``
    nothing below the ceiling is cut away.  ``fronts`` are the passes at which a process that crosses is resolved.
    """

    bottoms: tuple[float, ...]
    passes: tuple[float, ...]
    ceiling: float
    wells: Floats
    targets: tuple[str, ...] = ()
    fill_targets: bool = False
    trim: bool = True
    start: tuple[float, ...] | None = None
    fronts: tuple[Front, ...] = ()

    @property
    def top(self) -> float:
        """The highest saddle, or the lowest bottom where there is none."""
        return max(self.bottoms[:1] + self.passes)

    def importance(self, low: Floats, high: Floats) -> Floats:
        """How much an error of the weight in a cell with Phi from ``low`` to ``high`` can matter, at most one.

        The masses of the wells feel it in proportion to exp(-Phi) there, the rates through the passes by the
        height that separates the cell from the pass.
        """
        weight = np.zeros(len(low))
        for bottom in self.bottoms:
            weight = np.maximum(weight, np.exp(-np.maximum(low - bottom, 0.0)))
        for height in self.passes:
            weight = np.maximum(weight, np.exp(-np.maximum(np.maximum(low - height, height - high), 0.0)))
        return weight


def resolved(
    triangulation: Triangulation,
    exponent: Any,
    heights: Heights,
    degree: int,
    accuracy: float,
    kept: float | None = None,
) -> Triangulation:
    """Bisect until the weight exp(-Phi) is integrated to ``accuracy`` wherever it matters; cut off what does not.

    The fronts are resolved to ``FRONT`` times that in every cell, as good as the first answer is meant to be.

    No cell below the highest saddle keeps a change of Phi above ``LARGEST_CHANGE``: rounding within a cell grows like
    its exponential.  Above the saddle it matters by so much less, but beyond ``STEEPEST`` it would spoil the sign of
    the energy at last.  What is cut off changes the answers by a small part of ``kept``, which is
    ``accuracy`` if not given, see ``TRIM``.
    """
    dimension = triangulation.dimension
    narrow = narrow_places(triangulation, exponent, heights, accuracy)
    largest = (LARGEST_CHANGE if accuracy >= FINE else LARGEST_FINE_CHANGE)[dimension]
    change = heights.ceiling - min(heights.bottoms)
    deep = heights.trim and change > DEEP[dimension]
    while deep and change > largest:
        change = max(STEP * change, largest)
        triangulation = _refined_until(triangulation, exponent, heights, change, narrow)
        triangulation = _trimmed(triangulation, exponent, heights, accuracy if kept is None else kept)
    triangulation = _refined_until(triangulation, exponent, heights, largest, narrow, degree, accuracy)
    return _trimmed(triangulation, exponent, heights, accuracy if kept is None else kept) if deep else triangulation


def _trimmed(triangulation: Triangulation, exponent: Any, heights: Heights, accuracy: float) -> Triangulation:
    return trimmed(
        triangulation,
        exponent,
        heights.ceiling,
        heights.wells,
        heights.targets,
        TRIM[triangulation.dimension] * accuracy,
        start=heights.start,
        fill_targets=heights.fill_targets,
    )


def _refined_until(
    triangulation: Triangulation,
    exponent: Any,
    heights: Heights,
    change: float,
    narrow: NarrowPlaces,
    degree: int | None = None,
    accuracy: float = 1.0,
) -> Triangulation:
    """Bisect until Phi changes by at most ``change`` in a cell and, given a degree, the weight is integrated well."""
    limit = MOST_CELLS[triangulation.dimension]
    while True:
        low, high = exponent_range(triangulation, exponent)
        keep = low < heights.ceiling
        allowed = np.clip(change + low - heights.top, change, max(STEEPEST, change))
        marked = np.minimum(high, heights.ceiling) - np.minimum(low, heights.ceiling) > allowed
        marked |= keep & (high - low > max(STEEPEST, change))
        if degree is not None:
            marked |= unresolved(triangulation, exponent, heights, degree, accuracy, keep & ~marked)
        if not marked.any():
            marked = too_wide(triangulation, narrow.points, narrow.widths) & keep
        if not marked.any():
            return triangulation if keep.all() else without_cells(triangulation, keep)
        if len(triangulation.cells) > limit:
            raise ConvergenceError(
                f"more than {limit} cells are needed to follow the potential",
                "a smaller domain, more noise, or a potential without such steep parts",
            )
        triangulation = refine(triangulation, marked)


def unresolved(
    triangulation: Triangulation, exponent: Any, heights: Heights, degree: int, accuracy: float, asked: Booleans
) -> Booleans:
    """Which cells, (m,), are too large for the weight, of those ``asked``, or for the fronts."""
    low, high = exponent_range(triangulation, exponent)
    importance = heights.importance(low, high)
    todo = asked & (importance > accuracy)
    error = np.zeros(len(low))
    error[todo] = quadrature_error(triangulation.cell_points[todo], exponent, degree)
    fronts = front_errors(triangulation.cell_points, heights.fronts, degree)
    return np.asarray((error * importance > accuracy) | (fronts * importance > FRONT * accuracy))


def quadrature_error(corners: Floats, exponent: Any, degree: int) -> Floats:
    """Relative error of the integral of exp(-Phi) over every cell (m, dim + 1, dim) by a rule the forms have at least.

    The difference to a rule of ``LOWER`` degrees less, what that many degrees bring at least where
    Phi changes by no more than ``LARGEST_CHANGE``.
    """
    dimension = corners.shape[2]
    rule = 2 * degree + ROOM[dimension]
    fine = _weight_integrals(corners, exponent, rule)
    coarse = _weight_integrals(corners, exponent, rule - LOWER)
    return np.abs(np.expm1(coarse - fine))


def _weight_integrals(corners: Floats, exponent: Any, rule: int) -> Floats:
    """Logarithm of the mean of exp(-Phi) over every cell."""
    reference, weights = _dolfinx.quadrature_points(corners.shape[2], rule)
    coordinates = barycentric(reference)
    points = coordinates @ corners
    values = values_in_cells(exponent, points, corners)
    lowest = values.min(axis=1, keepdims=True)
    return np.log(np.exp(lowest - values) @ weights) - lowest[:, 0]


def exponent_range(triangulation: Triangulation, exponent: Any) -> tuple[Floats, Floats]:
    """Least and greatest Phi of every cell at its vertices, edge midpoints and centre."""
    corners = triangulation.cell_points
    edges = local_edges(corners.shape[1])
    samples = [corners, corners.mean(axis=1, keepdims=True)]
    samples.append(np.stack([0.5 * (corners[:, a] + corners[:, b]) for a, b in edges], axis=1))
    points = np.concatenate(samples, axis=1)
    values = values_in_cells(exponent, points, corners)
    return values.min(axis=1), values.max(axis=1)
