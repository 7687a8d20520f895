"""Noise of every kind that a problem file has, and drifts beside or instead of a potential, at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

Tables = dict[str, Any]
AXES = "xyz"
KINDS = ("isotropic", "isotropic", "constant", "hessian", "quadratic", "radial", "formula", "matrix", "sgd", "jump")
PERIODIC = ("isotropic", "constant", "hessian", "formula")  # that is periodic where V is
INTERPRETATIONS = ("ito", "stratonovich", "klimontovich")


def written(value: float) -> str:
    """As it stands in a formula."""
    return f"({float(f'{value:.4g}')!r})"


def noise(rng: Generator, kind: str, dimension: int, epsilon: float, waves: float = 0.0) -> tuple[Tables, Any]:
    """[diffusion] of about the level ``epsilon``, and where it jumps on a line; ``waves`` is 2 pi over its period."""
    u = rng.uniform
    epsilon = float(f"{epsilon:.4g}")
    reading = {"interpretation": str(rng.choice(INTERPRETATIONS))}
    if kind == "isotropic":
        return {"kind": "isotropic", "epsilon": epsilon}, ()
    if kind == "constant":
        factors = rng.normal(size=(dimension, dimension)) * 0.4 + np.eye(dimension)
        return {"kind": "constant", "matrix": (epsilon * factors @ factors.T).tolist()}, ()
    if kind == "hessian":
        return {"kind": "hessian", "scale": epsilon, "floor": float(f"{u(0.3, 1.5):.3g}"), **reading}, ()
    if kind in ("quadratic", "radial"):
        return {"kind": "quadratic", **_quadratic(rng, kind, dimension, epsilon), **reading}, ()
    if kind == "sgd":
        return _gradient_descent(rng, dimension, epsilon) | reading, ()
    if kind in ("formula", "matrix"):
        return {"kind": "expression", "expression": _formula(rng, kind, dimension, epsilon, waves), **reading}, ()
    place = float(f"{u(-0.8, 0.8):.4g}")
    step = f"{epsilon!r}*(1 + {written(u(-0.8, 1.5))}*heaviside(x - ({place!r})))"
    if dimension > 1:
        reading = {"interpretation": "klimontovich"}  # the others are refused unless V is flat along the surface
    return {"kind": "expression", "expression": step, **reading}, (place,)


def _quadratic(rng: Generator, kind: str, dimension: int, epsilon: float) -> Tables:
    """Offset, curvature and the rest; positive, since slope^2 < 4 offset curvature."""
    u = rng.uniform
    if kind == "radial":
        center = rng.uniform(-1.0, 1.0, dimension).round(3).tolist()
        return {"offset": epsilon, "curvature": float(f"{epsilon * u(0.1, 2.0):.4g}"), "center": center, "form": kind}
    curvature = [float(f"{epsilon * u(0.1, 2.0):.4g}") for _ in range(dimension)]
    slope = [float(f"{u(-1.2, 1.2) * np.sqrt(epsilon * c):.4g}") for c in curvature]
    return {"offset": epsilon, "slope": slope, "curvature": curvature, "center": float(f"{u(-1.0, 1.0):.3g}")}


def _gradient_descent(rng: Generator, dimension: int, epsilon: float) -> Tables:
    """D = learning rate / (2 batch size) C."""
    rate, batch = float(f"{rng.uniform(0.01, 0.3):.3g}"), int(rng.integers(1, 64))
    level = float(f"{2.0 * batch / rate * epsilon:.4g}")
    covariance = str(rng.choice(["isotropic", "hessian", "quadratic"]))
    keys: Tables = {"epsilon": level}
    if covariance == "hessian":
        keys = {"scale": level, "floor": float(f"{rng.uniform(0.3, 1.5):.3g}")}
    if covariance == "quadratic":
        keys = _quadratic(rng, str(rng.choice(["quadratic", "radial"])), dimension, level)
    return {"kind": "sgd", "learning_rate": rate, "batch_size": batch, "covariance": covariance, **keys}


def _formula(rng: Generator, kind: str, dimension: int, epsilon: float, waves: float) -> str | list[list[str]]:
    """A positive function of all axes, or a positive definite matrix of such: diagonally dominant."""
    u = rng.uniform

    def wave() -> str:
        frequencies = [repr(waves) if waves else written(u(0.5, 2.5)) for _ in range(dimension)]
        return " + ".join(f"sin({frequency}*{axis})" for frequency, axis in zip(frequencies, AXES, strict=False))

    if kind == "formula" or dimension == 1:
        return f"{epsilon!r}*exp({written(u(-0.6, 0.6))}*({wave()}))"
    rows = [["0"] * dimension for _ in range(dimension)]
    for i in range(dimension):
        rows[i][i] = f"{epsilon!r}*exp({written(u(-0.3, 0.3))}*({wave()}))"
        for j in range(i):
            # exp(-0.9) bounds the diagonal from below; two such entries in a row of space
            rows[i][j] = rows[j][i] = f"{epsilon!r}*{written(u(-0.18, 0.18))}*cos({wave()})"
    return rows


def extra_drift(rng: Generator, dimension: int, strength: float, waves: float = 0.0) -> list[str]:
    """Beside -grad V: on a line anything, elsewhere a rotation with a strength that varies; a wind around a ring."""
    c = written(strength * rng.uniform(-1.0, 1.0))
    if waves:
        wind = f"{c}*(1 + {written(rng.uniform(-0.5, 0.5))}*sin({waves!r}*x))"
        across = f"{written(strength * rng.uniform(-1.0, 1.0))}*cos({waves!r}*x)"
        return [wind, across, "0"][:dimension]
    if dimension == 1:
        return [f"{c}*cos({written(rng.uniform(0.5, 3.0))}*x)"]
    bent = f"{c}*(1 + {written(rng.uniform(-0.3, 0.3))}*x)"
    return [f"{bent}*y", f"-{bent}*x", "0"][:dimension]


def whole_drift(potential: str, extra: list[str]) -> list[str]:
    """-grad V + c, written out: what is left of the potential is not a formula that is given."""
    from fokker_planck.formulas.expression import parse_expression

    parsed = parse_expression(potential)
    return [f"-({parsed.derivative(i).sympy}) + ({c})" for i, c in enumerate(extra)]
