"""The bar of a formula for small noise where wells and saddles are no parabolas on the scale of the noise."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.asymptotics.anharmonicity import deviation
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint


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


@pytest.mark.parametrize("box", [True, False])
def test_an_exponent_is_asked_nothing_where_there_is_no_domain_or_no_weight_left(box):
    """In a sublevel set, a box without walls, an integral along lines was asked for ten boxes away, and refused."""

    def value(x):
        rise = 100.0 * (x[0] ** 2 - 1.0) ** 2
        assert (np.abs(x[0]) <= 3.0).all()
        assert (rise <= 1e5).all()
        return rise

    well = CriticalPoint((1.0,), 0.0, ((800.0,),), (800.0,), "minimum")
    found = deviation(well, SimpleNamespace(value=value), Frame((-3.0,), (3.0,), (None,), box))
    # int exp(-100 (x^2 - 1)^2) over x > 0 beside sqrt(2 pi/800), by quadrature
    x = np.linspace(0.0, 2.0, 200_001)
    exact = abs(np.log(np.trapezoid(np.exp(-100.0 * (x**2 - 1.0) ** 2), x) / np.sqrt(2.0 * np.pi / 800.0)))
    assert found == pytest.approx(exact, abs=2e-4)  # its quadrature is one to 1e-4
