"""Momentum SGD: a kinetic equation, whose exponent knows eta/(1 - mu) alone and whose prefactor knows the friction."""

from __future__ import annotations

from functools import partial
from math import log, sqrt
from typing import Any

from validation.claim import Check, Claim, Finding, Run, Table, at_most, equal, near
from validation.drawing import BLUE, MUTED, ORANGE, figure
from validation.wells import FLAT_AND_SHARP

#: smallest eigenvalue of the kinetic equation of (x² - 1)²/4, noise 1/8, by friction: Hermite × Hermite functions
KINETIC = {0.5: 4.503721378536e-2, 1.0: 3.881083571709e-2}
STEPS = (0.2, 0.1, 0.05)
REPLICAS, QUICK_REPLICAS = 150_000, 40_000
WINDOW = (8.0, 28.0)  # kinetic time: the faster modes are gone, a third of the memory is left
LEARNING_RATE = 0.01
MOMENTA = (0.0, 0.5, 0.9, 0.99)
BATCHES = (10, 20, 40, 100)
HELD = 0.1  # eta/(1 - mu) where it is held

BY_HAND = "the exponent is exact; the change of the factor F is exp(-7) there"
LIMIT = "three standard errors of the line through the steps, and the square of the largest step"


def compute(run: Run) -> Finding:
    """Formulas over momentum and batch size, covariances, and the relaxation of the recursion at falling steps."""
    study = run.step("formulas over momenta and batch sizes", formulas)
    frictions = (1.0,) if run.quick else tuple(KINETIC)
    replicas = QUICK_REPLICAS if run.quick else REPLICAS
    walks = {
        (friction, step): run.step(
            f"recursion, friction {friction:g}, step {step:g}, {replicas} replicas, seed 1",
            partial(relaxation, friction, step, replicas, False),
        )
        for friction in frictions
        for step in STEPS
    }
    ahead = {
        step: run.step(f"Nesterov, friction 1, step {step:g}", partial(relaxation, 1.0, step, QUICK_REPLICAS, True))
        for step in STEPS
    }
    checks = [*_exponents(study), *_parabola(), *_limits(walks)]
    slower = study["held"]
    falling = max(later / earlier for earlier, later in zip(slower[:-1], slower[1:], strict=True))
    checks.append(
        at_most("η/(1 - μ) held: rate per iteration over that of the momentum before", falling, 1.0, "claimed")
    )
    lower = float(ahead[0.1]["rate"]) / float(walks[1.0, 0.1]["rate"])
    because = "the friction μ√η L″ that it adds takes energy and brings no noise; three standard errors are 0.06"
    checks.append(at_most("Nesterov's method over the heavy ball, step 0.1", lower, 0.97, because))
    return Finding(tuple(checks), _tables(study, walks, ahead), _figures(study, walks), REMARKS)


def formulas() -> dict[str, Any]:
    """Logarithms of rates per iteration by momentum and batch size, shares, and rates with eta/(1 - mu) held."""
    import fokker_planck as fp

    line = fp.Box([-2.0], [2.0])
    study = fp.momentum_study(FLAT_AND_SHARP.formula, line, MOMENTA, [LEARNING_RATE], BATCHES, variance=1.0)
    out = study.rate(study.flattest, study.sharpest)
    held = []
    for mu in MOMENTA:
        one = fp.momentum_study(FLAT_AND_SHARP.formula, line, [mu], [HELD * (1.0 - mu)], [2], variance=1.0)
        held.append(float(one.rate(one.flattest, one.sharpest)[0, 0, 0]))
    return {
        "logs": [[out[i, 0, k].log for k in range(len(BATCHES))] for i in range(len(MOMENTA))],
        "shares": [float(study.probabilities[i, 0, 0, study.flattest]) for i in range(len(MOMENTA))],
        "held": held,
    }


def relaxation(friction: float, step: float, replicas: int, nesterov: bool) -> dict[str, Any]:
    """-d log E sign(x)/dt of the recursion near the quartic well, all begun in the right minimum."""
    import numpy as np

    from fokker_planck import Quantity, sgd

    push = sqrt(2.0 * friction * 0.125 / step)
    pair = sgd.SampleLosses([f"(x**2 - 1)**2/4 + {push!r}*x", f"(x**2 - 1)**2/4 - {push!r}*x"])
    ball = sgd.heavy_ball(friction, step)
    walk = sgd.MomentumRecursion(pair, ball.learning_rate, ball.momentum, 1, replacement=True, nesterov=nesterov)
    x, generator, signs = np.repeat([[1.0], [0.0]], replicas, axis=1), np.random.default_rng(1), []
    for number in range(1, round(WINDOW[1] / step) + 1):
        x = walk.step(x, generator)
        if number in (round(WINDOW[0] / step), round(WINDOW[1] / step)):
            signs.append(np.sign(x[0]))
    before, after = (float(sign.mean()) for sign in signs)
    duration = WINDOW[1] - WINDOW[0]
    error = float(np.std(signs[1] / after - signs[0] / before)) / sqrt(replicas) / duration
    rate = log(before / after) / duration
    return {"rate": Quantity.of(rate, error / rate)}


def _exponents(study: dict[str, Any]) -> list[Check]:
    checks = []
    barrier = FLAT_AND_SHARP.barrier()
    for mu, logs in list(zip(MOMENTA, study["logs"], strict=True))[:-1]:
        slope = (logs[-1] - logs[-2]) / (BATCHES[-1] - BATCHES[-2])
        expected = -2.0 * (1.0 - mu) * barrier / LEARNING_RATE
        checks.append(equal(f"d log(rate per iteration)/dB, μ = {mu:g}", slope, expected, 1e-4, BY_HAND))
    share = sqrt(2.8) / (sqrt(2.8) + sqrt(1.2))
    for mu, found in zip(MOMENTA, study["shares"], strict=True):
        checks.append(near(f"share of the flat minimum, μ = {mu:g}", found, share, 1e-9, "Laplace's method: exact"))
    return checks


def _parabola() -> list[Check]:
    """The recursion on λx²/2 against the kinetic equation: E x² and E V² at two learning rates, friction one."""
    from fokker_planck import sgd

    checks, off = [], []
    for eta in (1e-4, 1e-6):
        ball = sgd.heavy_ball(1.0, sqrt(eta))
        found = sgd.stationary_covariance(ball, 2.0, 1.0 / sqrt(eta))
        limit = sgd.kinetic_covariance(ball, 2.0, 1.0 / sqrt(eta))
        off.append((abs(found[0, 0] / limit[0, 0] - 1.0), abs(found[1, 1] / limit[1, 1] - 1.0)))
    for name, first, last, order in zip(("positions", "velocities"), *off, (1.0, 0.5), strict=True):
        because = "orders in η, by the recursion of second order; rest of the next order"
        checks.append(near(f"order of {name} in η", log(first / last) / log(100.0), order, 0.01, because))
    for nesterov, expected in ((False, 3.8), (True, 3.8 / 2.8)):
        ball = sgd.Momentum(0.1, 0.9)
        low, high = 0.0, 100.0
        from fokker_planck.sgd.quadratic_momentum import growth

        while high - low > 1e-9:
            middle = 0.5 * (low + high)
            low, high = (middle, high) if growth(ball, middle, nesterov) < 1.0 else (low, middle)
        name = "Nesterov" if nesterov else "heavy ball"
        checks.append(equal(f"edge of stability ηλ, {name}, μ = 0.9", 0.1 * low, expected, 1e-6, "bisection to 1e-9"))
    return checks


def _limits(walks: dict[tuple[float, float], Any]) -> list[Check]:
    """The straight line through the rates at all steps, weighted, at step zero."""
    import numpy as np

    checks = []
    for friction in sorted({friction for friction, _step in walks}):
        found = [walks[friction, step]["rate"] for step in STEPS]
        ratios = np.array([float(rate) / KINETIC[friction] for rate in found])
        errors = np.array([rate.relative_error for rate in found]) * ratios
        design = np.stack([np.ones(len(STEPS)), np.array(STEPS)], axis=1) / errors[:, None]
        covariance = np.linalg.inv(design.T @ design)
        value = float((covariance @ design.T @ (ratios / errors))[0])
        tolerance = 3.0 * sqrt(float(covariance[0, 0])) + STEPS[0] ** 2
        what = f"recursion over the kinetic λ₁ as √η → 0, friction {friction:g}"
        checks.append(near(what, value, 1.0, tolerance, LIMIT))
    return checks


REMARKS = (
    "The exponent knows η/(1 - μ) alone, and so do the shares of the minima: with isotropic noise the density of the "
    "positions is exp(-L/ε), ε = ηC/(2B(1 - μ)), at every friction.",
    "With η/(1 - μ) held, momentum does not hasten the escape: per iteration it is slower, for a particle with little "
    "friction crosses the saddle ballistically at the rate of its oscillation, √η a step, and then waits for energy.",
    "Nesterov's method has the same limit, but is further from it: the gradient taken ahead is a friction μ√η L″ that "
    "brings no noise, and a temperature lower by a part r costs exp(-r ΔL/ε) of the rate.",
)


def _tables(study: Any, walks: Any, ahead: Any) -> tuple[Table, ...]:
    rows = tuple((mu, *logs, held) for mu, logs, held in zip(MOMENTA, study["logs"], study["held"], strict=True))
    columns = ("momentum", *(f"log rate, B = {size}" for size in BATCHES), f"rate, η/(1 - μ) = {HELD:g}, B = 2")
    steps = tuple(
        (friction, step, one["rate"], float(one["rate"]) / KINETIC[friction]) for (friction, step), one in walks.items()
    )
    nesterov = tuple((step, one["rate"], float(one["rate"]) / KINETIC[1.0]) for step, one in ahead.items())
    return (
        Table("Out of the flat minimum per iteration, by formula, η = 0.01", columns, rows),
        Table("Heavy ball on the quartic well, noise 1/8", ("friction", "step √η", "rate", "over kinetic λ₁"), steps),
        Table("Nesterov's method, friction 1", ("step √η", "rate", "over kinetic λ₁"), nesterov),
    )


def _figures(study: Any, walks: Any) -> tuple[Any, ...]:
    def draw(left: Any, right: Any) -> None:
        for mu, logs, colour in zip(MOMENTA[1:], study["logs"][1:], (BLUE, ORANGE, MUTED), strict=True):
            left.plot(BATCHES, [one / log(10.0) for one in logs], "o-", color=colour, label=f"μ = {mu:g}")
        left.set(xlabel="batch size B", ylabel="log₁₀ of the rate per iteration")
        left.legend()
        for friction, colour in zip(sorted({one for one, _step in walks}), (BLUE, ORANGE), strict=False):
            ratios = [float(walks[friction, step]["rate"]) / KINETIC[friction] for step in STEPS]
            right.plot(STEPS, ratios, "o-", color=colour, label=f"friction {friction:g}")
        right.axhline(1.0, color=MUTED, linewidth=1.0)
        right.set(xlabel="step √η", ylabel="recursion over kinetic λ₁", xlim=(0.0, 1.1 * STEPS[0]))
        right.legend()

    return (
        figure(
            "Rate out of the flat minimum against the batch size (left); the recursion at falling steps (right)",
            "Left: straight lines, the steeper the smaller the momentum. Right: lines that lead to one at step zero.",
            draw,
            panels=2,
        ),
    )


CLAIM = Claim(
    name="sgd-momentum",
    group="seeds",
    title="Momentum: the exponent of a larger learning rate, the prefactor of a friction",
    statement=(
        "Gradient descent with momentum μ is near a kinetic equation. The exponent of its escape time and the shares "
        "of the minima are those of the learning rate η/(1 - μ); with that held, the escape takes more iterations the "
        "nearer μ is to one. The recursion tends to the equation with the root of the learning rate."
    ),
    formula=(
        "dX = V dt, dV = -∇L dt - γV dt + √(2γε) dW, t = k√η, γ = (1 - μ)/√η, ε = ηC/(2B(1 - μ));  "
        "k = (λ₊/ω_b)(ω_a/2π) F exp(-ΔL/ε), λ₊ = √(γ²/4 + ω_b²) - γ/2, F = Υ(d)Υ(e)/Υ(d + e);  "
        "parabola: E x² = (ε/λ)/(1 - ηλ/(2(1 + μ)))"
    ),
    source="Dai and Zhu 2020; Li, Tai and E 2019; Kramers 1940; Mel'nikov and Meshkov 1986; Polyak 1964",
    compute=compute,
)
