"""The first mesh of a domain: a grid, a ball, a file or a sublevel set, fitted to the sets of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.triangulations.coinciding_walls import with_wall
from fokker_planck.fem.triangulations.fitting import component_holding, cut_at_ends, with_ends, with_vertices
from fokker_planck.fem.triangulations.generation import (
    axis_points,
    ball_triangulation,
    grid_triangulation,
    symmetric_axis,
    triangulation_of_arrays,
)
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.tagged_parts import with_tagged
from fokker_planck.fem.triangulations.triangulation import (
    STRAIGHT,
    Facets,
    Triangulation,
    boundary_facets,
    diameters,
    row_keys,
    without_cells,
)
from fokker_planck.fem.triangulations.turning_points import entered_along, graded_planes, turning_surface
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.landscape.box_units import LONG
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.domain import bounding_box, periods_of
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.ends.line_ends import line_ends
from fokker_planck.model.jumps.breakpoints import surfaces_of
from fokker_planck.model.jumps.interfaces import formulas_of, interfaces_of
from fokker_planck.model.phase_space import turns_around
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.outside_box import OutsideBox
from fokker_planck.model.sets.images import with_images
from fokker_planck.model.sets.shapes import Ball, HalfSpace, Region, Set
from fokker_planck.model.sets.tagged_sets import TaggedCells, TaggedFacets

CELLS_AN_AXIS = {1: 12, 2: 8, 3: 4}
"""Of the first mesh, before anything is known: half and twice as many end in the same time, and in bars 0.4 to 1.2
times as wide (quartic well in the plane, barriers 12 and 50, 1e-6)."""
CELLS_ACROSS = 2
"""Along an axis ``LONG`` times shorter than the longest. Rounding grows like (length / width of a cell)^2: in a box of
1 by 1e4 four times wider cells, of degree 6, leave a sixteenth of it; where V changes along the axis, cells are cut."""
SUBLEVEL_ROOM, PROBES = 0.25, 9
"""Of the width of a sublevel set in space, between it and the walls of the box that it is cut out of: next to a wall
that it all but touches cells are squeezed, and a sphere took 50 s of CPU instead of 3; and points an axis, at which V
has to be finite in that box."""
ABSORBING = ("target", "from", "to")
"""Regions in which the process ends, so that gaps that nothing enters can be theirs as well."""
SURFACE = "a jump or kink, number "
ROOM = {1: 12, 2: 8, 3: 4}
"""Degrees for the weight of the rule by which first meshes are judged: on a line fewer than the forms have, whose rule
would see the weight in cells in which the functions themselves are not resolved yet."""
GRADING = 4.0
"""Ratio of neighbouring distances to a singular end: what refinement halves once or twice is there at once."""


def domain_triangulation(problem: Problem, regions: Mapping[str, Set], *, planes: bool = True) -> Triangulation:
    """A coarse mesh of the domain (or the fixed one of the problem's ``cells``) that is fitted to every region.

    The grid is graded by ``planes`` where surfaces turn, unless a curve is to be followed across these.
    """
    cells = problem.resolution.cells
    grid = isinstance(problem.domain, Box) or problem.dimension == 1 and isinstance(problem.domain, Ball)
    if isinstance(problem.domain, Box) and problem.dimension > 1:
        box = problem.domain
        regions = {n: with_images(region, box.lower, box.upper, box.periods) for n, region in regions.items()}
    regions = {**regions, **_surfaces(problem, regions)}
    flat = {name: region for name, region in regions.items() if grid and _on_faces(region, problem.dimension)}
    base = _coarse(problem, flat, cells, graded_planes(problem, flat) if planes and not cells else [])
    if not regions:
        return base
    from fokker_planck.fem.shapes.level_sets import mark
    from fokker_planck.fem.shapes.touching import without_narrow_gaps

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
    noise = problem.process.field(problem.dimension).tensor
    gone = {n: without_narrow_gaps(base, curved[n], noise) for n in ABSORBING if n in curved}
    base = _fitted(problem, base, {**curved, **gone}) if curved else base
    for name, region in curved.items():
        if not base.regions[name].any() and not name.startswith(SURFACE):
            base = cut_at_ends(base, region)
    return replace(base, regions={name: mask for name, mask in base.regions.items() if not name.startswith(SURFACE)})


def _fitted(problem: Problem, base: Triangulation, regions: Mapping[str, Set]) -> Triangulation:
    """As ``fit_regions``; an error about a surface of jump names the formula that jumps there."""
    from fokker_planck.fem.shapes.level_sets import fit_regions

    try:
        return fit_regions(base, regions)
    except ProblemError as error:
        name = error.key.removeprefix("sets.")
        if not name.startswith(SURFACE):
            raise
        box = problem.bounding_box()
        formulas = formulas_of(problem.process, problem.dimension)
        keys = (formula.key for formula in formulas if regions[name] in surfaces_of([formula], *box))
        found = f"a jump or a kink on {error.found}"
        raise ProblemError(next(keys, "observables"), found, error.wanted) from None


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
    for axis, further in enumerate(planes):
        breaks[axis] += further
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
    from fokker_planck.fem.shapes.level_sets import fit_regions, mark
    from fokker_planck.model.domains.connected_part import connected_part

    potential = problem.process.potential
    if potential is None:
        raise ProblemError("domain.kind", "sublevel", "another domain: there is no potential")
    part = connected_part(domain, potential)
    region = _below(domain.level, potential, problem.dimension)
    if problem.dimension == 1:
        inner = mark(with_ends(triangulation, region), region, "")
    else:
        inner = fit_regions(triangulation, {"": region})
    keep = component_holding(inner, inner.regions[""], np.asarray([part.seed]))
    kept = without_cells(inner, keep)
    boundary = boundary_facets(kept.cells, kept.vertex_class)
    facets = Facets(boundary, _owners(kept, boundary), np.ones(len(boundary), dtype=bool))
    return Triangulation(kept.points, kept.cells, kept.vertex_class, facets, kept.surfaces, {}, seams=kept.seams)


def _below(level: float, potential: Potential, dimension: int) -> Region:
    """V <= level; of a formula with corners as a text, whose smooth pieces are followed one by one."""
    formula = potential.formulas[0] if potential.formulas else None
    if formula is not None and not formula.smooth and dimension > 1:
        return Region(f"{level!r} - ({formula.text})", dict(formula.parameters))
    return Region(
        lambda x: level - potential.value(x),
        gradient_function=lambda x: -potential.gradient(x),
        dimension=dimension,
    )


def _owners(triangulation: Triangulation, facets: Integers) -> Integers:
    """The number of the surface that each of the facets (k, dim) follows, (k,); -1 for those that stay straight."""
    known = triangulation.facets
    keys = row_keys(np.sort(np.concatenate([known.vertices, facets]), axis=1))
    order = np.argsort(keys[: len(known)])
    place = order[np.searchsorted(keys[: len(known)], keys[len(known) :], sorter=order) % len(known)]
    return np.asarray(np.where(keys[place] == keys[len(known) :], known.surface[place], STRAIGHT))
