"""Minima hold exponentially long, saddles only for a logarithm.  (Hu, Li, Li, Liu, 2019; arXiv 1705.07562)

Claim. In the diffusion approximation stochastic gradient descent with learning rate eta leaves a minimum after a time
whose logarithm grows like 1/eta, but a maximum or a saddle after one that grows like ln(1/eta) only.

Formula. D = eta sigma^2/(2 m) for batches of m. Minimum: D ln T -> dV. From the top of -lambda x^2/2 to -b or b:
T = (1/(2 lambda)) (ln(2 lambda b^2/D) + gamma_E) + O(D). In several dimensions lambda is the largest unstable
eigenvalue, and the noise is that along its left eigenvector.

Run it:  python examples/saddle_escape.py      (seconds)
"""

from math import log, log1p, sqrt
from pathlib import Path

import numpy as np

import fokker_planck as fp
from fokker_planck import sgd

FOLDER = Path(__file__).parent
EULER = 0.5772156649015329
EXACT = {0.1: 1.724137846470926, 1e-2: 2.932688874047019, 1e-4: 5.240301601216329, 1e-8: 9.845521789706922}

print("     D    T from the top    (ln(2/D) + gamma)/2")
right, tops = True, {}
for D, exact in EXACT.items():
    top = fp.load_problem(FOLDER / "saddle_escape.toml", [f"diffusion.learning_rate={2 * D!r}"])
    tops[D] = fp.mean_exit_time(top, [0.0], "boundary").mean
    right &= abs(tops[D].value / exact - 1.0) < 1e-7
    print(f"{D:6.0e}    {tops[D].value:14.10f}    {0.5 * (log(2.0 / D) + EULER):14.10f}")
slope = (tops[1e-8].value - tops[1e-4].value) / log(1e4)
print(f"dT/d ln(1/D) = {slope:.6f}, formula 1/2")

print("\n   1/D    T from a minimum of (x^2 - 1)^2/4 to the other")
minima = {}
for inverse in (8, 80, 400, 800):
    well = fp.load_problem(FOLDER / "double_well_1d.toml", [f"diffusion.epsilon={1 / inverse!r}"])
    minima[inverse] = fp.mean_exit_time(well, [-1.0], fp.HalfSpace([1.0], 1.0)).mean
    print(f"{inverse:6d}    {minima[inverse].digits}")
rate = (minima[800].log - minima[400].log) / 400
print(f"d ln T/d(1/D) = {rate:.6f}, formula 1/4")

print("\nthe recursion x -> x + eta (x + noise) itself at D = 1/100, by simulation")
late = {}
for eta in (0.2, 0.1, 0.05):
    s = sqrt(0.02 / eta)
    walk = sgd.Recursion(sgd.SampleLosses([f"-x**2/2 + {s!r}*x", f"-x**2/2 - {s!r}*x"]), eta, batch_size=1)
    met = sgd.first_passage(walk, 0.0, lambda x: np.abs(x[0]) >= 1.0, replicas=100_000, seed=1)
    late[eta] = met.time.value / tops[1e-2].value - 1.0
    print(f"learning rate {eta:4.2f}: T = {met.time}, later than the diffusion by {late[eta]:.3f}")
# a step multiplies by 1 + eta, not exp(eta), and the way out is seen at the end of a step
near = all(-0.003 < gap - (eta / log1p(eta) - 1) < eta / 2.9 + 0.003 for eta, gap in late.items())

logarithm, exponential = abs(slope - 0.5) < 1e-4, abs(rate - 0.25) < 1e-4
print("\nVerdict: exponential from the minimum, logarithmic from the top, and the recursion tends to its diffusion:")
print("reproduced" if right and logarithm and exponential and near else "NOT reproduced")
raise SystemExit(0 if right and logarithm and exponential and near else 1)
