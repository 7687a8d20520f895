"""Jumps whose process depends on how they are smoothed, or for which there is no form yet: refused."""

from __future__ import annotations

from collections.abc import Sequence

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.jumps.interfaces import Interfaces
from fokker_planck.model.process import Process, alpha_of
from fokker_planck.model.reversibility.across_surfaces import Across, potential_jumps

STEEP = "a steep but continuous V, such as tanh(x/0.01)"


def check_defined(process: Process, field: DiffusionField, across: Across) -> None:
    """Raise ProblemError where a jump leaves a process without detailed balance undefined."""
    if across.potential_jumps:
        found = "a V that jumps, in a process without detailed balance"
        raise ProblemError(potential_key(process), found, STEEP)
    if across.noise_jumps and alpha_of(process) < 1.0:
        found = f"a D that jumps, read as {process.interpretation}, without detailed balance"
        wanted = 'interpretation = "klimontovich", a continuous D, or a force whose part along the surface changes as D'
        raise ProblemError(field.key, found, wanted)


def refuse_steps(
    process: Process, interfaces: Interfaces, lower: Sequence[float], upper: Sequence[float], probe: Floats
) -> None:
    """Raise ProblemError for a V that jumps, with momentum: slow ones are thrown back, others lose speed."""
    if potential_jumps(process, interfaces, lower, upper, probe):
        raise ProblemError(potential_key(process), "a V that jumps, with momentum", STEEP)


def potential_key(process: Process) -> str:
    """The key under which V is given."""
    potential = process.potential
    return "potential.expression" if potential is not None and potential.expression is not None else "potential"
