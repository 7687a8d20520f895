"""Lengths and times in any unit: x -> s x, t -> tau t changes no digit of what is reported, formula or callable."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.formulas.calculus import finite_differences as differences

UNITS = [(4e-7, 1.0), (1e-9, 1e-12), (1e9, 1e3)]
# to rounding where meshes are the same; where rounding decides which cell is halved, to the tolerance
SAME, TOLERANCE = 1e-9, 1e-6


def line(s, tau):
    k = s * s / tau
    potential = fp.Potential("k*((x/s)**2 - 1)**2/4", {"k": k, "s": s})
    return fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.05 * k)), fp.Box([-2.0 * s], [2.0 * s]))


def hessian(s, tau):
    posed = line(s, tau)
    noise = fp.Hessian(0.05 * s * s, floor=0.5 / tau)
    return fp.Problem(fp.Overdamped(posed.process.potential, noise), posed.domain)


def called(s, tau):
    k = s * s / tau
    potential = fp.Potential(lambda x: k * ((x[0] / s) ** 2 - 1.0) ** 2 / 4.0, dimension=1)
    return fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.05 * k)), fp.Box([-2.0 * s], [2.0 * s]))


def plane(s, tau):
    k = s * s / tau
    potential = fp.Potential("k*(((x/s)**2 - 1)**2/4 + (y/s)**2/2 + x/s/20)", {"k": k, "s": s})
    domain = fp.Box([-2.0 * s, -1.5 * s], [2.0 * s, 1.5 * s])
    return fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.05 * k)), domain)


def extinction(s, tau):
    drift, noise = fp.Drift(["v*x/s*(1 - x/s)"], {"v": s / tau, "s": s}), fp.Formula("0.32*x**2/tau", {"tau": tau})
    return fp.Problem(fp.Drifting(drift, noise), fp.Box([0.0], [12.0 * s]))


def flow(s, tau):
    v = s / tau

    def drift(x):
        return v * np.stack([-np.sin(2.0 * x[0] / s) - x[1] / s, -x[1] / s + np.cos(x[0] / s) - 1.0])

    process = fp.Drifting(fp.Drift(drift, dimension=2), fp.Isotropic(0.1 * s * s / tau))
    return fp.Problem(process, fp.Box([-s, -s], [s, s]), fp.Resolution(tolerance=1e-3))


def time(problem, s, tau):
    start = [-s] + [0.0] * (problem.dimension - 1)
    target = fp.HalfSpace([1.0] + [0.0] * (problem.dimension - 1), 0.8 * s)
    return [fp.mean_exit_time(problem, start, target).mean.value / tau]


def extinction_time(problem, s, tau):
    return [fp.mean_exit_time(problem, s, fp.HalfSpace([-1.0], -0.05 * s)).mean.value / tau]


def eigenvalues(problem, s, tau):
    return [found.real.value * tau for found in fp.spectrum(problem, 3).eigenvalues[1:]]


def weights(problem, s, tau):
    return [well.probability.value for well in fp.stationary_density(problem).wells]


def committor_rate(problem, s, tau):
    rest = [0.0] * (problem.dimension - 1)
    return [fp.committor(problem, fp.Ball([-s, *rest], 0.3 * s), fp.Ball([s, *rest], 0.3 * s)).rate.value * tau]


def rates(problem, s, tau):
    return [fp.rates(problem).rates[0][1].value * tau]


ASKED = [
    *((line, ask) for ask in (time, eigenvalues, weights, committor_rate, rates)),
    (plane, time),
    *(pytest.param(plane, ask, marks=pytest.mark.slow) for ask in (eigenvalues, weights, committor_rate, rates)),
    (hessian, time),
    (called, time),
    (extinction, extinction_time),
    pytest.param(flow, eigenvalues, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("problem", "ask"), ASKED, ids=lambda one: one.__name__)
def test_no_unit_is_special(problem, ask):
    expected = ask(problem(1.0, 1.0), 1.0, 1.0)
    for s, tau in UNITS:
        found = ask(problem(s, tau), s, tau)
        # of cells that symmetry makes equal, rounding says which is bisected first
        allowed = TOLERANCE if problem is flow or (problem, ask) == (plane, rates) else SAME
        np.testing.assert_allclose(found, expected, rtol=allowed, err_msg=f"lengths of {s}, times of {tau}")


@pytest.mark.parametrize("s", [1e-9, 4e-7, 1.0, 1e9])
def test_differences_find_the_scale_of_the_function(s):
    x = s * np.linspace(-1.0, 1.0, 21)[None]
    first = differences.gradient(lambda points: np.sin(points[0] / s), x)[0] * s
    np.testing.assert_allclose(first, np.cos(x[0] / s), rtol=0, atol=1e-10)
    second = differences.hessian(lambda points: np.sin(points[0] / s), x)[0, 0] * s**2
    np.testing.assert_allclose(second, -np.sin(x[0] / s), rtol=0, atol=1e-7)


def test_a_single_point_at_zero_too():
    alone = np.zeros((1, 1))
    for s in (1e-9, 1e-4, 1.0):
        found = differences.gradient(lambda points, s=s: np.sin(points[0] / s), alone)[0, 0] * s
        assert found == pytest.approx(1.0, abs=1e-9)
