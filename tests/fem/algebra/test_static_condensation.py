"""Elimination inside cells: the same solution as from the whole matrix, and no digits lost in steep cells."""

import numpy as np
import pytest
from scipy.linalg import eigh

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.scaled_cholesky import forward_substituted, scaled_cholesky
from fokker_planck.fem.algebra.scaled_lu import scaled_lu
from fokker_planck.fem.algebra.static_condensation import condensed_factorization, functions_on_faces, is_positive
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generator import AT_ONCE, assemble
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import detailed_balance


def assembled(shape, degree, expression="x**2", epsilon=0.5):
    mesh = grid_triangulation([np.linspace(-1.0, 1.0, n + 1) for n in shape], [False] * len(shape))
    balance = detailed_balance(Overdamped(Potential(expression), Isotropic(epsilon)), len(shape), mesh.points.T)
    return assemble(discretize(mesh, degree), balance)


def pushed(shape, degree, push, expression="x**2", epsilon=0.5):
    """The same with a drift along the first axis in addition."""
    plain = assembled(shape, degree, expression, epsilon)

    def along_x(x):
        return np.concatenate([np.full((1, x.shape[1]), push), np.zeros((len(x) - 1, x.shape[1]))])

    balance = detailed_balance(Overdamped(Potential(expression), Isotropic(epsilon)), len(shape), np.zeros((1, 1)))
    return assemble(plain.discretization, KnownWeight(balance.exponent, Isotropic(epsilon), along_x))


@pytest.mark.parametrize(
    ("dimension", "degree", "count"),
    [(1, 1, 2), (1, 6, 2), (2, 2, 6), (2, 3, 9), (2, 6, 18), (3, 3, 20), (3, 4, 34), (3, 5, 52)],
)
def test_functions_on_the_faces_come_first(dimension, degree, count):
    # all of a simplex, (p + d choose d), less those of the simplex of degree p - d - 1 inside
    assert functions_on_faces(dimension, degree) == count


@pytest.mark.mpi
@pytest.mark.parametrize("push", [0.0, 0.5, 40.0])
@pytest.mark.parametrize(("shape", "degree"), [((5,), 1), ((5,), 6), ((3, 2), 2), ((3, 2), 5), ((2, 1, 1), 4)])
def test_the_solution_is_that_of_the_whole_matrix(shape, degree, push):
    """With unknowns left out on faces, inside of a cell, and all of a cell; the transpose's, too."""
    generator = pushed(shape, degree, push) if push else assembled(shape, degree)
    discretization = generator.discretization
    left_out = np.linalg.norm(discretization.nodes - discretization.nodes.mean(axis=0) - 0.2, axis=1) < 0.25
    left_out |= discretization.nodes[:, 0] > 0.99
    rest = ~left_out
    numbers = np.where(rest, np.cumsum(rest) - 1, -1)[discretization.dofs]
    symmetric = push == 0.0
    summed = _petsc.matrix(discretization.comm, int(rest.sum()), numbers, generator.stiffness, symmetric=symmetric)
    whole = _petsc.TwoSidedFactorization(summed)
    right = np.random.default_rng(1).standard_normal(discretization.count)
    condensed = condensed_factorization(discretization, generator.stiffness, rest, symmetric=symmetric)
    for adjoint in (False, True):
        wanted = np.zeros(discretization.count)
        wanted[rest] = whole.solve(right[rest], adjoint=adjoint)
        found = condensed.solve(right, adjoint=adjoint)
        assert (found[left_out] == 0.0).all()
        assert np.abs(found - wanted).max() < 1e-11 * np.abs(wanted).max()
        # more than go through the factor at once
        many = np.arange(1.0, AT_ONCE + 4.0)[:, None]
        together = condensed.solve(many * right, adjoint=adjoint)
        assert np.abs(together - many * wanted).max() < 1e-10 * np.abs(wanted).max()
        applied = generator.apply_adjoint(together) if adjoint else generator.apply_stiffness(together)
        assert np.abs((applied - many * right)[:, rest]).max() < 1e-9


def left_free(discretization):
    """All unknowns but some on faces, inside of a cell, and all of a cell."""
    away = np.linalg.norm(discretization.nodes - discretization.nodes.mean(axis=0) - 0.2, axis=1) < 0.25
    return ~(away | (discretization.nodes[:, 0] > 0.99))


@pytest.mark.mpi
@pytest.mark.parametrize(("shape", "degree"), [((5,), 6), ((3, 2), 5), ((2, 1, 1), 4)])
def test_a_complex_matrix_is_condensed_as_such(shape, degree):
    """(A - s M) x = b and its transpose, on the unknowns that are left."""
    generator = pushed(shape, degree, 2.0)
    rest, shift = left_free(generator.discretization), 0.3 + 7.0j
    condensed = condensed_factorization(
        generator.discretization, generator.stiffness - shift * generator.mass, rest, symmetric=False
    )
    rng = np.random.default_rng(2)
    right = rng.standard_normal((2, len(rest))) + 1j * rng.standard_normal((2, len(rest)))
    for adjoint in (False, True):
        apply = generator.apply_adjoint if adjoint else generator.apply_stiffness
        found = condensed.solve(right, adjoint=adjoint)
        assert (found[:, ~rest] == 0.0).all()
        image = apply(found.real) + 1j * apply(found.imag)
        image -= shift * (generator.apply_mass(found.real) + 1j * generator.apply_mass(found.imag))
        assert np.abs((image - right)[:, rest]).max() < 1e-9


@pytest.mark.mpi
@pytest.mark.parametrize(("shape", "degree"), [((5,), 1), ((5,), 6), ((3, 2), 5)])
def test_a_hermitian_matrix_is_positive_above_its_lowest_eigenvalue(shape, degree):
    """H + iK - l M, on either side of where it ceases to be, as the whole matrix says."""
    generator = pushed(shape, degree, 2.0)
    discretization, rest = generator.discretization, left_free(generator.discretization)
    transposed = np.swapaxes(generator.stiffness, 1, 2)
    elements = 0.5 * (generator.stiffness + transposed) + 0.5j * (generator.stiffness - transposed)
    whole, mass = np.zeros((2, discretization.count, discretization.count), dtype=complex)
    for numbers, each, weight in zip(discretization.dofs, elements, generator.mass, strict=True):
        whole[np.ix_(numbers, numbers)] += each
        mass[np.ix_(numbers, numbers)] += weight
    whole, mass = (discretization.comm.allreduce(matrix)[np.ix_(rest, rest)] for matrix in (whole, mass))
    lowest = float(eigh(whole, mass, eigvals_only=True)[0])
    for above, positive in ((-0.01, True), (0.01, False), (40.0, False)):
        level = lowest + above * abs(lowest)
        assert is_positive(discretization, elements - level * generator.mass, rest) == positive


@pytest.mark.parametrize("push", [0.0, 2.0])
@pytest.mark.parametrize("change", [1.0, 25.0])
def test_a_steep_cell_costs_no_digits(change, push):
    """u = 1 at both ends, Phi rises by ``change`` in each of eight cells: u = 1 in all of them, pushed or not.

    Measured 6e-9 at 25; with the inverse of A_II instead of its Cholesky factor 1e-4.
    """
    slope = f"{4.0 * change}*x"
    generator = pushed((8,), 6, push, slope, 1.0) if push else assembled((8,), 6, slope, 1.0)
    x = generator.discretization.nodes[:, 0]
    rest = np.abs(x) < 1.0 - 1e-12
    given = np.where(rest, 0.0, generator.constant)
    factored = condensed_factorization(generator.discretization, generator.stiffness, rest, symmetric=push == 0.0)
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
    with pytest.raises(ConvergenceError, match="negative"):
        scaled_cholesky(np.array([[[1.0, 2.0], [2.0, 1.0]]]))


@pytest.mark.parametrize("span", [0.0, 10.0, 150.0])
def test_factors_of_any_matrix_keep_small_entries(span):
    """S A S has the factors of A whatever the scale S; rows change places where the diagonal vanishes."""
    rng = np.random.default_rng(3)
    plain = rng.standard_normal((5, 4, 4)) + 3.0 * np.eye(4)
    plain[0, 0] = [1e-9, 1.0, 2.0, 0.5]
    scale = np.exp(span * np.linspace(-1.0, 1.0, 4))
    found, exact = scaled_lu(plain * scale[:, None] * scale), scaled_lu(plain)
    assert (exact.order[0] != np.arange(4)).any()
    assert found.lower == pytest.approx(exact.lower, rel=1e-11, abs=1e-14)
    assert found.upper == pytest.approx(exact.upper, rel=1e-11, abs=1e-14)
    scaled = plain * exact.scale[:, :, None] * exact.scale[:, None, :]
    rows = np.take_along_axis(scaled, exact.order[:, :, None], axis=1)
    assert exact.lower @ exact.upper == pytest.approx(rows, rel=1e-10, abs=1e-13 * np.abs(scaled).max())


def test_a_singular_matrix_is_refused():
    with pytest.raises(ConvergenceError, match="singular"):
        scaled_lu(np.array([[[1.0, 2.0], [0.5, 1.0]]]))
