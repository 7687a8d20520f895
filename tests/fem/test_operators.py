"""The element matrices, summed up, are what dolfinx assembles on the continuous space from symbolic coefficients."""

import shutil
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from mpi4py import MPI

# isort: split
import dolfinx.fem  # the wheel of dolfinx finds its MPI only where mpi4py has loaded it
import dolfinx.jit
import ufl

from fokker_planck.fem import _dolfinx, _petsc
from fokker_planck.fem.discretization import discretize, quadrature_degree
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.operators import advection_matrices
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import detailed_balance

needs_compiler = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc")) or not Path(sysconfig.get_paths()["include"], "Python.h").is_file(),
    reason="the other side of the comparison is a form, which dolfinx compiles: no C compiler with Python's headers",
)

CASES = {
    "line": ("x**4 - x**2 + 0.3*x", Isotropic(0.7), (5,), 4),
    "plane": ("x**2*y + y**2 + x", Isotropic(0.5), (3, 2), 3),
    "space": ("x**2 + x*y - z", Isotropic(1.5), (2, 1, 1), 2),
    "anisotropic": ("2*x**2 + y**2", Constant([[0.7, 0.0], [0.0, 1.1]]), (2, 3), 2),
    "turned": ("x**2 + y**2", Constant([[0.7, 0.3], [0.3, 1.1]]), (2, 3), 2),
}


def grid(shape):
    return grid_triangulation([np.linspace(-1.0, 1.0, n + 1) for n in shape], [False] * len(shape))


def by_dolfinx(mesh, degree, exponent, diffusion):
    """Stiffness and mass as dense matrices, and the coordinates of their unknowns."""
    dimension = mesh.topology.dim
    space = _dolfinx.lagrange_space(mesh, degree)
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    x = ufl.SpatialCoordinate(mesh)
    weight = ufl.exp(-exponent(*[x[i] for i in range(dimension)]))
    tensor = ufl.as_matrix(diffusion.tensor(np.zeros((dimension, 1)))[..., 0].tolist())
    dx = ufl.dx(metadata={"quadrature_degree": quadrature_degree(degree, dimension)})
    forms = [weight * ufl.inner(tensor * ufl.grad(u), ufl.grad(v)) * dx, weight * u * v * dx]
    matrices = [dolfinx.fem.assemble_matrix(dolfinx.fem.form(form)).to_dense() for form in forms]
    return *matrices, space.tabulate_dof_coordinates()[:, :dimension]


def summed(generator, elements):
    """The assembled matrix on unscaled unknowns."""
    discretization = generator.discretization
    scaled = _petsc.matrix(discretization.comm, discretization.count, discretization.dofs, elements)
    dense = scaled.convert("dense").getDenseArray()
    scale = np.exp(-0.5 * generator.exponent)
    return dense * scale[:, None] * scale


@needs_compiler
@pytest.mark.parametrize("case", CASES)
def test_matrices_are_those_of_dolfinx(case):
    expression, diffusion, shape, degree = CASES[case]
    process = Overdamped(Potential(expression), diffusion)
    triangulation = grid(shape)
    balance = detailed_balance(process, triangulation.dimension, triangulation.points.T)
    generator = assemble(discretize(triangulation, degree), balance)

    def exponent(x, y=0.0, z=0.0):
        if case == "turned":  # Phi = x . D^-1 x, since V = |x|^2
            return (1.1 * x**2 - 0.6 * x * y + 0.7 * y**2) / (0.7 * 1.1 - 0.09)
        if case == "anisotropic":
            return 2.0 * x**2 / 0.7 + y**2 / 1.1
        return eval(expression, {"x": x, "y": y, "z": z}) / diffusion.epsilon

    mesh = _dolfinx.create_mesh(MPI.COMM_WORLD, triangulation.points, triangulation.cells)
    stiffness, mass, places = by_dolfinx(mesh, degree, exponent, diffusion)
    nodes = generator.discretization.nodes
    order = np.argmin(((nodes[:, None] - places[None]) ** 2).sum(axis=2), axis=1)
    assert sorted(order) == list(range(len(nodes)))
    constant = np.exp(-generator.exponent[0] + exponent(*nodes[0]))  # Phi is known up to a constant
    for ours, theirs in ((generator.stiffness, stiffness), (generator.mass, mass)):
        wanted = constant * theirs[np.ix_(order, order)]
        assert np.abs(summed(generator, ours) - wanted).max() < 1e-13 * np.abs(wanted).max()


def test_a_turned_noise_or_a_doubled_one_would_be_seen():
    expression, diffusion, shape, degree = CASES["turned"]
    triangulation = grid(shape)
    matrices = []
    for matrix in ([[0.7, 0.3], [0.3, 1.1]], [[0.7, -0.3], [-0.3, 1.1]], [[1.4, 0.6], [0.6, 2.2]]):
        balance = detailed_balance(Overdamped(Potential("0"), Constant(matrix)), 2, triangulation.points.T)
        generator = assemble(discretize(triangulation, degree), balance)
        matrices.append(summed(generator, generator.stiffness))
    assert np.abs(matrices[0] - matrices[1]).max() > 0.1
    assert np.abs(2.0 * matrices[0] - matrices[2]).max() < 1e-13


@needs_compiler
@pytest.mark.parametrize(("shape", "degree"), [((5,), 4), ((3, 2), 3), ((2, 1, 1), 2)])
def test_advection_is_that_of_dolfinx(shape, degree):
    dimension = len(shape)
    discretization = discretize(grid(shape), degree)
    x = discretization.map.points
    velocity = np.array([1.0 + x[0] * x[-1], x[0] ** 2 - x[-1], 0.3 * x[0]][:dimension])
    elements = advection_matrices(discretization.corners, degree, discretization.rule, velocity)
    ours = _petsc.matrix(discretization.comm, discretization.count, discretization.dofs, elements, symmetric=False)
    mesh = _dolfinx.create_mesh(MPI.COMM_WORLD, discretization.triangulation.points, discretization.triangulation.cells)
    space = _dolfinx.lagrange_space(mesh, degree)
    u, v, s = ufl.TrialFunction(space), ufl.TestFunction(space), ufl.SpatialCoordinate(mesh)
    last = s[dimension - 1]
    given = ufl.as_vector([1.0 + s[0] * last, s[0] ** 2 - last, 0.3 * s[0]][:dimension])
    theirs = dolfinx.fem.assemble_matrix(dolfinx.fem.form(ufl.dot(given, ufl.grad(u)) * v * ufl.dx)).to_dense()
    places = space.tabulate_dof_coordinates()[:, :dimension]
    order = np.argmin(((discretization.nodes[:, None] - places[None]) ** 2).sum(axis=2), axis=1)
    wanted = theirs[np.ix_(order, order)]
    assert np.abs(ours.convert("dense").getDenseArray() - wanted).max() < 1e-13 * np.abs(wanted).max()


def test_nothing_is_compiled(monkeypatch):
    discretization = discretize(grid((3, 2)), 3)
    monkeypatch.setattr(dolfinx.jit, "ffcx_jit", lambda *given: pytest.fail("compiled a form"))
    for expression in ("x**2*y", "cos(x)*exp(y)"):
        balance = detailed_balance(Overdamped(Potential(expression), Isotropic(0.3)), 2, discretization.nodes.T)
        assemble(discretization, balance)


@pytest.mark.parametrize(("shape", "degree"), [((4,), 5), ((2, 2), 3), ((1, 1, 2), 2)])
def test_element_matrices_are_symmetric_and_positive(shape, degree):
    discretization = discretize(grid(shape), degree)
    balance = detailed_balance(Overdamped(Potential("x**2"), Isotropic(0.4)), len(shape), discretization.nodes.T)
    generator = assemble(discretization, balance)
    for elements, rank in ((generator.stiffness, -1), (generator.mass, 0)):
        size = elements.shape[1]
        assert np.abs(elements - np.swapaxes(elements, 1, 2)).max() < 1e-13 * np.abs(elements).max()
        eigenvalues = np.linalg.eigvalsh(elements)
        assert (eigenvalues > 1e-12 * eigenvalues[:, -1:]).sum(axis=1).tolist() == [size + rank] * len(elements)
