"""Axes of symmetric matrices in one to three dimensions, against LAPACK."""

import numpy as np
import pytest

from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.diffusion.principal_axes import principal_axes
from fokker_planck.model.potential import Potential


def _matrices(dimension: int) -> np.ndarray:
    """Random ones of all sizes, some with eigenvalues that meet, that vanish, or that differ by 1e14."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(4000, dimension)) * 10.0 ** rng.uniform(-30.0, 30.0, (4000, 1))
    values[:500] = values[:500, :1]
    values[500:1000, 0] = values[500:1000, -1] * (1.0 + 1e-15)
    values[1000:1500] *= 10.0 ** -rng.uniform(0.0, 14.0, (500, dimension))
    values[1500:1600, 0] = 0.0
    turns = np.linalg.qr(rng.normal(size=(4000, dimension, dimension)))[0]
    turns[:100] = np.eye(dimension)
    matrices = np.einsum("nia,na,nja->ijn", turns, values, turns)
    return 0.5 * (matrices + matrices.swapaxes(0, 1))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_axes_are_those_of_lapack_to_rounding(dimension):
    matrices = _matrices(dimension)
    kept = matrices.copy()
    values, axes = principal_axes(matrices)
    size = np.abs(matrices).max(axis=(0, 1))
    expected = np.linalg.eigvalsh(np.moveaxis(matrices, -1, 0)).T
    assert (matrices == kept).all()
    # both are rounded: 1.7e-15 and 2.2e-15 with the kernels of OpenBLAS for SkylakeX and Haswell
    assert (np.abs(np.sort(values, axis=0) - expected) <= 4e-15 * size).all()
    assert np.abs(np.einsum("ian,ibn->abn", axes, axes) - np.eye(dimension)[:, :, None]).max() < 4e-15
    assert (np.abs(np.einsum("ian,an,jan->ijn", axes, values, axes) - matrices) <= 4e-15 * size).all()


def test_what_is_not_finite_has_no_eigenvalues():
    matrices = _matrices(3)[:, :, :3]
    matrices[0, 1, 1] = matrices[1, 0, 1] = np.nan
    values, axes = principal_axes(matrices)
    assert np.isnan(values).all(axis=0).tolist() == [False, True, False]
    assert np.isfinite(axes).all()


def test_noise_along_the_curvature_in_space_has_the_divergence_of_its_differences():
    """(div D)_i = sum_j d_j D_ij, in many blocks of points, and the same alone, together, and from the gradient."""
    potential = Potential("exp(-x**2 - 0.3*y*z) + 0.2*x*y**2 + sin(z + x)")
    field = Hessian(0.4, floor=0.3).field(potential, 3)
    points = np.random.default_rng(1).uniform(-1.0, 1.0, (3, 9001))
    step, by_differences = 1e-5, 0.0
    for axis in range(3):
        ahead = step * np.eye(3)[:, axis : axis + 1]
        change = field.tensor(points + ahead) - field.tensor(points - ahead)
        by_differences = by_differences + change[:, axis] / (2.0 * step)
    tensor, divergence = field.tensor_and_divergence(points)
    assert np.abs(divergence - by_differences).max() < 1e-8
    assert np.abs(tensor - field.tensor(points)).max() < 1e-14
    assert np.abs(np.einsum("jijn->in", field.gradient(points)) - divergence).max() < 1e-13
