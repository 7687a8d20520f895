"""Bounds of formulas over boxes: no sample is ever outside, and small boxes are bounded tightly."""

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.bounds.intervals import bounds, enclosure, gradient_bounds
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.formulas.parsing.text import FUNCTIONS

COORDINATES = ("x", "y", "z")


def random_formula(random: np.random.Generator, depth: int) -> str:
    """A formula of every function and operator of the grammar, whether it makes sense or not."""
    kind = random.integers(0, 10) if depth else 0
    if kind == 0:
        return str(random.choice(["x", "y", "z", "x", "y", f"{random.normal():.3g}", "0.1", "2", "pi"]))
    parts = [random_formula(random, depth - 1) for _ in range(2)]
    if kind <= 5:
        name = str(random.choice(sorted(FUNCTIONS)))
        count = max(1, FUNCTIONS[name][1])
        return f"{name}({', '.join(parts[:count])})"
    if kind == 6:
        return f"({parts[0]})**{random.choice(['2', '3', '9', '-1', '-2', '0.5', '1/3', '2.7', 'y', '(-x)'])}"
    return f"({parts[0]}) {random.choice(['+', '-', '*', '/'])} ({parts[1]})"


def boxes(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of all sizes, some with ends at zero, which is where functions end."""
    centre = random.normal(size=(3, count)) * 10.0 ** random.uniform(-3, 2, size=(3, count))
    half = 10.0 ** random.uniform(-9, 1, size=(3, count))
    lower, upper = centre - half, centre + half
    lower[:, :5], upper[:, 5:10] = 0.0, 0.0
    return np.minimum(lower, upper), np.maximum(lower, upper)


@pytest.mark.parametrize("seed", range(4))
def test_no_sample_is_ever_outside(seed):
    random = np.random.default_rng(seed)
    told = finite = 0
    for _ in range(30):
        try:
            formula = parse_expression(random_formula(random, int(random.integers(1, 5))))
        except (ProblemError, OverflowError, TypeError):
            continue
        lower, upper = boxes(random, 40)
        with np.errstate(all="ignore"):
            low, high = bounds(formula, lower, upper)
        for share in [np.zeros((3, 1)), np.ones((3, 1)), *random.uniform(size=(40, 3, 1))]:
            x = np.clip(lower + share * (upper - lower), lower, upper)
            value = formula(x)
            least, most, continuous = enclosure(formula, x, x)
            # 1/0 is no number, though numpy goes on with an infinity of some sign
            defined = np.isfinite(value) & continuous
            # what numpy computes is the exact value to rounding, of which the bounds of a point keep account
            text = f"{formula.text} at {x[:, defined].T.tolist()}"
            assert ((least <= value) & (value <= most))[defined].all(), text
            assert ((low <= most) & (least <= high))[defined].all(), text
            told += int(defined.sum())
        finite += int(np.isfinite(high - low).sum())
    assert told > 10_000
    assert finite > 200


@pytest.mark.parametrize(
    ("text", "lower", "upper", "low", "high"),
    [
        ("1/x", [-1.0], [1.0], -np.inf, np.inf),
        ("1/x", [0.0], [4.0], 0.25, np.inf),
        ("-1/x**2", [-0.5], [1.0], -np.inf, -1.0),
        ("tan(x)", [1.5], [1.6], -np.inf, np.inf),
        ("heaviside(x)", [-1.0], [0.0], 0.0, 0.5),
        ("sign(x)", [1e-300], [2.0], 1.0, 1.0),
        ("abs(x)", [-2.0], [1.0], 0.0, 2.0),
        ("sqrt(x)", [-1.0], [4.0], 0.0, 2.0),
        ("log(x)", [-1.0], [1.0], -np.inf, 0.0),
        ("sin(x)", [0.0], [2.0], 0.0, 1.0),
        ("cos(x)", [3.0], [4.0], -1.0, np.cos(4.0)),
        ("cos(1e18*x)", [0.0], [4.0], -1.0, 1.0),
        ("x**4 - x**2", [1.1], [2.0], 1.1**4 - 1.1**2, 12.0),
        ("atan2(y, x)", [-1.0, -1.0], [-0.5, 1.0], -np.pi, np.pi),
        ("max(x, y) - min(x, y)", [0.0, 3.0], [1.0, 4.0], 2.0, 4.0),
        ("exp(x)", [-1e9], [1e9], 0.0, np.inf),
        ("(x**2 - 1)**2/4 - exp(-((x + 0.7137)/1e-7)**2)", [-0.72], [-0.71], -1 + 0.0580, 0.0615),
    ],
)
def test_bounds_of_single_formulas(text, lower, upper, low, high):
    found = bounds(parse_expression(text), np.c_[lower], np.c_[upper])
    np.testing.assert_allclose([found[0][0], found[1][0]], [low, high], rtol=1e-3, atol=1e-300)
    if len(lower) == 1 and np.isfinite(low) and "exp(-" not in text:
        np.testing.assert_allclose([found[0][0], found[1][0]], [low, high], rtol=1e-12, atol=1e-300)


def test_where_nothing_is_defined_the_bounds_are_no_numbers():
    assert np.isnan(bounds(parse_expression("sqrt(x)"), [[-2.0]], [[-1.0]])).all()
    assert np.isnan(bounds(parse_expression("acos(x) + y"), [[2.0], [0.0]], [[3.0], [1.0]])).all()


def test_the_excess_of_the_bounds_shrinks_like_the_square_of_the_box():
    formula = parse_expression("x*(x - 1) + y*(y - x)")
    excess = []
    for size in (1e-1, 1e-2, 1e-3):
        corner = np.array([[2 / 3 - 0.3 * size], [1 / 3 - 0.3 * size]])
        low, high = bounds(formula, corner, corner + size)
        grid = corner + size * np.stack(np.meshgrid(*[np.linspace(0, 1, 51)] * 2)).reshape(2, -1)
        excess.append(float((high - low)[0] - np.ptp(formula(grid))))
    assert excess[1] < 0.02 * excess[0]
    assert excess[2] < 0.02 * excess[1]


def test_continuity_is_proved_or_not_claimed():
    texts = {
        "heaviside(x - 0.5)": False, "abs(x - 0.5)": True, "1/(x - 0.5)": False, "sqrt(x - 0.5)": False, "x**2": True,
        "max(x, 0.3)": True, "sign(x)": True, "tan(3*x)": False, "1/(0.4 - x)**2": False, "x**0.5": True,
    }  # fmt: skip
    for text, expected in texts.items():
        assert enclosure(parse_expression(text), [[0.1]], [[0.9]])[2][0] == expected, text


def test_the_slopes_of_a_kink_are_both_enclosed():
    low, high = gradient_bounds(parse_expression("abs(x) + 3*y"), [[-1.0], [0.0]], [[1.0], [1.0]])
    assert low[0, 0] <= -1.0
    assert high[0, 0] >= 1.0
    np.testing.assert_allclose([low[1, 0], high[1, 0]], 3.0)


def test_a_formula_that_does_not_depend_on_the_coordinates_keeps_its_shape():
    low, high = bounds(parse_expression("3"), np.zeros((2, 5)), np.ones((2, 5)))
    assert low.tolist() == high.tolist() == [3.0] * 5
