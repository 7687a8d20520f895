"""Starts close to a curved surface that absorbs: right within bars that stay small, whatever the distance."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j1, jn_zeros

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.solvers.adaptivity.beginning import Beginning
from fokker_planck.solvers.adaptivity.close_starts import with_close_start
from fokker_planck.solvers.adaptivity.material_corners import Medium
from fokker_planck.solvers.boundaries.ends import TARGET

SLOW = pytest.mark.slow
DISTANCES = (1e-2, pytest.param(1e-3, marks=SLOW), 1e-4, pytest.param(1e-5, marks=SLOW), 1e-6)
CIRCLE = fp.Region("x**2 + y**2 - 1")
SMALLEST_BAR = 3e-6
"""Of the tolerance 1e-6: what a bar may be at most."""


def brownian(domain, noise=1.0, potential="0", **more):
    dimension = len(domain.center if isinstance(domain, fp.Ball) else domain.lower)
    diffusion = noise if not isinstance(noise, float) else fp.Isotropic(noise)
    return fp.Problem(fp.Overdamped(fp.Potential(potential, dimension=dimension), diffusion), domain, **more)


def around(dimension=2, half=1.5):
    return fp.Box([-half] * dimension, [half] * dimension)


def inside(distance, direction=(0.955336489125606, 0.29552020666133955)):
    return [float((1.0 - distance) * x) for x in direction]


def depth(start, *axes):
    """1 - sum (x_i / a_i)^2, exact for the start as doubles have it."""
    terms = ((Fraction(x) / Fraction(a)) ** 2 for x, a in zip(start, axes or [1] * len(start), strict=True))
    return float(1 - sum(terms))


def holds(found, exact, most=SMALLEST_BAR):
    assert abs(found.value - exact) <= found.relative_error * exact
    assert found.relative_error < most


@pytest.mark.parametrize("distance", DISTANCES)
def test_mean_times_within_a_circle(distance):
    """(1 - r^2) / 4, of a target and of the domain itself."""
    start = inside(distance)
    holds(fp.mean_exit_time(brownian(around()), start, CIRCLE).mean, depth(start) / 4.0)
    holds(fp.mean_exit_time(brownian(fp.Ball([0.0, 0.0], 1.0)), start, "boundary").mean, depth(start) / 4.0)


@pytest.mark.parametrize("distance", [pytest.param(1e-3, marks=SLOW), 1e-6])
def test_mean_times_within_a_circle_with_a_rotation(distance):
    turning = fp.Problem(fp.Drifting(fp.Drift(["-3*y", "3*x"]), fp.Isotropic(1.0)), around())
    start = inside(distance)
    holds(fp.mean_exit_time(turning, start, CIRCLE).mean, depth(start) / 4.0)


@pytest.mark.parametrize("distance", [pytest.param(1e-3, marks=SLOW), 1e-5])
def test_mean_times_to_a_ball_in_a_bowl(distance):
    """V = r^2/2, noise 1/2: tau' = (1 - exp(r^2 - R^2)) / r, a wall at R = 3."""
    start = [(0.25 + distance) * np.cos(1.0), (0.25 + distance) * np.sin(1.0)]
    problem = brownian(fp.Ball([0.0, 0.0], 3.0), 0.5, "(x**2 + y**2)/2")
    beyond = -depth(start, 0.25, 0.25) * 0.25 / (1.0 + np.hypot(*start) / 0.25)
    exact = quad(lambda s: -np.expm1((0.25 + s) ** 2 - 9.0) / (0.25 + s), 0.0, beyond, epsabs=0.0)[0]
    holds(fp.mean_exit_time(problem, start, fp.Ball([0.0, 0.0], 0.25)).mean, exact)


@pytest.mark.parametrize(
    "start", [[1.9999, 0.0], pytest.param([0.0, 0.49999], marks=SLOW), [1.2 * (1 - 1e-6), 0.4 * (1 - 1e-6)]], ids=str
)
def test_mean_times_within_an_ellipse_under_noise_that_is_stronger_along_it(start):
    problem = brownian(fp.Box([-2.5, -1.0], [2.5, 1.0]), fp.Constant([[0.7, 0.0], [0.0, 0.05]]))
    exact = depth(start, 2, 0.5) / (2.0 * 0.7 / 4.0 + 2.0 * 0.05 / 0.25)
    holds(fp.mean_exit_time(problem, start, fp.Region("(x/2)**2 + (y/0.5)**2 - 1")).mean, exact)


@pytest.mark.parametrize(
    "domain",
    [pytest.param(around(3), marks=SLOW, id="region"), pytest.param(fp.Ball([0.0, 0.0, 0.0], 1.0), id="ball")],
)
def test_mean_times_within_a_sphere(domain):
    target = "boundary" if isinstance(domain, fp.Ball) else fp.Region("x**2 + y**2 + z**2 - 1")
    start = inside(1e-6, (0.6, 0.48, 0.64))
    problem = brownian(domain, resolution=fp.Resolution(tolerance=1e-2))
    holds(fp.mean_exit_time(problem, start, target).mean, depth(start) / 6.0, 1e-2)


def still_inside(distance, t):
    """P(tau > t) = sum_k 2 J_0(z_k r) exp(-z_k^2 t) / (z_k J_1(z_k)), from its slope, in which nothing cancels."""
    zeros = jn_zeros(0, 400)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    radii = 1.0 - 0.5 * distance * (1.0 + nodes)
    slopes = [float((2.0 * j1(zeros * r) / j1(zeros) * np.exp(-(zeros**2) * t)).sum()) for r in radii]
    return 0.5 * distance * float(weights @ slopes)


@pytest.mark.parametrize("distance", [1e-4, pytest.param(1e-6, marks=SLOW)])
def test_the_law_of_the_time_and_the_density_in_time(distance):
    start = inside(distance)
    near, squared = depth(start), 1.0 - depth(start)
    exact = still_inside(near / (1.0 + np.sqrt(squared)), 0.1)
    law = fp.exit_law(brownian(around()), start, CIRCLE, times=[0.1])
    holds(law.mean, near / 4.0)
    # m_2 = (3 - 4 r^2 + r^4) / 32 = (1 - r^2) (3 - r^2) / 32
    holds(law.variance, near * (3.0 - squared) / 32.0 - (near / 4.0) ** 2)
    holds(law.times[0].survival, exact)
    holds(fp.evolve(brownian(around()), start, [0.1], absorb=CIRCLE).times[0].mass, exact)


@pytest.mark.parametrize(("cells", "most"), [(4, 0.1), (12, 1e-2), pytest.param(40, 1e-6, marks=SLOW)])
def test_bars_on_prescribed_meshes_know_how_far_the_facets_are_off(cells, most):
    start = inside(1e-6)
    problem = brownian(around(), resolution=fp.Resolution(cells=(cells, cells)))
    holds(fp.mean_exit_time(problem, start, CIRCLE).mean, depth(start) / 4.0, most)


def test_what_is_too_close_is_told():
    coarse = brownian(around(), resolution=fp.Resolution(cells=(12, 12)))
    with pytest.warns(UserWarning, match="prescribed mesh is so coarse that the relative error can be"):
        found = fp.mean_exit_time(coarse, inside(1e-8), CIRCLE).mean
    assert abs(found.value - depth(inside(1e-8)) / 4.0) <= found.relative_error * found.value
    with pytest.raises(ConvergenceError, match="so close to a curved surface"):
        fp.mean_exit_time(brownian(around()), inside(1e-14), CIRCLE)


@pytest.mark.parametrize("distance", [0.2, 0.5, 1.0])
def test_a_start_far_from_the_surface_costs_no_cell(distance):
    problem = brownian(around())
    mesh = domain_triangulation(problem, {TARGET: CIRCLE})
    tensor = problem.process.field(2).tensor
    first = Beginning(lambda _: None, mesh, 6, Medium(tensor), 1000, 0.0)
    then = with_close_start(problem, first, [(TARGET, CIRCLE)], tuple(inside(distance)))
    assert then.mesh is mesh
    assert then.by_facets < 1e-8
