"""Where a flow presses into a wall and parts, a separatrix begins that divides the domain like any other."""

from pathlib import Path

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.landscape.basins.separatrix import labelled, separatrices
from fokker_planck.solvers.setting.landscape_of_flow import coarse_mesh
from fokker_planck.solvers.setting.setting import prepare_for_wells

MESHES = Path(__file__).resolve().parents[3] / "meshes"


def flow(formulas, domain):
    return fp.Problem(fp.Drifting(fp.Drift(formulas), fp.Isotropic(0.03)), domain)


@pytest.mark.parametrize(
    ("formulas", "domain", "places"),
    [
        # x - x^3 + y/5 = 0 at the top, y = 1
        (["x - x**3 + 0.2*y", "1 - 0.2*x"], fp.Box([-2.0, -1.0], [2.0, 1.0]), [(np.roots([-1, 0, 1, 0.2])[2], 1.0)]),
        # at the top of a circle what presses takes 1/R from the rate along it
        (["x - x**3/4", "1 + 0.1*x"], fp.Ball([0.0, 0.0], 2.0), [(0.0, 2.0)]),
        # the left side of an L, which has many facets
        (["-1 - 0.1*y", "(y - 0.23) - 4*(y - 0.23)**3"], fp.MeshFile(MESHES / "l_shape.msh"), [(-1.0, 0.23)]),
    ],
    ids=["box", "ball", "mesh file"],
)
def test_separatrices_that_end_on_walls_are_followed(formulas, domain, places):
    problem = flow(formulas, domain)
    basins = prepare_for_wells(problem, "stationary").basins
    held = [saddle for saddle in basins.landscape.saddles if saddle.on_boundary]
    assert np.allclose([saddle.position for saddle in held], places, atol=1e-12)
    assert all(len(set(saddle.joins)) == 2 for saddle in held)
    mesh = coarse_mesh(problem, {})
    labels, between = labelled(mesh.points, mesh.cells, separatrices(basins, 2, 1e-9))
    assert between.curves is not None
    aside = np.linalg.norm(mesh.points - places[0], axis=1) > 0.1
    assert (labels == basins(mesh.points.T))[aside].all()


@pytest.mark.slow
def test_weights_of_wells_on_a_wall_take_no_longer_than_others():
    # by the flow alone, from some ten points of every line through a cut cell, minutes; the mirrored problem agrees
    def weights(sign):
        drift = [f"{sign}*(-4*({sign}*x)**3 + 1.0*{sign}*x + 0.1)", "1 - 2*y + 3*y**2"]
        noise = fp.Formula(f"0.02*exp(-0.5*sin({sign}*x) - 0.5*sin(y))")
        problem = fp.Problem(
            fp.Drifting(fp.Drift(drift), noise, "stratonovich"),
            fp.Box([-1.0, -1.0], [1.0, 1.0]),
            fp.Resolution(tolerance=1e-6),
        )
        wells = [well.probability for well in fp.stationary_density(problem).wells]
        return sorted(wells, key=lambda weight: weight.log)

    for one, other in zip(weights(1), weights(-1), strict=True):
        assert abs(one.log - other.log) <= one.relative_error + other.relative_error
