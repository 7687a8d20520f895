"""Sets of a process with momentum are given by formulas in x and v."""

import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError
from fokker_planck.model.question_arguments import checked_set

WELL = fp.Potential("(x**2 - 1)**2/4")
BOX = fp.Box([-2.0, -2.5], [2.0, 2.5])


def test_the_velocity_is_the_second_coordinate():
    problem = fp.Problem(fp.Underdamped(WELL, fp.Isotropic(0.1), 1.0), BOX)
    disc = checked_set(problem, fp.Region("0.04 - (x - 1)**2 - v**2"), "exit.target")
    assert disc.contains([[1.0, 1.0], [0.1, 0.3]]).tolist() == [True, False]
    assert problem.units.names == ("x", "v")
    with pytest.raises(ProblemError, match="the coordinates are x and v"):
        fp.Region("v + y")


def test_without_momentum_there_is_none():
    problem = fp.Problem(fp.Overdamped(fp.Potential("x**2 + y**2"), fp.Isotropic(0.1)), BOX)
    with pytest.raises(ProblemError, match=r"exit\.target: found the velocity v in 'x - v'"):
        checked_set(problem, fp.Region("x - v"), "exit.target")
    assert fp.Region("x - v", {"v": 0.5}).contains([[0.6], [0.0]]).all()
