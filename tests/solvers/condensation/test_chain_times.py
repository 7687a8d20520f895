"""Mean times of a chain against their definition, and their errors against rates that are wrong by as much."""

import mpmath
import numpy as np
import pytest

from fokker_planck.solvers.condensation.chain_times import log_times_and_errors


def a_chain(rates):
    return rates - np.diag(rates.sum(axis=1))


def times_of(chain, goal):
    rest = [k for k in range(len(chain)) if k != goal]
    return np.linalg.solve(-chain[np.ix_(rest, rest)], np.ones(len(rest)))


@pytest.mark.parametrize("exact", [False, True])
def test_errors_are_those_of_rates_that_are_wrong_by_as_much(exact):
    rng = np.random.default_rng(5)
    rates = np.exp(rng.normal(size=(4, 4)) * 2.0)
    np.fill_diagonal(rates, 0.0)
    chain, unknown = a_chain(rates), rng.uniform(0.0, 1e-6, size=(4, 4))
    logs, errors = log_times_and_errors(mpmath.matrix(chain.tolist()) if exact else chain, unknown)
    for goal in range(4):
        rest = [k for k in range(4) if k != goal]
        known = times_of(chain, goal)
        assert np.exp(logs[rest, goal]) == pytest.approx(known, rel=1e-12)
        changes = np.zeros(3)
        for a, b in ((a, b) for a in rest for b in range(4) if a != b):
            moved = rates.copy()
            moved[a, b] *= 1.0 + unknown[a, b]
            changes += abs(times_of(a_chain(moved), goal) / known - 1.0)
        assert errors[rest, goal] == pytest.approx(changes, rel=1e-4)


def test_a_negligible_rate_of_which_nothing_is_known_leaves_times_known():
    rates = np.array([[0.0, 1.0, 1e-30], [2.0, 0.0, 3.0], [1e-30, 0.5, 0.0]])
    unknown = np.array([[0.0, 1e-9, 1e10], [1e-9, 0.0, 1e-9], [1e10, 1e-9, 0.0]])
    _, errors = log_times_and_errors(a_chain(rates), unknown)
    assert (errors < 4e-9).all()


def test_a_fast_exchange_on_the_way_costs_no_digit():
    """Two states that exchange 1e200 times before they are left for the third one, at barriers of 460 units."""
    with mpmath.workdps(450):
        slow = mpmath.mpf(10) ** -200
        chain = mpmath.matrix([[-1, 1, 0], [1, -1 - slow, slow], [0, slow, -slow]])
        logs, errors = log_times_and_errors(chain, np.full((3, 3), 1e-8))
    assert logs[0, 2] == pytest.approx(np.log(2.0) + 200 * np.log(10.0), rel=1e-14)
    # tau = 1/k_12 + (1 + k_21/k_12)/k_23: elasticities 1/2, 1/2 and 1
    assert errors[0, 2] == pytest.approx(2e-8, rel=1e-6)
