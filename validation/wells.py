"""Double wells that several claims share, and what theory says about them, worked out by hand.

V is a polynomial in x on [-2, 2]; in the plane y**2/2 is added, in space z**2 as well, both of which leave the times to
cross x = const as they are. A turned well has no axis along the way over the barrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, exp, log, log1p, pi, sin, sqrt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fokker_planck.model.problem import Problem
    from fokker_planck.model.sets.shapes import HalfSpace
    from fokker_planck.quantity import Quantity

#: half the width of a box about a turned well: V > 4 on its walls, 2.25 on those of the line
TURNED = 3.0
ACROSS = (1.5, 1.2)


@dataclass(frozen=True)
class Exact:
    """Mean times from -1 to 1 and back and the smallest eigenvalue on [-2, 2], to all digits of a double.

    By integrals in multiple precision, on two meshes that agree to 54 digits.
    """

    there: float
    back: float
    gap: float


@dataclass(frozen=True)
class DoubleWell:
    """V(x) = sum_k coefficients[k] x**k with minima near -1 and 1; ``formula`` says the same, ``exact`` by 1/eps."""

    name: str
    formula: str
    coefficients: tuple[float, ...]
    exact: dict[int, Exact] = field(default_factory=dict, hash=False)

    def derivative(self, order: int, x: float) -> float:
        """The derivative of V of that order.

        >>> QUARTIC.derivative(2, -1.0)
        2.0
        """
        from numpy.polynomial import Polynomial

        return float(Polynomial(self.coefficients).deriv(order)(x) if order else Polynomial(self.coefficients)(x))

    @property
    def critical(self) -> tuple[float, float, float]:
        """The left minimum, the maximum between, the right minimum.

        >>> [round(x, 12) for x in QUARTIC.critical]
        [-1.0, 0.0, 1.0]
        """
        from numpy.polynomial import Polynomial

        roots = sorted(float(root.real) for root in Polynomial(self.coefficients).deriv().roots())
        left, top, right = (root for root in roots if abs(root) < 1.5)
        return left, top, right

    def bottom(self, side: int) -> float:
        """The minimum on the left, -1, or on the right, 1."""
        return self.critical[1 + side]

    def barrier(self, side: int = -1) -> float:
        """V(top) - V(bottom).

        >>> QUARTIC.barrier()
        0.25
        """
        return self.derivative(0, self.critical[1]) - self.derivative(0, self.bottom(side))


QUARTIC = DoubleWell(
    "quartic",
    "(x**2 - 1)**2/4",
    (0.25, 0.0, -0.5, 0.0, 0.25),
    {
        8: Exact(4.103428025092896e01, 4.103428025092896e01, 5.681832528253182e-02),
        20: Exact(7.296706919423228e02, 7.296706919423228e02, 2.776140636572725524e-03),
        80: Exact(2.198644401408288876e09, 2.198644401408288876e09, 9.096514249313015794e-10),
        400: Exact(1.198831920041948354e44, 1.198831920041948354e44, 1.668290580659562315e-44),
        2000: Exact(6.240684067954194319e217, 6.240684067954194319e217, 3.204776877377859434e-218),
    },
)
TILTED = DoubleWell(
    "tilted",
    "(x**2 - 1)**2/4 + x/10",
    (0.25, 0.1, -0.5, 0.0, 0.25),
    {
        8: Exact(9.005033830749087275e01, 2.157708053679234732e01, 6.848910203881246379e-02),
        20: Exact(5.914100863626065604e03, 1.329085852168879316e02, 7.964277917144388142e-03),
        400: Exact(5.195825219607003666e62, 1.211610128155915941e28, 8.253480032574596384e-29),
    },
)
FLAT_AND_SHARP = DoubleWell(
    "flat and sharp",
    "(x**2 - 1)**2*(1 + 0.4*x)/4",
    (0.25, 0.1, -0.5, -0.2, 0.25, 0.1),
    {
        20: Exact(9.932930419163240182e02, 6.586963248729387183e02, 2.554629007518224172e-03),
        80: Exact(4.011779861161749932e09, 2.630807064425842812e09, 6.293774158628957708e-10),
        400: Exact(1.028489048960000129e45, 6.735187206636785172e44, 2.457039819840738148e-45),
    },
)
WELLS = (QUARTIC, TILTED, FLAT_AND_SHARP)

#: two deep holes, joined by a direct pass and by a detour over a shallow one (Metzner, Schuette, Vanden-Eijnden 2006)
THREE_HOLES = (
    "3*exp(-x**2 - (y - 1/3)**2) - 3*exp(-x**2 - (y - 5/3)**2) - 5*exp(-(x - 1)**2 - y**2) - 5*exp(-(x + 1)**2 - y**2)"
    " + x**4/5 + (y - 1/3)**4/5"
)
LEFT_HOLE, UPPER_HOLE = (-1.0480549928242195, -0.042093666306677817), (0.0, 1.5370820044494623)
DIRECT_PASS, DETOUR_PASS = (0.0, -0.31582655047813863), (-0.61727230787645976, 1.1027345175080963)


def problem(well: DoubleWell, noise: float, dimension: int = 1, angle: float = 0.0, tolerance: float = 1e-6) -> Problem:
    """dX = -grad V dt + sqrt(2 noise) dW with V = V(x) + y**2/2 + z**2, turned by an angle in the plane of x and y.

    >>> problem(QUARTIC, 0.05, dimension=2).process.potential.expression
    '(x**2 - 1)**2/4 + y**2/2'
    """
    import fokker_planck as fp

    formula = well.formula + "".join((" + y**2/2", " + z**2")[: dimension - 1])
    upper = (2.0, *ACROSS)[:dimension]
    if angle:
        formula, upper = turned(formula, angle), (TURNED, TURNED, *upper[2:])
    process = fp.Overdamped(fp.Potential(formula), fp.Isotropic(noise))
    box = fp.Box(tuple(-u for u in upper), upper)
    return fp.Problem(process, box, resolution=fp.Resolution(tolerance=tolerance))


def on_a_line(
    potential: str, diffusion: Any, lower: float, upper: float, reading: str = "ito", tolerance: float = 1e-9
) -> Problem:
    """dX = -V' dt + sqrt(2 D(X)) dW on [lower, upper], the noise read as said.

    >>> from fokker_planck.model.diffusion.quadratic import Quadratic
    >>> on_a_line("x**2/2", Quadratic(0.05, 0.2), -3.0, 3.0, "klimontovich").process.interpretation
    'klimontovich'
    """
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(potential), diffusion, reading)
    return fp.Problem(process, fp.Box([lower], [upper]), fp.Resolution(tolerance=tolerance))


def turned(formula: str, angle: float) -> str:
    """A formula in x and y turned counterclockwise.

    >>> turned("x*exp(y)", 0.0)
    '(1.0*x + 0.0*y)*exp((1.0*y - 0.0*x))'
    """
    import re

    c, s = repr(cos(angle)), repr(sin(angle))
    along = {"x": f"({c}*x + {s}*y)", "y": f"({c}*y - {s}*x)"}
    return re.sub(r"\b[xy]\b", lambda name: along[name[0]], formula)


def point(x: float, dimension: int = 1, angle: float = 0.0) -> tuple[float, ...]:
    """The point x of the line, in the plane or in space, turned.

    >>> point(1.0, 3)
    (1.0, 0.0, 0.0)
    """
    return (x * cos(angle), x * sin(angle), 0.0)[:dimension]


def beyond(x: float, side: int = 1, dimension: int = 1, angle: float = 0.0) -> HalfSpace:
    """The half-space behind the point x of the line, seen from the left, side 1, or from the right, -1."""
    from fokker_planck.model.sets.shapes import HalfSpace

    return HalfSpace(tuple(side * c for c in point(1.0, dimension, angle)), side * x)


def crossing_time(well: DoubleWell, noise: float, side: int = -1) -> Quantity:
    """Eyring and Kramers: 2 pi/sqrt(V''(a) |V''(b)|) exp((V(b) - V(a))/noise), from the bottom a over the top b.

    >>> round(crossing_time(QUARTIC, 0.05).value, 9) == round(2 * pi / sqrt(2) * 148.4131591025766, 9)
    True
    """
    from fokker_planck.quantity import Quantity

    curved = well.derivative(2, well.bottom(side)) * abs(well.derivative(2, well.critical[1]))
    return Quantity.of_log(log(2.0 * pi / sqrt(curved)) + well.barrier(side) / noise, 0.0)


def gap(well: DoubleWell, noise: float) -> Quantity:
    """The eigenvalue of the chain of two wells: the sum of the rates there and back."""
    from fokker_planck.quantity import Quantity

    slower, faster = sorted(-float(crossing_time(well, noise, side).log or 0.0) for side in (-1, 1))
    return Quantity.of_log(faster + log1p(exp(slower - faster)), 0.0)


def first_order(well: DoubleWell, side: int = -1) -> float:
    """c in T = T_EK (1 + c noise + ...), by Laplace's method: 5 V'''**2/(24 |V''|**3) -+ V''''/(8 V''**2).

    Minus at the bottom, plus at the top.

    >>> round(first_order(QUARTIC), 12)
    1.5
    """
    total = 0.0
    for x, sign in ((well.bottom(side), -1.0), (well.critical[1], 1.0)):
        second, third, fourth = (well.derivative(order, x) for order in (2, 3, 4))
        total += 5.0 * third**2 / (24.0 * abs(second) ** 3) + sign * fourth / (8.0 * second**2)
    return total


def at_zero(noises: Sequence[float], values: Sequence[float], order: int = 2) -> float:
    """The limit for noise to zero of the polynomial through the values.

    >>> round(at_zero([0.1, 0.2, 0.4], [1.11, 1.24, 1.56]), 12)
    1.0
    """
    from numpy.polynomial import Polynomial

    return float(Polynomial.fit(noises, values, min(order, len(noises) - 1)).convert().coef[0])
