"""The smooth minima and saddles that a graph resolves: Newton's method from vertices, and one point of each kind kept.

Guesses are the vertices from which Newton's step is no longer than the edges around: every nondegenerate critical
point that the graph resolves has some.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers, distinct
from fokker_planck.formulas.graphs import components, pairs_within
from fokker_planck.landscape.finding.nonsmooth_minima import Inside
from fokker_planck.landscape.finding.sample_graph import SampleGraph
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.newton.critical_points import Guesses, Kinds, classify, describe, newton_step, polish
from fokker_planck.landscape.types import CriticalPoint, Saddle
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace

ASIDE, ROUNDING = 1e-3, 1e-12
"""Of the edges around, how far beside a minimum the function is looked at; of its value, by how much it has to be lower
there: a slope falls by a thousandth of what it does over an edge."""


@dataclass(frozen=True)
class Polished:
    """Critical ``points`` of index 0 and 1, and those at which more than two ways down may meet, a monkey's saddle."""

    points: list[CriticalPoint | Saddle] = field(default_factory=list)
    meeting: list[Saddle] = field(default_factory=list)


def newton_points(function: Function, graph: SampleGraph, contains: Inside) -> Polished:
    """Polished critical points, in the interior and on each wall of a box."""
    frame = graph.frame
    chosen = [
        (vertices, np.broadcast_to(sign[:, None], (len(sign), len(vertices))))
        for vertices, sign in _near_critical(function, graph)
    ]
    if not chosen:
        return Polished()
    vertices = np.concatenate([some for some, _ in chosen])
    sign = np.concatenate([signs for _, signs in chosen], axis=1)
    group = np.repeat(np.arange(len(chosen)), [len(some) for some, _ in chosen])
    x, free, width = graph.points[vertices].T, sign == 0.0, graph.widths[vertices]
    x, settled = polish(function, Guesses(x, free, width), frame)
    x = np.where(free, frame.wrapped(x), x)
    with np.errstate(all="ignore"):
        kept = settled & frame.holds(x)
        # what has left the domain is not asked about: coefficients may be anything out there
        kept[kept] &= np.asarray(contains(frame.pulled_in(x[:, kept])), dtype=bool)
        kept[kept] &= np.isfinite(function.value(x[:, kept]))
        # A wall must hold a point back: the function falls towards the outside, by more than rounding.
        slope = function.gradient(x[:, kept]) * sign[:, kept]
        strength = np.abs(function.hessian(x[:, kept])).max(axis=(0, 1)) * width[kept]
        kept[kept] &= np.all((slope < -1e-7 * strength) | free[:, kept], axis=0)
    x, free, width, group = x[:, kept], free[:, kept], width[kept], group[kept]
    if x.shape[1] == 0:
        return Polished()
    kinds = classify(function, x, free, width)
    outward, values = frame.walls_met(x), function.value(x)
    found = Polished()
    for held in distinct(group):
        members = np.flatnonzero(group == held)
        apart = _distinct(
            values[members], x[:, members], kinds.index[members], kinds.degenerate[members], width[members], frame
        )
        chosen_here = members[apart]
        of_interest = chosen_here[np.isin(kinds.index[chosen_here], (0, 1))]
        bottoms = kinds.index[of_interest] == 0
        crests = _on_crests(function, x[:, of_interest], free[:, of_interest], width[of_interest])
        of_interest = of_interest[~(bottoms & (crests | kinds.meeting[of_interest]))]
        found.points.extend(describe(function, x, free, kinds, of_interest, outward))
        found.meeting.extend(_as_saddles(function, x, free, kinds, chosen_here[kinds.meeting[chosen_here]], outward))
    return found


def _as_saddles(
    function: Function, x: Floats, free: Booleans, kinds: Kinds, numbers: Integers, outward: Floats
) -> list[Saddle]:
    passes = replace(kinds, index=np.ones_like(kinds.index))
    return [point for point in describe(function, x, free, passes, numbers, outward) if isinstance(point, Saddle)]


def _on_crests(function: Function, x: Floats, free: Booleans, width: Floats) -> Booleans:
    """Whether the function falls to both sides along a free axis: on -|x| its derivatives may be those of a minimum."""
    here = function.value(x)
    lower = here - ROUNDING * np.abs(here)
    found = np.zeros(x.shape[1], dtype=bool)
    for axis in range(len(x)):
        step = np.zeros(x.shape)
        step[axis] = np.where(free[axis], ASIDE * width, 0.0)
        with np.errstate(all="ignore"):
            found |= (function.value(x - step) < lower) & (function.value(x + step) < lower)
    return found


def _near_critical(function: Function, graph: SampleGraph) -> Iterator[tuple[Integers, Floats]]:
    """Vertices from which Newton's step is short, in the interior and along every wall of a box.

    With each the sign of the outward normals of the walls that hold it, (dim,), zero along free axes.
    """
    frame = graph.frame
    dimension = len(frame.lower)
    with np.errstate(all="ignore"):
        gradient, hessian = function.gradient(graph.points.T), function.hessian(graph.points.T)
    bottom = np.zeros(len(graph.points), dtype=bool)
    bottom[graph.bottoms] = True
    for walls in product((None, "lower", "upper"), repeat=dimension):
        sign = np.array([{None: 0.0, "lower": -1.0, "upper": 1.0}[wall] for wall in walls])
        if ((sign != 0.0) & ~frame.walled).any():
            continue
        on_walls = np.ones(len(graph.points), dtype=bool)
        for axis, wall in enumerate(walls):
            if wall is not None:
                on_walls &= graph.points[:, axis] == getattr(frame, wall)[axis]
        vertices = np.flatnonzero(on_walls)
        slope, curvature = gradient, hessian
        if (sign != 0.0).any():
            free = (sign == 0.0).astype(float)[:, None]
            with np.errstate(all="ignore"):
                slope, curvature = gradient[:, vertices] * free, hessian[:, :, vertices] * free * free[:, None]
        near = _step_is_short(slope, curvature, graph, vertices, flat_too=bool((sign != 0.0).all()))
        near |= bottom[vertices]
        if near.any():
            yield vertices[near], sign


def _step_is_short(
    gradient: Floats, hessian: Floats, graph: SampleGraph, vertices: Integers, *, flat_too: bool
) -> Booleans:
    """Where Newton's step leads no further than the edges around; ``flat_too`` without regard to wide plateaus."""
    width = graph.widths[vertices]
    # It is at least as long as the slope over the norm of the Hessian, which is quickly computed.
    with np.errstate(all="ignore"):
        norm = np.sqrt(np.einsum("ijn,ijn->n", hessian, hessian))
        near = np.sqrt(np.einsum("in,in->n", gradient, gradient)) <= 1.500001 * norm * width
    some = np.flatnonzero(near)
    step, curvature = newton_step(gradient[:, some], hessian[:, :, some], width[some])
    near[some] = np.linalg.norm(step, axis=0) <= 1.5 * width[some]
    if not flat_too:
        flat = curvature * width[some] ** 2 <= 1e-12 * np.abs(graph.values[vertices[some]])
        near[some] &= ~(graph.wide[vertices[some]] & flat)
    return np.asarray(near)


def _distinct(
    values: Floats, x: Floats, index: Integers, degenerate: Booleans, width: Floats, frame: Frame
) -> list[int]:
    """One number for each critical point: equal positions are one, so is a chain of degenerate ones of equal value."""
    count = x.shape[1]
    shifted = frame.wrapped(x) - np.array(frame.lower)[:, None]
    for axis, period in enumerate(frame.periods):
        if period is not None:
            shifted[axis] = np.where(shifted[axis] >= period, 0.0, shifted[axis])
    reach = 2.5 * float(width.max()) if degenerate.any() else 1e-3 * float(width.max())
    pairs = pairs_within(shifted.T, reach, frame.periods)
    if len(pairs):
        first, second = pairs.T
        distance = np.linalg.norm(frame.difference(x[:, first], x[:, second]), axis=0)
        local = np.minimum(width[first], width[second])
        spread = 1e-12 * np.abs(values).max() + 1e-9 * (values.max() - values.min())
        family = degenerate[first] & degenerate[second] & (distance <= 2.5 * local)
        family &= np.abs(values[first] - values[second]) <= spread
        same = (distance <= 1e-3 * local) | family
        pairs = pairs[same & ((index[first] == index[second]) | (distance <= 1e-3 * local))]
    clusters = components(pairs[:, 0], pairs[:, 1], count)
    chosen = []
    for cluster in range(int(clusters.max()) + 1):
        members = np.flatnonzero(clusters == cluster)
        if degenerate[members].all():
            # A family is represented by its most central member, an isolated point by its best approximation.
            distance = np.linalg.norm(x[:, members] - x[:, members].mean(axis=1, keepdims=True), axis=0)
            wide = bool(distance.max() > 0.1 * width[members].min())
            chosen.append(int(members[np.argmin(distance if wide else values[members] * 1.0)]))
        else:
            chosen.append(int(members[np.argmin(degenerate[members])]))
    return chosen
