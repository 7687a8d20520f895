"""Which points of a domain the landscape search looks at, and what it finds in domains of every kind."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from fokker_planck.landscape.finding.survey import sample_graph, survey
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.model.sets.shapes import Ball

MESHES = Path(__file__).parents[3] / "meshes"
QUARTIC = "(x**2 - 1)**2/4"
PLANE = f"{QUARTIC} + y**2/2"


def problem(expression, domain):
    return Problem(Overdamped(Potential(expression), Isotropic(0.1)), domain)


DOMAINS = {
    "interval": problem(QUARTIC, Box([-2.0], [2.0])),
    "rectangle": problem(PLANE, Box([-2.0, -1.5], [2.0, 1.5])),
    "disc": problem(PLANE, Ball([0.0, 0.0], 1.6)),
    "sublevel": problem(PLANE, Sublevel(0.8)),
    "ball": problem(f"{PLANE} + z**2/2", Ball([0.0, 0.0, 0.0], 1.6)),
    "mesh": problem("x**2 + y**2", MeshFile(MESHES / "l_shape.msh")),
    "annulus": problem("x**2", MeshFile(MESHES / "annulus.msh")),
    "cube": problem("x**2", MeshFile(MESHES / "cube.msh")),
    "line": problem("x**2", MeshFile(MESHES / "interval.msh")),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_samples_are_in_the_domain_and_connected(name):
    asked = DOMAINS[name]
    points, edges = sample_graph(asked)
    assert asked.contains(points.T).all()
    assert len(points) > 1000
    assert edges.min() >= 0
    assert edges.max() < len(points)
    graph = coo_matrix((np.ones(len(edges)), edges.T), shape=(len(points),) * 2)
    assert connected_components(graph, directed=False)[0] == 1
    lower, upper = (np.array(corner) for corner in asked.bounding_box())
    assert (points.min(axis=0) < lower + 0.08 * (upper - lower)).all()
    assert (points.max(axis=0) > upper - 0.08 * (upper - lower)).all()


@pytest.mark.parametrize("name", ["mesh", "annulus", "cube"])
def test_edges_stay_inside_a_mesh(name):
    asked = DOMAINS[name]
    points, edges = sample_graph(asked)
    middles = points[edges].mean(axis=1).T
    beyond = middles[:, ~asked.contains(middles)]
    if name == "annulus" and beyond.size:
        # chords of the parabolas around the hole: beyond by at most h^2 / (8 r) with h below 0.045 and r = 1/2
        assert np.linalg.norm(beyond - asked.domain.data.curved.project(beyond), axis=0).max() < 5.1e-4
    else:
        assert not beyond.size


@pytest.mark.parametrize("name", ["interval", "rectangle", "disc", "sublevel", "ball"])
def test_the_double_well_is_seen_in_every_domain(name):
    asked = DOMAINS[name]
    found = survey(asked, asked.process.potential)
    dimension = asked.dimension
    inner = [minimum for minimum in found.minima if not minimum.on_boundary]
    assert sorted(minimum.position[0] for minimum in inner) == pytest.approx([-1.0, 1.0], abs=1e-9)
    assert [minimum.value for minimum in inner] == pytest.approx([0.0, 0.0], abs=1e-12)
    tops = [saddle for saddle in found.saddles if not saddle.on_boundary]
    assert len(tops) == 1
    assert tops[0].position == pytest.approx((0.0,) * dimension, abs=1e-9)
    assert tops[0].value == pytest.approx(0.25, abs=1e-12)
    assert found.communication_height(0, 1) == pytest.approx(0.25, abs=1e-12)


def test_the_pendulum_on_a_ring():
    asked = problem("-cos(x)", Box([0.5], [0.5 + 2.0 * math.pi], "periodic"))
    found = survey(asked, asked.process.potential)
    assert len(found.minima) == 1
    assert math.cos(found.minima[0].position[0]) == pytest.approx(1.0)
    assert [saddle.value for saddle in found.saddles] == pytest.approx([1.0])


def test_a_flat_potential_is_one_well():
    asked = problem("0", Box([0.0, 0.0], [1.0, 1.0]))
    found = survey(asked, asked.process.potential)
    assert len(found.minima) == 1
    assert len(found.saddles) == 0


def test_two_rooms_of_a_mesh_see_each_other_through_the_door_alone():
    # a valley along the diagonal of the missing square: its bottom is not in the L, its two ends are
    asked = problem("(x + y)**2 + (x - y)**2/8 - 0.1*x", MeshFile(MESHES / "l_shape.msh"))
    found = survey(asked, asked.process.potential)
    for minimum in found.minima:
        assert asked.contains(np.array(minimum.position)[:, None])[0]
