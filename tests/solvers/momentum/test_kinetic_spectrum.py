"""Underdamped processes by Hermite functions of the velocity: on a line against phase space, products in the plane."""

from dataclasses import replace
from math import cos, pi, sin, sqrt

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.solvers.momentum.kinetic_rates import rates_between_wells
from fokker_planck.solvers.momentum.kinetic_spectrum import slow_modes

QUARTIC = "(x**2 - 1)**2/4"
#: lambda_1 by Hermite x Hermite functions, noise 1/8
GAPS = {0.5: 4.503721378536e-2, 1.0: 3.881083571709e-2, 2.0: 2.499594779955e-2, 10.0: 5.647524422782e-3}
TURNED = f"((x*{cos(pi / 6)!r} + y*{sin(pi / 6)!r})**2 - 1)**2/4 + 2*(y*{cos(pi / 6)!r} - x*{sin(pi / 6)!r})**2"


def positions(potential=QUARTIC, epsilon=1 / 8, half_width=2.3, tolerance=1e-6):
    overdamped = fp.Overdamped(fp.Potential(potential), fp.Isotropic(epsilon))
    return fp.Problem(overdamped, fp.Box([-half_width], [half_width]), fp.Resolution(tolerance))


def on_a_line(friction, epsilon=1 / 8, half_width=2.3, tolerance=1e-6):
    return slow_modes(positions(QUARTIC, epsilon, half_width, tolerance), friction, 2)


def in_the_plane(potential, friction, tolerance=1e-2, half_width=2.3, **keys):
    process = fp.Underdamped(fp.Potential(potential), fp.Isotropic(1 / 8), friction)
    box = fp.Box([-half_width, -half_width], [half_width, half_width])
    return fp.Problem(process, box, fp.Resolution(tolerance), **keys)


@pytest.mark.parametrize("friction", GAPS)
def test_gaps_on_a_line(friction):
    found = on_a_line(friction)
    assert found.errors[0] < 1e-6
    assert 0.0 <= found.values[0] / GAPS[friction] - 1.0 < found.errors[0]  # from above


@pytest.mark.slow
def test_both_ways_agree_on_a_line():
    fastest = sqrt(2.0 * (0.25 + 26.0 / 8.0))
    process = fp.Underdamped(fp.Potential(QUARTIC), fp.Isotropic(1 / 8), 2.0)
    box = fp.Box([-2.3, -fastest], [2.3, fastest])
    other = fp.spectrum(fp.Problem(process, box, fp.Resolution(1e-4)), 2).gap
    found = on_a_line(2.0)
    assert other.value == pytest.approx(found.values[0], rel=other.relative_error + found.errors[0])


@pytest.mark.slow
def test_low_friction_takes_many_functions_or_is_refused():
    found = on_a_line(0.1, tolerance=1e-4)
    assert found.errors[0] < 1e-4
    assert found.values[0] == pytest.approx(2.1066668386436e-2, rel=found.errors[0])
    with pytest.raises(ConvergenceError, match="friction"):
        fp.spectrum(in_the_plane(f"{QUARTIC} + 2*y**2", 0.02), 2)


@pytest.mark.slow
def test_walls_turn_the_velocity():
    """By Legendre and Hermite functions, odd ones zero at the walls: 4.50113583e-2."""
    found = on_a_line(0.5, half_width=1.5)
    assert found.values[0] == pytest.approx(4.50113583e-2, rel=max(found.errors[0], 3e-9))


@pytest.mark.slow
def test_a_high_barrier_on_a_line():
    """Barrier 20: 7.16896497977e-10."""
    found = on_a_line(0.5, 1 / 80, 1.7)
    assert found.errors[0] < 1e-5
    assert found.values[0] == pytest.approx(7.16896497977e-10, rel=found.errors[0])


@pytest.mark.parametrize("potential", [f"{QUARTIC} + 2*y**2", pytest.param(TURNED, marks=pytest.mark.slow)])
def test_a_product_in_the_plane_has_the_gap_of_its_first_part(potential):
    asked = in_the_plane(potential, 1.0)
    found = fp.spectrum(asked, 2)
    assert found.gap.relative_error < 1e-2
    assert found.gap.value == pytest.approx(GAPS[1.0], rel=found.gap.relative_error)
    assert found.formula == "Kramers-Langer"
    assert found.eigenvalues[1].ratio == pytest.approx(1.0, abs=0.2)
    first = found.eigenfunctions[1]
    left, right = (first(np.array([[side * cos(pi / 6)], [side * sin(pi / 6)]]))[0] for side in (-1.0, 1.0))
    assert left == pytest.approx(-right, rel=1e-3)


def both(found):
    return found.rates[0][1], found.rates[1][0]


def at_a_wall(more, resolution):
    """Quartic well between walls at -0.8 and 2.2, noise 1/16, positions alone; with a coordinate more, if any."""
    lower, upper = ([-0.8, -1.5], [2.2, 1.5]) if more else ([-0.8], [2.2])
    process = fp.Overdamped(fp.Potential(QUARTIC + more), fp.Isotropic(1 / 16))
    return fp.Problem(process, fp.Box(lower, upper), resolution)


def test_rates_on_a_line_both_ways():
    """A tilted well by Hermite functions and in phase space, deep to shallow and back."""
    tilted, epsilon = f"{QUARTIC} + 0.1*x", 1 / 12
    found = both(rates_between_wells(positions(tilted, epsilon, 2.1, 1e-5), 1.0))
    fastest = sqrt(2.0 * (0.25 + 26.0 * epsilon))
    process = fp.Underdamped(fp.Potential(tilted), fp.Isotropic(epsilon), 1.0)
    other = both(fp.rates(fp.Problem(process, fp.Box([-2.1, -fastest], [2.1, fastest]), fp.Resolution(1e-3))))
    for one, same in zip(found, other, strict=True):
        assert one.relative_error < 1e-5
        assert one.value == pytest.approx(same.value, rel=one.relative_error + same.relative_error)
    gap = slow_modes(positions(tilted, epsilon, 2.1, 1e-6), 1.0, 2).values[0]
    assert found[0].value + found[1].value == pytest.approx(gap, rel=1e-5)


@pytest.mark.slow
def test_rates_out_of_a_well_far_deeper_than_the_other():
    """0.2 x at noise 1/40: barriers of 3.4 and 19.4 units; in phase space the same."""
    tilted, epsilon = f"{QUARTIC} + 0.2*x", 1 / 40
    found = both(rates_between_wells(positions(tilted, epsilon, 1.9, 1e-4), 1.0))
    fastest = sqrt(2.0 * (0.25 + 26.0 * epsilon))
    process = fp.Underdamped(fp.Potential(tilted), fp.Isotropic(epsilon), 1.0)
    other = both(fp.rates(fp.Problem(process, fp.Box([-1.9, -fastest], [1.9, fastest]), fp.Resolution(1e-4))))
    for one, same in zip(found, other, strict=True):
        assert one.relative_error < 1e-4
        assert one.value == pytest.approx(same.value, rel=one.relative_error + same.relative_error)


def test_rates_in_the_plane():
    """Of a product they are those of its first part, 2.10772e-3 and 1.845728e-2 on a line both ways."""
    process = fp.Underdamped(fp.Potential(f"{QUARTIC} + 0.1*x + 2*y**2"), fp.Isotropic(1 / 12), 1.0)
    asked = fp.Problem(process, fp.Box([-2.1, -1.5], [2.1, 1.5]), fp.Resolution(3e-2))
    found = fp.rates(asked)
    assert found.minima[0] == pytest.approx((-1.04668053, 0.0), abs=1e-6)
    for one, exact in zip(both(found), (2.10772e-3, 1.845728e-2), strict=True):
        assert one.relative_error < 3e-2
        assert one.value == pytest.approx(exact, rel=one.relative_error)
    assert found.formula == "Kramers-Langer"
    assert found.asymptotic[0][1].value == pytest.approx(found.rates[0][1].value, rel=0.1)


def test_rates_of_a_well_that_a_wall_holds():
    """V falls towards the wall at -0.8; the sum is the gap, 1.3189756443e-2 in phase space with a bar of 8e-8."""
    found = both(rates_between_wells(at_a_wall("", fp.Resolution(1e-4)), 1.0))
    bar = found[0].relative_error + found[1].relative_error
    assert bar < 2e-4
    assert found[0].value + found[1].value == pytest.approx(1.3189756443e-2, rel=bar)


@pytest.mark.slow
def test_rates_of_a_well_that_a_wall_holds_in_the_plane():
    """Of a product those of its first part, of that on a line; Kramers and Langer's beside it."""
    positions = at_a_wall(" + 2*y**2", fp.Resolution(3e-2))
    process = fp.Underdamped(positions.process.potential, fp.Isotropic(1 / 16), 1.0)
    found = fp.rates(fp.Problem(process, positions.domain, positions.resolution))
    assert found.minima == ((1.0, 0.0), (-0.8, 0.0))
    for one, same in zip(both(found), both(rates_between_wells(at_a_wall("", fp.Resolution(1e-4)), 1.0)), strict=True):
        assert one.relative_error < 3e-2
        assert one.value == pytest.approx(same.value, rel=one.relative_error)
    assert found.asymptotic[1][0].value == pytest.approx(found.rates[1][0].value, rel=0.2)


def test_a_single_well_in_the_plane_has_no_rates():
    with pytest.raises(ProblemError, match="at least two wells"):
        fp.rates(in_the_plane("x**2 + y**2", 1.0))


def test_what_is_not_solved_in_the_plane():
    asked = in_the_plane(f"{QUARTIC} + 2*y**2", 1.0, sets={"right": fp.HalfSpace([1.0, 0.0], 0.5)})
    for ask in (
        lambda: fp.stationary_density(asked),
        lambda: fp.mean_exit_time(asked, [-1.0, 0.0], "right"),
    ):
        with pytest.raises(ProblemError, match="no other is solved yet") as error:
            ask()
        assert error.value.key == "dynamics.kind"
    with pytest.raises(ProblemError, match=r"spectrum\.target"):
        fp.spectrum(asked, 1, "right")
    with pytest.raises(ProblemError, match="those between wells alone"):
        fp.spectrum(asked, 3)
    with pytest.raises(ProblemError, match=r"dynamics\.friction"):
        fp.Underdamped(fp.Potential("x**2 + y**2"), fp.Isotropic(0.1), "1 + x**2")
    with pytest.raises(ProblemError, match="six-dimensional"):
        fp.Underdamped(fp.Potential("x**2 + y**2 + z**2"), fp.Isotropic(0.1), 1.0)
    with pytest.raises(ProblemError, match="a box of the two positions"):
        fp.Problem(asked.process, fp.Ball([0.0, 0.0], 2.0))


@pytest.mark.slow
def test_the_three_holes():
    """Friction 1, beta 1.67: 2.61271e-2 with a bar of 9.1e-4, order 26, 470,000 unknowns, 40 s of CPU."""
    process = fp.Underdamped(fp.named("three-hole").potential, fp.Isotropic(1.0 / 1.67), 1.0)
    asked = fp.Problem(process, fp.Box([-2.0, -1.5], [2.0, 2.5]), fp.Resolution(1e-3))
    gap = fp.spectrum(asked, 2).gap
    assert gap.relative_error < 1e-3
    assert gap.value == pytest.approx(THREE_HOLES, rel=gap.relative_error)
    assert gap.value == pytest.approx(2.606e-2, abs=2.0 * 0.018e-2)  # a direct simulation, with its standard error
    # out of both deep wells at the same rate, by symmetry half of the gap
    for rate in both(fp.rates(replace(asked, resolution=fp.Resolution(1e-2)))):
        assert rate.relative_error < 1e-2
        assert rate.value == pytest.approx(0.5 * THREE_HOLES, rel=rate.relative_error)


THREE_HOLES = 2.6127e-2
