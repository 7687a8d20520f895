"""What a question is given with a problem, checked: where it starts, and the set it is about."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.mesh.checks import outer_facets
from fokker_planck.mesh.walls import Walls, slit_facets
from fokker_planck.model.arguments import described, point
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.domain import has_boundary
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.problem import Problem, check_mesh, check_wrapping
from fokker_planck.model.sets.images import with_images
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, LineSet, Region, Set, fits
from fokker_planck.model.underdamped import Underdamped

EXIT_KEYS = ("start", "target", "times", "quantiles", "parts", "place")
"""Of [exit]: the first two are what all questions about an exit are about, the others those of its law and place."""
ON_SLIT = 1e-12
"""Of the extent of a mesh: a start as near to a slit is on it, and on which side rounding would say."""


def checked_exit(
    problem: Problem, start: Any, target: Set | Literal["boundary"] | str, key: str = "exit"
) -> tuple[tuple[float, ...], Set | Literal["boundary"]]:
    """The start as a tuple and the target as a set, or "boundary".

    ``target`` is a set, the name of one of the problem's sets, or "boundary". Raises :class:`ProblemError` where the
    start is not in the domain or already in the target, the target unknown or nowhere in the domain.
    """
    given = point(f"{key}.start", start, problem.dimension)
    place = within_periods(problem, given)
    column = np.asarray(place)[:, None]
    if not problem.contains(column)[0]:
        low, high = problem.bounding_box()
        wanted = f"a point inside the domain, which lies between {list(low)} and {list(high)}"
        raise ProblemError(f"{key}.start", list(given), wanted)
    if _on_slit(problem, column):
        found = f"{list(given)}, a point on the two sides of a slit"
        raise ProblemError(f"{key}.start", found, "a point a little to one side of it")
    shape = checked_target(problem, target, f"{key}.target")
    if isinstance(shape, str):
        if _on_boundary(problem, place):
            raise ProblemError(f"{key}.start", list(given), "a point that is not already on the target, the boundary")
    elif shape.contains(column)[0]:
        name = f"the set {target}" if isinstance(target, str) else "the target"
        raise ProblemError(f"{key}.start", list(given), f"a point outside of {name}, where the time is zero")
    return place, shape


def checked_target(problem: Problem, target: Set | Literal["boundary"] | str, key: str) -> Set | Literal["boundary"]:
    """An absorbing set that has points in the domain, or "boundary"."""
    if isinstance(target, str) and target == "boundary":
        if not has_boundary(problem.domain):
            raise ProblemError(key, "boundary", "a set: every axis is periodic, there is no boundary")
        return "boundary"
    shape = checked_set(problem, target, key)
    if not _meets(problem, shape):
        name = f"the set {target}" if isinstance(target, str) else "the target"
        raise ProblemError(key, name, "a set that has points in the domain; it would never be reached")
    return shape


def checked_set(problem: Problem, given: Set | str, key: str) -> Set:
    """The set itself or the one of that name, in the dimension of the problem; a region on a line by its intervals."""
    named = problem.sets.get(given) if isinstance(given, str) else given
    if isinstance(named, Region) and named.in_phase_space and not _in_phase_space(problem):
        raise ProblemError(key, f"the velocity v in {str(named.expression)!r}", "x, y, z: the process has no momentum")
    if problem.dimension == 1:
        if isinstance(named, Region) and fits(named, 1):
            (lower,), (upper,) = problem.bounding_box()
            intervals = named.on_line(lower, upper)
            if intervals is None:
                name = f"the set {given}" if isinstance(given, str) else str(named.expression)
                raise ProblemError(key, name, "a set that has points in the domain")
            return intervals
    if isinstance(given, str):
        if given not in problem.sets:
            known = list(problem.sets)
            wanted = f"one of the sets {', '.join(known)}" if known else "the name of a set: there is no [sets.NAME]"
            raise ProblemError(key, f"{given!r}{did_you_mean(given, known)}", wanted)
        return whole_set(problem, problem.sets[given])
    if not isinstance(given, Set):
        raise ProblemError(key, described(given), "a Ball, Ellipsoid, HalfSpace or Region, or the name of a set")
    if not fits(given, problem.dimension):
        raise ProblemError(key, f"a set in {given.dimension} dimensions", f"one in {problem.dimension}")
    check_wrapping(problem, given, key)
    check_mesh(problem, given, key)
    return whole_set(problem, given)


def _in_phase_space(problem: Problem) -> bool:
    return isinstance(problem.process, Underdamped) and not problem.process.planar


def whole_set(problem: Problem, shape: Set) -> Set:
    """The set with its images across periodic faces: a start in an image is in the set."""
    if not isinstance(shape, (Ball, Ellipsoid)) or not any(problem.periods):
        return shape
    low, high = problem.bounding_box()
    if problem.dimension > 1:
        return with_images(shape, low, high, problem.periods)
    (a,), (b,), period = low, high, problem.periods[0] or 0.0
    center, radius = shape.center[0], shape.radius if isinstance(shape, Ball) else shape.semi_axes[0]
    start, stop = center - radius, center + radius
    if start < a:
        return LineSet(((a, stop), (start + period, b)), repr(shape))
    return shape if stop <= b else LineSet(((a, stop - period), (start, b)), repr(shape))


def within_periods(problem: Problem, place: tuple[float, ...]) -> tuple[float, ...]:
    """The point of the domain that a point beyond a periodic face is."""
    if not any(problem.periods):
        return place
    edges = zip(place, *problem.bounding_box(), problem.periods, strict=True)
    return tuple(c if period is None or a <= c <= b else a + (c - a) % period for c, a, b, period in edges)


def _on_boundary(problem: Problem, place: tuple[float, ...]) -> bool:
    domain, column = problem.domain, np.asarray(place)[:, None]
    if isinstance(domain, Box):
        edges = zip(place, domain.lower, domain.upper, domain.periods, strict=True)
        return any(p is None and min(c - a, b - c) <= 1e-12 * (b - a) for c, a, b, p in edges)
    if isinstance(domain, Ball):
        return bool(domain.level(column)[0] <= 1e-12 * domain.radius)
    if isinstance(domain, Sublevel) and problem.process.potential is not None:
        return bool(problem.process.potential.value(column)[0] >= domain.level)
    if not isinstance(domain, MeshDomain):
        return False
    curved, (low, high) = domain.data.curved, problem.bounding_box()
    if curved is not None and len(curved.near(column, 1e-12 * float(np.max(np.subtract(high, low))))):
        return True
    cells, cell = domain.data.cells, domain.locator.find(column)
    if cell[0] < 0:
        return False
    touched = cells[cell[0]][domain.locator.barycentric(column, cell)[0] > 1e-12]
    return bool((np.isin(outer_facets(cells), touched).sum(axis=1) == len(touched)).any())


def _on_slit(problem: Problem, x: Floats) -> bool:
    """Whether a point (dim, 1) is on both sides of a slit in a mesh; at its tip these are one."""
    facets = slit_facets(problem.domain)
    if not isinstance(problem.domain, MeshDomain) or not len(facets):
        return False
    points, near = problem.domain.data.points, ON_SLIT * float(np.max(np.subtract(*problem.bounding_box()[::-1])))
    if np.linalg.norm(Walls(points[facets]).nearest(x) - x) > near:
        return False
    return int((np.linalg.norm(points - x.T, axis=1) <= near).sum()) != 1


def _meets(problem: Problem, shape: Set) -> bool:
    """Whether the set has points in the domain: samples, samples carried onto its surface, boxes that hold it all."""
    x = problem.sample()
    level = shape.level(x)
    if (level >= 0.0).any():
        return True
    nearest = x[:, np.argsort(-np.nan_to_num(level, nan=-np.inf))[:200]]
    if _some_land(problem, shape, nearest):
        return True
    if not (isinstance(shape, Region) and isinstance(shape.expression, str)):
        return False
    boxes = shape.boxes(*problem.bounding_box())
    if _some_land(problem, shape, boxes.centres):
        return True
    if not boxes.complete:
        found = f"more boxes than can be looked at for the zeros of {shape.expression}"
        raise ProblemError(shape.key, found, "a formula whose zeros are a surface, without flat parts at zero")
    return False


def _some_land(problem: Problem, shape: Set, x: Floats) -> bool:
    """Whether some of the points (dim, n), carried onto the surface of the set, are in the domain then."""
    landed = shape.project(x)
    slope = np.linalg.norm(shape.gradient(landed), axis=0)
    room = 1e-9 * float(np.max(np.subtract(*problem.bounding_box()[::-1])))
    return bool((problem.contains(landed) & (shape.level(landed) >= -room * slope)).any())
