"""What of the coefficients depends on time: formulas, tables, what is refused."""

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.diffusion.quadratic import Quadratic
from fokker_planck.model.diffusion.scaled import scaled_noise
from fokker_planck.model.diffusion.state_dependent import Formula, Sampled
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.schedule import Schedule
from fokker_planck.sgd.learning import Learning
from fokker_planck.sgd.schedule import schedule as of_descent

LINE = Overdamped(Potential("x**2/2"), Isotropic(0.5))


def test_a_table_holds_from_its_times():
    schedule = Schedule(noise=[[0, 2], [1, 1], [4, 0.5]])
    assert schedule.factor([0.0, 0.999, 1.0, 3.0, 4.0, 1e9]).tolist() == [2.0, 2.0, 1.0, 1.0, 0.5, 0.5]
    assert schedule.steps
    assert schedule.breaks(4.0) == (1.0,)
    assert schedule.extremes(2.0) == (1.0, 2.0)


def test_slopes_of_the_added_potential():
    schedule = Schedule(potential="sin(t)*x**2*y + t")
    x = np.array([[1.0, 2.0], [3.0, -1.0]])
    assert np.allclose(schedule.gradient(x, 0.5), np.sin(0.5) * np.array([2 * x[0] * x[1], x[0] ** 2]), atol=1e-15)
    assert schedule.dimension == 2
    assert not schedule.steps


@pytest.mark.parametrize(
    "noise",
    [
        Isotropic(0.5),
        Constant([[2.0, 1.0], [1.0, 2.0]]),
        Hessian(0.1, 0.3),
        Quadratic((1.0, 2.0), 0.5, 0.1, (0.2, 0.0)),
        Quadratic(1.0, 0.5, form="radial"),
        Formula("1 + a*x**2", {"a": 2.0}),
        Formula([["1 + x**2", "0"], ["0", 2.0]]),
        Sampled(lambda x: 1.0 + x[0] ** 2),
    ],
    ids=lambda noise: type(noise).__name__,
)
def test_every_noise_is_scaled(noise):
    x, potential = np.array([[0.3, -1.0], [0.5, 2.0]]), Potential("x**4 + y**2")
    one, three = (each.field(potential, 2) for each in (noise, scaled_noise(noise, 3.0)))
    assert np.allclose(three.tensor(x), 3.0 * one.tensor(x), rtol=1e-14)
    assert np.allclose(three.divergence(x), 3.0 * one.divergence(x), rtol=1e-9, atol=1e-9)


def test_schedules_of_gradient_descent():
    """Time runs by the learning rate: eta = 0.1 until 100, that is t = 10, then 0.05; the batch doubles at 300."""
    learning = Learning(0.1, 4)
    steps = of_descent(learning, [[0, 0.1], [100, 0.05]], [[0, 4], [300, 8]])
    assert np.allclose(steps.table, [[0.0, 1.0], [10.0, 0.5], [20.0, 0.25]])
    grown = of_descent(Learning(0.1, 4, samples=9), batch_size="4 + t/100")
    assert np.isclose(grown.factor(np.array([10.0]))[0], ((9 - 5) / (5 * 8)) / ((9 - 4) / (4 * 8)))
    falling = of_descent(learning, "0.1/(1 + t/100)")
    assert np.allclose(falling.factor(np.array([0.0, 5.0, 20.0])), np.exp(-np.array([0.0, 0.5, 2.0])), rtol=1e-9)
    for wrong, key in (([[0, 0.5]], "schedule.batch_size"), ("t", "schedule.batch_size")):
        with pytest.raises(ProblemError, match=key):
            of_descent(learning, batch_size=wrong).factor(np.array([0.0]))
    with pytest.raises(ProblemError, match="a formula beside a table"):
        of_descent(learning, "0.1", [[0, 4]])
