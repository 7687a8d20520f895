"""Where finer meshes only have more rounding, the best that was verified is reported, and soon."""

import pytest

import fokker_planck as fp

J = (2.5574510185965305, 5.67569632027311)
"""The first zeros of the Bessel function of order 0.1, by mpmath."""


def test_rounding_beside_a_singular_end_ends_the_search_at_the_best_mesh():
    # V = a log x: -u'' + (a/x) u' = lambda u has x^nu J_(-nu)(k x), nu = (1 + a)/2, slope zero at k x = j_(1 - nu)
    process = fp.Overdamped(fp.Potential("0.8*log(x)"), fp.Isotropic(1.0))
    with pytest.warns(UserWarning, match="beyond the tolerance of 1e-06"):
        found = fp.spectrum(fp.Problem(process, fp.Box([0.0], [3.0])), count=3)
    for eigenvalue, zero in zip(found.eigenvalues[1:], J, strict=True):
        error = abs(eigenvalue.real.value / (zero / 3.0) ** 2 - 1.0)
        assert error <= eigenvalue.real.relative_error <= 1e-4
    assert found.statistics.levels < 10
