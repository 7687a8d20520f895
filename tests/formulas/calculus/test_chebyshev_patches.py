"""Functions from their gradients by polynomials on patches, and exponents found so."""

import numpy as np
import pytest

from fokker_planck.formulas.calculus.chebyshev_patches import from_gradient
from fokker_planck.formulas.calculus.separated_axes import SeparatedPatches, from_separated_gradient
from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.diffusion.state_dependent import Formula
from fokker_planck.model.domains.box import Box
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Drifting, Overdamped
from fokker_planck.model.reversibility.path import PathExponent
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.spectrum import spectrum


def points_in(lower, upper, count=500):
    lower, upper = np.array(lower)[:, None], np.array(upper)[:, None]
    return lower + (upper - lower) * np.random.default_rng(5).uniform(0.0, 1.0, (len(lower), count))


def test_a_function_and_its_derivatives_in_the_plane():
    def gradient(x):
        wave = 1.0 + 25.0 * (x[0] - 0.2 * x[1]) ** 2
        slope = 50.0 * (x[0] - 0.2 * x[1]) / wave
        return np.array([slope, -0.2 * slope + np.cos(x[1])])

    lower, upper = (-2.0, -1.0), (3.0, 2.5)
    found, x = from_gradient(gradient, lower, upper, (0.0, 0.0)), points_in(lower, upper)
    exact = np.log(1.0 + 25.0 * (x[0] - 0.2 * x[1]) ** 2) + np.sin(x[1])
    np.testing.assert_allclose(found.value(x), exact, rtol=0, atol=2e-12)
    np.testing.assert_allclose(found.derivative(x, (0, 1)), gradient(x)[1], rtol=0, atol=1e-9)


def test_a_function_in_space():
    found = from_gradient(
        lambda x: np.array([np.cos(x[0]) * x[1], np.sin(x[0]) + 2 * x[1] * x[2], x[1] ** 2]),
        (-1.0, -2.0, 0.0),
        (1.0, 2.0, 3.0),
        (0.0, 0.0, 1.0),
    )
    x = points_in((-1.0, -2.0, 0.0), (1.0, 2.0, 3.0))
    np.testing.assert_allclose(found.value(x), np.sin(x[0]) * x[1] + x[1] ** 2 * x[2], rtol=0, atol=1e-13)


@pytest.mark.parametrize("kink", [lambda t: np.abs(t - 0.3137), lambda t: np.sign(t - 0.3137), lambda t: t / 0.0])
def test_what_is_not_smooth_is_left_alone(kink):
    with np.errstate(all="ignore"):
        found = from_gradient(lambda x: np.array([kink(x[0]), 0.0 * x[0]]), (-1.0, -1.0), (1.0, 1.0), (0.0, 0.0))
    assert found is None


def test_an_exponent_is_that_of_integrals_along_lines():
    process = Drifting(Drift(["-x*(1 + y**2)", "-y*(1 + x**2)"]), Formula("0.2*(1 + x**2)*(1 + y**2)"))
    whole, lines = (
        PathExponent(Drifting(process.whole, process.diffusion, "klimontovich"), (0.1, 0.2), box)
        for box in (((-2.0, -2.0), (2.0, 2.5)), None)
    )
    x = points_in((-2.0, -2.0), (2.0, 2.5), 60)
    np.testing.assert_allclose(whole.value(x), lines.value(x), rtol=0, atol=5e-12)
    np.testing.assert_allclose(whole.gradient(x), lines.gradient(x), rtol=0, atol=1e-9)
    np.testing.assert_allclose(whole.hessian(x), lines.hessian(x), rtol=0, atol=1e-7)
    assert whole._patches is not None
    # a polynomial is no better outside of the box than elsewhere
    beyond = np.array([[3.0], [0.0]])
    np.testing.assert_allclose(whole.value(beyond), lines.value(beyond), rtol=0, atol=1e-12)


def test_a_curl_however_small_is_no_exponent():
    process = Drifting(Drift(["-x + 1e-6*y", "-y"]), Formula("0.2 + 0*x*y"))
    assert PathExponent(process, (0.0, 0.0), ((-2.0, -2.0), (2.0, 2.0)))._patches is None


def test_noise_that_follows_the_hessian_in_the_plane():
    """The gap that integrals along lines gave, in 30 times the time."""
    potential = Potential("0.688*(x**2-1)**2/4 - 0.035*x + 2.993*y**2/2 + 0.095*y**4")
    process = Overdamped(potential, Hessian(0.116, 0.66), interpretation="klimontovich")
    problem = Problem(process, Box([-3.0, -3.0], [3.0, 3.0]), Resolution(tolerance=1e-4))
    found = spectrum(problem, 2).gap
    assert found.value == pytest.approx(0.034427667003921, rel=1e-10)
    assert kinetics_of(problem).exponent._patches is not None


def test_an_exponent_of_waves_along_every_axis_is_a_sum():
    """Noise that follows the Hessian of V(x) + W(y) + U(z): 600,000 samples of a box did not hold its patches."""
    potential = Potential("0.3*(x**2 + y**2 + z**2) + 0.27*cos(4.4*x + 4) + 0.34*cos(2.1*y + 5) + 0.37*cos(3.2*z)")
    process, centre = Overdamped(potential, Hessian(0.05, 0.5)), (0.1, 0.2, -0.3)
    whole, lines = (PathExponent(process, centre, box) for box in (((-2.0,) * 3, (2.0, 2.5, 1.5)), None))
    x = points_in((-2.0,) * 3, (2.0, 2.5, 1.5), 60)
    assert isinstance(whole._patches, SeparatedPatches)
    np.testing.assert_allclose(whole.value(x), lines.value(x), rtol=1e-12, atol=5e-12)
    np.testing.assert_allclose(whole.gradient(x), lines.gradient(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(whole.hessian(x), lines.hessian(x), rtol=1e-6, atol=1e-6)


def test_coordinates_that_meet_stay_together():
    pair = from_separated_gradient(
        lambda x: np.array([x[1] * np.cos(x[0] * x[1]), x[0] * np.cos(x[0] * x[1]), np.exp(x[2])]),
        (-1.0,) * 3, (1.0,) * 3, (0.0,) * 3,
    )  # fmt: skip
    assert [axes for axes, _ in pair.parts] == [(0, 1), (2,)]
    x = points_in((-1.0,) * 3, (1.0,) * 3)
    np.testing.assert_allclose(pair.value(x), np.sin(x[0] * x[1]) + np.exp(x[2]) - 1.0, atol=1e-12)
    np.testing.assert_allclose(
        pair.derivative(x, (1, 1, 0)), np.cos(x[0] * x[1]) - x[0] * x[1] * np.sin(x[0] * x[1]), atol=1e-9
    )
    assert not pair.derivative(x, (1, 0, 1)).any()


def test_patches_may_be_long_and_narrow():
    """What is left along one axis is integrated over the patch's width along that axis, not over its length."""
    potential = Potential("1.587*(x**2 - 1)**2*(1 - 0.01269*x) + 0.008371*x + 0.4201*y**2/2")
    process = Overdamped(potential, Hessian(0.0154, 0.925), interpretation="klimontovich")
    force, box = PathExponent(process, (0.175, -0.36))._force, ((-1.95, -2.32), (2.3, 1.6))
    assert from_gradient(force, *box, (0.175, -0.36)).counts == (128, 4)


def test_an_exponent_with_a_rough_curve_has_short_lines_beside_it():
    """Psi = log D = log(r^2 + 1e-2)/2 with r = 0 on a circle, which no polynomials of moderate number follow."""
    process = Drifting(Drift(["0", "0"]), Formula("0.1*((x**2 + y**2 - 1)**2 + 1e-2)**0.5"))
    exponent = PathExponent(process, (0.1, 0.2), ((-2.0, -2.0), (2.0, 2.5)))
    x = points_in((-2.0, -2.0), (2.0, 2.5), 400)
    exact = [0.5 * np.log((r**2 - 1) ** 2 + 1e-2) for r in (np.hypot(*x), np.hypot(0.1, 0.2))]
    np.testing.assert_allclose(exponent.value(x), exact[0] - exact[1], rtol=0, atol=1e-11)
    assert exponent._patches is None
    assert exponent._local is not None
