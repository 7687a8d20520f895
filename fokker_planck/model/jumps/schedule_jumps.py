"""Jumps of a potential that coefficients in time do not allow: across them there is a condition, not a force.

Where V jumps by h the density jumps by exp(-h/(s eps)): with a factor s(t) of the noise that changes, and where the
potential that is added jumps, so does the condition, which one reference exponent for all times does not hold.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.kinks import has_steps
from fokker_planck.formulas.expression import Expression
from fokker_planck.model.jumps.function_jumps import jump_between
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.schedule import POTENTIAL, Schedule

TIMES = 41
"""Of which an added potential is looked at: a step of its formula is seen in the text, whenever it comes."""


def check_jumps(problem: Problem, schedule: Schedule, latest: float) -> None:
    """Raise ProblemError where V + U jumps in the coordinates, and the condition there changes in time.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1))
    >>> check_jumps(fp.Problem(process, fp.Box([-1], [1])), Schedule(potential="t*heaviside(x - 0.3)"), 1.0)
    Traceback (most recent call last):
    ...
    fokker_planck.errors.ProblemError: schedule.potential: found a potential that jumps; ...
    """
    points, wanted = problem.sample(), "a potential that is continuous in the coordinates, a steep tanh say"
    added = schedule.added
    if added is not None:
        times = np.linspace(0.0, latest, TIMES)
        jumps = has_steps(added, added.names[1:])
        if jumps or jump_between(lambda x: np.array([schedule.value(x, t) for t in times]), points) is not None:
            raise ProblemError(POTENTIAL, "a potential that jumps", wanted)
    smallest, largest = schedule.extremes(latest)
    potential = getattr(problem.process, "potential", None)
    if smallest < largest and isinstance(potential, Potential) and _jumps(potential, points):
        key = "potential.expression" if potential.expression is not None else "potential"
        raise ProblemError(key, "a V that jumps, beside noise that changes in time", wanted)


def _jumps(potential: Potential, points: Floats) -> bool:
    formulas = [each for each in getattr(potential, "formulas", ()) if isinstance(each, Expression)]
    if any(has_steps(each, each.names) for each in formulas):
        return True
    return jump_between(lambda x: np.asarray(potential.value(x))[None], points) is not None
