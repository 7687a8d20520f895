"""One small eigenvalue a well: the hierarchy of four wells, ties, a ring of equal wells, three holes in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import expm1, log, pi, prod, sin, sqrt
from typing import Any

from fokker_planck.quantity import Quantity
from validation.by_hand import chain, rate
from validation.claim import Check, Claim, Finding, Run, Table, equal, near
from validation.drawing import BLUE, GREEN, MUTED, ORANGE, figure
from validation.wells import DETOUR_PASS, DIRECT_PASS, LEFT_HOLE, THREE_HOLES, UPPER_HOLE, DoubleWell, at_zero

# V' has these zeros: minima and maxima in turn; the second well is the deepest
PLACES = (-0.9, -0.6, -0.1, 0.5, 1.0, 1.5, 1.7)
HIERARCHY, RING, TRIPLE, HOLES = (150, 300, 600, 1200, 2400), (40, 80, 400, 2000), (10, 50, 500), (1.67, 6.67, 30, 100)
WAVES = 6
# spectral elements of order 12, two meshes agree in all digits
HOLE_EIGENVALUES = {1.67: (8.1392418811718e-02, 7.5472329425491e-01), 6.67: (3.653381347787e-07, 4.6036442288839e-02)}
BY_HAND = "the same chain by hand: rounding in logarithms of up to 700"
ORDER_EPS = "polynomial through the ratios: its rest is of the order of the product of noise over barrier, 20 times"
FINE = 1e-8


def compute(run: Run) -> Finding:
    """The eigenvalues of all four problems over those of their chains."""
    noises = {
        "four wells": HIERARCHY[2:4] if run.quick else HIERARCHY,
        "ring": RING[:1] if run.quick else RING,
        "triple": TRIPLE[1:2] if run.quick else TRIPLE,
        "three holes": () if run.quick else HOLES,
    }
    found = {
        (name, n): run.step(f"{name}, noise 1/{n}", partial(SOLVERS[name], 1.0 / n))
        for name, chosen in noises.items()
        for n in chosen
    }
    hands = {(name, n): HANDS[name](1.0 / n) for name, n in found}
    checks = [
        equal(f"printed, {name}, noise 1/{n}, λ{m + 1}", printed, hand, 1e-9, BY_HAND)
        for (name, n), pairs in found.items()
        for m, ((_, printed), hand) in enumerate(zip(pairs, hands[name, n], strict=True))
    ]
    checks += [*_hierarchy_checks(found), *_ring_checks(found), *_triple_checks(found), *_hole_checks(found, hands)]
    rows = tuple(
        (f"{name}, 1/{n}", m + 1, value, hand, value.ratio(hand))
        for (name, n), pairs in found.items()
        for m, ((value, _), hand) in enumerate(zip(pairs, hands[name, n], strict=True))
    )
    table = Table("Small eigenvalues beside those of the chain of wells", ("problem", "n", "λ", "chain", "ratio"), rows)
    drawings = [
        figure(
            "Four wells: each eigenvalue falls with the barrier of its own well",
            "Natural logarithm of three eigenvalues against one over the noise: three straight lines that fan out; on "
            "them the rates over the lowest saddle of each well.",
            partial(_draw, found),
        )
    ]
    remarks = (
        "Ordered by the height that separates a well from a deeper one, each eigenvalue is the rate over one pass. "
        "Where depths tie, as in the triple well and on the ring, no such order exists and the matrix of rates must be "
        "diagonalised: a factor of two or more, whatever the noise, to whoever takes single rates.",
        "The formula sets in as the noise falls below the barrier of the well in question: the shallowest of four, of "
        "0.037, is off by 7 percent at noise 1/150 where the others are off by 2.",
    )
    return Finding(tuple(checks), (table,), tuple(drawings), remarks)


def four_wells() -> DoubleWell:
    """The polynomial of degree eight with V' = 0 at PLACES, 0.25 from its lowest minimum to its highest maximum."""
    from numpy.polynomial import Polynomial

    V = Polynomial.fromroots(PLACES).integ()
    scale = 0.25 / max(V(x) - V(PLACES[2]) for x in PLACES[1::2])
    powers = tuple(float(c) * scale for c in V.coef)
    return DoubleWell("four wells", " + ".join(f"({float(c)!r})*x**{k}" for k, c in enumerate(powers) if k), powers)


def passes(noise: float) -> list[Quantity]:
    """The rates over the lowest saddle of each well but the deepest, the slowest first: left, third, fourth well."""
    formula = four_wells().formula
    ways = ((0, 1), (4, 3), (6, 5))
    return [rate(formula, (PLACES[well],), (PLACES[top],), noise) for well, top in ways]


def four_wells_solved(noise: float) -> list[Any]:
    """Eigenvalues, and what is printed beside them."""
    return _solved(four_wells().formula, noise, (-1.2,), (2.0,), 3)


def ring_solved(noise: float) -> list[Any]:
    """Six wells, V = (1 - cos 6x)/8 on [0, 2 pi), barrier 1/4."""
    return _solved(f"(1 - cos({WAVES}*x))/8", noise, (0.0,), (2.0 * pi,), WAVES - 1, "periodic")


def triple_solved(noise: float) -> list[Any]:
    """Three wells of equal depth, the middle one flatter, barriers 1."""
    return _solved("27/4*x**2*(x**2 - 1)**2", noise, (-1.4,), (1.4,), 2)


def holes_solved(noise: float) -> list[Any]:
    """The three-hole potential."""
    return _solved(THREE_HOLES, noise, (-2.0, -1.5), (2.0, 2.5), 2, tolerance=1e-6)


def _solved(
    formula: str,
    noise: float,
    lower: tuple[float, ...],
    upper: tuple[float, ...],
    count: int,
    boundary: str = "reflecting",
    tolerance: float = FINE,
) -> list[Any]:
    import fokker_planck as fp

    process = fp.Overdamped(fp.Potential(formula), fp.Isotropic(noise))
    posed = fp.Problem(process, fp.Box(lower, upper, boundary), resolution=fp.Resolution(tolerance=tolerance))
    return [[one.real, one.asymptotic] for one in fp.spectrum(posed, count + 1).eigenvalues[1:]]


def four_wells_by_hand(noise: float) -> list[Quantity]:
    """The chain of four wells."""
    formula = four_wells().formula
    rates: dict[tuple[int, int], Sequence[Quantity]] = {}
    for k in range(3):
        left, top, right = ((PLACES[2 * k + m],) for m in range(3))
        rates[k, k + 1] = [rate(formula, left, top, noise)]
        rates[k + 1, k] = [rate(formula, right, top, noise)]
    return chain(rates)


def ring_by_hand(noise: float) -> list[Quantity]:
    """4 k sin(pi m/N)**2, k = V''/(2 pi) exp(-1/(4 noise)), V'' = 9/2 at the bottoms and minus that at the tops."""
    k = Quantity.of_log(log(4.5 / (2.0 * pi)) - 0.25 / noise, 0.0)
    return [k.scaled(4.0 * sin(pi * m / WAVES) ** 2) for m in (1, 1, 2, 2, 3)]


def triple_by_hand(noise: float) -> list[Quantity]:
    """Out of the outer wells a = sqrt(54 18)/(2 pi) exp(-1/noise), out of the middle one a/2 to each side: a and 2a."""
    a = Quantity.of_log(log(sqrt(54.0 * 18.0) / (2.0 * pi)) - 1.0 / noise, 0.0)
    return [a, a.scaled(2.0)]


def holes_by_hand(noise: float) -> list[Quantity]:
    """The chain of three wells, of which two are equal: left, right, upper."""
    direct = rate(THREE_HOLES, LEFT_HOLE, DIRECT_PASS, noise)
    up = rate(THREE_HOLES, LEFT_HOLE, DETOUR_PASS, noise)
    down = rate(THREE_HOLES, UPPER_HOLE, DETOUR_PASS, noise)
    return chain({(0, 1): [direct], (1, 0): [direct], (0, 2): [up], (1, 2): [up], (2, 0): [down], (2, 1): [down]})


SOLVERS = {
    "four wells": four_wells_solved, "ring": ring_solved, "triple": triple_solved, "three holes": holes_solved
}  # fmt: skip
HANDS = {
    "four wells": four_wells_by_hand, "ring": ring_by_hand, "triple": triple_by_hand, "three holes": holes_by_hand
}  # fmt: skip


def _slopes(found: dict[Any, Any], name: str, hand: Any, m: int) -> tuple[list[float], list[float]]:
    noises = [1.0 / n for one, n in found if one == name]
    values = [pairs[m][0].log for (one, _), pairs in found.items() if one == name]
    return noises, [expm1(v - hand(n)[m].log) / n for n, v in zip(noises, values, strict=True)]


def _hierarchy_checks(found: dict[Any, Any]) -> list[Check]:
    well, checks = four_wells(), []
    for m, (bottom, top) in enumerate(((0, 1), (4, 3), (6, 5))):
        noises, slopes = _slopes(found, "four wells", passes, m)
        limit = at_zero(noises[-3:], slopes[-3:])
        c = -_laplace(well, PLACES[bottom], PLACES[top])
        height = well.derivative(0, PLACES[top]) - well.derivative(0, PLACES[bottom])
        tolerance = 20.0 * abs(c) * prod(noise / height for noise in noises[-3:])
        checks.append(near(f"c of λ{m + 1} over one pass, four wells", limit, c, tolerance, ORDER_EPS))
    return checks


def _laplace(well: DoubleWell, bottom: float, top: float) -> float:
    """A_a + A_b of a polynomial."""
    (a2, a3, a4), (b2, b3, b4) = ([well.derivative(k, x) for k in (2, 3, 4)] for x in (bottom, top))
    at_bottom = 5.0 * a3**2 / (24.0 * a2**3) - a4 / (8.0 * a2**2)
    return at_bottom + 5.0 * b3**2 / (24.0 * abs(b2) ** 3) + b4 / (8.0 * b2**2)


def _ring_checks(found: dict[Any, Any]) -> list[Check]:
    checks = []
    for (name, n), pairs in found.items():
        if name == "ring":
            values = [value for value, _ in pairs]
            for a, b in ((0, 1), (2, 3)):
                what = f"ring, noise 1/{n}: λ{a + 1} and λ{a + 2}"
                checks.append(equal(what, values[a], values[b], FINE, "symmetry"))
    noises, slopes = _slopes(found, "ring", ring_by_hand, 0)
    rest, because = 10.0 * noises[-1], "c + O(noise): V'''' = -162 at the bottoms, 162 at the tops, c = -1 - 1"
    return [*checks, near("c of the ring at the smallest noise", slopes[-1], -2.0, rest, because)]


def _triple_checks(found: dict[Any, Any]) -> list[Check]:
    """λ1 is the rate a out of an outer well, λ2 = a + 2 (a/2), the second from the middle one."""
    well, top = DoubleWell("triple", "", (0.0, 0.0, 6.75, 0.0, -13.5, 0.0, 6.75)), 1.0 / sqrt(3.0)
    outer, middle = -_laplace(well, 1.0, top), -_laplace(well, 0.0, top)
    checks = []
    for m, c in enumerate((outer, (outer + middle) / 2.0)):
        noises, slopes = _slopes(found, "triple", triple_by_hand, m)
        because = "c + O(noise), c by Laplace's method for the wells that it is the rate of"
        what = f"c of λ{m + 1}, triple well, noise {noises[-1]:g}"
        checks.append(near(what, slopes[-1], c, 2.0 * noises[-1], because))
    return checks


def _hole_checks(found: dict[Any, Any], hands: dict[Any, Any]) -> list[Check]:
    checks = []
    for (name, n), pairs in found.items():
        if name == "three holes":
            for m, (value, _) in enumerate(pairs):
                if n in HOLE_EIGENVALUES:
                    known = HOLE_EIGENVALUES[n][m]
                    checks.append(equal(f"λ{m + 1}, three holes, noise 1/{n}", value, known, 1e-6, "tolerance asked"))
                if n >= 6.67:
                    what, because = f"λ{m + 1} over the chain's, noise 1/{n}", "a rest of first order: once the noise"
                    checks.append(equal(what, value, hands[name, n][m], 1 / n, because))
    return checks


def _draw(found: dict[Any, Any], ax: Any) -> None:
    noises = [1.0 / n for name, n in found if name == "four wells"]
    for m, (colour, marker) in enumerate(((BLUE, "o"), (ORANGE, "s"), (GREEN, "D"))):
        values = [pairs[m][0].log for (name, _), pairs in found.items() if name == "four wells"]
        ends = (noises[0], noises[-1])
        ax.plot([1.0 / n for n in ends], [passes(n)[m].log for n in ends], "-", color=MUTED, linewidth=1.0)
        ax.plot([1.0 / n for n in noises], values, marker, color=colour, label=f"λ{m + 1}")
    ax.set_xlabel("1/noise")
    ax.set_ylabel("ln λ")
    ax.legend()


CLAIM = Claim(
    name="several-wells",
    group="eyring-kramers",
    title="One small eigenvalue for every well but the deepest",
    statement=(
        "With K wells there are K - 1 small eigenvalues. If one barrier after the other is lower, each is the rate out "
        "of one well over its lowest saddle; if depths tie, they are those of the matrix of all rates. N equal wells "
        "on a ring relax like a chain of N states: in pairs, and one alone if N is even."
    ),
    formula="λₙ ≃ kₙ = |λ₋(zₙ)|/2π · √(det ∇²V(xₙ)/|det ∇²V(zₙ)|) · exp(-(V(zₙ) - V(xₙ))/ε);  ring: λₘ = 4k sin²(πm/N)",
    source="Bovier, Gayrard and Klein 2005, theorem 1.2; ring and ties: Berglund 2013",
    compute=compute,
)
