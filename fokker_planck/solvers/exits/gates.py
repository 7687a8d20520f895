"""The stretches of a curve that lead to each of its lowest points: from crest to crest."""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.exits.boundary_density import AlongCurve, Arc, Place, basis_on_edge, unknowns_of_edge

LEAST_RISE = 1.0
"""Units of epsilon between two lowest points: with less as many leave over the crest as through the higher of them."""
FINE = 400
"""Points on an edge by which a crest is found, to a millionth of the edge with a parabola through three of them."""
FLAT = 1e-12
"""Units of epsilon above the unknowns of an edge, which are rounding."""


@dataclass(frozen=True)
class Gate:
    """A lowest point of a curve, of that ``height``, and the ``arc`` that belongs to it."""

    lowest: Place
    height: float
    arc: Arc


def gates_of(along: AlongCurve, exponent: Floats) -> list[Gate]:
    """The gates of a curve on which the exponent psi (N,) of the density has those values at the unknowns."""
    heights = exponent[along.curve.dofs]
    edges, count = heights.shape
    flat = heights[:, :-1].ravel()
    if not along.curve.closed:
        flat = np.append(flat, heights[-1, -1])
    places = [divmod(index, count - 1) for index in range(len(flat))]
    stretches = valleys(flat, closed=along.curve.closed, least=LEAST_RISE)

    def extreme(index: int, sign: float) -> tuple[Place, float]:
        edge, local = places[index]
        beside = [edge, edge - 1] if local == 0 and (edge > 0 or along.curve.closed) else [min(edge, edges - 1)]
        return max((_highest(sign * heights[e], e % edges) for e in beside), key=lambda found: found[1])

    result = []
    for first, lowest, last in stretches:
        place, height = extreme(lowest, -1.0)
        ends = [None if end is None else extreme(end, 1.0)[0] for end in (first, last)]
        result.append(Gate(place, -height, Arc.between(along.curve, *ends)))
    return sorted(result, key=lambda gate: gate.height)


def _highest(heights: Floats, edge: int) -> tuple[Place, float]:
    """Where the polynomial with the values ``heights`` (n,) on an edge is highest, and how high."""
    node = int(np.argmax(heights))
    t = np.linspace(-1.0, 1.0, FINE + 1)
    values = basis_on_edge(len(heights), t[None])[0] @ heights
    if values.max() - heights[node] < FLAT:
        return (edge, float(unknowns_of_edge(len(heights))[node])), float(heights[node])
    top = int(np.clip(np.argmax(values), 1, FINE - 1))
    before, here, after = values[top - 1 : top + 2]
    bend = before - 2.0 * here + after
    step = float(np.clip(0.5 * (before - after) / bend, -1.0, 1.0)) if bend < 0.0 else 0.0
    place = float(np.clip(t[top] + step * (t[1] - t[0]), -1.0, 1.0))
    return (edge, place), float(values.max())


def valleys(values: Floats, *, closed: bool, least: float) -> list[tuple[int | None, int, int | None]]:
    """Stretches of a row of values around its lowest points: where each begins, is lowest, and ends.

    They meet at crests that rise ``least`` above the lowest points of both; None is an end of the row, or of all of it
    where that is closed.

    >>> row = np.array([0.0, 3.0, 1.0, 1.5, 1.2, 4.0])
    >>> valleys(row, closed=False, least=1.0)
    [(None, 0, 1), (1, 2, None)]
    >>> valleys(row, closed=True, least=1.0)
    [(5, 0, 1), (1, 2, 5)]
    """
    size, owner = len(values), np.full(len(values), -1)
    crests: dict[int, tuple[int, int]] = {}
    lowest: dict[int, int] = {}
    for index in np.argsort(values, kind="stable").tolist():
        sides = [(index - 1) % size, (index + 1) % size] if closed else [index - 1, index + 1]
        left, right = (_root(lowest, int(owner[k])) if 0 <= k < size and owner[k] >= 0 else -1 for k in sides)
        known = [root for root in (left, right) if root >= 0]
        owner[index] = min(known, key=lambda root: values[root]) if known else index
        lowest.setdefault(int(owner[index]), int(owner[index]))
        if left >= 0 and right >= 0 and left != right:
            if values[index] - max(values[left], values[right]) >= least:
                crests[index] = (left, right)
            else:
                deeper, other = sorted((left, right), key=lambda root: values[root])
                lowest[other] = deeper
    found = {_root(lowest, root) for root in lowest}
    starts = {_root(lowest, right): index for index, (_, right) in crests.items()}
    stops = {_root(lowest, left): index for index, (left, _) in crests.items()}
    return [(starts.get(root), root, stops.get(root)) for root in sorted(found)]


def _root(lowest: dict[int, int], number: int) -> int:
    while lowest.get(number, number) != number:
        number = lowest[number]
    return number
