"""What a file with five questions assembles and factors, counted and said in the result."""

import json

import pytest

import fokker_planck as fp
from fokker_planck.cli.command import main
from fokker_planck.fem.work import Work, counted, done

FILE = """
[potential]
expression = "(x**2 - 1)**2/4"
[diffusion]
kind = "isotropic"
epsilon = 0.05
[domain]
kind = "box"
lower = [-2.0]
upper = [2.0]
[sets.left]
halfspace = { normal = [-1.0], offset = 1.0 }
[sets.right]
halfspace = { normal = [1.0], offset = 1.0 }
[spectrum]
count = 4
[exit]
start = [-1.0]
target = "right"
[committor]
from = "left"
to = "right"
"""


def test_five_questions_assemble_every_mesh_once_and_factor_each_matrix_once(tmp_path):
    (tmp_path / "five.toml").write_text(FILE)
    assert main(["solve", str(tmp_path / "five.toml"), "-o", str(tmp_path / "out"), "--json", "-q"]) == 0
    kept = json.loads((tmp_path / "out" / "result.json").read_text())["provenance"]["statistics"]
    assert set(kept) == {"stationary", "spectrum", "exit-time", "rates", "committor"}
    for question, cost in kept.items():
        # one mesh and the higher degree that verifies it; weights of wells are integrals and need no matrix
        meshes = 0 if question == "stationary" else cost["levels"] + 1
        took = cost["work"]
        assert took["assemblies"] == meshes
        # of the wells; four eigenvalues are more than two wells have, so that shift and invert comes besides
        assert took["factorisations"] == meshes * (2 if question == "spectrum" else 1)
    assert sum(cost["work"]["assemblies"] for cost in kept.values()) == 8
    assert sum(cost["work"]["factorisations"] for cost in kept.values()) == 10


def test_one_question_says_its_own_work(tmp_path):
    (tmp_path / "five.toml").write_text(FILE)
    took = fp.mean_exit_time(fp.load_problem(tmp_path / "five.toml"), [-1.0], "right").statistics.work
    assert (took.assemblies, took.factorisations) == (2, 2)
    assert took.solves > 0
    assert took.iterations == 0


def fails():
    """Factor something, and fail."""
    with counted():
        done(factorisations=1)
        raise ValueError("lost")


def test_what_fails_within_is_counted_to_its_end():
    with counted() as tally:
        with pytest.raises(ValueError, match="lost"):
            fails()
        done(solves=1, unknowns=7)
    assert tally.work == Work(factorisations=1, solves=1, unknowns=7)


def test_bars_beyond_the_tolerance_are_told_in_the_table_the_result_and_a_warning(tmp_path, capsys):
    (tmp_path / "one.toml").write_text(FILE)
    said = "have error bars beyond the tolerance of 6e-13"
    arguments = ["committor", str(tmp_path / "one.toml"), "-o", str(tmp_path / "out"), "--tolerance", "6e-13", "-q"]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    kept = json.loads((tmp_path / "out" / "result.json").read_text())["provenance"]["statistics"]
    assert said in shown.out
    assert said in shown.err
    assert said in kept["committor"]["missed"]
