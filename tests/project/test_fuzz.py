"""A short run of the fuzzer; `make fuzz` goes on for as long as one likes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from validation.fuzz.__main__ import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("minutes", ["0.02", pytest.param("0.1", marks=pytest.mark.slow)])
def test_nonsense_is_refused_in_one_line(minutes, capsys):
    assert main(["--minutes", minutes, "--seed", "11"]) == 0
    assert " 0 found" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are looked up in /proc")
def test_the_process_that_tries_ends_with_the_one_that_watches_it():
    """It went on for as long as it had been asked to."""
    watching = subprocess.Popen(
        [sys.executable, "-m", "validation.fuzz", "--minutes", "5", "--only", "formula"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        working = eventually(lambda: spawned_by(watching.pid))
        time.sleep(1.0)
    finally:
        watching.send_signal(signal.SIGKILL)
        watching.wait()
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in working))


def spawned_by(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def eventually(condition, seconds=30.0):
    """What the condition says once it says something true."""
    end = time.monotonic() + seconds
    while not (said := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return said


def test_a_trial_that_python_cannot_interrupt_is_a_finding(monkeypatch, capsys):
    """A worker that dies of what it tries, or says nothing for too long, is one finding, and the next goes on."""
    from validation.fuzz import __main__ as fuzz

    said = iter(["the process ended with exit code -9", "no end within 120 s"])
    monkeypatch.setattr(fuzz, "_heard", lambda *_: next(said))
    assert main(["--minutes", "1", "--only", "formula"]) == 4
    assert "2 tried, 0 refused, 2 found" in capsys.readouterr().out


def test_a_pole_of_order_999_in_a_switch_is_refused():
    import fokker_planck as fp
    from fokker_planck.errors import ProblemError
    from fokker_planck.model.diffusion.state_dependent import Formula
    from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of

    process = fp.Drifting(fp.Drift(["-x"]), Formula("abs(3.7/x**999) + 0.01"))
    with pytest.raises(ProblemError, match="not finite"):
        kinetics_of(fp.Problem(process, fp.Box([-1.0], [2.0])))


@pytest.mark.parametrize("formula", ["abs(acos(0.5/999)**(x - 1e300)) + 0.01", "sinh(2**(z**z + 1e308))/x"])
def test_a_power_that_would_be_expanded_for_ever_is_refused(formula):
    from fokker_planck.errors import ProblemError
    from fokker_planck.formulas.expression import parse_expression

    with pytest.raises(ProblemError, match="huge power of a coefficient"):
        parse_expression(formula)


@pytest.mark.parametrize(
    ("drift", "noise"),
    [("2", "abs(atan2(acosh(3.7), x**tan(999))) + 0.01"), ("1e308", "abs(sinh(x*1e300)) + 0.01")],
)
def test_parts_that_are_not_real_and_steps_between_the_largest_doubles_raise_nothing_else(drift, noise):
    """The first raised AttributeError in mpmath, the second RuntimeError: secants do not converge."""
    import fokker_planck as fp
    from fokker_planck.errors import FokkerPlanckError
    from fokker_planck.model.diffusion.state_dependent import Formula
    from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of

    for interpretation in ("ito", "klimontovich"):
        process = fp.Drifting(fp.Drift([drift]), Formula(noise), interpretation)
        with contextlib.suppress(FokkerPlanckError):
            kinetics_of(fp.Problem(process, fp.Box([-1.0], [2.0])))


@pytest.mark.parametrize("noise", ["abs(1e308) + 0.01", "1e-320 + 0*x", "1e308 + 0*x"])
def test_noise_at_the_ends_of_the_doubles_is_not_taken_for_degenerate(noise):
    """Its trace is infinite, so that it vanished in all directions, of which there were none to be carried from."""
    import fokker_planck as fp
    from fokker_planck.errors import FokkerPlanckError
    from fokker_planck.model.diffusion.state_dependent import Formula
    from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of

    process = fp.Drifting(fp.Drift(["-x + 0*(x)", "3.7"]), Formula(noise))
    with contextlib.suppress(FokkerPlanckError):
        kinetics_of(fp.Problem(process, fp.Box([-1.0, -1.0], [2.0, 2.0])))


def test_a_sign_change_between_the_largest_doubles_is_found():
    from fokker_planck.formulas.bounds.high_precision import sign_at
    from fokker_planck.formulas.bounds.line_zeros import zeros_on_line
    from fokker_planck.formulas.expression import parse_expression
    from fokker_planck.formulas.parsing.grammar import symbols

    (zero,) = zeros_on_line(parse_expression("sinh(1e300*(x - 0.3))"), 0, -1.0, 1.0)
    assert zero == pytest.approx(0.3, rel=1e-15)
    parsed = parse_expression("abs(log(x)) - 1")
    assert sign_at(parsed.sympy, {symbols(parsed.names)[0]: -2.0}) is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processor time is looked up in /proc")
def test_a_busy_machine_is_waited_for_and_a_process_that_hangs_is_not(monkeypatch):
    """By the clock an hour on a busy machine found commands without an end that had hardly begun."""
    from validation.fuzz import patience

    monkeypatch.setattr(patience, "IDLE", 1.0)
    # the shell waits, its child computes
    busy = f"{sys.executable} -c 'while True: pass' & wait"
    for command, seconds, why in ((busy, 0.3, "no end within 0.3 s of CPU"), ("sleep 60", 0.3, "waits for something")):
        process = subprocess.Popen(["sh", "-c", command], start_new_session=True)
        try:
            waited = patience.Patience(process.pid, seconds)
            assert waited.over() == ""
            assert why in eventually(waited.over)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
