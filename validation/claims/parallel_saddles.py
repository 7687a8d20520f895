"""Two passes side by side: their rates add. A wall across one of them leaves the other alone."""

from __future__ import annotations

from functools import partial
from math import exp
from typing import Any

from fokker_planck.quantity import Quantity
from validation.by_hand import rate, total
from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, figure
from validation.wells import DETOUR_PASS, DIRECT_PASS, LEFT_HOLE, THREE_HOLES, at_zero

# A ring of radius one with wells on the left and on the right; the lower way round is the lower one by 0.0187.
RING = "(x**2 + y**2 - 1)**2 + y**2/4 + y/100"
BOTTOM = (-((1.0 - 0.02**2) ** 0.5), -0.02)
UPPER, LOWER = (0.0, 0.9339824892833354), (0.0, -0.9368396587967845)
# lower and upper wall in y; those of one pass stand on the slopes towards the other
WALLS = {"both": (-1.8, 1.8), "upper alone": (-0.6, 1.8), "lower alone": (-1.8, 0.6)}
PASSES = {"both": (UPPER, LOWER), "upper alone": (UPPER,), "lower alone": (LOWER,)}
INVERSE_NOISES, QUICK, QUICK_WALLS = (50, 100, 200, 400), (200,), ("both", "upper alone")
TOLERANCE = 1e-6

HOT = 1 / 1.67

BY_HAND = "the same sum by hand: rounding"
FIRST_ORDER = "a rest of first order in the noise, with a constant of about two: three times the noise"


def compute(run: Run) -> Finding:
    """Times over both passes and over each alone, the share of each, and a detour over a well too shallow to count."""
    noises = QUICK if run.quick else INVERSE_NOISES
    found = {
        (ways, n): run.step(f"{ways}, noise 1/{n}, {TOLERANCE:g}", partial(crossing, ways, 1.0 / n))
        for n in noises
        for ways in (QUICK_WALLS if run.quick else WALLS)
    }
    checks, rows = [], []
    for (ways, n), (time, printed, share) in found.items():
        hand = by_hand(ways, 1.0 / n)
        rows.append((f"{ways}, 1/{n}", time, hand, time.ratio(hand)))
        checks.append(equal(f"time, {ways}, noise 1/{n}, over the formula", time, hand, 3.0 / n, FIRST_ORDER))
        walls = 1e-9 if ways == "both" else 1e-5
        checks.append(equal(f"printed, {ways}, noise 1/{n}", printed, hand, walls, BY_HAND + ", flow through the wall"))
        if share is not None:
            what = f"printed share of the upper pass, noise 1/{n}"
            checks.append(near(what, share, upper_share(1.0 / n), 1e-9, BY_HAND))
    if not run.quick:
        checks += [*_sums(found, noises), *run_three_holes(run)]
    columns = ("ways, noise", "T", "formula", "ratio")
    table = Table("Mean time from the left well to the right one", columns, tuple(rows))
    drawing = figure(
        "Time over the sum of both rates, with both passes open and with one of them shut",
        "Against one over the noise: both open, near one; the lower pass alone, falling to one from above; the upper "
        "alone, rising without bound, as it is the higher one.",
        partial(_draw, found),
    )
    remarks = (
        "Rates are added over passes, not passes chosen: at noise 1/50 the higher pass still carries 28 percent of the "
        "flow, at 1/400 a thousandth, though its height differs by 0.0187 only. What a single pass says is wrong by "
        "the share of the other.",
    )
    return Finding(tuple(checks), (table,), (drawing,), remarks)


def crossing(ways: str, noise: float) -> list[Any]:
    """The time from the left well to the right one, and what is printed: the formula, the share of the upper pass."""
    import fokker_planck as fp

    low, high = WALLS[ways]
    process = fp.Overdamped(fp.Potential(RING), fp.Isotropic(noise))
    posed = fp.Problem(process, fp.Box((-1.8, low), (1.8, high)), resolution=fp.Resolution(tolerance=TOLERANCE))
    found = fp.mean_exit_time(posed, BOTTOM, fp.Ball((-BOTTOM[0], BOTTOM[1]), 0.1))
    share = None
    if ways == "both" and noise == 1.0 / 200:
        share = next(flow.share for flow in fp.rates(posed).flows if flow.saddle[1] > 0.0)
    return [found.mean, found.asymptotic, share]


def by_hand(ways: str, noise: float) -> Quantity:
    """One over the sum of the rates over the open passes."""
    return total([rate(RING, BOTTOM, saddle, noise) for saddle in PASSES[ways]]).reciprocal()


def upper_share(noise: float) -> float:
    """The rate over the upper pass, of that over both."""
    return rate(RING, BOTTOM, UPPER, noise).ratio(by_hand("both", noise).reciprocal()) or 0.0


def run_three_holes(run: Run) -> list[Check]:
    """At 1.67 the upper hole is no state: what enters it goes on to either side, half of it across."""
    printed, share = run.step("three holes, noise 1/1.67", three_holes)
    direct, up = (rate(THREE_HOLES, LEFT_HOLE, way, HOT) for way in (DIRECT_PASS, DETOUR_PASS))
    across = total([direct, up.scaled(0.5)])
    return [
        equal("printed rate across, three holes: direct pass and detour", printed, across, 1e-9, BY_HAND),
        near("printed share of the direct pass", share, direct.ratio(across) or 0.0, 1e-9, BY_HAND),
    ]


def three_holes() -> list[Any]:
    """The printed rate from left to right and the share of the direct pass."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(THREE_HOLES), fp.Isotropic(HOT))
    found = fp.rates(fp.Problem(process, fp.Box((-2.0, -1.5), (2.0, 2.5)), resolution=fp.Resolution(tolerance=1e-4)))
    share = next(flow.share for flow in found.flows if flow.saddle[1] < 0.0)
    return [found.asymptotic[0][1] if found.asymptotic else None, share]


def _sums(found: dict[Any, Any], noises: tuple[int, ...]) -> list[Check]:
    checks = []
    for n in noises:
        both, upper, lower = (found[ways, n][0] for ways in WALLS)
        added = total([upper.reciprocal(), lower.reciprocal()]).reciprocal()
        # V = 0.08 where the walls meet the ring: so much of the weight of a well is behind them
        because, behind = "what is behind the walls, exp(-0.08/noise), and the tolerance asked", exp(-0.08 * n)
        if n >= 100:
            what = f"computed: one over the sum of both alone, noise 1/{n}"
            checks.append(equal(what, added, both, behind + 3.0 * TOLERANCE, because))
    last = [1.0 / n for n in noises[-3:]]
    ratios = [found["both", n][0].ratio(by_hand("both", 1.0 / n)) for n in noises[-3:]]
    because = "parabola through the last three noises"
    return [*checks, near("limit of the ratio, both passes", at_zero(last, ratios), 1.0, 1e-4, because)]


def _draw(found: dict[Any, Any], ax: Any) -> None:
    for ways, colour, marker in (("both", BLUE, "o"), ("upper alone", ORANGE, "s"), ("lower alone", GREEN, "D")):
        inverse = [n for one, n in found if one == ways]
        values = [found[ways, n][0].ratio(by_hand("both", 1.0 / n)) for n in inverse]
        ax.plot(inverse, values, marker, color=colour, label=ways)
        fine = [40.0 * 10.0 ** (k / 40) for k in range(41)]
        lines = [by_hand(ways, 1.0 / n).ratio(by_hand("both", 1.0 / n)) for n in fine]
        ax.plot(fine, lines, "-", color=MUTED, linewidth=1.0)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(0.7, 40.0)
    ax.set_xlabel("1/noise")
    ax.set_ylabel("time · (k₁ + k₂)")
    ax.legend()


CLAIM = Claim(
    name="parallel-saddles",
    group="eyring-kramers",
    title="Rates over parallel saddles add",
    statement=(
        "Two wells on a ring are joined by two saddles of nearly equal height. The rate from one well to the other is "
        "the sum of the rates over both. With a reflecting wall across one way, the rate over the other is left."
    ),
    formula="1/T = k₁ + k₂,  kᵢ = |λ₋(zᵢ)|/2π · √(det ∇²V(x)/|det ∇²V(zᵢ)|) · exp(-(V(zᵢ) - V(x))/ε)",
    source="Eyring 1935; Bovier, Eckhoff, Gayrard and Klein 2004; detours: Metzner, Schütte and Vanden-Eijnden 2009",
    compute=compute,
)
