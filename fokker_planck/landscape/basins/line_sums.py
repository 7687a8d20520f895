"""Masses of cells that one separatrix cuts: a bundle of lines from the corners in one basin to those in the other."""

from __future__ import annotations

from math import factorial

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.basins.lines import Lines
from fokker_planck.landscape.basins.log_quadrature import log_mean
from fokker_planck.landscape.basins.separatrix import Separatrices, crossings
from fokker_planck.landscape.basins.weighted_cells import WeightedCells
from fokker_planck.mesh.quadrature import simplex_rule
from fokker_planck.quantity.light_dataclasses import dataclass

LINES = {1: (1, 1), 2: (4, 6), 3: (3, 4)}
"""Gauss points on each edge from which lines start or at which they end, for the estimate and for the value."""
ALONG = (7, 10)
"""Gauss points along both parts of a line, for the estimate and for the value: Phi changes by up to 14 in a cell."""


@dataclass(frozen=True)
class CutParts:
    """Parts of cells, (m,), whose corners are in two basins.

    Parameters
    ----------
    number
        of their cells
    corners
        barycentric, (m, dim + 1, dim + 1)
    vertices, marks
        numbers of the corners, and of their basins, (m, dim + 1)
    resolution
        to which a crossing is wanted, as a part of its line
    """

    number: Integers
    corners: Floats
    vertices: Integers
    marks: Integers
    resolution: Floats

    def arranged(self, some: Integers, order: Integers) -> CutParts:
        """Some of them, their corners in another ``order`` (len(some), dim + 1)."""
        return CutParts(
            self.number[some],
            np.take_along_axis(self.corners[some], order[:, :, None], axis=1),
            np.take_along_axis(self.vertices[some], order, axis=1),
            np.take_along_axis(self.marks[some], order, axis=1),
            self.resolution[some],
        )


def cut_masses(
    parts: CutParts, cells: WeightedCells, between: Separatrices, n_wells: int
) -> tuple[Floats, Floats, list[Integers]]:
    """Masses (m, K) of parts by the fine and by the coarse rule, and faces, by vertices, that are not in one basin."""
    fine, coarse = (np.full((len(parts.number), n_wells), -np.inf) for _ in range(2))
    grazed: list[Integers] = []
    size = cells.dimension + 1
    first = parts.marks == parts.marks[:, :1]
    few = np.where((2 * first.sum(axis=1) <= size)[:, None], first, ~first)
    order = np.argsort(~few, axis=1, kind="stable")
    bundles: list[_Bundle] = []
    for count in range(1, size // 2 + 1):
        members = np.flatnonzero(few.sum(axis=1) == count)
        some = parts.arranged(members, order[members])
        rules = [(coarse, LINES[cells.dimension][0], ALONG[0]), (fine, LINES[cells.dimension][1], ALONG[1])]
        for result, ends, along in rules[cells.dimension == 1 :] if len(members) else ():
            bundles.append(_Bundle(result, members, some, count, *_bundle(size, count, ends), along))
    for bundle, root in zip(bundles, _roots(bundles, cells, between), strict=True):
        sums, bad = _line_sums(bundle, root, cells)
        bundle.result[bundle.members[:, None], bundle.parts.marks[:, [0, -1]]] = sums
        bundle.result[bundle.members[bad]] = np.nan
        grazed.append(bundle.parts.vertices[bad][:, bundle.count :])
        if bundle.count > 1:
            grazed.append(bundle.parts.vertices[bad][:, : bundle.count])
    if cells.dimension == 1:
        coarse = fine
    return fine, coarse, grazed


@dataclass(frozen=True)
class _Bundle:
    """Lines through parts of cells of which the first ``count`` corners are in one basin.

    Parameters
    ----------
    result
        where their sums go, the rows ``members``
    parts
        themselves, (m,)
    first, last, weight
        both ends of every line, by corners (lines, dim + 1), and its weight
    along
        points on either part of a line
    """

    result: Floats
    members: Integers
    parts: CutParts
    count: int
    first: Floats
    last: Floats
    weight: Floats
    along: int


def _roots(bundles: list[_Bundle], cells: WeightedCells, between: Separatrices) -> list[Floats]:
    """Where the lines of every bundle cross, (m, lines): asked all at once, since steps of few paths cost as many."""
    if not bundles:
        return []
    size = cells.dimension + 1
    begin = [(bundle.first @ bundle.parts.corners).reshape(-1, size) for bundle in bundles]
    end = [(bundle.last @ bundle.parts.corners).reshape(-1, size) for bundle in bundles]
    many = [len(bundle.weight) for bundle in bundles]
    of_each = list(zip([bundle.parts for bundle in bundles], many, strict=True))
    number = [np.repeat(parts.number, each) for parts, each in of_each]
    marks = [np.repeat(parts.marks[:, [0, -1]], each, axis=0) for parts, each in of_each]
    wanted = [np.repeat(parts.resolution, each) for parts, each in of_each]
    lines = Lines(cells, np.concatenate(number), np.concatenate(begin), np.concatenate(end))
    root = crossings(between, lines, np.concatenate(marks), np.concatenate(wanted))
    found = np.split(root, np.cumsum([len(part) for part in number])[:-1])
    return [part.reshape(-1, each) for part, each in zip(found, many, strict=True)]


def _line_sums(bundle: _Bundle, root: Floats, cells: WeightedCells) -> tuple[Floats, Booleans]:
    """Logarithms (m, 2) of the masses before and behind the crossings, and where some line has no single one (m,)."""
    size, dimension, parts, count = cells.dimension + 1, cells.dimension, bundle.parts, bundle.count
    begin, end = bundle.first @ parts.corners, bundle.last @ parts.corners
    bad = ~np.isfinite(root).all(axis=1)
    root = np.where(np.isfinite(root), root, 0.5)
    nodes, node_weight = np.polynomial.legendre.leggauss(bundle.along)
    nodes, node_weight = 0.5 * (1.0 + nodes), 0.5 * node_weight
    constant = factorial(dimension) / (factorial(count - 1) * factorial(dimension - count))
    with np.errstate(divide="ignore"):
        volume = np.log(np.abs(np.linalg.det(parts.corners)))
    sums = []
    for t, length in ((root[..., None] * nodes, root), (root[..., None] + (1.0 - root[..., None]) * nodes, 1.0 - root)):
        barycentric = begin[:, :, None] + t[..., None] * (end - begin)[:, :, None]
        density = constant * (1.0 - t) ** (count - 1) * t ** (dimension - count) * length[..., None]
        logs = cells.log_density(parts.number, barycentric.reshape(len(parts.number), -1, size))
        with np.errstate(divide="ignore"):
            logs = logs + np.log(density.reshape(logs.shape))
        sums.append(log_mean(logs, (bundle.weight[:, None] * node_weight).ravel()) + volume)
    return np.stack(sums, axis=1), bad


def _bundle(size: int, count: int, points: int) -> tuple[Floats, Floats, Floats]:
    """Both ends (lines, size) of every line between the first ``count`` corners and the others, and their weights."""
    start, start_weight = _face_rule(count, points)
    stop, stop_weight = _face_rule(size - count, points)
    pairs = [(i, j) for i in range(len(start)) for j in range(len(stop))]
    first, last = np.zeros((len(pairs), size)), np.zeros((len(pairs), size))
    first[:, :count] = start[[i for i, _ in pairs]]
    last[:, count:] = stop[[j for _, j in pairs]]
    return first, last, np.array([start_weight[i] * stop_weight[j] for i, j in pairs])


def _face_rule(corners: int, count: int) -> tuple[Floats, Floats]:
    """Barycentric points on a face with so many corners, and weights that sum to 1."""
    return simplex_rule(corners - 1, count) if corners > 1 else (np.ones((1, 1)), np.ones(1))
