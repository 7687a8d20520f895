"""Named potentials with wells along one axis, whose numbers are known to many digits."""

from __future__ import annotations

from math import sqrt

from fokker_planck.domain import Box
from fokker_planck.gallery_entries import (
    GalleryEntry,
    Known,
    KnownPoint,
    below,
    dimension_parameter,
    positive,
    square_of,
)
from fokker_planck.potential import Potential
from fokker_planck.sets import HalfSpace

QUADRATURE = "exact quadrature in one dimension, 60 digits"
LAPLACE = "Laplace's method at small noise"


def quartic_double_well(dimension: float = 1, k: float = 1.0) -> GalleryEntry:
    """V = (x**2 - 1)**2/4 + k*(y**2 + z**2)/2: two wells of equal depth, barrier 1/4."""
    n = dimension_parameter(dimension)
    across, parameters = _transverse(n, positive("k", k))
    known = []
    for epsilon, lambda_1, to_saddle, to_well in (
        (1 / 8, 5.681832528253181903e-02, 1.842615844352453523e01, 4.103428025092896220e01),
        (1 / 20, 2.776140636572725524e-03, 3.619037595009243656e02, 7.296706919423227988e02),
        (1 / 80, 9.096514249313015794e-10, 1.099322196686590788e09, 2.198644401408288876e09),
        (1 / 400, 1.668290580659562315e-44, 5.994159600209741768e43, 1.198831920041948354e44),
        (1 / 2000, 3.204776877377859434e-218, 3.120342033977097160e217, 6.240684067954194319e217),
    ):
        if n == 1 or k >= 0.1:
            known.append(Known("lambda_1", lambda_1, QUADRATURE, epsilon))
        known.append(Known("T(x = -1 -> middle)", to_saddle, QUADRATURE, epsilon))
        known.append(Known("T(x = -1 -> right)", to_well, QUADRATURE, epsilon))
    if n == 1:
        known.append(Known("lambda_2", 1.019569973515275423, QUADRATURE, 1 / 8))
        known.append(Known("lambda_2", 8.222471245007348111e-01, QUADRATURE, 1 / 20))
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
            (1 / 8, 6.848910203881246379e-02, 9.005033830749087275e01, 2.157708053679234732e01),
            (1 / 20, 7.964277917144388142e-03, 5.914100863626065604e03, 1.329085852168879316e02),
            (1 / 400, 8.253480032574596384e-29, 5.195825219607003666e62, 1.211610128155915941e28),
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
            (1 / 20, 6.019150610326906119e-01, 2.554629007518224172e-03, 9.932930419163240182e02, 6.586963248729387183e02),
            (1 / 80, 6.039484176164204394e-01, 6.293774158628957708e-10, 4.011779861161749932e09, 2.630807064425842812e09),
            (1 / 400, 6.042798789264067526e-01, 2.457039819840738148e-45, 1.028489048960000129e45, 6.735187206636785172e44),
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
    for epsilon, lambda_1 in ((1 / 8, 5.681832528253181903e-02), (1 / 20, 2.776140636572725524e-03)):
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
