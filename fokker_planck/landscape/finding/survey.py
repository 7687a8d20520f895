"""The landscape of a problem's potential or exponent on its domain: which points to look at, then the search."""

from __future__ import annotations

import logging
from itertools import combinations

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function, Integers
from fokker_planck.formulas.bounds.narrow_features import seen_boxes
from fokker_planck.landscape.finding.sample_graph import sample_box
from fokker_planck.landscape.finding.search import find_landscape
from fokker_planck.landscape.flow.held_by_mesh import HeldByMesh
from fokker_planck.landscape.flow.holds import HeldByBall, Hold
from fokker_planck.landscape.types import Landscape
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshDomain
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.bounded_exponent import formula_of
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.model.sets.shapes import Ball

logger = logging.getLogger(__name__)

# Units of epsilon above the highest saddle up to which narrow wells are looked for: their weight is 4e-18 of the rest.
ABOVE = 40.0
# What differs by less than half a unit of epsilon from a quadratic is no well.
SHALLOW = 0.5
# Samples see what is as wide as their spacing; boxes in which Phi is nearly quadratic are a third of the width of a
# well, and are as narrow as this part of the spacing where wells begin to fall between the samples.
NARROW = 0.25
# Neighbours of a vertex among those of narrow boxes: enough that boxes of half and of twice the size are among them.
NEIGHBOURS = {1: 4, 2: 12, 3: 24}


def survey(problem: Problem, function: Function) -> Landscape:
    """All minima and saddles of ``function`` (the potential, or the exponent of the process) in the domain.

    >>> import fokker_planck as fp
    >>> potential = fp.Potential("(x**2 - 1)**2/4 + x/10")
    >>> problem = fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.05)), fp.Box([-2.0], [2.0]))
    >>> [round(m.position[0], 6) for m in survey(problem, potential).minima]
    [-1.046681, 0.945649]
    """
    problem.known.pop("narrow", None)
    logger.debug("minima and saddles")
    points, edges = sample_graph(problem)
    inside = None if _fills_its_box(problem) else problem.contains
    hold = held_by(problem)
    landscape = find_landscape(function, points, edges, inside, problem.periods, hold)
    narrow = _narrow_points(problem, function, landscape, points, edges)
    if narrow is None:
        return landscape
    problem.known["narrow"] = narrow
    points, edges = sample_graph(problem)
    return find_landscape(function, points, edges, inside, problem.periods, hold)


def _narrow_points(
    problem: Problem, function: Function, landscape: Landscape, points: Floats, edges: Integers
) -> tuple[Floats, Floats] | None:
    """Where a formula changes within less than the samples show: points (n, dim) and the distance to the next, (n,).

    By bounds of the formula in boxes, up to ``ABOVE`` the highest saddle; None where the samples see everything, and
    for functions of Python, of which there is nothing but samples.
    """
    spacing = float(np.abs(points[edges[:, 0]] - points[edges[:, 1]]).max()) if len(edges) else 0.0
    if isinstance(function, LineExponent) and function.boxes is not None:
        middles, widths = 0.5 * (function.boxes.lower + function.boxes.upper), function.boxes.widths
        some = (widths < spacing) & function.boxes.proper
        return (middles[some, None], widths[some]) if (widths[some] < NARROW * spacing).any() else None
    known = formula_of(function)
    if known is None:
        return None
    formula, scale = known
    if isinstance(function, Potential):
        scale /= _noise_level(problem)
    somewhere = points[:1].T
    ratio = scale if isinstance(function, Potential) else 1.0
    offset = float(ratio * function.value(somewhere)[0] - scale * formula(somewhere)[0])
    heights = [point.value for point in (*landscape.minima, *landscape.saddles)]
    highest = ratio * max(heights, default=0.0) + ABOVE - offset
    boxes = seen_boxes(formula, scale, *problem.bounding_box(), highest=highest, sampled=spacing, most=SHALLOW)
    if not (boxes.size < NARROW * spacing).any():
        return None
    some = boxes.size < spacing
    some[some] = problem.contains(boxes.centres[:, some])
    return boxes.centres[:, some].T, boxes.size[some]


def _noise_level(problem: Problem) -> float:
    """A mean of D over the domain, to measure a potential by."""
    tensor = problem.process.field(problem.dimension).tensor(problem.sample())
    level = float(np.mean(np.einsum("iin->n", tensor))) / problem.dimension
    return level if level > 0.0 else 1.0


def _with_narrow_points(points: Floats, edges: Integers, narrow: tuple[Floats, Floats]) -> tuple[Floats, Integers]:
    """The graph with more vertices, each joined to its neighbours among them, the outer ones to the graph's own."""
    from scipy.spatial import cKDTree

    extra, distance = narrow
    dimension = points.shape[1]
    first = len(points)
    count = min(NEIGHBOURS[dimension] + 1, len(extra))
    _, near = cKDTree(extra).query(extra, k=count)
    near = np.reshape(near, (len(extra), count))
    own = np.repeat(np.arange(len(extra)), count)
    joined = np.stack([own, near.ravel()], axis=1)
    joined = first + joined[joined[:, 0] != joined[:, 1]]
    spacing = distance.max()
    outer = np.flatnonzero(distance >= NARROW * spacing)
    _, around = cKDTree(points).query(extra[outer], k=min(2**dimension, first))
    around = np.reshape(around, (len(outer), -1))
    outward = np.stack([np.repeat(first + outer, around.shape[1]), around.ravel()], axis=1)
    every = np.unique(np.sort(np.concatenate([edges, joined, outward]), axis=1), axis=0)
    return np.concatenate([points, extra]), every.astype(np.int64)


def sample_graph(problem: Problem) -> tuple[Floats, Integers]:
    """Points (n, dim) that cover the domain finely, and the edges between neighbours; finer where a survey saw why."""
    narrow = problem.known.get("narrow")
    graph = _plain_graph(problem)
    return graph if narrow is None else _with_narrow_points(*graph, narrow)


def _plain_graph(problem: Problem) -> tuple[Floats, Integers]:
    if isinstance(problem.domain, MeshDomain):
        data = problem.domain.data
        points, edges = _refined(data.points, data.cells)
        if data.curved is not None:  # of straight cells, some of which reach beyond an inward bend
            beyond = ~problem.contains(points.T)
            points[beyond] = data.curved.project(points[beyond].T).T
        return points, edges
    lower, upper = problem.bounding_box()
    points, edges = sample_box(lower, upper, None, problem.periods)
    if _fills_its_box(problem):
        return points, edges
    kept = problem.contains(points.T)
    number = np.cumsum(kept) - 1
    return points[kept], number[edges[kept[edges].all(axis=1)]]


def held_by(problem: Problem) -> Hold | None:
    """What a curved wall does to points (dim, n) beyond it: they are put back to the nearest point of it.

    None for boxes, whose walls the frame knows, and for sublevel sets, which a flow down V never leaves.
    """
    domain = problem.domain
    if isinstance(domain, MeshDomain) and problem.dimension > 1:
        return HeldByMesh(domain)
    return HeldByBall(domain) if isinstance(domain, Ball) and problem.dimension > 1 else None


def _fills_its_box(problem: Problem) -> bool:
    return isinstance(problem.domain, Box) or (isinstance(problem.domain, Ball) and problem.dimension == 1)


def _refined(points: Floats, cells: Integers, least: int = 4000) -> tuple[Floats, Integers]:
    """Vertices and edges of the mesh, with the midpoints of all edges for as long as there are few."""
    while True:
        pairs = np.sort(np.concatenate([cells[:, list(p)] for p in combinations(range(cells.shape[1]), 2)]), axis=1)
        edges = np.unique(pairs, axis=0)
        if len(points) >= least:
            return points, edges
        middles = points[edges].mean(axis=1)
        keys = edges[:, 0] * len(points) + edges[:, 1]
        cells = _split(cells, keys, len(points))
        points = np.concatenate([points, middles])


def _split(cells: Integers, keys: Integers, count: int) -> Integers:
    """Bisect every cell at all of its edges in turn, by key: enough to sample, not meant as a mesh."""
    done = []
    pairs = list(combinations(range(cells.shape[1]), 2))
    while len(cells):
        ends = np.stack([np.sort(cells[:, list(p)], axis=1) for p in pairs], axis=1)
        key = np.where(ends[..., 1] < count, ends[..., 0] * count + ends[..., 1], -1)
        best = np.argmax(key, axis=1)
        rows = np.arange(len(cells))
        whole = key[rows, best] < 0
        done.append(cells[whole])
        local = np.asarray(pairs)[best[~whole]]
        middle = count + np.searchsorted(keys, key[rows, best][~whole])
        halves = cells[~whole]
        here = np.arange(len(halves))
        first, second = halves.copy(), halves.copy()
        first[here, local[:, 1]] = middle
        second[here, local[:, 0]] = middle
        cells = np.concatenate([first, second])
    return np.concatenate(done)
