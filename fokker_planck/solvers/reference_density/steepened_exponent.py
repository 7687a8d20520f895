"""A reference exponent followed from a guess that is too shallow, for noise in some directions only.

A grid on which missing noise is that of upwinding finds a density that is too wide: by tens of units far out, where rho
= e^psi p is then lost in the rounding of what is near.  What is lost is at least so small as what shows beside it.
So psi goes to psi - log rho with rho kept between exp(-4) and exp(4), lost values taken for exp(-4), and smoothed where
it moved: it becomes steeper from the inside outwards, until rho is positive and near one where it counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.fields.interpolation import nearly
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.reference_exponent import FollowedWeight
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.grids.spline import GridFunction, extended
from fokker_planck.solvers.condensation.wells import condense, well_nodes
from fokker_planck.solvers.reference_density.falling_noise import MOST_CELLS
from fokker_planck.solvers.reference_density.followed_exponent import (
    CERTAIN,
    RATE,
    SETTLED,
    TOLERABLE,
    Needed,
    Question,
)
from fokker_planck.solvers.reference_density.moved_exponent import DEGREE
from fokker_planck.solvers.reference_density.resolved_cells import resolved_below

CHANGE = {2: 10.0, 3: 10.0}
"""Of psi in a cell: coloured noise in the quartic well took 800 cells."""
FURTHEST = 4.0
"""Of log rho in one step: what is below exp(-4) beside values of one is a few digits off at the degree that is used."""
ROUNDS = 10
"""Of steps, 0.4 s of CPU each in the plane: coloured noise in the quartic well swings by 0.9 after one, 0.6 after
nine."""
SMOOTH, MOVED, BESIDE = 2.0, 1.0, 0.02
"""Steps of the grid over which psi is smoothed where it moved by more than ``MOVED``, and beside such points."""
NEAR = 3.0
"""Of psi above its minimum, where rho is typical."""


def steepened_exponent(question: Question, guesses: Iterable[Any]) -> GridFunction:
    """psi with |psi + log p - constant| below one wherever the question needs it, from the first guess that serves.

    Raises ``ConvergenceError`` where none does.
    """
    grid = question.process.exponent
    for guess in guesses:
        values = np.asarray(guess.value(grid.points)).reshape(grid.values.shape)
        if np.isfinite(values).all():
            guessed = replace(question.process, exponent=replace(grid, values=values - values.min()))
            found = _settled(question, guessed)
            if found is not None:
                return found
    raise ConvergenceError(
        "the stationary density, of noise in some directions only, is not found from any of its guesses",
        "more noise, or a smaller domain, whose walls the drift leads in from",
    )


def _settled(question: Question, process: FollowedWeight) -> GridFunction | None:
    """The exponent with the smallest swing of log rho, the first that is ``SETTLED``; None if none is ``TOLERABLE``."""
    best, least = None, TOLERABLE
    for _ in range(ROUNDS):
        try:
            swing, following = _step(question, process)
        except ConvergenceError:
            break
        if swing < least:
            best, least = process.exponent, swing
        if swing < SETTLED:
            break
        process = replace(process, exponent=following)
    return best


def _step(question: Question, process: FollowedWeight) -> tuple[float, GridFunction]:
    """How far log rho is from constant where it has to be known, infinite where rho is not positive; the next psi."""
    needed: Needed = question.needed(process)
    dimension = question.base.dimension
    mesh = resolved_below(
        question.base, process, needed.places, needed.height, CHANGE[dimension], MOST_CELLS[dimension]
    )
    on_grid = nearly(discretize(mesh, DEGREE[dimension]), process.exponent.points)
    generator = assemble(on_grid.discretization, process)
    nodes = well_nodes(on_grid.discretization, needed.places)
    rho = condense(generator, nodes, [], RATE * question.rate).density_ratio()
    psi = generator.exponent
    typical = float(np.median(rho[psi < psi.min() + NEAR]))
    if not (np.isfinite(rho).all() and typical > 0.0):
        raise ConvergenceError("a density that is not positive where it is largest", "more noise")
    core = psi < max(needed.height - CERTAIN, psi.min() + NEAR)
    positive = rho > 0.0
    logs = np.log(np.where(positive, rho / typical, np.exp(-FURTHEST)))
    swing = float(np.abs(logs[core]).max()) if positive[core].all() else np.inf
    moves = on_grid(np.where(psi < needed.height, -np.clip(logs, -FURTHEST, FURTHEST), np.nan))
    return swing, _moved(process.exponent, moves.reshape(process.exponent.values.shape))


def _moved(exponent: GridFunction, moves: Floats) -> GridFunction:
    """psi with what it moves by where that is known, continued from there, and smooth."""
    from scipy.ndimage import gaussian_filter

    known = np.isfinite(moves)
    moves = np.asarray(extended(np.where(known, moves, 0.0), known))
    modes = ["wrap" if around else "nearest" for around in exponent.periodic]
    rough = gaussian_filter((np.abs(moves) > MOVED).astype(float), SMOOTH, mode=modes) > BESIDE
    values = exponent.values + np.where(rough, gaussian_filter(moves, SMOOTH, mode=modes), moves)
    for axis, wraps in enumerate(exponent.periodic):
        if wraps:
            first = np.take(values, [0], axis)
            values = np.concatenate([np.delete(values, -1, axis), first], axis)
    return replace(exponent, values=values - values.min())
