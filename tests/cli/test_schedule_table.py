"""The table [schedule] of a problem file."""

from pathlib import Path

import pytest

from fokker_planck.cli.problem_file import load_problem_file
from fokker_planck.errors import ProblemError

EXAMPLES = Path(__file__).parents[2] / "examples"
BATCH, RESONANCE = EXAMPLES / "batch_schedule.toml", EXAMPLES / "stochastic_resonance.toml"


def test_a_batch_that_grows():
    """After 25,000 iterations of the learning rate 0.02, that is at t = 500, the noise is an eighth."""
    file = load_problem_file(BATCH)
    assert file.problem.schedule.table == ((0.0, 1.0), (500.0, 0.125))
    assert file.questions["evolve"].times == (100.0, 500.0, 600.0)


def test_a_push_and_a_noise():
    file = load_problem_file(RESONANCE, ["schedule.noise=1 + sin(0.05*t)/2"])
    assert file.problem.schedule.factor([0.0]).tolist() == [1.0]
    assert (
        file.problem.schedule.gradient(file.problem.sample(), 0.0)[0].tolist()
        == [-0.02] * file.problem.sample().shape[1]
    )
    assert file.questions["periodic"].count == 2


@pytest.mark.parametrize(
    ("path", "change", "message"),
    [
        (RESONANCE, "schedule.noize=1", r"schedule.noize: found an unknown key \(did you mean noise"),
        (RESONANCE, "schedule.noise=3", "schedule.noise: found 3"),
        (RESONANCE, "schedule.noise=x", "schedule.noise: found the unknown name 'x'"),
        (RESONANCE, "schedule.potential=[1]", r"schedule.potential: found \[1\]"),
        (RESONANCE, "schedule.batch_size=[[0, 2]]", "schedule.batch_size: found diffusion.kind = 'isotropic'"),
        (RESONANCE, "periodic.period=-1", "periodic.period: found -1"),
        (RESONANCE, "periodic.times=[200.0]", r"periodic.times\[0\]: found 200.0"),
        (RESONANCE, "periodic.observables={x = 'y'}", "periodic.observables.x: found the variable y"),
        (BATCH, "schedule.noise=2", "schedule.noise: found 2"),
        (BATCH, "schedule.noise=1 + t", "schedule.noise: found a factor beside batch_size"),
        (BATCH, "schedule.batch_size=[[0, 0.5]]", "schedule.batch_size: found 0.5"),
        (BATCH, "schedule.batch_size=[[5, 1]]", r"schedule.batch_size\[0\]\[0\]: found 5"),
        (BATCH, "schedule.learning_rate=0.1/(1 + t)", "schedule: found a formula beside a table"),
    ],
)
def test_what_is_wrong_is_named(path, change, message):
    with pytest.raises(ProblemError, match=message):
        load_problem_file(path, [change])
