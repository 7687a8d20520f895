"""The flow dx/dt = a(x) whose basins of attraction are the wells of a process.

Where the process is given by a potential V alone, a = -grad V: wells are those of V.  Any other drift can be written in
several ways (Ito, Stratonovich, Klimontovich) that mean one process, so that wells are cut along the drift that belongs
to the process itself, whatever its writing,

    a = b - div D,

b the Ito drift: the flux is a p - D grad p, and in detailed balance a = -D grad Psi runs down to the peaks of the
density exp(-Psi).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.process import Overdamped, Process, alpha_of
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass


def has_potential_wells(process: Process) -> bool:
    """Whether the wells are those of the potential that the process is given by."""
    return isinstance(process, Overdamped) and process.extra is None


@dataclass(frozen=True)
class WellFlow:
    """The vector field a of a process in so many coordinates.

    >>> from fokker_planck.model.drift import Drift
    >>> from fokker_planck.model.process import Drifting
    >>> from fokker_planck.model.diffusion.state_dependent import Formula
    >>> noise = Formula("1 + x**2/2")
    >>> written = [Drifting(Drift(["-x"]), noise, "klimontovich"), Drifting(Drift(["-x + x"]), noise, "ito")]
    >>> [WellFlow(process, 1).value(np.array([[3.0]])).tolist() for process in written]
    [[[-3.0]], [[-3.0]]]
    """

    process: Process
    dimension: int

    def value(self, x: Floats) -> Floats:
        """A at points (dim, n), of the same shape."""
        field = self.process.field(self.dimension)
        if has_potential_wells(self.process) or field.constant:
            return self.process.noiseless_drift(x)
        if isinstance(self.process, Underdamped):
            return np.asarray(self.process.drift(x, self.dimension) - field.divergence(x))
        # what the interpretation adds of div D is not taken off again
        left, drift = 1.0 - alpha_of(self.process), self.process.noiseless_drift(x)
        return np.asarray(drift - left * field.divergence(x)) if left else drift

    def rounding(self, x: Floats) -> Floats:
        """The last place of V where a is made of finite differences of it, (n,); else zero."""
        potential = self.process.potential
        return np.zeros(x.shape[1]) if potential is None else potential.rounding(x)

    def jacobian(self, x: Floats) -> Floats:
        """d_j a_i, (dim, dim, n)."""
        field = self.process.field(self.dimension)
        if has_potential_wells(self.process) or field.constant:
            return self.process.noiseless_jacobian(x)
        if isinstance(self.process, Underdamped):
            return np.asarray(self.process.drift_jacobian(x, self.dimension) - field.divergence_jacobian(x))
        left, jacobian = 1.0 - alpha_of(self.process), self.process.noiseless_jacobian(x)
        return np.asarray(jacobian - left * field.divergence_jacobian(x)) if left else jacobian


class Height(Protocol):
    """What falls along the flow."""

    def value(self, x: Floats) -> Floats:
        """Values at points (dim, n), (n,)."""
        ...


@dataclass(frozen=True)
class Downhill:
    """The flow as if it ran down a function, for :mod:`~.gradient_flow`: ``gradient`` is -a.

    ``height`` gives the values: in detailed balance those of the exponent Psi, which falls along the flow.
    """

    flow: WellFlow
    height: Height

    def value(self, x: Floats) -> Floats:
        """Height, (n,)."""
        return self.height.value(x)

    def rounding(self, x: Floats) -> Floats:
        """That of V where the flow is made of finite differences, (n,): slopes of its size never vanish."""
        return self.flow.rounding(x)

    def gradient(self, x: Floats) -> Floats:
        """-a, (dim, n)."""
        return -self.flow.value(x)

    def hessian(self, x: Floats) -> Floats:
        """-da/dx, (dim, dim, n)."""
        return -self.flow.jacobian(x)
