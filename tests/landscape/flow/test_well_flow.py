"""The drift whose basins the wells are, in every writing of the noise."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.landscape.flow.well_flow import WellFlow
from fokker_planck.model.diffusion.hessian import HessianField

X = np.array([[0.3, -1.1], [0.7, 0.2], [-0.4, 0.9]])


@pytest.mark.parametrize("interpretation", ["ito", "stratonovich", "klimontovich"])
def test_what_the_interpretation_adds_of_the_noise_is_not_asked_for_twice(interpretation, monkeypatch):
    potential = fp.Potential("(x**2 - 1)**2/4 + y**2*x + z**4 + x*z")
    process = fp.Overdamped(potential, fp.Hessian(0.1, 0.5), interpretation, extra=fp.Drift(["y", "-x", "0"]))
    flow, field = WellFlow(process, 3), process.field(3)
    wanted = process.drift(X, 3) - field.divergence(X)
    slopes = process.drift_jacobian(X, 3) - field.divergence_jacobian(X)
    asked, divergence, jacobian = [], HessianField.divergence, HessianField.divergence_jacobian
    monkeypatch.setattr(HessianField, "divergence", lambda self, x: asked.append("value") or divergence(self, x))
    monkeypatch.setattr(HessianField, "divergence_jacobian", lambda self, x: asked.append("slope") or jacobian(self, x))
    assert flow.value(X) == pytest.approx(wanted, rel=1e-13, abs=1e-13)
    assert flow.jacobian(X) == pytest.approx(slopes, rel=1e-13, abs=1e-13)
    assert asked == ([] if interpretation == "klimontovich" else ["value", "slope"])
