"""Formulas beside answers with momentum: Mel'nikov and Meshkov's, its limits, and where none is about the question."""

from math import sqrt

import pytest

import fokker_planck as fp
from fokker_planck.output.tables import printed
from fokker_planck.quantity import Quantity
from fokker_planck.questions.beside import kinetic_formulas, predictions
from fokker_planck.questions.registry import entry
from fokker_planck.solvers.results.steady import Eigenvalue, Spectrum, Statistics

#: lambda_1 of (x^2 - 1)^2/4 by Hermite x Hermite functions, noise 1/20
GAPS = {0.1: 1.49213e-3, 0.5: 2.216814e-3, 2.0: 1.178958e-3}
#: mean times from (-1, 0), noise 1/20, by this program to 1e-5: to balls of radius 0.1 and 0.3 around (1, 0), x >= 0.9
TIMES = {
    (0.05, "small"): 2380.47,
    (0.05, "large"): 2211.99,
    (0.05, "beyond"): 1516.14,
    (0.5, "small"): 931.912,
    (0.5, "beyond"): 904.832,
    (2.0, "large"): 1714.80,
}
SETS = {
    "small": fp.Ball([1.0, 0.0], 0.1),
    "large": fp.Ball([1.0, 0.0], 0.3),
    "beyond": fp.HalfSpace([1.0, 0.0], 0.9),
    "saddle": fp.HalfSpace([1.0, 0.0], 0.0),
}


def quartic(friction, epsilon=1 / 20, potential="(x**2 - 1)**2/4"):
    fastest = sqrt(2.0 * (0.25 + 26.0 * epsilon))
    process = fp.Underdamped(fp.Potential(potential), fp.Isotropic(epsilon), friction)
    return fp.Problem(process, fp.Box([-1.9, -fastest], [1.9, fastest]), sets=SETS)


def holds(quantity, exact):
    return abs(quantity.value - exact) < quantity.relative_error * quantity.value


@pytest.mark.parametrize("friction", GAPS)
def test_three_formulas_for_the_gap(friction):
    beside = predictions.eigenvalues(quartic(friction), 2, absorbed=False)
    assert beside.formula == "Mel'nikov-Meshkov"
    assert beside.values[0] is None
    limits = dict(beside.limits)
    assert list(limits) == ["Kramers-Langer", "energy diffusion"]
    for found in (beside.values[1], limits["Kramers-Langer"][1], limits["energy diffusion"][1]):
        assert holds(found, GAPS[friction])
    assert beside.values[1].relative_error < 0.4
    kramers = (sqrt(friction**2 / 4 + 1.0) - friction / 2) * sqrt(2.0) / 3.141592653589793 * 2.718281828459045**-5
    assert limits["Kramers-Langer"][1].value == pytest.approx(kramers, rel=1e-9)
    diffusion = friction * 4.0 / 3.0 * 20.0 * sqrt(2.0) / 3.141592653589793 * 2.718281828459045**-5 / 2.0
    assert limits["energy diffusion"][1].value == pytest.approx(diffusion, rel=1e-9)


@pytest.mark.parametrize(("friction", "target"), TIMES)
def test_times_of_those_that_may_come_back_and_of_those_that_may_not(friction, target):
    """At friction 0.05 there was a traceback: of paths of least action for noise that vanishes in a direction."""
    found = predictions.exit_time(quartic(friction), (-1.0, 0.0), SETS[target])
    assert holds(found.values, TIMES[friction, target])
    assert found.values.relative_error < 0.7
    assert all(holds(value, TIMES[friction, target]) for _, (value,) in found.limits)


def test_nothing_is_said_about_surfaces_near_the_saddle_and_starts_above_it():
    assert predictions.exit_time(quartic(0.5), (-1.0, 0.0), SETS["saddle"]).values is None
    assert predictions.exit_time(quartic(0.5), (-1.0, 1.0), SETS["small"]).values is None
    assert predictions.exit_time(quartic(0.5), (-1.0, 0.0), SETS["small"]).values is not None


def test_rates_between_three_wells_and_weights():
    """The mirrored wells of x^2 (x^2 - 1)^2: what goes from one outer well to the other passes the middle one."""
    asked = quartic(0.2, 1 / 100, "x**2*(x**2 - 1)**2")
    places = ((-1.0, 0.0), (0.0, 0.0), (1.0, 0.0))
    found = predictions.rates(asked, places)
    assert found.values[0][2] is None
    assert found.values[0][1].value == pytest.approx(found.values[2][1].value)
    assert len(dict(found.limits)["energy diffusion"]) == 6
    shares = kinetic_formulas.weights(asked, places)
    assert sum(share.value for share in shares) == pytest.approx(1.0)
    assert shares[1].value == pytest.approx(0.5)  # V'' = 2 in the middle, 8 outside
    # in detailed balance with these weights
    flow = found.values[0][1].value * shares[0].value
    assert flow == pytest.approx(found.values[1][0].value * shares[1].value)


def test_wells_that_walls_hold_have_no_formula_or_one_without_a_traceback():
    asked = quartic(0.5, potential="x**2/2 - x**4")
    assert predictions.eigenvalues(asked, 2, absorbed=False).formula == "Mel'nikov-Meshkov"


def test_tables_name_the_formula_and_show_its_limits():
    beside = predictions.eigenvalues(quartic(0.5), 2, absorbed=False)
    values = (Eigenvalue(Quantity.of(0.0, 0.0)), Eigenvalue(Quantity.of(GAPS[0.5], 1e-6), 0.0, beside.values[1]))
    cost = Statistics(1, 1, 1, 1, 0.0, "")
    answer = Spectrum(values, (), cost, None, beside.formula, beside.limits)
    text = printed([(entry("spectrum").tables(answer, None), cost)])
    assert "Mel'nikov-Meshkov" in text
    assert "0.95465" in text
    assert "Kramers-Langer" in text
    assert "energy diffusion" in text
    assert "Eyring" not in text
    further = entry("spectrum").further(answer)
    assert further["limits"]["Kramers-Langer"][1]["value"] == pytest.approx(2.36821e-3, rel=1e-5)
