"""The place of an exit against closed forms: Poisson's kernel, series of Kummer's functions, shares of two saddles."""

import json
import math

import mpmath
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError
from fokker_planck.solvers.exits.gates import valleys

DISC = fp.Ball([0.0, 0.0], 1.0)


def held(curve, exact, most):
    """Everywhere the error is below the bar, and that below ``most`` of the highest density."""
    density, bars = np.array(curve.density), np.array(curve.absolute_error)
    assert (np.abs(density - exact(np.array(curve.points))) <= bars).all()
    assert bars.max() < most * density.max()


@pytest.mark.parametrize("start", [(0.5, 0.2), (0.8, 0.0)])
def test_brownian_motion_leaves_a_disc_by_the_kernel_of_poisson(start):
    free = fp.Overdamped(fp.Potential("0", dimension=2), fp.Isotropic(0.5))
    found = fp.exit_place(fp.Problem(free, DISC, fp.Resolution(tolerance=1e-6)), start, "boundary")
    (curve,), (share,) = found.curves, found.shares
    square = 1.0 - start[0] ** 2 - start[1] ** 2
    held(curve, lambda x: square / (2.0 * np.pi * ((x - start) ** 2).sum(axis=1)), 2e-6)
    assert curve.closed
    assert curve.arclength[-1] == pytest.approx(2.0 * np.pi, abs=1e-12)
    assert share.probability.value == pytest.approx(1.0, abs=1e-12)


def of_rotation(omega, noise, radius):
    """rho on the unit circle from (radius, 0) for b = -x + omega J x: with u = r^m e^(i m theta) f(r^2/2D), L u = 0."""
    coefficients = []
    for m in range(1, 120):
        a = mpmath.mpc(m / 2, -omega * m / 2)
        at = [mpmath.hyp1f1(a, m + 1, r**2 / (2.0 * noise)) * mpmath.mpf(r) ** m for r in (radius, 1.0)]
        coefficients.append(complex(at[0] / at[1]))
        if abs(coefficients[-1]) < 1e-17:
            break

    def density(x):
        angle = np.arctan2(x[:, 1], x[:, 0])
        waves = ((c * np.exp(-1j * m * angle)).real for m, c in enumerate(coefficients, start=1))
        return (1.0 + 2.0 * sum(waves)) / (2.0 * np.pi)

    return density


@pytest.mark.parametrize(
    ("omega", "known"), [(30.0, True), pytest.param(2.0, False, marks=pytest.mark.slow)], ids=["known", "unknown"]
)
def test_a_rotation_carries_the_place_along(omega, known):
    if known:
        turn = fp.Drift([f"-{omega}*y", f"{omega}*x"])
        process = fp.Overdamped(fp.Potential("(x**2 + y**2)/2"), fp.Isotropic(0.5), extra=turn)
    else:
        process = fp.Drifting(fp.Drift([f"-x - {omega}*y", f"{omega}*x - y"]), fp.Isotropic(0.5))
    found = fp.exit_place(fp.Problem(process, DISC, fp.Resolution(tolerance=1e-5)), (0.6, 0.0), "boundary")
    held(found.curves[0], of_rotation(omega, 0.5, 0.6), 1e-4)


@pytest.mark.parametrize("noise", [0.05, pytest.param(0.0025, marks=pytest.mark.slow)])
def test_shares_of_two_lowest_points_in_the_limit(noise):
    """At theta = 0 and pi, V = 1/2 +- 1/100: each leaves in proportion to V_n exp(-V/eps)/sqrt(V_tt)."""
    process = fp.Overdamped(fp.Potential("x**2/2 + y**2 + x/100"), fp.Isotropic(noise))
    found = fp.exit_place(fp.Problem(process, DISC, fp.Resolution(tolerance=1e-5)), (0.1, 0.0), "boundary")
    left, right = sorted(found.shares, key=lambda share: share.lowest)
    assert left.lowest == pytest.approx((-1.0, 0.0), abs=1e-9)
    assert right.lowest == pytest.approx((1.0, 0.0), abs=1e-9)
    assert left.probability.value + right.probability.value == pytest.approx(1.0, abs=1e-12)
    limit = 0.99 / 1.01 * math.sqrt(0.99 / 1.01) * math.exp(0.02 / noise)
    # from (0.1, 0): corrections of order eps nearly cancel in the quotient
    assert left.probability.value / right.probability.value == pytest.approx(limit, rel=0.2 * noise)
    # what lies far above the lowest points is left away; else cos^2/2 + sin^2 + cos/100 is highest where cos = 1/100
    assert len(found.curves) == (1 if noise > 0.01 else 2)
    if noise > 0.01:
        assert right.arc == pytest.approx((2.0 * np.pi - math.acos(0.01), math.acos(0.01)), abs=1e-6)


def test_shares_of_two_unequal_saddles_are_those_of_the_committor():
    """Lines behind two saddles, turned: shares by quadrature, in the limit those of Eyring and Kramers."""
    angle, noise = 0.4, 0.02
    c, s = math.cos(angle), math.sin(angle)
    u, v = f"({c}*x + {s}*y)", f"({c}*y - {s}*x)"
    process = fp.Overdamped(fp.Potential(f"{u}**2/2 - {u}**4/4 - 0.03*{u} + {v}**2"), fp.Isotropic(noise))
    problem = fp.Problem(process, fp.Ball([0.0, 0.0], 1.6), fp.Resolution(tolerance=1e-5))
    found = fp.exit_place(problem, (0.0, 0.0), fp.Region(f"abs({c}*x + {s}*y) - 1.2"))

    def height(x):
        return x**2 / 2.0 - x**4 / 4.0 - 0.03 * x

    with mpmath.workdps(30):
        right, left = (
            float(mpmath.quad(lambda x: mpmath.exp((height(x) - 0.22) / noise), [*sorted((0.0, end / 2, end))]))
            for end in (-1.2, 1.2)
        )
    exact = {1.0: right / (left + right), -1.0: left / (left + right)}
    assert len(found.shares) == len(found.curves) == 2
    for share in found.shares:
        side = math.copysign(1.0, c * share.lowest[0] + s * share.lowest[1])
        assert share.lowest == pytest.approx((1.2 * side * c, 1.2 * side * s), abs=1e-9)
        assert abs(share.probability.value / exact[side] - 1.0) <= share.probability.relative_error < 1e-5
    saddles = sorted(np.roots([-1.0, 0.0, 1.0, -0.03]).real)[::2]
    factors = [math.sqrt(3.0 * x**2 - 1.0) * math.exp(-height(x) / noise) for x in saddles]
    assert exact[-1.0] / exact[1.0] == pytest.approx(factors[0] / factors[1], rel=noise / 0.25)


def test_valleys_of_a_row():
    ring = 3.0 * np.cos(2.0 * np.pi * np.arange(200) / 100.0)
    assert valleys(ring, closed=True, least=1.0) == [(0, 50, 100), (100, 150, 0)]
    assert valleys(ring, closed=False, least=1.0) == [(None, 50, 100), (100, 150, None)]
    ripples = ring + 0.1 * np.sin(40.0 * np.arange(200))
    assert len(valleys(ripples, closed=True, least=1.0)) == 2
    assert valleys(np.zeros(7), closed=True, least=1.0) == [(None, 0, None)]


def test_what_it_is_not_for():
    line = fp.Problem(fp.Overdamped(fp.Potential("x**2"), fp.Isotropic(1.0)), fp.Box([-1.0], [1.0]))
    kinetic = fp.Problem(
        fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(1.0), 0.5), fp.Box([-3.0, -3.0], [3.0, 3.0])
    )
    for problem, start in ((line, [0.0]), (kinetic, [0.0, 0.0])):
        with pytest.raises(ProblemError, match="parts"):
            fp.exit_place(problem, start, fp.HalfSpace([1.0] + [0.0] * (len(start) - 1), 0.5))


def of_a_square(start, points):
    """rho of Brownian motion on the sides of (-1, 1)^2: by Fourier's series from each, without cancelling."""

    def side(away, along, s):
        k = 0.5 * np.pi * np.arange(1, 300)
        reached = np.exp(k * (away - 2.0)) * np.expm1(-2.0 * k * away) / np.expm1(-4.0 * k)
        return (np.sin(np.outer(s, k)) * np.sin(k * along) * reached).sum(axis=1)

    (x, y), density = start, np.zeros(len(points))
    sides = ((1.0 + x, y, 0, 1.0), (1.0 - x, y, 0, -1.0), (1.0 + y, x, 1, 1.0), (1.0 - y, x, 1, -1.0))
    for away, other, axis, place in sides:
        there = np.abs(points[:, axis] - place) < 1e-12
        density[there] = side(away, 1.0 + other, 1.0 + points[there, 1 - axis])
    return density


def test_brownian_motion_leaves_a_square():
    """At its corners the density is zero, which no power of e that follows its logarithm shows: refused before."""
    free, start = fp.Overdamped(fp.Potential("0", dimension=2), fp.Isotropic(0.5)), (0.2, 0.1)
    found = fp.exit_place(fp.Problem(free, fp.Box([-1.0, -1.0], [1.0, 1.0]), fp.Resolution(1e-4)), start, "boundary")
    (curve,) = found.curves
    held(curve, lambda points: of_a_square(start, points), 1e-4)


def test_four_sides_are_left_alike():
    well = fp.Overdamped(fp.Potential("(x**2 + y**2)/2"), fp.Isotropic(0.1))
    square = fp.Problem(well, fp.Box([-1.0, -1.0], [1.0, 1.0]), fp.Resolution(1e-4))
    found = fp.exit_place(square, (0.0, 0.0), "boundary")
    assert len(found.shares) == 4
    for share in found.shares:
        assert abs(share.probability.value - 0.25) <= 0.25 * share.probability.relative_error < 1e-5
        assert (share.arc[1] - share.arc[0]) % 8.0 == pytest.approx(2.0, abs=1e-6)


def test_corners_that_reach_into_the_process_are_refused():
    free = fp.Overdamped(fp.Potential("0", dimension=2), fp.Isotropic(1.0))
    square = fp.Region("min(0.3 - x, 0.3 - y)")
    with pytest.raises(ProblemError, match="corner"):
        fp.exit_place(fp.Problem(free, fp.Box([0.0, 0.0], [1.0, 1.0])), (0.7, 0.7), square)


def test_the_command_prints_the_contract(capsys, tmp_path):
    from fokker_planck.cli.command import main

    file = "examples/place_of_exit.toml"
    assert (
        main(["exit-place", file, "--json", "-q", "-o", str(tmp_path), "--set", "discretization.tolerance=1e-4"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [sorted(found[name][0]) for name in ("shares", "curves")] == [
        ["arc", "curve", "lowest", "probability"],
        ["absolute_error", "arclength", "closed", "density", "points"],
    ]
    curve = found["curves"][0]
    # density times length is all that leaves
    assert np.trapezoid(curve["density"], curve["arclength"]) == pytest.approx(1.0, abs=1e-3)
    loaded = fp.load(tmp_path)["exit-place"]
    assert loaded.curves[0].density == tuple(curve["density"])
    assert main(["exit-place", file, "--set", "exit.place=1"]) == 2
    assert "exit.place" in capsys.readouterr().err
