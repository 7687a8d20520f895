"""The outside of a box, as a set that absorbs: the boundary of a box of which noise does not cross all walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.domains.box import Box
from fokker_planck.quantity.light_dataclasses import dataclass, replace

if TYPE_CHECKING:
    from fokker_planck.model.problem import Problem

ROOM = 0.05
"""Of the width of the box, around it: the inside of the set, whose cells have no part in anything."""


@dataclass(frozen=True)
class OutsideBox:
    """Where lower <= x <= upper does not hold inside, along the axes that are not ``periodic``.

    The level is the distance to the nearest wall, negative in the box.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    periodic: tuple[bool, ...]

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.lower)

    def _beyond(self, x: Floats) -> Floats:
        """How far points are beyond each wall, (2 dim, n)."""
        walled = ~np.asarray(self.periodic)[:, None]
        below, above = (np.asarray(corner)[:, None] for corner in (self.lower, self.upper))
        return np.concatenate([np.where(walled, below - x, -np.inf), np.where(walled, x - above, -np.inf)])

    def level(self, x: Floats) -> Floats:
        """At points (dim, n), (n,)."""
        return np.asarray(self._beyond(np.asarray(x, dtype=float)).max(axis=0))

    def gradient(self, x: Floats) -> Floats:
        """The outward normal of the nearest wall, (dim, n)."""
        nearest = np.argmax(self._beyond(np.asarray(x, dtype=float)), axis=0)
        return np.asarray(np.concatenate([-np.eye(self.dimension), np.eye(self.dimension)])[nearest].T)

    def contains(self, x: Floats) -> Booleans:
        """Which of the points are not inside of the box."""
        slack = 1e-14 * float(np.max(np.abs([self.lower, self.upper])))
        return np.asarray(self.level(x) >= -slack)

    def project(self, x: Floats) -> Floats:
        """The nearest point of the nearest wall's plane."""
        return np.asarray(x - self.level(x) * self.gradient(x))

    def faces(self, _lower: Sequence[float] = (), _upper: Sequence[float] = ()) -> dict[int, tuple[float, ...]]:
        """The walls."""
        walls = enumerate(zip(self.lower, self.upper, self.periodic, strict=True))
        return {axis: (low, high) for axis, (low, high, around) in walls if not around}


def with_room_around(problem: Problem) -> tuple[Problem, OutsideBox]:
    """The same process in a box that is a little larger, and the outside of the box it was.

    Raises ProblemError where the coefficients end at the walls.
    """
    box = problem.domain
    if not isinstance(box, Box):
        found = "noise in some directions only, in a domain whose walls are not those of a box"
        raise ProblemError("domain.kind", found, "a box: a set that absorbs may have any shape")
    periodic = tuple(kind == "periodic" for kind in box.boundary)
    room = ROOM * np.subtract(box.upper, box.lower) * ~np.asarray(periodic)
    larger = replace(
        box, lower=tuple(np.subtract(box.lower, room).tolist()), upper=tuple(np.add(box.upper, room).tolist())
    )
    try:
        return replace(problem, domain=larger), OutsideBox(box.lower, box.upper, periodic)
    except ProblemError as error:
        found = f"walls beyond which there is {error.found}"
        raise ProblemError("domain", found, "coefficients that are defined a little beyond walls that absorb") from None
