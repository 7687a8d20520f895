"""Condensation onto the wells from both sides, for a process without detailed balance.

One unknown is singled out in every well, C; the rest is F.  With the matrix A of a drift generator there are right
potentials h_l (one at well l, zero at the others, A_FF h_lF = -A_Fl) and left ones g_k (A_FF^T g_kF = -A_kF^T), and

    S_kl = A_kl + A_kF h_lF  (k != l),     S_kk = -sum_l S_kl,     T_kl = g_k . M h_l.

Nothing cancels in S_kl where the gauge follows the density: then left and right potentials decay alike.  Its rows sum
to zero; its left kernel pi gives that of A, the density over the gauge, as rho = sum_k pi_k g_k.

Source: as in the reversible case Bovier, Eckhoff, Gayrard and Klein 2004; for two sides Landim, Mariani and Seo,
Arch. Rational Mech. Anal. 231 (2019) 887.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fokker_planck.arrays import Booleans, Floats, Integers
from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.fem.static_condensation import CondensedFactorization, condensed_factorization
from fokker_planck.solvers.wells import first_guess

SMALLEST_COUPLING = 1e-290
MOST_OVERLOOKED = 12
OVERLOOKED = 1e-5
STEPS = 14


@dataclass(frozen=True)
class Target:
    """A set of unknowns (N,) that counts as one state; rho on it, up to a factor, for functions of the left side."""

    members: Booleans
    profile: Floats | None = None


@dataclass(frozen=True)
class TwoSided:
    """The states are ``wells`` (K,), single unknowns, followed by the ``targets``.

    ``right`` and ``left`` (n, N) are the potentials of every state and ``couplings`` (n, n) are -S, scaled by
    ``exponents`` (n,), psi at the states; the diagonal of ``couplings`` is not used.  ``references`` (n,) is the
    value of a target's profile where its potentials are one.  ``slowest_inside`` is the rate of the slowest mode of F.
    """

    generator: Generator
    wells: Integers
    targets: tuple[Target, ...]
    rest: Booleans
    inner: CondensedFactorization
    right: Floats
    left: Floats
    couplings: Floats
    exponents: Floats
    references: Floats
    slowest_inside: float

    @cached_property
    def load(self) -> Floats:
        """M 1 in scaled unknowns, (N,)."""
        return mass_times_constant(self.generator)

    def inside(self, vector: Floats, *, adjoint: bool = False) -> Floats:
        """A_FF^-1, or its transpose's, applied to the F part of a scaled vector (N,); zero on wells and targets."""
        return self.inner.solve(vector, adjoint=adjoint)

    def unscaled(self, functions: Floats, state: int) -> Floats:
        """Nodal values of the potential of a state among ``right`` or ``left``, (N,)."""
        return np.asarray(functions[state] * np.exp(0.5 * (self.generator.exponent - self.exponents[state])))

    def right_cells(self, at_states: Floats, inside: Floats) -> Floats:
        """u = sum_s u_s h_s + v by cell, (cells, n), less a constant in each: that of the state that dominates there.

        ``at_states`` (n,), ``inside`` (N,) nodal values of v.  The right potentials sum to one, so that u - u_l keeps
        its digits where u is constant to rounding.
        """
        dofs = self.generator.discretization.dofs
        stacked = np.asarray([self.unscaled(self.right, state)[dofs] for state in range(len(self.exponents))])
        dominant = at_states[np.argmax(stacked.mean(axis=2), axis=0)]
        return np.asarray(np.einsum("kc,kcn->cn", at_states[:, None] - dominant, stacked) + inside[dofs])

    def left_sum(self, at_states: Floats, inside: Floats) -> Floats:
        """Nodal values of sum_s z_s g_s + v, (N,)."""
        result = inside.astype(at_states.dtype)
        for state, value in enumerate(at_states):
            if value != 0.0:
                result = result + value * self.unscaled(self.left, state)
        return np.asarray(result)

    def right_sum(self, at_states: Floats, inside: Floats) -> Floats:
        """Nodal values of sum_s u_s h_s + v, (N,)."""
        result = inside.astype(at_states.dtype)
        for state, value in enumerate(at_states):
            if value != 0.0:
                result = result + value * self.unscaled(self.right, state)
        return np.asarray(result)

    def half_weights(self) -> list[Any]:
        """exp(-(psi - lowest) / 2) at the states, in the current precision of mpmath."""
        import mpmath

        return [mpmath.exp(-mpmath.mpf(float(psi - self.generator.lowest)) / 2) for psi in self.exponents]

    def digits(self) -> int:
        """Decimal digits in which nothing of the reduced problem cancels."""
        entries = np.abs(self.couplings[~np.eye(len(self.exponents), dtype=bool)])
        logs = [0.0, *(self.exponents - self.generator.lowest)]
        logs += [-float(np.log(entry)) for entry in entries if entry > 0.0]
        return 30 + int(1.5 * max(logs))

    def reduced_generator(self) -> Any:
        """S (n, n) in the current precision of mpmath; rows completed by their sum."""
        import mpmath

        count, half = len(self.exponents), self.half_weights()
        matrix = mpmath.matrix(count, count)
        for row in range(count):
            for column in range(count):
                if row != column:
                    flow = mpmath.mpf(float(self.couplings[row, column])) * half[row] * half[column]
                    matrix[row, column] = -flow
                    matrix[row, row] += flow
        return matrix

    def stationary_weights(self) -> list[Any]:
        """pi with pi S = 0, its largest entry one, in the current precision of mpmath.

        Source: Grassmann, Taksar and Heyman, Oper. Res. 33 (1985) 1107 (no subtractions).
        """
        import mpmath

        count = len(self.exponents)
        flows = -self.reduced_generator()
        for row in range(count):
            for column in range(count):
                flows[row, column] = max(flows[row, column], mpmath.mpf(0))
        for last in range(count - 1, 0, -1):
            leaving = mpmath.fsum(flows[last, k] for k in range(last))
            if leaving == 0:
                raise BarrierTooHighError("a well has no computable way to the others", "more noise")
            for row in range(last):
                flows[row, last] /= leaving
                for column in range(last):
                    if row != column:
                        flows[row, column] += flows[row, last] * flows[last, column]
        weights = [mpmath.mpf(1)]
        for state in range(1, count):
            weights.append(mpmath.fsum(weights[k] * flows[k, state] for k in range(state)))
        top = max(weights)
        return [weight / top for weight in weights]

    def density_ratio(self) -> Floats:
        """Nodal values of rho = e^psi p, up to a factor, (N,)."""
        import mpmath

        with mpmath.workdps(self.digits()):
            weights = np.array([float(weight) for weight in self.stationary_weights()])
        return self.left_sum(weights, np.zeros(len(self.load)))


def condense(generator: Generator, wells: Integers, targets: Sequence[Target], expected_rate: float) -> TwoSided:
    """Factor A_FF and solve for left and right potentials of every well and target.

    ``expected_rate`` is the rate at which a well settles.  Where A_FF has a much slower mode, a well has been
    overlooked; it is added.

    Raises ``BarrierTooHighError`` where the couplings leave the range of a double.
    """
    absorbed = np.zeros(len(generator.exponent), dtype=bool)
    for target in targets:
        absorbed |= target.members
    wells = np.asarray(wells, dtype=np.int64)
    if not len(wells) and not targets:
        wells = np.array([np.argmin(generator.exponent)])
    for _ in range(MOST_OVERLOOKED):
        rest = ~absorbed
        rest[wells] = False
        inner = condensed_factorization(generator.discretization, generator.stiffness, rest, symmetric=False)
        slowest, mode = _slowest_mode(generator, rest, inner)
        if slowest > OVERLOOKED * expected_rate:
            break
        wells = np.append(wells, np.argmax(np.abs(mode)))
    else:
        raise ConvergenceError(
            f"a part of the domain relaxes at a rate of {slowest:.1e}, though nothing attracts there", "a finer mesh"
        )
    return _solved_for_states(generator, wells, tuple(targets), rest, inner, slowest)


def _solved_for_states(
    generator: Generator,
    wells: Integers,
    targets: tuple[Target, ...],
    rest: Booleans,
    inner: CondensedFactorization,
    slowest: float,
) -> TwoSided:
    exponent = generator.exponent
    sets = [np.arange(len(rest)) == well for well in wells] + [target.members for target in targets]
    profiles = [np.ones(len(rest))] * len(wells)
    profiles += [np.ones(len(rest)) if target.profile is None else target.profile for target in targets]
    lowest = [int(np.flatnonzero(members)[np.argmin(exponent[members])]) for members in sets]
    exponents = exponent[lowest]
    references = np.array([profile[node] for profile, node in zip(profiles, lowest, strict=True)])
    right, left = np.zeros((len(sets), len(rest))), np.zeros((len(sets), len(rest)))
    for state, members in enumerate(sets):
        scale = np.exp(-0.5 * np.maximum(exponent[members] - exponents[state], 0.0))
        right[state, members] = scale
        left[state, members] = scale * profiles[state][members] / references[state]
    given = left.copy()
    couplings = np.zeros((len(sets), len(sets)))
    for state in range(len(sets)):
        right[state] += inner.solve(-generator.apply_stiffness(right[state]))
        left[state] += inner.solve(-generator.apply_adjoint(left[state]), adjoint=True)
        couplings[:, state] = -(given @ generator.apply_stiffness(right[state]))
    _check_range(couplings)
    return TwoSided(
        generator=generator,
        wells=wells,
        targets=targets,
        rest=rest,
        inner=inner,
        right=right,
        left=left,
        couplings=couplings,
        exponents=exponents,
        references=references,
        slowest_inside=slowest,
    )


def _slowest_mode(generator: Generator, rest: Booleans, inner: CondensedFactorization) -> tuple[float, Floats]:
    """Rate of the slowest mode of (A_FF, M_FF) and its vector, by inverse iteration."""
    mode = first_guess(generator, rest)
    mode /= np.sqrt(mode @ generator.apply_mass(mode))
    rate = np.inf
    for _ in range(STEPS):
        mode = inner.solve(generator.apply_mass(mode))
        norm = float(np.sqrt(mode @ generator.apply_mass(mode)))
        before, rate = rate, 1.0 / norm
        mode /= norm
        if abs(before - rate) < 0.05 * rate:
            break
    return rate, mode


def _check_range(couplings: Floats) -> None:
    count = len(couplings)
    leaving = np.abs(np.where(np.eye(count, dtype=bool), 0.0, couplings)).sum(axis=1)
    if not np.isfinite(couplings).all() or (count > 1 and (leaving < SMALLEST_COUPLING).any()):
        raise BarrierTooHighError(
            "a barrier is so high that the rate of crossing it is not a double", "a lower barrier or more noise"
        )
