"""The exponent of the stationary density on a line: Psi' = (D' - b) / D, which has an integral whatever b and D are.

With the noiseless drift a, b = a + alpha D', this is ``Psi = (1 - alpha) log D + Phi`` with ``Phi' = -a / D``: the
effective potential Phi does not depend on the interpretation, and no derivative of D enters a value.

Next to an end at which D vanishes or the drift is infinite, the weight exp(-Psi) and the scale density exp(Psi) / D are
singular, some of them without an integral. In the last stretch there both are constants with the same integrals.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus.antiderivative import Antiderivative, antiderivative
from fokker_planck.model.bounds.line_boxes import LineBoxes, line_boxes
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.ends.line_ends import LineEnd, line_ends
from fokker_planck.model.process import Overdamped, Process, alpha_of
from fokker_planck.model.reversibility.field_with_ends import FieldWithEnds
from fokker_planck.model.reversibility.thin_layers import refuse_thin_layers
from fokker_planck.quantity.light_dataclasses import dataclass

SAMPLES = 2001
"""Of D between the ends: zeros narrower than that are found by the bounds of formulas, in callables not at all."""
VANISHING = 1e-13
"""Of the largest D, below which it is zero or, with the other sign, still not negative: rounding of a difference of
terms."""
WINDING = 1e-10
"""The same as for a net force: around a ring Psi returns to its value up to the rounding of its integral."""
# V and D are compared at this distance from a kink, in units of the domain, and jump if they change by more than JUMP
STEP, JUMP = 1e-10, 1e-6
ASIDE, NEARBY, LITTLE = 1e-14, 1e-9, 1e-5
"""Of the domain, how far beside a jump its sides are read, and beside a low place D is looked at again; of the largest
D, how little that must be: next to a zero like |x| it is 1e-9, like |x|^(1/2), whose inverse is integrable, 3e-5."""
ROUNDING = 8.0 * np.finfo(float).eps
"""Of the largest coordinate: what places are known to, which may be more than ``ASIDE``."""
GOLDEN, SECTIONS = 0.6180339887498949, 75
"""The golden section, and how many leave 2e-16 of a bracket around the least D. All brackets at once: a formula with
6,500 kinks took 20 s of CPU one after the other."""
# Where a coefficient is a power of the distance to an end, intervals in which it hardly changes are a tenth to a third
# of that distance.
OF_DISTANCE = 0.03


@dataclass(frozen=True)
class LineExponent:
    """Psi on [lower, upper], least value about zero, with Psi' = (D' - b) / D.

    In the last stretch next to a singular end, see :mod:`~.line_ends`, it is the constant that gives
    ``int exp(-Psi)`` its value; where that is infinite, the value at the edge of the stretch.

    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> from fokker_planck.model.diffusion.state_dependent import Hessian
    >>> well = Overdamped(Potential("(x**2 - 1)**2/4"), Hessian(1.0, floor=0.5), "klimontovich")
    >>> psi = LineExponent(well, -2.0, 2.0)
    >>> round(float(np.diff(psi.value(np.array([[-1.0, 0.0]])))[0]), 14)     # closed form: 0.34073206782338266
    0.34073206782338
    """

    process: Process
    lower: float
    upper: float
    period: float | None = None

    @cached_property
    def field(self) -> DiffusionField:
        """D as it is given."""
        return self.process.field(1)

    @cached_property
    def diffusion(self) -> DiffusionField:
        """D, next to a singular end the constant that gives ``int exp(Psi) / D`` its value."""
        return FieldWithEnds(self.field, self.ends) if self.ends else self.field

    @cached_property
    def kinks(self) -> tuple[float, ...]:
        """Inner points between which the coefficients are known to be smooth."""
        return self.process.kinks(self.lower, self.upper)

    @cached_property
    def steps(self) -> tuple[tuple[float, float], ...]:
        """Where V jumps, and by how much Psi does: (V+ - V-)/D."""
        return _steps(self)

    @cached_property
    def boxes(self) -> LineBoxes | None:
        """Intervals in which drift and noise hardly change; None where one of them is a function, which is sampled.

        Without those next to a singular end that are as wide as a power of the distance to it asks for: meshes are
        graded towards such ends anyway.
        """
        found = line_boxes(self.process, *self._inner, self.kinks)
        if found is None or not self.ends:
            return found
        middles = 0.5 * (found.lower + found.upper)
        distance = np.min([np.abs(middles - end.place) for end in self.ends], axis=0)
        some = found.widths < OF_DISTANCE * distance
        beside = np.min([np.abs(found.doubtful - end.place) for end in self.ends], axis=0)
        doubtful = found.doubtful[beside > NEARBY * (self.upper - self.lower)]
        return LineBoxes(found.lower[some], found.upper[some], doubtful, found.unproved)

    @cached_property
    def narrow(self) -> Floats:
        """Ends of intervals narrower than the panels and samples that one begins with."""
        width = (self.upper - self.lower) / SAMPLES
        return self.boxes.narrower(width) if self.boxes is not None else np.zeros(0)

    @cached_property
    def _noise_jumps(self) -> Floats:
        """Those of the kinks at which D jumps; where it is a cusp the point itself is as good as its neighbours."""
        places = np.array(self.kinks)
        if self.field.constant or not len(places):
            return np.zeros(0)
        aside = self.aside
        before, at, after = (self.field.tensor((places + side)[None])[0, 0] for side in (-aside, 0.0, aside))
        same = (np.abs(after - before) <= JUMP * np.abs(after)) & (np.abs(at - after) <= JUMP * np.abs(after))
        return np.asarray(places[~same])

    @property
    def aside(self) -> float:
        """How far beside a place at which coefficients may jump its sides are read."""
        return max(ASIDE * (self.upper - self.lower), ROUNDING * max(abs(self.lower), abs(self.upper)))

    @cached_property
    def ends(self) -> tuple[LineEnd, ...]:
        """The ends at which D vanishes or the drift is infinite."""
        return line_ends(self.process, self.lower, self.upper) if self.period is None else ()

    @property
    def mass_error(self) -> float:
        """Relative error of the whole mass that comes from the last stretches next to singular ends."""
        return sum(end.mass_error for end in self.ends)

    @property
    def arrival_error(self) -> float:
        """Relative error of times to arrive at singular ends that comes from their last stretches."""
        return sum(end.arrival_error for end in self.ends)

    @property
    def end_time(self) -> float:
        """Absolute error of mean times that comes from the last stretches next to singular ends."""
        return sum(end.time for end in self.ends)

    @cached_property
    def effective(self) -> Antiderivative:
        """Phi, zero at the lower end of the part outside of the last stretches."""
        lower, upper = self._inner
        if self.boxes is not None:
            self.boxes.check()
        return antiderivative(self._slope, lower, upper, self.kinks, self._exact, self.narrow)

    @cached_property
    def winding(self) -> float:
        """By how much Psi rises from the lower end to the upper, where the coefficients are the same at both."""
        return float(self.effective(np.array([self.upper]))[0]) + sum(step for _place, step in self.steps)

    @cached_property
    def _inner(self) -> tuple[float, float]:
        edges = {end.inward: end.edge for end in self.ends}
        return edges.get(1.0, self.lower), edges.get(-1.0, self.upper)

    @cached_property
    def _shift(self) -> float:
        inner = self.effective.ends[1:-1]
        inner = inner if len(inner) else np.array([0.5 * (self.lower + self.upper)])
        return float(np.nanmin(self._unshifted(inner)))

    @property
    def _exact(self) -> bool:
        potential = self.process.potential
        return potential is None or potential.exact

    def _slope(self, x: Floats) -> Floats:
        points = x[None]
        with np.errstate(all="ignore"):
            return np.asarray(-self.process.noiseless_drift(points)[0] / self.field.tensor(points)[0, 0])

    def _unshifted(self, x: Floats) -> Floats:
        given = x
        if self.ends:
            x = np.clip(x, *self._inner)
        phi, share = self.effective(x), 1.0 - alpha_of(self.process)
        for place, step in self.steps:
            phi = np.where(x >= place, phi + step, phi)
        for end in self.ends:
            phi = np.where(end.within(given), phi - end.log_mass_factor, phi)
        if share == 0.0 or self.field.constant:
            return phi
        if len(self._noise_jumps):
            # where D jumps its value at the point itself means nothing
            x = np.where(np.isin(x, self._noise_jumps), x + self.aside, x)
        with np.errstate(all="ignore"):
            return np.asarray(phi + share * np.log(self.field.tensor(x[None])[0, 0]))

    def value(self, x: Floats) -> Floats:
        """Psi, (n,)."""
        return self._unshifted(self.wrapped(x)) - self._shift

    __call__ = value

    def rounding(self, x: Floats) -> Floats:
        """The last place of V / D where slopes are finite differences of V, (n,); zero where they are exact."""
        potential = self.process.potential
        if potential is None or potential.exact:
            return np.zeros(x.shape[1])
        with np.errstate(all="ignore"):
            return np.asarray(potential.rounding(x) / self.diffusion.tensor(x)[0, 0])

    def seen_from(self, x: Floats, towards: Floats) -> Floats:
        """Psi at points (1, n), where it jumps the limit from the side of the points ``towards`` (1, n), (n,)."""
        return self.value(self.beside(x, towards))

    def beside(self, x: Floats, towards: Floats) -> Floats:
        """Points (1, n), those at which coefficients may jump moved a little to the points ``towards`` (1, n)."""
        points, seam = np.array(x, dtype=np.float64), () if self.period is None else (self.lower, self.upper)
        places = np.sort([*self.kinks, *seam])
        if not len(places):
            return points
        # the last vertex of a cell is its first and the way, which rounding may leave on the other side
        nearest = places[np.searchsorted(0.5 * (places[1:] + places[:-1]), points)]
        moved = nearest + self.aside * np.sign(towards - nearest)
        return np.where(np.abs(points - nearest) < self.aside, moved, points)

    def gradient(self, x: Floats) -> Floats:
        """(D' - b) / D, (1, n)."""
        points = self._outside_of_stretches(x)
        with np.errstate(all="ignore"):
            return np.asarray(self._numerator(points) / self.field.tensor(points)[0])

    def hessian(self, x: Floats) -> Floats:
        """Its derivative, (1, 1, n)."""
        points, share = self._outside_of_stretches(x), 1.0 - alpha_of(self.process)
        slope = -self.process.noiseless_jacobian(points)
        if share and not self.field.constant:
            slope = slope + share * self.field.divergence_jacobian(points)
        tensor = self.field.tensor(points)
        with np.errstate(all="ignore"):
            down = self._numerator(points) * self.field.divergence(points) / tensor[0] ** 2
            result = np.asarray(slope / tensor - down[None])
        # no curvature in the last stretch: Newton's method must not come to rest there
        for end in self.ends:
            result = np.where(end.within(np.asarray(x, dtype=np.float64)[0]), 0.0, result)
        return result

    def _outside_of_stretches(self, x: Floats) -> Floats:
        points = np.asarray(x, dtype=np.float64)
        return np.clip(points, *self._inner) if self.ends else points

    def _numerator(self, points: Floats) -> Floats:
        share = 1.0 - alpha_of(self.process)
        force = -self.process.noiseless_drift(points)
        return np.asarray(force + share * self.field.divergence(points)) if share and not self.field.constant else force

    def wrapped(self, x: Floats) -> Floats:
        """Places (n,) between the ends, of points (1, n)."""
        place: Floats = np.asarray(x, dtype=np.float64)[0]
        return place if self.period is None else self.lower + np.mod(place - self.lower, self.period)


def line_exponent(process: Process, lower: float, upper: float, period: float | None = None) -> LineExponent:
    """Psi on [lower, upper], one period of a ring or a line.

    Raises ProblemError where D is negative, where it vanishes inside, or where it vanishes at an end like no power; and
    where a layer is narrower than places are known.
    """
    exponent = LineExponent(process, lower, upper, period)
    refuse_thin_layers(exponent)
    _check_inside(exponent)
    return exponent


def is_driven(exponent: LineExponent) -> bool:
    """Whether a net force drives the process around a ring, so that there is no detailed balance."""
    if exponent.period is None:
        return False
    return abs(exponent.winding) > WINDING * (1.0 + exponent.effective.variation)


def _steps(exponent: LineExponent) -> tuple[tuple[float, float], ...]:
    """The jumps of V at the kinks over D; raises ProblemError where D jumps there, too."""
    process, found = exponent.process, []
    if not isinstance(process, Overdamped):
        return ()
    places = np.array([exponent.lower, *exponent.kinks, exponent.upper])
    widest = STEP * (exponent.upper - exponent.lower)
    # less than a layer between two of them is wide
    sides = np.clip(0.3 * np.minimum(np.diff(places)[1:], np.diff(places)[:-1]), 2.0 * exponent.aside, widest)
    spread = float(np.ptp(process.potential.value(np.linspace(exponent.lower, exponent.upper, SAMPLES)[None])))
    for place, beside in zip(exponent.kinks, sides, strict=True):
        both = np.array([[place - beside, place + beside]])
        before, after = process.potential.value(both)
        # what a V that is only steep changes there is no jump
        smooth = beside * float(process.potential.gradient(both).sum())
        step, noise = float(after - before) - smooth, exponent.field.tensor(both)[0, 0]
        if abs(step) <= JUMP * spread + abs(smooth):
            continue
        if abs(noise[1] - noise[0]) > JUMP * abs(noise).max():
            said = f"a V and a D that jump at x = {place:.6g}: the density there depends on which is the smoother"
            key = "potential.expression" if process.potential.expression is not None else "potential"
            raise ProblemError(key, said, "a V that is continuous where D jumps")
        found.append((place, step / float(noise.mean())))
    return tuple(found)


def _check_inside(exponent: LineExponent) -> None:
    """Look for zeros and negative values of D between the ends."""
    field = exponent.field
    x = np.linspace(exponent.lower, exponent.upper, SAMPLES)
    doubtful = exponent.boxes.doubtful if exponent.boxes is not None else np.zeros(0)
    x = np.unique(np.concatenate([x, exponent.kinks, exponent.narrow, doubtful]))
    values = field.tensor(x[None])[0, 0]
    largest = float(np.abs(values).max())
    negative = values < -VANISHING * largest
    if not np.isfinite(values).all() or negative.any():
        where = int(np.argmax(negative | ~np.isfinite(values)))
        found = f"a D with the value {values[where]:.6g} at x = {x[where]:.6g}"
        raise ProblemError(field.key, found, "a D that is nowhere negative in the domain")
    left, middle, right = values[:-2], values[1:-1], values[2:]
    # next to a zero a sample is well below one of its neighbours
    low = np.flatnonzero((middle <= left) & (middle <= right) & (middle < 0.75 * np.maximum(left, right))) + 1
    for place, least in zip(*_least(field, x[low - 1], x[low], x[low + 1]), strict=True):
        if least < -VANISHING * largest:
            found = f"a D with the value {least:.6g} at x = {place:.6g}"
            raise ProblemError(field.key, found, "a D that is nowhere negative in the domain")
        step = NEARBY * (exponent.upper - exponent.lower)
        inside = exponent.lower < place < exponent.upper
        if least > VANISHING * largest or not inside:
            continue
        around = field.tensor(np.array([[place - step, place + step]]))[0, 0]
        if (around <= LITTLE * largest).any():
            raise vanishing(exponent.process, field, place)


def _least(field: DiffusionField, left: Floats, middle: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Places and values of the least D near low samples, all at once: by golden section, which needs no derivative."""

    def value(x: Floats) -> Floats:
        return np.asarray(field.tensor(x.reshape(1, -1))[0, 0].reshape(x.shape))

    low, high = np.stack([left, left, middle]), np.stack([right, middle, right])
    inner, outer = low + (1.0 - GOLDEN) * (high - low), low + GOLDEN * (high - low)
    at_inner, at_outer = value(inner), value(outer)
    for _ in range(SECTIONS):
        lower = at_inner < at_outer
        low, high = np.where(lower, low, inner), np.where(lower, outer, high)
        fresh = np.where(lower, low + (1.0 - GOLDEN) * (high - low), low + GOLDEN * (high - low))
        known, at_known, at_fresh = np.where(lower, inner, outer), np.where(lower, at_inner, at_outer), value(fresh)
        inner, outer = np.where(lower, fresh, known), np.where(lower, known, fresh)
        at_inner, at_outer = np.where(lower, at_fresh, at_known), np.where(lower, at_known, at_fresh)
    places = np.concatenate([middle[None], inner, outer])
    values = np.concatenate([value(middle[None]), at_inner, at_outer])
    best = np.argmin(values, axis=0)[None]
    return np.take_along_axis(places, best, 0)[0], np.take_along_axis(values, best, 0)[0]


def vanishing(process: Process, field: DiffusionField, place: float) -> ProblemError:
    """The error for noise that vanishes at a point of the line."""
    push = float(process.noiseless_drift(np.array([[place]]))[0, 0])
    side = "right" if push < 0.0 else "left"
    found = f"no noise at x = {place:.6g} against a drift of {push:.3g}: "
    found += f"the mean time to get past it to the {side} is infinite"
    wanted = "a floor > 0" if field.key == "diffusion.floor" else "a D that is positive inside the domain"
    return ProblemError(field.key, found, wanted)
