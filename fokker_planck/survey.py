"""The landscape of a problem's potential or exponent on its domain: which points to look at, then the search."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from fokker_planck.domain import Box, MeshFile
from fokker_planck.landscape import Floats, Function, Integers, Landscape
from fokker_planck.landscape_search import find_landscape
from fokker_planck.problem import Problem
from fokker_planck.sample_graph import sample_box
from fokker_planck.sets import Ball


def survey(problem: Problem, function: Function) -> Landscape:
    """All minima and saddles of ``function`` (the potential, or the exponent of the process) in the domain.

    >>> import fokker_planck as fp
    >>> potential = fp.Potential("(x**2 - 1)**2/4 + x/10")
    >>> problem = fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.05)), fp.Box([-2.0], [2.0]))
    >>> [round(m.position[0], 6) for m in survey(problem, potential).minima]
    [-1.046681, 0.945649]
    """
    points, edges = sample_graph(problem)
    inside = None if _fills_its_box(problem) else problem.contains
    return find_landscape(function, points, edges, inside, problem.periods)


def sample_graph(problem: Problem) -> tuple[Floats, Integers]:
    """Points (n, dim) that cover the domain finely, and the edges between neighbours."""
    if isinstance(problem.domain, MeshFile):
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
