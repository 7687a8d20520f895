"""The spread of answers over noisy surfaces: exact where the answer is a value of the surface."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError, ProblemError

AXIS = np.linspace(-2.0, 2.0, 41)
WELL = (AXIS**2 - 1.0) ** 2 / 4.0


def two_values(surface):
    """exp F at two neighbours, 0.1 apart, and at the other end."""
    return {name: fp.Quantity.of_log(float(surface[1][k]), 1e-9) for name, k in (("a", 20), ("b", 21), ("c", 1))}


def test_errors_of_the_values_are_the_spread_of_what_they_are():
    errors = np.where(np.arange(41) < 10, 0.5, 0.1)
    found = fp.bootstrap(([AXIS], WELL), two_values, errors=errors, count=2000)
    assert found.spread("a") == pytest.approx(0.1, rel=0.08)  # five standard errors of 1/sqrt(4000)
    assert found.spread("c") == pytest.approx(0.5, rel=0.08)
    assert abs(found.shift("a")) < 5 * 0.1 / np.sqrt(2000)
    assert abs(np.corrcoef(found.logs("a"), found.logs("b"))[0, 1]) < 5 / np.sqrt(2000)
    low, high = found.interval("a", 0.9)
    assert (high - low) / 0.1 == pytest.approx(2 * 1.645, rel=0.1)


@pytest.mark.parametrize("length", [0.1, 0.3])
def test_noise_is_correlated_over_a_length_up_to_the_ends(length):
    found = fp.bootstrap(([AXIS], WELL), two_values, errors=0.2, correlation=length, count=2000)
    exact = np.exp(-(0.1**2) / (4.0 * length**2))
    assert np.corrcoef(found.logs("a"), found.logs("b"))[0, 1] == pytest.approx(exact, abs=5 / np.sqrt(2000))
    assert [found.spread(name) for name in "ac"] == pytest.approx([0.2, 0.2], rel=0.08)


def test_replicas_are_drawn_with_replacement_and_averaged():
    replicas = WELL + 0.3 * np.random.default_rng(1).standard_normal((10, 41))
    found = fp.bootstrap(([AXIS], replicas), two_values, count=2000)
    assert found.measured["a"].log == pytest.approx(replicas[:, 20].mean(), rel=1e-12)
    assert found.spread("a") == pytest.approx(replicas[:, 20].std() / np.sqrt(10), rel=0.08)


def test_an_exit_time_with_its_error_bar_and_its_spread():
    """Of two replicas, one steeper by a tenth, the drawn means are one of three surfaces."""

    def time(surface):
        potential = fp.Potential.from_grid(surface)
        problem = fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.1)), fp.Box([-2.0], [2.0]))
        return fp.mean_exit_time(problem, -1.0, fp.HalfSpace([1.0], 1.0))

    found = fp.bootstrap(([AXIS], np.stack([WELL, 1.1 * WELL])), time, count=8)
    exact = [time(([AXIS], factor * WELL)).mean.log for factor in (1.0, 1.05, 1.1)]
    assert found.measured["mean"].log == pytest.approx(exact[1], abs=1e-6)
    logs = found.logs("mean")
    assert all(min(abs(log - other) for other in exact) < 1e-6 for log in logs)
    assert found.spread("mean") == pytest.approx(np.std(logs, ddof=1))
    text = str(found)
    assert "spread of log" in text
    assert "noise in the data is in the spread alone" in text
    with pytest.raises(ProblemError, match=r"'maen' \(did you mean mean"):
        found.spread("maen")


def test_surfaces_without_an_answer_are_kept_with_their_reason():
    asked = []

    def moody(surface):
        asked.append(surface)
        if len(asked) % 2 == 0:
            raise ConvergenceError("no luck", "another day")
        return fp.Quantity.of(1.0, 0.0)

    found = fp.bootstrap(([AXIS], WELL), moody, errors=0.1, count=10)
    assert [draw is None for draw in found.draws] == [True, False] * 5
    assert found.failures == ("no luck; another day",) * 5
    assert "no answer: no luck" in str(found)
