"""A sweep keeps every point when it is known, and goes on after kill -9 with nothing lost, repeated or different."""

import json
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fokker_planck as fp
from fokker_planck.cli.command import main
from fokker_planck.cli.sweeps.axes import combined, parsed_axis
from fokker_planck.cli.sweeps.store import opened
from fokker_planck.cli.sweeps.workers import in_workers
from fokker_planck.errors import ConvergenceError, ProblemError

EXAMPLE = Path(__file__).parents[2] / "examples" / "double_well_1d.toml"
EXACT_LOGS = {0.05: math.log(2.776140636572725e-3), 0.0005: math.log(3.204776877377859e-218)}
"""Of the gap of the quartic well, by high-precision arithmetic."""


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=1:3:3", (1, 2, 3)),
        ("a.b=0.5:0.1:3", (0.5, 0.3, 0.1)),
        ("a.b=1e-2:1:3log", (0.01, 0.1, 1.0)),
        ("a.b=1:1:1", (1,)),
        ("a.b=x, 'y,z',[1, 2],{ k = 1 }", ("x", "y,z", [1, 2], {"k": 1})),
        ("a.b=0.1,0.1,0.2", (0.1, 0.2)),
    ],
)
def test_values_as_they_are_written(text, values):
    assert parsed_axis(text).values == values


@pytest.mark.parametrize("text", ["a", "=1:2:3", "a=", "a=1:x:3", "a=0:1:3log", "a=1:2:0", "a=1:2:9999999999", "a b=1"])
def test_values_that_are_none_are_refused(text):
    with pytest.raises(ProblemError, match="--over"):
        parsed_axis(text)


def test_all_combinations_and_every_key_once():
    a, b = parsed_axis("a=1,2"), parsed_axis("b=3,4")
    assert combined([a, b]) == [{"a": 1, "b": 3}, {"a": 1, "b": 4}, {"a": 2, "b": 3}, {"a": 2, "b": 4}]
    with pytest.raises(ProblemError, match="every key once"):
        combined([a, a])


def gap(noise):
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(noise))
    if noise == 0.07:
        raise ConvergenceError("no luck", "another day")
    return fp.spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), count=2)


def test_a_function_is_swept_and_failures_are_kept_with_their_reason(tmp_path):
    file = tmp_path / "gap.sqlite"
    found = fp.sweep(gap, {"noise": [0.0005, 0.07, 0.05]}, file=file)
    assert [point.result is None for point in found.points] == [False, True, False]
    assert found.failures[0].reason.startswith("no luck")
    for noise, quantity in zip((0.0005, None, 0.05), found.quantities("spectrum.gap"), strict=True):
        if noise is None:
            assert quantity is None
        else:
            assert quantity.log == pytest.approx(EXACT_LOGS[noise], abs=1e-6)
    again = fp.load_sweep(file)
    assert again.rows() == found.rows()
    assert str(again) == str(found)
    assert "no luck" in str(found)


def test_what_is_kept_is_not_computed_again_and_grids_grow(tmp_path):
    asked = []

    def counted(noise=0.0, learning=0.0):
        asked.append(noise)
        return {"twice": fp.Quantity.of(2.0 * noise, 0.0)}

    file = tmp_path / "counted.sqlite"
    fp.sweep(counted, {"noise": [1.0, 2.0]}, file=file)
    grown = fp.sweep(counted, {"noise": [3.0, 1.0, 2.0]}, file=file)
    assert asked == [1.0, 2.0, 3.0]
    assert [float(q) for q in grown.quantities("twice")] == [6.0, 2.0, 4.0]
    with pytest.raises(ProblemError, match="another problem"):
        fp.sweep(gap, {"noise": [1.0]}, file=file)
    with pytest.raises(ProblemError, match="other keys"):
        fp.sweep(counted, {"learning": [1.0]}, file=file)


def test_values_stand_under_their_keys_in_whatever_order_these_are_given(tmp_path):
    def area(width, height):
        return {"area": fp.Quantity.of(width * height, 1e-3)}

    over = {"width": [2.0], "height": [3.0, 5.0]}
    found = fp.sweep(area, over, file=tmp_path / "areas.sqlite")
    for each in (found, fp.load_sweep(tmp_path / "areas.sqlite")):
        assert [line.split()[:2] for line in str(each).splitlines()[3:5]] == [["2", "3"], ["2", "5"]]


def test_failures_are_tried_again_where_that_is_asked(tmp_path):
    good = []

    def moody(noise):
        if not good:
            raise ConvergenceError("not yet", "wait")
        return fp.Quantity.of(noise, 0.0)

    file = tmp_path / "moody.sqlite"
    assert len(fp.sweep(moody, {"noise": [1.0]}, file=file).failures) == 1
    good.append(True)
    assert len(fp.sweep(moody, {"noise": [1.0]}, file=file).failures) == 1
    assert len(fp.sweep(moody, {"noise": [1.0]}, file=file, retry=True).failures) == 0


def test_one_run_writes_at_a_time_and_others_may_read(tmp_path):
    file = tmp_path / "one.sqlite"
    with opened(file, writing=True):
        with pytest.raises(ProblemError, match="another run writes"), opened(file, writing=True):
            pass
        assert fp.load_sweep(file).points == ()
    fp.sweep(lambda a: fp.Quantity.of(a, 0.0), {"a": [1.0]}, file=file)


@pytest.mark.parametrize("content", [b"no database at all", None])
def test_what_is_no_sweep_is_refused(tmp_path, content):
    file = tmp_path / "other.sqlite"
    if content is not None:
        file.write_bytes(content)
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("create table mine (x)")
    for ask in (fp.load_sweep, lambda path: fp.sweep(gap, {"noise": [1.0]}, file=path)):
        with pytest.raises(ProblemError, match="other.sqlite"):
            ask(file)
    with pytest.raises(ProblemError, match="no such file"):
        fp.load_sweep(tmp_path / "none.sqlite")


def test_the_command_sweeps_a_file(tmp_path, capsys):
    file = tmp_path / "wells.sqlite"
    over = ["--over", "diffusion.epsilon=0.0005,0.05,-1.0", "--question", "spectrum", "-o", str(file), "--jobs", "1"]
    assert main(["sweep", str(EXAMPLE), *over, "--json"]) == 0
    out, err = capsys.readouterr()
    points = json.loads(out)["points"]
    assert [point["settings"]["diffusion.epsilon"] for point in points] == [0.0005, 0.05, -1.0]
    for point in points[:2]:
        exact = EXACT_LOGS[point["settings"]["diffusion.epsilon"]]
        assert point["answers"]["spectrum"]["gap"]["log"] == pytest.approx(exact, abs=1e-6)
    assert points[2]["failure"].startswith("diffusion.epsilon: found -1.0")
    assert "3 of 3, 1 failed" in err
    assert main(["sweep", str(EXAMPLE), *over]) == 0
    out, err = capsys.readouterr()
    assert "3 points, 1 of them without an answer, kept in" in out
    assert "3 of 3 points are kept already" in err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sweep", str(EXAMPLE)], "--over"),
        (["sweep", "nowhere.toml", "--over", "a=1"], "no such file"),
        (["sweep", str(EXAMPLE), "--over", "diffusion.epsilon=0.2:0.1"], "without a count"),
        (["sweep", str(EXAMPLE), "--over", "diffusion.epsilom=0.1"], "did you mean epsilon"),
        (["sweep", str(EXAMPLE), "--over", "diffusion.epsilon=0.1", "--question", "spektrum"], "did you mean spectrum"),
        (["sweep", str(EXAMPLE), "--over", "diffusion.epsilon=0.1", "--jobs", "0"], "jobs: found 0"),
        (["sweep", str(EXAMPLE), "--over", "diffusion.epsilon=0.1", "--jbos", "1"], "did you mean --jobs"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, arguments, line):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(arguments)
    except SystemExit as left:
        status = left.code
    assert status == 2
    _, err = capsys.readouterr()
    assert line in err
    assert len(err.splitlines()) == 1


def test_a_point_that_ends_its_process_is_tried_again_and_then_fails(monkeypatch, tmp_path):
    """A worker that dies at one point: the others are answered, by a new worker."""
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import json, os, sys\n"
        "sys.stdin.readline()\n"
        "for line in sys.stdin:\n"
        "    if json.loads(line)['a'] == 2: os.kill(os.getpid(), 9)\n"
        "    print(json.dumps({'result': {}, 'reason': None}), flush=True)\n"
    )
    from fokker_planck.cli.sweeps import workers

    started = []

    def process():
        started.append(1)
        return subprocess.Popen([sys.executable, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr(workers, "_process", process)
    found = {settings["a"]: line for settings, line in in_workers({}, [{"a": a} for a in range(5)], 2)}
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert "signal 9" in found[2]["reason"]
    assert [found[a]["reason"] for a in (0, 1, 3, 4)] == [None] * 4
    assert len(started) <= 4


def _sweep(folder, count, jobs):
    command = [sys.executable, "-m", "fokker_planck", "sweep", str(EXAMPLE), "-o", str(folder / "sweep.sqlite"), "-q"]
    over = ["--over", f"diffusion.epsilon=0.5:0.05:{count}log", "--question", "exit-time", "--jobs", str(jobs)]
    folder.mkdir(exist_ok=True)
    output = (folder / "log").open("w")
    return subprocess.Popen([*command, *over], stdout=output, stderr=output, start_new_session=True)


def _kept(file):
    try:
        with opened(file, writing=False) as store:
            return len(store.known())
    except (ProblemError, sqlite3.Error):
        return 0


def _killed_three_times(tmp_path, count, jobs, seed):
    chance = random.Random(seed)
    stops = sorted(chance.sample(range(1, count - 1), 3))
    for stop in stops:
        process = _sweep(tmp_path / "disturbed", count, jobs)
        end = time.monotonic() + 300.0
        while _kept(tmp_path / "disturbed" / "sweep.sqlite") < stop and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "killed before it had ended"
        assert stop <= _kept(tmp_path / "disturbed" / "sweep.sqlite") < count
    for folder in ("disturbed", "undisturbed"):
        assert _sweep(tmp_path / folder, count, jobs).wait(timeout=600) == 0
    disturbed, undisturbed = (
        fp.load_sweep(tmp_path / folder / "sweep.sqlite") for folder in ("disturbed", "undisturbed")
    )
    assert len(disturbed.points) == count
    assert disturbed.rows() == undisturbed.rows()
    assert len(disturbed.failures) == 0


@pytest.mark.slow
def test_a_sweep_that_is_killed_three_times_ends_with_the_undisturbed_table(tmp_path):
    _killed_three_times(tmp_path, 8, 1, 3)


@pytest.mark.slow
def test_200_points_killed_three_times(tmp_path):
    _killed_three_times(tmp_path, 200, 2, 5)


def test_frames_of_sweeps(tmp_path):
    pytest.importorskip("pandas")
    frame = fp.sweep(lambda a: fp.Quantity.of(a, 1e-3), {"a": [1.0, 2.0]}).to_frame()
    assert list(frame["value"]) == [1.0, 2.0]
    assert list(frame["value_relative_error"]) == [1e-3, 1e-3]


def test_a_picture_of_two_axes_has_a_curve_for_each_value_of_the_other():
    def gap(noise, height):
        process = fp.Overdamped(fp.Potential(f"{height}*(x**2 - 1)**2"), fp.Isotropic(noise))
        return fp.spectrum(fp.Problem(process, fp.Box([-2.0], [2.0])), count=2)

    axes = fp.sweep(gap, over={"noise": [0.2, 0.1, 0.05], "height": [0.25, 0.5]}).plot()
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(labels) == 2
    assert all("height" in label for label in labels)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"diffusion.epsilom": [0.1, 0.2]}, r"diffusion\.epsilom: .*did you mean epsilon"),
        ({"exit.strat": [-1.0]}, r"exit\.strat: .*did you mean start"),
        ({"potential.parameters.k": [1.0]}, r"potential\.parameters\.k: .*does not use"),
    ],
)
def test_a_misspelt_key_is_said_before_the_first_point(tmp_path, over, message):
    with pytest.raises(ProblemError, match=message):
        fp.sweep(EXAMPLE, over, "exit-time", file=tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()


def test_a_key_of_another_kind_is_no_slip(tmp_path):
    from fokker_planck.cli.sweeps.axes import checked_axis
    from fokker_planck.cli.sweeps.run import prepared

    kinds = checked_axis("diffusion.kind", ["isotropic", "hessian"])
    prepared(EXAMPLE, (), ("exit-time",), (kinds, checked_axis("diffusion.scale", [1.0])))


def test_misspelt_arguments_and_columns_are_said():
    with pytest.raises(ProblemError, match="over: found nosie .*arguments noise"):
        fp.sweep(gap, {"nosie": [0.1]})
    found = fp.sweep(gap, {"noise": [0.07, 0.05]})
    with pytest.raises(ProblemError, match=r"'spectrum\.gp' \(did you mean spectrum\.gap"):
        found.quantities("spectrum.gp")
    assert found.quantities("spectrum.gap")[0] is None


def test_tables_and_pictures_have_the_units_of_the_file(tmp_path):
    file = tmp_path / "with_units.toml"
    file.write_text(EXAMPLE.read_text() + '\n[units]\ntime = "ps"\n')
    found = fp.sweep(file, {"diffusion.epsilon": [0.1, 0.2]}, "exit-time", file=tmp_path / "kept.sqlite", jobs=1)
    for each in (found, fp.load_sweep(tmp_path / "kept.sqlite")):
        assert each.units == fp.Units(time="ps")
        assert "exit-time.mean / ps" in str(each)
        assert each.plot().get_ylabel() == r"$\log_{10}$ (exit-time.mean / ps)"
