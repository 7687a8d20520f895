"""The time to leave a well is exponential: how its variance and its median tend to that; a closed form beside."""

from __future__ import annotations

from functools import partial
from math import exp, log
from typing import TYPE_CHECKING, Any

from validation.claim import Check, Claim, Figure, Finding, Run, Table, at_most, equal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARRIERS = (2.0, 5.0, 10.0, 20.0, 200.0, 500.0)
QUICK = (2.0, 5.0, 10.0, 200.0)
VARIANCES = {2.0: 1465.8939455155, 5.0: 525721.56999585, 10.0: 10424926558.8553}
TOLERANCE = 1e-8
TIMES = (1e-3, 1e-2, 0.1, 1.0, 5.0, 10.0, 50.0)


def compute(run: Run) -> Finding:
    """The quartic well at several barriers, and the Ornstein-Uhlenbeck process on its way to 0."""
    laws = {
        barrier: run.step(f"barrier {barrier:g}", partial(over, barrier))
        for barrier in (QUICK if run.quick else BARRIERS)
    }
    checks: list[Check] = [
        equal(f"variance at barrier {barrier:g}", laws[barrier]["variance"], exact, TOLERANCE, ASKED)
        for barrier, exact in VARIANCES.items()
    ]
    for barrier, law in laws.items():
        bound = 30.0 * barrier * exp(-barrier) + 30.0 * TOLERANCE
        checks += [
            at_most(f"|variance/mean^2 - 1|, barrier {barrier:g}", deviation(law, "variance"), bound, SMALL),
            at_most(f"|rate mean - 1|, barrier {barrier:g}", deviation(law, "rate"), bound, SMALL),
            at_most(f"|median rate/log 2 - 1|, barrier {barrier:g}", deviation(law, "median"), bound, SMALL),
        ]
    found = run.step("Ornstein-Uhlenbeck", to_zero)
    checks += [
        equal(f"P(tau > {t:g}) of the Ornstein-Uhlenbeck process", s, of_zero(t), TOLERANCE, ASKED)
        for t, s in zip(TIMES, found, strict=True)
    ]
    heads = ("barrier", "mean", "variance/mean^2 - 1", "rate mean - 1", "median rate/log 2 - 1")
    rows = tuple(
        (f"{barrier:g}", law["mean"], *(f"{deviation(law, key):.1e}" for key in ("variance", "rate", "median")))
        for barrier, law in laws.items()
    )
    caption = "Quartic well, from -1 to 1: what is left of the law beside the exponential one"
    return Finding(tuple(checks), (Table(caption, heads, rows),), (picture(laws),), REMARKS)


def over(barrier: float) -> dict[str, Any]:
    """The law from -1 to 1 of V = (x^2 - 1)^2/4 over that many units of epsilon."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.25 / barrier))
    posed = fp.Problem(process, fp.Box([-2.0], [3.0]), fp.Resolution(tolerance=TOLERANCE))
    law = fp.exit_law(posed, -1.0, fp.HalfSpace([1.0], 1.0), quantiles=[0.5])
    return {"mean": law.mean, "variance": law.variance, "rate": law.rate, "median": law.quantiles[0.5]}


def to_zero() -> list[Any]:
    """P(tau > t) of dX = -X dt + sqrt(2) dW from 1 to 0."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(1.0))
    posed = fp.Problem(process, fp.Box([-1.0], [14.0]), fp.Resolution(tolerance=TOLERANCE))
    law = fp.exit_law(posed, 1.0, fp.HalfSpace([-1.0], 0.0), TIMES)
    return [each.survival for each in law.times]


def of_zero(t: float) -> float:
    """The same by reflection."""
    from math import erf, expm1, sqrt

    return erf(exp(-t) / sqrt(-2.0 * expm1(-2.0 * t)))


def deviation(law: dict[str, Any], key: str) -> float:
    """From one, of what is one for an exponential law."""
    from math import expm1

    mean, other = law["mean"].log, law[key].log
    logs = {
        "variance": lambda: other - 2.0 * mean,
        "rate": lambda: other + mean,
        "median": lambda: other + law["rate"].log - log(log(2.0)),
    }
    return abs(expm1(logs[key]()))


def picture(laws: dict[float, dict[str, Any]]) -> Figure:
    """The deviations against the barrier."""
    from validation import drawing

    def draw(ax: Axes) -> None:
        styles = zip(("variance", "rate", "median"), (drawing.BLUE, drawing.ORANGE, drawing.GREEN), "os^", strict=True)
        for key, colour, marker in styles:
            low = [barrier for barrier in laws if barrier <= 20.0]
            ax.semilogy(low, [deviation(laws[b], key) for b in low], f"{marker}-", color=colour, label=key)
        ax.set_xlabel("barrier / epsilon")
        ax.set_ylabel("deviation from an exponential law")
        ax.legend()

    caption = "The law becomes exponential as fast as the barrier makes the exit rare"
    return drawing.figure(caption, "Three lines that fall like exp(-barrier).", draw)


ASKED = "tolerance asked of the solver, 1e-8"
SMALL = "of order exp(-barrier), with the barrier as factor, and the tolerance"
REMARKS = (
    "Variances to 14 digits come from a quadrature of the second moment. Survival of the Ornstein-Uhlenbeck process "
    "to 0 is a closed form by reflection; the last time is in the tail, where 1.5e-22 is left.",
)

CLAIM = Claim(
    name="law-of-the-exit",
    group="eyring-kramers",
    title="The time to leave a well is exponential",
    statement=(
        "The time to leave a well has an exponential law up to terms of order exp(-barrier): its variance is the "
        "square of its mean, its median log 2 times the mean, and the smallest eigenvalue of the killed process the "
        "reciprocal."
    ),
    formula="P(τ > t) = c·exp(-λt)(1 + O(e^(-gap·t))),  c = 1 + O(e^(-ΔV/ε)),  λ E τ → 1",
    source="Day 1983, Stochastics 8, 297; Bovier, Gayrard and Klein 2005, J. Eur. Math. Soc. 7, 69, theorem 1.3",
    compute=compute,
)
