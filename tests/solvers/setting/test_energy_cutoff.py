"""Which wells count without detailed balance, and long cells where the noise is much stronger one way."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.setting.energy_cutoff import EnergyCutoff
from fokker_planck.solvers.setting.landscape_of_flow import of_flow


def test_a_deep_well_counts_however_far_it_is_and_a_shallow_one_does_not():
    """Along 9, 0, 80, 60, 90, -1, the target being the first of them and the start the second."""
    line = np.array([[9.0, 0.0, 80.0, 60.0, 90.0, -1.0]])
    points = np.stack([np.arange(6.0), np.zeros(6)], axis=1)  # in the plane: on a ring so near the top nothing is cut
    edges = np.array([[k, k + 1] for k in range(5)])
    asked = []

    class OnPoints:
        def value(self, x):
            asked.append(x.shape[1])
            return line[0, np.rint(x[0]).astype(int)]

    cutoff = EnergyCutoff(points, edges, np.array([1, 3, 5]), (line[0] == 9.0,), (1.0, 0.0), 30.0)
    height, counted = cutoff(OnPoints())
    assert counted.tolist() == [True, False, True]
    # the highest saddle between wells that count, and the margin
    assert height == 120.0
    assert asked == [6, 1]  # the exponent is asked once for all of it


def test_a_well_that_is_no_state_asks_for_nothing():
    """A well 60 units of epsilon up, 0.4 deep: all of the weight is in the other, and a mesh need not reach it."""
    potential = fp.Potential("20*((x**2 - 1)**2 + 1.5155*x) + 20*y**2")
    process = fp.Overdamped(potential, fp.Isotropic(1.0), extra=fp.Drift(["40*y", "-20*(4*x*(x**2 - 1) + 1.5155)"]))
    problem = fp.Problem(process, fp.Box([-1.8, -1.5], [1.5, 1.5]), fp.Resolution(tolerance=1e-5))
    setting = of_flow(problem, Ends(), wells=True)
    lowest, shallow = sorted(float(setting.weighting.value(place.x[:, None])[0]) for place in setting.attractors)
    assert shallow - lowest > 50.0
    assert len(setting.places) == 1
    assert setting.ceiling < lowest + 40.0
    # of everything that has eigenfunctions it is one
    assert of_flow(problem, Ends()).ceiling > shallow + 10.0
    found = fp.stationary_density(problem)
    assert [len(well.merged) for well in found.wells] == [1]
    assert found.wells[0].probability.value == 1.0
    assert found.statistics.unknowns < 20_000


@pytest.mark.slow
def test_exit_beside_a_shallow_well_that_takes_thousands_of_cells_to_follow():
    """Noise of 17 : 1 across a periodic free energy (campaign, seed 61, number 54): 2e6 cells were expected.

    The value without the other well among the fixed points: 19.6245 to 4e-5.
    """
    potential = "0.552*cos(pi/2*x + 1.474) + 0.3586*cos(pi*x) + 0.6286*cos(pi/2*y + 4.488) + 0.1303*cos(pi*y)"
    noise = fp.Constant([[0.002772747598, -0.007488600051], [-0.007488600051, 0.020938162727]])
    domain = fp.Box([-2.27, -2.23], [1.73, 1.77], boundary=["periodic", "periodic"])
    problem = fp.Problem(fp.Overdamped(fp.Potential(potential), noise), domain, fp.Resolution(tolerance=7e-4))
    mean = fp.mean_exit_time(problem, [1.0266, -0.9093], fp.Ball([1.0327, -0.0926], 0.245)).mean
    assert mean.relative_error < 7e-4
    assert mean.log == pytest.approx(19.62449, abs=mean.relative_error + 4e-5)


@pytest.mark.slow
def test_committor_beside_a_shallow_well_far_above_the_saddle_between_its_sets():
    """A well 10 units deep, 400 above that saddle, was followed: 678,000 unknowns and two minutes (24 of seed 61).

    The rate with it: exp(-283.7692) to 1.5e-3.
    """
    potential = "0.25*x**4 - 0.8529*x**2 + 0.25*y**4 - 0.1294*y**2 - 0.3068*x - 0.4793*x**3 - 0.09743*y + 0.326*y**3"
    noise = fp.Formula("0.004808*(1 + 0.2726*heaviside(x - 0.1961))")
    process = fp.Overdamped(fp.Potential(potential), noise, interpretation="klimontovich")
    first = fp.Ball([1.3517, -1.2924], 0.3)
    second = fp.Ellipsoid([1.347, 1.1626], [0.1986, 0.2625])
    problem = fp.Problem(process, fp.Box([-1.97, -2.02], [2.17, 2.37]), fp.Resolution(tolerance=1.3e-3))
    found = fp.committor(problem, first, second)
    assert found.statistics.unknowns < 400_000
    assert found.rate.relative_error < 1.3e-3
    assert found.rate.log == pytest.approx(-283.7692, abs=found.rate.relative_error + 1.5e-3)


def test_the_only_well_does_not_count_where_the_target_is_met_before_it():
    """Along 0, 3, 90, 60, the target being the first of them and the start the second: the density at 60 is not needed.

    A ball that absorbs all around had one well inside, 640 units of epsilon above the start: the density was followed
    up to there, and lost.
    """
    line = np.array([0.0, 3.0, 90.0, 60.0])
    points, edges = np.arange(4.0)[:, None], np.array([[k, k + 1] for k in range(3)])

    class OnPoints:
        def value(self, x):
            return line[np.rint(x[0]).astype(int)]

    height, counted = EnergyCutoff(points, edges, np.array([3]), (line == 0.0,), (1.0,), 30.0)(OnPoints())
    assert counted.tolist() == [False]
    assert height == 33.0
    # it does where it is as deep as the start: what enters it stays for e^87
    line[3] = 3.0
    height, counted = EnergyCutoff(points, edges, np.array([3]), (line == 0.0,), (1.0,), 30.0)(OnPoints())
    assert counted.tolist() == [True]


@pytest.mark.slow
def test_exit_through_the_wall_beside_which_all_else_is_far_up():
    """Noise jumps at x = 0.3556 (campaign, seed 101, number 19), 70 units of epsilon above the start.

    Without the jump the density is known, exp(-V/eps), and the mean exit time the same.
    """
    potential = "x**4/4 - 0.3661*x**2 + y**4/4 - 0.659*y**2 - 0.4981*x - 0.2008*x**3 - 0.3788*y - 0.09753*y**3"
    ball, fine = fp.Ball([0.076, -0.001], 1.92), fp.Resolution(tolerance=2.3e-4)
    jumps = fp.Formula("0.003305*(1 - 0.5941*heaviside(x - 0.3556))")
    means = []
    for noise in (jumps, fp.Isotropic(0.003305 * (1.0 - 0.5941))):
        process = fp.Overdamped(fp.Potential(potential), noise, interpretation="klimontovich")
        means.append(fp.mean_exit_time(fp.Problem(process, ball, fine), [1.0845, 1.0664], "boundary").mean)
    unknown, known = means
    assert abs(unknown.log - known.log) <= unknown.relative_error + known.relative_error <= 4.6e-4
