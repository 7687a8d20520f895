"""How far points are from a separatrix, told by their paths downhill: where they come closest to a saddle, and when.

Near a saddle s with the unstable rate lambda and the left eigenvector l, l J = lambda l, J the Jacobian of the flow,

    phi(x) = exp(-lambda t) l . (X(t) - s)

is the same at all t on a path X from x: it vanishes at the separatrix and is smooth across it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.formulas.arrays import Floats, Function, Integers
from fokker_planck.landscape.flow.flow_steps import Moving
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import Saddle
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass
class Approaches:
    """The closest that paths have come to any of some saddles, told of after every step of the flow.

    Parameters
    ----------
    places
        of the saddles, (dim, k)
    frame
        with the periods
    nearest, distance
        number of that saddle, and how far it was, (n,)
    position, time
        where the paths were then, (dim, n), and since when under way, (n,)
    """

    places: Floats
    frame: Frame
    nearest: Integers
    distance: Floats
    position: Floats
    time: Floats

    @classmethod
    def of(cls, x: Floats, places: Floats, frame: Frame) -> Approaches:
        """Of paths that begin at points (dim, n)."""
        count = x.shape[1]
        nothing = np.zeros(count, dtype=np.int64), np.full(count, np.inf)
        result = cls(places, frame, *nothing, x.copy(), np.zeros(count))
        result._note(np.arange(count), x, np.zeros(count))
        return result

    def __call__(self, active: Integers, now: Moving, clock: Floats) -> None:
        """Take note of the paths with these numbers, (m,)."""
        self._note(active, now.position, clock)

    def _note(self, active: Integers, position: Floats, clock: Floats) -> None:
        for number in range(self.places.shape[1]):
            delta = self.frame.difference(position, self.places[:, number : number + 1])
            distance = np.sqrt(np.einsum("in,in->n", delta, delta))
            closer = distance < self.distance[active]
            some = active[closer]
            self.nearest[some], self.distance[some] = number, distance[closer]
            self.position[:, some], self.time[some] = position[:, closer], clock[closer]


def by_time(saddle: Saddle) -> bool:
    """Whether a saddle has no l, so that all that tells how close a path came to it is how long it took."""
    return saddle.degenerate or bool(saddle.wall_normals)


def margins_of(function: Function, saddles: Sequence[Saddle], met: Approaches, times: Floats) -> Floats:
    """Margins (n,) that vanish linearly at a separatrix, in extents; ``times`` (n,) are of the whole paths.

    Where there is no l, it is exp(-lambda times), of another size on each side.
    """
    margins = np.zeros(len(times))
    for number, saddle in enumerate(saddles):
        some = np.flatnonzero(met.nearest == number)
        if by_time(saddle):
            margins[some] = np.exp(-max(-saddle.hessian_eigenvalues[0], 0.0) * times[some])
            continue
        rates, left = np.linalg.eig(-function.hessian(saddle.x[:, None])[:, :, 0].T)
        fastest = int(np.argmax(rates.real))
        delta = met.frame.difference(met.position[:, some], saddle.x[:, None])
        along = np.abs(left[:, fastest].real @ delta) / met.frame.extent
        margins[some] = np.exp(-max(float(rates[fastest].real), 0.0) * met.time[some]) * along
    return np.where(np.isfinite(times), margins, 0.0)
