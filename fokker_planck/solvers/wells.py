"""Condensation onto the wells: the reduced generator of a process between metastable wells, entry by entry accurate.

One unknown is singled out in every well, C; the rest is F.  With the generator's matrices A and M, the discrete
equilibrium potentials h_k (one at well k, zero at the others and on the target) solve A_FF h_kF = -A_Fk, and

    S_kl = A_kl + A_kF h_lF  (k != l),     S_kk = -sum_l S_kl,     T_kl = h_k . M h_l.

A_FF stays well conditioned however high the barriers are, and S_kl is a sum in which next to nothing cancels, so
that it is accurate relative to itself.  Source: Bovier, Eckhoff, Gayrard and Klein, J. Eur. Math. Soc. 6 (2004)
399, whose capacity matrix this is, made discrete.

In the generator's scaled unknowns the functions become h_k exp(-(Phi - Phi_k)/2), and the entries S_kl exp((Phi_k +
Phi_l)/2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.fem.long_range import LongRange, decaying_solution
from fokker_planck.fem.static_condensation import CondensedFactorization, condensed_factorization
from fokker_planck.landscape.types import CriticalPoint

SMALLEST_COUPLING = 1e-250
LEAST_LOG = -1e6
MOST_OVERLOOKED = 12
OVERLOOKED = 1e-5
INVERSE_STEPS = 12


def well_nodes(discretization: Discretization, minima: Sequence[CriticalPoint], absorbed: Booleans) -> Integers:
    """The unknown nearest to every minimum that is not absorbed, each once."""
    free = np.flatnonzero(~absorbed)
    nodes = discretization.nodes[free]
    nearest = [free[np.argmin(((nodes - np.asarray(m.position)) ** 2).sum(axis=1))] for m in minima]
    inside = [absorbed[np.argmin(((discretization.nodes - np.asarray(m.position)) ** 2).sum(axis=1))] for m in minima]
    return np.unique([node for node, lost in zip(nearest, inside, strict=True) if not lost]).astype(np.int64)


@dataclass(frozen=True)
class Condensation:
    """The states are ``wells`` (K,), single unknowns, followed by the ``targets``, sets of unknowns (N,) each.

    ``functions``, the h of every state, (N,) each, and ``couplings`` (n, n), which are -S, are scaled by
    ``exponents`` (n,), Phi at the states; the diagonal of ``couplings`` is zero.  ``slowest_inside`` is the smallest
    eigenvalue of (A_FF, M_FF): the rate below which the states account for everything.
    """

    generator: Generator
    wells: Integers
    targets: tuple[Booleans, ...]
    rest: Booleans
    inner: CondensedFactorization
    functions: tuple[LongRange, ...]
    couplings: LongRange
    exponents: Floats
    slowest_inside: float

    @cached_property
    def potentials(self) -> Floats:
        """The scaled h of all states, (n, N), zero where that is no double."""
        size = len(self.generator.exponent)
        return np.array([function.times_exp(0.0) for function in self.functions]).reshape(len(self.functions), size)

    @cached_property
    def load(self) -> Floats:
        """M 1 in scaled unknowns, (N,)."""
        return mass_times_constant(self.generator)

    def solve_inside(self, right: Floats) -> Floats:
        """A_FF^-1 applied to the F part of a scaled vector (N,); zero on wells and targets."""
        return self.inner.solve(right)

    def unscaled(self, state: int) -> Floats:
        """Nodal values of the potential of a state, (N,)."""
        return self.functions[state].times_exp(0.5 * (self.generator.exponent - self.exponents[state]))

    def log_sum(self, logs_at_states: Floats) -> tuple[Floats, Floats]:
        """u = sum_s exp(``logs_at_states`` (n,)) h_s at the nodes, as r exp(l) with r and l, (N,) each."""
        size = len(self.generator.exponent)
        terms = np.full((len(self.functions), size), -np.inf)
        signs = np.ones_like(terms)
        for state, (function, log) in enumerate(zip(self.functions, logs_at_states, strict=True)):
            terms[state] = function.logs + log + 0.5 * (self.generator.exponent - self.exponents[state])
            signs[state] = np.sign(function.mantissas)
        largest = np.maximum(terms.max(axis=0), LEAST_LOG)
        return np.asarray((signs * np.exp(terms - largest)).sum(axis=0)), largest

    def cell_values(self, at_states: Floats, inside: Floats) -> Floats:
        """u = sum_s u_s h_s + v, (cells, n), less a constant in each cell: that of the state that dominates there.

        ``at_states`` (n,) are the u_s, ``inside`` (N,) the nodal values of v, zero at all states.  Since the
        potentials sum to one, u - u_l = sum_s (u_s - u_l) h_s + v, which keeps its digits where u is constant to
        rounding.
        """
        dofs = self.generator.discretization.dofs
        if not len(self.exponents):
            return np.asarray(inside[dofs])
        stacked = np.asarray([self.unscaled(state)[dofs] for state in range(len(self.exponents))])
        dominant = at_states[np.argmax(stacked.mean(axis=2), axis=0)]
        return np.asarray(np.einsum("kc,kcn->cn", at_states[:, None] - dominant, stacked) + inside[dofs])

    def reduced_generator(self, digits: int) -> Any:
        """S (n, n) in mpmath: off-diagonal entries as accurate as ``couplings``, rows completed by their sum."""
        import mpmath

        count = len(self.exponents)
        with mpmath.workdps(digits):
            half = self.half_weights()
            matrix = mpmath.matrix(count, count)
            for row in range(count):
                for column in range(count):
                    if row != column:
                        mantissa = float(self.couplings.mantissas[row, column])
                        coupling = mpmath.ldexp(mantissa, int(self.couplings.powers[row, column]))
                        flow = coupling * half[row] * half[column]
                        matrix[row, column] = -flow
                        matrix[row, row] += flow
            return matrix

    def half_weights(self) -> list[Any]:
        """exp(-(Phi - lowest) / 2) at the states, in the current precision of mpmath."""
        import mpmath

        return [mpmath.exp(-mpmath.mpf(float(phi - self.generator.lowest)) / 2) for phi in self.exponents]

    def digits(self) -> int:
        """Decimal digits in which nothing of the reduced problem cancels."""
        logs = [0.0, *(self.exponents - self.generator.lowest), *-self.couplings.logs.ravel()]
        return 30 + int(max(log for log in logs if np.isfinite(log)))


def condense(generator: Generator, wells: Integers, targets: Sequence[Booleans], expected_rate: float) -> Condensation:
    """Factor A_FF and solve for the equilibrium potential of every well and target.

    ``expected_rate`` is the rate at which a well settles.  Where A_FF has a much slower mode, a well has been
    overlooked; it is added.

    Raises ``BarrierTooHighError`` where a state is cut off from all others.
    """
    absorbed = np.zeros(len(generator.exponent), dtype=bool)
    for target in targets:
        absorbed |= target
    for _ in range(MOST_OVERLOOKED):
        rest = ~absorbed
        rest[wells] = False
        inner = condensed_factorization(generator.discretization, generator.stiffness, rest)
        slowest, mode = _slowest_mode(generator, rest, inner)
        if slowest > OVERLOOKED * expected_rate:
            break
        wells = np.append(wells, np.argmax(np.abs(mode)))
    else:
        raise ConvergenceError(
            f"a part of the domain relaxes at a rate of {slowest:.1e}, though no minimum lies there", "a finer mesh"
        )
    sets = [np.arange(len(absorbed)) == well for well in wells] + list(targets)
    exponents = np.array([generator.exponent[members].min() for members in sets])
    ones = np.array(
        [
            np.where(members, np.exp(-0.5 * np.maximum(generator.exponent - phi, 0.0)), 0.0)
            for members, phi in zip(sets, exponents, strict=True)
        ]
    ).reshape(len(sets), len(absorbed))
    functions = tuple(
        decaying_solution(
            generator.apply_stiffness,
            inner.solve,
            generator.discretization.touching,
            one,
            rest,
        )
        for one in ones
    )
    couplings = _couplings(generator, functions, ones)
    return Condensation(
        generator=generator,
        wells=wells,
        targets=tuple(targets),
        rest=rest,
        inner=inner,
        functions=functions,
        couplings=couplings,
        exponents=exponents,
        slowest_inside=slowest,
    )


def _slowest_mode(generator: Generator, rest: Booleans, inner: CondensedFactorization) -> tuple[float, Floats]:
    """Smallest eigenvalue of (A_FF, M_FF) and its vector, by inverse iteration."""
    mode = first_guess(generator, rest)
    rate = np.inf
    for _ in range(INVERSE_STEPS):
        right = generator.apply_mass(mode)
        mode = inner.solve(right)
        norm = float(mode @ generator.apply_mass(mode))
        before, rate = rate, float(mode @ right) / norm
        mode /= np.sqrt(norm)
        if abs(before - rate) < 0.05 * rate:
            break
    return rate, mode


def first_guess(generator: Generator, rest: Booleans) -> Floats:
    """A vector (N,) on F in which every slow mode has a share, those where the weight is and those far up.

    Ones alone lie nearly all far up, so that an iteration may linger among fast modes while its rate stands still.
    """
    parts = [np.where(rest, 1.0, 0.0), np.where(rest, generator.constant, 0.0)]
    sizes = [np.sqrt(max(float(part @ generator.apply_mass(part)), 1e-300)) for part in parts]
    return np.asarray(parts[0] / sizes[0] + parts[1] / sizes[1])


def _couplings(generator: Generator, functions: Sequence[LongRange], ones: Floats) -> LongRange:
    """-S_kl from the flow of every potential into every other state, each in the scale that holds it.

    Raises ``BarrierTooHighError`` where a state has no coupling to any other.
    """
    count = len(ones)
    mantissas, powers = np.zeros((count, count)), np.zeros((count, count), dtype=np.int64)
    for column, function in enumerate(functions):
        missing = np.arange(count) != column
        for power in np.unique(function.powers)[::-1]:
            flows = -(ones @ generator.apply_stiffness(function.over(int(power))))
            found = missing & (np.abs(flows) > SMALLEST_COUPLING)
            mantissas[found, column], powers[found, column] = flows[found], power
            missing &= ~found
    if not np.isfinite(mantissas).all() or (count > 1 and (mantissas == 0.0).all(axis=0).any()):
        raise BarrierTooHighError(
            "a barrier is so high that no current between two wells can be computed", "a lower barrier or more noise"
        )
    return LongRange(mantissas, powers)
