"""Layers on a line between two jumps of its coefficients: what is known of their widths, which must be something.

Of a layer from 0.2 to 0.2 + 1e-10 the width is known to 3e-7 of itself, and so is what it holds, and what it resists.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.process import Process
from fokker_planck.quantity.light_dataclasses import dataclass

WIDTHS = 4.0
"""Times how far beside a jump its sides are read, what a layer between two is wide at least."""
NOTHING = 1e-12
"""Of the line, what a narrower one may hold or resist and be left out: jumps of two coefficients at one place, typed in
twice, say. A layer of 1e-14 with 1e-11 of the noise was lost, and with it 4e-4 of a mean time."""

BESIDE = 8.0
"""Last digits of the largest coordinate, how far beside a jump slopes are read."""


@dataclass(frozen=True)
class Layers:
    """Stretches of a line between neighbouring ``ends`` (n + 1,), of whose widths so much is ``unknown``, (n,)."""

    ends: Floats
    unknown: Floats

    def of(self, x: Floats) -> Floats:
        """What is unknown of the width of the layer in which a place lies, relative, (n,)."""
        number = np.searchsorted(self.ends, x) - 1
        return np.asarray(self.unknown[np.clip(number, 0, len(self.unknown) - 1)])


def layers_of(process: Process, lower: float, upper: float) -> Layers:
    """Those between all places at which coefficients pass from one branch to another; nothing is unknown of one alone.

    >>> from fokker_planck.model.diffusion.state_dependent import Formula
    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> layered = Overdamped(Potential("x**2"), Formula("piecewise(0.2 < x < 0.2 + 1e-10, 3, 1)"))
    >>> layers_of(layered, -1.0, 1.0).of(np.array([-0.5, 0.2 + 5e-11])).round(9).tolist()
    [0.0, 2.78e-07]
    """
    kinks = process.kinks(lower, upper)
    ends = np.array([lower, *kinks, upper])
    spacing = np.spacing(np.maximum(np.abs(ends[1:]), np.abs(ends[:-1])))
    return Layers(ends, spacing / np.diff(ends) if kinks else np.zeros(1))


def beyond_jumps(process: Process, lower: float, upper: float) -> float:
    """What is unknown of Phi on a line where Phi' = -a/D jumps: the last digit of each place, times that."""
    kinks, field = np.array(process.kinks(lower, upper)), process.field(1)
    if not len(kinks):
        return 0.0
    aside = BESIDE * float(np.finfo(float).eps) * max(abs(lower), abs(upper))

    def slope(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(process.noiseless_drift(x[None])[0] / field.tensor(x[None])[0, 0])

    with np.errstate(all="ignore"):
        jumps = np.abs(slope(kinks + aside) - slope(kinks - aside))
    return float((np.spacing(np.abs(kinks)) * np.where(np.isfinite(jumps), jumps, 0.0)).sum())


def refuse_thin_layers(exponent: Any) -> None:
    """Raise ProblemError where coefficients of a line jump twice within what is read as one place.

    ``exponent`` is a :class:`~.line.LineExponent`.
    """
    kinks, aside = np.array(exponent.kinks), exponent.aside
    thin = np.flatnonzero(np.diff(kinks) < WIDTHS * aside)
    if not len(thin):
        return
    before, after, potential = kinks[thin], kinks[thin + 1], exponent.process.potential
    places = np.stack([before - 2.0 * aside, 0.5 * (before + after), after + 2.0 * aside])
    noise = exponent.field.tensor(places.reshape(1, -1))[0, 0].reshape(places.shape)
    level = np.zeros_like(places) if potential is None else potential.value(places.reshape(1, -1)).reshape(places.shape)
    with np.errstate(all="ignore"):
        held = np.abs(np.log(noise[1] / noise[::2])) + np.abs(level[1] - level[::2]) / noise.min(axis=0)
        held = held.max(axis=0) + np.log((after - before) / (exponent.upper - exponent.lower))
    for one in np.flatnonzero(held > np.log(NOTHING)):
        found = f"a layer {after[one] - before[one]:.2g} wide at x = {before[one]:.6g}"
        wanted = f"one wider than {WIDTHS * aside:.2g}, as far as places are known, or none"
        raise ProblemError(exponent.field.key, found, wanted)
