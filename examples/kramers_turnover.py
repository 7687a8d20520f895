"""At which friction does a particle leave its well fastest?  (Kramers, 1940; Mel'nikov, Meshkov, 1986)

Claim. The rate rises with small friction, for the particle has to be given energy, and falls with large friction, which
holds it back at the saddle. Mel'nikov and Meshkov's formula holds on both sides and between, with a rest of order eps.

Formula. dx = v dt, dv = -V' dt - gamma v dt + sqrt(2 gamma eps) dW with V = (x^2 - 1)^2/4, eps = 1/20: lambda_1 is near
2 k of Kramers and Langer, k = lambda_+ (sqrt(2)/(2 pi)) exp(-1/(4 eps)), lambda_+ = sqrt(gamma^2/4 + 1) - gamma/2; of
energy diffusion, d/2 for lambda_+, where d = 4 gamma/(3 eps) is lost on the way through a well; and of Mel'nikov and
Meshkov, lambda_+ Upsilon(d)^2/Upsilon(2 d). lambda_1 over the last varies little, and is interpolated for the maximum.

Run it:  python examples/kramers_turnover.py [picture.png]      (half a minute)
"""

import sys
from dataclasses import replace
from math import exp
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

import fokker_planck as fp
from fokker_planck.asymptotics import melnikov_meshkov

EPSILON = 1 / 20
FRICTIONS = (0.1, 0.25, 0.35, 0.45, 0.6, 1.0, 3.0, 10.0)
AROUND = (0.25, 0.35, 0.45, 0.6, 1.0)  # the maximum; the last for the error alone
FORMULAS = {
    "Kramers and Langer": melnikov_meshkov.kramers_rate,
    "energy diffusion": melnikov_meshkov.energy_diffusion_rate,
    "Mel'nikov and Meshkov": melnikov_meshkov.rate,
}

problem = fp.load_problem(Path(__file__).with_suffix(".toml"))


def solved(friction):
    """lambda_1 with its error bar."""
    return fp.spectrum(replace(problem, process=replace(problem.process, friction=friction)), count=2).gap


def formula(name, friction):
    """2 k: the wells are alike."""
    way = melnikov_meshkov.line_barrier(lambda x: (x**2 - 1) ** 2 / 4, lambda x: 3 * x**2 - 1, 0.0, -1.0, friction, 1.0)
    return 2.0 * FORMULAS[name](way, EPSILON).value


def fastest(ratios):
    """The friction of the largest rate and that rate: a polynomial in log friction for lambda_1 over the formula."""
    nodes = np.log(AROUND[: len(ratios)])
    polynomial = np.polyfit(nodes, ratios, len(nodes) - 1)

    def slowness(where):
        return -np.polyval(polynomial, where) * formula("Mel'nikov and Meshkov", exp(where))

    found = minimize_scalar(slowness, bounds=(nodes[0], nodes[3]), method="bounded", options={"xatol": 1e-6})
    return exp(found.x), -found.fun


print("friction     lambda_1 (bar)      " + "".join(f"{name:>24}" for name in FORMULAS) + "   over the last")
gaps, over = {}, {}
for friction in FRICTIONS:
    gap = gaps[friction] = solved(friction)
    values = [formula(name, friction) for name in FORMULAS]
    over[friction] = gap.value / values[-1]
    columns = "".join(f"{value:24.4e}" for value in values)
    print(f"{friction:8g}{gap.value:15.5e} ({gap.relative_error:.0e}){columns}{over[friction]:16.4f}")

ratios = np.array([over[friction] for friction in AROUND])
best, rate = fastest(ratios[:4])
doubt = abs(fastest(ratios)[0] - best)
for k, friction in enumerate(AROUND[:4]):
    moved = ratios[:4] + over[friction] * gaps[friction].relative_error * np.eye(4)[k]
    doubt += abs(fastest(moved)[0] - best)
print(f"\nfastest at friction {best:.4f} +- {doubt:.4f}: lambda_1 = {rate:.4e}")

overdamped = fp.Overdamped(problem.process.position_potential, fp.Isotropic(EPSILON))
limit = fp.spectrum(fp.Problem(overdamped, fp.Box([-1.8], [1.8])), count=2).gap.value
print(f"friction times lambda_1 at friction 10: {10.0 * gaps[10.0].value:.4e}; overdamped {limit:.4e}")

if sys.argv[1:] and sys.argv[1].endswith(".png"):
    import matplotlib.pyplot as plt

    drawing, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    along = np.geomspace(0.03, 20.0, 120)
    for name, style in zip(FORMULAS, ("--", ":", "-"), strict=True):
        ax.loglog(along, [formula(name, friction) for friction in along], style, label=name)
    ax.loglog(FRICTIONS, [gap.value for gap in gaps.values()], "ko", label="solved")
    ax.loglog([best], [rate], "k*", markersize=13, label=f"fastest, friction {best:.3f}")
    ax.set(xlabel="friction", ylabel="$\\lambda_1$", ylim=(1e-4, 5e-3), title="Kramers' turnover, barrier 5 eps")
    ax.legend()
    drawing.savefig(sys.argv[1], dpi=110)

turns = abs(best - 0.363) < 5e-4 and doubt < 5e-4
close = all(0.875 < ratio < 0.965 for ratio in over.values())
tends = abs(10.0 * gaps[10.0].value / limit - 1.0) < 0.01
print("\nVerdict: the rate is largest at friction 0.363; from friction 0.1 to 10 it is 0.88 to 0.96 of the formula for")
print(
    "all frictions, of which the other two are limits; at large friction it is the overdamped rate over the friction:"
)
print("reproduced" if turns and close and tends else "NOT reproduced")
raise SystemExit(0 if turns and close and tends else 1)
