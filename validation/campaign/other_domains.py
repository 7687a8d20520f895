"""Domains that must give the same answer: what lies beyond is never reached, or there is nothing beyond."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fokker_planck.model.potential import Potential
from validation.campaign.questions import load
from validation.campaign.random_problems import RandomProblem

Tables = dict[str, Any]
# Units of epsilon by which a wall is above everything that matters: what is cut off there is 1e-17 of the rest, times
# what eigenfunctions grow.
ABOVE = 40.0


def other_domains(problem: RandomProblem, folder: Path) -> Iterator[tuple[str, Tables]]:
    """Boxes for mesh files, on a line boxes for balls and sublevel sets, sublevel sets where walls are high."""
    domain, dimension = problem.tables["domain"], problem.dimension
    if domain["kind"] == "mesh":
        yield "box for mesh file", {**domain, "kind": "box"}
    elif domain["kind"] == "box" and "boundary" not in domain:
        yield "mesh file for box", {**domain, "kind": "mesh"}
    if dimension == 1 and domain["kind"] == "ball":
        c, r = domain["center"][0], domain["radius"]
        yield "box for ball", {"kind": "box", "lower": [c - r], "upper": [c + r]}
    if dimension == 1 and domain["kind"] == "sublevel":
        lower, upper = ends_of_sublevel(problem.tables, domain["lower"], domain["upper"])
        yield "box for sublevel", {"kind": "box", "lower": lower, "upper": upper}
    if domain["kind"] in ("box", "ball", "mesh") and _alone(problem.tables):
        level = _level_below_walls(problem, folder)
        if level is not None:
            lower, upper = _box(domain)
            yield "sublevel for " + domain["kind"], {"kind": "sublevel", "level": level, "lower": lower, "upper": upper}


def _alone(tables: Tables) -> bool:
    """Whether V alone says where the process goes."""
    plain = "potential" in tables and "drift" not in tables and "boundary" not in tables["domain"]
    return plain and tables["diffusion"]["kind"] == "isotropic" and "boundary" not in tables.get("exit", {}).values()


def _box(domain: Tables) -> tuple[list[float], list[float]]:
    if domain["kind"] == "ball":
        center, radius = np.array(domain["center"]), domain["radius"]
        return (center - radius).tolist(), (center + radius).tolist()
    return domain["lower"], domain["upper"]


def _level_below_walls(problem: RandomProblem, folder: Path) -> float | None:
    """A level just below V on the walls, if that is ``ABOVE`` everything that matters."""
    from fokker_planck.landscape.finding.survey import survey

    tables = problem.tables
    if problem.question == "spectrum" or {"kinks", "jump", "waves"} & set(problem.tags):
        return None
    potential = Potential(tables["potential"]["expression"])
    given = load(tables, folder).problem
    points = np.array(given.sample(20_000))
    lower, upper = (np.array(corner)[:, None] for corner in _box(tables["domain"]))
    if tables["domain"]["kind"] == "ball":
        center = 0.5 * (lower + upper)
        away = points - center
        walls = center + away * (tables["domain"]["radius"] / np.maximum(np.linalg.norm(away, axis=0), 1e-9))
    else:
        walls = np.concatenate(
            [np.where((np.arange(len(points)) == i)[:, None], end, points) for i in range(len(points)) for end in
             (lower, upper)], axis=1,
        )  # fmt: skip
    level = float(potential.value(walls).min())
    level -= 0.02 * (level - float(potential.value(points).min()))
    found = survey(given, potential)
    matters = [saddle.value for saddle in found.saddles] + [minimum.value for minimum in found.minima]
    for shape in given.sets.values():
        inside = shape.contains(points)
        if not inside.any():
            return None
        matters.append(float(potential.value(points[:, inside]).max()) if problem.question == "committor" else
                       float(potential.value(points[:, inside]).min()))  # fmt: skip
        if "halfspace" in tables["sets"].get("goal", {}) or "region" in tables["sets"].get("goal", {}):
            matters.append(float(potential.value(shape.project(points[:, ~inside][:, :4000])).min()))
    if "exit" in tables:
        matters.append(float(potential.value(np.array(tables["exit"]["start"])[:, None])[0]))
    high_enough = level > max(matters) + ABOVE * tables["diffusion"]["epsilon"]
    return float(f"{level:.6g}") if high_enough else None


def ends_of_sublevel(tables: Tables, lower: Any, upper: Any) -> tuple[Any, Any]:
    """Where V = level on the outermost sides of a line."""
    from scipy.optimize import brentq

    potential, level = Potential(tables["potential"]["expression"]), tables["domain"]["level"]

    def over(x: float) -> float:
        return float(potential.value(np.array([[x]]))[0]) - level

    a, b = float(np.ravel(lower)[0]), float(np.ravel(upper)[0])
    t = np.linspace(a, b, 20001)
    inside = np.flatnonzero(potential.value(t[None]) <= level)
    left = brentq(over, t[max(inside[0] - 1, 0)], t[inside[0]], xtol=1e-15) if inside[0] else a
    right = brentq(over, t[inside[-1]], t[inside[-1] + 1], xtol=1e-15) if inside[-1] < len(t) - 1 else b
    return [left], [right]
