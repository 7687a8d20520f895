"""Fitted meshes: facets on the surface of the set, cells on one side of it, the domain as it was."""

import math

import numpy as np
import pytest

from benchmarks.level_sets import random_set
from fokker_planck.errors import ProblemError
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.shapes.curved_quality import jacobian_ratios
from fokker_planck.fem.shapes.level_sets import LEAST_RATIO, fit_regions, mark
from fokker_planck.fem.shapes.pieces import smooth_pieces
from fokker_planck.fem.triangulations.fitting import component_holding, cut_at_ends, touches
from fokker_planck.fem.triangulations.generation import axis_points, ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import STRAIGHT, diameters, facet_keys, row_numbers, volumes
from fokker_planck.model.sets.images import with_images
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region

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
CELLS = {1: 10, 2: 16, 3: 6}


def box(dimension, cells=8):
    axes = [np.linspace(-1.0, 1.0, cells + 1)] * dimension
    return grid_triangulation(axes, [False] * dimension)


@pytest.fixture(scope="module", params=SETS)
def fitted(request):
    region, measure = SETS[request.param]
    return region, measure, fit_regions(box(region.dimension, CELLS[region.dimension]), {"A": region})


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
    assert measures(mesh, ["A"])[0] == pytest.approx(measure, rel=1e-9 if mesh.dimension < 3 else 1e-7)


def test_two_sets_at_once():
    sets = {"A": Ball([-0.4, 0.0], 0.3), "B": Ball([0.4, 0.0], 0.3)}
    mesh = fit_regions(box(2), sets)
    assert not (mesh.regions["A"] & mesh.regions["B"]).any()
    assert mesh.surfaces == tuple(sets.values())
    for number, disc in enumerate(sets.values()):
        corners = mesh.points[mesh.facets.vertices[mesh.facets.surface == number]]
        assert np.abs(disc.level(corners.reshape(-1, 2).T)).max() < 1e-9


def measures(mesh, names):
    """True volumes of the regions, curved cells included, and of everything."""
    discretization = discretize(mesh, 2)
    volume = discretization.map.volume
    parts = [float(volume[mesh.regions[name][discretization.cells]].sum()) for name in names]
    return [*parts, float(volume.sum())]


LENS = 2 * 0.16 * math.acos(0.5) - 0.2 * math.sqrt(0.64 - 0.16)  # two discs of radius 0.4, their centres 0.4 apart
PLANE = {
    "far from the grid": (Ball([0.1, -0.05], 0.01), math.pi * 1e-4),
    "in a corner": (Ball([1.0, 1.0], 0.5), math.pi / 16),
    "half in a wall": (Ball([1.0, 0.3], 0.3), math.pi * 0.045),
    "a corner of two discs": (Region("min(0.16-(x+.2)**2-y**2, 0.16-(x-.2)**2-y**2)"), LENS),
    "a strip and a thin one": (Region("max(0.1-abs(x-0.7123), 0.01-abs(x+0.7123))"), 0.44),
    "a diamond": (Region("0.5-abs(x)-abs(y-.1)"), 0.5),
    "a turned square": (Region("min(0.3-abs(x+0.2*y), .4-abs(y-0.2*x))"), 0.48 / 1.04),
    "a quarter": (Region("min(x-0.3137, y-0.2123)"), (1 - 0.3137) * (1 - 0.2123)),
    "two hyperbolas": (Region("x*y-0.25"), 2.0 * (0.75 - 0.25 * math.log(4.0))),
    "a needle": (Ellipsoid([0, 0], [0.8, 0.05]), math.pi * 0.04),
    "a ring": (Region("0.1-abs(sqrt(x**2+y**2)-0.5)"), math.pi * 0.2),
    "a product": (Region("x*(y - 0.1)"), 2.0),
    "a cube": (Region("(x + 0.2*y - 0.3123)**3"), 2.0 * (1 - 0.3123)),
    "a step": (Region("heaviside(x + 0.3*y - 0.1) - 0.5"), 1.8),
}


@pytest.mark.parametrize("name", PLANE)
def test_sets_of_the_plane_keep_area_and_corners(name):
    region, area = PLANE[name]
    mesh = fit_regions(box(2), {"A": region})
    found, everything = measures(mesh, ["A"])
    assert found == pytest.approx(area, rel=1e-9)
    assert everything == pytest.approx(4.0, rel=1e-13)
    assert jacobian_ratios(mesh).min() > LEAST_RATIO
    facets = mesh.facets.vertices[~mesh.facets.boundary]
    x = mesh.points[np.unique(facets)].T
    assert np.min([np.abs(piece.level(x)) for piece in smooth_pieces([region])], axis=0).max() < 1e-9


def test_sets_that_overlap_and_a_disc_as_domain():
    sets = {"A": Ball([-0.2, 0.0], 0.4), "B": Ball([0.2, 0.1], 0.4), "C": HalfSpace([1.0, 0.2], 0.45)}
    found = measures(fit_regions(box(2), sets), sets)
    assert found == pytest.approx([math.pi * 0.16, math.pi * 0.16, 1.1, 4.0], rel=1e-9)
    disc = ball_triangulation(Ball([0.0, 0.0], 1.0))
    for _ in range(2):
        disc = refine(disc, np.ones(len(disc.cells), dtype=bool), all_edges=True)
    sets = {"A": Ball([0.25, 0.1], 0.3), "B": HalfSpace([1.0, 0.0], 0.5)}
    found = measures(fit_regions(disc, sets), sets)
    assert found == pytest.approx([math.pi * 0.09, math.pi / 3 - math.sqrt(3) / 4, math.pi], rel=1e-8)


def test_a_surface_through_a_periodic_seam_matches_itself():
    mesh = grid_triangulation([np.linspace(-1.0, 1.0, 9)] * 2, [True, False])
    region = Region("y - 0.3*sin(pi*x) - 0.1")
    fitted = fit_regions(mesh, {"A": region})
    assert measures(fitted, ["A"]) == pytest.approx([1.8, 4.0], rel=1e-9)
    seam = np.abs(np.abs(fitted.points[:, 0]) - 1.0) < 1e-12
    left, right = (seam & (np.sign(fitted.points[:, 0]) == side) for side in (-1, 1))
    assert np.array_equal(np.sort(fitted.points[left, 1]), np.sort(fitted.points[right, 1]))
    assert set(fitted.vertex_class[left]) == set(fitted.vertex_class[right])


def test_a_ball_across_a_seam_is_whole():
    lower, upper = [-180.0, -60.0], [180.0, 60.0]
    axes = [np.linspace(a, b, n) for a, b, n in zip(lower, upper, (25, 9), strict=True)]
    region = with_images(Ball([170.0, 5.0], 30.0), lower, upper, [360.0, None])
    fitted = fit_regions(grid_triangulation(axes, [True, False]), {"A": region})
    assert measures(fitted, ["A"]) == pytest.approx([math.pi * 900.0, 360.0 * 120.0], rel=1e-9)
    # the seam is no part of the surface
    on = fitted.points[np.unique(fitted.facets.vertices[~fitted.facets.boundary])]
    assert np.abs(region.level(on.T)).max() < 1e-7


@pytest.mark.parametrize(
    ("dimension", "count", "seed"),
    [
        (2, 12, 11),
        pytest.param(2, 100, 11, marks=pytest.mark.slow),
        (3, 1, 0),
        pytest.param(3, 4, 0, marks=pytest.mark.slow),
    ],
)
def test_random_smooth_sets_are_meshed(dimension, count, seed):
    generator = np.random.default_rng(seed)
    grid = [np.linspace(-2.0, 2.0, {2: 9, 3: 6}[dimension])] * dimension
    for _ in range(count):
        sets = {name: random_set(generator, dimension) for name in "AB"[: generator.integers(1, 3)]}
        mesh = fit_regions(grid_triangulation(grid, [False] * dimension), sets)
        assert jacobian_ratios(mesh).min() > LEAST_RATIO
        assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(4.0**dimension, rel=1e-12)
        for name, region in sets.items():
            # vertices of marked cells lie in the set or on its surface; some sets are empty
            assert region.level(mesh.points[np.unique(mesh.cells[mesh.regions[name]])].T).min(initial=0.0) > -1e-9


def test_the_same_input_gives_the_same_digits():
    first, second = (fit_regions(box(2), {"A": Ball([0.1, -0.05], 0.4)}) for _ in range(2))
    assert np.array_equal(first.points, second.points)
    assert np.array_equal(first.cells, second.cells)


@pytest.mark.slow
def test_a_surface_that_crosses_itself_is_refused():
    with pytest.raises(ProblemError, match=r"sets\.A"):
        fit_regions(box(2), {"A": Region("x**2 - y**2 - x*y*0.3")})


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
