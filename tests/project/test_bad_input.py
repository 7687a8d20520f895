"""Bad input, by table: the same rules for a problem file, for the command and for Python.

Each case is refused by an error that names the key, says what was found and what is wanted, in one line that can be
shown anywhere. A new way of doing it wrong is a line in ``tests/bad_input/``.
"""

import contextlib
import io

import pytest
from bad_input.descent_calls import CALLS as OF_DESCENT
from bad_input.files import FILES, GOOD, OVERRIDES, TABLES
from bad_input.model_calls import CALLS as OF_MODELS
from bad_input.question_calls import CALLS as OF_QUESTIONS

from fokker_planck.cli.problem_file import load_problem_file
from fokker_planck.errors import ProblemError

CALLS = OF_MODELS | OF_QUESTIONS | OF_DESCENT
assert len(CALLS) == len(OF_MODELS) + len(OF_QUESTIONS) + len(OF_DESCENT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bad")


def refused(ask, key, found="", wanted=""):
    """The error that asking raises: of this key, a star at whose end stands for any end, and with these fragments."""
    with pytest.raises(ProblemError) as caught:
        ask()
    error, message = caught.value, str(caught.value)
    assert error.key.startswith(key[:-1]) if key.endswith("*") else error.key == key, message
    assert found in message.partition("; wanted ")[0], message
    assert wanted in error.wanted, message
    assert message.startswith(f"{error.key}: found ")
    assert "; wanted " in message
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    assert len(message) < 500
    return error


@pytest.mark.parametrize(("call", "key", "found", "wanted"), CALLS.values(), ids=CALLS.keys())
@pytest.mark.filterwarnings("ignore")
def test_in_python(call, key, found, wanted):
    refused(call, key, found, wanted)


@pytest.mark.parametrize(("text", "key", "found", "wanted"), TABLES.values(), ids=TABLES.keys())
def test_in_a_problem_file_and_by_the_command(folder, text, key, found, wanted):
    """The command ends with status 2, one line on standard error and nothing on standard output."""
    cli = pytest.importorskip("fokker_planck.cli.command")
    path = folder / "problem.toml"
    path.write_text(text, encoding="utf-8")
    error = refused(lambda: load_problem_file(path), key, found, wanted)
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        status = cli.main(["exit-time", str(path), "--json"])
    assert status == 2
    assert output.getvalue() == ""
    assert errors.getvalue() == f"fokker-planck: {error}\n"


def test_the_good_file_is_good(folder):
    (folder / "good.toml").write_text(GOOD)
    assert load_problem_file(folder / "good.toml").questions["exit-time"] is not None


@pytest.mark.parametrize(("content", "found"), FILES.values(), ids=FILES.keys())
def test_unreadable_files(tmp_path, content, found):
    path = tmp_path / "problem.toml"
    path.write_bytes(content)
    refused(lambda: load_problem_file(path), "potential" if found is None else str(path), found or "")


@pytest.mark.parametrize(("name", "found"), [("none.toml", "no such file"), (".", "a directory")])
def test_paths_that_lead_to_no_file(tmp_path, name, found):
    with pytest.raises(ProblemError, match=found):
        load_problem_file(tmp_path / name)


def test_null_byte_in_the_path():
    with pytest.raises(ProblemError, match="cannot be read"):
        load_problem_file("a\0b.toml")


@pytest.mark.parametrize(("override", "key"), OVERRIDES.items(), ids=OVERRIDES.keys())
def test_bad_overrides(folder, override, key):
    (folder / "good.toml").write_text(GOOD)
    refused(lambda: load_problem_file(folder / "good.toml", [override]), key)
