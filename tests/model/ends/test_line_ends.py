"""Ends of a line where the noise vanishes or the drift is infinite: against closed forms and quadrature."""

import math
import warnings

import mpmath
import numpy as np
import pytest
from scipy.special import beta

import fokker_planck as fp
from fokker_planck.model.ends.line_ends import line_ends

NEUTRAL = "x*(1 - x)/400"


def line(drift, noise, lower, upper, interpretation="ito", tolerance=1e-6):
    process = fp.Drifting(fp.Drift([drift]), fp.Formula(noise), interpretation)
    return fp.Problem(process, fp.Box([lower], [upper]), fp.Resolution(tolerance=tolerance))


def below(place):
    return fp.HalfSpace([-1.0], -place)


def above(place):
    return fp.HalfSpace([1.0], place)


def check(quantity, exact, largest=1e-6):
    error = abs(quantity.value / exact - 1.0)
    assert error <= max(quantity.relative_error, 2e-13), f"{error:.1e} where {quantity.relative_error:.1e} is claimed"
    assert quantity.relative_error <= largest


def downhill_time(scale, mass, start):
    """T = int_0^start s'(y) M(y) dy, M the mass beyond y."""
    return float(mpmath.quad(lambda y: scale(y) * mass(y), [0, start / 1000, start / 10, start]))


@pytest.mark.parametrize(
    ("drift", "noise", "lower", "upper", "interpretation", "kinds"),
    [
        ("0", NEUTRAL, 0.0, 1.0, "ito", ["exit", "exit"]),
        ("0", NEUTRAL, 0.0, 1.0, "stratonovich", ["regular", "regular"]),
        ("0", NEUTRAL, 0.0, 1.0, "klimontovich", ["entrance", "entrance"]),
        ("0.001*(1 - 2*x)", NEUTRAL, 0.0, 1.0, "ito", ["regular", "regular"]),
        ("0.5 - x", "0.5*x", 0.0, 9.0, "ito", ["entrance"]),
        ("0.49 - x", "0.5*x", 0.0, 9.0, "ito", ["regular"]),
        ("-x", "0.5*x", 0.0, 9.0, "ito", ["exit"]),
        ("x*(1 - x)", "0.32*x**2", 0.0, 12.0, "ito", ["natural"]),
        ("1 - x", "x**2", 0.0, 12.0, "ito", ["entrance"]),
        ("-1", "x**2", 0.0, 12.0, "ito", ["exit"]),
        ("-x + 1/x", "1", 0.0, 8.0, "ito", ["entrance"]),
        ("-x + 0.3/x", "1", 0.0, 8.0, "ito", ["regular"]),
        ("-x - 2/x", "1", 0.0, 8.0, "ito", ["exit"]),
        ("0", "x**1.5", 0.0, 3.0, "ito", ["exit"]),
        ("0", "(3 - x)**2.5", 0.0, 3.0, "ito", ["natural"]),
        ("-x", "0.1", -1.0, 1.0, "ito", []),
        ("x*(1 - x)", "0.32*x**2", 1e-6, 12.0, "ito", []),
        ("-1", "0.5*(x - 1e-6)", 1e-6, 3.0, "ito", ["exit"]),
    ],
)
def test_kinds_of_ends(drift, noise, lower, upper, interpretation, kinds):
    process = line(drift, noise, lower, upper, interpretation).process
    assert [end.kind for end in line_ends(process, lower, upper)] == kinds


def test_the_same_from_callables_and_as_a_mirror_image():
    process = fp.Overdamped(fp.Potential(lambda x: -x[0], dimension=1), fp.Sampled(lambda x: 0.5 * (4.0 - x[0])))
    (mirrored,) = line_ends(process, 0.0, 4.0)
    (given,) = line_ends(line("-1", "0.5*x", 0.0, 4.0).process, 0.0, 4.0)
    assert (mirrored.kind, mirrored.place, mirrored.inward) == ("exit", 4.0, -1.0)
    assert (mirrored.noise_power, mirrored.scale_power) == pytest.approx((1.0, -2.0), abs=1e-6)
    assert (given.noise_power, given.scale_power) == pytest.approx((1.0, -2.0), abs=1e-12)


# Extinction and fixation.


def test_neutral_wright_fisher():
    neutral = line("0", NEUTRAL, 0.0, 1.0)
    exact = -400.0 * (0.2 * math.log(0.2) + 0.8 * math.log(0.8))
    check(fp.mean_exit_time(neutral, 0.2, "boundary").mean, exact)
    check(fp.spectrum(neutral, 3, "boundary").gap, 0.005)
    check(fp.spectrum(neutral, 3, "boundary").eigenvalues[2].real, 12.0 / 400.0)
    with pytest.warns(UserWarning, match="in the long run nothing"):
        found = fp.committor(neutral, below(0.0), above(1.0))
    x = np.array([[0.0, 1e-6, 0.2, 0.7, 1.0]])
    np.testing.assert_allclose(found.field(x), x[0], atol=1e-9)
    assert (found.rate.value, found.probability_last_from) == (0.0, None)


def test_fixation_and_its_time_under_selection():
    problem, s = line("0.02*x*(1 - x)", NEUTRAL, 0.0, 1.0), 8.0
    with pytest.warns(UserWarning, match="probability of ending in the second"):
        found = fp.committor(problem, below(0.0), above(1.0))
    assert float(found.field(np.array([[0.2]]))[0]) == pytest.approx(math.expm1(-0.2 * s) / math.expm1(-s), rel=1e-8)

    def scale(x):
        return (1 - mpmath.exp(-s * x)) / s

    def speed(x):
        return 400 * mpmath.exp(s * x) / (x * (1 - x))

    share = scale(0.2) / scale(1)
    left = mpmath.quad(lambda z: speed(z) * scale(z), [0, 0.2])
    right = mpmath.quad(lambda z: speed(z) * (scale(1) - scale(z)), [0.2, 1])
    check(fp.mean_exit_time(problem, 0.2, "boundary").mean, float((1 - share) * left + share * right))


def test_mutation_makes_the_ends_regular():
    """Mass x^(-0.6) at both ends: T(0 to 1), the gap 2u, and the rate 1/(int w int s')."""
    problem = line("0.001*(1 - 2*x)", NEUTRAL, 0.0, 1.0)
    check(fp.mean_exit_time(problem, 0.0, above(1.0)).mean, 2041.530661383851462)
    check(fp.spectrum(problem, 2).gap, 0.002)
    found = fp.committor(problem, below(0.0), above(1.0))
    check(found.rate, 1.0 / (400.0 * beta(0.4, 0.4) * beta(0.6, 0.6)))
    check(found.probability_last_from, 0.5)
    assert fp.stationary_density(problem).field(np.array([[0.5]]))[0] == pytest.approx(
        0.25**-0.6 / beta(0.4, 0.4), rel=1e-7
    )


@pytest.mark.parametrize("level", [1.0, 0.5, 0.2, 0.02])
def test_square_root_noise_with_a_reflecting_end(level):
    """n k whatever k theta/sigma, that is however much of the mass lies at zero: x^(-0.96) for the last.

    There rounding is in the bar, 5e-7 to 1.2e-6 on different machines.
    """
    found = fp.spectrum(line(f"{level} - x", "0.5*x", 0.0, 30.0), 4).eigenvalues
    for n, eigenvalue in enumerate(found[1:], start=1):
        check(eigenvalue.real, float(n), 1e-6 if level > 0.1 else 1e-5)


def test_times_to_an_end_that_can_be_reached():
    mpmath.mp.dps = 20
    # regular: w = 2 x^-0.6 e^-2x
    mass = lambda y: 2 * (mpmath.gammainc(0.4, 2 * y, 18)) * mpmath.mpf(2) ** -0.4  # noqa: E731
    exact = downhill_time(lambda y: y**-0.4 * mpmath.exp(2 * y), mass, 1.0)
    check(fp.mean_exit_time(line("0.2 - x", "0.5*x", 0.0, 9.0), 1.0, below(0.0)).mean, exact)
    # exit with the drift: T' = 1 - (x/3)^k, k = 1/eps
    for eps in (0.5, 0.05, 0.004):
        check(
            fp.mean_exit_time(line("-1", f"{eps}*x", 0.0, 3.0), 1.0, below(0.0)).mean,
            1.0 - (1.0 / 3.0) ** (1.0 / eps) / (1.0 / eps + 1.0),
        )
    # exit between q = 1 and 2
    check(fp.mean_exit_time(line("0", "x**1.5", 0.0, 3.0), 1.0, below(0.0)).mean, 4.0 - 2.0 / math.sqrt(3.0))
    # the drift alone leads there
    exact = float(mpmath.quad(lambda y: 1 - mpmath.exp(mpmath.mpf(2) / 3 - 2 / y), [0, 0.1, 1]))
    check(fp.mean_exit_time(line("-1", "x**2/2", 0.0, 3.0), 1.0, below(0.0)).mean, exact)
    # an end that is not at zero knows its noise to rounding over distance only, and says so
    with pytest.warns(UserWarning, match="not the tolerance"):
        found = fp.mean_exit_time(line("0", "(1 - x)**1.5", -2.0, 1.0), 0.0, above(1.0)).mean
    check(found, 4.0 - 2.0 / math.sqrt(3.0), 1e-3)


# Ends that are not reached.


def test_natural_ends():
    logistic = line("x*(1 - x)", "0.32*x**2", 0.0, 12.0)
    check(fp.mean_exit_time(logistic, 1.0, below(0.05)).mean, 104.392491796)
    # in log x a Morse potential: one mode below the continuous spectrum from (1 - 0.32)^2/(4 0.32) on
    check(fp.spectrum(logistic, 2).gap, 0.36)
    with pytest.raises(fp.ProblemError, match=r"spectrum.count: .* from 0.36125 on, .* at most 2 eigenvalues"):
        fp.spectrum(logistic, 3)
    quiet = fp.spectrum(line("x*(1 - x)", "0.05*x**2", 0.0, 12.0), 4).eigenvalues
    for n, eigenvalue in enumerate(quiet[1:], start=1):
        check(eigenvalue.real, 0.95 * n - 0.05 * n**2)


@pytest.mark.parametrize(("start", "exact"), [(1e-3, 4.24632426043947521), (1e-12, 14.6081238664152958)])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-6, 1e-9])
def test_starts_close_to_a_natural_end(start, exact, tolerance):
    """Every factor of ten on the way up takes as long, so that the mass beside the start is not nothing.

    The time is int_start^2 (1 - (1 + s) e^-s) e^s / s^3 ds, as dx = (3 x - x^2) dt + x sqrt(2) dW.
    """
    found = fp.mean_exit_time(line("3*x - x**2", "x**2", 0.0, 80.0, tolerance=tolerance), start, above(2.0)).mean
    check(found, exact, largest=tolerance)
    other = line("3*x + x**2", "x**2", -80.0, 0.0, tolerance=tolerance)
    check(fp.mean_exit_time(other, -start, below(-2.0)).mean, exact, largest=tolerance)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-9])
def test_starts_where_noise_is_next_to_nothing(tolerance):
    """A floor of 1e-30 under the noise: 1.8e-6 more than without, and the same at every tolerance."""
    problem = line("3*x - x**2", "x**2 + 1e-30", 0.0, 80.0, tolerance=tolerance)
    check(fp.mean_exit_time(problem, 1e-12, above(2.0)).mean, 14.6081256416397, largest=tolerance)


@pytest.mark.parametrize("lower", [1e-8, 1e-18])
def test_a_line_that_ends_beside_a_zero_of_drift_and_noise(lower):
    """That zero is no saddle of the line, up to rounding as it is: the formula beside the answer divided by it."""
    found = fp.mean_exit_time(line("3*x - x**2", "x**2", lower, 80.0), 1.0, above(2.0))
    check(found.mean, 0.601944061183028)


def test_a_line_cut_off_close_to_a_natural_end():
    """Modes of the cut line: above the continuous spectrum by about d (pi/log(length))^2."""
    found = fp.spectrum(line("x*(1 - x)", "0.32*x**2", 1e-6, 12.0), 3)
    assert found.gap.relative_error <= 1e-6
    longer = fp.spectrum(line("x*(1 - x)", "0.32*x**2", 1e-7, 12.0), 3)
    assert 0.36 < longer.gap.value < found.gap.value < 0.38


def test_entrance_ends():
    """The distance from the origin of an Ornstein-Uhlenbeck process in two dimensions."""
    bessel = line("-x + 1/x", "1", 0.0, 12.0)
    check(fp.spectrum(bessel, 3).gap, 2.0)
    exact = float(mpmath.quad(lambda y: mpmath.expm1(y * y / 2) / y, [1, 2]))
    check(fp.mean_exit_time(bessel, 1.0, above(2.0)).mean, exact)
    whole = float(mpmath.quad(lambda y: mpmath.expm1(y * y / 2) / y, [0, 2]))
    check(fp.mean_exit_time(bessel, 0.0, above(2.0)).mean, whole)
    potential = fp.Overdamped(fp.Potential("x**2/2 - log(x)"), fp.Isotropic(1.0))
    check(fp.mean_exit_time(fp.Problem(potential, fp.Box([0.0], [12.0])), 1.0, above(2.0)).mean, exact)
    # infinite drift over noise: the density is exp(-2/x)/x^4
    check(fp.mean_exit_time(line("1 - x", "x**2/2", 0.0, 3.0), 1.0, above(2.0)).mean, 11.0 / 3.0)


def test_starts_at_ends_that_are_only_left():
    """T(0) to 2 is 16/3 where dX = (1 - X) dt + X dW, T' = -(1 + x + x^2/2); it was 6.33 at a bar of 3e-9."""
    problem = line("1 - x", "x**2/2", 0.0, 3.0)
    check(fp.mean_exit_time(problem, 0.0, above(2.0)).mean, 16.0 / 3.0)
    check(fp.mean_exit_time(problem, 1e-4, above(2.0)).mean, 16.0 / 3.0 - 1e-4 - 0.5e-8)
    # next to a natural end a path goes away like exp((1 - 0.05) t)
    logistic = line("x*(1 - x)", "0.05*x**2", 0.0, 12.0)
    near, far = (fp.mean_exit_time(logistic, start, above(0.9)).mean for start in (1e-12, 1e-6))
    check(fp.Quantity.of(near.value - far.value, 1e-6), math.log(1e6) / 0.95, 1e-5)


def test_what_stands_for_an_end_where_the_drift_rules_has_no_modes_of_its_own():
    """The gap was 0.045 at a bar of 5e-8, the slowest mode of free diffusion next to x = 1."""
    drift, noise = "2*x*(1 - x) - x", "0.02*x**2*(1 - x)**2"  # infections under noise that vanishes at both ends
    within, whole = (fp.spectrum(line(drift, noise, *ends), 3).eigenvalues[1:] for ends in ((1e-3, 0.95), (0, 1)))
    for found, known in zip(whole, within, strict=True):
        check(found.real, known.real.value, 1e-9 + known.real.relative_error)
    # the drift leads to the end: 1.230 at a bar of 2 %
    with pytest.warns(UserWarning, match="not the tolerance"):
        killed = fp.spectrum(line("-1", "x**2/2", 0.0, 3.0), 2, below(0.0)).eigenvalues
    cut = fp.spectrum(line("-1", "x**2/2", 2e-3, 3.0), 2, below(2e-3)).eigenvalues
    for found, known in zip(killed, cut, strict=True):
        check(found.real, known.real.value, 0.1)


@pytest.mark.parametrize(
    ("problem", "ask", "message"),
    [
        (line("x - x**2", "x**2/2", 0, 3), lambda p: fp.mean_exit_time(p, 0.0, above(2.0)), "exit.start: .* leaves"),
        (line("0", NEUTRAL, 0.0, 1.0), lambda p: fp.spectrum(p, 2), "keeps what arrives there .exit.*no spectrum"),
        (line("0", NEUTRAL, 0.0, 1.0), fp.stationary_density, "exit boundary.* no stationary density"),
        (line("0", NEUTRAL, 0.0, 1.0), fp.rates, "exit boundary.* no stationary density"),
        (line("0", NEUTRAL, 0.0, 1.0), lambda p: fp.mean_exit_time(p, 0.2, above(1.0)), "the mean time is infinite"),
        (line("-x", "x**2/2", 0, 3), lambda p: fp.mean_exit_time(p, 1.0, above(2.0)), "the mean time is infinite"),
        (line("x/2", "x**2/2", 0, 3), lambda p: fp.mean_exit_time(p, 1.0, above(2.0)), "the mean time is infinite"),
        (line("x - x**2", "x**2/2", 0, 3), lambda p: fp.mean_exit_time(p, 1.0, below(0.0)), "natural.*never reached"),
        (line("1 - x", "x/2", 0, 3), lambda p: fp.mean_exit_time(p, 1.0, "boundary"), "entrance.*never reached"),
        (line("-1", "exp(-1/x)", 0.0, 3.0), lambda p: fp.spectrum(p, 2), "like no power of the distance"),
        (line("1e308", "1 + x", -1, 1), lambda p: fp.spectrum(p, 2), "no limit at the end"),
        (line("0", "x - 0.2", 0, 3), lambda p: fp.mean_exit_time(p, 1.0, below(0.5)), "value -0.2 at .*0"),
    ],
)
def test_what_has_no_answer_is_refused(problem, ask, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # those of sympy about mpmath
        with pytest.raises(fp.ProblemError, match=message):
            ask(problem)


def test_an_end_beyond_the_target_does_not_matter():
    stuck = line("-x", "x**2/2", 0.0, 3.0)
    check(fp.mean_exit_time(stuck, 1.0, below(0.5)).mean, _geometric_brownian())


def _geometric_brownian():
    """D = x^2/2, b = -x: Phi = 2 log x, w = 2 x^-4, s' = x^2, reflected at 3."""
    return float(mpmath.quad(lambda y: y**2 * 2 * (y**-3 - mpmath.mpf(3) ** -3) / 3, [0.5, 1.0]))


def hardly_integrable(strength, place, tolerance):
    """V = x + a log x at noise 1/2: w = t^(-2a) exp(-2t), of which a tenth lies within 1e-8 of the end for a = 0.45."""
    potential = fp.Potential(f"(x - {place}) + ({strength})*log(x - {place})")
    line = fp.Box([place], [place + 30])
    beyond = {"beyond": fp.HalfSpace([1.0], place + 1.0)}
    return fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.5)), line, fp.Resolution(tolerance), beyond)


@pytest.mark.parametrize("strength", [-0.2, 0.1, 0.35, 0.45, 0.495])
@pytest.mark.parametrize(("place", "tolerance"), [(0, 1e-9), (2, 1e-6)])
def test_densities_that_are_hardly_integrable(strength, place, tolerance):
    s = mpmath.mpf(2 * strength)
    with mpmath.workdps(25):
        share = mpmath.gammainc(1 - s, 2) / mpmath.gamma(1 - s)
        time = mpmath.quad(
            lambda y: mpmath.exp(2 * y) * y**s * 2 ** (s) * mpmath.gammainc(1 - s, 0, 2 * y), [0.1, 0.4, 1.0]
        )
    problem = hardly_integrable(strength, place, tolerance)
    check(fp.stationary_density(problem).sets["beyond"], float(share), 2e-7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # next to x = 2 distances are rounded, and the bar says so
        check(fp.mean_exit_time(problem, place + 0.1, "beyond").mean, float(time), 1e-6)


@pytest.mark.parametrize("strength", [-0.45, -0.2, 0.45])
def test_arriving_where_the_scale_is_hardly_integrable(strength):
    s = mpmath.mpf(2 * strength)

    def slope(u):
        """Of T in u = y^(1 + s), in which it has no singularity."""
        y = u ** (1 / (1 + s))
        return mpmath.exp(2 * y) * 2**s * mpmath.gammainc(1 - s, 2 * y) / (1 + s)

    with mpmath.workdps(25):
        exact = float(mpmath.quad(slope, [mpmath.mpf(k) / 64 for k in range(65)]))
    found = fp.mean_exit_time(hardly_integrable(strength, 0, 1e-8), 1.0, fp.HalfSpace([-1.0], 0.0))
    check(found.mean, exact, 1e-8)


def test_a_set_far_down_beside_an_end():
    """P(x < 0.3) = 4.6e-186 of a gamma density: its exponent climbs by 427 units, each of which has its rounding."""
    potential, below_it = fp.Potential("x - 3*log(x)"), {"below": below(0.3)}
    problem = fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.01)), fp.Box([0], [15]), fp.Resolution(1e-9), below_it)
    found = fp.stationary_density(problem).sets["below"]
    with mpmath.workdps(30):
        exact = float(mpmath.log(mpmath.gammainc(301, 0, 30, regularized=True)))
    assert abs(found.log - exact) <= found.relative_error <= 1e-11


@pytest.mark.parametrize("tolerance", [1e-5, 1e-9])
def test_noise_like_a_root_next_to_a_reflecting_end(tolerance):
    """D = x^0.5 read as Klimontovich, w = 1: T = 2/3 (1 - x^1.5). What departs from a power is rounding, no order."""
    process = fp.Overdamped(fp.Potential("0*x"), fp.Formula("x**0.5"), "klimontovich")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 1e-9 is met with twice the bar
        found = fp.mean_exit_time(fp.Problem(process, fp.Box([0], [1]), fp.Resolution(tolerance)), 0.2, above(1.0))
    check(found.mean, 2.0 / 3.0 * (1.0 - 0.2**1.5), 2e-9)
