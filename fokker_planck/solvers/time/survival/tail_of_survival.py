"""The tail of a survival function: what is left of it once all but the slowest modes have died out.

    S(t, x) = sum_j exp(-lambda_j t) u_j(x) int z_j / int u_j z_j

with the modes of -L killed on the target, L u_j = -lambda_j u_j, and the left ones z_j.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.cell_products import CellProducts, product
from fokker_planck.fem.fields.interpolation import interpolate
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode

DIED_OUT = 32.0
"""Log of what a mode that is not known has lost when the others take over: 1e-14 of the slowest is left."""
EQUAL = 1e-3
"""Relative distance of eigenvalues that are one to a mesh: those of a disc come in pairs."""
OF_SHARES = 1e-14
"""What rounding leaves of the share of a mode: that of a well that a process hardly ever meets came out negative."""


@dataclass(frozen=True)
class Tail:
    """S(t) and -S'(t) as sums over modes, from the time ``start`` on.

    ``logs`` are those of the modes as :class:`Eigenmode` has them, ``shares`` (k,) complex what each has of S(0), those
    of pairs counted for both.
    """

    start: float
    logs: tuple[complex, ...]
    shares: Numbers

    def log(self, log_t: float, *, slope: bool = False) -> float:
        """log S(t), or log -S'(t), at a time that need not be a double; where that is rounding, the log of this."""
        top, total = self._sum(log_t, slope=slope)
        return float(np.log(max(total, self._rounding))) + top

    def doubt(self, log_t: float, *, slope: bool = False) -> float:
        """What rounding of the shares is of S(t), or of -S'(t): there of those times the largest rate that is left."""
        return self._rounding / max(self._sum(log_t, slope=slope)[1], self._rounding)

    @property
    def _rounding(self) -> float:
        """Of a share, which is one of a function whose largest value is about one."""
        return OF_SHARES * max(1.0, float(np.abs(self.shares).max()))

    def _sum(self, log_t: float, *, slope: bool = False) -> tuple[float, float]:
        """The log of the largest term but for its share, and the sum beside its exponential."""
        exponents, total = [], 0.0
        for log in self.logs:
            exponents.append((log.real if slope else 0.0) - np.exp(log.real + log_t) * (1.0 + 1j * log.imag))
        top = float(max(exponent.real for exponent in exponents))
        for log, share, exponent in zip(self.logs, self.shares, exponents, strict=True):
            factor = 1.0 + 1j * log.imag if slope else 1.0
            total += float((share * factor * np.exp(exponent - top)).real)
        return top, total


def tail_of(generator: Generator, modes: Sequence[Eigenmode], faster: float, start: Floats) -> Tail:
    """From ``modes``, ascending, where all others are ``faster`` than that; from the ``start`` (dim, 1)."""
    takes_over = DIED_OUT / (faster - float(np.exp(modes[0].log.real)))
    shares = np.array([_share(generator, mode, start) for mode in modes])
    return Tail(takes_over, tuple(complex(mode.log) for mode in modes), shares)


def no_tail(log_rate: float) -> Tail:
    """Of what falls about at a rate, whose modes are not known: there is no time from which on they are all."""
    return Tail(np.inf, (complex(log_rate),), np.ones(1))


def told_apart(modes: Sequence[Eigenmode]) -> tuple[list[Eigenmode], float]:
    """All modes but the fastest and its equals, ascending, and the rate of that: of others nothing is known.

    Raises ``ConvergenceError`` where all are equal.
    """
    if not modes:
        raise ConvergenceError("no slow mode of the killed process was found", "more noise, or a weaker drift")
    ordered = sorted(modes, key=lambda mode: mode.log.real)
    last = ordered[-1].log.real
    known = [mode for mode in ordered if mode.log.real < last - EQUAL]
    if not known:
        raise ConvergenceError("the eigenvalues of the killed process cannot be told apart", "another domain")
    return known, float(np.exp(last))


def _share(generator: Generator, mode: Eigenmode, start: Floats) -> complex:
    """u(x) int z / int u z, twice that for one of a pair."""
    discretization = generator.discretization
    left = mode.modes[0].dual
    cells = mode.nodal[discretization.dofs]
    dual = cells if left is None else left
    whole, log_whole = _signed(generator, None, dual)
    norm, log_norm = _signed(generator, cells, dual)
    at_start = complex(interpolate(discretization, mode.nodal.real, start)[0])
    if np.iscomplexobj(mode.nodal):
        at_start += 1j * float(interpolate(discretization, mode.nodal.imag, start)[0])
    found = mode.times * at_start * whole / norm * np.exp(log_whole - log_norm)
    if not np.isfinite(found):
        raise BarrierTooHighError("the share of a slow mode at the start is no double", "more noise")
    return complex(found)


def _signed(generator: Generator, u: Numbers | None, z: Numbers) -> tuple[complex, float]:
    """m(u, z), m(1, z) without u, as a number of order one times the exponential of a logarithm."""
    parts: list[tuple[complex, CellProducts]] = []
    for unit, second in _parts(z):
        if u is None:
            parts.append((unit, product(generator, 1.0, second)))
        else:
            parts += [(unit * other, product(generator, first, second)) for other, first in _parts(u)]
    top = max(contribution.log_of_sum() for _, contribution in parts)
    comm = generator.discretization.comm
    total = sum(unit * comm.allreduce(float(each.relative_to(top).sum())) for unit, each in parts)
    return complex(total), top


def _parts(values: Numbers) -> list[tuple[complex, Floats]]:
    return [(1.0, values.real), (1j, values.imag)] if np.iscomplexobj(values) else [(1.0, values)]
