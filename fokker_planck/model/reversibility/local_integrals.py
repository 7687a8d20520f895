"""A function of the plane or of space with kinks or jumps on surfaces, from integrals along lines: found once.

The box is divided into patches, with one point in each, the anchor, whose value is an integral along the line from far
away. A patch that no surface crosses has polynomials (:mod:`~.patch_tree`) through its anchor's value. The others are
halved until they are a small part of the box; what is left of them has integrals along the short line from the anchor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.calculus.chebyshev_patches import POINTS
from fokker_planck.formulas.calculus.patch_tree import Patches, PatchTree, polynomials, tree_of
from fokker_planck.model.jumps.interfaces import Interfaces
from fokker_planck.model.sets.shapes import HalfSpace
from fokker_planck.quantity.light_dataclasses import dataclass

Along = Callable[..., Floats]
"""The integral from points (dim, n) to others (dim, n), (n,), with what jumps on the way; given a third argument (n,),
to that size's rounding; ``partial``, not-a-number where it does not settle."""

COUNT = {2: 16, 3: 6}
"""Patches an axis: with 20 points an axis in each of the plane 0.1 million samples, half a second for Hessian noise."""
MOST_HALVINGS = {2: 5, 3: 2}
"""Of patches that are not smooth or that a surface crosses."""
MOST_SAMPLES = {2: 8_000_000, 3: 3_500_000}
"""Of the gradient: four seconds for Hessian noise in the plane, and 70 MB of coefficients."""
SAVED = 2e7
"""Samples that halving a whole box is worth: a question asks for a million values or more, each of which takes twelve
to a hundred samples where there are no polynomials. An exit time under Hessian noise with a kink took 207 million of
them with patches of 32 an axis at most, and 88 s of CPU."""
KNOWN = 0.5
"""Of the first anchors, to which lines from far away must settle. A box around a domain has corners that the domain has
not: rates in a turned rectangle took 82 s of CPU by long lines, as one of 256 anchors was not known to 1e-13."""
ALONG = 0.2
"""Of what a level changes along another axis of a patch: an axis along which it changes less runs along the surface."""
TOLERANCE = 1e-13
"""Of the last coefficients, relative to the function where that is larger than one; beyond it a patch is not smooth."""


@dataclass(frozen=True)
class LocalIntegrals:
    """``anchors`` (dim, patches), where the function has these ``values``, and which patches are ``smooth``.

    Where a value is not-a-number, long lines have to serve.
    """

    patches: PatchTree
    anchors: Floats
    values: Floats
    smooth: Booleans
    along: Along

    def inside(self, x: Floats) -> Booleans:
        """Which points (dim, n) lie in the box, where the function is known."""
        return self.patches.inside(x) & np.isfinite(self.values[self.patches.number_of(x)])

    def value(self, x: Floats) -> Floats:
        """The function at points (dim, n) ``inside``, (n,)."""
        number = self.patches.number_of(x)
        smooth, result = self.smooth[number], np.empty(x.shape[1])
        result[smooth] = self.patches.value(x[:, smooth], number[smooth])
        others = np.flatnonzero(~smooth)
        if len(others):
            cells = number[others]
            result[others] = self.values[cells] + self.along(
                self.anchors[:, cells], x[:, others], np.abs(self.values[cells])
            )
        return result


@dataclass(frozen=True)
class _Level:
    """Patches, the function at their anchors and its coefficients, and along which ``axes`` (dim, n) they are rough."""

    patches: Patches
    values: Floats
    coefficients: Floats
    axes: Booleans

    @property
    def rough(self) -> float:
        """The volume of patches that are not smooth."""
        return float(np.prod(2.0 * self.patches.half[:, self.axes.any(axis=0)], axis=0).sum())


def local_integrals(
    gradient: Callable[[Floats], Floats],
    along: Along,
    interfaces: Interfaces,
    box: tuple[Sequence[float], Sequence[float]],
    centre: Floats,
) -> LocalIntegrals | None:
    """The function with this ``gradient``, zero at ``centre`` (dim,), in a box; None where few integrals settle."""
    patches = _grid(np.array(box[0], dtype=float), np.array(box[1], dtype=float))
    dimension, whole = len(centre), float(np.prod(np.subtract(box[1], box[0])))
    starts, before = np.broadcast_to(centre[:, None], patches.places.shape), np.zeros(len(patches))
    levels: list[_Level] = []
    while True:
        values = before + along(starts, patches.anchors, np.abs(before), partial=True)
        if not levels and np.isfinite(values).mean() < KNOWN:
            return None
        levels.append(_level(gradient, interfaces, patches, values))
        halves, parents = patches.halved(levels[-1].axes)
        samples = (sum(len(level.patches) for level in levels) + len(halves)) * POINTS[dimension] ** dimension
        worth = len(halves) * POINTS[dimension] ** dimension < SAVED * levels[-1].rough / whole
        if not worth or samples > MOST_SAMPLES[dimension] or len(levels) > MOST_HALVINGS[dimension]:
            return _joined(levels, along)
        starts, before, patches = patches.anchors[:, parents], values[parents], halves


def _grid(lower: Floats, upper: Floats) -> Patches:
    """The first patches, all of one size."""
    count, dimension = COUNT[len(lower)], len(lower)
    places = np.stack([part.ravel() for part in np.meshgrid(*[np.arange(count)] * dimension, indexing="ij")])
    return Patches(places, np.zeros_like(places), lower, (upper - lower) / count)


def _level(gradient: Callable[[Floats], Floats], interfaces: Interfaces, patches: Patches, values: Floats) -> _Level:
    """Patches that a surface crosses are halved across it, others where polynomials do not serve."""
    coefficients, last = polynomials(gradient, patches, values)
    across = _crossed(interfaces, patches.middles, patches.half)
    rough = last > TOLERANCE * np.maximum(1.0, np.abs(values))
    axes = np.where(across.any(axis=0), across, rough) & np.isfinite(values)
    return _Level(patches, values, coefficients, axes)


def _joined(levels: Sequence[_Level], along: Along) -> LocalIntegrals:
    every = [level.patches for level in levels]
    places, depths = (np.concatenate([getattr(one, name) for one in every], axis=1) for name in ("places", "depths"))
    patches = Patches(places, depths, every[0].lower, every[0].width)
    coefficients = np.concatenate([level.coefficients for level in levels])
    smooth = np.concatenate([~level.axes.any(axis=0) for level in levels])
    values = np.concatenate([level.values for level in levels])
    tree = tree_of(patches, coefficients, COUNT[len(every[0].lower)])
    return LocalIntegrals(tree, patches.anchors, values, smooth, along)


def _crossed(interfaces: Interfaces, middles: Floats, half: Floats) -> Booleans:
    """Along which axes, (dim, n), a surface is crossed in the boxes around ``middles``, of ``half`` widths (dim, n).

    In none of them where the corners are on one side, and further from a surface that is not plane than it bends: by
    the slopes at the corners, twice as far as the middle from a corner.
    """
    dimension, result = len(half), np.zeros(half.shape, dtype=bool)
    signs = np.stack([part.ravel() for part in np.meshgrid(*[[-1.0, 0.0, 1.0]] * dimension, indexing="ij")])
    points = middles[:, :, None] + half[:, :, None] * signs[:, None, :]
    flat = points.reshape(dimension, -1)
    for surface in interfaces.surfaces:
        level = surface.level(flat).reshape(points.shape[1:])
        change = np.abs(surface.gradient(flat)).reshape(points.shape).max(axis=2) * half
        bent = 0.0 if isinstance(surface, HalfSpace) else 0.5 * np.sqrt(dimension) * change.sum(axis=0)
        side = (level > 0.0).all(axis=1) | (level < 0.0).all(axis=1)
        result |= ~(side & (np.abs(level).min(axis=1) > bent)) & ~(change < ALONG * change.max(axis=0))
    return result
