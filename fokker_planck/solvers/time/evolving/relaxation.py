"""A process on one mesh on its way to the stationary state: what is slow, and the resolvent of all else.

With p = e^-psi rho / Z, <f> = int p f, and modes u_j of -L and z_j of -L* in the weight e^-psi,

    P f = f - <f> - sum_j u_j int e^-psi z_j f / int e^-psi z_j u_j

takes out what is exponentially slow, j, so that (i omega - L)^-1 P f has its digits at any omega, zero as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.algebra.static_condensation import CondensedFactorization, condensed_factorization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass, field, replace
from fokker_planck.solvers.condensation.wells import Condensation
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.eigenvalues.shift_and_invert import ShiftedPencil, times_mass

SHIFT = 1e-2
"""Of the slowest rate inside wells: for frequencies up to it one real factor serves all, by an iteration that gains at
least half a digit a step, as rates that are not taken out are three times that or more; beyond it a complex factor for
each loses two digits where it is near zero, which the projection takes out again."""
MOST_STEPS, ENOUGH, ROUNDING = 80, 1e-14, 1e-10
"""Of that iteration, the change at which it ends, and that below which it ends where rounding makes it no less: ten to
thirty are taken."""
SHARPENED = 3
"""Steps of inverse iteration for the functions of slow modes, each of which leaves less than a third where the mode is
among the fastest of them (0.03 of the slowest rate inside), and a hundredth of a mode that is slow."""


@dataclass(frozen=True)
class Decaying:
    """A mode: the ``log`` of its eigenvalue as :class:`Eigenmode` has it, and scaled vectors (N,) of both sides.

    ``norm`` is z . M u.  Of a complex pair one stands for both.
    """

    log: complex
    right: Numbers
    left: Numbers
    norm: complex
    times: int

    def share(self, first: Floats, second: Floats) -> complex:
        """What it has of int p f e^(t L) g at t = 0, from M times the scaled f p and g, (N,) each."""
        return complex(self.times * (first @ self.right) * (self.left @ second) / self.norm)


def decaying(generator: Generator, mode: Eigenmode) -> Decaying:
    """The vectors of a mode in the generator's scaled unknowns, of order one."""
    discretization, left = generator.discretization, mode.modes[0].dual
    right = _scaled(generator, mode.nodal)
    if left is None:
        other = right
    else:
        nodal = np.zeros(discretization.count, dtype=left.dtype)
        nodal[discretization.dofs] = left
        other = _scaled(generator, nodal)
    return Decaying(complex(mode.log), right, other, complex(other @ times_mass(generator, right)), mode.times)


def _scaled(generator: Generator, nodal: Numbers) -> Numbers:
    down = -0.5 * (generator.exponent - generator.lowest)
    with np.errstate(divide="ignore"):
        top = float((np.log(np.abs(nodal)) + down).max())
    if np.iscomplexobj(nodal):
        return np.asarray(times_exp(nodal.real, down - top) + 1j * times_exp(nodal.imag, down - top))
    return times_exp(nodal, down - top)


@dataclass
class Relaxation:
    """The stationary state of a condensation, ``ratio`` (N,) being rho at the nodes, with ``slow`` modes taken out.

    Resolvents are factored as frequencies ask for them.
    """

    condensed: Condensation
    ratio: Floats
    slow: Sequence[Decaying]
    shifted: CondensedFactorization | None = field(default=None)
    last: ShiftedPencil | None = field(default=None)

    @property
    def generator(self) -> Generator:
        """That of the process."""
        return self.condensed.generator

    @cached_property
    def rho(self) -> Floats:
        """rho in scaled unknowns, (N,)."""
        return self.ratio * self.generator.constant

    @cached_property
    def whole(self) -> float:
        """Z, weights relative to the lowest exponent."""
        return float(self.rho @ self.condensed.load)

    def centred(self, nodal: Floats) -> tuple[Floats, float]:
        """f - <f> in scaled unknowns, (N,), and <f>, from values of f at the nodes."""
        scaled = nodal * self.generator.constant
        mean = float(self.rho @ self.generator.apply_mass(scaled)) / self.whole
        scaled = scaled - mean * self.generator.constant
        # once more: of a large mean the first time leaves rounding
        rest = float(self.rho @ self.generator.apply_mass(scaled)) / self.whole
        return np.asarray(scaled - rest * self.generator.constant), mean + rest

    def weighted(self, scaled: Floats) -> Floats:
        """P f as a function beside e^-psi: rho f in scaled unknowns, (N,)."""
        return scaled if self.generator.symmetric else self.ratio * scaled

    def projected(self, vector: Numbers, *, adjoint: bool = False) -> Numbers:
        """P of a scaled function (N,), or its adjoint in M."""
        generator = self.generator
        image = times_mass(generator, vector)
        pairs: list[tuple[Numbers, Numbers, complex]] = [(generator.constant, self.rho, self.whole)]
        for mode in self.slow:
            pairs.append((mode.right, mode.left, mode.norm))
            if mode.times == 2:
                pairs.append((np.conj(mode.right), np.conj(mode.left), np.conj(mode.norm)))
        result = np.array(vector, dtype=complex)
        for right, left, size in pairs:
            taken, by = (left, right) if adjoint else (right, left)
            result = result - taken * ((by @ image) / size)
        return result if np.iscomplexobj(vector) else np.asarray(result.real)

    def sharpened(self) -> Relaxation:
        """The same with modes from which steps of inverse iteration have taken what the reduced problem left in them.

        That finds eigenvalues to the square of what it leaves in functions; shares count that once.
        """
        state = self
        for _ in range(SHARPENED if self.slow else 0):
            state = replace(state, slow=[state._stepped(mode) for mode in state.slow], shifted=state.factored)
        return state

    def _stepped(self, mode: Decaying) -> Decaying:
        rate = np.exp(mode.log.real) * (1.0 + 1j * mode.log.imag)
        sides = []
        for vector, adjoint in ((mode.right, False), (mode.left, True)):
            given = vector if np.iscomplexobj(vector) else vector.astype(complex) if mode.log.imag else vector
            size = self.shift + (rate if np.iscomplexobj(given) else rate.real)
            change = self.projected(size * self._shifted_back(given, adjoint), adjoint=adjoint)
            sides.append(given + change)
        norm = complex(sides[1] @ times_mass(self.generator, sides[0]))
        return replace(mode, right=sides[0], left=sides[1], norm=norm)

    @property
    def shift(self) -> float:
        """The rate s of the real factor."""
        return SHIFT * self.condensed.slowest_inside

    @property
    def factored(self) -> CondensedFactorization:
        """A + s M."""
        if self.shifted is None:
            self.shifted = condensed_factorization(
                self.generator.discretization,
                self.generator.stiffness + self.shift * self.generator.mass,
                np.ones(len(self.ratio), dtype=bool),
                symmetric=self.generator.symmetric,
                exponent=self.generator.exponent,
                lost=self.shift * self.generator.mass_of_constant,
            )
        return self.shifted

    def _shifted_back(self, vector: Numbers, adjoint: bool) -> Numbers:
        """(s - L)^-1 of a scaled function, (N,)."""
        load = times_mass(self.generator, vector)
        real = self.factored.solve(np.ascontiguousarray(load.real), adjoint=adjoint)
        if not np.iscomplexobj(vector):
            return real
        return np.asarray(real + 1j * self.factored.solve(np.ascontiguousarray(load.imag), adjoint=adjoint))

    def resolved(self, start: Floats, frequency: float, *, adjoint: bool = False) -> Numbers:
        """(i omega - L)^-1 P f of a scaled function (N,); with ``adjoint`` that of L* in the weight e^-psi."""
        start = self.projected(start, adjoint=adjoint)
        if frequency <= SHIFT * self.condensed.slowest_inside:
            return self._iterated(start, frequency, adjoint)
        factored = self._at(frequency)
        load = self.generator.apply_mass(start).astype(complex)
        found = np.conj(factored.solve(load, True)) if adjoint else factored.solve(load, False)
        return self.projected(np.asarray(found), adjoint=adjoint)

    def balanced(self, load: Floats, rounding: Floats) -> tuple[Floats, float]:
        """u with a(u, v) = l(v) for a scaled load (N,) with l(rho) = 0; and what ``rounding`` of it spoils, relative.

        Slow modes have the quotient of a load and a rate, both small.
        """
        image = np.array(load)
        for mode in self.slow:
            image = image - mode.times * np.real(
                times_mass(self.generator, mode.right) * ((mode.left @ load) / mode.norm)
            )
        found, back, before = np.zeros(len(load)), self.shift, np.inf
        up = 0.5 * (self.generator.exponent - self.generator.lowest)
        for _ in range(MOST_STEPS):
            after = self.factored.solve(image + back * self.generator.apply_mass(found))
            after = np.asarray(self.projected(after))
            # measured as it is, not in scaled unknowns: what is at the top of a barrier counts
            change = float(np.abs(times_exp(after - found, up)).max() / np.abs(times_exp(after, up)).max())
            found = after
            if change <= ENOUGH or (change < ROUNDING and change > 0.5 * before):
                break
            before = change
        else:
            raise ConvergenceError("the cell problem did not converge", _petsc.REMEDY)
        lost = 0.0
        for mode in self.slow:
            rate = np.exp(mode.log.real) * (1.0 + 1j * mode.log.imag)
            along = complex(mode.left @ load)
            found = found + mode.times * np.real(mode.right * (along / (mode.norm * rate)))
            lost = max(lost, float(np.abs(mode.left) @ rounding) / max(abs(along), 1e-300))
        return found, lost

    def _at(self, frequency: float) -> ShiftedPencil:
        """A + i omega M, the last one kept: it is asked for both sides and functions."""
        if self.last is None or self.last.shift != -1j * frequency:
            self.last = ShiftedPencil(self.generator, np.ones(len(self.ratio), dtype=bool), -1j * frequency)
        return self.last

    def _iterated(self, start: Floats, frequency: float, adjoint: bool) -> Numbers:
        """x with (s - L) x = P f + (s - i omega) x, by iteration: s real."""
        back = self.shift - 1j * frequency if frequency else self.shift
        found: Any = np.zeros(len(start), dtype=complex if frequency else float)
        before = np.inf
        for _ in range(MOST_STEPS):
            after = self.projected(self._shifted_back(start + back * found, adjoint), adjoint=adjoint)
            change = float(np.abs(after - found).max()) / max(float(np.abs(after).max()), 1e-300)
            found = after
            if change <= ENOUGH or (change < ROUNDING and change > 0.5 * before):
                return np.asarray(found)
            before = change
        raise ConvergenceError(f"the resolvent at frequency {frequency:.3g} did not converge", _petsc.REMEDY)
