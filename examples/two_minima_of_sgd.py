"""Which of two equally sharp minima does stochastic gradient descent keep?  (Wu, Ma, E, NeurIPS 2018)

Claim. f1 = min(x^2, 0.1 (x-1)^2) and f2 = min(x^2, 1.9 (x-1)^2) have a common minimum at 0 and one at 1. The mean
curvature is 2 at both, so that gradient descent keeps both up to the learning rate 2/a = 1. Stochastic gradient
descent with one sample at a time leaves 1, where the two curvatures differ, at a much smaller one.

Formula. With the sharpness a and the non-uniformity s (variance s^2 of the curvatures), c = (n - B)/(B (n - 1)):
E (x - 1)^2 grows by (1 - eta a)^2 + c eta^2 s^2 in one iteration: threshold 2 a/(a^2 + c s^2).
The diffusion dX = -a X dt + sqrt(c eta) s X dW lacks the term (eta a)^2: threshold 2 a/(c s^2), where the eigenvalue
2 a - c eta s^2 of its generator, the rate of the second moment, would be zero.

Run it:  python examples/two_minima_of_sgd.py      (seconds)
"""

from pathlib import Path

import numpy as np

import fokker_planck as fp
from fokker_planck import sgd

PAIR = sgd.SampleLosses(["min(x**2, 0.1*(x - 1)**2)", "min(x**2, 1.9*(x - 1)**2)"])
RATES = (0.50, 0.54, 0.60, 0.70)
REPLICAS, ITERATIONS = 500, 3000


def share_that_stays(walk, iterations):
    """Of replicas that begin next to 1, those that are nearer to 1 than to 0 in the end."""
    x, generator = np.full((1, REPLICAS), 1.0 + 1e-3), np.random.default_rng(1)
    for _ in range(iterations):
        x = walk.step(x, generator)
    return float(np.mean(x > 0.5))


print("minimum  sharpness  non-uniformity  threshold: recursion  almost surely  diffusion")
for place in (0.0, 1.0):
    found = sgd.stability(sgd.sample_hessians(PAIR, place), batch_size=1)
    print(
        f"{place:7.0f}{found.sharpness:11.4f}{found.non_uniformity:16.4f}{found.learning_rate:22.4f}"
        f"{found.almost_sure:15.4f}{found.diffusion:11.4f}"
    )

rates_of_moment = []
for rate in (0.1, 0.2):
    problem = fp.load_problem(Path(__file__).with_suffix(".toml"), [f"diffusion.learning_rate={rate}"])
    rates_of_moment.append(fp.spectrum(problem, count=3).eigenvalues[2].real.value)
solved = 0.1 + 0.1 * rates_of_moment[0] / (rates_of_moment[0] - rates_of_moment[1])
print(f"\nrate of the diffusion's second moment at learning rates 0.1, 0.2: {rates_of_moment[0]:.6f}, ", end="")
print(f"{rates_of_moment[1]:.6f}; zero at {solved:.4f}")

print("\nshare of replicas that stay at 1")
print("learning rate   recursion   diffusion")
kept, kept_by_diffusion = {}, {}
near_one = sgd.SampleLosses(["0.1*(x - 1)**2", "1.9*(x - 1)**2"])  # the diffusion never meets the rest
for rate in RATES:
    kept[rate] = share_that_stays(sgd.Recursion(PAIR, rate, 1), ITERATIONS)
    diffusion = sgd.EulerMaruyama(sgd.process(near_one, rate, 1), unit=0.02)
    kept_by_diffusion[rate] = share_that_stays(diffusion, 2000)
    print(f"{rate:13.2f}{kept[rate]:12.3f}{kept_by_diffusion[rate]:12.3f}")

print("\nten samples of each kind: # held, + held by the diffusion only, . by neither")
rates, sizes = np.linspace(0.1, 1.5, 15), np.array([1, 2, 3, 4, 6, 10, 20])
chart = sgd.stability_map(np.repeat(sgd.sample_hessians(PAIR, 1.0), 10, axis=0), rates, sizes)
print("batch size       " + "".join(f"{size:4d}" for size in sizes))
for rate, held, by_diffusion in reversed(list(zip(rates, chart.stable, chart.diffusion_stable, strict=True))):
    marks = np.where(held, "#", np.where(by_diffusion, "+", "."))
    print(f"learning rate {rate:3.1f}" + "".join(f"{mark:>4}" for mark in marks))

uneven = sgd.stability(sgd.sample_hessians(PAIR, 1.0))
right = abs(uneven.learning_rate - 0.5525) < 5e-5
right &= abs(uneven.diffusion - 1.2346) < 5e-5 and abs(solved - 1.2346) < 5e-5
seen = min(kept[0.50], kept[0.54]) > 0.99 and max(kept[0.60], kept[0.70]) < 0.01
missed = min(kept_by_diffusion.values()) > 0.99
print("\nVerdict: the recursion leaves the uneven minimum above 0.5525, as the formula says; the diffusion stays at 1:")
print("reproduced" if right and seen and missed else "NOT reproduced")
raise SystemExit(0 if right and seen and missed else 1)
