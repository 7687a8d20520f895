"""A free particle that finds a window in a reflecting wall: an arc of a circle, a cap of a sphere."""

from __future__ import annotations

from functools import partial
from math import cos, log, pi, sin, tan
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check, Claim, Finding, Run, Table, at_most, equal
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, figure

# half-angle of the arc: tolerance
ARCS = {0.01: 1e-4, 0.03: 1e-5, 0.1: 1e-5, 0.3: 1e-5, 1.0: 1e-5, pi / 2: 1e-5, 2.5: 1e-5}
QUICK = {0.1: 1e-4}
LAWS, OF_LAW = (0.1, 0.03), 1e-3
CAPS, COARSE = (0.5, 0.3, 0.2), 1e-2
STARTS = ("from the centre", "on average", "from opposite")
# for the half-angle 1/10
TENTH = (3.2461489749483924, 3.1211489749483924, 3.6886710903933183)


def compute(run: Run) -> Finding:
    """Times to arcs from three starts, and to caps from the centre of the ball."""
    chosen = QUICK if run.quick else ARCS
    arcs = {a: run.step(f"arc {a:.6f}, {fine:g}", partial(to_arc, a, fine)) for a, fine in chosen.items()}
    caps = {a: run.step(f"cap {a}, {COARSE:g}", partial(to_cap, a)) for a in (() if run.quick else CAPS)}
    laws = {a: run.step(f"law, arc {a}", partial(law_of, a)) for a in (LAWS[:1] if run.quick else LAWS)}
    checks = [*_arcs(arcs, chosen), *_laws(laws), *_caps(caps), *_package()]
    rows: list[tuple[Any, ...]] = [
        (f"arc, {a:.4g}, {start}", time, exact, float(time) / exact)
        for a, times in arcs.items()
        for start, time, exact in zip(STARTS, times, exact_times(a), strict=True)
    ]
    for a, time in caps.items():
        rows.append((f"cap, {a:.4g}, from the centre", time, two_terms(a), float(time) / two_terms(a)))
    columns = ("window, half-angle, start", "T", "formula", "ratio")
    table = Table("Mean times, radius and diffusion constant one", columns, tuple(rows))
    drawing = figure(
        "Mean time to an arc of the unit circle, and by how much the start matters",
        "Against the logarithm of the half-angle three parallel curves that rise as the arc shrinks: from opposite, "
        "from the centre, on average; computed points on the exact curves.",
        partial(_draw, arcs),
    )
    remarks = (
        "There is no barrier but the narrowness of the window: in the plane its logarithm, in space its reciprocal. "
        "The start matters by less than half a unit of R²/D, unless it is near the window.",
        "The window is posed as a region that touches the domain in the arc alone, "
        "min(x**2 + y**2 - 1, x - cos a). At its ends the solution has the singularity of a square root, and cells "
        "are cut there twenty times and more.",
    )
    return Finding(tuple(checks), (table,), (drawing,), remarks)


def to_arc(half_angle: float, tolerance: float) -> list[Any]:
    """Times to the arc |angle| <= a of the unit circle: from the centre, on average over the disc, from (-1, 0)."""
    import numpy as np

    import fokker_planck as fp

    free = fp.Overdamped(fp.Potential("0", dimension=2), fp.Isotropic(1.0))
    posed = fp.Problem(free, fp.Ball((0.0, 0.0), 1.0), resolution=fp.Resolution(tolerance=tolerance))
    window = fp.Region(f"min(x**2 + y**2 - 1, x - ({cos(half_angle)!r}))")
    found = fp.mean_exit_time(posed, (0.0, 0.0), window)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    radii, angles = (nodes + 1.0) / 2.0, (np.arange(400) + 0.5) * pi / 200.0
    points = np.array([np.outer(radii, turn(angles)).ravel() for turn in (np.cos, np.sin)])
    around = found.field(points).reshape(60, 400).mean(axis=1)
    opposite = float(found.field(np.array([[-1.0], [0.0]]))[0])
    return [found.mean, float(np.sum(weights * radii * around)), opposite]


def law_of(half_angle: float) -> dict[str, Any]:
    """The law of the time from the centre to the arc: rate, mean, variance, median, and S(t) at 1, 5 and 20 means."""
    import fokker_planck as fp

    free = fp.Overdamped(fp.Potential("0", dimension=2), fp.Isotropic(1.0))
    posed = fp.Problem(free, fp.Ball((0.0, 0.0), 1.0), resolution=fp.Resolution(tolerance=OF_LAW))
    window = fp.Region(f"min(x**2 + y**2 - 1, x - ({cos(half_angle)!r}))")
    mean = exact_times(half_angle)[1]
    law = fp.exit_law(posed, (0.0, 0.0), window, [mean, 5.0 * mean, 20.0 * mean], [0.5])
    survival = [(each.time, each.survival) for each in law.times]
    return {
        "rate": law.rate,
        "mean": law.mean,
        "variance": law.variance,
        "median": law.quantiles[0.5],
        "survival": survival,
    }


def to_cap(half_angle: float) -> Quantity:
    """The time from the centre of the unit ball to the cap of that half-angle."""
    import fokker_planck as fp

    free = fp.Overdamped(fp.Potential("0", dimension=3), fp.Isotropic(1.0))
    posed = fp.Problem(free, fp.Ball((0.0, 0.0, 0.0), 1.0), resolution=fp.Resolution(tolerance=COARSE))
    window = fp.Region(f"min(x**2 + y**2 + z**2 - 1, z - ({cos(half_angle)!r}))")
    return fp.mean_exit_time(posed, (0.0, 0.0, 0.0), window).mean


def exact_times(half_angle: float) -> tuple[float, float, float]:
    """1/4 - ln sin(a/2) from the centre, 1/8 - ln sin(a/2) on average, ln cot(a/4) from opposite."""
    common = -log(sin(half_angle / 2.0))
    return 0.25 + common, 0.125 + common, -log(tan(half_angle / 4.0))


def two_terms(half_angle: float) -> float:
    """|W|/(4 a) (1 + (a/pi) ln(1/a)), |W| = 4 pi/3, a the radius of the window."""
    a = sin(half_angle)
    return pi / (3.0 * a) * (1.0 - a / pi * log(a))


def three_terms(half_angle: float) -> float:
    """|W|/(4 a) (1 + (a/pi) (ln(2/a) - 3/10 - 2 ln 2)) on average, and 1/10 more from the centre."""
    a = sin(half_angle)
    return pi / (3.0 * a) * (1.0 + a / pi * (log(2.0 / a) - 0.3 - 2.0 * log(2.0))) + 0.1


def _arcs(arcs: dict[float, Any], tolerances: dict[float, float]) -> list[Check]:
    checks = []
    for a, times in arcs.items():
        known = TENTH if a == 0.1 else exact_times(a)
        for start, time, exact, factor in zip(STARTS, times, known, (1.0, 3.0, 3.0), strict=True):
            because = "tolerance asked of the solver" + ("" if factor == 1.0 else ", for the start; three times that")
            checks.append(equal(f"arc, half-angle {a:.4g}, {start}", time, exact, factor * tolerances[a], because))
    return checks


def _caps(caps: dict[float, Any]) -> list[Check]:
    checks = []
    for a, time in caps.items():
        because = "the formula has a relative rest of the order of the radius of the window: half of it"
        checks.append(equal(f"cap, half-angle {a}, two terms", time, two_terms(a), a / 2.0, because))
        because = "rest of the order of its square: once, and the tolerance asked"
        checks.append(equal(f"cap, half-angle {a}, three terms", time, three_terms(a), a**2 + COARSE, because))
    return checks


def _laws(laws: dict[float, dict[str, Any]]) -> list[Check]:
    """The time is exponential: from one mean on to the tolerance, and its moments as nearly as 1/log allows."""
    checks = []
    for a, law in laws.items():
        small, rate = 1.0 / log(a / 2.0) ** 2, float(law["rate"])
        because = "the next term of the expansion in 1/ln(2/a) is of the order of its square: once"
        ratios = {
            "rate times mean over the disc": rate * exact_times(a)[1],
            "variance over mean squared": float(law["variance"]) / float(law["mean"]) ** 2,
            "median times rate over ln 2": float(law["median"]) * rate / log(2.0),
        }
        checks += [
            at_most(f"arc {a}, |{name} - 1|", abs(ratio - 1.0), small, because) for name, ratio in ratios.items()
        ]
        (first, left), *later = law["survival"]
        for t, survived in later:
            off = abs(survived.log - left.log + rate * (t - first))
            because = "faster modes have died out after one mean time; the tolerance asked of the solver"
            checks.append(
                at_most(f"arc {a}, log P(tau > t) + rate t, after {t / first:.0f} means", off, OF_LAW, because)
            )
    return checks


def _package() -> list[Check]:
    from fokker_planck.asymptotics import narrow_escape

    because = "the same formula by hand"
    functions = (narrow_escape.from_the_centre, narrow_escape.from_anywhere, narrow_escape.from_the_other_side)
    checks = [
        equal(f"formula of the package, {start}", function(0.1), exact, 1e-13, because)
        for start, function, exact in zip(STARTS, functions, TENTH, strict=True)
    ]
    ball = narrow_escape.in_a_ball(sin(0.2))
    return [*checks, equal("formula of the package, ball", ball, two_terms(0.2), 1e-13, because)]


def _draw(arcs: dict[float, Any], ax: Any) -> None:
    fine = [0.008 * 1.16**k for k in range(40)]
    for k, (colour, marker) in enumerate(((BLUE, "o"), (GREEN, "D"), (ORANGE, "s"))):
        ax.semilogx(fine, [exact_times(a)[k] for a in fine], "-", color=MUTED, linewidth=1.0)
        ax.semilogx(list(arcs), [float(times[k]) for times in arcs.values()], marker, color=colour, label=STARTS[k])
    ax.set_xlabel("half-angle of the arc")
    ax.set_ylabel("mean time")
    ax.legend()


CLAIM = Claim(
    name="narrow-escape",
    group="eyring-kramers",
    title="Narrow escape",
    statement=(
        "A particle that diffuses freely in a disc with a reflecting rim leaves through an absorbing arc after a time "
        "that grows like the logarithm of one over its width; from the centre, on average and from the opposite side "
        "it is known exactly, and the law of the time is exponential from one mean on. In a ball with a small round "
        "window it grows like one over its radius."
    ),
    formula=(
        "disc: T = (R²/D)(¼ - ln sin(a/2)) from the centre, (R²/D)(⅛ - ln sin(a/2)) on average, (R²/D) ln cot(a/4) "
        "from opposite;  ball: T = |Ω|/(4Da) · (1 + (a/πR) ln(R/a) + O(a))"
    ),
    source=(
        "Singer, Schuss and Holcman 2006; Kolokolnikov, Titcombe and Ward 2005 (the rate); Caginalp and Chen 2012; "
        "third term: Cheviakov, Ward and Straube 2010"
    ),
    compute=compute,
)
