"""The flow to a well slides along the walls of a mesh file, as it does along those of a box."""

import math
from itertools import pairwise, permutations

import meshio
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.landscape.finding.survey import held_by
from fokker_planck.landscape.flow.captures import Capture
from fokker_planck.landscape.flow.gradient_flow import FlowSettings, descend
from fokker_planck.landscape.flow.held_by_mesh import HeldByMesh
from fokker_planck.landscape.frame import Frame
from fokker_planck.mesh.walls import Walls

NOTCH = (([-1.5, -0.6, 0.4, 1.5], [-1.0, -0.2, 1.0]), {(1, 1)})
"""Edges of blocks in x and y, and the block that is left out: a U."""


def blocks(path, edges, without, angle=0.0, parts=4):
    """Triangles on blocks of a grid with the given edges, turned by an angle, in a mesh file."""
    x, y = (
        np.concatenate([np.linspace(a, b, parts, endpoint=False) for a, b in pairwise(e)] + [e[-1:]]) for e in edges
    )
    number = np.arange(len(x) * len(y)).reshape(len(x), len(y))
    cells = []
    for i, j in np.ndindex(len(x) - 1, len(y) - 1):
        if (i // parts, j // parts) not in without:
            a, b, c, d = number[i, j], number[i + 1, j], number[i + 1, j + 1], number[i, j + 1]
            cells += [[a, b, c], [a, c, d]]
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = np.stack([axis.ravel() for axis in np.meshgrid(x, y, indexing="ij")], axis=1) @ turn.T
    meshio.write(path, meshio.Mesh(points, [("triangle", np.array(cells))]))
    return fp.MeshFile(path)


def turned(expression, angle):
    """The expression in X and Y as one in x and y, the axes turned by the angle."""
    c, s = math.cos(angle), math.sin(angle)
    return expression.replace("X", f"({c!r}*x + {s!r}*y)").replace("Y", f"({c!r}*y - {s!r}*x)")


def weights(expression, noise, domain, tolerance=1e-6):
    problem = fp.Problem(
        fp.Overdamped(fp.Potential(expression), fp.Isotropic(noise)), domain, fp.Resolution(tolerance=tolerance)
    )
    return fp.stationary_density(problem).wells


def slope_of_the_right_arm(noise):
    """exp(-(0.3x - 0.5y)/noise) over the right arm and what flows into it along (-0.3, 0.5), and over all of the U."""

    def along(rate, low, high):
        return (math.exp(rate * high) - math.exp(rate * low)) / rate

    a, b = -0.3 / noise, 0.5 / noise
    arm = along(a, 0.4, 1.5) * along(b, -0.2, 1.0)
    nodes, weight = np.polynomial.legendre.leggauss(200)
    y = -0.6 + 0.4 * nodes
    below = 0.4 * weight @ np.array([math.exp(b * v) * along(a, 0.4 + 0.6 * (-0.2 - v), 1.5) for v in y])
    left = along(a, -1.5, -0.6) * along(b, -0.2, 1.0)
    return (arm + below) / (arm + left + along(a, -1.5, 1.5) * along(b, -1.0, -0.2))


@pytest.mark.parametrize("angle", [pytest.param(0.0, marks=pytest.mark.slow), 0.5])
def test_a_slope_in_a_notched_domain_has_a_well_at_the_top_of_either_arm(tmp_path, angle):
    domain = blocks(tmp_path / "u.vtu", *NOTCH, angle)
    wells = weights(turned("0.3*X - 0.5*Y", angle), 0.05, domain, 1e-4)
    c, s = math.cos(angle), math.sin(angle)
    tops = [[c * x - s, s * x + c] for x in (-1.5, 0.4)]
    np.testing.assert_allclose([well.minimum for well in wells], tops, atol=1e-9)
    right = wells[1].probability
    assert right.value == pytest.approx(slope_of_the_right_arm(0.05), rel=right.relative_error)
    assert right.relative_error < 1e-4


@pytest.mark.slow
def test_a_turned_square_is_met_by_the_flow_as_a_box_is(tmp_path):
    """V falls without bound outside, where a flow that no wall holds would end."""
    expression, angle = "(X**2 - 1)**2/4 - Y*(0.3 + 0.3*X)*(Y + 0.3)", 0.5
    domain = blocks(tmp_path / "square.vtu", ([-1.5, 1.5], [-1.0, 1.0]), set(), angle, parts=8)
    found = weights(turned(expression, angle), 0.05, domain)
    box = weights(expression.replace("X", "x").replace("Y", "y"), 0.05, fp.Box([-1.5, -1.0], [1.5, 1.0]))
    assert len(found) == len(box) == 2
    for ours, theirs in zip(found, box, strict=True):
        bar = ours.probability.relative_error + theirs.probability.relative_error
        assert ours.probability.value == pytest.approx(theirs.probability.value, rel=bar)


@pytest.mark.slow
def test_a_saddle_at_a_corner_has_rates_and_no_asymptotic_value(tmp_path):
    problem = fp.Problem(
        fp.Overdamped(fp.Potential("(x + 0.2)**2/2 - 0.5*y"), fp.Isotropic(0.05)), blocks(tmp_path / "u.vtu", *NOTCH)
    )
    found = fp.rates(problem)
    assert [tuple(well) for well in found.minima[:2]] == [(-0.6, 1.0), (0.4, 1.0)]
    assert found.asymptotic[0][1] is None
    assert found.rates[0][1].relative_error < 1e-5


def test_how_thin_the_notch_is_limits_the_step_of_the_flow(tmp_path):
    held = HeldByMesh(blocks(tmp_path / "thin.vtu", ([-1.0, -0.02, 0.02, 1.0], [-1.0, 0.0, 1.0]), {(1, 1)}))
    assert 0.02 <= held.reach <= 0.06
    assert HeldByMesh(blocks(tmp_path / "square.vtu", ([-1.0, 1.0], [-1.0, 1.0]), set())).reach == math.inf


def test_the_nearest_point_of_a_triangle_is_inside_on_an_edge_or_at_a_corner():
    triangle = Walls(np.array([[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]))
    x = np.array([[0.2, 0.2, 0.7], [1.0, 1.0, 0.5], [0.3, -2.0, 0.0], [-1.0, -1.0, 3.0]]).T
    wanted = [[0.2, 0.2, 0.0], [0.5, 0.5, 0.0], [0.3, 0.0, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(triangle.nearest(x).T, wanted, atol=1e-15)


def annulus_of_second_order(path, inner, around=24):
    """Six-node triangles between two circles, the outer of radius one."""
    radii, angles = np.linspace(inner, 1.0, 9), np.linspace(0.0, 2.0 * np.pi, 2 * around, endpoint=False)
    points = np.stack([np.outer(radii, np.cos(angles)).ravel(), np.outer(radii, np.sin(angles)).ravel()], axis=1)

    def node(i, j):
        return i * len(angles) + j % len(angles)

    cells = []
    for i, j in np.ndindex(4, around):
        a, b, c, d = ((2 * i, 2 * j), (2 * i + 2, 2 * j), (2 * i + 2, 2 * j + 2), (2 * i, 2 * j + 2))
        for corners in ((a, b, c), (a, c, d)):
            middles = [tuple((np.add(p, q) // 2).tolist()) for p, q in pairwise((*corners, corners[0]))]
            cells.append([node(*place) for place in (*corners, *middles)])
    meshio.write(path, meshio.Mesh(points, [("triangle6", np.array(cells))]), file_format="gmsh22", binary=False)
    return fp.MeshFile(path)


def time_of_flight(domain, start, radius=0.1):
    """How long the flow of a uniform force along x takes to come as near as that to (1, 0)."""
    potential = fp.Potential("-x + 0*y")
    hold = held_by(fp.Problem(fp.Overdamped(potential, fp.Isotropic(1.0)), domain))
    frame = Frame((-1.0, -1.0), (1.0, 1.0), (None, None), False, hold)
    capture = Capture(np.array([1.0, 0.0]), np.eye(2), radius)
    path = descend(potential, np.array(start)[:, None], [capture], frame, FlowSettings(timed=True))
    assert path.labels.tolist() == [0]
    return path.times[0]


def along_the_outer_circle(height, radius=0.1):
    """A pendulum of unit length without inertia, dtheta/dt = -sin(theta), from a height above the end to there."""
    return math.log(math.tan(math.asin(height) / 2.0) / math.tan(math.asin(radius / 2.0)))


def test_the_flow_slides_along_a_sphere_to_the_end_of_a_pendulum():
    """When a ball is entered is known to a four-thousandth of a step, here of 0.16."""
    exact = 0.5 + math.sqrt(1.0 - 0.25**2) + along_the_outer_circle(0.25)
    assert time_of_flight(fp.Ball([0.0, 0.0], 1.0), [-0.5, 0.25]) == pytest.approx(exact, rel=2e-5)


def test_the_flow_slides_along_a_wall_that_bends_inwards_and_leaves_it_at_a_tangent(tmp_path):
    """Second order is 2e-5 off a circle here; a flow that is pressed back onto the hole at every step never ends."""
    hole, height = 0.25, 0.02
    free = 0.8 - math.sqrt(hole**2 - height**2) + math.sqrt(1.0 - hole**2)
    around = -hole * math.log(math.tan(math.asin(height / hole) / 2.0))
    found = time_of_flight(annulus_of_second_order(tmp_path / "ring.msh", hole), [-0.8, height])
    assert found == pytest.approx(free + around + along_the_outer_circle(hole), rel=2e-4)


@pytest.mark.slow
def test_wells_that_walls_hold_have_their_weights_in_a_turned_mesh_in_space(tmp_path):
    axes = np.linspace(-1.5, 1.5, 7), np.linspace(-1.0, 1.0, 5), np.linspace(-1.0, 1.0, 5)
    number = np.arange(7 * 5 * 5).reshape(7, 5, 5)
    cells = []
    for corner in np.ndindex(6, 4, 4):
        for order in permutations(range(3)):
            at, cell = list(corner), [number[corner]]
            for axis in order:
                at[axis] += 1
                cell.append(number[tuple(at)])
            cells.append(cell)
    c, s = math.cos(0.5), math.sin(0.5)
    turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    points = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1) @ turn.T
    meshio.write(tmp_path / "block.vtu", meshio.Mesh(points, [("tetra", np.array(cells))]))
    expression = "(X**2 - 1)**2/4 - 0.5*Y + 0.3*z**2 + 0.1*X*Y"
    found = weights(turned(expression, 0.5), 0.1, fp.MeshFile(tmp_path / "block.vtu"), 1e-3)
    plain = expression.replace("X", "x").replace("Y", "y")
    box = weights(plain, 0.1, fp.Box([-1.5, -1.0, -1.0], [1.5, 1.0, 1.0]), 1e-3)
    assert len(found) == len(box) == 2
    for ours, theirs in zip(found, box, strict=True):
        bar = ours.probability.relative_error + theirs.probability.relative_error
        assert ours.probability.value == pytest.approx(theirs.probability.value, rel=bar)
        assert bar < 2e-3
