"""Rates between wells: asked for, in tables, as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.asymptotics.saddle_flow import SaddleFlow
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.phase_space import has_every_question
from fokker_planck.model.problem import Problem
from fokker_planck.model.recast.positions import positions_of
from fokker_planck.output.serialize import limits_json, number_json, numbers_json, quantity_json
from fokker_planck.output.tables import (
    NOTHING,
    comparison,
    empty_table,
    error_bar,
    limits_tables,
    point_text,
    significant,
)
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.questions.beside import predictions
from fokker_planck.questions.entry import Entry
from fokker_planck.questions.keeping.work_of_answers import counting
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.solvers.results.steady import Rates, quotient

if TYPE_CHECKING:
    from deeptime.markov.msm import MarkovStateModel
    from matplotlib.axes import Axes
    from rich.table import Table

    from fokker_planck.quantity import Quantity, QuantityDict


@dataclass(frozen=True)
class WellRates(Rates):
    """The reduced chain, and over which saddles it goes from one well to another, by Eyring-Kramers.

    Attributes
    ----------
    minima
        of the wells
    rates
        from row to column, None on the diagonal
    hitting_times
        mean times from row to column
    statistics
        what it cost
    asymptotic
        rates by the formula
    formula
        its name
    limits
        values of other formulas, by their names
    numbers
        of the wells in the landscape, where those are counted that are too shallow for a state
    flows
        for pairs of wells the saddles that carry the flow, with their shares
    """

    flows: tuple[SaddleFlow, ...] = ()

    @property
    def matrix(self) -> Floats:
        """The rates as numbers, minus the sum of its row on the diagonal: the generator of the chain.

        Raises OverflowError where a rate fits no double.
        """
        found = np.array([[0.0 if rate is None else float(rate) for rate in row] for row in self.rates])
        return np.asarray(found - np.diag(found.sum(axis=1)))

    def to_markov_state_model(self, lag_time: float | None = None) -> MarkovStateModel:
        """The chain as a MarkovStateModel of deeptime: see :func:`.markov_state_model`."""
        from fokker_planck.questions.keeping.markov_state_model import markov_state_model

        return markov_state_model(self.rates, lag_time)


@counting
@quietly
def rates(problem: Problem) -> WellRates:
    """L chi_m = sum_k chi_k R_km on the slow eigenfunctions: rates between wells, beside Eyring-Kramers.

    Wells shallower than one unit of epsilon are no states of the chain; in the Eyring-Kramers rates beside it they are
    ways from one state to another.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy

    Returns
    -------
    WellRates
        The rates from row to column (None on the diagonal, which is minus the sum of the row), the mean times from one
        well to another, the Eyring-Kramers rates, and for each pair of wells the saddles that carry the flow.

    Raises
    ------
    ProblemError
        Where there are fewer than two such wells
    ConvergenceError
        Where the solve fails.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> found = rates(fp.Problem(process, fp.Box([-2.0], [2.0])))
    >>> round(2 * found.rates[0][1].value, 10)                 # the gap, 2.776140636573e-3
    0.0027761406
    """
    from fokker_planck.solvers import rates as solver

    found = solver.rates(problem)
    beside = predictions.rates(problem, found.minima)
    answer = WellRates(
        found.minima,
        found.rates,
        found.hitting_times,
        found.statistics,
        beside.values,
        beside.formula,
        beside.limits,
        found.numbers,
        beside.flows,
    )
    return counting.said_with(answer, problem)


@quietly
def has_rates(problem: Problem) -> bool:
    """Whether there are two wells deeper than one unit of epsilon, between which :func:`rates` can be asked for."""
    from fokker_planck.solvers.setting.landscape_of_potential import of_potential
    from fokker_planck.solvers.setting.setting import prepare

    if not has_every_question(problem.process):
        return len(of_potential(positions_of(problem)).state_places) >= 2
    return len(prepare(problem, wells=True).state_places) >= 2


def _json(answer: Rates) -> dict[str, Any]:
    count = range(len(answer.minima))
    return {
        "wells": [
            {"number": number, "minimum": numbers_json(minimum)}
            for number, minimum in zip(answer.well_numbers, answer.minima, strict=True)
        ],
        "rates": [[_leaving(row) if entry is None else entry.as_dict() for entry in row] for row in answer.rates],
        "asymptotic": [[quantity_json(_predicted(answer, k, m)) for m in count] for k in count],
    }


def _leaving(row: Sequence[Quantity | None]) -> QuantityDict:
    """The diagonal entry of a row of rates, minus the sum of the others; no value where these fit no double."""
    others = [entry for entry in row if entry is not None]
    known = [(entry.value, entry.relative_error) for entry in others if entry.value is not None]
    total = sum(value for value, _ in known)
    if total == 0.0 or not math.isfinite(total):
        return {"value": None, "log": None, "relative_error": None}
    error = sum(abs(value) * relative_error for value, relative_error in known)
    return {"value": -total, "log": None, "relative_error": number_json(error / abs(total))}


def _prediction(answer: Rates) -> list[dict[str, Any]]:
    """In the order of :func:`_pairs`."""
    beside = [(answer.rates[k][m], _predicted(answer, k, m)) for k, m in _pairs(answer)]
    return [
        {"value": quantity_json(value), "ratio": number_json(quotient(rate, value)) if rate is not None else None}
        for rate, value in beside
    ]


def _chain(answer: Rates) -> dict[str, Any]:
    """What the result folder tells of a reduced chain beyond its rates: mean hitting times, saddles between wells."""
    return {
        "chain": {
            "hitting_times": [[quantity_json(entry) for entry in row] for row in answer.hitting_times],
            "saddles": [
                {
                    "between": [int(k) for k in flow.between],
                    "position": numbers_json(flow.saddle),
                    "share": number_json(flow.share),
                }
                for flow in _flows(answer)
            ],
        },
        **limits_json(answer.limits),
    }


def _rows(answer: Rates) -> list[dict[str, Any]]:
    return [
        {
            "from": numbers_json(answer.minima[k]),
            "to": numbers_json(answer.minima[m]),
            "rate": quantity_json(answer.rates[k][m]),
            "hitting_time": quantity_json(answer.hitting_times[k][m]),
            "asymptotic": other["value"],
            "ratio": other["ratio"],
        }
        for (k, m), other in zip(_pairs(answer), _prediction(answer), strict=True)
    ]


def _tables(answer: Rates, _: float | None) -> list[Table]:
    """All pairs of wells, and the saddles between them where they are known."""
    named = zip(answer.well_numbers, answer.minima, strict=True)
    wells = [f"{number}  {point_text(minimum, digits=4)}" for number, minimum in named]
    headings = ("rate", *comparison(answer.formula), "mean time to it")
    rates = empty_table("Rates between wells", ("from", "to"), headings)
    for k, m in _pairs(answer):
        rate, time, beside = answer.rates[k][m], answer.hitting_times[k][m], _predicted(answer, k, m)
        ratio = quotient(rate, beside) if rate is not None else None
        rates.add_row(
            wells[k],
            wells[m],
            NOTHING if rate is None else rate.digits,
            NOTHING if rate is None else error_bar(rate),
            significant(beside),
            NOTHING if ratio is None else f"{ratio:.6g}",
            NOTHING if time is None else time.digits,
        )
    saddles = empty_table("Saddles that carry the flow (Eyring-Kramers)", ("between", "and", "saddle"), ("share",))
    for flow in _flows(answer):
        first, second = flow.between
        saddles.add_row(wells[first], wells[second], point_text(flow.saddle), f"{100.0 * flow.share:.4g} %")
    pairs = [(wells[k], wells[m]) for k, m in _pairs(answer)]
    others = limits_tables(("from", "to"), pairs, answer.limits)
    return [rates, *others, saddles] if _flows(answer) else [rates, *others]


def _pairs(answer: Rates) -> list[tuple[int, int]]:
    """All (from, to) of a reduced chain, row by row, without the diagonal."""
    count = len(answer.minima)
    return [(k, m) for k in range(count) for m in range(count) if k != m]


def _predicted(answer: Rates, k: int, m: int) -> Quantity | None:
    """The Eyring-Kramers rate from k to m, None where there is none."""
    return answer.asymptotic[k][m] if answer.asymptotic is not None else None


def _flows(answer: Rates) -> tuple[SaddleFlow, ...]:
    return answer.flows if isinstance(answer, WellRates) else ()


def _draw(axes: Axes, answer: Rates) -> None:
    from fokker_planck.output.plots.network import draw_rates

    draw_rates(axes, answer)


ENTRY: Entry[None, Rates] = Entry(
    answer=Rates,
    draw=_draw,
    ask=lambda problem, _: rates(problem),
    json=_json,
    rows=_rows,
    tables=_tables,
    applies=lambda problem: has_rates(problem),
    prediction=_prediction,
    further=_chain,
)
