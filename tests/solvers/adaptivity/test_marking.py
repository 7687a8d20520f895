"""Which cells are bisected, and how often."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.mesh.simplices import simplex_volumes
from fokker_planck.solvers.adaptivity.marking import bisections, refined_where_unresolved

GAIN = 2.0**6
"""Of a bisection in the plane, with elements of degree six."""


@pytest.mark.parametrize("share", [1e-2, 1e-5, 1e-7])
def test_few_cells_that_hold_all_of_an_error_are_bisected_and_not_all_the_others(share):
    """With two bisections at most four cells kept more than was to be left, and a third of all others was bisected."""
    indicator = np.append(np.full(4, 1.0), np.full(8000, 1e-12))
    chosen = bisections(indicator, GAIN, share, 2)
    left = indicator / GAIN ** np.sum(chosen, axis=0)
    assert left.sum() <= share * indicator.sum()
    assert chosen[0].sum() == 4


def test_a_cell_is_bisected_as_often_as_it_takes_at_once():
    problem = fp.Problem(
        fp.Overdamped(fp.Potential("x**2 + y**2"), fp.Isotropic(1.0)),
        fp.Box([-1.0, -1.0], [1.0, 1.0]),
        fp.Resolution(cells=(8, 8)),
    )
    mesh = domain_triangulation(problem, {})
    indicator = np.full(len(mesh.cells), 1e-12)
    indicator[0] = 1.0
    finer = refined_where_unresolved(mesh, indicator, 6, 1e-6, (0.0, np.inf))
    volumes, before = (np.abs(simplex_volumes(each.cell_points)) for each in (finer, mesh))
    assert volumes.min() == pytest.approx(before[0] / 16.0)
    assert len(finer.cells) < 1.5 * len(mesh.cells)
    assert set(finer.regions) == set(mesh.regions)
