"""Find all minima and saddles of a function from its values on a mesh or grid, each polished by Newton's method.

The graph's own minima and passes supply what Newton's method misses, where the function is not smooth or is held by a
wall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function, Integers
from fokker_planck.formulas.counted import Count, Counted
from fokker_planck.landscape.box_units import InUnits, frame_in, landscape_in, units_of
from fokker_planck.landscape.finding.along_a_line import next_minima
from fokker_planck.landscape.finding.boundary_minima import wall_saddle
from fokker_planck.landscape.finding.newton_points import newton_points
from fokker_planck.landscape.finding.nonsmooth_minima import FLAT, Inside, down_to, unpolished_minima, wall_minima
from fokker_planck.landscape.finding.plateaus import one_on_each_plateau
from fokker_planck.landscape.finding.sample_graph import SampleGraph, sample_box
from fokker_planck.landscape.flow.captures import Capture, capture_of
from fokker_planck.landscape.flow.gradient_flow import FlowSettings, descend
from fokker_planck.landscape.flow.holds import Hold
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle, assemble_landscape

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

    Parameters
    ----------
    function
        f with ``value``, ``gradient``, ``hessian``.
    points
        vertices (n, dim), the domain's walls among them.
    edges
        pairs of neighbouring vertices (m, 2), around periodic axes too.
    inside
        which of the points (dim, n) are in the domain; the whole bounding box if not given.
    periods
        period of every axis, None where not periodic.
    hold
        moves points (dim, n) outside of the domain to the nearest point of its walls, where these are curved.

    Returns
    -------
    Landscape
        Minima and saddles in ascending value. A reflecting wall holds minima and passes of its own, flagged
        ``on_boundary``. Where more than two ways down meet, a saddle stands there once for each further well. A
        continuous family of minima (or of saddles) gives one, flagged ``degenerate``.

    Raises
    ------
    ConvergenceError
        Where ``EVALUATIONS`` do not suffice.

    Examples
    --------
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
    points, edges, values = _finite_part(function, points, edges)
    frame = _frame(points, inside, periods)
    if not frame.box:
        frame = replace(frame, hold=hold)
    units = units_of(frame)
    if units is not None:
        scaled, around = InUnits(function, units), frame_in(frame, units).periods
        beyond = None if inside is None else lambda z: inside(z * units[:, None])
        return landscape_in(_search(scaled, points / units, edges, beyond, around), units, frame)
    graph = SampleGraph(points, edges, values, frame)
    if len(graph.bottoms) > MOST_WELLS:
        graph = graph.with_deepest(KEPT_WELLS)
    return _on_graph(function, graph, inside or _everywhere)


def _finite_part(function: Function, points: Floats, edges: Integers) -> tuple[Floats, Integers, Floats]:
    """The vertices (n, dim) at which the function is finite, the edges between them (m, 2), and its values (n,)."""
    points, edges = np.asarray(points, dtype=float), np.asarray(edges, dtype=np.int64)
    with np.errstate(all="ignore"):
        values = np.asarray(function.value(points.T), dtype=float)
    finite = np.isfinite(values)
    if finite.all():
        return points, edges, values
    number = np.cumsum(finite) - 1
    return points[finite], number[edges[finite[edges].all(axis=1)]], values[finite]


def _everywhere(x: Floats) -> Booleans:
    return np.ones(x.shape[1], dtype=bool)


def _on_graph(function: Function, graph: SampleGraph, contains: Inside) -> Landscape:
    """Smooth critical points, minima that walls and crests hold, and between these the saddles."""
    frame = graph.frame
    polished = newton_points(function, graph, contains)
    found = polished.points
    if len(found) > MOST_POINTS:
        found = _beside_the_deepest(found, graph)
    minima = [point for point in found if point.kind == "minimum"]
    if not frame.box:
        minima += wall_minima(function, graph, contains, minima)
    smooth = [point for point in found if isinstance(point, Saddle)]
    minima += unpolished_minima(function, graph, contains, minima, smooth)
    minima = one_on_each_plateau(function, graph, minima)
    captures = capture_of(function, minima, frame, smooth)
    ends = _basin_labels(function, graph, captures, minima)
    saddles = _joined(function, smooth, minima, captures, graph, ends)
    rough = _missing_passes(function, graph, ends, minima, saddles)
    rough = [_where_ways_meet(saddle, polished.meeting, graph) for saddle in rough]
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


def _basin_labels(
    function: Function, graph: SampleGraph, captures: Sequence[Capture], minima: list[CriticalPoint]
) -> Integers:
    """The number of the minimum for every vertex of the graph, by the graph's own basins."""
    frame = graph.frame
    halves = [(len(graph.values) - 1) // 2, len(graph.values) // 2]
    median = np.partition(graph.values, halves)[halves].mean()  # numpy's own imports masked arrays, 7 ms
    flat = FLAT * float(median - graph.values.min()) / frame.extent
    flow = descend(function, graph.points[graph.bottoms].T, captures, frame, FlowSettings(1e-5, least_slope=flat))
    labels = flow.labels
    for k in np.flatnonzero(labels < 0):
        width = float(graph.widths[graph.bottoms[k]])
        labels[k] = down_to(function, flow.ends[:, k], width, minima, frame)
        if labels[k] < 0:
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
    function: Function,
    saddles: list[Saddle],
    minima: list[CriticalPoint],
    captures: Sequence[Capture],
    graph: SampleGraph,
    labels: Integers,
) -> list[Saddle]:
    """The saddles with the minima that the flow reaches on their two sides: all sides are followed at once."""
    if not saddles:
        return []
    frame = graph.frame
    if len(frame.lower) == 1 and (sides := next_minima(saddles, minima, frame)).min() >= 0:
        return [
            replace(saddle, joins=(int(behind), int(ahead)))
            for saddle, (behind, ahead) in zip(saddles, sides.T, strict=True)
        ]
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


def _where_ways_meet(rough: Saddle, meeting: list[Saddle], graph: SampleGraph) -> Saddle:
    """A saddle of the graph, or one beside it at which more than two wells meet: it is found once for each further."""
    width = float(graph.widths[_nearest(graph, rough.x[:, None])[0]])
    distances = [float(np.linalg.norm(graph.frame.difference(one.x, rough.x))) for one in meeting]
    if not distances or min(distances) > BESIDE * width:
        return rough
    return replace(meeting[int(np.argmin(distances))], joins=rough.joins, unstable_direction=rough.unstable_direction)


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
