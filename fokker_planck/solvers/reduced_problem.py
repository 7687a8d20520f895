"""The reduced problem of the wells, S y = lambda T y, widened so that rates which are not tiny come out, too.

With z_j an orthonormal basis of A_FF^-1 M h_k and its successors, a(h_k, z_j) = 0, so that S keeps its digits:

    [S  0] [y]            [T    B] [y]
    [0  E] [x]  = lambda  [B^T  I] [x],     x = lambda (E - lambda)^-1 B^T y,
    S y = lambda (T + lambda B (E - lambda)^-1 B^T) y.

S spans hundreds of orders of magnitude and is handled in multiple precision; the rest is of order one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fokker_planck.arrays import Floats
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.long_range import times_exp
from fokker_planck.solvers.krylov import images
from fokker_planck.solvers.wells import Condensation

FAR_BELOW = 0.1
MOST_STEPS = 30
SETTLED = 1e-13
NOTHING = 1e-30
MOST_STATES = 20
"""Whose modes are found in multiple precision beside faster ones: 10 take 2 s, 20 take 30 s, more the cube of it."""

Eigenpairs = tuple[list[Any], list[list[Any]]]


@dataclass(frozen=True)
class ReducedPair:
    """Eigenpairs of the reduced problem in mpmath, ascending; ``vectors`` are coefficients on ``basis`` (size, N).

    The first K basis functions are the potentials of the wells, scaled; ``scale`` turns their coefficients into
    values at the wells.  The others come from so many ``powers`` of A_FF^-1 M.
    """

    values: list[Any]
    vectors: list[list[Any]]
    scale: list[Any]
    basis: Floats
    digits: int
    powers: int

    def coefficients(self, number: int) -> tuple[Floats, Floats, float]:
        """Coefficients (size,) and values at the wells (K,), largest one in each, and the ratio of the largest."""
        column = self.vectors[number]
        largest = max(abs(c) for c in column)
        at_wells = [c * s for c, s in zip(column, self.scale, strict=False)]
        top = max(abs(v) for v in at_wells)
        return (
            np.array([float(c / largest) for c in column]),
            np.array([float(v / top) for v in at_wells]),
            float(largest / top),
        )

    def _inside(self, condensed: Condensation, number: int) -> Floats:
        """What an eigenfunction has beside the potentials, nodal values (N,)."""
        generator, count = condensed.generator, len(condensed.wells)
        row, _, share = self.coefficients(number)
        return times_exp((row[count:] @ self.basis[count:]) * share, 0.5 * (generator.exponent - generator.lowest))

    def nodal(self, condensed: Condensation, number: int) -> Floats:
        """Nodal values of an eigenfunction, (N,), largest one at the wells."""
        at_wells = self.coefficients(number)[1]
        of_wells = [value * condensed.unscaled(well) for well, value in enumerate(at_wells)]
        return np.asarray(self._inside(condensed, number) + np.sum(of_wells, axis=0))

    def cell_values(self, condensed: Condensation, chosen: Iterable[int]) -> list[Floats]:
        """The chosen eigenfunctions, cell by cell, for the indicator."""
        on_targets = np.zeros(len(condensed.targets))
        return [
            condensed.cell_values(np.append(self.coefficients(k)[1], on_targets), self._inside(condensed, k))
            for k in chosen
        ]


def _powers_needed(condensed: Condensation, most: int, negligible: float) -> int:
    """Powers of A_FF^-1 M that leave a relative error below that: none where every rate between the wells is tiny."""
    couplings, exponents, count = condensed.couplings.logs, condensed.exponents, len(condensed.wells)
    mass = [float(row @ condensed.generator.apply_mass(row)) for row in condensed.potentials[:count]]
    leaving = np.logaddexp.reduce(couplings + 0.5 * (exponents[:, None] - exponents), axis=1)[:count]
    fastest = float((leaving - np.log(mass)).max(initial=-np.inf)) - np.log(condensed.slowest_inside)
    return next((power for power in range(most) if (2 * power + 1) * fastest < np.log(negligible)), most)


def reduced_pair(
    condensed: Condensation, most_powers: int, left_out: float, below: float = np.inf, most_states: int = MOST_STATES
) -> ReducedPair:
    """S y = lambda T y on the potentials of the wells, widened by A_FF^-1 M of them.

    p powers of that leave a relative error of (lambda / slowest_inside)^(2 p + 1), which is to be ``left_out`` at most.
    At least all eigenvalues smaller than ``below`` are returned, at most as many as there are wells.

    Raises ``ConvergenceError`` for more than ``most_states`` that are no ends of their own, see ``MOST_STATES``.
    """
    import mpmath

    generator, count = condensed.generator, len(condensed.wells)

    def step(vector: Floats) -> Floats:
        return condensed.solve_inside(generator.apply_mass(vector))

    powers = _powers_needed(condensed, most_powers, left_out)
    if powers and count > most_states:
        raise ConvergenceError(
            f"{count} wells, some so deep and others so shallow that their chain asks for multiple precision; it is "
            f"computed of at most {most_states}",
            "less noise or a smaller domain; `committor` and `exit` are about few sets, however many wells there are",
        )
    inner = images(generator, condensed.potentials[:count], step, powers)
    basis = np.concatenate([condensed.potentials[:count], inner])
    mass = basis @ np.asarray([generator.apply_mass(vector) for vector in basis]).T
    energy = inner @ np.asarray([generator.apply_stiffness(vector) for vector in inner]).reshape(inner.shape).T
    mass, energy = 0.5 * (mass + mass.T), 0.5 * (energy + energy.T)
    digits = condensed.digits()
    with mpmath.workdps(digits):
        scale = [1 / half for half in condensed.half_weights()[:count]]
        reduced = condensed.reduced_generator()
        flows = mpmath.matrix(count, count)
        for i in range(count):
            for j in range(count):
                flows[i, j] = reduced[min(i, j), max(i, j)] * scale[i] * scale[j]
        found = _condensed_pencil(flows, mass, energy, below) or _whole_pencil(flows, mass, energy)
    return ReducedPair(*found, scale, basis, digits, powers)


def _condensed_pencil(flows: Any, mass: Floats, energy: Floats, below: float) -> Eigenpairs | None:
    """Eigenvalues up to the first that is not ``below``, with coefficients; None if they are not far below E.

    Each is the fixed point of lambda -> the eigenvalue of S and T + lambda B (E - lambda)^-1 B^T of the same number,
    found with the vector held for as long as that goes.
    """
    count = flows.rows
    if len(mass) == count:
        found, columns = _ascending_eigen(flows, mass)
        return found, [[columns[i, k] for i in range(count)] for k in range(count)]
    half = np.linalg.inv(np.linalg.cholesky(mass[count:, count:]))
    rates, turned = np.linalg.eigh(half @ energy @ half.T)
    turned = half.T @ turned
    bridge, slowest = mass[:count, count:] @ turned, float(rates.min(initial=np.inf))
    values, vectors = [], []
    for number in range(count):
        slow = 0.0
        for _ in range(MOST_STEPS):
            seen = mass[:count, :count] + (bridge * (slow / (rates - slow))) @ bridge.T
            some, columns = _ascending_eigen(flows, seen)
            value = some[number]
            if not value < FAR_BELOW * slowest:
                return None
            if abs(value) < NOTHING * slowest or abs(value - slow) <= SETTLED * abs(value):
                break
            slow = _with_the_same_vector(value, columns[:, number], mass[:count, :count], seen, bridge, rates)
        else:
            return None
        at_wells = [columns[i, number] for i in range(count)]
        share = [value * sum(float(b) * y for b, y in zip(row, at_wells, strict=True)) for row in bridge.T]
        share = [part / (float(rate) - value) for part, rate in zip(share, rates, strict=True)]
        inside = [sum(float(t) * x for t, x in zip(row, share, strict=True)) for row in turned]
        values.append(value)
        vectors.append(at_wells + inside)
        if not value < below:
            break
    return values, vectors


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
    import mpmath

    factor = mpmath.matrix(np.linalg.inv(np.linalg.cholesky(mass)).tolist())
    values, vectors = mpmath.eigsy(factor * flows * factor.T)
    return list(values), factor.T * vectors


def _whole_pencil(flows: Any, mass: Floats, energy: Floats) -> Eigenpairs:
    """The same from all of the widened problem at once."""
    import mpmath

    size, count = len(mass), flows.rows
    whole = mpmath.matrix(size, size)
    for i in range(size):
        for j in range(size):
            if i < count and j < count:
                whole[i, j] = flows[i, j]
            elif i >= count and j >= count:
                whole[i, j] = mpmath.mpf(float(energy[i - count, j - count]))
    values, vectors = _ascending_eigen(whole, mass)
    return values[:count], [[vectors[i, k] for i in range(size)] for k in range(count)]
