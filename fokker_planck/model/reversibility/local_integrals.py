"""A function of the plane or of space with kinks or jumps on surfaces, from integrals along lines: found once.

The box is divided into patches, with one point in each, the anchor, whose value is an integral along the line from far
away. A patch that no surface crosses has polynomials (:mod:`~.chebyshev_patches`) through its
anchor's value; in the others values are integrals along the short line from the anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus.chebyshev_patches import ChebyshevPatches, patch_by_patch
from fokker_planck.model.jumps.interfaces import Interfaces
from fokker_planck.quantity.light_dataclasses import dataclass

Along = Callable[..., Floats]
"""The integral from points (dim, n) to others (dim, n), (n,), with what jumps on the way; given a third argument (n,),
to that size's rounding."""

COUNT = {2: 16, 3: 6}
"""Patches an axis: with 20 points an axis in each of the plane 0.1 million samples, half a second for Hessian noise."""
FINER, ROUGH = 2, 0.1
"""Times as many patches where more than ``ROUGH`` of them are neither smooth nor crossed by a surface."""
BESIDE = 0.0271
"""How far an anchor is from the middle of its patch, in its widths: surfaces like to pass through the middle."""
TOLERANCE = 1e-13
"""Of the last coefficients, relative to the function where that is larger than one; beyond it a patch is not smooth."""


@dataclass(frozen=True)
class LocalIntegrals:
    """``anchors`` (dim, patches), where the function has these ``values``, and which patches are ``smooth``."""

    patches: ChebyshevPatches
    anchors: Floats
    values: Floats
    smooth: npt.NDArray[np.bool_]
    along: Along

    def inside(self, x: Floats) -> npt.NDArray[np.bool_]:
        """Which points (dim, n) lie in the box."""
        return self.patches.inside(x)

    def value(self, x: Floats) -> Floats:
        """The function at points (dim, n) of the box, (n,)."""
        number = self.patches.number_of(x)
        smooth, result = self.smooth[number], np.empty(x.shape[1])
        if smooth.any():
            result[smooth] = self.patches.value(x[:, smooth])
        others = np.flatnonzero(~smooth)
        if len(others):
            cells = number[others]
            result[others] = self.values[cells] + self.along(
                self.anchors[:, cells], x[:, others], np.abs(self.values[cells])
            )
        return result


def local_integrals(
    gradient: Callable[[Floats], Floats],
    along: Along,
    interfaces: Interfaces,
    box: tuple[Sequence[float], Sequence[float]],
    centre: Floats,
) -> LocalIntegrals | None:
    """The function with this ``gradient``, zero at ``centre`` (dim,), in a box; None where integrals do not settle."""
    dimension = len(centre)
    lower, upper = np.array(box[0], dtype=float), np.array(box[1], dtype=float)
    for count in (COUNT[dimension], FINER * COUNT[dimension]):
        counts = (count,) * dimension
        width = (upper - lower) / count
        places = np.stack([part.ravel() for part in np.meshgrid(*[np.arange(count)] * dimension, indexing="ij")])
        middles = lower[:, None] + width[:, None] * (places + 0.5)
        anchors = middles + BESIDE * width[:, None] * np.sqrt(1.0 + np.arange(dimension))[:, None]
        try:
            values = along(np.repeat(centre[:, None], anchors.shape[1], axis=1), anchors)
        except ConvergenceError:
            return None
        if not np.isfinite(values).all():
            return None
        patches, rest = patch_by_patch(gradient, box[0], box[1], counts)
        whole = _uncrossed(interfaces, middles, 0.5 * width)
        smooth = whole & (rest <= TOLERANCE * np.maximum(1.0, np.abs(values)))
        if (whole & ~smooth).mean() <= ROUGH:
            break
    return LocalIntegrals(patches.through(anchors, values), anchors, values, smooth, along)


def _uncrossed(interfaces: Interfaces, middles: Floats, half: Floats) -> npt.NDArray[np.bool_]:
    """Which boxes around ``middles`` (dim, n), of ``half`` widths, no surface crosses: their corners are on one side.

    And further from it than it bends: by the slopes at the corners, twice as far as the middle from a corner.
    """
    dimension, result = len(half), np.ones(middles.shape[1], dtype=bool)
    signs = np.stack([part.ravel() for part in np.meshgrid(*[[-1.0, 0.0, 1.0]] * dimension, indexing="ij")])
    points = middles[:, :, None] + half[:, None, None] * signs[:, None, :]
    flat = points.reshape(dimension, -1)
    reach = float(np.linalg.norm(half))
    for surface in interfaces.surfaces:
        level = surface.level(flat).reshape(points.shape[1:])
        slope = np.linalg.norm(surface.gradient(flat), axis=0).reshape(level.shape).max(axis=1)
        side = (level > 0.0).all(axis=1) | (level < 0.0).all(axis=1)
        result &= side & (np.abs(level).min(axis=1) > 0.5 * reach * slope)
    return result
