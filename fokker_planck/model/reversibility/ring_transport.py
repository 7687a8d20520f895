"""Velocity and diffusion around a ring by quadrature, as logarithms: whatever the barriers.

With Psi' = (D' - b) / D, Psi rising by Delta in a period L, W(x) = int_x^(x + L) exp(Psi) / D, M(x) =
int_x^(x + L) exp(-Psi) and N = int exp(-Psi) W over one period,

    v = L (1 - e^Delta) / N,    D_eff = L^2 e^(2 Delta) int exp(Psi) W M^2 / D dx / N^3.

The density is exp(-Psi) W / N, and y' of the cell problem L y = v is v exp(Psi) M / (D (e^-Delta - 1)): nothing is
subtracted. With constant D these are the quadratures of the source, without a net force D_eff = L^2 D / (int e^Psi
int e^-Psi) (Lifson and Jackson 1962).

Source: Reimann, Van den Broeck, Linke, Hanggi, Rubi and Perez-Madrid, Phys. Rev. Lett. 87 (2001) 010602.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus.antiderivative import chebyshev, integrated
from fokker_planck.model.reversibility.line import LineExponent, is_driven
from fokker_planck.model.reversibility.ring import log_window, on_panels, panels
from fokker_planck.quantity.light_dataclasses import dataclass

SAFETY = 3.0
"""By what the difference to panels of half the width is multiplied."""
ROUNDING = 16.0 * np.finfo(float).eps
"""Of the variation of Psi, and of one: N stands in the third power, and every exponential knows Psi to its rounding."""


@dataclass(frozen=True)
class RingTransport:
    """``sign`` of v, ``log_velocity`` of its size, ``log_diffusion``, the relative ``error`` of both, ``panels``."""

    sign: float
    log_velocity: float
    log_diffusion: float
    error: float
    panels: int


def ring_transport(line: LineExponent) -> RingTransport:
    """V and D_eff of a process on a ring.

    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> period = 2.0 * np.pi
    >>> washboard = LineExponent(Overdamped(Potential("-cos(x)"), Isotropic(0.001)), 0.0, period, period)
    >>> from scipy.special import ive                           # eps / I_0(1/eps)^2, a barrier of 2000
    >>> found = ring_transport(washboard)
    >>> bool(abs(found.log_diffusion - (np.log(0.001) - 2.0 * (np.log(ive(0, 1000.0)) + 1000.0))) < found.error)
    True
    """
    ends = panels(line)
    halved = np.union1d(ends, 0.5 * (ends[1:] + ends[:-1]))
    coarse, fine = _norms(line, ends), _norms(line, halved)
    climb = line.winding if is_driven(line) else 0.0
    length = np.log(line.upper - line.lower)
    log_net = max(climb, 0.0) + float(np.log(-np.expm1(-abs(climb)))) if climb else -np.inf
    error = SAFETY * float(np.abs(coarse - fine) @ np.array([3.0, 1.0])) + ROUNDING * (1.0 + line.effective.variation)
    return RingTransport(
        sign=-float(np.sign(climb)),
        log_velocity=float(length + log_net - fine[0]),
        log_diffusion=float(2.0 * length + 2.0 * climb + fine[1] - 3.0 * fine[0]),
        error=float(error),
        panels=len(halved) - 1,
    )


def _norms(line: LineExponent, ends: Floats) -> Floats:
    """Log of N, and of int exp(Psi) W M^2 / D."""
    nodes, matrix = chebyshev()
    half = 0.5 * np.diff(ends)
    places = (ends[:-1] + half)[:, None] + half[:, None] * nodes
    exponent, noise = on_panels(line, places)
    up, down = (log_window(line, ends, way)(places.ravel()).reshape(places.shape) for way in (True, False))
    logs = np.array([up - exponent, exponent + up + 2.0 * down - np.log(noise)])
    top = logs.max(axis=(1, 2))
    found = [
        integrated(np.exp(each - most) @ matrix.T * half[:, None]).sum() for each, most in zip(logs, top, strict=True)
    ]
    return np.asarray(top + np.log(found))
