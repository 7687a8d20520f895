"""Rates where minima come in dozens, or are so narrow that the process does not stay in them."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.solvers import rates as solver
from fokker_planck.solvers.condensation.reduced_chain import (
    Chosen,
    chain_of,
    metastable,
    rates_of,
    table_of,
    warn_of_the_left_out,
)
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from validation.campaign.coordinates import changed, turned
from validation.campaign.questions import load
from validation.campaign.random_problems import random_problem


def test_a_narrow_minimum_that_is_left_faster_than_the_wells_settle_is_no_state():
    """It is 1.6 units of epsilon deep, and changes the rates by its weight alone: they are half the gap of one mode."""
    dent = "(x**2 - 1)**2/4 - 0.08*exp(-((x - 0.3)/0.02)**2)"
    line = fp.Problem(fp.Overdamped(fp.Potential(dent), fp.Isotropic(0.05)), fp.Box([-2], [2]))
    with pytest.warns(UserWarning, match="1 of 3 wells deeper than the noise are no states"):
        found = fp.rates(line)
    assert np.round(np.ravel(found.minima), 1).tolist() == [-1.0, 1.0]
    forth, back = found.rates[0][1].value, found.rates[1][0].value
    assert forth + back == pytest.approx(fp.spectrum(line, count=2).gap.value, rel=1e-7)


@pytest.mark.slow
def test_rates_along_a_turned_crease_of_a_python_function_are_those_on_the_line():
    """They were 1.2e-5 off at a bar of 4.9e-8: a minimum was 7e-4 from where it is, and false ones stood beside."""
    cosine, sine = np.cos(0.5), np.sin(0.5)

    def height(x):
        u, v = cosine * x[0] + sine * x[1], -sine * x[0] + cosine * x[1]
        return (u**2 - 1) ** 2 / 4 + np.abs(v - 0.1234)

    process = fp.Overdamped(fp.Potential(height), fp.Isotropic(0.05))
    found = fp.rates(fp.Problem(process, fp.Box([-2, -2], [2, 2]), fp.Resolution(1e-6)))
    exact = 2.776140636573e-3 / 2
    for rate in (found.rates[0][1], found.rates[1][0]):
        assert abs(rate.value / exact - 1) <= rate.relative_error <= 1e-6


def test_what_the_place_of_a_minimum_leaves_open_is_in_the_bars_of_rates(monkeypatch):
    """Rates are read from modes at the minima: as if one of them were off by 1e-3, as of (x - 1)^4 on a crease."""
    line = fp.Problem(
        fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05)), fp.Box([-2], [2]), fp.Resolution(1e-9)
    )
    known = fp.rates(line)
    monkeypatch.setattr(PotentialSetting, "state_uncertainties", (1e-3, 0.0))
    monkeypatch.setattr(PotentialSetting, "state_places", ((-1.001,), (1.0,)))
    with pytest.warns(UserWarning, match="beyond the tolerance"):
        found = fp.rates(replace(line, resolution=fp.Resolution(2e-9)))
    for k, m in ((0, 1), (1, 0)):
        off = abs(found.rates[k][m].value / known.rates[k][m].value - 1)
        assert known.rates[k][m].relative_error < 1e-8 < 1e-6 < off <= found.rates[k][m].relative_error < 1e-2


def test_a_chain_of_modes_that_do_not_tell_its_states_apart_has_none():
    """Three states, the third of which the third mode does not know: rates from it are negative by as much as any."""
    modes = np.array([[1.0, 1.0, 0.2], [1.0, -1.0, 0.2], [1.0, 0.9, 0.1]])
    values = [0.0, 0.1, 5.0]
    assert chain_of(values, modes, [0, 1, 2]).min() < -5.0
    kept, _ = metastable(values, modes)
    assert len(kept) == 2
    assert chain_of(values, modes, kept)[0, 1] > 0.0


def test_a_negative_entry_is_known_to_nothing_but_its_size():
    pairs = [(0, 1), (1, 0)]
    table = table_of(np.log([1e-3, 1.0]), np.full(2, 1e-9), np.array([-1.0, 1.0]), pairs, 2)
    assert table[0][1].value == pytest.approx(-1e-3)
    assert table[0][1].relative_error >= 1.0
    assert table[1][0].relative_error < 2e-9


@pytest.mark.slow
def test_ripples_of_a_periodic_free_energy_are_merged():
    """Forty-odd minima of which two are wells: those of sin(x) + sin(y) with a ripple, symmetric under x <-> y but for
    the place; more wells than fit into a chain in multiple precision used to take hundreds of seconds."""
    rippled = fp.Potential("4*(sin(x) + sin(y)) + 1.5*cos(5*x)*cos(5*y)")
    torus = fp.Box([0, 0], [2 * np.pi, 2 * np.pi], boundary="periodic")
    problem = fp.Problem(fp.Overdamped(rippled, fp.Isotropic(0.8)), torus, fp.Resolution(tolerance=1e-3))
    found = fp.rates(problem)  # the next modes are 6 % faster, but of another symmetry
    weights = [well.probability.value for well in fp.stationary_density(problem).wells]
    forth, back = found.rates[0][1].value, found.rates[1][0].value
    assert len(weights) == 2
    gap = fp.spectrum(problem, count=2).gap
    assert forth + back == pytest.approx(gap.value, rel=1e-6)
    assert found.rates[0][1].relative_error < 1e-3


@pytest.mark.slow
def test_fifty_wells_of_a_periodic_free_energy_make_a_chain():
    """Half of them are the others by symmetry: their chain has the eigenvalues of the spectrum, and V is symmetric."""
    rippled = fp.Potential("0.5*(sin(x) + sin(y)) + 1.5*cos(5*x)*cos(5*y)")
    torus = fp.Box([0, 0], [2 * np.pi, 2 * np.pi], boundary="periodic")
    problem = fp.Problem(fp.Overdamped(rippled, fp.Isotropic(0.5)), torus, fp.Resolution(tolerance=1e-3))
    found = fp.rates(problem)
    count = len(found.minima)
    assert count == 50
    table = np.array([[0.0 if q is None else q.value for q in row] for row in found.rates])
    chain = table - np.diag(table.sum(axis=1))
    gap = np.sort(-np.linalg.eigvals(chain).real)[1]
    assert gap == pytest.approx(fp.spectrum(problem, count=2).gap.value, rel=2e-3)
    places = [tuple(np.round(place, 3)) for place in found.minima]
    mirrored = [places.index((y, x)) for x, y in places]
    assert table[np.ix_(mirrored, mirrored)] == pytest.approx(table, rel=2e-3, abs=1e-4 * table.max())


def test_rates_between_wells_of_very_different_depth_are_a_chain():
    """The slow mode is 1e-57 in the deep well of what it is in the shallow one; it was 1e-48 of either sign, noise.

    The rates by shooting from both walls, u'' = (V' u' - lambda u) / eps with rtol 1e-12, matched at the saddle:
    their ratio is that of the mode at the two minima, their sum is lambda.
    """
    potential = fp.Potential("1.529*(x**2 - 1)**2 + 2*x")
    process = fp.Overdamped(potential, fp.Isotropic(0.03))
    found = fp.rates(fp.Problem(process, fp.Box([-2.2], [2.2]), fp.Resolution(tolerance=1e-8))).rates
    for quantity, exact in ((found[0][1], 7.1777620184e-59), (found[1][0], 0.03078083961835)):
        assert quantity.relative_error < 1e-8
        assert abs(quantity.value / exact - 1.0) < quantity.relative_error + 1e-11


def test_what_few_powers_leave_out_is_told_by_fewer(monkeypatch):
    """Wells one unit of epsilon deep, by three powers: the quotient of rates alone bounds the error by 2e-4."""
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.18))
    problem = fp.Problem(process, fp.Box([-2.2, -2.0], [2.2, 2.0]), fp.Resolution(tolerance=1e-6))
    known = fp.rates(problem).rates[0][1]
    monkeypatch.setattr(solver, "MOST_POWERS", 3)
    found = fp.rates(problem).rates[0][1]
    assert abs(found.log - known.log) < 0.1 * found.relative_error
    assert found.relative_error < 1e-6


def test_rates_that_are_differences_have_the_errors_of_their_terms():
    """Three states whose modes are off by 1e-3 at most: where terms cancel, entries are off by more of themselves."""
    flows, weights = np.array([[0.0, 0.2, 0.004], [0.2, 0.0, 0.1], [0.004, 0.1, 0.0]]), np.array([0.2, 0.3, 0.5])
    root = np.sqrt(weights)
    values, modes = np.linalg.eigh((np.diag(flows.sum(axis=1)) - flows) / np.outer(root, root))
    modes = modes / root[:, None]
    known = rates_of(values, modes, [0, 1, 2])
    assert np.allclose(np.exp(known.logs), [1.0, 0.02, 2.0 / 3.0, 1.0 / 3.0, 0.008, 0.2])
    found = rates_of(values * [1.0, 1.0009, 0.9991], modes, [0, 1, 2])
    errors = np.abs(np.expm1(known.logs - found.logs))
    shared = found.errors_shared(np.full(6, 1e-3))
    assert (errors <= shared).all()
    assert errors[[1, 4]].min() > 5e-3  # 0.02 and 0.008 from sums of 0.5 and more
    assert shared.max() < 0.1
    assert shared[[0, 2, 3, 5]].max() < 4e-3


def _three_states(negative: float) -> tuple[list[float], np.ndarray]:
    """Eigenvalues and modes of a chain of three states, an entry of which is negative by so much of the rate out."""
    rates = np.array([[-0.1, 0.05, 0.05], [0.04, -0.1, 0.06], [0.3 * (1.0 + negative), -0.3 * negative, -0.3]])
    values, modes = np.linalg.eig(rates)
    order = np.argsort(-values.real)
    return [0.0, *-values.real[order][1:]], modes.real[:, order] / modes.real[0, order]


def test_states_are_chosen_anew_on_finer_meshes():
    """The first one is too coarse to say; one of as many cells, of another degree, verifies a chain of its states."""
    chosen = Chosen([])
    chosen.look(*_three_states(0.07), cells=160)
    assert chosen.kept == [0, 1]
    assert chosen.dropped == pytest.approx(0.07)
    chosen.look(*_three_states(0.02), cells=160)
    assert chosen.kept == [0, 1]
    chosen.look(*_three_states(0.02), cells=511)
    assert chosen.kept == [0, 1, 2]


@pytest.mark.parametrize(
    ("negative", "match"), [(0.0501, "1 of 3 wells|2 wells.*or more, lies within"), (0.0499, "3 wells.*or less")]
)
def test_the_number_of_states_is_said_to_be_open_on_both_sides(negative, match):
    chosen, given = Chosen([]), _three_states(negative)
    chosen.look(*given, cells=1)
    found = rates_of(*given, chosen.kept)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warn_of_the_left_out(3, chosen, found, np.full(len(found.logs), 0.01))
    assert len(heard) == match.count("|") + 1
    assert all(re.search(match, str(each.message)) for each in heard)


@pytest.mark.slow
def test_shallow_wells_in_space_have_as_many_states_turned_or_not(tmp_path):
    """Eight of rates of e^-2: on the first mesh of the turned ones an entry was -7 %, and there were seven states."""
    problem = random_problem(113, 237)
    rotated = changed(problem.tables, turned(0.4648396227112598, problem.dimension))
    assert len(fp.rates(load(rotated, tmp_path).problem).minima) == 8
