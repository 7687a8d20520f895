"""Cells below an energy cutoff are joined by facets."""

from __future__ import annotations

import numpy as np

import fokker_planck as fp
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.triangulations.triangulation import Triangulation, parts_by_facets
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.reference_density.resolved_cells import resolved_below

CUTOFF = 10.0


@dataclass(frozen=True)
class Pools:
    """An exponent that is zero up to a line, and at one ``centre`` beyond, far above the cutoff elsewhere."""

    edge: float
    centre: Floats

    def value(self, x: Floats) -> Floats:
        apart = np.abs(x - self.centre[:, None]).max(axis=0)
        return np.where((x[0] < self.edge) | (apart < 1e-3), 0.0, 2.0 * CUTOFF)


def _square() -> Triangulation:
    problem = fp.Problem(fp.Overdamped(fp.Potential("x**2 + y**2"), fp.Isotropic(0.1)), fp.Box([0, 0], [1, 1]))
    return domain_triangulation(problem, {})


def _beyond(mesh: Triangulation) -> tuple[float, Booleans]:
    """A line of vertices, and the cells beyond it that touch it by a vertex alone."""
    x = mesh.points[mesh.cells][:, :, 0]
    edge = float(np.sort(np.unique(mesh.points[:, 0]))[len(np.unique(mesh.points[:, 0])) // 2])
    return edge, (np.isclose(x, edge).sum(axis=1) == 1) & (x.min(axis=1) > edge - 1e-9)


def _below(mesh: Triangulation, cell: int, edge: float, attractors: Floats) -> Triangulation:
    weighting = Pools(edge - 1e-6, mesh.cell_points[cell].mean(axis=0))
    return resolved_below(mesh, weighting, attractors, CUTOFF, 4.0 * CUTOFF, 10**6)


def test_a_pool_that_hangs_by_a_vertex_goes() -> None:
    """It had an eigenvalue that is none: a spectrum under quadratic noise took 50 meshes finer at that vertex."""
    mesh = _square()
    edge, beyond = _beyond(mesh)
    cell = int(np.flatnonzero(beyond)[0])
    middle = mesh.cell_points[cell].mean(axis=0)
    left = _below(mesh, cell, edge, np.array([[0.1, 0.5]]))
    assert not parts_by_facets(left.cells, left.vertex_class).any()
    assert (np.abs(left.cell_points.mean(axis=1) - middle).max(axis=1) > 1e-9).all()
    held = _below(mesh, cell, edge, np.array([[0.1, 0.5], middle]))
    assert len(held.cells) == len(left.cells) + 1
    goal = replace(mesh, regions={"goal": np.arange(len(mesh.cells)) == cell})
    assert len(_below(goal, cell, edge, np.array([[0.1, 0.5]])).cells) == len(left.cells) + 1
