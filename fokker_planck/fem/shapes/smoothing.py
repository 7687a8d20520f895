"""Inner vertices moved until no curved facet squeezes a cell: each where the worst of its cells is best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fokker_planck.fem.shapes.curved_quality import least_stretches
from fokker_planck.fem.triangulation import Booleans, Floats, Integers, Triangulation, diameters, volumes

#: Moves that are tried, as part of the height of the cell and of the way to the middle of the neighbours.
STEPS = (0.3, 0.12)
SWEEPS = 10
#: A cell with this volume, over the cube of its diameter, is as bad as one that is squeezed too much: a tenth of that
#: of a regular one.
WORST_SHAPE = 0.012


def smoothed(mesh: Triangulation, least: float, degree: int, held: Integers) -> Triangulation:
    """The mesh with vertices other than the ``held`` ones moved, so that fewer cells are squeezed below ``least``."""
    free = np.bincount(mesh.vertex_class)[mesh.vertex_class] == 1
    free[mesh.facets.vertices.ravel()] = False
    free[held] = False
    score = _scores(mesh, np.arange(len(mesh.cells)), least, degree)
    for _ in range(SWEEPS):
        bad = np.flatnonzero(score < 1.0)
        chosen, ways = _chosen(mesh, bad[np.argsort(score[bad], kind="stable")], free)
        if not len(chosen):
            break
        star = np.flatnonzero(np.isin(mesh.cells, chosen).any(axis=1))
        owner = np.full(len(mesh.points), -1)
        owner[chosen] = np.arange(len(chosen))
        of = owner[mesh.cells[star]].max(axis=1)
        best = _least_of(score[star], of, len(chosen))
        goal, improved = mesh.points[chosen].copy(), False
        for way in ways:
            for step in STEPS:
                points = mesh.points.copy()
                points[chosen] += step * way
                trial = _least_of(_scores(replace(mesh, points=points), star, least, degree), of, len(chosen))
                better = trial > best + 1e-3
                goal[better], best[better] = points[chosen][better], trial[better]
                improved |= bool(better.any())
        if not improved:
            break
        points = mesh.points.copy()
        points[chosen] = goal
        mesh = replace(mesh, points=points)
        score[star] = _scores(mesh, star, least, degree)
    return mesh


def _scores(mesh: Triangulation, rows: Integers, least: float, degree: int) -> Floats:
    """Least of stretch and shape of the cells, in units of what is asked for."""
    part = replace(mesh, cells=mesh.cells[rows])
    shape = volumes(part.points, part.cells) / diameters(part) ** mesh.dimension
    with np.errstate(all="ignore"):
        stretch = np.nan_to_num(least_stretches(part, degree), nan=-1.0)
    return np.asarray(np.minimum(stretch / least, shape / WORST_SHAPE))


def _chosen(mesh: Triangulation, cells: Integers, free: Booleans) -> tuple[Integers, Sequence[Floats]]:
    """Free vertices of the given cells, the worst first, no two in one cell; and two ways for each to go."""
    taken = np.zeros(len(mesh.points), dtype=bool)
    chosen, away = [], []
    around: dict[int, list[int]] = {}
    wanted = np.zeros(len(mesh.points), dtype=bool)
    wanted[mesh.cells[cells].ravel()] = True
    for cell in np.flatnonzero((wanted & free)[mesh.cells].any(axis=1)).tolist():
        for vertex in mesh.cells[cell].tolist():
            around.setdefault(vertex, []).append(cell)
    for cell in cells.tolist():
        corners = mesh.cells[cell]
        for vertex in corners[free[corners]].tolist():
            neighbours = np.unique(mesh.cells[around[vertex]])
            if taken[neighbours].any():
                continue
            taken[vertex] = True
            chosen.append(vertex)
            others = mesh.points[corners[corners != vertex]].mean(axis=0)
            away.append((mesh.points[vertex] - others, mesh.points[neighbours].mean(axis=0) - mesh.points[vertex]))
    dimension = mesh.dimension
    ways = np.array(away).reshape(len(chosen), 2, dimension)
    return np.array(chosen, dtype=np.int64), (ways[:, 0], ways[:, 1])


def _least_of(values: Floats, of: Integers, count: int) -> Floats:
    least = np.full(count, np.inf)
    np.minimum.at(least, of, values)
    return least
