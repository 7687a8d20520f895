"""What lies deep in a well of phase space is one state with its lowest point."""

import numpy as np
import pytest
from kinetic_wells import QUARTIC, kinetic

from fokker_planck.fem.discretization import discretize
from fokker_planck.solvers.adaptivity.initial_mesh import first_mesh
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.condensation.wells import well_nodes
from fokker_planck.solvers.setting.deep_wells import HOLDS, MARGIN, deep_level, deep_states, idle, with_deep_wells
from fokker_planck.solvers.setting.setting import prepare


def test_states_are_what_lies_far_below_the_saddle():
    setting = with_deep_wells(prepare(kinetic(QUARTIC, 1 / 800, 1.0, 1.5, 1e-3), Ends()))
    assert deep_level(setting) == pytest.approx(200.0 - MARGIN)
    mesh = first_mesh(setting, {})
    discretization = discretize(mesh, 2)
    wells = well_nodes(discretization, setting.places)
    found = deep_states(setting, discretization, wells)
    assert found is not None
    psi, x = np.asarray(setting.weighting.value(discretization.nodes.T)), discretization.nodes[:, 0]
    for well, part in zip(wells, found.to, strict=True):
        assert part[well]
        assert psi[part].max() < 200.0 - MARGIN
        assert (np.sign(x[part]) == np.sign(x[well])).all()
    assert idle(setting, np.array([0.0, HOLDS + 1.0, 140.0]), np.array([30.0, 140.0, 160.0])).tolist() == [
        False,
        True,
        False,
    ]


def test_wells_that_are_not_deep_are_points():
    setting = with_deep_wells(prepare(kinetic(QUARTIC, 1 / 80, 1.0, 1.5, 1e-3), Ends()))
    assert deep_level(setting) == -np.inf
    assert deep_states(setting, discretize(first_mesh(setting, {}), 2), np.zeros(0, dtype=int)) is None
