"""What the campaign of random problems in the plane found: one test for each kind."""

from __future__ import annotations

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.fields import point_location
from fokker_planck.fem.fields.interpolation import interpolate
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.indicator import energy_errors
from fokker_planck.fem.triangulations.triangulation import Facets, Triangulation, parts_by_facets, without_cells
from fokker_planck.fem.truncation.trimming import attached
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.questions.beside.small_noise import Allowance
from fokker_planck.solvers.adaptivity.initial_mesh import first_mesh
from fokker_planck.solvers.boundaries.ends import FROM, TO, Ends
from fokker_planck.solvers.committor import _answer
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of
from fokker_planck.solvers.setting.landscape_of_flow import of_flow


@pytest.mark.slow
def test_shares_of_reactive_paths_are_seen_by_the_indicator() -> None:
    """Of 4e-4 that the first mesh leaves of the share nothing showed: all cells were bisected for it, and again."""
    potential = "x**4/4 - 0.6789*x**2 + y**4/4 - 0.7609*y**2 - 0.4899*x - 0.4773*x**3 + 0.4408*y - 0.3462*y**3"
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(0.05), extra=fp.Drift(["0.3*y", "-0.3*x"]))
    problem = fp.Problem(process, fp.Box([-2.25, -1.75], [1.55, 2.36]), fp.Resolution(tolerance=3e-5))
    origin, goal = fp.Ball([1.3178, 1.3106], 0.3), fp.HalfSpace([0.0, -1.0], 1.1885)
    ends = Ends(((FROM, origin), (TO, goal)))
    setting = of_flow(problem, ends)
    mesh = discretize(first_mesh(setting, ends.regions), 6)
    first = _answer(setting, mesh, (origin, goal), exact=False)
    found = fp.committor(problem, origin, goal)
    error = abs(first.numbers[1] - found.probability_reactive.log)
    _, forward, backward, last = (float(energy_errors(first.generator, modes).sum()) for modes in first.modes)
    assert 1e-4 < error < 3.0 * (forward + backward) < 200.0 * error
    assert abs(first.numbers[2] - found.probability_last_from.log) < 3.0 * last
    assert found.statistics.unknowns < 30_000


def _kinked() -> fp.Problem:
    """Noise along the Hessian of a V with a kink: detailed balance, by an exponent that is an integral."""
    potential = fp.Potential("1.3*(x**2 - 1)**2 - 0.65*min(2*(x - 0.3651), x - 0.3651) + 1.6*y**2")
    process = fp.Overdamped(potential, fp.Hessian(0.05, 0.7), interpretation="klimontovich")
    return fp.Problem(process, fp.Ball([0.1, 0.0], 1.7), fp.Resolution(tolerance=1e-4))


@pytest.mark.slow
def test_exponents_between_surfaces_are_found_once() -> None:
    """On patches: each value was an integral from the middle of the domain, a mesh took a minute."""
    problem = _kinked()
    exponent = kinetics_of(problem).exponent.whole
    local = exponent._local
    assert local is not None
    assert 0.5 < local.smooth.mean() < 1.0
    x = np.random.default_rng(3).uniform(-1.5, 1.5, (2, 40))
    direct = exponent._along(exponent._from_centre(x), x)
    np.testing.assert_allclose(exponent.value(x), direct, atol=2e-12 * np.abs(direct).max())


@pytest.mark.slow
def test_formulas_beside_an_answer_do_not_refuse_it() -> None:
    """The error of a formula asked for the exponent far outside of a ball, where integrals do not settle."""
    found = fp.mean_exit_time(_kinked(), [1.0, 0.0], fp.HalfSpace([-0.02, 1.0], 0.4))
    assert found.mean.relative_error < 1e-4


def test_points_outside_of_a_mesh_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each was looked for in the 340 nearest cells, by Newton's method in curved ones."""
    process = fp.Overdamped(fp.Potential("x**2 + y**2"), fp.Isotropic(1.0))
    problem = fp.Problem(process, fp.Ball([0.0, 0.0], 1.0))
    discretization = discretize(domain_triangulation(problem, {}), 4)
    tried = []
    original = point_location.reference_coordinates

    def counted(on, cells, points):
        tried.append(len(cells))
        return original(on, cells, points)

    monkeypatch.setattr(point_location, "reference_coordinates", counted)
    axis = np.linspace(-2.0, 2.0, 81)
    grid = np.stack([part.ravel() for part in np.meshgrid(axis, axis)])
    radius = np.linalg.norm(grid, axis=0)
    values = interpolate(discretization, discretization.nodes[:, 0] ** 2, grid)
    inside = radius < 1.0 - 1e-9
    np.testing.assert_allclose(values[inside], grid[0, inside] ** 2, atol=1e-6)  # not polynomial in curved cells
    assert np.isnan(values[radius > 1.0 + 1e-6]).all()
    assert sum(tried) < 6 * grid.shape[1]


def test_slopes_of_noise_by_formulas_are_exact() -> None:
    """By differences minimum-action paths took minutes beside rates that took seconds."""
    noise = fp.Formula([["1 + x**2", "0.1*sin(x*y)"], ["0.1*sin(x*y)", "exp(y)"]]).field(None, 2)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 5))
    np.testing.assert_allclose(noise.gradient(x), differences.gradient(noise.tensor, x), atol=1e-9)
    np.testing.assert_allclose(np.einsum("jijn->in", noise.gradient(x)), noise.divergence(x), atol=1e-12)


def test_a_facet_on_a_seam_whose_image_is_cut_off() -> None:
    """Its vertices all had images, and it was an AssertionError."""
    process = fp.Overdamped(fp.Potential("cos(x) + cos(y)"), fp.Isotropic(1.0))
    box = fp.Box([0.0, 0.0], [2.0 * np.pi, 2.0 * np.pi], boundary=["periodic", "periodic"])
    problem = fp.Problem(process, box, fp.Resolution(cells=(6, 6)))
    mesh = domain_triangulation(problem, {})
    on_seam = (mesh.points[mesh.cells][:, :, 0] < 1e-9).sum(axis=1) == 2
    kept = np.ones(len(mesh.cells), dtype=bool)
    kept[np.flatnonzero(on_seam)[2]] = False
    whole, cut = (discretize(m, 3) for m in (mesh, without_cells(mesh, kept)))
    assert cut.count == whole.count - 1  # what is inside the cell


@pytest.mark.slow
def test_densities_in_balls_are_followed_under_noise_that_varies() -> None:
    """They were lost below twice the noise: meshes of the exponent were too coarse, and a swing of 3 was too much."""
    potential = fp.Potential("0.717*(x**2 - 1)**2*(1 + 0.1708*x) - 0.04532*x + 0.2834*y**2 - 0.08382*x*y")
    noise = fp.Formula("0.01409*exp(0.4657*(sin(1.134*x) + sin(1.198*y)))")
    problem = fp.Problem(
        fp.Overdamped(potential, noise), fp.Ball([-0.15, -0.039], 2.06), fp.Resolution(tolerance=3.7e-4)
    )
    gap = fp.spectrum(problem, 2).gap
    # with other degrees and meshes of the exponent 3.13696897e-16, to 1e-6
    assert abs(gap.log - np.log(3.1369689e-16)) < 1e-6 + gap.relative_error < 4e-4


def test_formulas_that_take_too_long_are_left_out() -> None:
    """Rates of 20 s waited for minutes for the formula beside them."""
    allowance = Allowance(1000)
    allowance.spend(900)
    with pytest.raises(fp.ConvergenceError, match="too long"):
        allowance.spend(101)


@pytest.mark.slow
def test_the_time_on_the_way_is_resolved_where_the_density_is_not():
    """Fractions of time rest on q+ near A, e^-88 of one, which the energy of the rate does not see (12 of seed 101).

    With cells for the rate alone 10 to 12 meshes bisected everywhere were needed, and the cut took the slopes away:
    -88.202. A uniform mesh of 50 by 50 cells of degree 5 gives -88.24669, to 7e-5.
    """
    potential = "1.551*(x**2 - 1)**2*(1 - 0.2302*x) + 0.3028*x - 0.1283*heaviside(x - 0.498) + 0.786*y**2 - 0.02771*x*y"
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(0.02087))
    problem = fp.Problem(process, fp.Box([-1.91, -1.87], [2.27, 2.15]), fp.Resolution(tolerance=2.7e-4))
    found = fp.committor(problem, fp.Ball([-1.0184, -0.0587], 0.3), fp.HalfSpace([1.0, 0.0], 0.964))
    assert found.statistics.unknowns < 30_000
    assert found.probability_reactive.relative_error < 2.7e-4
    assert found.probability_reactive.log == pytest.approx(-88.246687, abs=7e-5 + 2.7e-4)
    assert found.rate.log == pytest.approx(-88.521562, abs=2e-5)


def test_the_unstable_side_of_a_saddle_where_no_attractor_counts_for_the_question():
    """Shallow wells that an exit does not follow are attractors still: the formula crashed there (39 of seed 101)."""
    from types import SimpleNamespace

    from fokker_planck.landscape.newton.fixed_points import fixed_point
    from fokker_planck.questions.beside.small_noise import unstable_step

    saddle = fixed_point([0.0, 0.0], [[1.0, 0.0], [0.0, -1.0]])
    setting = SimpleNamespace(
        attractors=(fixed_point([-1.0, 0.0], [[-1.0, 0.0], [0.0, -1.0]]),),
        places=np.zeros((0, 2)),
        problem=SimpleNamespace(sample=lambda: np.array([[-2.0, 2.0], [-2.0, 2.0]])),
    )
    assert unstable_step(setting, saddle, saddle.x)[0] > 0.0  # away from the attractor


@pytest.mark.parametrize("turn", [0, 1])
def test_rates_in_a_ball_turned_by_a_right_angle(turn: int) -> None:
    """Two cells that hung on the rest by a vertex were a well, left more and more slowly on finer meshes."""
    x, y = ("x", "y") if turn == 0 else ("(-y)", "x")
    waves = f"0.3259*cos(4.672*{x} + 2.269) + 0.3565*cos(2.219*{y} + 3.654)"
    process = fp.Overdamped(fp.Potential(f"0.3*x**2 + 0.3*y**2 + {waves}"), fp.Isotropic(0.03926))
    center = [0.136, -0.185] if turn == 0 else [-0.185, -0.136]
    problem = fp.Problem(process, fp.Ball(center, 2.08), fp.Resolution(tolerance=7.5e-4))
    found = fp.rates(problem)
    assert len(found.minima) == 3
    assert found.statistics.levels <= 3
    # from the shallowest well to the middle one, the fastest of all; both orientations were compared at 1e-6
    fastest = max(rate.value for row in found.rates for rate in row if rate is not None)
    assert fastest == pytest.approx(1.76719537e-3, rel=7.5e-4)


def test_what_hangs_on_the_rest_by_a_vertex_is_dropped() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [2.0, 2.0]])
    cells = np.array([[0, 1, 2], [1, 3, 2], [3, 4, 5]])
    nothing = Facets(np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int), np.zeros(0, dtype=bool))
    mesh = Triangulation(points, cells, np.arange(6), nothing)
    assert parts_by_facets(mesh.cells, mesh.vertex_class).tolist() == [0, 0, 1]
    assert len(attached(mesh, np.array([[0.1, 0.1]]), (), None).cells) == 2
    assert len(attached(mesh, np.array([[0.1, 0.1]]), (), (1.9, 1.5)).cells) == 3
    assert len(attached(mesh, np.zeros((0, 2)), (), None).cells) == 2


@pytest.mark.slow
def test_what_is_cut_away_of_unknown_densities_is_in_the_bar() -> None:
    """The same on a mesh file, and on 115 x 98 cells of degree 8, which nothing is cut from: -164.43631851957.

    Ten times as much changed it by 7e-9 on the first mesh, what was cut by 2e-7, at bars of 6e-8 and 5e-9.
    """
    potential = "0.25*x**4 - 0.793*x**2 + 0.25*y**4 - 0.1422*y**2 + 0.2325*x - 0.475*x**3 - 0.2288*y + 0.1108*y**3"
    turning = fp.Drift(["0.03793*(1 + 0.2832*x)*y", "-0.03793*(1 + 0.2832*x)*x"])
    noise = fp.Hessian(0.007695, 0.985)
    process = fp.Overdamped(fp.Potential(potential), noise, interpretation="stratonovich", extra=turning)
    asked = fp.Problem(process, fp.Box([-2.5, -1.93], [2.02, 1.92]), fp.Resolution(tolerance=6e-7))
    weight = fp.stationary_density(asked).wells[0].probability
    assert weight.relative_error < 6e-7
    assert abs(weight.log + 164.43631851957) < weight.relative_error + 5e-10
