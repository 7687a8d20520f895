"""Walls in v of a phase space: the force drives particles through them, which the density exp(-H/epsilon) knows not.

A velocity has no walls.  Those of a box are out of the way where they stand far above every saddle; where they do not,
the density beside them is another one, and what passes a saddle of the height h changes by a share of

    exp(-(min_x H(x, c)/epsilon - h)),      V'(x) not zero.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import exp, sqrt

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.underdamped import Underdamped

POSITIONS = 2001
"""At which V is looked at: a narrow well between them holds little of the wall."""
FLAT = 1e-9
"""Of the steepest slope, below which no force drives through a wall."""
MOST = 0.1
"""Share of an answer that is no answer any more, as for error bars."""
TWICE = 2.0
"""Times what no mesh makes less, which a tolerance must allow."""
ENOUGH = 18.0
"""Units of epsilon above the saddle that are recommended: 1.5e-8 is left."""


def changed_by_walls_in_v(problem: Problem, psi: Callable[[Floats], Floats], height: float) -> float:
    """The share of what passes ``height``, in units of epsilon, that walls in v may change; measured: a fifth of it.

    Rates of a tilted quartic well there and back, equal by any stationary density, differed by 0.35 of it at 7.4 units.

    Raises ``ProblemError`` where they decide the answer; warns beyond the tolerance.
    """
    process, domain = problem.process, problem.domain
    if not (isinstance(process, Underdamped) and isinstance(domain, Box) and np.isfinite(height)):
        return 0.0
    x, fastest = np.linspace(domain.lower[0], domain.upper[0], POSITIONS), domain.upper[1]
    slopes = np.abs(process.position_potential.gradient(x[None])[0])
    driven = slopes > FLAT * slopes.max()
    if not driven.any():
        return 0.0
    lowest = float(psi(np.stack([x, np.full(POSITIONS, fastest)]))[driven].min())
    share = exp(min(0.0, height - lowest))
    if TWICE * share > problem.resolution.tolerance:
        noise = process.diffusion.epsilon
        enough = sqrt(fastest**2 + 2.0 * noise * (ENOUGH - (lowest - height)))
        found = f"walls at v = {fastest:g}, {max(lowest - height, 0.0):.1f} units of epsilon above what is asked for"
        wanted = f"velocities from {-enough:.3g} to {enough:.3g}, which the force does not drive through walls"
        if share > MOST:
            raise ProblemError("domain.upper", found, wanted)
        warnings.warn(f"{found}: {wanted}", stacklevel=2)
    return share
