"""Anisotropic problems against products of one-dimensional answers: narrow valleys, long boxes, D = diag(1, 1e-6).

V = f(u) + g(w) in axes turned by an angle is two independent processes, so that eigenvalues add, weights are those of
g, and times to a set of w are times on a line.
"""

from __future__ import annotations

import numpy as np
import pytest

import fokker_planck as fp

EPS = 0.05


def turned(angle: float) -> tuple[str, str, np.ndarray]:
    """Formulas for u and w, axes turned by an angle, and the unit vector along w."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    return f"({c}*x + {s}*y)", f"(-{s}*x + {c}*y)", np.array([-s, c])


def inside(quantity: fp.Quantity, exact: float) -> bool:
    assert quantity.value is not None
    assert quantity.relative_error < 1e-5
    return abs(quantity.value / exact - 1.0) <= quantity.relative_error


@pytest.mark.parametrize(("stiff", "angle"), [(1000.0, 0.5), (1e4, 0.7854)])
@pytest.mark.parametrize("domain", [fp.Box([-2, -2], [2, 2]), fp.Ball([0, 0], 2.0)], ids=["box", "ball"])
def test_two_wells_along_a_narrow_valley_that_is_turned_weigh_the_same(
    stiff: float, angle: float, domain: object
) -> None:
    """0.41 and 0.59 at bars of 4e-7 where a ball of capture reached across the saddle, unseen by its rays."""
    u, w, along = turned(angle)
    potential = fp.Potential(f"{stiff}*{u}**2 + ({w}**2 - 1)**2/4")
    found = fp.stationary_density(fp.Problem(fp.Overdamped(potential, fp.Isotropic(EPS)), domain)).wells
    assert len(found) == 2
    for well in found:
        assert abs(abs(along @ well.minimum) - 1.0) < 1e-9
        assert inside(well.probability, 0.5)


@pytest.mark.slow
def test_a_thin_sublevel_set_is_found_though_its_tips_fall_between_the_points_of_a_grid() -> None:
    """It "reached the faces of the box", which it does nowhere."""
    u, w, along = turned(0.5)
    process = fp.Overdamped(fp.Potential(f"1000*{u}**2 + ({w}**2 - 1)**2/4"), fp.Isotropic(EPS))
    problem = fp.Problem(process, fp.Sublevel(1.5, [-2, -2], [2, 2]))
    found = fp.mean_exit_time(problem, start=-along, target=fp.HalfSpace(along, 0.75)).mean
    assert inside(found, 725.7424294)  # quadrature on a line


LONG = "(x**2 - 1)**2/4 + (y/1e4)**2/2"


@pytest.mark.slow
def test_two_wells_across_a_box_ten_thousand_times_longer_than_wide() -> None:
    """One well of weight 1 +- 1e-10 where lengths of the short axis were measured by those of the long one."""
    problem = fp.Problem(fp.Overdamped(fp.Potential(LONG), fp.Isotropic(EPS)), fp.Box([-2, -2e4], [2, 2e4]))
    wells = fp.stationary_density(problem).wells
    assert [round(well.minimum[0], 6) for well in wells] == [-1.0, 1.0]
    assert all(inside(well.probability, 0.5) for well in wells)
    (saddle,) = fp.energy_landscape(problem).saddles
    assert abs(saddle.unstable_direction[0]) == pytest.approx(1.0)
    assert saddle.hessian_eigenvalues == pytest.approx((-1.0, 1e-8))


def noise_turned(angle: float, across: float, along: float) -> fp.Constant:
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, -s], [s, c]])
    return fp.Constant((rotation @ np.diag([across, along]) @ rotation.T).tolist())


@pytest.mark.parametrize("angle", [0.0, pytest.param(0.5, marks=pytest.mark.slow)])
def test_eigenvalues_of_a_narrow_valley_are_those_of_ornstein_and_uhlenbeck(angle: float) -> None:
    """V = 1000 u^2 + w^2: 2, 4, 6, ..., 2000."""
    u, w, _ = turned(angle)
    process = fp.Overdamped(fp.Potential(f"1000*{u}**2 + {w}**2"), fp.Isotropic(EPS))
    found = fp.spectrum(fp.Problem(process, fp.Box([-2, -2], [2, 2])), count=4).eigenvalues[1:]
    assert all(inside(one.real, exact) for one, exact in zip(found, [2.0, 4.0, 6.0], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_eigenvalues_with_noise_a_million_times_weaker_across(angle: float) -> None:
    """D = diag(1, 1e-6), V = 10 u^2 + w^2: 2, 4, 6 along a valley 1e-3 wide: no answer within 60 s on round cells."""
    u, w, _ = turned(angle)
    process = fp.Overdamped(fp.Potential(f"10*{u}**2 + {w}**2"), noise_turned(angle, 1.0, 1e-6))
    found = fp.spectrum(fp.Problem(process, fp.Box([-2, -2], [2, 2])), count=4).eigenvalues[1:]
    assert all(inside(one.real, exact) for one, exact in zip(found, [2.0, 4.0, 6.0], strict=True))


def test_a_ball_does_not_see_in_which_direction_strong_noise_points() -> None:
    domain = fp.Ball([0, 0], 1.0)
    pair = [
        fp.spectrum(fp.Problem(fp.Overdamped(fp.Potential("0*x"), noise_turned(angle, 1.0, 1e-6)), domain), count=2).gap
        for angle in (0.0, 0.5)
    ]
    assert pair[0].value is not None
    assert pair[1].value is not None
    assert abs(pair[0].value / pair[1].value - 1.0) <= pair[0].relative_error + pair[1].relative_error < 1e-6


class TestBoxOfOneByTenThousand:
    """V = 0 and D = 1, where rounding of cells 1000 times longer than wide is in the bar."""

    problem = fp.Problem(fp.Overdamped(fp.Potential("0*x"), fp.Isotropic(1.0)), fp.Box([0, 0], [1, 1e4]))

    def test_eigenvalues(self) -> None:
        found = fp.spectrum(self.problem, count=4).eigenvalues[1:]
        assert all(inside(one.real, (np.pi * k / 1e4) ** 2) for k, one in enumerate(found, start=1))

    def test_rate_from_end_to_end(self) -> None:
        rate = fp.committor(self.problem, fp.HalfSpace([0, -1], -1e3), fp.HalfSpace([0, 1], 9e3)).rate
        assert inside(rate, 1.0 / (8e3 * 1e4))

    @pytest.mark.filterwarnings("ignore:the finest mesh allowed reaches")
    def test_time_from_end_to_end(self) -> None:
        time = fp.mean_exit_time(self.problem, start=[0.5, 1.0], target=fp.HalfSpace([0, 1], 9e3)).mean
        assert inside(time, (9e3**2 - 1.0) / 2.0)

    def test_time_across(self) -> None:
        assert inside(fp.mean_exit_time(self.problem, start=[0.5, 5e3], target="boundary").mean, 1.0 / 8.0)


@pytest.mark.filterwarnings("ignore:the finest mesh allowed reaches")
def test_eigenvalues_along_a_long_box_with_two_wells_across() -> None:
    """1e-8, 2e-8, 3e-8, and a bar of 1e-5 for rounding: times across and along differ by 1e8."""
    problem = fp.Problem(fp.Overdamped(fp.Potential(LONG), fp.Isotropic(EPS)), fp.Box([-2, -2e4], [2, 2e4]))
    found = fp.spectrum(problem, count=4).eigenvalues[1:]
    for k, one in enumerate(found, start=1):
        assert one.real.value is not None
        assert abs(one.real.value / (1e-8 * k) - 1.0) < one.real.relative_error < 1e-4


def test_points_of_long_cells_are_located() -> None:
    """Centres of hundreds of other cells are nearer to a point than that of the cell that holds it."""
    from fokker_planck.fem.discretization import discretize
    from fokker_planck.fem.fields.point_location import locate
    from fokker_planck.fem.triangulations.generation import grid_triangulation

    mesh = grid_triangulation([np.linspace(0.0, 1.0, 401), np.linspace(0.0, 1e4, 3)], [False, False])
    x = np.random.default_rng(1).uniform([[0.0], [0.0]], [[1.0], [1e4]], (2, 300))
    cells, reference = locate(discretize(mesh, 1), x)
    assert (cells >= 0).all()
    assert (reference.min(axis=1) > -1e-9).all()
    assert (reference.sum(axis=1) < 1.0 + 1e-9).all()
