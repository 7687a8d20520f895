"""A process that answers the points of a sweep, one line of JSON in, one line out; imports are paid for once.

It ends with its standard input: a sweep that is killed leaves no worker behind for long.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def answered(
    raw: Mapping[str, Any], path: Path, questions: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The line about one point: ``result``, or the ``reason`` why there is none; ``warnings``; ``seconds``."""
    from fokker_planck.errors import FokkerPlanckError, one_line

    began = time.perf_counter()
    line: dict[str, Any] = {"result": None, "reason": None}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        try:
            line["result"] = _answers(raw, path, questions, settings)
        except FokkerPlanckError as error:
            line["reason"] = one_line(str(error))
        except MemoryError:
            line["reason"] = "out of memory"
        except Exception as error:  # a fault of the program ends one point, not the sweep
            line["reason"] = one_line(f"a fault of the program: {type(error).__name__}: {error}")
    texts = dict.fromkeys(one_line(str(each.message)) for each in said if issubclass(each.category, UserWarning))
    return {**line, "warnings": list(texts), "seconds": round(time.perf_counter() - began, 4)}


def _answers(
    raw: Mapping[str, Any], path: Path, questions: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, Any]:
    from fokker_planck.cli.problem_file import parameters_of, problem_file
    from fokker_planck.cli.toml import replaced
    from fokker_planck.output.serialize import plain
    from fokker_planck.questions.registry import entry

    asked = problem_file(replaced(raw, settings), path)
    found = {}
    for name in questions:
        answer = entry(name).ask(asked.problem, parameters_of(name, asked))
        found[name] = plain(entry(name).json(answer))
    return found


def main() -> int:
    """Answer the lines of standard input until it ends, and the process with it."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    setup = json.loads(lines.get())
    raw, path, questions = setup["raw"], Path(setup["path"]), setup["questions"]
    while True:
        settings = json.loads(lines.get())
        answers.write(json.dumps(answered(raw, path, questions, settings)) + "\n")
        answers.flush()


def _read(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)  # also in the middle of a point: nobody is there to take it


if __name__ == "__main__":
    sys.exit(main())
