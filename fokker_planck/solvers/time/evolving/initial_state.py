"""The state of a process at time zero as a load of the elements, and a mesh that is fine enough for it.

A load holds int p_0 v_i for all basis functions v_i: of a point v_i there, of a density its integrals.  What is not in
the space of the elements is projected by the first factor of the series, see :mod:`~.semigroup`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import BarrierTooHighError, ConvergenceError, ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.fields.density_samples import Samples
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.mesh.simplices import barycentric, simplex_volumes
from fokker_planck.model.initial import FARTHEST, AtPoint, ByFormula, Gaussian, Initial, UniformIn
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass

Density = Callable[[Floats], Floats]

INITIAL = "set at the beginning"
"""What the set over which a process is spread is called in the mesh."""
LARGEST_HEIGHT = 600.0
"""Of psi / 2 in a vector of doubles, whose logarithms reach 709."""
WIDEST = 3.0
"""Standard deviations of a Gaussian across a cell of degree 6 of the first mesh: its integral is then right to 1e-9."""
MOST_CELLS = {1: 20_000, 2: 60_000, 3: 60_000}
"""Of a mesh that follows what is there at the beginning, before the indicator takes over."""
FEWEST_CELLS = {1: 200, 2: 1500, 3: 3000}
"""Before a formula is looked at: what is narrower than a cell by ten may be missed."""
UNRESOLVED = 1e-8
"""Of the whole integral of a formula, by which two rules may differ in one cell."""
CORE, TAIL = 0.05, 1e-3
"""Of the largest value of a density at the beginning, where the process climbs on from; and, of the tolerance, what is
so little that nothing rests on it."""
HIGH, STEEPEST = 60.0, {1: 4.5, 2: 8.5}
"""Units of epsilon from a point down to the lowest one, from which on what falls there needs cells in which psi changes
by no more than that, half of what slow processes need: from 400 units up on a line, 9 in a cell lost 6e-4 of the mass
at bars that steps of no length made smaller, and 4.5 lose 1e-14."""
STILL_HIGH = 30.0
"""Units of epsilon down to which the way of a point is followed so: half of what needs nothing of that."""
RULES = (8, 12)
"""Degrees of these two rules."""
NARROWEST = 1e-13
"""Of the largest coordinate, a cell below which its corners are known to less than a hundredth of it."""
MOST_ROUNDS = 60
"""Of refinement, each of which halves cells: enough for a width of 1e-9 in the plane."""


@dataclass(frozen=True)
class Beginning:
    """``load`` (N,) of the mass one, for vectors of the ``height``; ``error`` of it in total variation."""

    load: Floats
    height: float
    error: float = 0.0


def beginning_of(initial: Initial, problem: Problem, generator: Generator, samples: Samples) -> Beginning:
    """The load of an initial state that is not the stationary one.

    Raises ``ProblemError`` for a density that is negative, not finite, or zero everywhere.
    """
    relative = generator.exponent - generator.lowest
    if isinstance(initial, AtPoint):
        functional = point_functional(generator.discretization, np.array(initial.point))
        height = 0.5 * float(relative[functional != 0.0].max())
        _refuse_height(height)
        touched = np.where(functional != 0.0, 0.5 * relative - height, 0.0)
        return Beginning(functional * np.exp(touched), height)
    if isinstance(initial, UniformIn):
        density = samples.inside(INITIAL)
    elif isinstance(initial, Gaussian):
        density = samples.at(initial.value)
    elif isinstance(initial, ByFormula):
        density = samples.at(_checked(initial))
    else:
        raise TypeError("a stationary density is known as a vector")
    whole = samples.integral(density)
    if not (np.isfinite(whole) and whole > 0.0):
        raise ProblemError("evolve.initial", f"{initial}, whose integral is {whole:g}", "a density with some mass")
    # where next to nothing is, the weight does not matter
    there = np.where(density > 1e-30 * whole, 0.5 * samples.exponent, 0.0)
    height = float(samples.discretization.comm.allreduce(float(there.max(initial=0.0)), op=MPI.MAX))
    _refuse_height(height)
    error = initial.error if isinstance(initial, ByFormula) else 0.0
    return Beginning(samples.load(density / whole, height), height, error)


def _refuse_height(height: float) -> None:
    if height > LARGEST_HEIGHT:
        raise BarrierTooHighError(
            "the beginning lies so far above the lowest point that its weight is no double", "more noise"
        )


def _checked(initial: ByFormula) -> Density:
    def values(x: Floats) -> Floats:
        found = np.asarray(initial.function(x), dtype=float)
        if not np.isfinite(found).all() or (found < -1e-12 * np.abs(found).max(initial=0.0)).any():
            where = x[:, int(np.argmin(np.where(np.isfinite(found), found, -np.inf)))].tolist()
            raise ProblemError("evolve.initial", f"{initial}, which is negative or no number at {where}", "a density")
        return np.maximum(found, 0.0)

    return values


def highest_exponent(initial: Initial, problem: Problem, value: Density, share: float) -> float:
    """The largest of psi, its ``value``, where p_0 is more than a ``share`` of its largest; minus infinity for none."""
    points = support(initial, problem, share)
    return float(np.max(value(points), initial=-np.inf)) if points.shape[1] else -np.inf


def support(initial: Initial, problem: Problem, share: float = CORE) -> Floats:
    """Points (dim, n) of the domain where p_0 is more than a ``share`` of its largest value."""
    if isinstance(initial, AtPoint):
        return np.array(initial.point)[:, None]
    sample = problem.sample()
    if isinstance(initial, UniformIn):
        return sample[:, initial.shape.contains(sample)]
    if isinstance(initial, Gaussian):
        reach = min(FARTHEST, float(np.sqrt(-2.0 * np.log(share))))
        normal = np.random.default_rng(1).standard_normal((problem.dimension, 4000))
        sphere = reach * normal / np.linalg.norm(normal, axis=0)
        stretched = np.concatenate([k * sphere for k in (0.0, 0.25, 0.5, 0.75, 1.0)], axis=1)
        around = np.array(initial.mean)[:, None] + np.linalg.cholesky(np.array(initial.covariance)) @ stretched
        return around[:, problem.contains(around)]
    if isinstance(initial, ByFormula):
        values = _checked(initial)(sample)
        return sample[:, values > share * values.max(initial=0.0)]
    return sample[:, :0]


def fine_enough(mesh: Triangulation, initial: Initial, places: Sequence[Gaussian] = ()) -> Triangulation:
    """Refined until cells follow what is there at the beginning; for a point what has become of it, at ``places``."""
    if places:
        return _refined(mesh, lambda corners: np.any([_wider(around, corners) for around in places], axis=0))
    if isinstance(initial, Gaussian):
        gaussian = initial
        return _refined(mesh, lambda corners: _wider(gaussian, corners))
    if isinstance(initial, ByFormula):
        while len(mesh.cells) < FEWEST_CELLS[mesh.dimension]:
            mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
        function = _checked(initial)
        return _refined(mesh, lambda corners: _apart(function, corners))
    return mesh


def not_too_steep(
    mesh: Triangulation, initial: Initial, value: Density, way: Sequence[Gaussian] | None = None
) -> Triangulation:
    """Refined until psi, its ``value``, falls by no more than ``STEEPEST`` in a cell, if a point lies ``HIGH`` up.

    Densities on their way down are measured by their mass, and in that what a cell does not resolve grows by the root
    of what the weight e^-psi does across it.  Given the ``way`` down, in the cells that it meets.
    """
    if not isinstance(initial, AtPoint) or mesh.dimension not in STEEPEST:
        return mesh
    start = float(value(np.array(initial.point)[:, None])[0])
    if start - float(value(mesh.points.T).min()) < HIGH:
        return mesh

    if way is not None:
        lowest = float(value(mesh.points.T).min())
        heights_of_way = value(np.array([place.mean for place in way]).T)
        way = [place for place, height in zip(way, heights_of_way, strict=True) if height > lowest + STILL_HIGH]

    def steep(corners: Floats) -> Booleans:
        heights = value(corners.reshape(-1, corners.shape[2]).T).reshape(corners.shape[:2])
        falls = np.asarray((np.ptp(heights, axis=1) > STEEPEST[mesh.dimension]) & (heights.min(axis=1) < start))
        if way is not None:
            falls[falls] = np.any([_meets(around, corners[falls]) for around in way], axis=0)
        return falls

    return _refined(mesh, steep)


def _refined(mesh: Triangulation, unresolved: Callable[[Floats], Booleans]) -> Triangulation:
    for _ in range(MOST_ROUNDS):
        marked: Booleans = unresolved(mesh.cell_points)
        if not marked.any():
            break
        corners = mesh.cell_points[marked]
        if np.ptp(corners, axis=1).max(axis=1).min() < NARROWEST * np.abs(corners).max():
            _refuse_narrow("than coordinates in double precision tell apart")
        mesh = refine(mesh, marked)
        if len(mesh.cells) > MOST_CELLS[mesh.dimension]:
            raise ConvergenceError(
                f"what is there at the beginning asks for more than {MOST_CELLS[mesh.dimension]} cells",
                "a later first time, or a wider distribution at the beginning",
            )
    else:
        _refuse_narrow(f"than cells after {MOST_ROUNDS} bisections")
    return mesh


def _refuse_narrow(beside: str) -> NoReturn:
    raise ConvergenceError(
        f"what is there at the beginning is narrower {beside}",
        "a later first time, or a wider distribution at the beginning",
    )


def _wider(gaussian: Gaussian, corners: Floats) -> Booleans:
    distance, size = gaussian.within(corners)
    # farther out a cell may be as wide as half of its distance
    return np.asarray((size > np.maximum(WIDEST, 0.5 * (distance - 0.5 * size))) & (distance < FARTHEST + size))


def _meets(gaussian: Gaussian, corners: Floats) -> Booleans:
    """Cells in which a Gaussian has more than rounding."""
    distance, size = gaussian.within(corners)
    return np.asarray(distance < FARTHEST + size)


def _apart(function: Density, corners: Floats) -> Booleans:
    """Cells on which two rules differ about the integral."""
    found = []
    for rule in RULES:
        reference, weights = _dolfinx.quadrature_points(corners.shape[2], rule)
        points = np.moveaxis(barycentric(reference) @ corners, 2, 0)
        values = function(points.reshape(len(points), -1)).reshape(points.shape[1:])
        found.append(simplex_volumes(corners) * (values @ weights) / weights.sum())
    return np.asarray(np.abs(found[0] - found[1]) > UNRESOLVED * found[1].sum())


def representative(initial: Initial, problem: Problem) -> tuple[float, ...] | None:
    """A point with mass at the beginning, up to which a density that is not known has to be followed."""
    if isinstance(initial, AtPoint):
        return initial.point
    if isinstance(initial, Gaussian):
        return initial.mean
    points = support(initial, problem)
    if not points.shape[1]:
        return None
    if isinstance(initial, ByFormula):
        return tuple(points[:, int(np.argmax(_checked(initial)(points)))].tolist())
    middle = points.mean(axis=1, keepdims=True)
    return tuple(points[:, int(np.argmin(((points - middle) ** 2).sum(axis=0)))].tolist())
