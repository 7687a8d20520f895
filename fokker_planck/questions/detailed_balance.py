"""Whether a process is in detailed balance."""

from __future__ import annotations

from dataclasses import replace

from fokker_planck.model.phase_space import has_every_question
from fokker_planck.model.problem import Problem
from fokker_planck.questions.numpy_warnings import quietly


@quietly
def is_reversible(problem: Problem) -> bool:
    """Whether D^-1 (div D - b) is a gradient: detailed balance, as for every process on a line.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy

    Returns
    -------
    bool
        Whether there is detailed balance; of a process that a schedule changes, without that.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> turned = fp.Overdamped(fp.Potential("x**2/2 + y**2/2"), fp.Isotropic(0.1), extra=fp.Drift(["y", "-x"]))
    >>> is_reversible(fp.Problem(turned, fp.Ball([0.0, 0.0], 1.0)))
    False
    """
    from fokker_planck.solvers.setting import kinetics_of_problem

    if not has_every_question(problem.process):
        return False  # with momentum, whose density is known and whose currents turn around with the velocity
    return kinetics_of_problem.is_reversible(replace(problem, schedule=None) if problem.schedule else problem)
