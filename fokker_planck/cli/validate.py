"""``fokker-planck validate``: hands on to the folder ``validation`` that stands beside the package in a checkout."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from fokker_planck.output.parallel import guessed_rank

BESIDE = Path(__file__).resolve().parents[2]
NOT_THERE = 1
"""Exit code where the package is installed without its validation: a failure, as code 1 is everywhere."""


def validate(arguments: Sequence[str], beside: Path = BESIDE) -> int:
    """Run the command with its ``arguments``; the exit status."""
    if not (beside / "validation" / "command.py").is_file():
        if guessed_rank() == 0:
            print(
                f"fokker-planck: validate: found no folder validation in {beside}; wanted a checkout of the project: "
                "clone it and run `make validate` there",
                file=sys.stderr,
            )
        return NOT_THERE
    if str(beside) not in sys.path:
        sys.path.insert(0, str(beside))
    status: int = importlib.import_module("validation.command").main(arguments)
    return status
