"""Functions of learning rate and batch size: reference numbers, the rule of eta/B, and what is refused."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck import sgd
from fokker_planck.errors import ConvergenceError
from fokker_planck.questions.studies import noise_study as sgd_study

LOSS = "(x**2 - 1)**2*(1 + 0.4*x)/4"
LINE = fp.Box([-2.0], [2.0])
RIGHT = fp.HalfSpace([1.0], 1.0)
FLAT = -1.0


def test_white_noise_keeps_the_ratio_and_slows_down_exponentially():
    study = fp.noise_study(LOSS, LINE, [0.1], [1, 2, 4, 20], epsilon=1.0, start=FLAT, target=RIGHT)
    assert study.minima[study.flattest] == pytest.approx((-1.0,), abs=1e-6)
    flat = [float(p) for p in study.probabilities[0, :, study.flattest]]
    expected = [0.6019150610, 0.6034466766, 0.6039484176, 0.6042798789]
    assert flat == pytest.approx(expected, rel=1e-7)  # the default tolerance is 1e-6
    ratios = [float(r) for r in study.occupation_ratios()[0]]
    assert ratios == pytest.approx([p / (1 - p) for p in expected], rel=1e-7)
    assert study.times[0, 2].value == pytest.approx(4.011779861161749931786e9, rel=1e-7)
    assert study.iterations[0, 2].value == pytest.approx(4.011779861161749931786e10, rel=1e-7)
    assert study.gaps[0, 2].value == pytest.approx(6.293774158628957707828e-10, rel=1e-7)
    slope = (study.gaps[0, 3].log - study.gaps[0, 2].log) / (400 - 80)
    assert slope == pytest.approx(-0.254837, rel=0.01)


def test_hessian_noise_favours_the_flat_minimum_exponentially():
    study = fp.noise_study(LOSS, LINE, [0.1], [1, 2, 4, 20], "hessian", floor=0.5, start=FLAT, target=RIGHT)
    flat = [float(p) for p in study.probabilities[0, :, study.flattest]]
    assert flat == pytest.approx([0.866675268, 0.953735351, 0.994992884, 1.0 - 7.642e-11], abs=1e-8)
    odds = [ratio.log for ratio in study.occupation_ratios()[0]]
    # towards the slope of large barriers with an error of the order of the noise
    assert (odds[3] - odds[2]) / 320 == pytest.approx(0.05620971255, rel=2e-3)
    assert study.probabilities[0, 3, study.sharpest].value == pytest.approx(7.642e-11, rel=1e-3)
    assert study.times[0, 2].value == pytest.approx(3.283854746748702374870e13, rel=1e-7)
    assert study.gaps[0, 2].value == pytest.approx(6.081747616132040159789e-12, rel=1e-7)


def test_equal_rate_over_batch_is_equal_noise_and_solved_once(monkeypatch):
    calls = []
    solve = sgd_study._answers
    monkeypatch.setattr(sgd_study, "_answers", lambda *given: calls.append(1) or solve(*given))
    study = fp.noise_study(
        LOSS, LINE, [0.125, 0.25], [2, 4], epsilon=1.0, start=FLAT, target=RIGHT, questions=["exit-time"]
    )
    assert len(calls) == 3
    assert study.times[0, 0] == study.times[1, 1]
    assert study.iterations[0, 0].value == pytest.approx(2.0 * study.iterations[1, 1].value)
    assert study.probabilities.shape == (2, 2, 0)
    assert np.all(study.gaps == None)  # noqa: E711


def test_samples_make_the_noise_smaller_than_infinitely_many():
    pair = sgd.SampleLosses([f"{LOSS} + x", f"{LOSS} - x", f"{LOSS} + x/2", f"{LOSS} - x/2"])
    both = [fp.noise_study(pair, LINE, [0.4], [2], replacement=way, questions=["stationary"]) for way in (False, True)]
    assert [float(study.noise_scales[0, 0]) for study in both] == pytest.approx([0.2 / 3, 0.1])
    expected = [
        fp.noise_study(LOSS, LINE, [scale], [1], epsilon=0.625 * 2, questions=["stationary"])
        for scale in (0.2 / 3, 0.1)
    ]
    for one, other in zip(both, expected, strict=True):
        assert [float(p) for p in one.probabilities[0, 0]] == pytest.approx(
            [float(p) for p in other.probabilities[0, 0]], rel=1e-6
        )


def test_a_barrier_of_two_thousand_noise_units():
    study = fp.noise_study(LOSS, LINE, [0.1], [400], epsilon=1.0, start=FLAT, target=RIGHT, questions=["exit-time"])
    assert study.times[0, 0].value is None
    assert study.times[0, 0].log == pytest.approx(2040.40405165798, abs=1e-7)  # the double integral by quadrature


def test_what_cannot_be_had_is_refused_and_the_rest_answered(monkeypatch):
    solve = sgd_study.mean_exit_time

    def refuse_small_noise(problem, *given):
        if problem.process.field(1).tensor(np.zeros((1, 1))).item() < 1e-3:
            raise ConvergenceError("too far", "less of it")
        return solve(problem, *given)

    monkeypatch.setattr(sgd_study, "mean_exit_time", refuse_small_noise)
    study = fp.noise_study(LOSS, LINE, [0.1], [1, 400], epsilon=1.0, start=FLAT, target=RIGHT, questions=["exit-time"])
    assert study.times[0, 0] is not None
    assert study.times[0, 1] is None
    assert study.iterations[0, 1] is None
    assert list(study.refused) == [("exit-time", 0, 1)]
    assert "too far" in study.refused["exit-time", 0, 1]
