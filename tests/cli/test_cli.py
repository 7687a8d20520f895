"""The command: what it prints where, its exit status, and that it stays quick until there is something to compute."""

import ctypes
import inspect
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from answers_by_hand import committor, exit_time, landscape, rates, spectrum, stationary
from problem_texts import QUARTIC_WELL

import fokker_planck
import fokker_planck.sgd
from fokker_planck.cli import command as cli
from fokker_planck.errors import BarrierTooHighError, ConvergenceError, MissingPackageError, ProblemError
from fokker_planck.output import parallel

PACKAGE = Path(fokker_planck.__file__).parent
DOUBLE_WELL = f"""
title = "Quartic double well"{QUARTIC_WELL}[spectrum]
count = 3
[exit]
start = [-1.0]
target = "B"
[committor]
from = "A"
to = "B"
"""
ALL_KEYS = ["landscape", "stationary", "spectrum", "exit-time", "rates", "committor"]


@pytest.fixture
def problem(tmp_path, monkeypatch):
    """The path of a problem file, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]))
    (tmp_path / "double_well.toml").write_text(DOUBLE_WELL)
    return "double_well.toml"


@pytest.fixture
def answered_by_hand(monkeypatch):
    """Every question is answered at once, with numbers known beforehand."""
    monkeypatch.setattr("fokker_planck.questions.landscape.energy_landscape", lambda problem: landscape())
    monkeypatch.setattr("fokker_planck.questions.stationary.stationary_density", lambda problem: stationary())
    monkeypatch.setattr("fokker_planck.questions.spectrum.spectrum", lambda problem, count, target=None: spectrum())
    monkeypatch.setattr("fokker_planck.questions.exit_time.mean_exit_time", lambda problem, start, target: exit_time())
    monkeypatch.setattr("fokker_planck.questions.rates.has_rates", lambda problem: True)
    monkeypatch.setattr("fokker_planck.questions.rates.rates", lambda problem: rates())
    monkeypatch.setattr("fokker_planck.questions.committor.committor", lambda problem, origin, goal: committor())


def run(*arguments, **options):
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "fokker_planck", *map(str, arguments)],
        capture_output=True, text=True, timeout=300, check=False, **options,
    )  # fmt: skip


def answered(capfd, *arguments):
    """What the command prints as JSON, run inside this process."""
    capfd.readouterr()
    assert cli.main([*arguments, "-q"]) == 0
    return json.loads(capfd.readouterr().out)


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()


def heavy_after(code):
    heavy = "numpy scipy sympy dolfinx mpi4py petsc4py meshio matplotlib rich mpmath".split()
    return python(f"import sys\n{code}\nprint(*[name for name in {heavy} if name in sys.modules])")


def test_import_and_help_load_nothing_heavy():
    assert heavy_after("import fokker_planck, fokker_planck.cli.command; dir(fokker_planck)") == []
    asked_for_help = (
        "import contextlib, os\nfrom fokker_planck.cli.command import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, 'w')): main(['--help'])"
    )
    assert heavy_after(asked_for_help) == []


@pytest.mark.parametrize("arguments", [["sweep", "p.toml"], ["spectrum"], ["spectrum", "p.toml", "--verbos"]])
def test_wrong_arguments_load_nothing_heavy(arguments):
    code = (
        "import contextlib, os\nfrom fokker_planck.cli.command import main\n"
        f"with contextlib.suppress(SystemExit), contextlib.redirect_stderr(open(os.devnull, 'w')): main({arguments})"
    )
    assert heavy_after(code) == []


@pytest.mark.parametrize("module", [fokker_planck, fokker_planck.sgd], ids=["fokker_planck", "sgd"])
def test_a_listing_shows_public_names_and_no_files(module):
    """All names that the file imports for its readers, and none of the modules that hold them."""
    listed = [name for name in dir(module) if name != "sgd" and not name.startswith("__")]
    assert set(listed) == set(module.__all__) - {"sgd", "__version__"}
    assert not any(inspect.ismodule(getattr(module, name)) for name in listed)
    source = Path(module.__file__).read_text()
    assert set(listed) == set(re.findall(r"^ *from \S+ import \w+ as (\w+)$", source, re.MULTILINE)) - {"sgd"}


def test_every_public_name_is_there():
    for name in fokker_planck.__all__:
        assert getattr(fokker_planck, name) is not None
        assert name in dir(fokker_planck)
    assert {name for name in dir(fokker_planck) if not name.startswith("__")} == set(fokker_planck.__all__) - {
        "__version__"
    }
    with pytest.raises(AttributeError, match="no attribute 'Bxo'"):
        fokker_planck.Bxo  # noqa: B018


def public_functions(module):
    """Public names of a module with their signatures, methods and properties of classes among them."""
    for name in module.__all__:
        public = getattr(module, name)
        if inspect.isclass(public) and not issubclass(public, Exception):
            yield name, inspect.signature(public)
            for member, value in vars(public).items():
                value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                value = getattr(value, "func", value)  # of cached properties
                if not member.startswith("_") and inspect.isfunction(value):
                    yield f"{name}.{member}", inspect.signature(value)
        elif inspect.isfunction(public):
            yield name, inspect.signature(public)


FOREIGN = {"jax_losses", "torch_losses"}
"""These take trees of JAX and modules of PyTorch, neither of which the package imports: they have no types here."""


@pytest.mark.parametrize("module", [fokker_planck, fokker_planck.sgd], ids=["fokker_planck", "sgd"])
def test_public_signatures_say_what_they_take_and_nothing_of_the_plumbing(module):
    seen = dict(public_functions(module))
    assert len(seen) > 20
    for name, signature in seen.items():
        assert "." in name or not {"key", "ranks", "comm"} & set(signature.parameters), name
        told = [*(parameter.annotation for parameter in signature.parameters.values()), signature.return_annotation]
        if name not in FOREIGN:
            assert not any("Any" in re.findall(r"\w+", str(each)) for each in told), name


def test_names_for_type_checkers_are_the_names_at_run_time():
    import ast

    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found = {name: f"fokker_planck.{home}.{name}" for name, home in fokker_planck._HOME.items()} | {
        name: f"fokker_planck.{name}" for name in fokker_planck._MODULES
    }
    assert typed == found


def test_help_and_version():
    text = run("--help")
    assert text.returncode == 0
    for question in ("solve", *ALL_KEYS):
        assert question in text.stdout
    assert run("--version").stdout == f"fokker-planck {fokker_planck.__version__}\n"


BAD = {
    "no arguments": ([], "QUESTION"),
    "unknown question": (
        ["spektrum", "double_well.toml"],
        "found 'spektrum' (did you mean spectrum?); wanted one of solve,",
    ),
    "missing file": (["spectrum", "no.toml"], "no.toml"),
    "a folder as file": (["spectrum", "."], "."),
    "not toml": (["spectrum", "broken.toml"], "broken.toml"),
    "unknown option": (["spectrum", "double_well.toml", "--jsn"], "--jsn"),
    "abbreviated option": (["spectrum", "double_well.toml", "--js"], "--js"),
    "override of nothing": (["spectrum", "double_well.toml", "--set", "diffusion.epsilon"], "--set"),
    "override that is wrong": (["spectrum", "double_well.toml", "--set", "diffusion.epsilon=-1"], "epsilon: found -1"),
    "override that is unknown": (["spectrum", "double_well.toml", "--set", "diffusion.epsilom=1"], "diffusion.epsilom"),
    "nothing to exit from": (["exit-time", "no_exit.toml"], "exit: found no such table; wanted a table [exit]"),
    "no sets to go between": (
        ["committor", "no_exit.toml"],
        "committor: found no such table; wanted a table [committor] with from and to",
    ),
    "an unknown set": (
        ["committor", "double_well.toml", "--set", "committor.to=C"],
        "committor.to: found 'C'; wanted one of the sets A, B",
    ),
    "a set to itself": (
        ["committor", "double_well.toml", "--set", "committor.to=A"],
        "committor.to: found A; wanted a set that has no",
    ),
    "sets that overlap": (
        ["committor", "double_well.toml", "--set", "sets.A.ball.radius=1.9"],
        "committor.to: found B; wanted a set that has no",
    ),
    "a set outside of the domain": (
        ["committor", "double_well.toml", "--set", "sets.A.ball.center=[-9.0]", "-q"],
        "committor.from: found a set with no point in",
    ),
    "one well": (
        ["rates", "double_well.toml", "--set", "potential.expression=x**2", "-q"],
        "wanted at least two wells of more than 1 unit of epsilon",
    ),
    "a well too shallow": (
        ["rates", "double_well.toml", "--set", "diffusion.epsilon=0.3", "-q"],
        "wanted at least two wells of more than 1 unit of epsilon",
    ),
    "a file as folder": (
        ["spectrum", "double_well.toml", "-o", "broken.toml"],
        "-o: found broken.toml; wanted a folder",
    ),
    "hostile text": (
        ["spectrum", "double_well.toml", "--set", "potential.expression=__import__(1)"],
        "potential.expression",
    ),
}


@pytest.mark.parametrize(("arguments", "fragment"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_with_status_two(problem, arguments, fragment, capfd):
    Path("broken.toml").write_text("[potential\n= 3")
    Path("no_exit.toml").write_text(DOUBLE_WELL.split("[exit]")[0])
    try:
        status = cli.main(arguments)
    except SystemExit as end:  # argparse leaves this way
        status = end.code
    out, err = capfd.readouterr()
    assert status == 2
    assert out == ""
    assert err.startswith("fokker-planck: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert fragment in err


def test_bad_input_from_a_process(problem):
    ended = run("spectrum", problem, "--set", "diffusion.epsilon=0", "--json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("fokker-planck: diffusion.epsilon: found 0")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConvergenceError("the mesh stopped at 12 levels", "ask for a larger tolerance"), 3),
        (BarrierTooHighError("the barrier is 80 eps", "raise epsilon\nor wait"), 3),
        (MissingPackageError("jax", "jax"), 2),
    ],
)
def test_failures_are_one_line_with_their_status(problem, monkeypatch, capfd, error, status):
    def fail(problem, count, target=None):
        raise error

    monkeypatch.setattr("fokker_planck.questions.spectrum.spectrum", fail)
    assert cli.main(["spectrum", problem, "-q"]) == status
    out, err = capfd.readouterr()
    assert out == ""
    assert err == f"fokker-planck: {' '.join(str(error).split())}\n"


FORKED = """
import os, sys
from fokker_planck.cli.command import main
from fokker_planck.cli.problem_file import load_problem_file
load_problem_file("double_well.toml")
for missing in sys.argv[1:]:
    print(missing, end=" ", flush=True)
    if not (child := os.fork()):
        sys.modules[missing] = None
        os._exit(main(["spectrum", "double_well.toml", "-q"]))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""One start of Python for several ways to lack something: what all of them load is loaded before they part."""


@pytest.mark.usefixtures("problem")
def test_without_finite_elements_one_line_says_what_to_install():
    lacking = ["mpi4py", "petsc4py", "slepc4py", "dolfinx"]
    ended = subprocess.run([sys.executable, "-c", FORKED, *lacking], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [f"{missing} 2" for missing in lacking]
    install = 'is needed here: pip install "fokker-planck-fem[fem]"'
    assert ended.stderr.splitlines() == [f"fokker-planck: the package {missing} {install}" for missing in lacking]


def test_an_old_dolfinx_is_refused_in_one_line(problem):
    """By its basix, which has the same number and which every question imports."""
    code = (
        "import sys, types, importlib.machinery as machinery; from fokker_planck.cli import command as cli\n"
        "old = sys.modules['basix'] = types.ModuleType('basix')\n"
        "old.__version__, old.__spec__ = '0.8.0', machinery.ModuleSpec('basix', None)\n"
        "sys.exit(cli.main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "spectrum", problem, "-q"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "fokker-planck: dolfinx: found 0.8.0; wanted dolfinx 0.9 or later\n"


@pytest.mark.usefixtures("answered_by_hand")
@pytest.mark.parametrize("json_wanted", [[], ["--json"]])
def test_solve_that_fails_in_one_question_says_which_in_one_line_and_leaves_nothing(
    problem, monkeypatch, capfd, json_wanted
):
    def fail(problem):
        raise BarrierTooHighError("the barrier is 8000 eps", "raise epsilon")

    monkeypatch.setattr("fokker_planck.questions.rates.rates", fail)
    assert cli.main(["solve", problem, "-q", *json_wanted]) == 3
    assert capfd.readouterr() == ("", "fokker-planck: rates: the barrier is 8000 eps; raise epsilon\n")
    assert not Path("results").exists()


@pytest.mark.usefixtures("answered_by_hand")
def test_solve_that_is_refused_in_one_question_names_the_key_alone(problem, monkeypatch, capfd):
    def refuse(problem, origin, goal):
        raise ProblemError("committor.to", "a set that meets the other", "two sets that are apart")

    monkeypatch.setattr("fokker_planck.questions.committor.committor", refuse)
    assert cli.main(["solve", problem, "-q"]) == 2
    line = "fokker-planck: committor.to: found a set that meets the other; wanted two sets that are apart\n"
    assert capfd.readouterr() == ("", line)


def test_a_fault_of_the_program_shows_its_traceback(problem, monkeypatch):
    monkeypatch.setattr("fokker_planck.questions.landscape.energy_landscape", lambda problem: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["landscape", problem])


def test_an_interrupt_is_no_traceback(problem, monkeypatch, capfd):
    def interrupted(problem):
        raise KeyboardInterrupt

    monkeypatch.setattr("fokker_planck.questions.landscape.energy_landscape", interrupted)
    assert cli.main(["landscape", problem, "-q"]) == 130
    assert capfd.readouterr().err == "fokker-planck: interrupted\n"


@pytest.mark.usefixtures("answered_by_hand")
def test_progress_goes_to_standard_error_and_quiet_is_quiet(problem, capfd):
    assert cli.main(["spectrum", problem]) == 0
    out, err = capfd.readouterr()
    assert err == "fokker-planck: spectrum\n"
    assert "0.0027951235" in out
    assert cli.main(["spectrum", problem, "--quiet"]) == 0
    assert capfd.readouterr() == (out, "")
    assert not Path("results").exists(), "a single question writes a folder only where one is named"


def test_json_is_one_object_whatever_a_library_prints(problem, monkeypatch, capfd):
    def noisy(problem, count, target=None):
        os.write(1, b"a C library says hello\n")
        ctypes.CDLL(None).printf(b"and another, late\n")
        print("so does a Python one")
        return spectrum()

    monkeypatch.setattr("fokker_planck.questions.spectrum.spectrum", noisy)
    assert cli.main(["spectrum", problem, "--json"]) == 0
    out, err = capfd.readouterr()
    assert list(json.loads(out)) == ["eigenvalues", "gap"]
    assert "a C library says hello" in err
    assert "and another, late" in err
    assert "so does a Python one" in err


@pytest.mark.usefixtures("answered_by_hand")
def test_solve_answers_everything_and_writes_a_folder_named_after_the_file(problem, capfd):
    assert cli.main(["solve", problem]) == 0
    out, err = capfd.readouterr()
    headings = ("Minima", "Saddles", "Stationary", "Spectrum", "Mean exit time", "Rates between", "Transitions")
    for heading in ("Quartic double well", "reversible: yes", *headings):
        assert heading in out
    folder = Path("results/double_well")
    assert "written to results/double_well/: result.json" in out
    content = json.loads((folder / "result.json").read_text())
    assert list(content["answers"]) == ALL_KEYS
    assert content["provenance"]["problem"]["diffusion"]["epsilon"] == 0.125
    assert [line.removeprefix("fokker-planck: ") for line in err.splitlines()] == [*ALL_KEYS, "result files"]


@pytest.mark.usefixtures("answered_by_hand")
def test_solve_asks_only_what_the_file_asks(problem, capfd):
    Path("less.toml").write_text(DOUBLE_WELL.split("[spectrum]")[0])
    assert cli.main(["solve", "less.toml", "--json", "-o", "there"]) == 0
    assert list(json.loads(capfd.readouterr().out)) == ["landscape", "stationary", "rates", "reversible"]
    pictures = {"density.png", "landscape.png", "rates.png"}
    assert {path.name for path in Path("there").iterdir()} == {"result.json", "stationary.vtu", *pictures}


@pytest.mark.usefixtures("answered_by_hand")
def test_solve_leaves_out_rates_where_there_are_no_two_wells(problem, monkeypatch, capfd):
    monkeypatch.setattr("fokker_planck.questions.rates.has_rates", lambda problem: False)
    assert cli.main(["solve", problem, "--json"]) == 0
    assert list(json.loads(capfd.readouterr().out)) == [*(key for key in ALL_KEYS if key != "rates"), "reversible"]


@pytest.mark.usefixtures("answered_by_hand")
@pytest.mark.parametrize(
    ("question", "keys", "files"),
    [
        ("rates", ["wells", "rates", "asymptotic"], {"result.json", "rates.png"}),
        (
            "committor",
            [
                "rate",
                "probability_reactive",
                "probability_last_from",
                "rate_constant",
                "rate_constant_back",
                "asymptotic",
                "ratio",
            ],
            {"result.json", "committor.vtu", "committor.png"},
        ),
    ],
)
def test_rates_and_committor_with_a_folder(problem, capfd, question, keys, files):
    assert cli.main([question, problem, "--json", "-o", "out"]) == 0
    assert list(json.loads(capfd.readouterr().out)) == keys
    assert {path.name for path in Path("out").iterdir()} == files


@pytest.mark.usefixtures("answered_by_hand")
def test_a_single_question_with_a_folder(problem, capfd):
    assert cli.main(["stationary", problem, "--json", "-o", "out"]) == 0
    assert list(json.loads(capfd.readouterr().out)) == ["wells"]
    assert {path.name for path in Path("out").iterdir()} == {
        "result.json", "stationary.vtu", "density.png", "landscape.png"
    }  # fmt: skip


def test_the_count_and_the_start_come_from_the_file(problem, monkeypatch, capfd):
    seen = {}

    def note(name, answer):
        def ask(problem, **asked):
            seen[name] = asked
            return answer

        return ask

    monkeypatch.setattr("fokker_planck.questions.spectrum.spectrum", note("spectrum", spectrum()))
    monkeypatch.setattr("fokker_planck.questions.exit_time.mean_exit_time", note("exit", exit_time()))
    sets = []
    monkeypatch.setattr(
        "fokker_planck.questions.committor.committor",
        lambda problem, origin, goal: sets.append((origin, goal)) or committor(),
    )
    assert cli.main(["committor", problem]) == 0
    assert cli.main(["committor", problem, "--set", "committor.from=B", "--set", "committor.to=A"]) == 0
    assert sets == [("A", "B"), ("B", "A")]
    assert cli.main(["spectrum", problem, "--set", "spectrum.count=5"]) == 0
    assert cli.main(["exit-time", problem, "--set", "exit.start=[-0.9]"]) == 0
    assert seen["spectrum"] == {"count": 5, "target": None}
    assert list(seen["exit"]["start"]) == [-0.9]
    assert seen["exit"]["target"] == "B"
    Path("bare.toml").write_text(DOUBLE_WELL.split("[spectrum]")[0])
    assert cli.main(["spectrum", "bare.toml"]) == 0
    assert seen["spectrum"] == {"count": 4, "target": None}


@pytest.mark.slow  # as one that goes while it is written to, in output/test_standard_streams.py
def test_a_closed_pipe_is_no_error(problem):
    shell = f"{sys.executable} -m fokker_planck landscape {problem} -q | true"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.stderr == ""


def test_rank_guessed_from_the_environment(monkeypatch):
    for name in parallel._RANK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert parallel.guessed_rank() == 0
    monkeypatch.setenv("PMI_RANK", "3")
    assert parallel.guessed_rank() == 3


class TestWithTheSolver:
    """The commands on the quartic double well in one dimension at eps = 1/8, run inside this process.

    Processes of their own are asked in ``tests/questions/test_references.py``.
    """

    # by quadrature with 60 digits: the gap, and the mean time from -1 to 1 (with its ratio to the Eyring-Kramers value)
    GAP, TIME, RATIO = 5.681832528253182e-02, 4.103428025092896e01, 1.24995099296313

    def test_spectrum(self, problem, capfd):
        answer = answered(capfd, "spectrum", problem, "--json")
        assert len(answer["eigenvalues"]) == 3
        assert answer["gap"] == answer["eigenvalues"][1]["real"]
        assert answer["gap"]["value"] == pytest.approx(self.GAP, rel=1e-6)
        assert set(answer["gap"]) == {"value", "log", "relative_error"}

    def test_stationary(self, problem, capfd):
        answer = answered(capfd, "stationary", problem, "--json")
        assert [well["probability"]["value"] for well in answer["wells"]] == pytest.approx([0.5, 0.5], rel=1e-6)

    def test_landscape(self, problem, capfd):
        answer = answered(capfd, "landscape", problem, "--json")
        assert [point["position"] for point in answer["minima"]] == [pytest.approx([-1.0]), pytest.approx([1.0])]
        assert answer["saddles"][0]["value"] == pytest.approx(0.25, rel=1e-12)

    def test_exit_time(self, problem, capfd):
        target = "sets.B={ halfspace = { normal = [1.0], offset = 1.0 } }"
        answer = answered(capfd, "exit-time", problem, "--set", target, "--json")
        assert set(answer) == {"mean", "asymptotic", "ratio"}
        assert answer["mean"]["value"] == pytest.approx(self.TIME, rel=1e-6)
        # the target lies 2.8 widths of the saddle behind it, erfc(2)/2 = 0.0023: the bare formula is that far off
        assert answer["ratio"] == pytest.approx(self.RATIO, rel=4e-3)

    def test_rates(self, problem, capfd):
        answer = answered(capfd, "rates", problem, "--json")
        assert [well["minimum"] for well in answer["wells"]] == [pytest.approx([-1.0]), pytest.approx([1.0])]
        assert answer["rates"][0][1]["value"] == pytest.approx(self.GAP / 2, rel=1e-6)
        assert [sum(entry["value"] for entry in row) for row in answer["rates"]] == [0.0, 0.0]
        assert answer["asymptotic"][0][1]["value"] == pytest.approx(math.exp(-2.0) / (math.sqrt(2.0) * math.pi))
        assert [answer["asymptotic"][k][k] for k in (0, 1)] == [None, None]

    def test_committor(self, problem, capfd):
        # nu = eps / (int exp(-V/eps) int_A^B exp(V/eps)), and q the second integral up to x
        def weight(sign, start, stop):
            nodes, weights = np.polynomial.legendre.leggauss(200)
            x = start + (stop - start) * (nodes + 1) / 2
            return (stop - start) / 2 * float(np.sum(weights * np.exp(sign * (x**2 - 1) ** 2 / 4 / 0.125)))

        answer = answered(capfd, "committor", problem, "--json")
        exact = 0.125 / (weight(-1, -2, 2) * weight(1, -0.75, 0.75))
        assert answer["rate"]["value"] == pytest.approx(exact, rel=1e-6)
        assert answer["probability_last_from"]["value"] == pytest.approx(0.5, rel=1e-6)

    def test_a_barrier_that_is_too_high_is_one_line(self, problem, capfd):
        hill = ["potential.expression=-x**2/2", "diffusion.epsilon=1e-4", "exit.start=[0.0]"]
        assert cli.main(["exit-time", problem, "-q", *[option for change in hill for option in ("--set", change)]]) == 3
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "a barrier is so high" in err

    @pytest.mark.slow
    def test_solve(self, problem):
        ended = run("solve", problem)
        assert ended.returncode == 0, ended.stderr
        content = json.loads(Path("results/double_well/result.json").read_text())
        assert list(content["answers"]) == ALL_KEYS
        assert sorted(content["files"]) == sorted(os.listdir("results/double_well"))


@pytest.mark.slow
def test_two_ranks_print_the_same_digits_once(problem, mpirun):
    alone = run("solve", problem, "-q", "-o", "alone")
    together = mpirun(sys.executable, "-m", "fokker_planck", "solve", problem, "-q", "-o", "together")
    assert together.returncode == 0, together.stderr

    def numbers(text):
        return [line for line in text.splitlines() if "unknowns" not in line and "written to" not in line]

    assert numbers(together.stdout) == numbers(alone.stdout)
    assert sorted(os.listdir("together")) == sorted(os.listdir("alone"))


def test_two_ranks_report_bad_input_once(problem, mpirun):
    ended = mpirun(sys.executable, "-m", "fokker_planck", "spectrum", problem, "--set", "diffusion.epsilon=0")
    assert ended.returncode == 2
    assert ended.stderr.count("fokker-planck: diffusion.epsilon") == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("failing", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_failure_of_one_rank_ends_the_others(problem, mpirun, failing):
    code = (
        "import sys\nfrom mpi4py import MPI\nfrom fokker_planck.cli import command as cli\n"
        "from fokker_planck.questions import landscape\n"
        "from fokker_planck.errors import ConvergenceError\n"
        "def ask(problem):\n"
        f"    if MPI.COMM_WORLD.rank == {failing}:\n"
        "        raise ConvergenceError('this rank alone failed', 'none')\n"
        "    MPI.COMM_WORLD.Barrier()\n"
        "landscape.energy_landscape = ask\n"
        f"sys.exit(cli.main(['landscape', {problem!r}, '-q']))"
    )
    ended = mpirun(sys.executable, "-c", code, timeout=60)
    assert ended.returncode == 3
    assert ended.stderr.count("fokker-planck: this rank alone failed; none") == 1
