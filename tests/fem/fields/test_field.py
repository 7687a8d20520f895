"""Finite-element functions: their values at points, straight cells and curved ones, and what they hand to plots."""

import pickle
from math import pi

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.fields.field import Field
from fokker_planck.fem.fields.interpolation import interpolate, nearly
from fokker_planck.fem.fields.point_location import locate
from fokker_planck.fem.shapes.level_sets import fit_regions
from fokker_planck.fem.triangulations.generation import ball_triangulation, grid_triangulation
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import volumes
from fokker_planck.model.sets.shapes import Ball


def grid(shape, periodic=None, length=1.0):
    return grid_triangulation([np.linspace(0.0, length, n + 1) for n in shape], periodic or [False] * len(shape))


def ball_mesh(dimension, times=1):
    mesh = ball_triangulation(Ball([0.0] * dimension, 1.0))
    for _ in range(times):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    return mesh


def polynomial(x, degree):
    """A polynomial of the given degree in which every coordinate matters."""
    return sum((k + 1.0) * (c - 0.3) ** (degree - k % 2) for k, c in enumerate(x)) + 0.7


@pytest.mark.parametrize(("shape", "degree"), [((6,), 6), ((4, 3), 4), ((2, 2, 3), 3)])
def test_polynomials_are_reproduced(shape, degree):
    mesh = grid(shape)
    random = np.random.default_rng(4)
    for _ in range(3):
        mesh = refine(mesh, random.random(len(mesh.cells)) < 0.3)
    discretization = discretize(mesh, degree)
    field = Field("u", discretization, polynomial(discretization.nodes.T, degree))
    x = random.random((len(shape), 300))
    assert field(x) == pytest.approx(polynomial(x, degree), rel=1e-12, abs=1e-12)
    assert field(x[:, :6].reshape(len(shape), 2, 3)).shape == (2, 3)
    assert field(x[:, 0]).shape == ()


@pytest.mark.parametrize("shape", [(6,), (4, 3), (2, 2, 3)])
def test_vertices_and_corners_are_inside_and_the_rest_is_not(shape):
    discretization = discretize(grid(shape), 2)
    dimension = len(shape)
    nodal = np.ones(discretization.count)
    assert interpolate(discretization, nodal, discretization.nodes.T) == pytest.approx(1.0, rel=1e-12)
    outside = np.stack([np.full(dimension, -0.01), np.full(dimension, 1.5)], axis=1)
    assert np.isnan(interpolate(discretization, nodal, outside)).all()
    assert (locate(discretization, outside)[0] == -1).all()


@pytest.mark.parametrize(("dimension", "degree", "finest"), [(2, 4, 2e-5), (3, 2, 1e-2)])
def test_values_in_curved_cells(dimension, degree, finest):
    random = np.random.default_rng(0)
    x = random.normal(size=(dimension, 400))
    x *= random.random(400) ** (1.0 / dimension) / np.linalg.norm(x, axis=0)

    def smooth(x):
        return np.exp(x[0]) * np.cos(x[1])

    errors = []
    for times in (1, 2):
        discretization = discretize(ball_mesh(dimension, times), degree)
        field = Field("u", discretization, smooth(discretization.nodes.T))
        errors.append(np.abs(field(x) - smooth(x)).max())
    assert errors[1] < finest
    assert np.log2(errors[0] / errors[1]) > degree + 0.7  # p + 1 in the limit


@pytest.mark.parametrize("dimension", [2, 3])
def test_coordinates_are_found_back_in_curved_cells(dimension):
    discretization = discretize(ball_mesh(dimension), 3)
    nodes = discretization.nodes[::5]
    cells, reference = locate(discretization, nodes.T)
    assert (cells >= 0).all()
    assert reference.min() > -1e-8
    assert reference.sum(axis=1).max() < 1.0 + 1e-8
    for axis in range(dimension):  # the nodes belong to their unknowns, in straight and in curved cells
        values = interpolate(discretization, discretization.nodes[:, axis], nodes.T)
        assert values == pytest.approx(nodes[:, axis], abs=1e-7)


def test_both_sides_of_a_curved_surface_are_covered():
    disc = Ball([0.5, 0.5], 0.3)
    mesh = fit_regions(grid((8, 8)), {"A": disc})
    discretization = discretize(mesh, 4)
    angle = np.linspace(0.0, 2.0 * pi, 200)
    for radius in (0.29999, 0.3, 0.30001):
        x = 0.5 + radius * np.stack([np.cos(angle), np.sin(angle)])
        cells, _ = locate(discretization, x)
        inside = mesh.regions["A"][discretization.cells[cells]]
        assert (cells >= 0).all()
        if radius != 0.3:
            assert (inside == (radius < 0.3)).all()


def test_a_field_on_a_ring_is_continuous_across_the_period():
    circle = 2.0 * pi
    discretization = discretize(grid((8,), [True], circle), 6)
    field = Field("u", discretization, np.sin(discretization.nodes[:, 0]))
    x = np.linspace(0.0, circle, 50)
    assert field(x[None]) == pytest.approx(np.sin(x), abs=1e-7)
    points, cells, values = field.triangulation()
    assert points[:, 0].max() == pytest.approx(circle)
    assert values == pytest.approx(np.sin(points[:, 0]), abs=1e-12)
    assert len(cells) == 8 * 6


@pytest.mark.parametrize(
    ("mesh", "degree", "pieces"),
    [(grid((5,)), 4, 4), (grid((3, 2)), 3, 9), (grid((2, 1, 1)), 2, 8), (ball_mesh(2), 3, 9)],
)
def test_the_output_mesh_splits_every_cell_at_its_nodes(mesh, degree, pieces):
    discretization = discretize(mesh, degree)
    nodal = np.linspace(0.0, 1.0, discretization.count)
    field = Field("u", discretization, nodal)
    points, cells, values = field.triangulation()
    assert len(cells) == pieces * len(mesh.cells)
    assert len(points) == discretization.count
    assert np.abs(volumes(points, cells)).min() > 0.0
    whole = discretization.map.volume.sum()
    error = 0.02 if len(discretization.curved.cells) else 1e-12
    assert np.abs(volumes(points, cells)).sum() == pytest.approx(whole, rel=error)
    assert sorted(values) == pytest.approx(sorted(nodal))
    assert (field.values == values).all()
    at = field(points.T)
    assert at == pytest.approx(values, abs=1e-7)


@pytest.mark.parametrize("degree", range(2, 8))
def test_pieces_of_neighbouring_cells_in_space_meet_in_whole_facets(degree):
    mesh = grid((2, 2, 1))
    points, cells, _ = Field("u", (own := discretize(mesh, degree)), np.zeros(own.count)).triangulation()
    facets = np.sort(cells[:, [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]].reshape(-1, 3), axis=1)
    facets, cells_at = np.unique(facets, axis=0, return_counts=True)
    lower, upper = points.min(axis=0), points.max(axis=0)
    corners = points[facets]
    on_box = ((np.abs(corners - lower) < 1e-12).all(axis=1) | (np.abs(corners - upper) < 1e-12).all(axis=1)).any(axis=1)
    assert (cells_at == np.where(on_box, 1, 2)).all()


def test_a_field_of_logarithms_gives_values_and_their_logarithms():
    discretization = discretize(grid((3,)), 2)
    x = discretization.nodes[:, 0]
    logs = Field("p", discretization, x - 2000.0, logarithm=True)
    assert logs(np.array([[0.3]])) == 0.0
    assert logs.log(np.array([0.3])) == pytest.approx(-1999.7, rel=1e-14)
    plain = Field("p", discretization, 1.0 + x)
    near = Field("p", discretization, np.log1p(x), logarithm=True)
    nodes = x[None]
    for one, other in ((plain(nodes), near(nodes)), (plain.log(nodes), near.log(nodes))):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(near.values, plain.values, rtol=1e-13)
    np.testing.assert_allclose(near.log_values, plain.log_values, rtol=1e-13, atol=1e-15)


def test_the_name_is_shown():
    field = Field("density", discretize(grid((2,)), 2), np.zeros(5), logarithm=True)
    assert repr(field) == "<Field 'density' on <Discretization: 2 cells of degree 2, 5 unknowns>>"
    assert field.logarithm


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_grid_around_a_curved_mesh_takes_no_longer_than_its_points(dimension):
    """8,000 points in and around a ball: 100 s where each was tried in up to 256 cells, curved or not, around it."""
    from time import process_time

    discretization = discretize(ball_mesh(dimension), 3)

    def smooth(x):
        return 3.0 * np.sin(1.3 * x[0] + x[1]) + x[-1] ** 2

    x = np.random.default_rng(1).uniform(-1.1, 1.1, (dimension, 8_000))
    inside = np.linalg.norm(x, axis=0) < 1.0
    began = process_time()
    cells = locate(discretization, x)[0]
    found = nearly(discretization, x)(smooth(discretization.nodes.T))
    assert process_time() - began < 20.0
    assert ((cells >= 0) == inside).all()
    # of 35,000 points in a ball of 160 cells 492, all beside the wall, are in no straight cell nor near a curved one
    assert np.isnan(found[inside]).mean() < 0.03
    known = np.isfinite(found)
    assert np.abs(found - smooth(x))[known].max() < 0.1
    assert known[~inside].any()


@pytest.mark.parametrize("dimension", [1, 2])
def test_fields_repeat_along_a_periodic_axis(dimension):
    """Beyond a period there was nothing but nan of a mean time, a committor, an eigenfunction."""
    process = fp.Overdamped(fp.Potential("cos(2*pi*x)" + ("+ y**2/2" if dimension == 2 else "")), fp.Isotropic(0.5))
    walls = ["periodic", "reflecting"][:dimension]
    given = fp.Problem(process, fp.Box([0, -1][:dimension], [1, 1][:dimension], walls), fp.Resolution(tolerance=1e-3))
    here = np.array([[0.2, 0.9], [0.1, -0.3]])[:dimension]
    goal = fp.Ball([0.5, 0.0][:dimension], 0.1)
    times = fp.mean_exit_time(given, [0.2, 0.1][:dimension], goal).field
    committor = fp.committor(given, goal, fp.Ball([0.15, 0.0][:dimension], 0.1)).field
    for field in (times, pickle.loads(pickle.dumps(times)), committor, fp.spectrum(given, count=2).eigenfunctions[1]):
        for periods in (-3.0, 1.0, 2.0):
            there = here + periods * np.eye(dimension)[:, :1]
            assert np.allclose(field(there), field(here), rtol=1e-9)
    if dimension == 2:
        assert np.isnan(times(np.array([[0.2], [1.5]]))).all()


def test_with_momentum_functions_are_constant_within_sets_that_are_left_through_a_part_of_their_surface(tmp_path):
    """Inside x > 0.75 the mean time is zero and the committor one, though both have other values at x = 0.75, v < 0."""
    process = fp.Underdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.1), 0.6)
    problem = fp.Problem(process, fp.Box([-2.3, -2.4], [2.3, 2.4]), fp.Resolution(1e-2))
    left, right = fp.HalfSpace([-1, 0], 0.75), fp.HalfSpace([1, 0], 0.75)
    inside = np.array([[0.76, 0.8, 0.9, 1.0, 1.2], [-0.5, -1.2, 0.5, -0.1, -0.5]])
    time = fp.mean_exit_time(problem, [-1, 0], right)
    assert time.field(inside).tolist() == [0.0] * 5
    assert (time.field.log(inside) == -np.inf).all()
    assert time.field(np.array([[0.74], [-0.5]]))[0] > 1.0
    ways = fp.committor(problem, left, right)
    assert (*ways.field(inside), *ways.field(-inside)) == pytest.approx((1.0,) * 5 + (0.0,) * 5, abs=1e-12)
    assert (*ways.backward(inside), *ways.backward(-inside)) == pytest.approx((0.0,) * 5 + (1.0,) * 5, abs=1e-12)
    assert (ways.reactive_density.log(inside) == -np.inf).all()
    fp.save(tmp_path, {"exit-time": time, "committor": ways})
    loaded = fp.load(tmp_path)
    assert loaded["exit-time"].field(inside).tolist() == [0.0] * 5
    assert loaded["committor"].field(inside) == pytest.approx(1.0, abs=1e-12)
