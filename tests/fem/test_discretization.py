"""Mesh and space: nodes, unknowns of sets and boundaries, quadrature in true coordinates, periodic identification."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import _spread as by_dolfinx
from fokker_planck.fem.discretization import discretize, quadrature_degree, unknowns_in, unknowns_on_boundary
from fokker_planck.fem.shapes.level_sets import fit_regions, mark
from fokker_planck.fem.triangulations.generation import ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import without_cells
from fokker_planck.mesh.simplices import barycentric
from fokker_planck.model.sets.shapes import Ball, HalfSpace


def grid(shape, periodic=None, length=1.0):
    axes = [np.linspace(0.0, length, n + 1) for n in shape]
    return grid_triangulation(axes, periodic or [False] * len(shape))


@pytest.mark.parametrize(("shape", "degree"), [((5,), 6), ((3, 4), 4), ((2, 3, 2), 3), ((4, 4), 1)])
def test_a_grid_has_the_unknowns_of_its_lattice(shape, degree):
    discretization = discretize(grid(shape), degree)
    assert discretization.count == np.prod([degree * n + 1 for n in shape])
    assert len(np.unique(discretization.nodes.round(10), axis=0)) == discretization.count
    assert discretization.nodes.min() == 0.0
    assert discretization.nodes.max() == 1.0
    assert np.allclose(discretization.nodes[discretization.dofs], discretization.cell_nodes, atol=1e-14)
    assert repr(discretization).endswith(f"of degree {degree}, {discretization.count} unknowns>")


@pytest.mark.parametrize(("shape", "degree"), [((5,), 6), ((3, 4), 7), ((2, 3, 2), 6)])
def test_unknowns_are_those_of_dolfinx(shape, degree):
    random = np.random.default_rng(3)
    mesh = grid(shape)
    mesh = refine(mesh, random.random(len(mesh.cells)) < 0.3)
    mesh = replace(mesh, cells=random.permuted(mesh.cells, axis=1))
    one, other = discretize(mesh, degree), by_dolfinx(mesh, degree, MPI.COMM_SELF)
    cells, _, dofs, count = other
    assert one.count == count
    places = np.empty_like(one.nodes)
    corners = _dolfinx.cell_vertices(_dolfinx.create_mesh(MPI.COMM_SELF, mesh.points, np.sort(mesh.cells, axis=1)))
    places[dofs.ravel()] = (barycentric(_dolfinx.lagrange_nodes(len(shape), degree)) @ corners).reshape(-1, len(shape))
    for number, cell in enumerate(cells):
        own, theirs = one.nodes[one.dofs[cell]], places[dofs[number]]
        assert np.abs(own[:, None] - theirs[None]).max(axis=2).min(axis=1).max() < 1e-14
    assert len(np.unique(one.nodes.round(12), axis=0)) == count


@pytest.mark.parametrize(
    ("periodic", "degree"), [((True,), 6), ((True, False), 4), ((True, True), 2), ((True, False, True), 3)]
)
def test_periodic_unknowns_are_one(periodic, degree):
    shape, length = (4, 5, 4)[: len(periodic)], 2.0
    mesh = grid(shape, periodic, length)
    discretization = discretize(mesh, degree)
    expected = [degree * n + (0 if wraps else 1) for n, wraps in zip(shape, periodic, strict=True)]
    assert discretization.count == np.prod(expected)
    assert set(discretization.dofs.ravel()) == set(range(discretization.count))
    shift = (discretization.nodes[discretization.dofs] - discretization.cell_nodes) / length
    assert np.abs(shift - np.round(shift)).max() < 1e-12
    assert (np.round(shift)[..., [not wraps for wraps in periodic]] == 0.0).all()


def test_periodic_unknowns_of_a_refined_mesh_are_one():
    mesh = grid((4, 4), (True, True), 2.0 * pi)
    random = np.random.default_rng(5)
    for _ in range(5):
        mesh = refine(mesh, random.random(len(mesh.cells)) < 0.2)
    discretization = discretize(mesh, 3)
    # Euler's formula on a torus: vertices - edges + cells = 0, and 3 cells = 2 edges
    cells = len(mesh.cells)
    assert discretization.count == cells // 2 + 2 * (3 * cells // 2) + cells


def test_walls_that_turn_the_velocity_join_a_place_and_its_opposite():
    """(x, v) and (x, -v) are one on both walls, (x, 0) is its own image; elsewhere nothing is."""
    mesh = grid_triangulation([np.linspace(-1.0, 1.0, 7), np.linspace(-2.0, 2.0, 9)], [False, False], turned=True)
    random = np.random.default_rng(1)
    for _ in range(4):
        mesh = refine(mesh, random.random(len(mesh.cells)) < 0.3)
    discretization = discretize(mesh, 4)
    places = discretization.cell_nodes.reshape(-1, 2).copy()
    on_wall = np.abs(places[:, 0]) > 1.0 - 1e-9
    places[on_wall, 1] = np.abs(places[on_wall, 1])
    keys = np.round(places * 1e7 + 0.123).astype(int)
    pairs = np.unique(np.column_stack([keys, discretization.dofs.ravel()]), axis=0)
    assert len(pairs) == len(np.unique(keys, axis=0)) == discretization.count


def test_a_vertex_alone_on_a_seam_needs_no_image():
    """Cells with one vertex on the upper face stay where those with its image are cut off: an AssertionError, once."""
    mesh = grid((6, 6), (True, False))
    middle = mesh.cell_points.mean(axis=1)
    upper = mesh.points[mesh.cells][:, :, 0] > 1.0 - 1e-9
    alone = (upper.sum(axis=1) == 1) & (middle[:, 1] > 5.0 / 6.0)
    kept = without_cells(mesh, (middle[:, 1] < 0.5) | alone)
    discretization = discretize(kept, 3)
    on_seam = discretization.nodes[np.isin(discretization.nodes[:, 0].round(9), (0.0, 1.0))]
    below, above = (on_seam[:, 1] < 0.5 + 1e-9).sum(), (on_seam[:, 1] > 5.0 / 6.0 - 1e-9).sum()
    assert alone.any()
    assert below == 3 * 3 + 1  # three facets of degree 3, once
    assert above == len(np.unique(mesh.cells[alone][upper[alone]]))


def test_faces_that_are_meshed_differently_are_no_seam():
    mesh = grid((4, 4), (True, False))
    points = mesh.points.copy()
    points[(points[:, 0] > 1.0 - 1e-9) & (points[:, 1] == 0.5), 1] += 0.01
    with pytest.raises(ConvergenceError, match="do not match"):
        discretize(replace(mesh, points=points), 2)


@pytest.mark.parametrize(("shape", "degree"), [((3,), 4), ((2, 3), 3), ((1, 2, 1), 2)])
def test_quadrature_is_exact_for_products_of_basis_functions(shape, degree):
    discretization = discretize(grid(shape), degree)
    x, volume = discretization.map.points, discretization.map.volume
    for powers in ([2 * degree] + [0] * (len(shape) - 1), [2 * degree // len(shape)] * len(shape)):
        power = np.prod([c**n for c, n in zip(x, powers, strict=True)], axis=0)
        assert (power * volume).sum() == pytest.approx(np.prod([1.0 / (n + 1) for n in powers]), rel=1e-13)


def test_the_rule_has_room_for_the_weight():
    for dimension in (1, 2, 3):
        assert quadrature_degree(4, dimension) > 2 * 4
        points, weights = _dolfinx.quadrature_points(dimension, quadrature_degree(4, dimension))
        assert points.shape[1] == dimension
        assert weights.sum() == pytest.approx([1.0, 0.5, 1.0 / 6.0][dimension - 1], rel=1e-13)


def test_unknowns_of_a_set_include_its_surface():
    mesh = mark(grid((4, 4)), HalfSpace([1.0, 0.0], 0.5), "A")
    discretization = discretize(mesh, 3)
    inside = unknowns_in(discretization, "A")
    assert (inside == (discretization.nodes[:, 0] > 0.5 - 1e-12)).all()


def test_unknowns_of_a_curved_set():
    disc = Ball([0.5, 0.5], 0.3)
    mesh = fit_regions(grid((12, 12)), {"A": disc})
    discretization = discretize(mesh, 4)
    distance = np.linalg.norm(discretization.nodes - 0.5, axis=1)
    assert (unknowns_in(discretization, "A") == (distance < 0.3 + 1e-7)).all()
    assert np.count_nonzero(np.abs(distance - 0.3) < 1e-7) > 4 * 10


@pytest.mark.parametrize(("shape", "degree"), [((5,), 4), ((3, 4), 3), ((2, 2, 2), 2)])
def test_unknowns_on_the_boundary_of_a_box(shape, degree):
    discretization = discretize(grid(shape), degree)
    nodes = discretization.nodes
    on_a_face = ((nodes < 1e-12) | (nodes > 1.0 - 1e-12)).any(axis=1)
    assert (unknowns_on_boundary(discretization) == on_a_face).all()


@pytest.mark.parametrize("dimension", [2, 3])
def test_unknowns_on_a_sphere(dimension):
    mesh = ball_triangulation(Ball([1.0] * dimension, 2.0))
    mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    discretization = discretize(mesh, 3)
    radius = np.linalg.norm(discretization.nodes - 1.0, axis=1)
    # nodes of curved facets follow a polynomial of degree 7
    assert (unknowns_on_boundary(discretization) == (radius > 2.0 - 1e-5)).all()


def test_a_side_that_was_cut_off_is_no_boundary():
    mesh = grid((4, 4))
    left = without_cells(mesh, mesh.cell_points.mean(axis=1)[:, 0] < 0.5)
    discretization = discretize(left, 2)
    x, y = discretization.nodes.T
    expected = (x == 0.0) | (y == 0.0) | (y == 1.0)
    assert (unknowns_on_boundary(discretization) == expected).all()


def test_a_periodic_axis_has_no_boundary_unknowns():
    discretization = discretize(grid((4, 4), (True, False)), 2)
    y = discretization.nodes[:, 1]
    assert (unknowns_on_boundary(discretization) == ((y == 0.0) | (y == 1.0))).all()


@pytest.mark.mpi
@pytest.mark.parametrize(("dimension", "degree"), [(2, 1), (2, 6), (3, 1), (3, 4)])
def test_cells_that_meet_in_a_corner_alone_share_its_unknowns(dimension, degree):
    """A checkerboard: dolfinx numbers a vertex (in space, an edge) twice if the ranks of a mesh meet there only."""
    mesh = grid_triangulation([np.linspace(0.0, 1.0, 5)] * dimension, [False] * dimension)
    square = np.floor(4.0 * mesh.cell_points.mean(axis=1)).astype(int).sum(axis=1)
    discretization = discretize(without_cells(mesh, square % 2 == 0), degree)
    places = np.unique(np.round(discretization.nodes * 1e6).astype(int), axis=0)
    assert len(places) == discretization.count
