"""Condensation onto the wells: the reduced generator of a process between metastable wells, entry by entry accurate.

One unknown is singled out in every well, C; the rest is F.  With the generator's matrices A and M, the discrete equilibrium potentials
h_k (one at well k, zero at the others and on the target) solve A_FF h_kF = -A_Fk, and

    S_kl = A_kl + A_kF h_lF  (k != l),     S_kk = -sum_l S_kl,     T_kl = h_k . M h_l.

A_FF stays well conditioned however high the barriers are, and S_kl is a sum in which next to nothing cancels, so that it is
accurate relative to itself.  Source: Bovier, Eckhoff, Gayrard and Klein, J. Eur. Math. Soc. 6 (2004) 399, whose capacity matrix
this is, made discrete.

In the generator's scaled unknowns the functions become h_k exp(-(Phi - Phi_k)/2), and the entries S_kl exp((Phi_k + Phi_l)/2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.fem.triangulation import Booleans, Floats, Integers
from fokker_planck.landscape import CriticalPoint

HIGHEST_BARRIER = 600.0
SMALLEST_COUPLING = 1e-290
MOST_OVERLOOKED = 12
OVERLOOKED = 1e-5
INVERSE_STEPS = 12


def well_nodes(discretization: Discretization, minima: Sequence[CriticalPoint], absorbed: Booleans) -> Integers:
    """The unknown nearest to every minimum that is not absorbed, each once."""
    free = np.flatnonzero(~absorbed)
    nodes = discretization.nodes[free]
    nearest = [free[np.argmin(((nodes - np.asarray(m.position)) ** 2).sum(axis=1))] for m in minima]
    inside = [
        absorbed[np.argmin(((discretization.nodes - np.asarray(m.position)) ** 2).sum(axis=1))] for m in minima
    ]
    return np.unique([node for node, lost in zip(nearest, inside, strict=True) if not lost]).astype(np.int64)


@dataclass(frozen=True)
class Condensation:
    """``wells`` (K,) are unknowns; ``potentials`` (K, N) are the h_k, ``couplings`` (K, K) and ``to_target`` (K,) are -S, all scaled.

    The diagonal of ``couplings`` is not used.  ``target_potential`` (N,) is the potential of the target, scaled by
    ``target_exponent``; ``slowest_inside`` is the smallest eigenvalue of (A_FF, M_FF): the rate below which the wells account for all.
    """

    generator: Generator
    wells: Integers
    absorbed: Booleans
    rest: Booleans
    inner: _petsc.Factorization
    potentials: Floats
    couplings: Floats
    to_target: Floats
    target_potential: Floats
    target_exponent: float
    slowest_inside: float

    @cached_property
    def exponents(self) -> Floats:
        """Phi at the wells, (K,)."""
        return self.generator.exponent[self.wells]

    @cached_property
    def load(self) -> Floats:
        """M 1 in scaled unknowns, (N,)."""
        return mass_times_constant(self.generator)

    def solve_inside(self, right: Floats) -> Floats:
        """A_FF^-1 applied to the F part of a scaled vector (N,); zero on wells and target."""
        return _solved(self.inner, self.rest, right)

    def cell_values(self, at_wells: Floats, inside: Floats) -> Floats:
        """u = sum_k u_k h_k + v, cell by cell, less a constant in each cell: that of the well that dominates there, (cells, n).

        ``at_wells`` (K,) are the u_k, ``inside`` (N,) the nodal values of v, zero at wells and target.  Since the potentials sum to
        one, u - u_l = sum_k (u_k - u_l) h_k + v, which keeps its digits where u is constant to rounding.
        """
        dofs = self.generator.discretization.dofs
        exponent = self.generator.exponent[dofs]
        potentials = [h[dofs] * np.exp(0.5 * (exponent - phi)) for h, phi in zip(self.potentials, self.exponents, strict=True)]
        values = list(at_wells)
        if self.absorbed.any():
            potentials.append(self.target_potential[dofs] * np.exp(0.5 * (exponent - self.target_exponent)))
            values.append(0.0)
        if not potentials:
            return np.asarray(inside[dofs])
        stacked, constants = np.asarray(potentials), np.asarray(values)
        dominant = constants[np.argmax(stacked.mean(axis=2), axis=0)]
        return np.asarray(np.einsum("kc,kcn->cn", constants[:, None] - dominant, stacked) + inside[dofs])

    def reduced_generator(self, digits: int) -> Any:
        """S as a matrix of mpmath numbers, each off-diagonal entry as accurate as ``couplings``, rows completed by their sum."""
        import mpmath

        count = len(self.wells)
        with mpmath.workdps(digits):
            half = [mpmath.exp(-mpmath.mpf(float(phi - self.generator.lowest)) / 2) for phi in self.exponents]
            matrix = mpmath.matrix(count, count)
            for k in range(count):
                total = mpmath.mpf(0)
                if self.absorbed.any():
                    outer = mpmath.exp(-mpmath.mpf(float(self.target_exponent - self.generator.lowest)) / 2)
                    total += mpmath.mpf(float(self.to_target[k])) * half[k] * outer
                for other in range(count):
                    if other != k:
                        flow = mpmath.mpf(float(self.couplings[k, other])) * half[k] * half[other]
                        matrix[k, other] = -flow
                        total += flow
                matrix[k, k] = total
            return matrix

    def digits(self) -> int:
        """Decimal digits in which nothing of the reduced problem cancels."""
        logs = [0.0, *(2.0 * (self.exponents - self.generator.lowest))]
        entries = np.abs(np.concatenate([self.couplings[~np.eye(len(self.wells), dtype=bool)], self.to_target]))
        logs += [-float(np.log(entry)) for entry in entries if entry > 0.0]
        return 30 + int(1.0 * (max(logs) + abs(self.target_exponent - self.generator.lowest)))


def condense(generator: Generator, wells: Integers, absorbed: Booleans, expected_rate: float) -> Condensation:
    """Factor A_FF and solve for the equilibrium potential of every well.

    ``expected_rate`` is the rate at which a well settles.  Where A_FF has a much slower mode, a well has been overlooked; it is added.

    Raises ``BarrierTooHighError`` where the couplings leave the range of a double.
    """
    for _ in range(MOST_OVERLOOKED):
        rest = ~absorbed
        rest[wells] = False
        inner = _factored(generator, rest)
        slowest, mode = _slowest_mode(generator, rest, inner)
        if slowest > OVERLOOKED * expected_rate:
            break
        wells = np.append(wells, np.argmax(np.abs(mode)))
    else:
        raise ConvergenceError(
            f"a part of the domain relaxes at a rate of {slowest:.1e}, though no minimum lies there", "a finer mesh"
        )
    potentials, couplings = np.zeros((len(wells), len(absorbed))), np.zeros((len(wells), len(wells)))
    for k, well in enumerate(wells):
        potentials[k, well] = 1.0
        potentials[k] += _solved(inner, rest, -generator.apply_stiffness(potentials[k]))
        couplings[:, k] = -generator.apply_stiffness(potentials[k])[wells]
    to_target, target_exponent, target_potential = np.zeros(len(wells)), generator.lowest, np.zeros(len(absorbed))
    if absorbed.any():
        target_exponent = float(generator.exponent[absorbed].min())
        target_potential[absorbed] = np.exp(-0.5 * (generator.exponent[absorbed] - target_exponent))
        target_potential += _solved(inner, rest, -generator.apply_stiffness(target_potential))
        to_target = -generator.apply_stiffness(target_potential)[wells]
    _check_range(couplings, to_target)
    return Condensation(
        generator=generator,
        wells=wells,
        absorbed=absorbed,
        rest=rest,
        inner=inner,
        potentials=potentials,
        couplings=couplings,
        to_target=to_target,
        target_potential=target_potential,
        target_exponent=target_exponent,
        slowest_inside=slowest,
    )


def _factored(generator: Generator, rest: Booleans) -> _petsc.Factorization:
    discretization = generator.discretization
    numbers = np.where(rest, np.cumsum(rest) - 1, -1)
    return _petsc.Factorization(
        _petsc.matrix(discretization.comm, int(rest.sum()), numbers[discretization.dofs], generator.stiffness)
    )


def _solved(inner: _petsc.Factorization, rest: Booleans, right: Floats) -> Floats:
    result = np.zeros(len(right))
    result[rest] = inner.solve(right[rest])
    return result


def _slowest_mode(generator: Generator, rest: Booleans, inner: _petsc.Factorization) -> tuple[float, Floats]:
    """Smallest eigenvalue of (A_FF, M_FF) and its vector, by inverse iteration."""
    mode = np.where(rest, 1.0, 0.0)
    rate = np.inf
    for _ in range(INVERSE_STEPS):
        right = generator.apply_mass(mode)
        mode = _solved(inner, rest, right)
        norm = float(mode @ generator.apply_mass(mode))
        before, rate = rate, float(mode @ right) / norm
        mode /= np.sqrt(norm)
        if abs(before - rate) < 0.05 * rate:
            break
    return rate, mode


def _check_range(couplings: Floats, to_target: Floats) -> None:
    """Refuse what has under- or overflowed: every well must keep a coupling to something."""
    leaving = np.abs(couplings[~np.eye(len(couplings), dtype=bool)]).reshape(len(couplings), -1).sum(axis=1)
    lost = (leaving + np.abs(to_target) < SMALLEST_COUPLING) & (len(couplings) > 1 or to_target.any())
    if lost.any() or not (np.isfinite(couplings).all() and np.isfinite(to_target).all()):
        raise BarrierTooHighError(
            "a barrier is so high that the rate of crossing it is not a double",
            f"a barrier below about {HIGHEST_BARRIER:.0f} times the noise",
        )
