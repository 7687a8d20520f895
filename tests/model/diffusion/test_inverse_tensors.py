"""D^-1 times vectors at many points at once."""

import numpy as np
import pytest

from fokker_planck.model.diffusion import inverse_tensors
from fokker_planck.model.diffusion.inverse_tensors import solved


def _tensors(dimension, scales):
    root = np.random.default_rng(7).normal(size=(dimension, dimension, 50)) * scales[:, None, None]
    return np.einsum("ikn,jkn->ijn", root, root)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_positive_tensors_are_solved_as_by_a_library_without_asking_it(dimension, monkeypatch):
    # of sizes that are 1e8 apart along the axes: without exchange of rows that costs no digit
    tensor = _tensors(dimension, 10.0 ** np.linspace(0.0, -8.0, dimension))
    vectors = np.random.default_rng(8).normal(size=(dimension, 50))
    wanted = np.linalg.solve(np.moveaxis(tensor, -1, 0), vectors.T[:, :, None])[:, :, 0].T
    condition = np.linalg.cond(np.moveaxis(tensor / np.sqrt(np.einsum("iin,jjn->ijn", tensor, tensor)), -1, 0))
    monkeypatch.setattr(inverse_tensors, "_with_exchanges", None)
    error = np.abs(solved(tensor, vectors) / wanted - 1.0).max(axis=0)
    assert (error <= 1e-14 * condition).mean() > 0.9
    assert (error <= 1e-12 * condition).all()


def test_singular_tensors_have_no_inverse_and_others_are_solved_beside_them():
    positive = np.array([[2.0, 1.0], [1.0, 2.0]])
    singular = np.array([[1.0, 1.0], [1.0, 1.0]])
    negative = np.array([[0.0, 1.0], [1.0, 0.0]])
    tensor = np.stack([positive, singular, negative, np.zeros((2, 2))], axis=2)
    found = solved(tensor, np.array([[3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 5.0, 0.0]]))
    assert found[:, 0] == pytest.approx([2.0, -1.0])
    assert np.isnan(found[:, [1, 3]]).all()
    assert found[:, 2] == pytest.approx([5.0, 3.0])


def test_diagonal_tensors_are_divided_by():
    tensor = np.stack([np.diag([2.0, 4.0]), np.diag([0.0, 4.0])], axis=2)
    found = solved(tensor, np.ones((2, 2)))
    assert found[:, 0].tolist() == [0.5, 0.25]
    assert np.isnan(found[:, 1]).all()
