"""Conforming refinement by edge bisection, in any dimension.

Every marked edge is cut once.  A cell with several marked edges is bisected at the longest of them first, its
children at the next, and so on; since "longest" is one total order over all edges, two cells cut their common face
alike, so that the result conforms whatever is marked.  Marking the longest edge of each touched cell and face as
well (Rivara 1984; Plaza and Carey 2000) keeps the angles bounded.  "Longest" is meant in the stretched coordinates of
the triangulation: a triangle that is flat there is cut along its length until its parts are not.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from fokker_planck.fem.triangulations.crossings import curved_edges
from fokker_planck.fem.triangulations.triangulation import EdgeTable, Facets, Triangulation, edge_table, local_edges
from fokker_planck.formulas.arrays import Booleans, Floats, Integers


def refine(triangulation: Triangulation, marked: Booleans, *, all_edges: bool | Booleans = False) -> Triangulation:
    """Cut the longest edge (or all edges) of every marked cell, and what conformity and shape ask for besides.

    Arguments: ``marked`` (m,) cells to refine; ``all_edges`` of which of them, (m,), of all or of none.  One cut of the
    longest edge halves the volume of a cell.
    """
    classes = triangulation.vertex_class[triangulation.cells]
    table = edge_table(classes)
    order = _length_order(triangulation, table)
    marks = np.zeros(len(table.vertices), dtype=bool)
    marks[table.of_cells[marked & all_edges]] = True
    marks[_longest(table.of_cells[marked], order)] = True
    marks = _closed_under_longest_edge(marks, table, order)
    return _bisect(triangulation, table, marks, order)


def split_edges(triangulation: Triangulation, edges: Integers, positions: Floats) -> Triangulation:
    """Cut the given edges (k, 2) at ``positions`` (k, dim) instead of their midpoints.

    Used to fit a mesh to a surface; no shape closure.  Periodic images must be given along.
    """
    table = edge_table(triangulation.vertex_class[triangulation.cells])
    order = _length_order(triangulation, table)
    count = len(triangulation.points) + 1
    key = _pair_keys(table.vertices, count)
    wanted = _pair_keys(triangulation.vertex_class[edges], count)
    marks = np.isin(key, wanted)
    return _bisect(triangulation, table, marks, order, edges, positions)


def _pair_keys(pairs: Integers, count: int) -> Integers:
    first, second = pairs[..., 0], pairs[..., 1]
    return np.asarray(np.minimum(first, second) * count + np.maximum(first, second))


def _length_order(triangulation: Triangulation, table: EdgeTable) -> Integers:
    """Rank of every edge by length; ties, also those that rounding only just breaks, go by number.

    In a stretched mesh edges on curved surfaces are as long as the stretch can make them: a cell that lies flat along
    such a surface is folded over by the curve, and its vertices come to lie beyond it.
    """
    corners = triangulation.cell_points
    if triangulation.stretch is not None:
        corners = corners @ triangulation.stretch.T
    lengths = np.zeros(len(table.vertices))
    for local, (a, b) in enumerate(local_edges(corners.shape[1])):
        lengths[table.of_cells[:, local]] = np.linalg.norm(corners[:, a] - corners[:, b], axis=1)
    if triangulation.stretch is not None and triangulation.surfaces:
        on_surface = triangulation.facets.vertices[triangulation.facets.surface >= 0]
        pairs = [on_surface[:, [a, b]] for a, b in combinations(range(on_surface.shape[1]), 2)]
        edges, count = np.concatenate(pairs), len(triangulation.points) + 1
        keys, first = np.unique(_pair_keys(triangulation.vertex_class[edges], count), return_index=True)
        number = np.searchsorted(keys, table_keys := _pair_keys(table.vertices, count))
        found = np.append(keys, -1)[number] == table_keys
        ends = triangulation.points[edges[first[number[found]]]]
        longest = np.linalg.norm(triangulation.stretch, 2)
        lengths[found] = longest * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    levels = np.round(np.log(lengths) * 1e8)
    rank = np.empty(len(lengths), dtype=np.int64)
    rank[np.argsort(levels, kind="stable")] = np.arange(len(lengths))
    return rank


def _longest(edges_of_cells: Integers, order: Integers) -> Integers:
    return np.take_along_axis(edges_of_cells, np.argmax(order[edges_of_cells], axis=1)[:, None], axis=1)[:, 0]


def _closed_under_longest_edge(marks: Booleans, table: EdgeTable, order: Integers) -> Booleans:
    """Mark the longest edge of every cell, and of every face, that has a marked edge."""
    size = {1: 2, 3: 3, 6: 4}[table.of_cells.shape[1]]
    groups = [table.of_cells]
    if size == 4:
        numbers = {pair: i for i, pair in enumerate(local_edges(size))}
        groups += [
            table.of_cells[:, [numbers[pair] for pair in combinations(face, 2)]] for face in combinations(range(4), 3)
        ]
    while True:
        before = np.count_nonzero(marks)
        for edges in groups:
            touched = marks[edges].any(axis=1)
            marks[_longest(edges[touched], order)] = True
        if np.count_nonzero(marks) == before:
            return marks


def _bisect(
    triangulation: Triangulation,
    table: EdgeTable,
    marks: Booleans,
    order: Integers,
    split: Integers | None = None,
    positions: Floats | None = None,
) -> Triangulation:
    points, vertex_class = triangulation.points, triangulation.vertex_class
    count = len(points)
    class_count = int(vertex_class.max()) + 1
    cut_edges, cut_numbers = _marked_edges(triangulation, table, marks, class_count)
    middles = 0.5 * (points[cut_edges[:, 0]] + points[cut_edges[:, 1]])
    cut_keys = _pair_keys(cut_edges, count)
    if split is not None and positions is not None:
        keys = _pair_keys(split, count)
        by_key = np.argsort(keys)
        place = np.searchsorted(keys[by_key], cut_keys)
        middles = positions[by_key[place]]
    else:
        middles = _onto_surfaces(triangulation, cut_keys, middles, count)
    new_class = class_count + np.unique(cut_numbers, return_inverse=True)[1].reshape(-1)
    cells, parents = _cut(triangulation.cells, cut_keys, order[cut_numbers], count)
    facets = triangulation.facets
    facet_vertices, facet_parents = facets.vertices, np.arange(len(facets))
    if triangulation.dimension > 1 and len(facets):
        facet_vertices, facet_parents = _cut(facets.vertices, cut_keys, order[cut_numbers], count)
    return Triangulation(
        points=np.concatenate([points, middles]),
        cells=cells,
        vertex_class=np.concatenate([vertex_class, new_class]),
        facets=Facets(facet_vertices, facets.surface[facet_parents], facets.boundary[facet_parents]),
        surfaces=triangulation.surfaces,
        regions={name: mask[parents] for name, mask in triangulation.regions.items()},
        stretch=triangulation.stretch,
        seams=triangulation.seams,
    )


def _marked_edges(
    triangulation: Triangulation, table: EdgeTable, marks: Booleans, class_count: int
) -> tuple[Integers, Integers]:
    """Ends of the edges to be cut, (k, 2), and their numbers in the table, which edges across a seam share."""
    vertex_class = triangulation.vertex_class
    if np.array_equal(vertex_class, np.arange(len(vertex_class))):
        numbers = np.flatnonzero(marks)
        return table.vertices[numbers], numbers
    geometric = edge_table(triangulation.cells)
    class_keys = _pair_keys(table.vertices, class_count)
    number_of = np.searchsorted(class_keys, _pair_keys(vertex_class[geometric.vertices], class_count))
    cut = marks[number_of]
    return geometric.vertices[cut], number_of[cut]


def _onto_surfaces(triangulation: Triangulation, cut_keys: Integers, middles: Floats, count: int) -> Floats:
    """Move the midpoint of an edge of a curved facet onto the facet's surface."""
    if triangulation.dimension == 1 or not triangulation.surfaces:
        return middles
    moved = middles.copy()
    for surface, edges in curved_edges(triangulation):
        on_surface = np.isin(cut_keys, _pair_keys(edges, count))
        if on_surface.any():
            if hasattr(surface, "follow"):
                ends = np.stack(np.divmod(cut_keys[on_surface], count), axis=1)
                moved[on_surface] = surface.follow(triangulation.points[ends], np.array([[0.5, 0.5]]))[:, 0]
            else:
                moved[on_surface] = surface.project(middles[on_surface].T).T
    return moved


def _cut(simplices: Integers, cut_keys: Integers, rank: Integers, count: int) -> tuple[Integers, Integers]:
    """Bisect every simplex at its cut edges, the highest rank first; returns the pieces and their parents."""
    pairs = local_edges(simplices.shape[1])
    done: list[Integers] = []
    done_parents: list[Integers] = []
    parents = np.arange(len(simplices))
    while len(simplices):
        keys = np.stack([_pair_keys(simplices[:, list(pair)], count) for pair in pairs], axis=1)
        place = np.minimum(np.searchsorted(cut_keys, keys), max(len(cut_keys) - 1, 0))
        found = cut_keys[place] == keys if len(cut_keys) else keys < 0
        if len(done):  # vertices that are new have no keys
            found &= (simplices[:, [a for a, _ in pairs]] < count) & (simplices[:, [b for _, b in pairs]] < count)
        ranks = np.where(found, rank[place], -1) if len(cut_keys) else np.full(keys.shape, -1)
        best = np.argmax(ranks, axis=1)
        rows = np.arange(len(simplices))
        whole = ranks[rows, best] < 0
        done.append(simplices[whole])
        done_parents.append(parents[whole])
        halves, halves_parents = simplices[~whole], parents[~whole]
        local = np.asarray(pairs)[best[~whole]]
        middle = count + place[~whole, best[~whole]]
        here = np.arange(len(halves))
        first, second = halves.copy(), halves.copy()
        first[here, local[:, 1]] = middle
        second[here, local[:, 0]] = middle
        simplices = np.concatenate([first, second])
        parents = np.concatenate([halves_parents, halves_parents])
    return np.concatenate(done), np.concatenate(done_parents)
