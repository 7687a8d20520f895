"""The questions as users ask them: each solver's result with the Eyring-Kramers prediction beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from fokker_planck.landscape import Landscape
from fokker_planck.problem import Problem, checked_exit

if TYPE_CHECKING:
    from fokker_planck.sets import Set
    from fokker_planck.solvers.results import ExitTime, Spectrum, Stationary


def landscape(problem: Problem) -> Landscape:
    """grad V = 0: minima and saddles of the potential in the domain, which wells each saddle joins, and the barriers.

    Returns a :class:`Landscape` in units of V.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> landscape(fp.Problem(process, fp.Box([-2.0], [2.0]))).barriers[1]
    0.25
    """
    from fokker_planck.survey import survey

    return survey(problem, problem.process.potential)


def stationary_density(problem: Problem) -> Stationary:
    """div(D grad p + p D grad Phi) = 0 with no flux through the boundary: density and weights of the wells.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2*(1 + 0.4*x)/4"), fp.Isotropic(0.05))
    >>> weights = stationary_density(fp.Problem(process, fp.Box([-2.0], [2.0]))).wells
    >>> round(weights[0].probability.value, 10)     # the flat well, whatever the noise: 0.60 (theory: 0.6019150610)
    0.601915061
    """
    from fokker_planck.solvers import stationary

    return stationary.stationary_density(problem)


def spectrum(problem: Problem, count: int = 4) -> Spectrum:
    """-L u = lambda u with no flux through the boundary: the ``count`` smallest eigenvalues, the zero among them.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> round(spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), count=2).gap.value, 11)   # 2.776140636573e-3
    0.00277614064
    """
    from fokker_planck.arguments import whole_number
    from fokker_planck.solvers import spectrum as solver

    return solver.spectrum(problem, whole_number("spectrum.count", count, 2, 1000))


def mean_exit_time(
    problem: Problem, start: Sequence[float] | float, target: Set | str | Literal["boundary"]
) -> ExitTime:
    """L tau = -1, tau = 0 on the target, no flux through the rest of the boundary: tau(start), and the field tau.

    Arguments: ``start``, a point (dim,) of the domain outside of the target; ``target``, a set, the name of one of the
    problem's sets, or "boundary".

    Raises ``ProblemError`` for a start or target that does not fit, ``ConvergenceError`` where the solve fails.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> well = fp.Problem(process, fp.Box([-2.0], [2.0]))
    >>> round(mean_exit_time(well, -1.0, fp.HalfSpace([1.0], 1.0)).mean.value, 5)            # 729.6706919423
    729.67069
    """
    from fokker_planck.solvers import exit_time

    place, shape = checked_exit(problem, start, target)
    name = target if isinstance(target, str) else repr(target)
    return exit_time.mean_exit_time(problem, place, shape, name)
