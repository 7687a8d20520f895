"""What noise in the data does to an answer: the same question about many surfaces drawn around the measured one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import FokkerPlanckError, ProblemError, one_line
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.grids.grid_files import Grid
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.model.arguments import described, finite_number, whole_number
from fokker_planck.model.grid_data import grid_of
from fokker_planck.output.frames import quantities_in
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from rich.table import Table

MOST_DRAWS = 100_000
"""Of surfaces, each of which is an answer of its own."""
LEAST_DRAWS = 5
"""From which a spread is told: that of five has an error of a third."""

NOTE = "rel. error is that of the computation; noise in the data is in the spread alone"

Surface = tuple[tuple[Floats, ...], Floats]
"""Axes and values, as ``Potential.from_grid`` takes them."""


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap:
    """Numbers of the measured surface, and of surfaces drawn around it.

    Attributes
    ----------
    measured
        numbers of the surface as it was given, by name, with the error bars of the computation
    draws
        the same numbers of every surface that was drawn; None where it had no answer, or none of that name
    failures
        why surfaces had no answer
    """

    measured: Mapping[str, Quantity]
    draws: tuple[Mapping[str, Quantity] | None, ...]
    failures: tuple[str, ...]

    def logs(self, name: str) -> Floats:
        """Logarithms of a positive number over the surfaces that have it."""
        found = [quantity.log for quantity in self._of(name)]
        if not all(isinstance(log, float) for log in found):
            raise ProblemError("name", f"{name!r}, which is not positive everywhere", "a positive number, or `values`")
        return np.array(found, dtype=np.float64)

    def values(self, name: str) -> Floats:
        """Values of a number over the surfaces that have it; nan beyond doubles."""
        return np.array([math.nan if quantity.value is None else quantity.value for quantity in self._of(name)])

    def spread(self, name: str) -> float:
        """Standard deviation of the logarithm: a relative error, which the error bar of the number does not contain."""
        return float(np.std(self._enough(name), ddof=1))

    def shift(self, name: str) -> float:
        """Mean of the logarithms less that of the measured surface: about what noise has done to that one."""
        log = self.measured[name].log if name in self.measured else None
        if log is None:
            raise ProblemError("name", f"{name!r}, which the measured surface does not have", "a number that it has")
        return float(self._enough(name).mean() - log)

    def interval(self, name: str, level: float = 0.9) -> tuple[float, float]:
        """Logarithms between which that share of the surfaces lies."""
        if not 0.0 < level < 1.0:
            raise ProblemError("level", level, "a share between 0 and 1")
        low, high = np.quantile(self._enough(name), [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
        return float(low), float(high)

    def __str__(self) -> str:
        """The numbers with their error bars, and beside these the spread from the noise in the data."""
        from fokker_planck.output.tables import printed

        return "\n".join([printed([([self._table()], None)]).rstrip("\n"), *self._reasons(), NOTE])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        from fokker_planck.output.html import html_tables

        return html_tables([self._table()], "; ".join([*self._reasons(), NOTE]))

    def _table(self) -> Table:
        from fokker_planck.output.tables import empty_table, error_bar

        headings = ("number", "rel. error", "spread of log", "shift", "surfaces")
        table = empty_table(f"Bootstrap over {len(self.draws)} surfaces", ("",), headings)
        for name, quantity in self.measured.items():
            have = len(self._of(name))
            told = have >= LEAST_DRAWS and quantity.log is not None and all(q.log is not None for q in self._of(name))
            moved = (f"{self.spread(name):.3g}", f"{self.shift(name):+.3g}") if told else ("-", "-")
            table.add_row(name, quantity.digits, error_bar(quantity), *moved, str(have))
        return table

    def _reasons(self) -> list[str]:
        return [f"no answer: {reason}" for reason in dict.fromkeys(self.failures)]

    def __repr__(self) -> str:
        return f"<Bootstrap: {len(self.draws)} surfaces, {len(self.failures)} without an answer>"

    def _of(self, name: str) -> list[Quantity]:
        found = [draw[name] for draw in self.draws if draw is not None and name in draw]
        if not found and name not in self.measured:
            known = list(self.measured)
            raise ProblemError("name", f"{name!r}{did_you_mean(name, known)}", f"one of {', '.join(known)}")
        return found

    def _enough(self, name: str) -> Floats:
        logs = self.logs(name)
        if len(logs) < LEAST_DRAWS:
            raise ProblemError("name", f"{name!r} on {len(logs)} surfaces", f"a number that {LEAST_DRAWS} of them have")
        return logs


def bootstrap(
    surface: str | Path | tuple[Sequence[npt.ArrayLike], npt.ArrayLike],
    question: Callable[[Surface], object],
    errors: float | npt.ArrayLike | None = None,
    correlation: float = 0.0,
    count: int = 20,
    seed: int = 0,
) -> Bootstrap:
    """F_b = F + sigma xi_b, or means of replicas drawn with replacement: the spread of an answer over noisy surfaces.

    Parameters
    ----------
    surface
        a grid file, or ``(axes, values)``; with values of shape (replicas, n_1, ...) independent measurements, from
        which as many as there are are drawn with replacement and averaged
    question
        from ``(axes, values)``, which ``Potential.from_grid`` takes, to an answer, a quantity, or several by name
    errors
        standard deviation of the values, a number or an array of their shape; not for replicas
    correlation
        length over which the noise is correlated, as exp(-d^2/(4 length^2)); 0 for noise that is independent from point
        to point
    count
        how many surfaces are drawn
    seed
        of the random numbers

    Returns
    -------
    Bootstrap
        The answer of the measured surface, and those of the others.

    Raises
    ------
    ProblemError
        For bad input, and where the measured surface has no answer.

    Notes
    -----
    Noise roughens: it lowers wells and raises barriers. A drawn surface has that of the measurement and as much again,
    so that ``shift`` is about what the measured one is off by, as long as noise is small: to the second order in it.

    References
    ----------
    Efron, Tibshirani, An introduction to the bootstrap (1993).

    Examples
    --------
    >>> axis = np.linspace(-1.0, 1.0, 21)
    >>> def at_zero(surface):
    ...     return Quantity.of(float(np.exp(surface[1][10])), 0.0)
    >>> found = bootstrap(([axis], axis**2), at_zero, errors=0.1, count=400)
    >>> abs(found.spread("value") - 0.1) < 0.02
    True
    """
    number, generator = whole_number("count", count, LEAST_DRAWS, MOST_DRAWS), np.random.default_rng(seed)
    axes, values, drawn = _drawing(surface, errors, correlation, generator)
    measured = _numbers(question((axes, values)))
    draws: list[Mapping[str, Quantity] | None] = []
    failures = []
    for _ in range(number):
        try:
            draws.append(_numbers(question((axes, drawn()))))
        except FokkerPlanckError as error:
            draws.append(None)
            failures.append(one_line(str(error)))
    return Bootstrap(measured, tuple(draws), tuple(failures))


def _drawing(
    surface: Any, errors: Any, correlation: float, generator: np.random.Generator
) -> tuple[tuple[Floats, ...], Floats, Callable[[], Floats]]:
    """Axes, measured values, and what draws others."""
    length = finite_number("correlation", correlation, "a length >= 0")
    if length < 0.0:
        raise ProblemError("correlation", length, "a length >= 0")
    if errors is None:
        axes, replicas = _replicas(surface)
        size = len(replicas)
        return axes, replicas.mean(axis=0), lambda: replicas[generator.integers(0, size, size)].mean(axis=0)
    grid = grid_of(surface, "surface", "F")
    if grid.values.ndim != len(grid.axes):
        raise ProblemError("surface", f"values of shape {grid.values.shape}", "one number at every point")
    try:
        sigma = np.broadcast_to(np.asarray(errors, dtype=np.float64), grid.values.shape)
    except (TypeError, ValueError):
        raise ProblemError("errors", described(errors), f"a number, or shape {grid.values.shape}") from None
    if not sigma.any():
        raise ProblemError("errors", "0 everywhere", "some above 0: without noise all surfaces are the measured one")
    if not (np.isfinite(sigma) & (sigma >= 0.0)).all():
        raise ProblemError("errors", "numbers that are no standard deviations", "finite numbers >= 0")
    noise = _noise(grid, length, generator)
    return grid.axes, grid.values, lambda: np.asarray(grid.values + sigma * noise())


def _replicas(surface: Any) -> tuple[tuple[Floats, ...], Floats]:
    wanted = "errors of the values, or (axes, values) with values of shape (replicas, n_1, ...)"
    if isinstance(surface, str | Path | Grid):
        raise ProblemError("errors", "nothing", wanted)
    try:
        axes, values = surface
        count = len(axes)
        replicas = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ProblemError("surface", described(surface), wanted) from None
    if replicas.ndim > count and len(replicas) == 1:
        raise ProblemError("surface", "one replica", "two or more, or one surface and its errors")
    if replicas.ndim < 2 or len(replicas) < 2:
        raise ProblemError("errors", "nothing", wanted)
    first = grid_of((axes, replicas[0]), "surface", "F")
    if first.values.ndim != len(first.axes):
        raise ProblemError("surface", f"values of shape {replicas.shape}", wanted)
    return first.axes, replicas


def _noise(grid: Grid, length: float, generator: np.random.Generator) -> Callable[[], Floats]:
    """Noise of unit variance at every point, independent or smoothed over a length."""
    shape = grid.values.shape
    if length == 0.0:
        return lambda: generator.standard_normal(shape)
    from scipy.ndimage import gaussian_filter

    widths = [length * (len(axis) - 1) / float(axis[-1] - axis[0]) for axis in grid.axes]
    modes = ["wrap" if wraps else "constant" for wraps in grid.periodic]
    margins = [0 if wraps else math.ceil(4.0 * width) for wraps, width in zip(grid.periodic, widths, strict=True)]
    wide = tuple(n + 2 * margin for n, margin in zip(shape, margins, strict=True))
    inner = tuple(slice(margin, margin + n) for n, margin in zip(shape, margins, strict=True))
    point = np.zeros(wide)
    point[tuple(n // 2 for n in wide)] = 1.0
    size = float(np.sqrt(np.sum(gaussian_filter(point, widths, mode=modes) ** 2)))
    return lambda: np.asarray(gaussian_filter(generator.standard_normal(wide), widths, mode=modes)[inner] / size)


def _numbers(answer: object) -> Mapping[str, Quantity]:
    """The numbers of an answer by name."""
    from fokker_planck.output.serialize import plain
    from fokker_planck.questions.registry import entry_of

    if isinstance(answer, Quantity):
        return {"value": answer}
    if isinstance(answer, Mapping):
        wrong = [name for name, value in answer.items() if not isinstance(value, Quantity)]
        if wrong:
            raise ProblemError("question", f"{described(answer[wrong[0]])} as {wrong[0]}", "quantities by name")
        return {str(name): value for name, value in answer.items()}
    return quantities_in(plain(entry_of(answer).json(answer)))
