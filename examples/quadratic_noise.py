"""Noise that grows with the distance lets go in a power of the barrier.  (Meng and others, 2020; arXiv 2006.13719)

Claim. With the gradient's variance C = sigma_g + sigma_H y^2 at the distance y from a minimum, the density has a
power-law tail, and the mean time to leave grows as a power of the barrier's height; under white noise exponentially.

Formula. D = (eta/2) C = eps (1 + r y^2), loss y^2/2, m = kappa = 1/(2 eps r) = 5/2. Out of (-b, b), height b^2/2:
Ito T ~ height^(m + 1/2), Klimontovich T ~ height^(m - 1/2). The paper's exponent kappa - 1/2 and its density C^-kappa
are Klimontovich's; the recursion's limit is Ito's, C^(-1 - kappa). Exact, Ito: T = 586/9 for b = 1, 22986 for b = 3.

Run it:  python examples/quadratic_noise.py      (seconds)
"""

from dataclasses import replace
from math import log
from pathlib import Path

import fokker_planck as fp

FILE = Path(__file__).with_suffix(".toml")
ROOMS = (1.0, 3.0, 32.0, 64.0, 128.0)
READINGS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}
M = 2.5


def time(b, reading=None):
    """Mean time from 0 to -b or b; no reading for white noise."""
    problem = fp.load_problem(
        FILE, [f"domain.lower=[{-b}]", f"domain.upper=[{b}]", f"diffusion.interpretation={reading or 'ito'}"]
    )
    if reading is None:
        problem = replace(problem, process=replace(problem.process, diffusion=fp.Isotropic(0.05)))
    return fp.mean_exit_time(problem, [0.0], "boundary").mean


times = {reading: [time(b, reading) for b in ROOMS] for reading in READINGS}
white = [time(b) for b in ROOMS[:2]]
print("     b    " + "".join(f"{name:>18}" for name in (*READINGS, "white noise")))
for i, b in enumerate(ROOMS):
    line = [times[reading][i].digits for reading in READINGS] + ([white[i].digits] if i < 2 else [])
    print(f"{b:6g}    " + "".join(f"{value:>18}" for value in line))

print("\npower of the height    found     m + 1/2 - alpha")
powers = {}
for reading, alpha in READINGS.items():
    low, middle, high = (value.log for value in times[reading][-3:])
    first, second = (middle - low) / log(4.0), (high - middle) / log(4.0)
    powers[reading] = second + (second - first) / 3.0  # the next term falls like 1/height
    print(f"{reading:20} {powers[reading]:8.4f}   {M + 0.5 - alpha:8.1f}")

exact = abs(times["ito"][0].value * 9 / 586 - 1) < 1e-8 and abs(times["ito"][1].value / 22986 - 1) < 1e-8
power = all(abs(powers[reading] - (M + 0.5 - alpha)) < 2e-3 for reading, alpha in READINGS.items())
steep = white[1].log - white[0].log > 70.0
print("\nVerdict: a power of the height for noise that grows, an exponential for white noise; the paper's power is")
print("Klimontovich's, one less than that of the Ito equation:")
print("reproduced" if exact and power and steep else "NOT reproduced")
raise SystemExit(0 if exact and power and steep else 1)
