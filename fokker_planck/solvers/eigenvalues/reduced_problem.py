"""The reduced problem of the wells, S y = lambda T y, widened so that rates which are not tiny come out, too.

With z_j an orthonormal basis of A_FF^-1 M h_k and its successors, a(h_k, z_j) = 0, so that S keeps its digits:

    [S  0] [y]            [T    B] [y]
    [0  E] [x]  = lambda  [B^T  I] [x],     x = lambda (E - lambda)^-1 B^T y,
    S y = lambda (T + lambda B (E - lambda)^-1 B^T) y.

S spans hundreds of orders of magnitude and is handled in multiple precision; the rest is of order one.

Without detailed balance there are left potentials g_k, too.  Both are widened by the span of A_FF^-1 M h_k,
A_FF^-T M g_k and the successors of either: A splits into S and a block E of order one again, and complex pairs may
come.  With those of one side against those of the other, which can be nearly orthogonal, eigenvalues appeared that are
none, and rates were off by a percent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import mpmath
import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.indicator import Mode
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.condensation.krylov import Widening, images
from fokker_planck.solvers.condensation.wells import Condensation

if TYPE_CHECKING:
    from fokker_planck.solvers.condensation.extended_matrices import Eigenpairs

FAR_BELOW = 0.1
"""Of the slowest rate inside wells: a fixed point converges by that factor a step, faster ones are found otherwise."""
MOST_STEPS = 30
"""Of a fixed point that gains a digit and more in each."""
SETTLED = 1e-13
"""Relative change of an eigenvalue after which it is taken: rounding of the matrices, which are doubles."""
NOTHING = 1e-30
"""Of the slowest rate inside, below which lambda is nothing beside it, and the fixed point is there."""
MOST_STATES = 20
"""Whose modes are found in multiple precision beside faster ones: 10 take 2 s, 20 take 30 s, more the cube of it."""


@dataclass(frozen=True)
class ReducedPair:
    """Eigenpairs of the reduced problem in mpmath, ascending; ``vectors`` are coefficients on ``basis`` (size, N).

    The first K basis functions are the right potentials of the wells, scaled; ``scale`` turns their coefficients into
    values at the wells.  The others come from so many ``powers`` of A_FF^-1 M; ``rounding`` is what is left of the
    slowest, relative to it, where doubles hold it.  ``left_vectors`` on ``left_basis`` are
    the eigenvectors of the other side, those of one number with the product one in M; with detailed balance they are
    the same, up to a factor.
    """

    values: list[Any]
    vectors: list[list[Any]]
    left_vectors: list[list[Any]]
    scale: list[Any]
    basis: Floats
    left_basis: Floats
    digits: int
    powers: int
    rounding: float = 0.0

    def coefficients(self, number: int) -> tuple[Numbers, Numbers, float]:
        """Coefficients (size,) and values at the wells (K,), largest one in each, and the ratio of the largest."""
        column = self.vectors[number]
        largest = max(abs(c) for c in column)
        at_wells = [c * s for c, s in zip(column, self.scale, strict=False)]
        top = max(abs(v) for v in at_wells)
        return (
            _doubles([c / largest for c in column]),
            _doubles([v / top for v in at_wells]),
            float(largest / top),
        )

    def _inside(self, condensed: Condensation, number: int) -> Numbers:
        """What an eigenfunction has beside the potentials, nodal values (N,)."""
        generator, count = condensed.generator, len(condensed.wells)
        row, _, share = self.coefficients(number)
        return times_exp((row[count:] @ self.basis[count:]) * share, 0.5 * (generator.exponent - generator.lowest))

    def nodal(self, condensed: Condensation, number: int) -> Floats:
        """Nodal values of an eigenfunction, (N,), largest one at the wells."""
        at_wells = self.coefficients(number)[1]
        of_wells = [value * condensed.unscaled(well) for well, value in enumerate(at_wells)]
        return np.asarray(self._inside(condensed, number) + np.sum(of_wells, axis=0))

    def cell_values(self, condensed: Condensation, chosen: Iterable[int]) -> list[Any]:
        """The chosen eigenfunctions, cell by cell, for the indicator."""
        on_targets = np.zeros(len(condensed.targets))
        return [
            condensed.cell_values(np.append(self.coefficients(k)[1], on_targets), self._inside(condensed, k))
            for k in chosen
        ]

    def left_nodal(self, condensed: Condensation, number: int) -> Numbers:
        """Nodal values z of an eigenfunction of the left side, (N,): m(u, z) = 1 for u as ``nodal`` has it."""
        generator, count = condensed.generator, len(condensed.wells)
        with mpmath.workdps(self.digits):
            top = max(abs(c * s) for c, s in zip(self.vectors[number], self.scale, strict=False))
            row = _doubles([c * top for c in self.left_vectors[number]])
            scale = np.array([float(s) for s in self.scale])
        inside = times_exp(row[count:] @ self.left_basis[count:], 0.5 * (generator.exponent - generator.lowest))
        at_states = np.append(row[:count] * scale, np.zeros(len(condensed.targets)))
        return np.asarray(condensed.nodal(at_states, inside, adjoint=True))

    def modes(self, condensed: Condensation, chosen: Iterable[int]) -> list[Mode]:
        """For the chosen eigenvalues the functions whose errors make theirs, of both sides where they differ."""
        numbers, dofs = list(chosen), condensed.generator.discretization.dofs
        if condensed.generator.symmetric:
            return [Mode(u) for u in self.cell_values(condensed, numbers)]
        lefts = [self.left_nodal(condensed, number)[dofs] for number in numbers]
        with mpmath.workdps(self.digits):
            logs = [float(mpmath.log(abs(self.values[number]))) for number in numbers]
        rights = self.cell_values(condensed, numbers)
        return [Mode(u, z, log_whole=log) for u, z, log in zip(rights, lefts, logs, strict=True)]


def _doubles(entries: list[Any]) -> Numbers:
    """Numbers of mpmath as doubles, complex ones if one is."""
    if any(isinstance(entry, mpmath.mpc) for entry in entries):
        return np.array([complex(entry) for entry in entries])
    return np.array([float(entry) for entry in entries])


def _powers_needed(condensed: Condensation, most: int, negligible: float) -> int:
    """Powers of A_FF^-1 M that leave a relative error below that: none where every rate between the wells is tiny."""
    if not negligible > 0.0:
        return most
    couplings, exponents, count = condensed.couplings.logs, condensed.exponents, len(condensed.wells)
    potentials = condensed.potentials[:count]
    mass = np.einsum("ki,ki->k", potentials, condensed.generator.apply_mass(potentials))
    leaving = np.logaddexp.reduce(couplings + 0.5 * (exponents[:, None] - exponents), axis=1)[:count]
    fastest = float((leaving - np.log(mass)).max(initial=-np.inf)) - np.log(condensed.slowest_inside)
    return next((power for power in range(most) if (2 * power + 1) * fastest < np.log(negligible)), most)


def reduced_pair(
    condensed: Condensation,
    most_powers: int,
    left_out: float,
    below: float = np.inf,
    least: int = 1,
    *,
    most_states: int = MOST_STATES,
) -> ReducedPair:
    """S y = lambda T y on the potentials of the wells, widened by A_FF^-1 M of them.

    p powers of that leave a relative error of (lambda / slowest_inside)^(2 p + 1), which is to be ``left_out`` at most.
    At least all eigenvalues smaller than ``below`` are returned, of a process without detailed balance the ``least``
    smallest ones, too, at most as many as there are wells.

    Raises ``ConvergenceError`` for more than ``most_states`` that are no ends of their own, see ``MOST_STATES``.
    """
    generator, count = condensed.generator, len(condensed.wells)
    right, left = condensed.potentials[:count], condensed.left_potentials[:count]

    powers = _powers_needed(condensed, most_powers, left_out)
    if powers and count > most_states:
        _refuse_chain(count, most_states)
    wider = _widening(condensed, powers)
    inner = wider.basis
    left_basis = basis = np.concatenate([right, inner])
    if not generator.symmetric:
        left_basis = np.concatenate([left, inner])
    mass = left_basis @ np.concatenate([generator.apply_mass(right), wider.masses]).T
    energy = inner @ generator.apply_stiffness(inner).T
    digits = condensed.digits()
    with mpmath.workdps(digits):
        scale = [1 / half for half in condensed.half_weights()[:count]]
        flows = _scaled_generator(condensed, scale)
        if generator.symmetric:
            mass, energy = 0.5 * (mass + mass.T), 0.5 * (energy + energy.T)
            found = _condensed_pencil(flows, mass, energy, below) or _beside_others(flows, mass, energy)
        else:
            from fokker_planck.solvers.condensation.extended_pairs import general_pairs

            found = general_pairs(flows, mass, energy, below, least)
    values, vectors, left_vectors, rounding = found
    return ReducedPair(values, vectors, left_vectors, scale, basis, left_basis, digits, powers, rounding)


def _widening(condensed: Condensation, powers: int) -> Widening:
    """By powers of A_FF^-1 M on the potentials of the wells, of both sides without detailed balance."""
    generator, count = condensed.generator, len(condensed.wells)
    right, left = condensed.potentials[:count], condensed.left_potentials[:count]
    wider = images(generator, right, condensed.solve_inside, powers)
    if generator.symmetric:
        return wider

    def solve_adjoint(loads: Floats) -> Floats:
        return condensed.solve_inside(loads, adjoint=True)

    return images(generator, left, solve_adjoint, powers, beside=wider)


def _refuse_chain(count: int, most: int) -> NoReturn:
    raise ConvergenceError(
        f"{count} wells, some so deep and others so shallow that their chain asks for multiple precision; it is "
        f"computed of at most {most}",
        "less noise or a smaller domain; `committor` and `exit` are about few sets, however many wells there are",
    )


def _scaled_generator(condensed: Condensation, scale: Sequence[Any]) -> Any:
    """S (K, K) between the wells in scaled unknowns, as a matrix of mpmath; symmetric where the process is."""
    reduced, states = condensed.reduced_generator(), range(len(scale))
    flows = mpmath.matrix(len(scale), len(scale))
    for i in states:
        for j in states:
            entry = reduced[min(i, j), max(i, j)] if condensed.generator.symmetric else reduced[i, j]
            flows[i, j] = entry * scale[i] * scale[j]
    return flows


def _condensed_pencil(flows: Any, mass: Floats, energy: Floats, below: float) -> Eigenpairs | None:
    """Eigenvalues up to the first that is not ``below``, with coefficients; None if they are not far below E.

    Each is the fixed point of lambda -> the eigenvalue of S and T + lambda B (E - lambda)^-1 B^T of the same number,
    found with the vector held for as long as that goes.
    """
    count = flows.rows
    if len(mass) == count:
        found, columns = _ascending_eigen(flows, mass)
        vectors = [[columns[i, k] for i in range(count)] for k in range(count)]
        return found, vectors, vectors, 0.0
    bridge, inside = mass[:count, count:], mass[count:, count:]
    half = _inverse_of_root(inside)
    rates, turned = np.linalg.eigh(half @ energy @ half.T)
    turned, slowest = bridge @ half.T @ turned, float(rates.min(initial=np.inf))
    values, vectors = [], []
    first = _ascending_eigen(flows, mass[:count, :count])
    if not next((value for value in first[0] if not value < below), first[0][-1]) < FAR_BELOW * slowest:
        return None
    for number in range(count):
        slow = 0.0
        for _ in range(MOST_STEPS):
            root = _inverse_of_root(energy - slow * inside) @ bridge.T
            seen = mass[:count, :count] + slow * (root.T @ root)
            # 15 wells at a barrier of 500 take two seconds, and most of their rates are nothing beside those inside
            some, columns = _ascending_eigen(flows, seen) if slow else first
            value = some[number]
            if not value < FAR_BELOW * slowest:
                return None
            if abs(value) < NOTHING * slowest or abs(value - slow) <= SETTLED * abs(value):
                break
            slow = _with_the_same_vector(value, columns[:, number], mass[:count, :count], seen, turned, rates)
        else:
            return None
        at_wells = [columns[i, number] for i in range(count)]
        half = _inverse_of_root(energy - float(value) * inside)
        share = half.T @ (half @ bridge.T)
        of_inside = [value * sum(float(part) * y for part, y in zip(row, at_wells, strict=True)) for row in share]
        values.append(value)
        vectors.append(at_wells + of_inside)
        if not value < below:
            break
    return values, vectors, vectors, 0.0


def _inverse_of_root(matrix: Floats) -> Floats:
    """L^-1 of a positive definite L L^T, without pivots or rotations.

    Those would put 1e-16 wherever functions of two wells hardly meet.  The slow mode of a shallow well is so small in
    a deep one that this is all it would have there, and the rate out of the deep well is read from it.
    """
    root = np.linalg.cholesky(matrix)
    inverse = np.zeros_like(root)
    for i, row in enumerate(root):  # few rows: scipy's import takes longer
        inverse[i] = -(row[:i] @ inverse[:i])
        inverse[i, i] += 1.0
        inverse[i] /= row[i]
    return np.asarray(inverse)


def _with_the_same_vector(value: Any, vector: Any, mass: Floats, seen: Floats, bridge: Floats, rates: Floats) -> float:
    """lambda with lambda y . (T + lambda B (E - lambda)^-1 B^T) y = y . S y, which is ``value`` y . ``seen`` y."""
    largest = max(abs(entry) for entry in vector)
    y = np.array([float(entry / largest) for entry in vector])
    at_rest, shares = float(y @ mass @ y), (y @ bridge) ** 2
    flow = float(value) * float(y @ seen @ y)
    result = flow / at_rest
    for _ in range(MOST_STEPS):
        result = flow / (at_rest + float((shares * result / (rates - result)).sum()))
    return result


def _ascending_eigen(flows: Any, mass: Floats) -> tuple[list[Any], Any]:
    """Eigenvalues and vectors (columns) of S y = lambda T y.

    T is of order one, and rounding in its factor changes every eigenvalue by so much relative to itself (Ostrowski).
    """
    factor = mpmath.matrix(_inverse_of_root(mass).tolist())
    values, vectors = mpmath.eigsy(factor * flows * factor.T)
    return list(values), factor.T * vectors


def _beside_others(flows: Any, mass: Floats, energy: Floats) -> Eigenpairs:
    """The same where E is not far above."""
    from fokker_planck.solvers.condensation.extended_pairs import slow_or_in_doubles

    return slow_or_in_doubles(flows, mass, energy, symmetric=True) or _whole_pencil(flows, mass, energy)


def _whole_pencil(flows: Any, mass: Floats, energy: Floats) -> Eigenpairs:
    """The same from all of the widened problem at once."""
    from fokker_planck.solvers.condensation.extended_matrices import whole_of

    size, count = len(mass), flows.rows
    values, vectors = _ascending_eigen(whole_of(flows, energy), mass)
    columns = [[vectors[i, k] for i in range(size)] for k in range(count)]
    return values[:count], columns, columns, 0.0
