"""Schedules of learning rate and batch size: the noise that they make in the time of the diffusion.

With eta(k) and B(k) in iteration k the process runs in the time t = sum of eta, and its noise is

    D = eta(k)/(2 B(k)) C,      dt = eta(k) dk,

so that a learning rate that falls lowers the noise, and slows the time beside the iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.schedule import Schedule
from fokker_planck.sgd.learning import Learning, batch_factor

RATE, BATCH = "schedule.learning_rate", "schedule.batch_size"
PRECISION = 1e-12
"""Of the iterations that a time takes, at which a formula of the learning rate is integrated: below the tolerances that
evolutions are asked for."""
LOOKED_AT = 1e7
"""Iterations, in which a jump of a formula is looked for; one that comes later has to be found by the steps."""
Given = str | Sequence[Sequence[float]]


def schedule(
    learning: Learning,
    learning_rate: Given | None = None,
    batch_size: Given | None = None,
    potential: str | None = None,
) -> Schedule:
    """The schedule of the noise of a process that is made for ``learning``: s = eta(k) f(B(k)) / (eta f(B)).

    f is 1/B, or (n - B)/(B (n - 1)) for a batch drawn without replacement from n samples.

    Parameters
    ----------
    learning
        learning rate and batch size of the problem's own noise
    learning_rate, batch_size
        formulas in t, here the number of iterations, or tables [[iterations, value], ...] that begin at 0, each row of
        which holds until the next; None for that of ``learning``.  Not a formula beside a table.
    potential
        added, in the time of the diffusion

    Returns
    -------
    Schedule
        In the time of the diffusion.

    Raises
    ------
    ProblemError
        For a value that no learning rate or batch size can have.

    Examples
    --------
    >>> schedule(Learning(0.1, 1), batch_size=[[0, 1], [500, 8]]).table
    ((0.0, 1.0), (50.0, 0.125))
    """
    if learning_rate is None and batch_size is None:
        raise ProblemError("schedule", "nothing that depends on time", "learning_rate or batch_size")
    rate = None if learning_rate is None else _read(RATE, learning_rate)
    batch = None if batch_size is None else _read(BATCH, batch_size)
    both = [each for each in (rate, batch) if each is not None]
    if len({bool(each.table) for each in both}) > 1:
        raise ProblemError("schedule", "a formula beside a table", "two formulas, or two tables")
    _check_batches(learning, batch)
    if both[0].table:
        return Schedule(_table(learning, rate, batch), potential)
    return Schedule(_function(learning, rate, batch), potential, _jumps(learning, rate, batch))


@contextmanager
def _named(key: str) -> Iterator[None]:
    """Errors about a factor are about that key."""
    try:
        yield
    except ProblemError as error:
        name = key.split(".")[1]
        found, wanted = (str(text).replace("factor", name) for text in (error.found, error.wanted))
        raise ProblemError(error.key.replace("schedule.noise", key), found, wanted) from None


def _read(key: str, given: Given) -> Schedule:
    """Numbers by iterations, with the checks of a factor."""
    with _named(key):
        return Schedule(given)


def _check_batches(learning: Learning, batch: Schedule | None) -> None:
    for _, size in batch.table if batch is not None else ():
        _noise(learning, np.array([size]))


def _noise(learning: Learning, sizes: Floats) -> Floats:
    """f(B), refused where it is no noise."""
    most = np.inf if learning.samples is None else learning.samples
    bad = ~((sizes >= 1.0) & (sizes < most))
    if bad.any():
        wanted = "at least 1" if learning.samples is None else f"at least 1, and less than the {most} samples"
        raise ProblemError(BATCH, float(sizes[bad][0]), wanted)
    return np.array([batch_factor(float(size), learning.samples) for size in sizes])


def _factor(learning: Learning, rate: Schedule | None, batch: Schedule | None, iterations: Floats) -> Floats:
    """The s of iterations (n,)."""
    eta = _values(RATE, rate, learning.learning_rate, iterations)
    sizes = _values(BATCH, batch, learning.batch_size, iterations)
    return np.asarray(0.5 * eta * _noise(learning, sizes) / learning.noise_scale)


def _values(key: str, given: Schedule | None, otherwise: float, iterations: Floats) -> Floats:
    if given is None:
        return np.full(len(iterations), float(otherwise))
    with _named(key):
        return given.factor(iterations)


def _table(learning: Learning, rate: Schedule | None, batch: Schedule | None) -> list[tuple[float, float]]:
    steps = sorted({k for each in (rate, batch) if each is not None for k, _ in each.table})
    iterations = np.array(steps)
    eta = _values(RATE, rate, learning.learning_rate, iterations)
    times = np.concatenate([[0.0], np.cumsum(np.diff(iterations) * eta[:-1])])
    return list(zip(times.tolist(), _factor(learning, rate, batch, iterations).tolist(), strict=True))


def _function(learning: Learning, rate: Schedule | None, batch: Schedule | None) -> Callable[[Floats], Any]:
    clock = None if rate is None else Clock(rate)

    def factor(times: Floats) -> Floats:
        flat = np.atleast_1d(times).ravel()
        iterations = flat / learning.learning_rate if clock is None else clock.iterations(flat)
        return _factor(learning, rate, batch, iterations).reshape(np.shape(times))

    return factor


def _jumps(learning: Learning, rate: Schedule | None, batch: Schedule | None) -> tuple[float, ...]:
    """The times at which a formula jumps or has a kink, of the first ``LOOKED_AT`` iterations."""
    from scipy.integrate import quad

    found: set[float] = set()
    for each in (rate, batch):
        with suppress(ProblemError):  # so many that steps have to find them
            found |= set(each.breaks(LOOKED_AT)) if each is not None else set()
    times, before, t = [], 0.0, 0.0
    for k in sorted(found):
        passed = (k - before) * learning.learning_rate
        t += passed if rate is None else quad(lambda each: float(rate.factor([each])[0]), before, k, epsabs=0.0)[0]
        times.append(t)
        before = k
    return tuple(times)


@dataclass
class Clock:
    """The iterations k that a time takes: dk/dt = 1 / eta(k), integrated as far as it has been asked for."""

    rate: Schedule
    _until: float = field(default=0.0, init=False)
    _found: Any = field(default=None, init=False)

    def iterations(self, times: Floats) -> Floats:
        """At times (n,).

        >>> clock = Clock(Schedule("0.1/(1 + t/100)"))      # k = 100 (exp(t/10) - 1)
        >>> bool(abs(clock.iterations(np.array([20.0]))[0] / (100.0 * np.expm1(2.0)) - 1.0) < 1e-9)
        True
        """
        from scipy.integrate import solve_ivp

        latest = float(np.max(times, initial=0.0))
        if latest > self._until:
            self._until = 2.0 * latest
            found = solve_ivp(
                lambda _, k: 1.0 / _values(RATE, self.rate, 0.0, np.maximum(k, 0.0)),
                (0.0, self._until),
                [0.0],
                method="DOP853",
                rtol=PRECISION,
                atol=PRECISION * latest / float(self.rate.factor([0.0])[0]),
                dense_output=True,
            )
            if not found.success:
                raise ConvergenceError(
                    f"a time of {latest:g} is no number of iterations: {found.message}",
                    "earlier times, or a learning rate that does not fall so fast",
                )
            self._found = found.sol
        return np.asarray(self._found(times)[0])
