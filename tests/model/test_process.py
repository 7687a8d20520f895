import copy
import pickle

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import ScaledPotential, SeparatedPotential, detailed_balance

RNG = np.random.default_rng(5)


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def check_gradient_of_the_exponent(process, dimension, probe, tolerance=1e-11):
    """D grad Phi = grad V, grad Phi is the gradient of Phi, Hess Phi that of grad Phi."""
    balance = detailed_balance(process, dimension, probe)
    phi, x = balance.exponent, probe
    tensor = balance.diffusion.tensor(x)
    drift = np.einsum("ijn,jn->in", tensor, phi.gradient(x))
    slope = process.potential.gradient(x)
    assert np.abs(drift - slope).max() <= tolerance * (1 + np.abs(slope).max())
    step = 1e-5
    for axis in range(dimension):
        shift = np.zeros((dimension, 1))
        shift[axis] = step
        by_values = (phi.value(x + shift) - phi.value(x - shift)) / (2 * step)
        np.testing.assert_allclose(by_values, phi.gradient(x)[axis], rtol=1e-6, atol=1e-6)
        by_gradients = (phi.gradient(x + shift) - phi.gradient(x - shift)) / (2 * step)
        np.testing.assert_allclose(by_gradients, phi.hessian(x)[axis], rtol=1e-6, atol=1e-6)
    return balance


@pytest.mark.parametrize("dimension", [2, 3])
def test_isotropic_noise_divides_the_potential(dimension):
    process = Overdamped(Potential("(x**2 - 1)**2/4 + y**2/2 + x*y"), Isotropic(0.05))
    x = RNG.uniform(-1, 1, (dimension, 20))
    balance = check_gradient_of_the_exponent(process, dimension, x)
    np.testing.assert_array_equal(balance.exponent.value(x), process.potential.value(x) / 0.05)
    assert isinstance(balance.exponent, ScaledPotential)
    np.testing.assert_allclose(balance.exponent.derivative((3,))(x), 6 * x[0] / 0.05, rtol=1e-13)
    assert balance.diffusion == Isotropic(0.05)


def test_one_dimension_and_multiples_of_the_identity_are_isotropic():
    V = Potential("x**4 + sin(x)")
    x = RNG.uniform(-1, 1, (1, 9))
    constant = detailed_balance(Overdamped(V, Constant([[0.3]])), 1, x)
    isotropic = detailed_balance(Overdamped(V, Isotropic(0.3)), 1, x)
    np.testing.assert_array_equal(constant.exponent.value(x), isotropic.exponent.value(x))
    coupled = Potential("x**2*y**2 + x*y")
    x = RNG.uniform(-1, 1, (2, 9))
    balance = check_gradient_of_the_exponent(Overdamped(coupled, Constant([[0.3, 0.0], [0.0, 0.3]])), 2, x)
    assert isinstance(balance.exponent, ScaledPotential)


def test_a_diagonal_matrix_and_a_sum_over_the_axes():
    process = Overdamped(Potential("(x**2 - 1)**2/4 + y**2/2 + exp(z)"), Constant(np.diag([0.1, 0.4, 0.2])))
    x = RNG.uniform(-1.5, 1.5, (3, 50))
    balance = check_gradient_of_the_exponent(process, 3, x)
    here, there = np.array([[1.0], [0.5], [0.0]]), np.array([[0.0], [0.0], [0.0]])
    difference = (balance.exponent.value(there) - balance.exponent.value(here))[0]
    assert difference == pytest.approx(0.25 / 0.1 - 0.125 / 0.4, rel=1e-13)


def test_equal_eigenvalues_leave_their_plane_free():
    """The potential couples x and z, where D is the same in both directions."""
    process = Overdamped(Potential("(x**2 + z**2 - 1)**2 + x*z + y**4"), Constant(np.diag([0.1, 0.4, 0.1])))
    balance = check_gradient_of_the_exponent(process, 3, RNG.uniform(-1, 1, (3, 50)))
    assert isinstance(balance.exponent, SeparatedPotential)
    assert len(balance.exponent.levels) == 2


def test_axes_that_are_not_those_of_the_coordinates():
    turn = rotation(0.4)
    c, s = np.cos(0.4), np.sin(0.4)
    V = Potential("((c*x + s*y)**2 - 1)**2/4 + 2*(c*y - s*x)**2", {"c": float(c), "s": float(s)})
    D = turn @ np.diag([0.1, 0.5]) @ turn.T
    balance = check_gradient_of_the_exponent(Overdamped(V, Constant(D)), 2, RNG.uniform(-1, 1, (2, 50)))
    along = turn @ np.array([[1.0, 0.0], [0.0, 0.0]])
    minimum, saddle = balance.exponent.value(along)
    assert saddle - minimum == pytest.approx(0.25 / 0.1, rel=1e-12)


def test_a_coordinate_without_potential():
    process = Overdamped(Potential("x**2/2"), Constant(np.diag([1.0, 3.0])))
    check_gradient_of_the_exponent(process, 2, RNG.uniform(-1, 1, (2, 20)))


@pytest.mark.parametrize(
    ("formula", "matrix"),
    [
        ("(x**2 - 1)**2/4 + y**2/2 + x*y/2", [[1.0, 0.0], [0.0, 2.0]]),
        ("(x**2 - 1)**2/4 + y**2", [[1.0, 0.3], [0.3, 1.0]]),
        ("x**2*y**2", [[1.0, 0.0], [0.0, 1.001]]),
        ("x**2/2 + y**2/2 + 1e-8*x*y", [[1.0, 0.0], [0.0, 2.0]]),
    ],
)
def test_an_irreversible_process_is_refused(formula, matrix):
    process = Overdamped(Potential(formula), Constant(matrix))
    with pytest.raises(ProblemError, match=r"irreversible.*not solved by this version") as caught:
        detailed_balance(process, 2, RNG.uniform(-1, 1, (2, 50)))
    assert caught.value.key == "diffusion.matrix"


def test_a_function_without_derivatives_is_judged_with_more_patience():
    separate = Potential(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + np.cos(x[1]), dimension=2)
    D = Constant(np.diag([0.1, 0.4]))
    x = RNG.uniform(-1, 1, (2, 50))
    check_gradient_of_the_exponent(Overdamped(separate, D), 2, x, tolerance=1e-9)
    coupled = Potential(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + 0.01 * np.cos(x[1] + x[0]), dimension=2)
    with pytest.raises(ProblemError, match="irreversible"):
        detailed_balance(Overdamped(coupled, D), 2, x)


def test_points_without_a_hessian_are_left_out():
    process = Overdamped(Potential("sqrt(x**2) + log(y**2)*1e-3 + y**2"), Constant(np.diag([1.0, 2.0])))
    x = np.concatenate([RNG.uniform(0.5, 1, (2, 5)), np.zeros((2, 1))], axis=1)
    assert detailed_balance(process, 2, x).diffusion == process.diffusion
    with pytest.raises(ProblemError, match="Hessian"):
        detailed_balance(process, 2, np.zeros((2, 1)))


def test_shifting_the_potential_shifts_the_exponent():
    D = Constant(np.diag([0.5, 2.0]))
    x = RNG.uniform(-1, 1, (2, 20))
    first, second = (
        detailed_balance(Overdamped(Potential(f"x**2/2 + y**4 + {shift}"), D), 2, x).exponent for shift in (0, 7)
    )
    np.testing.assert_allclose(np.diff(first.value(x)), np.diff(second.value(x)), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(first.gradient(x), second.gradient(x), rtol=1e-14)


def test_dimensions_must_fit():
    assert Overdamped(Potential("x"), Constant(np.eye(3))).dimension == 3
    assert Overdamped(Potential("y"), Isotropic(1.0)).dimension == 2
    with pytest.raises(ProblemError, match="2 coordinates"):
        detailed_balance(Overdamped(Potential("x*y"), Isotropic(1.0)), 1, np.zeros((1, 1)))
    with pytest.raises(ProblemError, match="3 of each"):
        detailed_balance(Overdamped(Potential("x"), Constant(np.eye(2))), 3, np.zeros((3, 1)))
    with pytest.raises(ValueError, match="probe"):
        detailed_balance(Overdamped(Potential("x"), Constant(np.diag([1.0, 2.0]))), 2, np.zeros((2, 0)))


@pytest.mark.parametrize("interpretation", ["ito", "stratonovich", "klimontovich"])
def test_constant_noise_means_the_same_in_every_interpretation(interpretation):
    process = Overdamped(Potential("x**2"), Isotropic(0.5), interpretation)
    assert detailed_balance(process, 1, np.zeros((1, 1))).exponent.value(np.ones((1, 1)))[0] == 2.0


def test_processes_and_exponents_are_values():
    process = Overdamped(Potential("x**2 + y**4"), Constant(np.diag([1.0, 2.0])))
    balance = detailed_balance(process, 2, np.zeros((2, 1)))
    for thing in (process, balance):
        assert copy.deepcopy(thing) == pickle.loads(pickle.dumps(thing)) == thing
        assert hash(thing) == hash(copy.deepcopy(thing))
    with pytest.raises(AttributeError):
        process.diffusion = Isotropic(1.0)
    assert balance.exponent.value(np.zeros((2, 0))).shape == (0,)
    assert balance.exponent.hessian(np.zeros((2, 0))).shape == (2, 2, 0)
