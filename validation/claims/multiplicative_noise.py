"""Noise that depends on the state, in three readings: what the reading changes and what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import log, pi, sqrt
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, figure
from validation.wells import QUARTIC, at_zero

READINGS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}
INVERSE_NOISES, QUICK, FITTED = (20, 80, 200, 400, 800, 2000), (400, 2000), (400, 800, 2000)
PLANE = (20, 50, 200)
FINE, COARSE = 1e-10, 1e-5
ASKED = "tolerance asked of the solver"
BY_HAND = "the same formula by hand, the exponent by quadrature to 30 digits"

# mean time from -1 to 1 and smallest eigenvalue, by integrals in multiple precision
EXACT = {
    ("hessian", "ito", 20): (3130.543597228214157, 6.407019300163366091e-4),
    ("hessian", "ito", 80): (2.281387101979476660e12, 8.766596419679532737e-13),
    ("hessian", "ito", 400): (5.094314071965756268e59, 3.925945616518014916e-60),
    ("hessian", "klimontovich", 20): (5881.947844442372894, 3.405245670591185911e-4),
    ("hessian", "klimontovich", 80): (4.214335101164660181e12, 4.745707097315093529e-13),
    ("hessian", "klimontovich", 400): (9.394702029620644557e59, 2.128859429169952547e-60),
    ("quadratic", "ito", 20): (176.0180225936949738, 2.951726986305078991e-1),
    ("quadratic", "ito", 80): (9.813615100663415083e5, 4.505834419834216000e-2),
    ("quadratic", "ito", 400): (5.217541782651751392e25, 1.573822261043203671e-5),
}
# time over formula at noise 1/400, from the same
QUOTED = {("hessian", "ito"): 1.00246, ("hessian", "klimontovich"): 1.00260, ("quadratic", "ito"): 1.0228}


@dataclass(frozen=True)
class Noise:
    """D = noise d(x); ``at_bottom`` and ``at_top`` are d(-1) and d(0)."""

    name: str
    at_bottom: float
    at_top: float

    def shape(self, x: Any) -> Any:
        """Of d, in multiple precision."""
        import mpmath

        return mpmath.sqrt((3 * x**2 - 1) ** 2 + 0.25) if self.name == "hessian" else 1 + 4 * (x + 1) ** 2


NOISES = (Noise("hessian", sqrt(4.25), sqrt(1.25)), Noise("quadratic", 1.0, 5.0))


def compute(run: Run) -> Finding:
    """The quartic well with two kinds of noise in three readings, and a tensor in the plane."""
    found = {
        (noise.name, reading, n): run.step(
            f"{noise.name}, {reading}, noise 1/{n}, {FINE:g}", partial(solved, noise.name, reading, n, run.quick)
        )
        for noise in NOISES
        for reading in READINGS
        for n in (QUICK if run.quick else INVERSE_NOISES)
    }
    chosen = () if run.quick else PLANE
    plane = {n: run.step(f"plane, noise 1/{n}, {COARSE:g}", partial(in_plane, 1 / n)) for n in chosen}
    checks = [*_numbers(found), *_readings(found, run.quick), *_plane(plane)]
    pairs = [
        (f"{name}, {reading}, 1/{n}", one[0], by_hand(_noise(name), reading, n))
        for (name, reading, n), one in found.items()
    ]
    pairs += [(f"plane, 1/{n}", one[0], plane_by_hand(n)) for n, one in plane.items()]
    rows = [(where, time, formula, time.ratio(formula)) for where, time, formula in pairs]
    table = Table("Mean time from -1 to 1", ("noise, reading, 1/ε", "T", "formula", "ratio"), tuple(rows))
    drawing = figure(
        "Times in the three readings, over that of Stratonovich, for noise that follows the curvature",
        "Against the noise: Itô tends to the square root of D at the bottom over D at the top from below, "
        "Klimontovich to its inverse; Stratonovich is one by definition.",
        partial(_draw, found),
    )
    remarks = (
        "The exponent is that of the effective potential ∫V'/D in all readings: who fits a barrier from the slope of "
        "ln T learns nothing about the reading. The prefactor differs by D(top)/D(bottom) between Itô and "
        "Klimontovich: 0.54 for noise that follows the Hessian, 5 for the quadratic one.",
        "With quadratic noise the effective barrier is 57 at noise 1/400, where V alone would give 100, and the "
        "formula is still off by 2.3 percent: D changes fast near the bottom.",
    )
    return Finding(tuple(checks), (table,), (drawing,), remarks)


def solved(name: str, reading: str, n: int, quick: bool) -> list[Any]:
    """The time from -1 to 1, what is printed beside it, and where it is known exactly the smallest eigenvalue."""
    import fokker_planck as fp

    D = fp.Hessian(1.0 / n, 0.5) if name == "hessian" else fp.Quadratic(1.0 / n, 4.0 / n, center=-1.0)
    process = fp.Overdamped(fp.Potential(QUARTIC.formula), D, reading)
    posed = fp.Problem(process, fp.Box((-2.0,), (2.0,)), resolution=fp.Resolution(tolerance=FINE))
    time = fp.mean_exit_time(posed, (-1.0,), fp.HalfSpace((1.0,), 1.0))
    gap = fp.spectrum(posed, 2).gap if (name, reading, n) in EXACT and not quick else None
    return [time.mean, time.asymptotic, gap]


def in_plane(noise: float) -> list[Any]:
    """Drift -d grad U and D = noise d, read as Klimontovich: detailed balance with exp(-U/noise); to x = 0.8."""
    import fokker_planck as fp

    rows = (("1 + 0.3*x", "0.5"), ("0.5", "2 + 0.5*y**2"))
    drift = fp.Drift([f"-(({a})*(x**3 - x) + ({b})*y)" for a, b in rows])
    D = fp.Formula([[f"{noise!r}*({entry})" for entry in row] for row in rows])
    process, box = fp.Drifting(drift, D, "klimontovich"), fp.Box((-2.0, -1.5), (2.0, 1.5))
    posed = fp.Problem(process, box, resolution=fp.Resolution(tolerance=COARSE))
    time = fp.mean_exit_time(posed, (-1.0, 0.0), fp.HalfSpace((1.0, 0.0), 0.8))
    return [time.mean, time.asymptotic]


def by_hand(noise: Noise, reading: str, n: int) -> Quantity:
    """2 pi/sqrt(V''(a) |V''(b)|) (D(b)/D(a))**(1/2 - alpha) exp(int V'/D)."""
    import mpmath

    with mpmath.workdps(30):
        barrier = n * mpmath.quad(lambda x: (x**3 - x) / noise.shape(x), [-1, -0.8, -0.6, -0.4, -0.2, 0])
    factor = (noise.at_top / noise.at_bottom) ** (0.5 - READINGS[reading])
    return Quantity.of_log(log(2.0 * pi / sqrt(2.0) * factor) + float(barrier), 0.0)


def first_order(noise: Noise, reading: str) -> float:
    """c in 1 + c noise: at -1 with f' = V'/d and g = d**(alpha - 1), at 0 with f' = -V'/d and g = d**(-alpha).

    g2/(2 f2 g) - g1 f3/(2 f2**2 g) + 5 f3**2/(24 f2**3) - f4/(8 f2**2), the numbers for derivatives.
    """
    import mpmath

    alpha, total = READINGS[reading], 0.0
    with mpmath.workdps(40):
        for x, sign, power in ((-1, 1, alpha - 1.0), (0, -1, -alpha)):
            f2, f3, f4 = (mpmath.diff(lambda y, s=sign: s * (y**3 - y) / noise.shape(y), x, k) for k in (1, 2, 3))
            g, g1, g2 = (mpmath.diff(lambda y, p=power: noise.shape(y) ** p, x, k) for k in range(3))
            total += float(g2 / (2 * f2 * g) - g1 * f3 / (2 * f2**2 * g) + 5 * f3**2 / (24 * f2**3) - f4 / (8 * f2**2))
    return total


def plane_by_hand(n: int) -> Quantity:
    """2 pi/lambda_+ sqrt(|det Hess U(z)|/det Hess U(x)) exp(n/4).

    lambda_+ of -d(z) Hess U(z) = [[1, -1/2], [1/2, -2]]: lambda**2 + lambda - 7/4 = 0.
    """
    unstable = (sqrt(8.0) - 1.0) / 2.0
    return Quantity.of_log(log(2.0 * pi / unstable * sqrt(0.5)) + n / 4.0, 0.0)


def _noise(name: str) -> Noise:
    return next(noise for noise in NOISES if noise.name == name)


def _numbers(found: dict[Any, Any]) -> list[Check]:
    checks = []
    for (name, reading, n), (time, printed, gap) in found.items():
        where, hand = f"{name}, {reading}, noise 1/{n}", by_hand(_noise(name), reading, n)
        checks.append(equal(f"printed, {where}", printed, hand, 1e-9, BY_HAND))
        if (name, reading, n) in EXACT:
            checks.append(equal(f"time, {where}", time, EXACT[name, reading, n][0], FINE, ASKED))
        if gap is not None:
            checks.append(equal(f"gap, {where}", gap, EXACT[name, reading, n][1], FINE, ASKED))
        if n == 400 and (name, reading) in QUOTED:
            digits = 5e-6 if QUOTED[name, reading] < 1.01 else 5e-5
            checks.append(near(f"ratio, {where}", time.ratio(hand), QUOTED[name, reading], digits, "its last digit"))
    return checks


def _readings(found: dict[Any, Any], quick: bool) -> list[Check]:
    checks, fitted = [], QUICK if quick else FITTED
    for noise in NOISES:
        for reading, alpha in READINGS.items():
            times = [found[noise.name, reading, n][0] for n in fitted]
            slopes = [(t.ratio(by_hand(noise, reading, n)) - 1.0) * n for t, n in zip(times, fitted, strict=True)]
            c, limit = first_order(noise, reading), at_zero([1 / n for n in fitted], slopes)
            because = f"polynomial through {len(fitted)} noises: the rest is of the order of their product"
            rest = (0.02 if quick else 0.003) * (1.0 + abs(c))
            checks.append(near(f"c, {noise.name}, {reading}", limit, c, rest, because))
            if alpha != 0.5:
                others = [found[noise.name, "stratonovich", n][0] for n in fitted]
                quotients = [t.ratio(other) for t, other in zip(times, others, strict=True)]
                wanted = (noise.at_top / noise.at_bottom) ** (0.5 - alpha)
                limit = at_zero([1 / n for n in fitted], quotients)
                small = 5e-4 if quick else 5e-5
                checks.append(equal(f"{reading} over Stratonovich, {noise.name}", limit, wanted, small, because))
    return checks


def _plane(found: dict[int, Any]) -> list[Check]:
    printed = [(f"printed, plane, noise 1/{n}", one[1], plane_by_hand(n)) for n, one in found.items()]
    checks = [equal(what, number, formula, 1e-9, BY_HAND) for what, number, formula in printed]
    if found:
        ratios = [one[0].ratio(plane_by_hand(n)) for n, one in found.items()]
        because = "parabola through three noises, whose product is 5e-6: a hundred times that"
        checks.append(near("limit of the ratio, plane", at_zero([1 / n for n in found], ratios), 1.0, 5e-4, because))
    return checks


def _draw(found: dict[Any, Any], ax: Any) -> None:
    noises = sorted({n for _, _, n in found})
    for reading, colour, marker in zip(READINGS, (BLUE, GREEN, ORANGE), "osD", strict=True):
        quotients = [found["hessian", reading, n][0].ratio(found["hessian", "stratonovich", n][0]) for n in noises]
        ax.semilogx([1 / n for n in noises], quotients, marker, color=colour, label=reading.capitalize())
        limit = (NOISES[0].at_top / NOISES[0].at_bottom) ** (0.5 - READINGS[reading])
        ax.axhline(limit, color=MUTED, linewidth=1.0)
    ax.set_ylim(0.65, 1.85)
    ax.set_xlabel("noise")
    ax.set_ylabel("T / T of Stratonovich")
    ax.legend()


CLAIM = Claim(
    name="multiplicative-noise",
    group="eyring-kramers",
    title="Noise that depends on the state: Itô, Stratonovich, Klimontovich",
    statement=(
        "With noise D(x) the exponent of the crossing time is the integral of V'/D, whatever the reading of the noise. "
        "Only the prefactor knows it: by powers of the quotient of the noise on top and at the bottom. In several "
        "dimensions the same holds for drifts that keep detailed balance, with the unstable eigenvalue of -D∇²U."
    ),
    formula=(
        "τ ≃ 2π/√(V''(a)|V''(b)|) · (D(b)/D(a))^(1/2 - α) · exp(∫ₐᵇ V'/D dx),  "
        "α = 0 Itô, 1/2 Stratonovich, 1 Klimontovich"
    ),
    source=(
        "Laplace's method on the exact double integral; Kramers 1940 for constant D; noise like the Hessian: Xie, Sato "
        "and Sugiyama 2021; quadratic noise: Meng, Gong, Chen, Ma and Liu 2020"
    ),
    compute=compute,
)
