"""What scripts read: the keys of every answer as JSON and what stands under each, asked of one small file.

The shapes below are those of docs/command_line.md: a quantity is ``Q``, a quantity or null ``N``, a number with an
absolute error ``E``; a list has a shape for all its members, a mapping ``{str: shape}`` one for every name.
"""

import json
import math

import numpy as np
import pytest
from problem_texts import QUARTIC_WELL

from fokker_planck.cli.problem_file import load_problem_file
from fokker_planck.output.serialize import json_text, number_name
from fokker_planck.questions.registry import entry

FILE = f"""{QUARTIC_WELL}[spectrum]
count = 3
[exit]
start = [-1.0]
target = "B"
times = [1.0]
quantiles = [0.5]
parts = {{ there = "B" }}
[evolve]
initial = {{ point = [-1.0] }}
times = [1.0]
observables = {{ x = "x" }}
[correlation]
f = "x"
times = [0.5]
frequencies = [1.0]
[committor]
from = "A"
to = "B"
"""
Q, N, E = "quantity", "quantity or null", "estimate"
NULLABLE = (float, type(None))
POINT = [float]
EXTREME = {"position": POINT, "value": float, "degenerate": bool, "on_boundary": bool, "hessian_eigenvalues": [float]}
PATH = {"wells": [int], "summit": int, "arclength": [float], "points": [POINT], "values": [float]}
STATE = {
    "time": float,
    "mass": Q,
    "wells": [Q],
    "sets": {str: Q},
    "observables": {str: E},
    "distance": {"total_variation": Q, "relative_entropy": Q, "chi_square": Q},
    "density_error": float,
}
SHAPES = {
    "landscape": {
        "minima": [{**EXTREME, "barrier": NULLABLE}],
        "saddles": [{**EXTREME, "joins": [int], "path": PATH}],
        "barriers": [NULLABLE],
    },
    "stationary": {"wells": [{"minimum": POINT, "probability": Q}], "sets": {str: Q}},
    "spectrum": {"eigenvalues": [{"real": Q, "imag": float}], "gap": Q},
    "exit-time": {"mean": Q, "asymptotic": N, "ratio": NULLABLE},
    "exit-law": {
        "mean": Q,
        "variance": Q,
        "rate": Q,
        "survival": [{"time": float, "value": Q, "density": Q}],
        "quantiles": {str: Q},
        "parts": {str: {"probability": Q, "mean": Q}},
    },
    "evolve": {"minima": [POINT], "times": [STATE]},
    "correlation": {
        "functions": [str],
        "means": [E],
        "covariance": E,
        "integral": E,
        "time": N,
        "times": [{"time": float, "value": float, "absolute_error": float}],
        "spectrum": [{"frequency": float, "value": float, "imag": float, "absolute_error": float}],
    },
    "paths": {
        "wells": [{"minimum": POINT}],
        "paths": [
            {
                "from": int,
                "to": int,
                "saddle": POINT,
                "action": float,
                "arclength": [float],
                "points": [POINT],
                "values": [float],
            }
        ],
    },
    "rates": {"wells": [{"number": int, "minimum": POINT}], "rates": [[Q]], "asymptotic": [[N]]},
    "committor": {
        "rate": Q,
        "probability_reactive": Q,
        "probability_last_from": Q,
        "rate_constant": Q,
        "rate_constant_back": Q,
        "asymptotic": N,
        "ratio": NULLABLE,
    },
}
OF_A_NUMBER = {
    Q: {"value": NULLABLE, "log": NULLABLE, "relative_error": NULLABLE},
    E: {"value": float, "absolute_error": float},
}


def fits(found, shape, where):
    if shape == N and found is None:
        return
    shape = OF_A_NUMBER.get(Q if shape == N else shape, shape) if isinstance(shape, str) else shape
    if isinstance(shape, dict) and str in shape:
        assert found, where
        for name, value in found.items():
            fits(value, shape[str], f"{where}.{name}")
    elif isinstance(shape, dict):
        assert found.keys() == shape.keys(), where
        for name, value in found.items():
            fits(value, shape[name], f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(found, list), where
        assert found, where
        for number, value in enumerate(found):
            fits(value, shape[0], f"{where}[{number}]")
    else:
        assert isinstance(found, shape), where


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    path = tmp_path_factory.mktemp("contract") / "problem.toml"
    path.write_text(FILE)
    return load_problem_file(path)


def answered(question, asked, parameters=None):
    return entry(question).ask(asked.problem, parameters or asked.questions.get(question))


@pytest.mark.parametrize("question", SHAPES)
def test_every_key_is_there_and_no_other(question, asked):
    content = json.loads(json_text(entry(question).json(answered(question, asked))))
    fits(content, SHAPES[question], question)


def test_no_two_numbers_share_a_name(asked):
    """Quantiles at 1 - 1e-7 and 1 - 1e-8 were both called "1", and the first was lost; densities at near times, too."""
    from dataclasses import replace

    assert [number_name(x) for x in (0.5, 1e6, np.float64(0.1), 1 / 3)] == ["0.5", "1e+06", "0.1", str(1 / 3)]
    near = (1.0 - 1e-7, 1.0 - 1e-8)
    law = answered("exit-law", asked, replace(asked.questions["exit-law"], times=(), quantiles=near, parts={}))
    late = {name: entry("exit-law").json(law)["quantiles"][name]["value"] for name in map(repr, near)}
    first, second = late.values()
    assert second - first == pytest.approx(math.log(10.0) / law.rate.value, rel=1e-6)
    evolution = answered("evolve", asked, replace(asked.questions["evolve"], times=(1.0, 1.0 + 1e-8), observables={}))
    assert list(entry("evolve").fields(evolution)) == ["density_at_1", "density_at_1.00000001"]


def test_the_formula_beside_a_rate_constant_is_kept(asked):
    found = answered("committor", asked)
    (beside,) = entry("committor").prediction(found)
    assert beside["value"]["value"] == pytest.approx(math.sqrt(2.0) / (2.0 * math.pi) * math.exp(-2.0), rel=1e-12)
    assert beside["ratio"] == pytest.approx(found.rate_constant.value / beside["value"]["value"], rel=1e-12)
