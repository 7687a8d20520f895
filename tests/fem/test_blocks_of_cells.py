"""Meshes that are worked on block by block: the same elements, maps and currents as all at once."""

from dataclasses import dataclass

import numpy as np
import pytest

from fokker_planck.fem import _dolfinx, blocks_of_cells
from fokker_planck.fem.blocks_of_cells import blocks, some_cells
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generator import assemble, with_room_for_currents
from fokker_planck.fem.reference_exponent import FollowedWeight, KnownWeight
from fokker_planck.fem.triangulations.curving import DEGREE
from fokker_planck.fem.triangulations.generation import ball_triangulation
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.true_polynomials import interpolants, values_and_slopes
from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.model.sets.shapes import Ball
from fokker_planck.solvers.results.stationary_current import total_current, total_current_of

FEW = 3000


@dataclass(frozen=True)
class Exponent:
    """No exponent of anything, but smooth."""

    def value(self, x):
        return 2.0 * (x**2).sum(axis=0) + np.sin(3.0 * x[0])


@dataclass(frozen=True)
class OneDirection:
    """Noise along the first axis alone, everywhere or from ``beyond`` on with some in all directions."""

    beyond: float = np.inf
    constant = False
    key = "diffusion.matrix"

    def tensor(self, x):
        result = np.zeros((len(x), len(x), x.shape[1]))
        result[0, 0] = 1.0
        for axis in range(1, len(x)):
            result[axis, axis] = np.maximum(x[0] - self.beyond, 0.0)
        return result

    def divergence(self, x):
        return np.zeros_like(x)


def ball(degree, dimension=3, times=1):
    mesh = ball_triangulation(Ball([0.1] * dimension, 1.2))
    for _ in range(times):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    return discretize(mesh, degree)


def hessian_noise(dimension=3):
    terms = " + ".join(f"({name}**2 - 1)**2/4" for name in "xyz"[:dimension])
    process = Overdamped(Potential(f"{terms} + 0.3*x*y"), Hessian(0.2, floor=0.5), "stratonovich")
    return FollowedWeight(Exponent(), ItoDrift(process, dimension), process.field(dimension))


def one_direction(beyond=np.inf):
    return FollowedWeight(Exponent(), lambda x: np.array([-x[0] + x[1], x[2], -x[0]]), OneDirection(beyond))


def ratio(d):
    return 1.0 + 0.3 * np.sin(d.nodes @ np.arange(1.0, d.nodes.shape[1] + 1.0))


@pytest.mark.parametrize(
    "weighting",
    [hessian_noise(), KnownWeight(Exponent(), hessian_noise().diffusion), one_direction(), one_direction(0.5)],
    ids=["current", "detailed balance", "one direction", "one direction here and there"],
)
def test_blocks_have_the_elements_of_the_whole(monkeypatch, weighting):
    d = ball(3)
    monkeypatch.setattr(blocks_of_cells, "POINTS_AT_ONCE", 10**9)
    whole = assemble(d, weighting)
    monkeypatch.setattr(blocks_of_cells, "POINTS_AT_ONCE", FEW)
    assert len(list(blocks(d))) > 3
    found = assemble(d, weighting)
    assert found.symmetric == whole.symmetric
    for name in ("energy", "mass", "stiffness"):
        one, other = getattr(found, name), getattr(whole, name)
        size = np.abs(other).max(axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(one / size, other / size, rtol=0, atol=1e-13)


def test_every_cell_is_in_one_block_with_its_own_map(monkeypatch):
    d, seen = ball(2), []
    whole = d.map
    monkeypatch.setattr(blocks_of_cells, "POINTS_AT_ONCE", FEW)
    for chosen, part in blocks(d):
        seen += np.arange(len(d.cells))[chosen].tolist()
        here = np.isin(d.curved.cells, seen[-len(part.cells) :])
        np.testing.assert_allclose(part.map.points, whole.points[:, chosen], rtol=0, atol=1e-14)
        np.testing.assert_allclose(part.map.inverse, whole.inverse[:, :, here], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(part.map.volume, whole.volume[chosen], rtol=1e-13)
    assert seen == list(range(len(d.cells)))


@pytest.mark.parametrize("dimension", [2, 3])
def test_maps_of_curved_cells_are_those_of_their_nodes(dimension):
    d = ball(2, dimension, 2)
    here, curved = d.map, d.curved
    table = _dolfinx.tabulate_lagrange(dimension, DEGREE, d.reference_points, 1)
    jacobian = np.einsum("jqa,cad->cqdj", table[1:], curved.nodes)
    corners = d.corners[curved.cells]
    derivative = jacobian @ np.linalg.inv(np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2))[:, None]
    points = np.einsum("qa,cad->dcq", table[0], curved.nodes)
    np.testing.assert_allclose(here.points[:, curved.cells], points, rtol=0, atol=1e-14)
    np.testing.assert_allclose(here.stretch[curved.cells], np.linalg.det(derivative), rtol=1e-12)
    inverse = np.moveaxis(np.linalg.inv(derivative), (2, 3), (0, 1))
    np.testing.assert_allclose(here.inverse, inverse, rtol=0, atol=1e-12)
    exact = np.pi * 1.2**2 if dimension == 2 else 4.0 / 3.0 * np.pi * 1.2**3
    assert here.volume.sum() == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(("dimension", "degree"), [(3, 2), (3, 3), (2, 3), (2, 6), (2, DEGREE)])
def test_the_current_of_a_ball_is_that_of_its_elements_and_of_its_curved_cells(dimension, degree):
    d, weighting = ball(degree, dimension, 2), hessian_noise(dimension)
    generator, rho = assemble(d, weighting), ratio(d)
    straight = np.setdiff1d(np.arange(len(d.cells)), d.curved.cells)
    assert len(straight)
    assert len(d.curved.cells)
    found = total_current_of(generator, weighting, rho, 0.3)
    whole = total_current(with_room_for_currents(d), weighting, rho, 0.3)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-12 * np.abs(whole).max())


def test_a_part_has_the_current_of_its_cells():
    d, weighting = ball(3), hessian_noise()
    halves = [some_cells(d, np.flatnonzero(np.arange(len(d.cells)) % 3 == k)) for k in range(3)]
    parts = [total_current(half, weighting, ratio(d), 0.3) for half in halves]
    whole = total_current(d, weighting, ratio(d), 0.3)
    np.testing.assert_allclose(np.sum(parts, axis=0), whole, rtol=0, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize(("dimension", "degree"), [(2, 3), (2, 8), (3, 2), (3, 4)])
def test_polynomials_of_true_coordinates_are_the_elements(dimension, degree):
    """Of nodes that are moved a little from cell to cell, by the basis of the element tabulated at every point."""
    rng = np.random.default_rng(degree)
    own = _dolfinx.lagrange_nodes(dimension, degree)
    nodes = own + 0.01 * rng.uniform(-1.0, 1.0, (5, *own.shape))
    values, points = rng.normal(size=(5, len(own))), rng.dirichlet(np.ones(dimension + 1), (5, 7))[..., :dimension]
    table = _dolfinx.tabulate_lagrange(dimension, degree, nodes.reshape(-1, dimension))[0].reshape(5, len(own), -1)
    known = np.linalg.solve(table, values[..., None])[..., 0]
    there = _dolfinx.tabulate_lagrange(dimension, degree, points.reshape(-1, dimension), 1).reshape(-1, 5, 7, len(own))
    found = values_and_slopes(degree, interpolants(degree, nodes, values), np.moveaxis(points, 2, 0))
    expected = np.einsum("kcqn,cn->ckq", there, known)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * np.abs(expected).max())
