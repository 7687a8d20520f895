"""The table [schedule] of a problem file: what of the coefficients depends on time."""

from __future__ import annotations

from typing import Any

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described
from fokker_planck.model.problem_table import Table
from fokker_planck.model.schedule import WANTED, Schedule

KEYS = ("noise", "learning_rate", "batch_size", "potential")
OF_DESCENT = ("learning_rate", "batch_size")


def schedule_of(top: Table) -> Schedule | None:
    """The schedule of the file, None where it has none; raises ProblemError with the key that is wrong."""
    if "schedule" not in top.entries:
        return None
    table = top.table("schedule")
    table.only(KEYS)
    numbers = {name: _numbers(table, name) for name in ("noise", *OF_DESCENT) if name in table.entries}
    potential = (
        table.text("potential", 'a formula such as "0.1*sin(2*pi*t)*x"') if "potential" in table.entries else None
    )
    descent = [name for name in OF_DESCENT if name in numbers]
    if not descent:
        return Schedule(numbers.get("noise"), potential)
    if "noise" in numbers:
        raise ProblemError("schedule.noise", f"a factor beside {descent[0]}", "one of the two")
    noise = top.table("diffusion").entries
    if noise.get("kind") != "sgd":
        raise ProblemError(table.path(descent[0]), f"diffusion.kind = {noise.get('kind')!r}", 'diffusion.kind = "sgd"')
    from fokker_planck.sgd.learning import Learning
    from fokker_planck.sgd.schedule import schedule

    learning = Learning(noise["learning_rate"], noise["batch_size"], noise.get("samples"))
    return schedule(learning, numbers.get("learning_rate"), numbers.get("batch_size"), potential)


def _numbers(table: Table, name: str) -> Any:
    """A formula, or rows of numbers."""
    value = table.entries[name]
    if not isinstance(value, str | list):
        raise ProblemError(table.path(name), described(value), WANTED.replace("factor", name))
    return value
