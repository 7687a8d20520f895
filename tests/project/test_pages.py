"""The pages say what the program does: their problem file loads, their Python runs, their lists are complete."""

import doctest
import json
import re
from pathlib import Path

import pytest

from fokker_planck.cli import command as cli
from fokker_planck.cli import schema as problem_schema
from fokker_planck.cli.problem_file import load_problem_file
from fokker_planck.formulas.parsing import text as formula_text
from fokker_planck.model.gallery import registry as gallery
from validation import command, report, state

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)


def test_the_problem_file_of_the_page_loads(tmp_path):
    (text,) = blocks("problem_file.md", "toml")
    (tmp_path / "page.toml").write_text(text)
    asked = load_problem_file(tmp_path / "page.toml")
    assert asked.problem.dimension == 2
    assert asked.questions["exit-time"].target == "B"


def test_every_key_function_and_named_potential_is_on_the_page():
    words = set(re.findall(r"[a-z0-9_-]+", (DOCS / "problem_file.md").read_text()))
    for keys in (
        problem_schema.TOP,
        *problem_schema.DIFFUSIONS.values(),
        problem_schema.DRIFTS,
        tuple(problem_schema.INTERPRETATIONS),
        *problem_schema.DOMAINS.values(),
        *problem_schema.SHAPES.values(),
    ):
        assert set(keys) <= words
    assert set(problem_schema.DOMAINS) | set(problem_schema.SHAPES) | set(problem_schema.DIFFUSIONS) <= words
    assert set(formula_text.FUNCTIONS) | set(formula_text.CONSTANTS) <= words
    assert set(gallery.names()) <= words


def test_every_question_and_option_is_on_the_page():
    page = (DOCS / "command_line.md").read_text()
    for name in (*cli.COMMANDS, "--set", "--json", "-o", "-q", "--help", "--version"):
        assert f"`{name}" in page


def test_every_option_of_validate_is_on_the_page(capsys):
    page = (DOCS / "command_line.md").read_text()
    with pytest.raises(SystemExit):
        command.main(["--help"])
    options = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help", "--quiet"}
    assert len(options) >= 6
    for name in options:
        assert f"`{name}" in page


def test_the_claim_of_the_page_holds(tmp_path):
    (code,) = blocks("validation.md", "python")
    names = {}
    exec(compile(code, "validation.md", "exec"), names)
    claim = names["CLAIM"]
    assert claim.compute(state.Memory(tmp_path, quick=True)).holds


def test_the_page_has_a_place_for_the_summary():
    report.check_page(DOCS / "validation.md")


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (DOCS / page).read_text()):
        assert (DOCS / target).exists()


def test_the_python_of_the_first_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("index.md", "python")
    exec(compile(code, "index.md", "exec"), {})
    assert "Traceback" not in capsys.readouterr().out
    assert (tmp_path / "density.png").exists()
    content = json.loads((tmp_path / "results/double_well/result.json").read_text())
    assert list(content["answers"]) == ["stationary", "exit-time"]


def test_the_python_of_the_page_on_dolfinx_runs(capsys):
    names = {}
    for code in blocks("dolfinx.md", "python"):
        exec(compile(code, "dolfinx.md", "exec"), names)
    printed = capsys.readouterr().out.split()
    assert float(printed[0]) == pytest.approx(729.67069, abs=5e-5)  # as many digits as its bar leaves
    assert printed[1:] == ["True"]
    assert abs(names["own"].x.array.max() / names["time"].mean.value - 1.0) < 0.1


@pytest.mark.parametrize("page", ["sgd.md", pytest.param("momentum.md", marks=pytest.mark.slow)])
def test_the_examples_of_a_page_print_what_it_says(page):
    failed, tried = doctest.testfile(str(DOCS / page), module_relative=False)
    assert failed == 0
    assert tried > 5
