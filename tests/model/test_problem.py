"""Problems: what fits together, and which starts and targets make a question."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.errors import ProblemError
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.domain import Box, MeshFile, Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Overdamped
from fokker_planck.model.question_arguments import checked_exit, checked_set
from fokker_planck.model.sets import Ball, Ellipsoid, HalfSpace, Region

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
    def test_too_many_variables(self):
        with refused("potential.expression", "a potential of 3 coordinates in a domain of 2", "x, y"):
            Problem(process("x + z**2"), BOX)

    def test_too_many_variables_in_a_mesh(self):
        with refused("potential.expression", "a potential of 2 coordinates in a domain of 1"):
            Problem(process(), MeshFile(MESHES / "interval.msh"))

    def test_a_function_of_too_many_coordinates(self):
        with refused("potential", "a potential of 3 coordinates"):
            Problem(Overdamped(Potential(lambda x: x[2], dimension=3), Isotropic(1.0)), BOX)

    def test_matrix_of_the_wrong_size(self):
        with refused("diffusion.matrix", "3 rows", "2 rows"):
            Problem(process(diffusion=Constant(np.eye(3))), BOX)

    def test_no_process(self):
        with refused("process"):
            Problem(Potential("x"), BOX)

    def test_no_domain(self):
        with refused("domain"):
            Problem(process(), ([-2, -1], [2, 1]))

    def test_ellipsoid_is_no_domain(self):
        with refused("domain"):
            Problem(process(), Ellipsoid([0, 0], [1, 1]))

    @pytest.mark.parametrize("potential", ["log(x)", "1/x", "sqrt(x)", "exp(1000*x**2)"])
    def test_not_finite(self, potential):
        with refused("potential.expression", "at (", "finite"):
            Problem(process(potential), Box([-2], [2]))

    def test_not_periodic(self):
        with refused("potential.expression", "differs by 1 across", "x = 0 and 1"):
            ring("x", 0.0, 1.0)

    def test_wrong_period(self):
        with refused("potential.expression", "across the period"):
            ring("-cos(x)", 0.0, 6.28)

    def test_even_but_not_periodic(self):
        with refused("potential.expression", "a gradient that differs"):
            ring("(x**2 - 1)**2/4", -2.0, 2.0)

    def test_one_axis_not_periodic(self):
        with refused("potential.expression", "across the period", "y ="):
            Problem(process("cos(x) + y"), Box([0, 0], [2 * np.pi, 1], boundary="periodic"))

    def test_set_of_another_dimension(self):
        with refused("sets.A", "1 dimensions in a domain of 2"):
            Problem(process(), BOX, sets={"A": Ball([0.0], 0.1)})

    def test_region_of_too_many_coordinates(self):
        with refused("sets.A", "3 dimensions in a domain of 2"):
            Problem(process(), BOX, sets={"A": Region("z")})

    def test_set_called_boundary(self):
        with refused("sets.boundary"):
            Problem(process(), BOX, sets={"boundary": HalfSpace([1, 0], 1)})

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

    def test_cells_of_the_wrong_number(self):
        with refused("discretization.cells", "[8]", "2 of them"):
            Problem(process(), BOX, Resolution(cells=[8]))

    def test_cells_of_a_mesh_file(self):
        with refused("discretization.cells", "", "the mesh file gives them"):
            Problem(process("0"), MeshFile(MESHES / "cube.msh"), Resolution(cells=[8, 8, 8]))


def test_flat_periodic_potential_is_fine():
    assert ring("0").dimension == 1
    assert ring("1e9 + 1e-3*sin(x)").dimension == 1


def test_periodic_up_to_rounding():
    """The period is given by 16 digits, and cos at its ends differs by rounding."""
    assert ring("1e6*cos(x)", 1.0, 1.0 + 2 * np.pi).dimension == 1


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"tolerance": -1e-6}, "discretization.tolerance"),
        ({"tolerance": 0}, "discretization.tolerance"),
        ({"tolerance": 1.0}, "discretization.tolerance"),
        ({"tolerance": 1e-15}, "discretization.tolerance"),
        ({"tolerance": "1e-6"}, "discretization.tolerance"),
        ({"tolerance": float("nan")}, "discretization.tolerance"),
        ({"degree": 0}, "discretization.degree"),
        ({"degree": 9}, "discretization.degree"),
        ({"degree": 2.0}, "discretization.degree"),
        ({"degree": True}, "discretization.degree"),
        ({"cells": []}, "discretization.cells"),
        ({"cells": [8, 0]}, "discretization.cells[1]"),
        ({"cells": [8.0]}, "discretization.cells[0]"),
        ({"cells": "88"}, "discretization.cells"),
        ({"cells": [100_000, 100_000]}, "discretization.cells"),
    ],
)
def test_bad_resolution(arguments, key):
    with refused(key):
        Resolution(**arguments)


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

    @pytest.mark.parametrize(
        ("start", "target", "key", "found"),
        [
            ([-3, 0], "right", "exit.start", "[-3.0, 0.0]"),
            ([-1], "right", "exit.start", "2 numbers"),
            (-1, "right", "exit.start", "2 numbers"),
            ([-1, float("nan")], "right", "exit.start[1]", "nan"),
            ([1.5, 0], "right", "exit.start", "outside of the set right"),
            ([1.0, 0], "right", "exit.start", "outside of the set right"),
            ([2.0, 0], "boundary", "exit.start", "not already on the target"),
            ([-1, 0], "rihgt", "exit.target", "did you mean right?"),
            ([-1, 0], "far", "exit.target", "never be reached"),
            ([-1, 0], Ball([0.0], 1.0), "exit.target", "1 dimensions"),
            ([-1, 0], 3, "exit.target", "a Ball"),
        ],
    )
    def test_refused(self, start, target, key, found):
        with refused(key, found):
            checked_exit(self.problem, start, target)

    def test_small_set_is_found_in_the_domain(self):
        assert checked_exit(self.problem, [-1, 0], Ball([1.234, 0.567], 1e-5))

    def test_region_without_points_in_the_domain(self):
        with refused("exit.target", "never be reached"):
            checked_exit(self.problem, [-1, 0], Region("x - 3"))

    def test_set_behind_the_inner_corner_of_a_mesh(self):
        problem = Problem(process("0"), MeshFile(MESHES / "l_shape.msh"))
        with refused("exit.target", "never be reached"):
            checked_exit(problem, [-0.5, -0.5], Ball([0.6, 0.6], 0.3))
        assert checked_exit(problem, [-0.5, -0.5], Ball([0.2, 0.2], 0.3))

    def test_ring_has_no_boundary(self):
        with refused("exit.target", "boundary", "periodic"):
            checked_exit(ring(), [0.0], "boundary")

    def test_start_on_the_boundary_of_each_domain(self):
        for domain, start in (
            (Ball([0, 0], 1), [0.6, 0.8]),
            (Sublevel(0.8), [1.0, np.sqrt(1.6)]),
            (MeshFile(MESHES / "l_shape.msh"), [0.0, 0.5]),
            (MeshFile(MESHES / "l_shape.msh"), [0.0, 0.0]),
        ):
            with refused("exit.start", "", "not already on the target"):
                checked_exit(Problem(process(), domain), start, "boundary")
        assert checked_exit(Problem(process(), MeshFile(MESHES / "l_shape.msh")), [-0.5, 0.0], "boundary")

    def test_no_sets(self):
        with refused("committor.from", "'A'", "there is no [sets.NAME]"):
            checked_set(Problem(process(), BOX), "A", "committor.from")


def test_the_ends_of_tolerances_are_taken():
    for tolerance in (5e-13, 0.1):
        assert Resolution(tolerance).tolerance == tolerance
    with pytest.raises(ProblemError, match="wanted a number from 5e-13 to 0.1"):
        Resolution(0.11)
