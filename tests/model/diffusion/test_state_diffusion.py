"""Diffusions that depend on the state: values, exact divergences, bad input."""

import copy
import pickle

import numpy as np
import pytest
from scipy.linalg import sqrtm

from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.diffusion.quadratic import Quadratic
from fokker_planck.model.diffusion.state_dependent import Formula, Sampled
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped

RNG = np.random.default_rng(7)

COUPLED = Potential("(x**2 - 1)**2/4 + y**2/2 + 0.3*x*y**2 + x**3*y/5 + sin(x*y)")
COUPLED_3D = Potential("x**4/4 + y**2 + x*y*z + exp(z/2) - 0.3*x**2*z + cos(y*z)")


def fields(dimension):
    potential = {1: Potential("(x**2 - 1)**2/4 + sin(3*x)"), 2: COUPLED, 3: COUPLED_3D}[dimension]
    vector = [0.5, 1.0, 2.0][:dimension]
    rows = [["2 + x**2", "x*y/3", "0"], ["x*y/3", "2 + sin(x)", "0.1*y"], ["0", "0.1*y", "3 + x"]]
    return {
        "isotropic": Isotropic(0.3).field(potential, dimension),
        "constant": Constant(np.diag(vector)).field(None, dimension),
        "hessian": Hessian(0.7, floor=0.4).field(potential, dimension),
        "quadratic": Quadratic(vector, 3.0, center=-0.5, slope=0.2).field(None, dimension),
        "radial": Quadratic(1.0, 3.0, center=vector, form="radial").field(None, dimension),
        "formula": Formula("1 + x**2*k", {"k": 0.3}).field(None, dimension),
        "matrix": Formula([row[:dimension] for row in rows[:dimension]] if dimension > 1 else [["2 + x**2"]]).field(
            None, dimension
        ),
        "sampled": Sampled(lambda x: 1.0 + x[0] ** 2 * x[-1]).field(None, dimension),
    }


@pytest.mark.parametrize("name", fields(1))
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_shapes_symmetry_and_divergence(name, dimension):
    """(div D)_i = sum_j d_j D_ij, and its own derivatives, against central differences."""
    field = fields(dimension)[name]
    x = RNG.uniform(-1.0, 1.0, (dimension, 40))
    tensor, divergence, jacobian = field.tensor(x), field.divergence(x), field.divergence_jacobian(x)
    assert tensor.shape == (dimension, dimension, 40)
    np.testing.assert_allclose(tensor, tensor.swapaxes(0, 1), atol=1e-14)
    by_differences = np.einsum("jijn->in", differences.gradient(field.tensor, x))
    np.testing.assert_allclose(divergence, by_differences, atol=2e-9 * (1.0 + np.abs(divergence).max()))
    slopes = np.moveaxis(differences.gradient(field.divergence, x), 0, 1)
    np.testing.assert_allclose(jacobian, slopes, atol=1e-7 * (1.0 + np.abs(slopes).max()))
    assert field.constant == (name in {"isotropic", "constant"})


@pytest.mark.parametrize("potential", [COUPLED, COUPLED_3D])
def test_hessian_noise_is_the_matrix_root(potential):
    dimension = potential.dimension
    x = RNG.uniform(-1.0, 1.0, (dimension, 20))
    tensor = Hessian(0.5, floor=0.2).field(potential, dimension).tensor(x)
    for k, hessian in enumerate(np.moveaxis(potential.hessian(x), -1, 0)):
        np.testing.assert_allclose(
            tensor[:, :, k], 0.5 * sqrtm(hessian @ hessian + 0.04 * np.eye(dimension)).real, rtol=1e-10, atol=1e-12
        )


@pytest.mark.parametrize("name", ["hessian", "quadratic", "radial", "formula", "matrix"])
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_gradient_of_noise(dimension, name):
    """d_k D_ij, without which a path of least action takes minutes."""
    field = fields(dimension)[name]
    x = RNG.uniform(-1.0, 1.0, (dimension, 20))
    gradient = field.gradient(x)
    assert gradient.shape == (dimension, dimension, dimension, 20)
    np.testing.assert_allclose(gradient, differences.gradient(field.tensor, x), atol=1e-8)
    np.testing.assert_allclose(np.einsum("jijn->in", gradient), field.divergence(x), atol=1e-13)


def test_divergence_of_hessian_noise_where_eigenvalues_meet():
    """H = diag(1 + x, 1 - x + y) has a double eigenvalue along 2 x = y."""
    potential = Potential("x**2/2 + x**3/6 + y**2/2 - x*y**2/2 + y**3/6")
    field = Hessian(1.0, floor=0.1).field(potential, 2)
    x = np.array([[0.2, 0.0], [0.4, 0.0]])
    by_differences = np.einsum("jijn->in", differences.gradient(field.tensor, x))
    np.testing.assert_allclose(field.divergence(x), by_differences, atol=1e-8)
    assert np.isfinite(Hessian(1.0).field(Potential("x**2/2"), 2).divergence(x)).all()


def test_hessian_noise_on_a_line_is_the_formula():
    x = np.linspace(-2.0, 2.0, 31)[None]
    field = Hessian(0.05, floor=0.5).field(Potential("(x**2 - 1)**2/4"), 1)
    same = Formula("0.05*sqrt((3*x**2 - 1)**2 + 0.25)").field(None, 1)
    for which in ("tensor", "divergence", "divergence_jacobian"):
        np.testing.assert_allclose(getattr(field, which)(x), getattr(same, which)(x), rtol=1e-12, atol=1e-14)


def test_kinks():
    piecewise = Potential("0.75*x**2 - 1.25*(x - 0.2)*abs(x - 0.2) + 0.5*x")
    assert Hessian(1.0).field(piecewise, 1).kinks(-1.0, 2.0) == (0.2,)
    quartic = Hessian(1.0).field(Potential("(x**2 - 1)**2/4"), 1)
    np.testing.assert_allclose(quartic.kinks(-2.0, 2.0), [-(3**-0.5), 3**-0.5], rtol=1e-15)
    assert Hessian(1.0, floor=0.1).field(Potential("(x**2 - 1)**2/4"), 1).kinks(-2.0, 2.0) == ()
    assert Formula("1 + max(x, 0.5) + heaviside(x + 1)").field(None, 1).kinks(-2.0, 2.0) == (-1.0, 0.5)
    assert Quadratic(1.0, 1.0).field(None, 1).kinks(-1.0, 1.0) == ()


def test_third_derivatives_of_a_function_by_differences():
    V = Potential("x**3*y + sin(y*x)")
    function = Potential(lambda x: x[0] ** 3 * x[1] + np.sin(x[0] * x[1]), dimension=2)
    x = RNG.uniform(-1.0, 1.0, (2, 10))
    np.testing.assert_allclose(function.third_derivatives(x), V.third_derivatives(x), atol=1e-5)


def test_a_function_may_return_a_multiple_of_the_identity_or_a_tensor():
    scalar = Sampled(lambda x: 1.0 + x[0] ** 2).field(None, 2)
    tensor = Sampled(lambda x: np.eye(2)[:, :, None] * (1.0 + x[0] ** 2), divergence=lambda x: np.stack(
        [2.0 * x[0], 0.0 * x[0]])).field(None, 2)  # fmt: skip
    x = RNG.uniform(-1.0, 1.0, (2, 9))
    np.testing.assert_array_equal(scalar.tensor(x), tensor.tensor(x))
    np.testing.assert_allclose(scalar.divergence(x), tensor.divergence(x), atol=1e-11)


def test_they_are_values():
    for rule in (Hessian(1.0, 0.1), Quadratic([1.0, 2.0], 1.0), Formula([["1", "x"], ["x", "k"]], {"k": 9.0})):
        assert copy.deepcopy(rule) == pickle.loads(pickle.dumps(rule)) == rule
        assert hash(rule) == hash(copy.deepcopy(rule))
    assert Quadratic([1.0, 2.0], 1.0).dimension == 2
    assert Hessian(1).scale == 1.0
    assert Formula("1 + y").dimension == 2
    assert Formula("1 + x").dimension is None


def test_formulas_at_no_points():
    """As when a search for minima has nothing left to look at: zero drift with noise that varies has none."""
    field = Formula("exp(-2*x)").field(None, 2)
    nowhere = np.zeros((2, 0))
    assert field.tensor(nowhere).shape == (2, 2, 0)
    assert field.divergence(nowhere).shape == (2, 0)
    assert field.divergence_jacobian(nowhere).shape == (2, 2, 0)


def test_a_formula_is_differentiated_once_however_often_its_field_is_asked_for():
    """A flow asks the process for it at every evaluation: weights in space spent 147 of 200 s on derivatives."""
    process = Overdamped(Potential("x**2 + y**2"), Formula("1 + x**2*y**2"))
    assert process.field(2) is process.field(2)
    assert process.field(2).divergence(np.array([[1.0], [2.0]])).ravel().tolist() == [8.0, 4.0]
