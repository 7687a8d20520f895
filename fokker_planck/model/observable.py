"""A function of the state that a question is about: from a text in the coordinates, or from a Python function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.callables import values_of
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.formulas.parsing.names import renamed
from fokker_planck.model.arguments import described
from fokker_planck.model.problem import Problem
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass

Function = Callable[[Floats], npt.ArrayLike]

SAME_ACROSS = 1e-8
"""Of the largest value: what an observable may differ by across a period, as a drift may."""


@dataclass(frozen=True)
class Observable:
    """f at points (dim, n), (n,); ``text`` is how it was given, or the name of the function."""

    text: str
    function: Function
    key: str

    def __call__(self, x: Floats) -> Floats:
        """The values, all of them finite.

        Raises ProblemError where one is not.
        """
        values = values_of(self.function, np.asarray(x, dtype=float), np.shape(x)[1:], self.key)
        if not np.isfinite(values).all():
            where = np.asarray(x)[:, np.flatnonzero(~np.isfinite(values))[0]].tolist()
            raise ProblemError(self.key, f"no finite value at {where}", "a function that is finite in the domain")
        return values


def observable(problem: Problem, given: str | Function, key: str) -> Observable:
    """The function that is ``given`` as a text in x, y, z (x and v in phase space), or as a callable.

    Raises :class:`ProblemError` where it is none, is not finite in the domain, or differs across a periodic axis.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1))
    >>> observable(fp.Problem(process, fp.Box([-2.0], [2.0])), "x**2 + 1", "f")(np.array([[1.0, 2.0]])).tolist()
    [2.0, 5.0]
    """
    if isinstance(given, str):
        found = Observable(given, _formula(problem, given, key), key)
    elif callable(given):
        found = Observable(getattr(given, "__name__", repr(given)), given, key)
    else:
        raise ProblemError(key, described(given), "a text such as 'x**2', or a function of points (dim, n)")
    _check_periods(problem, found)
    return found


def _formula(problem: Problem, text: str, key: str) -> Function:
    process = problem.process
    plain = not isinstance(process, Underdamped) or process.planar
    formula = parse_expression(text if plain else renamed(text, {"v": "y"}, key), key=key)
    if formula.dimension > problem.dimension:
        names = ", ".join(formula.variables)
        raise ProblemError(key, f"a function of {names}", f"one of {problem.dimension} coordinates")
    return formula


def _check_periods(problem: Problem, found: Observable) -> None:
    x = problem.sample()
    largest = float(np.abs(found(x)).max())
    low, high = problem.bounding_box()
    for axis, period in enumerate(problem.periods):
        if period is None:
            continue
        left, right = x.copy(), x.copy()
        left[axis], right[axis] = low[axis], high[axis]
        jump = float(np.abs(found(left) - found(right)).max())
        if jump > SAME_ACROSS * largest:
            wanted = f"equal values at {'xyz'[axis]} = {low[axis]:g} and {high[axis]:g}, for a periodic boundary"
            raise ProblemError(found.key, f"a function that differs by {jump:.3g} across the period", wanted)
