"""Which kind of process a problem has, found once: in detailed balance, or with a density that is known or is not."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.bounds.narrow_coefficients import refuse_narrow
from fokker_planck.model.degeneracy.degenerate_noise import refuse_degenerate_noise
from fokker_planck.model.degeneracy.hoermander import is_degenerate, lacking, refuse_uncarried
from fokker_planck.model.phase_space import refuse_plane
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.classify import Kinetics, kinetics
from fokker_planck.model.reversibility.definiteness import check_semidefinite
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance
from fokker_planck.model.underdamped import Underdamped


def kinetics_of(problem: Problem) -> Kinetics:
    """Whether the process of a problem is reversible, with its exponent if so; computed once and kept with it."""
    if problem.schedule is not None:
        refuse_schedule(problem)
    found: Kinetics | None = problem.known.get("kinetics")
    if found is None:
        refuse_plane(problem.process)
        if isinstance(problem.process, Underdamped):
            problem.process.check_friction(*(corner[0] for corner in problem.bounding_box()))
        if problem.dimension > 1:
            field = problem.process.field(problem.dimension)
            check_semidefinite(field, problem.sample())
            if is_degenerate(problem):
                refuse_uncarried(problem.process, problem.dimension, problem.sample(), _extent(problem))
            without = lacking(field, problem.sample()) if is_degenerate(problem) else 0
            refuse_degenerate_noise(field, problem.sample(), problem.contains, without)
            drift = problem.process.extra if isinstance(problem.process, Overdamped) else problem.process.whole
            if not field.constant or drift is not None:
                refuse_narrow(problem.process, *problem.bounding_box(), problem.sample())
        found = kinetics(problem.process, problem.dimension, problem.sample(), problem.periods, problem.bounding_box())
        problem.known["kinetics"] = found
    return found


def refuse_schedule(problem: Problem) -> None:
    """Questions about one process have no answer where it changes."""
    if problem.schedule is not None:
        raise ProblemError(
            "schedule", "coefficients that depend on time", "none, or a question about them: evolve, periodic"
        )


def _extent(problem: Problem) -> Floats:
    lower, upper = problem.bounding_box()
    return np.subtract(upper, lower)


def is_reversible(problem: Problem) -> bool:
    """Whether the process is in detailed balance."""
    return isinstance(kinetics_of(problem), DetailedBalance)
