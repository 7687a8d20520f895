"""What a wall that is no side of a box does to a flow: points beyond it are put back, and the flow slides along it."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.sets.shapes import Ball
from fokker_planck.quantity.light_dataclasses import dataclass

SKIN = 1e-6
"""How far ahead of a point on an edge, in extents, walls are felt: rounding is 1e-10 of that, curvature a millionth."""
ON_SPHERE = 1e-13
"""Of radius and coordinates: a point as near to the sphere is on it, a thousand times what rounding leaves."""


@dataclass(frozen=True)
class Contact:
    """Points put back, ``position`` (dim, n), and what they are at.

    ``outward`` (dim, n) is the unit normal of the wall that a point is on, zero off the walls and on an ``edge`` (n,),
    where several meet.
    """

    position: Floats
    outward: Floats
    edge: Booleans


class Hold(ABC):
    """Walls that hold a flow; called on points (dim, n), it moves those outside to the nearest point of a wall.

    A point that slides stays on a curved wall: what a step leads off it, to either side, is undone.  Without that, a
    flow along a wall that bends inwards would leave it at every step and be pressed back, as stiff as any.
    """

    @property
    def reach(self) -> float:
        """How far a step may lead so that it never jumps across what lies outside."""
        return np.inf

    @property
    @abstractmethod
    def bends(self) -> bool:
        """Whether walls are curved, so that a straight step along one leads off it."""

    @property
    @abstractmethod
    def extent(self) -> float:
        """The size of the domain, by which ``SKIN`` is measured."""

    @abstractmethod
    def meet(self, x: Floats, sliding: Booleans) -> Contact:
        """Points (dim, n) put back: those outside, and those that are sliding along a curved wall, inside as well."""

    def __call__(self, x: Floats) -> Floats:
        """The points inside, unchanged, and the nearest ones of the walls to those outside."""
        return self.meet(x, np.zeros(x.shape[1], dtype=bool)).position

    def along(self, contact: Contact, free: Floats, sliding: Booleans) -> Floats:
        """What walls leave of a force (dim, n): nothing that leads outwards or, where sliding, off the wall either way.

        On an edge that is seen from where the force leads, a step of ``SKIN`` ahead.
        """
        push = (free * contact.outward).sum(axis=0)
        force = free - np.where(sliding, push, np.maximum(push, 0.0)) * contact.outward
        some = np.flatnonzero(contact.edge & np.isfinite(free).all(axis=0))
        if len(some):
            x, pull = contact.position[:, some], free[:, some]
            ahead = SKIN * self.extent / np.maximum(np.linalg.norm(pull, axis=0), 1e-300)
            there = x + ahead * pull
            held = self.meet(there, sliding[some]).position
            force[:, some] = np.where((held == there).all(axis=0), pull, (held - x) / ahead)
        return np.asarray(force)


@dataclass(frozen=True)
class HeldByBall(Hold):
    """Points (dim, n) outside of a ball put back to its surface.

    >>> held, still = HeldByBall(Ball([0.0, 0.0], 1.0)), np.array([False])
    >>> contact = held.meet(np.array([[2.0], [0.0]]), still)
    >>> contact.position.ravel().tolist(), held.along(contact, np.array([[3.0], [2.0]]), still).ravel().tolist()
    ([1.0, 0.0], [0.0, 2.0])
    """

    ball: Ball

    @property
    def bends(self) -> bool:
        """It does."""
        return True

    @property
    def extent(self) -> float:
        """The diameter."""
        return 2.0 * self.ball.radius

    def meet(self, x: Floats, sliding: Booleans) -> Contact:
        """The points inside as they are, the nearest ones of the sphere to those outside and sliding."""
        room = ON_SPHERE * (self.ball.radius + float(np.abs(self.ball.center).max()))
        level = self.ball.level(x)
        outside = (level < 0.0) | sliding
        moved, outward = x, np.zeros(x.shape)
        if outside.any():
            moved = np.array(x)
            moved[:, outside] = self.ball.project(x[:, outside])
        on = outside | (level <= room)
        if on.any():
            normal = -self.ball.gradient(moved[:, on])
            outward[:, on] = normal / np.linalg.norm(normal, axis=0)
        return Contact(moved, outward, np.zeros(x.shape[1], dtype=bool))
