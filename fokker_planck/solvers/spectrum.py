"""Small eigenvalues of -L: -L u = lambda u in the domain, no flux through its boundary (or u = 0 on a target).

Eigenvalues that are exponentially small come from the wells, exact relative to themselves; the others from a
shift-and-invert solve from which those have been taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fokker_planck.arrays import Booleans, Floats
from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.cell_products import energy, product
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.field import Field
from fokker_planck.fem.generator import Generator, assemble, free_system
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.long_range import times_exp
from fokker_planck.fem.meshing import Heights
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets import Set
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.accuracy import answered
from fokker_planck.solvers.answer_types import Answer
from fokker_planck.solvers.end_conditions import refuse_continuum, refuse_endless, singular_ends, spectrum_error
from fokker_planck.solvers.ends import Ends, reaches
from fokker_planck.solvers.energy_levels import fastest_spared, heights_between_wells, levels_of
from fokker_planck.solvers.exit_time import absorbed_unknowns
from fokker_planck.solvers.krylov import images
from fokker_planck.solvers.landscape_of_potential import PotentialSetting, of_potential
from fokker_planck.solvers.narrow_wells import combined, has_narrow_wells
from fokker_planck.solvers.reduced_problem import MOST_STATES, reduced_pair
from fokker_planck.solvers.results import Eigenvalue, Spectrum
from fokker_planck.solvers.wells import Condensation, condense, well_nodes

LARGEST_SMALL = 0.03
KRYLOV = 3
IMAGES = 2  # of the potential of a narrow well: a third changes no digit
SHIFT = 0.05
LEAST_RATIO = 1e-6
"""Of an eigenvalue to the rates inside the wells, down to which doubles hold it: shift and invert leaves 1e-14."""
ROUNDING = 1e-14
# Of the first mesh: an eigenvalue solver wants twice as many vectors as modes, and waves want six unknowns each.
UNKNOWNS_A_MODE = 6
SAME = 1e-4
NEGLIGIBLE = 1e-4  # of the tolerance
NOISE = 1e-13
SLOWER = 0.25
"""Of the eigenvalue that belongs to a critical point for small noise, below which one has nothing to do with it."""


class _TooFast(Exception):
    """An eigenvalue could belong to critical points that the mesh leaves out."""


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
    setting = of_potential(problem)
    if target is None:
        refuse_endless(setting.balance.exponent, "spectrum")
    beyond = count > _slow_modes(setting, target)
    spared = fastest_spared(setting) if beyond and problem.resolution.cells is None else 0.0
    if spared > 0.0:
        # a trial without the critical points far up, which holds if all that is asked for is far slower than they
        low = heights_between_wells(setting, all_critical_points=True, faster=spared)
        found = _spectrum(problem, setting, low, count, target, name, slower=SLOWER * spared)
        if found is not None:
            return found
    whole = heights_between_wells(setting, all_critical_points=beyond)
    answer = _spectrum(problem, setting, whole, count, target, name)
    assert answer is not None
    return answer


def _slow_modes(setting: PotentialSetting, target: Set | Literal["boundary"] | None) -> int:
    """How many eigenvalues belong to wells, the zero among them: those of a well inside of the target are none."""
    minima = setting.landscape.minima
    if target is None or isinstance(target, str) or not minima:
        return len(minima)
    places = np.array([minimum.position for minimum in minima]).T
    return int((~np.asarray(target.contains(places), dtype=bool)).sum())


def _spectrum(
    problem: Problem,
    setting: PotentialSetting,
    heights: Heights,
    count: int,
    target: Set | Literal["boundary"] | None,
    name: str,
    slower: float = np.inf,
) -> Spectrum | None:
    """The eigenvalues on a mesh of the ``heights``; None as soon as one is not ``slower``."""
    ends = Ends.at(target)
    if target is not None:
        to_target = levels_of(setting, ends)
        heights = to_target if heights.trim else _both(to_target, heights)
    if any(np.isfinite(end.threshold) for end in singular_ends(setting.balance.exponent)):
        # modes reach far towards a natural end, however little the process is there
        heights = replace(heights, ceiling=np.inf, trim=False)
    wanted = count - 1 if target is None else count

    def answer(discretization: Discretization) -> Answer:
        absorbed = np.zeros(discretization.count, dtype=bool)
        if target is not None:
            absorbed = absorbed_unknowns(discretization, target)
        generator = assemble(discretization, setting.balance)
        modes = lowest_modes(setting, generator, absorbed, wanted)
        if not modes.logs[:wanted].max(initial=-np.inf) < np.log(slower):
            raise _TooFast
        constant = [] if target is not None else [np.ones(discretization.count)]
        functions = [_normalised(generator, nodal) for nodal in constant + modes.nodal[:wanted]]
        spaces = _eigenspaces(modes)[:wanted]
        return Answer(modes.logs[:wanted], (functions, modes.rounding), generator, spaces, absorbed=absorbed)

    try:
        outcome = answered(setting, ends, answer, heights, UNKNOWNS_A_MODE * count)
    except _TooFast:
        return None
    functions, rounding = outcome.payload
    eigenvalues = [] if target is not None else [Eigenvalue(Quantity.of(0.0, 0.0))]
    errors = outcome.errors + rounding * np.exp(np.minimum(-outcome.numbers, 600.0))
    if singular_ends(setting.balance.exponent):
        found = np.exp(outcome.numbers)
        errors = errors + spectrum_error(setting.balance.exponent, found)
        reached = None if target is None else reaches(problem, target)
        refuse_continuum(setting.balance.exponent, found, reached, "spectrum.count")
    eigenvalues += [
        Eigenvalue(Quantity.of_log(float(log), float(error)))
        for log, error in zip(outcome.numbers, errors, strict=True)
    ]
    fields = tuple(
        Field(f"eigenfunction {k}", outcome.discretization, nodal)
        for k, nodal in enumerate(functions, start=0 if target is None else 1)
    )
    return Spectrum(tuple(eigenvalues), fields, outcome.statistics, None if target is None else name or str(target))


def _both(to_target: Heights, everywhere: Heights) -> Heights:
    """Up to the target and to all critical points: modes beyond those of the wells live there when it absorbs, too."""
    return replace(
        to_target,
        passes=to_target.passes + everywhere.passes,
        ceiling=max(to_target.ceiling, everywhere.ceiling),
        fronts=to_target.fronts + everywhere.fronts,
        trim=False,
    )


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


def lowest_modes(setting: PotentialSetting, generator: Generator, absorbed: Booleans, wanted: int) -> Modes:
    """The lowest nonzero eigenvalues: the small ones from the wells, the rest from SLEPc with those deflated.

    Where the last one ``wanted`` is multiple, all of its eigenspace is returned.
    """
    wells = well_nodes(generator.discretization, setting.places, absorbed)
    targets = [absorbed] if absorbed.any() else []
    condensed = condense(generator, wells, targets, setting.relaxation_rate)
    if len(wells) > MOST_STATES:
        many = ordinary_modes(
            generator, absorbed, np.zeros((0, len(absorbed))), wanted, SHIFT * setting.relaxation_rate
        )
        if many.logs[0] > np.log(LEAST_RATIO * condensed.slowest_inside):
            return replace(many, rounding=np.full(len(many.logs), ROUNDING * setting.relaxation_rate))
    negligible = NEGLIGIBLE * setting.problem.resolution.tolerance
    below = min(LARGEST_SMALL, negligible ** (1.0 / (2 * KRYLOV + 1))) * condensed.slowest_inside
    small = small_modes(condensed, below, wanted, negligible)
    missing = wanted - len(small.logs)
    if missing <= 0:
        return small
    others = ordinary_modes(generator, absorbed, small.vectors, missing, SHIFT * setting.relaxation_rate)
    if has_narrow_wells(setting):
        others = _with_potentials(generator, condensed, others, len(small.logs) + (0 if targets else 1))
    return Modes(
        np.concatenate([small.logs, others.logs]),
        np.concatenate([small.vectors, others.vectors]),
        small.nodal + others.nodal,
        small.cell_values + others.cell_values,
        np.append(np.broadcast_to(small.rounding, len(small.logs)), [ROUNDING * setting.relaxation_rate] * missing),
    )


def _with_potentials(generator: Generator, condensed: Condensation, others: Modes, slower: int) -> Modes:
    """The modes combined with the potentials of the wells, see :mod:`fokker_planck.solvers.narrow_wells`."""
    potentials = [condensed.unscaled(well) for well in range(len(condensed.wells))]

    def step(vector: Floats) -> Floats:
        return condensed.solve_inside(generator.apply_mass(vector))

    height = 0.5 * (generator.exponent - generator.lowest)
    inside = images(generator, condensed.potentials[: len(condensed.wells)], step, IMAGES)
    found = combined(generator, [*potentials, *(times_exp(v, height) for v in inside)], others.nodal, slower)
    if found is None:
        raise ConvergenceError("a well is so narrow that modes beside it are rounding", "fewer eigenvalues, or `exit`")
    logs, nodal = found
    dofs = generator.discretization.dofs
    return replace(others, logs=logs, nodal=nodal, cell_values=[values[dofs] for values in nodal])


def ordinary_modes(generator: Generator, absorbed: Booleans, known: Floats, count: int, shift: float) -> Modes:
    """The ``count`` lowest eigenvalues but for those of the ``known`` vectors (k, N), by shift and invert."""
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
    _take_out(generator, whole, [*known, generator.constant] if free.all() else list(known))
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


def _take_out(generator: Generator, vectors: Floats, known: list[Floats]) -> None:
    """Make scaled ``vectors`` (k, N) orthogonal to slower modes, in place.

    The eigenvalue solver leaves rounding of them that shift and invert has multiplied by the quotient of the rates.
    """
    for slow in known:
        image = generator.apply_mass(slow)
        vectors -= np.outer(vectors @ image / float(slow @ image), slow)


def _from_scaled(generator: Generator, vector: Floats) -> Floats:
    """Nodal values, (N,), up to a factor; what is rounding in the scaled unknowns would grow like exp(Phi / 2)."""
    weights = np.sqrt(generator.mass_diagonal / generator.mass_diagonal.max())
    top = int(np.argmax(np.abs(vector) * weights))
    known = np.where(np.abs(vector) > NOISE * abs(vector[top]) * weights[top], vector, 0.0)
    return times_exp(known, 0.5 * (generator.exponent - generator.exponent[top]))


def small_modes(condensed: Condensation, below: float, most: int, negligible: float) -> Modes:
    """At most ``most`` eigenvalues below ``below`` from the reduced problem; the exact zero is left out."""
    import mpmath

    generator, count = condensed.generator, len(condensed.wells)
    killed = bool(condensed.targets)
    if not count or (count == 1 and not killed):
        return Modes(np.zeros(0), np.zeros((0, len(generator.exponent))), [], [])
    pair = reduced_pair(condensed, KRYLOV, negligible, below)
    first = 0 if killed else 1
    chosen = [k for k in range(first, min(len(pair.values), first + most)) if pair.values[k] < below]
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
