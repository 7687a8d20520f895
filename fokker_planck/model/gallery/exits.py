"""Named problems with closed-form exit times or eigenvalues: linear drift, free diffusion, the ring."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

from fokker_planck.model.domains.box import Box
from fokker_planck.model.gallery.entries import (
    GalleryEntry,
    Known,
    KnownPoint,
    dimension_parameter,
    positive,
    square_of,
)
from fokker_planck.model.potential import Potential
from fokker_planck.model.sets.shapes import Ball, HalfSpace

CLOSED_FORM = "closed form"


def ornstein_uhlenbeck(dimension: float = 1, stiffness: float = 1.0) -> GalleryEntry:
    """V = stiffness*|x|**2/2 in the unit ball; the mean exit time from its centre is a hypergeometric function."""
    n = dimension_parameter(dimension)
    positive("stiffness", stiffness)
    known = [Known("lambda_1 in the whole space", stiffness, CLOSED_FORM)]
    for epsilon in (0.5, 0.1, 0.05):
        time = exit_time_from_centre(n, stiffness, epsilon)
        known.append(Known("T(0 -> boundary)", time, "2F2 by its power series", epsilon))
    # w = e^{-r^2 d/2}: 1 - r^2 is an eigenfunction
    known.append(Known("lambda_1 with the boundary absorbing", 2.0 * stiffness, CLOSED_FORM, stiffness / n))
    title = "Linear drift towards the centre of the unit ball."
    potential = Potential(f"stiffness*({square_of('xyz'[:n])})/2", {"stiffness": stiffness})
    return _in_unit_ball(
        "ornstein-uhlenbeck", title, potential, 0.1 * stiffness, known, KnownPoint("minimum", (0.0,) * n, 0.0)
    )


def source(dimension: float = 1, rate: float = 1.0) -> GalleryEntry:
    """V = -rate*|x|**2/2 in the unit ball: exit from a maximum takes a time of order log(1/epsilon)/(2 rate)."""
    n = dimension_parameter(dimension)
    positive("rate", rate)
    known = [
        Known("T(0 -> boundary)", exit_time_from_centre(n, -rate, epsilon), "2F2 by its power series", epsilon)
        for epsilon in (0.1, 0.05)
    ]
    if rate == 1.0 and n < 3:
        small = {1: (2.932688874047019315, 4.088558309708587235), 2: (2.244619335164839460, 3.395911881661862302)}[n]
        known += [
            Known("T(0 -> boundary)", value, "exponential integrals, 20 digits", epsilon)
            for value, epsilon in zip(small, (0.01, 0.001), strict=True)
        ]
    title = "Linear drift away from the centre of the unit ball."
    potential = Potential(f"-rate*({square_of('xyz'[:n])})/2", {"rate": rate})
    return _in_unit_ball("source", title, potential, 0.1 * rate, known, KnownPoint("maximum", (0.0,) * n, 0.0))


def _in_unit_ball(
    name: str, title: str, potential: Potential, epsilon: float, known: Sequence[Known], centre: KnownPoint
) -> GalleryEntry:
    ball = Ball(centre.position, 1.0)
    return GalleryEntry(name, title, potential, ball, epsilon, {}, tuple(known), (centre,))


def ring(amplitude: float = 1.0) -> GalleryEntry:
    """V = -amplitude*cos(x) on the ring [0, 2 pi): a pendulum."""
    positive("amplitude", amplitude)
    known: tuple[Known, ...] = ()
    if amplitude == 1.0:
        known = tuple(
            Known(f"lambda_{i}", value, "Fourier series", epsilon)
            for epsilon, value in ((0.2, 0.871006503757002938), (0.05, 0.973952445964299641))
            for i in (1,)
        ) + (Known("T(0 -> top)", 36612.4809926624811, "double integral, 20 digits", 0.2),)
    return GalleryEntry(
        "ring",
        "One well and one barrier on a periodic axis.",
        Potential("-amplitude*cos(x)", {"amplitude": amplitude}),
        Box((0.0,), (2.0 * pi,), "periodic"),
        0.2 * amplitude,
        {},
        known,
        (KnownPoint("minimum", (0.0,), -amplitude), KnownPoint("saddle", (pi,), amplitude)),
    )


def flat_box(dimension: float = 2, side: float = 1.0) -> GalleryEntry:
    """V = 0 in the box [0, side]^d: Brownian motion."""
    n = dimension_parameter(dimension)
    positive("side", side)
    # T is proportional to side**2/epsilon, lambda to epsilon/side**2
    known = [Known(f"lambda_{i + 1}", (pi / side) ** 2, CLOSED_FORM, 1.0) for i in range(n)] + [
        Known("lambda_1 with the boundary absorbing", n * (pi / side) ** 2, CLOSED_FORM, 1.0)
    ]
    centre = {1: 1.0 / 8.0, 2: 0.0736713532815138156}.get(n)
    if centre is not None:
        known.append(Known("T(centre -> boundary)", centre * side**2, "Fourier series", 1.0))
    return GalleryEntry(
        "flat-box",
        "Brownian motion in an interval, a square or a cube.",
        Potential("0", dimension=n),
        Box((0.0,) * n, (side,) * n),
        1.0,
        {},
        tuple(known),
    )


def flat_ball(dimension: float = 2, radius: float = 1.0) -> GalleryEntry:
    """V = 0 in a ball of given radius: Brownian motion; T(0) = radius**2/(2 d epsilon)."""
    n = dimension_parameter(dimension)
    positive("radius", radius)
    absorbing = {1: (pi / 2.0) ** 2, 2: 5.783185962946784521, 3: pi**2}[n]
    reflecting = {1: (pi / 2.0) ** 2, 2: 3.389957716671888727, 3: 4.332958551429381685}[n]
    return GalleryEntry(
        "flat-ball",
        "Brownian motion in an interval, a disc or a ball.",
        Potential("0", dimension=n),
        Ball((0.0,) * n, radius),
        1.0,
        {},
        (
            Known("T(centre -> boundary)", radius**2 / (2.0 * n), CLOSED_FORM, 1.0),
            Known("lambda_1", reflecting / radius**2, "zeros of Bessel functions", 1.0),
            Known("lambda_1 with the boundary absorbing", absorbing / radius**2, "zeros of Bessel functions", 1.0),
        ),
    )


def mexican_hat(height: float = 0.25) -> GalleryEntry:
    """V = height*(x**2 + y**2 - 1)**2: a whole circle of minima around a maximum."""
    positive("height", height)
    return GalleryEntry(
        "mexican-hat",
        "A circle of minima: the angle diffuses freely, nothing is metastable.",
        Potential("height*(x**2 + y**2 - 1)**2", {"height": height}),
        Ball((0.0, 0.0), 2.0),
        height / 5.0,
        {"east": HalfSpace((1.0, 0.0), 0.9)},
        (),
        (KnownPoint("maximum", (0.0, 0.0), height),),
    )


def exit_time_from_centre(dimension: int, stiffness: float, epsilon: float, radius: float = 1.0) -> float:
    """T(0) = R**2/(2 d eps) 2F2(1, 1; 2, 1 + d/2; k R**2/(2 eps)) for the drift -k x, absorbed at |x| = R.

    The series has terms of one sign for k > 0; for k < 0 it cancels, and is good to 1e-11 down to k R**2/eps = -20.

    >>> round(exit_time_from_centre(2, 1.0, 0.1), 10)
    18.9993108892
    """
    argument = stiffness * radius**2 / (2.0 * epsilon)
    total, term, n = 0.0, 1.0, 0
    while abs(term) > 1e-20 * abs(total):
        total += term / (n + 1)
        n += 1
        term *= argument / (dimension / 2.0 + n)
    return radius**2 / (2.0 * dimension * epsilon) * total
