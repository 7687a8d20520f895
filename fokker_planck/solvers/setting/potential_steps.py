"""Wells that only a jump of V holds up: tables of wells follow the smooth parts of V and do not see them.

Where V rises by a jump and the flow below leads to it, the process stays in front of the step, but the flow that cuts
the domain into wells runs on through it.  Times, gaps and committors know the step; tables of wells do not, and say so.
"""

from __future__ import annotations

import warnings

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.types import SHALLOWEST
from fokker_planck.model.jumps.interfaces import Interfaces, OneSided, interfaces_of
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.classify import KnownDensity
from fokker_planck.model.reversibility.piecewise_exponent import can_jump
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance

BESIDE = 1e-7
"""Of the extent of the domain: so far from a surface its two sides are looked at."""


def held_up_by_a_step(problem: Problem, balance: DetailedBalance | KnownDensity) -> tuple[Floats, float] | None:
    """The place (dim,) of the highest step of V that the flow leads up to, and its height in units of epsilon.

    None where all such steps are lower than a well must be deep to be a state.
    """
    process = problem.process
    potential = process.potential if isinstance(process, Overdamped) else None
    if potential is None or not _may_jump(potential, problem.dimension):
        return None
    lower, upper = problem.bounding_box()
    exponent = balance.exponent
    known = exponent.interfaces if isinstance(exponent, OneSided) else None
    interfaces: Interfaces = known or interfaces_of(process, problem.dimension, lower, upper)
    extent, sample = float(np.max(np.subtract(upper, lower))), problem.sample()
    highest, place = SHALLOWEST, None
    for surface in interfaces.surfaces:
        points = np.unique(np.round(surface.project(sample) / (1e-6 * extent)), axis=1) * 1e-6 * extent
        points = surface.project(points)
        points = points[:, problem.contains(points)]
        normal = surface.gradient(points)
        normal = normal / np.maximum(np.linalg.norm(normal, axis=0), 1e-300)
        for side in (-1.0, 1.0):
            below, above = points - side * BESIDE * extent * normal, points + side * BESIDE * extent * normal
            noise = balance.diffusion.tensor(below)[0, 0]
            with np.errstate(all="ignore"):
                step = (potential.value(above) - potential.value(below)) / noise
                towards = (process.noiseless_drift(below) * side * normal).sum(axis=0) > 0.0
            rising = np.where(towards & np.isfinite(step), step, 0.0)
            if rising.size and rising.max() > highest:
                highest, place = float(rising.max()), points[:, int(np.argmax(rising))]
    return None if place is None else (place, highest)


def _may_jump(potential: Potential, dimension: int) -> bool:
    """Whether V holds a step; of a Python function it is known on a line alone."""
    if not potential.formulas:
        return dimension == 1
    return any(not formula.smooth and can_jump(formula.sympy) for formula in potential.formulas)


def warn_of_steps(problem: Problem, balance: DetailedBalance | KnownDensity) -> None:
    """Say where a table of wells leaves one out that a jump of V holds up."""
    found = held_up_by_a_step(problem, balance)
    if found is not None:
        where = ", ".join(f"{coordinate:.4g}" for coordinate in found[0])
        warnings.warn(
            f"V jumps up by {found[1]:.3g} units of epsilon at ({where}), where the flow leads: what it holds up "
            "is no well of its own here but counted with the well behind it; times, gaps and committors know the jump",
            stacklevel=3,
        )
