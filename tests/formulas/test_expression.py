import copy
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.formulas.parsing.tape import BLOCK

HOSTILE = {
    "": "an empty string",
    " \n\t ": "an empty string",
    "__import__('os').system('true')": "no function",
    "__import__": "unknown name '__import__'",
    "eval('1')": "unknown function 'eval'",
    "exec('x = 1')": "unknown function 'exec'",
    "open('/etc/passwd')": "unknown function 'open'",
    "print(x)": "unknown function 'print'",
    "x.__class__": "attribute",
    "().__class__.__bases__[0].__subclasses__()": "no function",
    "exp.__globals__": "attribute",
    "(1).real": "attribute",
    "np.exp(x)": "no function",
    "x[0]": "square brackets",
    "lambda: 1": "lambda",
    "(lambda: 1)()": "no function",
    "'abc'": "a string",
    "b'abc'": "a string",
    "f'{x}'": "a string",
    "[x for x in (1, 2)]": "comprehension",
    "sum(x for x in (1, 2))": "unknown function 'sum'",
    "exp(x for x in (1, 2))": "comprehension",
    "(y := 3)": "assignment",
    "x = 2": "syntax error",
    "x; y": "character ';'",
    "x # comment": "character '#'",
    "x \\\n + 1": "character",
    "import os": "syntax error",
    "x if y else z": "condition",
    "x and y": "logical",
    "not x": "logical",
    "x < y": "comparison",
    "piecewise(x, 1, 2)": "a piece without a condition",
    "piecewise(x < 0, 1)": "piecewise with 2 arguments",
    "piecewise(x == 0, 1, 2)": "none of < <= > >=",
    "piecewise(x < 0 and 3, 1, 2)": "a piece without a condition",
    "piecewise": "without its argument",
    "x % 2": "operator",
    "x // 2": "operator",
    "x @ y": "operator",
    "x << 2": "operator",
    "x | y": "operator",
    "~x": "logical",
    "x^2": "the operator ^",
    "{x}": "a set",
    "{x: 1}": "a dictionary",
    "[x]": "a list",
    "(x, y)": "a comma",
    "await x": "await",
    "yield": "syntax error",
    "...": "Ellipsis",
    "None": "None",
    "True": "truth value",
    "1j": "imaginary",
    "9**9**9": "huge power",
    "9**9**9**9": "huge power",
    "x**9**9": "huge power",
    "x**1001": "huge power",
    "3**(x + 1e5)": "huge power of a coefficient",
    "((2*x)**1000)**1000": "huge power of a coefficient",
    "10**400": "no double holds",
    "1e400": "no double holds",
    "9" * 5000: "",
    "exp(1000)": "no double holds",
    "exp(exp(exp(exp(9))))": "no double holds",
    "x*1e300*1e300": "beyond every double",
    "(" * 41 + "x" + ")" * 41: "too many nested",
    "(" * 4000 + "x" + ")" * 4000: "too many nested",
    "-" * 5000 + "x": "too many nested",
    "sin(" * 60 + "x" + ")" * 60: "too many nested",
    "x" + "**x" * 3000: "too many nested",
    "x" * 20000: "20000 characters",
    "x\0": "the character",
    "x²": "the character '²'",
    "x − 1": "the character '−'",
    "ｘ": "the character",
    "1/0": "division by zero",
    "1/(x - x)": "division by zero",
    "x/0.0": "division by zero",
    "0**-1": "infinite or not real",
    "log(0)": "infinite or not real",
    "log(-1)": "infinite or not real",
    "sqrt(-1)": "infinite or not real",
    "(-8)**(1/3)": "infinite or not real",
    "asin(2)": "infinite or not real",
    "sqrt(-x**2)": "infinite or not real",
    "(-2)**x": "not positive",
    "foo": "unknown name 'foo'",
    "w + x": "unknown name 'w'",
    "foo(x)": "unknown function 'foo'",
    "ln(x)": "unknown function 'ln'",
    "sin": "without its argument",
    "sin()": "0 arguments",
    "sin(x, y)": "2 arguments",
    "exp(x=1)": "1 arguments",
    "max(x)": "1 arguments",
    "min(*x)": "1 arguments",
    "max(*x, y)": "starred",
    "exp(**x)": "1 arguments",
    "x(2)": "bracket",
    "2(x)": "bracket",
    "2x": "syntax error",
    "x+": "syntax error",
    "*x": "",
    "**x": "syntax error",
    "(x": "",
    "x)": "syntax error",
    "import": "syntax error",
}


@pytest.mark.parametrize(("text", "fragment"), HOSTILE.items(), ids=[t[:30] for t in HOSTILE])
def test_a_hostile_or_malformed_formula_is_refused_quickly_in_one_line(text, fragment):
    start = time.perf_counter()
    with pytest.raises(ProblemError) as caught:
        parse_expression(text, key="potential.expression")
    assert time.perf_counter() - start < 2.0
    assert caught.value.key == "potential.expression"
    message = str(caught.value)
    assert fragment in message
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize("text", [None, 3, 1.5, True, ["x"], {"x": 1}, b"x"])
def test_a_formula_is_a_string(text):
    with pytest.raises(ProblemError, match="a string"):
        parse_expression(text)


def test_the_remedy_is_named():
    with pytest.raises(ProblemError, match=r"\*\*"):
        parse_expression("x^2")
    with pytest.raises(ProblemError, match="wanted log$"):
        parse_expression("ln(x)")
    with pytest.raises(ProblemError, match="sin"):
        parse_expression("sni(x)")


@pytest.mark.parametrize(
    ("parameters", "key", "fragment"),
    [
        ({"x": 1.0}, "potential.parameters.x", "coordinate"),
        ({"sin": 1.0}, "potential.parameters.sin", "function"),
        ({"pi": 1.0}, "potential.parameters.pi", "function or constant"),
        ({"e": 1.0}, "potential.parameters.e", "constant"),
        ({"k": 1.0, "unused": 2.0}, "potential.parameters.unused", "does not use"),
        ({"k": "1"}, "potential.parameters.k", "a finite number"),
        ({"k": None}, "potential.parameters.k", "a finite number"),
        ({"k": True}, "potential.parameters.k", "a finite number"),
        ({"k": float("nan")}, "potential.parameters.k", "a finite number"),
        ({"k": float("inf")}, "potential.parameters.k", "a finite number"),
        ({"k": 10**400}, "potential.parameters.k", "a finite number"),
        ({"k": [1.0]}, "potential.parameters.k", "a finite number"),
        ({"lambda": 1.0}, "potential.parameters", "letters"),
        ({"k-1": 1.0}, "potential.parameters", "letters"),
        ({1: 1.0}, "potential.parameters", "letters"),
        (["k"], "potential.parameters", "a table"),
    ],
)
def test_bad_parameters_are_named(parameters, key, fragment):
    with pytest.raises(ProblemError, match=fragment) as caught:
        parse_expression("k*x", parameters=parameters)
    assert caught.value.key == key


def test_other_keys_find_their_own_parameters():
    with pytest.raises(ProblemError) as caught:
        parse_expression("x", parameters={"mu": 1.0}, key="drift.expression")
    assert caught.value.key == "drift.parameters.mu"


# formula, the same with numpy, points at which both are smooth
AGREE = {
    "(x**2 - 1)**2/4 + y**2/2": lambda x, y: (x**2 - 1) ** 2 / 4 + y**2 / 2,
    "-x**2": lambda x, y: -(x**2),
    "2**-x": lambda x, y: 2**-x,
    "x - y - 1 + 2*x/3/2*y": lambda x, y: x - y - 1 + 2 * x / 3 / 2 * y,
    "+x - -y": lambda x, y: x + y,
    "x**2**2": lambda x, y: x**4,
    "exp(-x**2) + log(1 + y**2)": lambda x, y: np.exp(-(x**2)) + np.log(1 + y**2),
    "sin(pi*x)*cos(y) + tan(x/2)": lambda x, y: np.sin(np.pi * x) * np.cos(y) + np.tan(x / 2),
    "sinh(x) + cosh(y) - tanh(x*y)": lambda x, y: np.sinh(x) + np.cosh(y) - np.tanh(x * y),
    "asin(x/4) + acos(y/4) + atan(x)": lambda x, y: np.arcsin(x / 4) + np.arccos(y / 4) + np.arctan(x),
    "asinh(x) + acosh(4 + y) + atanh(x/4)": lambda x, y: np.arcsinh(x) + np.arccosh(4 + y) + np.arctanh(x / 4),
    "atan2(y, x + 4)": lambda x, y: np.arctan2(y, x + 4),
    "sqrt(1 + x**2) + abs(y) + sign(x)": lambda x, y: np.sqrt(1 + x**2) + np.abs(y) + np.sign(x),
    "min(x, y, 1/2) + max(x, -y)": lambda x, y: np.minimum(np.minimum(x, y), 0.5) + np.maximum(x, -y),
    "heaviside(x - y)*x": lambda x, y: np.heaviside(x - y, 0.5) * x,
    "e**x + exp(1)": lambda x, y: np.exp(x) + np.e,
    "(4 + x)**0.5 + (4 + x)**1.5 + (4 + y)**(-1/3)": lambda x, y: (4 + x) ** 0.5 + (4 + x) ** 1.5 + (4 + y) ** (-1 / 3),
    "(4 + x)**y": lambda x, y: (4 + x) ** y,
    "1e-3*x + .5*y + 1E2 + 0x10": lambda x, y: 1e-3 * x + 0.5 * y + 116,
    "(x - y)**17/1e4": lambda x, y: (x - y) ** 17 / 1e4,
    "1/(2 + x**2)**3": lambda x, y: 1 / (2 + x**2) ** 3,
    "log(x**2 + 1e-2)": lambda x, y: np.log(x**2 + 1e-2),
}


@pytest.mark.parametrize(("text", "function"), AGREE.items(), ids=list(AGREE))
def test_values_agree_with_numpy(text, function):
    x = np.random.default_rng(1).uniform(-2, 2, (2, 200))
    np.testing.assert_allclose(parse_expression(text)(x), function(*x), rtol=2e-14, atol=1e-14)


def test_erf_and_erfc():
    from scipy.special import erf, erfc

    x = np.linspace(-2, 2, 50)[None]
    np.testing.assert_allclose(parse_expression("erf(x)*erfc(x)")(x), erf(x[0]) * erfc(x[0]), rtol=1e-14)
    slope = parse_expression("erf(x) - erfc(x)").derivative(0)(x)
    np.testing.assert_allclose(slope, 4 / np.sqrt(np.pi) * np.exp(-(x[0] ** 2)), rtol=1e-14)


@pytest.mark.parametrize("text", [t for t in AGREE if "pi*x" not in t])
def test_derivatives_agree_with_mpmath(text):
    mpmath = pytest.importorskip("mpmath")
    formula = parse_expression(text)
    functions = {
        name: getattr(mpmath, name)
        for name in "exp log sqrt sin cos tan sinh cosh tanh asin acos atan atan2 asinh acosh atanh sign e".split()
    }
    functions.update(abs=abs, min=min, max=max, heaviside=lambda u: mpmath.mpf(u > 0))
    import re

    exact = re.sub(r"(?<![\w.])(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)", r"mpf('\1')", text.replace("0x10", "16"))
    code = compile(exact, "formula", "eval")

    def high_precision(x, y):
        return eval(code, {"__builtins__": {}, "x": x, "y": y, "mpf": mpmath.mpf, **functions})

    points = np.random.default_rng(2).uniform(-1.4, 1.4, (2, 4))
    with mpmath.workdps(50):
        for orders in [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1)]:
            derivative = formula
            for axis, count in enumerate(orders):
                for _ in range(count):
                    derivative = derivative.derivative(axis)
            values = derivative(points)
            for value, point in zip(values, points.T, strict=True):
                wanted = mpmath.diff(high_precision, tuple(map(mpmath.mpf, point.tolist())), orders)
                assert value == pytest.approx(float(wanted), rel=1e-12, abs=1e-13), orders


def test_derivatives_at_kinks_are_the_mean_of_both_sides():
    here = np.array([[0.0, 2.0, -2.0], [0.0, 1.0, 1.0]])
    assert parse_expression("abs(x)").derivative(0)(here).tolist() == [0.0, 1.0, -1.0]
    assert parse_expression("abs(x)").derivative(0).derivative(0)(here).tolist() == [0.0, 0.0, 0.0]
    assert parse_expression("max(x, y)").derivative(0)(here).tolist() == [0.5, 1.0, 0.0]
    assert parse_expression("min(x, y)").derivative(1)(here).tolist() == [0.5, 1.0, 0.0]
    assert parse_expression("heaviside(x)").derivative(0)(here).tolist() == [0.0, 0.0, 0.0]
    assert parse_expression("max(x**2, 1)").derivative(0)(here).tolist() == [0.0, 4.0, -4.0]


@pytest.mark.parametrize(
    ("text", "values", "slopes"),
    [
        ("piecewise(x < 0, 1, 2)", [1, 2, 2, 2], [0, 0, 0, 0]),
        ("piecewise(x <= 0, 1, x < 1, 2*x, 3)", [1, 1, 1, 3], [0, 0, 2, 0]),
        ("piecewise(0 <= x < 0.5 or x >= 1, x, 7)", [7, 0, 7, 1], [0, 1, 0, 1]),
        ("piecewise(x > 0 and not x > 0.5, x**2, 7)", [7, 7, 0.25, 7], [0, 0, 1, 0]),
        ("piecewise(x > 0.25, sqrt(x - 0.25), 1 < 2, -x, 9)", [1, 0, 0.5, 0.75**0.5], [-1, -1, 1, 0.75**-0.5 / 2]),
    ],
)
def test_pieces_and_their_derivatives(text, values, slopes):
    x, formula = np.array([[-1.0, 0.0, 0.5, 1.0]]), parse_expression(text)
    assert formula(x) == pytest.approx(values)
    assert formula.derivative(0)(x) == pytest.approx(slopes)


def test_absolute_values_of_roots_and_logarithms_have_derivatives():
    x = np.array([[0.25, 4.0]])
    np.testing.assert_allclose(parse_expression("abs(log(x))").derivative(0)(x), [-4.0, 0.25])
    np.testing.assert_allclose(parse_expression("abs(sqrt(x) - 1)").derivative(0)(x), [-1.0, 0.25])
    np.testing.assert_allclose(parse_expression("log(x**2)").derivative(0).derivative(0)(x), [-32.0, -0.125])


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("3/2", 1.5), ("pi", np.pi), ("2**0.5", 2**0.5), ("0*x", 0.0)])
def test_constants_are_broadcast(text, value):
    values = parse_expression(text)(np.zeros((2, 5)))
    assert values.shape == (5,)
    assert values.dtype == np.float64
    assert (values == value).all()


def test_no_points_give_no_values():
    assert parse_expression("x*y")(np.zeros((2, 0))).shape == (0,)
    assert parse_expression("x*y").derivative(0)(np.zeros((3, 0))).shape == (0,)


def test_blocks_do_not_show():
    x = np.linspace(-1, 1, 2 * BLOCK + 17)[None]
    np.testing.assert_array_equal(parse_expression("x**3")(x), x[0] * x[0] * x[0])


def test_integer_points_are_taken_as_numbers():
    assert parse_expression("x**-1")(np.array([[2, 4]])).tolist() == [0.5, 0.25]


def test_the_points_are_left_alone():
    x = np.linspace(-1, 1, 9)[None]
    before = x.copy()
    parse_expression("-x + x**2 - abs(x)")(x)
    np.testing.assert_array_equal(x, before)
    result = parse_expression("x")(x)
    result[0] = 7.0
    np.testing.assert_array_equal(x, before)


def test_undefined_values_come_back_without_a_warning(recwarn):
    values = parse_expression("log(x) + 1/x + sqrt(x)")(np.array([[-1.0, 0.0, 1.0]]))
    assert not np.isfinite(values[:2]).any()
    assert values[2] == 2.0
    assert not recwarn.list


def test_parameters_enter_as_the_decimals_that_were_typed():
    assert parse_expression("0.1*x + k", parameters={"k": 0.2})(np.array([[1.0]]))[0] == pytest.approx(0.3, rel=1e-16)
    assert str(parse_expression("k*x**n", parameters={"k": 0.1, "n": 2}).sympy) == "x**2/10"


def test_large_integers_and_exponents_stay_doubles():
    assert (
        parse_expression("x*123456789012345678901234567890")(np.array([[1.0]]))[0] == 123456789012345678901234567890.0
    )
    assert parse_expression("x**100")(np.array([[1.1]]))[0] == pytest.approx(1.1**100, rel=1e-13)
    assert parse_expression("1.000001**900*x")(np.array([[1.0]]))[0] == pytest.approx(1.000001**900, rel=1e-13)


def test_a_power_of_a_huge_number_whose_coordinates_cancel_stays_a_double():
    """Its factors were looked for, without an end."""
    point = np.array([[2.0], [1.0]])
    huge = parse_expression("(1e308 + 2024 - (y - y))**0.2297 * x + 0*y")
    assert huge(point)[0] == pytest.approx(2.0 * 1e308**0.2297, rel=1e-12)
    assert parse_expression("((y - y) + 4)**0.5 * x")(point)[0] == 4.0


def test_a_root_of_high_order_of_a_coefficient_is_taken_in_doubles():
    """Its factors were looked for, without an end."""
    known = (np.cosh(0.25) * 2.0) ** (3.7 / (3.7 - 1e5))
    assert parse_expression("(cosh(0.25)*x)**(3.7/(3.7 - 1e5))")(np.array([[2.0]]))[0] == pytest.approx(
        known, rel=1e-13
    )


def test_long_sums_are_not_deep():
    text = " + ".join(f"{i}*x" for i in range(1, 800))
    assert parse_expression(text)(np.array([[1.0]]))[0] == 799 * 800 / 2


def test_formulas_may_span_lines():
    assert parse_expression("x**2\n  + y**2\r\n")(np.array([[1.0], [2.0]])).tolist() == [5.0]


def test_variables_are_those_in_the_text():
    assert parse_expression("x + 0*z").variables == ("x", "z")
    assert parse_expression("x + 0*z").dimension == 3
    assert parse_expression("1").dimension == 1
    assert parse_expression("v**2/2 + x", variables=("x", "v")).dimension == 2


def test_a_missing_coordinate_is_named():
    with pytest.raises(ProblemError, match="variable y"):
        parse_expression("x*y")(np.zeros((1, 3)))


@pytest.mark.parametrize("x", [0.0, [1.0, 2.0], np.zeros((1, 2, 3))])
def test_points_have_two_axes(x):
    with pytest.raises(ValueError, match="shape"):
        parse_expression("x")(x)


def test_expressions_are_values():
    first, second = (parse_expression("k*x*y", parameters={"k": 2.0}) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != first.derivative(0)
    assert str(first) == "k*x*y"
    with pytest.raises(AttributeError):
        first.text = "x"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_evaluate_alike(copied):
    formula = parse_expression("k*x**3*max(y, 0)", parameters={"k": 2.0}).derivative(0)
    x = np.array([[1.0, 2.0], [3.0, -1.0]])
    formula(x)
    twin = copied(formula)
    assert twin == formula
    np.testing.assert_array_equal(twin(x), formula(x))
    np.testing.assert_array_equal(twin.derivative(1)(x), formula.derivative(1)(x))


def test_the_deepest_formula_can_be_differentiated_twice():
    formula = parse_expression("sin(" * 38 + "x" + ")" * 38)
    assert np.isfinite(formula.derivative(0).derivative(0)(np.array([[0.5]]))).all()


def test_importing_the_mathematics_does_not_import_sympy():
    code = (
        "import sys, fokker_planck.model.gallery.registry, fokker_planck.model.process;"
        "import fokker_planck.formulas.expression;"
        "bad = {'sympy', 'scipy', 'mpmath', 'jax'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
