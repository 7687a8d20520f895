"""S^-1 by conjugate gradients on vertex stars, or by a factorisation after all where these do not converge."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.algebra.conjugate_gradients import conjugate_gradients
from fokker_planck.formulas.arrays import Floats

if TYPE_CHECKING:
    from fokker_planck.fem.algebra.vertex_stars import VertexStars

logger = logging.getLogger(__name__)

LARGEST_FACTOR = 500_000
"""Unknowns on faces, beyond which an iteration that has failed is reported: 400,000 of degree 5 take 5.2 GB to factor,
and memory grows with their power of 4/3."""


class IteratedSolve:
    """S^-1 for any number of right-hand sides; every solve is checked, and the first that fails is the last iterated.

    What it is solved with is the one thing that changes: all ranks meet the same failure, since they share every number
    by which it is judged.
    """

    def __init__(self, stars: VertexStars) -> None:
        self._stars: VertexStars | None = stars
        self._factor: _petsc.Factorization | None = None

    @property
    def iterated(self) -> bool:
        """Whether no solve has failed so far."""
        return self._factor is None

    def solve(self, right: Floats, digits: int | None = None) -> Floats:
        """S^-1 ``right``, (n,), to so many ``digits`` in energy, or all of every entry.

        Raises ``ConvergenceError`` where neither way gives an answer.
        """
        if self._stars is not None:
            try:
                return conjugate_gradients(self._stars, right, digits)
            except ConvergenceError as error:
                if len(right) > LARGEST_FACTOR:
                    found = f"{error.reason}, and {len(right):,} unknowns are too many to be factored"
                    raise ConvergenceError(found, error.remedy) from None
                logger.info("%s: %s unknowns are factored instead", error.reason, f"{len(right):,}")
                # the preconditioner is freed before the factor is made
                blocks, comm, self._stars = self._stars.blocks, self._stars.portion.comm, None
                summed = _petsc.matrix(comm, len(right), blocks.numbers, blocks.matrices(slice(None)))
                self._factor = _petsc.Factorization(summed)
        if self._factor is None:
            raise ConvergenceError("neither conjugate gradients nor a factorisation succeeded", _petsc.REMEDY)
        return self._factor.solve(right)
