"""A state carried through time: exp(t L*) of a load, by powers of a resolvent, and by slow modes where these are left.

    p(t) = p_inf + sum_j exp(-lambda_j t) z_j int p_0 u_j / int u_j z_j

from the time on at which all modes that are not known have died out; where the two meet they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.time.evolving.state import RoundedError, State
from fokker_planck.solvers.time.stepping.marching import March
from fokker_planck.solvers.time.stepping.semigroup import (
    LEFT_OUT,
    MORE_POWERS,
    POWERS,
    coefficients,
    pole_for,
    powers_for,
    resolvent,
)
from fokker_planck.solvers.time.stepping.single_pole import Steps
from fokker_planck.solvers.time.survival.slow_deviation import AGREE, SETTLED, SlowPart
from fokker_planck.solvers.time.survival.survival_function import QUARTER, times_of_turning
from fokker_planck.solvers.time.survival.survival_steps import LAST, ROUNDED

LADDER = (POWERS, MORE_POWERS, 160)
"""Powers of the resolvent: more where a drift turns fast. With 160 a linear drift that turns 5 times as fast as it
attracts is right to 5e-11; steps are for those that turn faster, or fall from high up."""
ENOUGH = 1e-3
"""Of the tolerance, what the series may leave out before more powers are taken."""
LEAST = 2e-14
"""Of the mass, which is rounding."""
UNIT = 2.0**-53
"""Relative rounding of a number."""
OF_SOLVES = 1e-9
"""Twice what rounding of solves was seen to change of the mass, 5e-10 at barrier 500: where that, times as much as the
powers grow, is little beside the tolerance, no second resolvent looks for it. In space that is half of the time."""
MOST_ROUNDED = 1e-6
"""Of the mass, by which rounding may be beyond the tolerance where steps have no less of it: that is in the bars then.
Of starts beside a saddle 1e-9 and 2e-8 were seen; what grows further is refused."""
OTHER, ROUNDING = 0.9, 5.0
"""Of the pole, for a second resolvent, and of the difference that it makes: rounding of both is alike."""


@dataclass
class Propagation:
    """From the ``load`` (N,) of what is there at the beginning, on the ``free`` unknowns.

    ``functionals`` (n, N) are asked of every state, the mass first; ``size`` (N,) is that in absolute values.
    ``stationary`` (N,) is zero where the process is absorbed.  ``turning`` is the largest c . D^-1 c of the current's
    velocity c: |Im lambda|^2 <= turning Re lambda; where noise vanishes in some direction ``marches``, and the fastest
    frequency of the flow.
    """

    generator: Generator
    free: Booleans
    load: Floats
    functionals: Floats
    stationary: Floats
    tolerance: float
    turning: float = 0.0
    marches: bool = False
    slow: SlowPart | None = None
    off_where_they_meet: float = 0.0
    rung: int = field(default=0)
    by_steps: bool = field(default=False)

    @property
    def absorbs(self) -> bool:
        """Whether mass is lost."""
        return not self.stationary.any()

    @property
    def size(self) -> Floats:
        """The mass of every unknown, in absolute value."""
        return np.abs(self.functionals[0])

    def states(self, times: Sequence[float]) -> list[State]:
        """At ascending ``times``."""
        slow = self.slow
        early = [t for t in times if slow is None or t < slow.start]
        if early and not self.marches:
            self.by_steps = self.by_steps or not self._turns_slowly_before(early[-1])
        found = self.by_powers(early)
        if slow is not None:
            found += [self._late(slow, t) for t in times if t >= slow.start]
        return found

    def _turns_slowly_before(self, latest: float) -> bool:
        """Whether powers follow the state as fast as it turns before a time.

        Of a mode that turns much faster than it decays a resolvent at a late time leaves nothing, as if it had died
        out, and no term of the series tells.  At some earlier time it does: the powers grow.  Before 1/``turning`` what
        is left of any mode has not turned.
        """
        for t in times_of_turning(latest, self.turning):
            if max(state.cut_short for state in self._followed([t])) > self.tolerance:
                return False
        return True

    def with_slow(self, slow: SlowPart, latest: float) -> None:
        """Believe the slow part from some time before the ``latest`` on, if powers or steps give the same there.

        Powers are asked where all other modes must have died out.  The work of steps grows with the time, and they try
        earlier ones first: no process moves two densities apart, so that what is the same once is so ever after.
        """
        whole = self.stationary
        for t in slow.meetings(latest, early=self.marches):
            there = self._marched(t) if self.marches else self.by_powers([t])[0].vector
            apart = float(self.size @ np.abs(there - whole - slow.deviation(t)))
            if self.slow is not None and apart > SETTLED * self.off_where_they_meet:
                break
            if apart < AGREE:
                self.slow, self.off_where_they_meet = replace(slow, start=t), apart

    def _late(self, slow: SlowPart, t: float) -> State:
        deviation = slow.deviation(t)
        off = self.off_where_they_meet * float(np.exp(-np.exp(slow.logs[0].real) * (t - slow.start)))
        largest = np.abs(self.functionals).max(axis=1) / max(float(self.size.max()), 1e-300)
        vector, lost = self._with_all_mass(deviation + self.stationary)
        if not self.absorbs:
            deviation = deviation - (self.functionals[0] @ deviation) * self.stationary
        rounded = ROUNDED * (np.abs(self.functionals) @ np.abs(vector))
        values = self.functionals @ vector
        whole = off + lost + float(rounded[0])
        return State(t, vector, deviation, values, off * largest + rounded, whole, off, by_modes=True)

    def by_powers(self, times: Sequence[float]) -> list[State]:
        """The same without slow modes: what serves one time, a resolvent or steps of one length, serves all within a
        factor of four.

        Where powers do not serve, steps do, from the state before.
        """
        found: list[State] = []
        for together in _quarters(times):
            found += self._stepped(together) if self.marches else self._reached(together, found)
        return found

    def _reached(self, times: Sequence[float], before: Sequence[State]) -> list[State]:
        """By powers from the beginning, or from the last state ``before``, or by steps."""
        refused: ConvergenceError | None = None
        if not self.by_steps:
            try:
                return self._block(times)
            except ConvergenceError as error:
                refused = error
        if not before:
            try:
                return self._in_steps(times)
            except ConvergenceError as error:
                if isinstance(refused, RoundedError) and refused.rounded <= MOST_ROUNDED and not self.absorbs:
                    return refused.states
                raise refused or error from None
        last = before[-1]
        rest = replace(self, load=self.generator.apply_mass(last.vector), slow=None)
        return [self._after(last, state) for state in rest.by_powers([t - last.time for t in times])]

    def _after(self, last: State, state: State) -> State:
        """A state that another one has become, with the errors of both: no process moves two densities apart."""
        largest = largest_values(self.generator.discretization, self.functionals, state.vector)
        return replace(
            state,
            time=last.time + state.time,
            off=state.off + last.off_mass * largest,
            off_mass=last.off_mass + state.off_mass,
            off_deviation=last.off_deviation + state.off_deviation,
        )

    def _in_steps(self, times: Sequence[float]) -> list[State]:
        steps = Steps(self.generator, self.free, self.load, self.size, self.turning)
        stepped = steps.to(times, max(ENOUGH * self.tolerance, LEFT_OUT), self.tolerance)
        found = []
        for t, vector, apart in zip(times, stepped.vectors, stepped.apart, strict=True):
            vector, lost = self._with_all_mass(vector)
            lost = LEFT_OUT + ROUNDING * lost
            off = np.abs(self.functionals) @ (apart + lost * np.abs(vector))
            off_mass = float(self.size @ apart) + lost
            values = self.functionals @ vector
            found.append(State(t, vector, vector - self.stationary, values, off, off_mass, off_mass))
        return [self._leaking(state) for state in found] if self.absorbs else found

    def _marched(self, t: float) -> Floats:
        """The vector at a time, (N,), by steps of one length."""
        return self._with_all_mass(self._march().to(t, [t]).vectors[t])[0]

    def _march(self) -> March:
        # |error|_1 <= |error|_M |1|_M
        whole = float(np.sqrt(self.size.sum() * self.size.max() / np.abs(self.generator.constant).max()))
        enough = ENOUGH * self.tolerance / max(whole, 1e-300)
        return March(self.generator, self.free, self.load, self.functionals, self.turning, enough, adjoint=True)

    def _stepped(self, times: Sequence[float]) -> list[State]:
        both = self._march().twice(times[-1], times)
        coarse, fine = both.coarse, both.fine
        found = []
        for t in times:
            vector, lost = self._with_all_mass(fine.vectors[t])
            apart = np.abs(self._with_all_mass(coarse.vectors[t])[0] - vector) + np.abs(fine.changes[t])
            own = np.abs(self.functionals) @ np.abs(vector)
            off = np.abs(self.functionals) @ apart + (LEFT_OUT + lost) * own
            off_mass = float(self.size @ apart) + LEFT_OUT + lost
            if off_mass > self.tolerance:
                raise ConvergenceError(
                    f"steps and steps of half the length differ by {off_mass:.1e} of the mass at t = {t:.3g}",
                    "a looser tolerance, or a beginning nearer to where the process rests",
                )
            values = self.functionals @ vector
            found.append(State(t, vector, vector - self.stationary, values, off, off_mass, off_mass))
        return found

    @cached_property
    def _ladder(self) -> tuple[int, ...]:
        """Powers of the resolvent: at first as few as the tolerance takes, where solves take time.

        In the plane not where something turns: there 40 are not much, and fewer are often too few.
        """
        dimension = self.generator.discretization.triangulation.dimension
        if dimension == 1 or (dimension == 2 and not self.generator.symmetric):
            return LADDER
        return tuple(dict.fromkeys((powers_for(max(ENOUGH * self.tolerance, LEFT_OUT)), *LADDER)))

    def _followed(self, times: Sequence[float]) -> list[State]:
        """By as many powers as the times take, or by the most there are."""
        for rung in range(self.rung, len(self._ladder)):
            found = self._by(self._ladder[rung], times)
            self.rung = rung
            if max(state.cut_short for state in found) <= max(ENOUGH * self.tolerance, LEFT_OUT):
                break
        return found

    def _block(self, times: Sequence[float]) -> list[State]:
        found = self._followed(times)
        worst = max(state.cut_short for state in found)
        if worst <= self.tolerance:
            rounds = self._rounds(max(state.grown for state in found))
            found = self._with_rounding(found, self._ladder[self.rung]) if rounds else found
            if max(state.off_mass for state in found) > self.tolerance:
                raise RoundedError(found, times[-1])
        if worst > self.tolerance:
            powers = self._ladder[self.rung]
            raise ConvergenceError(
                f"{powers} powers of the resolvent leave {worst:.1e} of the mass at t = {times[-1]:.3g}",
                "earlier times, or a drift that turns less between them",
            )
        return [self._leaking(state) for state in found] if self.absorbs else found

    def _rounds(self, grown: float) -> bool:
        """Whether rounding has to be seen by another resolvent, which on a line costs next to nothing."""
        if self.generator.discretization.triangulation.dimension == 1:
            return True
        little = OF_SOLVES * max(grown, 1.0) <= ENOUGH * self.tolerance
        return not little and (self.absorbs or not self.generator.symmetric)

    def _with_rounding(self, found: Sequence[State], powers: int) -> list[State]:
        """What rounding of the solves does where no mass tells, or powers may grow: by another resolvent."""
        others, result = self._by(powers, [state.time for state in found], OTHER), []
        for state, other in zip(found, others, strict=True):
            apart = state.vector - other.vector
            off = np.maximum(state.off, ROUNDING * np.abs(self.functionals @ apart))
            mass = max(state.off_mass, ROUNDING * float(self.size @ np.abs(apart)))
            result.append(replace(state, off=off, off_mass=mass, off_deviation=mass))
        return result

    def _by(self, powers: int, times: Sequence[float], other: float = 1.0) -> list[State]:
        r = other * pole_for(times[-1], powers)
        inverse = resolvent(self.generator, self.free, r)
        weights = np.array([coefficients(t, r, powers) for t in times])
        vectors = np.zeros((len(times), len(self.load)))
        values, sizes = [], []
        for number, power in enumerate(inverse.series(self.load, powers, adjoint=True)):
            vectors += weights[:, number, None] * power
            values.append(self.functionals @ power)
            sizes.append(float(self.size @ np.abs(power)))
        asked, sizes_of = np.array(values), np.array(sizes)
        found = []
        for t, c, vector in zip(times, weights, vectors, strict=True):
            own = np.abs(self.functionals) @ np.abs(vector)
            terms, masses = np.abs(c[:, None] * asked), np.abs(c) * sizes_of
            off = np.max([LEFT_OUT * own, terms[-LAST:].max(axis=0), ROUNDED * terms.max(axis=0)], axis=0)
            cut_short = float(masses[-LAST:].max())
            vector, lost = self._with_all_mass(vector)
            lost = ROUNDING * lost
            off_mass = float(max(LEFT_OUT, cut_short, ROUNDED * masses.max(), lost))
            off = np.maximum(off, lost * own)
            means = self.functionals @ vector
            deviation, grown = vector - self.stationary, float(sizes_of.max())
            found.append(State(t, vector, deviation, means, off, off_mass, off_mass, cut_short, grown=grown))
        return found

    def _leaking(self, state: State) -> State:
        """With what rounding of the element matrices lets leak, at most, which no second resolvent sees.

        On a line of 100 cells of degree 6 it was 1.4e-11 of the mass in a unit of time, for 9e-11 here.
        """
        there = float(self.size @ np.abs(state.vector))
        leaked = state.time * UNIT * float(np.abs(state.vector) @ self._largest_flows)
        own = np.abs(self.functionals) @ np.abs(state.vector)
        mass = max(state.off_mass, leaked)
        return replace(
            state, off=np.maximum(state.off, leaked / max(there, 1e-300) * own), off_mass=mass, off_deviation=mass
        )

    @cached_property
    def _largest_flows(self) -> Floats:
        return self.generator.apply_elements(np.abs(self.generator.stiffness), np.abs(self.generator.constant))

    def _with_all_mass(self, vector: Floats) -> tuple[Floats, float]:
        """With the mass one, which rounding of every solve changes, by 1e-11 as a rule and 5e-10 at barrier 500.

        What is slow does not decay: rounding adds up there alone, in every well in proportion to what it holds.
        """
        if self.absorbs:
            return vector, 0.0
        mass = float(self.functionals[0] @ vector)
        return vector / mass, abs(1.0 - mass)


def largest_values(discretization: Discretization, functionals: Floats, vector: Floats) -> Floats:
    """The largest that ``functionals`` (n, N) ask of a unit of mass, (n,), wherever a vector (N,) has some.

    Cell by cell: the mass of one unknown may be next to nothing, or negative, and what is asked of it is not.
    """
    size, dofs = np.abs(functionals[0]), discretization.dofs
    there = dofs[(np.abs(vector) * size > LEAST)[dofs].any(axis=1)]
    whole = np.maximum(size[there].max(axis=1), 1e-300)
    found = [float((np.abs(each)[there].max(axis=1) / whole).max(initial=0.0)) for each in functionals]
    return np.array(discretization.comm.allreduce(np.array(found), op=MPI.MAX))


def _quarters(times: Sequence[float]) -> Iterator[list[float]]:
    """Ascending ``times`` in parts, those of each within a factor of four, the latest as many as can be."""
    left, parts = list(times), []
    while left:
        parts.append([t for t in left if t > left[-1] / QUARTER])
        left = left[: len(left) - len(parts[-1])]
    yield from parts[::-1]
