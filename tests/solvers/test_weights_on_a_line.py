"""Weights of wells on a line: to 1e-12 at every tolerance, and within bars that count rounding and quadrature."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.asymptotics.one_dimensional import multiplicative


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("offset", "curvature"), [(0.02, 0.05), (0.004, 0.05)])
def test_quadratic_noise(alpha, offset, curvature):
    """Bars of 1.4e-11 stood beside errors of 4.7e-11: the answer was as good as a tolerance of 1e-7 asked for."""
    tilt = 0.003
    line = multiplicative(lambda x: x**3 - x + tilt, lambda x: offset + curvature * x**2, -2.2, 2.3, alpha)
    top = sorted(np.roots([1.0, 0.0, -1.0, tilt]).real)[1]
    exact = line.probability(-2.2, float(top))
    name = {0.0: "ito", 0.5: "stratonovich", 1.0: "klimontovich"}[alpha]
    process = fp.Overdamped(fp.Potential(f"(x**2-1)**2/4 + {tilt}*x"), fp.Quadratic(offset, curvature), name)
    for tolerance in (1e-3, 1e-7):
        problem = fp.Problem(process, fp.Box([-2.2], [2.3]), fp.Resolution(tolerance=tolerance))
        wells = sorted(fp.stationary_density(problem).wells, key=lambda well: well.minimum[0])
        found = wells[0].probability
        assert abs(found.value / exact.value - 1.0) <= found.relative_error <= 1e-12


def test_a_flat_bottom_is_one_well():
    """Two flat wells mirror each other: half of the time in each, and rates whose sum is the gap of the process.

    It is 4.95886858e-5 by finite volumes on 80,000 and 160,000 cells, extrapolated.
    """
    process = fp.Overdamped(fp.Potential("max(0, 0.5 - abs(x))*2 + max(0, abs(x) - 2)**2"), fp.Isotropic(0.1))
    problem = fp.Problem(process, fp.Box([-4.0], [4.0]))
    stationary, chain = fp.stationary_density(problem), fp.rates(problem)
    assert [well.probability.value for well in stationary.wells] == pytest.approx([0.5, 0.5], rel=1e-12)
    both = chain.rates[0][1] + chain.rates[1][0]
    assert both.value == pytest.approx(4.95886858e-5, rel=both.relative_error)
    assert both.relative_error < 1e-6
