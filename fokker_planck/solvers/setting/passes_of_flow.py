"""How high the passes between attractors are in psi, where no formula of psi tells its saddles.

Three ways are looked at, of which the lowest counts: along a sample of the domain, along straight lines, and along
lines that break at a saddle of the flow.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.finding.survey import sample_graph
from fokker_planck.landscape.minimax import climb_heights, passes_between
from fokker_planck.landscape.types import SHALLOWEST
from fokker_planck.model.problem import Problem

STRAIGHT = 200
"""Points of a straight line between two places: what lies between two of them is higher by 1/8 of the square of
their distance times the curvature at most, 3e-6 of that along the whole line."""
ALONG = 9
"""Points of an edge of the sample: what lies between two of them is higher by 1/64 of what may lie between its ends,
and a ridge is seen that is no narrower than an eighth of the edge."""


def passes_of_flow(problem: Problem, weighting: Weighting, attractors: Floats, saddles: Floats) -> Floats:
    """The lowest of the highest psi on the ways between attractors (K, dim), (K, K), that ``saddles`` (S, dim) show."""
    if not len(attractors):
        return np.zeros((0, 0))
    climbs = np.minimum(
        _straight_climbs(problem, weighting, attractors, saddles), _sampled_climbs(problem, weighting, attractors)
    )
    for by in range(len(attractors)):
        climbs = np.minimum(climbs, np.maximum(climbs[:, by, None], climbs[by]))
    return climbs


def _sampled_climbs(problem: Problem, weighting: Weighting, attractors: Floats) -> Floats:
    """Along the edges of a sample; those by which a shallow well would be left are looked at in between.

    A ridge narrower than an edge stands between its ends: a well 1.7 units deep in space was left by such an edge
    0.06 units up.
    """
    points, edges = sample_graph(problem)
    values = weighting.value(points.T)
    nodes = [int(np.argmin(((points - place) ** 2).sum(axis=1))) for place in attractors]
    climbs = _climbs(values, edges, nodes)
    deeper = values[nodes][:, None] > values[nodes]
    shallow = np.where(deeper, climbs, np.inf).min(axis=1) < values[nodes] + SHALLOWEST
    if not shallow.any():
        return climbs
    level = float(values[nodes][shallow].max()) + SHALLOWEST
    looked_at = np.flatnonzero((values[edges] < level).all(axis=1) & _within(problem, points, edges))
    tops = _highest_between(problem, weighting, points[edges[looked_at, 0]], points[edges[looked_at, 1]], ALONG)
    raised = tops > values[edges[looked_at]].max(axis=1)
    ridges, between = tops[raised], edges[looked_at[raised]]
    numbers = len(values) + np.arange(len(ridges))
    kept = np.delete(edges, looked_at[raised], axis=0)
    halves = [np.stack([between[:, end], numbers], axis=1) for end in (0, 1)]
    return _climbs(np.append(values, ridges), np.concatenate([kept, *halves]), nodes)


def _climbs(values: Floats, edges: Integers, nodes: list[int]) -> Floats:
    kept, few = passes_between(values, edges, nodes, [])
    at = np.searchsorted(kept, nodes)
    return np.array([climb_heights(values[kept], few, kept == node)[at] for node in nodes])


def _within(problem: Problem, points: Floats, edges: Integers) -> Booleans:
    """Which edges (m, 2) do not go around a periodic axis, (m,)."""
    lower, upper = (np.array(corner) for corner in problem.bounding_box())
    periodic = np.array([period is not None for period in problem.periods])
    long = np.abs(points[edges[:, 0]] - points[edges[:, 1]]) > 0.5 * (upper - lower)
    result: Booleans = ~(long & periodic).any(axis=1)
    return result


def _straight_climbs(problem: Problem, weighting: Weighting, attractors: Floats, saddles: Floats) -> Floats:
    """On straight lines between attractors (K, dim) and over each of the saddles, (K, K).

    A pass between shallow wells may be narrower than a sample is fine: one of 0.3 units, beside a deep well, was
    given to another one behind a pass that was lower on the sample.
    """
    count = len(attractors)
    ends = np.concatenate([attractors, saddles.reshape(-1, attractors.shape[1])])
    start, stop = np.repeat(ends, count, axis=0), np.tile(attractors, (len(ends), 1))
    heights = _highest_between(problem, weighting, start, stop, STRAIGHT, outside=np.inf).reshape(len(ends), count)
    climbs = heights[:count]
    for legs in heights[count:]:
        climbs = np.minimum(climbs, np.maximum(legs[:, None], legs))
    return climbs


def _highest_between(
    problem: Problem, weighting: Weighting, start: Floats, stop: Floats, count: int, outside: float = -np.inf
) -> Floats:
    """The highest psi at ``count`` points of each line from ``start`` to ``stop`` (n, dim), (n,)."""
    shares = np.linspace(0.0, 1.0, count)[:, None]
    points = (start[:, None] + (stop - start)[:, None] * shares).reshape(-1, start.shape[1]).T
    inside = problem.contains(points)
    heights = np.full(points.shape[1], outside)
    heights[inside] = np.nan_to_num(weighting.value(points[:, inside]), nan=outside)
    highest: Floats = heights.reshape(-1, count).max(axis=1)
    return highest
