"""What an evolution is asked to begin with and to measure: points, Gaussians, sets, formulas, an evolution before."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.formulas.parsing.names import IDENTIFIER, renamed
from fokker_planck.model.arguments import described, finite_number, point
from fokker_planck.model.initial import AtPoint, ByFormula, Gaussian, InEquilibrium, Initial, UniformIn
from fokker_planck.model.problem import Problem
from fokker_planck.model.question_arguments import checked_set, within_periods
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.solvers.time.evolving.evolution_results import Evolution

WHOLE = 1e-9
"""Of the mass: what less is missing of it is what errors of an evolution leave, not what a set has absorbed."""
STARTS = ("point", "gaussian", "set", "expression", "result")
"""Of evolve.initial, beside "stationary"."""
WANTED = (
    'one of { point = [..] }, { gaussian = { mean = [..], covariance = [[..], ..] } }, { set = "A" }, '
    '{ expression = "..." }, { result = "FOLDER" }, or "stationary"'
)
GONE_ON_FROM = "the folder that was saved, with all of its files"
Start = Mapping[str, Any] | Sequence[float] | float | str | Evolution


def observables_of(problem: Problem, given: Any, table: str = "evolve") -> dict[str, Callable[[Floats], Floats]]:
    """Functions of points by name, from formulas and functions; errors name the ``table`` of the question."""
    if not isinstance(given, Mapping):
        raise ProblemError(f"{table}.observables", described(given), 'a table of formulas by name, such as { x = "x" }')
    found: dict[str, Callable[[Floats], Floats]] = {}
    for name, formula in given.items():
        key = f"{table}.observables.{name}"
        found[name] = function_of(problem, formula, key)
    return found


def function_of(problem: Problem, formula: Any, key: str) -> Callable[[Floats], Floats]:
    """A function of points from a formula, with v for the velocity, or from a callable."""
    if isinstance(formula, str):
        text = written(problem, formula, key) if "v" in IDENTIFIER.findall(formula) else formula
        parsed = parse_expression(text, key=key)
        if parsed.dimension > problem.dimension:
            raise ProblemError(key, f"the variable {parsed.variables[-1]}", f"{problem.dimension} coordinates")
        return parsed
    if not callable(formula):
        raise ProblemError(key, described(formula), "a formula, or a function of points (dim, n)")
    function: Callable[[Floats], Floats] = formula
    return function


def initial_of(problem: Problem, given: Any) -> Initial:
    """What is asked for as ``evolve.initial``, checked."""
    if isinstance(given, Evolution):
        last = given.times[-1]
        if last.density.dimension != problem.dimension:
            found = f"a density of {last.density.dimension} coordinates"
            raise ProblemError("evolve.initial", found, f"one of {problem.dimension}")
        if not hasattr(last.density, "discretization"):
            raise ProblemError("evolve.initial", "a result without its density (evolve.npz)", GONE_ON_FROM)
        left = last.mass.value or 0.0
        if left < 1.0 - WHOLE:
            found = f"the evolution before left a mass of {left:.6g}, with which this one begins as if it were one"
            warnings.warn(f"{found}; masses, probabilities and means are to be multiplied by it", stacklevel=2)
        return ByFormula(lambda x: np.maximum(np.nan_to_num(last.density(x)), 0.0), "a density", last.density_error)
    if isinstance(given, str):
        if given != "stationary":
            raise ProblemError("evolve.initial", repr(given), WANTED)
        return InEquilibrium()
    if not isinstance(given, Mapping):
        given = {"point": given}
    if len(given) != 1 or next(iter(given)) not in STARTS:
        raise ProblemError("evolve.initial", described(given) if not given else ", ".join(map(str, given)), WANTED)
    ((kind, value),) = given.items()
    key = f"evolve.initial.{kind}"
    if kind == "result":
        return initial_of(problem, _saved(value))
    if kind == "point":
        return AtPoint(_place(problem, key, value))
    if kind == "gaussian":
        return _gaussian(problem, key, value)
    if kind == "set":
        return UniformIn(checked_set(problem, value, key), value if isinstance(value, str) else repr(value))
    text = value if isinstance(value, str) else "a function"
    return ByFormula(function_of(problem, value, key), text)


def _saved(folder: Any) -> Evolution:
    """The evolution in a result folder."""
    from fokker_planck.questions.keeping.loading import load

    key = "evolve.initial.result"
    if not isinstance(folder, str | PathLike):
        raise ProblemError(key, described(folder), GONE_ON_FROM)
    found = [answer for answer in load(Path(folder)).values() if isinstance(answer, Evolution)]
    if not found:
        raise ProblemError(key, f"no evolution in {folder}", "the folder of one")
    return found[0]


def _place(problem: Problem, key: str, value: Any) -> tuple[float, ...]:
    place = within_periods(problem, point(key, value, problem.dimension))
    if not problem.contains(np.asarray(place)[:, None])[0]:
        low, high = problem.bounding_box()
        raise ProblemError(key, list(place), f"a point of the domain, which lies between {list(low)} and {list(high)}")
    return place


def _gaussian(problem: Problem, key: str, value: Any) -> Gaussian:
    if not isinstance(value, Mapping) or set(value) != {"mean", "covariance"}:
        raise ProblemError(key, described(value), "{ mean = [..], covariance = [[..], ..] }")
    mean, size = _place(problem, f"{key}.mean", value["mean"]), problem.dimension
    given = value["covariance"]
    rows = [[given]] if isinstance(given, (int, float)) and size == 1 else given
    wanted = f"a symmetric positive definite matrix with {size} rows"
    try:
        matrix = np.array([[finite_number(f"{key}.covariance", entry) for entry in row] for row in rows])
    except TypeError:
        raise ProblemError(f"{key}.covariance", described(given), wanted) from None
    if matrix.shape != (size, size) or not np.allclose(matrix, matrix.T, rtol=1e-12, atol=0.0):
        raise ProblemError(f"{key}.covariance", described(given), wanted)
    if not np.linalg.eigvalsh(matrix)[0] > 0.0:
        raise ProblemError(f"{key}.covariance", matrix.tolist(), wanted)
    return Gaussian(mean, tuple(map(tuple, matrix.tolist())), problem.periods)


def written(problem: Problem, formula: str, key: str) -> str:
    """A formula whose velocity is v, as it is in files, with y for it."""
    return renamed(formula, {"v": "y"}, key) if isinstance(problem.process, Underdamped) else formula
