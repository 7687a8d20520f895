"""The reduced Markov chain R = X (-Lambda) X^-1 on slow eigenfunctions, X_km the value of mode m at state k.

R is a chain only where the process settles in every state before it leaves.  A minimum out of which it goes as fast as
it relaxes elsewhere, a narrow one say, has no slow mode of its own: with it R has entries that are negative by as much
as its rates, however well each is computed.  Such minima are no states.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import mpmath
import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.types import SHALLOWEST
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.condensation.chain_times import log_times_and_errors
from fokker_planck.solvers.results.steady import Rates, Statistics

COUNTS = 0.1
"""Of the rates out of a well, from which on one steers the refinement, and says how well those beside it are known."""
MOST_CANCELLING = 600.0
"""Logarithm of a factor that is a double, times any error: nothing is known of what is so much less than its terms."""
LEFT_OUT = 0.05
"""Of the rate out of a well, by which an entry may be negative: what a chain leaves out is of the order of its rates
over those of settling. 50 wells, left four times as slowly as they settle, come to 0.02."""
MOST_STATES = 60
"""Of a chain: the algebra in multiple precision grows with the cube, 60 states take about 20 s of a core."""
ROUNDING = 2e-15
"""Of the largest rate out of a well, what is rounding in the others: some ten units in the last place."""
WORST_CONDITION = 1e6
"""Of the modes at the states, beyond which doubles do not tell them apart: it takes so much of 1e-12."""


def refuse_count(count: int, key: str) -> None:
    """Raise for so many states: ``ProblemError`` with the ``key`` below two, ``ConvergenceError`` for too many."""
    if count < 2:
        found = f"{count} well deeper than the noise in the domain"
        wanted = f"at least two wells of more than {SHALLOWEST:g} unit of epsilon to go between"
        raise ProblemError(key, found, wanted)
    if count > MOST_STATES:
        raise ConvergenceError(
            f"{count} wells are deeper than the noise, a chain is computed of at most {MOST_STATES}",
            "more noise or a smaller domain; `committor` and `exit` are about few sets, however many wells there are",
        )


def chain_of(values: Any, at_states: Any, kept: list[int]) -> Any:
    """R of the states ``kept``, from as many modes; None where these do not tell the states apart.

    Parameters
    ----------
    values
        eigenvalues, the first one zero.
    at_states
        modes in columns, a matrix of mpmath, or of doubles where these hold it.
    kept
        rows.
    """
    size = len(kept)
    if isinstance(at_states, np.ndarray):
        rows = at_states[kept, :size]
        if not np.linalg.cond(rows) < WORST_CONDITION:
            return None
        rates = np.array([float(value) for value in values[:size]])
        return -(rows * rates) @ np.linalg.inv(rows)
    rows = _rows(at_states, kept)
    middle = mpmath.diag([-values[k] if k else mpmath.mpf(0) for k in range(size)])
    try:
        return rows * middle * mpmath.inverse(rows)
    except ZeroDivisionError:
        return None


def _rows(at_states: Any, kept: list[int]) -> Any:
    """The modes at the states ``kept``, as many, a matrix of mpmath."""
    size = len(kept)
    rows = mpmath.matrix(size, size)
    for row, state in enumerate(kept):
        for column in range(size):
            rows[row, column] = at_states[state, column]
    return rows


def log_terms_of(values: Any, at_states: Any, kept: list[int]) -> Floats:
    """Logarithms of sum_i |X_ki Lambda_i (X^-1)_im|, (K, K): how large the terms are of which entries of R are sums."""
    size = len(kept)
    if isinstance(at_states, np.ndarray):
        rows = at_states[kept, :size]
        inverse: Any = np.linalg.inv(rows)
    else:
        rows = _rows(at_states, kept)
        inverse = mpmath.inverse(rows)
    left, right = (_logs([[part[i, j] for j in range(size)] for i in range(size)]) for part in (rows, inverse))
    middle = _logs([list(values[:size])])[0]
    middle[0] = -np.inf
    return np.asarray(np.logaddexp.reduce(left[:, :, None] + middle[:, None] + right, axis=1))


def _logs(table: list[list[Any]]) -> Floats:
    """Of absolute values."""
    return np.array([[float(mpmath.log(abs(entry))) if entry != 0 else -np.inf for entry in row] for row in table])


@dataclass(frozen=True)
class ChainRates:
    """The entries of R out of every state, in the order of ``pairs_of``: logarithms of their sizes, and their signs.

    ``weights`` says how much each counts, see :func:`weights_of_rates`; ``chain`` is R itself, real.  ``cancelling``
    is by how much smaller each is than the terms of which it is a sum, as a logarithm.
    """

    logs: Floats
    signs: Floats
    weights: Floats
    chain: Any
    cancelling: Floats

    @property
    def negative(self) -> Floats:
        """By how much each is negative, (n,), of the rate out of its state; zero where it is not."""
        count = len_of(self.chain)
        out = [float(mpmath.log(abs(self.chain[k, k]))) if self.chain[k, k] != 0 else np.inf for k in range(count)]
        shares = np.exp(self.logs - np.array([out[k] for k, _ in pairs_of(count)]))
        return np.asarray(np.where(self.signs < 0.0, shares, 0.0))

    def errors_shared(self, errors: Floats) -> Floats:
        """The ``errors`` (n,) of the rates, each no less than what its terms have of the worst of those that count.

        All entries are sums of the same modes.  One that hardly changes from mesh to mesh may do so by chance, and one
        that is small because terms cancel has the error of these.
        """
        worst = float(np.where(self.weights >= COUNTS, errors, 0.0).max(initial=0.0))
        return np.asarray(np.maximum(errors, worst * np.exp(np.minimum(self.cancelling, MOST_CANCELLING))))


def len_of(chain: Any) -> int:
    """Number of states."""
    return len(chain) if isinstance(chain, np.ndarray) else int(chain.rows)


def rates_of(values: Any, at_states: Any, kept: list[int]) -> ChainRates:
    """The chain on the states ``kept``.

    Raises ``ConvergenceError`` where the modes do not tell the states apart.
    """
    chain = chain_of(values, at_states, kept)
    if chain is None:
        raise ConvergenceError("the slow modes do not tell the wells apart", "a smaller tolerance or more noise")
    chain = chain.real if isinstance(chain, np.ndarray) else chain.apply(mpmath.re)
    pairs = pairs_of(len(kept))
    entries = [chain[k, m] for k, m in pairs]
    logs = np.array([float(mpmath.log(abs(entry))) if entry != 0 else -np.inf for entry in entries])
    signs = np.array([float(mpmath.sign(entry)) for entry in entries])
    terms = log_terms_of(values, at_states, kept)
    cancelling = np.maximum(np.array([terms[pair] for pair in pairs]) - logs, 0.0)
    return ChainRates(np.where(np.isfinite(logs), logs, 0.0), signs, weights_of_rates(logs, pairs), chain, cancelling)


def result_of(
    minima: Sequence[tuple[float, ...]], numbers: Floats, errors: Floats, found: ChainRates, statistics: Statistics
) -> Rates:
    """Rates and mean hitting times between the ``minima``, in the current precision of mpmath."""
    count, pairs = len(minima), pairs_of(len(minima))
    rates = table_of(numbers, errors, found.signs, pairs, count)
    unknown = np.array([[0.0 if entry is None else entry.relative_error for entry in row] for row in rates])
    times, unknown_of_times = log_times_and_errors(found.chain, unknown)
    hitting: list[list[Quantity | None]] = [[None] * count for _ in range(count)]
    for k, m in pairs:
        hitting[k][m] = Quantity.of_log(float(times[k, m]), float(unknown_of_times[k, m]))
    return Rates(
        minima=tuple(minima),
        rates=rates,
        hitting_times=tuple(tuple(row) for row in hitting),
        statistics=statistics,
    )


def metastable(values: Any, at_states: Any) -> tuple[list[int], float]:
    """The states of which R is a chain: what is left by the fastest way out is dropped until it is.

    And by how much an entry was negative, of the rate out, where the last one was dropped; infinite where none was.
    Raises ``ConvergenceError`` where fewer than two remain.
    """
    kept, negative = list(range(len(at_states) if isinstance(at_states, np.ndarray) else at_states.rows)), np.inf
    while len(kept) > 1:
        chain = chain_of(values, at_states, kept)
        if chain is None:
            kept.pop()
            continue
        real = chain.real if isinstance(chain, np.ndarray) else chain.apply(mpmath.re)
        out = [abs(real[k, k]) for k in range(len(kept))]
        if all(real[k, m] >= -LEFT_OUT * out[k] for k, m in pairs_of(len(kept))):
            return kept, negative
        negative = max(-float(real[k, m] / out[k]) for k, m in pairs_of(len(kept)) if out[k] != 0)
        kept.pop(max(range(len(kept)), key=lambda k: out[k]))
    refuse_chain()


@dataclass
class Chosen:
    """The states ``kept`` of a chain, by the finest mesh so far, of so many ``cells``; see :func:`metastable`.

    The first mesh is too coarse to say: of eight shallow wells in space an entry was -7 % of the rate out on 160 cells,
    and one well was no state, of the same turned by an angle all were; from 500 cells on it is -2 % in both.
    """

    kept: list[int]
    cells: int = 0
    dropped: float = np.inf

    def look(self, values: Any, at_states: Any, cells: int) -> None:
        """Choose anew on a mesh finer than all before; those that verify one of as many cells keep to its states.

        Raises ``ConvergenceError`` where the first one knows of none.
        """
        if cells <= self.cells:
            return
        try:
            self.kept, self.dropped = metastable(values, at_states)
        except ConvergenceError:
            if not self.kept:
                raise
        self.cells = cells


def refuse_chain() -> NoReturn:
    """Raise ConvergenceError for wells that are no states."""
    raise ConvergenceError(
        "the process leaves the wells as fast as it settles in them: there is no chain between them",
        "less noise; `spectrum` and `committor` hold without a chain",
    )


def warn_of_the_left_out(all_states: int, chosen: Chosen, found: ChainRates, errors: Floats) -> None:
    """Say that minima which are deep enough are no states all the same, and where their number is not sure.

    The ``errors`` (n,) are those of the rates found, each by itself: within them an entry may be on the other side of
    ``LEFT_OUT``.
    """
    count = len(chosen.kept)
    if count < all_states:
        warnings.warn(
            f"{all_states - count} of {all_states} wells deeper than the noise are no states of a chain: the process "
            "leaves them as fast as it settles elsewhere; they are counted with their neighbours",
            stacklevel=3,
        )
    counting = np.where(found.weights >= COUNTS, errors, 0.0).max(initial=0.0)
    fewer = bool((found.negative * (1.0 + errors) > LEFT_OUT).any())
    if fewer or chosen.dropped * (1.0 - counting) < LEFT_OUT:
        other = "less" if fewer else "more"
        warnings.warn(
            f"whether {count} wells are states of a chain, or {other}, lies within the errors of rates: a small change "
            "of the problem or the mesh may lead to a chain of other states, with other rates",
            stacklevel=3,
        )


def table_of(logs: Floats, errors: Floats, signs: Floats, pairs: list[tuple[int, int]], count: int) -> Any:
    """Rates from row to column; an entry is a sum with the others of its row, and knows no more than their rounding."""
    table: list[list[Quantity | None]] = [[None] * count for _ in range(count)]
    largest = [max(logs[n] for n, pair in enumerate(pairs) if pair[0] == k) for k in range(count)]
    for number, (k, m) in enumerate(pairs):
        rounding = ROUNDING * float(np.exp(np.clip(largest[k] - logs[number], 0.0, 700.0)))
        table[k][m] = _entry(float(logs[number]), float(errors[number]) + rounding, float(signs[number]))
    return tuple(tuple(row) for row in table)


def _entry(log: float, error: float, sign: float) -> Quantity:
    """A rate; a negative one is what the chain leaves out: nothing but its size is known, the bar reaches zero."""
    quantity = Quantity.of_log(log, error) if sign != 0.0 else Quantity.of(0.0, 0.0)
    return quantity if sign >= 0.0 else Quantity.of(-(quantity.value or 0.0), max(error, 1.0))


def pairs_of(count: int) -> list[tuple[int, int]]:
    """From and to, in the order in which rates are numbered."""
    return [(k, m) for k in range(count) for m in range(count) if k != m]


def weights_of_rates(logs: Floats, pairs: list[tuple[int, int]]) -> Floats:
    """How much a rate counts among those out of its well: a negligible one need not be known to the tolerance."""
    out: dict[int, float] = {}
    for (k, _), log in zip(pairs, logs, strict=True):
        out[k] = float(np.logaddexp(out.get(k, -np.inf), log))
    return np.array([float(np.exp(log - out[k])) for (k, _), log in zip(pairs, logs, strict=True)])
