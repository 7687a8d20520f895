"""What happens where coefficients jump: whether detailed balance holds across a surface, and what the density does.

With the noiseless drift a = -grad V + c and the reading alpha, grad Psi = (1 - alpha) D^-1 div D - D^-1 a. Smooth the
coefficients over a thin layer at a surface with normal n and let the layer become thin: for a scalar D

    Psi jumps by (1 - alpha) log(D+/D-) + (V+ - V-)/D,

and Psi exists on both sides together where the tangential parts of c/D and, where V is continuous, of grad V/D agree.
Where V jumps, D must not change along the surface nor across it: the jump would depend on how they are smoothed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.diffusion.inverse_tensors import solved
from fokker_planck.model.jumps.interfaces import Interfaces
from fokker_planck.model.process import Overdamped, Process
from fokker_planck.model.sets.shapes import HalfSpace, Set
from fokker_planck.quantity.light_dataclasses import dataclass

# Half the distance at which both sides are compared, in units of the domain: a layer of that width counts as a jump.
APART = 1e-9
# Relative change across that distance from which on it is a jump: slopes of 1e4 a domain stay below.
JUMP = 1e-4
# Relative tangential difference that counts as none: rounding over that of differences of callables.
BALANCED = 1e-6
PER_AXIS = {1: 2001, 2: 161, 3: 33}
"""Grid from which points on a surface are projected: one that is smaller than a step of it is not seen, and neither is
it by the first mesh."""
MOST_POINTS = 400
"""On a surface, at which both sides are compared: jumps are jumps along all of it, but where they change sign."""


@dataclass(frozen=True)
class Across:
    """What was found on the surfaces of a process."""

    noise_jumps: bool = False
    potential_jumps: bool = False
    both_jump: bool = False
    balanced: bool = True


@dataclass(frozen=True)
class Sides:
    """Points on both sides of a surface, ``plus`` and ``minus`` (dim, n), and the ``normal`` (dim, n) to the former."""

    plus: Floats
    minus: Floats
    normal: Floats

    def tangential(self, vectors: Floats) -> Floats:
        """The part of vectors (dim, n) along the surface."""
        return np.asarray(vectors - (vectors * self.normal).sum(axis=0) * self.normal)


def sides_of(surface: Set, interfaces: Interfaces, lower: Sequence[float], upper: Sequence[float]) -> Sides | None:
    """A sample of a surface inside a box, away from other surfaces; None where there is no such point."""
    low, high = np.asarray(lower, dtype=float)[:, None], np.asarray(upper, dtype=float)[:, None]
    # every point of a box has its foot on a plane, wherever that lies
    count = round(MOST_POINTS ** (1.0 / len(low))) if isinstance(surface, HalfSpace) else PER_AXIS[len(low)]
    grid = np.meshgrid(*[np.linspace(a, b, count) for a, b in zip(lower, upper, strict=True)], indexing="ij")
    points = np.stack([g.ravel() for g in grid])
    near = points
    if not isinstance(surface, HalfSpace):
        slope = np.maximum(np.linalg.norm(surface.gradient(points), axis=0), 1e-300)
        near = points[:, np.abs(surface.level(points)) <= 1.5 * slope * float((high - low).max()) / (count - 1)]
    if not near.shape[1]:
        return None
    on = surface.project(near[:, :: max(1, near.shape[1] // MOST_POINTS)])
    step = APART * interfaces.scale
    normal = surface.gradient(on)
    size = np.linalg.norm(normal, axis=0)
    kept = (size > 0.0) & ((on > low + 2.0 * step) & (on < high - 2.0 * step)).all(axis=0)
    kept &= np.abs(surface.level(on)) <= 0.01 * step * size
    for other in interfaces.surfaces:
        if other is not surface:
            steepness = np.linalg.norm(other.gradient(on), axis=0)
            kept &= np.abs(other.level(on)) > 10.0 * step * steepness
    if not kept.any():
        return None
    on, normal = on[:, kept], normal[:, kept] / size[kept]
    return Sides(on + step * normal, on - step * normal, normal)


def across_surfaces(
    process: Process,
    field: DiffusionField,
    interfaces: Interfaces,
    lower: Sequence[float],
    upper: Sequence[float],
    probe: Floats,
) -> Across:
    """Look at every surface of a process: what jumps there, and whether detailed balance holds across it.

    ``probe`` (dim, n) are points of the domain, which say how large everything is.
    """
    noise = potential = both = False
    balanced = True
    size = _sizes(process, field, probe)
    for surface in interfaces.surfaces:
        sides = sides_of(surface, interfaces, lower, upper)
        if sides is None:
            continue
        plus, minus = field.tensor(sides.plus), field.tensor(sides.minus)
        change = np.abs(plus - minus).max(axis=(0, 1))
        noisy = change > JUMP * np.maximum(np.abs(plus), np.abs(minus)).max(axis=(0, 1))
        step = _step(process, sides)
        steps = np.abs(step) > JUMP * np.minimum(size.potential, size.noise + np.abs(step))
        noise, potential = noise or bool(noisy.any()), potential or bool(steps.any())
        both = both or bool((noisy & steps).any())
        force = solved(plus, process.noiseless_drift(sides.plus)) - solved(minus, process.noiseless_drift(sides.minus))
        along = np.linalg.norm(sides.tangential(force), axis=0)
        if steps.any():
            other = _other_force(process, sides.plus), _other_force(process, sides.minus)
            force = solved(plus, other[0]) - solved(minus, other[1])
            along = np.where(steps, np.linalg.norm(sides.tangential(force), axis=0), along)
            slope = sides.tangential(field.divergence(sides.plus))
            level = np.abs(np.einsum("iin->n", plus)) / len(plus)
            shear = np.abs(step) * np.linalg.norm(slope, axis=0) / level**2
            along = along + np.where(steps, shear, 0.0)
        balanced = balanced and bool((along <= BALANCED * size.force).all())
    return Across(noise, potential, both, balanced)


def potential_jumps(
    process: Process, interfaces: Interfaces, lower: Sequence[float], upper: Sequence[float], probe: Floats
) -> bool:
    """Whether V jumps on one of the surfaces, by what counts in units of the noise or of its range at the ``probe``."""
    if process.potential is None:
        return False
    tensor = process.field(len(probe)).tensor(probe)
    noise = float(np.median(np.einsum("iin->n", tensor)))
    least = JUMP * min(float(np.ptp(process.potential.value(probe))), noise)
    sampled = (sides_of(surface, interfaces, lower, upper) for surface in interfaces.surfaces)
    return any(bool((np.abs(_step(process, sides)) > least).any()) for sides in sampled if sides is not None)


def keeps_flow(
    process: Overdamped, field: DiffusionField, interfaces: Interfaces, lower: Sequence[float], upper: Sequence[float]
) -> bool:
    """Whether e^(-V/eps) c . n is the same on both sides of every surface, for constant isotropic noise eps."""
    if process.extra is None:
        return True
    for surface in interfaces.surfaces:
        sides = sides_of(surface, interfaces, lower, upper)
        if sides is None:
            continue
        noise = field.tensor(sides.plus)[0, 0]
        step = _step(process, sides) / noise
        low = np.minimum(step, 0.0)
        plus, minus = process.extra.value(sides.plus), process.extra.value(sides.minus)
        flow = (np.exp(low - step) * plus - np.exp(low) * minus) * sides.normal
        size = np.maximum(np.linalg.norm(plus, axis=0), np.linalg.norm(minus, axis=0)).max()
        if (np.abs(flow.sum(axis=0)) > BALANCED * size).any():
            return False
    return True


@dataclass(frozen=True)
class _Sizes:
    potential: float
    noise: float
    force: float


def _sizes(process: Process, field: DiffusionField, probe: Floats) -> _Sizes:
    tensor = field.tensor(probe)
    force = np.linalg.norm(solved(tensor, process.noiseless_drift(probe)), axis=0)
    force = force[np.isfinite(force)]
    values = process.potential.value(probe) if process.potential is not None else np.zeros(1)
    trace = np.abs(np.einsum("iin->n", tensor)) / len(tensor)
    return _Sizes(float(np.ptp(values)), float(np.median(trace)), float(np.max(force, initial=0.0)))


def _step(process: Process, sides: Sides) -> Floats:
    """V+ - V-, (n,)."""
    if process.potential is None:
        return np.zeros(sides.plus.shape[1])
    return np.asarray(process.potential.value(sides.plus) - process.potential.value(sides.minus))


def _other_force(process: Process, x: Floats) -> Floats:
    """The drift beside -grad V."""
    extra = process.extra if isinstance(process, Overdamped) else process.whole
    return np.zeros(x.shape) if extra is None else np.asarray(extra.value(x))


def on_one_side(interfaces: Interfaces, points: Floats) -> Booleans:
    """Which points keep all of their stencil of differences on their side of every surface."""
    reach = 3.0 * differences.FIRST_STEPS[0] * np.maximum(1.0, np.abs(points))
    good = np.ones(points.shape[1], dtype=bool)
    for surface in interfaces.surfaces:
        here = surface.level(points)
        for axis in range(len(points)):
            for share in (-1.0, -0.5, 0.5, 1.0):
                there = points.copy()
                there[axis] += share * reach[axis]
                good &= here * surface.level(there) > 0.0
    return good
