"""Examples are listed and copied, questions have help with an example that works, shells complete the command."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from fokker_planck.cli.command import BESIDE, COMMANDS, main
from fokker_planck.cli.completion import SHELLS, script
from fokker_planck.cli.examples import example_files
from fokker_planck.cli.problem_file import load_problem_file
from fokker_planck.questions.registry import QUESTIONS

ROOT = Path(__file__).parents[2]


def test_examples_are_listed_with_their_titles(capsys):
    assert main(["examples"]) == 0
    listed = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == [path.stem for path in sorted((ROOT / "examples").glob("*.toml"))]
    assert all(len(line.split(maxsplit=1)) == 2 for line in listed), "each has a title"


def test_every_example_is_copied_and_loads_where_it_was_copied_to(tmp_path, capsys):
    assert main(["examples", *example_files(), "-o", str(tmp_path / "new")]) == 0
    capsys.readouterr()
    for name, path in example_files().items():
        copied = tmp_path / "new" / f"{name}.toml"
        if name == "l_shape":  # its mesh lies beside it there
            assert load_problem_file(copied).problem.dimension == 2
        else:
            assert copied.read_text() == path.read_text()


def test_an_example_is_not_written_over_a_file_of_the_user(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring.toml").write_text("mine")
    assert main(["examples", "ring"]) == 2
    assert "other content" in capsys.readouterr().err
    assert (tmp_path / "ring.toml").read_text() == "mine"
    assert main(["examples", "ring.toml", "--force"]) == 0
    assert main(["examples", "ring"]) == 0
    assert main(["examples", "rign"]) == 2
    assert "did you mean ring?" in capsys.readouterr().err


@pytest.mark.parametrize("question", COMMANDS)
def test_help_on_a_question_has_an_example_that_asks_it(question, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main([question, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    first, second = re.findall(r"^  (fokker-planck .*)$", text.partition("example:")[2], re.MULTILINE)
    assert main(first.split()[1:]) == 0
    asked, file, *options = second.split()[1:]
    assert asked == question
    overrides = [value for flag, value in zip(options, options[1:], strict=False) if flag == "--set"]
    asked_file = load_problem_file(file, overrides)
    if question in QUESTIONS and QUESTIONS[question].table:
        assert question in asked_file.questions or question == "spectrum"


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_complete_commands_and_options(shell, capsys):
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    for word in (*COMMANDS, *BESIDE, *(("--over", "--json") if shell != "fish" else ("-l over", "-l json"))):
        assert word in text
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=text, text=True, capture_output=True).returncode == 0


def test_bash_completes():
    if not shutil.which("bash"):
        pytest.skip("no bash")
    ask = 'COMP_WORDS=(fokker-planck sp); COMP_CWORD=1; _fokker_planck; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script("bash") + ask], text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["spectrum"]


def test_the_tolerance_is_an_option(tmp_path, capsys):
    ask = ["exit-time", str(ROOT / "examples" / "double_well_1d.toml"), "-o", str(tmp_path), "--json"]
    assert main([*ask, "--tolerance", "1e-3", "-v"]) == 0
    out, err = capsys.readouterr()
    assert abs(json.loads(out)["mean"]["value"] / 729.6706919423 - 1.0) < 1e-3
    assert re.search(r"exit-time: +\d+\.\d{3} s  done", err)
    assert '"tolerance": 0.001' in (tmp_path / "result.json").read_text()
    with pytest.raises(SystemExit) as left:
        main([*ask, "--tolerance", "small"])
    assert left.value.code == 2


def test_the_package_takes_the_examples_along():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]
    assert build["build-backend"] == "setuptools.build_meta"
    assert "examples" in (ROOT / "MANIFEST.in").read_text()
    assert '("examples", "*.toml")' in (ROOT / "setup.py").read_text()
