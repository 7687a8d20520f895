"""Named potentials in the plane."""

from __future__ import annotations

from math import sqrt

from fokker_planck.model.domains.box import Box
from fokker_planck.model.gallery.entries import GalleryEntry, Known, KnownPoint, below, dimension_parameter, positive
from fokker_planck.model.potential import Potential
from fokker_planck.model.sets.shapes import Ball, HalfSpace

SPECTRAL_ELEMENTS = "spectral elements of order 12, two meshes agree in all digits"


def mueller_brown() -> GalleryEntry:
    """Three minima on a bent path: four exponentials of quadratic forms (Mueller and Brown, 1979)."""
    terms = (
        (-200, "-(x - 1)**2 - 10*y**2"),
        (-100, "-x**2 - 10*(y - 0.5)**2"),
        (-170, "-6.5*(x + 0.5)**2 + 11*(x + 0.5)*(y - 1.5) - 6.5*(y - 1.5)**2"),
        (15, "0.7*(x + 1)**2 + 0.6*(x + 1)*(y - 1) + 0.7*(y - 1)**2"),
    )
    eigenvalues = (1.9995797186434e-01, 4.1320464746676e01, 1.8718529011545e02)
    return GalleryEntry(
        "mueller-brown",
        "The Mueller-Brown surface: two deep minima and an intermediate one, on a bent path.",
        Potential(" + ".join(f"{amplitude}*exp({form})" for amplitude, form in terms).replace("+ -", "- ")),
        Box((-1.5, -0.2), (1.2, 2.0)),
        10.0,
        {"reactant": Ball((-0.558, 1.441), 0.1), "product": Ball((0.623, 0.028), 0.1)},
        tuple(Known(f"lambda_{i + 1}", v, SPECTRAL_ELEMENTS, 10.0) for i, v in enumerate(eigenvalues)),
        (
            KnownPoint("minimum", (-0.55822363463302428, 1.4417258418046687), -146.69951720995401),
            KnownPoint("minimum", (0.62349940493087651, 0.028037758528685666), -108.16672411685235),
            KnownPoint("minimum", (-0.050010822998206058, 0.46669410487197209), -80.767818129659028),
            KnownPoint("saddle", (-0.8220015587327321, 0.62431280281487136), -40.664843508657404),
            KnownPoint("saddle", (0.21248658200066201, 0.29298832510736777), -72.248940112325212),
        ),
    )


def three_hole() -> GalleryEntry:
    """Two deep holes and a shallow one above (Metzner, Schuette, Vanden-Eijnden, J. Chem. Phys. 125 (2006) 084110)."""
    known = [
        Known(f"lambda_{i + 1}", value, SPECTRAL_ELEMENTS, 1.0 / beta)
        for beta, values in (
            (1.67, (8.1392418811718e-02, 7.5472329425491e-01, 3.9192153004290e00)),
            (6.67, (3.653381347787e-07, 4.6036442288839e-02, 2.8722780983092e00)),
        )
        for i, value in enumerate(values)
    ]
    return GalleryEntry(
        "three-hole",
        "Two deep holes joined by a direct pass and by a detour over a shallow hole: low noise prefers the detour.",
        Potential(
            "3*exp(-x**2 - (y - 1/3)**2) - 3*exp(-x**2 - (y - 5/3)**2) - 5*exp(-(x - 1)**2 - y**2)"
            " - 5*exp(-(x + 1)**2 - y**2) + 0.2*x**4 + 0.2*(y - 1/3)**4"
        ),
        Box((-2.0, -1.5), (2.0, 2.5)),
        1.0 / 1.67,
        {"left": Ball((-1.05, -0.04), 0.3), "right": Ball((1.05, -0.04), 0.3)},
        (*known, Known("P(left) = P(right)", 1.0, "symmetry, as a ratio")),
        (
            KnownPoint("minimum", (-1.0480549928242195, -0.042093666306677817), -3.9948606018542624),
            KnownPoint("minimum", (1.0480549928242195, -0.042093666306677817), -3.9948606018542624),
            KnownPoint("minimum", (0.0, 1.5370820044494623), -2.1721536229943249),
            KnownPoint("saddle", (0.0, -0.31582655047813863), -1.3845866403984957),
            KnownPoint("saddle", (-0.61727230787645976, 1.1027345175080963), -1.6466874534752891),
            KnownPoint("saddle", (0.61727230787645976, 1.1027345175080963), -1.6466874534752891),
            KnownPoint("maximum", (0.0, 0.51918674189207275), -0.71522988698181625),
        ),
    )


def styblinski_tang(dimension: float = 2) -> GalleryEntry:
    """V = sum of (x_i**4 - 16 x_i**2 + 5 x_i)/2: independent tilted double wells along every axis."""
    n = dimension_parameter(dimension)
    deep, top, shallow = (
        (-2.9035340277711771, -39.166165703771415),
        (0.1567312567803401, 0.19561235905535807),
        (2.746802770990837, -25.029446655283943),
    )
    points = [
        KnownPoint("minimum", (deep[0],) * n, n * deep[1]),
        KnownPoint("minimum", (shallow[0],) * n, n * shallow[1]),
    ]
    for axis in range(n):
        position = tuple(top[0] if i == axis else deep[0] for i in range(n))
        points.append(KnownPoint("saddle", position, top[1] + (n - 1) * deep[1]))
    return GalleryEntry(
        "styblinski-tang",
        "The test function of Styblinski and Tang (Neural Networks 3 (1990) 467).",
        Potential(" + ".join(f"({a}**4 - 16*{a}**2 + 5*{a})/2" for a in "xyz"[:n])),
        Box((-4.5,) * n, (4.5,) * n),
        5.0,
        {"deepest": Ball((deep[0],) * n, 0.5)},
        (),
        tuple(points),
    )


def pitchfork(a: float = 0.0, b: float = 1.0) -> GalleryEntry:
    """V = (x**2 - 1)**2/4 + (x**2 + a*(1 - x**2))*y**2/2 + b*y**4/4: across the saddle, a*y**2/2 + b*y**4/4.

    The saddle at the origin is degenerate at a = 0 and splits into two at y**2 = -a/b for a < 0.
    """
    positive("b", b)
    below("a", a, -1.0, 1.0)
    points = [KnownPoint("minimum", (-1.0, 0.0), 0.0), KnownPoint("minimum", (1.0, 0.0), 0.0)]
    if a >= 0.0:
        points.append(KnownPoint("saddle", (0.0, 0.0), 0.25))
    else:
        height = 0.25 - a**2 / (4.0 * b)
        points += [KnownPoint("saddle", (0.0, side * sqrt(-a / b)), height) for side in (-1.0, 1.0)]
    return GalleryEntry(
        "pitchfork",
        "A double well whose saddle bifurcates: Berglund and Gentz, Markov Process. Relat. Fields 16 (2010) 549.",
        Potential("(x**2 - 1)**2/4 + (x**2 + a*(1 - x**2))*y**2/2 + b*y**4/4", {"a": a, "b": b}),
        Box((-2.0, -2.5), (2.0, 2.5)),
        1 / 20,
        {
            "left": HalfSpace((-1.0, 0.0), 1.0),
            "middle": HalfSpace((1.0, 0.0), 0.0),
            "right": HalfSpace((1.0, 0.0), 1.0),
        },
        (Known("P(left)", 0.5, "symmetry"),),
        tuple(points),
    )


def maier_stein() -> GalleryEntry:
    """V = x**4/4 - x**2/2 + (1 + x**2)*y**2/2: the gradient case of Maier and Stein, drift (x - x**3 - x*y**2, ...)."""
    return GalleryEntry(
        "maier-stein",
        "The gradient case of the Maier-Stein drift, on the left half of the plane.",
        Potential("x**4/4 - x**2/2 + (1 + x**2)*y**2/2"),
        Box((-2.0, -2.0), (0.5, 2.0)),
        1 / 20,
        {"separatrix": HalfSpace((1.0, 0.0), 0.0)},
        (
            Known("T((-1, 0) -> separatrix)", 2.40548887347e01, SPECTRAL_ELEMENTS, 0.1),
            Known("T((-1, 0) -> separatrix)", 2.7061034403e02, SPECTRAL_ELEMENTS, 0.05),
            Known("lambda_1 with the separatrix absorbing", 4.35394322776e-02, SPECTRAL_ELEMENTS, 0.1),
            Known("lambda_1 with the separatrix absorbing", 3.7198405524e-03, SPECTRAL_ELEMENTS, 0.05),
        ),
        (KnownPoint("minimum", (-1.0, 0.0), -0.25), KnownPoint("saddle", (0.0, 0.0), 0.0)),
    )


def himmelblau() -> GalleryEntry:
    """V = (x**2 + y - 11)**2 + (x + y**2 - 7)**2: four minima of equal depth, four saddles, one maximum."""
    return GalleryEntry(
        "himmelblau",
        "Four minima with V = 0 around one maximum: every barrier is another.",
        Potential("(x**2 + y - 11)**2 + (x + y**2 - 7)**2"),
        Box((-5.5, -5.5), (5.5, 5.5)),
        15.0,
        {"first": Ball((3.0, 2.0), 0.5)},
        (),
        (
            KnownPoint("minimum", (3.0, 2.0), 0.0),
            KnownPoint("minimum", (-2.8051180869527449, 3.131312518250573), 0.0),
            KnownPoint("minimum", (-3.7793102533777469, -3.2831859912861694), 0.0),
            KnownPoint("minimum", (3.5844283403304917, -1.8481265269644036), 0.0),
            KnownPoint("saddle", (-3.0730257507643896, -0.081353044287967512), 104.01516291755811),
            KnownPoint("saddle", (-0.12796134673068007, -1.9537149802445764), 178.33723920192746),
            KnownPoint("saddle", (0.086677504555396352, 2.8842547011747761), 67.71915008752614),
            KnownPoint("saddle", (3.3851541836070209, 0.073851879837749288), 13.31192627040559),
            KnownPoint("maximum", (-0.27084459066734761, -0.92303855647998146), 181.6165215225827),
        ),
    )
