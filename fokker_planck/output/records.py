"""Answers as JSON that gives them back: every dataclass with its type, every field by the name of its file entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from numbers import Integral, Real
from typing import Any

from fokker_planck.errors import ProblemError

HOMES: Mapping[str, str] = {
    "Quantity": "quantity",
    "Units": "quantity.units",
    **dict.fromkeys(("CriticalPoint", "Frame", "Landscape", "Saddle"), "landscape.types"),
    "MostProbablePaths": "questions.paths",
    "PathOverSaddle": "landscape.paths",
    "Surface": "landscape.surface",
    **dict.fromkeys(("Ball", "Ellipsoid", "HalfSpace"), "model.sets.shapes"),
    "ConstantField": "model.diffusion.constant",
    "SaddleFlow": "asymptotics.saddle_flow",
    **dict.fromkeys(("Distance", "Evolution", "StateAtTime"), "solvers.time.evolving.evolution_results"),
    **dict.fromkeys(("ExitCurve", "ExitPlace", "ShareOfExit"), "solvers.results.of_place"),
    **dict.fromkeys(("Harmonic", "Multiplier", "PeriodicState"), "solvers.time.driven.periodic_results"),
    "WellRates": "questions.rates",
    "FunctionCheck": "solvers.adaptivity.function_checks",
    "Work": "fem.work",
    **dict.fromkeys(
        ("Committor", "Eigenvalue", "ExitTime", "Rates", "Spectrum", "Stationary", "Statistics", "WellWeight"),
        "solvers.results.steady",
    ),
    **dict.fromkeys(
        (
            "Correlation", "CorrelationAtTime", "Estimate", "ExitLaw", "PartOfExit", "SpectralDensity", "TimeOfLaw",
            "Transport",
        ),
        "solvers.results.in_time",
    ),
}  # fmt: skip
"""Modules of the dataclasses that a record may hold, of which nothing else is made."""
UNSAVED = ("hold", "current")
"""What has no form in a file: how a curved domain holds points, and a current that is computed from drift and noise."""


def record(answer: object, saved: Mapping[str, object]) -> Any:
    """The JSON of an answer whose fields are ``saved`` by name; what has no form in a file is null."""
    names = {id(field): name for name, field in saved.items()}

    def written(value: object) -> Any:
        if id(value) in names:
            return {"field": names[id(value)]}
        if isinstance(value, list | tuple) and any(_has_no_form(each) for each in value):
            return None
        if is_dataclass(value) and type(value).__name__ in HOMES:
            parts = {f.name: None if f.name in UNSAVED else written(getattr(value, f.name)) for f in fields(value)}
            return {"type": type(value).__name__, **parts}
        if isinstance(value, Mapping):
            return {"pairs": [[written(key), written(entry)] for key, entry in value.items()]}
        if isinstance(value, list | tuple):
            return [written(entry) for entry in value]
        return _number(value)

    return written(answer)


def _has_no_form(value: object) -> bool:
    """A dataclass that is none of those: two sets of which one cannot be written are written neither."""
    return is_dataclass(value) and type(value).__name__ not in HOMES and not hasattr(value, "triangulation")


def _number(value: object) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else {"number": str(float(value))}
    return None


def answer_of(content: Any, field: Callable[[str], object]) -> Any:
    """What :func:`record` wrote, with fields looked up by name.

    Raises ProblemError where it is no record of this version.
    """
    try:
        return _read(content, field)
    except ProblemError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"a record that cannot be read ({type(error).__name__}: {error})"
        raise ProblemError("records", found, "a result that this version of the program saved") from None


def _read(content: Any, field: Callable[[str], object]) -> Any:
    if isinstance(content, list):
        return tuple(_read(entry, field) for entry in content)
    if not isinstance(content, dict):
        return content
    if content.keys() == {"field"}:
        return field(content["field"])
    if content.keys() == {"number"}:
        return float(content["number"])
    if content.keys() == {"pairs"}:
        return {_read(key, field): _read(value, field) for key, value in content["pairs"]}
    name = content["type"]
    made = getattr(import_module(f"fokker_planck.{HOMES[name]}"), name)
    return made(**{key: _read(value, field) for key, value in content.items() if key != "type"})
