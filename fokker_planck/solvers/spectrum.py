"""Small eigenvalues of -L: -L u = lambda u in the domain, no flux through its boundary (or u = 0 on a target).

Eigenvalues that are exponentially small come from the wells, exact relative to themselves; the others from a
shift-and-invert solve from which those have been taken out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.cell_products import energy, product
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import Field
from fokker_planck.fem.generator import Generator, assemble, free_system
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.long_range import times_exp
from fokker_planck.fem.triangulation import Booleans, Floats
from fokker_planck.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.sets import Set
from fokker_planck.solvers.accuracy import SAFETY, Answer, answered
from fokker_planck.solvers.exit_time import TARGET, absorbed_unknowns, region_name, safety_of
from fokker_planck.solvers.krylov import images
from fokker_planck.solvers.results import Eigenvalue, Spectrum
from fokker_planck.solvers.setting import Setting, heights_between_wells, heights_to_target, prepare, reaches
from fokker_planck.solvers.wells import Condensation, condense, well_nodes

SMALL = 1e-3
KRYLOV = 2
SHIFT = 0.05
ROUNDING = 1e-14
SAME = 1e-4
NEGLIGIBLE = 1e-4  # of the tolerance
NOISE = 1e-13


@dataclass(frozen=True)
class Modes:
    """Eigenvalues by their logarithms (k,), eigenvectors scaled (k, N), by nodes, and by cells for the indicator.

    ``rounding`` (k,) is the absolute error of the algebra: what the eigenvalue solver leaves in those that do not come
    from the wells, and what the reduced problem leaves out in those that do.
    """

    logs: Floats
    vectors: Floats
    nodal: list[Floats]
    cell_values: list[Floats]
    rounding: Floats | float = 0.0


def spectrum(
    problem: Problem, count: int = 4, target: Set | Literal["boundary"] | None = None, name: str = ""
) -> Spectrum:
    """The ``count`` lowest eigenvalues of -L with their eigenfunctions, to the problem's tolerance.

    With a ``target`` the process is killed there, and zero is not an eigenvalue.
    """
    setting = prepare(problem)
    heights = heights_between_wells(setting, all_critical_points=count > len(setting.landscape.minima))
    if target is not None:
        heights = heights_to_target(setting, None, reaches(problem, target), region_name(target))
    regions = {} if target is None or isinstance(target, str) else {TARGET: target}
    wanted = count - 1 if target is None else count

    def answer(discretization: Discretization) -> Answer:
        absorbed = np.zeros(discretization.count, dtype=bool)
        if target is not None:
            absorbed = absorbed_unknowns(discretization, target)
        generator = assemble(discretization, setting.balance)
        modes = lowest_modes(setting, generator, absorbed, wanted)
        constant = [] if target is not None else [np.ones(discretization.count)]
        functions = [_normalised(generator, nodal) for nodal in constant + modes.nodal[:wanted]]
        safety = SAFETY if target is None else safety_of(discretization, target)
        spaces = _eigenspaces(modes)[:wanted]
        return Answer(modes.logs[:wanted], (functions, modes.rounding), generator, spaces, safety=safety)

    outcome = answered(setting, heights, regions, answer)
    functions, rounding = outcome.payload
    eigenvalues = [] if target is not None else [Eigenvalue(Quantity.of(0.0, 0.0))]
    errors = outcome.errors + rounding * np.exp(np.minimum(-outcome.numbers, 600.0))
    eigenvalues += [
        Eigenvalue(Quantity.of_log(float(log), float(error)))
        for log, error in zip(outcome.numbers, errors, strict=True)
    ]
    fields = tuple(
        Field(f"eigenfunction {k}", outcome.discretization, nodal)
        for k, nodal in enumerate(functions, start=0 if target is None else 1)
    )
    return Spectrum(tuple(eigenvalues), fields, outcome.statistics, None if target is None else name or str(target))


def _eigenspaces(modes: Modes) -> list[list[Mode]]:
    """For every eigenvalue the modes of all eigenvalues that are the same within ``SAME``."""
    breaks = np.flatnonzero(np.diff(modes.logs) > SAME) + 1
    result: list[list[Mode]] = []
    for group in np.split(np.arange(len(modes.logs)), breaks):
        result += [[Mode(modes.cell_values[k]) for k in group]] * len(group)
    return result


def _normalised(generator: Generator, nodal: Floats) -> Floats:
    """Nodal values, normalised to one in the stationary measure, positive where they are largest in it."""
    values = nodal[generator.discretization.dofs]
    log_norm = 0.5 * (product(generator, values, values).log_of_sum() - product(generator, 1.0, 1.0).log_of_sum())
    weighted = times_exp(nodal, -0.5 * (generator.exponent - generator.lowest))
    return times_exp(nodal * np.sign(weighted[np.argmax(np.abs(weighted))]), -log_norm)


def lowest_modes(setting: Setting, generator: Generator, absorbed: Booleans, wanted: int) -> Modes:
    """The lowest nonzero eigenvalues: the small ones from the wells, the rest from SLEPc with those deflated.

    Where the last one ``wanted`` is multiple, all of its eigenspace is returned.
    """
    wells = well_nodes(generator.discretization, setting.landscape.minima, absorbed)
    targets = [absorbed] if absorbed.any() else []
    condensed = condense(generator, wells, targets, setting.relaxation_rate)
    negligible = NEGLIGIBLE * setting.problem.resolution.tolerance
    small = small_modes(condensed, SMALL * condensed.slowest_inside, wanted, negligible)
    missing = wanted - len(small.logs)
    if missing <= 0:
        return small
    others = _ordinary_modes(generator, absorbed, small.vectors, missing, SHIFT * setting.relaxation_rate)
    return Modes(
        np.concatenate([small.logs, others.logs]),
        np.concatenate([small.vectors, others.vectors]),
        small.nodal + others.nodal,
        small.cell_values + others.cell_values,
        np.append(np.broadcast_to(small.rounding, len(small.logs)), [ROUNDING * setting.relaxation_rate] * missing),
    )


def _ordinary_modes(generator: Generator, absorbed: Booleans, known: Floats, count: int, shift: float) -> Modes:
    free = ~absorbed
    system = free_system(generator, absorbed)
    kernel = [vector[free] for vector in known]
    if free.all():
        kernel.insert(0, generator.constant[free])
    more = generator.discretization.triangulation.dimension - 1
    values, vectors = _petsc.lowest_eigenvectors(system.stiffness, system.mass, count + more, -shift, kernel)
    order = np.argsort(values)
    order = order[values[order] <= values[order[count - 1]] * (1.0 + SAME)]
    if not (values[order] > 0.0).all():
        raise ConvergenceError(f"an eigenvalue came out as {values[order].min():.2e}, not positive", _petsc.REMEDY)
    whole = np.zeros((len(order), len(free)))
    whole[:, free] = vectors[order]
    dofs = generator.discretization.dofs
    nodal = [_from_scaled(generator, vector) for vector in whole]
    if not np.isfinite(nodal).all():
        raise BarrierTooHighError(
            "a barrier is so high that eigenfunctions other than the slow ones are no doubles",
            "fewer eigenvalues, as many as there are wells, or more noise",
        )
    cells = [values[dofs] for values in nodal]
    # the eigenvalue solver leaves rounding of the largest entry; a quotient of sums of squares does not
    logs = np.array([energy(generator, u).log_of_sum() - product(generator, u, u).log_of_sum() for u in cells])
    again = np.argsort(logs, kind="stable")
    return Modes(logs[again], whole[again], [nodal[k] for k in again], [cells[k] for k in again])


def _from_scaled(generator: Generator, vector: Floats) -> Floats:
    """Nodal values, (N,), up to a factor; what is rounding in the scaled unknowns would grow like exp(Phi / 2)."""
    top = int(np.argmax(np.abs(vector)))
    known = np.where(np.abs(vector) > NOISE * abs(vector[top]), vector, 0.0)
    return times_exp(known, 0.5 * (generator.exponent - generator.exponent[top]))


@dataclass(frozen=True)
class ReducedPair:
    """Eigenpairs of the reduced problem in mpmath, ascending; ``vectors`` are coefficients on ``basis`` (size, N).

    The first K basis functions are the potentials of the wells, scaled; ``scale`` turns their coefficients into
    values at the wells.  The others come from so many ``powers`` of A_FF^-1 M.
    """

    values: list[Any]
    vectors: Any
    scale: list[Any]
    basis: Floats
    digits: int
    powers: int

    def coefficients(self, number: int) -> tuple[Floats, Floats, float]:
        """Coefficients (size,) and values at the wells (K,), largest one in each, and the ratio of the largest."""
        column = [self.vectors[i, number] for i in range(len(self.basis))]
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


def reduced_pair(condensed: Condensation, most_powers: int, negligible: float) -> ReducedPair:
    """S y = lambda T y on the potentials of the wells, widened by A_FF^-1 M of them.

    The span of h_k, A_FF^-1 M h_k, ... splits the stiffness into S and a block of order one, so that S keeps its
    digits; p of them leave a relative error of (lambda / slowest_inside)^(2 p + 1), which is to be ``negligible``.
    """
    import mpmath

    generator, count = condensed.generator, len(condensed.wells)

    def step(vector: Floats) -> Floats:
        return condensed.solve_inside(generator.apply_mass(vector))

    powers = _powers_needed(condensed, most_powers, negligible)
    inner = images(generator, condensed.potentials[:count], step, powers)
    basis = np.concatenate([condensed.potentials[:count], inner])
    mass = basis @ np.asarray([generator.apply_mass(vector) for vector in basis]).T
    energy = inner @ np.asarray([generator.apply_stiffness(vector) for vector in inner]).reshape(inner.shape).T
    digits, size = condensed.digits(), len(basis)
    with mpmath.workdps(digits):
        scale = [1 / half for half in condensed.half_weights()[:count]]
        a, m = mpmath.matrix(size, size), mpmath.matrix(size, size)
        reduced = condensed.reduced_generator(digits)
        for i in range(size):
            for j in range(size):
                m[i, j] = mpmath.mpf(float(0.5 * (mass[i, j] + mass[j, i])))
                if i < count and j < count:
                    a[i, j] = reduced[min(i, j), max(i, j)] * scale[i] * scale[j]
                elif i >= count and j >= count:
                    a[i, j] = mpmath.mpf(float(0.5 * (energy[i - count, j - count] + energy[j - count, i - count])))
        values, vectors = _generalized_eigen(a, m)
    return ReducedPair(values, vectors, scale, basis, digits, powers)


def small_modes(condensed: Condensation, below: float, most: int, negligible: float) -> Modes:
    """At most ``most`` eigenvalues below ``below`` from the reduced problem; the exact zero is left out."""
    import mpmath

    generator, count = condensed.generator, len(condensed.wells)
    killed = bool(condensed.targets)
    if not count or (count == 1 and not killed):
        return Modes(np.zeros(0), np.zeros((0, len(generator.exponent))), [], [])
    pair = reduced_pair(condensed, KRYLOV, negligible)
    first = 0 if killed else 1
    chosen = [k for k in range(first, min(count, first + most)) if pair.values[k] < below]
    if any(pair.values[k] <= 0 for k in chosen):
        raise ConvergenceError("a small eigenvalue of the reduced problem is not positive", _petsc.REMEDY)
    with mpmath.workdps(pair.digits):
        logs = np.array([float(mpmath.log(pair.values[k])) for k in chosen])
    left_out = np.exp(logs + (2 * pair.powers + 1) * (logs - np.log(condensed.slowest_inside)))
    vectors = [pair.coefficients(k)[0] @ pair.basis for k in chosen]
    return Modes(
        logs,
        np.asarray(vectors).reshape(len(chosen), len(generator.exponent)),
        [pair.nodal(condensed, k) for k in chosen],
        pair.cell_values(condensed, chosen),
        left_out,
    )


def _generalized_eigen(a: Any, m: Any) -> tuple[list[Any], Any]:
    """Ascending eigenvalues and vectors of a y = lambda m y, in the current precision of mpmath."""
    import mpmath

    lower = mpmath.cholesky(m)
    inverse = mpmath.inverse(lower)
    values, vectors = mpmath.eigsy(inverse * a * inverse.T)
    return list(values), inverse.T * vectors
