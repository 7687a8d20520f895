"""What an evolution returns: one state for every time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fokker_planck.quantity import Quantity
from fokker_planck.quantity.answer import Answer
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.results.in_time import Estimate

if TYPE_CHECKING:
    from fokker_planck.fem.fields.density_field import DensityField
    from fokker_planck.formulas.arrays import Floats
    from fokker_planck.solvers.results.steady import Statistics
    from fokker_planck.solvers.time.evolving.evolution_numbers import Line, StateNumbers


@dataclass(frozen=True)
class Distance:
    """From the stationary density pi: 1/2 int |p - pi|, int p log(p / pi), int (p - pi)^2 / pi."""

    total_variation: Quantity
    relative_entropy: Quantity
    chi_square: Quantity


@dataclass(frozen=True)
class StateAtTime:
    """A process at a ``time``: the ``mass`` not absorbed, what wells and sets have of it, int f p dx of observables f.

    ``density_error`` is half the integral of the error of the ``density``, and ``negative`` what of its integral lies
    below zero.  ``distance`` is None where a set absorbs.
    """

    time: float
    mass: Quantity
    wells: tuple[Quantity, ...]
    sets: Mapping[str, Quantity]
    observables: Mapping[str, Estimate]
    distance: Distance | None
    density: DensityField
    density_error: float
    negative: float


@dataclass(frozen=True)
class Evolution(Answer):
    """p_t = L* p from an ``initial`` state: ``times`` holds a state for each time, ascending.

    ``minima`` are those of the wells, in the order in which every state names their probabilities.

    Attributes
    ----------
    times
        the states, by ascending time
    minima
        of the wells
    initial
        how the first state was given
    target
        the set that absorbs, None if none does
    statistics
        what it cost
    """

    times: tuple[StateAtTime, ...]
    minima: tuple[tuple[float, ...], ...]
    initial: str
    target: str | None
    statistics: Statistics

    @property
    def field(self) -> DensityField:
        """The density at the last time."""
        return self.times[-1].density


def state_of(
    time: float,
    found: StateNumbers,
    bars: Floats,
    density: DensityField,
    density_error: float,
    scales: Mapping[str, float],
) -> StateAtTime:
    """The numbers of one time with their relative errors ``bars`` (k,), in the order of its lines."""
    quantities: dict[tuple[str, str], Quantity] = {}
    means: dict[str, Estimate] = {}
    for (kind, name), line, bar in zip(found.lines, found.lines.values(), bars, strict=True):
        if kind == "observable":
            error = float(bar) * (2.0 * scales[name] + line.value) + line.own
            means[name] = Estimate(line.value, error)
        else:
            quantities[kind, name] = _quantity(line, float(bar))
    wells = tuple(value for (kind, _), value in quantities.items() if kind == "well")
    distance = {name: value for (kind, name), value in quantities.items() if kind == "distance"}
    return StateAtTime(
        time=time,
        mass=quantities["mass", ""],
        wells=wells or (quantities["mass", ""],),
        sets={name: value for (kind, name), value in quantities.items() if kind == "set"},
        observables=means,
        distance=Distance(**distance) if distance else None,
        density=density,
        density_error=density_error,
        negative=found.negative,
    )


def _quantity(line: Line, bar: float) -> Quantity:
    """With its bar; what is less than its own error is that, known to a factor of two: between nothing and twice it."""
    if line.value == math.inf:
        return Quantity.of_log(line.log, bar + line.own)
    if line.value <= line.own:
        return Quantity.of(max(line.own, 1e-300), 1.0 + bar)
    return Quantity.of(line.value, bar + line.own / line.value)
