"""Stationary density p = exp(-Phi) / Z of a process in detailed balance, and the weight of every well."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from fokker_planck.basin_map import BasinMap
from fokker_planck.basins import BasinMasses, basin_masses
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization, discretize
from fokker_planck.fem.field import Field
from fokker_planck.fem.meshing import domain_triangulation, resolved
from fokker_planck.fem.triangulation import Floats
from fokker_planck.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.accuracy import degree_of
from fokker_planck.solvers.results import Stationary, Statistics, WellWeight
from fokker_planck.solvers.setting import Setting, heights_between_wells, prepare


def stationary_density(problem: Problem) -> Stationary:
    """The density as a field, and the probability of the basin of attraction of every minimum."""
    started = time.perf_counter()
    setting = prepare(problem)
    degree = degree_of(problem)
    heights = replace(heights_between_wells(setting), fronts=())
    mesh = domain_triangulation(problem, {})
    if problem.resolution.cells is None:
        mesh = resolved(mesh, setting.balance.exponent, heights, degree, 0.1 * problem.resolution.tolerance)
    discretization = discretize(mesh, degree, problem.periods)
    masses = _masses(setting, discretization)
    total = float(np.logaddexp.reduce(masses.logs))
    wells = tuple(
        WellWeight(minimum.position, Quantity.of_log(float(log), float(error)))
        for minimum, log, error in zip(setting.wells.minima, *masses.shares, strict=True)
    )
    nodal = -setting.balance.exponent.value(discretization.nodes.T) - total
    statistics = Statistics(
        unknowns=discretization.count,
        cells=len(mesh.cells),
        degree=degree,
        levels=1,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.VERSION,
    )
    return Stationary(wells, Field("density", discretization, nodal, logarithm=True), statistics)


def _masses(setting: Setting, discretization: Discretization) -> BasinMasses:
    """The integral of exp(-Phi) over every basin."""
    exponent, landscape = setting.balance.exponent, setting.wells
    mesh = discretization.triangulation
    label = BasinMap(landscape, setting.downhill)
    count = len(landscape.minima)
    masses = basin_masses(
        mesh.points, mesh.cells, lambda x: -exponent.value(x), label, count, setting.problem.resolution.tolerance
    )
    if not discretization.comm.allreduce(len(discretization.curved.cells)):
        return masses
    lowest = setting.landscape.minima[0].value
    rim, logs = _beyond_straight_cells(setting, discretization, label, lowest), masses.logs.copy()
    seen = rim != 0.0
    logs[seen] += np.log1p(rim[seen] * np.exp(-logs[seen] - lowest))
    return replace(masses, logs=logs)


def _beyond_straight_cells(setting: Setting, discretization: Discretization, label: BasinMap, lowest: float) -> Floats:
    """What the curved cells add to the integrals over the straight ones, times exp(``lowest``)."""
    extra = np.zeros(len(setting.wells.minima))
    curved, cells = discretization.curved, discretization.map
    if len(curved.cells):
        exponent = setting.balance.exponent
        dimension = discretization.triangulation.dimension
        corners = discretization.triangulation.points[discretization.vertices[curved.cells]]
        points = cells.points[:, curved.cells]
        true = np.exp(lowest - exponent.value(points.reshape(dimension, -1))).reshape(points.shape[1:])
        reference = discretization.reference_points
        straight = np.einsum("nk,ckd->dcn", np.c_[1.0 - reference.sum(axis=1), reference], corners)
        plain = np.exp(lowest - exponent.value(straight.reshape(dimension, -1))).reshape(points.shape[1:])
        volume = cells.volume[curved.cells]
        difference = (true * volume - plain * volume / cells.stretch[curved.cells]).sum(axis=1)
        wells = label.roughly(np.ascontiguousarray(corners.mean(axis=1).T))
        np.add.at(extra, wells, difference)
    return np.asarray(discretization.comm.allreduce(extra))
