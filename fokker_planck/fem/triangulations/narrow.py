"""What is narrower than the cells of a mesh: places that only finer cells see."""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.fem.triangulations.triangulation import Triangulation, diameters
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.narrow_features import seen_boxes
from fokker_planck.mesh.locator import Locator
from fokker_planck.model.bounds.line_boxes import SEEN, LineBoxes
from fokker_planck.model.reversibility.bounded_exponent import formula_of
from fokker_planck.model.reversibility.line import LineExponent
from fokker_planck.quantity.light_dataclasses import dataclass

# A cell may be so many times wider than the box in which Phi differs by 0.1 from a quadratic, which is a third of the
# width of a Gaussian well: its vertices, edge midpoints and quadrature points then see the well and refine further. For
# smooth potentials the bound is wider than the cells are anyway (measured: no cell more for the quartic well, barriers
# 5 to 500).
WIDER = 10.0
# Where log D changes by more than a tenth in such a box, a cell of three changes D by a factor of five at most: rules
# by which forms are integrated are chosen for the weight, and the difference of two degrees does not see what both
# miss (a cusp D = 1 - 0.999 max(0, 1 - |x|/w): with ten the error is nine bars).
STEEP, WIDER_OF_NOISE = 0.1, 3.0


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
    if isinstance(exponent, LineExponent) and exponent.boxes is not None:
        return _on_a_line(exponent, exponent.boxes, heights)
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


def _on_a_line(exponent: LineExponent, boxes: LineBoxes, heights: Any) -> NarrowPlaces:
    """Intervals below the cutoff, by Phi at both ends: in between it is monotone, or changes by less than one."""
    values = np.minimum(exponent.value(boxes.lower[None]), exponent.value(boxes.upper[None]))
    some = ~(values > heights.ceiling + SEEN) & boxes.proper
    ends = (exponent.field.tensor(end[None])[0, 0] for end in (boxes.lower, boxes.upper))
    with np.errstate(all="ignore"):
        steep = ~(np.abs(np.subtract(*(np.log(end) for end in ends))) <= STEEP)
    widths = np.where(steep, WIDER_OF_NOISE, WIDER) * boxes.widths
    return NarrowPlaces(0.5 * (boxes.lower + boxes.upper)[None, some], widths[some])


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
