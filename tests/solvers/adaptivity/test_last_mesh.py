"""In space the last mesh is not made where it can say no more than the one before it."""

from types import SimpleNamespace

import numpy as np
import pytest

from fokker_planck.solvers.adaptivity import roughness
from fokker_planck.solvers.adaptivity.last_mesh import last_in_vain

PROBLEM = SimpleNamespace(dimension=3, resolution=SimpleNamespace(tolerance=0.023))
FIRST = SimpleNamespace(most_unknowns=60_000)


def _kept(predicted, shares=True):
    return SimpleNamespace(
        discretization=SimpleNamespace(count=32_011, degree=3),
        predicted=predicted,
        shares=np.ones((1, 1)) if shares else None,
        worst=lambda errors: float(np.max(errors)),
    )


@pytest.mark.parametrize(
    ("rough", "predicted", "verified", "vain"),
    [
        (11.25, 0.12, 0.174, True),  # an eigenvalue of the campaign, 113 24
        (11.25, 0.12, 0.02, False),  # the tolerance is reached
        (1.0, 0.12, 0.174, False),  # 1/14 of it may be left on the last mesh, less than this one has
        (11.25, 0.03, 0.174, False),  # the indicator may promise the tolerance there, and a degree more is asked
    ],
)
def test_the_last_mesh_is_in_vain_where_roughness_is_more_than_this_one_has(
    rough, predicted, verified, vain, monkeypatch
):
    monkeypatch.setattr(roughness, "roughness_of", lambda problem, kept: np.array([rough]))
    found = last_in_vain(PROBLEM, FIRST, _kept(predicted), verified, 0.155)
    assert found is vain


def test_coefficients_that_are_polynomials_leave_every_mesh_its_turn():
    assert not last_in_vain(PROBLEM, FIRST, _kept(0.12, shares=False), 0.174, 0.155)
