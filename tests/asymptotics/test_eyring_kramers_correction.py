"""Exit times and rates over Eyring-Kramers tend to one as 1 + c eps + O(eps^2), c by Laplace's method, to barrier 5000.

T = 2 pi / sqrt(V''(a) |V''(b)|) exp((V(b) - V(a))/eps) (1 + eps (A_a + A_b) + ...), a rate is 1/T.
"""

import functools
from math import expm1

import pytest
from numpy.polynomial import Polynomial

import fokker_planck as fp
from fokker_planck.asymptotics.second_order import barrier_term, well_term

TOLERANCE = 1e-10
QUARTIC = Polynomial([1.0, 0.0, -2.0, 0.0, 1.0]) / 4.0
WELLS = {
    "quartic": ("(x**2 - 1)**2/4", QUARTIC),
    "flat and sharp": ("(x**2 - 1)**2*(1 + 0.4*x)/4", QUARTIC * Polynomial([1.0, 0.4])),
}
BARRIERS = (5, 20, 50, 125, 250, 500)
ALL = [
    pytest.param(barrier, marks=[] if barrier in (5, 50, 500) else pytest.mark.slow) for barrier in (*BARRIERS, 5000)
]


def top(name):
    (place,) = [root.real for root in WELLS[name][1].deriv().roots() if abs(root) < 0.5]
    return float(place)


def derivatives(name, place):
    return [float(WELLS[name][1].deriv(order)(place)) for order in (2, 3, 4)]


def first_order(name, start):
    """c = A_a + A_b."""
    return well_term(*derivatives(name, start)) + barrier_term(*derivatives(name, top(name)))


def noise(name, barrier):
    return float(WELLS[name][1](top(name))) / barrier


@functools.cache
def slopes(name, barrier):
    """(T/T_EK - 1)/eps by exit times and by rates, from -1 and from 1, each with its error bar."""
    eps = noise(name, barrier)
    process = fp.Overdamped(fp.Potential(WELLS[name][0]), fp.Isotropic(eps))
    problem = fp.Problem(process, fp.Box([-2.0], [2.0]), resolution=fp.Resolution(tolerance=TOLERANCE))
    found = {}
    for start in (-1.0, 1.0):
        time = fp.mean_exit_time(problem, [start], fp.HalfSpace([-start], 1.0))
        found["time", start] = expm1(time.mean.log - time.asymptotic.log) / eps, time.mean.relative_error / eps
    rates = fp.rates(problem)
    wells = [minimum[0] for minimum in rates.minima]
    for start in (-1.0, 1.0):
        here = min((0, 1), key=lambda well: abs(wells[well] - start))
        exact, predicted = rates.rates[here][1 - here], rates.asymptotic[here][1 - here]
        found["rate", start] = expm1(predicted.log - exact.log) / eps, exact.relative_error / eps
    return found


@pytest.mark.parametrize("barrier", ALL)
@pytest.mark.parametrize("name", WELLS)
def test_the_ratio_tends_to_one_with_the_slope_of_laplace(name, barrier):
    """The rest is 6 to 15 times eps, at all barriers, seen to 1e-7 of the ratio at 500."""
    eps = noise(name, barrier)
    for (_, start), (slope, bar) in slopes(name, barrier).items():
        assert bar < 0.1 * eps
        assert 6.0 * eps - bar <= slope - first_order(name, start) <= 15.0 * eps + bar


@pytest.mark.slow
@pytest.mark.parametrize("name", WELLS)
def test_the_rest_is_of_order_eps_and_the_next_of_order_eps_squared(name):
    """Extrapolated linearly from two barriers the slope is c but for -2 m eps^2, m the coefficient of eps^3.

    Of the quartic it is 2 (10395/384) + 2 (3/4)(105/32) = 59.06.
    """
    for key in slopes(name, 500):
        rest = [(slopes(name, b)[key][0] - first_order(name, key[1])) / noise(name, b) for b in (125, 250, 500)]
        assert rest[2] - rest[1] == pytest.approx(0.5 * (rest[1] - rest[0]), rel=0.1)
        extrapolated = 2.0 * slopes(name, 500)[key][0] - slopes(name, 250)[key][0]
        assert extrapolated == pytest.approx(first_order(name, key[1]), abs=140.0 * noise(name, 500) ** 2)


@pytest.mark.slow
def test_the_next_coefficient_of_the_quartic():
    """(1 + 3 eps/4 + 105 eps^2/32 + ...)^2 has 9/16 + 105/16 at eps^2."""
    for key in slopes("quartic", 500):
        rest = [(slopes("quartic", b)[key][0] - 1.5) / noise("quartic", b) for b in (250, 500)]
        assert 2.0 * rest[1] - rest[0] == pytest.approx(7.125, abs=2e-3)


def test_times_and_rates_agree_to_what_is_exponentially_small():
    for name in WELLS:
        found = slopes(name, 50)
        for start in (-1.0, 1.0):
            (time, bar), (rate, other) = found["time", start], found["rate", start]
            assert time == pytest.approx(rate, abs=bar + other)
