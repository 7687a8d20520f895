"""The questions about time: what a random problem is asked instead, its numbers, and what these are held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from validation.campaign.questions import Number, Numbers, load, of_quantity
from validation.campaign.random_problems import RandomProblem

IN_TIME = ("exit-law", "evolve", "correlation", "transport")
TIMES = (0.02, 0.3, 4.0, 1e3)  # beside rates inside wells of about one: before, during and after they settle
QUANTILES = (0.05, 0.5, 0.95)
SPLIT = 0.4  # of a time, at which an evolution is interrupted


def in_time(problem: RandomProblem, seed: int) -> RandomProblem:
    """The same problem, asked about time: an exit law, correlations, an evolution, or transport around a ring."""
    rng = np.random.default_rng([seed, problem.number, 14])
    tables = deepcopy(problem.tables)
    for name in ("spectrum", "committor"):
        tables.pop(name, None)
    question = "exit-law" if "exit" in tables else str(rng.choice(["evolve", "correlation"]))
    if question != "exit-law" and "periodic" in tables["domain"].get("boundary", ()) and rng.uniform() < 0.5:
        question = "transport"
    axis = "x" if "boundary" not in tables["domain"] else f"sin({2.0 * np.pi / 4.0!r}*x)"
    if question == "exit-law":
        tables["exit"].update(times=list(TIMES), quantiles=list(QUANTILES))
    elif question == "evolve":
        place = _middle(tables) + rng.uniform(-0.3, 0.3, problem.dimension)
        initial = {"point": place.round(4).tolist()}
        tables["evolve"] = {"initial": initial, "times": list(TIMES), "observables": {"f": axis}}
    elif question == "correlation":
        tables["correlation"] = {"f": axis, "times": list(TIMES), "frequencies": [0.0, 1.0]}
    return replace(problem, question=question, tables=tables)


def _middle(tables: dict[str, Any]) -> Any:
    """A place inside of the domain."""
    domain = tables["domain"]
    if "center" in domain:
        return np.array(domain["center"])
    if domain["kind"] == "sublevel":
        problem = load({**tables, "sets": {}}, Path()).problem
        points = problem.sample()
        return points[:, np.argmin(problem.process.potential.value(points))]
    return 0.5 * np.add(domain["lower"], domain["upper"])


def ask_in_time(question: str, problem: Any, tables: dict[str, Any]) -> Numbers:
    """Every number of the answer, by name."""
    import fokker_planck as fp

    if question == "exit-law":
        asked = tables["exit"]
        target = asked["target"]
        return of_law(fp.exit_law(problem, asked["start"], target, asked["times"], asked["quantiles"]))
    if question == "evolve":
        asked = tables["evolve"]
        return of_evolution(fp.evolve(problem, asked["initial"], asked["times"], asked["observables"]))
    if question == "correlation":
        asked = tables["correlation"]
        found = fp.correlation(problem, asked["f"], times=asked["times"], frequencies=asked["frequencies"])
        numbers = {"covariance": _estimate(found.covariance), "integral": _estimate(found.integral)}
        numbers |= {f"C({each.time:g})": _estimate(each.covariance) for each in found.times}
        return numbers | {f"S({each.frequency:g})": _estimate(each.density) for each in found.spectrum}
    transport = fp.effective_transport(problem)
    numbers = {f"drift {k}": _estimate(each) for k, each in enumerate(transport.drift)}
    pairs = [(i, j) for i in range(len(transport.axes)) for j in range(i + 1)]
    return numbers | {f"diffusion {i}{j}": _estimate(transport.diffusion[i][j]) for i, j in pairs}


def of_law(law: Any) -> Numbers:
    """Numbers of an exit law; survival must fall."""
    numbers = {name: of_quantity(getattr(law, name)) for name in ("mean", "variance", "rate")}
    logs = []
    for each in law.times:
        numbers[f"S({each.time:g})"] = of_quantity(each.survival)
        numbers[f"f({each.time:g})"] = of_quantity(each.density)
        logs.append((each.survival.log, each.survival.relative_error))
    for (earlier, one), (later, other) in zip(logs[:-1], logs[1:], strict=True):
        assert later <= earlier + one + other, "survival rises"
    return numbers | {f"quantile {q:g}": of_quantity(t) for q, t in law.quantiles.items()}


def of_evolution(evolution: Any) -> Numbers:
    """Numbers of an evolution, wells by their size; mass must stay."""
    numbers: Numbers = {}
    for state in evolution.times:
        assert abs(state.mass.value - 1.0) <= max(state.mass.relative_error, 1e-12), "mass is lost"
        for k, well in enumerate(sorted(state.wells, key=lambda q: -(q.value or 0.0))):
            numbers[f"weight {k} at {state.time:g}"] = _absolute(well)
        numbers |= {f"{name}({state.time:g})": _estimate(mean) for name, mean in state.observables.items()}
        numbers[f"distance {state.time:g}"] = _absolute(state.distance.total_variation)
    return numbers


def identities_in_time(problem: RandomProblem, folder: Path) -> Iterator[tuple[str, Callable[[], Numbers]]]:
    """What one question about time says to another."""
    import fokker_planck as fp

    tables = problem.tables

    def given() -> Any:
        return load(tables, folder).problem

    if problem.question == "exit-law":
        asked = tables["exit"]
        yield (
            "mean_exit_time",
            lambda: {"mean": of_quantity(fp.mean_exit_time(given(), asked["start"], asked["target"]).mean)},
        )
        yield "survival at quantiles", lambda: _at_quantiles(given(), asked)
    if problem.question == "evolve":
        asked = tables["evolve"]
        yield "interrupted", lambda: _interrupted(given(), asked)


def _at_quantiles(problem: Any, asked: dict[str, Any]) -> Numbers:
    """The quantiles, with errors by which S is not what it has to be there."""
    import fokker_planck as fp

    law = fp.exit_law(problem, asked["start"], asked["target"], (), asked["quantiles"])
    times = [float(np.exp(law.quantiles[q].log)) for q in asked["quantiles"]]
    back = fp.exit_law(problem, asked["start"], asked["target"], times).times
    numbers: Numbers = {}
    for q, t, each in zip(asked["quantiles"], times, back, strict=True):
        slope = t * float(np.exp(each.density.log))  # dS / d log t
        off = (float(np.exp(each.survival.log)) - (1.0 - q)) / slope
        bar = each.survival.relative_error * (1.0 - q) / slope
        numbers[f"quantile {q:g}"] = Number(t, float(np.log(t)) + off, bar)
    return numbers


def _interrupted(problem: Any, asked: dict[str, Any]) -> Numbers:
    """The last but one time by way of an earlier one."""
    import fokker_planck as fp

    time = asked["times"][2]
    first = fp.evolve(problem, asked["initial"], [SPLIT * time], asked["observables"])
    second = fp.evolve(problem, first, [(1.0 - SPLIT) * time], asked["observables"])
    found = of_evolution(second)
    return {name.replace(f"{(1.0 - SPLIT) * time:g}", f"{time:g}"): number for name, number in found.items()}


def _absolute(quantity: Any) -> Number:
    value = float(quantity.value or 0.0)
    return Number(value, None, quantity.relative_error * value + 1e-300)


def _estimate(found: Any) -> Number:
    return Number(found.value, None, found.absolute_error)
