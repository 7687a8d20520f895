"""Simplices as arrays: volumes, edges, facets, and what is left when cells are taken away."""

import numpy as np
import pytest

from fokker_planck.fem.triangulations.generation import ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulations.triangulation import (
    boundary_facets,
    diameters,
    edge_table,
    facet_keys,
    interface_facets,
    local_edges,
    oriented,
    row_numbers,
    volumes,
    without_cells,
)
from fokker_planck.model.sets.shapes import Ball

EDGES_OF_A_BOX_OF_SIX_TETRAHEDRA = 12 + 6 + 1  # of the box, one diagonal a face, one through the middle


def grid(shape, periodic=None, lengths=None):
    lengths = lengths or [1.0] * len(shape)
    axes = [np.linspace(0.0, length, n + 1) for n, length in zip(shape, lengths, strict=True)]
    return grid_triangulation(axes, periodic or [False] * len(shape))


@pytest.mark.parametrize(("shape", "pieces"), [((5,), 1), ((3, 4), 2), ((2, 3, 2), 6)])
def test_a_grid_is_cut_into_simplices_that_fill_it(shape, pieces):
    lengths = [2.0, 3.0, 0.5][: len(shape)]
    mesh = grid(shape, lengths=lengths)
    parts = volumes(mesh.points, mesh.cells)
    assert len(mesh.cells) == pieces * np.prod(shape)
    assert parts == pytest.approx(np.prod(lengths) / len(mesh.cells), rel=1e-14)
    assert mesh.dimension == len(shape)
    sizes = f"{len(mesh.cells)} cells, {len(mesh.points)} vertices, dimension {len(shape)}"
    assert repr(mesh) == f"<Triangulation: {sizes}>"


def test_the_volume_of_a_simplex_has_the_sign_of_its_orientation():
    corners = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    cells = np.array([[0, 1, 2, 3], [0, 1, 3, 2]])
    assert volumes(corners, cells) == pytest.approx([1.0, -1.0])
    turned = oriented(corners, cells)
    assert volumes(corners, turned) == pytest.approx([1.0, 1.0])
    assert turned[0].tolist() == [0, 1, 2, 3]
    assert sorted(turned[1]) == [0, 1, 2, 3]


@pytest.mark.parametrize(("shape", "edges"), [((5,), 5), ((1, 1), 5), ((1, 1, 1), EDGES_OF_A_BOX_OF_SIX_TETRAHEDRA)])
def test_edges_are_numbered_once(shape, edges):
    mesh = grid(shape)
    table = edge_table(mesh.cells)
    assert len(table.vertices) == edges
    assert len({tuple(pair) for pair in table.vertices}) == edges
    for local, (a, b) in enumerate(local_edges(mesh.dimension + 1)):
        stored = np.sort(mesh.cells[:, [a, b]], axis=1)
        assert (table.vertices[table.of_cells[:, local]] == stored).all()


def test_equal_rows_get_equal_numbers():
    assert row_numbers(np.array([[3, 1], [0, 2], [3, 1]])).tolist() == [1, 0, 1]


@pytest.mark.parametrize(("shape", "facets"), [((4,), 2), ((3, 4), 14), ((2, 1, 3), 2 * 2 * (2 + 3 + 6))])
def test_the_boundary_of_a_box(shape, facets):
    mesh = grid(shape)
    assert len(boundary_facets(mesh.cells, mesh.vertex_class)) == facets == len(mesh.facets)
    assert mesh.facets.boundary.all()
    x = mesh.points[mesh.facets.vertices]
    on_a_face = ((x == 0.0).all(axis=1) | (x == 1.0).all(axis=1)).any(axis=1)
    assert on_a_face.all()


@pytest.mark.parametrize(
    ("periodic", "facets"), [((True,), 0), ((True, False), 8), ((True, True), 0), ((True, True, False), 64)]
)
def test_a_periodic_axis_has_no_boundary(periodic, facets):
    mesh = grid((4,) * len(periodic), periodic)
    assert len(mesh.facets) == facets
    keys, _ = facet_keys(mesh.cells, mesh.vertex_class)
    assert np.bincount(row_numbers(keys)).max() == 2


def test_facets_between_inside_and_outside():
    mesh = grid((4, 4))
    inside = mesh.cell_points.mean(axis=1)[:, 0] < 0.5
    facets = interface_facets(mesh.cells, mesh.vertex_class, inside)
    assert len(facets) == 4
    assert (mesh.points[facets][:, :, 0] == 0.5).all()
    assert len(interface_facets(mesh.cells, mesh.vertex_class, np.ones(len(mesh.cells), dtype=bool))) == 0


def test_the_diameter_is_the_longest_edge():
    assert diameters(grid((2, 2), lengths=[2.0, 4.0])) == pytest.approx(np.sqrt(5.0))
    assert diameters(grid((2,))) == pytest.approx(0.5)


def test_taking_cells_away_keeps_the_facets_of_the_others():
    mesh = grid((4, 4), (False, True))
    keep = mesh.cell_points.mean(axis=1)[:, 0] < 0.5
    part = without_cells(mesh, keep)
    assert len(part.cells) == keep.sum()
    assert volumes(part.points, part.cells).sum() == pytest.approx(0.5)
    assert sorted(set(part.cells.ravel())) == list(range(len(part.points)))
    # the left side is still a boundary; the cut is none, and above and below remain one
    assert len(part.facets) == 4
    assert (part.points[part.facets.vertices][:, :, 0] == 0.0).all()
    assert len(boundary_facets(part.cells, part.vertex_class)) == 8


@pytest.mark.parametrize("center", [[1.0, -2.0], [0.5, 0.0, 3.0]])
def test_the_first_mesh_of_a_ball_is_inscribed(center):
    ball = Ball(center, 2.0)
    mesh = ball_triangulation(ball)
    assert (volumes(mesh.points, mesh.cells) > 0.0).all()
    assert np.abs(ball.level(mesh.points[np.unique(mesh.facets.vertices)].T)).max() < 1e-12
    assert (mesh.facets.surface == 0).all()
    assert mesh.surfaces == (ball,)
    inscribed = {2: 1.5 * np.sqrt(3.0) * 4.0, 3: 2.536150710 * 8.0}  # regular hexagon, icosahedron
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(inscribed[len(center)], rel=1e-8)
