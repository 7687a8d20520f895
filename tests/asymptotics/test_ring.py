"""Velocity, current and density on a ring with a net force: closed form, reference, identities."""

import json
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.asymptotics.ring import cosine_velocity, of_drift
from fokker_planck.errors import ProblemError

ENTRIES = json.loads((Path(__file__).parents[1] / "reference" / "one_dimensional.json").read_text())["entries"]
REFERENCE = {entry["id"]: entry["value"] for entry in ENTRIES}
TURN = 2 * np.pi


def cosine(amplitude, force, epsilon):
    return of_drift(lambda x: force - amplitude * np.sin(x), lambda x: epsilon + 0 * x, 0.0, TURN)


def test_reference_velocity():
    exact = float(REFERENCE["RING_v_eps0.2"])
    assert cosine_velocity(1.0, 0.5, 0.2).value == pytest.approx(exact, rel=1e-14)
    found = cosine(1.0, 0.5, 0.2).mean_velocity
    assert found.value == pytest.approx(exact, rel=1e-14)
    assert abs(found.value / exact - 1) <= found.relative_error


@pytest.mark.parametrize(
    ("amplitude", "force", "epsilon"),
    [(1.0, 0.5, 0.01), (1.0, 0.5, 1e-3), (1.0, 2.0, 0.01), (1.0, 1e-6, 0.05), (3.0, -0.7, 0.1), (1.0, 0.01, 20.0)],
)
def test_double_integral_against_the_closed_form(amplitude, force, epsilon):
    closed = cosine_velocity(amplitude, force, epsilon)
    found = cosine(amplitude, force, epsilon).mean_velocity
    if force > 0:
        assert found.log == pytest.approx(closed.log, abs=max(3e-12, 2 * found.relative_error))
    else:
        assert found.value == pytest.approx(closed.value, rel=1e-13)


def test_free_motion_strong_force_and_no_force():
    assert cosine(0.0, 0.5, 0.2).mean_velocity.value == pytest.approx(0.5, rel=1e-14)
    assert cosine_velocity(0.0, 0.5, 0.2).value == pytest.approx(0.5, rel=1e-14)
    assert cosine_velocity(1.0, 2.0, 1e-3).value == pytest.approx(np.sqrt(3.0), rel=1e-3)
    assert cosine_velocity(1.0, 0.0, 0.2).value == 0.0
    assert cosine(1.0, 0.0, 0.2).mean_velocity.value == 0.0


def test_small_force_gives_the_effective_diffusion():
    # v/F -> D_eff/eps = 1/I_0(A/eps)^2 (Lifson and Jackson)
    velocity = cosine_velocity(1.0, 1e-7, 0.5).value
    assert velocity / 1e-7 == pytest.approx(1.0 / np.i0(2.0) ** 2, rel=1e-10)


def test_density_is_normalised_periodic_and_carries_the_current():
    ring = cosine(1.0, 0.5, 0.2)
    x = np.linspace(0.0, TURN, 4001)
    p = np.exp(ring.log_density(x))
    assert (p[:-1].sum()) * x[1] == pytest.approx(1.0, rel=1e-13)
    assert p[0] == pytest.approx(p[-1], rel=1e-13)
    slope = np.gradient(p, x, edge_order=2)
    current = (0.5 - np.sin(x)) * p - 0.2 * slope
    assert current[5:-5] == pytest.approx(ring.current.value, abs=1e-6)
    # the mean drift is the mean velocity
    assert ((0.5 - np.sin(x)) * p)[:-1].sum() * x[1] == pytest.approx(ring.mean_velocity.value, rel=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_varying_noise_in_the_three_readings(alpha):
    def drift(x):
        return 0.3 - np.sin(x)

    def noise(x):
        return 0.4 + 0.1 * np.cos(x)

    ring = of_drift(drift, noise, 0.0, TURN, alpha)
    x = np.linspace(0.0, TURN, 2001)[:-1]
    p = np.exp(ring.log_density(x))
    assert p.mean() * TURN == pytest.approx(1.0, rel=1e-12)
    ito = drift(x) - alpha * 0.1 * np.sin(x)
    assert (ito * p).mean() * TURN == pytest.approx(ring.mean_velocity.value, rel=1e-11)


def test_cutting_elsewhere_changes_nothing():
    one = cosine(1.0, 0.5, 0.05)
    two = of_drift(lambda x: 0.5 - np.sin(x), lambda x: 0.05 + 0 * x, 2.0, 2.0 + TURN)
    assert one.mean_velocity.log == pytest.approx(two.mean_velocity.log, abs=1e-13)
    back = of_drift(lambda x: -0.5 - np.sin(x), lambda x: 0.05 + 0 * x, 0.0, TURN)
    assert back.mean_velocity.value == pytest.approx(-one.mean_velocity.value, rel=1e-13)
    assert back.current.value == pytest.approx(-one.current.value, rel=1e-13)


def test_bad_input():
    with pytest.raises(ProblemError, match="drift"):
        of_drift(lambda x: x, lambda x: 1 + 0 * x, 0.0, 1.0)
    with pytest.raises(ProblemError, match="epsilon"):
        cosine_velocity(1.0, 0.5, 0.0)
