"""The Markov chain on a grid that says roughly what an unknown density is."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.formulas.grids.spline import zero_on
from fokker_planck.solvers.reference_density.grid_chain import agreed_exponent, rough_exponent

WELLS = "4*(x**2 - 1)**2*(1 + 0.2*x) + 0.3*x + 1.5*y**2 + 0.3*x*y + z**2 - 0.4*y*z"


@pytest.mark.parametrize("domain", [fp.Box([-2, -2, -2], [2, 2, 2]), fp.Ball([0, 0, 0], 2.0)])
@pytest.mark.parametrize("matrix", [np.eye(3), [[1.0, 0.3, 0.0], [0.3, 0.8, -0.2], [0.0, -0.2, 0.9]]])
def test_without_current_it_is_exact_over_hundreds_of_decades_on_a_coarse_grid(domain, matrix):
    """dX = -grad V dt + sqrt(2 eps) dW up to a linear map: psi = V / eps where D = eps I, here V up to 300 eps."""
    noise, matrix = 0.2, np.asarray(matrix)
    drift = fp.Potential(WELLS)
    box = ([-2.0] * 3, [2.0] * 3)

    class Field:
        def tensor(self, x):
            return noise * np.repeat(matrix[:, :, None], x.shape[1], axis=2)

        def divergence(self, x):
            return np.zeros_like(x)

    problem = fp.Problem(process=fp.Overdamped(drift, fp.Isotropic(noise)), domain=domain)

    def pulled(x):
        return -matrix @ drift.gradient(x)

    found = rough_exponent(pulled, Field(), box, (None,) * 3, problem.contains, 17)
    points = found.points
    inside = problem.contains(points)
    wanted = drift.value(points)[inside] / noise
    error = found.values.ravel()[inside] - wanted
    assert np.ptp(wanted) > 100.0
    # Simpson's rule along an edge of a polynomial of degree five, and rounding of p between the wells
    assert np.ptp(error) < 1.0


def test_a_circulation_is_followed_to_within_the_digits_that_a_double_spares():
    """b = -grad V + J grad V has the density exp(-V / eps), which the chain does not know, of 60 units of epsilon."""
    quartic = fp.Potential("(x**2 - 1)**2/4 + y**2/2 + z**2/2")
    turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.5], [0.0, -0.5, 0.0]])
    noise = 0.05
    box = ([-1.8, -1.5, -1.5], [1.8, 1.5, 1.5])

    class Field:
        def tensor(self, x):
            return noise * np.repeat(np.eye(3)[:, :, None], x.shape[1], axis=2)

        def divergence(self, x):
            return np.zeros_like(x)

    def drift(x):
        return turn @ quartic.gradient(x) - quartic.gradient(x)

    def everywhere(x):
        return np.ones(x.shape[1], dtype=bool)

    found, agreed = agreed_exponent(drift, Field(), box, (None,) * 3, everywhere, lambda psi: 15.0)
    near = quartic.value(found.points) / noise < 15.0
    error = (found.values.ravel() - quartic.value(found.points) / noise)[near]
    assert agreed
    assert np.abs(error - np.median(error)).max() < 4.0


def test_around_a_ring_the_far_face_is_the_near_one():
    """V = cos x on a ring, with a drift around it that has no exponent: uniform in y and z."""
    periods = (2.0 * np.pi, None, None)
    box = ([0.0] * 3, [2.0 * np.pi, 1.0, 1.0])

    class Field:
        def tensor(self, x):
            return 0.5 * np.repeat(np.eye(3)[:, :, None], x.shape[1], axis=2)

        def divergence(self, x):
            return np.zeros_like(x)

    found = rough_exponent(
        lambda x: np.stack([np.sin(x[0]), 0 * x[0], 0 * x[0]]), Field(), box, periods,
        lambda x: np.ones(x.shape[1], dtype=bool), 17,
    )  # fmt: skip
    wanted = 2.0 * np.cos(found.axes[0]) + 2.0
    assert found.values.shape == zero_on(*box, (True, False, False)).values[:17, :17, :17].shape
    assert np.abs(found.values - wanted[:, None, None]).max() < 0.02
