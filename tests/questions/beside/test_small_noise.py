"""Bouchet and Reygner's numbers beside those of a process without detailed balance."""

from math import log, pi, sqrt

import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError
from fokker_planck.questions.beside.small_noise import predicted_exit_time, predicted_rates
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.setting.landscape_of_flow import of_flow

CROSSED = fp.Drift(["x - x**3 - y**2", "-y + y*(x**3 - x)"])  # int div l = 1 to the right of the well at -1, W as known
ROTATION = fp.Drift(["-y", "x**3 - x"])
QUARTIC = "(x**2 - 1)**2/4 + y**2/2"
WHOLE = fp.Box([-2.0, -1.8], [2.0, 1.8])
FAR, SEPARATRIX = fp.HalfSpace([1.0, 0.0], 0.8), fp.HalfSpace([1.0, 0.0], 0.0)


def crossed(epsilon, domain=WHOLE):
    return fp.Problem(fp.Drifting(CROSSED, fp.Isotropic(epsilon)), domain, fp.Resolution(tolerance=1e-4))


def rotated(epsilon, interpretation="ito", diffusion=None):
    noise = fp.Isotropic(epsilon) if diffusion is None else diffusion
    process = fp.Overdamped(fp.Potential(QUARTIC), noise, interpretation, extra=ROTATION)
    return fp.Problem(process, WHOLE, fp.Resolution(tolerance=1e-4))


def beside(problem, target):
    return predicted_exit_time(of_flow(problem, Ends.at(target, (-1.0, 0.0))), (-1.0, 0.0), target)


def test_computed_over_asymptotic_tends_to_one():
    """1.023 and 1.006 by other programs; far behind the saddle the rest is of first order."""
    ratios = [fp.mean_exit_time(crossed(epsilon), [-1.0, 0.0], FAR).ratio for epsilon in (0.05, 0.025)]
    assert ratios == pytest.approx([1.0230, 1.0061], abs=2e-4)


def test_the_formula_by_hand():
    epsilon = 0.02
    known = log(2.0 * pi / sqrt(2.0) * sqrt(0.5)) + 0.25 / epsilon  # lambda_+ = sqrt(1 + 1), as for every rotation by 1
    assert beside(rotated(epsilon), FAR).log == pytest.approx(known, abs=1e-4)


@pytest.mark.slow
def test_half_the_time_to_the_separatrix():
    problem = crossed(0.05)
    assert beside(problem, SEPARATRIX).log == pytest.approx(beside(problem, FAR).log - log(2.0), abs=1e-3)
    half = crossed(0.05, fp.Box([-2.0, -1.8], [0.0, 1.8]))
    assert beside(half, SEPARATRIX).log == pytest.approx(beside(problem, SEPARATRIX).log, abs=1e-3)


def test_no_number_for_a_target_in_between():
    problem = crossed(0.05)
    assert beside(problem, fp.HalfSpace([1.0, 0.0], -0.5)) is None
    assert beside(problem, fp.HalfSpace([1.0, 0.0], 0.05)) is None


@pytest.mark.slow
def test_rates_in_both_directions():
    """The prefactor of one way is e^2 times that of the other: int div l is 1 on the one and -1 on the other."""
    (_, forth), (back, _) = predicted_rates(of_flow(crossed(0.05), Ends()), [0, 1])
    if of_flow(crossed(0.05), Ends()).attractors[0].position[0] > 0.0:
        forth, back = back, forth
    assert back.log - forth.log == pytest.approx(2.0, abs=1e-3)
    found = fp.rates(crossed(0.05))
    for computed, predicted in zip(found.rates, found.asymptotic, strict=True):
        for one, other in zip(computed, predicted, strict=True):
            assert (one is None) == (other is None)
            assert one is None or abs(log(one.ratio(other))) < other.relative_error


@pytest.mark.slow
def test_noise_of_any_scale_and_reading():
    """D = eps I written as a matrix, or as a formula, and read as Klimontovich: the same."""
    plain = beside(rotated(0.05), FAR).log
    for noise in (fp.Constant([[0.05, 0.0], [0.0, 0.05]]), fp.Formula("0.05 + 0*x")):
        assert beside(rotated(0.05, "klimontovich", noise), FAR).log == pytest.approx(plain, abs=1e-5)


def test_where_the_formula_does_not_hold_there_is_no_number(monkeypatch):
    def refuse(*_arguments):
        raise ConvergenceError("the paths meet in a focus", "trust no formula here")

    monkeypatch.setattr("fokker_planck.asymptotics.bouchet_reygner.exit_law", refuse)
    monkeypatch.setattr("fokker_planck.asymptotics.known_quasipotential.exit_law_of_quasipotential", refuse)
    found = fp.mean_exit_time(rotated(0.1), [-1.0, 0.0], FAR)
    assert found.asymptotic is None
    assert found.mean.relative_error < 1e-4
