"""One step of the flow dx/dt = -grad f for many points at once, explicit or linearly implicit, along walls.

A point that a curved wall has taken a force from *slides*: it goes on along that wall until the force leads inwards.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Booleans, Floats, Function
from fokker_planck.landscape.flow.holds import Hold
from fokker_planck.landscape.frame import Frame
from fokker_planck.quantity.light_dataclasses import dataclass

# Dormand and Prince (1980), order 5 with an embedded order 4.
DORMAND_PRINCE = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
DORMAND_PRINCE_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
"""The difference of both orders, by stages."""

# Kaps and Rentrop's Rosenbrock method of order 4, error of order 3, with Shampine's constants (ACM TOMS 8, 1982).
_GAMMA = 0.5
_SHIFT = ((), (2.0,), (48 / 25, 6 / 25), (48 / 25, 6 / 25))
"""Of the stages before, by which the place of each is moved."""
_COUPLING = ((), (-8.0,), (372 / 25, 12 / 5), (-112 / 125, -54 / 125, -2 / 5))
"""Of the stages before, by which the force on each is corrected, over the step."""
_WEIGHT = (19 / 9, 1 / 2, 25 / 108, 125 / 108)
"""Of the four stages."""
_DIFFERENCE = (17 / 54, 7 / 36, 0.0, 125 / 108)
"""Weights of the difference to order 3."""
LONGEST = 0.1
"""Of the extent: the longest step, so that none jumps over a well."""
LEAST_MOVE = 1e-14
"""Of the extent: a step no longer than that is blocked by walls."""
AIMED = 0.5
"""Of the way that a point may be put back: a step cut short at a wall leads that far beyond it, not short of it."""
FAR = 10.0
"""In extents from the middle: a hundred times the longest step, so that what is beyond belongs to a rejected one."""
BESIDE = 1e-5
"""Of the extent: over which the turning of a normal is measured, of ten digits to five."""


@dataclass(frozen=True)
class Moving:
    """Points on their way: ``position`` and ``force`` (dim, n), the next ``step`` (n,).

    ``taken`` (n,) is the size of the force that a wall, other than a side of a box, takes from them: they slide.
    """

    position: Floats
    force: Floats
    step: Floats
    taken: Floats

    @property
    def sliding(self) -> Booleans:
        """Whether they slide along a wall, (n,)."""
        return self.taken > 0.0

    def chosen(self, keep: Booleans) -> Moving:
        """Some of them."""
        return Moving(self.position[:, keep], self.force[:, keep], self.step[keep], self.taken[keep])


@dataclass(frozen=True)
class Landing:
    """Points put back between the walls (dim, n), the ``force`` of the next step there and what walls take of it.

    ``reached`` is the force at the end of the path, before a point in free flight was put back.
    ``overshoot`` (n,) is how far a point was put back, ``overstay`` how far it went along a wall that has let it go,
    ``aimed`` (n,) after which part of the step either began.
    """

    position: Floats
    force: Floats
    taken: Floats
    reached: Floats
    overshoot: Floats
    overstay: Floats
    aimed: Floats


@dataclass(frozen=True)
class HeldFlow:
    """The flow down f in a frame; ``scale`` is the local error of one step.

    Away from walls no step is ``blocked`` along creases, which shorten steps at first.
    """

    function: Function
    frame: Frame
    scale: float
    creased: bool = False

    def _seen(self, x: Floats) -> Floats:
        """Points (dim, n), without those that a steep f has thrown so far that they are not put back."""
        middle = 0.5 * (np.array(self.frame.lower) + np.array(self.frame.upper))[:, None]
        return np.where(np.abs(x - middle).max(axis=0) < FAR * self.frame.extent, x, np.nan)

    def start(self, x: Floats) -> Moving:
        """Points (dim, n) with the force on them and a first step."""
        nothing = np.zeros(x.shape[1])
        first = self._land(x, Moving(x, x, nothing, nothing))
        step = 0.01 * self.frame.extent / (np.linalg.norm(first.force, axis=0) + 1e-300)
        return Moving(first.position, first.force, step, first.taken)

    def explicit(self, now: Moving) -> tuple[Moving, Booleans]:
        """One Runge-Kutta step: moved where its error is small enough (n,), the step adapted everywhere."""
        stages = [now.force]
        for row in DORMAND_PRINCE:
            raw = now.position + now.step * sum(a * k for a, k in zip(row, stages, strict=True) if a != 0.0)
            if len(stages) < len(DORMAND_PRINCE):
                stages.append(self._force(raw, now.sliding))
        landing = self._land(raw, now)
        stages.append(landing.reached)
        error = now.step * np.linalg.norm(sum(e * k for e, k in zip(DORMAND_PRINCE_ERROR, stages, strict=True)), axis=0)
        return self._settle(now, landing, error, 0.2)

    def implicit(self, now: Moving) -> tuple[Moving, Booleans]:
        """The same by the Rosenbrock method, with the Hessian of f as the Jacobian."""
        x = now.position
        count = x.shape[1]
        matrix = self._hessian(now) + np.eye(len(x)) / (_GAMMA * now.step)[:, None, None]
        finite = np.isfinite(matrix).all(axis=(1, 2))
        inverse = np.linalg.pinv(np.where(finite[:, None, None], matrix, np.eye(len(x))))
        stages: list[Floats] = []
        force = now.force
        for shift, coupling in zip(_SHIFT, _COUPLING, strict=True):
            if shift and len(stages) < 3:
                force = self._force(x + sum(a * k for a, k in zip(shift, stages, strict=True)), now.sliding)
            coupled = sum((c * k for c, k in zip(coupling, stages, strict=True)), np.zeros((len(x), count)))
            stages.append(np.einsum("nij,jn->in", inverse, force + coupled / now.step))
        raw = x + sum(b * k for b, k in zip(_WEIGHT, stages, strict=True))
        error = np.linalg.norm(sum(e * k for e, k in zip(_DIFFERENCE, stages, strict=True)), axis=0)
        return self._settle(now, self._land(raw, now), error, 0.25)

    def _force(self, x: Floats, sliding: Booleans) -> Floats:
        """-grad f at points (dim, n): on the wall, without what the wall takes up, where they slide."""
        hold = self.frame.hold
        if hold is None:
            return -self.function.gradient(self.frame.confine(x))
        if not sliding.any():
            return -self.function.gradient(x)
        contact = hold.meet(self._seen(x[:, sliding]), sliding[sliding] & hold.bends)
        y = np.array(x)
        y[:, sliding] = contact.position
        force = -self.function.gradient(y)
        force[:, sliding] = hold.along(contact, force[:, sliding], sliding[sliding] & hold.bends)
        return force

    def _land(self, raw: Floats, now: Moving) -> Landing:
        """Put the ends of steps back between the walls."""
        hold, nothing, sliding = self.frame.hold, np.zeros(raw.shape[1]), now.sliding
        if hold is None:
            y = self.frame.confine(raw)
            force = -self.function.gradient(y)
            return Landing(y, force, nothing, force, nothing, nothing, nothing + 1.0)
        contact = hold.meet(self._seen(raw), sliding & hold.bends)
        y = contact.position
        free = -self.function.gradient(y)
        force = hold.along(contact, free, np.zeros(raw.shape[1], dtype=bool))
        stayed = hold.along(contact, free, sliding) if hold.bends else force
        overshoot = np.linalg.norm(raw - y, axis=0)
        put_back = ~sliding & (overshoot > 0.0)
        reached = np.where(sliding, stayed, free)
        if put_back.any():
            reached[:, put_back] = -self.function.gradient(raw[:, put_back])
        inwards = np.linalg.norm(stayed - force, axis=0)
        aimed = np.minimum(self._met(raw, y, now, put_back), self._left(now, inwards))
        return Landing(y, force, np.linalg.norm(free - force, axis=0), reached, overshoot, now.step * inwards, aimed)

    def _met(self, raw: Floats, y: Floats, now: Moving, put_back: Booleans) -> Floats:
        """The part of a step that leads a little beyond a wall, for points that have been put back too far, else 1."""
        overshoot = np.linalg.norm(raw - y, axis=0)
        room = AIMED * np.sqrt(self.frame.extent * self.scale)
        some = put_back & (overshoot > room)
        outward = (raw - y) / np.where(some, overshoot, 1.0)
        before = np.maximum((outward * (y - now.position)).sum(axis=0), 0.0)
        return np.where(some, (before + room) / np.where(some, before + overshoot, 1.0), 1.0)

    def _left(self, now: Moving, inwards: Floats) -> Floats:
        """The part of a step after which a wall lets a point go, for points that have been let go long before, else 1.

        That is where the force at right angles to the wall, outwards before and ``inwards`` (n,) after, changes sign.
        """
        room = AIMED * self.scale / np.where(now.step > 0.0, now.step, 1.0)
        some = now.sliding & (inwards > room)
        return np.where(some, (now.taken + room) / np.where(some, now.taken + inwards, 1.0), 1.0)

    def _hessian(self, now: Moving) -> Floats:
        """The Hessian of f, (n, dim, dim); along walls where points slide, with what their curvature adds."""
        # its errors make steps shorter, no path wrong: the difference of two orders accepts them
        hessian = np.moveaxis(getattr(self.function, "rough_hessian", self.function.hessian)(now.position), -1, 0)
        hold, some = self.frame.hold, np.flatnonzero(now.sliding)
        if hold is None or not len(some):
            return np.asarray(hessian)
        hessian = np.array(hessian)
        x, force = now.position[:, some], now.force[:, some]
        taken = -self.function.gradient(x) - force
        size = np.linalg.norm(taken, axis=0)
        normal = taken / np.where(size > 0.0, size, 1.0)
        along = np.eye(len(x)) - np.einsum("in,jn->nij", normal, normal)
        inner = hessian[some]
        if hold.bends:
            inner = inner + size[:, None, None] * _turning(hold, x)
        hessian[some] = along @ inner @ along
        return np.asarray(hessian)

    def _settle(self, now: Moving, landing: Landing, error: Floats, power: float) -> tuple[Moving, Booleans]:
        """Accept the step where its error (in units of the tolerance) allows, and choose the next everywhere."""
        frame, y = self.frame, landing.position
        # being put back through a curved wall is wrong by the square of the way
        error = np.maximum(error, landing.overshoot**2 / frame.extent) / self.scale
        error = np.maximum(error, landing.overstay / self.scale)
        moved = np.linalg.norm(frame.difference(y, now.position), axis=0)
        longest = min(LONGEST * frame.extent, np.inf if frame.hold is None else frame.hold.reach)
        error = np.maximum(error, moved / longest)
        accept = error <= 1.0
        factor = np.where(np.isfinite(error), np.clip(0.9 * np.maximum(error, 1e-10) ** -power, 0.2, 5.0), 0.1)
        factor = np.where(landing.aimed < 1.0, np.where(accept, 1.0, landing.aimed), factor)
        blocked = moved < LEAST_MOVE * frame.extent
        if self.creased:
            blocked &= frame.walls_met(y).any(axis=0)
        moving = Moving(
            np.where(accept, y, now.position),
            np.where(accept, np.where(blocked, 0.0, landing.force), now.force),
            now.step * factor,
            np.where(accept, landing.taken, now.taken),
        )
        return moving, accept


def _turning(hold: Hold, x: Floats) -> Floats:
    """The derivatives of the normal of the wall at points (dim, n) on it, (n, dim, dim)."""
    slides = np.ones(x.shape[1], dtype=bool)
    normal = hold.meet(x, slides).outward
    change = []
    for axis in range(len(x)):
        beside = np.array(x)
        beside[axis] += BESIDE * hold.extent
        other = hold.meet(beside, slides).outward
        known = (normal != 0.0).any(axis=0) & (other != 0.0).any(axis=0)
        change.append(np.where(known, (other - normal) / (BESIDE * hold.extent), 0.0))
    return np.moveaxis(np.stack(change, axis=1), -1, 0)
