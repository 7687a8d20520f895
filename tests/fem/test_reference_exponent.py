"""The forms of a process without detailed balance: right with every psi, with the exact kernels they must have."""

from dataclasses import dataclass

import numpy as np
import pytest

from fokker_planck.fem.discretization import discretize, unknowns_on_boundary
from fokker_planck.fem.generator import assemble, with_room_for_currents
from fokker_planck.fem.reference_exponent import FollowedWeight, KnownWeight, at_quadrature_points
from fokker_planck.fem.triangulations.generation import ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance
from fokker_planck.model.sets.shapes import Ball

EPSILON = 0.3


@dataclass(frozen=True)
class Function:
    """A plain function with the name that exponents have."""

    value: object


@dataclass(frozen=True)
class Noise:
    """D = [[1 + x^2, x], [x, 2]] EPSILON, with its divergence."""

    def tensor(self, x):
        one = np.ones(x.shape[1])
        return EPSILON * np.array([[1.0 + x[0] ** 2, x[0]], [x[0], 2.0 * one]])

    def divergence(self, x):
        return EPSILON * np.array([2.0 * x[0], np.ones(x.shape[1])])


def drift(x):
    return np.array([x[1] - x[0], -(x[0] ** 2) - x[1]])


def square(degree=4, cells=3):
    axis = np.linspace(-1.0, 1.0, cells + 1)
    return discretize(grid_triangulation([axis, axis], [False, False]), degree)


def disc(times=2):
    mesh = ball_triangulation(Ball([0.0, 0.0], 1.0))
    for _ in range(times):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    return discretize(mesh, 4)


def generator_of(exponent, discretization):
    return assemble(discretization, FollowedWeight(Function(exponent), drift, Noise()))


EXPONENTS = {
    "none": lambda x: 0.0 * x[0],
    "quadratic": lambda x: 3.0 * x[0] ** 2 + x[0] * x[1] - x[1],
    "quartic": lambda x: 2.0 * (x[0] ** 2 - 1.0) ** 2 + x[1] ** 2,
}


@pytest.mark.parametrize("exponent", EXPONENTS.values(), ids=EXPONENTS)
def test_it_is_the_generator_of_the_process_in_every_exponent(exponent):
    """a(u, v) = m(-L u, v) for u = x^2 y and every v that vanishes on the boundary."""
    d = square()
    generator = generator_of(exponent, d)
    x, y = d.nodes.T
    u = x**2 * y
    b, noise = drift(d.nodes.T), Noise().tensor(d.nodes.T)
    image = b[0] * 2.0 * x * y + b[1] * x**2 + noise[0, 0] * 2.0 * y + 2.0 * noise[0, 1] * 2.0 * x
    assert np.abs(image).max() > 1.0
    down = np.exp(-0.5 * (generator.exponent - generator.lowest))
    # L u has degree four, too: nothing is lost by its nodal values
    left, right = generator.apply_stiffness(u * down), -generator.apply_mass(image * down)
    inner = ~unknowns_on_boundary(d)
    np.testing.assert_allclose(left[inner], right[inner], rtol=0, atol=2e-8 * np.abs(right).max())


@pytest.mark.parametrize("exponent", EXPONENTS.values(), ids=EXPONENTS)
def test_constants_are_in_the_right_kernel_exactly(exponent):
    generator = generator_of(exponent, square())
    image = generator.apply_stiffness(generator.constant)
    assert np.abs(image).max() < 1e-14 * np.abs(generator.stiffness).max()


def test_the_adjoint_is_the_transpose():
    generator = generator_of(EXPONENTS["quadratic"], square(2))
    u, v = np.random.default_rng(1).standard_normal((2, len(generator.exponent)))
    assert v @ generator.apply_stiffness(u) == pytest.approx(u @ generator.apply_adjoint(v), rel=1e-12)
    assert abs(v @ generator.apply_stiffness(u) - v @ generator.apply_adjoint(u)) > 1e-3


def test_a_circulation_that_keeps_the_density_leaves_one_in_the_left_kernel():
    """Psi = (x^2 + y^2)/2 eps and c = (-y, x) on a disc: no current through its boundary, curved cells included."""
    known = KnownWeight(
        Function(lambda x: (x**2).sum(axis=0) / (2.0 * EPSILON)), Isotropic(EPSILON), lambda x: np.array([-x[1], x[0]])
    )
    generator = assemble(disc(), known)
    scale = np.abs(generator.stiffness).max()
    assert np.abs(generator.apply_adjoint(generator.constant)).max() < 1e-10 * scale
    symmetric = np.abs(generator.stiffness - np.swapaxes(generator.stiffness, 1, 2)).max()
    assert symmetric > 0.01 * scale


def test_without_circulation_it_is_the_reversible_generator():
    exponent = Function(lambda x: (x**2).sum(axis=0) / (2.0 * EPSILON))
    d = square()
    known = assemble(d, KnownWeight(exponent, Isotropic(EPSILON), np.zeros_like))
    # by the rule of a process with a current
    plain = assemble(with_room_for_currents(d), DetailedBalance(exponent, Isotropic(EPSILON)))
    np.testing.assert_allclose(known.stiffness, plain.stiffness, rtol=0, atol=1e-13 * np.abs(plain.stiffness).max())
    np.testing.assert_allclose(known.mass, plain.mass, rtol=0, atol=1e-16)
    np.testing.assert_allclose(known.energy, plain.stiffness, rtol=0, atol=1e-13 * np.abs(plain.stiffness).max())


def test_gradients_are_those_of_the_function_in_curved_cells_too():
    d = disc()
    values, slope = at_quadrature_points(d, (d.nodes[:, 0] ** 2 + d.nodes[:, 1])[d.dofs])
    x, y = d.map.points
    np.testing.assert_allclose(values, x**2 + y, rtol=0, atol=1e-5)
    np.testing.assert_allclose(slope[0], 2.0 * x, rtol=0, atol=1e-3)
    straight = np.setdiff1d(np.arange(len(d.dofs)), d.curved.cells)
    np.testing.assert_allclose(slope[1][straight], 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("noise", [1.0, 47.0])
def test_noise_that_is_raised_makes_the_density_uniform(noise):
    """V = 0 and b = div D: nothing flows where p is constant, however high the noise; with b kept 46 div D did."""
    discretization = discretize(grid_triangulation([np.linspace(-1.0, 1.0, 4)] * 2, [False] * 2), 2)
    flat = Function(lambda x: np.zeros(x.shape[1]))
    process = FollowedWeight(flat, Noise().divergence, Noise(), noise)
    weighted = process.on(discretization)
    np.testing.assert_allclose(weighted.velocity, 0.0, atol=1e-14)
    at = discretization.map.points.reshape(2, -1)
    np.testing.assert_allclose(weighted.tensor.reshape(2, 2, -1), noise * Noise().tensor(at))


def test_in_curved_cells_an_exponent_is_a_polynomial_of_the_true_coordinates():
    """A quartic is itself, so that rho has no kinks at faces; of the reference cell's polynomial slopes are off."""
    quartic, d = EXPONENTS["quartic"], disc()
    assert len(d.curved.cells)
    weighted = FollowedWeight(Function(quartic), drift, Noise()).on(d)
    x = d.map.points.reshape(2, -1)
    slope = np.array([8.0 * x[0] * (x[0] ** 2 - 1.0), 2.0 * x[1]])
    current = drift(x) - Noise().divergence(x) + np.einsum("ijn,jn->in", Noise().tensor(x), slope)
    assert weighted.exponent.ravel() == pytest.approx(quartic(x), abs=1e-12)
    assert weighted.velocity.reshape(2, -1) == pytest.approx(current, abs=1e-11)
