"""The rate of the slowest mode between the wells, A_FF u = lambda M_FF u, in a Krylov space of A_FF^-1 M.

Inverse iteration lingers: one that begins near a fast mode keeps its rate for a dozen steps, until what it has of the
slowest one has grown, and nothing tells that from the end.  In the space of all its vectors that shows in half as many.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.algebra.static_condensation import CondensedFactorization
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.quantity.light_dataclasses import dataclass

MODE_DIGITS = 4
"""Of its solves, where these are iterations: for a rate to 5 %."""
MOST_SOLVES = 20
"""Of which six to twelve are taken."""
UNCHANGED, IN_A_ROW = 0.05, 3
"""Of the rate, what so many solves in a row are to leave of it: between wells 80 units of epsilon deep the mode on the
saddle, at 8.0, was taken for one of a well, at 18.5, by a first vector with 1e-4 of it; two in a row leave it so."""
NOTHING_NEW = 1e-8
"""Of an image, what is left of it beside those before when the space is all that there is."""


@dataclass
class Looked:
    """The slowest ``rate`` on the mesh of most ``cells`` that was looked at for a question and needed no more wells.

    One with no more of them, of another degree or with more cut away, is there to verify the answer on that.
    """

    cells: int = 0
    rate: float = np.inf

    def covers(self, generator: Generator) -> bool:
        """Whether nothing new is to be looked for on the mesh of a generator."""
        return len(generator.discretization.triangulation.cells) <= self.cells

    def tell(self, generator: Generator, rate: float) -> None:
        """What was found there."""
        self.cells, self.rate = len(generator.discretization.triangulation.cells), rate


def slowest_mode(generator: Generator, rest: Booleans, inner: CondensedFactorization) -> tuple[float, Floats]:
    """Its rate, to some 5 %, and the size of the mode at every unknown (N,); infinite where nothing is between them."""
    if not rest.any():
        return np.inf, np.zeros(len(rest))
    basis, images = np.empty((2, MOST_SOLVES, len(rest)))
    projected = np.zeros((MOST_SOLVES, MOST_SOLVES))
    vector, rate, stays = first_guess(generator, rest), np.inf, 0
    image = generator.apply_mass(vector)
    for count in range(1, MOST_SOLVES + 1):
        size = float(np.sqrt(vector @ image))
        basis[count - 1], images[count - 1] = vector / size, image / size
        vector = inner.solve(images[count - 1], digits=MODE_DIGITS)
        before, whole = rate, float(np.sqrt(max(float(vector @ generator.apply_mass(vector)), 0.0)))
        # twice: what rounding leaves of the first time goes
        for _ in range(2):
            shares = images[:count] @ vector
            vector = vector - shares @ basis[:count]
            projected[:count, count - 1] += shares
        values, vectors = np.linalg.eig(projected[:count, :count])
        slowest = int(np.argmax(np.abs(values)))
        rate = 1.0 / float(np.abs(values[slowest]))
        stays = stays + 1 if abs(before - rate) < UNCHANGED * rate else 0
        image = generator.apply_mass(vector)
        left = float(np.sqrt(max(float(vector @ image), 0.0)))
        if stays == IN_A_ROW or left <= NOTHING_NEW * whole or count == MOST_SOLVES:
            break
        projected[count, count - 1] = left
    return rate, np.abs(vectors[:, slowest] @ basis[:count])


def first_guess(generator: Generator, rest: Booleans) -> Floats:
    """A vector (N,) on F in which every slow mode has a share, those where the weight is and those far up.

    Every unknown has as much of it: ones lie nearly all far up, where the weight changes by 50 in a coarse cell, and
    had of the mode on a saddle what rounding leaves.
    """
    diagonal = generator.mass_diagonal
    there, everywhere = rest & (diagonal > 0.0), np.zeros(len(rest))
    everywhere[there] = 1.0 / np.sqrt(diagonal[there])
    parts = [everywhere, np.where(rest, generator.constant, 0.0)]
    sizes = [np.sqrt(max(float(part @ generator.apply_mass(part)), 1e-300)) for part in parts]
    return np.asarray(parts[0] / sizes[0] + parts[1] / sizes[1])
