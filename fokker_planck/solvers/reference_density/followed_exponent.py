"""A reference exponent that follows a density nobody knows: psi near -log p, up to a constant.

With any psi the stationary density is p = e^-psi rho, with rho from the left potentials.  Then psi - log rho is a
better one.  Where psi is far from -log p, by more than the digits of a double, rho is lost; so the noise is raised
until psi = 0 will do, and lowered again step by step (D -> f D, f -> 1, psi growing like 1/f).

psi is a spline on a grid, of interest only below a ceiling: the highest saddle of the question and thirty units
of epsilon more.  Higher up, where rho becomes noise, cells are cut away and psi is continued smoothly.  Its own error
does not enter the answers: the forms are those of the process with every psi.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.reference_exponent import FollowedWeight, Weighting
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.condensation.wells import condense, well_nodes
from fokker_planck.solvers.reference_density.falling_noise import (
    AFFORDABLE,
    CALM,
    CALMLY_THERE,
    CHAINED_FACTOR,
    CHEAP,
    FIRST_FACTOR,
    FORESEEN,
    MOST_AHEAD,
    MOST_CELLS,
    MOST_WASTED,
    NEARLY_THERE,
    SHORTEST_FACTOR,
    WILD,
    Step,
    Way,
    check_growth,
    check_steps,
    continued,
    first_noises,
    foreseen_swing,
    next_factor,
)
from fokker_planck.solvers.reference_density.moved_exponent import LARGEST_STEP, Meshes, Repaired, moved
from fokker_planck.solvers.reference_density.resolved_cells import Resolved, resolved
from fokker_planck.solvers.reference_density.unresolved_ratio import MOST_REPAIRS, worth_refining

logger = logging.getLogger(__name__)

LARGEST_CHANGE = {1: 8.0, 2: 14.0, 3: 10.0}
"""Of psi in a cell while it is followed: log rho is wanted to a few tenths only. The rotated quartic well at barrier
100 takes 3.4 s of CPU with 14 in the plane and 7.8 s with 10, psi being right to 0.01; with 18 rho is lost there."""
SETTLED, TOLERABLE = 0.7, 6.0
"""Of log rho: a factor of 400 costs rho two to three of its digits, and the margin above the saddles a third of itself.
Beside curved walls, and where noise that jumps gives the exponent a kink, a grid does no better than 3 or 4."""
SETTLED_WHERE_DEAR = 2.0
"""The same on meshes of more than ``AFFORDABLE`` cells, where one solve more takes up to 11 s: noise 225 times stronger
in one direction, 1.2 on 39,000 cells, 1.34 after another step, and a rate between sets the same within 7e-6. Up to
``WILD`` where the noise before foretold as much: eleven wells, 2.1 at 1.4 times the noise, 2.7 on 23,600 cells then,
2.9 after another step of 5 s."""
NEARLY = 1.005
"""Times the noise that is asked for, which three digits call the noise itself."""
DEAREST = 40_000
"""Cells from which on an exponent that is ``TOLERABLE`` is taken as it is: another solve takes 12 s and more. Sixteen
wells, 3.6 on 60,600 cells, were lost after it, and the exponent before it served."""
STALLED = 1.0
"""Of the least swing before, where that was ``TOLERABLE``: what is left is what the mesh does not resolve, and more
steps found the same to 5 % (two Gaussian wells in space: 0.91, 1.04, 0.98, 1.00, 0.99 ...)."""
SURE, CERTAIN = 14.0, 22.0
"""Units of epsilon below the cutoff where rho is used if it is positive, and where it has to be: 10 and 18 for the one,
18 for the other gave the same exit time within its bar; with 30 nothing was left to be certain of."""
MOST_STEPS = 80
"""Noises: at ``SHORTEST_FACTOR`` a factor of 50; what needs more than 80 is given up."""
MOST_REPEATS = 6
"""Solves at one noise, each with the exponent of the one before: what has not settled by then does not."""
MENDED = 0.97
"""Of a swing that is too large, what smaller cells leave where they are of use: 7.3, 6.2 and 5.9 in turn; where it is
the exponent that is wrong, and not the mesh, 19.0, 19.1, 19.2 and 19.2, on 16,000 cells in three seconds each."""
RATE = 1e-3
"""Of a typical rate, which condensation adds to be regular: 1e-4 and 1e-2 gave the same to all digits."""
MOST_CREEPING = 6
"""Steps of ``SHORTEST_FACTOR`` in a row, where nothing attracts: a saddle alone has no density to follow, and its exit
time needs none; 40 such steps took 170 s before that was asked without."""
FINENESS = 2.5
"""By what the change of psi in a cell is divided where the density is lost though the noise hardly fell: a circulation
that is strong beside the noise makes layers that psi does not show (Brusselator: 10 is too much, 4 is enough)."""
LEAST_MARGIN = CERTAIN + 6.0
"""Above the saddles, so that a few units of epsilon are certain at any tolerance."""


@dataclass(frozen=True)
class Needed:
    """What a question needs of a weight: none above a ``height``; ``places`` (K, dim) lie in all wells that count."""

    height: float
    places: Floats


@dataclass(frozen=True)
class Question:
    """What is asked of an unknown density: the process with no weight yet, a coarse mesh of its domain, what counts.

    ``rate`` is a typical one at the noise that is asked for.
    """

    process: FollowedWeight
    base: Triangulation
    needed: Callable[[Weighting], Needed]
    rate: float


def followed_exponent(
    question: Question, guesses: Sequence[Any] = (), chained: Callable[[float], Any] = lambda noise: None
) -> GridFunction:
    """psi with |psi + log p - constant| below one wherever the question needs it.

    ``guesses`` are exponents to begin with, the likeliest first, if any are known.  What ``chained`` gives at so many
    times the noise, if anything, is the first exponent on the way, and at the noise that is asked for one more guess,
    to be tried once where the density has been followed for a while and is lost.

    Raises ``ConvergenceError`` where the density cannot be followed down to the noise that is asked for.
    """
    meshes = Meshes()
    settled = _from_guesses(question, meshes, guesses)
    if settled is not None:
        return settled
    way, wasted, rescued = _begun(question, chained), 0, False
    for _ in range(MOST_STEPS):
        logger.debug(f"the density at {way.noise:.3g} times the noise")
        trial = replace(question.process, exponent=way.trial(), noise=way.noise)
        found = _tried(question, meshes, way, trial)
        if isinstance(found, Way):
            way = found
            continue
        begun = way.begun_otherwise(found)
        if begun is not None:
            way = begun
            continue
        wasted += found.cells if found.swing > TOLERABLE else 0
        ahead = way.cells_ahead(found.cells) if question.base.dimension == 2 and not found.lost else 0.0
        if (found.lost or ahead > MOST_AHEAD) and not (rescued or way.nothing_yet):
            guess, rescued = chained(1.0), True
            settled = None if guess is None else _from_guesses(question, meshes, [guess], patient=True)
            if settled is not None:
                return settled
        check_steps(ahead, way.noise)
        if wasted > MOST_WASTED and question.base.dimension == 2:
            break
        following = _after(question, meshes, way, found, trial.exponent)
        if following is None:
            break
        if isinstance(following, GridFunction):
            return following
        way = following.lowered()
    reached = "down to" if way.noise < NEARLY else f"below {way.noise:.3g} times"
    raise ConvergenceError(
        f"the stationary density cannot be followed {reached} the noise that is asked for",
        "more noise or a smaller domain; where the quasipotential has kinks this is as far as the method goes",
    )


def _begun(question: Question, chained: Callable[[float], Any]) -> Way:
    """With the exponent of a chain, if there is one, where noise is much more than is asked for; else with none."""
    first, hottest = first_noises(question.process)
    flat = question.process.exponent
    plain, noise = Way(first, FIRST_FACTOR, flat, hottest=hottest), first / CHAINED_FACTOR
    guess = chained(noise) if noise > FIRST_FACTOR else None
    if guess is None:
        return plain
    values = np.asarray(guess.value(flat.points)).reshape(flat.values.shape)
    if not np.isfinite(values).all():
        return plain
    return Way(noise, FIRST_FACTOR, replace(flat, values=values - values.min()), hottest=0.0, otherwise=plain)


def _tried(question: Question, meshes: Meshes, way: Way, trial: FollowedWeight) -> Step | Way:
    """The next step of the way; the way with larger cells, where those of the step are too many and may be larger."""
    try:
        return _step(question, meshes, trial, FINENESS**-way.fineness)
    except BarrierTooHighError:
        coarser = way.after_too_many()
        if coarser is None:
            raise
        return coarser.lowered()


def _from_guesses(
    question: Question, meshes: Meshes, guesses: Sequence[Any], *, patient: bool = False
) -> GridFunction | None:
    """The exponent that follows from the first guess that serves at the noise that is asked for, if one does."""
    grid = question.process.exponent
    for guess in guesses:
        values = np.asarray(guess.value(grid.points)).reshape(grid.values.shape)
        if not np.isfinite(values).all():
            continue
        guessed = replace(question.process, exponent=replace(grid, values=values - values.min()))
        try:
            settled = _settled(question, meshes, guessed, 0, patient=patient)
        except ConvergenceError:
            continue  # the guess may be far steeper than the density is: it says nothing about that
        if settled is not None:
            return settled
    return None


def _after(question: Question, meshes: Meshes, way: Way, found: Step, tried: GridFunction) -> Way | GridFunction | None:
    """How to go on from a step; the exponent itself where that is known now, None where nothing helps."""
    return way.after_loss(found) if found.lost else _after_success(question, meshes, way, found, tried)


def _after_success(
    question: Question, meshes: Meshes, way: Way, found: Step, tried: GridFunction
) -> Way | GridFunction | None:
    """How to go on from a noise that served: the exponent itself where that is known now, None where nothing helps."""
    foreseen, finest = foreseen_swing(found.swing, way.before, way.reached, way.noise), way.finest(found.cells)
    stays = found.cells > AFFORDABLE and found.swing < min(WILD, way.unresolved)
    before = None if way.nothing_yet or way.reached == way.noise else (way.exponent, way.reached)
    way = replace(way, before=before, exponent=found.exponent, reached=way.noise, swing=found.swing, losses=0)
    if foreseen < FORESEEN:
        return continued(way.before, way.exponent, way.reached, 1.0)
    here = replace(question.process, exponent=way.exponent, noise=way.reached)
    way = replace(way, sizes=(*way.sizes, (way.reached, found.cells)))
    check_growth(way.sizes, question.base.dimension, lambda: _all_stay(question.needed, here))
    factor = next_factor(way.factor, found.swing)
    nearly = CALMLY_THERE if found.swing < CALM else NEARLY_THERE
    way = replace(way, factor=factor, creeping=way.creeping + 1 if factor <= SHORTEST_FACTOR else 0, nearly=nearly)
    if way.creeping > MOST_CREEPING and not len(question.needed(question.process).places):
        return None
    if way.reached != 1.0:
        return way
    if stays or _has_settled(found):
        return way.exponent
    if found.cells > DEAREST and found.swing < TOLERABLE:
        return tried
    here, known = replace(question.process, exponent=way.exponent), (tried, found.swing)
    settled = _settled(question, meshes, here, way.fineness, patient=True, known=known)
    if settled is not None:
        return settled
    # the next exponent begins at the noise of this one: there is nothing to continue
    return None if finest or found.cells > CHEAP else replace(way, before=None, fineness=way.fineness + 1)


def _has_settled(found: Step) -> bool:
    """Whether another solve at the same noise is not worth its time."""
    return found.swing < (SETTLED_WHERE_DEAR if found.cells > AFFORDABLE else SETTLED)


def _all_stay(needed: Callable[[Weighting], Needed], reached: FollowedWeight) -> bool:
    """Whether the wells that count at this noise will count at the one asked for, to which the exponent grows as 1/f.

    Where some will not, meshes grow no more from there on as they did: a periodic free energy whose two wells are 500
    units of epsilon apart would need 2e6 cells as they grew at 13 times the noise, and is answered on 2,000.
    """
    values = reached.exponent.values * reached.noise
    asked = replace(reached, exponent=replace(reached.exponent, values=values), noise=1.0)
    return len(needed(asked).places) == len(needed(reached).places)


def _settled(
    question: Question,
    meshes: Meshes,
    process: FollowedWeight,
    fineness: int,
    *,
    patient: bool,
    known: tuple[GridFunction | None, float] = (None, np.inf),
) -> GridFunction | None:
    """Steps at one noise until another changes nothing to speak of; None where they do not get there.

    A steep place between the points of the grid can keep a step from ever being small. Such an exponent serves, too,
    for rho loses few digits to a factor of exp(``TOLERABLE``): of those that were tried, the one that was off by
    least.  ``known`` is one of them, with what it was off by: where the exponent has a kink the next may be worse.
    """
    best, least = known if known[1] < TOLERABLE else (None, TOLERABLE)
    for _ in range(MOST_REPEATS):
        found = _step(question, meshes, process, FINENESS**-fineness)
        if found.lost or (found.swing > WILD and not patient):
            break
        if _has_settled(found):
            return found.exponent
        stalled = best is not None and found.swing > STALLED * least
        if found.swing < least:
            best, least = process.exponent, found.swing
        if stalled:
            return best
        process = replace(process, exponent=found.exponent)
    return best


def _step(question: Question, meshes: Meshes, process: FollowedWeight, finer: float) -> Step:
    """One solve with the weight and at the noise of ``process``, psi changing by so much less in a cell.

    Where rho is lost, or swings by more than an exponent may be off, and a few cells do not resolve it, it is solved
    for once more on smaller ones.
    """
    base, needed = question.base, question.needed(process)
    change, most = finer * LARGEST_CHANGE[base.dimension], MOST_CELLS[base.dimension]

    def cut(whole: Triangulation, most: float) -> Resolved:
        return resolved(whole, process, needed.places, needed.height, change, most)

    whole = meshes.to_begin_with(base, process.noise, finer)
    repaired = whole is not base
    try:
        mesh = cut(whole, most)
    except BarrierTooHighError:
        if not repaired:
            raise
        mesh, repaired = cut(base, most), False
    before = np.inf
    for _ in range(1 + MOST_REPAIRS):
        found, generator, rho = _solved(question, meshes, process, needed, mesh.below)
        if rho is None or not TOLERABLE < found.swing <= MENDED * before:
            break
        before = found.swing
        smaller = worth_refining(generator, rho, needed.height - SURE)
        if not smaller.any():
            break
        mesh, repaired = cut(mesh.refined(smaller), np.inf), True
    if repaired and not found.swing > TOLERABLE:
        meshes.repaired = Repaired(mesh.whole, process.noise, finer)
    return found


def _solved(
    question: Question, meshes: Meshes, process: FollowedWeight, needed: Needed, mesh: Triangulation
) -> tuple[Step, Generator, Floats | None]:
    """The step that follows from one mesh, and rho (N,) there, if that is anything."""
    exponent, height = process.exponent, needed.height
    on_grid, lost = meshes.on_grid(mesh, exponent), Step(np.inf, True, exponent, len(mesh.cells))
    generator = assemble(on_grid.discretization, process)
    try:
        nodes = well_nodes(on_grid.discretization, needed.places)
        rho = condense(generator, nodes, [], RATE * process.noise * question.rate).density_ratio()
    except ConvergenceError:  # where psi is far from -log p factors and couplings between wells leave the doubles
        return lost, generator, None
    positive = (rho > 0.0) & (generator.exponent < height - SURE)
    logs = np.log(np.where(positive, rho, 1.0))
    core = generator.exponent < height - CERTAIN
    if not core.any() or not positive[core].all() or not np.isfinite(rho).all():
        return lost, generator, rho
    typical = float(np.median(logs[core]))
    swing = float(np.abs(logs[core] - typical).max())
    if swing > LARGEST_STEP:
        return replace(lost, swing=swing), generator, rho
    # the mesh sees no more of psi than its interpolant: what lies between must not stay, and grow
    fresh = on_grid(np.where(positive, generator.exponent + typical - logs, np.nan))
    found = moved(exponent, fresh.reshape(exponent.values.shape), meshes.inside(question.base, exponent))
    return Step(swing, False, found, len(mesh.cells)), generator, rho
