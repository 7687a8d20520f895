"""Weights of the basins of a flow in space: basins are divided on the mesh that is verified alone."""

import pytest

import fokker_planck as fp
from fokker_planck.solvers.density import density_of_flow
from fokker_planck.solvers.density.density_of_flow import _Asked

V = "(x**2 - 1)**2/4 + 0.05*x + (y**2 + z**2)/2"


@pytest.mark.slow
def test_basins_are_divided_where_a_mesh_is_verified_and_weights_are_those_of_dividing_all(monkeypatch):
    """Six meshes under Hessian noise took 45 s of CPU for that, of which one was verified."""
    process = fp.Overdamped(fp.Potential(V), fp.Hessian(0.1, 0.8), "ito", extra=fp.Drift(["0", "-0.3*x*z", "0.3*y"]))
    box = fp.Box([-2.0, -1.8, -1.8], [2.0, 1.8, 1.8])
    problem = fp.Problem(process, box, fp.Resolution(0.05))
    divided, masses = [], density_of_flow.basin_masses

    def counted(*given):
        divided.append(len(given[0]))
        return masses(*given)

    monkeypatch.setattr(density_of_flow, "basin_masses", counted)
    found = fp.stationary_density(problem)
    assert found.statistics.levels > 2
    # the last mesh, with two degrees or three
    count = len(divided)
    assert count <= 3
    assert len(set(divided)) == 1
    monkeypatch.setattr(_Asked, "ask", property(lambda self: self.whole))
    whole = fp.stationary_density(problem)
    assert len(divided) - count > whole.statistics.levels
    for one, other in zip(found.wells, whole.wells, strict=True):
        apart = abs(one.probability.value / other.probability.value - 1.0)
        assert apart <= one.probability.relative_error + other.probability.relative_error
