"""How much noise makes a double well follow a weak push?  (Gammaitoni, Haenggi, Jung, Marchesoni, 1998)

Claim. A push A cos(w t), too weak to carry anything over the barrier, moves the mean position most at a noise in
between: too little of it and nothing is left in time, too much and nothing stays where it was pushed to.

Formula. With two states, left at the rate k each, <x> has the amplitude (A/D) 2 k/(4 k^2 + w^2)^(1/2), and at small A
the part that lags a quarter behind is A w S(w)/(2 D), S the power spectrum without the push (fluctuation-dissipation).

Run it:  python examples/stochastic_resonance.py      (half a minute)
"""

from dataclasses import replace
from math import sqrt
from pathlib import Path

import fokker_planck as fp

FILE = Path(__file__).with_suffix(".toml")
PUSH, FREQUENCY, PERIOD = 0.02, 0.05, 125.66370614359172
NOISES = (0.04, 0.06, 0.09, 0.13, 0.2)

print("noise    amplification    two states    lag part over linear response    largest multiplier")
found, ratios = [], []
for noise in NOISES:
    problem = fp.load_problem(FILE, [f"diffusion.epsilon={noise}"])
    driven = fp.periodic_state(problem, PERIOD, {"x": "x"}, count=1)
    position = driven.observables["x"]
    still = replace(problem, schedule=None)
    rate = 0.5 * fp.spectrum(still, count=2).gap.value
    spectrum = fp.correlation(still, "x", frequencies=[FREQUENCY]).spectrum[0].density.value
    ratios.append(position.sine.value / (PUSH * FREQUENCY * spectrum / (2.0 * noise)))
    found.append(position.amplitude.value / PUSH)
    two_states = 2.0 * rate / (noise * sqrt(4.0 * rate**2 + FREQUENCY**2))
    largest = driven.multipliers[0].real
    print(f"{noise:5.2f}    {found[-1]:13.6f}    {two_states:10.4f}    {ratios[-1]:29.4f}    {largest:18.6f}")

best = max(range(len(NOISES)), key=lambda k: found[k])
between = 0 < best < len(NOISES) - 1
linear = all(abs(ratio - 1.0) < (PUSH / noise) ** 2 for ratio, noise in zip(ratios, NOISES, strict=True))
print(f"\nVerdict: the push is amplified most at the noise {NOISES[best]:g}, and as linear response says:")
print("reproduced" if between and linear else "NOT reproduced")
raise SystemExit(0 if between and linear else 1)
