"""What must not change: every reference that a problem has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from validation.campaign.coordinates import Change, changed, identity, in_formulas, turned
from validation.campaign.in_time import identities_in_time
from validation.campaign.line_quadrature import Line, line
from validation.campaign.other_domains import ends_of_sublevel, other_domains
from validation.campaign.questions import IN_TIME, Numbers, ask, exactly, load
from validation.campaign.random_noise import whole_drift
from validation.campaign.random_problems import RandomProblem

Tables = dict[str, Any]
FINER = 1e-2
LEAST_TOLERANCE = {1: 1e-11, 2: 1e-8, 3: 1e-2}


def references(problem: RandomProblem, folder: Path) -> Iterator[tuple[str, Callable[[], Numbers]]]:
    """Everything that the problem's numbers can be held to, by name; computed when it is called."""
    if problem.dimension == 1 and problem.question in ("exit", "stationary", "committor") and _on_a_line(problem):
        yield "quadrature", lambda: on_a_line(problem, folder)
    if problem.question in IN_TIME:
        yield from identities_in_time(problem, folder)
    yield from (one for one in _variants(problem, folder) if _stays(problem.question, one[0]))


def _stays(question: str, name: str) -> bool:
    """Whether the numbers of a question are the same: lengths are no times."""
    return not (question == "transport" and name in ("mirrored", "scaled and shifted", "turned"))


def _on_a_line(problem: RandomProblem) -> bool:
    return "boundary" not in problem.tables["domain"] or problem.question == "exit"


def _variants(problem: RandomProblem, folder: Path) -> Iterator[tuple[str, Callable[[], Numbers]]]:
    dimension, question, tables = problem.dimension, problem.question, problem.tables

    def asked(tables: Tables, callables: bool = False) -> Callable[[], Numbers]:
        return lambda: ask(question, load(tables, folder), callables=callables)

    rng = np.random.default_rng([7, problem.number])
    kind = tables["domain"]["kind"]
    for name, changed_tables in _moved(problem, rng):
        yield name, asked(changed_tables)
    for name, domain in other_domains(problem, folder):
        yield name, asked({**tables, "domain": domain})
    for name, changed_tables in _written_otherwise(problem, rng):
        yield name, asked(changed_tables)
    # a function is sampled, and its derivatives beyond those given are differences: no Hessian noise, no jumps
    if not {"kinks", "jump", "hessian"} & {*problem.tags, tables["diffusion"].get("covariance")}:
        rounder = deepcopy(tables)
        rounder["discretization"]["tolerance"] = max(tables["discretization"]["tolerance"], 1e-8)
        yield "by a callable", asked(rounder, callables=True)
    finer = deepcopy(tables)
    tolerance = tables["discretization"]["tolerance"]
    finer["discretization"]["tolerance"] = max(tolerance * FINER, LEAST_TOLERANCE[dimension])
    yield "a finer tolerance", asked(finer)
    if question == "spectrum":
        more = deepcopy(tables)
        more["spectrum"]["count"] += 3
        yield "a larger count", asked(more)
    if question == "committor":
        back = deepcopy(tables)
        back["committor"] = {"from": "B", "to": "A"}
        yield "B to A", lambda: {"rate": asked(back)()["rate"]}
    if dimension < 3 and kind == "box" and question == "exit" and _extends(tables):
        yield "an axis more", asked(_with_an_axis(tables, dimension))


def _moved(problem: RandomProblem, rng: np.random.Generator) -> Iterator[tuple[str, Tables]]:
    """Mirrored, scaled and shifted, turned."""
    dimension, tables = problem.dimension, problem.tables
    mirror = np.diag(np.where(np.arange(dimension) == 0, -1.0, 1.0))
    if dimension > 1:
        mirror = mirror[[1, 0, *range(2, dimension)]]
    yield "mirrored", changed(tables, replace(identity(dimension), turn=mirror))
    scale = float(f"{np.exp(rng.uniform(-3.0, 3.0)):.3g}")
    shift = rng.uniform(-3.0, 3.0, dimension).round(3)
    yield "scaled and shifted", changed(tables, Change(scale, np.eye(dimension), shift))
    if dimension > 1 and "boundary" not in tables["domain"]:
        yield "turned", changed(tables, turned(float(rng.uniform(0.1, 1.4)), dimension))


def _written_otherwise(problem: RandomProblem, rng: np.random.Generator) -> Iterator[tuple[str, Tables]]:
    """A constant added to V, no potential but a drift, formulas for noise, the drift of another interpretation."""
    tables, dimension = problem.tables, problem.dimension
    noise = in_formulas(tables["diffusion"], dimension)
    if noise["kind"] != tables["diffusion"]["kind"]:
        yield "noise by formulas", {**tables, "diffusion": noise}
    smooth = not {"kinks", "jump"} & set(problem.tags)
    # wells are those of V where V alone is given, and of b - div D where a drift is: one flow where D is constant
    varies = noise["kind"] in ("expression", "hessian") and "drift" not in tables
    if varies and problem.question in ("stationary", "rates", "evolve"):
        smooth = False
    if noise["kind"] == "expression" and smooth and noise["interpretation"] != "ito":
        drift = _with_half_or_all(tables, noise, dimension)
        yield "by its Ito drift", {**tables, "diffusion": {**noise, "interpretation": "ito"}, "drift": drift}
    if "potential" not in tables:
        return
    raised = deepcopy(tables)
    constant = float(f"{rng.uniform(-100, 100):.4g}")
    raised["potential"]["expression"] += f" + ({constant!r})"
    if "level" in raised["domain"]:
        raised["domain"]["level"] += constant
    yield "V + c", raised
    if smooth and noise["kind"] != "hessian" and tables["domain"]["kind"] != "sublevel":
        extra = tables.get("drift", {}).get("extra", ["0"] * dimension)
        whole = {**tables, "drift": {"expression": whole_drift(tables["potential"]["expression"], extra)}}
        del whole["potential"]
        yield "by its drift alone", whole


def _with_half_or_all(tables: Tables, noise: Tables, dimension: int) -> Tables:
    """[drift] of the same process read as Ito: alpha div D is added."""
    from fokker_planck.formulas.expression import parse_expression

    alpha = {"stratonovich": 0.5, "klimontovich": 1.0}[noise["interpretation"]]
    given = noise["expression"]
    rows = given
    if isinstance(given, str):
        rows = [[given if i == j else "0" for j in range(dimension)] for i in range(dimension)]
    added = [
        " + ".join(f"{alpha!r}*({parse_expression(rows[i][j]).derivative(j).sympy})" for j in range(dimension))
        for i in range(dimension)
    ]
    key = "extra" if "potential" in tables else "expression"
    before = tables.get("drift", {}).get(key, ["0"] * dimension)
    return {key: [f"({b}) + {a}" for b, a in zip(before, added, strict=True)]}


def _extends(tables: Tables) -> bool:
    noise = tables["diffusion"]
    plain = "potential" in tables and "drift" not in tables and "boundary" not in tables["domain"]
    goal = tables["sets"].get("goal", {})
    return plain and bool(goal) and set(goal) <= {"halfspace", "region"} and noise["kind"] == "isotropic"


def _with_an_axis(tables: Tables, dimension: int) -> Tables:
    new = deepcopy(tables)
    new["potential"]["expression"] += f" + 0.7*{'xyz'[dimension]}**2"
    new["domain"]["lower"].append(-1.5)
    new["domain"]["upper"].append(1.7)
    new["exit"]["start"].append(0.1)
    for shape in new["sets"].values():
        if "halfspace" in shape:
            shape["halfspace"]["normal"].append(0.0)
    new["discretization"]["tolerance"] = max(tables["discretization"]["tolerance"], 1e-2 if dimension == 2 else 1e-7)
    return new


def on_a_line(problem: RandomProblem, folder: Path) -> Numbers:
    """The quadrature of reference."""
    file = load(problem.tables, folder)
    given = file.problem
    lower, upper = given.bounding_box()
    if "boundary" in problem.tables["domain"]:
        lower, upper = _around_the_ring(problem, file, lower, upper)
    if given.domain.__class__.__name__ == "Sublevel":
        lower, upper = ends_of_sublevel(problem.tables, lower, upper)
    process = given.process
    alpha = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}[process.interpretation]

    def noise(x: Any) -> Any:
        return process.field(1).tensor(x[None])[0, 0]

    def drift(x: Any) -> Any:
        return process.noiseless_drift(x[None])[0]

    breaks, jumps = list(problem.breaks), []
    for place, jump in zip(problem.breaks, problem.jumps_of_potential, strict=True):
        both = noise(np.array([place - 1e-9, place + 1e-9]))
        jumps.append(-jump / float(both.mean()) if jump else 0.0)
    marks = _marks(problem, file)
    whole = line(
        drift, noise, float(np.ravel(lower)[0]), float(np.ravel(upper)[0]),
        [*breaks, *marks], [*jumps, *(0.0 for _ in marks)], alpha,
    )  # fmt: skip
    return _answer(problem, file, whole)


def _interval(shape: Any) -> tuple[float, float]:
    """The set on the line."""
    import re

    name = shape.__class__.__name__
    if name == "Ball":
        return shape.center[0] - shape.radius, shape.center[0] + shape.radius
    if name == "HalfSpace":
        place = shape.offset / shape.normal[0]
        return (place, np.inf) if shape.normal[0] > 0 else (-np.inf, place)
    sign, place = re.fullmatch(r"(-?)\(exp\(x\) - exp\((.*)\)\)", shape.expression).groups()  # type: ignore[union-attr]
    return (-np.inf, float(place)) if sign else (float(place), np.inf)


def _around_the_ring(problem: RandomProblem, file: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    """From the upper end of the target around the ring to its lower end, with the start between; formulas go on."""
    period = float(upper[0] - lower[0])
    a, b = _interval(file.problem.sets["goal"])
    a, b = max(a, float(lower[0])), min(b, float(upper[0]))
    turns = np.floor((file.questions["exit-time"].start[0] - b) / period)
    return [b + turns * period], [a + (turns + 1.0) * period]


def _marks(problem: RandomProblem, file: Any) -> list[float]:
    if "boundary" in problem.tables["domain"]:
        return [float(file.questions["exit-time"].start[0])]
    marks = [float(end) for shape in file.problem.sets.values() for end in _interval(shape) if np.isfinite(end)]
    if problem.question == "exit":
        marks.append(float(file.questions["exit-time"].start[0]))
    if problem.question == "stationary":
        marks += _tops(problem, file)
    return marks


def _tops(problem: RandomProblem, file: Any) -> list[float]:
    """Between which maxima of the exponent the wells of the answer lie."""
    import fokker_planck as fp

    wells = sorted(well.minimum[0] for well in fp.stationary_density(file.problem).wells)
    from scipy.optimize import brentq

    from fokker_planck.solvers.setting.landscape_of_potential import of_potential

    function = of_potential(file.problem).downhill
    tops = []
    for a, b in zip(wells[:-1], wells[1:], strict=True):
        t = np.linspace(a, b, 4001)[1:-1]
        k = int(np.argmax(function.value(t[None])))
        left, right = t[max(k - 1, 0)], t[min(k + 1, len(t) - 1)]

        def slope(x: float) -> float:
            return float(function.gradient(np.array([[x]]))[0, 0])

        kinks = [place for place in problem.breaks if left <= place <= right]
        if kinks:
            tops.append(kinks[0])
        else:
            tops.append(float(brentq(slope, left, right, xtol=1e-15)))
    return tops


def _answer(problem: RandomProblem, file: Any, whole: Line) -> Numbers:
    if problem.question == "exit":
        start = float(file.questions["exit-time"].start[0])
        if "boundary" in problem.tables["domain"] or file.questions["exit-time"].target == "boundary":
            return {"mean": exactly(whole.log_exit_to_ends(start))}
        a, b = _interval(file.problem.sets["goal"])
        return {"mean": exactly(whole.log_exit_to_right(start, a) if start < a else whole.log_exit_to_left(start, b))}
    total = whole.log_mass(-np.inf, np.inf)
    if problem.question == "stationary":
        ends = [-np.inf, *_tops(problem, file), np.inf]
        masses = [whole.log_mass(a, b) - total for a, b in zip(ends[:-1], ends[1:], strict=True)]
        return {f"well {k}": exactly(mass) for k, mass in enumerate(sorted(masses, reverse=True))}
    first, second = (_interval(file.problem.sets[name]) for name in "AB")
    left, right = sorted((first, second))
    across = whole.log_scale_between(left[1], right[0])
    return {"rate": exactly(-across - total)}
