"""What is narrower than the cells of a mesh: places that only finer cells see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fokker_planck.fem.triangulation import Booleans, Floats, Triangulation, diameters
from fokker_planck.formulas.narrow_features import seen_boxes
from fokker_planck.model.bounded_exponent import formula_of
from fokker_planck.point_location import Locator

# A cell may be so many times wider than the box in which Phi differs by 0.1 from a quadratic, which is a third of the
# width of a Gaussian well: its vertices, edge midpoints and quadrature points then see the well and refine further. For
# smooth potentials the bound is wider than the cells are anyway (measured: no cell more for the quartic well, barriers
# 5 to 500).
WIDER = 10.0


@dataclass(frozen=True)
class NarrowPlaces:
    """Points (dim, n) around which cells must not be wider than ``widths`` (n,)."""

    points: Floats
    widths: Floats


def narrow_places(triangulation: Triangulation, exponent: Any, heights: Any, accuracy: float) -> NarrowPlaces:
    """Where a formula for Phi may change within less than a cell, below the energy cutoff, by proved bounds.

    Nowhere for an exponent without a formula: it is sampled.
    """
    dimension = triangulation.dimension
    known = formula_of(exponent)
    if known is None:
        return NarrowPlaces(np.zeros((dimension, 0)), np.zeros(0))
    formula, scale = known
    offset = _offset(triangulation, exponent, formula, scale)
    lower, upper = triangulation.points.min(axis=0), triangulation.points.max(axis=0)
    boxes = seen_boxes(
        formula,
        scale,
        lower,
        upper,
        highest=heights.ceiling - offset,
        sampled=WIDER * float((upper - lower).max()),
        tolerance=accuracy,
        importance=lambda low, high: heights.importance(low + offset, high + offset),
    )
    return NarrowPlaces(boxes.centres, WIDER * boxes.size)


def _offset(triangulation: Triangulation, exponent: Any, formula: Any, scale: float) -> float:
    """The constant by which Phi is above the formula."""
    somewhere = triangulation.points[:1].T
    return float(exponent.value(somewhere)[0] - scale * formula(somewhere)[0])


def too_wide(triangulation: Triangulation, points: Floats, sizes: Floats) -> Booleans:
    """The cells that hold one of the ``points`` (dim, n) and are wider than its entry in ``sizes`` (n,)."""
    wide = np.zeros(len(triangulation.cells), dtype=bool)
    width = diameters(triangulation)
    narrow = np.flatnonzero(sizes < width.max(initial=0.0))
    if not len(narrow):
        return wide
    cell = Locator(triangulation.points, triangulation.cells).find(points[:, narrow])
    held = (cell >= 0) & (width[cell] > sizes[narrow])
    wide[cell[held]] = True
    return wide
