"""The reduced problem condensed onto the wells: the eigenpairs of the whole pencil, with entries far apart, too."""

import mpmath
import numpy as np
import pytest

from fokker_planck.solvers.eigenvalues.reduced_problem import _condensed_pencil, _whole_pencil


def pencil(tiny, inner=3, rate=1.0):
    """S of three wells, rows summing to zero, with couplings ``tiny`` and its square; T, B, E of order one."""
    rng = np.random.default_rng(5)
    flows = mpmath.matrix(3, 3)
    for (i, j), rates in {(0, 1): tiny, (1, 2): tiny**2}.items():
        flows[i, j] = flows[j, i] = -rates
        flows[i, i] += rates
        flows[j, j] += rates
    size = 3 + inner
    mass = np.eye(size)
    mass[:3, :3] = np.diag([1.0, 2.0, 0.5])
    mass[:3, 3:] = 0.2 * rng.standard_normal((3, inner))
    mass[3:, :3] = mass[:3, 3:].T
    root = rng.standard_normal((inner, inner))
    return flows, mass, root @ root.T + rate * np.eye(inner)


@pytest.mark.parametrize("tiny", [1e-2, 1e-5, 1e-40, mpmath.mpf("1e-500")])
def test_both_ways_agree(tiny):
    with mpmath.workdps(1200 if tiny < 1e-300 else 120):
        flows, mass, energy = pencil(mpmath.mpf(tiny))
        values, vectors, *_ = _condensed_pencil(flows, mass, energy, np.inf)
        wanted, exact, *_ = _whole_pencil(flows, mass, energy)
        assert len(values) == 3
        assert abs(values[0]) < mpmath.mpf(10) ** -100
        for k in (1, 2):
            assert abs(values[k] / wanted[k] - 1) < 1e-14
            factor = exact[k][0] / vectors[k][0]
            assert all(abs(b - factor * a) < 1e-12 * abs(factor) for a, b in zip(vectors[k], exact[k], strict=True))


def test_it_stops_at_the_first_that_is_not_small():
    with mpmath.workdps(120):
        values, *_ = _condensed_pencil(*pencil(mpmath.mpf("1e-5")), below=1e-8)
    assert len(values) == 3
    assert values[1] < 1e-8 < values[2]


def test_rates_near_those_inside_are_left_to_the_whole():
    with mpmath.workdps(40):
        assert _condensed_pencil(*pencil(mpmath.mpf(0.5)), below=np.inf) is None
