"""Noise that follows the Hessian: what is exact, and what it rests on.  (Xie, Sato, Sugiyama, 2021; arXiv 2002.03495)

Claim. With D = theta [H]^+, theta = eta/(2B), flat minima are favoured exponentially as the batch size B grows. The
time to leave is (2 pi/|H_b|) exp{(dL/theta)(s/H_a + (1 - s)/|H_b|)}; for L_k(x) = L(sqrt(k) x) its log goes like 1/k.

What holds. Two parabolas, H_a = 4 and H_b = -1: the exponent is exact with s = |H_b|/(H_a + |H_b|) = 1/5, the prefactor
is Klimontovich's; Ito's is |H_b|/H_a = 1/4 of it. T_k(theta) = T_1(k theta)/k is an identity (white noise: T_1/k).
On a smooth loss D vanishes at the inflection, and the time is infinite. With D = theta (H^2 + floor^2)^(1/2) the log
odds of the flat minimum are linear in 1/theta, slope 0.05620971 for the floor 1/2; a small floor makes the time,
T ~ floor^(-2V'/(|V'''| theta)).

Run it:  python examples/hessian_noise.py      (seconds)
"""

import warnings
from math import exp, log, pi, sqrt
from pathlib import Path

import fokker_planck as fp

FILE = Path(__file__).with_suffix(".toml")
TIGHT = fp.Resolution(tolerance=1e-9)


def time(formula, noise, ends, start, goal, reading="ito"):
    """Mean time from start to the half line beyond goal."""
    process = fp.Overdamped(fp.Potential(formula), noise, reading)
    problem = fp.Problem(process, fp.Box([ends[0]], [ends[1]]), TIGHT)
    return fp.mean_exit_time(problem, [start], fp.HalfSpace([1.0], goal)).mean


print("two parabolas, theta = 1/1000: T over the paper's formula")
pieces = "0.75*x**2 - 1.25*(x - 0.2)*abs(x - 0.2) + 0.5*x"
paper = log(2.0 * pi) + 0.4 / 0.001 * (0.2 / 4.0 + 0.8)
ratios = {}
for reading in ("ito", "stratonovich", "klimontovich"):
    ratios[reading] = exp(time(pieces, fp.Hessian(0.001), (-1.0, 1.8), 0.0, 1.8, reading).log - paper)
    print(f"{reading:>14} {ratios[reading]:.9f}")
readings = [abs(ratio - 4.0 ** (i / 2 - 1)) < 1e-7 for i, ratio in enumerate(ratios.values())]

print("\nL(sqrt(k) x): k T_k(theta/k) for Hessian noise, k T_k(theta) for white noise, theta = 1/20")
scaled = []
for k in (0.5, 1.0, 2.0, 4.0):
    r = sqrt(k)
    stretched = f"({k}*x**2 - 1)**2*(1 + 0.4*{r!r}*x)/4"
    noises = (fp.Hessian(0.05 / k, 0.5 * k), fp.Isotropic(0.05))
    scaled.append([k * time(stretched, noise, (-2 / r, 2 / r), -1 / r, 1 / r).value for noise in noises])
    print(f"k = {k:3g}    {scaled[-1][0]:.6f}    {scaled[-1][1]:.7f}")
identity = all(abs(one / 8485.4940017248 - 1) < 1e-8 and abs(two / 993.2930419163 - 1) < 1e-8 for one, two in scaled)

print("\n1/theta    P(flat), floor 1/2    log odds    P(flat), white noise")
odds = {}
for inverse in (20, 80, 400, 2000):
    hessian = fp.load_problem(FILE, [f"diffusion.scale={1 / inverse!r}"])
    flat, sharp = sorted(fp.stationary_density(hessian).wells, key=lambda well: well.minimum[0])
    odds[inverse] = flat.probability.log - sharp.probability.log
    white = fp.load_problem(FILE.with_name("flat_and_sharp.toml"), [f"diffusion.epsilon={1 / inverse!r}"])
    share = min(fp.stationary_density(white).wells, key=lambda well: well.minimum[0]).probability
    print(f"{inverse:7d}    {flat.probability.digits:>18}    {odds[inverse]:8.4f}    {share.value:.6f}")
slope = (odds[2000] - odds[400]) / 1600
print(f"slope of the log odds {slope:.6f}, theory 0.056210")

print("\nquartic well, theta = 1/20: floor and mean time")
quartic, floors = "(x**2 - 1)**2/4", {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that the floor makes most of the time, which is the point
    for floor in (0.5, 0.1, 0.02, 0.01):
        floors[floor] = time(quartic, fp.Hessian(0.05, floor), (-2.0, 2.0), -1.0, 1.0)
        print(f"{floor:5g}    {floors[floor].digits}")
power = (floors[0.01].log - floors[0.02].log) / log(2.0)
try:
    infinite = f"    0    {time(quartic, fp.Hessian(0.05), (-2.0, 2.0), -1.0, 1.0)}"
except fp.ProblemError as error:
    infinite = f"    0    {error}"
print(f"{infinite}\npower of the floor {-power:.4f}, theory {-2 / 9 / 0.05:.4f}")

right = all(readings) and identity and abs(slope - 0.05620971255) < 1e-5
regular = "infinite" in infinite and abs(power - 40 / 9) < 2e-3
print("\nVerdict: flat minima win exponentially, the scaling is exact; an Ito equation takes a quarter of the formula,")
print("and nothing crosses a smooth inflection without a floor:")
print("reproduced" if right and regular else "NOT reproduced")
raise SystemExit(0 if right and regular else 1)
