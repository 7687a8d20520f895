"""The same problem in other coordinates: x_new = s Q x_old + t, in the tables of a problem file.

A gradient flow stays one: V becomes s^2 V, D becomes s^2 Q D Q^T, and all times, probabilities and eigenvalues stay.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Tables = dict[str, Any]
AXES = "xyz"


@dataclass(frozen=True)
class Change:
    """``scale`` s > 0, an orthogonal ``turn`` Q and a ``shift`` t."""

    scale: float
    turn: Floats
    shift: Floats

    def forward(self, point: Any) -> list[float]:
        """x_new of an x_old."""
        return [float(v) for v in self.scale * self.turn @ np.asarray(point, dtype=float) + self.shift]

    @property
    def along_axes(self) -> bool:
        """Whether every axis goes to an axis: boxes stay boxes."""
        return bool(((np.abs(self.turn) < 1e-12) | (np.abs(np.abs(self.turn) - 1.0) < 1e-12)).all())

    def text(self, formula: str) -> str:
        """A formula in x_old, in terms of x_new."""
        back = self.turn.T / self.scale
        offset = -back @ self.shift
        old = []
        for row, constant in zip(back, offset, strict=True):
            terms = [f"({float(c)!r})*{AXES[j]}" for j, c in enumerate(row) if c != 0.0]
            old.append("(" + " + ".join([*terms, *([f"({float(constant)!r})"] if constant else [])]) + ")")
        return re.sub(r"\b[xyz]\b", lambda name: old[AXES.index(name.group())], formula)


def identity(dimension: int) -> Change:
    """Nothing changes."""
    return Change(1.0, np.eye(dimension), np.zeros(dimension))


def turned(angle: float, dimension: int) -> Change:
    """By an angle, in space about an axis that is none of the coordinate axes."""
    c, s = np.cos(angle), np.sin(angle)
    if dimension == 2:
        return Change(1.0, np.array([[c, -s], [s, c]]), np.zeros(2))
    axis = np.array([1.0, 2.0, 2.0]) / 3.0
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return Change(1.0, np.eye(3) + s * cross + (1 - c) * cross @ cross, np.zeros(3))


def changed(tables: Tables, change: Change) -> Tables:
    """The problem in new coordinates; boxes only where every axis goes to an axis."""
    new = deepcopy(tables)
    square = change.scale**2
    if "potential" in new:
        new["potential"]["expression"] = f"({square!r})*({change.text(tables['potential']['expression'])})"
    for key in ("expression", "extra"):
        if key in new.get("drift", {}):
            new["drift"][key] = _turned_vector([change.text(f) for f in tables["drift"][key]], change)
    new["diffusion"] = in_formulas(new["diffusion"], len(change.shift))
    _change_noise(new["diffusion"], change)
    new["domain"] = _domain(tables["domain"], change)
    new["sets"] = {name: _set(shape, change) for name, shape in tables.get("sets", {}).items()}
    if "exit" in new:
        new["exit"]["start"] = change.forward(tables["exit"]["start"])
    if "evolve" in new:
        new["evolve"]["initial"] = {"point": change.forward(tables["evolve"]["initial"]["point"])}
        new["evolve"]["observables"] = {k: change.text(f) for k, f in tables["evolve"]["observables"].items()}
    if "correlation" in new:
        new["correlation"]["f"] = change.text(tables["correlation"]["f"])
    return new


def in_formulas(noise: Tables, dimension: int) -> Tables:
    """The same noise of one of the kinds isotropic, constant, hessian, or written as formulas."""
    noise = deepcopy(noise)
    if noise["kind"] == "sgd":
        share = noise.pop("learning_rate") / (2.0 * noise.pop("batch_size"))
        noise["kind"] = noise.pop("covariance")
        for key in ("epsilon", "scale", "offset", "slope", "curvature"):
            if key in noise:
                noise[key] = (share * np.asarray(noise[key])).tolist()
    if noise["kind"] == "isotropic":
        noise.pop("interpretation", None)
    if noise["kind"] != "quadratic":
        return noise
    given = {
        key: np.broadcast_to(np.asarray(noise.get(key, 0.0), dtype=float), dimension).tolist()
        for key in ("offset", "slope", "curvature", "center")
    }
    formulas = []
    for i in range(dimension):
        o, s, c, m = (given[key][i] for key in ("offset", "slope", "curvature", "center"))
        y = f"({AXES[i]} - ({m!r}))"
        formulas.append(f"({c!r})*{y}**2" if noise.get("form") == "radial" else f"{o!r} + ({s!r})*{y} + ({c!r})*{y}**2")
    reading = {"interpretation": noise.get("interpretation", "ito")}
    if noise.get("form") == "radial":
        return {"kind": "expression", "expression": f"{given['offset'][0]!r} + {' + '.join(formulas)}", **reading}
    rows = [[formulas[i] if i == j else "0" for j in range(dimension)] for i in range(dimension)]
    return {"kind": "expression", "expression": rows[0][0] if dimension == 1 else rows, **reading}


def _turned_vector(formulas: list[str], change: Change) -> list[str]:
    return [
        " + ".join(
            f"({float(change.scale * q)!r})*({f})" for q, f in zip(row, formulas, strict=True) if q != 0.0 and f != "0"
        )
        or "0"
        for row in change.turn
    ]


def _change_noise(noise: Tables, change: Change) -> None:
    square = change.scale**2
    kind = noise["kind"]
    if kind == "isotropic":
        noise["epsilon"] *= square
    elif kind == "hessian":
        noise["scale"] *= square
    elif kind == "constant":
        noise["matrix"] = (square * change.turn @ np.asarray(noise["matrix"]) @ change.turn.T).tolist()
    elif isinstance(noise["expression"], str):
        noise["expression"] = f"({square!r})*({change.text(noise['expression'])})"
    else:
        old = [[change.text(f) for f in row] for row in noise["expression"]]
        size = range(len(old))
        noise["expression"] = [
            [
                " + ".join(
                    f"({float(square * change.turn[i, k] * change.turn[j, m])!r})*({old[k][m]})"
                    for k in size
                    for m in size
                    if change.turn[i, k] * change.turn[j, m] != 0.0 and old[k][m] not in ("0", "(0)")
                )
                or "0"
                for j in size
            ]
            for i in size
        ]


def _domain(domain: Tables, change: Change) -> Tables:
    new = deepcopy(domain)
    if domain["kind"] == "ball":
        new["center"], new["radius"] = change.forward(domain["center"]), change.scale * domain["radius"]
        return new
    if domain["kind"] == "sublevel":
        new["level"] = change.scale**2 * domain["level"]
    if domain["kind"] == "sublevel" and "lower" in domain and not change.along_axes:
        # a box around the turned box: the part that does not touch its faces is the same
        corners = np.array(np.meshgrid(*zip(domain["lower"], domain["upper"], strict=True))).reshape(
            len(change.shift), -1
        )
        ends = np.array([change.forward(corner) for corner in corners.T])
        new["lower"], new["upper"] = ends.min(axis=0).tolist(), ends.max(axis=0).tolist()
    elif domain["kind"] == "mesh" or not change.along_axes:
        # a mesh file of the box where it comes to lie
        known = Change(domain.get("scale", 1.0), np.array(domain.get("turn", np.eye(len(change.shift)))), np.zeros(1))
        new["kind"] = "mesh"
        new["scale"], new["turn"] = change.scale * known.scale, (change.turn @ known.turn).tolist()
        new["shift"] = change.forward(domain.get("shift", np.zeros(len(change.shift))))
    elif "lower" in domain:
        ends = np.array([change.forward(domain["lower"]), change.forward(domain["upper"])])
        new["lower"], new["upper"] = ends.min(axis=0).tolist(), ends.max(axis=0).tolist()
    if isinstance(domain.get("boundary"), list):
        order = np.argmax(np.abs(change.turn), axis=1)
        new["boundary"] = [domain["boundary"][k] for k in order]
    return new


def _set(shape: Tables, change: Change) -> Tables:
    if "ball" in shape:
        ball = shape["ball"]
        return {"ball": {"center": change.forward(ball["center"]), "radius": change.scale * ball["radius"]}}
    if "halfspace" in shape:
        plane = shape["halfspace"]
        normal = change.turn @ np.asarray(plane["normal"])
        offset = change.scale * plane["offset"] + float(normal @ change.shift)
        return {"halfspace": {"normal": normal.tolist(), "offset": offset}}
    if "ellipsoid" in shape:
        axes = shape["ellipsoid"]
        parts = [
            f"((({AXES[i]}) - ({c!r}))/({a!r}))**2"
            for i, (c, a) in enumerate(zip(axes["center"], axes["semi_axes"], strict=True))
        ]
        return {"region": change.text("1 - (" + " + ".join(parts) + ")")}
    return {"region": change.text(shape["region"])}
