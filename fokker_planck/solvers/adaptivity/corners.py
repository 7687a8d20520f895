"""How slowly an error can fall with the degree: the exponents of functions at corners and where an absorbing part ends.

With the angle omega between two walls, measured in the metric of D^-1, a function behaves like r^alpha,

    alpha = pi / omega          both walls reflect, or both absorb,
    alpha = pi / (2 omega)      one reflects, the other absorbs

(Grisvard 1985), in space along an edge.  Numbers that are energies then have errors like h^(2 alpha) p^(-4 alpha)
(Babuska and Suri 1987): of that of degree p the difference to degree p + k is the part 1 - (p/(p + k))^(4 alpha).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from mpi4py import MPI

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.triangulations.curving import DEGREE
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation, diameters, row_numbers
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.adaptivity.material_corners import Medium, Sector, Tensor, log_flux, material_exponent

SMOOTH = 0.97
"""An exponent from which on nothing is singular: smooth walls have 1, which a curved mesh shows to a percent."""
MARGIN = 1.5
"""On the power law: in the L of two rooms the errors are 1.07, 1.065, 1.05 times what it says for degrees 3, 6, 8,
at all tolerances."""
BESIDE = 1e-6
"""How far into a cell D is looked at, in lengths of the cell: it may jump at the corner."""
APART = 1e-12
"""Of the extent of the mesh: so far from a surface D is looked at, also in cells that are not much larger."""
ON_SURFACE = 1e-9
"""Of the extent of the mesh: so far from a surface of jump its vertices lie."""
LEAST = 1e-10
"""Of the trace of D: so much noise it has in every direction when angles are measured, also where it vanishes."""
MOST_HALVINGS = 20
"""At once: beyond that the error is asked again, and cells of 1e-6 of those before keep their digits."""

SMALLEST = 1e-12
"""Of the extent of the mesh: the coordinates of a cell of this size keep four digits of its shape."""


def corner_safety(degree: int, higher: int, exponent: float) -> float:
    """By what to multiply the difference of degrees p and p + k at a corner with the given exponent, with a margin.

    >>> round(corner_safety(6, 1, 2.0 / 3.0), 2), round(corner_safety(6, 2, 2.0 / 3.0), 2)
    (4.45, 2.8)
    """
    return float(MARGIN / (1.0 - (degree / (degree + higher)) ** (4.0 * exponent)))


@dataclass(frozen=True)
class Corners:
    """Vertex classes (k, 1), in space those of edges (k, 2), at which a function is singular, with alpha (k,)."""

    classes: Integers
    exponents: Floats

    @property
    def slowest(self) -> float:
        """The least alpha, infinity where there is none."""
        return float(np.min(self.exponents, initial=np.inf))


def singular_corners(discretization: Discretization, absorbed: Booleans, medium: Medium) -> Corners:
    """Corners (in space, edges) of what no set absorbs at which alpha is below one, and where surfaces of jump meet.

    Parameters
    ----------
    discretization
        the mesh and its unknowns.
    absorbed
        unknowns at which the process is stopped, (N,).
    medium
        D, and the surfaces on which it or the density jumps.
    """
    mesh, dimension = discretization.triangulation, discretization.triangulation.dimension
    if dimension == 1:
        return Corners(np.zeros((0, 1), dtype=np.int64), np.zeros(0))
    vertices, stopped, inside = _cells(discretization, absorbed)
    free = np.flatnonzero(~inside)
    classes = mesh.vertex_class[vertices[free]]
    locals_ = list(combinations(range(dimension + 1), dimension - 1))
    corners = np.stack([classes[:, list(c)] for c in locals_], axis=1)
    facets, kinds = _walls(discretization, classes, stopped[free])
    if not len(facets) and not medium.interfaces:  # periodic all around, and nothing absorbs
        return Corners(np.zeros((0, dimension - 1), dtype=np.int64), np.zeros(0))
    around = np.stack([facets[:, list(c)] for c in combinations(range(dimension), dimension - 1)], axis=1)
    position = _positions(discretization)
    rows = np.concatenate([corners.reshape(-1, dimension - 1), around.reshape(-1, dimension - 1)])
    number = row_numbers(np.sort(rows, axis=1))
    own, around = number[: corners[..., 0].size].reshape(corners.shape[:2]), number[corners[..., 0].size :]
    seen = np.zeros((3, int(number.max()) + 1), dtype=bool)
    for kind, chosen in zip(seen, kinds, strict=True):
        kind[around.reshape(len(facets), -1)[chosen]] = True
    absorbing, reflecting, cut = seen
    real = (absorbing | reflecting) & ~cut
    angle = _angle_sums(discretization, position[free], own, real, locals_, medium.tensor)
    known = real & (angle > 0.0)
    alpha = np.full(len(real), np.inf)
    alpha[known] = np.where(absorbing & reflecting, 0.5, 1.0)[known] * np.pi / angle[known]
    if medium.interfaces:
        meeting = _meetings(mesh, rows, number, medium, real) & ~cut
        sectors = _sectors(discretization, position[free], classes, own, meeting, locals_, medium)
        walls = {tuple(sorted(f)): bool(a) for f, a in zip(facets.tolist(), kinds[0], strict=True)}
        for corner, parts in sectors.items():
            alpha[corner] = _around(parts, walls)
    singular = alpha < SMOOTH
    first = np.zeros(len(real), dtype=np.int64)
    first[number] = np.arange(len(number))
    return Corners(rows[first[singular]], alpha[singular])


def exponents_of_cells(discretization: Discretization, corners: Corners) -> Floats:
    """The least alpha of the corners (in space, edges) of every cell of this rank, infinity where there is none."""
    mesh, result = discretization.triangulation, np.full(len(discretization.cells), np.inf)
    classes = mesh.vertex_class[discretization.vertices]
    for alpha, wanted in zip(corners.exponents, corners.classes, strict=True):
        meets = np.logical_and.reduce([(classes == one).any(axis=1) for one in wanted])
        result[meets] = np.minimum(result[meets], alpha)
    return result


def graded(triangulation: Triangulation, corners: Corners, share: float) -> Triangulation:
    """In the plane, cells at every corner halved until r^(2 alpha) is ``share`` of what it was, by geometric steps."""
    if triangulation.dimension != 2 or not len(corners.exponents):
        return triangulation
    wanted = np.full(int(triangulation.vertex_class.max()) + 1, np.inf)
    size = diameters(triangulation)
    at = triangulation.vertex_class[triangulation.cells]
    largest = np.zeros(len(wanted))
    np.maximum.at(largest, at.ravel(), np.repeat(size, at.shape[1]))
    classes = corners.classes[:, 0]
    halvings = np.minimum(np.log2(1.0 / share) / (2.0 * corners.exponents), MOST_HALVINGS)
    least = SMALLEST * float(np.ptp(triangulation.points, axis=0).max())
    wanted[classes] = np.maximum(largest[classes] * 2.0**-halvings, least)
    while True:
        at = triangulation.vertex_class[triangulation.cells]
        known = np.where(at < len(wanted), wanted[np.minimum(at, len(wanted) - 1)], np.inf).min(axis=1)
        marked = diameters(triangulation) > 1.01 * known
        if not marked.any():
            return triangulation
        triangulation = refine(triangulation, marked)


def _cells(discretization: Discretization, absorbed: Booleans) -> tuple[Integers, Booleans, Booleans]:
    """Of all cells, on all ranks: vertices, whether the facet opposite to each is absorbed, and the whole cell."""
    mesh, dimension = discretization.triangulation, discretization.triangulation.dimension
    nodes = _dolfinx.lagrange_nodes(dimension, discretization.degree)
    weights = np.concatenate([1.0 - nodes.sum(axis=1, keepdims=True), nodes], axis=1)
    gone = absorbed[discretization.dofs]
    stopped = np.stack([gone[:, weights[:, k] < 1e-12].all(axis=1) for k in range(dimension + 1)], axis=1)
    found = np.full((len(mesh.cells), 2 * dimension + 3), -1, dtype=np.int64)
    found[discretization.cells] = np.concatenate([discretization.vertices, stopped, gone.all(axis=1)[:, None]], axis=1)
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, found, op=MPI.MAX)
    return found[:, : dimension + 1], found[:, dimension + 1 : -1] > 0, found[:, -1] > 0


def _walls(
    discretization: Discretization, classes: Integers, stopped: Booleans
) -> tuple[Integers, tuple[Booleans, Booleans, Booleans]]:
    """Facets (k, dim) that end what is free, by vertex class: absorbing ones, reflecting ones, those of a mere cut."""
    mesh, dimension = discretization.triangulation, discretization.triangulation.dimension
    every = np.concatenate([np.delete(classes, k, axis=1) for k in range(dimension + 1)])
    given = mesh.vertex_class[mesh.facets.vertices[mesh.facets.boundary]]
    number = row_numbers(np.sort(np.concatenate([every, given]), axis=1))
    own, boundary = number[: len(every)], number[len(every) :]
    once = np.bincount(own, minlength=int(number.max()) + 1)[own] == 1
    absorbing = stopped.T.ravel()
    chosen = once | absorbing
    reflecting = np.isin(own, boundary) & ~absorbing
    return every[chosen], (absorbing[chosen], reflecting[chosen], (~absorbing & ~reflecting)[chosen])


def _angle_sums(
    discretization: Discretization,
    place: Integers,
    own: Integers,
    real: Booleans,
    locals_: Sequence[tuple[int, ...]],
    tensor: Tensor,
) -> Floats:
    """The angle that free cells, at ``place`` on this rank, fill at each ``real`` corner (edge), by the metric D^-1."""
    result = np.zeros(len(real))
    for column, local in enumerate(locals_):
        mine = np.flatnonzero(real[own[:, column]] & (place >= 0))
        if len(mine):
            angles, _, _ = _opened(discretization, place[mine], local, tensor)
            np.add.at(result, own[mine, column], angles)
    if discretization.comm.size > 1:
        discretization.comm.Allreduce(MPI.IN_PLACE, result, op=MPI.SUM)
    return result


def _positions(discretization: Discretization) -> Integers:
    """Where every cell of the mesh stands among those of this rank; -1 for those of others."""
    position = np.full(len(discretization.triangulation.cells), -1)
    position[discretization.cells] = np.arange(len(discretization.cells))
    return position


def _meetings(mesh: Triangulation, rows: Integers, number: Integers, medium: Medium, real: Booleans) -> Booleans:
    """Which corners (edges) lie on two surfaces of jump at once, or on one and a wall."""
    extent = float(np.ptp(mesh.points, axis=0).max())
    count = np.zeros(len(real), dtype=np.int64)
    for surface in medium.interfaces.surfaces:
        slope = np.maximum(np.linalg.norm(surface.gradient(mesh.points.T), axis=0), 1e-300)
        near = np.abs(surface.level(mesh.points.T)) <= ON_SURFACE * extent * slope
        on = np.zeros(int(mesh.vertex_class.max()) + 1, dtype=bool)
        on[mesh.vertex_class[near]] = True
        both = np.zeros(len(real), dtype=bool)
        both[number] = on[rows].all(axis=1)
        count += both
    return np.asarray((count > 1) | ((count > 0) & real))


Part = tuple[tuple[int, ...], tuple[int, ...], Sector]


def _sectors(
    discretization: Discretization,
    place: Integers,
    classes: Integers,
    own: Integers,
    chosen: Booleans,
    locals_: Sequence[tuple[int, ...]],
    medium: Medium,
) -> dict[int, list[Part]]:
    """By chosen corner (edge) the facets, as sorted classes, between which each cell lies there, and its sector."""
    dimension, found = discretization.triangulation.dimension, []
    for column, local in enumerate(locals_):
        mine = np.flatnonzero(chosen[own[:, column]] & (place >= 0))
        if not len(mine):
            continue
        angles, lengths, points = _opened(discretization, place[mine], local, medium.tensor)
        weights = medium.log_weight(points) if medium.log_weight is not None else np.zeros(len(mine))
        fluxes = log_flux(np.moveaxis(medium.tensor(points), -1, 0), weights)
        others = [k for k in range(dimension + 1) if k not in local]
        for k, cell in enumerate(mine):
            first, last = (tuple(sorted(np.delete(classes[cell], other).tolist())) for other in others[::-1])
            sector = Sector(float(angles[k]), float(lengths[0, k]), float(lengths[1, k]), float(fluxes[k]))
            found.append((int(own[cell, column]), (first, last, sector)))
    result: dict[int, list[Part]] = {}
    for part in discretization.comm.allgather(found):
        for corner, one in part:
            result.setdefault(corner, []).append(one)
    return result


def _around(parts: Sequence[Part], walls: dict[tuple[int, ...], bool]) -> float:
    """The least alpha of the chains of sectors around a corner, each from wall to wall or closed."""
    left, alphas = list(parts), []
    while left:
        chain, ends = [left.pop()], []
        for back in (True, False):
            while True:
                ray = chain[0][0] if back else chain[-1][1]
                if ray in walls:
                    ends.append(walls[ray])
                    break
                next_ = next((k for k, part in enumerate(left) if ray in part[:2]), None)
                if next_ is None:
                    break
                first, last, sector = left.pop(next_)
                if (last if back else first) != ray:
                    first, last = last, first
                    sector = Sector(sector.angle, sector.last, sector.first, sector.log_flux)
                chain = [(first, last, sector), *chain] if back else [*chain, (first, last, sector)]
        closed = chain[0][0] == chain[-1][1] and not ends
        if closed or len(ends) == 2:
            sectors = [sector for _, _, sector in chain]
            alphas.append(material_exponent(sectors, None if closed else (ends[0], ends[1])))
    return min(alphas, default=float("inf"))


def _opened(
    discretization: Discretization, cells: Integers, local: tuple[int, ...], tensor: Tensor
) -> tuple[Floats, Floats, Floats]:
    """Of each of the ``cells`` of this rank at its ``local`` vertex, or in space at its local edge, by the metric D^-1.

    The angle (n,), the lengths of unit vectors along both rays (2, n), and the points (dim, n) where D was looked at.
    """
    dimension = discretization.triangulation.dimension
    reference = np.concatenate([np.zeros((1, dimension)), np.eye(dimension)])
    place = reference[list(local)].mean(axis=0)
    others = [k for k in range(dimension + 1) if k not in local]
    corners = discretization.corners[cells]
    jacobian = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    curved = discretization.curved
    bent = np.flatnonzero(np.isin(cells, curved.cells))
    if len(bent):
        slopes = _dolfinx.tabulate_lagrange(dimension, DEGREE, place[None], 1)[1:, 0]
        nodes = curved.nodes[np.searchsorted(curved.cells, cells[bent])]
        jacobian[bent] = np.einsum("ja,cad->cdj", slopes, nodes)
    middle = corners[:, list(local)].mean(axis=1)
    inwards = corners.mean(axis=1) - middle
    apart = APART * float(np.ptp(discretization.triangulation.points, axis=0).max())
    share = np.maximum(BESIDE, apart / np.linalg.norm(inwards, axis=1))
    points = middle + np.minimum(share, 1.0)[:, None] * inwards
    metric = np.moveaxis(tensor(points.T), -1, 0)
    least = LEAST * np.trace(metric, axis1=1, axis2=2)
    factor = np.linalg.cholesky(metric + least[:, None, None] * np.eye(dimension))
    straight, jacobian = jacobian, np.linalg.solve(factor, jacobian)
    first, second = (jacobian @ (reference[k] - place) for k in others)
    plain = [straight @ (reference[k] - place) for k in others]
    lengths = np.array(
        [np.linalg.norm(v, axis=1) / np.linalg.norm(u, axis=1) for u, v in zip(plain, (first, second), strict=True)]
    )
    if dimension == 3:
        along = jacobian @ (reference[local[1]] - reference[local[0]])
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        first, second = (v - (v * along).sum(axis=1, keepdims=True) * along for v in (first, second))
    cosine = (first * second).sum(axis=1) / (np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1))
    return np.arccos(np.clip(cosine, -1.0, 1.0)), lengths, points.T
