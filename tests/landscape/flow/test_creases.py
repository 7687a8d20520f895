"""Flows that come to a crease of a formula slide along it to the wells on it."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.finding.search import find_landscape, sample_box
from fokker_planck.landscape.flow import gradient_flow
from fokker_planck.landscape.flow.rounded_kinks import RoundedKinks, rounded
from fokker_planck.model.potential import Potential

# of (x^2 - 1)^2/4 + 0.05 x: its maximum, and what exp(-20 V) has to the left of it, by quadrature with 25 digits
DIVIDE = 0.05012594698377254
LEFT = 0.8698513069492684


def creased(cosine, kink="abs({t})"):
    """Two wells on one crease that slopes along it, turned, and the axes along it and across."""
    sine = np.sqrt(1.0 - cosine**2)
    s, t = f"({cosine}*x + {sine}*y)", f"({cosine}*y - {sine}*x - 0.1234)"
    return f"({s}**2 - 1)**2/4 + 0.05*{s} + {kink.format(t=t)}", np.array([[cosine, -sine], [sine, cosine]])


@pytest.mark.parametrize("cosine", [1.0, 0.8])
def test_points_beside_a_separatrix_go_to_their_wells(cosine, monkeypatch):
    text, turn = creased(cosine)
    potential = Potential(text)
    basins = BasinMap(find_landscape(potential, *sample_box([-2.5, -2.5], [2.5, 2.5], 41)), potential)
    across = np.array([-1.2, -0.3, 0.1234, 0.7, 1.5])
    x = np.concatenate([turn @ np.array([across * 0.0 + DIVIDE + side, across]) for side in (-1e-6, 1e-6)], axis=1)
    steps = []
    original = gradient_flow._Paths.step
    monkeypatch.setattr(gradient_flow._Paths, "step", lambda *a: (steps.append(1), original(*a))[1])
    labels = basins(x)
    assert len(steps) < 700
    left = int(np.argmin([turn[:, 0] @ minimum.x for minimum in basins.landscape.minima]))
    assert (labels[:5] == left).all()
    assert (labels[5:] != left).all()


@pytest.mark.parametrize(
    "kink", ["abs({t})", "max({t}, -{t})", "-min({t}, -{t})", "piecewise({t} < 0, -{t}, {t})", "{t}*sign({t})"]
)
def test_however_a_kink_is_written_its_slope_is_rounded_over_the_width(kink):
    text, turn = creased(0.8, kink)
    function, potential = rounded(Potential(text), np.full(2, 1e-3)), Potential(text)
    assert isinstance(function, RoundedKinks)
    across = np.array([-1.0, -1e-3, 0.0, 1e-3, 1.0]) + 0.1234
    slope = turn.T @ function.gradient(turn @ np.array([across * 0.0 + 1.0, across]))
    np.testing.assert_allclose(slope[0], 0.05, atol=1e-12)
    np.testing.assert_allclose(slope[1], [-1.0, -(0.5**0.5), 0.0, 0.5**0.5, 1.0], atol=1e-6)
    x = turn @ np.array([[0.7, 0.9], [0.1237, 0.4]])
    change = [
        (function.gradient(x + step) - function.gradient(x - step)) / 2e-7 for step in 1e-7 * np.eye(2)[:, :, None]
    ]
    np.testing.assert_allclose(function.hessian(x), np.stack(change, axis=1), rtol=1e-5, atol=1e-6)
    far = turn @ np.array([[0.3, -1.0], [0.9, -2.0]])
    np.testing.assert_allclose(function.gradient(far), potential.gradient(far), atol=1e-6)


def test_smooth_functions_are_not_rounded():
    for function in (Potential("(x**2 - 1)**2 + sqrt(1 + y**2)"), Potential(lambda x: np.abs(x[0]))):
        assert rounded(function, np.full(2, 1e-3)) is function


@pytest.mark.slow
@pytest.mark.parametrize("cosine", [1.0, 0.8])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-6])
def test_weights_of_wells_on_one_crease(cosine, tolerance):
    """At 1e-3 they were four bars off, after 45 s; at 1e-6 there was no answer within 100 s."""
    process = fp.Overdamped(fp.Potential(creased(cosine)[0]), fp.Isotropic(0.05))
    found = fp.stationary_density(fp.Problem(process, fp.Box([-2.5, -2.5], [2.5, 2.5]), fp.Resolution(tolerance)))
    weight = max(well.probability.value for well in found.wells)
    errors = [well.probability.relative_error for well in found.wells]
    assert max(errors) < tolerance
    assert abs(weight - LEFT) <= LEFT * min(errors)


@pytest.mark.slow
def test_weights_of_a_well_on_a_crease_and_one_beside_it():
    """V = s^2 + g(t), g with a crease at t = 0, a maximum at 0.4106 and a well behind: weights by quadrature of g."""
    s, t = "(0.8*x + 0.6*y)", "(0.8*y - 0.6*x)"
    potential = fp.Potential(f"{s}**2 + max(-3*{t}, 4*{t}*({t} - 1.2)**2 + 0.1*{t})")
    process = fp.Overdamped(potential, fp.Isotropic(0.1))
    found = fp.stationary_density(fp.Problem(process, fp.Box([-2.5, -2.5], [2.5, 2.5]), fp.Resolution(1e-6)))
    for well, weight in zip(found.wells, (0.39235029935095512585, 0.60764970064904487415), strict=True):
        assert abs(well.probability.value - weight) <= weight * well.probability.relative_error < 1e-6
