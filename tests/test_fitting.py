"""Fitted meshes: facets on the surface of the set, cells on one side of it, the domain as it was."""

import numpy as np
import pytest

from fokker_planck.fem.fitting import component_holding, cut_at_ends, fit, mark, resolve, touches
from fokker_planck.fem.generation import axis_points, ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulation import STRAIGHT, diameters, facet_keys, row_numbers, volumes
from fokker_planck.sets import Ball, Ellipsoid, HalfSpace, Region

SETS = {
    "interval": (Ball([0.13], 0.41), 2 * 0.41),
    "half line": (HalfSpace([-1.0], -0.3), 1.3),
    "disc": (Ball([0.1, -0.05], 0.4), np.pi * 0.16),
    "ellipse": (Ellipsoid([0.0, 0.1], [0.7, 0.3]), np.pi * 0.21),
    "half plane": (HalfSpace([1.0, 0.5], 0.2), 1.6),  # a trapezoid of mean width 1 - 0.2
    "region": (Region("0.3 - x**2 - y**2 + 0.2*x*y"), np.pi * 0.3 / np.sqrt(1.0 - 0.01)),
    "ball": (Ball([0.05, 0.0, -0.1], 0.45), 4.0 / 3.0 * np.pi * 0.45**3),
    "half space": (HalfSpace([1.0, 0.3, -0.4], 0.1), 3.6),  # a prism of mean width 1 - 0.1
}
SIZE = {1: 0.2, 2: 0.1, 3: 0.16}


def box(dimension, cells=8):
    axes = [np.linspace(-1.0, 1.0, cells + 1)] * dimension
    return grid_triangulation(axes, [False] * dimension)


@pytest.fixture(scope="module", params=SETS)
def fitted(request):
    region, measure = SETS[request.param]
    start = box(region.dimension, {1: 8, 2: 8, 3: 4}[region.dimension])
    return region, measure, fit(resolve(start, region, SIZE[region.dimension]), region, "A")


def test_facets_lie_on_the_surface(fitted):
    region, _, mesh = fitted
    on_surface = mesh.facets.vertices[~mesh.facets.boundary]
    assert len(on_surface)
    assert np.abs(region.level(mesh.points[np.unique(on_surface)].T)).max() < 1e-9
    curved = region.dimension > 1 and not isinstance(region, HalfSpace)
    assert set(mesh.facets.surface[~mesh.facets.boundary]) == {0 if curved else STRAIGHT}
    assert mesh.surfaces == ((region,) if curved else ())


def test_no_cell_straddles_the_surface(fitted):
    region, _, mesh = fitted
    level = region.level(mesh.points.T)[mesh.cells]
    inside = mesh.regions["A"]
    assert (level[inside] > -1e-9).all()
    assert (level[~inside] < 1e-9).all()


def test_the_surface_separates_inside_from_outside(fitted):
    _, _, mesh = fitted
    keys, stored = facet_keys(mesh.cells, mesh.vertex_class)
    numbers = row_numbers(keys)
    sides = np.tile(mesh.regions["A"], mesh.dimension + 1)
    changes = (np.bincount(numbers, sides) == 1) & (np.bincount(numbers) == 2)
    between = {tuple(row) for row in np.sort(stored[changes[numbers]], axis=1)}
    tagged = {tuple(row) for row in np.sort(mesh.facets.vertices[~mesh.facets.boundary], axis=1)}
    assert between == tagged


def test_the_domain_stays_as_it_was(fitted):
    _, _, mesh = fitted
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(2.0**mesh.dimension, rel=1e-12)
    keys, _ = facet_keys(mesh.cells, mesh.vertex_class)
    assert np.bincount(row_numbers(keys)).max() <= 2
    assert len(mesh.facets.vertices[mesh.facets.boundary]) == (np.bincount(row_numbers(keys)) == 1).sum()


def test_cells_are_not_squeezed(fitted):
    _, _, mesh = fitted
    shape = volumes(mesh.points, mesh.cells) / diameters(mesh) ** mesh.dimension
    assert shape.min() > {1: 0.99, 2: 0.01, 3: 1e-3}[mesh.dimension]


def test_the_cells_inside_have_the_volume_of_the_set(fitted):
    region, measure, mesh = fitted
    inside = volumes(mesh.points, mesh.cells)[mesh.regions["A"]].sum()
    # straight facets miss h^2/12 of a unit curvature's area in the plane; a flat surface misses nothing
    error = {2: 0.02, 3: 0.05}[mesh.dimension] if mesh.surfaces else 1e-12
    assert inside == pytest.approx(measure, rel=error)


def test_cells_near_the_surface_are_as_small_as_asked():
    disc = Ball([0.0, 0.0], 0.5)
    mesh = resolve(box(2), disc, 0.05)
    crossed = np.abs(np.sign(disc.level(mesh.points.T))[mesh.cells].sum(axis=1)) < 3
    assert diameters(mesh)[crossed].max() <= 0.05
    assert diameters(mesh).max() > 0.2


def test_two_sets_can_be_fitted_one_after_the_other():
    first, second = Ball([-0.4, 0.0], 0.3), Ball([0.4, 0.0], 0.3)
    mesh = box(2)
    for name, disc in (("A", first), ("B", second)):
        mesh = fit(resolve(mesh, disc, 0.1), disc, name)
    assert not (mesh.regions["A"] & mesh.regions["B"]).any()
    assert mesh.surfaces == (first, second)
    for number, disc in enumerate((first, second)):
        corners = mesh.points[mesh.facets.vertices[mesh.facets.surface == number]]
        assert np.abs(disc.level(corners.reshape(-1, 2).T)).max() < 1e-9


def test_a_set_on_faces_of_the_grid_needs_no_fitting():
    wall = HalfSpace([1.0, 0.0], 0.5)
    mesh = mark(box(2), wall, "wall")
    assert len(mesh.cells) == 128
    assert volumes(mesh.points, mesh.cells)[mesh.regions["wall"]].sum() == pytest.approx(1.0)


def test_axis_points_meet_the_breaks():
    axis = axis_points(-1.0, 1.0, 10, [0.25, -0.5, 3.0, -1.0])
    assert {-1.0, -0.5, 0.25, 1.0} <= set(axis)
    assert (np.diff(axis) > 0.0).all()
    assert np.diff(axis).max() < 0.3


def test_only_the_connected_part_is_kept():
    mesh = box(2, 8)
    centres = mesh.cell_points.mean(axis=1)
    two_bars = np.abs(centres[:, 0]) > 0.5
    left = component_holding(mesh, two_bars, np.array([[-0.9, 0.3]]))
    assert (left == (centres[:, 0] < -0.5)).all()
    both = component_holding(mesh, two_bars, np.array([[-0.9, 0.3], [0.8, 0.0]]))
    assert (both == two_bars).all()


def test_periodic_images_connect():
    axes = [np.linspace(0.0, 1.0, 9)] * 2
    mesh = grid_triangulation(axes, [True, False])
    centres = mesh.cell_points.mean(axis=1)
    outer = np.abs(centres[:, 0] - 0.5) > 0.25
    assert (component_holding(mesh, outer, np.array([[0.1, 0.5]])) == outer).all()


@pytest.mark.parametrize(
    ("mesh", "text", "ends"),
    [
        (ball_triangulation(Ball([0.0, 0.0], 1.0)), "min(x**2 + y**2 - 1, x - cos(0.7))", [(0.7, 1.0), (-0.7, 1.0)]),
        (box(2), "min(x - 1, 0.33 - abs(y - 0.05))", None),
    ],
    ids=["arc", "window"],
)
def test_a_vertex_stands_where_a_part_of_the_wall_ends(mesh, text, ends):
    region = Region(text)
    cut = cut_at_ends(mesh, region)
    places = [(np.cos(a), np.sin(a)) for a, _ in ends] if ends else [(1.0, 0.38), (1.0, -0.28)]
    for place in places:
        assert np.linalg.norm(cut.points - place, axis=1).min() < 1e-9
    assert touches(region, cut.points.T, 2.0).sum() >= 2
    assert cut_at_ends(cut, region) is cut


def test_a_set_away_from_the_wall_has_no_ends():
    mesh = box(2)
    assert cut_at_ends(mesh, Region("0.1 - x**2 - y**2")) is mesh
