"""A question on one mesh, and once more with another degree there, which says how far the answer can be off."""

from __future__ import annotations

import logging
from math import factorial

import numpy as np
from mpi4py import MPI

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.solvers.answer_types import Kept
from fokker_planck.solvers.beginning import Beginning
from fokker_planck.solvers.corners import exponents_of_cells, singular_corners
from fokker_planck.solvers.error_bars import (
    HIGHER,
    LEAST_PREDICTABLE,
    LEAST_SHARE,
    LEAST_SHARE_OF_DEGENERATE,
    bars_by,
    bars_by_less,
    predicted_errors,
)

logger = logging.getLogger(__name__)

LARGE = 5000
"""Cells from which on the matrices of the mesh before are handed back first, which takes a while."""
LONG = {1: 200_000, 2: 40_000, 3: 8_000}
"""Unknowns with which a mesh takes about two seconds, and is announced however little ago the one before was."""


def asked(problem: Problem, first: Beginning, mesh: Triangulation) -> Kept:
    """The answer on a mesh, with its estimated error in every cell, and of every number."""
    make_room(mesh)
    say(mesh, first.degree, "")
    discretization = discretize(mesh, first.degree)
    found = first.ask(discretization)
    indicator, predicted = predicted_errors(found)
    nowhere = np.zeros(discretization.count, dtype=bool)
    corners = singular_corners(discretization, nowhere if found.absorbed is None else found.absorbed, first.medium)
    at_corners, slowest = np.zeros(len(predicted)), min(corners.slowest, found.slowest)
    if len(corners.exponents):
        exponents = exponents_of_cells(discretization, corners)
        at_corners = predicted_errors(found, exponents)[1]
        poles = [mode.pole for modes in found.modes for mode in modes if mode.pole is not None]
        # a value at the corner itself is no energy: its error falls like p^(-2 alpha)
        own = min([slowest, *(0.5 * float(exponents[pole].min(initial=np.inf)) for pole in poles)])
        slowest = discretization.comm.allreduce(own, op=MPI.MIN)
    weights = np.ones(len(found.numbers)) if found.weights is None else found.weights
    numbers, payload = found.numbers, found.payload
    share = found.least_share
    if share is None:
        share = LEAST_SHARE_OF_DEGENERATE if is_degenerate(problem) else LEAST_SHARE
    return Kept(discretization, numbers, payload, weights, indicator, predicted, corners, at_corners, slowest, share)


def say(mesh: Triangulation, degree: int, purpose: str) -> None:
    """What is about to be solved: to whoever listens, aloud where it takes long."""
    cells = len(mesh.cells)
    unknowns = cells * degree**mesh.dimension / factorial(mesh.dimension)
    level = logging.INFO if unknowns > LONG[mesh.dimension] else logging.DEBUG
    logger.log(level, f"{cells:,} cells of degree {degree}{purpose}")


def verified_bars(problem: Problem, first: Beginning, kept: Kept, enough: float) -> Floats:
    """Relative error of every number of an answer, (k,), by that of a higher degree on the same mesh.

    In space, where a degree more takes three times the factorisation, and in the plane without detailed balance, that
    of a degree less is asked first, see :func:`bars_by_less`. Where it is ``enough``, nothing else is asked.
    """
    mesh, higher = kept.discretization.triangulation, first.degree + HIGHER[problem.dimension]
    if first.less_first and first.degree >= LEAST_PREDICTABLE:
        errors = by_a_degree_less(problem, first, kept)
        if kept.worst(errors) <= enough:
            return errors
    make_room(mesh)
    say(mesh, higher, ", to verify")
    return bars_by(kept, first.ask(discretize(mesh, higher)).numbers)


def by_a_degree_less(problem: Problem, first: Beginning, kept: Kept) -> Floats:
    """Relative error of every number, (k,), by the difference to a degree less; infinite where it has other or none."""
    lower = discretize(kept.discretization.triangulation, first.degree - 1)
    try:
        found = first.ask(lower)
    except ConvergenceError:
        # a coarse mesh that serves with this degree need not with a degree less: rates between wells are negative there
        return np.full(len(kept.numbers), np.inf)
    return bars_by_less(kept, found.numbers, predicted_errors(found)[1])


def make_room(mesh: Triangulation) -> None:
    """Before a mesh whose matrices take some room, hand back that of those before, which takes a while."""
    if len(mesh.cells) > LARGE:
        _petsc.release_memory()
