"""Anisotropic problems: in which coordinates z = T x cells are to be as wide as long, and what flat cells cost."""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.types import CriticalPoint
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.stretch_of_flow import NARROW, from_mean, noise_amid


def stretch_of(setting: PotentialSetting) -> Floats | None:
    """T with T^T T the mean of |Hess Phi| over the minima and saddles, D^-1 without any; None where T is nearly round.

    A cell of size h in z then sees Phi change alike along all of its edges, in valleys that are narrow and turned, too.
    Where valleys of several directions meet the mean is rounder than each.
    """
    dimension = setting.problem.dimension
    if dimension == 1:
        return None
    points: list[CriticalPoint] = [*setting.landscape.minima, *setting.landscape.saddles]
    metrics = [metric for point in points if (metric := _curvature(point)) is not None]
    if not metrics and len(points) == len(setting.landscape.minima):
        metrics = [np.linalg.inv(noise_amid(setting.problem))]
    return from_mean(metrics)


def _curvature(point: CriticalPoint) -> Floats | None:
    """|Hess Phi|, None where a direction has no curvature to speak of."""
    if point.degenerate:
        return None
    eigenvalues, vectors = np.linalg.eigh(np.array(point.hessian))
    size = np.abs(eigenvalues)
    return np.asarray((vectors * size) @ vectors.T) if size.min() > 1e-12 * size.max() else None


def is_anisotropic(problem: Problem, mesh: Triangulation) -> bool:
    """Whether cells of the mesh are, or ought to be, much longer than wide: stretched, or so in the metric of D^-1."""
    if mesh.dimension == 1:
        return False
    if is_degenerate(problem):
        return mesh.stretch is not None  # there is no metric of D^-1
    extents = _extents(problem, mesh)
    noise = np.linalg.eigvalsh(noise_amid(problem))
    flat = max(extents[-1] / extents[0], float(np.sqrt(noise[-1] / noise[0])))
    return mesh.stretch is not None or bool(flat > NARROW)


def shared_error(problem: Problem, mesh: Triangulation) -> float:
    """What two degrees on one anisotropic mesh may have wrong in common, so that their difference does not show it.

    The share of the error budget, and rounding: the unit roundoff times the fastest rate D/h^2 at which a cell
    relaxes over the slowest D/L^2 of the domain, h and L measured by D^-1.
    """
    if not is_anisotropic(problem, mesh):
        return 0.0
    if is_degenerate(problem):
        return budget_of(problem).flat_cells
    corners = mesh.cell_points
    sides = corners[:, 1:] - corners[:, :1]
    inner = np.linalg.inv(sides)  # columns are the gradients of the barycentric coordinates
    gradients = np.concatenate([inner, -inner.sum(axis=2, keepdims=True)], axis=2)
    fastest = float(np.einsum("cim,ij,cjm->cm", gradients, noise_amid(problem), gradients).max())
    rounding = float(np.finfo(float).eps) * fastest * float(_extents(problem, mesh)[-1]) ** 2
    return max(budget_of(problem).flat_cells, rounding)


def _extents(problem: Problem, mesh: Triangulation) -> Floats:
    """How long the mesh is along the axes of D, measured by D^-1, ascending, (dim,)."""
    eigenvalues, vectors = np.linalg.eigh(noise_amid(problem))
    return np.sort(np.ptp(mesh.points @ vectors, axis=0) / np.sqrt(eigenvalues))
