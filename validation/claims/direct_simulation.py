"""Paths of the stochastic differential equation, step by step, as a witness that knows nothing of any mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import hypot, sqrt
from typing import TYPE_CHECKING, Any

from validation.claim import Claim, Figure, Finding, Run, Table, near

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.problem import Problem
    from fokker_planck.quantity import Quantity

LARGEST = 3.5
STEP, QUICK_STEP, REPLICAS, QUICK_REPLICAS = 0.05, 0.08, 5000, 2000
READINGS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}

Field = Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """A mean time from (-1, 0, ...) to x >= level: written out for the simulation, and as a problem for the solver.

    drift, spread : the Ito drift b (dim, n) and sqrt(2 D) (n,) at points (dim, n); D is a multiple of the identity
    problem : the same process, posed as its author would
    """

    name: str
    dimension: int
    level: float
    drift: Field
    spread: Field
    problem: Callable[[], Problem]


def compute(run: Run) -> Finding:
    """Simulated times and the share of a well, beside those of the solver."""
    found: dict[str, tuple[list[float], Quantity]] = {}
    for seed, case in enumerate(cases()[:1] if run.quick else cases()):
        replicas, step = (QUICK_REPLICAS, QUICK_STEP) if run.quick else (REPLICAS, STEP)
        key = f"{case.name}, {replicas} paths, step {step:g}, seed {seed}"
        paths = run.step(f"simulation: {key}", partial(simulated, case, step, replicas, seed))
        found[case.name] = paths, run.step(f"solver: {case.name}, tolerance 1e-5", partial(solved, case))
    for reading in () if run.quick else ("ito", "klimontovich"):
        key = f"share of the left well, {reading}"
        paths = run.step(f"simulation: {key}", partial(occupied, reading))
        found[key] = paths, run.step(f"solver: {key}", partial(weight, reading))
    checks, rows, points = [], [], []
    for name, ((mean, error, effect), exact) in found.items():
        value = float(exact)
        checks.append(near(f"{name}: difference in standard errors", (mean - value) / error, 0.0, LARGEST, LUCK))
        rows.append((name, exact, f"{mean:.4g} ± {error:.2g}", f"{mean / value:.3f}", f"{effect:+.3f}"))
        points.append((name, mean / value, error / value))
    heads = ("number", "solver", "simulation ± one standard error", "ratio", "effect of halving the step")
    table = Table("Simulation beside the solver", heads, tuple(rows))
    return Finding(tuple(checks), (table,), (picture(points),), REMARKS)


def cases() -> tuple[Case, ...]:
    """Times whose processes differ in what could be got wrong."""
    bent = partial(_posed, "(x**2 - 1)**2/4 + (y - x**2/2)**2", 0.08, (1.8, 2.5))
    return (
        Case("time on a line", 1, 1.0, _quartic, _constant(1 / 12), partial(_posed, "(x**2 - 1)**2/4", 1 / 12)),
        Case("time through a bent channel in the plane", 2, 0.8, _channel, _constant(0.08), bent),
        *(
            Case(f"time, noise of the state, {reading}", 1, 1.0, *_with_noise_of_the_state(reading))
            for reading in READINGS
        ),
        Case("time without detailed balance", 2, 0.0, _crossed, _constant(0.1), _irreversible),
    )


def simulated(case: Case, h: float, replicas: int, seed: int) -> list[float]:
    """Mean time, one standard error, and by how much halving the step changed it, relatively.

    Euler and Maruyama's method with steps h and h/2 along the same Brownian paths, twice the second less the first.
    Between two points of a step at distances d0 and d1 from the target a path has touched it with the probability
    exp(-2 d0 d1/(2 D h)) (Gobet 2000).
    """
    import numpy as np

    generator = np.random.default_rng(20240 + seed)
    times = np.zeros((2, replicas))
    number, going = np.arange(replicas), np.ones((2, replicas), dtype=bool)
    coarse = np.zeros((case.dimension, replicas))
    coarse[0] = -1.0
    fine, clock = coarse.copy(), 0.0
    while len(number):
        noise = generator.standard_normal((2, *coarse.shape)) * sqrt(h / 2.0)
        luck = np.log(generator.random((2, len(number))))
        frozen = case.drift(coarse), case.spread(coarse)
        for half in (0, 1):
            clock += h / 4.0
            moves = frozen, (case.drift(fine), case.spread(fine))
            after = [x + b * (h / 2.0) + s * noise[half] for x, (b, s) in zip((coarse, fine), moves, strict=True)]
            for path, (old, new) in enumerate(zip((coarse, fine), after, strict=True)):
                missed = (case.level - old[0]) * (case.level - new[0])
                hit = (new[0] >= case.level) | (luck[half] * (moves[path][1] ** 2 * h / 4.0) < -missed)
                hit &= going[path]
                times[path, number[hit]] = clock
                going[path] &= ~hit
            coarse, fine = after
            clock += h / 4.0
        left = going.any(axis=0)
        if left.sum() < 0.8 * len(left) or len(left) < 100:
            number, going, coarse, fine = number[left], going[:, left], coarse[:, left], fine[:, left]
    refined = 2.0 * times[1] - times[0]
    mean, effect = float(refined.mean()), float((times[1] - times[0]).mean())
    return [mean, hypot(float(refined.std(ddof=1)) / sqrt(replicas), effect / 3.0), effect / mean]


def solved(case: Case) -> Quantity:
    """The time of the solver."""
    import fokker_planck as fp

    rest = (0.0,) * (case.dimension - 1)
    return fp.mean_exit_time(case.problem(), (-1.0, *rest), fp.HalfSpace((1.0, *rest), case.level)).mean


def occupied(reading: str) -> list[float]:
    """Share of time with x < 0, its standard error and the effect of the step: 3,000 pairs, times 100 to 300."""
    import numpy as np

    drift, spread, _ = _with_noise_of_the_state(reading)
    generator, h, count = np.random.default_rng(7), 0.04, 3000
    coarse = np.where(np.arange(count) < 0.7 * count, -1.0, 1.0)[None, :]
    fine, shares, steps = coarse.copy(), np.zeros((2, count)), 0
    for step in range(round(300.0 / h)):
        noise = generator.standard_normal((2, count)) * sqrt(h / 2.0)
        coarse = coarse + drift(coarse) * h + spread(coarse) * noise.sum(axis=0)
        middle = fine + drift(fine) * h / 2.0 + spread(fine) * noise[0]
        fine = middle + drift(middle) * h / 2.0 + spread(middle) * noise[1]
        if step * h >= 100.0:
            shares += np.stack([coarse[0] < 0.0, 0.5 * ((middle[0] < 0.0) + 1.0 * (fine[0] < 0.0))])
            steps += 1
    shares /= steps
    refined = 2.0 * shares[1] - shares[0]
    mean, effect = float(refined.mean()), float((shares[1] - shares[0]).mean())
    return [mean, hypot(float(refined.std(ddof=1)) / sqrt(count), effect / 3.0), effect / mean]


def weight(reading: str) -> Quantity:
    """The solver's probability of the left well."""
    import fokker_planck as fp

    wells = fp.stationary_density(_with_noise_of_the_state(reading)[2]()).wells
    return min(wells, key=lambda well: well.minimum[0]).probability


def _quartic(x: Any) -> Any:
    return x - x**3


def _channel(x: Any) -> Any:
    import numpy as np

    away = x[1] - x[0] ** 2 / 2.0
    return np.stack([x[0] - x[0] ** 3 + 2.0 * x[0] * away, -2.0 * away])


def _crossed(x: Any) -> Any:
    import numpy as np

    force = x[0] ** 3 - x[0]
    return np.stack([-force - x[1] ** 2, -x[1] + x[1] * force])


def _constant(noise: float) -> Field:
    return lambda x: sqrt(2.0 * noise)


def _posed(formula: str, noise: float, sides: tuple[float, ...] = ()) -> Problem:
    import fokker_planck as fp

    lower, upper = (-2.2, *(-1.2 for _ in sides[1:])), (2.2, *sides[1:])
    process = fp.Overdamped(fp.Potential(formula), fp.Isotropic(noise))
    return fp.Problem(process, fp.Box(lower, upper), fp.Resolution(tolerance=1e-5))


def _with_noise_of_the_state(reading: str) -> tuple[Field, Field, Callable[[], Problem]]:
    """D = 0.08 (1 + (x + 1)**2/2), D' = 0.08 (x + 1): Ito drift, sqrt(2 D), and the problem."""
    import numpy as np

    def problem() -> Problem:
        import fokker_planck as fp

        noise = fp.Formula("0.08*(1 + (x + 1)**2/2)")
        process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), noise, interpretation=reading)
        return fp.Problem(process, fp.Box((-2.5,), (2.5,)), fp.Resolution(tolerance=1e-5))

    alpha = READINGS[reading]
    return (
        lambda x: x - x**3 + alpha * 0.08 * (x + 1.0),
        lambda x: np.sqrt(0.16 * (1.0 + (x[0] + 1.0) ** 2 / 2.0)),
        problem,
    )


def _irreversible() -> Problem:
    import fokker_planck as fp

    drift = fp.Drift(["-(x**3 - x) - y**2", "-y + y*(x**3 - x)"])
    box = fp.Box((-2.2, -2.2), (0.5, 2.2))
    return fp.Problem(fp.Drifting(drift, fp.Isotropic(0.1)), box, fp.Resolution(tolerance=1e-5))


def picture(points: list[tuple[str, float, float]]) -> Figure:
    """Ratios with bars of one standard error."""
    from validation import drawing

    def draw(ax: Axes) -> None:
        for k, (name, ratio, error) in enumerate(reversed(points)):
            ax.errorbar(ratio, k, xerr=error, fmt="o", color=drawing.BLUE)
            ax.annotate(name, (0.905, k + 0.18), color=drawing.INK, fontsize=9.0)
        ax.axvline(1.0, color=drawing.RED, linewidth=1.0)
        ax.set_xlim(0.9, 1.1)
        ax.set_ylim(-0.6, len(points) - 0.3)
        ax.set_yticks([])
        ax.set_xlabel("simulation / solver")

    caption = "Simulated over computed numbers, with bars of one standard error"
    description = "Points on both sides of one, most of them within their bars."
    return drawing.figure(caption, description, draw, height=60.0 + 28.0 * len(points))


LUCK = "3.5 standard errors: one run in 300 with eight numbers fails by bad luck, and the seeds are fixed"
REMARKS = (
    "The processes are written out twice: as formulas for the paths, with the Itô drift worked out by hand, and as "
    "problems for the solver. A factor two in the noise, a sign of the drift or a wrong reading of the noise would "
    "show as tens of standard errors: times in the three readings differ by factors of 1.2.",
    "Errors of the step are removed by extrapolation from two steps along the same Brownian paths; a third of what "
    "halving the step changed is added to the standard error.",
)

CLAIM = Claim(
    name="direct-simulation",
    group="witness",
    title="Paths of the stochastic differential equation",
    statement=(
        "At barriers of two to three noise units mean exit times and shares of wells are those of simulated paths, in "
        "one and two dimensions, for noise that depends on the state in three readings, and without detailed balance."
    ),
    formula="X_{t+h} = X_t + b(X_t) h + √(2D(X_t) h) ξ,  b = -V' + αD',  α = 0, ½, 1",
    source="Gobet 2000 (crossings within a step); Talay and Tubaro 1990 (extrapolation)",
    compute=compute,
)
