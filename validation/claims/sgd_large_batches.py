"""Dai and Zhu: with isotropic noise the share of the flat minimum does not know the batch size, the waiting does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import log, sqrt
from typing import Any

from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, MUTED, ORANGE, figure
from validation.wells import FLAT_AND_SHARP, DoubleWell, at_zero, beyond, crossing_time, gap

TOLERANCE = 1e-9
LEARNING_RATE = 0.1  # and the variance of one sample is 1: D = 1/(20 M)
BATCHES = (1, 2, 4, 8, 20, 40, 100)
QUICK = (1, 20, 100)
#: P(flat), 60-digit integrals, by batch size
SHARES = {1: 0.60191506103269061185, 4: 0.60394841761642043937, 20: 0.60427987892640675258}
DEEPER = DoubleWell("deeper", "(x**2 - 1)**2*(1 + 0.4*x)/4 - x/50", (0.25, 0.08, -0.5, -0.2, 0.25, 0.1))
WELLS = (FLAT_AND_SHARP, DEEPER)
LIMIT = sqrt(2.8) / (sqrt(2.8) + sqrt(1.2))

ASKED = "tolerance asked of the solver, 1e-9"
LAPLACE = "line through the noises 1/400 and 1/2000, the rest is of order noise² with a constant of about ten"
BY_HAND = "the same formula by hand: rounding in a logarithm of up to 600"


def compute(run: Run) -> Finding:
    """Shares, gaps and times for both losses at every batch size."""
    sizes = QUICK if run.quick else BATCHES
    found = {
        (well.name, M): run.step(f"{well.name}, D = 1/{20 * M}, tolerance {TOLERANCE:g}", partial(solved, well, M))
        for well in WELLS
        for M in sizes
    }
    rows = tuple(
        (M, *(found[FLAT_AND_SHARP.name, M][key] for key in ("flat", "gap", "iterations")), found["deeper", M]["flat"])
        for M in sizes
    )
    columns = ("batch size", "P(flat)", "gap", "iterations to leave it", "P(flat), unequal depths")
    drawing = figure(
        "Share of the flat minimum (left) and relaxation rate (right) against the batch size M",
        "Left: constant at 0.604 for equal depths, falling to zero where the sharp minimum is deeper. Right: the "
        "logarithm of the gap falls along a straight line.",
        partial(_draw, found, sizes),
        panels=2,
    )
    remarks = (
        "The share of the flat minimum is within half a percent of √H₂/(√H₁ + √H₂) from M = 1 on: the batch size does "
        "not choose between minima of equal depth.",
        "It holds for equal depths alone. Where the sharp minimum is deeper by δ the odds are exp(-δ/D) times that "
        "ratio, and a large batch is all but surely in the sharp one: the statement is one about curvature, not about "
        "depth. For white noise both are this simple; for noise that follows the Hessian see there.",
        "Without momentum: the kinetic equation of the paper has the same density, another rate.",
    )
    table = Table("Equal depths, and the sharp minimum deeper by 0.04", columns, rows)
    return Finding(tuple(_checks(found, sizes)), (table,), (drawing,), remarks)


def solved(well: DoubleWell, batch: int) -> dict[str, Any]:
    """Share of the flat well, gap, time from the flat minimum to the other, and the printed formulas."""
    import numpy as np

    import fokker_planck as fp
    from fokker_planck import sgd

    process = sgd.process(well.formula, LEARNING_RATE, batch, epsilon=1.0)
    posed = fp.Problem(process, fp.Box([-2.0], [2.0]), fp.Resolution(tolerance=TOLERANCE))
    density = fp.stationary_density(posed)
    flat, sharp = sorted(density.wells, key=lambda one: one.minimum[0])
    first = fp.spectrum(posed, 2).eigenvalues[1]
    left, right = well.bottom(-1), well.bottom(1)
    time = fp.mean_exit_time(posed, (left,), beyond(right)).mean
    values = density.field.log(np.array([[left, well.critical[1]]]))
    return {
        "flat": flat.probability,
        "flat, formula": flat.asymptotic,
        "odds": flat.probability.log - sharp.probability.log,
        "gap": first.real,
        "gap, formula": first.asymptotic,
        "time": time,
        "iterations": sgd.Learning(LEARNING_RATE, batch).iterations(time),
        "drop": float(values[0] - values[1]),
    }


def _log_odds(well: DoubleWell, noise: float) -> float:
    """log of exp(-(L_1 - L_2)/D) sqrt(H_2/H_1), the flat minimum the first."""
    left, right = well.bottom(-1), well.bottom(1)
    depth = well.derivative(0, right) - well.derivative(0, left)
    return depth / noise + 0.5 * log(well.derivative(2, right) / well.derivative(2, left))


def _checks(found: dict[tuple[str, int], Any], sizes: Sequence[int]) -> list[Check]:
    checks = []
    for M in sizes:
        one, exact = found[FLAT_AND_SHARP.name, M], FLAT_AND_SHARP.exact.get(20 * M)
        if M in SHARES:
            checks.append(equal(f"P(flat), M = {M}", one["flat"], SHARES[M], TOLERANCE, ASKED))
        if exact is not None:
            checks.append(equal(f"gap, M = {M}", one["gap"], exact.gap, TOLERANCE, ASKED))
            checks.append(equal(f"iterations, M = {M}", one["iterations"], exact.there / 0.1, TOLERANCE, ASKED))
        hand = gap(FLAT_AND_SHARP, 0.05 / M)
        checks.append(equal(f"printed formula of the gap, M = {M}", one["gap, formula"], hand, 1e-11, BY_HAND))
        checks.append(equal(f"printed share, M = {M}", one["flat, formula"], LIMIT, 1e-11, BY_HAND))
        expected = FLAT_AND_SHARP.barrier() * 20.0 * M
        checks.append(near(f"log p(minimum)/p(top), M = {M}", one["drop"], expected, 1e-7, "p = exp(-L/D)/Z exactly"))
    last, before = sizes[-1], 20
    ends = [found[FLAT_AND_SHARP.name, M]["gap"].log for M in (before, last)]
    slope = (ends[1] - ends[0]) / (20.0 * (last - before))
    rest = "barrier in units of D = 1/(20 M); the prefactor changes by less than a hundredth"
    checks.append(near("slope of log λ₁ against 1/D", slope, -FLAT_AND_SHARP.barrier(), 1e-5, rest))
    noises = [0.05 / M for M in (before, last)]
    share = at_zero(noises, [float(found[FLAT_AND_SHARP.name, M]["flat"]) for M in (before, last)])
    checks.append(near("P(flat) as M → ∞", share, LIMIT, 1e-5, LAPLACE))
    times = [found[FLAT_AND_SHARP.name, M]["time"] for M in (before, last)]
    ratios = [t.ratio(crossing_time(FLAT_AND_SHARP, noise)) for t, noise in zip(times, noises, strict=True)]
    checks.append(near("T over Eyring-Kramers as M → ∞", at_zero(noises, ratios), 1.0, 1e-4, LAPLACE))
    off = [found["deeper", M]["odds"] - _log_odds(DEEPER, 0.05 / M) for M in (before, last)]
    checks.append(near("unequal depths: log odds less the formula, M → ∞", at_zero(noises, off), 0.0, 1e-4, LAPLACE))
    return checks


def _draw(found: dict[tuple[str, int], Any], sizes: Sequence[int], share: Any, rate: Any) -> None:
    for name, colour, marker, label in (
        (FLAT_AND_SHARP.name, BLUE, "o", "equal depths"),
        ("deeper", ORANGE, "s", "sharp one deeper"),
    ):
        share.semilogx(sizes, [float(found[name, M]["flat"]) for M in sizes], marker + "-", color=colour, label=label)
    share.axhline(LIMIT, color=MUTED, linewidth=1.0)
    share.set(xlabel="batch size M", ylabel="share of the flat minimum", ylim=(-0.05, 1.0))
    share.legend()
    equal_depths = [found[FLAT_AND_SHARP.name, M]["gap"].log / log(10.0) for M in sizes]
    rate.plot(sizes, equal_depths, "o", color=BLUE, label="solved")
    formula = [float(gap(FLAT_AND_SHARP, 0.05 / M).log or 0.0) / log(10.0) for M in sizes]
    rate.plot(sizes, formula, "-", color=MUTED, label="Eyring-Kramers")
    rate.set(xlabel="batch size M", ylabel="log₁₀ of the gap")
    rate.legend()


CLAIM = Claim(
    name="sgd-large-batches",
    group="seeds",
    title="Large batches and sharp minima: the share stays, the waiting grows",
    statement=(
        "Gradient descent with isotropic noise of D = γβ/(2M), learning rate γ, batch size M, prefers the flatter of "
        "two minima of equal depth by the ratio of the roots of their Hessians, whatever the batch size. What the "
        "batch size changes is the time that this takes, exponentially."
    ),
    formula=(
        "p = exp(-L/D)/Z,  P_i ∝ exp(-L_i/D)/√det H_i,  E τ = (2π/|λ₋|)√(|det H_s|/det H₀) exp(ΔL/D),  "
        "log λ₁ = -(2ΔL/γβ) M + O(1)"
    ),
    source="Dai and Zhu 2020, for isotropic noise and without momentum; Eyring 1935; Kramers 1940",
    compute=compute,
)
