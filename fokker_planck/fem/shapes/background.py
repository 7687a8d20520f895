"""A mesh on which smooth surfaces can be cut: where one passes, its normal turns little from vertex to vertex."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.shapes.unseen import places_on, unseen
from fokker_planck.fem.shapes.wedges import turn_beside, walls_of
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation, diameters, longest_edges, with_new_vertices
from fokker_planck.formulas.arrays import Booleans, Floats

#: The normal of a surface turns by at most so much (radians) within a cell: a facet of length h on a sphere of radius R
#: turns it by h/R, and its curved cell loses about half of that square of its Jacobian determinant. In space mmg makes
#: all facets anew, and half of its time goes into those that are finer here than they have to be.
TURN = {1: 0.5, 2: 0.5, 3: 1.0}
#: Times that, all edges of a cell are halved at once: bisections of the longest would take two rounds and more for it.
#: In space that makes eight cells of one, most of them finer than they have to be.
TWICE = {1: 1.6, 2: 1.6, 3: 4.0}
#: A cell is near a surface if the level at its centre says so, to first order, with this room.
NEAR = 0.6
#: Newton steps to the foot of a vertex: its normal is wanted to a percent, not its place.
FOOT_STEPS = 3
#: Within a cell of this mesh a surface may turn by so many times what it may along an edge of the finished one.
ROOM_BESIDE = 2.5
ROUNDS = 60
"""Bisections of the longest edge, 2^-20 of it in space: a surface that asks for more crosses itself."""
#: In space a set with 70,000 of them took 70 to 105 s in all: more than twice as many are no mesh of moderate size.
MOST_CELLS = {1: 200_000, 2: 400_000, 3: 150_000}


def refined_near(triangulation: Triangulation, pieces: Sequence[Any]) -> Triangulation:
    """Bisect until no cell near a surface sees its normal turn by more than ``TURN``, and every part of it is seen.

    Raises :class:`ConvergenceError` where that never ends: a surface that crosses itself, say.
    """
    limit = MOST_CELLS[triangulation.dimension]
    places = places_on(pieces, triangulation.points.min(axis=0), triangulation.points.max(axis=0))
    others = [*pieces, *walls_of(triangulation)] if triangulation.dimension == 3 else []
    fresh = np.ones(len(triangulation.cells), dtype=bool)
    for _ in range(ROUNDS):
        marked = unseen(triangulation, places)
        most = TURN[triangulation.dimension]
        twice = np.zeros(len(marked), dtype=bool)
        for piece in pieces:
            turn = turning(triangulation, piece, fresh)
            if triangulation.dimension == 3:
                turn = np.maximum(turn, most * _beside(triangulation, piece, turn, others))
            marked |= turn > most
            twice |= turn > TWICE[triangulation.dimension] * most
        if not marked.any():
            return triangulation
        if len(triangulation.cells) > limit:
            break
        known = len(triangulation.points)
        triangulation = refine(triangulation, marked, all_edges=twice)
        fresh = with_new_vertices(triangulation, known)
    raise ConvergenceError(
        f"more than {limit} cells are needed to follow a surface",
        "a smooth surface that does not cross itself: a level away from the saddles",
    )


def near_surface(corners: Floats, sizes: Floats, level: Floats, piece: Any) -> Booleans:
    """Of cells (k, dim + 1, dim) those that the surface crosses, as far as vertices and centre show, or lies beside.

    ``sizes`` (k,) are their diameters, ``level`` (k, dim + 1) that of the surface at their vertices.
    """
    centres = corners.mean(axis=1)
    middle = piece.level(centres.T)
    slope = np.linalg.norm(piece.gradient(centres.T), axis=0)
    least, most = level.min(axis=1), level.max(axis=1)
    mixed = (least < 0.0) & (np.maximum(most, middle) > 0.0)
    mixed |= (most > 0.0) & (middle < 0.0)
    return np.asarray(mixed | (np.abs(middle) < NEAR * slope * sizes))


def turning(triangulation: Triangulation, piece: Any, among: Booleans) -> Floats:
    """By how much (radians) the normal of the surface turns within the cells near it, at vertices' feet, (m,).

    Or half of what it turns at the vertices themselves, if that is more.  Zero for cells that are not ``among`` those
    in question.
    """
    turn = np.zeros(len(triangulation.cells))
    if triangulation.dimension == 1 or not among.any():
        return turn
    rows = np.flatnonzero(among)
    cells = triangulation.cells[rows]
    corners = triangulation.points[cells]
    sizes = longest_edges(corners)
    used, places = np.unique(cells, return_inverse=True)
    level = piece.level(triangulation.points[used].T)[places.reshape(cells.shape)]
    near = np.flatnonzero(near_surface(corners, sizes, level, piece))
    if not len(near):
        return turn
    vertices, places = np.unique(cells[near], return_inverse=True)
    places = places.reshape(len(near), -1)
    points = triangulation.points[vertices].T
    reach = np.zeros(len(vertices))
    np.maximum.at(reach, places, sizes[near][:, None])
    near = rows[near]
    for at, share in ((points, 0.5), (_feet(piece, points, reach), 1.0)):
        normal = _normal(piece, at)
        pairs = combinations(range(places.shape[1]), 2)
        cosine = np.min([(normal[places[:, a]] * normal[places[:, b]]).sum(axis=1) for a, b in pairs], axis=0)
        turn[near] = np.maximum(turn[near], share * np.arccos(np.clip(cosine, -1.0, 1.0)))
    return turn


def _beside(triangulation: Triangulation, piece: Any, turn: Floats, others: Sequence[Any]) -> Floats:
    """The ``turn`` within cells over what walls and other surfaces beside the piece leave to it, (m,)."""
    near = np.flatnonzero(turn > 0.0)
    x = triangulation.points[triangulation.cells[near]].mean(axis=1)
    radius = diameters(triangulation)[near] / turn[near]
    normal = _normal(piece, x.T)
    allowed = [turn_beside(other, x, normal, radius) for other in others if other is not piece]
    share = np.zeros(len(turn))
    if allowed and len(near):
        share[near] = turn[near] / (ROOM_BESIDE * np.min(allowed, axis=0))
    return share


def _feet(piece: Any, points: Floats, reach: Floats) -> Floats:
    """Points of the surface next to ``points``, nearly, or these where there is none within ``reach``."""
    feet = points
    with np.errstate(all="ignore"):
        for _ in range(FOOT_STEPS):
            slope = piece.gradient(feet)
            feet = feet - piece.level(feet) / np.sum(slope**2, axis=0) * slope
        found = np.linalg.norm(feet - points, axis=0) < reach
    return np.where(found, feet, points)


def _normal(piece: Any, x: Floats) -> Floats:
    slope = piece.gradient(x)
    length = np.linalg.norm(slope, axis=0)
    with np.errstate(all="ignore"):
        return np.asarray(np.where(length > 0.0, slope / length, 0.0).T)
