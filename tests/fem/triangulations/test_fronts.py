"""How well passes are resolved before anything is solved: against a solution, and what it is for, one mesh."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.triangulations.fronts import Front, front_across, front_errors, missed_energy


def test_what_is_missed_is_what_a_fine_quadrature_finds():
    """exp(-t^2/2) less its best approximation by degree 2 on [0.3, 1.7], weight exp(t^2/2), on 20,000 points."""
    t = np.linspace(0.3, 1.7, 20001)
    t = 0.5 * (t[1:] + t[:-1])
    root = np.exp(0.25 * t**2) * np.sqrt(1.4 / 20000 / np.sqrt(2.0 * np.pi))
    rest = np.linalg.lstsq(root[:, None] * np.vander(t, 3), root * np.exp(-0.5 * t**2), rcond=None)[1][0]
    assert missed_energy(np.array([0.3]), np.array([1.7]), 3)[0] == pytest.approx(rest, rel=1e-6)


@pytest.mark.parametrize("degree", [2, 4, 6])
def test_half_the_width_gains_the_full_order(degree):
    width = np.array([0.8, 0.4, 0.2]) * (1.0 if degree > 4 else 0.5)
    missed = missed_energy(1.3 - 0.5 * width, 1.3 + 0.5 * width, degree)
    # the square of an error of order p, times the width
    assert np.log2(missed[:-1] / missed[1:]) == pytest.approx(2.0 * degree + 1.0, abs=0.6)


def test_the_direction_is_that_of_the_flow_and_not_of_the_hessian():
    """Phi = V/eps with noise D: the normal n solves (Hess Phi) D n = -mu n, k = mu / (n . D n)."""
    hessian, diffusion = np.array([[-3.0, 1.0], [1.0, 4.0]]), np.array([[0.5, 0.1], [0.1, 2.0]])
    front = front_across((0.0, 0.0), -diffusion @ hessian, diffusion)
    normal = np.asarray(front.normal)
    image = hessian @ diffusion @ normal
    assert image == pytest.approx((image @ normal) * normal, abs=1e-12)
    assert image @ normal < 0.0
    assert front.curvature == pytest.approx(-(image @ normal) / (normal @ diffusion @ normal))
    assert front_across((0.0, 0.0), -diffusion, diffusion) is None


def test_only_cells_near_the_pass_count():
    front = Front((0.0, 0.0), (1.0, 0.0), 50.0)
    cell = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    corners = np.stack([cell, cell + [3.0, 0.0], cell + [0.0, 3.0], 0.1 * cell])
    near, beyond, beside, small = front_errors(corners, [front], 4)
    assert beyond == beside == 0.0
    assert 0.0 < small < 1e-4 * near


@pytest.mark.parametrize("barrier", [10.0, 50.0])
def test_one_mesh_is_enough_or_nearly(barrier):
    """Without the fronts three meshes were needed at a barrier of 10."""
    problem = fp.Problem(
        process=fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.25 / barrier)),
        domain=fp.Box([-2.0, -1.5], [2.0, 1.5]),
    )
    assert fp.spectrum(problem, count=2).statistics.levels <= 2
