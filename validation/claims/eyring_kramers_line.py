"""Mean exit times, rates and the gap of double wells on a line, beside Eyring-Kramers and Laplace's next order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import expm1
from typing import Any

from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, figure
from validation.wells import TILTED, WELLS, DoubleWell, at_zero, beyond, crossing_time, first_order, gap, problem

TOLERANCE = 1e-10
# barriers of the quartic well from 2 to 500 units of epsilon; the exact numbers are known at 8, 20, 80, 400 and 2000
INVERSE_NOISES = (8, 12, 20, 32, 50, 80, 125, 200, 400, 800, 2000)
QUICK = (400, 800, 2000)
FITTED = (400, 800, 2000)
ASKED = "tolerance asked of the solver, 1e-10"
BY_HAND = "the same formula by hand: rounding in a logarithm of up to 1400"
LAPLACE = "parabola through the last three noises: the rest is of order noise³, below 1e-5, and bars over noise"


def compute(run: Run) -> Finding:
    """Every well at every noise, the limits of the ratios, and their slopes."""
    noises = QUICK if run.quick else INVERSE_NOISES
    wells = (TILTED,) if run.quick else WELLS
    found = {
        (well.name, n): run.step(f"{well.name}, noise 1/{n}, tolerance {TOLERANCE:g}", partial(solved, well, 1.0 / n))
        for well in wells
        for n in noises
    }
    checks = [check for well in wells for check in _checks(well, found)]
    rows = tuple(
        (f"{well.name}, 1/{inverse}", well.barrier() * inverse, one["there"], hand, one["there"].ratio(hand))
        for (well, inverse) in ((well, inverse) for well in wells for inverse in noises)
        for one, hand in [(found[well.name, inverse], crossing_time(well, 1.0 / inverse))]
    )
    table = Table(
        "Mean time from -1 to 1, beside the formula", ("well, noise", "barrier/noise", "T", "formula", "ratio"), rows
    )
    drawing = figure(
        "The ratio to the formula tends to one like 1 + c·noise; lines: c by Laplace's method",
        "Ratio minus one against the noise, doubly logarithmic, for each well: points on lines of slope one.",
        partial(_draw, found, wells),
    )
    remarks = (
        "From barriers of about five units of epsilon the formula is within 11 percent, at 100 within half a percent, "
        "at 500 within a thousandth. What is missing is c·noise, the anharmonicity of the bottom and of the top; no "
        "rounding is seen at any barrier.",
    )
    return Finding(tuple(checks), (table,), (drawing,), remarks)


def solved(well: DoubleWell, noise: float) -> dict[str, Any]:
    """The solver's numbers and those that it prints beside them."""
    import fokker_planck as fp

    posed = problem(well, noise, tolerance=TOLERANCE)
    there, back = (fp.mean_exit_time(posed, (-side,), beyond(side, int(side))) for side in (1.0, -1.0))
    eigenvalue, chain = fp.spectrum(posed, 2).eigenvalues[1], fp.rates(posed)
    left = min((0, 1), key=lambda state: chain.minima[state][0])
    predicted = chain.asymptotic or ()
    return {
        "there": there.mean,
        "back": back.mean,
        "gap": eigenvalue.real,
        "rate there": chain.rates[left][1 - left],
        "rate back": chain.rates[1 - left][left],
        "formula there": there.asymptotic,
        "formula back": back.asymptotic,
        "formula gap": eigenvalue.asymptotic,
        "formula rate there": predicted[left][1 - left],
        "formula rate back": predicted[1 - left][left],
    }


def by_hand(well: DoubleWell, noise: float) -> dict[str, Any]:
    """What the formula gives for each of the solver's numbers."""
    there, back = crossing_time(well, noise, -1), crossing_time(well, noise, 1)
    rates = {"rate there": there.reciprocal(), "rate back": back.reciprocal()}
    return {"there": there, "back": back, "gap": gap(well, noise), **rates}


def _checks(well: DoubleWell, found: dict[tuple[str, int], Any]) -> list[Check]:
    checks = []
    noises = [inverse for name, inverse in found if name == well.name]
    for inverse in noises:
        one, hand, known = found[well.name, inverse], by_hand(well, 1.0 / inverse), well.exact.get(inverse)
        where = f"{well.name}, noise 1/{inverse}"
        if known is not None:
            for key in ("there", "back", "gap"):
                checks.append(equal(f"{key}, {where}", one[key], getattr(known, key), TOLERANCE, ASKED))
        if inverse in (400, 2000):
            for key, value in hand.items():
                checks.append(equal(f"printed formula, {key}, {where}", one[f"formula {key}"], value, 1e-11, BY_HAND))
    for key, sign, side in (("there", 1, -1), ("back", 1, 1), ("rate there", -1, -1), ("rate back", -1, 1)):
        slopes = [expm1(sign * (found[well.name, n][key].log - by_hand(well, 1.0 / n)[key].log)) * n for n in FITTED]
        limit = at_zero([1.0 / n for n in FITTED], slopes)
        checks.append(near(f"c of {key}, {well.name}", limit, first_order(well, side), 1e-4, LAPLACE))
    return checks


def _draw(found: dict[tuple[str, int], Any], wells: Sequence[DoubleWell], ax: Any) -> None:
    for well, colour, marker in zip(wells, (BLUE, ORANGE, GREEN), "osD", strict=False):
        noises = [1.0 / inverse for name, inverse in found if name == well.name]
        ratios = [found[well.name, round(1.0 / n)]["there"].ratio(crossing_time(well, n)) for n in noises]
        ax.loglog(noises, [ratio - 1.0 for ratio in ratios], marker, color=colour, label=well.name)
        ax.loglog(noises, [first_order(well) * n for n in noises], "-", color=MUTED, linewidth=1.0)
    ax.set_xlabel("noise")
    ax.set_ylabel("time / formula - 1")
    ax.legend()


CLAIM = Claim(
    name="eyring-kramers-line",
    group="eyring-kramers",
    title="Eyring-Kramers on a line, barriers from 2 to 500 units of epsilon",
    statement=(
        "The mean time to leave a well over a barrier, the rates there and back and the smallest eigenvalue tend to "
        "the formula of Eyring and Kramers as the noise tends to zero. The relative rest is c·noise, and c follows "
        "from the derivatives of the potential at the bottom and at the top."
    ),
    formula=(
        "T = 2π/√(V''(a)|V''(b)|) · exp((V(b) - V(a))/ε) · (1 + ε(A_a + A_b) + O(ε²)),  "
        "A_a = 5V'''²/(24V''³) - V''''/(8V''²),  A_b = 5V'''²/(24|V''|³) + V''''/(8V''²);  λ₁ = k₁₂ + k₂₁,  k = 1/T"
    ),
    source="Eyring 1935; Kramers 1940; Bovier, Eckhoff, Gayrard and Klein 2004, theorem 3.2; the next order by Laplace",
    compute=compute,
)
