"""When should the batch grow?  (Hu, Li, Li, Liu, 2019; arXiv 1705.07562: escape with small batches, then grow)

Claim. From a sharp minimum a small batch finds the flat one; a batch that grows late keeps what was found, and loses
the noise around it, one that grows early stays where it began.

Formula. D = eta beta/(2 B(t)).  With k(B) the rates between the two wells, the mass of the flat one follows the chain
dP/dt = k_sf(B) (1 - P) - k_fs(B) P, up to exp(-barrier/D) and the time within a well.  Gradient descent itself,
x -> x - eta (V'(x) + (beta/B)^(1/2) normal), is beside it.

Run it:  python examples/batch_schedule.py      (half a minute)
"""

from dataclasses import replace
from math import exp, sqrt
from pathlib import Path

import numpy as np

import fokker_planck as fp

FILE = Path(__file__).with_suffix(".toml")
LOSS = "(x**2 - 1)**2*(1 + 2*x/5)/4"
RATE, BETA, LARGE, ITERATIONS, REPLICAS = 0.02, 5.0, 8, 30_000, 2000
END = RATE * ITERATIONS
GROWS = {"never": None, "late": 25_000, "early": 2_500, "at once": 0}


def problem_of(grows):
    """The problem with the batch eight times as large from an iteration on."""
    rows = [[0, 1]] if grows is None else [[0, LARGE]] if grows == 0 else [[0, 1], [grows, LARGE]]
    return fp.load_problem(FILE, [f"schedule.batch_size={rows}"])


def chained(grows):
    """The mass of the flat well by the chain of two states."""
    mass, first = 0.0, ITERATIONS if grows is None else grows
    for size, iterations in ((1, first), (LARGE, ITERATIONS - first)):
        out, back = RATES[size]
        mass = out / (out + back) + (mass - out / (out + back)) * exp(-(out + back) * RATE * iterations)
    return mass


def descended():
    """The shares beyond the maximum of V by gradient descent with all schedules at a time."""
    potential, generator = fp.Potential(LOSS), np.random.default_rng(1)
    x = np.ones((len(GROWS), REPLICAS))
    grows = np.array([ITERATIONS if at is None else at for at in GROWS.values()])
    for k in range(ITERATIONS):
        noise = np.sqrt(BETA / np.where(k < grows, 1, LARGE))[:, None]
        x -= RATE * (potential.gradient(x.reshape(1, -1)).reshape(x.shape) + noise * generator.standard_normal(x.shape))
    return (x < 0.0).mean(axis=1)


RATES = {}
for size in (1, LARGE):
    found = fp.rates(replace(fp.load_problem(FILE, [f"diffusion.batch_size={size}"]), schedule=None))
    sharp, flat = sorted(range(2), key=lambda k: -found.minima[k][0])
    RATES[size] = found.rates[sharp][flat].value, found.rates[flat][sharp].value

print("the batch grows    P(flat) at the end    by two states    by descent    mean loss")
masses, losses, apart, drawn = [], [], [], []
for (name, grows), simulated in zip(GROWS.items(), descended(), strict=True):
    evolution = fp.evolve(problem_of(grows), {"point": [1.0]}, [END], {"loss": LOSS})
    state = evolution.times[0]
    mass = state.wells[min(range(2), key=lambda k: evolution.minima[k][0])].value
    masses.append(mass)
    losses.append(state.observables["loss"].value)
    apart.append(abs(mass - chained(grows)))
    drawn.append(abs(mass - simulated) / sqrt(max(mass * (1.0 - mass), 1e-6) / REPLICAS))
    print(f"{name:15}    {mass:18.9f}    {chained(grows):13.6f}    {simulated:10.3f}    {losses[-1]:.6f}")

never, late, early, at_once = masses
agrees = max(apart) < 0.02 and max(drawn) < 4.0
keeps = late > 0.9 * never and early < 0.5 * late and at_once < 1e-6
quieter = losses[1] < 0.4 * losses[0]
print("\nVerdict: growing late keeps nine tenths of the flat well at a fraction of the loss, growing early does not:")
print("reproduced" if agrees and keeps and quieter else "NOT reproduced")
raise SystemExit(0 if agrees and keeps and quieter else 1)
