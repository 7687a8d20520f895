"""What is cut from a first mesh, and by how much that changes numbers of which some count next to nothing."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.reference_exponent import FollowedWeight
from fokker_planck.formulas.grids.spline import zero_on
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.trial_cut import Narrower, Remembered, _apart, _changed
from fokker_planck.solvers.setting.error_budget import budget_of

PROCESS = fp.Overdamped(fp.Potential("x**2 + y**2"), fp.Constant([[1.0, 0.2], [0.2, 0.5]]))
PROBLEM = fp.Problem(PROCESS, fp.Box([-1.0, -1.0], [1.0, 1.0]), fp.Resolution(1.2e-4, cells=(2, 2)))


def _answer(numbers, weights=None, generator=None):
    predicted = np.zeros(8), np.full(len(numbers), 0.2)
    return Answer(np.array(numbers), None, generator, [], weights=weights, predicted=predicted)


def test_a_rate_that_is_nothing_beside_others_changes_by_nothing_of_these():
    """Eleven wells: of 90 rates one of 1e-14 of those out of its well had nothing cut, three times, in 90 s of CPU."""
    counted = _answer([0.0, 0.0], np.array([1.0, 1e-14]))
    assert _apart(counted, _answer([1e-9, 3.5])) == pytest.approx(1e-9)
    # one that grows until it is most of what leaves the well counts
    assert _apart(counted, _answer([1e-9, np.log(1e14)])) == pytest.approx(1.0)
    assert _apart(_answer([0.0], np.array([5.0])), _answer([1e-3])) == pytest.approx(np.expm1(1e-3))
    assert _apart(_answer([0.0]), _answer([1e-3])) == pytest.approx(np.expm1(1e-3))
    assert np.isinf(_apart(counted, _answer([0.0])))


@pytest.mark.parametrize(("less", "more", "degrees"), [(0.014, 0.012, [5, 6]), (2e-3, 1e-6, [5, 7])])
def test_a_degree_more_is_not_asked_on_a_mesh_that_a_degree_less_shows_to_be_too_coarse(less, more, degrees):
    flat = zero_on((-1.0, -1.0), (1.0, 1.0), (False, False))
    weight, mesh = FollowedWeight(flat, ItoDrift(PROCESS, 2), PROCESS.field(2)), domain_triangulation(PROBLEM, {})
    generator, asked = assemble(discretize(mesh, 6), weight), []

    def ask(discretization):
        asked.append(discretization.degree)
        return _answer([{5: less, 6: 1e-7, 7: more}[discretization.degree]], generator=generator)

    remembered = Remembered(ask, mesh, {6: _answer([0.0], generator=generator)})
    error = _changed(PROBLEM, remembered, Narrower(mesh, np.zeros(len(mesh.cells), dtype=bool)), 6)
    assert asked == degrees
    assert error <= budget_of(PROBLEM).changed_with_degree
