"""Inner vertices moved until no curved facet squeezes a cell: each to where the worst of its cells is better.

Facets stay where they are, and with them what curves a cell: x = x_straight + d with a displacement d that depends on
the vertices of its facets alone.  The Jacobian determinant of a moved cell is then det(E + dd) with E its edges, of
which many are computed at once.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.shapes.curved_quality import determinants, unevenness
from fokker_planck.fem.triangulations.curving import curved_cells
from fokker_planck.fem.triangulations.triangulation import Triangulation, local_edges
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass, replace

#: Steps that are tried, as part of the shortest edge at the vertex.
STEPS = (0.4, 0.2, 0.1, 0.04)
#: Step of the differences, as part of the same.
DIFFERENCE = 0.01
#: Weight of the worst cell in the soft minimum whose gradient is followed: with less a step helps cells that are good,
#: with more it forgets the second worst, which it makes worse.
SHARPNESS = 12.0
SWEEPS = 25
"""Over bad cells; each vertex is tried a few times, and the sweeps end when none is left to try."""
#: A cell with this volume, over the cube of its diameter, is as bad as one that is squeezed too much: a tenth of that
#: of a regular one.
WORST_SHAPE = 0.012
#: What is made better than asked for, so that checks by another rule find it good as well.
ROOM = 1.05
#: A cell that is turned over is worse than any that its facets fold: of those that were not, some vertices left a box.
TURNED = 100.0


@dataclass(frozen=True)
class Displacements:
    """What curves the cells: ``row`` (m,) of each cell in ``gradients`` (k, q, 3, 3), -1 where it is straight."""

    row: Integers
    gradients: Floats


def smoothed(mesh: Triangulation, least: float, degree: int, among: Booleans | None = None) -> Triangulation:
    """The mesh with its inner vertices moved so that in fewer cells the ratio of determinants is below ``least``.

    ``among`` (m,) are the cells for which that is done, all if not given.
    """
    free = np.bincount(mesh.vertex_class)[mesh.vertex_class] == 1
    free[mesh.facets.vertices.ravel()] = False
    bends = _displacements(mesh, degree)
    points = mesh.points.copy()
    score = _scores(points[mesh.cells], bends, bends.row, least)
    tried = np.zeros(len(points), dtype=int)
    for _ in range(SWEEPS):
        bad = np.flatnonzero(score < ROOM if among is None else (score < ROOM) & among)
        chosen = _chosen(mesh.cells, bad[np.argsort(score[bad], kind="stable")], free, tried)
        if not len(chosen):
            break
        tried[chosen] += 1
        star = np.flatnonzero(np.isin(mesh.cells, chosen).any(axis=1))
        owner = np.full(len(points), -1)
        owner[chosen] = np.arange(len(chosen))
        of_corners = owner[mesh.cells[star]]
        star_of, corner = of_corners.max(axis=1), of_corners.argmax(axis=1)
        moved = _moved(points, mesh.cells[star], bends, bends.row[star], star_of, corner, chosen, least)
        tried[chosen[(moved != points[chosen]).any(axis=1)]] = 0
        points[chosen] = moved
        score[star] = _scores(points[mesh.cells[star]], bends, bends.row[star], least)
    return replace(mesh, points=points)


def _displacements(mesh: Triangulation, degree: int) -> Displacements:
    nodes = _dolfinx.lagrange_nodes(mesh.dimension, degree)
    curved = curved_cells(mesh, mesh.cells, nodes)
    row = np.full(len(mesh.cells), -1)
    row[curved.cells] = np.arange(len(curved.cells))
    weights = np.concatenate([1.0 - nodes.sum(axis=1, keepdims=True), nodes], axis=1)
    off = curved.nodes - weights @ mesh.cell_points[curved.cells]
    gradients = _dolfinx.tabulate_lagrange(mesh.dimension, degree, nodes, 1)[1:]
    return Displacements(row, np.einsum("jna,cad->cndj", gradients, off))


def _scores(corners: Floats, bends: Displacements, row: Integers, least: float) -> Floats:
    """Least of evenness and shape of cells (m, 4, 3), in units of what is asked for."""
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    volume = determinants(edges)
    size = np.max([((corners[:, a] - corners[:, b]) ** 2).sum(axis=1) for a, b in local_edges(4)], axis=0)
    score = volume / (6.0 * WORST_SHAPE * size**1.5) - TURNED * (volume <= 0.0)
    bent = np.flatnonzero((row >= 0) & (volume > 0.0))
    if len(bent):
        curved = determinants(edges[bent, None] + bends.gradients[row[bent]])
        squeezed = np.maximum(unevenness(curved, volume[bent]) / least, -0.5 * TURNED)
        score[bent] = np.minimum(score[bent], squeezed)
    return np.asarray(score)


def _chosen(cells: Integers, bad: Integers, free: Booleans, tried: Integers) -> Integers:
    """Free vertices of the ``bad`` cells, the worst first, no two in one cell; none twice tried in vain."""
    wanted = np.zeros(len(free), dtype=bool)
    wanted[cells[bad].ravel()] = True
    wanted &= free & (tried < 2)
    near = cells[wanted[cells].any(axis=1)]
    around: dict[int, list[int]] = {}
    for number, corners in enumerate(near.tolist()):
        for vertex in corners:
            if wanted[vertex]:
                around.setdefault(vertex, []).append(number)
    taken = np.zeros(len(free), dtype=bool)
    chosen = []
    for vertex in cells[bad].ravel().tolist():
        if wanted[vertex] and not taken[vertex]:
            taken[near[around[vertex]]] = True
            chosen.append(vertex)
    return np.array(chosen, dtype=np.int64)


def _moved(
    points: Floats,
    cells: Integers,
    bends: Displacements,
    row: Integers,
    of: Integers,
    corner: Integers,
    chosen: Integers,
    least: float,
) -> Floats:
    """Where the chosen vertices go, (n, 3): along the gradient of a soft minimum of the scores of their ``cells``."""
    corners, count = points[cells], len(chosen)
    here = np.arange(len(cells))
    lengths = np.linalg.norm(corners - corners[here, corner][:, None], axis=2)
    lengths[here, corner] = np.inf
    size = np.full(count, np.inf)
    np.minimum.at(size, of, lengths.min(axis=1))

    def scores(shift: Floats) -> Floats:
        trial = corners.copy()
        trial[here, corner] += shift[of]
        return _scores(trial, bends, row, least)

    now = scores(np.zeros((count, 3)))
    best = _least_of(now, of, count)
    weights = np.exp(-SHARPNESS * np.minimum(now - best[of], 50.0))
    slope = np.zeros((count, 3))
    for axis in range(3):
        shift = np.zeros((count, 3))
        shift[:, axis] = DIFFERENCE * size
        change = scores(shift) - scores(-shift)
        slope[:, axis] = np.bincount(of, weights * change, count)
    norm = np.linalg.norm(slope, axis=1, keepdims=True)
    ways = [slope / np.where(norm > 0.0, norm, 1.0) * size[:, None]]
    middle = np.stack([np.bincount(of, corners[..., i].mean(axis=1), count) for i in range(3)], axis=1)
    ways.append(middle / np.bincount(of, minlength=count)[:, None] - points[chosen])
    goal = np.zeros((count, 3))
    for way in ways:
        for step in STEPS:
            trial = _least_of(scores(step * way), of, count)
            better = trial > best + 1e-3
            goal[better], best[better] = step * way[better], trial[better]
    return np.asarray(points[chosen] + goal)


def _least_of(values: Floats, of: Integers, count: int) -> Floats:
    least = np.full(count, np.inf)
    np.minimum.at(least, of, values)
    return least
