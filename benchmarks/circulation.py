"""What giving up detailed balance costs: CPU seconds of the same question, with a circulation and without.

Claim: with a circulation beside a density that is known, or that has to be found first, a question takes at most three
times the CPU time of the same question in detailed balance.  Process: the quartic well (x^2 - 1)^2/4 + y^2/2 with the
rotation J grad V, which keeps its density, in [-2, 2] x [-1.5, 1.5].
Run: ``python -m benchmarks.circulation [QUESTION ...] [--barriers B ...] [--kinds KIND ...]``.  CPU seconds of one
question to a fresh problem, the fastest of ``RUNS``, after one that is not counted.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import fokker_planck as fp
from fokker_planck.model.reversibility.classify import ItoDrift, UnknownDensity

RUNS = 3
TOLERANCE = 1e-6
BARRIERS = (50.0, 100.0, 200.0, 500.0)
KINDS = ("balance", "known", "unknown")
POTENTIAL, ROTATION = "(x**2 - 1)**2/4 + y**2/2", ["-y", "x**3 - x"]


def problem_of(kind: str, barrier: float) -> fp.Problem:
    """The process with a barrier of so many units of epsilon."""
    extra = None if kind == "balance" else fp.Drift(ROTATION)
    process = fp.Overdamped(fp.Potential(POTENTIAL), fp.Isotropic(0.25 / barrier), extra=extra)
    problem = fp.Problem(process, fp.Box([-2.0, -1.5], [2.0, 1.5]), fp.Resolution(tolerance=TOLERANCE))
    if kind == "unknown":
        # the density kept from the solver
        problem.known["kinetics"] = UnknownDensity(ItoDrift(process, 2), process.field(2))
    return problem


@dataclass(frozen=True)
class Measured:
    """The logarithm of a number with its bar, of the last mesh, and the CPU seconds that all of it took."""

    log: float
    bar: float
    unknowns: int
    factorisations: int
    seconds: float


def exit_time(problem: fp.Problem) -> tuple[fp.Quantity, fp.Statistics]:
    """From one well to the other."""
    found = fp.mean_exit_time(problem, start=[-1.0, 0.0], target=fp.HalfSpace([1.0, 0.0], 1.0))
    return found.mean, found.statistics


def gap(problem: fp.Problem) -> tuple[fp.Quantity, fp.Statistics]:
    """The slow mode of two wells."""
    found = fp.spectrum(problem, count=2)
    return found.gap, found.statistics


def stationary(problem: fp.Problem) -> tuple[fp.Quantity, fp.Statistics]:
    """The weight of a well."""
    found = fp.stationary_density(problem)
    return found.wells[0].probability, found.statistics


def rates(problem: fp.Problem) -> tuple[fp.Quantity, fp.Statistics]:
    """From one well to the other, no sets chosen."""
    found = fp.rates(problem)
    return found.rates[0][1], found.statistics


def committor(problem: fp.Problem) -> tuple[fp.Quantity, fp.Statistics]:
    """Between balls around the minima."""
    found = fp.committor(problem, fp.Ball([-1.0, 0.0], 0.3), fp.Ball([1.0, 0.0], 0.3))
    return found.rate, found.statistics


QUESTIONS: dict[str, Callable[[fp.Problem], tuple[fp.Quantity, fp.Statistics]]] = {
    "exit-time": exit_time,
    "gap": gap,
    "stationary": stationary,
    "rates": rates,
    "committor": committor,
}


def measured(question: str, kind: str, barrier: float, runs: int) -> Measured:
    """The fastest of so many runs."""
    best = float("inf")
    for _ in range(runs):
        problem = problem_of(kind, barrier)
        started = time.process_time()
        number, statistics = QUESTIONS[question](problem)
        best = min(best, time.process_time() - started)
    work = statistics.work
    count = 0 if work is None else work.factorisations
    return Measured(number.log, number.relative_error, statistics.unknowns, count, best)


def main() -> None:
    """Print a line for each question, barrier and kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("questions", nargs="*", default=list(QUESTIONS))
    parser.add_argument("--barriers", nargs="*", type=float, default=BARRIERS)
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    parser.add_argument("--runs", type=int, default=RUNS)
    given = parser.parse_args()
    for question in given.questions:
        for kind in given.kinds:
            measured(question, kind, 20.0, 1)  # not counted: imports and tables
        for barrier in given.barriers:
            alone = None
            for kind in given.kinds:
                found = measured(question, kind, barrier, given.runs)
                alone = found.seconds if kind == "balance" else alone
                ratio = "" if alone is None else f" {found.seconds / alone:5.1f} times"
                print(
                    f"{question:10} {barrier:5.0f} {kind:8} {found.seconds:6.2f} s{ratio:12} log {found.log:.10f}"
                    f" bar {found.bar:.1e} {found.unknowns:7,} unknowns {found.factorisations:3} factorisations",
                    flush=True,
                )


if __name__ == "__main__":
    main()
