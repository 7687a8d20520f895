"""Problems: what fits together, and which starts and targets make a question."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Overdamped
from fokker_planck.model.question_arguments import checked_exit
from fokker_planck.model.sets.shapes import Ball, HalfSpace, Region

MESHES = Path(__file__).parents[2] / "meshes"
BOX = Box([-2.0, -1.5], [2.0, 1.5])


def process(potential="(x**2 - 1)**2/4 + y**2/2", diffusion=None, **more):
    return Overdamped(Potential(potential, **more), diffusion or Isotropic(0.05))


def ring(potential="-cos(x)", lower=0.0, upper=2 * np.pi):
    return Problem(process(potential), Box([lower], [upper], boundary="periodic"))


def torus():
    return Problem(process("cos(x) + cos(y)"), Box([-np.pi] * 2, [np.pi] * 2, boundary="periodic"))


def refused(key, found="", wanted=""):
    """The error of that key, with these fragments."""

    class Check:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, _):
            assert kind is not None, "nothing was refused"
            assert issubclass(kind, ProblemError), error
            assert error.key == key, error
            assert found in str(error), error
            assert wanted in error.wanted, error
            return True

    return Check()


def test_a_problem_knows_its_extent():
    problem = Problem(process(), BOX)
    assert (problem.dimension, problem.periods) == (2, (None, None))
    assert problem.bounding_box() == ((-2.0, -1.5), (2.0, 1.5))
    assert problem.contains(np.array([[0.0, 3.0], [0.0, 0.0]])).tolist() == [True, False]
    assert problem.resolution == Resolution(1e-6, None, None)
    assert ring().periods == (2 * np.pi,)


def test_a_problem_is_not_changed_but_copied():
    problem = Problem(process(), BOX)
    with pytest.raises(FrozenInstanceError):
        problem.title = "other"
    assert replace(problem, resolution=Resolution(1e-8)).resolution.tolerance == 1e-8


def test_a_potential_may_leave_coordinates_free():
    assert Problem(process("(x**2 - 1)**2/4"), BOX).dimension == 2
    assert Problem(process("0"), Ball([0.0, 0.0, 0.0], 1.0)).dimension == 3


def test_a_sublevel_has_the_dimension_of_its_potential():
    assert Problem(process(), Sublevel(0.8)).dimension == 2
    assert Problem(process(), Sublevel(0.8)).periods == (None, None)


def test_a_mesh_has_its_own_dimension():
    assert Problem(process("z**2"), MeshFile(MESHES / "cube.msh")).dimension == 3


def test_a_function_is_a_potential():
    potential = Potential(lambda x: np.cos(x[0]), dimension=1)
    assert Problem(Overdamped(potential, Isotropic(1.0)), Box([0], [2 * np.pi], boundary="periodic")).dimension == 1


class TestRefused:
    def test_set_across_a_periodic_face(self):
        for given, found in ((Ball([0.0], 50.0), "reaches itself"), (Ball([-7.5], 1.0), "beyond the periodic")):
            with refused("sets.A", found):
                replace(ring(), sets={"A": given})

    def test_a_start_in_the_image_of_a_set(self):
        (low,), (high,) = ring().bounding_box()
        for problem, given, start in (
            (ring(), Ball([low + 0.1], 0.25), [high - 0.1]),
            (torus(), Ball([3.0, 3.0], 0.5), [-3.0, -3.1]),
        ):
            for target in (given, "A"):
                with refused("exit.start", "outside of"):
                    checked_exit(replace(problem, sets={"A": given}), start, target)


def test_flat_periodic_potential_is_fine():
    assert ring("0").dimension == 1
    assert ring("1e9 + 1e-3*sin(x)").dimension == 1


def test_periodic_up_to_rounding():
    """The period is given by 16 digits, and cos at its ends differs by rounding."""
    assert ring("1e6*cos(x)", 1.0, 1.0 + 2 * np.pi).dimension == 1


def test_resolution_takes_numpy_numbers():
    assert Resolution(np.float64(1e-5), np.int64(3), np.array([4, 5])) == Resolution(1e-5, 3, (4, 5))


class TestExit:
    problem = Problem(process(), BOX, sets={"right": HalfSpace([1, 0], 1), "far": Ball([9, 9], 1)})

    def test_set_name_or_boundary(self):
        assert checked_exit(self.problem, [-1, 0], "right") == ((-1.0, 0.0), self.problem.sets["right"])
        assert checked_exit(self.problem, np.array([-1, 0]), Ball([1, 0], 0.2)) == ((-1.0, 0.0), Ball([1, 0], 0.2))
        assert checked_exit(self.problem, (-1, 0), "boundary")[1] == "boundary"

    def test_number_for_a_point_of_the_line(self):
        assert checked_exit(ring(), 1.0, Ball([3.0], 0.5))[0] == (1.0,)

    def test_small_set_is_found_in_the_domain(self):
        assert checked_exit(self.problem, [-1, 0], Ball([1.234, 0.567], 1e-5))


def test_the_ends_of_tolerances_are_taken():
    for tolerance in (5e-13, 0.1):
        assert Resolution(tolerance).tolerance == tolerance


def test_a_set_before_the_inner_corner_of_a_mesh_and_a_start_inside_of_it():
    problem = Problem(process("0"), MeshFile(MESHES / "l_shape.msh"))
    assert checked_exit(problem, [-0.5, -0.5], Ball([0.2, 0.2], 0.3))
    assert checked_exit(Problem(process(), MeshFile(MESHES / "l_shape.msh")), [-0.5, 0.0], "boundary")


def test_a_set_with_edges_in_space_that_no_sample_sees():
    """A brick of 0.1 x 0.07 x 0.03, turned: along its edges no bound ends, and its faces are found before."""
    free = Overdamped(Potential("0", dimension=3), Isotropic(1.0))
    asked = Problem(free, Box([-1.0] * 3, [1.0] * 3))
    brick = "min(0.05 - abs(x - 0.31), min(0.05 - abs(y + z), 0.02 - abs(y - z)))"
    assert checked_exit(asked, [0.8, 0.1, 0.0], Region(brick))[0] == (0.8, 0.1, 0.0)
    with pytest.raises(ProblemError, match="a set that has points in the domain"):
        checked_exit(asked, [0.8, 0.1, 0.0], Region("min(0.05 - abs(x - 1.31), 0.05 - abs(y + z))"))
    beside = Region("min(0.05 - abs(x - 0.9), min(0.05 - abs(y - z), 0.02 - abs(y + z - 1.8)))")
    with pytest.raises(ProblemError, match="more boxes than can be looked at"):
        checked_exit(Problem(free, Ball([0.0] * 3, 1.0)), [0.8, 0.1, 0.0], beside)
