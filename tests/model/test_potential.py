import copy
import pickle
import time

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.model.gallery.registry import named
from fokker_planck.model.potential import Potential

RNG = np.random.default_rng(3)


def quartic(x):
    return (x[0] ** 2 - 1) ** 2 / 4 + np.sin(x[1]) ** 2


def quartic_gradient(x):
    return np.stack([x[0] ** 3 - x[0], np.sin(2 * x[1])])


def quartic_hessian(x):
    zero = np.zeros(x.shape[1])
    return np.array([[3 * x[0] ** 2 - 1, zero], [zero, 2 * np.cos(2 * x[1])]])


FORMULA = Potential("(x**2 - 1)**2/4 + sin(y)**2")


def test_value_gradient_and_hessian_of_a_formula():
    x = RNG.uniform(-2, 2, (2, 100))
    np.testing.assert_allclose(FORMULA.value(x), quartic(x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(FORMULA(x), quartic(x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(FORMULA.gradient(x), quartic_gradient(x), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(FORMULA.hessian(x), quartic_hessian(x), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", ["mueller-brown", "three-hole", "prinz", "himmelblau", "styblinski-tang"])
def test_gallery_derivatives_agree_with_differences_of_high_order_in_multiple_precision(name):
    mpmath = pytest.importorskip("mpmath")
    import sympy

    potential = named(name).potential
    dimension = potential.dimension
    symbols = sympy.symbols("x y z", real=True)[:dimension]
    function = sympy.lambdify(symbols, potential._formula.sympy, "mpmath")
    points = RNG.uniform(-1, 1, (dimension, 3))
    gradient, hessian = potential.gradient(points), potential.hessian(points)
    with mpmath.workdps(40):
        for k, point in enumerate(points.T):
            place = tuple(map(mpmath.mpf, point.tolist()))
            for i in range(dimension):
                first = [int(a == i) for a in range(dimension)]
                wanted = float(mpmath.diff(function, place, tuple(first)))
                assert gradient[i, k] == pytest.approx(wanted, rel=1e-12, abs=1e-11)
                for j in range(dimension):
                    second = list(first)
                    second[j] += 1
                    wanted = float(mpmath.diff(function, place, tuple(second)))
                    assert hessian[i, j, k] == pytest.approx(wanted, rel=1e-12, abs=1e-10)


def test_more_coordinates_than_the_formula_needs():
    potential = Potential("x**2")
    x = np.array([[1.0, 2.0], [5.0, 6.0], [7.0, 8.0]])
    assert potential.value(x).tolist() == [1.0, 4.0]
    assert potential.gradient(x).tolist() == [[2.0, 4.0], [0.0, 0.0], [0.0, 0.0]]
    assert potential.hessian(x)[:, :, 0].tolist() == [[2.0, 0, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_no_points(dimension):
    for potential in (Potential("x**2 + 1"), Potential("0"), Potential(lambda x: x[0] ** 2)):
        x = np.zeros((dimension, 0))
        assert potential.value(x).shape == (0,)
        assert potential.gradient(x).shape == (dimension, 0)
        assert potential.hessian(x).shape == (dimension, dimension, 0)


def test_a_flat_potential():
    flat = Potential("0", dimension=3)
    x = RNG.uniform(-1, 1, (3, 4))
    assert flat.dimension == 3
    assert flat.value(x).tolist() == [0.0] * 4
    assert not flat.gradient(x).any()
    assert not flat.hessian(x).any()


def test_dimension_is_that_of_the_formula_or_larger():
    assert Potential("x").dimension == 1
    assert Potential("z").dimension == 3
    assert Potential("x", dimension=2).dimension == 2
    assert Potential(quartic).dimension == 1
    assert Potential(quartic, dimension=2).dimension == 2


def test_a_formula_that_blows_up_gives_infinity_and_no_warning(recwarn):
    values = Potential("log(x)").value(np.array([[0.0, -1.0, 1.0]]))
    assert values[0] == -np.inf
    assert np.isnan(values[1])
    assert values[2] == 0.0
    assert not recwarn.list


# --- functions


@pytest.mark.parametrize(
    ("potential", "first", "second"),
    [
        (Potential(quartic, dimension=2), 1e-12, 1e-9),
        (Potential(quartic, gradient=quartic_gradient), 1e-15, 1e-11),
        (Potential(quartic, gradient=quartic_gradient, hessian=quartic_hessian), 1e-15, 1e-15),
        (Potential(quartic, hessian=quartic_hessian), 1e-12, 1e-15),
    ],
    ids=["neither", "gradient", "both", "hessian"],
)
def test_functions_are_differentiated_to_the_accuracy_that_is_promised(potential, first, second):
    x = RNG.uniform(-2, 2, (2, 500))
    size = np.abs(quartic(x)).max()
    assert np.abs(potential.value(x) - quartic(x)).max() == 0.0
    assert np.abs(potential.gradient(x) - quartic_gradient(x)).max() <= first * size
    assert np.abs(potential.hessian(x) - quartic_hessian(x)).max() <= second * size


def test_differences_find_their_step_also_on_short_scales():
    sharp = Potential("exp(-80*x**2) + x**8")
    same = Potential(lambda x: np.exp(-80 * x[0] ** 2) + x[0] ** 8)
    x = np.linspace(-1, 1, 301)[None]
    assert np.abs(same.gradient(x) - sharp.gradient(x)).max() < 1e-9 * np.abs(sharp.gradient(x)).max()
    assert np.abs(same.hessian(x) - sharp.hessian(x)).max() < 1e-6 * np.abs(sharp.hessian(x)).max()


def test_differences_keep_away_from_where_the_function_is_undefined():
    same = Potential(lambda x: np.log(x[0]))
    x = np.array([[0.004, 0.1, 1.0]])
    assert np.abs(same.gradient(x)[0] * x[0] - 1.0).max() < 1e-4
    assert np.abs(same.gradient(x)[0, 1:] * x[0, 1:] - 1.0).max() < 1e-9


def test_differences_of_large_coordinates():
    x = np.array([[1e6, -1e6]])
    potential = Potential(lambda x: x[0] ** 2)
    np.testing.assert_allclose(potential.gradient(x), 2 * x, rtol=1e-11)
    np.testing.assert_allclose(potential.hessian(x)[0, 0], 2.0, rtol=1e-8)


def test_differences_have_order_six():
    errors = []
    for step in (0.4, 0.2):
        k = np.array([1, 2, 3])[:, None]
        right, left = np.exp(k * step), np.exp(-k * step)
        errors.append(abs((differences._FIRST[2] @ (right - left))[0] / step - 1.0))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(6.0, abs=0.3)


def test_a_function_may_return_integers_or_lists_and_cannot_change_the_points():
    assert Potential(lambda x: [1] * x.shape[1]).value(np.zeros((1, 3))).tolist() == [1.0, 1.0, 1.0]

    def spoil(x):
        x[0] = 1.0
        return x[0]

    with pytest.raises(ProblemError, match="read-only"):
        Potential(spoil).value(np.zeros((1, 3)))


def test_the_result_does_not_alias_what_the_function_keeps():
    kept = np.zeros(3)
    Potential(lambda x: kept).value(np.zeros((1, 3)))[0] = 5.0
    assert not kept.any()


def test_jax_differentiates_to_the_last_digits():
    jnp = pytest.importorskip("jax.numpy")
    import jax

    before = jax.config.jax_enable_x64
    potential = Potential(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + jnp.sin(x[1]) ** 2, gradient="jax", dimension=2)
    x = RNG.uniform(-2, 2, (2, 50))
    np.testing.assert_allclose(potential.value(x), quartic(x), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(potential.gradient(x), quartic_gradient(x), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(potential.hessian(x), quartic_hessian(x), rtol=1e-13, atol=1e-13)
    assert potential.exact
    assert jax.config.jax_enable_x64 == before


def test_without_jax_the_extra_is_named(monkeypatch):
    import sys

    from fokker_planck.errors import MissingPackageError

    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingPackageError, match=r"fokker-planck-fem\[jax\]"):
        Potential(quartic, gradient="jax")


# --- higher derivatives


def test_third_and_fourth_derivatives_of_a_formula_are_exact():
    x = np.array([[2.0, -1.0], [5.0, 3.0]])
    potential = Potential("x**4*y**2")
    assert potential.derivative((3,))(x).tolist() == [24 * 2.0 * 25, 24 * -1.0 * 9]
    assert potential.derivative((4, 0))(x).tolist() == [24 * 25.0, 24 * 9.0]
    assert potential.derivative((2, 2))(x).tolist() == [12 * 4 * 2.0, 12 * 2.0]
    assert potential.derivative((0, 0))(x).tolist() == [400.0, 9.0]
    assert potential.derivative((1, 0, 1))(np.ones((3, 2))).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("orders", "tolerance"), [((0,), 0), ((1,), 1e-12), ((2,), 1e-9), ((3,), 1e-6), ((4,), 1e-3)])
def test_higher_derivatives_of_a_function(orders, tolerance):
    x = np.linspace(-1, 1, 11)[None]
    wanted = Potential("sin(x) + x**2").derivative(orders)(x)
    found = Potential(lambda x: np.sin(x[0]) + x[0] ** 2).derivative(orders)(x)
    assert np.abs(found - wanted).max() <= tolerance


@pytest.mark.parametrize("orders", [(), (-1,), (0.5,), ("a",)])
def test_orders_are_counts(orders):
    with pytest.raises(ValueError, match="counts"):
        FORMULA.derivative(orders)


def test_a_derivative_along_a_missing_coordinate():
    with pytest.raises(ValueError, match="coordinate 1"):
        Potential("x").derivative((0, 1))(np.zeros((1, 2)))


# --- a potential is a value


def test_potentials_are_frozen_values():
    assert Potential("x**2") == Potential("x**2")
    assert Potential("x**2") != Potential("x**2", dimension=2)
    assert Potential("k*x", {"k": 1.0}) != Potential("k*x", {"k": 2.0})
    assert len({Potential(quartic), Potential(quartic), FORMULA}) == 2
    assert Potential(quartic) != Potential(quartic, gradient=quartic_gradient)
    with pytest.raises(AttributeError):
        FORMULA.source = "y"
    assert str(FORMULA) == FORMULA.expression == "(x**2 - 1)**2/4 + sin(y)**2"
    assert Potential(quartic).expression is None


def test_parameters_may_change_afterwards_without_effect():
    parameters = {"k": 2.0}
    potential = Potential("k*x", parameters)
    parameters["k"] = 5.0
    assert potential.value(np.array([[1.0]])).tolist() == [2.0]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
@pytest.mark.parametrize("potential", [Potential("k*x**2*y", {"k": 3.0}, dimension=3), Potential(quartic, dimension=2)])
def test_copies_are_equal_and_work(copied, potential):
    twin = copied(potential)
    x = RNG.uniform(-1, 1, (3, 5))
    assert twin == potential
    assert twin.dimension == potential.dimension
    np.testing.assert_array_equal(twin.hessian(x), potential.hessian(x))


def test_a_hundred_thousand_points_take_a_moment():
    potential = named("mueller-brown").potential
    x = RNG.uniform(-1, 1, (2, 100_000))
    for evaluate in (potential.value, potential.gradient, potential.hessian):
        evaluate(x[:, :1])
        start = time.perf_counter()
        evaluate(x)
        assert time.perf_counter() - start < 0.3


def test_all_steps_and_axes_of_a_derivative_are_one_call_of_the_function():
    """Flows ask for it at a few points, thousands of times: it was 8 calls for a gradient, 22 for a Hessian."""
    calls = []

    def function(x):
        calls.append(x.shape[1])
        return np.cos(x[0]) * np.exp(0.3 * x[1])

    potential, place = Potential(function, dimension=2), np.array([[0.4, 0.7], [1.1, -0.2]])
    assert potential.gradient(place)[1] == pytest.approx(0.3 * function(place), rel=1e-11)
    calls.clear()
    potential.gradient(place)
    assert len(calls) == 1
    calls.clear()
    assert potential.hessian(place)[0, 0] == pytest.approx(-function(place), rel=1e-8)
    assert len(calls) == 3  # the function and its neighbours, and the line above


def test_derivatives_at_many_points_are_those_at_each():
    """They are taken in blocks, and the step at one point depends on others by their common length scale alone."""
    potential = Potential(lambda x: np.sin(3.0 * x[0]) * x[1] ** 3 + x[1], dimension=2)
    many = np.random.default_rng(3).uniform(1.0, 2.0, (2, 5000))
    some = np.arange(0, 5000, 500)
    # to the rounding of sums in another order, over the steps
    np.testing.assert_allclose(potential.gradient(many)[:, some], potential.gradient(many[:, some]), rtol=1e-11)
    np.testing.assert_allclose(potential.hessian(many)[:, :, some], potential.hessian(many[:, some]), rtol=1e-8)
