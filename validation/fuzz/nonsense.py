"""What nobody would write, but somebody will: random formulas, and problem and mesh files with parts exchanged."""

from __future__ import annotations

import json
import random
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = "0 1 2 -1 0.5 3.7 999 1e5 1e300 1e-320 5e-324 1e308 0.1 pi e 1_000 007 1e400 .5 2.".split()
NAMES = ["x", "y", "z", "k", "w", "inf", "nan", "__import__", "lambda", "self"]
FUNCTIONS = (
    "exp log sqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh erf erfc abs sign heaviside min max "
    "atan2 piecewise gamma eval"
).split()
OPERATORS = ["+", "-", "*", "/", "**", "//", "%", "^", "<", "==", " ", "and"]
VALUES = (
    '0 -1 1e300 1e-320 5e-324 nan inf -inf 1e400 true [] [[]] [1] [1,2] [[1,0],[0,1]] [[1,2],[3,4]] {} "" "x" '
    '"x**2" "boundary" "A" ["x"] ["x","y"] 1000000000000000000000000 1979-05-27 {a=1} "\\u0000"'
).split()


def formula(rng: random.Random, depth: int = 0) -> str:
    """A random formula; most are of the grammar."""
    kind = rng.random()
    if depth > 5 or kind < 0.25:
        return rng.choice(NUMBERS[:12] if rng.random() < 0.95 else NUMBERS)
    if kind < 0.45:
        return rng.choice(NAMES[:3] if rng.random() < 0.95 else NAMES)
    if kind < 0.75:
        operator = rng.choice(OPERATORS[:5] if rng.random() < 0.97 else OPERATORS)
        return f"({formula(rng, depth + 1)}{operator}{formula(rng, depth + 1)})"
    if kind < 0.8:
        return f"-{formula(rng, depth + 1)}"
    name = rng.choice(FUNCTIONS[:-2] if rng.random() < 0.97 else FUNCTIONS)
    if name == "piecewise" and rng.random() < 0.9:
        pieces = [f"{condition(rng, depth + 1)},{formula(rng, depth + 1)}" for _ in range(rng.choice([1, 1, 2]))]
        return f"piecewise({','.join([*pieces, formula(rng, depth + 1)])})"
    count = 2 if name in ("min", "max", "atan2") else 1
    count += rng.random() < 0.03
    return f"{name}({','.join(formula(rng, depth + 1) for _ in range(count))})"


def condition(rng: random.Random, depth: int = 0) -> str:
    """A random condition of ``piecewise``; most are of the grammar."""
    kind = rng.random()
    if depth < 5 and kind < 0.2:
        return f"({condition(rng, depth + 1)} {rng.choice(['and', 'or'])} {condition(rng, depth + 1)})"
    if depth < 5 and kind < 0.25:
        return f"not {condition(rng, depth + 1)}"
    operator = rng.choice(["<", "<=", ">", ">="] if rng.random() < 0.97 else ["==", "!=", "in", "=", ","])
    text = f"{formula(rng, depth + 1)} {operator} {formula(rng, depth + 1)}"
    return f"{text} < {formula(rng, depth + 1)}" if kind > 0.95 else text


def problem_text(rng: random.Random) -> str:
    """An example's problem file with some of its values, lines or characters exchanged."""
    lines = rng.choice(sorted((ROOT / "examples").glob("*.toml"))).read_text(encoding="utf-8").splitlines()
    for _ in range(rng.randint(1, 4)):
        k = rng.randrange(len(lines))
        key, equals, _ = lines[k].partition("=")
        choice = rng.random()
        if equals and choice < 0.5:
            lines[k] = f"{key}= {value(rng)}"
        elif choice < 0.65:
            del lines[k]
        elif choice < 0.8:
            lines.insert(k, rng.choice(lines))
        elif choice < 0.9 and lines[k]:
            at = rng.randrange(len(lines[k]))
            strange = chr(rng.choice([0, 9, 34, 39, 61, 91, 93, 123, 8722, 128512]))
            lines[k] = lines[k][:at] + strange + lines[k][at + 1 :]
        else:
            lines.append(f"{rng.choice(['tolerance', 'degree', 'cells', 'count', 'level', 'start'])} = {value(rng)}")
        if not lines:
            return ""
    return "\n".join(lines) + "\n"


def value(rng: random.Random) -> str:
    """A value of TOML, or nearly."""
    return json.dumps(formula(rng)) if rng.random() < 0.4 else rng.choice(VALUES)


def override(rng: random.Random) -> str:
    """An argument of ``--set``."""
    keys = (
        "diffusion.epsilon potential.expression potential.parameters.k domain.lower domain.kind discretization.cells "
        "discretization.tolerance discretization.degree exit.start exit.target spectrum.count sets.A.ball.radius "
        "title a.b.c . = domain sets.A.region diffusion.interpretation drift.extra drift.expression"
    ).split()
    return f"{rng.choice(keys)}{'=' if rng.random() < 0.97 else ''}{value(rng)}"


def mesh_bytes(rng: random.Random) -> bytes:
    """A mesh of the project with some bytes or lines exchanged."""
    data = bytearray(rng.choice(sorted((ROOT / "meshes").glob("*.msh"))).read_bytes())
    if rng.random() < 0.5:
        lines = bytes(data).split(b"\n")
        for _ in range(rng.randint(1, 5)):
            k = rng.randrange(len(lines))
            if rng.random() < 0.5:
                lines[k] = lines[rng.randrange(len(lines))]
            else:
                words = lines[k].split(b" ")
                words[rng.randrange(len(words))] = rng.choice(b"-1 0 1e300 nan 99999999999 x".split())
                lines[k] = b" ".join(words)
        return b"\n".join(lines)
    for _ in range(rng.randint(1, 20)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randrange(1, len(data))] if rng.random() < 0.2 else data)
