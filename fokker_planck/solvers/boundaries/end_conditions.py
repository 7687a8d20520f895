"""What a question may ask of a line whose ends are singular: which can be reached, and which keep what arrives.

Where ``int exp(-Psi)`` is infinite up to an end, the process stays there for good, or for a time with infinite mean:
there is no stationary density, and a mean time that has to wait for its return is infinite.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.ends.line_ends import LineEnd, line_ends
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import alpha_of
from fokker_planck.model.reversibility.line import LineExponent

Reached = Callable[[Floats], Booleans]

SAFETY = 3.0
"""On an estimate to leading order, of what is left out at an end."""
CLOSE = 1e-3
"""Next to a continuous spectrum the cut-off line has eigenvalues of its own; so near one is not told from those."""
BESIDE = 8.0
"""Stretches from an end at which a set that holds more than the end itself is seen to do so."""

NEAREST, PANELS, NODES = 1e-20, 16, 12
"""Of the stretch, where the time on the way out of it begins to count, and Gauss's rule on panels of log t."""
STEP = 1e-4
"""Of the distance, for central differences of the drift: off by 1e-8 of a small correction."""


def singular_ends(exponent: object) -> tuple[LineEnd, ...]:
    """The ends of a line at which the noise vanishes or the drift is infinite."""
    return exponent.ends if isinstance(exponent, LineExponent) else ()


def end_error(exponent: object, rate: float) -> float:
    """Relative error of an answer about what happens at a certain rate, for what is left out at singular ends."""
    if not isinstance(exponent, LineExponent):
        return 0.0
    return SAFETY * (exponent.end_time * rate + exponent.mass_error + exponent.arrival_error)


def mass_error(exponent: object) -> float:
    """Relative error of probabilities in the stationary state, for the same reason."""
    return SAFETY * exponent.mass_error if isinstance(exponent, LineExponent) else 0.0


def spectrum_error(exponent: object, eigenvalues: Floats) -> Floats:
    """The same for each of the ``eigenvalues`` (k,), near a continuous spectrum also for where the line is cut off.

    At a natural end with D = d t^2, u sqrt(w) ~ t^g, g^2 = (c - 1)^2/4 - lambda/d; what is cut off has t^(2 g) of it.
    """
    error = np.array([end_error(exponent, float(value)) for value in eigenvalues])
    length = exponent.upper - exponent.lower if isinstance(exponent, LineExponent) else 1.0
    for end in singular_ends(exponent):
        if np.isfinite(end.threshold) and end.threshold > 0.0:
            level = 4.0 * end.threshold / (end.scale_power - 1.0) ** 2
            root = np.sqrt(np.maximum(end.threshold - eigenvalues, 0.0) / level)
            error = error + SAFETY * np.exp(2.0 * root * np.log(end.stretch / length))
    return error


def refuse_continuum(exponent: object, eigenvalues: Floats, reached: Reached | None, key: str) -> None:
    """Raise ProblemError where some ``eigenvalues`` (k,), zero not among them, lie in a continuous spectrum.

    A natural end brings one unless the target, which ``reached`` describes, holds it.
    """
    for end in singular_ends(exponent):
        inside = eigenvalues >= end.threshold * (1.0 - CLOSE)
        if inside.any() and not (reached is not None and reached(np.array([[end.place]]))[0]):
            found = f"a continuous spectrum from {end.threshold:.6g} on, of the natural end x = {end.place:.6g}"
            below = int(np.argmax(inside)) + (reached is None)
            wanted = f"at most {below} eigenvalues, those below it" if below > 1 else "a domain that ends before"
            raise ProblemError(key, found, wanted)


def out_of_stretch(exponent: object, start: float) -> tuple[float, float, float]:
    """Where a path that begins at an end which it only leaves has left the stretch there, after which time, its error.

    There T' = -g inwards with D g' + b g = 1, b the drift as Itô reads it.  Where D ~ t^q and w ~ t^(c - q) this is
    g = t / ((1 + c - q) D); where the drift rules g = 1/b - (D/b) (1/b)' to an order in D/(t b) more.
    """
    for end in singular_ends(exponent):
        distance = end.inward * (start - end.place)
        if end.accessible or not end.finite_mass or distance >= end.stretch:
            continue
        assert isinstance(exponent, LineExponent)
        # in log t, from where the rest is nothing or the coordinate has no more digits
        nearest = max(distance, NEAREST * end.stretch, 1e-15 * abs(end.place))
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        edges = np.linspace(np.log(nearest), np.log(end.stretch), PANELS + 1)
        half = 0.5 * (edges[1] - edges[0])
        t = np.exp((0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes).ravel())
        slope = _time_slope(exponent, end, t)
        time = float((np.tile(half * weights, PANELS) * t * slope).sum())
        relative = end.strength**-2 if np.isinf(end.scale_power) else end.stretch / (exponent.upper - exponent.lower)
        return end.edge, time, SAFETY * time * relative
    return start, 0.0, 0.0


def _time_slope(exponent: LineExponent, end: LineEnd, t: Floats) -> Floats:
    """-dT/dt at distances t (n,) from an end that is only left."""

    def noise(distance: Floats) -> Floats:
        return np.asarray(exponent.field.tensor((end.place + end.inward * distance)[None])[0, 0])

    def passing(distance: Floats) -> Floats:
        x = (end.place + end.inward * distance)[None]
        drift = exponent.process.noiseless_drift(x)[0]
        if not exponent.field.constant:
            drift = drift + alpha_of(exponent.process) * exponent.field.divergence(x)[0]
        return np.asarray(end.inward / drift)

    if np.isfinite(end.scale_power):
        return t / ((1.0 + end.scale_power - end.noise_power) * noise(t))
    change = (passing((1.0 + STEP) * t) - passing((1.0 - STEP) * t)) / (2.0 * STEP * t)
    return np.asarray(passing(t) * (1.0 - noise(t) * change))


def refuse_natural_start(problem: Problem, start: tuple[float, ...]) -> None:
    """Raise ProblemError where a path would begin at a natural end, which none leaves."""
    if problem.dimension > 1 or problem.periods[0] is not None:
        return
    lower, upper = problem.bounding_box()
    for end in line_ends(problem.process, float(lower[0]), float(upper[0])):
        if end.place == start[0] and end.kind == "natural":
            found = f"the end x = {end.place:.6g} of the domain (natural boundary), which no path leaves"
            raise ProblemError("exit.start", found, "a point inside the domain")


def refuse_endless(exponent: object, what: str) -> None:
    """Raise ProblemError where there is no stationary density, which ``what`` asks for."""
    for end in singular_ends(exponent):
        if not end.finite_mass:
            found = f"{_keeping(end)}: no stationary density, no {what}"
            wanted = "a question with a target that absorbs there, or a domain that ends before"
            raise ProblemError(_key(exponent), found, wanted)


def refuse_unreachable(exponent: object, reached: Reached, key: str, *, boundary: bool = False) -> None:
    """Raise ProblemError where a set that ``reached`` describes holds an end alone at which no path arrives."""
    for end in singular_ends(exponent):
        beside = end.place + BESIDE * end.inward * end.stretch
        if reached(np.array([[end.place]]))[0] and (boundary or not reached(np.array([[beside]]))[0]):
            if not end.accessible:
                found = f"the end x = {end.place:.6g} of the domain ({end.kind} boundary): it is never reached"
                raise ProblemError(key, found, "a set inside the domain")


def refuse_infinite_time(exponent: object, reached: Reached, samples: Floats, start: float | None, key: str) -> None:
    """Raise ProblemError where the process may stay at an end outside of the target, so that a mean time is infinite.

    Parameters
    ----------
    exponent
        of the process
    reached
        which points (1, n) are in the target
    samples
        points (1, n) all over the domain
    start
        where the process begins, None for anywhere
    key
        of the target
    """
    for end in singular_ends(exponent):
        if end.finite_mass or reached(np.array([[end.place]]))[0]:
            continue
        between = samples[0][end.inward * (samples[0] - (np.inf * end.inward if start is None else start)) < 0.0]
        if start is not None and reached(between[None]).any():
            continue
        what = "the mean time is infinite" if key.startswith("exit") else "it is not left any more"
        found = f"not {_keeping(end)}: {what}"
        raise ProblemError(key, found, "a target that absorbs there, too, or a domain that ends before")


def _keeping(end: LineEnd) -> str:
    if end.accessible:
        return f"an end x = {end.place:.6g} that keeps what arrives there ({end.kind} boundary)"
    return f"an end x = {end.place:.6g} that keeps what comes near ({end.kind} boundary)"


def _key(exponent: object) -> str:
    return exponent.field.key if isinstance(exponent, LineExponent) else "diffusion"
