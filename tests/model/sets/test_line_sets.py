"""Sets on a line have their exact ends, however many zeros a formula has, however close, of whatever multiplicity."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.bounds.line_zeros import zeros_on_line
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.model.sets.line_set import set_of_formula, set_of_function
from fokker_planck.model.sets.shapes import HalfSpace, Region

CUBE = "x**3 - 3*0.6123*x**2 + 3*0.6123**2*x - 0.6123**3"

SETS = {
    "exp(x) - exp(0.6123)": [(0.6123, 1)],
    "(x - 0.6123)**9": [(0.6123, 1)],
    CUBE: [(0.6123, 1)],
    "(x - .6123)*(x - .61231)*(x - .61232)": [(0.6123, 0.61231), (0.61232, 1)],
    "heaviside(x - 0.3) - 0.5": [(0.3, 1)],
    "-(x**2 - 0.25)**2": [(-0.5, -0.5), (0.5, 0.5)],
    "x**4 - 2*x**2*0.25 + 0.0625": [(-1, 1)],
    "-(x - 0.6123)**2": [(0.6123, 0.6123)],
    "-(x - 0.6123)**2 - 1e-30": None,
    "1e-9 - abs(x - 0.25)": [(0.25 - 1e-9, 0.25 + 1e-9)],
    "min(x - 0.2, 0.3 - x)": [(0.2, 0.3)],
    "max(x, 0)": [(-1, 1)],
    "-max(x, 0)": [(-1, 0)],
    "1/x": [(0, 1)],
    "sqrt(x) + 1": [(0, 1)],
    "log(x) + 1": [(np.exp(-1), 1)],
    "x - 1": [(1, 1)],
    "sin(20*x)*(x + 0.9)*(x - 0.1)": [
        (-0.3 * np.pi, -0.9), (-0.25 * np.pi, -0.2 * np.pi), (-0.15 * np.pi, -0.1 * np.pi), (-0.05 * np.pi, 0),
        (0.1, 0.05 * np.pi), (0.1 * np.pi, 0.15 * np.pi), (0.2 * np.pi, 0.25 * np.pi), (0.3 * np.pi, 1)],
    "0*x - 1": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SETS.items())
def test_the_set_of_a_formula_is_exact(text, expected):
    found = set_of_formula(parse_expression(text), -1.0, 1.0, "set")
    if expected is None:
        assert found is None
    else:
        assert len(found.intervals) == len(expected)
        np.testing.assert_allclose(found.intervals, expected, rtol=0, atol=2e-16)


def test_every_one_of_hundreds_of_zeros_is_found():
    found = zeros_on_line(parse_expression("sin(1/x)"), 0, 1e-3, 1.0)
    np.testing.assert_allclose(found[::-1], 1 / (np.pi * np.arange(1, 319)), rtol=1e-14)


def test_what_vanishes_on_a_neighbourhood_of_a_point_is_refused():
    with pytest.raises(ProblemError, match="zeros"):
        set_of_formula(parse_expression("sin(1/x)**2*sin(1/(x - 1e-7))"), -1.0, 1.0, "set")


def test_the_set_of_a_function_is_sampled():
    found = set_of_function(lambda x: np.minimum(x[0] - 0.2, 0.2001 - x[0]), -1.0, 1.0)
    np.testing.assert_allclose(found.intervals, [(0.2, 0.2001)], rtol=0, atol=1e-15)
    assert set_of_function(lambda x: 0 * x[0] - 1, -1.0, 1.0) is None


def _line(potential="0*x", noise=1.0, box=(-1.0, 1.0), **more):
    return fp.Problem(fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise)), fp.Box([box[0]], [box[1]], **more))


BROWNIAN = ["exp(x) - exp(0.6123)", "(x - 0.6123)**3", "(x - 0.6123)**5", "(x - 0.6123)**9", CUBE,
            "(x - .6123)*(x - .61231)*(x - .61232)", "-(x - 0.6123)**2", "1e-12 - abs(x - 0.6123 - 1e-12)"]  # fmt: skip


@pytest.mark.parametrize("text", BROWNIAN)
def test_exits_of_brownian_motion_from_formulas(text):
    mean = fp.mean_exit_time(_line(), start=[0.0], target=Region(text)).mean
    exact = (1.6123**2 - 1) / 2
    assert abs(mean.value / exact - 1) < max(mean.relative_error, 1e-13)
    assert mean.relative_error < 1e-11


def test_a_callable_target_is_placed_as_well():
    mean = fp.mean_exit_time(_line(), [0.0], Region(lambda x: np.exp(x[0]) - np.exp(0.6123), dimension=1)).mean
    assert abs(mean.value / 0.799755645 - 1) < 1e-9


@pytest.mark.parametrize(("width", "place"), [(1e-7, 0.3), (1e-7, 1.6), (1e-4, 1.9)])
@pytest.mark.parametrize("domain", ["box", "sublevel", "ball"])
def test_a_thin_set_is_never_lost(width, place, domain):
    domains = {"box": fp.Box([-2.0], [2.0]), "sublevel": fp.Sublevel(2.0), "ball": fp.Ball([0.0], 2.0)}
    well = fp.Problem(fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05)), domains[domain])
    if domain == "sublevel" and place > 1.8:
        place = 1.75
    thin = fp.mean_exit_time(well, [-1.0], Region(f"{width} - abs(x - {place})")).mean
    whole = fp.mean_exit_time(well, [-1.0], HalfSpace([1.0], place - width)).mean
    assert abs(thin.value / whole.value - 1) < 1e-12 + 1e-3 * whole.relative_error


def test_committors_and_spectra_with_thin_sets():
    well = _line("(x**2 - 1)**2/4", 0.05, (-2.0, 2.0))
    thin = fp.committor(well, Region("1e-6 - abs(x + 0.3)"), Region("1e-6 - abs(x - 0.3)")).rate
    whole = fp.committor(well, HalfSpace([-1.0], 0.3 - 1e-6), HalfSpace([1.0], 0.3 - 1e-6)).rate
    np.testing.assert_allclose(thin.value, whole.value, rtol=1e-10)
    slow, plain = (
        fp.spectrum(well, count=2, target=target) for target in (Region("exp(x) - exp(0.3)"), HalfSpace([1.0], 0.3))
    )
    np.testing.assert_allclose(slow.eigenvalues[0].real.value, plain.eigenvalues[0].real.value, rtol=1e-10)


def test_a_set_that_is_nowhere_is_refused():
    with pytest.raises(ProblemError, match="points in the domain"):
        fp.mean_exit_time(_line(), start=[0.0], target=Region("-(x - 0.6123)**2 - 1e-30"))


def test_planes_of_a_formula_in_one_coordinate_are_exact_in_the_plane():
    problem = fp.Problem(fp.Overdamped(fp.Potential("0*x*y"), fp.Isotropic(1.0)), fp.Box([-1.0, -1.0], [1.0, 1.0]))
    mean = fp.mean_exit_time(problem, start=[0.0, 0.2], target=Region("1e-4 - abs(exp(x) - exp(0.6123))")).mean
    end = np.log(np.exp(0.6123) - 1e-4)
    assert abs(mean.value / (((1 + end) ** 2 - 1) / 2) - 1) < max(mean.relative_error, 1e-13)
