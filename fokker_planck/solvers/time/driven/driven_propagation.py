"""A state carried through time by coefficients that depend on it: y' = -M^-1 A(t)^T y.

Between the times at which coefficients jump and stay what they are, by powers of a resolvent (:mod:`~.propagation`).
Where they change all the time, by powers for the first moment, in which a point or an edge at the beginning smooths
out, then by Radau's steps (:mod:`~.radau`), each once as a whole and once in halves: the halves go on, and what the two
differ by in total variation is an error of the state from then on, since no process moves two densities apart.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.driven_generator import DrivenGenerator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.solvers.time.evolving.propagation import ROUNDING, Propagation, largest_values
from fokker_planck.solvers.time.evolving.state import State
from fokker_planck.solvers.time.stepping.quick_times import QuickTimes
from fokker_planck.solvers.time.stepping.radau import Stepper, at_places, radau_nodes, stage_times

logger = logging.getLogger(__name__)

EVEN, EACH = 0.25, 2e-3
"""Of the tolerance: what all steps together may add, spread evenly in time, and what any one may."""
SWEPT, LEAST = 1e-2, 2e-14
"""Of what a step may add: to that its stages are solved; and what rounding leaves of the mass, at least."""
ORDER = 7
"""Of a step of four stages: by its power the next one is longer or shorter."""
SHORTEST, LONGEST, CAREFUL = 0.2, 3.0, 0.8
"""The next step over this one, at least and at most, and over the one that would just do."""
TOO_SHORT = 1e-12
"""Of the time: a step below it is of rounding."""
MOST_STEPS = 3000
"""On one mesh: some minutes on a line. A process that is driven through more periods is asked for its periodic
state."""
TOLD = 10
"""Times on the way, at which progress is told."""
SOON, FAR = 200, 3.0
"""Steps after which it is foreseen how many there will be, and how many times the most are refused then: what is narrow
and moves fast took 30 s."""
PARTS = (1, 2, 4)
"""Of the first moment, in which coefficients are constant: with the squares of their lengths extrapolated, order 6."""
FIRST, SHORTER, MOST_FIRST = 0.1, 0.25, 10
"""Of the tolerance, what the first moment may add; by how much shorter it is made where it adds more, how often."""
BEGIN = 0.1
"""Of the time so far, the first step: what is left of a point turns smoother by itself in as long."""
LOOKED_AT, SEEN = 24, 1e-2
"""Times in a step at which coefficients are looked at, and how far they may be from what the stages know of them."""


@dataclass
class DrivenPropagation:
    """From the ``load`` (N,) at the beginning on the ``free`` unknowns, ``functionals`` (n, N) asked, the mass first.

    ``absorbs`` says that mass may be lost.  ``probes`` (dim, m) are points at which coefficients are looked at,
    ``quick`` when steps have to be short.
    ``turning`` and ``marches`` are those of :class:`~.propagation.Propagation`.
    ``taken`` are the steps so far, when they began and how long they were, each in two halves.
    """

    driven: DrivenGenerator
    free: Booleans
    load: Floats
    functionals: Floats
    tolerance: float
    absorbs: bool
    turning: float
    probes: Floats
    quick: QuickTimes
    marches: bool = False
    off: float = field(default=0.0, init=False)
    steps: int = field(default=0, init=False)
    taken: list[tuple[float, float]] = field(default_factory=list, init=False)

    @property
    def size(self) -> Floats:
        """The mass of every unknown, in absolute value."""
        return np.abs(self.functionals[0])

    def states(self, times: Sequence[float]) -> list[State]:
        """At ascending ``times``."""
        found: list[State] = []
        load, here, latest = self.load, 0.0, times[-1]
        self.off, self.steps, self.taken = 0.0, 0, []
        for end in (*self.driven.schedule.breaks(latest), latest):
            wanted = [t for t in times if here < t <= end]
            go = self._constant if self.driven.schedule.steps else self._smooth
            vectors = go(load, here, [*wanted, end] if end not in wanted else wanted)
            found += [self.state(t, vectors[t]) for t in wanted]
            load, here = self.driven.reference.apply_mass(vectors[end]), end
        if self.off > self.tolerance:
            raise ConvergenceError(
                f"{self.steps} steps in time leave {self.off:.1e} of the mass at t = {latest:.3g}",
                "a looser tolerance, or earlier times",
            )
        return found

    def state(self, t: float, vector: Floats) -> State:
        """With its numbers, and what they are off by so far."""
        off = self.off
        offs = off * largest_values(self.driven.reference.discretization, self.functionals, vector)
        offs[0] = off
        return State(t, vector, vector, self.functionals @ vector, offs, off, off)

    def _kept(self, vector: Floats) -> Floats:
        """With the mass one where nothing absorbs, which rounding changes."""
        if self.absorbs:
            return vector
        mass = float(self.functionals[0] @ vector)
        self.off += ROUNDING * abs(1.0 - mass)
        return np.asarray(vector / mass)

    def _constant(self, load: Floats, start: float, times: Sequence[float]) -> dict[float, Floats]:
        """At ``times`` after ``start`` with the coefficients that hold in between."""
        found = {}
        spans = [t - start for t in times]
        powers = self._by_powers(load, 0.5 * (start + times[-1]), spans)
        for t, state in zip(times, powers, strict=True):
            found[t] = self._kept(state.vector)
        self.off += max(state.off_mass for state in powers)
        return found

    def _by_powers(self, load: Floats, frozen: float, spans: Sequence[float]) -> list[State]:
        generator = self.driven.at(frozen)
        nothing = np.zeros(len(load))
        propagation = Propagation(
            generator, self.free, load, self.functionals, nothing, self.tolerance, self.turning, self.marches
        )
        return propagation.states(spans)

    def _smooth(self, load: Floats, start: float, times: Sequence[float]) -> dict[float, Floats]:
        if start > 0.0:
            return self.by_steps(load, start, times)
        vector, here = self._first(load, times[0])
        later = [t for t in times if t > here]
        found = {} if here < times[0] else {here: vector}
        if later:
            found |= self.by_steps(self.driven.reference.apply_mass(vector), here, later)
        return found

    def by_steps(self, load: Floats, start: float, times: Sequence[float]) -> dict[float, Floats]:
        """At ``times`` after ``start`` from a ``load`` that is smooth; steps end where coefficients jump."""
        vector, here, found, told = None, start, {}, 0
        tau = BEGIN * (times[0] - start)
        breaks = [t for t in self.driven.schedule.breaks(times[-1]) if t > start]
        for end in sorted({*times, *breaks}):
            while here < end:
                step = min(tau, end - here)
                if 0.5 * (end - here) < step < end - here:
                    step = 0.5 * (end - here)
                step = self.quick.end(here, here + step) - here
                source = load if vector is None else self.driven.reference.apply_mass(vector)
                vector, here, tau = self._step(source, here, step, times[-1], tau)
                if (share := int(TOLD * here / times[-1])) > told:
                    told = share
                    logger.debug("t = %.3g of %.3g, %d steps", here, times[-1], self.steps)
            assert vector is not None
            found[end] = vector
        return found

    def _step(self, load: Floats, t: float, step: float, latest: float, before: float) -> tuple[Floats, float, float]:
        """The vector after a step of at most ``step``, where it ends, and how long the next one may be."""
        stepper = Stepper(self.driven, self.free, self.size)
        shorter = False
        while True:
            self.steps += 1
            foreseen = self.steps * latest / max(t, TOO_SHORT * latest)
            hopeless = self.steps > SOON and foreseen > FAR * MOST_STEPS
            if self.steps > MOST_STEPS or hopeless or step < TOO_SHORT * latest:
                raise ConvergenceError(
                    f"steps in time at t = {t:.3g} are {step:.1e} long, and {self.steps} were not enough: some "
                    f"{foreseen:.0e} would be",
                    "a looser tolerance, earlier times, coefficients that change less often, or their periodic state",
                )
            allowed = self.tolerance * max(EVEN * step / latest, EACH)
            apart, vector = np.inf, None
            if self._seen(t, step):
                apart, vector = self._halves(stepper, load, t, step, max(SWEPT * allowed, LEAST))
            growth = CAREFUL * (allowed / max(apart, 1e-300)) ** (1.0 / (ORDER + 1))
            if vector is not None and apart <= allowed:
                self.off += apart
                self.taken.append((t, step))
                longer = max(step * min(max(growth, SHORTEST), LONGEST), 0.0 if shorter else min(before, 4.0 * step))
                return self._kept(vector), t + step, longer if growth > 1.0 else step * max(growth, SHORTEST)
            shorter = True
            step *= min(max(growth, SHORTEST), 0.5)

    def _halves(
        self, stepper: Stepper, load: Floats, t: float, step: float, enough: float
    ) -> tuple[float, Floats | None]:
        """The state after two halves of a step, and how far that of the whole is from it.

        The stages of the whole are a guess of those of the halves, which take a third of the sweeps from there.
        """
        whole = stepper.stages(load, t, step, enough)
        if whole is None:
            return np.inf, None
        places = radau_nodes().places
        first = stepper.stages(load, t, 0.5 * step, enough, at_places(whole, 0.5 * places))
        if first is None:
            return np.inf, None
        middle = self.driven.reference.apply_mass(first[-1])
        second = stepper.stages(middle, t + 0.5 * step, 0.5 * step, enough, at_places(whole, 0.5 + 0.5 * places))
        if second is None:
            return np.inf, None
        return float(self.size @ np.abs(second[-1] - whole[-1])), np.asarray(second[-1])

    def _seen(self, t: float, step: float) -> bool:
        """Whether the stages of the halves know the coefficients between them, where these are not next to nothing."""
        places, half = radau_nodes().places, 0.5 * step
        between = (np.arange(LOOKED_AT) + 0.5) / LOOKED_AT
        powers = np.arange(len(places))
        through = between[:, None] ** powers @ np.linalg.inv(places[:, None] ** powers)
        for start in (t, t + half):
            stages, others = stage_times(start, half), start + half * between
            both = zip(self._coefficients(stages), self._coefficients(others), (1.0, self.quick.unit), strict=False)
            for known, there, unit in both:
                large = max(float(np.abs(known).max()), self.tolerance * unit)
                if (np.abs(through @ known - there) > SEEN * large).any():
                    return False
        return True

    def _coefficients(self, times: Floats) -> list[Floats]:
        """At times (n,) the factor of the noise, (n, 1), and by how much U differs between the probes, (n, m)."""
        schedule = self.driven.schedule
        found = [schedule.factor(times)[:, None]]
        if schedule.potential is not None:
            values = np.array([schedule.value(self.probes, t) for t in times])
            found.append(values - values[:, :1])
        return found

    def _first(self, load: Floats, earliest: float) -> tuple[Floats, float]:
        """What has become of the beginning after some moment, and when that is.

        In one, two and four parts, each with the coefficients in its middle, extrapolated in the squares of their
        lengths: by what the last extrapolation changes the state can be off.
        """
        span = self.quick.end(0.0, earliest)
        for _ in range(MOST_FIRST):
            rows: list[list[Floats]] = []
            for parts in PARTS:
                row = [self._in_parts(load, span, parts)]
                for back, before in enumerate(rows[-1] if rows else []):
                    ratio = (parts / PARTS[len(rows) - 1 - back]) ** 2
                    row.append(row[-1] + (row[-1] - before) / (ratio - 1.0))
                rows.append(row)
            apart = float(self.size @ np.abs(rows[-1][-1] - rows[-1][-2]))
            if apart <= FIRST * self.tolerance:
                self.off += apart
                return self._kept(rows[-1][-1]), span
            span *= SHORTER
        raise ConvergenceError(
            f"coefficients change by {apart:.1e} of the mass within t = {span:.1e}",
            "a later first time, or coefficients that change less at the beginning",
        )

    def _in_parts(self, load: Floats, span: float, parts: int) -> Floats:
        """At the time ``span``, with constant coefficients in each of its ``parts``."""
        length, vector = span / parts, None
        for number in range(parts):
            source = load if vector is None else self.driven.reference.apply_mass(vector)
            (state,) = self._by_powers(source, (number + 0.5) * length, [length])
            vector = state.vector
        assert vector is not None
        return vector
