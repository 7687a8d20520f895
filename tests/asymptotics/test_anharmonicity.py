"""The bar of a formula for small noise where wells and saddles are no parabolas on the scale of the noise."""

import math

import pytest

import fokker_planck as fp


def layered(width, noise, dimension=1):
    """dX = (tanh(x/width) - x) dt + noise: an energy balance with an albedo that steps from ice to water."""
    text = f"x**2/2 - {width}*log(cosh(x/{width}))" + " + y**2/2" * (dimension - 1)
    box = fp.Box([-2.5, -1.5][:dimension], [2.5, 1.5][:dimension])
    return fp.Problem(fp.Overdamped(fp.Potential(text), fp.Isotropic(noise)), box, fp.Resolution(tolerance=1e-5))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "noise", "dimension"), [(0.3, 0.1, 1), (0.1, 0.2, 1), (0.05, 0.2, 1), (0.02, 0.02, 1), (0.05, 0.1, 2)]
)
def test_a_steep_layer_at_the_saddle_is_in_the_bar(width, noise, dimension):
    """At width 0.05 and noise 0.2 the time is 34.0, the formula says 14.8, and one over the barrier was its bar."""
    rest = [0.0] * (dimension - 1)
    given = layered(width, noise, dimension)
    found = fp.mean_exit_time(given, [-1.0, *rest], fp.HalfSpace([1.0, *rest], 1.0))
    eigenvalue = fp.spectrum(given, count=2).eigenvalues[1]
    for exact, formula in ((found.mean, found.asymptotic), (eigenvalue.real, eigenvalue.asymptotic)):
        off = abs(math.expm1(exact.log - formula.log)), abs(math.expm1(formula.log - exact.log))
        assert max(off) <= formula.relative_error <= 4.0 * max(off)


def test_smooth_wells_keep_the_bar_of_the_barrier():
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.05))
    given = fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5]), fp.Resolution(tolerance=1e-4))
    formula = fp.mean_exit_time(given, [-1, 0], fp.HalfSpace([1, 0], 1.0)).asymptotic
    assert formula.relative_error == pytest.approx(0.2, rel=1e-6)
