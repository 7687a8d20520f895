"""Find all minima and saddles of a function from its values on a mesh or grid, each polished by Newton's method.

Guesses are the vertices from which Newton's step is no longer than the edges around: every nondegenerate critical
point that the graph resolves has some.  The graph's own minima and passes supply what such guesses miss, where the
function is not smooth or is held by a wall.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.formulas.counted import Count, Counted
from fokker_planck.landscape.boundary_minima import wall_saddle
from fokker_planck.landscape.box_units import InUnits, frame_in, landscape_in, units_of
from fokker_planck.landscape.captures import Capture, capture_of
from fokker_planck.landscape.critical_points import Guesses, classify, describe, newton_step, polish
from fokker_planck.landscape.gradient_flow import FlowSettings, descend
from fokker_planck.landscape.holds import Hold
from fokker_planck.landscape.nonsmooth_minima import FLAT, Inside, unpolished_minima, wall_minima
from fokker_planck.landscape.sample_graph import SampleGraph, sample_box
from fokker_planck.landscape.types import CriticalPoint, Frame, Landscape, Saddle, assemble_landscape

MOST_WELLS, KEPT_WELLS = 200, 40
"""Wells that are told apart: a plateau, of which rounding or a spline makes ripples, has thousands. With more, only the
deepest by persistence on the sample are kept: each costs some tenths of a second, with the saddles around."""
MOST_POINTS = 600
"""Critical points of which each is followed downhill; beyond, those beside the deepest wells only."""
EVALUATIONS = 3e7
"""Points at which a search may ask for values or derivatives, about a minute for a formula. Two wells in the plane take
1e5, 200 of them 2e6 (5 s), a clipped spline 2e6, 62 wells in space 6e6 (7 s)."""
REMEDY = "a smoother function (of a table: smoothing, or a smaller domain), or a question that needs no wells"
# In widths of the sample: as far as Newton's method may carry a vertex.
BESIDE = 2.0


def find_landscape(
    function: Function,
    points: Floats,
    edges: Integers,
    inside: Inside | None = None,
    periods: Sequence[float | None] | None = None,
    hold: Hold | None = None,
) -> Landscape:
    """All minima and index-one saddles that a graph on the domain resolves, and which wells each saddle joins.

    Args:
        function: f with ``value``, ``gradient``, ``hessian``.
        points: vertices (n, dim), the domain's walls among them.
        edges: pairs of neighbouring vertices (m, 2), around periodic axes too.
        inside: which of the points (dim, n) are in the domain; the whole bounding box if not given.
        periods: period of every axis, None where not periodic.
        hold: moves points (dim, n) outside of the domain to the nearest point of its walls, where these are curved.

    Returns:
        Minima and saddles in ascending value.  A reflecting wall holds minima and passes of its own, flagged
        ``on_boundary``.  A continuous family of minima (or of saddles) gives one, flagged ``degenerate``.

    Raises ConvergenceError where ``EVALUATIONS`` do not suffice.

    >>> from types import SimpleNamespace
    >>> well = SimpleNamespace(value=lambda x: (x[0]**2 - 1)**2/4, gradient=lambda x: x**3 - x,
    ...                        hessian=lambda x: (3*x**2 - 1)[None])
    >>> landscape = find_landscape(well, *sample_box([-2.0], [2.0]))
    >>> [round(minimum.position[0], 12) for minimum in landscape.minima], landscape.barriers[1]
    ([-1.0, 1.0], 0.25)
    """
    counted = Counted(function, Count(EVALUATIONS), "the search for minima and saddles", REMEDY)
    return _search(counted, points, edges, inside, periods, hold)


def _search(
    function: Function,
    points: Floats,
    edges: Integers,
    inside: Inside | None,
    periods: Sequence[float | None] | None,
    hold: Hold | None = None,
) -> Landscape:
    points = np.asarray(points, dtype=float)
    edges = np.asarray(edges, dtype=np.int64)
    with np.errstate(all="ignore"):
        values = np.asarray(function.value(points.T), dtype=float)
    finite = np.isfinite(values)
    if not finite.all():
        number = np.cumsum(finite) - 1
        edges = number[edges[finite[edges].all(axis=1)]]
        points, values = points[finite], values[finite]
    frame = _frame(points, inside, periods)
    if not frame.box:
        frame = replace(frame, hold=hold)
    units = units_of(frame)
    if units is not None:
        scaled, around = InUnits(function, units), frame_in(frame, units).periods
        beyond = None if inside is None else lambda z: inside(z * units[:, None])
        return landscape_in(_search(scaled, points / units, edges, beyond, around), units, frame)
    graph = SampleGraph(points, edges, values, frame)
    contains = (lambda x: np.ones(x.shape[1], dtype=bool)) if inside is None else inside
    if len(graph.bottoms) > MOST_WELLS:
        graph = graph.with_deepest(KEPT_WELLS)
    found = _newton_points(function, graph, contains)
    if len(found) > MOST_POINTS:
        found = _beside_the_deepest(found, graph)
    minima = [point for point in found if point.kind == "minimum"]
    if not frame.box:
        minima += wall_minima(function, graph, contains, minima)
    smooth = [point for point in found if isinstance(point, Saddle)]
    minima += unpolished_minima(function, graph, contains, minima, smooth)
    captures = capture_of(function, minima, frame, smooth)
    ends = _basin_labels(function, graph, captures, minima)
    saddles = _joined(function, smooth, captures, graph, ends)
    rough = _missing_passes(function, graph, ends, minima, saddles)
    saddles += [_on_wall(function, saddle, graph, contains) for saddle in rough]
    return assemble_landscape(minima, saddles, frame)


def _beside_the_deepest(found: list[CriticalPoint], graph: SampleGraph) -> list[CriticalPoint]:
    """The minima beside bottoms of the graph and the saddles beside its passes: others are ripples of a plateau."""
    from scipy.spatial import cKDTree

    passes = [vertex for _height, _first, _second, vertex in graph.passes(graph.basins)]
    kept = []
    for kind, vertices in (("minimum", graph.bottoms), ("saddle", np.array(passes, dtype=np.int64))):
        some = [point for point in found if point.kind == kind]
        if some and len(vertices):
            distance, nearest = cKDTree(graph.points[vertices]).query(np.array([point.position for point in some]))
            near = distance <= BESIDE * graph.widths[vertices[nearest]]
            kept += [point for point, beside in zip(some, near, strict=True) if beside]
    return kept


def _frame(points: Floats, inside: Inside | None, periods: Sequence[float | None] | None) -> Frame:
    """The bounding box of the samples; the domain fills it if a lattice on the box, corners and all, is inside."""
    lower, upper = points.min(axis=0), points.max(axis=0)
    around: tuple[float | None, ...] = tuple(periods) if periods is not None else (None,) * len(lower)
    top = [float(high if p is None else low + p) for low, high, p in zip(lower, upper, around, strict=True)]
    frame = Frame(tuple(float(low) for low in lower), tuple(top), around)
    if inside is None or len(lower) == 1:
        return frame
    lattice = np.meshgrid(*[np.linspace(low, high, 9) for low, high in zip(lower, top, strict=True)])
    x = frame.pulled_in(np.stack([axis.ravel() for axis in lattice]))
    return frame if np.all(inside(x)) else replace(frame, box=False)


def _newton_points(function: Function, graph: SampleGraph, contains: Inside) -> list[CriticalPoint]:
    """Polished critical points of index 0 and 1, in the interior and on each wall of a box."""
    frame = graph.frame
    chosen = [
        (vertices, np.broadcast_to(sign[:, None], (len(sign), len(vertices))))
        for vertices, sign in _near_critical(function, graph)
    ]
    if not chosen:
        return []
    vertices = np.concatenate([some for some, _ in chosen])
    sign = np.concatenate([signs for _, signs in chosen], axis=1)
    group = np.repeat(np.arange(len(chosen)), [len(some) for some, _ in chosen])
    x, free, width = graph.points[vertices].T, sign == 0.0, graph.widths[vertices]
    x, settled = polish(function, Guesses(x, free, width), frame)
    x = np.where(free, frame.wrapped(x), x)
    with np.errstate(all="ignore"):
        kept = settled & frame.holds(x) & np.isfinite(function.value(x))
        kept[kept] &= np.asarray(contains(frame.pulled_in(x[:, kept])), dtype=bool)
        # A wall must hold a point back: the function falls towards the outside, by more than rounding.
        slope = function.gradient(x) * sign
        strength = np.abs(function.hessian(x)).max(axis=(0, 1)) * width
        kept &= np.all((slope < -1e-7 * strength) | free, axis=0)
    x, free, width, group = x[:, kept], free[:, kept], width[kept], group[kept]
    if x.shape[1] == 0:
        return []
    kinds = classify(function, x, free, width)
    outward, values = frame.walls_met(x), function.value(x)
    found = []
    for held in np.unique(group):
        members = np.flatnonzero(group == held)
        distinct = _distinct(
            values[members], x[:, members], kinds.index[members], kinds.degenerate[members], width[members], frame
        )
        chosen_here = members[distinct]
        of_interest = chosen_here[np.isin(kinds.index[chosen_here], (0, 1))]
        found += describe(function, x, free, kinds, of_interest, outward)
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
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    count = x.shape[1]
    box = [0.0 if period is None else period for period in frame.periods]
    shifted = frame.wrapped(x) - np.array(frame.lower)[:, None]
    for axis, period in enumerate(frame.periods):
        if period is not None:
            shifted[axis] = np.where(shifted[axis] >= period, 0.0, shifted[axis])
    tree = cKDTree(shifted.T, boxsize=box if any(frame.periods) else None)
    reach = 2.5 * float(width.max()) if degenerate.any() else 1e-3 * float(width.max())
    pairs = tree.query_pairs(reach, output_type="ndarray")
    if len(pairs):
        first, second = pairs.T
        distance = np.linalg.norm(frame.difference(x[:, first], x[:, second]), axis=0)
        local = np.minimum(width[first], width[second])
        spread = 1e-12 * np.abs(values).max() + 1e-9 * (values.max() - values.min())
        family = degenerate[first] & degenerate[second] & (distance <= 2.5 * local)
        family &= np.abs(values[first] - values[second]) <= spread
        same = (distance <= 1e-3 * local) | family
        pairs = pairs[same & ((index[first] == index[second]) | (distance <= 1e-3 * local))]
    joined = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    clusters = connected_components(joined, directed=False)[1]
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


def _basin_labels(
    function: Function, graph: SampleGraph, captures: Sequence[Capture], minima: list[CriticalPoint]
) -> Integers:
    """The number of the minimum for every vertex of the graph, by the graph's own basins."""
    frame = graph.frame
    flat = FLAT * float(np.median(graph.values) - graph.values.min()) / frame.extent
    flow = descend(function, graph.points[graph.bottoms].T, captures, frame, FlowSettings(1e-5, least_slope=flat))
    labels = flow.labels
    for k in np.flatnonzero(labels < 0):
        labels[k] = nearest_level(function, flow.ends[:, k], minima, frame)
    table = np.full(int(graph.plateaus.max()) + 1, -1, dtype=np.int64)
    table[graph.plateaus[graph.bottoms]] = labels
    return table[graph.basins]


def nearest_level(function: Function, x: Floats, minima: Sequence[CriticalPoint], frame: Frame) -> int:
    """Where the flow stalled: the degenerate minimum at the same height, or else the nearest minimum."""
    height = float(function.value(x[:, None])[0])
    distance = [float(np.linalg.norm(frame.difference(minimum.x, x))) for minimum in minima]
    scale = max(abs(minimum.value) for minimum in minima) + 1e-300
    flat = [k for k, minimum in enumerate(minima) if minimum.degenerate and abs(minimum.value - height) <= 1e-6 * scale]
    return min(flat or range(len(minima)), key=lambda k: distance[k])


def _joined(
    function: Function, saddles: list[Saddle], captures: Sequence[Capture], graph: SampleGraph, labels: Integers
) -> list[Saddle]:
    """The saddles with the minima that the flow reaches on their two sides: all sides are followed at once."""
    if not saddles:
        return []
    frame = graph.frame
    place = np.array([saddle.position for saddle in saddles]).T
    offset = np.array([saddle.unstable_direction for saddle in saddles]).T
    offset = 0.02 * graph.widths[_nearest(graph, place)] * offset
    start = np.concatenate([place - offset, place + offset], axis=1)
    flow = descend(function, start, captures, frame, FlowSettings(1e-5))
    lost = np.flatnonzero(flow.labels < 0)
    sides = flow.labels
    if len(lost):
        sides[lost] = labels[_nearest(graph, flow.ends[:, lost])]
    pairs = sides.reshape(2, -1).T
    return [
        replace(saddle, joins=(int(first), int(second)))
        for saddle, (first, second) in zip(saddles, pairs, strict=True)
        if first >= 0 and second >= 0
    ]


def _nearest(graph: SampleGraph, x: Floats) -> Integers:
    """The vertex of the graph nearest to each of the points (dim, n), (n,)."""
    frame = graph.frame
    return np.array(
        [np.argmin(np.linalg.norm(frame.difference(graph.points.T, one[:, None]), axis=0)) for one in x.T],
        dtype=np.int64,
    )


def _on_wall(function: Function, rough: Saddle, graph: SampleGraph, contains: Inside) -> Saddle:
    """A saddle of the graph moved to where a curved wall holds one, if it does."""
    if graph.frame.box or len(graph.frame.lower) != 2:
        return rough
    width = float(graph.widths[_nearest(graph, rough.x[:, None])[0]])
    with np.errstate(all="ignore"):
        gradient = function.gradient(rough.x[:, None])[:, 0]
    steep = float(np.linalg.norm(gradient))
    if not steep > 0.0 or contains((rough.x - 2.0 * width * gradient / steep)[:, None])[0]:
        return rough
    return wall_saddle(function, contains, rough, width) or rough


def _missing_passes(
    function: Function, graph: SampleGraph, labels: Integers, minima: list[CriticalPoint], saddles: list[Saddle]
) -> list[Saddle]:
    """Passes of the graph between wells that no saddle connects, as degenerate saddles: on crests, say."""
    parent = list(range(len(minima)))

    def root(well: int) -> int:
        while parent[well] != well:
            well = parent[well]
        return well

    for saddle in saddles:
        parent[root(saddle.joins[0])] = root(saddle.joins[1])
    extra = []
    for height, first, second, vertex in graph.passes(labels) if len(minima) > 1 else []:
        if root(first) == root(second):
            continue
        parent[root(first)] = root(second)
        x = graph.points[vertex]
        hessian = np.nan_to_num(function.hessian(x[:, None])[:, :, 0])
        way = graph.frame.difference(minima[second].x, minima[first].x)
        extra.append(
            Saddle(
                position=tuple(float(entry) for entry in x),
                value=height,
                hessian=tuple(tuple(float(entry) for entry in row) for row in hessian),
                hessian_eigenvalues=tuple(float(entry) for entry in np.linalg.eigvalsh(hessian)),
                kind="saddle",
                degenerate=True,
                joins=(first, second),
                unstable_direction=tuple(float(entry) for entry in way / (np.linalg.norm(way) + 1e-300)),
            )
        )
    return extra


__all__ = ["find_landscape", "sample_box"]
