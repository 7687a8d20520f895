"""The set where an expression or a function is not negative."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.bounds.level_boxes import LevelBoxes, boxes_meeting
from fokker_planck.formulas.bounds.line_zeros import zeros_on_line
from fokker_planck.formulas.callables import values_of
from fokker_planck.formulas.level_set_projection import central_differences, onto_surface
from fokker_planck.formulas.parsing.names import IDENTIFIER, PHASE_SPACE, renamed
from fokker_planck.model.arguments import AXES
from fokker_planck.model.sets.line_set import LineSet, set_of_formula, set_of_function
from fokker_planck.quantity.light_dataclasses import dataclass, field

if TYPE_CHECKING:
    from fokker_planck.formulas.expression import Expression


@dataclass(frozen=True)
class Region:
    """g(x) >= 0.

    The level is g itself, so it is a distance only as far as g is one.

    Parameters
    ----------
    expression
        g, a text in x, y, z (x and v in phase space) or a callable on arrays of shape (dim, n) that returns shape (n,)
    parameters
        values of the other names in the text
    gradient
        of a callable, shape (dim, n); without it central differences
    dimension
        the least number of coordinates that g needs: found in a text, to be given for a callable

    Raises
    ------
    ProblemError
        For a text that does not parse (see :func:`fokker_planck.formulas.expression.parse_expression`).

    Examples
    --------
    >>> right = Region("x - 0.8")
    >>> right.contains(np.array([[0.7, 0.9], [5.0, 5.0]])).tolist()
    [False, True]
    >>> Region("1 - x**2 - y**2").dimension
    2
    """

    expression: str | Callable[[Floats], Floats]
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)
    gradient_function: Callable[[Floats], Floats] | None = None
    dimension: int = 0
    key: str = field(default="region", init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.expression, str):
            object.__setattr__(self, "dimension", max(1, _least_dimension(self._parsed.variables)))
        elif not callable(self.expression):
            raise ProblemError(self.key, self.expression, "an expression such as 'x - 0.8'")
        elif self.dimension not in (1, 2, 3):
            raise ProblemError(f"{self.key}.dimension", self.dimension, "1, 2 or 3 for a region given by a function")

    def called(self, key: str) -> Region:
        """The same region, which errors name by another key of the problem file."""
        if key == self.key:
            return self
        same = copy(self)
        same.__dict__.pop("_parsed", None)  # errors of the formula name the key as well
        object.__setattr__(same, "key", key)
        return same

    @cached_property
    def _parsed(self) -> Expression:
        from fokker_planck.formulas.expression import parse_expression

        text = str(self.expression)
        if self.in_phase_space:
            text = renamed(text, PHASE_SPACE, self.key)
        return parse_expression(text, parameters=self.parameters, key=self.key)

    @property
    def in_phase_space(self) -> bool:
        """Whether a text has the velocity v in it, the second coordinate of a process with momentum."""
        named = isinstance(self.expression, str) and "v" in IDENTIFIER.findall(self.expression)
        return named and "v" not in self.parameters

    @property
    def formula(self) -> Expression:
        """The parsed text; only of a region that has one."""
        return self._parsed

    def level(self, x: Floats) -> Floats:
        """g at points of shape (dim, n)."""
        x = np.asarray(x, dtype=float)
        if isinstance(self.expression, str):
            return np.asarray(self._parsed(x))
        return values_of(self.expression, x, x.shape[1:], self.key)

    def gradient(self, x: Floats) -> Floats:
        """Gradient of g, shape (dim, n): exact for a text."""
        x = np.asarray(x, dtype=float)
        if isinstance(self.expression, str):
            return np.array([self._parsed.derivative(i)(x) for i in range(len(x))])
        if self.gradient_function is not None:
            return values_of(self.gradient_function, x, x.shape, f"{self.key}.gradient")
        return central_differences(self.level, x)

    def contains(self, x: Floats) -> Booleans:
        """Where g >= 0; nowhere that g is not a number."""
        with np.errstate(all="ignore"):
            return np.asarray(self.level(x) >= 0.0)

    def project(self, x: Floats) -> Floats:
        """A point of the surface g = 0 near each point, by Newton's method along the gradient."""
        return onto_surface(self.level, self.gradient, x)

    def faces(self, lower: Sequence[float] = (), upper: Sequence[float] = ()) -> dict[int, tuple[float, ...]]:
        """Where a text in one coordinate has its planes, between the corners of a box; otherwise nothing.

        All of them, proved by interval bounds. Without a box: whether there is a plane is not known, a text in one
        coordinate gives an empty list.
        """
        if not isinstance(self.expression, str) or len(self._parsed.sympy.free_symbols) != 1:
            return {}
        (symbol,) = self._parsed.sympy.free_symbols
        axis = AXES.index(symbol.name)
        if axis >= len(lower):
            return {axis: ()}
        return {axis: zeros_on_line(self._parsed, axis, float(lower[axis]), float(upper[axis]))}

    def boxes(self, lower: Sequence[float], upper: Sequence[float]) -> LevelBoxes:
        """Boxes that hold all of the surface of a text within a box, however small its parts; see ``complete``."""
        return boxes_meeting(self._parsed, lower, upper, partly=True)

    def on_line(self, lower: float, upper: float) -> LineSet | None:
        """The intervals that a region on a line consists of, None where it has no point in [lower, upper].

        Exact for a text, however small they are; for a callable as far as samples show.
        """
        if isinstance(self.expression, str):
            return set_of_formula(self._parsed, lower, upper, self.key)
        return set_of_function(self.level, lower, upper, str(self))


def _least_dimension(variables: tuple[str, ...]) -> int:
    return max(AXES.index(name) + 1 for name in variables) if variables else 0
