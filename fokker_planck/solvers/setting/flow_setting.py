"""What every question to a process without detailed balance needs once: its fixed points in a reference exponent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.fem.reference_exponent import Weighting
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.types import SHALLOWEST, numbered, states_of
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.classify import KnownDensity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.setting.passes_of_flow import passes_of_flow
from fokker_planck.solvers.setting.potential_steps import warn_of_steps

if TYPE_CHECKING:
    from fokker_planck.landscape.basins.membership import BasinMap
    from fokker_planck.landscape.newton.fixed_points import FixedPoint


@dataclass(frozen=True)
class FlowSetting:
    """A problem without detailed balance, in a reference exponent good enough below the energy cutoff ``ceiling``.

    ``attractors`` are the stable fixed points of the flow into wells (in a region that nothing of this kind
    attracts to, a limit cycle say, the density has its peaks without them), ``known`` tells whether psi is the
    exact exponent.  Where wells are asked for, ``unfound`` are places on walls that attract, but not as points.
    ``counted`` tells which attractors count for the question, see :mod:`~.energy_cutoff`, ``deep``
    how far below the lowest saddle a well is one state, see :mod:`~.deep_wells`; none if infinite.  ``for_little`` of
    the ceiling is there for what is next to nothing of a beginning.
    """

    problem: Problem
    weighting: Weighting
    attractors: tuple[FixedPoint, ...]
    saddles: tuple[FixedPoint, ...]
    ceiling: float
    known: bool
    unfound: tuple[Floats, ...] = ()
    counted: tuple[bool, ...] | None = None
    deep: float = np.inf
    for_little: float = 0.0

    @property
    def places(self) -> Floats:
        """Positions of the attractors that count for the question, (K, dim)."""
        counted = self.counted or (True,) * len(self.attractors)
        return self._positions([point for point, counts in zip(self.attractors, counted, strict=True) if counts])

    def _positions(self, points: Sequence[FixedPoint]) -> Floats:
        return np.array([point.position for point in points]).reshape(-1, self.problem.dimension)

    @property
    def stretch(self) -> Floats | None:
        """See :func:`stretch_of_flow`."""
        from fokker_planck.solvers.setting.stretch_of_flow import stretch_of_flow

        return stretch_of_flow(self.problem, (*self.attractors, *self.saddles))

    @property
    def key(self) -> str:
        """Of the problem, for what its wells come from."""
        return "drift"

    @property
    def exponent(self) -> Weighting:
        """What knows psi by its ``value``."""
        return self.weighting

    @property
    def relaxation_rate(self) -> float:
        """The slowest rate of settling at any attractor; where there is none, that of diffusion across the domain."""
        rates = [min(-value.real for value in point.eigenvalues) for point in self.attractors]
        lower, upper = self.problem.bounding_box()
        sizes = self.diffusion.tensor(self.problem.sample())
        across = (
            float(np.median(np.einsum("iin->n", sizes))) / len(sizes) * (np.pi / np.max(np.subtract(upper, lower))) ** 2
        )
        return max(min(rates, default=across), across)

    @property
    def diffusion(self) -> Any:
        """D(x) with its divergence."""
        return self.problem.process.field(self.problem.dimension)

    @property
    def state_places(self) -> tuple[tuple[float, ...], ...]:
        """The states of a chain between wells: the attractors that stand for one, in their order."""
        return tuple(self.attractors[k].position for k in sorted(set(self.states)))

    @property
    def state_uncertainties(self) -> tuple[float, ...]:
        """How far each may be from where the fixed point is: no more than rounding."""
        return (0.0,) * len(self.state_places)

    @property
    def state_numbers(self) -> tuple[int, ...]:
        """Their numbers, from 1, among all attractors."""
        return tuple(k + 1 for k in sorted(set(self.states)))

    def refuse_for_wells(self, question: str) -> None:
        """Raise ``ProblemError`` where the flow also ends on a wall, but in no point that is found; warn of steps."""
        from fokker_planck.solvers.boundaries.held_attractors import refuse_unfound

        kind = kinetics_of(self.problem)
        if isinstance(kind, KnownDensity):
            warn_of_steps(self.problem, kind)
        refuse_unfound(self.unfound, len(self.attractors), question)

    @cached_property
    def states(self) -> tuple[int, ...]:
        """For each attractor that of the state it belongs to: one less than a unit deep belongs to a deeper one."""
        places = self._positions(self.attractors)
        climbs = passes_of_flow(self.problem, self.weighting, places, self._positions(self.saddles))
        # behind its lowest pass a shallow well has all that is no higher before it: it is its nearest neighbour's
        apart = np.linalg.norm(places[:, None] - places, axis=2)
        joins = sorted(combinations(range(len(places)), 2), key=lambda pair: float(apart[pair]))
        bottoms = climbs.diagonal().tolist()
        return states_of(bottoms, joins, [float(climbs[pair]) for pair in joins], SHALLOWEST)

    @cached_property
    def basins(self) -> BasinMap | None:
        """The state that the flow leads to; None where there are not two of them."""
        if len(set(self.states)) < 2:
            return None
        from fokker_planck.solvers.setting.basins_of_flow import basins_of_flow

        fixed = (self.attractors, self.saddles)
        return basins_of_flow(self.problem, self.weighting, *fixed, numbered(self.states))
