"""Kinds of problems that were refused though well posed: sublevel sets near saddles, epidemics, excitable and sheared
drifts."""

import math
import warnings

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import jv

import fokker_planck as fp
from fokker_planck.errors import ProblemError

PLANE = "(x**2 - 1)**2/4 + y**2/2"
SPACE = f"{PLANE} + z**2/2"


def overdamped(potential, noise, domain, tolerance):
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise))
    return fp.Problem(process, domain, fp.Resolution(tolerance=tolerance))


# Sublevel sets.


@pytest.mark.parametrize("level", [0.5, 2.0, pytest.param(3.0, marks=pytest.mark.slow)])
def test_to_leave_a_sublevel_set_is_to_reach_its_complement(level):
    """Two domains, two meshes, one time: the set as domain, and its complement as target in a box."""
    inside = overdamped(PLANE, 0.3, fp.Sublevel(level, [-3.0, -4.0], [3.0, 4.0]), 1e-5)
    around = overdamped(PLANE, 0.3, fp.Box([-3.0, -4.0], [3.0, 4.0]), 1e-5)
    start = [-0.9, 0.2]
    first = fp.mean_exit_time(inside, start, "boundary").mean
    second = fp.mean_exit_time(around, start, fp.Region(f"{PLANE} - {level}")).mean
    assert first.relative_error + second.relative_error < 2e-5
    assert abs(first.log - second.log) <= first.relative_error + second.relative_error


@pytest.mark.parametrize("level", [2.0, 3.0])
def test_the_gap_of_a_sublevel_set_is_that_of_the_line(level):
    """Barrier 5: what lies above the level weighs exp(-20) and less of the saddle."""
    inside = overdamped(PLANE, 0.05, fp.Sublevel(level, [-3.0, -4.0], [3.0, 4.0]), 1e-6)
    line = overdamped("(x**2 - 1)**2/4", 0.05, fp.Box([-2.5], [2.5]), 1e-9)
    gap, exact = fp.spectrum(inside, 2).gap, fp.spectrum(line, 2).gap
    assert abs(gap.log - exact.log) <= gap.relative_error + exact.relative_error
    assert gap.relative_error < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.5, 1.0])
def test_to_leave_a_sublevel_set_in_space(level):
    """At the second level one of 35,000 cells folded over, however often it was bisected, and that was a refusal."""
    inside = overdamped(SPACE, 0.3, fp.Sublevel(level, [-3.0] * 3, [3.0] * 3), 1e-2)
    around = overdamped(SPACE, 0.3, fp.Box([-2.0] * 3, [2.0] * 3), 1e-2)
    start = [-0.9, 0.2, 0.1]
    first = fp.mean_exit_time(inside, start, "boundary").mean
    second = fp.mean_exit_time(around, start, fp.Region(f"{SPACE} - {level}")).mean
    assert abs(first.log - second.log) <= first.relative_error + second.relative_error <= 2e-2


# Epidemics: dI/dt = R I (1 - I) - I in a population of N, absorbed where nobody is ill.


def epidemic(population, tolerance=1e-6):
    noise = fp.Formula("(2*x*(1 - x) + x)/(2*N)", {"N": population})
    process = fp.Drifting(fp.Drift(["2*x*(1 - x) - x"]), noise)
    return fp.Problem(process, fp.Box([0.0], [1.0]), fp.Resolution(tolerance=tolerance))


def extinction(population, start, pieces=400, order=16):
    """Log of T = int_0^1 S(min(z, start)) dz/(D(z) s'(z)), S = int s', log s' = -2N (y + log(1 - 2y/3))."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    terms = np.arange(order)[:, None]
    fitted = (terms + 0.5) * np.polynomial.legendre.legvander(nodes, order - 1).T * weights
    up_to = np.polynomial.legendre.legval(nodes, np.polynomial.legendre.legint(fitted, lbnd=-1.0)).T
    below, total = 0.0, 0.0
    for left, right in ((0.0, start), (start, 1.0)):
        half = 0.5 * (right - left) / pieces
        for middle in np.linspace(left + half, right - half, pieces):
            z = middle + half * nodes
            exponent = 2.0 * population * (z + np.log1p(-2.0 * z / 3.0))
            scale = below + half * up_to @ np.exp(-exponent) if left == 0.0 else below
            total += half * weights @ (np.exp(exponent) * scale * 2.0 * population / (3.0 * z - 2.0 * z**2))
            if left == 0.0:
                below += half * weights @ np.exp(-exponent)
    return math.log(total)


@pytest.mark.parametrize("population", [100, 1000])
def test_the_time_to_the_extinction_of_an_epidemic(population):
    """Zero is an exit end: it was refused, as one "which the process reaches all the same"."""
    nobody = fp.HalfSpace([-1.0], 0.0)
    found = fp.mean_exit_time(epidemic(population), 0.5, nobody).mean
    assert abs(found.log - extinction(population, 0.5)) <= found.relative_error + 1e-12 < 1e-6
    # the quasi-stationary epidemic ends at a constant rate, whatever it began with
    rate = fp.spectrum(epidemic(population), 1, nobody).eigenvalues[0].real
    assert rate.log == pytest.approx(-found.log, abs=1e-5)


def test_an_end_that_keeps_what_arrives_has_no_density():
    for ask in (lambda p: fp.spectrum(p, 2), fp.stationary_density):
        with pytest.raises(ProblemError, match="keeps what arrives there"):
            ask(epidemic(100))


# Drifts without detailed balance.


@pytest.mark.slow
def test_an_excitable_drift_is_answered_on_a_generous_domain():
    """FitzHugh and Nagumo; by 100 x 54 polynomials of Legendre, which agree with 90 x 46 to 1e-11."""
    process = fp.Drifting(fp.Drift(["x - x**3/3 - y + 0.5", "0.08*(x + 0.7 - 0.8*y)"]), fp.Isotropic(0.1))
    given = fp.Problem(process, fp.Box([-4.0, -2.5], [4.0, 3.5]), fp.Resolution(tolerance=1e-4))
    first, second = fp.spectrum(given, 3).eigenvalues[1:]
    exact = 0.1070150913540 + 0.1749486462400j
    for one in (first, second):
        error = abs(complex(one.real.value, abs(one.imag)) / exact - 1.0)
        assert error <= one.real.relative_error <= 1e-4
    assert second.imag == -first.imag


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drift", "noise"),
    [
        ([[-1.0, 8.0], [0.0, -1.3]], [[0.2, 0.0], [0.0, 0.2]]),
        ([[-0.3, 4.0], [-0.2, -1.5]], [[0.1, 0.02], [0.02, 0.3]]),
        ([[-1.0, 0.9], [0.0, -1.0]], [[0.2, 0.0], [0.0, 0.001]]),
    ],
    ids=["sheared", "turning", "defective"],
)
def test_sheared_linear_drifts_have_the_sums_of_their_eigenvalues(drift, noise):
    matrix = np.array(drift)
    (a, b), (c, d) = drift
    process = fp.Drifting(fp.Drift([f"{a}*x + {b}*y", f"{c}*x + {d}*y"]), fp.Constant(noise))
    # seven standard deviations, by the integral of exp(A t) 2 D exp(A' t)
    values, vectors = np.linalg.eig(matrix + 1e-9 * np.diag([0.0, 1.0]))
    inner = np.linalg.inv(vectors) @ (2.0 * np.array(noise)) @ np.linalg.inv(vectors).T
    covariance = (vectors @ (-inner / (values[:, None] + values)) @ vectors.T).real
    half = 7.0 * np.sqrt(np.diag(covariance))
    given = fp.Problem(process, fp.Box(-half, half), fp.Resolution(tolerance=1e-4))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*cannot be told apart")
        found = fp.spectrum(given, 3).eigenvalues[1:]
    exact = np.linalg.eigvals(matrix)
    for one in found:
        value = complex(one.real.value, one.imag)
        error = np.abs(value / -exact - 1.0).min()
        assert error <= one.real.relative_error + 1e-9
        assert one.real.relative_error <= 1e-4
    assert math.isclose(sum(one.real.value for one in found), -matrix.trace(), rel_tol=1e-4)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
@pytest.mark.parametrize(("up", "down"), [(0.3, 0.4), (0.2, 0.2), (0.1, 0.1), (0.05, 0.05), (0.05, 0.75)])
def test_rounding_at_ends_with_an_unbounded_density_is_in_the_bars(up, down, tolerance):
    """Wright and Fisher's diffusion with little mutation has the eigenvalues k (k - 1 + up + down), Jacobi's.

    Cells next to the ends were bisected for ever, or eigenvalues 5e-3 off had bars of 3e-5; with rates of 0.1 one came
    out as -0.8. As wells that narrow they are right to 2e-9, where the mass next to x = 1 lets them be.
    """
    process = fp.Drifting(fp.Drift([f"{up}*(1 - x) - {down}*x"]), fp.Formula("x*(1 - x)"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fine tolerances less is had than was asked for
        found = fp.spectrum(fp.Problem(process, fp.Box([0], [1]), fp.Resolution(tolerance)), count=4).eigenvalues
    for k, each in enumerate(found[1:], start=1):
        assert each.real.relative_error < 3e-6
        assert each.real.value == pytest.approx(k * (k - 1 + up + down), rel=min(each.real.relative_error, 1e-8))


def test_an_infinite_drift_within_rounding_of_an_end():
    """b = k cos x/sin x on [0, pi], whose upper end is no double: Gegenbauer's polynomials, eps n^2 + k n."""
    for k in (0.1, -0.1):
        process = fp.Drifting(fp.Drift([f"{k}*cos(x)/sin(x)"]), fp.Isotropic(0.2))
        found = fp.spectrum(fp.Problem(process, fp.Box([0], [math.pi]), fp.Resolution(1e-7)), count=4).eigenvalues
        for n, each in enumerate(found):
            assert each.real.value == pytest.approx(0.2 * n * n + k * n, rel=each.real.relative_error)
            assert each.real.relative_error < 1e-7


def test_rounding_of_differences_at_an_end_is_in_the_bars():
    """D = 1/5, V = 0.15 log x on [0, 1]: J_(1 - nu)(s) = 0 with nu = 7/8 and s^2/5 the eigenvalues."""
    process = fp.Overdamped(fp.Potential("0.15*log(x)"), fp.Isotropic(0.2))
    found = fp.spectrum(fp.Problem(process, fp.Box([0], [1]), fp.Resolution(1e-4)), count=3).eigenvalues[1:]
    for each, bracket in zip(found, [(2.0, 3.0), (5.0, 6.5)], strict=True):
        root = brentq(lambda s: jv(0.125, s), *bracket)
        assert each.real.value == pytest.approx(root**2 / 5.0, rel=each.real.relative_error)


def test_many_eigenvalues_beside_ends_with_an_unbounded_density():
    """The seventh, which no image of the potentials of the ends holds alone."""
    process = fp.Drifting(fp.Drift(["0.1*(1 - x) - 0.1*x"]), fp.Formula("x*(1 - x)"))
    found = fp.spectrum(fp.Problem(process, fp.Box([0], [1]), fp.Resolution(1e-5)), count=8).eigenvalues
    for k, each in enumerate(found):
        assert each.real.value == pytest.approx(k * (k - 1 + 0.2), rel=1e-8)
