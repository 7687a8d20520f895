"""Rates become transition probabilities with all their digits, also as a model of deeptime."""

import sys

import mpmath
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import MissingPackageError, ProblemError
from fokker_planck.questions.keeping.markov_state_model import _stationary, markov_state_model, transition_probabilities


def quantities(rates):
    return [[fp.Quantity.of(v, 1e-6) if v else None for v in row] for row in rates]


@pytest.mark.parametrize(
    "rates",
    [
        [[0.0, 3.0, 0.1], [0.2, 0.0, 1.0], [0.5, 0.0, 0.0]],
        [[0.0, 1e-80, 0.0], [1.0, 0.0, 1e-30], [0.0, 1e-50, 0.0]],
        [[0.0, 700.0], [1e-3, 0.0]],
    ],
)
def test_every_entry_has_its_digits(rates):
    """The exponential in 200 digits; 1e-110 in two hops beside 1."""
    rates = np.array(rates)
    found = transition_probabilities(rates)
    with mpmath.workdps(200):
        exact = mpmath.expm(mpmath.matrix((rates - np.diag(rates.sum(axis=1))).tolist()), method="taylor")
        ratios = [float(found[i, j] / exact[i, j]) for i in range(len(rates)) for j in range(len(rates))]
    np.testing.assert_allclose(ratios, 1.0, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-14)


def test_weights_of_wells_from_rates_that_doubles_do_not_hold():
    """Detailed balance with weights e^-500, 1, e^-600."""
    logs = np.array([[-np.inf, -900.0, -np.inf], [-1400.0, -np.inf, -1800.0], [-np.inf, -1200.0, -np.inf]])
    np.testing.assert_allclose(np.log(_stationary(logs)), [-500.0, 0.0, -600.0], rtol=1e-12)


def test_what_no_model_holds_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "deeptime", None)
    monkeypatch.setitem(sys.modules, "deeptime.markov.msm", None)
    with pytest.raises(MissingPackageError, match=r"fokker-planck-fem\[deeptime\]"):
        markov_state_model(quantities([[0.0, 1.0], [2.0, 0.0]]))


def test_a_model_of_deeptime():
    pytest.importorskip("deeptime", reason="deeptime is an extra")
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + x/20"), fp.Isotropic(0.05))
    rates = fp.rates(fp.Problem(process, fp.Box([-2.0], [2.0])))
    model = rates.to_markov_state_model(lag_time=5.0)
    forth, back = rates.rates[0][1].value, rates.rates[1][0].value
    assert model.lagtime == pytest.approx(5.0)
    np.testing.assert_allclose(model.stationary_distribution, np.array([back, forth]) / (forth + back), rtol=1e-10)
    assert model.timescales()[0] == pytest.approx(1.0 / (forth + back), rel=1e-8)
    assert model.transition_matrix[0, 1] == pytest.approx(
        forth / (forth + back) * -np.expm1(-5.0 * (forth + back)), rel=1e-10
    )
    with pytest.raises(ProblemError, match="lag_time"):
        rates.to_markov_state_model(lag_time=1e-310)
