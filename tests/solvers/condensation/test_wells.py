"""Condensation onto the wells: potentials, couplings that stay accurate when tiny, wells that nobody announced."""

import math

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve

from fokker_planck.fem.discretization import discretize, unknowns_in
from fokker_planck.fem.generator import assemble, free_system
from fokker_planck.fem.shapes.level_sets import mark
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.model.sets.shapes import HalfSpace
from fokker_planck.solvers.condensation.wells import condense, well_nodes
from fokker_planck.solvers.setting.setting import prepare

QUARTIC = "(x**2 - 1)**2/4"
TRIPLE = "2*x**2*(x**2 - 1)**2"


def case(expression, noise, cells=400, lower=-1.25, upper=1.25, degree=6, target=None, plane=False):
    domain = Box([lower, -1.0], [upper, 1.0]) if plane else Box([lower], [upper])
    asked = Problem(Overdamped(Potential(expression), Isotropic(1.0 / noise)), domain)
    setting = prepare(asked)
    axes = [np.linspace(lower, upper, cells + 1)] + ([np.linspace(-1.0, 1.0, cells // 2 + 1)] if plane else [])
    mesh = grid_triangulation(axes, [False] * len(axes))
    if target is not None:
        mesh = mark(mesh, target, "T")
    discretization = discretize(mesh, degree)
    generator = assemble(discretization, setting.balance)
    targets = [unknowns_in(discretization, "T")] if target is not None else []
    absorbed = targets[0] if targets else np.zeros(discretization.count, dtype=bool)
    wells = well_nodes(discretization, setting.places, absorbed)
    return setting, generator, wells, targets, condense(generator, wells, targets, setting.relaxation_rate)


def test_what_stops_in_more_places_is_not_looked_at_again():
    """Of a part of F of the same generator: no mode of it is slower."""
    setting, generator, wells, _, whole = case(TRIPLE, 20)
    target = np.zeros(len(generator.exponent), dtype=bool)
    target[generator.discretization.nodes[:, 0] > 0.9] = True
    rest = wells[~target[wells]]
    looked, told = (
        condense(generator, rest, [target], setting.relaxation_rate, known=larger) for larger in (None, whole)
    )
    # each by iteration, to five percent
    assert told.slowest_inside == whole.slowest_inside <= 1.05 * looked.slowest_inside
    np.testing.assert_array_equal(told.couplings.logs, looked.couplings.logs)
    # with a well that the other had singled out among the rest it is
    more = condense(generator, rest[:1], [target], setting.relaxation_rate, known=whole)
    assert len(more.wells) == 2
    assert more.slowest_inside == pytest.approx(looked.slowest_inside, rel=0.1)


@pytest.mark.parametrize("noise", [8, 100, 1000])
def test_one_unknown_at_every_minimum(noise):
    _, generator, wells, _, condensed = case(TRIPLE, noise)
    assert sorted(generator.discretization.nodes[wells, 0].round(2)) == [-1.0, 0.0, 1.0]
    assert condensed.wells.tolist() == wells.tolist()
    # the slowest that is left is about as fast as a well: V'' = 4 in the middle, half of that at the edge of a well
    assert condensed.slowest_inside > 0.1


@pytest.mark.parametrize("cells", [40, 60, 80])
def test_slowest_mode_inside_is_not_mistaken_for_one_far_up_the_walls(cells):
    # with the bottoms held, the slowest are the second modes of the wells and the first on the top: rates 1 to 2.8;
    # at the walls of the box V is 8 and 180 units of epsilon high and everything is seventy times faster
    _, _, _, _, condensed = case("(x**2 - 1)**2*(1 + 0.4*x)/4", 80, cells=cells, lower=-2.0, upper=2.0)
    assert condensed.slowest_inside == pytest.approx(1.04, rel=0.1)


@pytest.mark.parametrize("noise", [8, 400])
def test_potentials_sum_to_one_between_zero_and_one(noise):
    _, _, _, _, condensed = case(TRIPLE, noise)
    functions = np.array([condensed.unscaled(state) for state in range(3)])
    assert functions.sum(axis=0) == pytest.approx(1.0, abs=1e-6)
    assert functions.min() > -1e-6
    assert functions.max() < 1.0 + 1e-6


@pytest.mark.parametrize("noise", [20, 400, 2000])
def test_the_potential_is_an_integral_of_exp_phi(noise):
    _, generator, wells, _, condensed = case(QUARTIC, noise, cells=500)
    left = int(np.argmin(generator.discretization.nodes[wells, 0]))

    def height(x):
        return math.exp(noise * ((x**2 - 1.0) ** 2 - 1.0) / 4.0)

    whole = quad(height, -1.0, 1.0, points=[0.0], epsabs=0.0, epsrel=1e-12)[0]
    function = condensed.unscaled(left)
    for x in (-0.1, 0.0, 0.05):
        node = int(np.argmin(np.abs(generator.discretization.nodes[:, 0] - x)))
        place = float(generator.discretization.nodes[node, 0])
        part = quad(height, place, 1.0, points=[max(place, 0.0)], epsabs=0.0, epsrel=1e-12)[0]
        assert function[node] == pytest.approx(part / whole, rel=1e-8)


@pytest.mark.parametrize(
    ("noise", "cells"),
    [
        (20, 500),
        pytest.param(400, 500, marks=pytest.mark.slow),
        pytest.param(2000, 500, marks=pytest.mark.slow),
        pytest.param(8000, 2000, marks=pytest.mark.slow),
        (40000, 10000),
    ],
)
def test_a_coupling_is_accurate_relative_to_itself(noise, cells):
    """-S_12 = eps / int exp(Phi), down to exp(-10000) of the largest entries."""
    _, generator, _, _, condensed = case(QUARTIC, noise, cells=cells)
    with mpmath.workdps(30):
        knots = [-1, *mpmath.linspace(-0.5, 0.5, 21), 1]
        flow = 1 / mpmath.quad(lambda x: mpmath.exp(noise * (x * x - 1) ** 2 / 4), knots) / noise
        with mpmath.workdps(condensed.digits()):
            reduced = condensed.reduced_generator()
        # weights are exp(-Phi + lowest), lowest = 0 up to rounding
        assert float(-reduced[0, 1] / flow * mpmath.exp(-generator.lowest) - 1) == pytest.approx(0.0, abs=1e-9)
        assert reduced[0, 0] + reduced[0, 1] == 0


def test_couplings_are_symmetric_and_rows_sum_to_zero():
    _, _, _, _, condensed = case(TRIPLE, 200)
    with mpmath.workdps(condensed.digits()):
        matrix = condensed.reduced_generator()
        for i in range(3):
            assert abs(sum(matrix[i, j] for j in range(3)) / matrix[i, i]) < 1e-30
    couplings = condensed.couplings.times_exp(0.0)
    largest = np.abs(couplings).max()
    assert np.abs(couplings - couplings.T).max() < 1e-9 * largest
    # in one dimension nothing flows past the middle well
    outer = [k for k in range(3) if abs(condensed.generator.discretization.nodes[condensed.wells[k], 0]) > 0.5]
    assert abs(couplings[outer[0], outer[1]]) < 1e-9 * largest


@pytest.mark.parametrize("plane", [False, True])
def test_potentials_are_those_of_a_direct_solve_at_a_low_barrier(plane):
    expression = f"{QUARTIC} + y**2/2" if plane else QUARTIC
    _, generator, wells, _, condensed = case(expression, 8, cells=24 if plane else 200, degree=4, plane=plane)
    fixed = np.zeros(generator.discretization.count, dtype=bool)
    fixed[wells] = True
    system = free_system(generator, fixed, with_mass=False)
    indptr, indices, data = system.stiffness.getValuesCSR()
    matrix = csr_matrix((data, indices, indptr)).tocsc()
    one = np.zeros(len(fixed))
    one[wells[0]] = 1.0
    right = -generator.apply_stiffness(one)[system.free]
    one[system.free] = spsolve(matrix, right)
    assert np.abs(condensed.potentials[0] - one).max() < 1e-11
    flow = -generator.apply_stiffness(one)[wells[1]]
    assert condensed.couplings.times_exp(0.0)[1, 0] == pytest.approx(flow, rel=1e-9)


def test_a_target_is_a_state_and_its_minimum_no_well():
    target = HalfSpace([1.0], 0.8)
    _, generator, wells, targets, condensed = case(TRIPLE, 50, target=target)
    assert sorted(generator.discretization.nodes[wells, 0].round(2)) == [-1.0, 0.0]
    assert len(condensed.exponents) == 3
    assert condensed.unscaled(2)[targets[0]] == pytest.approx(1.0)
    assert condensed.unscaled(0)[targets[0]] == pytest.approx(0.0)


def test_an_overlooked_well_is_found():
    setting, generator, wells, _, complete = case(TRIPLE, 60)
    some = wells[:1]
    found = condense(generator, some, [], setting.relaxation_rate)
    assert len(found.wells) == 3
    places = sorted(generator.discretization.nodes[found.wells, 0])
    assert places == pytest.approx([-1.0, 0.0, 1.0], abs=0.1)
    assert found.slowest_inside > 1e-5 * setting.relaxation_rate
    assert complete.slowest_inside > found.slowest_inside * 0.1


@pytest.mark.parametrize("noise", [8000, 40000])
def test_a_potential_beyond_every_double_is_one_half_on_the_barrier(noise):
    _, generator, wells, _, condensed = case(QUARTIC, noise, cells=noise // 4)
    nodes = generator.discretization.nodes[:, 0]
    left = int(np.argmin(nodes[wells]))
    function = condensed.unscaled(left)
    assert function[np.argmin(np.abs(nodes))] == pytest.approx(0.5, rel=1e-9)
    assert function.max() == pytest.approx(1.0, abs=1e-9)
    # on the far side it falls like the exponential of the height that is left
    near, far = (int(np.argmin(np.abs(nodes - x))) for x in (0.5, 0.9))
    height = 0.5 * noise * ((nodes[near] ** 2 - 1.0) ** 2 - (nodes[far] ** 2 - 1.0) ** 2) / 2.0
    logs = condensed.right[left].logs + 0.5 * generator.exponent
    slopes = noise * nodes[[near, far]] * (1.0 - nodes[[near, far]] ** 2)
    assert logs[far] - logs[near] == pytest.approx(-height - math.log(slopes[1] / slopes[0]), rel=1e-3)


def test_a_single_well_has_nothing_to_couple_to():
    _, _, wells, _, condensed = case("x**2/2", 4000, cells=2000, degree=4, lower=-1.0, upper=1.0)
    assert len(wells) == 1
    assert condensed.slowest_inside > 0.5
