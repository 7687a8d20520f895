"""The assembled generator: its kernel, its mass, what changes nothing, and elimination of absorbing sets."""

from itertools import product
from math import exp, pi, sqrt

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.special import erf

from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import discretize, unknowns_in, unknowns_on_boundary
from fokker_planck.fem.generator import assemble, free_system, mass_times_constant
from fokker_planck.fem.shapes.level_sets import fit_regions, mark
from fokker_planck.fem.triangulations.generation import ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import detailed_balance
from fokker_planck.model.sets.shapes import Ball, HalfSpace


def grid(shape, lower=-1.0, upper=1.0, periodic=None):
    axes = [np.linspace(lower, upper, n + 1) for n in shape]
    return grid_triangulation(axes, periodic or [False] * len(shape))


def generator_of(expression, diffusion, triangulation, degree):
    discretization = discretize(triangulation, degree)
    process = Overdamped(Potential(expression), diffusion)
    return assemble(discretization, detailed_balance(process, triangulation.dimension, triangulation.points.T))


def total_mass(generator):
    """Integral of exp(-Phi), Phi relative to its lowest nodal value."""
    return float(generator.constant @ mass_times_constant(generator))


def dense(matrix):
    return matrix.convert("dense").getDenseArray().copy()


def ball_mesh(dimension, times):
    mesh = ball_triangulation(Ball([0.0] * dimension, 1.0))
    for _ in range(times):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    return mesh


@pytest.mark.parametrize(
    ("expression", "shape", "epsilon"),
    [
        ("(x**2 - 1)**2/4", (40,), 1.0 / 20),
        ("(x**2 - 1)**2/4", (200,), 1.0 / 2000),
        ("(x**2 - 1)**2/4 + y**2/2", (12, 8), 1.0 / 20),
        ("x**2 + y**2 - z", (3, 2, 2), 0.2),
    ],
)
def test_constants_are_in_the_kernel_to_rounding(expression, shape, epsilon):
    generator = generator_of(expression, Isotropic(epsilon), grid(shape), 4)
    image = generator.apply_stiffness(generator.constant)
    # each sum against the sum of its absolute values
    terms = np.abs(generator.stiffness) @ generator.constant[generator.discretization.dofs][..., None]
    size = np.bincount(generator.discretization.dofs.ravel(), terms.ravel())
    assert np.abs(image / size).max() < 1e-15
    matrix = dense(free_system(generator, np.zeros(len(image), dtype=bool)).stiffness)
    assert np.abs(matrix @ generator.constant).max() < 1e-14 * np.abs(matrix).max()


@pytest.mark.parametrize(
    ("expression", "epsilon", "triangulation", "degree", "mass"),
    [
        ("0", 1.0, grid((3,)), 6, 2.0),
        ("0", 1.0, grid((2, 3)), 4, 4.0),
        ("0", 1.0, grid((2, 1, 1)), 2, 8.0),
        ("0", 1.0, ball_mesh(2, 2), 3, pi),
        ("0", 1.0, ball_mesh(3, 2), 2, 4.0 / 3.0 * pi),
        ("x**2/2", 0.1, grid((16,)), 6, sqrt(2.0 * pi * 0.1) * erf(sqrt(5.0))),
        ("(x**2 + y**2)/2", 0.1, ball_mesh(2, 2), 4, 2.0 * pi * 0.1 * (1.0 - exp(-5.0))),
        ("x + y", 0.25, grid((12, 12)), 4, (0.25 * (1.0 - exp(-8.0))) ** 2),
    ],
)
def test_the_mass_is_the_integral_of_the_weight(expression, epsilon, triangulation, degree, mass):
    generator = generator_of(expression, Isotropic(epsilon), triangulation, degree)
    assert total_mass(generator) == pytest.approx(mass, rel=1e-8 if triangulation.dimension == 3 else 1e-12)


def test_the_mass_of_a_periodic_domain():
    circle = 2.0 * pi
    mesh = grid((12,), 0.0, circle, [True])
    generator = generator_of("-cos(x)", Isotropic(0.5), mesh, 6)
    from scipy.special import iv

    assert total_mass(generator) == pytest.approx(circle * iv(0, 2.0) * exp(-2.0), rel=1e-12)


def test_the_energy_of_a_function_has_the_noise_once():
    # u = x in the weight one: int D |u'|^2 = 2 D, and int u^2 = 2/3
    for epsilon in (0.3, 0.6):
        generator = generator_of("0", Isotropic(epsilon), grid((4,)), 3)
        x = generator.discretization.nodes[:, 0]
        assert x @ generator.apply_stiffness(x) == pytest.approx(2.0 * epsilon, rel=1e-13)
        assert x @ generator.apply_mass(x) == pytest.approx(2.0 / 3.0, rel=1e-13)


def test_the_energy_of_a_tensor():
    matrix = [[0.7, 0.2], [0.2, 0.4]]
    generator = generator_of("0", Constant(matrix), grid((3, 2)), 2)
    slope = np.array([1.0, -2.0])
    u = generator.discretization.nodes @ slope
    assert u @ generator.apply_stiffness(u) == pytest.approx(4.0 * slope @ np.array(matrix) @ slope, rel=1e-13)


def test_the_energy_in_curved_cells():
    # u = x^2 - y^2 in the unit disc: |grad u|^2 = 4 r^2, so that the energy is 2 pi
    errors = []
    for times in (1, 2):
        generator = generator_of("0", Isotropic(1.0), ball_mesh(2, times), 5)
        x, y = generator.discretization.nodes.T
        u = x**2 - y**2
        energy, square = u @ generator.apply_stiffness(u), u @ generator.apply_mass(u)
        errors.append(abs(np.array([energy / (2.0 * pi), square / (pi / 6.0)]) - 1.0))
    assert (errors[1] < [1e-10, 1e-7]).all()
    # not a polynomial in curved cells: the integrals converge like the interpolant, 2p and p + 1
    assert (np.log2(errors[0] / errors[1]) > [9.0, 6.0]).all()


@pytest.mark.parametrize("constant", [1.0, -3.7, 64.0])
def test_a_constant_added_to_the_potential_changes_nothing(constant):
    mesh = grid((20,), -2.0, 2.0)
    plain = generator_of("(x**2 - 1)**2/4", Isotropic(0.05), mesh, 6)
    dropped = generator_of(f"(x**2 - 1)**2/4 + {constant}", Isotropic(0.05), mesh, 6)
    assert np.array_equal(dropped.exponent, plain.exponent)
    # a constant that the formula does not show as one
    raised = generator_of(f"(x**2 - 1)**2/4 + {constant}*cos(1e-200*x)", Isotropic(0.05), mesh, 6)
    assert np.allclose(raised.exponent - plain.exponent, constant / 0.05, rtol=1e-12)
    # rounding of V + c, multiplied by the exponential's derivative
    loss = 1e-15 * (1.0 + abs(constant) / 0.05)
    for ours, theirs in ((plain.stiffness, raised.stiffness), (plain.mass, raised.mass)):
        assert np.abs(ours - theirs).max() <= 10.0 * loss * np.abs(ours).max()


def test_entries_are_of_order_one_however_high_the_potential():
    # Phi spans 1000: exp(-Phi) is far below the smallest double; it changes by at most 5 in a cell
    generator = generator_of("(x**2 - 1)**2/4", Isotropic(1.0 / 4000), grid((3200,), -sqrt(2.0), sqrt(2.0)), 4)
    assert np.ptp(generator.exponent) == pytest.approx(1000.0)
    for elements in (generator.stiffness, generator.mass):
        assert np.isfinite(elements).all()
        largest = np.abs(elements).max(axis=(1, 2))
        assert largest.max() / largest.min() < 1e3


def test_noise_and_drift_scaled_together_scale_the_generator():
    mesh = grid((10,), -2.0, 2.0)
    slow = generator_of("(x**2 - 1)**2/4", Isotropic(0.1), mesh, 4)
    fast = generator_of("4*(x**2 - 1)**2/4", Isotropic(0.4), mesh, 4)
    assert fast.exponent == pytest.approx(slow.exponent, rel=1e-13, abs=1e-13)
    assert fast.stiffness == pytest.approx(4.0 * slow.stiffness, rel=1e-11, abs=1e-13)
    assert fast.mass == pytest.approx(slow.mass, rel=1e-11, abs=1e-13)


# -Laplace in the square [-1, 1]^2, zero on the disc of radius 0.4: by this program, degree 6, three meshes
DISC_IN_A_SQUARE = 2.89311718


@pytest.mark.parametrize(("dimension", "target"), [(1, "boundary"), (1, "A"), (2, "boundary"), (2, "A"), (2, "disc")])
def test_absorbed_sets_leave_no_spurious_eigenvalue(dimension, target):
    if target == "disc":
        disc = Ball([0.0, 0.0], 0.4)
        mesh = fit_regions(grid((4, 4)), {"A": disc})
    else:
        mesh = mark(grid((16,) * dimension), HalfSpace([1.0] + [0.0] * (dimension - 1), 0.0), "A")
    generator = generator_of("0", Isotropic(1.0), mesh, 2)
    discretization = generator.discretization
    absorbed = unknowns_on_boundary(discretization) if target == "boundary" else unknowns_in(discretization, "A")
    system = free_system(generator, absorbed)
    assert system.stiffness.getSize() == ((~absorbed).sum(),) * 2
    values, vectors = eigh(dense(system.stiffness), dense(system.mass))
    # a one left on both diagonals would be an eigenvalue 1, below all of these but the last
    numbers = [[1, 2, 3, 4]] * dimension if target == "boundary" else [[1, 3, 5], [0, 1, 2, 3, 4]][:dimension]
    exact = sorted((pi / 2.0) ** 2 * sum(n * n for n in pair) for pair in product(*numbers))[:3]
    if target == "disc":
        exact = [DISC_IN_A_SQUARE]
    assert values[: len(exact)] == pytest.approx(exact, rel=2e-3)
    assert values[0] > 0.0
    whole = np.zeros(len(absorbed))
    whole[~absorbed] = vectors[:, 0]
    assert (whole[absorbed] == 0.0).all()


def test_nothing_absorbed_leaves_the_zero_eigenvalue_alone():
    generator = generator_of("(x**2 - 1)**2/4", Isotropic(0.25), grid((8,), -2.0, 2.0), 4)
    system = free_system(generator, np.zeros(generator.discretization.count, dtype=bool))
    values = eigh(dense(system.stiffness), dense(system.mass), eigvals_only=True)
    assert abs(values[0]) < 1e-13
    assert values[1] > 0.1


def test_a_potential_without_a_value_is_refused():
    mesh = grid((2,), 0.0, 1.0)
    discretization = discretize(mesh, 3)
    process = Overdamped(Potential("log(x - 0.51)"), Isotropic(1.0))
    balance = detailed_balance(process, 1, np.array([[0.8, 0.9]]))
    with pytest.raises(ProblemError, match="potential"):
        assemble(discretization, balance)
