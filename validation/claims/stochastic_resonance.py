"""A weak push moves a double well most at a noise in between, and as linear response says."""

from __future__ import annotations

from functools import partial
from math import exp, pi
from typing import TYPE_CHECKING, Any

from validation.claim import Check, Claim, Figure, Finding, Run, Table, at_least, equal, near

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PUSH, FREQUENCY = 0.01, 0.05
PERIOD = 2.0 * pi / FREQUENCY
NOISES = (0.06, 0.09, 0.12, 0.16, 0.22)
QUICK = (0.06, 0.12, 0.22)
TOLERANCE = 1e-4


def compute(run: Run) -> Finding:
    """The quartic well under -A cos(w t) x, at noises below, at and above the resonance."""
    noises = QUICK if run.quick else NOISES
    found = {noise: run.step(f"noise {noise:g}", partial(pushed, noise)) for noise in noises}
    checks: list[Check] = []
    for noise, each in found.items():
        quadratic = (PUSH / noise) ** 2
        checks += [
            equal(
                f"part that lags behind over A w S/(2 D), noise {noise:g}",
                each["sine"] / each["linear"],
                1.0,
                quadratic + each["bar"] / each["linear"],
                LINEAR,
            ),
            near(
                f"largest multiplier at noise {noise:g}",
                each["multiplier"],
                each["left"],
                quadratic + TOLERANCE,
                SECOND,
            ),
        ]
    amplified = [each["amplitude"] / PUSH for each in found.values()]
    best = max(range(len(amplified)), key=amplified.__getitem__)
    checks.append(at_least("noises on the nearer side of the largest", min(best, len(amplified) - 1 - best), 1.0, PEAK))
    heads = ("noise", "amplitude over A", "lagging part over linear response", "multiplier", "exp(-gap T)")
    rows = tuple(
        (
            f"{noise:g}",
            f"{each['amplitude'] / PUSH:.5f}",
            f"{each['sine'] / each['linear']:.5f}",
            f"{each['multiplier']:.6f}",
            f"{each['left']:.6f}",
        )
        for noise, each in found.items()
    )
    table = Table(f"V = (x² - 1)²/4 - {PUSH:g} cos({FREQUENCY:g} t) x", heads, rows)
    return Finding(tuple(checks), (table,), (picture(noises, amplified),), REMARKS)


def pushed(noise: float) -> dict[str, Any]:
    """Amplitude, lagging part and multiplier, and what the process without a push says of them."""
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(noise))
    box, accuracy = fp.Box([-2.5], [2.5]), fp.Resolution(tolerance=TOLERANCE)
    schedule = fp.Schedule(potential=f"-{PUSH}*cos({FREQUENCY}*t)*x")
    driven = fp.periodic_state(fp.Problem(process, box, accuracy, schedule=schedule), PERIOD, {"x": "x"}, count=1)
    still = fp.Problem(process, box, accuracy)
    spectrum = fp.correlation(still, "x", frequencies=[FREQUENCY]).spectrum[0].density.value
    gap = fp.spectrum(still, count=2).gap.value
    position = driven.observables["x"]
    return {
        "sine": position.sine.value,
        "bar": position.sine.absolute_error,
        "amplitude": position.amplitude.value,
        "linear": PUSH * FREQUENCY * spectrum / (2.0 * noise),
        "multiplier": driven.multipliers[0].real,
        "left": exp(-gap * PERIOD),
    }


def picture(noises: tuple[float, ...], amplified: list[float]) -> Figure:
    """The amplitude against the noise."""
    from validation import drawing

    def draw(ax: Axes) -> None:
        ax.plot(noises, amplified, "o-", color=drawing.BLUE)
        ax.set_xlabel("noise D")
        ax.set_ylabel("amplitude of the mean position over the push")

    return drawing.figure("Stochastic resonance", "Most where the push is as slow as the wells are left.", draw)


LINEAR = "linear response, up to (A/D)^2 and the error of the solver"
SECOND = "a push changes rates in second order, up to (A/D)^2, and the tolerance"
PEAK = "the largest amplitude is at neither end"
REMARKS = (
    "Both sides are solved apart: steps in time around a period, and a resolvent at i w of the process at rest.",
)

CLAIM = Claim(
    name="stochastic-resonance",
    group="eyring-kramers",
    title="A weak push is followed most at a noise in between",
    statement=(
        "The mean position of a double well under a weak periodic push moves most at a noise in between; "
        "what lags behind is given by the power spectrum without the push, and Floquet's multiplier by the gap."
    ),
    formula="⟨x⟩ = c cos ωt + s sin ωt,  s = A ω S(ω)/(2D) + O(A³),  μ₁ = e^(-λ₁T) + O(A²)",
    source="Gammaitoni, Hänggi, Jung, Marchesoni 1998, Stochastic resonance, Rev. Mod. Phys. 70, section III",
    compute=compute,
)
