"""Python functions are sampled, and looked at once more at random points: what the mesh does not see is said."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError
from fokker_planck.model.diffusion.state_dependent import Sampled
from fokker_planck.output.serialize import statistics_json

RIGHT = fp.HalfSpace([1.0, 0.0], 1.0)


def _quartic(x):
    return (x[0] ** 2 - 1.0) ** 2 / 4.0 + x[1] ** 2 / 2.0


FORMULA = fp.Potential("(x**2 - 1)**2/4 + y**2/2")
FUNCTION = fp.Potential(_quartic, gradient=FORMULA.gradient, hessian=FORMULA.hessian, dimension=2)


def _problem(potential):
    process = fp.Overdamped(potential, fp.Isotropic(0.05))
    return fp.Problem(process, fp.Box([-2.0, -1.5], [2.0, 1.5]), fp.Resolution(tolerance=1e-3))


def test_a_smooth_function_is_seen_and_the_check_is_reported():
    found = fp.mean_exit_time(_problem(FUNCTION), [-1.0, 0.0], RIGHT)
    assert abs(found.mean.value / 729.6706919423 - 1.0) < found.mean.relative_error
    seen = found.statistics.functions
    assert seen.points == 20_000
    # of a polynomial of degree 4 nothing is unseen but rounding and the differences of the gradient
    assert seen.deviation < 1e-9
    assert statistics_json(found.statistics)["functions"] == {"points": 20_000, "deviation": seen.deviation}
    assert fp.stationary_density(_problem(FUNCTION)).statistics.functions.deviation < 1e-9


def test_formulas_need_no_check():
    found = fp.mean_exit_time(_problem(FORMULA), [-1.0, 0.0], RIGHT)
    assert found.statistics.functions is None
    assert "functions" not in statistics_json(found.statistics)


def test_a_wall_between_the_nodes_is_refused():
    """Twenty units of epsilon on a strip of a thousandth: too narrow for the mesh, not for 20,000 points."""

    def hidden(x):
        return _quartic(x) + np.exp(-(((x[0] - 0.31371 + 0.3 * x[1]) / 2e-4) ** 2))

    process = fp.Overdamped(fp.Potential(hidden, gradient=FORMULA.gradient, dimension=2), fp.Isotropic(0.05))
    problem = fp.Problem(process, fp.Box([-2.0, -1.5], [2.0, 1.5]), fp.Resolution(tolerance=1e-3, cells=(16, 12)))
    with pytest.raises(ConvergenceError, match="from what the mesh sees of it"):
        fp.mean_exit_time(problem, [-1.0, 0.0], RIGHT)


def test_a_function_for_the_noise_or_for_the_drift_is_looked_at_too():
    def noise(x):
        return 0.05 * (1.0 + 0.3 * np.tanh(x[0])) * (1.0 - 0.999999 * np.exp(-(((x[0] - 0.31371) / 1e-3) ** 2)))

    line = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), Sampled(noise))
    problem = fp.Problem(line, fp.Box([-2.0], [2.0]), fp.Resolution(cells=(40,)))
    with pytest.raises(ConvergenceError, match="the function given as diffusion"):
        fp.mean_exit_time(problem, [-1.0], fp.HalfSpace([1.0], 1.0))
    push = fp.Drift(lambda x: 1e4 * np.exp(-(((x - 0.31371) / 2e-4) ** 2)), dimension=1)
    line = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05), extra=push)
    problem = fp.Problem(line, fp.Box([-2.0], [2.0]), fp.Resolution(cells=(40,)))
    with pytest.raises(ConvergenceError, match=r"the function given as drift\.extra"):
        fp.mean_exit_time(problem, [-1.0], fp.HalfSpace([1.0], 1.0))
