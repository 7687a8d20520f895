"""Which deep well a shallow one belongs to, where neither detailed balance nor the density is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from fokker_planck import Box, Isotropic, Overdamped, Potential, Problem
from fokker_planck.solvers.setting.passes_of_flow import passes_of_flow
from fokker_planck.solvers.setting.setting import prepare_for_wells
from validation.campaign.questions import load
from validation.campaign.random_problems import random_problem


@pytest.mark.slow
def test_shallow_wells_belong_to_the_deep_one_of_their_valley(tmp_path):
    """Of eight wells in space two, 0.3 units deep, were given to the other valley: weights 4 % off at bars of 0.4 %."""
    whole = load(random_problem(114, 247).tables, tmp_path)
    setting = prepare_for_wells(getattr(whole, "problem", whole), "stationary")
    valleys = [attractor.position[1] > 0.0 for attractor in setting.attractors]
    assert len(set(setting.states)) == 2
    assert [valleys[state] for state in setting.states] == valleys


def test_a_ridge_that_is_narrower_than_the_sample_is_climbed():
    """An edge of the sample led through it: a well 1.7 units deep in space was no state, or was one when turned."""
    plane = Problem(Overdamped(Potential("x**2 + y**2"), Isotropic(1.0)), Box([-1.0, -1.0], [1.0, 1.0]))
    ridge = SimpleNamespace(value=lambda x: 5.0 * np.exp(-0.5 * ((x[0] - 0.0137) / 0.005) ** 2) + 0.2 * (x[0] > 0.0))
    climbs = passes_of_flow(plane, ridge, np.array([[-0.5, 0.0], [0.5, 0.1]]), np.zeros((0, 2)))
    assert climbs.diagonal().tolist() == [0.0, 0.2]
    assert 4.0 < climbs[0, 1] < 5.3


def test_a_pass_over_a_saddle_of_the_flow_is_found_where_lines_and_samples_miss_it():
    plane = Problem(Overdamped(Potential("x**2 + y**2"), Isotropic(1.0)), Box([-1.0, -1.0], [1.0, 1.0]))

    def value(x):
        """Flat but for a wall with a gate."""
        return 5.0 * np.exp(-0.5 * (x[0] / 0.1) ** 2) * (1.0 - 0.9 * np.exp(-0.5 * ((x[1] - 0.713) / 0.01) ** 2))

    places, gate = np.array([[-0.5, 0.74], [0.5, 0.74]]), np.array([[0.0, 0.713]])
    assert passes_of_flow(plane, SimpleNamespace(value=value), places, np.zeros((0, 2)))[0, 1] > 1.0
    assert passes_of_flow(plane, SimpleNamespace(value=value), places, gate)[0, 1] < 0.7
