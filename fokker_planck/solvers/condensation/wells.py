"""Condensation onto the wells: the reduced generator of a process between metastable wells, entry by entry accurate.

One unknown is singled out in every well, C; the rest is F.  With the generator's matrices A and M there are right
potentials h_l (one at well l, zero at the others and on the target, A_FF h_lF = -A_Fl) and left ones g_k
(A_FF^T g_kF = -A_kF^T), which are the right ones with detailed balance, and

    S_kl = A_kl + A_kF h_lF  (k != l),     S_kk = -sum_l S_kl,     T_kl = g_k . M h_l.

A_FF stays well conditioned however high the barriers are, and S_kl is a sum in which next to nothing cancels where the
reference exponent follows the density, so that it is accurate relative to itself.  The rows of S sum to zero; its left
kernel pi gives that of A, the density over its reference, as rho = sum_k pi_k g_k.

In the generator's scaled unknowns the functions become h_k exp(-(psi - psi_k)/2), and the entries S_kl exp((psi_k +
psi_l)/2).

Sources: Bovier, Eckhoff, Gayrard and Klein, J. Eur. Math. Soc. 6 (2004) 399, whose capacity matrix this is, made
discrete; for two sides Landim, Mariani and Seo, Arch. Rational Mech. Anal. 231 (2019) 887.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import mpmath
import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.algebra.long_range import LongRange, decaying_solutions
from fokker_planck.fem.algebra.static_condensation import CondensedFactorization, condensed_factorization
from fokker_planck.fem.cell_products import LogScaled, product
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, mass_times_constant
from fokker_planck.formulas.arrays import Booleans, Floats, Integers, distinct
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.condensation.elimination import DIGITS, Elimination, eliminated
from fokker_planck.solvers.condensation.slowest_mode import Looked, slowest_mode
from fokker_planck.solvers.condensation.states import States, Surfaces, Target, states_of

SMALLEST_COUPLING = 1e-250
"""Of a scaled coupling, in units of the power of two that holds it: entries below are read in the next one."""
LEAST_LOG = -1e6
"""Stands for the logarithm of zero: far below that of any weight that is computed."""
MOST_OVERLOOKED = 12
"""Undetected metastable states that are added one by one, each for another factorisation."""
OVERLOOKED = 1e-5
"""Of the rate at which a well settles: a mode of F that is slower is that of an undetected metastable state."""
OVERLOOKED_ON_A_LINE, SOUGHT_ON_A_LINE = 1e-2, 2
"""The same for the first few on a line, where a factorisation takes no time: a step of V that holds the flow is no
fixed point, and as much as its mode is slower is lost in rounding (15 units of epsilon: 4e-6, with it 7e-14)."""


def well_nodes(discretization: Discretization, places: Floats, absorbed: Booleans | None = None) -> Integers:
    """The unknown nearest to every one of the ``places`` (K, dim), less those that are absorbed, each once."""
    nearest = [int(np.argmin(((discretization.nodes - place) ** 2).sum(axis=1))) for place in places]
    return distinct(np.array([node for node in nearest if absorbed is None or not absorbed[node]], dtype=np.int64))


@dataclass(frozen=True)
class Condensation:
    """The states are ``wells`` (K,), single unknowns, followed by the ``targets``.

    ``right`` and ``left``, the h and g of every state, (N,) each, one and the same with detailed balance, and
    ``couplings`` (n, n), which are -S, are scaled by ``exponents`` (n,), psi at the states; the diagonal of
    ``couplings`` is zero.  ``references`` (n,) is the value of a target's profile where its potentials are one.
    ``slowest_inside`` is the rate of the slowest mode of (A_FF, M_FF), below which the states account for everything.
    """

    generator: Generator
    wells: Integers
    targets: tuple[Target, ...]
    rest: Booleans
    inner: CondensedFactorization
    right: tuple[LongRange, ...]
    left: tuple[LongRange, ...]
    couplings: LongRange
    exponents: Floats
    references: Floats
    slowest_inside: float

    @cached_property
    def potentials(self) -> Floats:
        """The scaled h of all states, (n, N), zero where that is no double."""
        return self._doubles(self.right)

    @cached_property
    def left_potentials(self) -> Floats:
        """The scaled g of all states, (n, N), likewise."""
        return self.potentials if self.left is self.right else self._doubles(self.left)

    def _doubles(self, functions: Sequence[LongRange]) -> Floats:
        size = len(self.generator.exponent)
        return np.array([function.times_exp(0.0) for function in functions]).reshape(len(functions), size)

    @cached_property
    def load(self) -> Floats:
        """M 1 in scaled unknowns, (N,)."""
        return mass_times_constant(self.generator)

    def solve_inside(self, right: Floats, *, adjoint: bool = False) -> Floats:
        """A_FF^-1, or its transpose's, applied to the F part of scaled vectors (N,) or (k, N); zero on all states."""
        return self.inner.solve(right, adjoint=adjoint)

    def unscaled(self, state: int, *, adjoint: bool = False) -> Floats:
        """Nodal values of the right potential of a state, or of the left one, (N,)."""
        function = (self.left if adjoint else self.right)[state]
        return function.times_exp(0.5 * (self.generator.exponent - self.exponents[state]))

    def log_sum(self, logs_at_states: Floats, *, adjoint: bool = False) -> tuple[Floats, Floats]:
        """u = sum_s exp(``logs_at_states`` (n,)) h_s at the nodes, as r exp(l) with r and l, (N,) each; or g_s."""
        functions = self.left if adjoint else self.right
        terms = np.full((len(functions), len(self.generator.exponent)), -np.inf)
        signs = np.ones_like(terms)
        for state, (function, log) in enumerate(zip(functions, logs_at_states, strict=True)):
            terms[state] = function.logs + log + 0.5 * (self.generator.exponent - self.exponents[state])
            signs[state] = np.sign(function.mantissas)
        largest = np.maximum(terms.max(axis=0), LEAST_LOG)
        return np.asarray((signs * np.exp(terms - largest)).sum(axis=0)), largest

    def nodal(self, at_states: Any, inside: Any, *, adjoint: bool = False) -> Any:
        """u = sum_s u_s h_s + v at the nodes, (N,), or with g_s; ``at_states`` (n,), ``inside`` (N,) values of v."""
        result = np.array(inside, dtype=np.result_type(at_states, inside))
        for state, value in enumerate(at_states):
            if value != 0.0:
                result += value * self.unscaled(state, adjoint=adjoint)
        return result

    def cell_values(self, at_states: Any, inside: Any, by_cell: tuple[Floats, Integers] | None = None) -> Any:
        """u = sum_s u_s h_s + v, (cells, n), less a constant in each cell: that of the state that dominates there.

        ``at_states`` (n,) are the u_s, ``inside`` (N,) the nodal values of v, zero at all states.  Since the right
        potentials sum to one, u - u_l = sum_s (u_s - u_l) h_s + v keeps its digits where u is constant to rounding.
        ``by_cell`` is :meth:`by_cell`, for who asks more than once.
        """
        local = inside[self.generator.discretization.dofs]
        if not len(self.exponents):
            return np.asarray(local)
        potentials, dominant = self.by_cell() if by_cell is None else by_cell
        return np.asarray(np.einsum("kc,kcn->cn", at_states[:, None] - at_states[dominant], potentials) + local)

    def by_cell(self) -> tuple[Floats, Integers]:
        """The right potentials in every cell, (n, cells, k), and which of them dominates there, (cells,)."""
        states, on = range(len(self.exponents)), self.generator.discretization
        found = np.asarray([self.unscaled(state)[on.dofs] for state in states])
        return found, np.argmax(found.mean(axis=2), axis=0)

    def rates(self) -> list[list[Any]]:
        """-S_kl between all states, zero on the diagonal, in the current precision of mpmath; relative to the lowest.

        As accurate as ``couplings``, which no double need hold.  Between wells in detailed balance they are one both
        ways: with the rounding of each, 1e-16 of a fast one was left of a sum where the slowest mode is 1e-43 of that.
        """
        half, states = self.half_weights(), range(len(self.exponents))
        rows = [[mpmath.mpf(0)] * len(half) for _ in half]
        alike = len(self.wells) if self.generator.symmetric else 0
        for row in states:
            for column in states:
                if row != column:
                    of = (column, row) if column < row < alike else (row, column)
                    mantissa, power = self.couplings.mantissas[of], self.couplings.powers[of]
                    rows[row][column] = mpmath.ldexp(float(mantissa), int(power)) * half[row] * half[column]
        return rows

    def reduced_generator(self) -> Any:
        """S (n, n) in the current precision of mpmath, rows completed by their sum."""
        rows = self.rates()
        matrix = -mpmath.matrix(rows) if rows else mpmath.matrix(0, 0)
        for state, row in enumerate(rows):
            matrix[state, state] = mpmath.fsum(row)
        return matrix

    def elimination(self) -> Elimination:
        """Of the wells, for systems with S from both sides, in the current precision of mpmath."""
        return eliminated(self.rates(), len(self.wells))

    @property
    def left_backward(self) -> bool:
        """Whether a well is left at a negative rate: on a mesh that is too coarse couplings may be rounding."""
        with mpmath.workdps(DIGITS):
            return any(not rate > 0 for rate in self.elimination().leaving)

    def half_weights(self) -> list[Any]:
        """exp(-(psi - lowest) / 2) at the states, in the current precision of mpmath."""
        return [mpmath.exp(-mpmath.mpf(float(psi - self.generator.lowest)) / 2) for psi in self.exponents]

    def digits(self) -> int:
        """Decimal digits in which nothing of the reduced problem cancels."""
        logs = [0.0, *(self.exponents - self.generator.lowest), *-self.couplings.logs.ravel()]
        return 30 + int(max(log for log in logs if np.isfinite(log)))

    def stationary_weights(self) -> list[Any]:
        """pi with pi S = 0, its largest entry one, in the current precision of mpmath."""
        rates = [[max(rate, mpmath.mpf(0)) for rate in row] for row in self.rates()]
        weights = eliminated(rates, len(rates) - 1).stationary()
        top = max(weights)
        return [weight / top for weight in weights]

    def density_ratio(self) -> Floats:
        """Nodal values of rho = e^psi p, up to a factor, (N,)."""
        with mpmath.workdps(self.digits()):
            weights = np.array([float(weight) for weight in self.stationary_weights()])
        return np.asarray(self.nodal(weights, np.zeros(len(self.load)), adjoint=True))

    def log_loads(self, function: Floats | LogScaled | float = 1.0) -> Floats:
        """Logarithms of g_k . M f for every well, weights relative to the lowest exponent, (K,); f by cell, or one."""
        on = self.generator.discretization
        inside = [self.unscaled(well, adjoint=True)[on.dofs] for well in range(len(self.wells))]
        return np.array([product(self.generator, v, function).log_of_sum() + self.generator.lowest for v in inside])


def condense(
    generator: Generator,
    wells: Integers,
    targets: Sequence[Target | Booleans],
    expected_rate: float,
    surfaces: Surfaces | None = None,
    known: Condensation | Looked | None = None,
) -> Condensation:
    """Factor A_FF and solve for the equilibrium potentials of every well and target.

    ``surfaces`` are those of what was cut away.
    ``expected_rate`` is the rate at which a well settles.  Where A_FF has a much slower mode, a well has been
    overlooked; it is added.  Of a larger F of the same generator, of which this one is a part, that is ``known``: a
    process that is stopped in more places is stopped sooner; and of a mesh that verifies one that was looked at.

    Raises ``BarrierTooHighError`` where a state is cut off from all others.
    """
    sets = tuple(target if isinstance(target, Target) else Target(target) for target in targets)
    absorbed = np.zeros(len(generator.exponent), dtype=bool)
    for target in sets:
        absorbed |= target.members
    wells = np.asarray(wells, dtype=np.int64)
    if not len(wells) and not sets:
        wells = np.array([np.argmin(generator.exponent)])
    line = generator.discretization.triangulation.dimension == 1
    for added in range(MOST_OVERLOOKED):
        rest = ~absorbed
        rest[wells] = False
        for around in surfaces.to if surfaces else ():
            rest &= ~around
        inner = _factored(generator, rest)
        if (told := _known_slowest(known, generator, rest)) is not None:
            slowest = told
            break
        slowest, mode = slowest_mode(generator, rest, inner)
        if slowest > (OVERLOOKED_ON_A_LINE if line and added < SOUGHT_ON_A_LINE else OVERLOOKED) * expected_rate:
            if isinstance(known, Looked) and not added:
                known.tell(generator, slowest)
            break
        wells = np.append(wells, np.argmax(mode))
    else:
        raise ConvergenceError(
            f"a part of the domain relaxes at a rate of {slowest:.1e}, though nothing attracts there", "a finer mesh"
        )
    return _solved(generator, states_of(generator, wells, sets, rest, surfaces), rest, inner, slowest)


def _factored(generator: Generator, rest: Booleans) -> CondensedFactorization:
    """A_FF, F being the ``rest`` (N,)."""
    on, symmetric, exponent = generator.discretization, generator.symmetric, generator.exponent
    return condensed_factorization(on, generator.stiffness, rest, symmetric=symmetric, exponent=exponent, lost=0.0)


def _known_slowest(known: Condensation | Looked | None, generator: Generator, rest: Booleans) -> float | None:
    """The rate of the slowest mode on the ``rest`` (N,), or less, where it is known."""
    if isinstance(known, Looked):
        return known.rate if known.covers(generator) else None
    if known is None or known.generator is not generator or (rest & ~known.rest).any():
        return None
    return known.slowest_inside


def _solved(
    generator: Generator, states: States, rest: Booleans, inner: CondensedFactorization, slowest: float
) -> Condensation:
    """The potentials of all states, and the couplings between these."""
    touching, reach = generator.discretization.touching, inner.reach
    solved = decaying_solutions(generator.apply_stiffness, inner.solve, touching, states.ones, rest, reach=reach)
    couplings = _couplings(generator, solved, states.given)
    left = right = tuple(states.continued_inside(function, state) for state, function in enumerate(solved))
    if not generator.symmetric or states.given is not states.ones:
        solve_adjoint = partial(inner.solve, adjoint=True)
        solved = decaying_solutions(generator.apply_adjoint, solve_adjoint, touching, states.given, rest)
        shaped = enumerate(zip(solved, states.profiles, strict=True))
        left = tuple(states.continued_inside(function, state, profile) for state, (function, profile) in shaped)
    return Condensation(
        generator=generator,
        wells=states.wells,
        targets=states.targets,
        rest=rest,
        inner=inner,
        right=right,
        left=left,
        couplings=couplings,
        exponents=states.exponents,
        references=states.references,
        slowest_inside=slowest,
    )


def _couplings(generator: Generator, functions: Sequence[LongRange], given: Floats) -> LongRange:
    """-S_kl from the flow of every right potential into every other state, each in the scale that holds it.

    ``given`` (n, N) are the values of the left potentials at the states.
    Raises ``BarrierTooHighError`` where a state has no coupling to any other.
    """
    count = len(given)
    mantissas, powers = np.zeros((count, count)), np.zeros((count, count), dtype=np.int64)
    for column, function in enumerate(functions):
        missing = np.arange(count) != column
        for power in distinct(function.powers)[::-1]:
            flows = -(given @ generator.apply_stiffness(function.over(int(power))))
            found = missing & (np.abs(flows) > SMALLEST_COUPLING)
            mantissas[found, column], powers[found, column] = flows[found], power
            missing &= ~found
    if not np.isfinite(mantissas).all() or (count > 1 and (mantissas == 0.0).all(axis=1).any()):
        raise BarrierTooHighError(
            "a barrier is so high that no current between two wells can be computed", "a lower barrier or more noise"
        )
    return LongRange(mantissas, powers)
