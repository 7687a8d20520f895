"""Problem files that are in order: every table of the format, overrides, the examples."""

import json
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.cli.problem_file import (
    load_problem,
    load_problem_file,
    problem_file,
)
from fokker_planck.cli.toml import overridden
from fokker_planck.errors import ProblemError
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.problem import Resolution
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region
from fokker_planck.quantity.units import Units
from fokker_planck.questions.committor import CommittorQuestion
from fokker_planck.questions.exit_time import ExitQuestion
from fokker_planck.questions.spectrum import SpectrumQuestion

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))

EVERYTHING = """
title = "Quartic double well"
[potential]
expression = "(x**2 - 1)**2/4 + k*y**2/2"
parameters = { k = 1.0 }
[diffusion]
kind = "isotropic"
epsilon = 0.05
interpretation = "ito"
[dynamics]
kind = "overdamped"
[domain]
kind = "box"
lower = [-2.0, -1.5]
upper = [2.0, 1.5]
boundary = "reflecting"
[discretization]
tolerance = 1e-5
degree = 3
cells = [64, 48]
[sets.A]
ball = { center = [-1.0, 0.0], radius = 0.25 }
[sets.B]
ellipsoid = { center = [1.0, 0.0], semi_axes = [0.25, 0.5] }
[sets.C]
halfspace = { normal = [1, 0], offset = 1 }
[sets.D]
region = "x - 0.8"
[spectrum]
count = 5
[exit]
start = [-1.0, 0.0]
target = "B"
[committor]
from = "A"
to = "B"
"""

LEAST = """
[potential]
expression = "x**2/2"
[diffusion]
kind = "isotropic"
epsilon = 1
[domain]
kind = "box"
lower = [-2]
upper = [2]
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "problem.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_every_table(file):
    asked = load_problem_file(file(EVERYTHING))
    problem = asked.problem
    assert problem.title == "Quartic double well"
    assert problem.process.potential.expression == "(x**2 - 1)**2/4 + k*y**2/2"
    assert problem.process.diffusion == Isotropic(0.05)
    assert problem.domain == Box([-2.0, -1.5], [2.0, 1.5])
    assert problem.resolution == Resolution(1e-5, 3, (64, 48))
    assert problem.sets == {
        "A": Ball([-1.0, 0.0], 0.25),
        "B": Ellipsoid([1.0, 0.0], [0.25, 0.5]),
        "C": HalfSpace([1.0, 0.0], 1.0),
        "D": Region("x - 0.8"),
    }
    assert asked.questions["spectrum"] == SpectrumQuestion(5)
    assert asked.questions["exit-time"] == ExitQuestion((-1.0, 0.0), "B")
    assert asked.questions["committor"] == CommittorQuestion("A", "B")
    assert json.loads(json.dumps(asked.raw))["potential"]["parameters"] == {"k": 1.0}


def test_the_least_file(file):
    asked = load_problem_file(file(LEAST))
    assert asked.questions == {}
    assert asked.problem.resolution == Resolution()
    assert asked.problem.title == ""
    assert asked.problem.process.interpretation == "ito"


def test_units_are_named_and_velocities_have_their_letter(file):
    units = '[units]\nlength = "degree"\nenergy = "kJ/mol"\nnames = ["phi"]\n'
    asked = load_problem_file(file(LEAST + units))
    assert asked.problem.units == Units("degree", "", "kJ/mol", ("phi",))
    moving = LEAST.replace("[-2]", "[-2, -2]").replace("[2]", "[2, 2]") + '[dynamics]\nkind="underdamped"\nfriction=1\n'
    assert load_problem(file(moving)).units.names == ("x", "v")
    for wrong, key in (
        ('names = ["phi", "psi"]', "units.names"),
        ("length = 3", "units.length"),
        ('lenght = "nm"', "units.lenght"),
        ('names = "phi"', "units.names"),
    ):
        with pytest.raises(ProblemError, match=key):
            load_problem(file(LEAST + f"[units]\n{wrong}\n"))


def test_tables_without_keys_have_defaults(file):
    asked = load_problem_file(file(LEAST + "[spectrum]\n[discretization]\n[sets]\n"))
    assert asked.questions == {"spectrum": SpectrumQuestion(4)}


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "problem.toml"
    path.write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())
    assert load_problem(path).dimension == 1


def test_path_may_be_a_string(file):
    assert load_problem(str(file(LEAST))).dimension == 1


def test_numbers_stand_for_points_of_the_line(file):
    text = LEAST.replace("[-2]", "-2").replace("[2]", "2") + '[exit]\nstart = 0\ntarget = "boundary"\n'
    assert load_problem_file(file(text)).questions["exit-time"] == ExitQuestion((0.0,), "boundary")


@pytest.mark.parametrize("interpretation", ["ito", "stratonovich", "klimontovich"])
def test_interpretations(file, interpretation):
    assert load_problem(file(LEAST), [f"diffusion.interpretation={interpretation}"]).dimension == 1


@pytest.mark.parametrize(
    ("table", "domain"),
    [
        ({"kind": "ball", "center": [0.5], "radius": 2}, Ball([0.5], 2.0)),
        ({"kind": "sublevel", "level": 1}, Sublevel(1.0)),
        ({"kind": "sublevel", "level": 1, "lower": [-3], "upper": [3]}, Sublevel(1.0, [-3.0], [3.0])),
        ({"kind": "mesh", "file": "interval.msh"}, MeshFile(ROOT / "meshes" / "interval.msh")),
        ({"kind": "box", "lower": [-1], "upper": [1], "boundary": ["reflecting"]}, Box([-1.0], [1.0])),
    ],
)
def test_domains(table, domain):
    raw = {
        "potential": {"expression": "x**2"},
        "diffusion": {"kind": "constant", "matrix": [[0.5]]},
        "domain": table,
    }
    problem = problem_file(raw, ROOT / "meshes" / "problem.toml").problem
    assert problem.domain == domain
    assert problem.process.diffusion == Constant([[0.5]])


def test_mesh_file_is_looked_for_beside_the_problem_file(file, tmp_path):
    (tmp_path / "line.msh").write_text((ROOT / "meshes" / "interval.msh").read_text())
    text = LEAST.partition("[domain]")[0] + '[domain]\nkind = "mesh"\nfile = "line.msh"\n'
    assert load_problem(file(text)).bounding_box() == ((-2.0,), (2.0,))
    text = text.replace("line.msh", str(tmp_path / "line.msh"))
    assert load_problem(file(text)).dimension == 1


class TestOverrides:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a.b=1", 1),
            ("a.b = 1e-3 ", 1e-3),
            ("a.b=[1, 2]", [1, 2]),
            ('a.b="text"', "text"),
            ("a.b=x**2 - 1", "x**2 - 1"),
            ("a.b=true", True),
            ("a.b={c = 1}", {"c": 1}),
            ("a.b=", ""),
            ("a.b=x = 1", "x = 1"),
            ("a.b=1\nc = 2", "1\nc = 2"),
            ("a.b=1 # one", 1),
            ("a.b=[[[[", "[[[["),
            ("a.b=" + "[" * 3000, "[" * 3000),
        ],
    )
    def test_values(self, text, value):
        assert overridden({}, [text]) == {"a": {"b": value}}

    def test_the_last_one_counts(self, file):
        assert (
            load_problem(file(LEAST), ["diffusion.epsilon=2", "diffusion.epsilon=3"]).process.diffusion.epsilon == 3.0
        )

    def test_new_tables_and_deep_keys(self, file):
        asked = load_problem_file(
            file(EVERYTHING), ["potential.parameters.k=2", "sets.A.ball.radius=0.5", "sets.E.region=y", "exit.target=E",
                               "exit.start=[0, -1]"]
        )  # fmt: skip
        assert asked.problem.sets["A"] == Ball([-1.0, 0.0], 0.5)
        assert asked.questions["exit-time"] == ExitQuestion((0.0, -1.0), "E")
        assert asked.problem.process.potential.value(np.array([[1.0], [1.0]]))[0] == 1.0
        assert asked.raw["potential"]["parameters"] == {"k": 2}

    def test_what_was_read_is_not_changed(self):
        raw = {"a": {"b": [1]}}
        overridden(raw, ["a.b=2"])
        assert raw == {"a": {"b": [1]}}

    @pytest.mark.parametrize("text", ["diffusion.epsilon", "=3", "a..b=1", ".a=1", "a b=1", "", '"a"=1'])
    def test_no_key(self, text):
        with pytest.raises(ProblemError) as caught:
            overridden({}, [text])
        assert caught.value.key == "--set"

    def test_not_into_a_value(self):
        with pytest.raises(ProblemError, match=r"a.b.c: found the value 1 at a.b"):
            overridden({"a": {"b": 1}}, ["a.b.c=2"])

    def test_checked_like_the_file(self, file):
        with pytest.raises(ProblemError, match=r"diffusion.epsilon: found the text '1/8'"):
            load_problem(file(LEAST), ["diffusion.epsilon=1/8"])


class TestExamples:
    def test_there_are_some(self):
        names = {path.stem for path in EXAMPLES}
        assert names >= {
            "double_well_1d", "double_well_2d", "double_well_3d", "tilted_double_well", "flat_and_sharp",
            "mueller_brown", "three_hole", "ou_disc", "brownian_square", "ring",
        }  # fmt: skip

    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_loads_and_asks(self, path):
        asked = load_problem_file(path)
        assert asked.problem.title
        assert asked.questions

    def test_flat_and_sharp_wells_are_equally_deep(self):
        potential = load_problem(ROOT / "examples" / "flat_and_sharp.toml").process.potential
        x = np.array([[-1.0, 1.0]])
        np.testing.assert_allclose(potential.value(x), 0.0, atol=1e-15)
        np.testing.assert_allclose(potential.hessian(x)[0, 0], [1.2, 2.8])

    @pytest.mark.parametrize(
        ("name", "minimum", "value"),
        [
            ("mueller_brown", (-0.55822363, 1.44172584), -146.6995172100),
            ("three_hole", (1.04805499, -0.04209367), -3.9948606019),
        ],
    )
    def test_named_potentials_have_their_minima(self, name, minimum, value):
        potential = load_problem(ROOT / "examples" / f"{name}.toml").process.potential
        x = np.array(minimum)[:, None]
        assert potential.value(x)[0] == pytest.approx(value, rel=1e-10)
        assert np.abs(potential.gradient(x)).max() < 1e-4


LAW = """
[potential]
expression = "x**2"
[diffusion]
kind = "isotropic"
epsilon = 0.5
[domain]
kind = "box"
lower = [-1.0]
upper = [2.0]
[sets.L]
halfspace = { normal = [-1.0], offset = 1.0 }
[sets.R]
halfspace = { normal = [1.0], offset = 2.0 }
[exit]
start = [0.0]
target = "boundary"
times = [10.0, 1]
quantiles = [0.5]
parts = { left = "L", right = "R" }
"""


def test_the_law_of_an_exit_shares_its_table(tmp_path):
    path = tmp_path / "law.toml"
    path.write_text(LAW)
    asked = load_problem_file(path).questions
    assert asked["exit-time"] == ExitQuestion((0.0,), "boundary")
    law = asked["exit-law"]
    assert (law.times, law.quantiles, dict(law.parts)) == ((1.0, 10.0), (0.5,), {"left": "L", "right": "R"})
    for given, key in (
        ("exit.times=[0.0]", "exit.times[0]"),
        ("exit.times=5", "exit.times"),
        ("exit.quantiles=[true]", "exit.quantiles[0]"),
        ("exit.parts={left=1}", "exit.parts.left"),
        ("exit.parts={left='Q'}", "exit.parts.left"),
        ("exit.part={left='L'}", "exit.part"),
    ):
        with pytest.raises(ProblemError) as refused:
            load_problem_file(path, [given])
        assert refused.value.key == key


def test_solve_asks_for_the_law_where_the_file_says_more_than_the_mean(tmp_path):
    from fokker_planck.questions.registry import entry

    path = tmp_path / "law.toml"
    path.write_text(LAW)
    in_solve = entry("exit-law").table.in_solve
    assert in_solve(load_problem_file(path).questions["exit-law"])
    path.write_text(
        "\n".join(line for line in LAW.splitlines() if line.split(" ")[0] not in ("times", "quantiles", "parts"))
    )
    assert not in_solve(load_problem_file(path).questions["exit-law"])
