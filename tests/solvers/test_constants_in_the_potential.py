"""V + c is V: exactly where V is a formula, to the rounding of V + c, which the bar counts, where it is a function."""

import time

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError

EXIT = 729.6706919423228


def quartic(source, dimension):
    if isinstance(source, str):
        well = "(x**2-1)**2/4" + ("+y**2/2" if dimension == 2 else "")
        potential = fp.Potential(f"{source} - c + {well} - 7", {"c": 3.0})
    else:
        potential = fp.Potential(_function(source, dimension), dimension=dimension)
    box = fp.Box([-2, -1.5][:dimension], [2, 1.5][:dimension])
    return fp.Problem(process=fp.Overdamped(potential, fp.Isotropic(0.05)), domain=box)


def _function(constant, dimension):
    return lambda x: (x[0] ** 2 - 1) ** 2 / 4 + (x[1] ** 2 / 2 if dimension == 2 else 0.0) + constant


def exit_time(problem):
    dimension = problem.dimension
    return fp.mean_exit_time(problem, [-1, 0][:dimension], fp.HalfSpace([1, 0][:dimension], 1)).mean


@pytest.mark.parametrize("dimension", [1, 2])
def test_formulas_drop_it(dimension):
    plain = exit_time(quartic("0", dimension))
    for constant in ("1e9", "1e12"):
        found = exit_time(quartic(constant, dimension))
        assert (found.value, found.relative_error) == (plain.value, plain.relative_error)


@pytest.mark.parametrize("dimension", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_functions_count_their_rounding(dimension):
    for constant in (1e6, 1e9):
        problem = quartic(constant, dimension)
        found = exit_time(problem)
        assert abs(found.value / EXIT - 1.0) <= found.relative_error
        assert found.relative_error >= np.spacing(constant) / 0.05


@pytest.mark.parametrize("constant", [1e6, 1e9])
def test_weights_find_both_wells_in_the_rounding(constant):
    """At 1e9 slopes never vanish: no minimum was found, and one well was told to hold 1 +- 2e-6."""
    started = time.process_time()
    left, right = fp.stationary_density(quartic(constant, 1)).wells
    for well in (left, right):
        assert abs(well.probability.value / 0.5 - 1.0) <= well.probability.relative_error <= 1e-5
    assert time.process_time() - started < 10.0


def test_a_constant_that_drowns_the_landscape_is_refused():
    for constant in (1e10, 1e12):
        with pytest.raises(ProblemError, match="V less its constant part"):
            exit_time(quartic(constant, 1))
        with pytest.raises(ProblemError, match="V less its constant part"):
            fp.stationary_density(quartic(constant, 2))


def test_a_lone_point_beside_the_origin_has_derivatives():
    """Steps of a part of 1e-10 drowned: the Hessian at a saddle was zero, though all lengths are of order one."""
    potential = fp.Potential(_function(0.0, 1), dimension=1)
    for x in (1e-3, 1e-6, 1e-10, 1e-17):
        place = np.array([[x]])
        assert abs(potential.hessian(place)[0, 0, 0] + 1.0) <= 1e-5
        assert abs(potential.gradient(place)[0, 0] + x) <= 1e-9 + 1e-6 * x


@pytest.mark.slow
def test_wells_without_detailed_balance_are_found_in_the_rounding_too():
    """Of two fixed points and the saddle between them one was found at 1e9: a single well of weight 1 +- 0, in silence.

    Noise that varies along x, read as Ito: the drift -grad V is finite differences of V.
    """
    weights = {}
    for constant in (0.0, 1e9):
        potential = fp.Potential(lambda x, c=constant: _function(c, 2)(x) + 0.05 * x[0], dimension=2)
        process = fp.Overdamped(potential, fp.Formula("0.1*(1 + 0.3*x**2)"))
        box = fp.Box([-2, -1.5], [2, 1.5])
        weights[constant] = [w.probability for w in fp.stationary_density(fp.Problem(process, box)).wells]
    assert len(weights[1e9]) == len(weights[0.0]) == 2
    for near, exact in zip(weights[1e9], weights[0.0], strict=True):
        assert abs(near.value / exact.value - 1.0) <= near.relative_error + exact.relative_error
        assert near.relative_error >= np.spacing(1e9) / 0.1


def test_a_constant_that_drowns_a_drift_is_refused():
    potential = fp.Potential(_function(1e12, 2), dimension=2)
    process = fp.Overdamped(potential, fp.Formula("0.1*(1 + 0.3*x**2)"))
    with pytest.raises(ProblemError, match="V less its constant part"):
        fp.stationary_density(fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5])))


def test_a_top_beside_a_jump_is_no_rounding():
    """Differences across the jump at 0.4 were taken for the rounding of V: refused, though known by quadrature."""
    formula = "piecewise(x < -0.2, (x + 1)**2, x < 0.4, 0.9 + 0.3*x, 2*(x - 1)**2 - 0.3)"
    problem = fp.Problem(fp.Overdamped(fp.Potential(formula), fp.Isotropic(0.2)), fp.Box([-2.5], [2.5]))
    found = fp.mean_exit_time(problem, -1.0, fp.HalfSpace([1], 1.0)).mean
    assert found.value == pytest.approx(275.0424720887009, rel=found.relative_error)
    assert found.relative_error < 1e-6
