"""Chains with fewer states: what is left out stays as a way, and the flow between two wells knows its saddles."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.asymptotics.eyring_kramers import log_capacity, rates
from fokker_planck.asymptotics.markov_chain import log_watched_chain
from fokker_planck.asymptotics.saddle_flow import saddle_flows
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle
from fokker_planck.questions.eyring_kramers import eyring_kramers
from fokker_planck.questions.rates import rates as computed_rates

WELL = {"hessian": ((40.0,),), "hessian_eigenvalues": (40.0,), "kind": "minimum"}
TOP = {"hessian": ((-20.0,),), "hessian_eigenvalues": (-20.0,), "kind": "saddle"}
NOTHING = -np.inf


def tensor(x):
    return np.full((1, 1, x.shape[1]), 0.05)


def landscape(joins, heights, wells):
    """Wells at height zero on a line and saddles between them; only heights and joins matter."""
    minima = tuple(CriticalPoint((float(k),), 0.0, **WELL) for k in range(wells))
    saddles = (
        Saddle((k + 0.5,), height, **TOP, joins=pair)
        for k, (pair, height) in enumerate(zip(joins, heights, strict=True))
    )
    return Landscape(minima, tuple(saddles), Frame((0.0,), (9.0,), (None,)))


def random_chain(size, seed):
    table = np.random.default_rng(seed).uniform(-3.0, 3.0, (size, size))
    np.fill_diagonal(table, NOTHING)
    return table


@pytest.mark.parametrize("kept", [[0, 1], [2, 0, 5], [4], [0, 1, 2, 3, 4, 5]])
def test_the_watched_chain_is_the_schur_complement(kept):
    table = random_chain(6, 7)
    matrix = np.exp(table)
    matrix -= np.diag(matrix.sum(axis=1))
    gone = [k for k in range(6) if k not in kept]
    to_kept = np.linalg.solve(-matrix[np.ix_(gone, gone)], matrix[np.ix_(gone, kept)])
    exact = matrix[np.ix_(kept, kept)] + matrix[np.ix_(kept, gone)] @ to_kept
    np.fill_diagonal(exact, 0.0)
    found, first = log_watched_chain(table, kept)
    np.testing.assert_allclose(np.exp(found), exact, rtol=1e-12)
    np.testing.assert_allclose(np.exp(first[gone]), to_kept, rtol=1e-12)
    np.testing.assert_array_equal(np.exp(first[kept]), np.eye(len(kept)))


def test_the_order_of_elimination_does_not_matter():
    table, kept, order = random_chain(5, 3), [3, 1], [4, 3, 2, 1, 0]
    turned = table[np.ix_(order, order)]
    found = log_watched_chain(table, kept)[0]
    np.testing.assert_allclose(found, log_watched_chain(turned, [order.index(k) for k in kept])[0], rtol=1e-12)


def test_no_digit_is_lost_where_rates_span_hundreds_of_orders():
    # 0 -> 2 -> 1 with a way back that is 1e400 times as likely
    table = np.full((3, 3), NOTHING)
    table[0, 2], table[2, 0], table[2, 1], table[1, 2] = -2000.0, -1.0, -1000.0, -3000.0
    found, first = log_watched_chain(table, [0, 1])
    assert found[0, 1] == pytest.approx(-2000.0 - 999.0, abs=1e-12)
    assert found[1, 0] == pytest.approx(-3000.0, abs=1e-12)
    assert first[2, 1] == pytest.approx(-999.0, abs=1e-12)


def test_an_unknown_rate_spoils_only_what_depends_on_it():
    table = np.full((5, 5), NOTHING)
    for i, j in ((0, 1), (1, 0), (1, 3), (3, 1), (3, 2), (2, 3)):
        table[i, j] = -1.0
    table[3, 2] = float("nan")
    found, _ = log_watched_chain(table, [0, 1, 2])
    assert found[0, 1] == found[1, 0] == -1.0
    assert np.isnan(found[1, 2])
    assert found[0, 2] == NOTHING
    # state 4 is joined to nothing, and leaving it out changes nothing
    np.testing.assert_array_equal(found, log_watched_chain(table[:4, :4], [0, 1, 2])[0])


def test_a_shallow_well_between_two_saddles_is_two_resistances_in_series():
    wells = landscape([(0, 2), (1, 2)], [5.0, 6.0], 3)
    found, _ = log_watched_chain(rates(wells, tensor), [0, 1])
    first, second = (np.exp(log_capacity(saddle, tensor)) for saddle in wells.saddles)
    weight = np.sqrt(2 * np.pi / 40.0)
    assert np.exp(found[0, 1]) == pytest.approx(first * second / (first + second) / weight, rel=1e-12)
    assert [(way.between, way.share) for way in saddle_flows(wells, tensor, [0, 1])] == [
        ((0, 1), pytest.approx(1.0, rel=1e-12)),
        ((0, 1), pytest.approx(1.0, rel=1e-12)),
    ]


def test_a_direct_saddle_and_a_way_through_a_shallow_well_share_the_flow():
    wells = landscape([(0, 1), (0, 2), (1, 2)], [5.0, 5.0, 5.0], 3)
    flows = {way.saddle: way.share for way in saddle_flows(wells, tensor, [0, 1])}
    assert flows == {(0.5,): pytest.approx(2 / 3), (1.5,): pytest.approx(1 / 3), (2.5,): pytest.approx(1 / 3)}


def test_a_dead_end_and_a_negligible_saddle_carry_nothing():
    wells = landscape([(0, 1), (0, 2), (0, 1), (0, 0)], [5.0, 4.0, 30.0, 3.0], 3)
    assert [way.saddle for way in saddle_flows(wells, tensor, [0, 1])] == [(0.5,)]


def test_pairs_without_a_direct_way_have_no_saddle():
    wells = landscape([(0, 1), (1, 2)], [5.0, 5.0], 3)
    assert [way.between for way in saddle_flows(wells, tensor, [0, 1, 2])] == [(0, 1), (1, 2)]


def test_a_degenerate_saddle_leaves_its_pair_without_flows():
    wells = landscape([(0, 1), (1, 2)], [5.0, 5.0], 3)
    flat = Saddle((0.7,), 5.0, **TOP, joins=(0, 1), degenerate=True)
    with_flat = Landscape(wells.minima, (*wells.saddles, flat), wells.frame)
    assert [way.between for way in saddle_flows(with_flat, tensor, [0, 1, 2])] == [(1, 2)]


def test_mueller_brown_at_noise_10_goes_through_its_shallow_well():
    problem = fp.Problem(fp.Overdamped(fp.named("mueller-brown").potential, fp.Isotropic(10.0)), fp.Sublevel(250.0))
    found = computed_rates(problem)
    assert len(found.minima) == 2
    assert eyring_kramers(problem)[0][1] is None, "no saddle joins the deep wells"
    # capacities in series, by hand from the critical points: lambda / (2 pi) (2 pi eps) / sqrt|det| exp(-V / eps)
    capacity = [
        lower / np.sqrt(lower * upper) * np.exp(-(value + 146.6995) / 10)
        for value, lower, upper in ((-72.24894, 735.2473, 510.8866), (-40.66484, 750.8627, 490.2407))
    ]
    series = np.sqrt(410.5311 * 4068.199) / (2 * np.pi) / (1 / capacity[0] + 1 / capacity[1])
    assert found.asymptotic[0][1].value == pytest.approx(series, rel=1e-5)
    assert found.rates[0][1].value == pytest.approx(5.08901e-3, rel=1e-4)
    assert 0.5 < found.rates[0][1].ratio(found.asymptotic[0][1]) < 1.5
    assert [way.share for way in found.flows] == pytest.approx([1.0, 1.0], rel=1e-12)
