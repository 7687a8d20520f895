"""A gauge that follows the density, for a process whose density nobody knows: psi near -log p, up to a constant.

In any gauge psi the stationary density is p = e^-psi rho, with rho from the left potentials.  Then psi - log rho is a
better gauge.  Where psi is far from -log p, by more than the digits of a double, rho is lost; so the noise is raised
until psi = 0 will do, and lowered again step by step (D -> f D, f -> 1, psi growing like 1/f).

The gauge is a spline on a grid, of interest only below a ceiling: the highest saddle of the question and thirty noise
units more.  Higher up, where rho becomes noise, cells are cut away and psi is continued smoothly.  Its own error does
not enter the answers: the forms are those of the process in every gauge.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.field import Nearly, nearly
from fokker_planck.fem.fitting import component_holding
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.meshing import exponent_range
from fokker_planck.fem.reference_exponent import GaugedDrift, Weighting
from fokker_planck.fem.refinement import refine
from fokker_planck.fem.triangulation import Triangulation, without_cells
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.spline import GridFunction, extended, zero_on
from fokker_planck.solvers.wells import condense, well_nodes

logger = logging.getLogger(__name__)

DEGREE = {1: 4, 2: 6, 3: 3}
"""Of the elements on the way, log rho being wanted to tenths: in the plane 4 in place of 6 ended in an exit time 4e-7
off, 3 took half as long again (noise 0.02)."""
LARGEST_CHANGE = {1: 8.0, 2: 14.0, 3: 10.0}
"""Of psi in a cell while it is followed: log rho is wanted to a few tenths only. The rotated quartic well at barrier
100 takes 3.4 s of CPU with 14 in the plane and 7.8 s with 10, psi being right to 0.01; with 18 rho is lost there."""
MOST_CELLS = {1: 100_000, 2: 60_000, 3: 30_000}
"""On the way: some seconds for each noise."""
HOTTEST_RANGE = 8.0
"""Units of epsilon over the domain at the first noise, where psi = 0 serves: 4 and 16 took a sixth longer (an unknown
density in the plane, noise 0.02)."""
FIRST_FACTOR = 1.5
"""By what the noise is lowered at first: 1.2 took a quarter longer, 2.2 a tenth less (an unknown density in the plane,
noise 0.02)."""
SHORTEST_FACTOR, LONGEST_FACTOR = 1.05, 2.5
"""Between which that factor stays; with 1.5 and 5 at the upper end the same in the same time."""
NEARLY_THERE = 1.2
"""Times the noise that is asked for, from which it is asked at once: the last steps are the largest by far."""
CALM, WILD = 0.4, 3.0
"""Swings of log rho below which the factor grows, and above which it falls: 0.1 and 1 took a tenth longer, 1.5 and 6
changed nothing."""
FORESEEN = 0.05
"""Of log rho at the noise that is asked for, as the last noises foretell it, with which that is not tried: quartic well
with a rotation, barrier 200, after a noise 14 times as large 0.004 were foreseen, and 0.0003 were found at that."""
SERENE, SERENE_FACTOR = 0.02, 4.0
"""Where log rho hardly moves, the exponent is W/f + k as it is continued, and a lower noise is met at once: quartic
well with a rotation, barrier 100: ten noises instead of eleven, 4.7 s of CPU instead of 6.3."""
SETTLED, TOLERABLE = 0.7, 6.0
"""Of log rho: a factor of 400 costs rho two to three of its digits, and the margin above the passes a third of itself.
Beside curved walls, and where noise that jumps gives the exponent a kink, a grid does no better than 3 or 4."""
STALLED = 1.0
"""Of the least swing before, where that was ``TOLERABLE``: what is left is what the mesh does not resolve, and more
steps found the same to 5 % (two Gaussian wells in space: 0.91, 1.04, 0.98, 1.00, 0.99 ...)."""
LARGEST_STEP = 15.0
"""Of psi in one step; a swing beyond is a density that is lost. 5 and 40 changed nothing where none was lost."""
LARGEST_BEND = 3.0
"""Of the straight line that psi is continued along, beyond what was seen: 1 and 10 changed nothing."""
SURE, CERTAIN = 14.0, 22.0
"""Units of epsilon below the cutoff where rho is used if it is positive, and where it has to be: 10 and 18 for the one,
18 for the other gave the same exit time within its bar; with 30 nothing was left to be certain of."""
MOST_STEPS = 80
"""Noises: at ``SHORTEST_FACTOR`` a factor of 50; what needs more than 80 is given up."""
MOST_REPEATS = 6
"""Solves at one noise, each with the exponent of the one before: what has not settled by then does not."""
RATE = 1e-3
"""Of a typical rate, which condensation adds to be regular: 1e-4 and 1e-2 gave the same to all digits."""
MOST_CREEPING = 6
"""Steps of ``SHORTEST_FACTOR`` in a row, where nothing attracts: a saddle alone has no density to follow, and its exit
time needs none; 40 such steps took 170 s before that was asked without."""
FINENESS = 2.5
"""By what the change of psi in a cell is divided where the density is lost though the noise hardly fell: a circulation
that is strong beside the noise makes layers that psi does not show (Brusselator: 10 is too much, 4 is enough)."""
FINEST = 2
"""Times that a finer mesh is tried, each with some six times the cells."""
MOST_LOSSES, CHEAP, AFFORDABLE = 3, 1000, 4000
"""After how many losses in a row a finer mesh is tried, and up to how many cells: it has six times as many. Drifts that
hold nothing are lost on every mesh, and go on without a weight. What was followed so far is worth more: ``AFFORDABLE``
cells (Hessian noise in a sublevel set that closely holds three wells: 2,000 were too few)."""
GROWN, TOO_MANY = 2000, 20.0
"""The cells from which their growth with 1 / noise is believed, and how far beyond the limit it must lead."""
LEAST_MARGIN = CERTAIN + 6.0
"""Above the passes, so that a few units of epsilon are certain at any tolerance."""


@dataclass(frozen=True)
class Step:
    """One solve: how far log rho is from constant below the ceiling less ``CERTAIN``, and the gauge that follows.

    What is known of rho reaches up to the ceiling less ``SURE``; ``lost`` tells that this does not cover the rest.
    ``cells`` is the size of the mesh.
    """

    swing: float
    lost: bool
    gauge: GridFunction
    cells: int


Ceiling = Callable[[Weighting], float]
"""The exponent above which nothing matters to a question."""
Places = Callable[[Weighting], Floats]
"""One point in every metastable region that counts for the question, (K, dim)."""


def self_consistent_gauge(
    drift: Callable[[Floats], Floats],
    diffusion: Any,
    base: Triangulation,
    box: tuple[Sequence[float], Sequence[float]],
    periods: tuple[float | None, ...],
    attractors: Places,
    ceiling: Ceiling,
    guesses: Sequence[Any] = (),
) -> GridFunction:
    """psi with |psi + log p - constant| below one wherever the question needs it.

    Args:
        drift: b at points (dim, n), (dim, n).
        diffusion: D, with ``tensor`` and ``divergence``.
        base: a coarse mesh of the domain.
        box: corners of a box around it.
        periods: length of every periodic axis.
        attractors: what counts in a gauge.
        ceiling: what the question asks of the gauge.
        guesses: exponents to begin with, the likeliest first, if any are known.

    Raises ``ConvergenceError`` where the density cannot be followed down to the noise that is asked for.
    """
    periodic = [period is not None for period in periods]
    process = GaugedDrift(zero_on(box[0], box[1], periodic), drift, diffusion)

    fineness = 0
    last: list[Nearly] = []

    def known(mesh: Triangulation) -> Nearly:
        """A mesh's discretization and its values on the grid; in space they take seconds, and most steps share one."""
        if not last or last[0].discretization.triangulation is not mesh:
            last[:] = [nearly(discretize(mesh, DEGREE[base.dimension]), process.gauge.points)]
        return last[0]

    def step(current: GaugedDrift) -> Step:
        return _step(current, base, known, attractors, ceiling, FINENESS**-fineness)

    for guess in guesses:
        values = np.asarray(guess.value(process.gauge.points)).reshape(process.gauge.values.shape)
        if np.isfinite(values).all():
            guessed = replace(process, gauge=replace(process.gauge, values=values - values.min()))
            try:
                settled = _settled(step, guessed, patient=False)
            except ConvergenceError:
                settled = None  # the guess may be far steeper than the density is: it says nothing about that
            if settled is not None:
                return settled
    noise, factor = _first_noise(process), FIRST_FACTOR
    gauge, reached = process.gauge, np.inf
    before: tuple[GridFunction, float] | None = None
    sizes: list[tuple[float, int]] = []
    losses = creeping = 0
    for _ in range(MOST_STEPS):
        trial = gauge if np.isinf(reached) else _continued(before, gauge, reached, noise)
        logger.debug(f"the density at {noise:.3g} times the noise")
        found = step(replace(process, gauge=trial, noise=noise))
        finest = fineness == FINEST or found.cells > (CHEAP if np.isinf(reached) else AFFORDABLE)
        if found.lost:
            losses += 1
            again = losses >= MOST_LOSSES and not finest
            if np.isinf(reached) or factor < SHORTEST_FACTOR or again:
                if finest:
                    break
                fineness, factor, losses, sizes = fineness + 1, FIRST_FACTOR, 0, []
            else:
                factor = float(np.sqrt(factor))
        else:
            foreseen = _foreseen(found.swing, before, reached, noise)
            before = None if np.isinf(reached) or reached == noise else (gauge, reached)
            gauge, reached, losses = found.gauge, noise, 0
            if foreseen < FORESEEN:
                return _continued(before, gauge, reached, 1.0)
            sizes.append((noise, found.cells))
            if _all_stay(attractors, replace(process, gauge=gauge, noise=noise)):
                _check_growth(sizes, base.dimension)
            factor = _next_factor(factor, found.swing)
            creeping = creeping + 1 if factor <= SHORTEST_FACTOR else 0
            if creeping > MOST_CREEPING and not len(attractors(process)):
                break
            if reached == 1.0:
                settled = gauge
                if found.swing >= SETTLED:
                    settled = _settled(step, replace(process, gauge=gauge), patient=True)
                if settled is not None:
                    return settled
                if finest or found.cells > CHEAP:
                    break
                # the next gauge begins at the noise of this one: there is nothing to continue
                before, fineness = None, fineness + 1
        noise = noise if np.isinf(reached) else reached / factor
        noise = noise if noise > NEARLY_THERE else 1.0
    raise ConvergenceError(
        f"the stationary density cannot be followed below {noise:.3g} times the noise that is asked for",
        "more noise or a smaller domain; where the quasipotential has kinks this is as far as the method goes",
    )


def _all_stay(attractors: Places, reached: GaugedDrift) -> bool:
    """Whether the wells that count at this noise will count at the one asked for, to which the exponent grows as 1/f.

    Where some will not, meshes grow no more from there on as they did: a periodic free energy whose two wells are 500
    units of epsilon apart would need 2e6 cells as they grew at 13 times the noise, and is answered on 2,000.
    """
    values = reached.gauge.values * reached.noise
    asked = replace(reached, gauge=replace(reached.gauge, values=values), noise=1.0)
    return len(attractors(asked)) == len(attractors(reached))


def _check_growth(sizes: Sequence[tuple[float, int]], dimension: int) -> None:
    """Refuse early where the meshes, as they grow with less noise, will be far too large at that which is asked for."""
    if len(sizes) < 3:
        return
    (noisy, few), (_, _), (noise, many) = sizes[-3:]
    growth = log(many / few) / log(noisy / noise) if noise < noisy and many > few else 0.0
    expected = many * noise**growth
    if many > GROWN and expected > TOO_MANY * MOST_CELLS[dimension]:
        raise BarrierTooHighError(
            f"at {noise:.3g} times the noise {many} cells are needed to follow the density, at that which is asked for "
            f"about {expected:.1g}",
            "more noise, or a smaller domain",
        )


def _foreseen(swing: float, before: tuple[GridFunction, float] | None, reached: float, noise: float) -> float:
    """By how much log rho will differ from a constant at the noise that is asked for, continued from two noises.

    Of psi = W/f + k + f r the line through f_0 and f_1 leaves out r f_0 f_1 / f at a much lower f, which shows at the
    noise f_2 where it was tried; the next line, through f_1 and f_2, leaves out f_2^2 / f_0 times that at f = 1.  What
    shows there of anything else, of what the grid does not resolve, say, grows like 1/f.
    """
    if before is None or not noise < reached:
        return np.inf
    return swing * max(noise**2 / before[1], noise / (1.0 - noise / reached))


def _next_factor(factor: float, swing: float) -> float:
    if swing < SERENE:
        return max(factor, SERENE_FACTOR)
    if swing < CALM:
        return min(1.4 * factor, max(LONGEST_FACTOR, factor / 1.4))
    return max(factor / 1.3, SHORTEST_FACTOR) if swing > WILD else factor


def _continued(
    before: tuple[GridFunction, float] | None, gauge: GridFunction, reached: float, noise: float
) -> GridFunction:
    """psi at a lower noise f: it is W/f + k, k from the last two noises, trusted within limits."""
    scaled = gauge.values * (reached / noise)
    if before is None:
        return replace(gauge, values=scaled)
    slope = (gauge.values - before[0].values) / (1.0 / reached - 1.0 / before[1])
    line = gauge.values + slope * (1.0 / noise - 1.0 / reached)
    lowest, highest = np.minimum(gauge.values, scaled), np.maximum(gauge.values, scaled)
    return replace(gauge, values=np.clip(line, lowest - LARGEST_BEND, highest + LARGEST_BEND))


def _settled(step: Callable[[GaugedDrift], Step], process: GaugedDrift, *, patient: bool) -> GridFunction | None:
    """Gauge steps at one noise until another changes nothing to speak of; None where they do not get there.

    A steep place between the points of the grid can keep a step from ever being small. Such a gauge serves, too, for
    rho loses few digits to a factor of exp(``TOLERABLE``): of those that were tried, the one that was off by least.
    """
    best, least = None, TOLERABLE
    for _ in range(MOST_REPEATS):
        found = step(process)
        if found.lost or (found.swing > WILD and not patient):
            break
        if found.swing < SETTLED:
            return found.gauge
        stalled = best is not None and found.swing > STALLED * least
        if found.swing < least:
            best, least = process.gauge, found.swing
        if stalled:
            return best
        process = replace(process, gauge=found.gauge)
    return best


def _first_noise(process: GaugedDrift) -> float:
    """The factor on D at which the exponent cannot range over more than ``HOTTEST_RANGE``."""
    points = process.gauge.points
    tensor = np.moveaxis(process.diffusion.tensor(points), 2, 0)
    drift = process.drift(points) - process.diffusion.divergence(points)
    sizes = np.linalg.eigvalsh(tensor)[:, 0]
    speed = np.linalg.norm(drift, axis=0)
    usable = (sizes > 1e-12 * sizes.max()) & np.isfinite(speed)
    extent = float(np.linalg.norm(np.subtract(process.gauge.upper, process.gauge.lower)))
    reach = float((speed[usable] / sizes[usable]).max()) * extent
    return float(np.clip(reach / HOTTEST_RANGE, 1.0, 1e6))


def _step(
    process: GaugedDrift,
    base: Triangulation,
    known: Callable[[Triangulation], Nearly],
    attractors: Places,
    ceiling: Ceiling,
    finer: float,
) -> Step:
    gauge, dimension = process.gauge, base.dimension
    height, places = ceiling(process), attractors(process)
    mesh = resolved_below(base, process, places, height, finer * LARGEST_CHANGE[dimension], MOST_CELLS[dimension])
    on_grid = known(mesh)
    discretization = on_grid.discretization
    generator = assemble(discretization, process)
    rate = RATE * typical_rate(process)
    try:
        rho = condense(generator, well_nodes(discretization, places), [], rate).density_ratio()
    except ConvergenceError:  # where psi is far from -log p factors and couplings between wells leave the doubles
        return Step(np.inf, True, gauge, len(mesh.cells))
    positive = (rho > 0.0) & (generator.exponent < height - SURE)
    logs = np.log(np.where(positive, rho, 1.0))
    core = generator.exponent < height - CERTAIN
    if not core.any() or not positive[core].all() or not np.isfinite(rho).all():
        return Step(np.inf, True, gauge, len(mesh.cells))
    typical = float(np.median(logs[core]))
    swing = float(np.abs(logs[core] - typical).max())
    if swing > LARGEST_STEP:
        return Step(swing, True, gauge, len(mesh.cells))
    # the mesh sees no more of the gauge than its interpolant: what lies between must not stay, and grow
    fresh = on_grid(np.where(positive, generator.exponent + typical - logs, np.nan))
    change = np.clip(fresh.reshape(gauge.values.shape) - gauge.values, -LARGEST_STEP, LARGEST_STEP)
    seen = np.isfinite(change)
    values = gauge.values + extended(np.where(seen, change, 0.0), seen)
    for axis, wraps in enumerate(gauge.periodic):
        if wraps:
            first = np.take(values, [0], axis)
            values = np.concatenate([np.delete(values, -1, axis), first], axis)
    return Step(swing, False, replace(gauge, values=values - values.min()), len(mesh.cells))


def typical_rate(process: GaugedDrift) -> float:
    """Rate of diffusion across the box, slower than any well settles."""
    points = process.gauge.points
    sizes = np.linalg.eigvalsh(np.moveaxis(process.diffusion.tensor(points), 2, 0))[:, 0]
    extent = float(np.max(np.subtract(process.gauge.upper, process.gauge.lower)))
    return float(process.noise * np.median(sizes) * (np.pi / extent) ** 2)


def resolved_below(
    triangulation: Triangulation, weighting: Weighting, attractors: Floats, ceiling: float, change: float, most: int
) -> Triangulation:
    """Bisect until psi changes by at most ``change`` in a cell below the ceiling; cut off what lies above."""
    while True:
        low, high = exponent_range(triangulation, weighting)
        keep = low < ceiling
        marked = keep & (np.minimum(high, ceiling) - low > change)
        if not marked.any():
            if keep.all():
                return triangulation
            if len(attractors):
                keep = component_holding(triangulation, keep, attractors)
            return without_cells(triangulation, keep)
        if len(triangulation.cells) > most:
            raise BarrierTooHighError(
                f"more than {most} cells are needed to follow the density",
                "more noise, a smaller domain, or a smoother drift",
            )
        triangulation = refine(triangulation, marked)
