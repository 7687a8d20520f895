"""The command where nobody can read its answer, and where it is asked for impossible things: one line, no traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fokker_planck
from fokker_planck.cli.toml import overridden, parsed
from fokker_planck.errors import ProblemError
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.output import folder as io
from validation.fuzz import streams

PACKAGE = Path(fokker_planck.__file__).parent
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "double_well_1d.toml"
COMMAND = f"{sys.executable} -m fokker_planck landscape {EXAMPLE}"


def shell(text, **more):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **more}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {text}"], capture_output=True, text=True, env=environment, timeout=120
    )


@pytest.mark.parametrize(
    ("redirection", "says"), [(">&-", "standard output is closed"), (">/dev/full", "No space left on device")]
)
def test_an_answer_that_cannot_be_shown_is_one_line_and_a_failure(redirection, says):
    done = shell(f"{COMMAND} {redirection}")
    assert done.returncode == 1
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_gone_is_no_error_and_petsc_keeps_out_of_it():
    done = shell(f"{COMMAND.replace('landscape', 'spectrum')} -q | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_knows_ascii_alone_gets_ascii():
    done = shell(COMMAND, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "?" not in done.stdout


def test_an_interruption_in_the_first_half_second_is_one_line():
    longer = EXAMPLE.with_name("mueller_brown.toml")  # some seconds, of which half a one is that of imports
    process = subprocess.Popen(
        [*COMMAND.split()[:3], "spectrum", longer, "--tolerance", "1e-9"], stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    time.sleep(0.45)
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=60)[1]
    assert process.returncode in (130, -signal.SIGINT)  # the latter before the command has begun to read
    if process.returncode == 130:
        assert "Traceback" not in stderr


@pytest.mark.parametrize("name", ["a" * 300, "results/" + "b" * 300, "nul\0l"])
def test_a_folder_that_can_have_no_such_name_is_refused_before_anything_is_solved(name):
    with pytest.raises(ProblemError, match="the name of a folder"):
        io.check_folder(name)


def test_an_abandoned_draft_of_a_killed_process_is_removed(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / f".results-{ended.pid}-abc_1").mkdir()
    (tmp_path / f".results-{os.getpid()}-abc_1").mkdir()
    io._remove_abandoned_drafts(tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == [f".results-{os.getpid()}-abc_1"]


def test_a_key_of_thousands_of_parts_is_refused_at_once():
    long = ".".join("a" * 20_000)
    for text in (f"{long} = 1", f"[{long}]\nb = 1", f"a = {{ {long} = 1 }}"):
        with pytest.raises(ProblemError, match="parts"):
            parsed(text, "file")
    with pytest.raises(ProblemError, match="parts"):
        overridden({}, [f"{long}=1"])
    assert parsed('a = "0.1*x + 0.2*x' + " + 0.5*x" * 100 + '"', "file")


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("cos(erfc(1e300) + 2)", -0.4161468365471424),
        ("erfc(1e300)/exp(1e-320)", 0.0),
        ("3.7/999**min(1e5, 1e-320)", 3.7),
        ("x**0.3333333333333333333333", 0.5),
        ("sqrt(2)**2*x", 0.25),
    ],
)
def test_numbers_in_formulas_are_those_of_doubles(formula, value):
    """Sympy alone raised TypeError and OverflowError or looked for roots of order 1e320."""
    assert parse_expression(formula)([[0.125]])[0] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "formula",
    [
        "(1e303**x)**(1e308/x)", "1e300**10", "min((999-acos(cos(--1e300)))**cosh((sinh(2.5)-999)),1)",
        "1/erfc(1e300)", "cosh(1e5)*x",
    ],
)  # fmt: skip
def test_numbers_that_no_double_holds_are_refused(formula):
    with pytest.raises(ProblemError, match="expression"):
        parse_expression(formula)


@pytest.mark.slow
def test_an_interruption_while_a_library_computes_ends_within_two_seconds(tmp_path):
    """150 eigenvalues in the plane: nearly all of the time is one call of SLEPc."""
    (tmp_path / "long.toml").write_text(
        '[potential]\nexpression = "(x**2 - 1)**2/4 + y**2/2"\n[diffusion]\nkind = "isotropic"\nepsilon = 0.05\n'
        '[domain]\nkind = "box"\nlower = [-2.0, -1.5]\nupper = [2.0, 1.5]\n[spectrum]\ncount = 150\n'
    )
    process = subprocess.Popen(
        [*COMMAND.split()[:3], "spectrum", str(tmp_path / "long.toml")], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)}, preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "cells of degree" in line:  # the mesh is made, what follows is algebra
            break
    time.sleep(4.0)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    said = process.communicate(timeout=60)[1]
    assert time.monotonic() - began < 4.0  # two seconds, and as many for a machine with other work
    assert process.returncode in (130, -signal.SIGTERM)
    assert said.endswith("fokker-planck: interrupted\n")


# Killed, full, unreadable: one line, and a result folder that is whole or none.

ENDED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def ended_while(tmp_path, number, doing, text=streams.PLANE):
    """`solve` with a result folder, sent a signal when its progress says what it is doing."""
    (tmp_path / "problem.toml").write_text(text)
    call = streams.Call(("solve", "problem.toml", "-o", "out"), signal=number, after=2.0)
    ended = streams.run(call, tmp_path, say=lambda line: doing in line)
    assert doing in ended.errors
    assert streams.faults(call, ended, tmp_path) == []
    return ended


SOME = [(signal.SIGINT, "stationary")]
OTHERS = [(n, d) for n in ENDED for d in ("stationary", "exit-time", "result files") if (n, d) not in SOME]


@pytest.mark.parametrize(
    ("number", "doing"), [*SOME, *(pytest.param(*other, marks=pytest.mark.slow) for other in OTHERS)],
    ids=lambda value: getattr(value, "name", value),
)  # fmt: skip
def test_a_signal_while_it_computes_or_writes_leaves_nothing_half_written(tmp_path, number, doing):
    """SIGTERM while files were written left a hidden draft beside the result folder."""
    ended = ended_while(tmp_path, number, doing)
    if (tmp_path / "out").exists():
        assert (tmp_path / "out" / "result.json").exists()  # it was sooner
    else:
        assert ended.status in (130, -number)
        assert ended.status != 130 or ended.errors.endswith("fokker-planck: interrupted\n")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGINT, signal.SIGHUP))],
    ids=lambda number: number.name,
)  # fmt: skip
def test_a_signal_while_files_are_put_in_place_waits_until_all_are(tmp_path, number):
    """Old files make room for new ones one by one: in between, the folder is neither the old nor the new result."""
    program = f"""
import os, signal, pathlib
from fokker_planck.cli import command as cli
from fokker_planck.output import folder as io
real = os.replace
def slowly(*paths):
    real(*paths)
    if pathlib.Path(paths[1]).suffix == ".vtu":
        os.kill(os.getpid(), {int(number)})
        os.kill(os.getpid(), {int(number)})
io.os.replace = slowly
raise SystemExit(cli.main())
"""
    (tmp_path / "problem.toml").write_text(streams.LINE)
    again = [sys.executable, "-c", program, "solve", "problem.toml", "-o", "out", "-q"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    done = subprocess.run(again, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == (130 if number == signal.SIGINT else -number), done.stderr
    assert streams.half_written(tmp_path) == []
    assert (tmp_path / "out" / "result.json").exists()
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("size", [2000, *(pytest.param(n, marks=pytest.mark.slow) for n in (0, 20_000))])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, size):
    (tmp_path / "problem.toml").write_text(streams.LINE)
    call = streams.Call(("solve", "problem.toml", "-o", "out", "-q"), largest_file=size)
    ended = streams.run(call, tmp_path)
    assert streams.faults(call, ended, tmp_path) == []
    assert ended.status == 2
    assert len(ended.errors.splitlines()) == 1
    assert ended.errors.startswith("fokker-planck: -o: ")
    assert [path.name for path in tmp_path.iterdir()] == ["problem.toml"]


@pytest.mark.parametrize(("folder", "status"), [("a/b/out", 0), ("/proc/none/out", 2), ("problem.toml/out", 2)])
def test_a_folder_is_made_with_those_above_it_or_refused_before_anything_is_solved(tmp_path, folder, status):
    (tmp_path / "problem.toml").write_text(streams.LINE)
    call = streams.Call(("landscape", "problem.toml", "-o", folder))
    ended = streams.run(call, tmp_path)
    assert streams.faults(call, ended, tmp_path) == []
    assert ended.status == status
    if status:
        assert len(ended.errors.splitlines()) == 1
        assert ended.errors.startswith("fokker-planck: -o: ")
    else:
        assert (tmp_path / folder / "result.json").exists()


@pytest.mark.parametrize(
    "redirection", [">&- 2>&-", "2>/dev/full", pytest.param("2>&1 | true", marks=pytest.mark.slow)]
)
def test_streams_that_are_closed_or_full_end_in_no_traceback(tmp_path, redirection):
    (tmp_path / "problem.toml").write_text(streams.LINE)
    for arguments in (("landscape", "problem.toml"), ("landscape", "none.toml")):
        call = streams.Call(arguments, redirection)
        assert streams.faults(call, streams.run(call, tmp_path), tmp_path) == []


def test_an_interrupt_is_not_raised_where_bindings_of_c_call_an_enumeration(monkeypatch):
    """nanobind converts an enumeration where no exception may pass: Ctrl-C there aborted the process."""
    import enum

    from fokker_planck.output import interruption

    monkeypatch.setattr(signal, "getsignal", lambda _: signal.default_int_handler)
    within = compile("os.kill(os.getpid(), signal.SIGINT)\nlate = True", enum.__file__, "exec")
    names = {"os": os, "signal": signal}
    began = time.monotonic()

    def interrupted():
        with interruption._where_it_may_be_raised():
            exec(within, names)
            time.sleep(5.0)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names["late"]
    assert time.monotonic() - began < 4.0


def test_an_interrupt_is_not_raised_while_a_library_in_c_is_loaded(monkeypatch):
    """Ctrl-C while basix was imported ended in a segmentation fault."""
    from importlib.machinery import ExtensionFileLoader

    from fokker_planck.output import interruption

    monkeypatch.setattr(signal, "getsignal", lambda _: signal.default_int_handler)
    loaded = []

    class Loader(ExtensionFileLoader):
        def create_module(self, spec):
            os.kill(os.getpid(), signal.SIGINT)
            loaded.append(spec)

    def interrupted():
        with interruption._where_it_may_be_raised():
            Loader("basix", "basix.so").create_module("basix")
            time.sleep(5.0)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert loaded == ["basix"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_callback_of_a_weak_reference_is_not_lost(number):
    """Python printed a traceback, and went on as if none had come."""
    script = f"""
import os, signal, time, weakref
from fokker_planck.output.interruption import ended_with_nothing_left
signal.signal(signal.SIGINT, signal.default_int_handler)
thing = set()
noticed = weakref.ref(thing, lambda _: os.kill(os.getpid(), {int(number)}))
with ended_with_nothing_left():
    try:
        del thing
        time.sleep(10.0)
        print("went on")
    finally:
        print("removed", flush=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=60)
    assert (ended.stdout, "ignored" in ended.stderr, ended.returncode) == ("removed\n", False, -number)
