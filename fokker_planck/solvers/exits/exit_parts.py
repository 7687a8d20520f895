"""Through which part of a target a process leaves, and how long that takes.

    L p_k = 0,   p_k = 1 on part k and 0 on the rest of the target;      L q_k = -p_k,   q_k = 0 on the target;

p_k is the probability to leave through part k, and q_k / p_k the mean time of those that do.
"""

from __future__ import annotations

from collections.abc import Mapping

import mpmath
import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.cell_products import by_cell
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.interpolation import interpolate
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.sets.shapes import Set
from fokker_planck.solvers.adaptivity.absorption import Stopped
from fokker_planck.solvers.condensation.condensed_solution import solution
from fokker_planck.solvers.condensation.elimination import DIGITS
from fokker_planck.solvers.condensation.states import Target
from fokker_planck.solvers.condensation.wells import Condensation, condense, well_nodes
from fokker_planck.solvers.setting.setting import Setting

ON_SURFACE = 1e-9
"""Of the width of the domain: a node of the target on the surface of a part belongs to it."""


def logs_of_parts(setting: Setting, end: Stopped, parts: Mapping[str, Set], start: Floats) -> list[float]:
    """log p_k and log q_k / p_k at the ``start`` (dim, 1), one after the other, for all ``parts`` of the target."""
    generator = end.generator
    discretization = generator.discretization
    members = members_of(discretization, end.absorbed, parts)
    rest = end.absorbed & ~np.any(list(members.values()), axis=0)
    targets = [*members.values(), *([rest] if rest.any() else [])]
    wells = well_nodes(discretization, setting.places, end.absorbed)
    condensed = condense(generator, wells, [Target(each) for each in targets], setting.relaxation_rate)
    return [log for number in range(len(parts)) for log in _of_part(condensed, number, start)]


def members_of(discretization: Discretization, absorbed: Booleans, parts: Mapping[str, Set]) -> dict[str, Booleans]:
    """The unknowns (N,) of the target in each part.

    Raises ``ProblemError`` for a part with none, and for parts that share some.
    """
    nodes = discretization.nodes.T
    taken, result = np.zeros(len(absorbed), dtype=bool), {}
    for name, part in parts.items():
        slope = np.linalg.norm(part.gradient(nodes), axis=0)
        inside = part.level(nodes) >= -ON_SURFACE * np.ptp(nodes, axis=1).max() * slope
        members = absorbed & inside
        if not members.any():
            raise ProblemError(f"exit.parts.{name}", "a set that holds no part of the target", "one that does")
        if (members & taken).any():
            raise ProblemError(
                f"exit.parts.{name}", "a set that shares some of the target with another", "disjoint parts"
            )
        taken |= members
        result[name] = members
    return result


def _of_part(condensed: Condensation, number: int, start: Floats) -> tuple[float, float]:
    """log p and log q/p at the start, for the target of that number."""
    generator, count = condensed.generator, len(condensed.wells)
    discretization = generator.discretization
    with mpmath.workdps(DIGITS):
        rates = condensed.rates()
        values = condensed.elimination().solve([rates[k][count + number] for k in range(count)])[:count]
        logs = [float(mpmath.log(value)) if value > 0 else -np.inf for value in values]
    on_targets = np.full(len(condensed.targets), -np.inf)
    on_targets[number] = 0.0
    relative, log = condensed.log_sum(np.append(logs, on_targets))
    top = float(log[relative > 0.0].max(initial=0.0))
    shifted = times_exp(relative, log - top)
    scaled = times_exp(relative, log - top - 0.5 * (generator.exponent - generator.lowest))
    loads = condensed.log_loads(by_cell(relative, log, discretization.dofs)) - top
    at_states, inside, scale = solution(condensed, generator.apply_mass(scaled), loads)
    probability = float(interpolate(discretization, shifted, start)[0])
    time = float(interpolate(discretization, condensed.nodal(at_states, inside), start)[0])
    log_probability = float(np.log(probability)) + top
    return log_probability, float(np.log(time) + scale + top) - log_probability
