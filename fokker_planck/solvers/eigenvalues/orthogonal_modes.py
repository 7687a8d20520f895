"""Eigenvalues of a process in detailed balance that do not come from its wells: A u = lambda M u, A symmetric.

By shift and invert, the slow modes kept out; its vectors are orthogonal, and the lowest are all that there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.cell_products import energy, product
from fokker_planck.fem.generator import Generator, free_system
from fokker_planck.fem.indicator import Mode
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.solvers.condensation.krylov import images
from fokker_planck.solvers.condensation.wells import Condensation
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode, checked
from fokker_planck.solvers.eigenvalues.narrow_wells import combined
from fokker_planck.solvers.eigenvalues.stiff_lines import is_stiff, lowest_on_a_line

SHIFT = 0.05
"""Of the rate at which wells settle, below zero: a shift of zero would cost ten digits of the residual."""
SAFETY = 3.0
"""On what eigenvalues of all functions together differ by from those of polynomials or of images alone, the nearer."""
IMAGES, IMAGES_AT_ENDS = 2, 9
"""Of the potential of a narrow well: a third changes no digit. Of that of an end with an infinite density, where modes
of the assembled matrix may be of no use: of two ends three leave 1e-5 of the second eigenvalue, five 1e-9, of one end
five 2e-8."""
DEGREE = 16
"""Of polynomials beside images: they leave 1e-10 of the first two eigenvalues of x + a log x on six units of length,
for a up to 0.999, where images alone leave 1e-6."""
ROUNDING = 1e-14
"""What shift and invert leaves, of the rate at which wells settle."""
SAME = 1e-4
"""Relative distance up to which eigenvalues are taken for one that is multiple, whose modes are judged together."""
LARGEST_LOG = 600.0
"""Whose exponential is still far from the end of doubles."""
NOISE = 1e-13
"""Of the largest entry of a vector: what is below is rounding of the eigenvalue solver."""


def orthogonal_modes(
    generator: Generator, absorbed: Booleans, slow: Sequence[Eigenmode], count: int, rate: float, rough: bool = False
) -> list[Eigenmode]:
    """The ``count`` lowest eigenvalues other than zero and those of the ``slow`` modes, and their equals.

    ``rate`` is that at which wells settle. ``rough`` ones are mended later, and need not be positive.
    """
    free = ~absorbed
    down = -0.5 * (generator.exponent - generator.lowest)
    known = [times_exp(mode.nodal, down) for mode in slow]
    constant = [generator.constant] if free.all() else []
    if not rough and is_stiff(generator, rate):
        values, vectors = lowest_on_a_line(generator, free, count, SHIFT * rate, [*constant, *known])
    else:
        system, kept_out = free_system(generator, absorbed), [vector[free] for vector in [*constant, *known]]
        some = count + generator.discretization.triangulation.dimension - 1
        values, vectors = _petsc.lowest_eigenvectors(system.stiffness, system.mass, some, -SHIFT * rate, kept_out)
    order = np.argsort(values)
    order = order[values[order] <= values[order[count - 1]] * (1.0 + SAME)]
    if not (rough or (values[order] > 0.0).all()):
        raise ConvergenceError(f"an eigenvalue came out as {values[order].min():.2e}, not positive", _petsc.REMEDY)
    whole = np.zeros((len(order), len(free)))
    whole[:, free] = vectors[order]
    _take_out(generator, whole, [*known, *constant])
    nodal = [checked(_from_scaled(generator, vector)) for vector in whole]
    # the eigenvalue solver leaves rounding of the largest entry; a quotient of sums of squares does not
    cells = [values[generator.discretization.dofs] for values in nodal]
    logs = [energy(generator, u).log_of_sum() - product(generator, u, u).log_of_sum() for u in cells]
    again = np.argsort(logs, kind="stable")
    return _modes(generator, [float(logs[k]) for k in again], [nodal[k] for k in again], rate)


def together(modes: Sequence[Eigenmode]) -> list[Eigenmode]:
    """The same modes, ascending, behind each the functions of all whose eigenvalues are the same within ``SAME``.

    What solver and mesh make of a multiple eigenvalue is a basis of its space, of which the sum over it knows nothing.
    """
    breaks = np.flatnonzero(np.diff([mode.log for mode in modes]) > SAME) + 1
    result: list[Eigenmode] = []
    for group in np.split(np.arange(len(modes)), breaks):
        functions = [function for k in group.tolist() for function in modes[k].modes]
        result += [replace(modes[k], modes=functions) for k in group.tolist()]
    return result


def _modes(generator: Generator, logs: Sequence[float], nodal: Sequence[Floats], rate: float) -> list[Eigenmode]:
    cells = [[Mode(values[generator.discretization.dofs])] for values in nodal]
    rounding = [ROUNDING * rate * float(np.exp(min(-log, LARGEST_LOG))) for log in logs]
    return [Eigenmode(*parts) for parts in zip(logs, nodal, cells, rounding, strict=True)]


def beside_narrow_wells(
    condensed: Condensation, modes: Sequence[Eigenmode], slower: int, rate: float, powers: int = IMAGES
) -> list[Eigenmode]:
    """The modes combined with the potentials of the wells and so many ``powers``, see :mod:`~.narrow_wells`."""
    generator = condensed.generator
    potentials = _without_jitter([condensed.unscaled(state) for state in range(len(condensed.potentials))])
    potentials = potentials[: len(condensed.wells)]
    height = 0.5 * (generator.exponent - generator.lowest)
    inside = images(generator, condensed.potentials[: len(condensed.wells)], condensed.solve_inside, powers).basis
    smooth = _polynomials(generator, potentials) if powers > IMAGES else []
    solved = [*(times_exp(v, height) for v in inside), *(mode.nodal for mode in modes)]
    found = combined(generator, [*potentials, *smooth, *solved], slower, len(modes))
    if found is None:
        raise ConvergenceError("a well is so narrow that modes beside it are rounding", "fewer eigenvalues, or `exit`")
    logs, nodal = found
    result = _modes(generator, logs.tolist(), nodal, rate)
    others = [combined(generator, [*potentials, *part], slower, len(modes)) for part in (smooth, solved) if smooth]
    apart = [np.abs(np.expm1(each[0] - logs)) for each in others if each is not None]
    if not apart:
        return result
    of_span = (SAFETY * np.min(apart, axis=0)).tolist()
    return [replace(mode, no_less=mode.no_less + each) for mode, each in zip(result, of_span, strict=True)]


def _without_jitter(potentials: Sequence[Floats]) -> list[Floats]:
    """The potentials of all states, nodal values (N,), which add up to one: those above a half as one less the others.

    What rounding makes of one itself differs from node to node, which next to an end with an infinite density, where
    stiffness is 1e30, is an energy of order one: a constant was no mode at rest, and the slowest other left out.
    """
    others = [sum((other for other in potentials if other is not each), np.zeros_like(each)) for each in potentials]
    return [np.where(each > 0.5, 1.0 - rest, each) for each, rest in zip(potentials, others, strict=True)]


def _polynomials(generator: Generator, potentials: Sequence[Floats]) -> list[Floats]:
    """Chebyshev's of degree 1, 2, ... along a line, less what they are at its lower end, times what no target has.

    Nodal values (N,), to their own digits where a coordinate is known to its own.
    """
    discretization, wells = generator.discretization, np.sum(potentials, axis=0)
    places, comm = discretization.nodes[:, 0], discretization.comm
    inside = places[wells > 0.0]
    low = comm.allreduce(inside.min(initial=np.inf), op=MPI.MIN)
    high = comm.allreduce(inside.max(initial=-np.inf), op=MPI.MAX)
    half = np.arcsin(np.sqrt(np.clip((places - low) / (high - low), 0.0, 1.0)))
    return [np.sin(k * half) ** 2 * wells for k in range(1, DEGREE + 1)]


def _take_out(generator: Generator, vectors: Floats, known: Sequence[Floats]) -> None:
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


def rounding_at_ends(generator: Generator, mode: Eigenmode) -> float:
    """What rounding leaves of constants changes an eigenvalue by, where a line ends with a density that has no bound.

    Next to such an end stiffness is 1e14 and more, and a constant c is not quite at rest: sum |c A c| u^2 / (u M u) is
    the rate at which rounding would let a mode decay. It is found orthogonal to the others, and the square of that is
    left: of 0.1 - 0.3 x under x (1 - x) eigenvalues were 5e-3 off, at bars of 4e-5, for a rate of 0.17.
    """
    constant = generator.constant
    scaled = mode.nodal * constant
    # one factor is a function beside the weight: its square need be no double where the weight is none
    lost = float((np.abs(generator.apply_stiffness(constant)) * np.abs(mode.nodal * scaled)).sum())
    lost /= float(scaled @ generator.apply_mass(scaled))
    return float(np.exp(2.0 * (np.log(max(lost, 1e-300)) - np.real(mode.log))))
