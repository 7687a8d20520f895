"""The density over its reference, rho = e^psi p Z: the left kernel of the generator, one with detailed balance."""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.one_sided import values_in_cells
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.adaptivity.initial_mesh import surfaces
from fokker_planck.solvers.condensation.slowest_mode import Looked
from fokker_planck.solvers.condensation.wells import Condensation, condense, well_nodes
from fokker_planck.solvers.setting.flow_setting import FlowSetting

LEAST = 1e-300
"""Stands for a rho or a share that is no double any more."""
FARTHEST = 4.0
"""Of log rho from its value where the density is largest: the exponent follows the density to less where it counts, and
beyond rho is noise."""


@dataclass(frozen=True)
class DensityRatio:
    """rho = e^psi p Z at the nodes, (N,), with log Z; weights relative to the lowest exponent.

    ``exponent`` (cells, n) is psi as every cell sees it, where it may jump between cells.
    """

    condensed: Condensation
    rho: Floats
    log_whole: float
    exponent: Floats | None = None

    @property
    def generator(self) -> Generator:
        """What it was computed with."""
        return self.condensed.generator

    @property
    def log_density(self) -> Floats:
        """log p at the nodes, (N,); minus psi where rho is lost, so far out that nothing rests on it."""
        return self.log_weight - self.generator.exponent

    @property
    def log_density_by_cell(self) -> Floats | None:
        """log p at the nodes of every cell, (cells, n), where it may jump between cells."""
        if self.exponent is None:
            return None
        return np.asarray(self.log_weight[self.generator.discretization.dofs] - self.exponent)

    @property
    def log_weight(self) -> Floats:
        """log rho - log Z at the nodes, (N,), rho held to what it can be where something rests on it."""
        typical = float(self.rho[np.argmin(self.generator.exponent)])
        rho = np.clip(self.rho / typical, np.exp(-FARTHEST), np.exp(FARTHEST))
        return np.asarray(np.log(rho) + np.log(typical) - self.log_whole)


def density_ratio(setting: FlowSetting, discretization: Discretization, looked: Looked | None = None) -> DensityRatio:
    """Solve for rho on one mesh; ``looked`` tells of those before that it may be there to verify."""
    generator = assemble(discretization, setting.weighting)
    wells = well_nodes(discretization, setting.places)
    cuts = surfaces(discretization, wells, setting.places, np.zeros(discretization.count, dtype=bool))
    condensed = condense(generator, wells, [], setting.relaxation_rate, cuts, looked)
    rho = condensed.density_ratio()
    whole = float((rho * generator.constant) @ condensed.load)
    exponent, weighting = None, setting.weighting
    if isinstance(weighting, KnownWeight) and hasattr(weighting.exponent, "seen_from"):
        exponent = values_in_cells(weighting.exponent, discretization.cell_nodes, discretization.corners)
    return DensityRatio(condensed, rho, float(np.log(whole)) - generator.lowest, exponent)


def modes_of_shares(ratio: DensityRatio, labels: Integers, shares: Floats) -> list[Mode]:
    """For every basin rho, and u with a(u, v) = m(1_basin - P, v): its error times that of rho is that of P Z."""
    condensed, generator = ratio.condensed, ratio.generator
    dofs = generator.discretization.dofs
    height = 0.5 * (generator.exponent - generator.lowest)
    whole = float(np.exp(ratio.log_whole + generator.lowest))
    result = []
    loads = np.array([((labels == basin) - share) * generator.constant for basin, share in enumerate(shares)])
    loads = generator.apply_mass(loads)
    inside = times_exp(condensed.solve_inside(loads), height)
    at_states, by_cell = _at_states(condensed, loads), condensed.by_cell()
    for basin, share in enumerate(shares):
        right = condensed.cell_values(at_states[basin], inside[basin], by_cell)
        log = float(np.log(max(float(share), LEAST) * whole))
        result.append(Mode(right, ratio.rho[dofs], log_whole=log))
    return result


def _at_states(condensed: Condensation, loads: Floats) -> Floats:
    """u at the wells for loads (n, N), (n, K): none at the likeliest of them."""
    import mpmath

    result = np.zeros((len(loads), len(condensed.wells)))
    if result.shape[1] < 2:
        return result
    amounts = condensed.left_potentials @ loads.T
    with mpmath.workdps(condensed.digits()):
        weights = condensed.stationary_weights()
        likeliest = max(range(len(weights)), key=lambda k: weights[k])
        kept = [k for k in range(len(weights)) if k != likeliest]
        half, matrix = condensed.half_weights(), condensed.reduced_generator()
        system = mpmath.matrix(len(kept), len(kept))
        for i, k in enumerate(kept):
            for j, m in enumerate(kept):
                system[i, j] = matrix[k, m]
        for number, row in enumerate(result):
            right = mpmath.matrix([mpmath.mpf(float(amounts[k, number])) * half[k] for k in kept])
            row[kept] = [float(value) for value in mpmath.lu_solve(system, right)]
    return result
