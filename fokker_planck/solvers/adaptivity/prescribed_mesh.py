"""How far an answer on a mesh that is prescribed can be from the truth: by finer meshes, until these agree.

On a mesh that resolves nothing the answers of two degrees may both be wrong, and near to each other: the question is
put again with a higher degree, and then on the mesh with all cells bisected, until two in turn differ by much less
than the answer from both.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import Any

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Floats

SETTLED = 0.3
"""Two references in turn agree if they differ by this part of the error that they show."""
ROOM = 1.5
"""By what the difference to a mesh bisected several times is multiplied: nearly all of the error."""
NOTHING = 1e-11
"""A difference that is rounding, and shows no rate."""
MOST_UNKNOWNS = {1: 100_000, 2: 120_000, 3: 40_000}
"""Of a finer mesh: a few seconds.  A prescribed mesh of more than a quarter of it is verified by two higher degrees."""
MOST_STEPS = 6
"""Bisections of a prescribed mesh, 64 times finer: beyond, the unknowns end it in all dimensions."""
WORST = 1.0
"""A bar beyond which no digit is known."""

Ask = Callable[[Triangulation, int], Any]


def prescribed_errors(
    numbers: Any, weights: Floats, mesh: Triangulation, degree: int, higher: int, safety: float, ask: Ask
) -> Floats:
    """Relative errors of ``numbers`` (k,), natural logarithms found with ``degree`` on ``mesh``.

    Parameters
    ----------
    numbers
        of the answer.
    weights
        how much each counts, (k,), at most one.
    mesh
        that is prescribed.
    degree
        of the elements.
    higher
        degrees added to verify it.
    safety
        by what the difference to them is multiplied on a mesh that is fine enough.
    ask
        the numbers on a mesh with a degree.

    Raises
    ------
    ConvergenceError
        Where finer meshes do not agree within reach, or the answer has no digit.
    """
    before, finer = ask(mesh, degree + higher), mesh
    first = _apart(numbers, before)
    for step in range(MOST_STEPS):
        bisected = refine(finer, np.ones(len(finer.cells), dtype=bool), all_edges=mesh.dimension < 3)
        if _unknowns(bisected, degree + higher) <= MOST_UNKNOWNS[mesh.dimension]:
            finer = bisected
            last = ask(finer, degree + higher)
        elif step == 0:
            last = ask(mesh, degree + 2 * higher)
        else:
            break
        error, change = _apart(numbers, last), _apart(before, last)
        if (weights * change <= np.maximum(SETTLED * weights * error, NOTHING)).all():
            bar = ROOM * error + safety * change
            return np.asarray(np.maximum(bar, safety * np.maximum(first, error)) if step == 0 else bar)
        before = last
    raise ConvergenceError("the mesh is so coarse that no finer one within reach tells its error", REMEDY)


REMEDY = "more cells, a higher degree, or no prescribed cells at all"


def _apart(numbers: Any, reference: Any) -> Floats:
    """Error of numbers relative to a reference, both by logarithms; infinite where there are not as many."""
    if len(numbers) != len(reference):
        return np.full(len(numbers), np.inf)
    with np.errstate(over="ignore"):
        return np.asarray(np.abs(np.expm1(numbers - reference)))


def _unknowns(mesh: Triangulation, degree: int) -> float:
    return len(mesh.cells) * degree**mesh.dimension / factorial(mesh.dimension)
