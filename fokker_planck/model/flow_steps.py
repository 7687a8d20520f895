"""One step of the flow dx/dt = -grad f for many points at once, explicit or linearly implicit, along walls.

A point that a curved wall has taken a force from *slides*: it goes on along that wall until the force leads inwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fokker_planck.landscape import Booleans, Floats, Frame, Function
from fokker_planck.model.holds import SKIN, Contact

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

# Kaps and Rentrop's Rosenbrock method of order 4, error of order 3, with Shampine's constants (ACM TOMS 8, 1982).
_GAMMA = 0.5
_SHIFT = ((), (2.0,), (48 / 25, 6 / 25), (48 / 25, 6 / 25))
_COUPLING = ((), (-8.0,), (372 / 25, 12 / 5), (-112 / 125, -54 / 125, -2 / 5))
_WEIGHT = (19 / 9, 1 / 2, 25 / 108, 125 / 108)
_DIFFERENCE = (17 / 54, 7 / 36, 0.0, 125 / 108)
LONGEST = 0.1
"""Of the extent: the longest step, so that none jumps over a well."""
LEAST_MOVE = 1e-14
"""Of the extent: a step no longer than that is blocked by walls."""


@dataclass(frozen=True)
class Moving:
    """Points on their way: ``position`` and ``force`` (dim, n), the next ``step`` and whether they slide, (n,)."""

    position: Floats
    force: Floats
    step: Floats
    sliding: Booleans

    def chosen(self, keep: Booleans) -> Moving:
        """Some of them."""
        return Moving(self.position[:, keep], self.force[:, keep], self.step[keep], self.sliding[keep])


@dataclass(frozen=True)
class Pull:
    """Points put back (dim, n), -grad f there, what walls leave of it, and how the points meet them."""

    position: Floats
    free: Floats
    force: Floats
    contact: Contact | None


@dataclass(frozen=True)
class HeldFlow:
    """The flow down f in a frame; ``scale`` is the local error of one step."""

    function: Function
    frame: Frame
    scale: float

    def start(self, x: Floats) -> Moving:
        """Points (dim, n) with the force on them and a first step."""
        nowhere = np.zeros(x.shape[1], dtype=bool)
        pull = self._pull(x, nowhere)
        step = 0.01 * self.frame.extent / (np.linalg.norm(pull.force, axis=0) + 1e-300)
        return Moving(pull.position, pull.force, step, nowhere)

    def explicit(self, now: Moving) -> tuple[Moving, Booleans]:
        """One Runge-Kutta step: moved where its error is small enough (n,), the step adapted everywhere."""
        stages = [now.force]
        for row in DORMAND_PRINCE:
            raw = now.position + now.step * sum(a * k for a, k in zip(row, stages, strict=True) if a != 0.0)
            pull = self._pull(raw, now.sliding)
            stages.append(pull.force)
        error = now.step * np.linalg.norm(sum(e * k for e, k in zip(DORMAND_PRINCE_ERROR, stages, strict=True)), axis=0)
        return self._settle(now, raw, pull, error, 0.2)

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
                there = x + sum(a * k for a, k in zip(shift, stages, strict=True))
                force = self._pull(there, now.sliding).force
            right = (
                force
                + sum((c * k for c, k in zip(coupling, stages, strict=True)), np.zeros((len(x), count))) / now.step
            )
            stages.append(np.einsum("nij,jn->in", inverse, right))
        raw = x + sum(b * k for b, k in zip(_WEIGHT, stages, strict=True))
        error = np.linalg.norm(sum(e * k for e, k in zip(_DIFFERENCE, stages, strict=True)), axis=0)
        return self._settle(now, raw, self._pull(raw, now.sliding), error, 0.25)

    def _pull(self, x: Floats, sliding: Booleans) -> Pull:
        """Points (dim, n) put back between the walls, and -grad f there without the part that curved walls take up."""
        hold = self.frame.hold
        if hold is None:
            y = self.frame.confine(x)
            free = -self.function.gradient(y)
            return Pull(y, free, free, None)
        contact = hold.meet(x, sliding)
        free = -self.function.gradient(contact.position)
        return Pull(contact.position, free, hold.along(contact, free, sliding), contact)

    def _hessian(self, now: Moving) -> Floats:
        """The Hessian of f, (n, dim, dim), without what leads off the wall that takes up a force."""
        # its errors make steps shorter, no path wrong: the difference of two orders accepts them
        hessian = np.moveaxis(getattr(self.function, "rough_hessian", self.function.hessian)(now.position), -1, 0)
        if self.frame.hold is None:
            return np.asarray(hessian)
        free = -self.function.gradient(now.position)
        taken = free - now.force
        size = np.linalg.norm(taken, axis=0)
        normal = np.where(size > SKIN * np.linalg.norm(free, axis=0), taken / np.maximum(size, 1e-300), 0.0)
        along = np.eye(len(normal)) - np.einsum("in,jn->nij", normal, normal)
        return np.asarray(along @ hessian @ along)

    def _settle(self, now: Moving, raw: Floats, pull: Pull, error: Floats, power: float) -> tuple[Moving, Booleans]:
        """Accept the step where its error (in units of the tolerance) allows, and choose the next everywhere."""
        frame, y, force = self.frame, pull.position, pull.force
        error = error / self.scale
        sliding = now.sliding
        if frame.hold is not None and pull.contact is not None:
            # being put back through a curved wall is wrong by the square of the way; a force that a sliding point no
            # longer has from its wall by the time for which it went on along it
            error = np.maximum(error, np.sum((raw - y) ** 2, axis=0) / (frame.extent * self.scale))
            if frame.hold.bends:
                held = frame.hold.along(pull.contact, pull.free, np.zeros(y.shape[1], dtype=bool))
                error = np.maximum(error, now.step * np.linalg.norm(held - force, axis=0) / self.scale)
                force, sliding = held, (held != pull.free).any(axis=0)
        moved = np.linalg.norm(frame.difference(y, now.position), axis=0)
        longest = min(LONGEST * frame.extent, np.inf if frame.hold is None else frame.hold.reach)
        error = np.maximum(error, moved / longest)
        accept = error <= 1.0
        factor = np.where(np.isfinite(error), np.clip(0.9 * np.maximum(error, 1e-10) ** -power, 0.2, 5.0), 0.1)
        blocked = moved < LEAST_MOVE * frame.extent
        moving = Moving(
            np.where(accept, y, now.position),
            np.where(accept, np.where(blocked, 0.0, force), now.force),
            now.step * factor,
            np.where(accept, sliding, now.sliding),
        )
        return moving, accept
