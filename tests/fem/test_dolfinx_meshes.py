"""Meshes of dolfinx as domains, their tags as sets, and fields as functions of dolfinx."""

from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

import fokker_planck as fp

# isort: split
import dolfinx
import dolfinx.fem
import dolfinx.geometry
import ufl

COMM = MPI.COMM_WORLD
#: Of V = (x**2 - 1)**2/4 with noise 1/20 from -1 to 1, by quadrature in multiple precision.
KNOWN = 729.6706919423
LEFT, RIGHT, WALL = 3, 8, 5


def tags(mesh, dimension, marks):
    """Tags of the entities where functions of the place hold, by value."""
    found = {value: dolfinx.mesh.locate_entities(mesh, dimension, where) for value, where in marks.items()}
    entities = np.concatenate(list(found.values()))
    values = np.concatenate([np.full(len(some), value, dtype=np.int32) for value, some in found.items()])
    order = np.argsort(entities)
    return dolfinx.mesh.meshtags(mesh, dimension, entities[order], values[order])


def box(dimension, lower, upper, counts):
    """A box with cells beyond x = 1 and up to x = -1 tagged, and its wall of greatest x."""
    if dimension == 1:
        mesh = dolfinx.mesh.create_interval(COMM, counts[0], [lower[0], upper[0]])
    else:
        create = dolfinx.mesh.create_rectangle if dimension == 2 else dolfinx.mesh.create_box
        mesh = create(COMM, [lower, upper], counts)
    cells = {LEFT: lambda x: x[0] <= -1.0 + 1e-9, RIGHT: lambda x: x[0] >= 1.0 - 1e-9}
    facets = {WALL: lambda x: np.isclose(x[0], upper[0])}
    return fp.DolfinxMesh(mesh, tags(mesh, dimension, cells), tags(mesh, dimension - 1, facets))


def evaluated(function, points):
    """Values of a function of dolfinx at points (dim, n); nan where another rank has them."""
    mesh, x = function.function_space.mesh, np.zeros((points.shape[1], 3))
    x[:, : len(points)] = points.T
    tree = dolfinx.geometry.bb_tree(mesh, mesh.topology.dim)
    found = dolfinx.geometry.compute_colliding_cells(mesh, dolfinx.geometry.compute_collisions_points(tree, x), x)
    values = np.full(len(x), np.nan)
    for k in range(len(x)):
        if len(found.links(k)):
            values[k] = function.eval(x[k : k + 1], found.links(k)[:1])[0]
    return values


def assert_same(function, values, points, rtol=1e-12):
    got = evaluated(function, points)
    here = ~np.isnan(got)
    assert here.any()
    np.testing.assert_allclose(got[here], values[here], rtol=rtol)


@pytest.fixture(scope="module")
def well():
    domain = box(2, [-2.0, -1.5], [2.0, 1.5], [16, 12])
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.05))
    return fp.Problem(process, domain, sets={"B": domain.cell_set(RIGHT)})


@pytest.fixture(scope="module")
def exit_time(well):
    return fp.mean_exit_time(well, [-1.0, 0.0], "B")


@pytest.mark.mpi
def test_tagged_cells_are_a_target(exit_time):
    assert exit_time.mean.value == pytest.approx(KNOWN, rel=2e-6)
    assert exit_time.asymptotic.value == pytest.approx(659.4, rel=1e-2)


@pytest.mark.mpi
def test_a_field_is_a_function_of_dolfinx_with_its_values_everywhere(exit_time):
    function = exit_time.field.to_dolfinx()
    assert function.function_space.element.basix_element.degree == exit_time.field.discretization.degree
    points = np.array([np.linspace(-1.5, 0.9, 23), np.linspace(-0.7, 0.6, 23)])
    assert_same(function, exit_time.field(points), points)


@pytest.mark.mpi
def test_a_function_on_the_mesh_of_the_user_takes_its_values_from_a_field(exit_time):
    mesh = dolfinx.mesh.create_rectangle(MPI.COMM_SELF, [[-1.5, -0.5], [0.9, 0.5]], [6, 4])
    function = dolfinx.fem.Function(dolfinx.fem.functionspace(mesh, ("Lagrange", 3)))
    function.interpolate(exit_time.field)
    np.testing.assert_allclose(
        function.x.array, exit_time.field(function.function_space.tabulate_dof_coordinates()[:, :2].T), rtol=1e-12
    )


def test_points_of_another_dimension_are_refused(exit_time):
    with pytest.raises(fp.ProblemError, match=r"points: found an array of shape \(4, 6\); wanted shape \(2, n\)"):
        exit_time.field(np.zeros((4, 6)))


FINE = pytest.param(1e-6, marks=pytest.mark.slow)


@pytest.mark.mpi
@pytest.mark.parametrize("tolerance", [1e-3, FINE])
def test_both_kinds_of_tags_are_sets_of_a_committor(well, tolerance):
    domain, well = well.domain, replace(well, resolution=fp.Resolution(tolerance=tolerance))
    found = fp.committor(well, domain.cell_set(LEFT), domain.facet_set(WALL))
    back = fp.committor(well, domain.facet_set(WALL), domain.cell_set(LEFT))
    assert found.rate.log == pytest.approx(back.rate.log, abs=2 * tolerance)
    x = np.linspace(-2.0, 2.0, 400_001)
    height = (x**2 - 1.0) ** 2 / 4.0 / 0.05
    up, down = (np.trapezoid(np.exp(f[some]), x[some]) for f, some in ((height, x >= -1.0), (-height, x < 9.0)))
    # nu = D / (int exp(V/D) int exp(-V/D))
    assert found.rate.value == pytest.approx(0.05 / (up * down), rel=2 * tolerance)


def test_a_log_density_is_a_function_and_values_that_underflow_are_refused(well):
    density = fp.stationary_density(well).field
    points = np.array([np.linspace(-1.5, 1.5, 9), np.linspace(-0.5, 0.4, 9)])
    assert_same(density.to_dolfinx(log=True), density.log(points), points, rtol=1e-11)
    low = replace(density, nodal=density.nodal - 1e4)
    with pytest.raises(fp.ProblemError, match="to_dolfinx: found values from exp"):
        low.to_dolfinx()
    assert_same(low.to_dolfinx(log=True), density.log(points) - 1e4, points, rtol=1e-11)


@pytest.mark.mpi
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_free_particle_leaves_through_tagged_facets(dimension):
    """T(x) = (1 - x**2)/(2 D) from a wall at 0 to one at 1, a polynomial that every mesh has."""
    domain = box(dimension, [0.0] * dimension, [1.0] * dimension, [4, 3, 2][:dimension])
    process = fp.Overdamped(fp.Potential("0"), fp.Isotropic(0.5))
    problem = fp.Problem(process, domain, fp.Resolution(tolerance=1e-2))  # reached at once
    found = fp.mean_exit_time(problem, [0.25] + [0.5] * (dimension - 1), domain.facet_set(WALL))
    assert found.mean.value == pytest.approx(0.9375, rel=1e-9)
    points = np.tile(np.linspace(0.05, 0.9, 7), (dimension, 1))
    assert_same(found.field.to_dolfinx(), 1.0 - points[0] ** 2, points, rtol=1e-9)


def test_tags_of_a_line_are_intervals_and_points():
    domain = box(1, [-2.0], [2.0], [16])
    problem = fp.Problem(fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05)), domain)
    assert fp.mean_exit_time(problem, -0.9, domain.cell_set(RIGHT)).mean.value == pytest.approx(
        fp.mean_exit_time(problem, -0.9, fp.HalfSpace([1.0], 1.0)).mean.value, rel=1e-9
    )
    assert domain.cell_set(LEFT).intervals == ((-2.0, -1.0),)
    assert domain.facet_set(WALL).intervals == ((2.0, 2.0),)


@pytest.mark.parametrize("tolerance", [1e-3, pytest.param(1e-4, marks=pytest.mark.slow)])
def test_without_detailed_balance_tagged_cells_and_a_half_space_are_one_target(well, tolerance):
    turned = fp.Overdamped(
        fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.1), extra=fp.Drift(["y", "x - x**3"])
    )
    resolution = fp.Resolution(tolerance=tolerance)
    times = [
        fp.mean_exit_time(fp.Problem(turned, domain, resolution), [-1.0, 0.0], target).mean.value
        for domain, target in (
            (well.domain, well.domain.cell_set(RIGHT)),
            (fp.Box([-2.0, -1.5], [2.0, 1.5]), fp.HalfSpace([1.0, 0.0], 1.0)),
        )
    ]
    assert times[0] == pytest.approx(times[1], rel=2 * tolerance)


@pytest.mark.parametrize("tolerance", [1e-4, FINE])
def test_a_curved_mesh_goes_to_dolfinx_and_back(tolerance):
    """On a disc the cells of the function's mesh have sides of degree seven, which a domain follows exactly."""
    process = fp.Overdamped(fp.Potential("x**2/2 + y**2/2"), fp.Isotropic(0.1))
    fine = fp.Resolution(tolerance=tolerance)
    there = fp.mean_exit_time(fp.Problem(process, fp.Ball([0.0, 0.0], 1.0), fine), [0.1, 0.0], "boundary")
    function = there.field.to_dolfinx()
    points = 0.999 * np.array([[1.0, 0.6, 0.0, -0.8, 0.1], [0.0, 0.8, 0.5, -0.6, 0.2]])
    assert_same(function, there.field(points), points, rtol=1e-10)
    mesh = function.function_space.mesh
    one = dolfinx.fem.Constant(mesh, 1.0)
    assert dolfinx.fem.assemble_scalar(dolfinx.fem.form(one * ufl.dx)) == pytest.approx(np.pi, rel=1e-9)
    back = fp.mean_exit_time(fp.Problem(process, fp.DolfinxMesh(mesh), fine), [0.1, 0.0], "boundary")
    assert back.mean.value == pytest.approx(there.mean.value, rel=2 * tolerance)


@pytest.mark.slow
def test_a_curved_function_in_space_fills_the_ball():
    problem = fp.Problem(
        fp.Overdamped(fp.Potential("0"), fp.Isotropic(0.5)),
        fp.Ball([0.0, 0.0, 0.0], 1.0),
        fp.Resolution(tolerance=1e-2),
    )
    field = fp.mean_exit_time(problem, [0.0, 0.0, 0.0], "boundary").field
    function = field.to_dolfinx()
    points = 0.95 * np.array([[1.0, 0.0, 0.6, 0.1], [0.0, 0.0, 0.8, 0.2], [0.0, 1.0, 0.0, 0.3]])
    assert_same(function, field(points), points, rtol=1e-10)
    volume = dolfinx.fem.form(dolfinx.fem.Constant(function.function_space.mesh, 1.0) * ufl.dx)
    assert dolfinx.fem.assemble_scalar(volume) == pytest.approx(4.0 * np.pi / 3.0, rel=1e-7)


def square(kind=None):
    keywords = {} if kind is None else {"cell_type": kind}
    return dolfinx.mesh.create_unit_square(MPI.COMM_SELF, 4, 4, **keywords)


def tagged_square(dimension=1, where=lambda x: np.isclose(x[0], 1.0)):
    mesh = square()
    return mesh, tags(mesh, dimension, {WALL: where})


REFUSED = {
    "no mesh": (lambda: fp.DolfinxMesh("mesh"), "domain: found the text 'mesh'; wanted a dolfinx.mesh.Mesh"),
    "quadrilaterals": (
        lambda: fp.DolfinxMesh(square(dolfinx.mesh.CellType.quadrilateral)),
        "domain: found a dolfinx mesh of quadrilateral cells; wanted intervals, triangles or tetrahedra",
    ),
    "a surface in space": (
        lambda: fp.DolfinxMesh(surface()).data,
        "domain: found a surface in space; wanted triangles in a plane of constant z",
    ),
    "no tags": (lambda: fp.DolfinxMesh(square(), cell_tags=3), "domain.cell_tags: found 3; wanted a dolfinx.mesh.M"),
    "facet tags for cells": (
        lambda: fp.DolfinxMesh(*tagged_square()),
        "domain.cell_tags: found tags of entities of dimension 1; wanted dimension 2",
    ),
    "tags of another mesh": (
        lambda: fp.DolfinxMesh(square(), facet_tags=tagged_square()[1]),
        "domain.facet_tags: found tags of another mesh; wanted those of this mesh",
    ),
    "an unknown tag": (
        lambda: facets_of_square().facet_set(4),
        f"facet_set: found the tag 4; wanted one of {WALL}",
    ),
    "facets inside": (
        lambda: facets_of_square(lambda x: np.isclose(x[0], 0.5)).facet_set(WALL),
        f"facet_set: found 4 facets tagged {WALL} inside of the domain",
    ),
    "all cells": (
        lambda: fp.DolfinxMesh(*tagged_square(2, lambda x: x[0] < 2.0)).cell_set(WALL),
        f"cell_set: found the tag {WALL} on every cell",
    ),
    "the mesh itself": (lambda: fp.Problem(FLAT, square()), "wanted a Box, Ball, MeshFile, DolfinxMesh or Sublevel"),
    "a set of another mesh": (
        lambda: fp.mean_exit_time(
            fp.Problem(FLAT, fp.DolfinxMesh(square())), [0.2, 0.2], facets_of_square().facet_set(WALL)
        ),
        f"exit.target: found facets tagged {WALL} of another mesh; wanted those of the domain of the problem",
    ),
    "a start on the facets": (
        lambda: fp.mean_exit_time(*started_on_the_wall()),
        "exit.start: found [1.0, 0.5]; wanted a point outside of the target",
    ),
}
FLAT = fp.Overdamped(fp.Potential("0"), fp.Isotropic(1.0))


def surface():
    mesh = square()
    mesh.geometry.x[:, 2] = mesh.geometry.x[:, 0]
    return mesh


def facets_of_square(where=lambda x: np.isclose(x[0], 1.0)):
    mesh, found = tagged_square(1, where)
    return fp.DolfinxMesh(mesh, facet_tags=found)


def started_on_the_wall():
    domain = facets_of_square()
    return fp.Problem(FLAT, domain), [1.0, 0.5], domain.facet_set(WALL)


@pytest.mark.parametrize(("make", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_what_it_cannot_take_is_one_line(make, line):
    with pytest.raises(fp.ProblemError) as caught:
        make()
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_interface_that_is_curved_in_the_mesh_is_refused():
    gmsh = pytest.importorskip("gmsh")
    read = pytest.importorskip("dolfinx.io.gmsh")
    gmsh.initialize()
    gmsh.option.setNumber("General.Terminal", 0)
    outer, inner = (gmsh.model.occ.addDisk(0.0, 0.0, 0.0, r, r) for r in (1.0, 0.5))
    gmsh.model.occ.fragment([(2, outer)], [(2, inner)])
    gmsh.model.occ.synchronize()
    for number, (_, tag) in enumerate(gmsh.model.getEntities(2)):
        gmsh.model.addPhysicalGroup(2, [tag], tag=10 + number)
    gmsh.option.setNumber("Mesh.MeshSizeMax", 0.4)
    gmsh.model.mesh.generate(2)
    gmsh.model.mesh.setOrder(2)
    mesh, cell_tags, *_ = read.model_to_mesh(gmsh.model, MPI.COMM_SELF, 0, gdim=2)
    gmsh.finalize()
    with pytest.raises(fp.ProblemError, match="cell_set: found cells tagged 10 with .* curved facets to the others"):
        fp.DolfinxMesh(mesh, cell_tags).cell_set(10)


def test_a_field_goes_to_a_mesh_whose_cells_are_distributed_otherwise(exit_time):
    from fokker_planck.fem.fields.dolfinx_function import _on_cells

    discretization = exit_time.field.discretization
    values = exit_time.field.nodal[discretization.dofs]
    other = discretization.cells[::-1]
    moved, corners = _on_cells(discretization, other, values)
    np.testing.assert_array_equal(moved, values[::-1])
    np.testing.assert_array_equal(corners, discretization.corners[::-1])
