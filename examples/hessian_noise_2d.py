"""Hessian noise in the plane: the flat minimum wins exponentially with the batch.  (Xie, Sato, Sugiyama, 2021)

Claim. Of two equally deep minima in the plane the flat one is favoured exponentially as the batch size B grows, if the
noise follows the Hessian, and not at all more if it is white.

Formula. V = (x^2 - 1)^2 (1 + 2x/5)/4 + (1 + x/2) y^2/2. White noise, D = eta/(2B): P(flat)/P(sharp) -> sqrt(7), the
ratio of the roots of the determinants. Hessian noise, D = (eta/2B)(H^2 + 1/4)^(1/2): detailed balance is broken and no
density known; for small noise the log odds grow by 0.05620971 a unit of 2B/eta, the difference of the integrals of
V_x/D_xx along the axis. The mean time for B = 1 is simulated as well, by Euler and Maruyama's method without any mesh.

Run it:  python examples/hessian_noise_2d.py      (about a minute)
"""

from math import log, sqrt
from pathlib import Path

import fokker_planck as fp
from fokker_planck import sgd

FILE = Path(__file__).with_suffix(".toml")
ETA, SIZES = 0.25, [1, 2, 4]

problem = fp.load_problem(FILE)
start, target = (-1.0, 0.0), problem.sets["sharp"]
studies = {
    covariance: fp.noise_study(
        problem.process.potential, problem.domain, [ETA], SIZES, covariance, start, target,
        questions=["exit-time", "stationary"], resolution=problem.resolution, **keys,
    )
    for covariance, keys in (("hessian", {"floor": 0.5}), ("isotropic", {"epsilon": 1.0}))
}  # fmt: skip
odds = {}
for covariance, study in studies.items():
    print(f"{covariance} noise\n  B    P(flat)/P(sharp)    log    mean time to the sharp one    iterations")
    ratios = study.occupation_ratios()[0]
    odds[covariance] = [ratio.log for ratio in ratios]
    for j, size in enumerate(SIZES):
        time, steps = study.times[0, j], study.iterations[0, j]
        print(f"{size:3d}    {ratios[j].value:9.5f} ±{ratios[j].relative_error:.0e}  {ratios[j].log:7.4f}", end="")
        print(f"    {time.value:13.7g} ±{time.relative_error:.0e}     {steps.value:12.6g}")

per_unit = [(odds["hessian"][j + 1] - odds["hessian"][j]) * ETA / (2 * SIZES[j]) for j in (0, 1)]
slope = per_unit[1] + (per_unit[1] - per_unit[0]) / 3.0
print(f"\nslope of the log odds against 2B/eta: {per_unit[0]:.5f}, {per_unit[1]:.5f}; extrapolated {slope:.5f}")
print(f"white noise: log odds {odds['isotropic'][-1]:.4f}, limit {log(sqrt(7.0)):.4f}")

seen = sgd.simulated_exit_time(problem.process, start, target, step=0.1, replicas=2000, seed=1, domain=problem.domain)
solved = studies["hessian"].times[0, 0]
print(f"B = 1 by simulation: {seen.mean.value:.1f} ± {seen.mean.relative_error:.1%}; solved {solved.value:.3f}")

grows = abs(slope - 0.05620971) < 2e-3
stays = abs(odds["isotropic"][2] - odds["isotropic"][0]) < 0.1 and abs(odds["isotropic"][2] - log(sqrt(7.0))) < 0.01
sure = max(study.times[0, j].relative_error for study in studies.values() for j in range(3)) < 1e-5
witnessed = abs(seen.mean.value / solved.value - 1.0) < 3.0 * seen.mean.relative_error
print("\nVerdict: the odds grow exponentially under Hessian noise and stay under white noise:")
print("reproduced" if grows and stays and sure and witnessed else "NOT reproduced")
raise SystemExit(0 if grows and stays and sure and witnessed else 1)
