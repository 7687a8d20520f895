"""The command ``fokker-planck validate``: exit status, output, interruptions; on small claims made up here."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from claims_made_up import HOLDS, put_claim, put_package

from fokker_planck.cli import command as cli
from fokker_planck.cli import validate as validate_command
from validation import command, state
from validation.claim import GROUPS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder with a package of claims."""
    return put_package(tmp_path_factory.mktemp("claims") / "made_up_to_run")


def run(folder, *arguments, **options):
    """The command on a package of claims, as a process of its own."""
    return subprocess.run(call(folder, *arguments), text=True, capture_output=True, timeout=120, check=False, **options)


def call(folder, *arguments):
    code = (
        f"import sys\nsys.path += [{str(ROOT)!r}, {str(folder.parent)!r}]\nif __name__ == '__main__':\n"
        "    from validation.command import main\n"
        f"    sys.exit(main(sys.argv[1:], package={folder.name!r}))"
    )
    return [sys.executable, "-c", code, *map(str, arguments)]


@pytest.fixture(scope="module")
def finished(package):
    """What a run of all claims of the package left: how the process ended, and the folder of the report."""
    folder = package.parent / "report"
    return run(package, "--json", "--report", folder), folder


class TestTheRun:
    def test_status_and_json_alone_on_standard_output(self, finished):
        ended, folder = finished
        assert ended.returncode == 4, ended.stderr
        content = json.loads(ended.stdout, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
        assert not content["holds"]
        assert content["verdict"] == "3 of 4 claims fail"
        assert content["mode"] == "full"
        assert content["report"] == str(folder / "report.html")
        assert {"fokker_planck", "dolfinx", "PETSc", "SLEPc", "Python", "numpy"} <= set(content["versions"])
        assert [claim["holds"] for claim in content["claims"]] == [False, True, False, False]
        (check,) = content["claims"][1]["checks"]
        assert check["computed"] == {"value": None, "log": -3000.0, "relative_error": 1e-9}
        assert (check["difference"], check["tolerance"], check["holds"]) == (0.0, 1e-6, True)
        assert content | {"report": None} == json.loads((folder / "results.json").read_text()) | {"report": None}

    def test_an_error_and_a_dead_process_fail_their_claims_alone(self, finished):
        ended, _ = finished
        claims = {claim["name"]: claim for claim in json.loads(ended.stdout)["claims"]}
        assert claims["raising"]["error"] == "ArithmeticError: the mesh <stopped> at 12"
        assert "signal SIGKILL" in claims["dying"]["error"]

    def test_a_line_a_claim_on_standard_error_and_what_libraries_print_in_a_file(self, finished):
        ended, folder = finished
        lines = ended.stderr.splitlines()
        assert [line.split()[1] for line in lines] == ["1/4", "2/4", "3/4", "4/4"]
        assert any("wrong-one FAILS" in line and "two: 2.1, expected 2, off by 0.1 of 0.01" in line for line in lines)
        assert "a library says hello" in (folder / "log.txt").read_text()

    def test_the_state_is_gone_after_a_complete_run(self, finished):
        _, folder = finished
        left = {path.name for path in folder.iterdir()}
        assert left == {".lock", "log.txt", "report.html", "results.json", "summary.md"}

    def test_a_quick_run_of_one_claim_with_a_table(self, package, tmp_path):
        ended = run(package, "good-one", "--quick", "-q", cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "good-one  holds  one" in ended.stdout
        last = ended.stdout.splitlines()[-1]
        assert re.fullmatch(r"The claim holds, in [\d.]+ s; the report is results/validation/report.html", last)
        content = json.loads((tmp_path / "results/validation/results.json").read_text())
        assert (content["mode"], content["claims"][0]["remarks"]) == ("quick", ["quick"])


SLOW = """
    def compute(run):
        here = pathlib.Path(os.environ["HERE"])
        def first():
            with open(here / "first", "a") as file:
                file.write("x")
            return 1.5
        def second():
            (here / f"second-{os.getpid()}").touch()
            if not (here / "go").exists():
                time.sleep(600)
            return 2.0
        total = run.step("first", first) + run.step("second", second)
        return Finding((equal("sum", total, 3.5, 1e-12, "rounding"),))
"""


def alive(pid):
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def waited(until, seconds=60.0):
    """The first true value of a function."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := until():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def hears_the_keyboard():
    """What runs in the background of a shell ignores Ctrl-C, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("ending", "status"), [pytest.param(signal.SIGKILL, -9, marks=pytest.mark.slow), (signal.SIGINT, 130)]
)
def test_an_interrupted_run_goes_on_where_it_was(tmp_path, ending, status):
    folder = tmp_path / f"slow_{status % 256}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    put_claim(folder, "slow", SLOW)
    put_claim(folder, "good-one", HOLDS)
    here = {**os.environ, "HERE": str(tmp_path)}
    arguments = ("--report", tmp_path / "report")
    options = {"env": here, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    options["preexec_fn"] = hears_the_keyboard
    with subprocess.Popen(call(folder, *arguments), **options) as process:
        (marker,) = waited(lambda: list(tmp_path.glob("second-*")))
        waited(lambda: list((tmp_path / "report").glob("state/*/good-one/finding.json")))
        if ending == signal.SIGINT:
            os.killpg(process.pid, ending)  # as a terminal sends it: to the workers too
        else:
            process.send_signal(ending)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == status
    if status == 130:
        assert said.splitlines()[-1].startswith("fokker-planck: interrupted; what is finished is kept")
        assert "Traceback" not in said
    waited(lambda: not alive(int(marker.name.removeprefix("second-"))))
    (tmp_path / "go").touch()
    again = run(folder, *arguments, env=here)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "first").read_text() == "x"
    assert "going on from an interrupted run" in (tmp_path / "report" / "report.html").read_text()
    assert not (tmp_path / "report" / "state").exists()


class TestTheCommand:
    def said(self, capfd, *arguments, **options):
        try:
            status = command.main([*arguments], **options)
        except SystemExit as end:
            status = end.code
        out, err = capfd.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return status, err

    @pytest.mark.parametrize(
        ("arguments", "fragment"),
        [
            (["no-such-claim"], "fokker-planck: claim: found no-such-claim; wanted one of "),
            (["--processes", "0"], "argument --processes: found '0'"),
            (["--qick"], "unrecognized arguments: --qick"),
            (["--page", "docs/validation.md", "--quick"], "--page: found a part of the claims; wanted all of them"),
            (["--page", "nowhere.md"], "--page: found nowhere.md; wanted a page that exists"),
        ],
    )
    def test_bad_input_is_one_line_with_status_two(self, capfd, arguments, fragment, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        status, err = self.said(capfd, *arguments)
        assert status == 2
        assert fragment in err
        assert not (tmp_path / "results").exists()

    def test_several_ranks_are_refused_in_one_line(self, capfd, monkeypatch):
        monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
        monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
        status, err = self.said(capfd)
        assert (status, "found 2 ranks; wanted one process" in err) == (2, True)
        monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
        assert command.main([]) == 2
        assert capfd.readouterr() == ("", "")

    def test_a_folder_in_use_is_one_line(self, capfd, tmp_path):
        with state.locked(tmp_path):
            status, err = self.said(capfd, "--report", str(tmp_path))
        assert (status, "wanted another folder, or to wait" in err) == (2, True)

    def test_the_list(self, capsys, package, monkeypatch):
        monkeypatch.syspath_prepend(package.parent)
        assert command.main(["--list"], package="made_up_to_run") == 0
        text = capsys.readouterr().out
        assert text.startswith(f"{GROUPS['convergence']}\n  wrong-one  The claim wrong-one\n")
        assert "  dying      The claim dying (not in a quick run)\n" in text
        assert command.main(["--list", "--quick", "--json"], package="made_up_to_run") == 0
        listed = json.loads(capsys.readouterr().out)["claims"]
        assert [claim["name"] for claim in listed] == ["wrong-one", "good-one"]

    def test_the_command_of_the_package_hands_on(self, capfd, monkeypatch, tmp_path):
        monkeypatch.setattr(validate_command, "validate", lambda arguments: list(arguments))
        assert cli.main(["validate", "--quick"]) == ["--quick"]
        monkeypatch.undo()
        assert validate_command.validate(["--list"], ROOT) == 0
        assert "Eyring-Kramers" in capfd.readouterr().out
        assert validate_command.validate(["--list"], tmp_path) == 1
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "wanted a checkout of the project: clone it and run `make validate` there" in err

    def test_an_option_in_front_is_answered(self, capfd):
        with pytest.raises(SystemExit) as end:
            cli.main(["-q", "validate", "x"])
        assert end.value.code == 2
        assert "found validate after an option; wanted it first" in capfd.readouterr().err

    def test_help_loads_nothing_heavy(self):
        heavy = "numpy scipy sympy dolfinx mpi4py petsc4py matplotlib rich jinja2".split()
        code = (
            f"import sys\nsys.path.append({str(ROOT)!r})\nfrom validation.command import main\n"
            f"try:\n    main(['--help'])\nfinally:\n    print('heavy:', *[n for n in {heavy} if n in sys.modules])"
        )
        ended = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60, check=True)
        assert ended.stdout.endswith("heavy:\n")
        assert "--quick" in ended.stdout
