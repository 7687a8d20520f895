"""The way of a point down to rest is that of closed forms, and cells that it does not meet stay as they are."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.model.initial import AtPoint
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.time.evolving.evolution_setting import setting_of
from fokker_planck.solvers.time.evolving.initial_state import HIGH, not_too_steep
from fokker_planck.solvers.time.survival.way_down import APART, WIDER, way_down

NOISE, HIGH_UP = 0.02, (1.25, 1.13)
"""71 units of epsilon above the middle of the bowl."""


def setting(potential, point, noise=NOISE):
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise))
    problem = fp.Problem(process, fp.Box([-2.0, -2.0], [2.0, 2.0]), fp.Resolution(1e-4))
    return setting_of(problem, AtPoint(point), Ends.at(None).goals, 0.0)


def test_a_bowl_has_the_moments_of_an_ornstein_uhlenbeck_process():
    way = way_down(setting("x**2/2 + y**2", HIGH_UP), AtPoint(HIGH_UP))
    for place in way:
        left = place.mean[0] / HIGH_UP[0]
        assert place.mean[1] == pytest.approx(HIGH_UP[1] * left**2, abs=1e-5)
        exact = NOISE * np.array([1.0 - left**2, (1.0 - left**4) / 2.0])
        assert np.allclose(np.array(place.covariance), WIDER * np.diag(exact), rtol=1e-4, atol=1e-12)
    between = [np.subtract(b.mean, a.mean) for a, b in zip(way, way[1:], strict=False)]
    sizes = [
        np.sqrt(WIDER * d @ np.linalg.solve(np.array(b.covariance), d)) for d, b in zip(between, way[1:], strict=True)
    ]
    # no more than a step beyond what is asked, where each reaches eleven
    assert max(sizes) < APART + 2.0
    # a third of a standard deviation
    assert np.linalg.norm(way[-1].mean) < 0.05


@pytest.mark.parametrize(
    ("potential", "point"),
    [("(x**2 - 1)**2/4 + y**2", (0.0, 1.5)), ("x**2/2 - 3*y", (1.0, 0.0))],
    ids=["crest", "wall"],
)
def test_it_is_not_told_from_a_crest_or_along_a_wall(potential, point):
    assert way_down(setting(potential, point), AtPoint(point)) is None


def test_cells_that_it_does_not_meet_stay():
    posed = setting("(x**2 - 1)**2/4 + y**2", (-1.7, 0.8))
    start = AtPoint((-1.7, 0.8))
    value = posed.weighting.value
    mesh = domain_triangulation(posed.problem, {})
    everywhere, along = (not_too_steep(mesh, start, value, way) for way in (None, way_down(posed, start)))
    assert len(mesh.cells) < len(along.cells) < 0.6 * len(everywhere.cells)
    # on the way they fall as little
    middle = along.cell_points.mean(axis=1)
    near = np.linalg.norm(middle - start.point, axis=1) < 0.1
    heights, height = value(along.cell_points[near].reshape(-1, 2).T).reshape(-1, 3), value(np.array([start.point]).T)
    assert height[0] - value(mesh.points.T).min() > HIGH
    below = heights.min(axis=1) < height[0]
    assert below.any()
    assert np.ptp(heights[below], axis=1).max() < 8.5


@pytest.mark.slow
def test_a_point_high_up_in_the_plane():
    """Cells everywhere below the point took 43 s of CPU for a double well, and twice as many unknowns."""
    process = fp.Overdamped(fp.Potential("x**2/2 + y**2/2"), fp.Isotropic(NOISE))
    problem = fp.Problem(process, fp.Box([-2.0, -2.0], [2.0, 2.0]), fp.Resolution(1e-4))
    for state in fp.evolve(problem, HIGH_UP, [0.02, 0.3, 4.0], {"x": "x", "yy": "y**2"}).times:
        left = np.exp(-state.time)
        for name, exact in (("x", HIGH_UP[0] * left), ("yy", (HIGH_UP[1] * left) ** 2 + NOISE * (1.0 - left**2))):
            found = state.observables[name]
            assert abs(found.value - exact) < 1e-10 < found.absolute_error < 1e-4
        assert abs(state.mass.value - 1.0) < 1e-12
