"""Kramers' turnover: the rate against friction beside its formulas, the friction of its maximum, the rest in eps."""

from __future__ import annotations

from functools import partial
from math import erfc, exp, log, pi, sqrt
from typing import Any

from validation.claim import Check, Claim, Finding, Run, Table, at_least, at_most, equal, near
from validation.drawing import BLUE, GREEN, ORANGE, figure

NOISES = (20, 40, 80)  # 1/eps; barriers of 5, 10 and 20 units of epsilon
WALLS = {20: 2.0, 40: 1.7, 80: 1.5}  # V is more than 26 eps above the saddle there
ORDERS = (0.5, 1.0, 10.0)
AROUND = (0.25, 0.35, 0.45, 0.6)  # frictions at which the maximum is interpolated
QUICK_AROUND = (0.35, 0.4, 0.45, 0.6)
LOW = (0.1, 0.2)  # in phase space: too many Hermite functions of the velocity
HIGH = (20.0, 40.0)
TOLERANCE = 1e-4

#: smallest eigenvalues at eps = 1/20 by friction, and where they are largest: Hermite × Hermite functions
GAPS = {
    0.1: 1.4919453928e-3, 0.2: 2.0657377153e-3, 0.25: 2.1911087658e-3, 0.35: 2.2754396598e-3, 0.4: 2.2705795832e-3,
    0.5: 2.2168141385e-3, 0.6: 2.1360979996e-3, 1.0: 1.7853501976e-3, 10.0: 2.7537195119e-4,
}  # fmt: skip
FASTEST = 0.36303

ASKED = "the bar, from a tolerance of 1e-4"


def compute(run: Run) -> Finding:
    """Eigenvalues over friction and noise; Mel'nikov and Meshkov's formula beside them; the overdamped limit."""
    around = QUICK_AROUND if run.quick else AROUND
    asked = [(20, friction) for friction in sorted({*around, *ORDERS, *HIGH})]
    asked += [(inverse, friction) for inverse in NOISES[1:] for friction in ORDERS]
    found = {
        (inverse, friction): run.step(f"noise 1/{inverse}, friction {friction:g}", partial(line, inverse, friction))
        for inverse, friction in asked
    }
    if not run.quick:
        for friction in LOW:
            found[20, friction] = run.step(f"phase space, friction {friction:g}", partial(phase_space, friction))
    overdamped = run.step("overdamped", slow_limit)
    over = {key: exp(gap.log - log(formula("all", *key))) for key, gap in found.items()}
    best = fastest(around, [over[20, friction] for friction in around])
    checks: list[Check] = []
    for friction, exact in GAPS.items():
        if (20, friction) in found:
            gap = found[20, friction]
            checks.append(equal(f"λ₁ at noise 1/20, friction {friction:g}", gap, exact, gap.relative_error, ASKED))
    checks.append(near("friction of the largest rate", best, FASTEST, 5e-4, "three digits"))
    ratios = [ratio for (inverse, friction), ratio in over.items() if inverse == 20 and friction <= 10.0]
    checks.append(at_least("λ₁ over the formula, noise 1/20, least", min(ratios), 0.875, "0.88 in two digits"))
    checks.append(at_most("λ₁ over the formula, noise 1/20, largest", max(ratios), 0.96, "claimed"))
    for friction in ORDERS:
        for first, second in zip(NOISES[:-1], NOISES[1:], strict=True):
            halved = (1.0 - over[second, friction]) / (1.0 - over[first, friction])
            because = "of order eps; its next terms, measured on Hermite functions, change the half by up to 0.042"
            what = f"rest at noise 1/{second} over that at 1/{first}, friction {friction:g}"
            checks.append(near(what, halved, 0.5, 0.05, because))
    because = (
        "by Laplace's method, 3/4 at the minimum and at the saddle, in the overdamped limit; the next term is 3 eps"
    )
    checks.append(near("rest over eps, friction 10, noise 1/80", 80.0 * (1.0 - over[80, 10.0]), 1.5, 0.06, because))
    lacks = {friction: 1.0 - friction * found[20, friction].value / overdamped.value for friction in (10.0, *HIGH)}
    fall = log(lacks[10.0] / lacks[40.0]) / log(4.0)
    because = "λ₊ = 1/γ - 1/γ³ + ...: the square of the friction; its next term at 10"
    checks.append(near("order in 1/friction of 1 - friction λ₁ over the overdamped gap", fall, 2.0, 0.05, because))
    return Finding(tuple(checks), _tables(found, over, lacks), _figures(found, best), REMARKS)


def line(inverse: int, friction: float) -> Any:
    """λ₁ by Hermite functions of the velocity over finite elements of the position."""
    import fokker_planck as fp
    from fokker_planck import Quantity
    from fokker_planck.solvers.momentum.kinetic_spectrum import slow_modes

    wall = WALLS[inverse]
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(1.0 / inverse))
    found = slow_modes(fp.Problem(process, fp.Box([-wall], [wall]), fp.Resolution(TOLERANCE)), friction, 2)
    return Quantity.of(float(found.values[0]), float(found.errors[0]))


def phase_space(friction: float) -> Any:
    """λ₁ at noise 1/20 by finite elements of position and velocity."""
    import fokker_planck as fp

    process = fp.Underdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(1 / 20), friction)
    return fp.spectrum(fp.Problem(process, fp.Box([-2.0, -1.8], [2.0, 1.8]), fp.Resolution(TOLERANCE)), 2).gap


def slow_limit() -> Any:
    """The gap of the overdamped process at noise 1/20."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(1 / 20))
    return fp.spectrum(fp.Problem(process, fp.Box([-2.0], [2.0]), fp.Resolution(1e-8)), 2).gap


def formula(name: str, inverse: float, friction: float) -> float:
    """Twice the rate out of a well: "Kramers", "energy" diffusion, or "all" frictions, of Mel'nikov and Meshkov."""
    loss = 4.0 / 3.0 * friction * inverse
    over_saddle = sqrt(friction**2 / 4.0 + 1.0) - friction / 2.0
    factors = {"Kramers": over_saddle, "energy": loss / 2.0}
    if name == "all":
        factors["all"] = over_saddle * exp(2.0 * _log_depopulation(loss) - _log_depopulation(2.0 * loss))
    return factors[name] * sqrt(2.0) / pi * exp(-inverse / 4.0)


def _log_depopulation(loss: float) -> float:
    """ln Υ: -Σ erfc(√(n d)/2)/n, whose terms beyond 150/d are below 1e-17 of it."""
    return -sum(erfc(sqrt(n * loss) / 2.0) / n for n in range(1, 2 + int(150.0 / loss)))


def fastest(frictions: tuple[float, ...], ratios: list[float]) -> float:
    """Where a polynomial in log friction, times the formula, is largest."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    nodes = np.log(frictions)
    polynomial = np.polyfit(nodes, ratios, len(nodes) - 1)

    def slowness(where: float) -> float:
        return -float(np.polyval(polynomial, where)) * formula("all", 20, exp(where))

    ends = (log(0.25), log(0.6))
    return exp(minimize_scalar(slowness, bounds=ends, method="bounded", options={"xatol": 1e-6}).x)


REMARKS = (
    "What the formula lacks is of order eps at every friction. At low friction it is largest, for orbits near the "
    "separatrix take long: at noise 1/20 the eigenvalue is 0.880 of the formula at friction 0.1 and 0.917 at 10.",
    "The maximum moves with the noise, to friction 0.223 at 1/40 and 0.132 at 1/80: energy is lost over eps.",
)


def _tables(found: Any, over: Any, lacks: Any) -> tuple[Table, ...]:
    names = ("Kramers", "energy", "all")
    rows = tuple(
        (f"1/{inverse}", friction, gap, *(formula(name, inverse, friction) for name in names), over[inverse, friction])
        for (inverse, friction), gap in sorted(found.items(), key=lambda item: item[0])
    )
    heads = ("noise", "friction", "λ₁", "Kramers, Langer", "energy diffusion", "Mel'nikov, Meshkov", "over the last")
    limits = tuple((friction, f"{lack:.3e}") for friction, lack in lacks.items())
    return (
        Table("(x² - 1)²/4: smallest eigenvalue, and twice the rate of the formulas", heads, rows),
        Table("Towards the overdamped limit, noise 1/20", ("friction", "1 - friction λ₁ over its gap"), limits),
    )


def _figures(found: Any, best: float) -> tuple[Any, ...]:
    def draw(ax: Any) -> None:
        along = [0.03 * 1.06**k for k in range(115)]
        styles = (("Kramers", ORANGE, "Kramers, Langer"), ("energy", GREEN, "energy diffusion"))
        for name, colour, label in (*styles, ("all", BLUE, "Mel'nikov, Meshkov")):
            ax.loglog(along, [formula(name, 20, friction) for friction in along], color=colour, label=label)
        solved = sorted((friction, float(gap)) for (inverse, friction), gap in found.items() if inverse == 20)
        ax.loglog(*zip(*solved, strict=True), "o", color=BLUE, label="λ₁")
        ax.axvline(best, color=BLUE, linewidth=0.7)
        ax.set(xlabel="friction", ylabel="λ₁", ylim=(1e-4, 6e-3), xlim=(0.03, 25.0))
        ax.legend()

    text = "Points on a curve that rises and falls; one line that only rises, one that only falls, both above."
    return (figure("The rate against friction at a barrier of five units of epsilon", text, draw),)


CLAIM = Claim(
    name="kramers-turnover",
    group="eyring-kramers",
    title="Kramers' turnover: one formula for every friction",
    statement=(
        "The rate between two wells rises with small friction and falls with large friction. Mel'nikov and Meshkov's "
        "formula holds for every friction with a rest of order ε: at a barrier of 5 units of epsilon the eigenvalue is "
        "0.88 to 0.96 of it from friction 0.1 to 10, and largest at friction 0.363."
    ),
    formula="λ₁ = 2 (λ₊/ω_b)(ω_a/2π) Υ(d)²/Υ(2d) exp(-ΔV/ε)(1 + O(ε)),  λ₊ = √(γ²/4 + ω_b²) - γ/2,  d = γ I_b/ε",
    source="Kramers 1940, Physica 7, 284; Mel'nikov and Meshkov 1986, J. Chem. Phys. 85, 1018",
    compute=compute,
)
