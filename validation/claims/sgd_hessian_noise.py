"""Xie, Sato and Sugiyama: noise that follows the Hessian favours flat minima exponentially, if a floor lets it pass."""

from __future__ import annotations

import warnings
from functools import partial
from math import exp, hypot, log, pi, sqrt
from typing import Any

import fokker_planck as fp
from fokker_planck.quantity import Quantity
from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, RED, figure
from validation.wells import FLAT_AND_SHARP, QUARTIC, at_zero, beyond, on_a_line

READINGS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}
FLOOR = 0.5
BOTH = ("ito", "klimontovich")
#: D = theta (V''² + 1/4)^(1/2), 60-digit integrals by 1/theta: P(flat), Itô, T from there to the sharp minimum in both
FLAT = {
    20: (0.86667526766439530447, 8485.4940017247871402, 9411.2411918320003143),
    80: (0.99499288383070224624, 3.2838547467487023749e13, 3.5907287567493752049e13),
    400: (0.99999999992358073689, 4.8560455024840289480e64, 5.2875941886771282317e64),
}
WHITE = FLAT_AND_SHARP.exact[20].there
#: theta times the integral of V'/D from the flat minimum to the top, and that less the one from the sharp minimum
UP_FROM_FLAT, SLOPE = 0.3682037523799677, 0.3682037523799677 - 0.3119940398293692
#: V'' = 4 up to 0.2, -1 beyond: minimum 0, top 1, D = theta |V''|, from 0 to 1.8
PIECES = "0.75*x**2 - 1.25*(x - 0.2)*abs(x - 0.2) + 0.5*x"
THROUGH = {
    ("ito", 20): 1617.2482628529792,
    ("ito", 100): 920796726357970.314,
    ("ito", 1000): 7.1819722729663804e147,
    ("klimontovich", 20): 5061.9940558868579,
    ("klimontovich", 100): 3607743954423403.94,
    ("klimontovich", 1000): 2.8727889089059851e148,
}
STRETCHES = (0.5, 1.0, 2.0, 4.0)
FLOORS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
THETA = 0.05

ASKED = "tolerance asked of the solver, 1e-9"
IDENTITY = "an identity: tolerance of the two solves, 1e-9 each"
PIECEWISE = "no curvature varies: the rest is exponentially small"
LAPLACE = "line through 1/400 and 1/2000: the rest is of order theta²"
ROUNDING = "the same formula by hand"
FLOORED = "the closed form of the exponent bends by 5e-4 between the floors 0.01 and 0.02"


def compute(run: Run) -> Finding:
    """The identities, the two pieces, the odds of the flat well, and the floor."""
    stretches, levels, inverses, floors = STRETCHES, (20, 100, 1000), (20, 80, 400, 2000), FLOORS
    if run.quick:
        stretches, levels, inverses, floors = (0.5, 4.0), (1000,), (400, 2000), FLOORS[-2:]
    identities = [run.step(f"V(√{k:g} x), Hessian and white noise", partial(stretched, k)) for k in stretches]
    pieces = {
        (reading, n): run.step(f"two pieces, {reading}, theta 1/{n}", partial(through, reading, n))
        for reading in READINGS
        for n in levels
    }
    odds = {n: run.step(f"flat and sharp, theta 1/{n}", partial(flat_and_sharp, n)) for n in inverses}
    floored = {x: run.step(f"quartic well, floor {x:g}", partial(over_the_floor, x)) for x in floors}
    checks = [
        equal(f"k T_k(theta/k), {kind}, k = {k:g}", time.scaled(k), exact, 2e-9, IDENTITY)
        for k, times in zip(stretches, identities, strict=True)
        for kind, time, exact in zip(("Hessian", "white"), times, (FLAT[20][1], WHITE), strict=True)
    ]
    for (reading, n), time in pieces.items():
        if (reading, n) in THROUGH:
            checks.append(equal(f"T, two pieces, {reading}, 1/{n}", time, THROUGH[reading, n], 1e-9, ASKED))
        if n == 1000:
            expected = Quantity.of_log(_paper(n) + log(4.0) * (READINGS[reading] - 1.0), 0.0)
            what = f"T, two pieces: 4^(α - 1) times the paper's formula, {reading}"
            checks.append(equal(what, time, expected, 1e-8, PIECEWISE))
    checks += _odds(odds)
    power = (floored[0.01].log - floored[0.02].log) / log(2.0)
    checks.append(near("-d log T/d log floor: 2V'/(|V‴| theta)", power, 2.0 / 9.0 / THETA, 2e-3, FLOORED))
    refused = run.step("quartic well, no floor", no_floor)
    checks.append(near("no floor: 1 for refused as infinite", float(refused), 1.0, 0.0, "no path passes"))
    return Finding(tuple(checks), _tables(pieces, odds, floored), _figures(odds, floored), REMARKS)


Pair = tuple[float, float]


def crossing(formula: str, noise: Any, ends: Pair, way: Pair, reading: str = "ito") -> Any:
    """The mean time along the way, on the line between the ends."""
    return fp.mean_exit_time(on_a_line(formula, noise, *ends, reading), (way[0],), beyond(way[1]))


def stretched(k: float) -> list[Any]:
    """From -1/√k to 1/√k in V(√k x): theta/k (V''² + (k/2)²)^(1/2), and white noise 1/20."""
    r = sqrt(k)
    formula, ends, way = f"({k!r}*x**2 - 1)**2*(1 + 0.4*{r!r}*x)/4", (-2.0 / r, 2.0 / r), (-1.0 / r, 1.0 / r)
    noises = (fp.Hessian(THETA / k, FLOOR * k), fp.Isotropic(THETA))
    return [crossing(formula, noise, ends, way).mean for noise in noises]


def through(reading: str, inverse: int) -> Any:
    """Over the top of the two pieces, no floor."""
    return crossing(PIECES, fp.Hessian(1.0 / inverse), (-1.0, 1.8), (0.0, 1.8), reading).mean


def flat_and_sharp(inverse: int) -> dict[str, Any]:
    """Share and odds of the flat well, the time from there, and the printed formula, Itô and Klimontovich."""
    noise, ends = fp.Hessian(1.0 / inverse, FLOOR), (-2.0, 2.0)
    found = fp.stationary_density(on_a_line(FLAT_AND_SHARP.formula, noise, *ends))
    flat, sharp = sorted(found.wells, key=lambda one: one.minimum[0])
    there = {reading: crossing(FLAT_AND_SHARP.formula, noise, ends, (-1.0, 1.0), reading) for reading in BOTH}
    return {
        "flat": flat.probability,
        "odds": flat.probability.log - sharp.probability.log,
        **{reading: one.mean for reading, one in there.items()},
        **{f"formula, {reading}": one.asymptotic for reading, one in there.items()},
    }


def over_the_floor(floor: float) -> Any:
    """From -1 to 1 in the quartic well; small floors are warned of, as they must be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return crossing(QUARTIC.formula, fp.Hessian(THETA, floor), (-2.0, 2.0), (-1.0, 1.0)).mean


def no_floor() -> bool:
    """Whether an infinite time is refused as such."""
    try:
        over_the_floor(0.0)
    except fp.ProblemError as error:
        return "infinite" in str(error)
    return False


def _paper(level: int) -> float:
    """log of 2π/|H_b| exp{(ΔL/theta)(s/H_a + (1 - s)/|H_b|)} with H = 4, -1, ΔL = 0.4 and s = 1/5."""
    return log(2.0 * pi) + 0.4 * level * (0.2 / 4.0 + 0.8)


def _noise(x: float) -> float:
    return hypot(FLAT_AND_SHARP.derivative(2, x), FLOOR)


def _formula(inverse: int, alpha: float) -> Quantity:
    """2π/√(V''_a |V''_b|) (D_b/D_a)^(1/2 - α) exp(ΔΦ) from the flat minimum."""
    bottom, top = FLAT_AND_SHARP.bottom(-1), FLAT_AND_SHARP.critical[1]
    curved = FLAT_AND_SHARP.derivative(2, bottom) * abs(FLAT_AND_SHARP.derivative(2, top))
    ratio = (0.5 - alpha) * log(_noise(top) / _noise(bottom))
    return Quantity.of_log(log(2.0 * pi / sqrt(curved)) + ratio + UP_FROM_FLAT * inverse, 0.0)


#: log of the ratio of the weights 1/√(V'' D) of the two wells, Itô
PREFACTOR = 0.5 * log(2.8 * hypot(2.8, FLOOR) / (1.2 * hypot(1.2, FLOOR)))


def _odds(found: dict[int, Any]) -> list[Check]:
    checks = []
    for n, one in found.items():
        if n in FLAT:
            checks.append(equal(f"P(flat), theta = 1/{n}", one["flat"], FLAT[n][0], 1e-9, ASKED))
            for reading, time in zip(BOTH, FLAT[n][1:], strict=True):
                checks.append(equal(f"T from flat, {reading}, theta = 1/{n}", one[reading], time, 1e-9, ASKED))
        if n >= 400:
            for reading in BOTH:
                hand = _formula(n, READINGS[reading])
                what = f"printed formula, {reading}, theta = 1/{n}"
                checks.append(equal(what, one[f"formula, {reading}"], hand, 1e-9, ROUNDING))
    slope = (found[2000]["odds"] - found[400]["odds"]) / 1600.0
    checks.append(near("slope of the log odds against 1/theta", slope, SLOPE, 1e-5, "the prefactor changes by theta"))
    rests = [found[n]["odds"] - SLOPE * n for n in (2000, 400)]
    limit = at_zero((1.0 / 2000.0, 1.0 / 400.0), rests)
    checks.append(near("log odds less the slope, theta to zero", limit, PREFACTOR, 1e-4, LAPLACE))
    return checks


REMARKS = (
    "D = theta |V''| vanishes where the curvature changes sign, and no path crosses there from below: on a smooth line "
    "the mean time of this process is infinite. The paper's formula replaces D by one constant on either side.",
    "With a floor δ the time is finite and goes like δ^(-2V'/(|V‴| theta)): it is the floor's answer, not the "
    "Hessian's. The odds of the flat well with the floor 1/2 are those shown.",
    "Where the curvature jumps over zero the paper's exponent is exact, with s = |H_b|/(H_a + |H_b|). Its prefactor "
    "2π/|H_b| is Klimontovich's; Itô's is 2π/H_a, a quarter of it here, Stratonovich's 2π/√(H_a|H_b|).",
    "The scaling with k, log T growing like 1/k for Hessian noise and T like 1/k for white noise, is an identity.",
)


def _tables(pieces: Any, odds: Any, floored: Any) -> tuple[Table, ...]:
    through_rows = tuple((f"{name}, 1/{n}", time, exp(time.log - _paper(n))) for (name, n), time in pieces.items())
    odds_rows = tuple((f"1/{n}", *(one[key] for key in ("flat", "odds", *BOTH))) for n, one in odds.items())
    return (
        Table("Two pieces, H = 4 and -1", ("reading, theta", "T", "T over the paper's formula"), through_rows),
        Table("Flat and sharp, floor 1/2", ("theta", "P(flat)", "log odds", "T from flat", "klimontovich"), odds_rows),
        Table("Quartic well, theta = 1/20", ("floor", "T"), tuple(floored.items())),
    )


def _figures(odds: Any, floored: Any) -> tuple[Any, ...]:
    def draw(won: Any, floor: Any) -> None:
        inverse = [n for n in odds if n <= 400]
        won.plot(inverse, [odds[n]["odds"] for n in inverse], "o", color=BLUE, label="Hessian noise")
        won.plot([0, 400], [PREFACTOR, PREFACTOR + 400 * SLOPE], "-", color=MUTED, label="slope 0.05621")
        won.plot([0, 400], [0.5 * log(2.8 / 1.2)] * 2, "--", color=ORANGE, label="white noise")
        won.set(xlabel="batch size, as 1/theta", ylabel="log odds of the flat well")
        won.legend()
        floor.loglog(list(floored), [float(time) for time in floored.values()], "s", color=GREEN, label="solved")
        line = [float(floored[0.01]) * (100.0 * x) ** (-2.0 / 9.0 / THETA) for x in (0.01, 0.5)]
        floor.loglog([0.01, 0.5], line, "-", color=RED, label="power -40/9")
        floor.set(xlabel="floor", ylabel="mean time, quartic well")
        floor.legend()

    caption = "Odds of the flat well (left); mean time against the floor (right)"
    description = "Left: a rising straight line, and a level one for white noise. Right: a falling straight line."
    return (figure(caption, description, draw, panels=2),)


CLAIM = Claim(
    name="sgd-hessian-noise",
    group="seeds",
    title="Noise that follows the Hessian",
    statement=(
        "If the covariance of the gradient follows the Hessian, the flat one of two equally deep minima is favoured "
        "exponentially as the batch grows; under white noise the odds stay. On a line this takes a floor below the "
        "noise: without one no path leaves a smooth well at all."
    ),
    formula=(
        "D = θ(V''² + δ²)^½, θ = η/2B:  ΔΦ = ∫V'/D,  T ≃ 2π(V''_a|V''_b|)^-½ (D_b/D_a)^(½-α) e^ΔΦ;  "
        "V_k(x) = V(√k x): T_k(θ) = T₁(kθ)/k, white T₁/k;  two parabolas: ΔΦ = (ΔL/θ)(s/H_a + (1-s)/|H_b|)"
    ),
    source="Xie, Sato and Sugiyama 2021, density diffusion theory; exponents and prefactors by Laplace's method",
    compute=compute,
)
