"""Exponents of coefficients with kinks: polynomials on patches as small as they must be, short lines in the rest."""

import numpy as np
import pytest

from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.diffusion.state_dependent import Formula
from fokker_planck.model.jumps.interfaces import interfaces_of
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.path import PathExponent
from fokker_planck.model.reversibility.piecewise_exponent import PiecewiseExponent

LOWER, UPPER = np.array([-1.7, -2.4]), np.array([2.4, 1.9])
BOX = (tuple(LOWER), tuple(UPPER))
POINTS = LOWER[:, None] + (UPPER - LOWER)[:, None] * np.random.default_rng(4).uniform(0.0, 1.0, (2, 4000))


def rough_share(psi):
    """Of the box, that in which a point takes integrals along lines."""
    local = psi._local
    return np.mean(~local.smooth[local.patches.number_of(POINTS)])


def test_hardly_any_of_a_box_is_left_to_lines_under_noise_that_follows_the_hessian():
    """With patches of one size 28 % of it was, each point of which takes a hundred evaluations."""
    potential = Potential("1.048*(x**2 - 1)**2 + 0.446*y**2 + max(x - 0.2195, 2*(x - 0.2195))/7")
    process = Overdamped(potential, Hessian(0.3401, 0.346))
    interfaces = interfaces_of(process, 2, LOWER, UPPER)
    psi, lines = (PiecewiseExponent(process, (0.05, 0.12), interfaces, False, box) for box in (BOX, None))
    few = POINTS[:, :40]
    np.testing.assert_allclose(psi.value(few), lines.value(few), rtol=1e-13, atol=1e-12)
    assert rough_share(psi) < 0.01


@pytest.mark.parametrize("level", ["x + 0.3*y - 0.2195", "x**2 + y**2 - 0.6", "y - 0.3*sin(3*x)"])
def test_kinks_on_oblique_lines_and_curves(level):
    """V = D^3, so that Psi = log D + 3 D^2/2."""
    noise = f"(0.3 + 0.1*abs({level}) + 0.05*sqrt((x - 0.4*y)**2 + 0.02))"
    process = Overdamped(Potential(f"{noise}**3"), Formula(noise))
    interfaces = interfaces_of(process, 2, LOWER, UPPER)
    centre = (0.05, 0.12)
    psi = PiecewiseExponent(process, centre, interfaces, True, BOX)
    at = Potential(noise).value
    middle = at(np.array(centre)[:, None])
    exact = np.log(at(POINTS) / middle) + 1.5 * (at(POINTS) ** 2 - middle**2)
    np.testing.assert_allclose(psi.value(POINTS), exact, rtol=0, atol=1e-11)
    assert rough_share(psi) < 0.04


TURNED_WELLS = Potential(
    "0.7734*((c*x + s*y)**2 - 1)**2*(1 + 0.3212*(c*x + s*y)) - 0.09163*(c*x + s*y) + 2.489*(c*y - s*x)**2/2",
    parameters={"c": 0.4647280468900238, "s": 0.8854534671194099},
)
AROUND_TURNED = ((-2.93522821, -2.80216317), (2.71015162, 2.50242907))


def test_a_corner_of_the_box_that_the_domain_has_not_leaves_the_rest_its_polynomials():
    """One of 256 long lines did not settle, and all values took long lines: rates in a turned rectangle 82 s of CPU."""
    process = Overdamped(TURNED_WELLS, Hessian(0.3765, 0.364), interpretation="klimontovich")
    psi, lines = (PathExponent(process, (0.05, 0.12), box) for box in (AROUND_TURNED, None))
    points = np.random.default_rng(6).uniform(-1.5, 1.5, (2, 40))
    assert psi._local is not None
    assert psi._local.inside(points).all()
    assert psi._local.smooth[psi._local.patches.number_of(points)].mean() > 0.95
    np.testing.assert_allclose(psi.value(points), lines.value(points), rtol=1e-13, atol=1e-12)
