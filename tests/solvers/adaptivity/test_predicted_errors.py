"""What the indicator predicts: of every number by all modes it rests on, and at corners in their cells alone."""

from dataclasses import replace

import numpy as np

from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.indicator import Mode, errors_of_all
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.adaptivity.error_bars import predicted_errors
from fokker_planck.solvers.setting.setting import prepare


def modes_on_a_square():
    problem = Problem(Overdamped(Potential("x**2/2 + y**2"), Isotropic(0.5)), Box([-1.0, -1.0], [1.0, 1.0]))
    discretization = discretize(grid_triangulation([np.linspace(-1.0, 1.0, 5)] * 2, [False] * 2), 4)
    generator, dofs = assemble(discretization, prepare(problem).balance), discretization.dofs
    x, y = discretization.nodes.T
    functions = [np.sin(3.0 * x)[dofs], np.exp(x - y)[dofs], np.cos(x * y)[dofs]]
    return generator, [[Mode(functions[k], functions[k - 1], log_whole=0.0)] for k in range(3)]


def test_errors_of_all_modes_that_a_number_rests_on_add_up():
    generator, modes = modes_on_a_square()
    each = [float(part.sum()) for part in errors_of_all(generator, modes)]
    answer = Answer(np.zeros(2), None, generator, modes, weights=np.array([2.0, 1.0]), rests_on=((0,), (1, 2)))
    indicator, predicted = predicted_errors(answer)
    np.testing.assert_allclose(predicted, [each[0], each[1] + each[2]], rtol=1e-12)
    np.testing.assert_allclose(indicator.sum(), 2.0 * each[0] + each[1] + each[2], rtol=1e-12)
    # otherwise all of them concern all numbers
    together = predicted_errors(replace(answer, rests_on=None, weights=None))[1]
    np.testing.assert_allclose(together, [sum(each)] * 2, rtol=1e-12)


def test_at_corners_other_cells_are_not_looked_at():
    generator, modes = modes_on_a_square()
    everywhere = np.full(len(generator.discretization.dofs), 0.75)
    some = np.where(np.arange(len(everywhere)) % 5 == 0, 0.75, np.inf)
    for all_cells, few in zip(*(errors_of_all(generator, modes, each) for each in (everywhere, some)), strict=True):
        np.testing.assert_allclose(few, np.where(np.isfinite(some), all_cells, 0.0), rtol=1e-12)
