"""A drift given by formulas or by a Python function, with its derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.kinks import kinks_of
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.formulas.callables import values_of
from fokker_planck.formulas.expression import Expression, joint_tape, run_tape
from fokker_planck.formulas.function_breaks import breaks_of
from fokker_planck.formulas.parsing.tape import Tape
from fokker_planck.model.arguments import MOST_DIMENSIONS
from fokker_planck.model.diffusion.state_dependent import formulas
from fokker_planck.quantity.light_dataclasses import dataclass, field

VectorFunction = Callable[[Floats], npt.ArrayLike]


@dataclass(frozen=True)
class Drift:
    """b(x), a vector field.

    Parameters
    ----------
    expressions
        one formula for each coordinate, or a function of points (dim, n) that returns (dim, n)
    parameters
        values of the other names in the formulas
    dimension
        for a function the number of coordinates; that of formulas is their number

    Raises
    ------
    ProblemError
        With keys under ``drift``.

    Notes
    -----
    Derivatives of formulas are exact, those of functions come from central differences of sixth order.

    Examples
    --------
    >>> Drift(["x - x**3", "-k*y"], {"k": 2.0}).value(np.array([[2.0], [1.0]])).ravel().tolist()
    [-6.0, -2.0]
    """

    expressions: Sequence[str] | str | VectorFunction
    parameters: Mapping[str, float] | tuple[tuple[str, float], ...] | None = None
    dimension: int = 0
    key: str = field(default="drift.expression", init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        given: Any = self.expressions
        if isinstance(given, str):
            given = (given,)
        if not callable(given):
            listed = isinstance(given, (list, tuple)) and 1 <= len(given) <= MOST_DIMENSIONS
            if not listed or not all(isinstance(text, str) for text in given):
                raise ProblemError(self.key, given, "a list of formulas, one for each coordinate, or a function")
            given = tuple(given)
        object.__setattr__(self, "expressions", given)
        parameters: Any = self.parameters or ()
        if callable(given) and parameters:
            raise ProblemError("drift.parameters", dict(parameters), "none, the drift is a function")
        pairs = tuple(parameters.items()) if isinstance(parameters, Mapping) else tuple(parameters)
        object.__setattr__(self, "parameters", pairs)
        self._check_dimension()

    def _check_dimension(self) -> None:
        size = self.dimension
        wanted = f"an integer from 1 to {MOST_DIMENSIONS}"
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST_DIMENSIONS:
            raise ProblemError("drift.dimension", size, wanted)
        if callable(self.expressions):
            if size == 0:
                raise ProblemError("drift.dimension", "nothing", f"{wanted}, for a drift that is a function")
            return
        count = len(self.expressions)
        if size not in (0, count):
            raise ProblemError("drift.dimension", size, f"{count}, one coordinate for each formula")
        object.__setattr__(self, "dimension", count)
        for formula in self._formulas:
            if formula.dimension > count:
                found = f"the variable {formula.variables[-1]} with {count} formula{'s' if count > 1 else ''}"
                raise ProblemError(self.key, found, "one formula for each coordinate, in the order x, y, z")

    def called(self, key: str) -> Drift:
        """The same drift, which errors name by another key of the problem file."""
        if key == self.key:
            return self
        same = copy(self)
        for kept in ("_formulas", "_tapes"):  # errors of the formulas name the key as well
            same.__dict__.pop(kept, None)
        object.__setattr__(same, "key", key)
        return same

    @property
    def exact(self) -> bool:
        """Whether derivatives come without finite differences."""
        return not callable(self.expressions)

    @cached_property
    def _formulas(self) -> tuple[Expression, ...]:
        return formulas([self.expressions], dict(self.parameters or ()), self.key)[0]  # type: ignore[list-item]

    @property
    def formulas(self) -> tuple[Expression, ...]:
        """The formulas, parsed; none for a function."""
        return () if callable(self.expressions) else self._formulas

    @cached_property
    def _tapes(self) -> tuple[Tape, Tape]:
        size = len(self._formulas)
        slopes = [formula.derivative(j) for formula in self._formulas for j in range(size)]
        return joint_tape(self._formulas), joint_tape(slopes)

    def value(self, x: npt.ArrayLike) -> Floats:
        """B at the points ``x`` of shape (dim, n), of the same shape."""
        points = self._checked(x)
        if callable(self.expressions):
            return values_of(self.expressions, points, points.shape, self.key)
        return run_tape(self._tapes[0], self._formulas[0], points)

    __call__ = value

    def jacobian(self, x: npt.ArrayLike) -> Floats:
        """d b_i / d x_j at the points ``x`` of shape (dim, n), of shape (dim, dim, n)."""
        points = self._checked(x)
        if callable(self.expressions):
            return np.moveaxis(differences.gradient(self.value, points), 0, 1)
        size = self.dimension
        return run_tape(self._tapes[1], self._formulas[0], points).reshape(size, size, -1)

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """On a line: where a formula passes from one branch to another, or a function is seen to jump."""
        if callable(self.expressions):
            return breaks_of(self.value, lower, upper)
        return kinks_of(self._formulas, lower, upper)

    def _checked(self, x: npt.ArrayLike) -> Floats:
        points = np.asarray(x, dtype=np.float64)
        if points.ndim != 2:
            raise ValueError(f"points have shape (dimension, n), not {points.shape}")
        if points.shape[0] != self.dimension:
            found = f"{self.dimension} component{'s' if self.dimension > 1 else ''}"
            raise ProblemError(self.key, found, f"{points.shape[0]}, the dimension of the domain")
        return points
