"""Random problems held to quadrature and to identities: no answer outside its bar."""

from __future__ import annotations

import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

from validation.campaign.random_problems import random_problem
from validation.campaign.trial import CRASHED, HELD, OUTSIDE, REFUSED, run
from validation.claim import Claim, Finding, Run, Table, at_least, at_most

SEED = 202  # not that of `make campaign`, so that both together see more; from 1000 on questions are about time
QUICK, FULL = 12, 60


def compute(given: Run) -> Finding:
    """The first problems of the campaign, in a quick run those on a line, and what became of each."""
    numbers = [number for number in range(FULL) if not given.quick or random_problem(SEED, number).dimension == 1]
    numbers = numbers[: QUICK if given.quick else FULL]
    trials = [given.step(f"problem {number} of campaign {SEED}", partial(tried, number)) for number in numbers]
    counts = Counter(trial["verdict"] for trial in trials)
    compared = sum(len(trial["reference"].split(", ")) for trial in trials if trial["reference"])
    checks = (
        at_most("problems with a number outside its bar", counts[OUTSIDE], 0, NONE),
        at_most("problems that ended in anything but an answer or a refusal", counts[CRASHED], 0, NONE),
        at_most("problems that were refused", counts[REFUSED], max(1.0, 0.05 * len(trials)), FEW),
        at_least("comparisons", compared, len(trials), "quadrature, or an identity, for each problem"),
    )
    listed = [trial for trial in trials if trial["verdict"] != HELD]
    rows = tuple((t["number"], t["question"], t["title"], t["verdict"], t["detail"][:160]) for t in listed)
    tables = (Table("What was not held", ("problem", "question", "kind", "verdict", "detail"), rows),) if rows else ()
    return Finding(checks, tables, (), REMARKS)


def tried(number: int) -> dict[str, object]:
    """One trial."""
    with tempfile.TemporaryDirectory() as folder:
        return run(SEED, number, Path(folder)).as_dict()


NONE = "every bar holds, on every problem that a problem file can state"
FEW = "a problem may be too hard, but not many: one, or five in a hundred"
REMARKS = (
    "The problems are drawn from all kinds of potentials, noise, interpretations, domains, sets and questions, with "
    "barriers of 2 to 400 units of epsilon. On a line they are held to quadrature. Everywhere to what cannot change: "
    "the problem turned, mirrored, shifted, scaled, with a constant added to V, with another axis that nothing depends "
    "on, given by a callable or on a mesh from a file, asked with more eigenvalues, from B to A, or to more digits.",
)

CLAIM = Claim(
    name="random-problems",
    group="convergence",
    title="No answer outside its error bar, on random problems",
    statement="Two answers that must agree differ by no more than their error bars together.",
    formula="|log a - log b| <= bar_a + bar_b",
    source="E. g. Pavliotis 2014, section 4.6 (reversibility), 7.2 (exit times by quadrature)",
    compute=compute,
)
