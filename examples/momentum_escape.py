"""What does momentum do to the escape from a minimum?  (Dai, Zhu, 2020; arXiv 1812.00542, on momentum)

Claim. Momentum mu acts like the learning rate eta/(1 - mu) on the shares of the minima and on the exponent of the time
to escape. With eta/(1 - mu) held it does not hasten the escape: per iteration it is slower, the nearer mu is to 1.

Formula. Heavy ball, v -> mu v - eta g, x -> x + v, is near dX = V dt, dV = -L' dt - gamma V dt + sqrt(2 gamma eps) dW
with the time sqrt(eta) a step, gamma = (1 - mu)/sqrt(eta), eps = eta C/(2 B (1 - mu)); density exp(-(L + V^2/2)/eps).
The rate over a saddle is (lambda_+/omega_b) (omega_a/(2 pi)) F exp(-dL/eps), lambda_+ = sqrt(gamma^2/4 + omega_b^2) -
gamma/2, and F = Upsilon(d) Upsilon(e)/Upsilon(d + e) what the wells lack at low friction (Mel'nikov, Meshkov 1986).

Run it:  python examples/momentum_escape.py      (seconds)
"""

from math import hypot, log, sqrt
from pathlib import Path

import numpy as np

import fokker_planck as fp
from fokker_planck import sgd
from fokker_planck.asymptotics import melnikov_meshkov

FILE = Path(__file__).with_suffix(".toml")
LOSS = "(x**2 - 1)**2*(1 + 2*x/5 + x**2/10)/4"
RATE, VARIANCE = 0.1, 1.6  # eta/(1 - mu), the same for every mu, and C
REPLICAS, SPAN = 8_000, (0.2, 1.0)  # pairs; in times of relaxation

problem = fp.load_problem(FILE)
flat = min(fp.stationary_density(problem).wells, key=lambda well: well.minimum[0]).probability.value
limit = RATE * fp.spectrum(problem, count=2).gap.value  # per iteration, in the overdamped limit
SADDLE = fp.energy_landscape(problem).saddles[0].position[0]

loss = fp.Potential(LOSS)
HEIGHT = float(loss.value(np.array([[SADDLE]]))[0])
push = sqrt(VARIANCE)
PAIR = sgd.SampleLosses([f"{LOSS} + {push!r}*x", f"{LOSS} - {push!r}*x"])


def both_ways(ball):
    """Rates flat to sharp and sharp to flat, of the formula, in kinetic time."""

    def rate(start, stop):
        way = melnikov_meshkov.line_barrier(
            lambda x: loss.value(x[None]), lambda x: loss.hessian(x[None])[0, 0], SADDLE, start, ball.friction, stop
        )
        return melnikov_meshkov.rate(way, ball.temperature(VARIANCE))

    return rate(-1.0, 1.0), rate(1.0, -1.0)


def recursion(ball, nesterov=False):
    return sgd.MomentumRecursion(PAIR, ball.learning_rate, ball.momentum, 1, replacement=True, nesterov=nesterov)


def simulated(walk, steps):
    """Relaxation per iteration with one standard error, and the share of the flat minimum, begun in either minimum."""
    x = np.repeat([[-1.0], [0.0]], 2 * REPLICAS, axis=1)
    x[0, REPLICAS:] = 1.0
    generator, seen = np.random.default_rng(1), []
    for iteration in range(1, steps[1] + 1):
        x = walk.step(x, generator)
        if iteration in steps:
            seen.append((x[0] < SADDLE).reshape(2, REPLICAS).mean(axis=1))
    # P(flat) = p + c exp(-lambda t), with the same lambda and p for both beginnings
    (flat_early, sharp_early), (flat_late, sharp_late) = seen
    left = (flat_late - sharp_late) / (flat_early - sharp_early)
    noise = sqrt(0.5 / REPLICAS) * hypot(1.0 / (flat_late - sharp_late), 1.0 / (flat_early - sharp_early))
    duration = steps[1] - steps[0]
    return -log(left) / duration, noise / duration, (flat_late - left * flat_early) / (1.0 - left)


print(f"eta/(1 - mu) = {RATE}, eps = {RATE * VARIANCE / 2:.2g}, share of the flat minimum {flat:.4f}")
print(f"relaxation per iteration, over {limit:.3e} of the overdamped limit, and share of the flat minimum")
print("    mu    friction      formula          recursion        share")
right, ratios = True, {}
for mu in (0.0, 0.5, 0.9, 0.98):
    ball = sgd.Momentum(RATE * (1.0 - mu), mu)
    out, back = both_ways(ball)
    predicted = ball.step * (out.value + back.value) / limit
    steps = [round(time / (predicted * limit)) for time in SPAN]
    found, error, share = simulated(recursion(ball), steps)
    ratios[mu], error, bar = found / limit, error / limit, out.relative_error * predicted
    print(f"{mu:6.2f}{ball.friction:12.3f}{predicted:10.3f} +-{bar:5.2f}{ratios[mu]:12.3f} +-{error:6.3f}{share:10.3f}")
    right &= abs(ratios[mu] - predicted) < bar + 3.0 * error and abs(share - flat) < 0.03
ball = sgd.Momentum(RATE * 0.1, 0.9)
ahead = simulated(recursion(ball, nesterov=True), [round(time / (ratios[0.9] * limit)) for time in SPAN])[0] / limit
print(f"Nesterov's method at mu = 0.90: {ahead:.3f}; its gradient adds the friction mu sqrt(eta) L'' to gamma")

print("\nlog rate out of the flat minimum per iteration, by formula, eta = 0.01: batch size and momentum")
print("     B" + "".join(f"{f'mu = {mu}':>14}" for mu in (0.0, 0.5, 0.9)))
logs = {}
for size in (1, 2, 4, 10):
    for mu in (0.0, 0.5, 0.9):
        ball = sgd.Momentum(0.01, mu, size)
        logs[size, mu] = both_ways(ball)[0].log + log(ball.step)
    print(f"{size:6d}" + "".join(f"{logs[size, mu]:14.3f}" for mu in (0.0, 0.5, 0.9)))
slopes = {mu: (logs[10, mu] - logs[4, mu]) / 6.0 for mu in (0.0, 0.5, 0.9)}
print(" slope" + "".join(f"{slopes[mu]:14.5f}" for mu in slopes))
print(
    "  2 dL"
    + "".join(f"{2 * (mu - 1) * HEIGHT / (0.01 * VARIANCE):14.5f}" for mu in slopes)
    + "   times (mu - 1)/(eta C)"
)
right &= all(abs(slope / (2 * (mu - 1) * HEIGHT / (0.01 * VARIANCE)) - 1) < 2e-3 for mu, slope in slopes.items())

slower = ratios[0.0] > ratios[0.5] > ratios[0.9] > ratios[0.98] and ratios[0.98] < 0.5
print(
    "\nVerdict: momentum raises the noise like a learning rate eta/(1 - mu) and leaves the shares of the minima; with"
)
print("eta/(1 - mu) held, escape takes more iterations, as the rate at that friction says:")
print("reproduced" if right and slower else "NOT reproduced")
raise SystemExit(0 if right and slower else 1)
