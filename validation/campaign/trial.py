"""One problem of the campaign: solved, held to its references, and a verdict."""

from __future__ import annotations

import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from validation.campaign.comparison import outside
from validation.campaign.identities import references
from validation.campaign.questions import ask, load
from validation.campaign.random_problems import random_problem

HELD, OUTSIDE, REFUSED, CRASHED, SLOW = "held", "outside", "refused", "crashed", "slow"
NO_QUESTION = "no question"  # rates where there are no two wells: rightly refused, and no number is held to anything
NO_RATES = ("wanted at least two wells", "wanted at least two, of more than")


@dataclass(frozen=True)
class Trial:
    """What became of a problem: ``verdict``, how it was held to what, CPU ``seconds`` of its slowest question."""

    number: int
    title: str
    question: str
    verdict: str
    reference: str
    detail: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For a line of JSON."""
        return asdict(self)


def run(
    seed: int,
    number: int,
    folder: Path,
    limit: float = 0.0,
    most_references: int = 2,
    say: Callable[[str], object] = str,
) -> Trial:
    """Solve the problem with that number and compare it with its quadrature and with variants drawn by its number.

    A question that takes more than ``limit`` seconds of CPU, if that is not zero, ends the process, by SIGPROF; which
    one it was is what was passed to ``say`` last.
    """
    problem = random_problem(seed, number)
    seconds: list[float] = []
    reference = "the problem itself"
    verdict, details = HELD, []
    used: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            say(reference)
            found = _timed(lambda: ask(problem.question, load(problem.tables, folder)), seconds, limit)
            offered = list(references(problem, folder))
            for name, compute in _drawn(offered, most_references, number):
                reference = name
                say(reference)
                expected = _timed(compute, seconds, limit)
                used.append(name)
                wrong = outside(found, expected)
                if wrong:
                    verdict = OUTSIDE
                    details += [f"{name}: {line}" for line in wrong]
        except Exception as error:  # every kind of failure is what the campaign looks for
            verdict, text = _failure(error)
            details.append(f"{reference}: {text}")
    return Trial(
        number, problem.tables["title"], problem.question, verdict, ", ".join(used), "; ".join(details), max(seconds)
    )


def _drawn(offered: list[Any], most: int, number: int) -> list[Any]:
    """The quadrature where there is one, and of the identities as many as there is room for."""
    exact = [one for one in offered if one[0] == "quadrature"]
    rest = [one for one in offered if one[0] != "quadrature"]
    order = np.random.default_rng([11, number]).permutation(len(rest))
    return [*exact, *(rest[k] for k in order)][:most]


def _timed(compute: Any, seconds: list[float], limit: float = 0.0) -> Any:
    """What it computes; the CPU time is appended, of a refusal as well."""
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        return compute()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        seconds.append(time.process_time() - start)


def _failure(error: Exception) -> tuple[str, str]:
    from fokker_planck.errors import FokkerPlanckError

    text = f"{type(error).__name__}: {error}"
    if isinstance(error, FokkerPlanckError):
        if any(words in str(error) for words in NO_RATES):
            return NO_QUESTION, ""
        return REFUSED, text
    return CRASHED, text + "\n" + traceback.format_exc(limit=-4)
