"""Coefficients that depend on time: a factor of the noise, and a potential that is added.

D(x, t) = s(t) D(x),        V(x, t) = V(x) + U(x, t).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.kinks import breaks_in, distinct
from fokker_planck.formulas.expression import Expression, parse_expression
from fokker_planck.formulas.parsing.names import renamed
from fokker_planck.model.arguments import ascending, described, finite_number, positive_number
from fokker_planck.quantity.light_dataclasses import dataclass, field

NOISE, POTENTIAL = "schedule.noise", "schedule.potential"
WANTED = 'a formula in t such as "1/(1 + t/100)", or a table [[t, factor], ...] that begins at t = 0'
SAMPLED = 4000
"""Times at which a formula is looked at for its largest value, half of them evenly spread, half by their logarithm:
what is narrower than a thousandth of the time is seen by bounds of the formula, or in a function by the steps."""
MOST_QUICK = 500
"""Of the times at which an added potential may change quickly, those at which its lift is looked at, evenly chosen."""
EARLIEST = 1e-9
"""Of the latest time: the first of those that are spread by their logarithm."""
BESIDE = 1e-12
"""Of a time at which a coefficient jumps: beside it, where a formula is on one side."""
Noise = str | Sequence[Sequence[float]] | Callable[[Floats], Any]


@dataclass(frozen=True)
class Schedule:
    """D(x, t) = s(t) D(x) and V(x, t) = V(x) + U(x, t): what depends on time.

    The drift that an interpretation of the noise adds has the factor s(t), too.

    Parameters
    ----------
    noise
        s > 0: a formula in t, a function of times (n,), or a table [[t, factor], ...], ascending from t = 0, each row
        of which holds from its time until the next; None for 1
    potential
        U: a formula in x, y, z and t; None for none
    jumps
        times at which a function jumps or has a kink; those of formulas, heaviside(t - 3) say, are found

    Raises
    ------
    ProblemError
        With the key ``schedule.noise`` or ``schedule.potential``.

    Examples
    --------
    >>> Schedule(noise=[[0, 1], [500, 0.125]]).factor([499.0, 500.0]).tolist()
    [1.0, 0.125]
    """

    noise: Noise | None = None
    potential: str | None = None
    jumps: Sequence[float] = ()
    _formulas: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.noise is None and self.potential is None:
            raise ProblemError("schedule", "nothing that depends on time", "noise or potential")
        if isinstance(self.noise, str):
            self._formulas["noise"] = parse_expression(self.noise, ("t",), key=NOISE)
        elif self.noise is not None and not callable(self.noise):
            object.__setattr__(self, "noise", _table(self.noise))
        times = ascending("schedule.jumps", self.jumps, "a list of times > 0", 0.0, math.inf) if self.jumps else ()
        object.__setattr__(self, "jumps", times)
        if self.potential is not None:
            if not isinstance(self.potential, str):
                raise ProblemError(POTENTIAL, described(self.potential), 'a formula such as "0.1*sin(2*pi*t)*x"')
            self._formulas["potential"] = parse_expression(self.potential, ("t", "x", "y", "z"), key=POTENTIAL)

    @property
    def dimension(self) -> int:
        """Coordinates that the potential needs, at least one."""
        formula: Expression | None = self._formulas.get("potential")
        return 1 if formula is None else max(formula.dimension - 1, 1)

    @property
    def added(self) -> Expression | None:
        """U as a formula in t and the coordinates, None where there is none."""
        return self._formulas.get("potential")

    @property
    def table(self) -> tuple[tuple[float, float], ...]:
        """The rows of the noise, none where it is no table."""
        if self.noise is None or isinstance(self.noise, str) or callable(self.noise):
            return ()
        return tuple((t, factor) for t, factor in self.noise)

    @property
    def steps(self) -> bool:
        """Whether all coefficients are constant between the times of the table."""
        return self.potential is None and (self.noise is None or bool(self.table))

    def breaks(self, before: float) -> tuple[float, ...]:
        """The times > 0, up to one, at which a table of the noise jumps, or a formula jumps or has a kink."""
        found = [t for t, _ in self.table if 0.0 < t < before]
        for formula in self._formulas.values():
            found += breaks_in(formula, "t", before)
        return distinct([*found, *(t for t in self.jumps if 0.0 < t < before)], 0.0, before)

    def factor(self, times: npt.ArrayLike) -> Floats:
        """The s of times (n,), (n,); raises ProblemError where it is not positive."""
        t = np.asarray(times, dtype=float)
        if self.noise is None:
            return np.ones(t.shape)
        if self.table:
            starts, values = np.array(self.table).T
            return np.asarray(values[np.searchsorted(starts, t, side="right") - 1])
        formula = self._formulas.get("noise", self.noise)
        values = formula(t[None]) if isinstance(formula, Expression) else np.asarray(formula(t), dtype=float)
        values = np.broadcast_to(values, t.shape)
        bad = ~(np.isfinite(values) & (values > 0.0))
        if bad.any():
            where = int(np.argmax(bad))
            raise ProblemError(NOISE, f"the factor {values[where]:.6g} at t = {t[where]:.6g}", "a factor > 0")
        return np.asarray(values)

    def extremes(self, latest: float, quick: Sequence[float] | Floats = ()) -> tuple[float, float]:
        """The smallest and the largest factor up to a time, as far as samples tell, ``quick`` times among them."""
        even = np.linspace(0.0, latest, SAMPLED // 2)
        early = latest * np.geomspace(EARLIEST, 1.0, SAMPLED // 2)
        beside = np.array(self.breaks(latest))[:, None] * (1.0 + BESIDE * np.array([-1.0, 0.0, 1.0]))
        values = self.factor(np.concatenate([even, early, np.minimum(beside.ravel(), latest), quick]))
        return float(values.min()), float(values.max())

    def value(self, x: Floats, t: float) -> Floats:
        """U at points (dim, n), (n,)."""
        return self._potential(self._formulas["potential"], x, t)

    def gradient(self, x: Floats, t: float) -> Floats:
        """Grad U at points (dim, n), (dim, n)."""
        slopes = [self._potential(slope, x, t) for slope in self._slopes[: len(x)]]
        return np.array(slopes)

    @cached_property
    def _slopes(self) -> list[Expression]:
        formula: Expression = self._formulas["potential"]
        return [formula.derivative(axis) for axis in (1, 2, 3)]

    def potentials_at(self, times: Floats) -> list[Expression]:
        """U as formulas in x, y, z at times (n,): one where it does not depend on time, none without it."""
        formula: Expression | None = self._formulas.get("potential")
        if formula is None or self.potential is None:
            return []
        if "t" not in formula.variables:
            return [parse_expression(self.potential, key=POTENTIAL)]
        found = []
        for t in times:
            named = {"t": f"({float(t)!r})"}
            found.append(parse_expression(renamed(self.potential, named, POTENTIAL), key=POTENTIAL))
        return found

    def in_time(self, points: Floats) -> tuple[list[Expression], list[Expression]]:
        """Formulas in t: the factor of the noise, and U at points (dim, n) of a problem; none of what is no formula."""
        noise = [self._formulas["noise"]] if "noise" in self._formulas else []
        if self.potential is None or "t" not in self._formulas["potential"].variables:
            return noise, []
        texts = {
            renamed(self.potential, {c: f"({x!r})" for c, x in zip("xyz", place.tolist(), strict=False)}, POTENTIAL)
            for place in points.T
        }
        return noise, [parse_expression(text, ("t",), key=POTENTIAL) for text in sorted(texts)]

    def _potential(self, formula: Expression, x: Floats, t: float) -> Floats:
        points = np.concatenate([np.full((1, x.shape[1]), float(t)), x])
        return np.broadcast_to(formula(points), x.shape[1:])

    def largest_lift(self, x: Floats, latest: float, quick: Floats) -> float:
        """The largest difference that U makes between points (dim, n) at some times up to one, and ``quick`` ones."""
        if self.potential is None:
            return 0.0
        some = quick[:: 1 + len(quick) // MOST_QUICK]
        times = np.concatenate([np.linspace(0.0, latest, 200), latest * np.geomspace(EARLIEST, 1.0, 50), some])
        return max(float(np.ptp(self.value(x, t))) for t in times)

    def check(self, x: Floats) -> None:
        """Refuse a potential that has too many coordinates, or is not finite at t = 0 at points (dim, n)."""
        if self.potential is None:
            return
        if self.dimension > len(x):
            found = f"a potential of {self.dimension} coordinates in a domain of {len(x)}"
            raise ProblemError(POTENTIAL, found, f"only {', '.join('xyz'[: len(x)])} and t")
        if not np.isfinite(self.value(x, 0.0)).all():
            raise ProblemError(POTENTIAL, "no finite value somewhere at t = 0", "finite values in the whole domain")


def _table(given: Any) -> tuple[tuple[float, float], ...]:
    if isinstance(given, (bytes, dict)) or not hasattr(given, "__iter__"):
        raise ProblemError(NOISE, described(given), WANTED)
    rows: list[tuple[float, float]] = []
    for i, row in enumerate(given):
        key = f"{NOISE}[{i}]"
        if isinstance(row, (str, bytes, dict)) or not hasattr(row, "__len__") or len(row) != 2:
            raise ProblemError(key, described(row), "a pair [t, factor]")
        t = finite_number(f"{key}[0]", row[0])
        before = rows[-1][0] if rows else -math.inf
        if (i == 0 and t != 0.0) or t <= before:
            raise ProblemError(f"{key}[0]", t, "0 in the first row" if i == 0 else f"a time after {before:g}")
        rows.append((t, positive_number(f"{key}[1]", row[1], "a factor > 0")))
    if not rows:
        raise ProblemError(NOISE, "an empty table", WANTED)
    return tuple(rows)
