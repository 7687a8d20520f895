"""Giant diffusion on a tilted washboard: velocity and diffusion against closed quadratures, and how the peak grows."""

from __future__ import annotations

from functools import partial
from math import expm1, log, pi
from typing import TYPE_CHECKING, Any

from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, ORANGE, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOISES = (0.1, 0.01, 0.001)
TILTS = (0.0, 0.5, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.5, 2.0)
QUICK = (0.5, 1.0, 1.5)
HIGHEST = 40.0  # barrier over noise beyond which diffusion is refused
TOLERANCE = 1e-8


def compute(run: Run) -> Finding:
    """v and D of V = -cos x - F x at tilts around that where its wells vanish, for three noises."""
    tilts = QUICK if run.quick else TILTS
    asked = [(noise, tilt) for noise in NOISES for tilt in tilts if barrier(tilt) < HIGHEST * noise]
    found = {each: run.step(f"noise {each[0]:g}, tilt {each[1]:g}", partial(solved, *each)) for each in asked}
    checks: list[Check] = []
    for (noise, tilt), (velocity, diffusion) in found.items():
        exact = quadrature(noise, tilt)
        where = f"noise {noise:g}, tilt {tilt:g}"
        checks.append(equal(f"D, {where}", diffusion, exact[1], 1e-8, ASKED))
        if tilt > 0.0:
            checks.append(equal(f"v, {where}", velocity, exact[0], 1e-8, ASKED))
    at_one = [found[noise, 1.0][1] for noise in NOISES]
    for (coarse, fine), (larger, smaller) in zip(
        zip(NOISES, NOISES[1:], strict=False), zip(at_one, at_one[1:], strict=False), strict=True
    ):
        power = log((smaller / fine) / (larger / coarse)) / log(coarse / fine)
        checks.append(near(f"power of 1/noise in D/noise, {coarse:g} to {fine:g}", power, 2.0 / 3.0, 0.05, SCALING))
    rows = tuple((f"{noise:g}", f"{tilt:g}", v, d, f"{d / noise:.4f}") for (noise, tilt), (v, d) in found.items())
    table = Table("V = -cos x - F x: velocity and diffusion", ("noise", "tilt F", "v", "D", "D / noise"), rows)
    caption = "Diffusion over that without a potential, by tilt: a peak where the wells vanish"
    drawn = figure(caption, "Three peaks near tilt one, the higher the less noise there is.", partial(picture, found))
    return Finding(tuple(checks), (table,), (drawn,), REMARKS)


def barrier(tilt: float) -> float:
    """Of V = -cos x - F x, forwards; zero beyond F = 1."""
    from math import asin, sqrt

    return max(0.0, 2.0 * sqrt(1.0 - tilt**2) - 2.0 * tilt * (pi / 2.0 - asin(tilt))) if tilt < 1.0 else 0.0


def solved(noise: float, tilt: float) -> tuple[float, float]:
    """By the cell problem."""
    import fokker_planck as fp

    extra = fp.Drift([f"{tilt}"]) if tilt else None
    process = fp.Overdamped(fp.Potential("-cos(x)"), fp.Isotropic(noise), extra=extra)
    ring = fp.Problem(process, fp.Box([0.0], [2.0 * pi], "periodic"), fp.Resolution(tolerance=TOLERANCE))
    found = fp.effective_transport(ring)
    return found.drift[0].value, found.diffusion[0][0].value


def quadrature(noise: float, tilt: float) -> tuple[float, float]:
    """By I_+ and I_- of Reimann et al., in exponents relative to their largest."""
    import numpy as np

    count, panels = 1000, 60
    x = np.arange(count)[:, None] * 2.0 * pi / count
    nodes, weights = np.polynomial.legendre.leggauss(20)
    # down a steep slope all is within noise / tilt of the point
    edges = 2.0 * pi * np.linspace(0.0, 1.0, panels + 1) ** 2
    half = 0.5 * np.diff(edges)[:, None]
    y = (edges[:-1, None] + half * (nodes + 1.0)).reshape(1, -1)
    weights = (half * weights).ravel()

    def tilted(z: Any) -> Any:
        return -np.cos(z) - tilt * z

    up, down = (tilted(x) - tilted(x - y)) / noise, (tilted(x + y) - tilted(x)) / noise
    top, other = float(up.max()), float(down.max())
    plus, minus = np.exp(up - top) @ weights / noise, np.exp(down - other) @ weights / noise
    whole = float(plus.mean()) * 2.0 * pi
    velocity = -2.0 * pi * expm1(-2.0 * pi * tilt / noise) / whole * np.exp(-top)
    diffusion = noise * 4.0 * pi**2 * float((plus**2 * minus).mean()) * 2.0 * pi / whole**3 * np.exp(other - top)
    return float(velocity), float(diffusion)


def picture(found: dict[tuple[float, float], tuple[float, float]], ax: Axes) -> None:
    """D over the noise against the tilt."""
    for noise, colour, marker in zip(NOISES, (BLUE, ORANGE, GREEN), "os^", strict=True):
        tilts = [tilt for one, tilt in found if one == noise]
        values = [found[noise, tilt][1] / noise for tilt in tilts]
        ax.semilogy(tilts, values, f"{marker}-", color=colour, label=f"noise {noise:g}")
    ax.set_xlabel("tilt F")
    ax.set_ylabel("D / noise")
    ax.set_ylim(bottom=1e-3)
    ax.legend()


ASKED = "tolerance asked of the solver, 1e-8"
SCALING = "at the critical tilt times scale like noise^(-1/3), Reimann et al. 2001; corrections fall with the noise"
REMARKS = (
    "The quadratures are sums of what is positive, and know nothing of the cell problem. Tilts at which a barrier of "
    "more than 40 units of epsilon is left are not asked.",
)

CLAIM = Claim(
    name="giant-diffusion",
    group="published",
    title="Giant diffusion on a tilted washboard",
    statement=(
        "On a tilted washboard the diffusion over many periods is largest where the wells vanish, and there exceeds "
        "that without a potential by a factor that grows like noise^(-2/3)."
    ),
    formula="v = L(1 - e^(-LF/D₀))/∫I₊,  D = D₀ L² ∫I₊²I₋ / (∫I₊)³;  D/D₀ ~ D₀^(-2/3) at F = 1",
    source="Reimann, Van den Broeck, Linke, Hänggi, Rubi and Pérez-Madrid 2001, Phys. Rev. Lett. 87, 010602",
    compute=compute,
)
