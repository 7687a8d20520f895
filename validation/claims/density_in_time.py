"""A density forgets where it began: as fast as closed forms say, and between wells as fast as the gap says."""

from __future__ import annotations

from functools import partial
from math import exp, log1p
from typing import TYPE_CHECKING, Any

from validation.claim import Check, Claim, Figure, Finding, Run, Table, equal, near

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARRIERS = (10.0, 50.0, 200.0, 500.0)
QUICK = (10.0, 500.0)
TOLERANCE = 1e-8
START = 1.5
LATER = START**2 - 1.0
TIMES = (0.01, 0.1, 1.0, 3.0, 10.0, 20.0)
SHARES = (0.01, 0.1, 1.0, 3.0, 10.0)
"""Times between wells, in units of one over the gap."""


def compute(run: Run) -> Finding:
    """The Ornstein-Uhlenbeck process from a point, and the quartic well from the bottom of one side."""
    found = run.step("Ornstein-Uhlenbeck", from_a_point)
    checks: list[Check] = []
    for t, state in zip(TIMES, found, strict=True):
        checks += [
            near(f"mean at t = {t:g}", state["mean"], START * exp(-t), TOLERANCE, ASKED),
            near(
                f"mean square at t = {t:g}", state["square"], 1.0 + (START**2 - 1.0) * exp(-2.0 * t), TOLERANCE, ASKED
            ),
            equal(f"relative entropy at t = {t:g}", state["entropy"], entropy(t), ENTROPY[t > 5.0], DISTANCES),
        ]
    wells = {b: run.step(f"barrier {b:g}", partial(between_wells, b)) for b in (QUICK if run.quick else BARRIERS)}
    for barrier, shares in wells.items():
        small = 30.0 * exp(-barrier) + TOLERANCE
        checks += [
            equal(f"P(left) after {t:g} / gap, barrier {barrier:g}", share, 0.5 + 0.5 * exp(-t), small, SMALL)
            for t, share in zip(SHARES, shares, strict=True)
        ]
    heads = ("barrier", *(f"after {t:g} / gap" for t in SHARES))
    rows = tuple((f"{barrier:g}", *shares) for barrier, shares in wells.items())
    table = Table("Quartic well from its left minimum: probability of the left well", heads, rows)
    return Finding(tuple(checks), (table,), (picture(found),), REMARKS)


def from_a_point() -> list[dict[str, Any]]:
    """dX = -X dt + sqrt(2) dW from a point."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(1.0))
    posed = fp.Problem(process, fp.Box([-9.0], [9.0]), fp.Resolution(tolerance=TOLERANCE))
    asked = {"mean": "x", "square": "x**2"}
    states = fp.evolve(posed, initial=[START], times=TIMES, observables=asked).times
    return [
        {**{name: state.observables[name].value for name in asked}, "entropy": state.distance.relative_entropy}
        for state in states
        if state.distance is not None
    ]


def entropy(t: float) -> float:
    """Of the normal law with the mean m = x exp(-t) and the variance s = 1 - exp(-2 t) to the standard one."""
    lost = exp(-2.0 * t)
    return 0.5 * (LATER * lost - log1p(-lost))


def between_wells(barrier: float) -> list[Any]:
    """P(left) of V = (x^2 - 1)^2/4 over that many units of epsilon, from the left minimum."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.25 / barrier))
    posed = fp.Problem(process, fp.Box([-2.0], [2.0]), fp.Resolution(tolerance=TOLERANCE))
    gap = fp.spectrum(posed, count=2).gap.value
    return [state.wells[0] for state in fp.evolve(posed, initial=[-1.0], times=[t / gap for t in SHARES]).times]


def picture(found: list[dict[str, Any]]) -> Figure:
    """The relative entropy against time."""
    import numpy as np

    from validation import drawing

    def draw(ax: Axes) -> None:
        dense = np.linspace(0.01, 20.0, 300)
        ax.semilogy(dense, [entropy(t) for t in dense], color=drawing.BLUE, label="closed form")
        values = [state["entropy"].value for state in found]
        ax.semilogy(TIMES, values, "o", color=drawing.ORANGE, label="solved")
        ax.set_xlabel("t")
        ax.set_ylabel("relative entropy to the stationary density")
        ax.legend()

    return drawing.figure("Ornstein-Uhlenbeck from a point", "A line of slope -2, twice the gap, in the end.", draw)


ENTROPY = {False: 1e-6, True: 1e-3}
ASKED = "tolerance asked of the solver, 1e-8, of numbers of order one"
DISTANCES = "distances are known to the tolerance where they are of order one, and to a thousandth where they are 1e-18"
SMALL = "the process settles in the well first, which moves exp(-barrier) of the mass at most, and the tolerance"
REMARKS = (
    "A relative entropy falls twice as fast as the slowest mode: 1e-17 at t = 20 has its digits. The longest time "
    "between wells, at barrier 500, is 3e218.",
)

CLAIM = Claim(
    name="density-in-time",
    group="eyring-kramers",
    title="A density forgets where it began",
    statement=(
        "The density of a process in time has the moments and the distance to equilibrium of closed forms, and between "
        "two equal wells the share of the first falls from 1 to 1/2 like exp(-gap t), at every barrier."
    ),
    formula="P(left) = 1/2 + e^(-λ₁t)/2 + O(e^(-ΔV/ε)),  H(p_t | p) ~ e^(-2λ₁t)",
    source="Risken 1989, The Fokker-Planck Equation, chapter 5; Bovier, den Hollander 2015, Metastability, chapter 8",
    compute=compute,
)
