"""Densities in time with a closed form, entry by entry: on a line, in the plane, in space."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from math import cos, exp, log1p, pi, sin
from typing import Any

from validation.claim import Claim, Finding, Run
from validation.claims.closed_forms_of_exits import posed
from validation.entries import Entry, checks_of, estimate

DRIFT = {1: [[1.0]], 2: [[1.0, -2.0], [2.0, 1.0]], 3: [[1.0, -2.0, 0.0], [2.0, 1.0, 0.0], [0.3, 0.0, 1.5]]}
"""A of dX = -A X dt + (2 D)^(1/2) dW: all but the first turns."""
SPREAD = (0.5, 0.3, 0.4)
MEAN, WIDTH = (1.0, 0.4, -0.3), (0.2, 0.3, 0.25)
TIMES = (0.05, 0.5, 2.0, 8.0)
BARRIERS = {1: (50.0, 200.0, 500.0), 2: (50.0, 200.0)}
SHARES = (0.01, 0.1, 1.0, 3.0, 10.0)
"""Times between wells, in units of one over the gap."""
VELOCITY, NOISE = (1.5, -0.7, 0.4), 0.2
FALLING = "1/(1 + t/2)"
PUSH, FREQUENCY = 0.8, 3.0
SEED = "(x**2 - 1)**2*(1 + 2*x/5)/4"
"""Two wells of equal depth, the flat one on the left."""
BATCH_NOISE, BATCH, BATCH_START, CHANGES, END = 0.05, 8, 0.02, (0.0, 200.0), 600.0
LEFT, RIGHT = -1.7, 1.7


def compute(run: Run) -> Finding:
    """Every entry against its closed form."""
    checks, table = checks_of(run, ENTRIES)
    return Finding(tuple(checks), (table,), (), REMARKS)


def moments(dimension: int) -> dict[str, str]:
    """All means and products of two coordinates."""
    axes = "xyz"[:dimension]
    return {a: a for a in axes} | {a + b: f"{a}*{b}" for k, a in enumerate(axes) for b in axes[k:]}


def of_moments(dimension: int, mean: Any, covariance: Any) -> list[float]:
    """The same of a normal law."""
    pairs = [(i, j) for i in range(dimension) for j in range(i, dimension)]
    return [float(m) for m in mean] + [float(covariance[i][j] + mean[i] * mean[j]) for i, j in pairs]


def gaussian(dimension: int) -> dict[str, Any]:
    """The beginning."""
    square = [[WIDTH[i] if i == j else 0.0 for j in range(dimension)] for i in range(dimension)]
    return {"gaussian": {"mean": list(MEAN[:dimension]), "covariance": square}}


def means(states: Any) -> list[Any]:
    """Every observable of every time."""
    return [estimate(found) for state in states for found in state.observables.values()]


def linear(dimension: int, schedule: Any = None) -> Any:
    """The problem of a linear drift, of which no density is given."""
    from dataclasses import replace

    import fokker_planck as fp

    rows = [" + ".join(f"({-a!r})*{x}" for a, x in zip(row, "xyz", strict=False) if a) for row in DRIFT[dimension]]
    process = fp.Drifting(
        fp.Drift(rows), fp.Constant([[SPREAD[i] * (i == j) for j in range(dimension)] for i in range(dimension)])
    )
    reach = {1: 9.0, 2: 6.5, 3: 5.0}[dimension]
    return replace(posed(dimension, process, fp.Box([-reach] * dimension, [reach] * dimension)), schedule=schedule)


def ornstein_uhlenbeck(dimension: int) -> list[Any]:
    """Means and products at all times, and the mass."""
    import fokker_planck as fp

    states = fp.evolve(linear(dimension), gaussian(dimension), TIMES, moments(dimension)).times
    return [*means(states), *((state.mass.value, 0.0) for state in states)]


def of_ornstein_uhlenbeck(dimension: int) -> list[tuple[str, float]]:
    """Mean exp(-A t) m, covariance S + exp(-A t) (C - S) exp(-A^T t)."""
    import numpy as np
    from scipy.linalg import expm, solve_continuous_lyapunov

    a = np.array(DRIFT[dimension])
    still = solve_continuous_lyapunov(a, 2.0 * np.diag(SPREAD[:dimension]))
    found = []
    for t in TIMES:
        carried = expm(-a * t)
        covariance = still + carried @ (np.diag(WIDTH[:dimension]) - still) @ carried.T
        values = of_moments(dimension, carried @ np.array(MEAN[:dimension]), covariance)
        found += [(f"<{name}> at {t:g}", value) for name, value in zip(moments(dimension), values, strict=True)]
    return [*found, *((f"mass at {t:g}", 1.0) for t in TIMES)]


def ring(dimension: int, schedule: str | None = None) -> list[Any]:
    """Fourier modes around a ring, a torus of two and of three."""
    from dataclasses import replace

    import fokker_planck as fp

    process = fp.Drifting(fp.Drift([str(v) for v in VELOCITY[:dimension]]), fp.Isotropic(NOISE))
    if schedule:
        process = fp.Overdamped(fp.Potential("0*x"), fp.Isotropic(NOISE))
    torus = fp.Box([0.0] * dimension, [2.0 * pi] * dimension, "periodic")
    problem = replace(posed(dimension, process, torus), schedule=fp.Schedule(noise=schedule) if schedule else None)
    start = " + ".join(f"0.4*cos({a}) + 0.3*sin(2*{a})" for a in "xyz"[:dimension])
    asked = {f"{a}{n}": f"cos({n}*{a})" for a in "xyz"[:dimension] for n in (1, 2)}
    return means(fp.evolve(problem, {"expression": f"{dimension} + {start}"}, TIMES[:3], asked).times)


def of_ring(dimension: int, schedule: bool = False) -> list[tuple[str, float]]:
    """exp(-(D n^2 + i v n) t) of each mode."""
    found = []
    for t in TIMES[:3]:
        past = 2.0 * log1p(0.5 * t) if schedule else t
        for axis in range(dimension):
            turned = 0.0 if schedule else VELOCITY[axis] * t
            one = 0.2 / dimension * cos(turned) * exp(-NOISE * past)
            two = -0.15 / dimension * sin(2.0 * turned) * exp(-4.0 * NOISE * past)
            found += [(f"<cos({n}*{'xyz'[axis]})> at {t:g}", value) for n, value in ((1, one), (2, two))]
    return found


def between_wells(dimension: int, barrier: float) -> list[Any]:
    """P(left) of the quartic well from its left minimum."""
    import fokker_planck as fp

    across = {1: "", 2: " + y**2/2", 3: " + y**2/2 + z**2/2"}[dimension]
    noise = 0.25 / barrier
    process = fp.Overdamped(fp.Potential(f"(x**2 - 1)**2/4{across}"), fp.Isotropic(noise))
    wide = 9.0 * noise**0.5
    problem = posed(dimension, process, fp.Box([-2.0] + [-wide] * (dimension - 1), [2.0] + [wide] * (dimension - 1)))
    gap = fp.spectrum(problem, count=2).gap.value
    start = [-1.0] + [0.0] * (dimension - 1)
    states = fp.evolve(problem, start, [share / gap for share in SHARES]).times
    return [state.wells[0] for state in states]


def of_wells() -> list[tuple[str, float]]:
    """1/2 + exp(-lambda t)/2, beside O(exp(-barrier))."""
    return [(f"P(left) at {share:g} / gap", 0.5 + 0.5 * exp(-share)) for share in SHARES]


def falling(dimension: int) -> list[Any]:
    """Means and products under noise that falls."""
    import fokker_planck as fp

    return means(
        fp.evolve(
            linear(dimension, fp.Schedule(noise=FALLING)), gaussian(dimension), TIMES[1:3], moments(dimension)
        ).times
    )


def driven(dimension: int) -> list[Any]:
    """Means and products of a bowl that is pushed to and fro."""
    from dataclasses import replace

    import fokker_planck as fp

    bowl = " + ".join(f"{1 + 0.5 * k}*{a}**2/2" for k, a in enumerate("xyz"[:dimension]))
    process = fp.Overdamped(fp.Potential(bowl), fp.Isotropic(0.5))
    reach = {1: 9.0, 2: 6.5, 3: 5.0}[dimension]
    problem = replace(
        posed(dimension, process, fp.Box([-reach] * dimension, [reach] * dimension)),
        schedule=fp.Schedule(potential=f"-{PUSH}*sin({FREQUENCY}*t)*x"),
    )
    return means(fp.evolve(problem, gaussian(dimension), TIMES[1:3], moments(dimension)).times)


def of_driven(dimension: int, push: bool) -> list[tuple[str, float]]:
    """Variation of constants, by an integrator of the moments."""
    import numpy as np
    from scipy.integrate import solve_ivp

    a = np.diag([1.0 + 0.5 * k for k in range(dimension)]) if push else np.array(DRIFT[dimension])
    noise = np.diag([0.5] * dimension if push else SPREAD[:dimension])
    force = np.eye(dimension)[0] * (PUSH if push else 0.0)

    def slope(t: float, u: Any) -> Any:
        mean, c = u[:dimension], u[dimension:].reshape(dimension, dimension)
        factor = 1.0 if push else 1.0 / (1.0 + t / 2.0)
        change = -a @ c - c @ a.T + 2.0 * factor * noise
        return np.concatenate([-a @ mean + force * sin(FREQUENCY * t), change.ravel()])

    begin = np.concatenate([MEAN[:dimension], np.diag(WIDTH[:dimension]).ravel()])
    times = TIMES[1:3]
    path = solve_ivp(slope, (0.0, times[-1]), begin, t_eval=times, rtol=1e-12, atol=1e-13, method="DOP853").y.T
    found = []
    for t, u in zip(times, path, strict=True):
        values = of_moments(dimension, u[:dimension], u[dimension:].reshape(dimension, dimension))
        found += [(f"<{name}> at {t:g}", value) for name, value in zip(moments(dimension), values, strict=True)]
    return found


def batches() -> list[Any]:
    """What is in the flat well in the end, where the batch grows at once, or later; and <x>."""
    from dataclasses import replace

    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(SEED), fp.Isotropic(BATCH_NOISE))
    start = {"gaussian": {"mean": [1.0], "covariance": [[BATCH_START]]}}
    found: list[Any] = []
    for change in CHANGES:
        table = [[0.0, 1.0], [change, 1.0 / BATCH]] if change else [[0.0, 1.0 / BATCH]]
        schedule = fp.Schedule(noise=table)
        problem = replace(posed(1, process, fp.Box([LEFT], [RIGHT])), schedule=schedule)
        (state,) = fp.evolve(problem, start, [END], {"x": "x", "flat": "heaviside(-x)"}).times
        found += means([state])
    return found


@cache
def of_batches() -> list[tuple[str, float]]:
    """By finite volumes with exponential fitting, thrice, extrapolated in the width of the cells."""
    coarse, middle, fine = (by_finite_volumes(count) for count in (160, 320, 640))
    first, second = ((4.0 * b - a) / 3.0 for a, b in ((coarse, middle), (middle, fine)))
    names = [f"{what}, batch grows at {change:g}" for change in CHANGES for what in ("<x>", "P(flat)")]
    return list(zip(names, ((16.0 * second - first) / 15.0).tolist(), strict=True))


def by_finite_volumes(count: int) -> Any:
    """<x> and P(x < 0) in the end of every schedule, (4,)."""
    import numpy as np
    from scipy.linalg import expm

    width = (RIGHT - LEFT) / count
    x = LEFT + width * (np.arange(count) + 0.5)
    faces = LEFT + width * np.arange(1, count)
    begin = np.exp(-((x - 1.0) ** 2) / (2.0 * BATCH_START))
    begin /= begin.sum()

    def carries(noise: float, time: float) -> Any:
        # rates D/h^2 exp(-(V(face) - V(cell))/D): symmetric in the weight exp(-V(cell)/D), of second order
        v, top = seed(x), seed(faces)
        up, down = (noise / width**2 * np.exp(-(top - low) / noise) for low in (v[:-1], v[1:]))
        flow = np.diag(up, -1) + np.diag(down, 1)
        return expm((flow - np.diag(flow.sum(axis=0))) * time)

    found = []
    for change in CHANGES:
        density = carries(BATCH_NOISE, change) @ begin if change else begin
        density = carries(BATCH_NOISE / BATCH, END - change) @ density
        found += [float(density @ x), float(density[x < 0.0].sum())]
    return np.array(found)


def seed(x: Any) -> Any:
    """V as numbers."""
    return (x**2 - 1.0) ** 2 * (1.0 + 0.4 * x) / 4.0


def periodic(dimension: int) -> list[Any]:
    """Amplitude and mean square of the bowl that is pushed, repeated for ever."""
    from dataclasses import replace

    import fokker_planck as fp

    bowl = " + ".join(f"{a}**2/2" for a in "xyz"[:dimension])
    process = fp.Overdamped(fp.Potential(bowl), fp.Isotropic(0.5))
    reach = {1: 8.0, 2: 6.0}[dimension]
    schedule = fp.Schedule(potential=f"-{PUSH}*sin({FREQUENCY}*t)*x")
    problem = replace(posed(dimension, process, fp.Box([-reach] * dimension, [reach] * dimension)), schedule=schedule)
    found = fp.periodic_state(problem, 2.0 * pi / FREQUENCY, {"x": "x", "xx": "x**2"}, count=1)
    x, square = found.observables["x"], found.observables["xx"]
    (first,) = found.multipliers
    return [estimate(x.cosine), estimate(x.sine), estimate(square.mean), (first.real, first.absolute_error)]


def of_periodic() -> list[tuple[str, float]]:
    """x = a (sin wt - w cos wt)/(1 + w^2), the slowest multiplier exp(-T)."""
    size = PUSH / (1.0 + FREQUENCY**2)
    return [
        ("cosine", -FREQUENCY * size),
        ("sine", size),
        ("mean square", 0.5 + 0.5 * PUSH * size),
        ("multiplier", exp(-2.0 * pi / FREQUENCY)),
    ]


def entries() -> Sequence[Entry]:
    """All of them, those on a line first."""
    found = []
    for d in (1, 2):
        quick = d == 1
        found += [
            Entry("Ornstein-Uhlenbeck", d, partial(ornstein_uhlenbeck, d), partial(of_ornstein_uhlenbeck, d), quick),
            Entry("ring", d, partial(ring, d), partial(of_ring, d), quick),
            *(Entry(f"barrier {b:g}", d, partial(between_wells, d, b), of_wells, quick) for b in BARRIERS[d]),
            Entry("ring, falling noise", d, partial(ring, d, FALLING), partial(of_ring, d, True), quick),
            Entry("falling noise", d, partial(falling, d), partial(of_driven, d, False)),
        ]
    return [
        *found,
        Entry("ring", 3, partial(ring, 3), partial(of_ring, 3)),
        Entry("pushed to and fro", 1, partial(driven, 1), partial(of_driven, 1, True)),
        Entry("periodic state", 1, partial(periodic, 1), of_periodic),
        Entry("a batch that grows", 1, batches, of_batches, True),
    ]


ENTRIES = entries()
REMARKS = (
    "Of a linear drift no density is given: in the plane it turns twice as fast as it attracts. Two wells of equal "
    "depth under noise that falls to an eighth, at once or late, are held to finite volumes, extrapolated.",
)
CLAIM = Claim(
    name="closed-forms-in-time",
    group="published",
    title="Every density in time that is known in closed form",
    statement=(
        "Means, products, Fourier modes, probabilities of wells and periodic states agree with closed forms to 1e-8 on "
        "a line, 1e-6 in the plane and 1e-4 in space, and within their error bars."
    ),
    formula="m(t) = e^(-At) m,  C(t) = Σ + e^(-At)(C - Σ)e^(-Aᵀt),  e^(-(Dn² + ivn)t),  ½ + ½ e^(-λ₁t),  …",
    source="Risken 1989, The Fokker-Planck Equation, chapters 5, 6 and 11",
    compute=compute,
)
