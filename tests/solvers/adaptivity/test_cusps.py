"""V like a fractional power of the distance to a plane or a point: rules of quadrature err there like a power of n."""

import numpy as np
import pytest
from scipy.integrate import quad

import fokker_planck as fp


def time_by_quadrature(potential, noise, start, stop, lower, weight=lambda r: 1.0):
    """int_start^stop dy e^(V(y)/eps)/w(y) int_lower^y dz w(z) e^(-V(z)/eps) / eps."""

    def mass(y):
        at_zero = [0.0] if lower < 0.0 < y else None
        inner = quad(
            lambda z: weight(z) * np.exp(-potential(z) / noise), lower, y, points=at_zero, epsabs=0, epsrel=1e-12
        )
        return np.exp(potential(y) / noise) / weight(y) * inner[0]

    return quad(mass, start, stop, points=[0.0] if start < 0.0 else None, epsabs=0, epsrel=1e-11)[0] / noise


def holds(quantity, value, digits=1e-11):
    """Inside its bar, up to what the quadrature knows."""
    return abs(quantity.value / value - 1.0) <= quantity.relative_error + digits


@pytest.mark.parametrize(("power", "noise"), [(1.5, 0.1), (1.5, 0.5), (1.2, 0.5)])
def test_a_kink_of_any_power_is_in_the_bar_of_an_exit_time(power, noise):
    """7 bars in the plane and 1.8 on a line where answer and verification have nearly the same rule."""
    value = time_by_quadrature(lambda x: abs(x) ** power, noise, -0.5, 1.5, -2.0)
    for tolerance in (1e-3, 1e-6):
        line = fp.Overdamped(fp.Potential(f"abs(x)**{power}"), fp.Isotropic(noise))
        given = fp.Problem(line, fp.Box([-2], [3]), fp.Resolution(tolerance=tolerance))
        assert holds(fp.mean_exit_time(given, [-0.5], fp.HalfSpace([1.0], 1.5)).mean, value)
        plane = fp.Overdamped(fp.Potential(f"abs(x)**{power} + y**2/2"), fp.Isotropic(noise))
        given = fp.Problem(plane, fp.Box([-2, -1], [3, 1]), fp.Resolution(tolerance=tolerance))
        assert holds(fp.mean_exit_time(given, [-0.5, 0.1], fp.HalfSpace([1.0, 0.0], 1.5)).mean, value)


@pytest.mark.parametrize("power", [0.5, 1.5])
def test_a_well_without_a_slope_at_its_lowest_point(power):
    """V = r^power in the unit disc has not even a gradient in r = 0: it ended in a traceback."""
    process = fp.Overdamped(fp.Potential(f"(x**2 + y**2)**{power / 2}"), fp.Isotropic(0.5))
    found = fp.mean_exit_time(fp.Problem(process, fp.Ball([0, 0], 1.0)), [0.3, 0.0], "boundary").mean
    assert holds(found, time_by_quadrature(lambda r: r**power, 0.5, 0.3, 1.0, 0.0, lambda r: r))


@pytest.mark.parametrize(("turn", "tolerance"), [(1.0, 1e-6), (5.0, 1e-4), (5.0, 1e-8)])
def test_a_cone_under_a_rotation_is_in_the_bar(turn, tolerance):
    """V = |r - 1| has a cone at the origin: degrees 6 and 8 agreed to 6e-10 where both were 1.1e-8 off."""
    # int_0.3^1.8 ds e^(5|s - 1|) / (0.2 s) int_0^s t e^(-5|t - 1|) dt by mpmath, whatever the rotation
    value = 13.0152867198061
    circling = fp.Drift([f"-{turn}*y", f"{turn}*x"])
    process = fp.Overdamped(fp.Potential("abs(sqrt(x**2 + y**2) - 1)"), fp.Isotropic(0.2), extra=circling)
    given = fp.Problem(process, fp.Box([-2, -2], [2, 2]), fp.Resolution(tolerance=tolerance))
    found = fp.mean_exit_time(given, [0.3, 0.0], fp.Region("x**2 + y**2 - 1.8**2")).mean
    assert holds(found, value)
    assert found.relative_error < tolerance
