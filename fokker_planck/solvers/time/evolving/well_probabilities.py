"""Probabilities of wells, basins of attraction, of densities that change in time.

Cells in one basin count as they are; those beside a separatrix are cut along it.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.cell_weights import cells_with_nodal_weight
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.density_samples import Samples
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.basins.basin_integrals import basin_masses
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.basins.separatrix import Separatrices, labelled, near_separatrix, separatrices
from fokker_planck.landscape.types import numbered
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import Setting

LEAST = 1e-16
"""Of the largest density, which stands for less beside a separatrix, where logarithms are asked for."""


@dataclass(frozen=True)
class Wells:
    """The ``minima`` (K, dim) of the states, and the curves between their basins; None for a single one."""

    minima: tuple[tuple[float, ...], ...]
    between: Separatrices | None
    tolerance: float

    def on(self, discretization: Discretization) -> WellsOnMesh | None:
        """What is needed on one mesh; None for a single well, which holds all."""
        if self.between is None:
            return None
        mesh = discretization.triangulation
        labels, between = labelled(mesh.points, mesh.cells, self.between)
        return WellsOnMesh(self, labels, between, near_separatrix(mesh.cells, labels))


def wells_of(setting: Setting) -> Wells:
    """The states of a setting that was prepared for wells."""
    budget, count = budget_of(setting.problem), len(set(setting.states))
    if isinstance(setting, PotentialSetting):
        places = [minimum.position for minimum in setting.wells.minima]
        label: BasinMap | None = BasinMap(setting.wells, setting.downhill, budget.flow, numbered(setting.states))
    else:
        places = [point.position for point in setting.attractors]
        label = setting.basins
    minima = tuple(tuple(places[state]) for state in sorted(set(setting.states))) if places else ()
    if count < 2 or label is None:
        return Wells(minima, None, setting.problem.resolution.tolerance)
    return Wells(minima, separatrices(label, setting.problem.dimension, budget.curves), budget.tolerance)


@dataclass(frozen=True)
class WellsOnMesh:
    """The basin of every vertex, ``labels``, and the cells ``near`` a separatrix."""

    wells: Wells
    labels: Integers
    between: Separatrices
    near: Booleans

    def probabilities(self, samples: Samples, density: Floats, nodal: Floats) -> tuple[Floats, Floats]:
        """Of a density by its values (cells, q) and at the nodes (N,): what every basin holds, and errors, (K,)."""
        discretization, mesh = samples.discretization, samples.discretization.triangulation
        count = len(self.wells.minima)
        own = self.labels[mesh.cells[:, 0]][discretization.cells]
        whole = ~self.near[discretization.cells]
        amounts = (density * samples.volume).sum(axis=1)
        held = np.bincount(own[whole], amounts[whole], count)
        held = np.maximum(np.asarray(discretization.comm.allreduce(held)), 0.0)
        floor = LEAST * float(np.abs(nodal).max())
        logs = np.log(np.maximum(nodal, floor))
        vertices, weighted = cells_with_nodal_weight(discretization, logs[discretization.dofs], self.near)
        with np.errstate(divide="ignore"):
            beside = np.log(held)
        known = (self.labels, self.between)
        label, tolerance = self.between.label, self.wells.tolerance
        found = basin_masses(mesh.points, vertices, weighted, label, count, tolerance, beside, known)
        masses = np.exp(found.logs)
        return masses, found.errors * masses
