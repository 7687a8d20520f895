"""A way from one well to another over a saddle, as numbers: points, length along it, height."""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass, replace


@dataclass(frozen=True)
class PathOverSaddle:
    """phi(s) from a minimum over a saddle to another minimum, s the length along it.

    A curve across a periodic face goes on beyond it: differences of neighbouring points are short.

    Attributes
    ----------
    wells
        numbers of the minima where it begins and ends
    saddle
        number of the saddle
    summit
        which of the points is the saddle
    arclength
        s, from zero up, (n,)
    points
        phi(s), n rows of coordinates
    values
        V(phi(s)), which rises to the saddle and falls from there, (n,)

    Examples
    --------
    >>> path = PathOverSaddle((0, 1), 0, 1, (0.0, 1.0, 2.0), ((-1.0,), (0.0,), (1.0,)), (0.0, 0.25, 0.1))
    >>> path.length, path.reversed().values
    (2.0, (0.1, 0.25, 0.0))
    """

    wells: tuple[int, int]
    saddle: int
    summit: int
    arclength: tuple[float, ...]
    points: tuple[tuple[float, ...], ...]
    values: tuple[float, ...]

    @property
    def length(self) -> float:
        """Of the whole curve, in the units of the coordinates."""
        return self.arclength[-1]

    @property
    def x(self) -> Floats:
        """The points as an array, (dim, n)."""
        return np.array(self.points).T

    def reversed(self) -> PathOverSaddle:
        """The same curve from its end to its beginning."""
        return replace(
            self,
            wells=(self.wells[1], self.wells[0]),
            summit=len(self.points) - 1 - self.summit,
            arclength=tuple(self.length - s for s in reversed(self.arclength)),
            points=self.points[::-1],
            values=self.values[::-1],
        )

    def scaled(self, factor: float) -> PathOverSaddle:
        """The same curve with its heights times ``factor``."""
        return replace(self, values=tuple(factor * value for value in self.values))


def lengths_along(points: Floats) -> Floats:
    """Length of a polygon up to each of its corners (dim, n), (n,)."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=1), axis=0))])
