import copy
import pickle

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.model.diffusion.constant import Constant, Isotropic


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 7])
def test_isotropic_noise_is_a_multiple_of_the_identity(dimension, n):
    tensor = Isotropic(0.25).tensor(np.zeros((dimension, n)))
    assert tensor.shape == (dimension, dimension, n)
    for k in range(n):
        np.testing.assert_array_equal(tensor[..., k], 0.25 * np.eye(dimension))


@pytest.mark.parametrize("good", [1, np.float64(1.0), np.float32(1.0), np.int64(1), 1e-300])
def test_any_kind_of_number_will_do(good):
    assert type(Isotropic(good).epsilon) is float
    assert Isotropic(good).epsilon == good


def test_a_constant_matrix_is_the_same_everywhere():
    matrix = [[2.0, 0.5], [0.5, 1.0]]
    tensor = Constant(matrix).tensor(np.zeros((2, 3)))
    assert tensor.shape == (2, 2, 3)
    for k in range(3):
        np.testing.assert_array_equal(tensor[..., k], matrix)


def test_very_unequal_axes_are_no_defect():
    assert Constant([[1.0, 0.0], [0.0, 1e-20]]).dimension == 2


def test_rounding_of_the_symmetry_is_forgiven():
    matrix = np.array(Constant([[1.0, 0.1 + 1e-16], [0.1, 1.0]]).matrix)
    np.testing.assert_array_equal(matrix, matrix.T)


def test_the_dimension_must_fit():
    with pytest.raises(ProblemError, match="3 of each") as caught:
        Constant([[1.0, 0.0], [0.0, 2.0]]).tensor(np.zeros((3, 4)))
    assert caught.value.key == "diffusion.matrix"
    assert Isotropic(1.0).dimension is None
    assert Constant([[1.0]]).dimension == 1


def test_points_have_two_axes():
    with pytest.raises(ValueError, match="shape"):
        Isotropic(1.0).tensor(np.zeros(3))


def test_tensors_are_values():
    assert Constant([[1, 0], [0, 2]]) == Constant(np.diag([1.0, 2.0]))
    assert len({Isotropic(1), Isotropic(1.0), Constant([[1.0]])}) == 2
    for tensor in (Isotropic(0.5), Constant([[1.0, 0.0], [0.0, 2.0]])):
        assert copy.deepcopy(tensor) == pickle.loads(pickle.dumps(tensor)) == tensor
        with pytest.raises(ValueError, match="read-only"):
            tensor.tensor(np.zeros((2, 2)))[0, 0, 0] = 5.0


def test_the_given_matrix_may_change_afterwards():
    matrix = np.eye(2)
    tensor = Constant(matrix)
    matrix[0, 0] = 9.0
    assert tensor.tensor(np.zeros((2, 1)))[0, 0, 0] == 1.0
