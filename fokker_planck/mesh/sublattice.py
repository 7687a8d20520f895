"""A simplex cut into small ones with the points of its lattice as corners: what draws polynomials of high degree.

On a facet the pieces leave the regular lattice of that facet, in whatever order its vertices come, so that those of
neighbours meet in whole facets. Delaunay's triangulation of the same points does not: of four points of a square it
takes either diagonal, and an isosurface across two cells has cracks.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Integers

_PIECES: dict[int, dict[int, tuple[tuple[tuple[int, ...], ...], ...]]] = {
    1: {1: (((0,), (1,)),)},
    2: {1: (((0, 0), (1, 0), (0, 1)),), 2: (((1, 0), (1, 1), (0, 1)),)},
    3: {
        1: (((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)),),
        # an octahedron around its diagonal from (1, 0, 0) to (0, 1, 1)
        2: tuple(
            ((1, 0, 0), (0, 1, 1), first, second)
            for first, second in (
                ((0, 1, 0), (0, 0, 1)),
                ((0, 0, 1), (1, 0, 1)),
                ((1, 0, 1), (1, 1, 0)),
                ((1, 1, 0), (0, 1, 0)),
            )
        ),
        3: (((1, 0, 1), (1, 1, 0), (0, 1, 1), (1, 1, 1)),),
    },
}
"""By the dimension and the number of steps that a piece needs from its lowest point: corners in steps from there."""


def lattice_pieces(lattice: Integers, degree: int) -> Integers:
    """The ``degree``^dim pieces as numbers (pieces, dim + 1) of points ``lattice`` (n, dim) in steps of 1/``degree``.

    >>> lattice = np.array([[0, 0], [2, 0], [0, 2], [1, 1], [0, 1], [1, 0]])
    >>> lattice_pieces(lattice, 2).tolist()
    [[0, 5, 4], [4, 3, 2], [5, 1, 3], [5, 3, 4]]
    """
    number = {tuple(point): k for k, point in enumerate(lattice.tolist())}
    found = []
    for steps, shapes in _PIECES[lattice.shape[1]].items():
        for lowest in sorted(point for point in number if sum(point) <= degree - steps):
            for shape in shapes:
                found.append([number[tuple(a + b for a, b in zip(lowest, corner, strict=True))] for corner in shape])
    return np.array(found, dtype=np.int64)
