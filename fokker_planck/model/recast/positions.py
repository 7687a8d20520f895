"""The positions of an underdamped process, without its velocity."""

from __future__ import annotations

from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Overdamped
from fokker_planck.model.underdamped import Underdamped


def positions_of(problem: Problem) -> Problem:
    """The overdamped process of the same V and noise, in the positions of the domain of an underdamped one."""
    process = problem.process
    assert isinstance(process, Underdamped)
    count = process.position_potential.dimension
    lower, upper = problem.bounding_box()
    ends = problem.domain.boundary[:count] if isinstance(problem.domain, Box) else "reflecting"
    box = Box(lower[:count], upper[:count], ends)
    resolution = problem.resolution if process.planar else Resolution(problem.resolution.tolerance)
    return Problem(Overdamped(process.position_potential, process.diffusion), box, resolution)
