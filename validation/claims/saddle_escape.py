"""From an unstable point the time is a logarithm of the noise, with a constant that is known."""

from __future__ import annotations

from functools import partial
from math import log, sqrt
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, PURPLE, figure

GAMMA = 0.5772156649015329
FINE, PLANE, SHEARED = 1e-8, 1e-6, 1e-5
ASKED = "tolerance asked of the solver"
# exponential integrals and quadratures in multiple precision
LINE = {
    1e-1: 1.724137846470926240, 1e-2: 2.932688874047019315, 1e-3: 4.088558309708587235, 1e-4: 5.240301601216329140,
    1e-6: 7.542936201712126135, 1e-8: 9.845521789706921746,
}  # fmt: skip
QUARTIC = {1e-1: 1.683873072482535679, 1e-2: 3.174138061435599593, 1e-3: 4.370840556667017}
SOURCE = {1e-1: 1.093900936463454281, 1e-2: 2.244619335164839460, 1e-3: 3.395911881661862302}
SADDLE = (1e-1, 1e-2, 1e-3)
# a drift whose left and right eigenvector differ, and noise that is not isotropic
TILTED, SKEW = (0.1, 0.05), (0.1, 0.03, 0.01)


def compute(run: Run) -> Finding:
    """A parabola, a quartic maximum, a source in the plane, saddles in the plane."""
    chosen: dict[str, tuple[float, ...]] = {
        "parabola": (1e-2, 1e-4, 1e-6) if run.quick else tuple(LINE),
        "quartic": (1e-3,) if run.quick else (*QUARTIC, 1e-4),
        "source": () if run.quick else tuple(SOURCE),
        "saddle": (1e-2,) if run.quick else SADDLE,
        "tilted": () if run.quick else TILTED,
        "skew": () if run.quick else SKEW,
    }
    found = {
        (name, noise): run.step(f"{name}, noise {noise:g}", partial(escape_time, name, noise))
        for name, noises in chosen.items()
        for noise in noises
    }
    checks = [*_exact(found), *_limits(found), *_package()]
    rows = tuple(
        (f"{name}, {noise:g}", time, by_hand(name, noise), float(time) - by_hand(name, noise))
        for (name, noise), time in found.items()
    )
    table = Table("Mean times from the unstable point", ("problem, noise", "T", "formula", "difference"), rows)
    drawing = figure(
        "Time from an unstable point against the noise: straight lines of slope one half per e-fold",
        "Against the logarithm of the noise four straight lines that rise to the left with the same slope; computed "
        "points on them, off only at the largest noise.",
        partial(_draw, found),
    )
    remarks = (
        "Over seven decades of noise the time grows by a factor of six, where that from a minimum grows by hundreds of "
        "orders of magnitude. The rest of the formula is of the order of the noise: at noise 1/100 half a hundredth.",
        "In the plane the noise that counts is that of the coordinate u·x, u the left eigenvector of the unstable "
        "eigenvalue: one and a quarter times ε for the tilted saddle, twice for the skew noise.",
    )
    return Finding(tuple(checks), (table,), (drawing,), remarks)


def escape_time(name: str, noise: float) -> Quantity:
    """The mean time from the origin until the surface b = 1 (quartic: 0.8) away, in units of the unstable rate, 1."""
    import fokker_planck as fp

    isotropic, square = fp.Isotropic(noise), fp.Box((-1.0, -1.0), (1.0, 1.0))
    cases: dict[str, tuple[Any, Any, Any, float]] = {
        "parabola": (fp.Overdamped(fp.Potential("-x**2/2"), isotropic), fp.Box((-1.0,), (1.0,)), "boundary", FINE),
        "quartic": (
            fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), isotropic), fp.Box((-0.8,), (0.8,)), "boundary", FINE
        ),
        "source": (
            fp.Overdamped(fp.Potential("-x**2/2 - y**2/2"), isotropic), fp.Ball((0.0, 0.0), 1.0), "boundary", PLANE
        ),
        "saddle": (fp.Overdamped(fp.Potential("-x**2/2 + y**2/2"), isotropic), square, fp.Region("x**2 - 1"), PLANE),
        "tilted": (
            fp.Drifting(fp.Drift(["x + y", "-y"]), isotropic),
            fp.Box((-2.0, -2.0), (2.0, 2.0)),
            fp.Region("(x + y/2)**2 - 1"),
            SHEARED,
        ),
        "skew": (
            fp.Overdamped(
                fp.Potential("-x**2/2 + y**2/2"), fp.Constant(((2.0 * noise, 0.5 * noise), (0.5 * noise, noise)))
            ),
            fp.Box((-1.0, -2.0), (1.0, 2.0)),
            fp.Region("x**2 - 1"),
            SHEARED,
        ),
    }  # fmt: skip
    process, domain, target, tolerance = cases[name]
    posed = fp.Problem(process, domain, resolution=fp.Resolution(tolerance=tolerance))
    return fp.mean_exit_time(posed, (0.0,) * domain.dimension, target).mean


def felt(name: str, noise: float) -> float:
    """u . D u, u the left eigenvector with u . r = 1: (1, 1/2) where dX = (X + Y) dt + ..., otherwise (1, 0)."""
    return {"tilted": 1.25, "skew": 2.0}.get(name, 1.0) * noise


def by_hand(name: str, noise: float) -> float:
    """(ln(2 lambda b**2/(u . D u)) + gamma)/2, lambda = 1; the quartic has K = ln(b/sqrt(1 - b**2)) in place of ln b.

    The source in the plane: (ln(1/(2 noise)) + gamma)/2.
    """
    if name == "source":
        return 0.5 * (log(0.5 / noise) + GAMMA)
    constant = log(0.8 / sqrt(1.0 - 0.64)) if name == "quartic" else 0.0
    return 0.5 * (log(2.0 / felt(name, noise)) + GAMMA) + constant


def linear(noise: float) -> float:
    """X 2F2(1, 1; 3/2, 2; -X), X = 1/(2 noise): the exact time on a line, also of u . x in a strip."""
    import mpmath

    X = 1 / (2 * mpmath.mpf(noise))
    with mpmath.workdps(30):
        return float(X * mpmath.hyp2f2(1, 1, mpmath.mpf(3) / 2, 2, -X))


def _exact(found: dict[Any, Any]) -> list[Check]:
    tables = {"parabola": (LINE, FINE), "quartic": (QUARTIC, FINE), "source": (SOURCE, PLANE), "saddle": (LINE, PLANE)}
    checks = []
    for (name, noise), time in found.items():
        where = f"{name}, noise {noise:g}"
        if name in tables and noise in tables[name][0]:
            known, tolerance = tables[name]
            checks.append(equal(where, time, known[noise], tolerance, ASKED))
        if name in ("tilted", "skew"):
            because = ASKED + "; the walls in y are more than forty units of epsilon up"
            checks.append(equal(where, time, linear(felt(name, noise)), SHEARED, because))
    return checks


def _limits(found: dict[Any, Any]) -> list[Check]:
    """The constant with its first order, and the slope."""
    checks = []
    for (name, noise), time in found.items():
        if noise <= 1e-3 and name in ("parabola", "saddle"):
            rest = float(time) - by_hand(name, noise) + noise / 2.0
            because = "the next term is -noise/2, the one after that -3 noise²/4; and the tolerance"
            checks.append(near(f"{name}, noise {noise:g}: over the formula", rest, 0.0, noise**2 + 5e-6, because))
        elif noise <= 1e-3:
            difference = float(time) - by_hand(name, noise)
            because = "a rest of first order: ten times the noise"
            checks.append(near(f"{name}, noise {noise:g}: over the formula", difference, 0.0, 10.0 * noise, because))
    small = [noise for name, noise in found if name == "parabola"][-2:]
    times = [float(found["parabola", noise]) for noise in small]
    slope = (times[1] - times[0]) / log(small[0] / small[1])
    because = "half the larger noise over the logarithm of their quotient"
    return [*checks, near("dT/d ln(1/noise)", slope, 0.5, 1e-4, because)]


def _package() -> list[Check]:
    """The package's own formulas for unstable points."""
    from fokker_planck.asymptotics import escape, saddle_escape

    because = "exact numbers above: rounding"
    checks = [
        equal(f"formula of the package, noise {noise:g}", escape.linear_time(1.0, 1.0, noise), exact, 1e-13, because)
        for noise, exact in LINE.items()
    ]
    source = escape.source_time(1.0, 1.0, 1e-3, 2)
    checks.append(equal("formula of the package, source", source, SOURCE[1e-3], 1e-13, because))
    tilted = saddle_escape.saddle_time([[1.0, 1.0], [0.0, -1.0]], [[0.1, 0.0], [0.0, 0.1]], 1.0)
    checks.append(equal("formula of the package, tilted saddle", tilted, linear(0.125), 1e-13, because))
    quartic = escape.nonlinear_time(lambda x: x**3 - x, 0.0, -0.8, 0.8, 1e-4)
    because = "the constant by quadrature and by hand"
    return [*checks, equal("formula of the package, quartic", quartic, by_hand("quartic", 1e-4), 1e-9, because)]


def _draw(found: dict[Any, Any], ax: Any) -> None:
    styles = {"parabola": (BLUE, "o"), "quartic": (GREEN, "D"), "source": (ORANGE, "s"), "skew": (PURPLE, "^")}
    for name, (colour, marker) in styles.items():
        points = [(noise, float(time)) for (one, noise), time in found.items() if one == name]
        if points:
            ax.semilogx(*zip(*points, strict=True), marker, color=colour, label=name)
            ends = (0.2, points[-1][0])
            ax.semilogx(ends, [by_hand(name, noise) for noise in ends], "-", color=MUTED, linewidth=1.0)
    ax.set_xlabel("noise")
    ax.set_ylabel("mean time")
    ax.legend()


CLAIM = Claim(
    name="saddle-escape",
    group="eyring-kramers",
    title="From an unstable point",
    statement=(
        "From a maximum or a saddle a small noise leads away in a time that grows like the logarithm of one over the "
        "noise, with the slope 1/(2λ), λ the unstable eigenvalue. The constant is Euler's, plus an integral over the "
        "way down; in several dimensions only the noise of the unstable coordinate counts."
    ),
    formula=(
        "T = (1/2λ) [ln(2λb²/ε) + γ_E] + O(ε) = X ₂F₂(1, 1; 3/2, 2; -X)/λ exactly for linear drift, X = λb²/2ε;  "
        "nonlinear: ln b → lim [∫_δ^b λ dx/|V'| + ln δ];  several dimensions: ε → u·Du"
    ),
    source="Kifer 1981; Day 1995; Hu, Li, Li and Liu 2019 for stochastic gradient descent",
    compute=compute,
)
