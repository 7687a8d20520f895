"""Absorbing surfaces on a saddle, at a distance from it, and on a slope."""

from __future__ import annotations

from functools import partial
from math import erfc, exp, log, pi, sqrt
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, figure
from validation.wells import QUARTIC, at_zero, beyond, crossing_time, point, problem

# distance of the absorbing point behind the saddle, in widths sqrt(noise/|V''|)
DISTANCES, QUICK_DISTANCES = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0), (-1.0, 0.0, 1.0)
INVERSE_NOISES, QUICK = (80, 400, 2000), (400,)
INTERVAL, DISC, WALL = (0.5, 0.1, 0.02, 0.01, 0.001), (0.5, 0.1, 0.05, 0.02, 0.01), (0.05, 0.02, 0.01, 0.005)
# smallest eigenvalues with an absorbing boundary, from zeros of Kummer's function
EIGENVALUES = {("interval", 0.1): 0.01530383369544502333, ("disc", 0.1): 0.05494607999247740736}
FINE, PLANE = 1e-8, 1e-6
ASKED = "tolerance asked of the solver"


def compute(run: Run) -> Finding:
    """The quartic well absorbed near its saddle; Ornstein-Uhlenbeck in an interval and a disc; a wall in the plane."""
    near_saddle = {
        (s, n): run.step(f"saddle, {s} widths, noise 1/{n}, {FINE:g}", partial(absorbed_near_saddle, s, 1.0 / n))
        for n in (QUICK if run.quick else INVERSE_NOISES)
        for s in (QUICK_DISTANCES if run.quick else DISTANCES)
    }
    interval = {
        noise: run.step(f"interval, noise {noise}, {FINE:g}", partial(out_of_ball, 1, noise, FINE))
        for noise in (INTERVAL[1::3] if run.quick else INTERVAL)
    }
    disc = {
        noise: run.step(f"disc, noise {noise}, {PLANE:g}", partial(out_of_ball, 2, noise, PLANE))
        for noise in (DISC[1:2] if run.quick else DISC)
    }
    wall = {
        noise: run.step(f"wall, noise {noise}, {PLANE:g}", partial(through_wall, noise))
        for noise in (() if run.quick else WALL)
    }
    checks = [*_near_saddle(near_saddle), *_balls(interval, "interval", FINE), *_balls(disc, "disc", PLANE)]
    checks += _wall(wall)
    pairs = [(f"{s} widths, 1/{n}", one[0], half(s, 1.0 / n)) for (s, n), one in near_saddle.items()]
    families = (("interval", interval, two_ends), ("disc", disc, circle), ("wall", wall, wall_by_hand))
    for name, found, formula in families:
        pairs += [(f"{name}, {noise}", one[0], formula(noise)) for noise, one in found.items()]
    rows = [(where, time, formula, time.ratio(formula)) for where, time, formula in pairs]
    table = Table("Mean times to the absorbing surface", ("where, noise", "T", "formula", "ratio"), tuple(rows))
    drawing = figure(
        "Share of the whole crossing time, against the distance of the absorbing point behind the saddle",
        "A curve from zero far before the saddle through one half on it to one far behind; computed points on it.",
        partial(_draw, near_saddle),
    )
    remarks = (
        "Who stops the clock on top of the barrier measures half of the time to cross it, at any noise. A width is "
        "√(ε/|V''|): the half becomes the whole within two of them.",
        "Before the saddle the first-order rest grows like the fourth power of the distance in widths: at three widths "
        "it is 31 times the noise. There the formula for a slope takes over, which is what is printed.",
        "On a slope there is no saddle and the prefactor has the root of the noise in it, or the noise itself where "
        "the whole circle is equally low. The interval has 1 + ε, the disc 1 + 2ε.",
    )
    return Finding(tuple(checks), (table,), (drawing,), remarks)


def absorbed_near_saddle(widths: float, noise: float) -> list[Quantity | None]:
    """The time from -1 to so many widths behind 0, where V'' = -1, and what is printed beside it."""
    import fokker_planck as fp

    target = beyond(widths * sqrt(noise))
    found = fp.mean_exit_time(problem(QUARTIC, noise, tolerance=FINE), point(-1.0), target)
    return [found.mean, found.asymptotic]


def out_of_ball(dimension: int, noise: float, tolerance: float) -> list[Any]:
    """dX = -X dt + sqrt(2 noise) dW out of the unit ball: the time from 0, what is printed, the smallest eigenvalue."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(" + ".join(f"{x}**2/2" for x in "xy"[:dimension])), fp.Isotropic(noise))
    origin = (0.0,) * dimension
    posed = fp.Problem(process, fp.Ball(origin, 1.0), resolution=fp.Resolution(tolerance=tolerance))
    found = fp.mean_exit_time(posed, origin, "boundary")
    eigenvalue = fp.spectrum(posed, 1, "boundary").gap if noise == 0.1 else None
    return [found.mean, found.asymptotic, eigenvalue]


def through_wall(noise: float) -> list[Quantity | None]:
    """V = x**2/2 + (1 + x + x**2) y**2/2, from 0 to the line x = 1, and what is printed."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("x**2/2 + (1 + x + x**2)*y**2/2"), fp.Isotropic(noise))
    posed = fp.Problem(process, fp.Box((-1.5, -2.0), (1.0, 2.0)), resolution=fp.Resolution(tolerance=PLANE))
    found = fp.mean_exit_time(posed, (0.0, 0.0), fp.HalfSpace((1.0, 0.0), 1.0))
    return [found.mean, found.asymptotic]


def half(widths: float, noise: float) -> Quantity:
    """The Eyring-Kramers time times erfc(-l sqrt(|V''|/(2 noise)))/2."""
    return crossing_time(QUARTIC, noise).scaled(erfc(-widths / sqrt(2.0)) / 2.0)


def first_order(widths: float) -> float:
    """c(s) = 3/4 + <y**4>/4, the mean over y < s of a normal variable; 3/2 far behind the saddle, and on it."""
    density, share = exp(-(widths**2) / 2.0) / sqrt(2.0 * pi), erfc(-widths / sqrt(2.0)) / 2.0
    return 0.75 + (3.0 - (widths**3 + 3.0 * widths) * density / share) / 4.0


def two_ends(noise: float) -> Quantity:
    """sqrt(2 pi noise)/2 exp(1/(2 noise)): d_n V = 1 at both ends."""
    return Quantity.of_log(log(sqrt(2.0 * pi * noise) / 2.0) + 0.5 / noise, 0.0)


def circle(noise: float) -> Quantity:
    """Noise exp(1/(2 noise)): the flux through the circle 2 pi exp(-1/(2 noise)), the weight 2 pi noise."""
    return Quantity.of_log(log(noise) + 0.5 / noise, 0.0)


def wall_by_hand(noise: float) -> Quantity:
    """sqrt(2 pi noise)/d_n V sqrt(V_yy(1, 0)/det Hess V(0)) exp(1/(2 noise)), V_yy = 3 on the wall, 1 in the well."""
    return Quantity.of_log(log(sqrt(2.0 * pi * noise) * sqrt(3.0)) + 0.5 / noise, 0.0)


def exact(name: str, noise: float) -> Quantity:
    """X 2F2(1, 1; 3/2, 2; X)/k of the interval, (Ei(X) - ln X - gamma)/(2 k) of the disc, X = 1/(2 noise), k = 1."""
    import mpmath

    X = mpmath.mpf(1) / (2 * mpmath.mpf(str(noise)))
    with mpmath.workdps(30):
        if name == "interval":
            return Quantity.of_log(float(mpmath.log(X * mpmath.hyp2f2(1, 1, 1.5, 2, X))), 0.0)
        return Quantity.of_log(float(mpmath.log((mpmath.ei(X) - mpmath.ln(X) - mpmath.euler) / 2)), 0.0)


def _near_saddle(found: dict[Any, Any]) -> list[Check]:
    checks = []
    for (s, n), (time, printed) in found.items():
        c, formula = first_order(s), half(s, 1.0 / n)
        because = "1 + c(s) noise, c by hand; the next order is about (1 + c²) noise²: four times that"
        expected = formula.scaled(1.0 + c / n)
        checks.append(equal(f"{s} widths, noise 1/{n}", time, expected, 4.0 * (1.0 + c**2) / n**2, because))
        if s >= -0.5:
            what = f"printed, {s} widths, noise 1/{n}"
            checks.append(equal(what, printed, formula, 1e-9, "the same formula by hand"))
    return checks


def _balls(found: dict[float, Any], name: str, tolerance: float) -> list[Check]:
    formula, c = (two_ends, 1.0) if name == "interval" else (circle, 2.0)
    checks = []
    for noise, (time, printed, eigenvalue) in found.items():
        checks.append(equal(f"{name}, noise {noise}", time, exact(name, noise), tolerance, ASKED))
        if noise <= 0.1:
            because = "integral along the normal instead of its first term: of first order in the noise"
            checks.append(equal(f"printed, {name}, noise {noise}", printed, formula(noise), 3.0 * noise, because))
        if eigenvalue is not None:
            known = EIGENVALUES[name, noise]
            checks.append(equal(f"eigenvalue, {name}, noise {noise}", eigenvalue, known, tolerance, ASKED))
        if noise <= 0.02:
            slope = ((time.ratio(formula(noise)) or 0.0) - 1.0) / noise
            because = "c + O(noise): five times c noise"
            checks.append(near(f"c, {name}, noise {noise}", slope, c, 5.0 * c * noise, because))
    return checks


def _wall(found: dict[float, Any]) -> list[Check]:
    checks = []
    for noise, (_, printed) in found.items():
        because = "integral along the normal instead of its first term: of first order in the noise"
        checks.append(equal(f"printed, wall, noise {noise}", printed, wall_by_hand(noise), 2.0 * noise, because))
    if found:
        ratios = [time.ratio(wall_by_hand(noise)) or 0.0 for noise, (time, _) in found.items()]
        because = "parabola through the last three noises; their product is 1e-6"
        checks.append(near("limit of the ratio, wall", at_zero(list(found)[-3:], ratios[-3:]), 1.0, 3e-5, because))
    return checks


def _draw(found: dict[Any, Any], ax: Any) -> None:
    fine = [-4.0 + k / 10 for k in range(81)]
    ax.plot(fine, [erfc(-s / sqrt(2.0)) / 2.0 for s in fine], "-", color=MUTED, label="½ erfc(-s/√2)")
    for n, colour, marker in zip(INVERSE_NOISES, (ORANGE, BLUE, GREEN), "sox", strict=True):
        points = [(s, time.ratio(crossing_time(QUARTIC, 1.0 / n))) for (s, one), (time, _) in found.items() if one == n]
        if points:
            ax.plot(*zip(*points, strict=True), marker, color=colour, label=f"noise 1/{n}")
    ax.set_xlabel("distance s behind the saddle in widths")
    ax.set_ylabel("T / T of the whole crossing")
    ax.legend()


CLAIM = Claim(
    name="saddle-on-the-boundary",
    group="eyring-kramers",
    title="Absorbed on the saddle, near it, and on a slope",
    statement=(
        "Where the surface that absorbs passes through the saddle, the time is half of that of the whole crossing; at "
        "a signed distance behind it the factor is a complementary error function. Where it lies on a slope, the exit "
        "is through its lowest point, or through all of it if all is equally low."
    ),
    formula=(
        "T(ℓ) = T_EK · ½ erfc(-ℓ √(|λ₋|/2ε));  on a slope  T = √(2πε)/∂ₙV(z) · √(det ∇²_∂Ω V(z)/det ∇²V(x)) · e^{ΔV/ε},"
        " in an interval half of it for two ends, ε e^{1/2ε} out of the unit disc with V = r²/2"
    ),
    source="Kramers 1940; Matkowsky and Schuss 1977; Lelièvre and Nectoux 2013; first orders by Laplace's method",
    compute=compute,
)
