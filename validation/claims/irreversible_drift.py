"""Drifts that are no gradients: quasipotential, prefactor and the integral of div l along the way out."""

from __future__ import annotations

from functools import partial
from math import log, pi, prod, sqrt
from typing import Any

from fokker_planck.quantity import Quantity
from validation.claim import Check, Claim, Figure, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, RED, figure
from validation.wells import QUARTIC, at_zero

ASKED = "tolerance asked of the solver"
# name: 1/noise, where the absorbing line x = const stands, tolerance
RUNS = {
    "crossed, c = 1": ((20, 40, 80), 1.0, 1e-5),
    "crossed, c = 1, absorbed at 0": ((10, 20), 0.0, 1e-6),
    "crossed, c = 0": ((20,), 1.0, 1e-6),
    "rotated": ((20, 50, 100), 1.0, 1e-5),
    "Maier-Stein, α = 1": ((10, 20, 50), 0.0, 1e-6),
    "Maier-Stein, α = 3": ((50, 100, 200), 0.0, 1e-5),
}
QUICK = {"crossed, c = 1, absorbed at 0": ((10,), 0.0, 1e-6)}
# spectral elements on [-2, 0] x [-2, 2], two meshes agree in all digits
KNOWN = {
    ("crossed, c = 1, absorbed at 0", 10): 56.951489293,
    ("crossed, c = 1, absorbed at 0", 20): 758.0455508,
    ("Maier-Stein, α = 1", 10): 24.0548887347,
    ("Maier-Stein, α = 1", 20): 270.61034403,
}
INTEGRAL = 0.37022529  # exp(int div l) for Maier and Stein's drift with alpha = 3


def compute(run: Run) -> Finding:
    """Exit times of four drifts over their formulas."""
    found = {
        (name, n): run.step(f"{name}, noise 1/{n}, {fine:g}", partial(exit_time, name, 1.0 / n, edge, fine))
        for name, (noises, edge, fine) in (QUICK if run.quick else RUNS).items()
        for n in noises
    }
    pairs = [(name, n, one[0], one[1], by_hand(name, 1.0 / n)) for (name, n), one in found.items()]
    checks = [
        equal(f"printed, {name}, noise 1/{n}", printed, hand, 1e-4, "path and Riccati's equation: the package's 1e-5")
        for name, n, _, printed, hand in pairs
        if printed is not None
    ]
    known = {one: exact for one, exact in KNOWN.items() if one in found}
    checks += [equal(f"{one[0]}, noise 1/{one[1]}", found[one][0], exact, 1e-6, ASKED) for one, exact in known.items()]
    if not run.quick:
        checks += [_rotation(found), *_crossed(found), *_maier_stein(found)]
    rows = tuple((f"{name}, 1/{n}", time, hand, time.ratio(hand)) for name, n, time, _, hand in pairs)
    table = Table("Mean exit times from (-1, 0)", ("drift, noise", "T", "formula", "ratio"), rows)
    drawings = () if run.quick else (picture(pairs),)
    remarks = (
        "With c = 1 the crossed drift has the same quasipotential as without, and the time is e times as long: no "
        "barrier, no curvature tells that, only the divergence along the way out.",
        "A rotation that keeps the density makes the exit faster by √2: the eigenvalue of the saddle grows from 1 to "
        "√2. Its first order, 9/8 against 3/2 without rotation, comes out of Gaussian integrals with the two "
        "eigenvectors of the saddle, one for each direction of time.",
        "For α = 3 the formula sets in late: 24 percent are missing at a barrier of 12 units of epsilon, 7 at 50. On "
        "the saddle both rates of Maier and Stein's drift are one; the quasipotential has a term x²y² ln|x| there and "
        "the rest is of the order ε ln ε.",
        "The crossed drift does not keep the line x = 0, which is the separatrix only to first order: absorbed there, "
        "the ratio comes from below like the root of the noise, while the whole crossing has a rest of order ε.",
    )
    return Finding(tuple(checks), (table,), drawings, remarks)


def picture(pairs: list[Any]) -> Figure:
    """The ratios of four drifts."""
    return figure(
        "Exit time over formula, against the noise",
        "The ratios of the rotated and of the crossed drift fall to one linearly; those of Maier and Stein's, absorbed "
        "on the line x = 0, from farther above.",
        partial(_draw, pairs),
    )


def drift(name: str) -> tuple[str, str]:
    """The components of b; that of the rotated one is given as V and a circulation, see :func:`exit_time`."""
    if name.startswith("crossed"):
        c = 1 if "c = 1" in name else 0
        return f"-(x**3 - x) - {c}*y**2", f"-y + {c}*y*(x**3 - x)"
    alpha = name[-1]
    return f"x - x**3 - {alpha}*x*y**2", "-(1 + x**2)*y"


def exit_time(name: str, noise: float, edge: float, tolerance: float) -> list[Quantity | None]:
    """The time from (-1, 0) to x = edge, and what is printed beside it."""
    import fokker_planck as fp

    process: Any
    if name == "rotated":
        V, circulation = fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Drift(["-y", "x**3 - x"])
        process = fp.Overdamped(V, fp.Isotropic(noise), extra=circulation)
    else:
        process = fp.Drifting(fp.Drift(list(drift(name))), fp.Isotropic(noise))
    right = 0.0 if edge == 0.0 else 2.0
    posed = fp.Problem(process, fp.Box((-2.0, -2.0), (right, 2.0)), resolution=fp.Resolution(tolerance=tolerance))
    found = fp.mean_exit_time(posed, (-1.0, 0.0), fp.HalfSpace((1.0, 0.0), edge))
    return [found.mean, found.asymptotic]


def by_hand(name: str, noise: float) -> Quantity:
    """(2 pi/lambda_+) sqrt(|det Hess W(z)|/det Hess W(x)) exp(int div l) exp(1/(4 noise)), half of it absorbed at 0.

    crossed: W = (x**2 - 1)**2/4 + y**2/2, lambda_+ = 1, int div l = c;  rotated: the same W, lambda_+ = sqrt(2), 0;
    Maier-Stein: W = 1/4 and Hess W = diag(2, 2) in the well, diag(-1, 1) on the saddle, lambda_+ = 1.
    """
    factor = {"crossed, c = 1": sqrt(0.5) * 2.718281828459045, "crossed, c = 0": sqrt(0.5), "rotated": 0.5}.get(name)
    if factor is None and name.startswith("crossed"):
        factor = sqrt(0.5) * 2.718281828459045 / 2.0
    if factor is None:
        factor = sqrt(0.25) / 2.0 * (INTEGRAL if name.endswith("3") else 1.0)
    return Quantity.of_log(log(2.0 * pi * factor) + 0.25 / noise, 0.0)


def divergence_along_the_axis(alpha: float) -> float:
    """int div l dt of Maier and Stein's drift from (-1, 0) to (0, 0).

    On the axis W' = x**3 - x, and k = W_yy solves (x**3 - x) k'/2 + k**2 - (1 + x**2) k - alpha x (x**3 - x) = 0 with
    k(-1) = 2; the way out is x' = x**3 - x, and div l = k - 1 - x**2.
    """
    from scipy.integrate import solve_ivp

    def slopes(x: float, state: Any) -> list[float]:
        k, rise = state[0], x**3 - x
        return [2.0 * ((1.0 + x**2) * k - k**2 + alpha * x * rise) / rise, (k - 1.0 - x**2) / rise]

    found = solve_ivp(slopes, (-1.0 + 1e-7, -1e-7), [2.0, 0.0], "DOP853", rtol=1e-11, atol=1e-12)
    return float(found.y[1, -1])


def rotation_first_order() -> float:
    """c = 3/4 + 3/8 of the rotated drift.

    The bottom gives 3/4 as without rotation. On the saddle the capacity is stationary in both equilibrium potentials,
    that of the process and that of the process backwards, so that to first order x**4/4 is averaged over a Gaussian
    with the matrix H + mu (v v' + w w'), v and w the unit left eigenvectors of both, mu = sqrt(2) the eigenvalue:
    diag(-1, 1) + sqrt(2) diag(1 + 1/sqrt(2), 1 - 1/sqrt(2)) = sqrt(2), and <x**4>/4 = 3/8.
    """
    top = -1.0 + sqrt(2.0) * (1.0 + 1.0 / sqrt(2.0))
    third, fourth, second = (QUARTIC.derivative(k, -1.0) for k in (3, 4, 2))
    return 5.0 * third**2 / (24.0 * second**3) - fourth / (8.0 * second**2) + 0.75 / top**2


def _ratios(found: dict[Any, Any], name: str) -> tuple[list[float], list[float]]:
    pairs = [(1.0 / n, times[0].ratio(by_hand(name, 1.0 / n))) for (one, n), times in found.items() if one == name]
    return [noise for noise, _ in pairs], [ratio for _, ratio in pairs]


def _first_order(found: dict[Any, Any], name: str, many: int) -> tuple[float, float]:
    """The limit of (ratio - 1)/noise through the last noises, and their product."""
    noises, ratios = _ratios(found, name)
    slopes = [(ratio - 1.0) / noise for noise, ratio in zip(noises, ratios, strict=True)]
    return at_zero(noises[-many:], slopes[-many:]), prod(noises[-many:])


def _rotation(found: dict[Any, Any]) -> Check:
    c, product = _first_order(found, "rotated", 3)
    because = "parabola through three noises: 3000 times their product"
    return near("c of the rotated drift", c, rotation_first_order(), 3e3 * product, because)


def _crossed(found: dict[Any, Any]) -> list[Check]:
    name, because = "crossed, c = 1", "parabola through three noises: 200 times their product"
    limit = at_zero(*_ratios(found, name))
    return [
        near(f"limit of the ratio, {name}", limit, 1.0, 200.0 / (20 * 40 * 80), because),
        equal("crossed, c = 0: the line", found["crossed, c = 0", 20][0], QUARTIC.exact[20].there, 1e-6, ASKED),
    ]


def _maier_stein(found: dict[Any, Any]) -> list[Check]:
    import numpy as np

    integral = Quantity.of_log(divergence_along_the_axis(3.0), 0.0)
    checks = [equal("exp(∫div l), α = 3, by Riccati's equation", integral, INTEGRAL, 1e-6, "ends of the path, 1e-7")]
    checks.append(near("∫div l, α = 1", divergence_along_the_axis(1.0), 0.0, 1e-6, "a gradient: l = 0"))
    # gradient: 3/4 + <x**2 y**2>/2 on the saddle, Laplace's method with (1 + x**2)**(-1/2) at the bottom
    c, product = _first_order(found, "Maier-Stein, α = 1", 2)
    because = "line through two noises: a hundred times their product"
    checks.append(near("c of Maier-Stein, α = 1", c, 1.25 + 1.1875, 100.0 * product, because))
    noises, ratios = _ratios(found, "Maier-Stein, α = 3")
    limit = np.linalg.solve([[1.0, noise, noise * log(noise)] for noise in noises], ratios)[0]
    because = "L + ε (a + b ln ε) through three noises; W has a term x²y² ln|x| on the saddle"
    checks.append(near("limit of the ratio, Maier-Stein, α = 3", float(limit), 1.0, 0.01, because))
    return checks


def _draw(pairs: list[Any], ax: Any) -> None:
    styles = {"crossed, c = 1": (BLUE, "o"), "rotated": (GREEN, "D"), "Maier-Stein, α = 1": (ORANGE, "s"),
              "Maier-Stein, α = 3": (RED, "^")}  # fmt: skip
    for name, (colour, marker) in styles.items():
        chosen = [(1.0 / n, time.ratio(hand)) for one, n, time, _, hand in pairs if one == name]
        ax.plot(*zip(*chosen, strict=True), marker + "-", color=colour, linewidth=1.0, label=name)
    ax.axhline(1.0, color=MUTED, linewidth=1.0)
    ax.set_xlim(0.0, 0.105)
    ax.set_xlabel("noise")
    ax.set_ylabel("time / formula")
    ax.legend(loc="lower right")


CLAIM = Claim(
    name="irreversible-drift",
    group="eyring-kramers",
    title="Exit without detailed balance",
    statement=(
        "For a drift that is no gradient the exponent is the quasipotential W, and the prefactor has the growth rate "
        "of the drift at the saddle, the Hessians of W, and the exponential of the divergence of l = b + ∇W along the "
        "way out. A drift with the same W can leave e times as slowly, one with the same density √2 times as fast."
    ),
    formula=(
        "τ = (2π/λ₊) √(|det ∇²W(z)|/det ∇²W(x)) exp(∫div ℓ(ρₜ)dt) e^{(W(z) - W(x))/ε},  ρ' = ∇W + ℓ,  |∇W|² + b·∇W = 0"
    ),
    source="Bouchet and Reygner 2016; Maier and Stein 1993; the first order by the bilinear form of both processes",
    compute=compute,
)
