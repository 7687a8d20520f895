"""A problem file's tables, put to the library: every number that is reported, by name, with its error bar."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from fokker_planck.quantity import Quantity

IN_TIME = ("exit-law", "evolve", "correlation", "transport")
QUESTIONS = ("exit", "spectrum", "stationary", "committor", "rates")


@dataclass(frozen=True)
class Number:
    """A reported number: ``value``, or its natural ``log`` where that is known; half width of its bar in the same unit.

    For positive numbers the bar is that of the logarithm, otherwise of the number itself.
    """

    value: float | None
    log: float | None
    bar: float

    def distance(self, other: Number) -> float:
        """How far apart the two are, in the unit of the bars."""
        if self.log is not None and other.log is not None:
            return abs(self.log - other.log)
        return abs((self.value or 0.0) - (other.value or 0.0))


Numbers = dict[str, Number]


def of_quantity(quantity: Quantity) -> Number:
    """A reported quantity."""
    if quantity.log is not None:
        return Number(quantity.value, quantity.log, quantity.relative_error)
    return Number(quantity.value, None, quantity.relative_error * abs(quantity.value or 0.0))


def exactly(log: float) -> Number:
    """A reference known to rounding."""
    return Number(float(np.exp(log)) if abs(log) < 700 else None, log, 0.0)


def ask(question: str, problem_file: Any, *, callables: bool = False) -> Numbers:
    """Every number that the answer reports; wells by their order in the answer, see :func:`minima`."""
    import fokker_planck as fp

    problem = problem_file.problem
    if callables:
        problem = _by_callables(problem)
    if question in IN_TIME:
        from validation.campaign.in_time import ask_in_time

        return ask_in_time(question, problem, problem_file.raw)
    if question == "exit":
        exit_ = problem_file.questions["exit-time"]
        return {"mean": of_quantity(fp.mean_exit_time(problem, exit_.start, exit_.target).mean)}
    if question == "spectrum":
        asked = problem_file.questions["spectrum"]
        found: Any = fp.spectrum(problem, asked.count, asked.target)
        numbers: Numbers = {}
        for k, one in enumerate(found.eigenvalues):
            if k == 0 and asked.target is None:
                continue
            number = of_quantity(one.real)
            numbers[f"eigenvalue {k}"] = number
            if one.imag:
                size = float(np.hypot(one.real.value or 0.0, one.imag))
                numbers[f"|imag {k}|"] = Number(abs(one.imag), None, one.real.relative_error * size)
        return numbers
    if question == "stationary":
        found = fp.stationary_density(problem)
        weights = [of_quantity(well.probability) for well in found.wells]
        weights.sort(key=lambda weight: -np.inf if weight.log is None else weight.log, reverse=True)
        return {f"well {k}": weight for k, weight in enumerate(weights)}
    if question == "committor":
        asked = problem_file.questions["committor"]
        found = fp.committor(problem, asked.from_set, asked.to_set)
        return {
            "rate": of_quantity(found.rate),
            "reactive": of_quantity(found.probability_reactive),
            "last from": of_quantity(found.probability_last_from),
        }
    found = fp.rates(problem)
    logs = sorted(
        (q for row in found.rates for q in row if q is not None), key=lambda q: -(q.log if q.log is not None else -1e99)
    )
    return {f"rate {k}": of_quantity(q) for k, q in enumerate(logs)}


def _by_callables(problem: Any) -> Any:
    """The same problem, with every coefficient that is not constant given by a Python function."""
    from dataclasses import replace

    import fokker_planck as fp
    from fokker_planck.model.diffusion.state_dependent import Sampled

    process, dimension = problem.process, problem.dimension
    field = process.field(dimension)
    if not field.constant:
        noise = Sampled(lambda x: field.tensor(x), lambda x: field.divergence(x), dimension)
        process = replace(process, diffusion=noise)
    if process.potential is not None:
        formula = process.potential
        function = fp.Potential(
            lambda x: formula.value(x), gradient=lambda x: formula.gradient(x), hessian=lambda x: formula.hessian(x),
            dimension=dimension,
        )  # fmt: skip
        process = replace(process, potential=function)
    name = "whole" if process.potential is None else "extra"
    drift = getattr(process, name)
    if drift is not None:
        process = replace(process, **{name: fp.Drift(lambda x: drift.value(x), dimension=dimension)})
    return fp.Problem(process, problem.domain, problem.resolution, dict(problem.sets), problem.title)


def load(tables: dict[str, Any], folder: Path) -> Any:
    """The problem file that the tables make; a mesh is written beside it."""
    from fokker_planck.cli.problem_file import problem_file

    if tables["domain"]["kind"] == "mesh":
        tables = {**tables, "domain": {"kind": "mesh", "file": str(_mesh_in(tables["domain"], folder))}}
    return problem_file(tables, folder / "problem.toml")


def _mesh_in(domain: dict[str, Any], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return mesh_of_box(domain, folder / f"box-{os.getpid()}.msh")


def mesh_of_box(domain: dict[str, Any], path: Path) -> Path:
    """A mesh file of the box from ``lower`` to ``upper``: intervals, triangles or tetrahedra of unequal shape.

    Turned, scaled and shifted by what the ``domain`` says.
    """
    import meshio

    lower, upper = np.asarray(domain["lower"]), np.asarray(domain["upper"])
    dimension = len(lower)
    count = {1: 9, 2: 9, 3: 3}[dimension]
    t = np.linspace(0.0, 1.0, count + 1)
    grid = np.stack([c.ravel() for c in np.meshgrid(t**1.2, *[t] * (dimension - 1), indexing="ij")], axis=1)
    flat = (
        domain.get("scale", 1.0) * (grid * (upper - lower) + lower) @ np.array(domain.get("turn", np.eye(dimension))).T
    )
    points = np.zeros((len(flat), 3))
    points[:, :dimension] = flat + np.array(domain.get("shift", np.zeros(dimension)))
    cells = [({1: "line", 2: "triangle", 3: "tetra"}[dimension], _simplices(count, dimension))]
    meshio.Mesh(points, cells).write(path, file_format="gmsh", binary=False)
    return path


def _simplices(count: int, dimension: int) -> Any:
    """Kuhn's simplices of a grid of ``count`` boxes an axis: from one corner along the axes in every order."""
    strides = (count + 1) ** np.arange(dimension)[::-1]
    corner = np.stack(np.meshgrid(*[np.arange(count)] * dimension, indexing="ij")).reshape(dimension, -1)
    first = strides @ corner
    cells = [
        np.stack([first, *(first + step for step in np.cumsum(strides[list(order)]))], axis=1)
        for order in permutations(range(dimension))
    ]
    return np.concatenate(cells)
