"""Domains of the phase space (x, v): a box whose walls in x turn the velocity, or a sublevel set of the energy."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.parsing.names import PHASE_SPACE
from fokker_planck.model.arguments import described
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.domain import Domain
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.schedule import Schedule
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import replace
from fokker_planck.quantity.units import Units


def check_phase_space(process: Underdamped, domain: Domain) -> None:
    """Raise ProblemError for a domain that no underdamped process lives in.

    A particle that meets a wall in x comes back with the opposite velocity: both must be in the domain.
    """
    if process.planar:
        if not (isinstance(domain, Box) and domain.dimension == 2):
            raise ProblemError("domain", described(domain), "a box of the two positions; velocities have no ends")
        return
    if isinstance(domain, Sublevel):
        return
    if not isinstance(domain, Box):
        raise ProblemError("domain.kind", described(domain), "a box in (x, v), or a sublevel set of the energy")
    if domain.dimension != 2:
        found = f"a box of {domain.dimension} dimension{'s' if domain.dimension > 1 else ''}"
        raise ProblemError("domain", found, "two: the position x and the velocity v")
    if domain.boundary[1] != "reflecting":
        raise ProblemError("domain.boundary", list(domain.boundary), "a velocity that is not periodic")
    (_, slowest), (_, fastest) = domain.lower, domain.upper
    if slowest != -fastest:
        most = max(-slowest, fastest)
        wanted = f"velocities from -c to c, say {-most:g} to {most:g}: a wall in x turns v around"
        raise ProblemError("domain.lower", f"velocities from {slowest:g} to {fastest:g}", wanted)


def check_schedule_of_momentum(process: Underdamped, schedule: Schedule) -> None:
    """Raise ProblemError for coefficients in time that are not answered beside momentum.

    A potential that is added acts on the velocity by its slope in the position.
    """
    if process.planar:
        found = "coefficients in time beside underdamped dynamics in the plane"
        raise ProblemError("schedule", found, "one coordinate and its velocity")
    if schedule.dimension > 1:
        raise ProblemError("schedule.potential", "a potential of more than the position", "a formula in x and t")


def has_every_question(process: object) -> bool:
    """Whether all questions are solved for a process: of an underdamped one in the plane spectrum and rates are."""
    return not (isinstance(process, Underdamped) and process.planar)


def refuse_plane(process: object) -> None:
    """Raise ProblemError for an underdamped process in the plane, of which spectrum and rates are solved."""
    if not has_every_question(process):
        wanted = "the questions spectrum and rates: of a potential of two coordinates no other is solved yet"
        raise ProblemError("dynamics.kind", "underdamped in a phase space of four dimensions", wanted)


def turns_around(domain: Domain) -> bool:
    """Whether there are walls in x, at which (x, v) and (x, -v) are one place."""
    return isinstance(domain, Box) and domain.boundary[0] == "reflecting"


def falls_towards_walls(energy: Potential | None, domain: Domain) -> list[tuple[float, float]]:
    """Walls in x towards which V falls, where a particle is held that no fixed point tells of: x, and how steeply."""
    if energy is None or not (isinstance(domain, Box) and turns_around(domain)):
        return []
    walls = np.array([[domain.lower[0], domain.upper[0]], [0.0, 0.0]])
    slopes = energy.gradient(walls)[0]
    outward = zip(walls[0].tolist(), (float(slopes[0]), float(-slopes[1])), strict=True)
    return [(place, push) for place, push in outward if push > 0.0]


def with_velocity(process: Underdamped, units: Units) -> Units:
    """The units, with the names x and v of the coordinates of one coordinate and its velocity where none are given."""
    named = not isinstance(units, Units) or units.names or process.planar
    return units if named else replace(units, names=("x", *PHASE_SPACE))
