"""Where lines go from one basin into another, by asking the flow at points of them.

Each search keeps a bracket, two points in the two basins, and ends when that is short enough, whatever its guesses are
worth.  What the flow has told is kept: the lines of a mesh are asked for with every degree of its elements.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.landscape.basins.lines import Label, Lines, with_margin
from fokker_planck.quantity.light_dataclasses import dataclass, field

SECTIONS = 16
"""Parts of a bracket that are told apart at once where there are no margins to guess by."""
LEAST_BRACKET = 1e-15
"""Of a line: a bracket is no shorter, five times what rounding leaves of a fraction of it."""
MOST_ROWS = 500_000
"""Rows that are kept, some 100 MB: a mesh in space has about ten thousand lines."""


@dataclass(frozen=True)
class Rows:
    """Rows of numbers that were told before, by the rows they were asked with.

    >>> rows = Rows()
    >>> rows.add(np.array([[1.0, 2.0]]), np.array([[5.0]]))
    >>> rows.of(np.array([[1.0, 2.0], [1.0, 3.0]]), 1).ravel().tolist()
    [5.0, nan]
    """

    kept: dict[bytes, Floats] = field(default_factory=dict)

    def of(self, keys: Floats, width: int) -> Floats:
        """The rows (n, width) for ``keys`` (n, k); NaN where nothing was told."""
        nothing = np.full(width, np.nan)
        return np.array([self.kept.get(key.tobytes(), nothing) for key in keys]).reshape(len(keys), width)

    def add(self, keys: Floats, rows: Floats) -> None:
        """Keep these."""
        if len(self.kept) + len(keys) > MOST_ROWS:
            self.kept.clear()
        self.kept.update((key.tobytes(), row) for key, row in zip(keys, rows, strict=True))


@dataclass(frozen=True)
class Asked:
    """What the flow has told: of the ``ends`` of lines labels and margins, of ``lines`` how far they are searched."""

    ends: Rows = field(default_factory=Rows)
    lines: Rows = field(default_factory=Rows)


def by_flow(label: Label, lines: Lines, labels: Integers, resolution: Floats, asked: Asked) -> Floats:
    """The fractions (n,) at which lines from basin ``labels[:, 0]`` into ``labels[:, 1]`` leave the first one.

    NaN where an end turns out to be in another basin.  ``resolution`` (n,) is the fraction of the line to which the
    flow is asked; what it tells is added to what has been ``asked``.
    """
    found, margin = _at_ends(label, lines, asked.ends)
    fits = (found[0] == labels[:, 0]) & (found[1] == labels[:, 1])
    # An end that lies on the separatrix, as vertices do by symmetry, may be told to be on either side.
    with np.errstate(invalid="ignore"):
        at_start = ~fits & (found[0] == labels[:, 1]) & (margin[0] <= resolution * margin[1])
        at_stop = ~fits & (found[1] == labels[:, 0]) & (margin[1] <= resolution * margin[0])
    low, high = np.where(at_stop, 1.0, 0.0), np.where(at_start, 0.0, 1.0)
    wanted = np.maximum(resolution, LEAST_BRACKET)
    known = np.flatnonzero(fits & np.isfinite(margin).all(axis=0))
    states = _Brackets.begun(lines.chosen(known), margin[:, known], asked.lines)
    low[known], high[known] = _by_margins(label, lines.chosen(known), labels[known], states, wanted[known])
    asked.lines.add(states.keys, states.rows)
    while True:
        wide = np.flatnonzero(fits & (high - low > wanted))
        if len(wide) == 0:
            return np.where(fits | at_start | at_stop, 0.5 * (low + high), np.nan)
        fractions = low[wide] + (high[wide] - low[wide]) * np.arange(1, SECTIONS)[:, None] / SECTIONS
        many = lines.chosen(np.tile(wide, SECTIONS - 1))
        inside = np.asarray(label(many.at(fractions.ravel()).T)).reshape(fractions.shape) == labels[wide, 0]
        part = np.where(inside.all(axis=0), SECTIONS - 1, np.argmin(inside, axis=0))
        width = (high[wide] - low[wide]) / SECTIONS
        low[wide], high[wide] = low[wide] + width * part, low[wide] + width * (part + 1)


def _at_ends(label: Label, lines: Lines, known: Rows) -> tuple[Integers, Floats]:
    """Labels and margins at both ends of lines, (2, n); many begin in one place, which is asked once."""
    count = len(lines)
    ends = np.concatenate([lines.at(np.zeros(count)), lines.at(np.ones(count))])
    different, number = np.unique(ends, axis=0, return_inverse=True)
    told = known.of(different, 2)
    new = np.isnan(told[:, 0])
    found, margins = with_margin(label, different[new])
    told[new] = np.stack([found, margins], axis=1)
    known.add(different[new], told[new])
    labels, margin = told[number.reshape(2, count)].transpose(2, 0, 1)
    return labels.astype(np.int64), margin


@dataclass(frozen=True)
class _Brackets:
    """Searches under way: of each line the last place, the one across, the one before, and signed margins there.

    ``rows`` (n, 6), changed in place; ``keys`` (n, 2 dim) are both ends.
    """

    keys: Floats
    rows: Floats

    @classmethod
    def begun(cls, lines: Lines, margin: Floats, known: Rows) -> _Brackets:
        """From margins (2, n) at both ends, or as far as lines have been searched before."""
        count = len(lines)
        keys = np.concatenate([lines.at(np.zeros(count)), lines.at(np.ones(count))], axis=1)
        rows = known.of(keys, 6)
        new = np.isnan(rows[:, 0])
        first, last = margin[0, new], -margin[1, new]
        rows[new] = np.stack([1.0 + 0.0 * first, 0.0 * first, 0.0 * first, last, first, first], axis=1)
        return cls(keys, rows)


def _by_margins(
    label: Label, lines: Lines, labels: Integers, brackets: _Brackets, wanted: Floats
) -> tuple[Floats, Floats]:
    """Both ends (n,) of brackets as short as ``wanted`` (n,), by Chandrupatla's method.

    Margins with the sign of their side are smooth where both sides come close to one saddle: three points then tell
    where they vanish.  Where that parabola is not to be believed, brackets are halved.

    References
    ----------
    Chandrupatla (1997), Advances in Engineering Software 28, 145.
    """
    place, signed = brackets.rows[:, :3].T, brackets.rows[:, 3:].T
    active = np.flatnonzero(np.abs(place[0] - place[1]) > wanted)
    while len(active):
        (last, across, _), (f, g, _) = place[:, active], signed[:, active]
        t = last + _next_part(place[:, active], signed[:, active], wanted[active]) * (across - last)
        now, size = with_margin(label, lines.chosen(active).at(t))
        first = now == labels[active, 0]
        same = first == (last < across)
        place[:, active] = t, np.where(same, across, last), np.where(same, last, across)
        signed[:, active] = np.where(first, size, -size), np.where(same, g, f), np.where(same, f, g)
        active = active[np.abs(place[0, active] - place[1, active]) > wanted[active]]
    return place[:2].min(axis=0), place[:2].max(axis=0)


def _next_part(place: Floats, signed: Floats, wanted: Floats) -> Floats:
    """The part of the way from the last place (n,) to the one across from it after which a margin seems to vanish."""
    (a, b, c), (f, g, h) = place, signed
    with np.errstate(all="ignore"):
        way, rise = (a - b) / (c - b), (f - g) / (h - g)
        bends_little = (rise**2 < way) & ((1.0 - rise) ** 2 < 1.0 - way)
        parabola = f / (g - f) * h / (g - h) + (c - a) / (b - a) * f / (h - f) * g / (h - g)
        least = np.minimum(0.5 * wanted / np.abs(b - a), 0.5)
    part = np.where(bends_little & np.isfinite(parabola), parabola, 0.5)
    return np.asarray(np.clip(part, least, 1.0 - least))
