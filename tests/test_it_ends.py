"""What cannot be computed is refused at once: the size of the work is known before it begins."""

import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError


def well(noise=0.05, **resolution):
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(noise))
    return fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5]), fp.Resolution(**resolution))


def test_a_tolerance_below_rounding_is_refused():
    with pytest.raises(ProblemError, match="discretization.tolerance"):
        well(tolerance=1e-13)


def test_a_mesh_that_no_machine_holds_is_refused():
    with pytest.raises(ProblemError, match="discretization.cells"):
        well(cells=[1, 1_000_000])


def test_more_eigenvalues_than_can_be_computed_are_refused():
    with pytest.raises(ProblemError, match="spectrum.count"):
        fp.spectrum(well(), count=1000)


def test_noise_beyond_every_double_is_refused():
    with pytest.raises(ProblemError, match="diffusion: found V/D beyond"):
        fp.spectrum(well(5e-324), count=2)


def test_many_eigenvalues_of_a_line_get_a_mesh_that_has_them():
    """Of the quartic well on [-2, 2], far up: eps (n pi/4)^2 + the mean of the Schroedinger potential, to O(1/n^2)."""
    line = fp.Problem(fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05)), fp.Box([-2], [2]))
    found = fp.spectrum(line, count=200).eigenvalues
    from numpy import pi
    from scipy.integrate import quad

    mean = quad(lambda x: (x**3 - x) ** 2 / 0.2 - (3 * x**2 - 1) / 2, -2, 2)[0] / 4
    # in that form a wall adds |V'|/2 times the square of the mode there, 2/4 of its mean, at each end
    mean += 2 * (6 / 2) * (2 / 4)
    for n in (150, 199):
        assert found[n].real.value == pytest.approx(0.05 * (n * pi / 4) ** 2 + mean, rel=2e-3)
