"""Does a large batch end in a sharp minimum?  (Dai, Zhu, 2020; arXiv 1812.00542)

Claim. With isotropic gradient noise the share of time in the flatter of two equally deep minima does not depend on the
batch size M. What grows with M, exponentially, is the time to get from one to the other.

Formula. D = gamma beta/(2 M), learning rate gamma, variance beta of one sample. p = exp(-L/D)/Z, so that for small D
P(flat)/P(sharp) = sqrt(L''(sharp)/L''(flat)), and log lambda_1 = -(2 dL/(gamma beta)) M + O(1).
It holds for equal depths: a difference d of them puts exp(d/D) beside the ratio, and then a large batch decides.

Run it:  python examples/flat_and_sharp.py      (seconds; without momentum, which the paper treats, too)
"""

from math import exp, sqrt
from pathlib import Path

import fokker_planck as fp
from fokker_planck import sgd

FILE = Path(__file__).with_suffix(".toml")
GAMMA, BETA, SIZES = 0.1, 1.0, (1, 2, 4, 20, 100)
HEIGHT = 0.2548372687  # from either minimum to the top, -1 + sqrt(1.2)
LIMIT = sqrt(2.8) / (sqrt(2.8) + sqrt(1.2))


def share_and_gap(size, tilt=0.0):
    """P(flat) and the smallest eigenvalue; a tilt makes the sharp minimum deeper by twice as much."""
    noise = sgd.Learning(GAMMA, size).noise_scale * BETA
    loss = f"(x**2 - 1)**2*(1 + 2*x/5)/4 - {tilt}*x"
    problem = fp.load_problem(FILE, [f"diffusion.epsilon={noise!r}", f"potential.expression='{loss}'"])
    flat = min(fp.stationary_density(problem).wells, key=lambda well: well.minimum[0])
    return flat.probability, fp.spectrum(problem, count=2).gap


print("batch size    P(flat)        gap lambda_1     P(flat), sharp minimum deeper by 0.04")
shares, logs, lost = [], [], []
for size in SIZES:
    share, gap = share_and_gap(size)
    deeper, _ = share_and_gap(size, tilt=0.02)
    shares.append(share.value)
    logs.append(gap.log)
    lost.append(deeper.value)
    print(f"{size:10d}    {share.value:.9f}    {gap.digits:>14}    {deeper.value:.3g}")
slope = (logs[-1] - logs[-2]) / (SIZES[-1] - SIZES[-2])
expected = -2.0 * HEIGHT / (GAMMA * BETA)
print(f"\nlimit of the share {LIMIT:.9f};  d log lambda_1/dM = {slope:.5f}, formula {expected:.5f}")

stays = max(abs(share / LIMIT - 1.0) for share in shares) < 0.005
slows = abs(slope / expected - 1.0) < 1e-3
depth = lost[-2] < exp(-0.9 * 0.04 * 400)
print("\nVerdict: the share stays within half a percent while the gap falls by 220 orders of magnitude;")
print("the depth, if it differs, is what a large batch finds:")
print("reproduced" if stays and slows and depth else "NOT reproduced")
raise SystemExit(0 if stays and slows and depth else 1)
