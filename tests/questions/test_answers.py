"""The questions as users ask them in Python: arguments, errors, results, and the formula beside each number."""

import math

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError

QUARTIC = "(x**2 - 1)**2/4"
# 2 pi/sqrt(V''(-1) |V''(0)|) exp(1/(4 eps)), eps = 1/20
KRAMERS = 2.0 * math.pi / math.sqrt(2.0) * math.exp(5.0)
EXACT = 729.6706919423


def double_well(expression=QUARTIC, epsilon=0.05, **options):
    return fp.Problem(fp.Overdamped(fp.Potential(expression), fp.Isotropic(epsilon)), fp.Box([-2.0], [2.0]), **options)


def test_mean_exit_time():
    target = fp.HalfSpace([1.0], 1.0)
    found = fp.mean_exit_time(double_well(), -1.0, target)
    assert found.mean.value == pytest.approx(EXACT, rel=1e-6)
    assert found.start == (-1.0,)
    assert found.field(np.array([[-1.0, 1.0, 1.5]])) == pytest.approx([EXACT, 0.0, 0.0], rel=1e-6, abs=1e-9)
    assert found.asymptotic.value == pytest.approx(KRAMERS, rel=1e-9)
    assert found.ratio == pytest.approx(EXACT / KRAMERS, rel=1e-6)


def test_a_target_by_its_name():
    named = double_well(sets={"right": fp.HalfSpace([1.0], 1.0)})
    found = fp.mean_exit_time(named, [-1.0], "right")
    assert found.target == "right"
    assert found.mean.value == pytest.approx(EXACT, rel=1e-6)


def test_a_target_on_the_saddle_halves_the_prediction():
    found = fp.mean_exit_time(double_well(), [-1.0], fp.HalfSpace([1.0], 0.0))
    assert found.asymptotic.value == pytest.approx(0.5 * KRAMERS, rel=1e-6)
    assert found.mean.value == pytest.approx(361.9037595009, rel=1e-6)


def test_the_boundary_as_a_target():
    found = fp.mean_exit_time(double_well("x**2/2", 0.1), [0.0], "boundary")
    assert found.target == "boundary"
    # T = X 2F2(1, 1; 3/2, 2; X) with X = 4/(2 eps)
    import mpmath

    exact = 20 * mpmath.hyp2f2(1, 1, mpmath.mpf(3) / 2, 2, 20)
    assert found.mean.value == pytest.approx(float(exact), rel=1e-6)


def test_spectrum():
    found = fp.spectrum(double_well(), count=3)
    assert len(found.eigenvalues) == len(found.eigenfunctions) == 3
    assert found.eigenvalues[0].real.value == 0.0
    assert found.eigenvalues[0].asymptotic is None
    assert found.gap.value == pytest.approx(2.776140636573e-3, rel=1e-6)
    assert found.eigenvalues[1].asymptotic.value == pytest.approx(2.0 / KRAMERS, rel=1e-6)
    assert found.eigenvalues[1].ratio == pytest.approx(found.gap.value * KRAMERS / 2.0, rel=1e-6)
    assert found.eigenvalues[2].asymptotic is None


def test_stationary_density():
    found = fp.stationary_density(double_well("(x**2 - 1)**2*(1 + 2*x/5)/4"))
    flat = next(well for well in found.wells if well.minimum[0] < 0.0)
    assert flat.probability.value == pytest.approx(0.6019150610326907, rel=1e-6)
    # Laplace: sqrt(2.8)/(sqrt(2.8) + sqrt(1.2)) whatever the noise
    assert flat.asymptotic.value == pytest.approx(0.604356076261, rel=1e-9)
    assert sum(well.probability.value for well in found.wells) == pytest.approx(1.0, rel=1e-12)


def test_a_single_well_needs_no_prediction():
    found = fp.stationary_density(double_well("x**2"))
    assert [well.asymptotic for well in found.wells] == [None]


def test_landscape_is_in_units_of_the_potential():
    found = fp.energy_landscape(double_well(f"{QUARTIC} + x/10", epsilon=1e-3))
    left, top, right = sorted(np.roots([1.0, 0.0, -1.0, 0.1]).real)

    def height(x):
        return (x**2 - 1.0) ** 2 / 4.0 + x / 10.0

    assert [minimum.position[0] for minimum in found.minima] == pytest.approx([left, right], abs=1e-9)
    assert found.barriers[0] == math.inf
    assert found.barriers[1] == pytest.approx(height(top) - height(right), rel=1e-12)


def test_eyring_kramers_rates():
    table = fp.eyring_kramers(double_well(f"{QUARTIC} + x/10"))
    left, top, right = sorted(np.roots([1.0, 0.0, -1.0, 0.1]).real)

    def height(x):
        return (x**2 - 1.0) ** 2 / 4.0 + x / 10.0

    for row, column, start in ((0, 1, left), (1, 0, right)):
        curvatures = (3.0 * start**2 - 1.0) * (1.0 - 3.0 * top**2)
        rate = math.sqrt(curvatures) / (2.0 * math.pi) * math.exp(-20.0 * (height(top) - height(start)))
        assert table[row][column].value == pytest.approx(rate, rel=1e-9)
    assert table[0][0] is None
    assert table[1][1] is None


def test_one_problem_answers_many_questions_alike():
    problem = double_well()
    first = fp.spectrum(problem, 2).gap
    fp.stationary_density(problem)
    fp.mean_exit_time(problem, -1.0, fp.HalfSpace([1.0], 1.0))
    assert fp.spectrum(problem, 2).gap == first


def test_a_potential_in_python_gives_the_same_numbers():
    potential = fp.Potential(
        lambda x: (x[0] ** 2 - 1.0) ** 2 / 4.0,
        gradient=lambda x: np.array([x[0] ** 3 - x[0]]),
        hessian=lambda x: np.array([[3.0 * x[0] ** 2 - 1.0]]),
    )
    problem = fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.05)), fp.Box([-2.0], [2.0]))
    assert fp.spectrum(problem, 2).gap.value == pytest.approx(fp.spectrum(double_well(), 2).gap.value, rel=1e-9)


def test_a_looser_tolerance_is_met_with_fewer_unknowns():
    sizes = []
    for tolerance in (1e-3, 1e-10):
        problem = fp.Problem(
            fp.Overdamped(fp.Potential(f"{QUARTIC} + y**2/2"), fp.Isotropic(0.05)),
            fp.Box([-2.0, -1.5], [2.0, 1.5]),
            fp.Resolution(tolerance=tolerance),
        )
        found = fp.spectrum(problem, 2)
        assert found.gap.value == pytest.approx(2.776140636572725524e-3, rel=tolerance)
        assert found.gap.relative_error <= tolerance
        sizes.append(found.statistics.unknowns)
    assert sizes[0] < 0.5 * sizes[1]


@pytest.mark.parametrize("degree", [1, 2, 3, 8])
def test_any_degree_reaches_the_tolerance(degree):
    resolution = fp.Resolution(tolerance={1: 1e-3, 2: 1e-4}.get(degree, 1e-8), degree=degree)
    found = fp.spectrum(double_well(resolution=resolution), 2)
    assert found.gap.value == pytest.approx(2.776140636572725524e-3, rel=resolution.tolerance)
    assert found.gap.relative_error <= resolution.tolerance
    assert found.statistics.degree == degree
    assert found.statistics.unknowns < {1: 20_000, 2: 4000}.get(degree, 2000)


def test_a_fixed_mesh_says_how_far_it_is_off():
    for cells in (16, 32, 64):
        problem = double_well(resolution=fp.Resolution(cells=[cells], degree=3))
        found = fp.spectrum(problem, 2)
        error = abs(found.gap.value / 2.776140636572725524e-3 - 1.0)
        assert found.statistics.cells <= cells
        assert error <= found.gap.relative_error


def test_the_spectrum_of_the_absorbed_process_by_name_and_by_set():
    """Half of the quartic well, absorbed at the top: lambda_D is lambda_1 of the whole."""
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    half = fp.HalfSpace([1.0], 0.0)
    problem = fp.Problem(process, fp.Box([-2.0], [2.0]), sets={"B": half})
    by_set, by_name = fp.spectrum(problem, 1, half), fp.spectrum(problem, 1, "B")
    assert by_set.gap.value == pytest.approx(2.776140636572725524e-3, rel=1e-6)
    assert by_name.gap == by_set.gap == by_name.eigenvalues[0].real
    assert by_name.target == "B"
    with pytest.raises(ProblemError, match=r"spectrum\.target"):
        fp.spectrum(problem, 2, "C")


def test_points_of_a_line_may_be_a_number_or_a_row():
    density = fp.stationary_density(double_well()).density
    row = np.array([-1.0, 0.0, 1.0])
    assert density(row) == pytest.approx(density(row[None]))
    assert float(density(1.0)) == pytest.approx(float(density(np.array([[1.0]]))[0]))
    assert density.log(row).shape == (3,)


def test_a_chain_has_its_matrix():
    chain = fp.rates(double_well())
    assert chain.matrix.sum(axis=1) == pytest.approx([0.0, 0.0], abs=1e-18)
    assert chain.matrix[0, 1] == chain.rates[0][1].value == -chain.matrix[0, 0]


def test_a_resolution_is_no_number():
    with pytest.raises(ProblemError, match=r"discretization: found 1e-08; wanted a Resolution"):
        double_well(resolution=1e-8)
