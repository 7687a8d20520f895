"""The instruments of the campaign: its quadrature, its changes of coordinates, its comparison of bars."""

import os
import signal
import subprocess
import sys
import time
from math import exp, log
from pathlib import Path

import numpy as np
import pytest

import fokker_planck as fp
from validation.campaign import coordinates, line_quadrature
from validation.campaign.comparison import outside
from validation.campaign.questions import Number, ask, load
from validation.campaign.random_problems import random_problem
from validation.campaign.runner import campaign, holds
from validation.campaign.trial import CRASHED, HELD, OUTSIDE, REFUSED, SLOW, Trial, _timed

FLAT = {
    "title": "2-D",
    "potential": {"expression": "(x**2 - 1)**2/4 + 0.7*y**2 + 0.1*x*y"},
    "diffusion": {"kind": "expression", "expression": "0.2 + 0.1*x**2"},
    "domain": {"kind": "ball", "center": [0.1, 0.0], "radius": 2.0},
    "discretization": {"tolerance": 1e-3},
    "sets": {"goal": {"ball": {"center": [1.0, 0.0], "radius": 0.3}}},
    "exit": {"start": [-1.0, 0.0], "target": "goal"},
}


ROUNDING = 1e-12  # of exponents of some hundreds, summed over some hundreds of panels


@pytest.mark.parametrize(
    ("noise", "seconds"),
    [(1 / 8, 41.03428025092896), (1 / 400, 1.198831920041948e44), (1 / 2000, 6.240684067954194e217)],
)
def test_the_quadrature_knows_the_quartic_well(noise, seconds):
    whole = line_quadrature.line(
        lambda x: x - x**3, lambda x: np.full(x.shape, noise), -2.0, 2.0, [-1.0, 1.0], [0.0, 0.0]
    )
    assert whole.log_exit_to_right(-1.0, 1.0) == pytest.approx(log(seconds), rel=0, abs=ROUNDING)
    assert whole.log_exit_to_left(1.0, -1.0) == pytest.approx(log(seconds), rel=0, abs=ROUNDING)


def test_the_quadrature_knows_wells_beside_walls_of_thousands_of_units_of_epsilon():
    # 41,000 of them at an end, 1,945 between two wells: 22 digits by multiple precision around both
    whole = line_quadrature.line(
        lambda x: -0.6 * x + 0.2421 * 4.211 * np.sin(4.211 * x + 0.1867) + 0.04393 * np.cos(0.615 * x),
        lambda x: np.full_like(x, 4.6515943796263186e-05),
        -2.49,
        2.09,
        [-0.06344973431178869],
    )
    top = -0.06344973431178869
    log_weight = whole.log_mass(-np.inf, top) - whole.log_mass(top, np.inf)
    assert log_weight == pytest.approx(-1945.4311067638076, abs=1e-11)


@pytest.mark.parametrize(("alpha", "time"), [(0.0, 6.5), (1.0, 0.5 * 1.0 + 10.0 + 5.0)])
def test_the_quadrature_knows_noise_that_jumps(alpha, time):
    """D = 1 left and 0.1 right of 0, from -1 to 1: 1/2 + 1 + 5 by Ito, w = 1/D; 1/2 + 10 + 5 where w is constant."""
    whole = line_quadrature.line(
        lambda x: 0.0 * x, lambda x: np.where(x < 0.0, 1.0, 0.1), -1.0, 1.0, [0.0], [0.0], alpha
    )
    assert exp(whole.log_exit_to_right(-1.0, 1.0)) == pytest.approx(time, rel=1e-12)


def test_other_coordinates_are_the_same_process():
    turned = coordinates.changed(FLAT, coordinates.turned(0.4, 2))
    scaled = coordinates.changed(turned, coordinates.Change(3.0, np.eye(2), np.array([1.0, -2.0])))
    assert scaled["domain"]["radius"] == 6.0
    x = np.array([[0.3], [0.4]])
    from fokker_planck.model.potential import Potential

    angle = coordinates.turned(0.4, 2).turn
    there = 3.0 * angle @ x + np.array([[1.0], [-2.0]])
    assert Potential(scaled["potential"]["expression"])(there)[0] == pytest.approx(
        9.0 * Potential(FLAT["potential"]["expression"])(x)[0], rel=1e-13
    )


@pytest.mark.slow
def test_a_problem_has_the_same_answer_in_other_coordinates(tmp_path):
    there = coordinates.changed(FLAT, coordinates.turned(0.4, 2))
    found, other = (ask("exit", load(tables, tmp_path)) for tables in (FLAT, there))
    assert outside(found, other) == []
    wrong = {**other, "mean": Number(None, other["mean"].log + 0.01, other["mean"].bar)}
    assert len(outside(found, wrong)) == 1


def test_numbers_that_are_not_known_may_stand_elsewhere_in_the_order():
    def rates(*known):
        return {f"rate {k}": Number(None, log, bar) for k, (log, bar) in enumerate(known)}

    found = rates((-1.0, 1e-4), (-15.5, 700.0), (-19.5, 1e-3), (-24.6, 1e-2))
    assert outside(found, rates((-1.0, 1e-4), (-19.5, 1e-3), (-24.6, 1e-2), (-29.8, 28.0))) == []
    assert outside(found, rates((-1.0, 1e-4), (-19.6, 1e-3), (-24.6, 1e-2), (-29.8, 28.0)))
    assert outside(found, rates((-1.0, 1e-4), (-15.5, 700.0))) == ["4 numbers and 2, of other wells or states"]
    assert outside(found, rates((-1.0, 1e-4), (-19.5, 1e-3), (-5.0, 1e-2), (-24.6, 1e-2)))


def test_problems_depend_on_their_number_alone():
    assert random_problem(3, 5) == random_problem(3, 5)
    assert random_problem(3, 5) != random_problem(3, 6)
    kinds = {random_problem(3, number).dimension for number in range(40)}
    assert kinds == {1, 2, 3}


@pytest.mark.parametrize(("seed", "number"), [(61, 1), (61, 206), (62, 122)])
def test_sets_lie_in_the_domain(seed, number):
    """A sublevel set that the sample of places misses is no domain: sets beside it were counted as refusals."""
    tables = random_problem(seed, number).tables
    places = [shape["center"] for kinds in tables["sets"].values() for shape in kinds.values() if "center" in shape]
    places += [tables["exit"]["start"]] if "exit" in tables else []
    potential = fp.Potential(tables["potential"]["expression"])
    level = tables["domain"].get("level", np.inf)
    assert all(potential.value(np.array(place)[:, None])[0] < level for place in places)


def test_the_verdict_on_a_campaign():
    def trials(*verdicts):
        return [Trial(k, "", "", verdict, "", "", 0.0) for k, verdict in enumerate(verdicts)]

    assert holds(trials(*[HELD] * 99, REFUSED))
    assert not holds(trials(*[HELD] * 90, *[REFUSED] * 10))
    for verdict in (OUTSIDE, CRASHED, SLOW):
        assert not holds(trials(*[HELD] * 99, verdict))


PARENT = """
import ctypes, multiprocessing
from validation.parent import leave_with_parent

def work(pipe):
    leave_with_parent()
    pipe.send(multiprocessing.current_process().pid)
    ctypes.PyDLL(None).sleep(60)  # like a factorisation: no other thread of this process runs meanwhile

if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=work, args=(theirs,), daemon=True).start()
    print(ours.recv(), flush=True)
    ctypes.CDLL(None).sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker ends a little later")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_ends_with_its_parent(tmp_path, how):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)
        parent.send_signal(how)
    for _ in range(50):
        if not _runs(worker):
            return
        time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker went on")


def _runs(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"  # ended, but its status is not yet asked for
    except FileNotFoundError:
        return False


def test_what_a_refusal_takes_is_counted():
    def refuse():
        time.process_time()
        sum(range(2_000_000))
        raise ValueError

    seconds = []
    with pytest.raises(ValueError):  # noqa: PT011
        _timed(refuse, seconds)
    assert len(seconds) == 1
    assert seconds[0] > 0.0


def test_a_problem_that_takes_too_long_is_left_as_a_file_that_can_be_asked_again(tmp_path):
    """Number 6 of seed 101 is on a mesh file, which is beside the problem file."""
    (trial,) = campaign(101, [6], tmp_path, 1, lambda _: None, seconds=0.2)
    assert (trial.verdict, trial.detail) == (SLOW, "the problem itself: no answer after 0.2 s of CPU")
    assert fp.load_problem(tmp_path / "slow-101-6.toml").dimension == 2


@pytest.mark.slow
def test_a_short_campaign_holds(tmp_path):
    """On a line, where every answer has a quadrature beside it."""
    seen, numbers = [], [number for number in range(40) if random_problem(5, number).dimension == 1][:8]
    found = campaign(5, numbers, tmp_path, 1, seen.append)
    assert len(found) == len(seen) == 8
    assert holds(found), [trial.detail for trial in found]
