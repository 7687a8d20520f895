"""Parts of surfaces that lie between the vertices of a mesh: proved not to be there, or refined until they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.triangulations.narrow import too_wide
from fokker_planck.fem.triangulations.triangulation import Triangulation, diameters
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.level_boxes import boxes_meeting
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """Points on a smooth surface g = 0, (dim, n), and how wide the box around each is in which it is a graph, (n,).

    The boxes hold all of the surface: what a mesh of cells no wider than them does not see is no part of it.
    """

    piece: Any
    points: Floats
    sizes: Floats


def places_on(pieces: Sequence[Any], lower: Floats, upper: Floats) -> tuple[Places, ...]:
    """For every piece with a formula: its places in a box, by interval bounds.

    A surface on which bounds find no end - it touches or crosses itself along a curve - is left to what samples show.
    """
    found = []
    for piece in pieces:
        formula = getattr(piece, "formula", None) if isinstance(getattr(piece, "expression", ""), str) else None
        if formula is None:
            continue
        try:
            boxes = boxes_meeting(formula, lower, upper)
        except ConvergenceError:
            continue
        centres = 0.5 * (boxes.lower + boxes.upper)
        on = piece.project(centres)
        held = ((on >= boxes.lower) & (on <= boxes.upper)).all(axis=0)
        found.append(Places(piece, np.where(held, on, centres), boxes.size))
    return tuple(found)


def unseen(triangulation: Triangulation, places: Sequence[Places]) -> Booleans:
    """The cells through which a surface passes between their vertices and centre, and which are wider than it bends."""
    marked = np.zeros(len(triangulation.cells), dtype=bool)
    widest = float(diameters(triangulation).max(initial=0.0))
    for some in places:
        if not (some.sizes < widest).any():
            continue
        wide = np.flatnonzero(too_wide(triangulation, some.points, some.sizes))
        corners = triangulation.points[triangulation.cells[wide]]
        samples = np.concatenate([corners, corners.mean(axis=1, keepdims=True)], axis=1)
        values = some.piece.level(samples.reshape(-1, samples.shape[2]).T).reshape(samples.shape[:2])
        mixed = (values.min(axis=1) <= 0.0) & (values.max(axis=1) >= 0.0)
        marked[wide[~mixed]] = True
    return marked
