"""Noise that jumps across lines and circles in the plane, in three interpretations, against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from validation.bars import Case, held
from validation.claim import Claim, Finding, Run

if TYPE_CHECKING:
    from fokker_planck.quantity import Quantity

READINGS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}
TOLERANCES, QUICK_TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6), (1e-4,)
ANGLE = math.pi / 6.0
MATERIALS = "1 + 3*heaviside(x - 0.1) + 5*heaviside(y + 0.13) - 8.5*heaviside(x - 0.1)*heaviside(y + 0.13)"


def compute(run: Run) -> Finding:
    """Strips and discs of two materials, straight, turned, crossing the walls and each other."""
    return held(run, jump_cases(), QUICK_TOLERANCES if run.quick else TOLERANCES, (None,), REMARKS)


def jump_cases() -> Iterator[Case]:
    """Mean times, by closed forms where there are some, else with a tolerance of 1e-8."""
    import fokker_planck as fp

    c, s = math.cos(ANGLE), math.sin(ANGLE)
    turned = f"({c!r}*x + {s!r}*y)"
    unit, square, disc = fp.Box([0.0, 0.0], [1.0, 1.0]), fp.Box([-1.0, -1.0], [1.0, 1.0]), fp.Ball([0.0, 0.0], 1.0)
    right = fp.HalfSpace([1.0, 0.0], 1.0)
    start = [-0.5 * c, -0.5 * s]
    fine = {
        "a strip turned by 30° in a disc": (3.597847055679, None, 10.548614778713),
        "a strip turned by 30° in a square": (4.769580914718, None, 10.412692315753),
        "four materials that meet in a point": (1.342868924265, 1.165821855482, 1.167868465418),
        "a corner of one material in another": (5.843741757333, 4.605520152029, 3.928047269178),
    }
    for number, (reading, alpha) in enumerate(READINGS.items()):

        def asked(noise: str, domain: Any, start: list[float], target: Any, reading: str = reading) -> Any:
            return time(noise, reading, domain, start, target)

        strip = asked("piecewise(x < 0.37, 1, 0.1)", unit, [0.0, 0.5], right)
        yield Case(f"a strip, {reading}", strip, strip_time(1.0, 0.1, 0.37, alpha))
        for inner, outer in ((0.05, 1.0), (1.0, 0.05)):
            noise = f"{inner} + {outer - inner}*heaviside(x**2 + y**2 - 0.09)"
            round_ = asked(noise, disc, [0.0, 0.0], "boundary")
            yield Case(
                f"a disc in a disc, {inner:g} and {outer:g}, {reading}", round_, disc_time(inner, outer, 0.3, alpha)
            )
        halves = f"1 - 0.9*heaviside({turned} - 0.2)"
        asks = {
            "a strip turned by 30° in a disc": asked(halves, disc, start, fp.HalfSpace([c, s], 0.8)),
            "a strip turned by 30° in a square": asked(halves, square, start, right),
            "four materials that meet in a point": asked(MATERIALS, square, [-0.5, -0.4], right),
            "a corner of one material in another": asked(
                "1 - 0.95*heaviside(min(x - 0.1, y + 0.13))", square, [-0.5, -0.4], right
            ),
        }
        for name, ask in asks.items():
            known = fine[name][number]
            if known is not None:
                yield Case(f"{name}, {reading}", ask, known, 8e-9)


def time(noise: str, reading: str, domain: Any, start: list[float], target: Any) -> Callable[..., Quantity]:
    """The mean time as a function of tolerance and degree."""
    import fokker_planck as fp

    def ask(tolerance: float, degree: int | None) -> Quantity:
        process = fp.Overdamped(fp.Potential("0*x"), fp.Formula(noise), reading)
        given = fp.Problem(process, domain, fp.Resolution(tolerance=tolerance, degree=degree))
        return fp.mean_exit_time(given, start, target).mean

    return ask


def strip_time(left: float, right: float, place: float, alpha: float) -> float:
    """From 0 to 1, reflected at 0, D = left and right of a place: w = D^(alpha - 1)."""
    share, rest = (left / right) ** (alpha - 1.0), 1.0 - place
    return place**2 / (2.0 * left) + share * place * rest / right + rest**2 / (2.0 * right)


def disc_time(inner: float, outer: float, radius: float, alpha: float) -> float:
    """From the centre to the unit circle."""
    share = (inner / outer) ** (alpha - 1.0)
    within = radius**2 / (4.0 * inner)
    return within + (0.5 * (share - 1.0) * radius**2 * math.log(1.0 / radius) + 0.25 * (1.0 - radius**2)) / outer


REMARKS = (
    "Of Itô noise the density is the inverse, so that w D does not jump and corners of materials are none; read as "
    "Stratonovich or Klimontovich, surfaces that meet each other or a wall make functions singular there, with an "
    "exponent from the angles and the ratios of w D (Kellogg 1975). Bars before it was known were 0.7 of the errors.",
)

CLAIM = Claim(
    name="jumping-noise",
    group="convergence",
    title="Noise that jumps, in three interpretations",
    statement="In strips and discs of two materials and where several meet, mean times lie within their bars, for "
    "tolerances of 1e-2 to 1e-6 and every interpretation of the noise.",
    formula="w jumps by (D₋/D₊)^(1 - α);  |computed/exact - 1|  ≤  relative_error",
    source="closed forms by quadrature of the scale and speed densities; Kellogg 1975 for the corners",
    compute=compute,
)
