"""Small eigenvalues of -L without detailed balance, complex ones included: -L u = lambda u, no flux (or u = 0).

Eigenvalues that are exponentially small come from the wells; the others from shift-and-invert solves for right and left
eigenvectors, of which the quotient z . A u / z . M u is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.drift_generator import DriftGenerator, assemble_drift
from fokker_planck.fem.field import Field
from fokker_planck.fem.triangulation import Booleans, Floats
from fokker_planck.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.exit_time import TARGET, absorbed_unknowns
from fokker_planck.solvers.irreversible_accuracy import DriftAnswer, Numbers, Pair, answered
from fokker_planck.solvers.irreversible_reduced import slow_modes
from fokker_planck.solvers.irreversible_setting import DriftSetting, Goal, prepare_irreversible
from fokker_planck.solvers.irreversible_wells import Target, TwoSided, condense
from fokker_planck.solvers.results import Eigenvalue, Spectrum
from fokker_planck.solvers.self_consistent_gauge import nearest_unknowns

SMALL = 1e-3
SHIFT = 0.05
ROUNDING = 1e-13
MOST = 120
SAME = 1e-6


@dataclass(frozen=True)
class DriftModes:
    """Complex eigenvalues by their logarithms (k,), scaled right eigenvectors (k, N), and pairs for the error."""

    logs: Numbers
    vectors: Numbers
    pairs: list[Pair]


def irreversible_spectrum(problem: Problem, count: int = 4, target: Goal | None = None) -> Spectrum:
    """The ``count`` eigenvalues of -L with the smallest real parts, and their eigenfunctions.

    A complex pair counts as two; its fields are the real and the imaginary part.  With a ``target`` the process is
    killed there, and zero is not an eigenvalue.
    """
    setting = prepare_irreversible(problem, [] if target is None else [target])
    wanted = count - 1 if target is None else count

    def answer(discretization: Discretization) -> DriftAnswer:
        absorbed = np.zeros(discretization.count, dtype=bool)
        if target is not None:
            absorbed = absorbed_unknowns(discretization, target)
        generator = assemble_drift(discretization, setting.weighting)
        modes = lowest_modes(setting, generator, absorbed, wanted)
        return DriftAnswer(modes.logs, (modes, generator), generator, modes.pairs)

    regions = {} if target is None or isinstance(target, str) else {TARGET: target}
    outcome = answered(setting, regions, answer)
    modes, generator = outcome.payload
    eigenvalues = [] if target is not None else [Eigenvalue(Quantity.of(0.0, 0.0))]
    rounding = ROUNDING * setting.relaxation_rate
    for log, error in zip(outcome.numbers, outcome.errors, strict=True):
        eigenvalues.append(_eigenvalue(complex(log), float(error), rounding))
    vectors = list(modes.vectors) if target is not None else [generator.constant, *modes.vectors]
    fields = tuple(
        Field(f"eigenfunction {k}", outcome.discretization, _unscaled(generator, vector, eigenvalue))
        for k, (vector, eigenvalue) in enumerate(
            zip(vectors, eigenvalues, strict=True), start=0 if target is None else 1
        )
    )
    return Spectrum(tuple(eigenvalues), fields, outcome.statistics)


def _eigenvalue(log: complex, error: float, rounding: float) -> Eigenvalue:
    """The error is that of the modulus; the real part of a complex eigenvalue knows no more."""
    turn = float(np.cos(log.imag))
    small = log.real < np.log(max(rounding, 1e-300)) + 20.0
    extra = 0.0 if small else rounding * float(np.exp(-log.real))
    if abs(log.imag) < 1e-12:
        return Eigenvalue(Quantity.of_log(log.real, error + extra))
    if turn <= 0.0:
        raise ConvergenceError(f"an eigenvalue came out with the real part {turn:.1e} times its modulus", _petsc.REMEDY)
    imaginary = float(np.exp(log.real) * np.sin(log.imag))
    return Eigenvalue(Quantity.of_log(log.real + np.log(turn), (error + extra) / turn), imaginary)


def _unscaled(generator: DriftGenerator, vector: Numbers, eigenvalue: Eigenvalue) -> Floats:
    """Nodal values, of norm one in the weight; of a pair the real part and then the imaginary one."""
    phase = vector[np.argmax(np.abs(vector))]
    turned = vector * (np.conj(phase) / abs(phase))
    part = np.asarray(turned.imag if eigenvalue.imag < 0.0 else turned.real)
    whole = float(generator.constant @ generator.apply_mass(generator.constant))
    norm = np.sqrt(max(float(part @ generator.apply_mass(part)) / whole, 1e-300))
    return np.asarray(part * np.exp(0.5 * (generator.exponent - generator.lowest)) / norm)


def lowest_modes(setting: DriftSetting, generator: DriftGenerator, absorbed: Booleans, wanted: int) -> DriftModes:
    """The eigenvalues of smallest real part other than zero: the small ones from the wells, the rest from SLEPc."""
    wells = nearest_unknowns(generator.discretization, setting.places, absorbed)
    targets = [Target(absorbed)] if absorbed.any() else []
    condensed = condense(generator, wells, targets, setting.relaxation_rate)
    small, zeros = _small_modes(condensed, SMALL * condensed.slowest_inside, wanted)
    missing = wanted - len(small.logs)
    if missing <= 0:
        return small
    others = _ordinary_modes(setting, generator, absorbed, len(small.logs) + zeros, missing)
    return DriftModes(
        np.concatenate([small.logs, others.logs]),
        np.concatenate([small.vectors, others.vectors]),
        small.pairs + others.pairs,
    )


def _small_modes(condensed: TwoSided, below: float, most: int) -> tuple[DriftModes, int]:
    """Eigenvalues of the reduced problem below ``below``, without the exact zero; how many zeros there are."""
    import mpmath

    count, killed = len(condensed.wells), bool(condensed.targets)
    first = 0 if killed else 1
    if count <= first:
        return DriftModes(np.zeros(0), np.zeros((0, len(condensed.load))), []), first
    modes = slow_modes(condensed)
    chosen = [k for k in range(first, min(count, first + most)) if float(abs(modes.values[k])) < below]
    if any(modes.values[k].real <= 0 for k in chosen):
        raise ConvergenceError("a small eigenvalue of the reduced problem has no positive real part", _petsc.REMEDY)
    with mpmath.workdps(modes.digits):
        logs = np.array([_clean(mpmath.log(modes.values[k])) for k in chosen])
    vectors = np.array([modes.scaled_vector(k) for k in chosen]).reshape(len(chosen), len(condensed.load))
    return DriftModes(logs, vectors, modes.pairs(condensed, chosen)), first


def _clean(log: Any) -> complex:
    """A logarithm whose imaginary part is rounding is real."""
    value = complex(log)
    return complex(value.real) if abs(value.imag) < 1e-12 else value


def _ordinary_modes(
    setting: DriftSetting, generator: DriftGenerator, absorbed: Booleans, below: int, count: int
) -> DriftModes:
    """``count`` eigenvalues of smallest real part, ``below`` smaller ones left out."""
    discretization, free = generator.discretization, ~absorbed
    numbers = np.where(free, np.cumsum(free) - 1, -1)[discretization.dofs]
    size = int(free.sum())

    def matrix(elements: Floats) -> Any:
        return _petsc.matrix(discretization.comm, size, numbers, elements, symmetric=False)

    mass, forward = matrix(generator.mass), matrix(generator.stiffness)
    backward = matrix(np.swapaxes(generator.stiffness, 1, 2))
    shift = -SHIFT * setting.relaxation_rate
    asked = below + count + 2
    while True:
        asked = min(asked, size - 2)
        values, vectors = _petsc.nearest_eigenpairs(forward, mass, asked, shift)
        by_size = np.argsort(np.abs(values), kind="stable")[below:]
        order = by_size[np.lexsort((-values[by_size].imag, np.round(values[by_size].real / abs(shift), 6)))][:count]
        needed = _reach(setting, float(values[order].real.max()), shift)
        most = asked >= min(MOST, size - 2)
        if np.abs(values - shift).max() >= needed or most:
            duals, left = _petsc.nearest_eigenpairs(backward, mass, min(asked + 2, size - 2), shift)
            apart = max((np.abs(duals - value).min() / abs(value) for value in values[order]), default=0.0)
            if apart < SAME:
                break
            if most:
                raise ConvergenceError(f"eigenvalues of both sides differ by {apart:.1e}", _petsc.REMEDY)
        asked *= 2
    found = DriftModes(np.zeros(0), np.zeros((0, len(free))), [])
    dofs, height = discretization.dofs, np.exp(0.5 * (generator.exponent - generator.lowest))
    logs, whole, pairs = [], np.zeros((count, len(free)), dtype=complex), []
    for row, number in enumerate(order):
        value = values[number]
        whole[row, free] = vectors[number]
        dual = np.zeros(len(free), dtype=complex)
        dual[free] = _matching(value, vectors[number], duals, left, free, generator)
        image = _applied(generator.apply_stiffness, whole[row])
        weight = complex(dual @ _applied(generator.apply_mass, whole[row]))
        value = complex(dual @ image) / weight if abs(weight) > 0.0 else value
        if abs(value.imag) < 1e-11 * abs(value):
            value = complex(value.real)
        if not value.real > 0.0:
            raise ConvergenceError(f"an eigenvalue came out as {value:.3g}, its real part not positive", _petsc.REMEDY)
        logs.append(np.log(value))
        pairs.append(Pair((whole[row] * height)[dofs], (dual / weight * height)[dofs], abs(value)))
    return DriftModes(np.array(logs), whole, pairs) if count else found


def _applied(apply: Any, vector: Numbers) -> Numbers:
    return np.asarray(apply(np.ascontiguousarray(vector.real)) + 1j * apply(np.ascontiguousarray(vector.imag)))


def _matching(
    value: complex, vector: Numbers, duals: Numbers, left: Numbers, free: Booleans, generator: DriftGenerator
) -> Numbers:
    """The left eigenvector of the same eigenvalue; of a multiple one the combination that fits ``vector``."""
    distance = np.abs(duals - value)
    near = np.flatnonzero(distance <= max(SAME * abs(value), 2.0 * float(distance.min())))
    whole = np.zeros(len(free), dtype=complex)
    whole[free] = vector
    image = _applied(generator.apply_mass, whole)[free]
    shares = left[near] @ image
    return np.asarray(np.conj(shares) @ left[near])


def _reach(setting: DriftSetting, largest: float, shift: float) -> float:
    """How far from the shift eigenvalues can be that the attractors have, with real parts below ``largest``.

    Those of the linearised process are sums of the -mu_j, mu_j the eigenvalues of the Jacobian.
    """
    needed = 0.0
    for point in setting.attractors:
        rates = [-value for value in point.eigenvalues]
        most = [int(min(largest / rate.real, 12.0)) for rate in rates]
        for powers in product(*(range(m + 1) for m in most)):
            value = sum(n * rate for n, rate in zip(powers, rates, strict=True))
            if complex(value).real <= largest * (1.0 + 1e-9):
                needed = max(needed, abs(value - shift))
    return needed * 1.001
