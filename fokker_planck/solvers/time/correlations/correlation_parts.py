"""What slow modes have by themselves in resolvents of a correlation."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.algebra.long_range import LARGEST_LOG
from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.time.correlations.correlation_in_time import ROUNDING
from fokker_planck.solvers.time.evolving.relaxation import Decaying, Relaxation
from fokker_planck.solvers.time.stepping.rational_krylov import norm


def lorentzian(mode: Decaying, first: Floats, second: Floats, frequency: float) -> complex:
    """The part of a mode, and of its conjugate, in int p f (i omega - L)^-1 g."""
    log = mode.log.real
    if log < -LARGEST_LOG:
        raise BarrierTooHighError("a spectrum with a slow mode below the range of doubles", "more noise")
    rate = np.exp(log) * (1.0 + 1j * mode.log.imag)
    share = mode.share(first, second) / mode.times
    found = share / (1j * frequency + rate)
    return complex(found if mode.times == 1 else found + np.conj(share) / (1j * frequency + np.conj(rate)))


def relaxed(state: Relaxation, scaled: Floats, size: float) -> Floats:
    """u with -L u = h - <h>, a scaled vector (N,); slow parts as far as they are doubles, and more than rounding."""
    found = np.asarray(state.resolved(scaled, 0.0))
    image = state.generator.apply_mass(scaled)
    for mode in state.slow:
        part = mode.times * mode.right * ((mode.left @ image) / mode.norm)
        if mode.log.real > -LARGEST_LOG and norm(state.generator, part) > ROUNDING * size * np.sqrt(state.whole):
            part = part / (np.exp(mode.log.real) * (1.0 + 1j * mode.log.imag))
            found = found + np.asarray(part).real
    return found


def mean_of(state: Relaxation, scaled: Floats) -> Floats:
    """<h> as a scaled vector, (N,)."""
    mean = float(state.rho @ state.generator.apply_mass(scaled)) / state.whole
    return np.asarray(mean * state.generator.constant)
