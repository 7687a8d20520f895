import json
import math
import pickle

import pytest

from fokker_planck.errors import (
    BarrierTooHighError,
    ConvergenceError,
    FokkerPlanckError,
    MeshFileError,
    MissingPackageError,
    ProblemError,
)
from fokker_planck.quantity import Quantity


def test_a_problem_error_is_one_line_that_names_key_finding_and_remedy():
    error = ProblemError("diffusion.epsilon", -0.5, "a positive number")
    assert str(error) == "diffusion.epsilon: found -0.5; wanted a positive number"
    assert (error.key, error.found, error.wanted) == ("diffusion.epsilon", -0.5, "a positive number")
    assert isinstance(error, ValueError)
    assert isinstance(error, FokkerPlanckError)


@pytest.mark.parametrize(
    "found", ["two\nlines\r\n", "x" * 5000, "\x1b[31mred", ["a\nb"] * 100, {"k": "\x00"}, "\u2028split", None, b"\n"]
)
def test_whatever_was_found_fits_one_short_printable_line(found):
    text = str(ProblemError("key", found, "something else"))
    assert len(text) < 200
    assert text.isprintable()
    assert len(text.splitlines()) == 1


def test_an_object_without_a_working_repr_does_no_harm():
    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    assert "an object of type Broken" in str(ProblemError("key", Broken(), "something"))


def test_numpy_values_are_shown_as_a_user_writes_them():
    numpy = pytest.importorskip("numpy")
    assert "found 0.5;" in str(ProblemError("k", numpy.float64(0.5), "w"))
    assert "found [[1.0, 2.0]];" in str(ProblemError("k", numpy.array([[1.0, 2.0]]), "w"))


@pytest.mark.parametrize(
    "error",
    [
        ProblemError("k", [1], "w"),
        MeshFileError("domain.file", "nothing", "a mesh"),
        ConvergenceError("too slow", "wait"),
        BarrierTooHighError("too high", "more noise"),
        MissingPackageError("jax", "jax"),
    ],
)
def test_errors_survive_pickling(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_the_kinds_of_errors():
    assert issubclass(MeshFileError, ProblemError)
    assert issubclass(BarrierTooHighError, ConvergenceError)
    assert issubclass(ConvergenceError, ArithmeticError)
    assert issubclass(MissingPackageError, ImportError)
    assert "fokker-planck-fem[gmsh]" in str(MissingPackageError("gmsh", "gmsh"))


def test_an_ordinary_number():
    quantity = Quantity.of(2.0, 1e-6)
    assert quantity.as_dict() == {"value": 2.0, "log": math.log(2.0), "relative_error": 1e-6}
    assert float(quantity) == 2.0


def test_zero_and_negative_numbers_have_no_logarithm():
    assert Quantity.of(0.0, 0.0).as_dict() == {"value": 0.0, "log": None, "relative_error": 0.0}
    assert Quantity.of(-1.5, 0.0).log is None
    assert Quantity.of_log(-math.inf, 0.0).value == 0.0


@pytest.mark.parametrize("log", [-3000.0, -744.0, -709.0, 709.9, 3000.0])
def test_what_fits_no_normal_double_has_a_logarithm_only(log):
    quantity = Quantity.of_log(log, 1e-3)
    assert quantity.value is None
    assert quantity.log == log
    with pytest.raises(OverflowError, match="logarithm"):
        float(quantity)


@pytest.mark.parametrize("log", [-708.0, -100.0, 0.0, 709.0])
def test_what_fits_a_double_has_its_value(log):
    assert Quantity.of_log(log, 1e-3).value == math.exp(log)


def test_a_subnormal_number_counts_as_underflow_and_says_what_it_lost():
    quantity = Quantity.of(1e-320, 1e-6)
    assert quantity.value is None
    assert quantity.log == pytest.approx(-320 * math.log(10.0), abs=1e-3)
    assert quantity.relative_error > 1e-4


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(bad):
    with pytest.raises(ConvergenceError, match="computed number"):
        Quantity.of(bad, 0.1)
    if bad != -math.inf:
        with pytest.raises(ConvergenceError, match="computed number"):
            Quantity.of_log(bad, 0.1)


def test_a_negative_error_bar_is_refused():
    with pytest.raises(ValueError, match="not negative"):
        Quantity.of(1.0, -0.1)


@pytest.mark.parametrize("error", [math.nan, math.inf])
def test_json_knows_no_infinite_error(error):
    text = json.dumps(Quantity.of(1.0, error).as_dict(), allow_nan=False)
    assert json.loads(text)["relative_error"] is None


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity.of(2.776140636572e-3, 1e-6), "0.00277614"),
        (Quantity.of(1.2e-5, 3e-8), "1.2000000e-05"),
        (Quantity.of(-1.2345e-3, 1e-3), "-0.00123"),
        (Quantity.of(123456.789, 1e-6), "123457"),
        (Quantity.of(123456.789, 1e-4), "1.235e+05"),
        (Quantity.of(9.99999999, 1e-3), "10.00"),
        (Quantity.of(999.9996, 1e-6), "1000.000"),
        (Quantity.of(7.3, math.nan), "7.300"),
        (Quantity.of(659.38, 0.2), "659"),
        (Quantity.of(7.3, 5.0), "7"),
        (Quantity.of(7.3, math.inf), "7"),
        (Quantity.of(0.0, 0.0), "0"),
        (Quantity.of_log(-300000 * math.log(10.0) + math.log(2.5), 1e-4), "2.500e-300000"),
        (Quantity.of_log(1000 * math.log(10.0), 1e-3), "1.00e+1000"),
        (Quantity.of(1.0 / 3.0, 0.0), "0.333333333333333"),
    ],
)
def test_the_text_shows_the_digits_that_the_error_bar_justifies(quantity, text):
    shown = str(quantity)
    if "e" in text and quantity.value is None:
        assert shown.partition("e")[2] == text.partition("e")[2]
        assert float(shown.partition("e")[0]) == pytest.approx(float(text.partition("e")[0]), rel=1e-3)
    else:
        assert shown == text


def test_scaling_crosses_the_limits_of_doubles_and_back():
    small = Quantity.of(1e-300, 1e-6)
    smaller = small.scaled(1e-200)
    assert smaller.value is None
    assert smaller.log == pytest.approx(-500 * math.log(10.0), rel=1e-14)
    assert smaller.scaled(1e200).scaled(1e100).value == pytest.approx(1e-200, rel=1e-10)
    assert Quantity.of(-2.0, 0.1).scaled(3.0).value == -6.0
    with pytest.raises(ValueError, match="positive"):
        small.scaled(-1.0)


def test_reciprocals_and_ratios():
    assert Quantity.of(4.0, 0.1).reciprocal() == Quantity.of(0.25, 0.1)
    assert Quantity.of_log(-3000.0, 0.1).reciprocal().log == 3000.0
    assert Quantity.of(1e-308 * 3, 0.1).reciprocal().log == pytest.approx(-math.log(3e-308))
    assert Quantity.of(3.0, 0.0).ratio(Quantity.of(2.0, 0.0)) == pytest.approx(1.5, rel=1e-15)
    assert Quantity.of(3.0, 0.0).ratio(Quantity.of(0.0, 0.0)) is None
    assert Quantity.of_log(3000.0, 0.0).ratio(Quantity.of_log(-3000.0, 0.0)) is None
    with pytest.raises(ValueError, match="not positive"):
        Quantity.of(0.0, 0.0).reciprocal()
