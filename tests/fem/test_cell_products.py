"""Sums over cells in the scale of each cell: what a single scale gives where it can, and beyond it."""

import math

import numpy as np
import pytest

from fokker_planck.fem.cell_products import energy, product
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import detailed_balance


def assembled(expression, epsilon, cells=400, lower=-1.0, upper=1.0):
    mesh = grid_triangulation([np.linspace(lower, upper, cells + 1)], [False])
    balance = detailed_balance(Overdamped(Potential(expression), Isotropic(epsilon)), 1, mesh.points.T)
    return assemble(discretize(mesh, 4), balance)


def test_the_mass_of_a_gaussian_and_its_second_moment():
    generator = assembled("x**2/2", 0.01)
    x = generator.discretization.nodes[:, 0][generator.discretization.dofs]
    whole = math.sqrt(2.0 * math.pi * 0.01)
    assert product(generator, 1.0, 1.0).log_of_sum() == pytest.approx(math.log(whole), abs=1e-12)
    assert product(generator, x, x).log_of_sum() == pytest.approx(math.log(0.01 * whole), abs=1e-12)
    assert energy(generator, x).log_of_sum() == pytest.approx(math.log(0.01 * whole), abs=1e-12)


def test_a_constant_in_every_cell_has_no_energy():
    generator = assembled("x**2/2", 0.01)
    values = np.repeat(np.arange(400.0)[:, None], 5, axis=1)
    assert energy(generator, values).log_of_sum() == -np.inf


@pytest.mark.parametrize("height", [1.0, 100.0, 3000.0])
def test_a_constant_added_to_the_exponent_adds_to_the_logarithm(height):
    plain, lifted = assembled("x**2/2", 0.01), assembled(f"x**2/2 + {height}*cos(1e-200*x)", 0.01)
    difference = product(plain, 1.0, 1.0).log_of_sum() - product(lifted, 1.0, 1.0).log_of_sum()
    assert difference == pytest.approx(height / 0.01, rel=1e-13)


def test_contributions_relative_to_the_sum_add_up_to_one():
    generator = assembled("50*x", 0.01)
    whole = product(generator, 1.0, 1.0)
    assert whole.relative_to(whole.log_of_sum()).sum() == pytest.approx(1.0, abs=1e-12)
