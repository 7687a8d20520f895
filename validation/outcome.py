"""What became of claims: found or failed, and all that a report says about the run."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any

from fokker_planck.errors import shown
from validation.claim import Check, Claim, Finding, worst
from validation.encoding import as_dict, as_finding, as_text, from_text
from validation.state import Memory

LONGEST_ERROR = 300


@dataclass(frozen=True)
class Outcome:
    """A claim with its finding, or with the error that its computation ended in.

    seconds : of computing it, with what an interrupted run had computed of it
    trace : the traceback of the error
    """

    claim: Claim
    finding: Finding | None
    error: str = ""
    trace: str = ""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether there is a finding, and it holds."""
        return self.finding is not None and self.finding.holds

    @property
    def worst(self) -> Check | None:
        """The number that fails, or comes nearest to it; None where there is no number."""
        return worst(self.finding.checks) if self.finding is not None and self.finding.checks else None


@dataclass(frozen=True)
class Results:
    """All outcomes in the order of the report, and where and when they were found.

    seconds : of the whole run
    recalled : how many claims an interrupted run had finished
    selected : whether claims were asked for by name
    """

    outcomes: tuple[Outcome, ...]
    quick: bool
    selected: bool
    date: str
    seconds: float
    machine: str
    versions: dict[str, str]
    recalled: int = 0

    @property
    def holds(self) -> bool:
        """Whether every claim does, and there is one."""
        return bool(self.outcomes) and all(outcome.holds for outcome in self.outcomes)

    @property
    def verdict(self) -> str:
        """One line on all claims."""
        count, failing = len(self.outcomes), [one for one in self.outcomes if not one.holds]
        if not failing:
            return f"all {count} claims hold" if count > 1 else "the claim holds"
        return f"{len(failing)} of {count} claims {'fails' if len(failing) == 1 else 'fail'}"


def compute(claim: Claim, memory: Memory) -> dict[str, Any]:
    """Run the claim's computation; what became of it as :func:`outcome` takes it. No error leaves this function."""
    start = time.monotonic()
    try:
        finding = from_text(as_text(as_dict(claim.compute(memory))))
        compared = [check.difference for check in as_finding(finding).checks]
        if not compared:
            raise ValueError("found no check; wanted at least one number beside what it must be")
    except Exception as error:
        text = shown(f"{type(error).__name__}: {error}", LONGEST_ERROR)
        content: dict[str, Any] = {"finding": None, "error": text, "trace": traceback.format_exc()}
    else:
        content = {"finding": finding, "error": "", "trace": ""}
    content["seconds"] = time.monotonic() - start + memory.seconds_before
    if content["finding"] is not None:
        memory.keep_finding(content)
    return content


def outcome(claim: Claim, content: dict[str, Any]) -> Outcome:
    """The outcome that :func:`compute` described."""
    finding = None if content["finding"] is None else as_finding(content["finding"])
    return Outcome(claim, finding, content["error"], content["trace"], content["seconds"])
