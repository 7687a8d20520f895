import json
import math
import pickle

import numpy as np
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
    shown = quantity.digits
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


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity.of(659.38, 0.2), "659 ± 20 %"),
        (Quantity.of(659.38, 0.0123), "659 ± 1.2 %"),
        (Quantity.of(7.3, 5.0), "7 ± 500 %"),
        (Quantity.of(7.3, math.inf), "7 ± inf"),
        (Quantity.of(7.3, math.nan), "7.300"),
        (Quantity.of(0.0, 0.0), "0"),
        (Quantity.of(2.0, 0.0), "2.00000000000000"),
        (Quantity.of(729.67069194, 1e-7), "729.67069 ± 0.00008"),
        (Quantity.of(-729.67069194, 1e-7), "-729.67069 ± 0.00008"),
        (Quantity.of(2.776140636572e-3, 1e-6), "0.002776141 ± 0.000000003"),
        (Quantity.of(1.2e-5, 3e-8), "1.20000000e-05 ± 4e-13"),
        (Quantity.of(9.99999999, 1e-3), "10.00 ± 0.01"),
        (Quantity.of(1.0, 9.5e-4), "1.000 ± 0.001"),
        (Quantity.of_log(-3000.0, 1e-6), "1.307839e-1303 ± 2e-1309"),
    ],
)
def test_what_is_printed_is_the_value_and_its_uncertainty(quantity, text):
    assert str(quantity) == f"{quantity}" == text


@pytest.mark.parametrize("seed", range(20))
def test_the_printed_interval_holds_the_interval(seed):
    """The digits shown are at most half a unit of the last place off, and the uncertainty is rounded up."""
    random = np.random.default_rng(seed)
    value, error = 10.0 ** random.uniform(-12.0, 12.0), 10.0 ** random.uniform(-9.0, -2.1)
    shown, uncertainty = (float(part) for part in str(Quantity.of(value, error)).split(" ± "))
    assert abs(shown - value) <= 0.501 * uncertainty
    assert value * error <= uncertainty * (1.0 + 1e-5) <= 2.01 * value * error * (1.0 + 1e-5)


OPERATIONS = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "quotient": lambda a, b: a / b,
    "with numbers": lambda a, b: 1.0 - 3.0 / (2.0 + a * b) + b / 7 - np.float64(0.25) * a,
    "square": lambda a, b: a**2 + b,
    "root": lambda a, b: np.sqrt(a) * b,
    "inverse cube": lambda a, b: a**-3 - b,
    "exponential": lambda a, b: np.exp(-a) * abs(-b),
    "logarithm": lambda a, b: np.log10(a) + b,
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("first", "second"), [(1e-6, 1e-3), (0.2, 0.05), (0.4, 0.5)])
def test_the_error_of_a_result_holds_all_that_its_operands_may_be(name, first, second):
    """Every operation is monotone in each operand, so that the corners of the rectangle are the worst."""
    operation, a, b = OPERATIONS[name], 3.0, 1.75
    result = operation(Quantity.of(a, first), Quantity.of(b, second))
    exact = operation(a, b)
    corners = [operation(a * (1 + s * first), b * (1 + t * second)) for s in (-1, 1) for t in (-1, 1)]
    worst = max(abs(corner / exact - 1.0) for corner in corners)
    assert result.value == pytest.approx(exact, rel=1e-14)
    assert worst <= result.relative_error * (1.0 + 1e-9)
    assert result.relative_error <= 40.0 * worst  # "with numbers" counts both operands twice
    assert isinstance(result, Quantity)


def test_logarithms_go_on_beyond_doubles():
    rate, gap = Quantity.of_log(-3000.0, 1e-6), Quantity.of_log(-2999.0, 1e-5)
    assert (1 / rate).log == 3000.0
    assert (rate * gap).log == -5999.0
    assert (rate / gap).value == pytest.approx(math.exp(-1.0), rel=1e-12)
    assert (rate / gap).relative_error == pytest.approx(1.1e-5, rel=1e-4)
    assert (rate + gap).log == pytest.approx(-2999.0 + math.log1p(math.exp(-1.0)), rel=1e-15)
    assert (gap - rate).log == pytest.approx(-2999.0 + math.log1p(-math.exp(-1.0)), rel=1e-15)
    assert (gap - rate).relative_error == pytest.approx((1e-5 * math.e + 1e-6) / (math.e - 1.0), rel=1e-6)
    assert (rate**2 / rate).log == -3000.0
    assert (rate**0.1).value == pytest.approx(math.exp(-300.0), rel=1e-12)
    assert (rate * 1e300 * 1e300 * 1e300 * 1e300).value == pytest.approx(1.3078387e-103, rel=1e-6)
    assert (2.0 + rate).value == 2.0
    assert (rate - rate).value == 0.0
    assert (rate - rate).relative_error == math.inf
    assert rate.log10().value == pytest.approx(-1302.88345, rel=1e-8)


def test_a_negative_number_beyond_doubles_is_refused_not_lost():
    rate = Quantity.of_log(-3000.0, 1e-6)
    for refused in (lambda: -rate, lambda: rate * -2.0, lambda: 0.0 - rate, lambda: rate - 3.0 * rate):
        with pytest.raises(OverflowError, match="no logarithm"):
            refused()


def test_what_cancels_says_so_and_never_forgets():
    a, b = Quantity.of(1.0, 1e-6), Quantity.of(1.0 - 1e-5, 1e-6)
    assert (a - b).relative_error == pytest.approx(0.2, rel=1e-4)
    nothing = a - a
    assert nothing.relative_error == math.inf
    assert (nothing + 5.0).relative_error == math.inf
    assert (nothing * 5.0).relative_error == math.inf
    assert (Quantity.of_log(-3000.0, 0.0) + nothing).relative_error == math.inf
    assert math.isnan((a + Quantity.of(1.0, math.nan)).relative_error)
    assert (1 / Quantity.of(1.0, 1.0)).relative_error == math.inf


def test_order_is_that_of_the_numbers():
    small, large = Quantity.of_log(-3000.0, 0.1), Quantity.of_log(3000.0, 0.1)
    listed = [Quantity.of(-2.0, 0.0), Quantity.of(0.0, 0.0), small, Quantity.of(1.0, 0.3), large]
    assert sorted(listed[::-1]) == listed
    assert max(listed) is large
    assert small < 1e-300 < large
    assert 1.0 <= listed[3] <= 1.0 == listed[3]
    assert 0.0 < small < math.inf
    assert not small > math.nan
    assert large > 10**6
    assert listed[3] != Quantity.of(1.0, 0.2)
    with pytest.raises(TypeError):
        small < "1"  # noqa: B015


def test_numpy_takes_quantities():
    listed = [Quantity.of(2.0, 0.1), Quantity.of(3.0, 0.1)]
    assert np.asarray(listed, dtype=float).tolist() == [2.0, 3.0]
    assert math.log(listed[0]) == listed[0].log
    scaled = np.array([1.0, 2.0]) * listed[0]
    assert [each.relative_error for each in scaled] == [0.1, 0.1]
    assert (listed[0] * np.array([1.0, 2.0]))[1] == Quantity.of(4.0, 0.1)
    assert isinstance(np.float64(2.0) * listed[0], Quantity)
    assert np.exp(-listed[0] * np.array([0.5, 1.0]))[0].value == math.exp(-1.0)
    assert sum(listed) == Quantity.of(5.0, 0.1)
    with pytest.raises(TypeError):
        listed[0] + "1"


def test_formats_are_those_of_numbers_also_beyond_doubles():
    tiny = Quantity.of_log(-3000.0, 1e-6)
    assert f"{Quantity.of(1234.5, 0.1):.3e} {Quantity.of(0.5, 0.1):8.3f}|{tiny:.3e}|{tiny:>14.2e}" == (
        "1.234e+03    0.500|1.308e-1303|    1.31e-1303"
    )
    assert f"{Quantity.of(659.38, 0.2):>12}|" == "  659 ± 20 %|"


@pytest.mark.parametrize("quantity", [Quantity.of(2.0, 0.1), Quantity.of_log(-3000.0, 0.1), Quantity.of(0.0, math.inf)])
def test_quantities_pickle(quantity):
    copy = pickle.loads(pickle.dumps(quantity))
    assert copy == quantity
    assert hash(copy) == hash(quantity)


def test_powers_have_the_limits_of_real_ones():
    cube = Quantity.of(-2.0, 0.1) ** 3
    assert (cube.value, cube.relative_error) == (-8.0, pytest.approx(0.331))
    assert (Quantity.of(-2.0, 0.0) ** 2).value == 4.0
    assert Quantity.of(5.0, 0.3) ** 0 == Quantity.of(1.0, 0.0)
    with pytest.raises(ValueError, match="no real power"):
        Quantity.of(-2.0, 0.1) ** 0.5
    with pytest.raises(ZeroDivisionError):
        1 / Quantity.of(0.0, 0.0)


def test_numpy_takes_logarithms_of_quantities_and_of_arrays_of_them():
    small = Quantity.of_log(-3000.0, 1e-3)
    assert float(np.log(small)) == -3000.0
    assert np.log(small).relative_error == pytest.approx(1e-3 / 3000.0, rel=1e-3)
    logs = np.log(np.array([small, Quantity.of(math.e, 1e-4)]))
    assert [float(each) for each in logs] == [-3000.0, 1.0]
    assert logs[1].relative_error == pytest.approx(1e-4, rel=1e-3)
    assert float(np.log(Quantity.of(1.0, 0.0))) == 0.0
    assert json.dumps(small.log) == "-3000.0" == repr(small.log)
    assert pickle.loads(pickle.dumps(small)) == small
    assert np.asarray([small.log, 1.0]).dtype == np.float64
    with pytest.raises(TypeError):
        np.log(Quantity.of(-1.0, 0.0))


def test_quantities_are_rounded_and_powers_of_numbers_and_formatted_as_doubles_are():
    number = Quantity.of(2.7182818, 1e-6)
    assert (int(number), round(number), round(number, 2)) == (2, 3, 2.72)
    assert (2.0**number).value == pytest.approx(2.0**2.7182818)
    assert (2.0**number).relative_error == pytest.approx(math.log(2.0) * 2.7182818e-6, rel=1e-3)
    with pytest.raises(TypeError):
        (-2.0) ** number
    with pytest.raises(OverflowError, match="its logarithm"):
        int(Quantity.of_log(3000.0, 0.0))
    tiny = Quantity.of_log(-3000.0, 1e-6)
    assert (f"{tiny:g}", f"{tiny:e}", f"{tiny:.3g}", f"{tiny:>15.2e}") == (
        "1.30784e-1303", "1.307839e-1303", "1.31e-1303", "     1.31e-1303",
    )  # fmt: skip
    spread = np.std(np.array([Quantity.of(1.0, 1e-9), Quantity.of(3.0, 1e-9)]))
    assert float(spread) == pytest.approx(1.0)
