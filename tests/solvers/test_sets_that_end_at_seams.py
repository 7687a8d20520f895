"""Sets by formulas that have no period and end at a seam, against the same sets in a box that begins elsewhere."""

import pytest

import fokker_planck as fp

WAVE = "1.5707963267948966"  # of period 4
STRIP = "min(-0.0315 - {x} - 0.0136*y, 0.3 - abs(y + 0.99 - 0.0136*({x} + 0.18)))"
"""It goes on to the seam at x = -2.33, whose other side its lines would cross a tenth of an edge from there."""


def time_to(strip, lower, sign):
    potential = fp.Potential(f"0.3*cos({WAVE}*{sign}*x + 1) + 0.4*cos({WAVE}*y + 0.4)")
    box = fp.Box([lower, -1.98], [lower + 4.0, 2.02], boundary="periodic")
    problem = fp.Problem(fp.Overdamped(potential, fp.Isotropic(0.4)), box, fp.Resolution(1e-5))
    return fp.mean_exit_time(problem, [sign * 0.8833, -0.9757], fp.Region(strip)).mean


@pytest.mark.parametrize("sign", [1, -1])
def test_a_strip_that_ends_at_either_side_of_a_seam(sign):
    """Mirrored, its sides were cut where they would have crossed the other side of the seam: 2e-3 off at 2e-7."""
    x = f"({sign}*x)"
    ended = time_to(STRIP.format(x=x), -2.33 if sign > 0 else -1.67, sign)
    inside = time_to(f"min({STRIP.format(x=x)}, 2.33 + {x})", -2.63 if sign > 0 else -1.37, sign)
    assert abs(ended.value / inside.value - 1.0) <= ended.relative_error + inside.relative_error
