"""Named potentials with wells along one axis, whose numbers are known to many digits."""

from __future__ import annotations

from math import sqrt

from fokker_planck.model.domains.box import Box
from fokker_planck.model.gallery.entries import (
    GalleryEntry,
    Known,
    KnownPoint,
    below,
    dimension_parameter,
    positive,
    square_of,
)
from fokker_planck.model.potential import Potential
from fokker_planck.model.sets.shapes import HalfSpace

QUADRATURE = "exact quadrature in one dimension, 60 digits"
LAPLACE = "Laplace's method at small noise"


def quartic_double_well(dimension: float = 1, k: float = 1.0) -> GalleryEntry:
    """V = (x**2 - 1)**2/4 + k*(y**2 + z**2)/2: two wells of equal depth, barrier 1/4."""
    n = dimension_parameter(dimension)
    across, parameters = _transverse(n, positive("k", k))
    known = []
    for epsilon, lambda_1, to_saddle, to_well in (
        (1 / 8, 5.6818325282531819e-02, 1.8426158443524535e01, 4.1034280250928962e01),
        (1 / 20, 2.7761406365727255e-03, 3.6190375950092436e02, 7.2967069194232279e02),
        (1 / 80, 9.0965142493130157e-10, 1.0993221966865907e09, 2.1986444014082888e09),
        (1 / 400, 1.6682905806595623e-44, 5.9941596002097417e43, 1.1988319200419483e44),
        (1 / 2000, 3.2047768773778594e-218, 3.1203420339770971e217, 6.2406840679541943e217),
    ):
        if n == 1 or k >= 0.1:
            known.append(Known("lambda_1", lambda_1, QUADRATURE, epsilon))
        known.append(Known("T(x = -1 -> middle)", to_saddle, QUADRATURE, epsilon))
        known.append(Known("T(x = -1 -> right)", to_well, QUADRATURE, epsilon))
    if n == 1:
        known.append(Known("lambda_2", 1.019569973515275423, QUADRATURE, 1 / 8))
        known.append(Known("lambda_2", 8.2224712450073481e-01, QUADRATURE, 1 / 20))
    known.append(Known("P(left)", 0.5, "symmetry"))
    return GalleryEntry(
        "quartic-double-well",
        "Two wells of equal depth at x = -1 and x = 1, barrier 1/4; the coordinates y and z, if any, are independent.",
        Potential(f"(x**2 - 1)**2/4{across}", parameters, dimension=n),
        _box(n),
        1 / 20,
        _halves(n),
        tuple(known),
        _on_the_axis(n, (("minimum", -1.0, 0.0), ("saddle", 0.0, 0.25), ("minimum", 1.0, 0.0))),
    )


def tilted_double_well(tilt: float = 0.1, dimension: float = 1, k: float = 1.0) -> GalleryEntry:
    """V = (x**2 - 1)**2/4 + tilt*x + k*(y**2 + z**2)/2: the left well is the deeper one for a positive tilt."""
    n = dimension_parameter(dimension)
    # beyond 2/(3 sqrt 3) one of the wells is gone
    below("tilt", tilt, -2.0 / sqrt(27.0), 2.0 / sqrt(27.0))
    across, parameters = _transverse(n, positive("k", k))
    known: list[Known] = []
    if tilt == 0.1 and (n == 1 or k >= 0.1):
        for epsilon, lambda_1, rightwards, leftwards in (
            (1 / 8, 6.8489102038812463e-02, 9.0050338307490872e01, 2.1577080536792347e01),
            (1 / 20, 7.9642779171443881e-03, 5.9141008636260656e03, 1.3290858521688793e02),
            (1 / 400, 8.2534800325745963e-29, 5.1958252196070036e62, 1.2116101281559159e28),
        ):
            known.append(Known("lambda_1", lambda_1, QUADRATURE, epsilon))
            known.append(Known("T(x = -1 -> right)", rightwards, QUADRATURE, epsilon))
            known.append(Known("T(x = 1 -> left)", leftwards, QUADRATURE, epsilon))
    return GalleryEntry(
        "tilted-double-well",
        "A double well whose two minima differ in depth by about twice the tilt.",
        Potential(f"(x**2 - 1)**2/4 + tilt*x{across}", {"tilt": tilt, **parameters}, dimension=n),
        _box(n),
        1 / 20,
        _halves(n),
        tuple(known),
    )


def flat_and_sharp(asymmetry: float = 0.4, dimension: float = 1, k: float = 1.0) -> GalleryEntry:
    """V = (x**2 - 1)**2*(1 + asymmetry*x)/4 + ...: equal depths, curvatures 2(1 - asymmetry) and 2(1 + asymmetry)."""
    n = dimension_parameter(dimension)
    below("asymmetry", asymmetry, -0.5, 0.5)
    across, parameters = _transverse(n, positive("k", k))
    flat, sharp = sqrt(1.0 + asymmetry), sqrt(1.0 - asymmetry)
    known = [Known("P(left) as epsilon -> 0", flat / (flat + sharp), LAPLACE)]
    if asymmetry == 0.4:
        for epsilon, weight, lambda_1, rightwards, leftwards in (
            (1 / 20, 6.0191506103269061e-01, 2.5546290075182241e-03, 9.9329304191632401e02, 6.5869632487293871e02),
            (1 / 80, 6.0394841761642043e-01, 6.2937741586289577e-10, 4.0117798611617499e09, 2.6308070644258428e09),
            (1 / 400, 6.0427987892640675e-01, 2.4570398198407381e-45, 1.0284890489600001e45, 6.7351872066367851e44),
        ):
            known.append(Known("P(left)", weight, QUADRATURE, epsilon))
            if n == 1 or k >= 0.1:
                known.append(Known("lambda_1", lambda_1, QUADRATURE, epsilon))
            known.append(Known("T(x = -1 -> right)", rightwards, QUADRATURE, epsilon))
            known.append(Known("T(x = 1 -> left)", leftwards, QUADRATURE, epsilon))
    return GalleryEntry(
        "flat-and-sharp",
        "Two minima of equal depth, a flat one at x = -1 and a sharp one at x = 1: the share of the flat one does not "
        "depend on the noise when it is small.",
        Potential(f"(x**2 - 1)**2*(1 + asymmetry*x)/4{across}", {"asymmetry": asymmetry, **parameters}, dimension=n),
        _box(n),
        1 / 20,
        _halves(n),
        tuple(known),
        _on_the_axis(n, (("minimum", -1.0, 0.0), ("minimum", 1.0, 0.0))),
    )


def flat_top(height: float = 0.25) -> GalleryEntry:
    """V = height*(2*x**6 - 3*x**4 + 1): the barrier at 0 is quartic, V'' vanishes there."""
    positive("height", height)
    return GalleryEntry(
        "flat-top",
        "Two wells with V'' = 24 height, over a degenerate barrier -3 height x**4.",
        Potential("height*(2*x**6 - 3*x**4 + 1)", {"height": height}),
        Box((-1.6,), (1.6,)),
        height / 5.0,
        _halves(1),
        (Known("P(left)", 0.5, "symmetry"),),
        _on_the_axis(1, (("minimum", -1.0, 0.0), ("saddle", 0.0, height), ("minimum", 1.0, 0.0))),
    )


def triple_well(height: float = 1.0) -> GalleryEntry:
    """V = height*(27/4)*x**2*(x**2 - 1)**2: three wells of equal depth, barriers ``height`` at x**2 = 1/3."""
    positive("height", height)
    place = 1.0 / sqrt(3.0)
    return GalleryEntry(
        "triple-well",
        "Three wells of equal depth; the middle one is flatter, and holds half of the mass at small noise.",
        Potential("27/4*height*x**2*(x**2 - 1)**2", {"height": height}),
        Box((-1.4,), (1.4,)),
        height / 5.0,
        {"left": HalfSpace((-1.0,), 1.0), "right": HalfSpace((1.0,), 1.0)},
        (Known("P(middle) as epsilon -> 0", 0.5, LAPLACE),),
        _on_the_axis(
            1,
            (
                ("minimum", -1.0, 0.0), ("saddle", -place, height), ("minimum", 0.0, 0.0),
                ("saddle", place, height), ("minimum", 1.0, 0.0),
            ),
        ),
    )  # fmt: skip


def prinz() -> GalleryEntry:
    """V = 4(x**8 + 0.8 exp(-80 x**2) + 0.2 exp(-80 (x-1/2)**2) + 0.5 exp(-40 (x+1/2)**2)): four wells."""
    return GalleryEntry(
        "prinz",
        "Four wells of different depths and widths (Prinz and others, J. Chem. Phys. 134 (2011) 174105), "
        "in units of the noise.",
        Potential(
            "4*(x**8 + 0.8*exp(-80*x**2) + 0.2*exp(-80*(x - 0.5)**2) + 0.5*exp(-40*(x + 0.5)**2))",
        ),
        Box((-1.2,), (1.2,)),
        1.0,
        {"left": HalfSpace((-1.0,), 0.73943017816066358), "right": HalfSpace((1.0,), 0.67329635477756966)},
        (),
        _on_the_axis(
            1,
            (
                ("minimum", -0.73943017816066358, 0.55937977244120557),
                ("saddle", -0.5015979524335832, 2.0158247254022578),
                ("minimum", -0.22373757819512757, 0.15281100172071317),
                ("saddle", -7.0953944444896007e-6, 3.2000908143931961),
                ("minimum", 0.26914935131897206, 0.021103801557802609),
                ("saddle", 0.50200938131645743, 0.81587610832458824),
                ("minimum", 0.67329635477756966, 0.24132226185163078),
            ),
        ),
    )


def many_wells(dimension: float = 2) -> GalleryEntry:
    """V = sum of (x_i**2 - 1)**2/4: 2**d wells of equal depth; eigenvalues are sums of those in one dimension."""
    n = dimension_parameter(dimension, 2)
    terms = " + ".join(f"({axis}**2 - 1)**2/4" for axis in "xyz"[:n])
    known = []
    for epsilon, lambda_1 in ((1 / 8, 5.6818325282531819e-02), (1 / 20, 2.7761406365727255e-03)):
        source = f"sum over the axes, {QUADRATURE}"
        known += [Known(f"lambda_{i + 1}", lambda_1, source, epsilon) for i in range(n)]
        known += [Known(f"lambda_{n + 1}", 2.0 * lambda_1, source, epsilon)]
    return GalleryEntry(
        "many-wells",
        "Independent quartic double wells along every axis: degenerate eigenvalues, several parallel saddles.",
        Potential(terms),
        Box((-2.0,) * n, (2.0,) * n),
        1 / 20,
        {"right": HalfSpace((1.0,) + (0.0,) * (n - 1), 1.0)},
        tuple(known),
    )


def _transverse(dimension: int, k: float) -> tuple[str, dict[str, float]]:
    """The confining term in y and z, with its parameter."""
    if dimension == 1:
        return "", {}
    return f" + k*({square_of('yz'[: dimension - 1])})/2", {"k": k}


def _box(dimension: int) -> Box:
    half = (2.0,) + (1.5,) * (dimension - 1)
    return Box(tuple(-h for h in half), half)


def _halves(dimension: int) -> dict[str, HalfSpace]:
    rest = (0.0,) * (dimension - 1)
    return {
        "left": HalfSpace((-1.0, *rest), 1.0),
        "middle": HalfSpace((1.0, *rest), 0.0),
        "right": HalfSpace((1.0, *rest), 1.0),
    }


def _on_the_axis(dimension: int, points: tuple[tuple[str, float, float], ...]) -> tuple[KnownPoint, ...]:
    return tuple(KnownPoint(kind, (x,) + (0.0,) * (dimension - 1), value) for kind, x, value in points)
