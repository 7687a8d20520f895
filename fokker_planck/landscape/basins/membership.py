"""Which well a point belongs to: the basin of attraction under the flow dx/dt = -grad f."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function, Integers
from fokker_planck.landscape.basins.margins import Approaches, by_time, margins_of
from fokker_planck.landscape.box_units import units_of
from fokker_planck.landscape.finding.search import nearest_level
from fokker_planck.landscape.flow.captures import capture_of
from fokker_planck.landscape.flow.gradient_flow import Captures, FlowSettings, descend
from fokker_planck.landscape.flow.rounded_kinks import rounded
from fokker_planck.landscape.types import Landscape
from fokker_planck.quantity.light_dataclasses import dataclass, replace

PATIENCE = 20
"""Steps on a crease that lead nowhere before a path has ended: they grow fivefold, thirteen digits in nineteen."""


@dataclass(frozen=True)
class BasinMap:
    """The well of every point, by the flow dx/dt = -grad f; called on points (dim, n), it gives their wells (n,).

    ``tolerance`` is the local error of a step of the flow, relative to the extent of the domain; kinks that a formula
    shows are rounded over as much, so that the flow slides along them and does not cross them at every step.  Where
    ``states`` are given, the number of the state that each minimum belongs to, these are what points are told;
    ``captures``, one a minimum, where others than balls are known.
    """

    landscape: Landscape
    function: Function
    tolerance: float = 1e-8
    states: tuple[int, ...] | None = None
    captures: tuple[Captures, ...] | None = None

    @property
    def state_of(self) -> tuple[int, ...]:
        """The state of each minimum."""
        return self.states if self.states is not None else tuple(range(len(self.landscape.minima)))

    def __call__(self, x: Floats) -> Integers:
        """The state of each point, or else the index into ``landscape.minima``; one of both on a separatrix."""
        return self._descend(np.asarray(x, dtype=float), self.tolerance)[0]

    def roughly(self, x: Floats) -> Integers:
        """The same by a flow of low accuracy, for points that need not be close to a separatrix."""
        return self._descend(np.asarray(x, dtype=float), 1e-4)[0]

    def with_margin(self, x: Floats) -> tuple[Integers, Floats]:
        """Wells, and margins (n,) that vanish linearly at a separatrix; see :mod:`~.margins`."""
        x = np.asarray(x, dtype=float)
        if self._divides is not None:
            distance = np.abs(x[0][:, None] - self._divides[1]).min(axis=1, initial=np.inf)
            return self._descend(x, self.tolerance)[0], np.minimum(distance / self.landscape.frame.extent, 1.0)
        of, frame = self.state_of, self.landscape.frame
        between = [saddle for saddle in self.landscape.saddles if of[saddle.joins[0]] != of[saddle.joins[1]]]
        between = between or list(self.landscape.saddles)
        if not between or not x.shape[1]:
            return self._descend(x, self.tolerance)[0], np.ones(x.shape[1])
        met = Approaches.of(x, np.array([saddle.position for saddle in between]).T, frame)
        labels, times = self._descend(x, self.tolerance, met, timed=any(by_time(saddle) for saddle in between))
        return labels, margins_of(self.function, between, met, times)

    @cached_property
    def _captures(self) -> tuple[Captures, ...]:
        landscape = self.landscape
        if self.captures is not None:
            return self.captures
        return capture_of(self.function, landscape.minima, landscape.frame, landscape.saddles)

    @cached_property
    def _divides(self) -> tuple[Integers, Floats] | None:
        """On a line: the minima from left to right, (K,), and the maximum between each two neighbours, (K - 1,).

        A flow would step across a narrow well. None elsewhere, and where a maximum is known only roughly.
        """
        frame = self.landscape.frame
        if len(frame.lower) != 1 or any(frame.periods):
            return None
        order = np.argsort([minimum.position[0] for minimum in self.landscape.minima])
        ordered = [self.landscape.minima[k].position[0] for k in order]
        places = []
        for left, right in zip(ordered[:-1], ordered[1:], strict=True):
            between = [saddle for saddle in self.landscape.saddles if left < saddle.position[0] < right]
            if not between:
                return None
            highest = max(between, key=lambda saddle: saddle.value)
            if highest.degenerate:
                return None
            places.append(highest.position[0])
        return order, np.array(places)

    def _with_rounded_kinks(self, tolerance: float) -> Function:
        frame = self.landscape.frame
        units = units_of(frame)
        axes = np.ones(len(frame.lower)) if units is None else units
        return rounded(self.function, tolerance * frame.extent * axes)

    def _descend(
        self, x: Floats, tolerance: float, met: Approaches | None = None, *, timed: bool = False
    ) -> tuple[Integers, Floats]:
        if len(self.landscape.minima) == 1:
            return np.zeros(x.shape[1], dtype=np.int64), np.zeros(x.shape[1])
        if self._divides is not None:
            order, places = self._divides
            labels = order[np.searchsorted(places, x[0])]
            return np.asarray(self.state_of, dtype=np.int64)[labels], np.zeros(x.shape[1])
        frame, function = self.landscape.frame, self._with_rounded_kinks(tolerance)
        settings = FlowSettings(tolerance, timed=timed, patience=0 if function is self.function else PATIENCE)
        flow = descend(function, x, self._captures, frame, settings, met)
        labels, times = flow.labels, flow.times
        lost = np.flatnonzero(labels < 0)
        if len(lost):
            # On a crest exactly: one small step to a fixed side decides.
            aside = flow.ends[:, lost] + 1e-7 * frame.extent * np.linspace(1.0, 0.6, len(x))[:, None]
            again = descend(function, aside, self._captures, frame, replace(settings, timed=False))
            labels[lost], times[lost] = again.labels, np.inf
            for k in np.flatnonzero(again.labels < 0):
                labels[lost[k]] = nearest_level(self.function, again.ends[:, k], self.landscape.minima, frame)
        return np.asarray(self.state_of, dtype=np.int64)[labels], times


def basin_of(
    landscape: Landscape, function: Function, x: Floats, periods: Sequence[float | None] | None = None
) -> Integers:
    """The well whose minimum the flow dx/dt = -grad f reaches from each point.

    Parameters
    ----------
    landscape
        the minima of f, and the box whose walls hold the flow.
    function
        f with ``value``, ``gradient``, ``hessian``.
    x
        points, (dim, n).
    periods
        periods of the axes, if others than the landscape's.

    Returns
    -------
    Integers
        Index into ``landscape.minima``, (n,).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fokker_planck.landscape.finding.search import find_landscape, sample_box
    >>> well = SimpleNamespace(value=lambda x: (x[0]**2 - 1)**2/4, gradient=lambda x: x**3 - x,
    ...                        hessian=lambda x: (3*x**2 - 1)[None])
    >>> landscape = find_landscape(well, *sample_box([-2.0], [2.0]))
    >>> basin_of(landscape, well, np.array([[-1.7, -1e-9, 0.3]])).tolist()
    [0, 0, 1]
    """
    if periods is not None:
        landscape = replace(landscape, frame=replace(landscape.frame, periods=tuple(periods)))
    return BasinMap(landscape, function)(x)
