"""Smooth noise with branch points beside the plane: neighbouring degrees are equally wrong on cells around them."""

import functools

import numpy as np
import pytest
from scipy.integrate import quad

import fokker_planck as fp
from fokker_planck.fem.cell_map import quadrature
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.solvers.adaptivity.error_bars import rule_beyond
from fokker_planck.solvers.adaptivity.roughness import (
    error_of_roughness,
    errors_of_roughness,
    missed_by_polynomials,
)

ODD = "(x**2 - 1)**2*(1 + 0.4*x)/4 + (1 + x/2)*y**2/2"
TURNED = "(x**2 - 1)**2/4 + y**2/2 + 0.2*x*y"
WIDE = fp.Box([-1.6, -1.5], [1.6, 1.5])
LEFT, SQUARE = fp.Box([-1.3, -1.4], [1.5, 1.4]), fp.Box([-1.4, -1.4], [1.4, 1.4])
REFERENCE = 1e-8
"""Of the values below, by spectral elements of 14 x 10 to 30 x 8 panels of degree 7 to 18, which agree to 1e-9; a
weight to 3e-8."""


def _with_noise_of_the_hessian(potential, scale, reading, box, tolerance):
    noise, sets = fp.Hessian(scale, 0.5), {"right": fp.HalfSpace([1, 0], 0.0)}
    return fp.Problem(fp.Overdamped(fp.Potential(potential), noise, reading), box, fp.Resolution(tolerance), sets=sets)


@pytest.mark.parametrize(
    ("potential", "scale", "reading", "box", "tolerance", "gap"),
    [
        (ODD, 0.15, "klimontovich", WIDE, 1e-3, 0.0388467046),
        (ODD, 0.15, "klimontovich", WIDE, 1e-4, 0.0388467046),
        pytest.param(ODD, 0.15, "klimontovich", WIDE, 1e-5, 0.0388467046, marks=pytest.mark.slow),
        pytest.param(ODD, 0.15, "klimontovich", WIDE, 1e-6, 0.0388467046, marks=pytest.mark.slow),
        (TURNED, 0.2, "ito", LEFT, 1e-4, 0.11856281665),
        pytest.param(TURNED, 0.2, "ito", LEFT, 1e-6, 0.11856281665, marks=pytest.mark.slow),
        (TURNED, 0.2, "klimontovich", LEFT, 1e-6, 0.07135490467),
        pytest.param(TURNED, 0.2, "stratonovich", SQUARE, 1e-4, 0.0983103165, marks=pytest.mark.slow),
        pytest.param(TURNED, 0.2, "klimontovich", SQUARE, 1e-6, 0.0702177039, marks=pytest.mark.slow),
    ],
)
def test_the_gap_of_noise_that_follows_the_hessian(potential, scale, reading, box, tolerance, gap):
    """D = scale sqrt(H^2 + 1/4) has branch points 0.14 off the plane: 3 to 13 bars off, by a degree less or more."""
    found = fp.spectrum(_with_noise_of_the_hessian(potential, scale, reading, box, tolerance), count=2).gap
    assert found.relative_error <= tolerance
    assert abs(found.value / gap - 1.0) < found.relative_error + REFERENCE


@pytest.mark.parametrize("tolerance", [1e-3, pytest.param(1e-4, marks=pytest.mark.slow)])
def test_weights_and_rates_of_noise_that_follows_the_hessian(tolerance):
    """A weight 1.8e-4 off at 8e-5, and rates 2.4e-4 at 7.5e-5."""
    problem = _with_noise_of_the_hessian(ODD, 0.15, "klimontovich", WIDE, tolerance)
    right = fp.stationary_density(problem).sets["right"]
    assert abs(right.value / 0.3706920469 - 1.0) < right.relative_error + 3e-8 < tolerance
    (_, there), (back, _) = fp.rates(problem).rates
    error = (there.value * there.relative_error + back.value * back.relative_error) / 0.0388467046
    assert abs((there.value + back.value) / 0.0388467046 - 1.0) < error + REFERENCE < tolerance


def _turning(noise):
    return fp.Drifting(fp.Drift(["-x - y", "-y + x"]), fp.Formula(noise))


@functools.cache
def _out_of_a_disc(radius):
    """T(r) = int_r^1.5 (exp(D(s) - D(0)) - 1)/s ds, D = sqrt(0.02 + s^2) under Ito, drift -x; turning adds nothing."""
    return quad(lambda s: np.expm1(np.sqrt(0.02 + s**2) - np.sqrt(0.02)) / s, radius, 1.5, epsabs=0.0, epsrel=1e-12)[0]


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-6])
def test_an_exit_under_noise_that_has_a_branch_point_beside_its_least_value(tolerance):
    """Noise sqrt(0.02 + x^2 + y^2) and a rotation, out of a disc: an integral."""
    problem = fp.Problem(_turning("sqrt(0.02 + x**2 + y**2)"), fp.Ball([0.0, 0.0], 1.5), fp.Resolution(tolerance))
    found = fp.mean_exit_time(problem, [0.3, 0.1], "boundary").mean
    assert abs(found.value / _out_of_a_disc(np.hypot(0.3, 0.1)) - 1.0) < found.relative_error + 1e-11 < tolerance


def test_a_gap_under_noise_that_has_a_branch_point_beside_its_least_value():
    """The same noise in a box, in a drift without gradient, against itself at a finer tolerance."""
    process = fp.Drifting(fp.Drift(["-x - y", "-2*y + x"]), fp.Formula("sqrt(0.02 + x**2 + y**2)"))
    box = fp.Box([-1.3, -1.1], [1.2, 1.4])
    gaps = [fp.spectrum(fp.Problem(process, box, fp.Resolution(tol)), count=2).gap for tol in (1e-6, 1e-3)]
    for gap in gaps[1:]:
        assert abs(gap.value / gaps[0].value - 1.0) < gap.relative_error + gaps[0].relative_error


def test_polynomials_miss_nothing_of_a_cubic_drift_and_most_of_a_branch_point():
    """Maier-Stein's drift with constant noise, and noise sqrt(0.02 + x^2 + y^2), on cells of 0.4."""
    mesh = domain_triangulation(fp.Problem(_turning("0.1"), WIDE), {})
    smooth = fp.Problem(fp.Drifting(fp.Drift(["x - x**3 - 2*x*y**2", "-y - x**2*y"]), fp.Isotropic(0.05)), WIDE)
    assert error_of_roughness(smooth, mesh, 6) < 1e-20
    assert 1e-5 < error_of_roughness(fp.Problem(_turning("sqrt(0.02 + x**2 + y**2)"), WIDE), mesh, 6) < 1.0
    assert error_of_roughness(fp.Problem(_turning("1/(x**2 + y**2)**2"), WIDE), mesh, 6) > 1e-4


def test_roughness_in_space_is_what_the_numbers_rest_on():
    """Of all shares in the roughest cell it is the largest, of none there less, and of none at all nothing."""
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2 + z**2/2 + x*y*z"), fp.Hessian(0.2, floor=0.3))
    problem = fp.Problem(process, fp.Box([-1.5] * 3, [1.5] * 3))
    mesh = domain_triangulation(problem, {})
    missed = missed_by_polynomials(problem, mesh, 3)
    worst = int(np.argmax(missed))
    shares = np.zeros((3, len(mesh.cells)))
    shares[0, worst], shares[1] = 1.0, 1.0 / (len(mesh.cells) - 1)
    shares[1, worst] = 0.0
    largest, beside, nothing = errors_of_roughness(problem, mesh, 3, shares)
    assert largest == pytest.approx(error_of_roughness(problem, mesh, 3), rel=1e-12)
    assert 0.0 < beside < largest
    assert nothing == 0.0
    constant = fp.Problem(fp.Overdamped(process.potential, fp.Isotropic(0.1)), problem.domain)
    assert (errors_of_roughness(constant, mesh, 3, shares) == 0.0).all()


def test_rules_that_verify_in_space_are_no_products_of_rules_on_lines():
    """Where one of these has twice the points of the answer's; in the plane and on lines as they were."""
    assert [rule_beyond(3, answered, rule) for answered, rule in ((8, 10), (10, 12), (12, 14), (14, 16))] == [
        15,
        15,
        20,
        22,
    ]
    assert [rule_beyond(dimension, 14, 16) for dimension in (1, 2)] == [76, 28]
    assert len(quadrature(3, 15)[1]) == 214
    assert len(quadrature(3, 16)[1]) > 700
