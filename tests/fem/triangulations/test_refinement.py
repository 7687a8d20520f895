"""Bisection: the result conforms, keeps volume and shape, and carries facets, regions and periods along."""

import numpy as np
import pytest

from fokker_planck.fem.triangulations.generation import ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulations.refinement import refine, split_edges
from fokker_planck.fem.triangulations.triangulation import diameters, edge_table, facet_keys, row_numbers, volumes
from fokker_planck.model.sets.shapes import Ball

BOXES = [(False,), (True,), (False, False), (True, False), (True, True), (False, False, False), (True, False, True)]


def box(periodic, cells=4):
    axes = [np.linspace(0.0, length, cells + 1) for length in (1.0, 1.5, 0.8)[: len(periodic)]]
    return grid_triangulation(axes, periodic)


def facet_measure(points, facets):
    """Length or area of facets (k, dim); one for points."""
    corners = points[facets]
    if facets.shape[1] == 1:
        return np.ones(len(facets))
    sides = corners[:, 1:] - corners[:, :1]
    return np.sqrt(np.linalg.det(sides @ np.swapaxes(sides, 1, 2))) / (1.0 if facets.shape[1] == 2 else 2.0)


def check_conforming(mesh, boundary_measure):
    """No facet belongs to three cells, and those of one cell only make up the boundary: nothing hangs inside."""
    keys, stored = facet_keys(mesh.cells, mesh.vertex_class)
    numbers = row_numbers(keys)
    shared_by = np.bincount(numbers)
    assert shared_by.max() <= 2
    alone = stored[shared_by[numbers] == 1]
    assert facet_measure(mesh.points, alone).sum() == pytest.approx(boundary_measure, rel=1e-12, abs=1e-12)
    known = {tuple(facet) for facet in np.sort(mesh.facets.vertices, axis=1)}
    assert known == {tuple(facet) for facet in np.sort(alone, axis=1)}


def quality(mesh):
    """Volume over that of the cube on the longest edge, of the worst cell."""
    return (np.abs(volumes(mesh.points, mesh.cells)) / diameters(mesh) ** mesh.dimension).min()


def check_images(mesh, lengths):
    """Vertices of one class differ by whole periods."""
    order = np.argsort(mesh.vertex_class, kind="stable")
    same = mesh.vertex_class[order][1:] == mesh.vertex_class[order][:-1]
    shift = (mesh.points[order][1:] - mesh.points[order][:-1])[same] / lengths
    assert np.abs(shift - np.round(shift)).max(initial=0.0) < 1e-12


@pytest.mark.parametrize("periodic", BOXES)
@pytest.mark.parametrize("everywhere", [True, False])
def test_refinement_conforms_and_keeps_volume_and_shape(periodic, everywhere):
    mesh = box(periodic)
    boundary = facet_measure(mesh.points, mesh.facets.vertices).sum()
    volume, shape = volumes(mesh.points, mesh.cells).sum(), quality(mesh)
    lengths = np.ptp(mesh.points, axis=0)
    random = np.random.default_rng(1)
    rounds = {1: 12, 2: 8, 3: 5}[mesh.dimension] if not everywhere else 3
    for _ in range(rounds):
        marked = np.ones(len(mesh.cells), dtype=bool) if everywhere else random.random(len(mesh.cells)) < 0.2
        before = len(mesh.cells)
        mesh = refine(mesh, marked)
        assert len(mesh.cells) >= before + marked.sum()
        assert volumes(mesh.points, mesh.cells).min() > 0.0
        assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(volume, rel=1e-13)
        check_conforming(mesh, boundary)
        check_images(mesh, lengths)
    # bisection of the longest edge: at worst half the smallest angle in the plane (Rosenberg, Stenger 1975)
    assert quality(mesh) >= {1: 1.0, 2: 0.5, 3: 0.2}[mesh.dimension] * shape


@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.0, 0.0, 0.0)])
def test_refinement_towards_a_point_stays_local_and_well_shaped(corner):
    mesh = box((False,) * len(corner), cells=2)
    shape = quality(mesh)
    for _ in range(30 if len(corner) == 2 else 18):
        distance = np.linalg.norm(mesh.cell_points - np.array(corner), axis=2).min(axis=1)
        mesh = refine(mesh, distance == 0.0)
    assert diameters(mesh).min() < 0.05
    assert quality(mesh) >= 0.2 * shape
    assert len(mesh.cells) < 6000


def test_one_cut_halves_a_cell_and_all_edges_quarter_it():
    mesh = box((False, False), cells=1)
    marked = np.array([True, False])
    assert len(refine(mesh, marked).cells) == 4  # the diagonal is the longest edge of both
    assert len(refine(mesh, np.ones(2, dtype=bool), all_edges=True).cells) == 8
    line = box((False,), cells=4)
    assert len(refine(line, np.array([True, False, False, False])).cells) == 5


def test_nothing_marked_changes_nothing():
    mesh = box((False, True))
    same = refine(mesh, np.zeros(len(mesh.cells), dtype=bool))
    assert len(same.cells) == len(mesh.cells)
    assert (same.points == mesh.points).all()


def test_children_inherit_the_region_of_their_parent():
    mesh = box((False, False))
    left = mesh.cell_points.mean(axis=1)[:, 0] < 0.5
    mesh = type(mesh)(mesh.points, mesh.cells, mesh.vertex_class, mesh.facets, (), {"left": left})
    for _ in range(4):
        mesh = refine(mesh, np.random.default_rng(0).random(len(mesh.cells)) < 0.3)
    assert (mesh.regions["left"] == (mesh.cell_points.mean(axis=1)[:, 0] < 0.5)).all()
    assert volumes(mesh.points, mesh.cells)[mesh.regions["left"]].sum() == pytest.approx(0.75)


@pytest.mark.parametrize("center", [[0.0, 1.0], [1.0, 0.0, -1.0]])
def test_new_vertices_of_a_curved_boundary_lie_on_it(center):
    ball = Ball(center, 2.0)
    mesh = ball_triangulation(ball)
    deficits = []
    exact = {2: np.pi * 4.0, 3: 4.0 / 3.0 * np.pi * 8.0}[len(center)]
    for _ in range(3):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
        assert np.abs(ball.level(mesh.points[np.unique(mesh.facets.vertices)].T)).max() < 1e-12
        assert volumes(mesh.points, mesh.cells).min() > 0.0
        deficits.append(exact - volumes(mesh.points, mesh.cells).sum())
    # an inscribed polyhedron lacks a volume of order h^2
    assert deficits[-2] / deficits[-1] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("periodic", [(False,), (False, False), (False, False, False)])
def test_edges_are_split_where_asked(periodic):
    mesh = box(periodic)
    edges = edge_table(mesh.cells).vertices
    edges = edges[np.random.default_rng(2).random(len(edges)) < 0.4]
    ends = mesh.points[edges]
    positions = ends[:, 0] + 0.3 * (ends[:, 1] - ends[:, 0])
    cut = split_edges(mesh, edges, positions)
    new = cut.points[len(mesh.points) :]
    assert len(new) == len(edges)
    assert sorted(map(tuple, new.round(12))) == sorted(map(tuple, positions.round(12)))
    assert volumes(cut.points, cut.cells).sum() == pytest.approx(volumes(mesh.points, mesh.cells).sum())
    check_conforming(cut, facet_measure(mesh.points, mesh.facets.vertices).sum())


def test_a_hanging_vertex_would_be_seen():
    mesh = box((False, False), cells=1)
    middle = np.vstack([mesh.points, mesh.points.mean(axis=0)])
    a, b, c = next(cell for cell in mesh.cells.tolist() if 0 in cell)
    shared = [v for v in (a, b, c) if (mesh.cells == v).sum() == 2]
    third = next(v for v in (a, b, c) if v not in shared)
    other = mesh.cells[1] if third in mesh.cells[0] else mesh.cells[0]
    halves = np.array([[shared[0], 4, third], [4, shared[1], third], other])
    broken = type(mesh)(middle, halves, np.arange(5), mesh.facets)
    with pytest.raises(AssertionError):
        check_conforming(broken, 5.0)
