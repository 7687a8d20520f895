"""Least actions on a grid: the climb of psi where the flow leads down it, with a rotation or without, whatever D is."""

import numpy as np
import pytest

from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.landscape.least_action import actions_on

NOISE = np.array([[0.004, 0.001], [0.001, 0.002]])


@pytest.mark.parametrize("turning", [0.0, 1.0, -2.0])
@pytest.mark.parametrize("tensor", [0.0025 * np.eye(2), NOISE])
def test_the_action_out_of_a_well_is_the_climb_of_the_exponent(turning, tensor):
    """a = -(D + J) grad psi with psi the exponent of the density, 50 high (Freidlin and Wentzell, 4.3)."""
    grid = GridFunction((-2.0, -1.5), (2.0, 1.5), np.zeros((129, 129)), (False, False))
    points, rotation = grid.points, turning * tensor[0, 0] * np.array([[0.0, -1.0], [1.0, 0.0]])

    def slope(x):
        return np.array([x[0] ** 3 - x[0], x[1]]) / 0.005

    psi = ((points[0] ** 2 - 1) ** 2 / 4 + points[1] ** 2 / 2) / 0.005
    actions = actions_on(
        grid,
        psi < 80.0,
        lambda x: -(tensor + rotation) @ slope(x),
        lambda x: np.repeat(tensor[:, :, None], x.shape[1], axis=2),
    )
    well = np.arange(len(psi)) == np.argmin((points[0] + 1) ** 2 + points[1] ** 2)
    found, basin = actions.out_of(well), (points[0] < -0.05) & (psi < 49.0)
    assert (found[basin] > psi[basin] - 0.02).all()
    # a path that turns more is longer on the grid: 0.6 % without a rotation; near the rim it is cut short
    excess = found[basin] - psi[basin]
    assert np.quantile(excess, 0.9) < (0.015 + 0.01 * abs(turning)) * 50.0
    # down the flow it costs nothing, and over the saddle as much as that is high, from either side
    assert actions.to(well)[(points[0] < -0.2) & (psi < 49.0)].max() < 1.0 + abs(turning)
    over = found[(points[0] > 0.95) & (psi < 80.0)].min()
    assert 49.9 < over < 50.5 + 0.5 * abs(turning)


def test_across_a_periodic_axis():
    """On a circle with a constant drift: nothing to go along with it, b L / D against it."""
    grid = GridFunction((0.0,), (1.0,), np.zeros(65), (True,))
    actions = actions_on(
        grid, np.ones(65, dtype=bool), lambda x: np.full_like(x, 2.0), lambda x: np.full((1, 1, x.shape[1]), 0.1)
    )
    start = np.arange(65) == 48
    assert actions.out_of(start)[16] == pytest.approx(0.0, abs=1e-6)
    assert actions.to(start)[16] == pytest.approx(0.0, abs=1e-6)
