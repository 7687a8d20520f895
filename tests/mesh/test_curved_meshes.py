"""Meshes of second and higher order keep their curved boundary: its area and volume, its exit times."""

import math

import meshio
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import MeshFileError
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.mesh.curved_facets import facet_lattice
from fokker_planck.mesh.files import read_mesh

CUBIC = "triangle10"


def disc_of_triangles(folder, count, order=2):
    """``count`` triangles around the centre, whose outer edges have their nodes on the unit circle."""
    angle = 2.0 * math.pi / count
    points = [[0.0, 0.0]]

    def node(radius, place):
        points.append([radius * math.cos(angle * place), radius * math.sin(angle * place)])
        return len(points) - 1

    outer = [node(1.0, i) for i in range(count)]
    arcs = [[node(1.0, i + j / order) for j in range(1, order)] for i in range(count)]
    spokes = [[node(j / order, i) for j in range(1, order)] for i in range(count)]
    cells = []
    for i in range(count):
        k = (i + 1) % count
        inside = [node(0.5, i + 0.5)] if order == 3 else []
        cells.append([0, outer[i], outer[k], *spokes[i], *arcs[i], *spokes[k][::-1], *inside])
    path = folder / "disc.msh"
    x = np.concatenate([points, np.zeros((len(points), 1))], axis=1)
    kind = {2: "triangle6", 3: CUBIC}[order]
    meshio.write(path, meshio.Mesh(x, [(kind, np.array(cells))]), file_format="gmsh22", binary=False)
    return path


def brownian(path, tolerance=1e-6):
    process = fp.Overdamped(fp.Potential("0*x"), fp.Isotropic(1.0))
    return fp.Problem(process=process, domain=fp.MeshFile(path), resolution=fp.Resolution(tolerance=tolerance))


def segment_area(order, angle):
    """Of a piece of the disc whose arc is a polynomial: half the integral of x dy - y dx."""
    places = facet_lattice(2, order)[:, 0]
    powers = np.linalg.inv(np.vander(places, increasing=True))
    x, y = (np.polynomial.Polynomial(powers @ f(angle * places)) for f in (np.cos, np.sin))
    area = 0.5 * ((x * y.deriv() - y * x.deriv()).integ())(1.0)
    return float(area)


@pytest.mark.parametrize(("count", "order"), [(8, 2), (5, 3)])
def test_the_area_is_that_of_the_file_on_every_mesh(tmp_path, count, order):
    problem = brownian(disc_of_triangles(tmp_path, count, order))
    exact = count * segment_area(order, 2.0 * math.pi / count)
    mesh = domain_triangulation(problem, {})
    for _ in range(3):
        assert discretize(mesh, 4).map.volume.sum() == pytest.approx(exact, rel=1e-13)
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool))


@pytest.mark.slow
def test_brownian_motion_leaves_a_curved_disc_as_it_leaves_the_disc(tmp_path):
    """From the centre of the disc it takes 1/4; 32 parabolas are off by the fourth power of their angle."""
    coarse = fp.mean_exit_time(brownian(disc_of_triangles(tmp_path, 8)), [0, 0], "boundary").mean
    fine = fp.mean_exit_time(brownian(disc_of_triangles(tmp_path, 8), 1e-9), [0, 0], "boundary").mean
    assert coarse.value == pytest.approx(fine.value, rel=coarse.relative_error)
    assert coarse.value == pytest.approx(0.25, rel=1e-3)
    many = fp.mean_exit_time(brownian(disc_of_triangles(tmp_path, 32)), [0, 0], "boundary").mean
    assert many.value == pytest.approx(0.25, rel=1e-3 / 4**4 * 1.5)


def test_points_between_the_arc_and_its_chord_are_inside(tmp_path):
    problem = brownian(disc_of_triangles(tmp_path, 8))
    beyond = [0.99 * math.cos(math.pi / 8), 0.99 * math.sin(math.pi / 8)]
    assert problem.contains(np.array([beyond, np.multiply(beyond, 1.03), [1.0, 0.0]]).T).tolist() == [True, False, True]
    assert fp.mean_exit_time(problem, beyond, "boundary").mean.value == pytest.approx((1.0 - 0.99**2) / 4.0, rel=0.05)


def tetrahedra_of_a_ball():
    """Eight tetrahedra of ten nodes, whose outer edges have their middles on the unit sphere."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    points, cells, number = [[0.0, 0.0, 0.0], *axes.tolist()], [], {}

    def middle(a, b):
        if (pair := (min(a, b), max(a, b))) not in number:
            place = 0.5 * (np.array(points[a]) + np.array(points[b]))
            number[pair] = len(points)
            points.append((place if a == 0 else place / np.linalg.norm(place)).tolist())
        return number[pair]

    for x in (1, 4):
        for y in (2, 5):
            for z in (3, 6):
                corners = [0, x, y, z]
                pairs = [(0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)]
                cells.append(corners + [middle(*sorted((corners[a], corners[b]))) for a, b in pairs])
    return np.array(points), np.array(cells)


def test_tetrahedra_of_second_order_keep_their_volume(tmp_path):
    points, cells = tetrahedra_of_a_ball()
    path = tmp_path / "ball.vtu"
    meshio.write(path, meshio.Mesh(points, [("tetra10", cells)]))
    problem = brownian(path)
    mesh = domain_triangulation(problem, {})
    whole = discretize(mesh, 4).map.volume.sum()
    # the eight patches by the divergence theorem, at their own nodes
    curved = read_mesh(path).curved
    u, v = np.meshgrid(*[np.polynomial.legendre.leggauss(8)[0] / 2 + 0.5] * 2)
    w = np.outer(*[np.polynomial.legendre.leggauss(8)[1] / 2] * 2).ravel() * u.ravel()
    places = np.stack([u.ravel() * (1 - v.ravel()), u.ravel() * v.ravel()], axis=1)
    exact = 0.0
    for facet in range(8):
        own = np.full(len(w), facet)
        tangents = curved._tangents(own, places)
        normal = np.cross(tangents[:, :, 0], tangents[:, :, 1])
        exact += abs((w * (curved.at(own, places) * normal).sum(axis=1)).sum()) / 3.0
    assert whole == pytest.approx(exact, rel=1e-12)
    for _ in range(2):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool))
    assert discretize(mesh, 4).map.volume.sum() == pytest.approx(exact, rel=1e-12)


def test_unknown_orders_of_nodes_are_refused_and_straight_ones_taken(tmp_path):
    points, cells = tetrahedra_of_a_ball()
    straight = points.copy()
    for cell in cells:
        straight[cell[4:]] = [
            0.5 * (points[cell[a]] + points[cell[b]]) for a, b in [(0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)]
        ]
    path = tmp_path / "mesh.vtu"
    meshio.write(path, meshio.Mesh(straight, [("tetra10", cells)]))
    assert read_mesh(path).curved is None
    # of order three: the nodes of a straight one are known in any order, those of a curved one are not
    steps = np.array([[i, j, k] for i in range(4) for j in range(4 - i) for k in range(4 - i - j)]) / 3.0
    inner = steps[(steps.max(axis=1) < 1.0) & steps.any(axis=1)]
    points = np.concatenate([np.zeros((1, 3)), np.eye(3), inner])
    path = tmp_path / "cubic.msh"
    meshio.write(path, meshio.Mesh(points, [("tetra20", np.arange(20)[None])]), file_format="gmsh22", binary=False)
    assert read_mesh(path).curved is None
    points = points + 0.01 * np.sin(9.0 * points)
    meshio.write(path, meshio.Mesh(points, [("tetra20", np.arange(20)[None])]), file_format="gmsh22", binary=False)
    with pytest.raises(MeshFileError, match="curved cells of type tetra20"):
        read_mesh(path)


def test_a_ball_inside_a_curved_mesh_is_met_as_in_the_disc(tmp_path):
    """(log(r/a) - (r^2 - a^2)/2)/2 from r to a round target of radius a; 24 cubics are off by 1.4e-6 in area."""
    radius, start = 0.3, 0.6
    exact = 0.5 * (math.log(start / radius) - 0.5 * (start**2 - radius**2))
    found = fp.mean_exit_time(brownian(disc_of_triangles(tmp_path, 24, 3)), [start, 0], fp.Ball([0, 0], radius)).mean
    assert found.relative_error < 1e-6
    assert found.value == pytest.approx(exact, rel=2e-6)
