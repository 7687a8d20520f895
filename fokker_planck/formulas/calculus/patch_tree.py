"""A function of the plane or of space from its gradient, on patches that are as small as each place needs.

The patches of a grid are halved along every axis where polynomials (:mod:`~.chebyshev_patches`) do not serve, and those
again.  Every patch has a constant of its own, by the value of the function at one point, its anchor.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.calculus.chebyshev_patches import (
    POINTS,
    basis,
    expanded,
    integrals,
    rest,
    values_of_patches,
)
from fokker_planck.quantity.light_dataclasses import dataclass

ANCHOR = 0.0271
"""How far an anchor is from the middle of its patch, in its widths: surfaces like to pass through the middle."""
BLOCK = 200_000
"""Samples at once, some ten arrays of 1.6 MB."""


@dataclass(frozen=True)
class Patches:
    """Boxes: ``places`` (dim, n) count them from the ``lower`` corner, (dim,), in ``width`` (dim,) over 2^``depths``.

    >>> nothing = np.zeros((2, 1), dtype=int)
    >>> whole = Patches(nothing, nothing, np.array([0.0, 0.0]), np.array([2.0, 8.0]))
    >>> halves, parents = whole.halved(np.array([[False], [True]]))
    >>> halves.middles.tolist(), parents.tolist()
    ([[1.0, 1.0], [2.0, 6.0]], [0, 0])
    """

    places: Integers
    depths: Integers
    lower: Floats
    width: Floats

    def __len__(self) -> int:
        return int(self.places.shape[1])

    @property
    def half(self) -> Floats:
        """Half the widths, (dim, n)."""
        return np.asarray(self.width[:, None] * 0.5 ** (self.depths + 1))

    @property
    def middles(self) -> Floats:
        """(dim, n)."""
        return np.asarray(self.lower[:, None] + self.half * (2 * self.places + 1))

    @property
    def anchors(self) -> Floats:
        """(dim, n)."""
        return np.asarray(self.middles + self.half * _anchor(len(self.width))[:, None])

    def halved(self, axes: Booleans) -> tuple[Patches, Integers]:
        """The parts of every one that is halved along some ``axes`` (dim, n), and the numbers of their parents."""
        parents = np.flatnonzero(axes.any(axis=0))
        places, depths = self.places[:, parents], self.depths[:, parents]
        for axis, along in enumerate(axes):
            twice = along[parents].astype(int)
            places[axis] *= 1 + twice
            depths[axis] += twice
            second = np.flatnonzero(twice)
            parents = np.concatenate([parents, parents[second]])
            places, depths = (np.concatenate([part, part[:, second]], axis=1) for part in (places, depths))
            places[axis, len(twice) :] += 1
        return Patches(places, depths, self.lower, self.width), parents


@dataclass(frozen=True)
class PatchTree:
    """The function in every patch: ``coefficients`` (patches, degrees along every axis...).

    ``finest`` has the number of the patch in every box of a grid between ``lower`` and ``upper``.
    """

    lower: Floats
    upper: Floats
    finest: Integers
    patches: Patches
    coefficients: Floats

    def inside(self, x: Floats) -> Booleans:
        """Which points (dim, n) lie in the box."""
        return np.asarray(((x >= self.lower[:, None]) & (x <= self.upper[:, None])).all(axis=0))

    def number_of(self, x: Floats) -> Integers:
        """Of the patch that holds each point (dim, n) of the box, (n,)."""
        counts = np.array(self.finest.shape)[:, None]
        widths = (self.upper - self.lower)[:, None] / counts
        place = np.clip(np.floor((x - self.lower[:, None]) / widths).astype(np.int64), 0, counts - 1)
        return np.asarray(self.finest[tuple(place)])

    def value(self, x: Floats, numbers: Integers) -> Floats:
        """The function at points (dim, n) of the patches with these ``numbers`` (n,), (n,)."""
        local = (x - self.patches.middles[:, numbers]) / self.patches.half[:, numbers]
        return values_of_patches(self.coefficients, numbers, np.clip(local, -1.0, 1.0))


def polynomials(gradient: Callable[[Floats], Floats], patches: Patches, values: Floats) -> tuple[Floats, Floats]:
    """The function with these ``values`` (n,) at the anchors, and what the last coefficients along axes hold, (dim, n).

    The latter is infinite where the gradient is not finite, and far from rounding where it is not smooth.

    >>> depths = np.array([[1, 1], [0, 0]])
    >>> halves = Patches(np.array([[0, 1], [0, 0]]), depths, np.zeros(2), np.ones(2))
    >>> kink = lambda x: np.array([np.abs(x[0] - 0.3), 0 * x[0]])
    >>> found, last = polynomials(kink, halves, np.zeros(2))
    >>> found.shape, (last < 1e-13).tolist()
    ((2, 21, 21), [[False, True], [True, True]])
    """
    dimension = len(patches.width)
    blocks = np.array_split(np.arange(len(patches)), max(1, len(patches) * POINTS[dimension] ** dimension // BLOCK))
    found = [_polynomials(gradient, patches.middles[:, block], patches.half[:, block]) for block in blocks]
    coefficients = np.concatenate([part[0] for part in found])
    at_anchors = coefficients
    for t in reversed(_anchor(dimension)):
        at_anchors = at_anchors @ basis(np.array([t]), coefficients.shape[-1] - 1, 0)[:, 0]
    shift = values - at_anchors
    constants = coefficients.reshape(len(patches), -1)[:, 0]
    constants += np.where(np.isfinite(shift), shift, 0.0)
    return coefficients, np.concatenate([part[1] for part in found], axis=1)


def _polynomials(gradient: Callable[[Floats], Floats], middles: Floats, half: Floats) -> tuple[Floats, Floats]:
    """The same of a block of patches, zero in their middles."""
    dimension, count = middles.shape
    points = POINTS[dimension]
    nodes = np.cos(np.pi * (np.arange(points) + 0.5) / points)
    local = np.stack([part.ravel() for part in np.meshgrid(*[nodes] * dimension, indexing="ij")])
    places = (middles[:, :, None] + half[:, :, None] * local[:, None]).reshape(dimension, -1)
    with np.errstate(all="ignore"):
        # the gradient by the coordinates of the patch
        samples = np.asarray(gradient(places)).reshape(dimension, count, -1) * half[:, :, None]
    finite = np.isfinite(samples).all(axis=(0, 2))
    # patches stand along the first of the axes of a grid
    shape = (dimension, count, *(1,) * (dimension - 1), *(points,) * dimension)
    of_gradient = expanded(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).reshape(shape), dimension)
    ones = np.ones(dimension)
    last = np.array([rest(of_gradient, ones, axis).ravel() for axis in range(dimension)])
    coefficients = integrals(of_gradient, ones).reshape(count, *(points + 1,) * dimension)
    return coefficients, np.where(finite, last, np.inf)


def _anchor(dimension: int) -> Floats:
    """An anchor in its patch, from -1 to 1 along every axis, (dim,): on no diagonal."""
    return np.asarray(2.0 * ANCHOR * np.sqrt(1.0 + np.arange(dimension)))


def tree_of(patches: Patches, coefficients: Floats, count: int) -> PatchTree:
    """Patches with their coefficients; ``count`` of a width make the box, and of two that overlap the later counts."""
    deepest = patches.depths.max(axis=1)
    finest = np.zeros(tuple(count * 2**deepest), dtype=np.int64)
    size = 2 ** (deepest[:, None] - patches.depths)
    for number, (first, last) in enumerate(
        zip((patches.places * size).T, ((patches.places + 1) * size).T, strict=True)
    ):
        finest[tuple(slice(low, high) for low, high in zip(first, last, strict=True))] = number
    return PatchTree(patches.lower, patches.lower + count * patches.width, finest, patches, coefficients)
