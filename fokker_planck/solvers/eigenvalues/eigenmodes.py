"""An eigenvalue of -L with its function, and what is known of it, however it was found: -L u = lambda u.

An eigenvalue is kept as log Re lambda + i Im lambda / Re lambda: two such numbers differ by the relative difference of
the real parts, and that of the imaginary parts over them; the real part may be far below the range of doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.cell_products import product
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Eigenmode:
    """An eigenvalue by its ``log``, with values of its function at the nodes, (N,), up to a factor, and ``modes``.

    ``modes`` are the functions on which its error rests; ``no_less`` is that, relative to the real part, of which no
    finer mesh makes less.  Of a complex pair one stands for both.  ``cluster`` says of which group of eigenvalues that
    cannot be told apart it is one: the ``log`` is then that of their mean.
    """

    log: Any
    nodal: Numbers
    modes: Sequence[Mode]
    no_less: float = 0.0
    cluster: Any = None

    @property
    def times(self) -> int:
        """How many eigenvalues it stands for: two if it is one of a pair."""
        return 2 if self.log.imag > 0.0 else 1


def checked(nodal: Numbers) -> Numbers:
    """The same values, which are doubles.

    Raises ``BarrierTooHighError`` where they are not.
    """
    if not np.isfinite(nodal).all():
        raise BarrierTooHighError(
            "a barrier is so high that eigenfunctions other than the slow ones are no doubles",
            "fewer eigenvalues, as many as there are wells, or more noise",
        )
    return nodal


def normalised(generator: Generator, mode: Eigenmode) -> list[Floats]:
    """Nodal values (N,) of norm one in the weight, positive where they are largest in it; of a pair of both functions.

    These are the real part of one of the two and the imaginary part of the other.
    """
    down = -0.5 * (generator.exponent - generator.lowest)
    weighted = times_exp(mode.nodal, down)
    phase = weighted[np.argmax(np.abs(weighted))]
    turned = mode.nodal * (np.conj(phase) / abs(phase))
    return [_of_norm_one(generator, part) for part in (turned.real, -turned.imag)[: mode.times]]


def _of_norm_one(generator: Generator, nodal: Floats) -> Floats:
    values = nodal[generator.discretization.dofs]
    log_norm = 0.5 * (product(generator, values, values).log_of_sum() - product(generator, 1.0, 1.0).log_of_sum())
    return times_exp(nodal, -log_norm)
