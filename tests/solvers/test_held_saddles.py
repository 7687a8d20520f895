"""Saddles that walls hold: where basins of a drift meet on a wall."""

from __future__ import annotations

import pytest

import fokker_planck as fp
from fokker_planck.landscape import separatrix
from fokker_planck.landscape.well_flow import Downhill, WellFlow
from fokker_planck.solvers.held_saddles import held_saddles


def _two_wells_on_a_wall() -> fp.Problem:
    """The drift leads to the wall y = 0, and along it to x = -1 and 1; mirrored it is the same, and it has a curl."""
    drift = fp.Drift(["x - x**3 + 0.2*x*y", "-0.5 + 0.1*(1 - x**2)"])
    domain = fp.Box([-1.8, 0.0], [1.8, 1.5])
    return fp.Problem(fp.Drifting(drift, fp.Isotropic(0.05)), domain, fp.Resolution(tolerance=1e-6))


def test_basins_that_meet_on_a_wall_are_divided_by_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """By symmetry each holds one half; the flow from hundreds of places of every mesh was followed, 90 s for some."""

    def refused(*_: object) -> None:
        raise AssertionError("the flow was asked where separatrices cross lines")

    monkeypatch.setattr(separatrix, "_by_flow", refused)
    wells = fp.stationary_density(_two_wells_on_a_wall()).wells
    assert [round(well.minimum[1], 9) for well in wells] == [0.0, 0.0]
    for well in wells:
        assert well.probability.relative_error < 1e-6
        assert abs(well.probability.value - 0.5) < 0.5 * well.probability.relative_error + 1e-12


def test_saddles_on_a_circle() -> None:
    """The flow (x, c) along the unit circle, cos s (c - sin s), leads away from the top if c < 1."""

    def found(c: float) -> list[tuple[float, float]]:
        process = fp.Drifting(fp.Drift(["x", f"{c} + 0*y"]), fp.Isotropic(0.1))
        problem = fp.Problem(process, fp.Ball([0.0, 0.0], 1.0))
        saddles = held_saddles(problem, Downhill(WellFlow(process, 2), None))  # type: ignore[arg-type]
        return [(round(s.position[0], 9) + 0.0, round(s.position[1], 9) + 0.0) for s in saddles]

    assert found(0.5) == [(0.0, 1.0)]
    assert found(1.5) == []
    # the wall holds nothing at the top where the flow leads in there
    assert found(-0.5) == [(0.0, -1.0)]
