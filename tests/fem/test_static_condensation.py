"""Elimination inside cells: the same solution as from the whole matrix, and no digits lost in steep cells."""

import numpy as np
import pytest

from fokker_planck.fem import _petsc
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generation import grid_triangulation
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.scaled_cholesky import forward_substituted, scaled_cholesky
from fokker_planck.fem.static_condensation import condensed_factorization, functions_on_faces
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped, detailed_balance


def assembled(shape, degree, expression="x**2", epsilon=0.5):
    mesh = grid_triangulation([np.linspace(-1.0, 1.0, n + 1) for n in shape], [False] * len(shape))
    balance = detailed_balance(Overdamped(Potential(expression), Isotropic(epsilon)), len(shape), mesh.points.T)
    return assemble(discretize(mesh, degree), balance)


@pytest.mark.parametrize(
    ("dimension", "degree", "count"),
    [(1, 1, 2), (1, 6, 2), (2, 2, 6), (2, 3, 9), (2, 6, 18), (3, 3, 20), (3, 4, 34), (3, 5, 52)],
)
def test_functions_on_the_faces_come_first(dimension, degree, count):
    # all of a simplex, (p + d choose d), less those of the simplex of degree p - d - 1 inside
    assert functions_on_faces(dimension, degree) == count


@pytest.mark.mpi
@pytest.mark.parametrize(("shape", "degree"), [((5,), 1), ((5,), 6), ((3, 2), 2), ((3, 2), 5), ((2, 1, 1), 4)])
def test_the_solution_is_that_of_the_whole_matrix(shape, degree):
    """With unknowns left out on faces, inside of a cell, and all of a cell."""
    generator = assembled(shape, degree)
    discretization = generator.discretization
    left_out = np.linalg.norm(discretization.nodes - discretization.nodes.mean(axis=0) - 0.2, axis=1) < 0.25
    left_out |= discretization.nodes[:, 0] > 0.99
    rest = ~left_out
    numbers = np.where(rest, np.cumsum(rest) - 1, -1)[discretization.dofs]
    whole = _petsc.Factorization(_petsc.matrix(discretization.comm, int(rest.sum()), numbers, generator.stiffness))
    right = np.random.default_rng(1).standard_normal(discretization.count)
    wanted = np.zeros(discretization.count)
    wanted[rest] = whole.solve(right[rest])
    found = condensed_factorization(discretization, generator.stiffness, rest).solve(right)
    assert (found[left_out] == 0.0).all()
    assert np.abs(found - wanted).max() < 1e-11 * np.abs(wanted).max()


@pytest.mark.parametrize("change", [1.0, 25.0])
def test_a_steep_cell_costs_no_digits(change):
    """u = 1 at both ends, Phi rises by ``change`` in each of eight cells: u = 1 in all of them.

    Measured 6e-9 at 25; with the inverse of A_II instead of its Cholesky factor 1e-4.
    """
    generator = assembled((8,), 6, f"{4.0 * change}*x", 1.0)
    x = generator.discretization.nodes[:, 0]
    rest = np.abs(x) < 1.0 - 1e-12
    given = np.where(rest, 0.0, generator.constant)
    factored = condensed_factorization(generator.discretization, generator.stiffness, rest)
    u = (given - factored.solve(generator.apply_stiffness(given))) / generator.constant
    assert u == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize("span", [0.0, 10.0, 150.0])
def test_factors_keep_small_entries(span):
    """S A S has the factor of A whatever the scale S, to rounding of every entry."""
    rng = np.random.default_rng(2)
    plain = rng.standard_normal((5, 4, 4))
    plain = plain @ np.swapaxes(plain, 1, 2) + np.eye(4)
    scale = np.exp(span * np.linspace(-1.0, 1.0, 4))
    factor = scaled_cholesky(plain * scale[:, None] * scale)
    exact = scaled_cholesky(plain)
    assert factor.lower == pytest.approx(exact.lower, rel=1e-12)
    assert factor.scale * scale == pytest.approx(exact.scale, rel=1e-12)
    identity = forward_substituted(exact.lower, exact.lower)
    assert identity == pytest.approx(np.broadcast_to(np.eye(4), identity.shape), abs=1e-14)


def test_an_indefinite_matrix_is_refused():
    from fokker_planck.errors import ConvergenceError

    with pytest.raises(ConvergenceError, match="negative"):
        scaled_cholesky(np.array([[[1.0, 2.0], [2.0, 1.0]]]))
