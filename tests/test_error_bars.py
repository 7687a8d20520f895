"""Error bars against known errors: no bar below the error, and none above fifty times the error.

Both are asked wherever the true relative error is above 1e-12, the first with what the reference itself leaves open.
"""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.error_bars import NEGLIGIBLE, WEIGHT, cases, measured

MOST = 50.0
FAST = {1: (1e-4, 1e-8), 2: (1e-4,)}
FAST_IN_THE_PLANE = {("quartic + y^2/2", 8), ("three-hole", 1.67), ("Mueller-Brown", 0.1)}
FAST_IN_THE_PLANE |= {("disc", 10), ("square", 1)}


def is_fast(case):
    if case.tolerance not in FAST[case.dimension] or case.question in (WEIGHT, "exit time back"):
        return False
    return case.dimension == 1 or (case.family, case.inverse_noise) in FAST_IN_THE_PLANE


def asked(leave_out=()):
    found = []
    for case in cases():
        repeated = case.family == "quartic + y^2/2" and case.tolerance == 1e-8 and case.inverse_noise != 80
        if case.question not in leave_out and not repeated:
            marks = [] if is_fast(case) else [pytest.mark.slow]
            found.append(pytest.param(case, id=str(case), marks=marks))
    return found


@pytest.mark.parametrize("case", asked())
def test_no_error_exceeds_its_bar(case):
    for number in measured(case):
        assert number.bar <= case.tolerance
        if number.error > NEGLIGIBLE:
            assert number.error - number.uncertainty <= number.bar, number


@pytest.mark.parametrize("case", asked(leave_out=(WEIGHT,)))
def test_no_bar_is_beyond_fifty_times_the_error(case):
    for number in measured(case):
        if number.error > NEGLIGIBLE:
            assert number.ratio <= MOST, number
