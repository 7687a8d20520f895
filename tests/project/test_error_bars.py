"""Error bars against known errors: no bar below the error, and none above fifty times the error, but for weights.

Both are asked wherever the true relative error is above 1e-12, the first with what the reference itself leaves open.
"""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks.error_bars import NEGLIGIBLE, WEIGHT, cases, measured

MOST = 50.0
# Weights of wells in the plane: what is returned is the integral by the higher rule, and the difference to the lower
# is a bound on its error, no estimate: 215 to 748 times the error were measured.
MOST_OF_WEIGHTS = 1500.0
FAST = {1: (1e-4, 1e-8), 2: (1e-4,)}
FAST_IN_THE_PLANE = {("quartic + y^2/2", 8), ("flat and sharp + y^2/2", 80), ("three-hole", 1.67)}
FAST_IN_THE_PLANE |= {("Mueller-Brown", 0.1), ("disc", 10), ("square", 1)}


def is_fast(case):
    if case.tolerance not in FAST[case.dimension] or case.question == "exit time back":
        return False
    return case.dimension == 1 or (case.family, case.inverse_noise) in FAST_IN_THE_PLANE


def asked():
    found = []
    for case in cases():
        repeated = case.family == "quartic + y^2/2" and case.tolerance == 1e-8 and case.inverse_noise != 80
        if not repeated:
            marks = [] if is_fast(case) else [pytest.mark.slow]
            found.append(pytest.param(case, id=str(case), marks=marks))
    return found


@pytest.mark.parametrize("case", asked())
def test_no_error_exceeds_its_bar_and_no_bar_is_far_beyond_it(case):
    most = MOST_OF_WEIGHTS if case.question == WEIGHT and case.dimension == 2 else MOST
    for number in measured(case):
        assert number.bar <= case.tolerance
        if number.error > NEGLIGIBLE:
            assert number.error - number.uncertainty <= number.bar, number
            assert number.ratio <= most, number
