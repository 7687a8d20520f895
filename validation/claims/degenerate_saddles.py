"""Saddles with a quartic direction, and the pitchfork in which one saddle becomes two."""

from __future__ import annotations

from functools import partial
from math import gamma, log, pi, prod, sqrt
from typing import Any

from fokker_planck.quantity import Quantity
from validation.by_hand import rate, total
from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, PURPLE, RED, figure
from validation.wells import at_zero

# V'' = 0 and V'''' = -18 on top, V'' = 6 in the wells, barrier 1/4
FLAT_TOP, TOPS, QUICK_TOPS = "(2*x**6 - 3*x**4 + 1)/4", (20, 100, 400, 1000, 2000, 4000), (400, 1000, 2000)
# a = alpha sqrt(noise): at the saddle V = 1/4 - x**2/2 + a y**2/2 + y**4/4 + ...
ALPHAS, FORKS, QUICK_FORKS = (-2.0, -1.0, 0.0, 1.0, 3.0), (100, 400, 1600), (100, 400)
FINE, PLANE = 1e-8, 1e-6
SQUARE_ROOT = "polynomial in the root of the noise: its rest is of the order of the product of the roots"


def compute(run: Run) -> Finding:
    """Times over the flat top and across the pitchfork, over the formulas, and the limits of the ratios."""
    chosen = QUICK_TOPS if run.quick else TOPS
    tops = {n: run.step(f"top, noise 1/{n}, {FINE:g}", partial(over_top, 1 / n)) for n in chosen}
    forks = {
        (alpha, n): run.step(f"fork, {alpha}, noise 1/{n}, {PLANE:g}", partial(over_fork, alpha, 1 / n))
        for alpha in ((0.0,) if run.quick else ALPHAS)
        for n in (QUICK_FORKS if run.quick else FORKS)
    }
    checks = [*_limit("quartic top", {n: t.ratio(top_by_hand(1 / n)) for n, (t, _) in tops.items()}, top_next())]
    for alpha in dict.fromkeys(alpha for alpha, _ in forks):
        ratios = {n: t.ratio(fork_by_hand(alpha, 1 / n)) for (a, n), (t, _) in forks.items() if a == alpha}
        checks += _limit(f"pitchfork, a = {alpha} √noise", ratios, fork_next(alpha))
    checks += _printed(tops, forks)
    rows = [(f"quartic top, 1/{n}", t, top_by_hand(1 / n), t.ratio(top_by_hand(1 / n))) for n, (t, _) in tops.items()]
    for (alpha, n), (time, _) in forks.items():
        formula = fork_by_hand(alpha, 1 / n)
        rows.append((f"a = {alpha} √ε, 1/{n}", time, formula, time.ratio(formula)))
    table = Table("Mean times from one well to the other", ("saddle, noise", "T", "formula", "ratio"), tuple(rows))
    drawing = figure(
        "Ratio to the formula with the quartic direction, against the root of the noise",
        "For the quartic top and for five stages of the pitchfork the ratios fall to one along straight lines.",
        partial(_draw, tops, forks),
    )
    remarks = (
        "Of a quartic direction the width is ε^¼, and the first correction is of the order √ε instead of ε: at a "
        "barrier of 100 units of epsilon still two percent, at 1000 half a percent.",
        "Eyring-Kramers says infinite or zero at the degenerate point and the package prints nothing beside it; near "
        "it, where √ε is not small against a, the quadratic formula is printed and off by the Bessel factor.",
    )
    return Finding(tuple(checks), (table,), (drawing,), remarks)


def over_top(noise: float) -> list[Quantity | None]:
    """The time from -1 to 1 over the quartic top, and what is printed beside it."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(FLAT_TOP), fp.Isotropic(noise))
    posed = fp.Problem(process, fp.Box((-1.6,), (1.6,)), resolution=fp.Resolution(tolerance=FINE))
    found = fp.mean_exit_time(posed, (-1.0,), fp.HalfSpace((1.0,), 1.0))
    return [found.mean, found.asymptotic]


def fork(a: float) -> str:
    """V = (x**2 - 1)**2/4 + (x**2 + a (1 - x**2)) y**2/2 + y**4/4."""
    return f"(x**2 - 1)**2/4 + (x**2 + ({a!r})*(1 - x**2))*y**2/2 + y**4/4"


def over_fork(alpha: float, noise: float) -> list[Quantity | None]:
    """The time from (-1, 0) to x = 1 with a = alpha sqrt(noise), and what is printed beside it."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(fork(alpha * sqrt(noise))), fp.Isotropic(noise))
    posed = fp.Problem(process, fp.Box((-2.0, -2.5), (2.0, 2.5)), resolution=fp.Resolution(tolerance=PLANE))
    found = fp.mean_exit_time(posed, (-1.0, 0.0), fp.HalfSpace((1.0, 0.0), 1.0))
    return [found.mean, found.asymptotic]


def top_by_hand(noise: float) -> Quantity:
    """Gamma(1/4)/(2 (C4 noise)**(1/4)) sqrt(2 pi/V'') exp(1/(4 noise)), C4 = 3/4, V'' = 6."""
    width = gamma(0.25) / 2.0 * (0.75 * noise) ** -0.25
    return Quantity.of_log(log(width * sqrt(2.0 * pi / 6.0)) + 0.25 / noise, 0.0)


def top_next() -> float:
    """c in 1 + c sqrt(noise): x**6/2 beside -3 x**4/4 on the top, <x**6>/(2 noise)."""
    return 0.5 * 0.75**-1.5 * gamma(1.75) / gamma(0.25)


def across(alpha: float, power: int = 0) -> float:
    """int u**power exp(-(alpha u**2/2 + u**4/4)) du for power 0 or 2, by Bessel functions.

    With q = alpha**2/8: sqrt(2 alpha)/2 e^q K_1/4(q), or for alpha < 0 pi/2 sqrt(|alpha|) e^q (I_1/4(q) + I_-1/4(q));
    the second moment is minus twice the derivative.
    """
    import mpmath

    def whole(a: Any) -> Any:
        q = a**2 / 8
        if a == 0:
            return mpmath.gamma(0.25) / mpmath.sqrt(2)
        if a > 0:
            return mpmath.sqrt(2 * a) / 2 * mpmath.exp(q) * mpmath.besselk(0.25, q)
        bessel = mpmath.besseli(0.25, q) + mpmath.besseli(-0.25, q)
        return mpmath.pi / 2 * mpmath.sqrt(-a) * mpmath.exp(q) * bessel

    if power == 0:
        return float(whole(mpmath.mpf(alpha)))
    if alpha == 0.0:
        return sqrt(2.0) * gamma(0.75)
    with mpmath.workdps(30):
        return float(-2 * mpmath.diff(whole, mpmath.mpf(alpha)))


def fork_by_hand(alpha: float, noise: float) -> Quantity:
    """2 pi/sqrt(2) sqrt(2 pi noise)/int exp(-(a y**2/2 + y**4/4)/noise) dy exp(1/(4 noise)), the integral by Bessel."""
    factor = sqrt(2.0 * pi * noise) / (noise**0.25 * across(alpha))
    return Quantity.of_log(log(2.0 * pi / sqrt(2.0) * factor) + 0.25 / noise, 0.0)


def fork_next(alpha: float) -> float:
    """c in 1 + c sqrt(noise): x**2 y**2/2 beside the rest at the saddle, <x**2> <y**2>/(2 noise**(3/2))."""
    return 0.5 * across(alpha, 2) / across(alpha)


def _limit(name: str, ratios: dict[int, Any], c: float) -> list[Check]:
    roots = [n**-0.5 for n in ratios][-3:]
    last = list(ratios.values())[-3:]
    slopes = [(ratio - 1.0) / root for ratio, root in zip(last, roots, strict=True)]
    rest = prod(roots) * (4.0 if len(roots) == 2 else 40.0)
    return [
        near(f"limit of the ratio, {name}", at_zero(roots, last), 1.0, rest, SQUARE_ROOT),
        near(f"coefficient of √noise, {name}", at_zero(roots, slopes), c, 3.0 * rest, SQUARE_ROOT),
    ]


def _printed(tops: dict[int, Any], forks: dict[Any, Any]) -> list[Check]:
    """Nothing beside a degenerate saddle, elsewhere Eyring-Kramers; the package's formulas for quartic directions."""
    from fokker_planck.asymptotics import degenerate

    because = "the same formula by hand"
    printed_tops = sum(printed is not None for _, printed in tops.values())
    checks = [near("formulas printed for quartic tops", printed_tops, 0.0, 0.0, "there is none of Eyring and Kramers")]
    for (alpha, n), (_, printed) in forks.items():
        a, noise = alpha * n**-0.5, 1.0 / n
        if alpha == 0.0:
            checks.append(near(f"formulas printed for a = 0, 1/{n}", float(printed is not None), 0.0, 0.0, "as above"))
        else:
            saddles = [(0.0, 0.0)] if a > 0.0 else [(0.0, sqrt(-a)), (0.0, -sqrt(-a))]
            kramers = total([rate(fork(a), (-1.0, 0.0), saddle, noise) for saddle in saddles]).reciprocal()
            checks.append(equal(f"printed, a = {alpha} √ε, 1/{n}", printed, kramers, 1e-8, because))
        known = degenerate.pitchfork_across(a, 0.25, -1.0, [], [2.0, 1.0], 0.25, noise)
        what = f"formula of the package, a = {alpha} √ε, 1/{n}"
        checks.append(equal(what, known, fork_by_hand(alpha, noise), 1e-9, because))
    noise = 1.0 / 400
    known = degenerate.quartic_along(0.75, [], [6.0], 0.25, noise)
    checks.append(equal("formula of the package, quartic top", known, top_by_hand(noise), 1e-9, because))
    known = degenerate.quartic_across(0.25, -1.0, [], [2.0, 1.0], 0.25, noise)
    checks.append(equal("formula of the package, quartic across", known, fork_by_hand(0.0, noise), 1e-9, because))
    return checks


def _draw(tops: dict[int, Any], forks: dict[Any, Any], ax: Any) -> None:
    curves = {"quartic top": ({n: t.ratio(top_by_hand(1 / n)) for n, (t, _) in tops.items()}, top_next())}
    for alpha in dict.fromkeys(alpha for alpha, _ in forks):
        ratios = {n: t.ratio(fork_by_hand(alpha, 1 / n)) for (a, n), (t, _) in forks.items() if a == alpha}
        curves[f"a = {alpha:g} √ε"] = ratios, fork_next(alpha)
    styles = zip((BLUE, ORANGE, GREEN, RED, PURPLE, MUTED), "osD^vx", strict=True)
    for (name, (ratios, c)), (colour, marker) in zip(curves.items(), styles, strict=False):
        ax.plot([n**-0.5 for n in ratios], list(ratios.values()), marker, color=colour, label=name)
        ax.plot([0.0, 0.1], [1.0, 1.0 + 0.1 * c], "-", color=colour, linewidth=1.0)
    ax.set_xlim(0.0, 0.11)
    ax.set_ylim(0.99, 1.16)
    ax.set_xlabel("√noise")
    ax.set_ylabel("time / formula")
    ax.legend()


CLAIM = Claim(
    name="degenerate-saddles",
    group="eyring-kramers",
    title="Saddles with a quartic direction",
    statement=(
        "Where the second derivative at the saddle vanishes in one direction, the formula of Eyring and Kramers says "
        "zero or infinity. With the quartic term instead of the Gaussian it is finite again, with a quarter power of "
        "the noise; through a pitchfork, from one saddle to two, Bessel functions lead over from one to the other."
    ),
    formula=(
        "unstable direction quartic: T = Γ(¼)/(2(C₄ε)^¼) √(2π/V''(x)) e^{ΔV/ε};  stable direction ay²/2 + y⁴/4: "
        "T = (2π/√det ∇²V(x)) √(2πε/|λ₋|) / ∫e^{-(ay²/2 + y⁴/4)/ε}dy · e^{ΔV/ε},  "
        "∫ = √(2a) e^q K_¼(q)/2 or (π/2)√|a| e^q (I_¼ + I_₋¼)(q),  q = a²/8ε"
    ),
    source="Berglund and Gentz 2010; the terms in √ε by the variational principle",
    compute=compute,
)
