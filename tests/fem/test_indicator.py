"""The error estimate by cell: zero for what the space holds, local where the fault is, as large as the error itself."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.indicator import Mode, energy_errors, energy_shares, errors_of_all, slope_shares
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import detailed_balance


def assembled(shape, degree, expression="0", epsilon=1.0, lower=0.0, upper=1.0):
    mesh = grid_triangulation([np.linspace(lower, upper, n + 1) for n in shape], [False] * len(shape))
    process = Overdamped(Potential(expression), Isotropic(epsilon))
    balance = detailed_balance(process, len(shape), mesh.points.T)
    return assemble(discretize(mesh, degree), balance)


def mode_of(generator, function):
    return Mode(function(generator.discretization.nodes.T)[generator.discretization.dofs])


def by_place(generator):
    """Centres of the cells in the order of the triangulation."""
    return generator.discretization.triangulation.cell_points.mean(axis=1)


@pytest.mark.parametrize(("shape", "degree"), [((4,), 4), ((3, 2), 3), ((2, 1, 1), 3)])
def test_what_two_degrees_less_hold_has_no_error(shape, degree):
    generator = assembled(shape, degree)
    mode = mode_of(generator, lambda x: sum((k + 1) * c ** (degree - 2) for k, c in enumerate(x)))
    assert energy_errors(generator, [mode]).max() < 1e-24


@pytest.mark.parametrize(("shape", "degree"), [((4,), 4), ((3, 2), 3)])
def test_what_the_highest_degree_adds_is_seen(shape, degree):
    generator = assembled(shape, degree)
    errors = energy_errors(generator, [mode_of(generator, lambda x: x[0] ** degree)])
    assert (errors > 0.0).all()


def test_a_constant_in_each_cell_changes_nothing():
    generator = assembled((6,), 4, "x**2", 0.1)
    mode = mode_of(generator, lambda x: np.sin(3.0 * x[0]))
    shifted = Mode(mode.values + np.arange(6.0)[:, None] * 1e3)
    assert energy_errors(generator, [shifted]) == pytest.approx(energy_errors(generator, [mode]), rel=1e-3, abs=1e-22)


def test_a_factor_changes_nothing():
    generator = assembled((6,), 4)
    mode = mode_of(generator, lambda x: np.sin(3.0 * x[0]))
    larger = Mode(1e9 * mode.values)
    assert energy_errors(generator, [larger]) == pytest.approx(energy_errors(generator, [mode]), rel=1e-6)


@pytest.mark.parametrize("shape", [(40,), (16, 4)])
def test_the_error_is_where_the_kink_is(shape):
    generator = assembled(shape, 3)
    errors = energy_errors(generator, [mode_of(generator, lambda x: np.tanh(60.0 * (x[0] - 0.71)))])
    place = by_place(generator)[:, 0]
    near = np.abs(place - 0.71) < 0.08
    assert errors[near].sum() > 0.99 * errors.sum()


@pytest.mark.parametrize(("degree", "cells"), [(2, 16), (3, 8), (4, 8)])
def test_the_estimate_is_of_the_size_of_the_error(degree, cells):
    """u = cos(pi x): relative error of the eigenvalue on this mesh against the sum of the estimates."""
    from scipy.linalg import eigh

    from fokker_planck.fem.generator import free_system

    generator = assembled((cells,), degree)
    system = free_system(generator, np.zeros(generator.discretization.count, dtype=bool))
    stiffness, mass = (m.convert("dense").getDenseArray() for m in (system.stiffness, system.mass))
    values, vectors = eigh(stiffness, mass)
    error = values[1] / math.pi**2 - 1.0
    estimate = energy_errors(generator, [Mode(vectors[:, 1][generator.discretization.dofs])]).sum()
    # measured 145, 34 and 8.9: even and odd degrees are extrapolated together, and few cells see a whole period
    assert 0.2 < estimate / error < 300.0


def test_the_estimate_falls_with_the_cells():
    sums = []
    for cells in (4, 8, 16):
        generator = assembled((cells,), 3)
        sums.append(energy_errors(generator, [mode_of(generator, lambda x: np.cos(math.pi * x[0]))]).sum())
    # measured 5.4: h^5 is the energy of what degree 3 adds, and less is left beyond it
    assert np.log2(sums[0] / sums[1]) > 5.0
    assert np.log2(sums[1] / sums[2]) > 5.0


def test_a_dual_that_is_resolved_takes_the_blame_away():
    generator = assembled((20,), 3)
    steep = mode_of(generator, lambda x: np.tanh(60.0 * (x[0] - 0.71)))
    linear = mode_of(generator, lambda x: x[0])
    assert energy_errors(generator, [Mode(steep.values, linear.values)]).max() < 1e-12
    itself = energy_errors(generator, [Mode(steep.values, steep.values)])
    assert itself == pytest.approx(energy_errors(generator, [steep]), rel=1e-9)


def test_groups_of_modes_have_the_errors_that_each_has_alone():
    generator = assembled((3, 2), 4)
    steep, wave, line = (
        mode_of(generator, f)
        for f in (lambda x: np.tanh(3.0 * x[0]), lambda x: np.sin(4.0 * x[0] + x[1]), lambda x: x[0] ** 5)
    )
    turning = Mode(wave.values + 2j * line.values, wave.values, log_whole=0.0)
    groups = [[steep], [wave, line], [Mode(steep.values, wave.values)], [turning]]
    for together, group in zip(errors_of_all(generator, groups), groups, strict=True):
        assert together == pytest.approx(energy_errors(generator, group), rel=1e-12)


def test_cells_have_of_a_function_what_its_energy_is_there():
    """Of u = x^2 on (0, 1) a cell from a to b has b^3 - a^3; beside a dual z = x + 5 the root of that and of b - a."""
    generator = assembled((4,), 3)
    square, line = mode_of(generator, lambda x: x[0] ** 2), mode_of(generator, lambda x: x[0] + 5.0)
    left = by_place(generator)[:, 0] - 0.125
    cubes = (left + 0.25) ** 3 - left**3
    assert energy_shares(generator, [square]) == pytest.approx(cubes, rel=1e-12)
    beside = energy_shares(generator, [Mode(square.values, line.values, log_whole=math.log(10.0))])
    assert beside == pytest.approx(np.sqrt(4.0 / 3.0 * cubes * 0.25) / 10.0, rel=1e-12)


def test_slopes_of_left_functions_may_be_off_by_a_part_of_their_size():
    """u = x^2 on (0, 1) beside z = 5, whose slope is zero: a part of z over the length of a cell if c is not."""
    generator = assembled((4,), 3)
    square, flat = mode_of(generator, lambda x: x[0] ** 2), mode_of(generator, lambda x: 5.0 + 0.0 * x[0])
    mode, itself = (Mode(values, flat.values, log_whole=math.log(10.0)) for values in (square.values, flat.values))
    cubes = energy_shares(generator, [square])
    driven = replace(generator, stiffness=generator.stiffness.copy())
    assert slope_shares(generator, [mode]) == pytest.approx(np.zeros(4), abs=1e-12)
    assert slope_shares(driven, [square]) == pytest.approx(cubes, rel=1e-12)
    of_size = 5.0**2 / 0.25
    assert slope_shares(driven, [mode]) == pytest.approx(np.sqrt(4.0 / 3.0 * cubes * of_size) / 10.0, rel=1e-12)
    assert slope_shares(driven, [itself]) == pytest.approx(of_size / 10.0 * np.ones(4), rel=1e-12)


def test_what_goes_with_cells_is_what_functions_have_there():
    """V = -10 x on (0, 1), u from 0 to 1: without the last cells, u one beside them, the flow grows by what they had.

    The flow from end to end is the energy 10 / (1 - exp(-10)) of u = (1 - exp(-10 x)) / (1 - exp(-10)).
    """
    generator = assembled((10,), 8, "-10*x")
    top = 1.0 - math.exp(-10.0)
    exact = mode_of(generator, lambda x: (1.0 - np.exp(-10.0 * x[0])) / top)
    gone = by_place(generator)[:, 0] > 0.8
    changed = (10.0 / (1.0 - math.exp(-8.0))) / (10.0 / top) - 1.0
    assert energy_shares(generator, [exact])[gone].sum() == pytest.approx(changed, rel=1e-3)
