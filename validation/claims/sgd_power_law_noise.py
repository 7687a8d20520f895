"""Meng and others: noise that grows with the square of the distance lets go in a power of the barrier's height."""

from __future__ import annotations

from functools import partial
from math import atan, log, pi, sqrt
from typing import Any

from validation.claim import Claim, Finding, Run, Table, at_least, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, RED, figure
from validation.wells import beyond, on_a_line

# D = offset (1 + 4 y²), y the distance from the minimum, curvature 1: m = H/(2 offset 4) = 5/2, the paper's kappa
OFFSET, M = 0.05, 2.5
READINGS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}
#: mean times from the minimum of two parabolas to the top between, by height: quadratic noise (Ito), white noise
PIECES = {
    0.25: (70.91349634021639, 471.88552380487605),
    0.5: (316.31696260661745, 69236.29871211293),
    1.0: (1788.3675293989618, 1524193347.671888),
    2.0: (11823.995475796878, 7.394846250730177e17),
    4.0: (85584.42739166781, 1.7406378579125814e35),
    8.0: (650437.4429263364, 9.644217078673219e69),
}
QUICK = (0.5, 1.0, 8.0)
FAR = (256.0, 1024.0, 4096.0)
#: exact times out of (-b, b)
ROOMS = {1.0: 586.0 / 9.0, 3.0: 22986.0}
TAIL = 20.0

ASKED = "tolerance asked of the solver, 1e-9"
RICHARDSON = "exponents between heights 256, 1024 and 4096, extrapolated: the rest is of order 1/256²"
POINTWISE = "the density is interpolated between nodes to a digit or two less than the tolerance asked"
ROUNDING = "the same formula by hand"
PARABOLAS = "T = π exp(height/D) for two parabolas, up to exp(-height/2D)"
CUT = "half the distance of the second to the first in the spectrum above 9/5 on a line cut at ±1e6"


def compute(run: Run) -> Finding:
    """Times by height and reading, the tail of the density, and the spectrum."""
    heights = (*(QUICK if run.quick else PIECES), 32.0, *FAR)
    found = {
        (reading, height): run.step(f"two parabolas, {reading}, height {height:g}", partial(time, height, reading))
        for height in heights
        for reading in READINGS
    }
    white = {height: run.step(f"white noise, height {height:g}", partial(time, height)) for height in heights[:-4]}
    rooms = {b: run.step(f"out of (-{b:g}, {b:g})", partial(out_of, b)) for b in ROOMS}
    tails = {reading: run.step(f"tail, {reading}", partial(tail, reading)) for reading in READINGS}
    spectrum = run.step("spectrum on a line cut at 1e6, tolerance 1e-8", eigenvalues)
    powers = {reading: _power([found[reading, height]["time"].log for height in FAR]) for reading in READINGS}

    checks = [equal(f"T out of (-{b:g}, {b:g})", rooms[b], exact, 1e-9, ASKED) for b, exact in ROOMS.items()]
    for height, (quadratic, constant) in PIECES.items():
        if height in white:
            checks.append(equal(f"T, height {height:g}, Itô", found["ito", height]["time"], quadratic, 1e-9, ASKED))
            checks.append(equal(f"T, height {height:g}, white", white[height]["time"], constant, 1e-9, ASKED))
    for reading, alpha in READINGS.items():
        what = f"power of the height, {reading}: m + 1/2 - {alpha:g}"
        checks.append(near(what, powers[reading], M + 0.5 - alpha, 1e-5, RICHARDSON))
        ratio = -2.0 * (M + 1.0 - alpha)
        checks.append(near(f"power of the tail of the density, {reading}", tails[reading], ratio, 1e-6, POINTWISE))
        one = found[reading, FAR[0]]
        hand = _formula(FAR[0], alpha)
        checks.append(near(f"log of the printed formula, {reading}", one["formula"].log, hand, 1e-10, ROUNDING))
    for n, exact in ((1, 1.0), (2, 1.6)):
        checks.append(equal(f"eigenvalue {n}: n(1 - (n - 1)/2m)", spectrum[n], exact, 1e-8, "tolerance asked, 1e-8"))
    above = [float(value) for value in spectrum[3:]]
    checks.append(at_least("eigenvalue 3, where none is left below the continuum", above[0], 1.8, "(m + 1/2)²/2m"))
    threshold = (4.0 * above[0] - above[1]) / 3.0
    checks.append(near("where the continuum begins", threshold, 1.8, 0.5 * (above[1] - above[0]), CUT))
    top = [height for height in heights if height in white][-2:]
    slope = (white[top[1]]["time"].log - white[top[0]]["time"].log) / (top[1] - top[0])
    checks.append(near("white noise: d log T/d height", slope, 1.0 / OFFSET, 1e-6, PARABOLAS))
    return Finding(tuple(checks), _tables(found, white, heights, spectrum), _figures(found, white, powers), REMARKS)


def time(height: float, reading: str | None = None) -> dict[str, Any]:
    """From the minimum -a to the top a, V'' = 1 on the left of 0 and -1 on the right; no reading is white noise."""
    import fokker_planck as fp

    a = sqrt(height)
    noise = fp.Isotropic(OFFSET) if reading is None else fp.Quadratic(OFFSET, 4.0 * OFFSET, center=-a)
    posed = on_a_line(f"{a!r}*x - x*abs(x)/2", noise, -a - 4.0, a, reading or "ito")
    found = fp.mean_exit_time(posed, (-a,), beyond(a))
    return {"time": found.mean, "formula": found.asymptotic}


def out_of(b: float) -> Any:
    """From the minimum of x²/2 to ±b."""
    import fokker_planck as fp

    posed = on_a_line("x**2/2", fp.Quadratic(OFFSET, 4.0 * OFFSET), -b, b)
    return fp.mean_exit_time(posed, (0.0,), "boundary").mean


def tail(reading: str) -> float:
    """2 d log p/d log(1 + 4 y²) between y and 2 y, far out: the power of the distance."""
    import numpy as np

    import fokker_planck as fp

    posed = on_a_line("x**2/2", fp.Quadratic(OFFSET, 4.0 * OFFSET), -8.0 * TAIL, 8.0 * TAIL, reading)
    density = fp.stationary_density(posed).field
    logs = density.log(np.array([[TAIL, 2.0 * TAIL]]))
    return 2.0 * float(logs[1] - logs[0]) / log((1.0 + 16.0 * TAIL**2) / (1.0 + 4.0 * TAIL**2))


def eigenvalues() -> list[Any]:
    """The six smallest ones of x²/2."""
    import fokker_planck as fp

    posed = on_a_line("x**2/2", fp.Quadratic(OFFSET, 4.0 * OFFSET), -1e6, 1e6, tolerance=1e-8)
    return [eigenvalue.real for eigenvalue in fp.spectrum(posed, 6).eigenvalues]


def _formula(height: float, alpha: float) -> float:
    """log of half of 2π (D_b/D_a)^(1/2 - α) exp(∫ V'/D), the integral in closed form."""
    a = sqrt(height)
    below = M * log(1.0 + 4.0 * height)
    turned = a * (atan(4.0 * a) - atan(2.0 * a)) - 0.125 * log((1.0 + 16.0 * height) / (1.0 + 4.0 * height))
    return log(pi) + (0.5 - alpha) * log(1.0 + 16.0 * height) + below + turned / OFFSET


def _power(logs: list[float]) -> float:
    """d log T/d log height at infinity, from three heights, each four times the one before."""
    first, second = ((logs[i + 1] - logs[i]) / log(4.0) for i in (0, 1))
    return second + (second - first) / 3.0


REMARKS = (
    "The paper's exponent κ - 1/2, and its density C^-κ, are those of Klimontovich's reading, flux -(L'p + D p'). The "
    "Itô equation, which is the limit of the recursion, has κ + 1/2 and C^(-1-κ); Stratonovich's lies between.",
    "That quadratic noise lets go in a power of the height, where white noise takes the exponential of it, holds in "
    "every reading.",
    "Below the continuum, which begins at H(m + ½)²/(2m), there are finitely many eigenvalues; a line that is cut at "
    "±R shows the continuum as a sequence that closes up like 1/log² R.",
)


def _tables(found: Any, white: Any, heights: Any, spectrum: Any) -> tuple[Table, ...]:
    rows = tuple(
        (height, *(found[reading, height]["time"] for reading in READINGS), white.get(height, {}).get("time"))
        for height in heights
    )
    values = tuple((n, value) for n, value in enumerate(spectrum))
    return (
        Table("Mean time from the minimum to the top", ("height", *READINGS, "white noise"), rows),
        Table("Eigenvalues in a single parabola, 9/5 and above the cut continuum", ("n", "eigenvalue"), values),
    )


def _figures(found: Any, white: Any, powers: dict[str, float]) -> tuple[Any, ...]:
    def draw(ax: Any) -> None:
        for reading, colour, marker in zip(READINGS, (BLUE, GREEN, ORANGE), "osD", strict=True):
            heights = sorted(height for name, height in found if name == reading)
            decades = [found[reading, height]["time"].log / log(10.0) for height in heights]
            label = f"{reading}: power {powers[reading]:.3f}"
            ax.semilogx(heights, decades, marker + "-", color=colour, label=label)
        steep = sorted(height for height in white if height <= 2.0)
        fine = [steep[0] * (steep[-1] / steep[0]) ** (i / 40.0) for i in range(41)]
        ax.semilogx(fine, [log(pi) / log(10.0) + height / OFFSET / log(10.0) for height in fine], "-", color=MUTED)
        ax.semilogx(steep, [white[height]["time"].log / log(10.0) for height in steep], "^", color=RED, label="white")
        ax.set(xlabel="height of the barrier", ylabel="log₁₀ of the mean time")
        ax.legend()

    return (
        figure(
            "Mean time against the height of the barrier, doubly logarithmic",
            "Three straight lines of slopes 3, 2.5 and 2 for the three readings; the line of white noise bends up.",
            draw,
        ),
    )


CLAIM = Claim(
    name="sgd-power-law-noise",
    group="seeds",
    title="Power-law noise: the time to leave is a power of the barrier",
    statement=(
        "Where the variance of the gradient grows with the square of the distance from a minimum, the stationary "
        "density has power-law tails and the mean time to leave grows as a power of the height of the barrier; under "
        "white noise it grows exponentially. The power depends on how the noise is read."
    ),
    formula=(
        "D = (η/2)(σ_g + σ_H y²),  m = κ = H/(ησ_H):  p ∝ (1 + σ_H y²/σ_g)^(-m-1+α),  T ∝ ΔL^(m + ½ - α);  α = 0 Itô, "
        "½ Stratonovich, 1 Klimontovich.  Itô:  λ_n = nH(1 - (n-1)/2m) for n < m + ½, continuum from H(m + ½)²/2m"
    ),
    source="Meng, Gong, Chen, Ma and Liu 2020; densities of Pearson's family; the powers by Laplace's method",
    compute=compute,
)
