"""Hessian noise in the plane: the flat well wins exponentially as the batch grows, without detailed balance."""

from __future__ import annotations

from functools import partial
from math import erf, exp, log, sqrt
from typing import Any

import fokker_planck as fp
from fokker_planck import sgd
from fokker_planck.quantity import Quantity
from validation.along_the_axis import Climb, Well, climb
from validation.claim import Check, Claim, Finding, Run, Table, at_most, equal, near
from validation.drawing import BLUE, MUTED, ORANGE, figure
from validation.wells import FLAT_AND_SHARP, at_zero

LOSS = "(x**2 - 1)**2*(1 + 0.4*x)/4 + (1 + x/2)*y**2/2"
LEARNING_RATE, FLOOR = 0.25, 0.5  # D = (H² + 1/4)^(1/2)/(8 B), or 1/(8 B)
BATCHES = (1, 2, 4, 8)
TOLERANCE = 1e-5
WALLS = ([-1.7, -1.5], [1.7, 1.5])
STEP, REPLICAS = 0.05, 10_000
WHITE = 0.5 * log((2.8 * 1.5) / (1.2 * 0.5))

ASKED = "the tolerance asked of the solver"
QUADRATURE = "by quadrature, split at x = const: the separatrix bends away from it where p is e^-16 of its peak"
SIMULATED = "three error bars of the simulation: one standard error and a third of what halving the step changed"
EXPONENT = "slopes between batches, extrapolated: the rest is of order theta²"
PREFACTOR = "parabola through theta = 1/64, 1/32 and 1/16: the rest is of order theta³ with a constant of some twenty"
ALONG = "the same along the axis, without the last 1e-5 at both ends"
TIMES = "ratios at 1/64 and 1/32: coefficients of theta of order one and of theta² of order ten"


def compute(run: Run) -> Finding:
    """Odds and times at every batch size, for Hessian and for white noise, beside simulation and small noise."""
    hessian = {B: run.step(f"Hessian noise, B = {B}, tolerance 1e-5", partial(solved, "hessian", B)) for B in BATCHES}
    white = {B: run.step(f"white noise, B = {B}, tolerance 1e-5", partial(solved, "isotropic", B)) for B in BATCHES}
    name = f"simulation, B = 1, step {STEP:g}, {REPLICAS} pairs, seed 1"
    seen = run.step(name, simulated)
    flat, sharp = (climb(WELL, x, FLAT_AND_SHARP.critical[1]) for x in (-1.0, 1.0))
    found = float(hessian[1]["time"])
    checks = [equal("T by simulation, B = 1", seen, found, 3.0 * seen.relative_error, SIMULATED)]
    for B in BATCHES:
        for kind, found in (("Hessian", hessian[B]), ("white", white[B])):
            worst = max(found["error of the odds"], found["time"].relative_error)
            checks.append(at_most(f"error bars, {kind} noise, B = {B}", worst, 2.0 * TOLERANCE, "two shares of 1e-5"))
    checks += _small_noise(hessian, flat, sharp)
    checks.append(near("white noise: log odds, B = 8", white[8]["odds"], white_odds(8), 2e-5, QUADRATURE))
    limit = at_zero([1.0 / 64.0, 1.0 / 32.0, 1.0 / 16.0], [white[B]["odds"] for B in (8, 4, 2)])
    checks.append(near("white noise: log odds, limit ½ log 7", limit, WHITE, 4e-3, PREFACTOR))
    tables = (_table(hessian, white), _witnesses(hessian, flat, seen))
    return Finding(tuple(checks), tables, _figures(hessian, white, flat, sharp), REMARKS)


def solved(covariance: str, batch: int) -> dict[str, Any]:
    """Log odds of the flat well and the mean time from there to x = 0.9."""
    keys: dict[str, Any] = {"floor": FLOOR} if covariance == "hessian" else {"epsilon": 1.0}
    process = sgd.process(LOSS, LEARNING_RATE, batch, covariance, **keys)
    posed = fp.Problem(process, fp.Box(*WALLS), fp.Resolution(tolerance=TOLERANCE))
    found = fp.stationary_density(posed)
    flat, sharp = (one.probability for one in sorted(found.wells, key=lambda one: one.minimum[0]))
    crossing = fp.mean_exit_time(posed, (-1.0, 0.0), fp.HalfSpace([1.0, 0.0], 0.9))
    return {
        "flat": flat,
        "odds": (flat.log or 0.0) - (sharp.log or 0.0),
        "error of the odds": flat.relative_error + sharp.relative_error,
        "time": crossing.mean,
        "formula": crossing.asymptotic,
        "reversible": fp.is_reversible(posed),
    }


class ByHand:
    """Drift and noise of B = 1 written out: nothing of the library's formulas, Hessians and matrix roots."""

    dimension = 2

    def drift(self, x: Any, dimension: int) -> Any:
        import numpy as np

        x, y = x
        return np.array([x * (1 - x * x) * (1 + 0.4 * x) - 0.1 * (x * x - 1) ** 2 - y * y / 4, -(1 + x / 2) * y])

    def field(self, dimension: int) -> ByHand:
        return self

    def tensor(self, x: Any) -> Any:
        import numpy as np

        x, y = x
        h, mixed, m = (3 * x * x - 1) * (1 + 0.4 * x) + 0.8 * x * (x * x - 1), y / 2, 1 + x / 2
        one, two, off = h * h + mixed**2 + FLOOR**2, m * m + mixed**2 + FLOOR**2, mixed * (h + m)
        root = np.sqrt(one * two - off * off)  # (A + √det A I)/√(tr A + 2 √det A) is the root of A
        return np.array([[one + root, off], [off, two + root]]) / np.sqrt(one + two + 2 * root) / 8


def simulated() -> Quantity:
    """The mean time of ``solved`` by Euler and Maruyama's method."""
    target = fp.HalfSpace([1.0, 0.0], 0.9)
    box = fp.Box(*WALLS)
    return sgd.simulated_exit_time(ByHand(), (-1.0, 0.0), target, STEP, REPLICAS, seed=1, domain=box).mean


def white_odds(batch: int) -> float:
    """log of the ratio of ∫exp(-V/D) on both sides of the top, x = const."""
    from scipy.integrate import quad

    D, (reach, height) = LEARNING_RATE / (2.0 * batch), WALLS[1]

    def weight(x: float) -> float:
        m = 1.0 + x / 2.0
        return exp(-FLAT_AND_SHARP.derivative(0, x) / D) / sqrt(m) * erf(height * sqrt(m / (2.0 * D)))

    top = FLAT_AND_SHARP.critical[1]
    left, right = (quad(weight, *ends, epsabs=0.0, epsrel=1e-11)[0] for ends in ((-reach, top), (top, reach)))
    return log(left / right)


WELL = Well(
    slope=lambda x: FLAT_AND_SHARP.derivative(1, x),
    curvature=lambda x: FLAT_AND_SHARP.derivative(2, x),
    across=lambda x: 1.0 + x / 2.0,
    tilt=0.5,
    floor=FLOOR,
)


def _small_noise(found: dict[int, Any], flat: Climb, sharp: Climb) -> list[Check]:
    theta = {B: LEARNING_RATE / (2.0 * B) for B in BATCHES}
    slopes = [(found[2 * B]["odds"] - found[B]["odds"]) * theta[B] for B in (2, 4)]
    slope = slopes[1] + (slopes[1] - slopes[0]) / 3.0
    exponent = flat.height - sharp.height
    checks = [near("slope of the log odds against 1/theta", slope, exponent, 1e-3, EXPONENT)]
    rests = [found[B]["odds"] - exponent / theta[B] for B in (8, 4, 2)]
    limit = at_zero([theta[B] for B in (8, 4, 2)], rests)
    expected = flat.log_weight - sharp.log_weight
    checks.append(near("log odds less the slope, theta to zero", limit, expected, 5e-3, PREFACTOR))
    for B in (4, 8):
        formula = Quantity.of_log(flat.log_time + flat.height / theta[B], 0.0)
        time = found[B]["time"]
        checks.append(equal(f"T by the formula for small noise, B = {B}", time, formula, theta[B] / 4.0, TIMES))
        checks.append(equal(f"printed formula, B = {B}", found[B]["formula"], formula, 3e-5, ALONG))
    return checks


REMARKS = (
    "With curvatures that change, (H² + δ²)^(1/2) breaks detailed balance: there is a current, no density is known, "
    "and the odds come from the null vector of the adjoint. The two minima are equally deep.",
    "The exponent is that of the line, ∫V'/D along the axis y = 0; the prefactor is not: it follows the curvature of "
    "the quasipotential across the way, and the divergence of the current along it.",
    "In the plane a path may go round an inflection, so that even without a floor a time may be finite; here the way "
    "lies on an axis of symmetry, and the floor is needed as on the line.",
    "The walls stand where the drift leads inwards. On the wider box [-2, 2]² it leads into two corners, and the "
    "density for a batch of four is refused there, with the advice to take a smaller domain.",
)


def _table(hessian: dict[int, Any], white: dict[int, Any]) -> Table:
    columns = ("batch size", "P(flat)", "log odds", "T from flat", "white: P(flat)", "log odds", "T from flat")
    keys = ("flat", "odds", "time")
    rows = tuple((B, *(hessian[B][key] for key in keys), *(white[B][key] for key in keys)) for B in BATCHES)
    return Table("Solved", columns, rows)


def _witnesses(hessian: dict[int, Any], flat: Climb, seen: Quantity) -> Table:
    columns = ("batch size", "solved", "simulated", "small noise by hand", "solved over that")
    rows = []
    for B in BATCHES:
        time = hessian[B]["time"]
        formula = Quantity.of_log(flat.log_time + flat.height * 2.0 * B / LEARNING_RATE, 0.0)
        rows.append((B, time, seen if B == 1 else None, formula, time.ratio(formula)))
    return Table("Mean time from the flat minimum under Hessian noise", columns, tuple(rows))


def _figures(hessian: dict[int, Any], white: dict[int, Any], flat: Climb, sharp: Climb) -> tuple[Any, ...]:
    def draw(ax: Any) -> None:
        ax.plot(BATCHES, [hessian[B]["odds"] for B in BATCHES], "o", color=BLUE, label="Hessian noise")
        constant, slope = flat.log_weight - sharp.log_weight, 8.0 * (flat.height - sharp.height)
        ax.plot([0, 8], [constant, constant + 8 * slope], "-", color=MUTED, label="small noise")
        ax.plot(BATCHES, [white[B]["odds"] for B in BATCHES], "s", color=ORANGE, label="white noise")
        ax.plot([0, 8], [WHITE, WHITE], "--", color=MUTED)
        ax.set(xlabel="batch size", ylabel="log odds of the flat well", ylim=(0.0, None))
        ax.legend()

    caption = "Log odds of the flat well against the batch size"
    return (figure(caption, "Hessian noise: points on a rising line. White noise: points on a level one.", draw),)


CLAIM = Claim(
    name="sgd-hessian-noise-plane",
    group="seeds",
    title="Hessian noise in the plane: the flat well wins with the batch",
    statement=(
        "In the plane, too, noise that follows the Hessian, with a floor, gives the flat one of two equally deep wells "
        "odds that grow exponentially with the batch size; white noise leaves them at the ratio of the roots of the "
        "determinants. The process has no detailed balance and no density that anybody knows."
    ),
    formula=(
        "V = (x² - 1)²(1 + 2x/5)/4 + (1 + x/2)y²/2,  D = (η/2B)(H² + ¼)^½ against η/2B;  "
        "log odds = (W_flat - W_sharp)·2B/η + const, W'(x) = V_x/a_xx on the axis"
    ),
    source="Xie, Sato and Sugiyama 2021; Bouchet and Reygner 2016 for noise that does not vary; by hand for this",
    compute=compute,
    quick=False,
)
