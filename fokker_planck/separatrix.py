"""Where separatrices cross a mesh: its cells divided into simplices that each belong to one basin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fokker_planck.basin_map import BasinMap
from fokker_planck.landscape import Booleans, Floats, Integers

Label = Callable[[Floats], Integers]

SECTIONS = 32
MOST_SECTIONS = 11
SECANT_STEPS = 9


def with_margin(label: Label, points: Floats) -> tuple[Integers, Floats]:
    """Labels of points (n, dim), and margins: NaN where the map has none."""
    if isinstance(label, BasinMap):
        return label.with_margin(points.T)
    return np.asarray(label(points.T), dtype=np.int64), np.full(len(points), np.nan)


def labelled(points: Floats, cells: Integers, label: Label) -> tuple[Integers, Floats]:
    """Labels and margins of all vertices; a rough flow will do away from the separatrix."""
    if not isinstance(label, BasinMap):
        return with_margin(label, points)
    labels, margins = label.roughly(points.T), np.full(len(points), np.nan)
    exact = np.zeros(len(points), dtype=bool)
    while True:
        wanted = np.zeros(len(points), dtype=bool)
        wanted[cells[near_separatrix(cells, labels)]] = True
        wanted &= ~exact
        if not wanted.any():
            return labels, margins
        labels[wanted], margins[wanted] = label.with_margin(points[wanted].T)
        exact |= wanted


def near_separatrix(cells: Integers, labels: Integers) -> Booleans:
    """Cells with corners in two basins, and those that touch one of these: a separatrix may graze them."""
    marks = labels[cells]
    mixed = np.any(marks != marks[:, :1], axis=1)
    touched = np.zeros(len(labels), dtype=bool)
    touched[cells[mixed]] = True
    near: Booleans = touched[cells].any(axis=1)
    return near


@dataclass(frozen=True)
class Pieces:
    """Simplices that each belong to one basin.

    corners : (k, dim + 1, dim)
    owner : the basin of each (k,)
    cell : the number of the cell it is part of (k,)
    """

    corners: Floats
    owner: Integers
    cell: Integers


@dataclass(frozen=True)
class Division:
    """Cells divided among basins.

    ``plain`` cells lie in one basin, ``straight`` pieces are cut by flat interfaces.  In the plane ``bent`` are the
    same cells cut along two chords each, which leaves a quarter of the error; elsewhere they are the straight ones.
    ``crowded`` are the numbers of the cells with corners in three basins, which are shared out blindly.
    """

    plain: Pieces
    straight: Pieces
    bent: Pieces
    crowded: Integers


def cut(
    points: Floats, cells: Integers, labels: Integers, margins: Floats, label: Label, resolution: Floats
) -> Division:
    """Divide cells where their edges cross from basin to basin.

    ``resolution`` (m,) is the fraction of an edge to which its crossing is wanted.
    """
    dimension = points.shape[1]
    marks = labels[cells]
    # The number of basins in a cell: cells of three basins are shared out among their corners.
    ordered = np.sort(marks, axis=1)
    distinct = 1 + np.sum(ordered[:, 1:] != ordered[:, :-1], axis=1)
    one, two, more = (np.flatnonzero(which) for which in (distinct == 1, distinct == 2, distinct > 2))
    shared = _shared_out(points[cells[more]], marks[more], more)
    # Corners of the basin with fewer of them first; ties go to that of the first corner.
    is_first = marks[two] == marks[two, :1]
    few = np.where((2 * is_first.sum(axis=1) <= dimension + 1)[:, None], is_first, ~is_first)
    sorted_cells = np.take_along_axis(cells[two], np.argsort(~few, axis=1, kind="stable"), axis=1)
    straight, bent = [shared], [shared]
    for size in range(1, (dimension + 1) // 2 + 1):
        of_size = few.sum(axis=1) == size
        if not of_size.any():
            continue
        chosen, number, wanted = sorted_cells[of_size], two[of_size], resolution[two][of_size]
        ends = [(i, j) for i in range(size) for j in range(size, dimension + 1)]
        pairs = chosen[:, np.array(ends)]
        unique, edge = np.unique(pairs.reshape(-1, 2), axis=0, return_inverse=True)
        edge = edge.reshape(-1)
        finest = np.ones(len(unique))
        np.minimum.at(finest, edge, np.repeat(wanted, len(ends)))
        roots = crossings(points[unique], labels[unique], margins[unique], label, finest)[edge]
        crossing = dict(zip(ends, np.moveaxis(roots.reshape(len(chosen), len(ends), dimension), 1, 0), strict=True))
        owners = labels[chosen[:, 0]], labels[chosen[:, -1]]
        straight.append(_flat_parts(points[chosen], size, crossing, owners, number))
        if dimension == 2:
            bent.append(_bent_parts(points[chosen], crossing, owners, number, margins[chosen[:, 0]], label, wanted))
    flat = _joined(straight)
    plain = Pieces(points[cells[one]], marks[one, 0], one)
    return Division(plain, flat, _joined(bent) if dimension == 2 else flat, more)


def _joined(parts: list[Pieces]) -> Pieces:
    return Pieces(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.owner for part in parts]),
        np.concatenate([part.cell for part in parts]),
    )


def _shared_out(corners: Floats, marks: Integers, number: Integers) -> Pieces:
    """Each face of a simplex joined to its centre, for the basin of the corner across."""
    count, size, dimension = corners.shape
    parts = np.repeat(corners[:, None], size, axis=1)
    for corner in range(size):
        parts[:, corner, corner] = corners.mean(axis=1)
    return Pieces(parts.reshape(count * size, size, dimension), marks.reshape(-1), np.repeat(number, size))


def _flat_parts(
    corners: Floats,
    size: int,
    crossing: dict[tuple[int, int], Floats],
    owners: tuple[Integers, Integers],
    number: Integers,
) -> Pieces:
    """Simplices whose first ``size`` corners are in one basin, the others in another: prisms, cut into simplices."""
    dimension = corners.shape[2]
    ends = list(crossing)
    named: dict[tuple[int, ...], Floats] = {(i,): corners[:, i] for i in range(dimension + 1)}
    named.update({(i, j): place for (i, j), place in crossing.items()})
    if size == 1:
        few: list[list[tuple[int, ...]]] = [[(0,), *ends]]
        many = _staircase([*ends], [(j,) for j in range(1, dimension + 1)])
    else:
        few = _staircase([(0,), (0, 2), (0, 3)], [(1,), (1, 2), (1, 3)])
        many = _staircase([(2,), (0, 2), (1, 2)], [(3,), (0, 3), (1, 3)])
    return _joined(
        [
            Pieces(np.stack([named[vertex] for vertex in simplex], axis=1), owner, number)
            for simplices, owner in zip((few, many), owners, strict=True)
            for simplex in simplices
        ]
    )


def _bent_parts(
    corners: Floats,
    crossing: dict[tuple[int, int], Floats],
    owners: tuple[Integers, Integers],
    number: Integers,
    margin: Floats,
    label: Label,
    resolution: Floats,
) -> Pieces:
    """Triangles cut along two chords that meet where the ray from corner 0 through the middle of the chord crosses."""
    a, b, c = np.moveaxis(corners, 1, 0)
    p, q = crossing[0, 1], crossing[0, 2]
    alpha = np.linalg.norm(p - a, axis=1) / np.linalg.norm(b - a, axis=1)
    beta = np.linalg.norm(q - a, axis=1) / np.linalg.norm(c - a, axis=1)
    share = np.where(alpha + beta > 0.0, alpha / np.maximum(alpha + beta, 1e-300), 0.5)[:, None]
    foot = share * b + (1.0 - share) * c
    owner, foot_margin = with_margin(label, foot)
    middle = 0.5 * (p + q)
    fits = owner == owners[1]
    if fits.any():
        segments = np.stack([a[fits], foot[fits]], axis=1)
        marks = np.stack([owners[0][fits], owner[fits]], axis=1)
        margins = np.stack([margin[fits], foot_margin[fits]], axis=1)
        middle[fits] = crossings(segments, marks, margins, label, resolution[fits])
    triangles = [(a, p, middle), (a, middle, q), (p, middle, foot), (p, foot, b), (middle, q, c), (middle, c, foot)]
    return Pieces(
        np.concatenate([np.stack(triangle, axis=1) for triangle in triangles]),
        np.concatenate([owners[0]] * 2 + [owners[1]] * 4),
        np.tile(number, len(triangles)),
    )


def _staircase(bottom: list[tuple[int, ...]], top: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    """A prism over a simplex as simplices: down to corner k on the bottom, from corner k up on the top."""
    return [bottom[: k + 1] + top[k:] for k in range(len(bottom))]


def crossings(segments: Floats, labels: Integers, margins: Floats, label: Label, resolution: Floats) -> Floats:
    """Where segments (k, 2, dim) between two basins leave that of their first end, (k, dim).

    Where the map has margins, secants along the side with the smaller margin converge in a few steps; what remains is
    found by section.
    """
    start, way = segments[:, 0], segments[:, 1] - segments[:, 0]
    dimension = segments.shape[2]
    root = np.full(len(segments), np.nan)
    if isinstance(label, BasinMap) and dimension > 1:
        floor = 1e-10 * label.landscape.frame.extent / np.linalg.norm(way, axis=1)
        root = _secants(label, start, way, labels, margins, np.maximum(resolution, floor))
    left = np.flatnonzero(~np.isfinite(root))
    if len(left):
        root[left] = _sections(label, start[left], way[left], labels[left, 0], resolution[left])
    return np.asarray(start + root[:, None] * way)


def _secants(
    label: BasinMap, start: Floats, way: Floats, labels: Integers, margins: Floats, resolution: Floats
) -> Floats:
    """Fractions of the segments at which the margin vanishes; NaN where that did not converge."""
    count = len(start)
    root = np.full(count, np.nan)
    # For both sides the last two places where the margin is known, and the margins there.
    place = np.stack([np.zeros((2, count)), np.ones((2, count))])
    margin = np.stack([np.stack([np.full(count, np.nan), margins[:, side]]) for side in (0, 1)])
    root[margins[:, 1] == 0.0], root[margins[:, 0] == 0.0] = 1.0, 0.0
    active = np.flatnonzero(np.isfinite(margins).all(axis=1) & ~np.isfinite(root))
    with np.errstate(all="ignore"):
        for _ in range(SECANT_STEPS):
            if len(active) == 0:
                break
            p, m = place[:, :, active], margin[:, :, active]
            zero = p[:, 1] + m[:, 1] * (p[:, 1] - p[:, 0]) / (m[:, 0] - m[:, 1])
            between = (p[0, 1] * m[1, 1] + p[1, 1] * m[0, 1]) / (m[0, 1] + m[1, 1])
            side = np.where(m[0, 1] <= m[1, 1], 0, 1)[None]
            t = 0.5 * (p[0, 1] + p[1, 1])
            for trial in (between, np.take_along_axis(zero, 1 - side, 0)[0], np.take_along_axis(zero, side, 0)[0]):
                t = np.where((trial > p[0, 1]) & (trial < p[1, 1]), trial, t)
            found, value = label.with_margin((start[active] + t[:, None] * way[active]).T)
            hit = np.where(found == labels[active, 0], 0, 1)
            old_place, old_margin = place[hit, 1, active], margin[hit, 1, active]
            place[hit, 0, active], margin[hit, 0, active] = old_place, old_margin
            place[hit, 1, active], margin[hit, 1, active] = t, value
            rest = value * (t - old_place) / (old_margin - value)
            close = np.abs(rest) <= resolution[active]
            root[active[close]] = np.clip(t + rest, place[0, 1, active], place[1, 1, active])[close]
            active = active[~close]
    return root


def _sections(label: Label, start: Floats, way: Floats, labels: Integers, resolution: Floats) -> Floats:
    """The same from labels alone: each round keeps one of the parts."""
    dimension = start.shape[1]
    low, high = np.zeros(len(start)), np.ones(len(start))
    for _ in range(MOST_SECTIONS):
        wide = np.flatnonzero(high - low > resolution)
        if len(wide) == 0:
            break
        fractions = low[wide] + (high[wide] - low[wide]) * np.arange(1, SECTIONS)[:, None] / SECTIONS
        x = start[wide] + fractions[:, :, None] * way[wide]
        inside = np.asarray(label(x.reshape(-1, dimension).T)).reshape(fractions.shape) == labels[wide]
        part = np.where(inside.all(axis=0), SECTIONS - 1, np.argmin(inside, axis=0))
        width = (high[wide] - low[wide]) / SECTIONS
        low[wide], high[wide] = low[wide] + width * part, low[wide] + width * (part + 1)
    return np.asarray(0.5 * (low + high))
