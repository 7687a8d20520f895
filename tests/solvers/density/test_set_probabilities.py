"""Stationary probabilities of named sets: against integrals in closed form, identities, and what cannot be had."""

import numpy as np
import pytest
from scipy.integrate import quad

import fokker_planck as fp

WELL = "(x**2 - 1)**2/4"


def gaussian(a, b, wall, noise):
    """P(a < y < b) of exp(-y^2/(2 noise)) between -wall and wall."""

    def weight(y):
        return np.exp(-(y**2) / (2 * noise))

    whole = quad(weight, -wall, wall, points=[0.0], epsabs=0.0, epsrel=1e-13)[0]
    return quad(weight, a, b, epsabs=0.0, epsrel=1e-13)[0] / whole


def quartic(a, b, noise=0.05):
    """P(a < x < b) of the quartic well in [-2, 2]."""

    def weight(x):
        return np.exp(-((x**2 - 1) ** 2) / (4 * noise))

    whole = quad(weight, -2, 2, points=[-1, 0, 1], epsabs=0.0, epsrel=1e-13)[0]
    return quad(weight, a, b, epsabs=0.0, epsrel=1e-13)[0] / whole


def check(problem, wanted):
    found = fp.stationary_density(problem).sets
    assert list(found) == list(wanted)
    for name, truth in wanted.items():
        assert found[name].relative_error <= problem.resolution.tolerance
        assert found[name].value == pytest.approx(truth, rel=found[name].relative_error + 1e-12)


def test_intervals():
    sets = {"right": fp.Ball([1], 0.2), "top": fp.Ball([0], 0.05), "rare": fp.HalfSpace([1], 1.9)}
    process = fp.Overdamped(fp.Potential(WELL), fp.Isotropic(0.05))
    wanted = {"right": quartic(0.8, 1.2), "top": quartic(-0.05, 0.05), "rare": quartic(1.9, 2.0)}
    check(fp.Problem(process, fp.Box([-2], [2]), fp.Resolution(1e-9), sets=sets), wanted)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-8])
def test_rectangles_however_rare(tolerance):
    """3.5e-11 of the mass lies beyond y = 1.45, above the energy at which meshes of other questions end."""
    sets = {"strip": fp.Region("min(0.2 - abs(x - 0.3), 0.1 - abs(y - 1))"), "rare": fp.HalfSpace([0, 1], 1.45)}
    process = fp.Overdamped(fp.Potential(f"{WELL} + y**2/2"), fp.Isotropic(0.05))
    strip = quartic(0.1, 0.5) * gaussian(0.9, 1.1, 1.5, 0.05)
    wanted = {"strip": strip, "rare": gaussian(1.45, 1.5, 1.5, 0.05)}
    check(fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5]), fp.Resolution(tolerance), sets=sets), wanted)


@pytest.mark.parametrize("turning", [0.0, 2.0])
def test_discs_and_rings_with_and_without_a_current(turning):
    """P(r < a) = 1 - exp(-a^2/(2 noise)), over that of the domain."""
    sets = {
        "disc": fp.Ball([0, 0], 0.3),
        "ring": fp.Region("min(1 - x**2 - y**2, x**2 + y**2 - 0.81)"),
        "tiny": fp.Ball([0, 0], 1e-3),
        "outside": fp.Ball([5, 5], 0.1),
    }
    drift = fp.Drift([f"-x + {turning}*y", f"-y - {turning}*x"])
    problem = fp.Problem(fp.Drifting(drift, fp.Isotropic(0.1)), fp.Ball([0, 0], 1.2), fp.Resolution(1e-6), sets=sets)

    def within(radius):
        return -np.expm1(-(radius**2) / 0.2)

    whole = within(1.2)
    wanted = {"disc": within(0.3), "ring": within(1.0) - within(0.9), "tiny": within(1e-3), "outside": 0.0}
    check(problem, {name: mass / whole for name, mass in wanted.items()})


@pytest.mark.parametrize("force", [0.0, 0.7])
def test_sets_go_on_across_a_periodic_face(force):
    """Under a constant force on a ring the density is uniform."""
    sets = {"above": fp.Ball([3.0], 1.0), "below": fp.Ball([-3.0], 1.0), "ellipsoid": fp.Ellipsoid([3.0], [0.5])}
    process = fp.Drifting(fp.Drift([f"{force} + 0*x"]), fp.Isotropic(0.5))
    problem = fp.Problem(process, fp.Box([-np.pi], [np.pi], "periodic"), sets=sets)
    check(problem, {"above": 1.0 / np.pi, "below": 1.0 / np.pi, "ellipsoid": 0.5 / np.pi})


@pytest.mark.slow
def test_what_the_surface_of_a_ball_leaves_is_in_the_bar():
    """One bisection changed a tenth of the error alone, 1.7e-8 at a bar of 3.4e-9."""
    process = fp.Overdamped(fp.Potential("0*x + 0*y + 0*z"), fp.Isotropic(1.0))
    sets = {"ball": fp.Ball([0, 0, 0], 0.5)}
    check(fp.Problem(process, fp.Box([-1] * 3, [1] * 3), fp.Resolution(1e-3), sets=sets), {"ball": np.pi / 48.0})


def test_a_ball_in_space_has_the_position_of_its_surface_in_its_bar():
    process = fp.Overdamped(fp.Potential("(x**2 + y**2 + z**2)/2"), fp.Isotropic(0.1))
    sets = {"ball": fp.Ball([0, 0, 0], 0.4)}
    problem = fp.Problem(process, fp.Box([-1.5] * 3, [1.5] * 3), fp.Resolution(1e-5), sets=sets)
    inside = quad(lambda r: 4 * np.pi * r**2 * np.exp(-(r**2) / 0.2), 0.0, 0.4, epsrel=1e-13)[0]
    axis = quad(lambda x: np.exp(-(x**2) / 0.2), -1.5, 1.5, points=[0.0], epsabs=0.0, epsrel=1e-13)[0]
    check(problem, {"ball": inside / axis**3})


def test_velocities():
    process = fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1), friction=1.0)
    sets = {"fast": fp.HalfSpace([0, 1], 0.5), "rare": fp.HalfSpace([0, 1], 1.5)}
    wanted = {"fast": gaussian(0.5, 3.5, 3.5, 0.1), "rare": gaussian(1.5, 3.5, 3.5, 0.1)}
    check(fp.Problem(process, fp.Box([-3.5, -3.5], [3.5, 3.5]), fp.Resolution(1e-4), sets=sets), wanted)


def test_a_circulation_that_crosses_the_walls_changes_the_density():
    """By exp(-psi) it would be 0.01157; by the density on a finer mesh of another degree, summed up, 0.00839."""
    found, sets = {}, {"corner": fp.Ball([0.5, 0.5], 0.15)}
    turning = fp.Overdamped(fp.Potential("(x**2 + y**2)/2"), fp.Isotropic(0.1), extra=fp.Drift(["2*y", "-2*x"]))
    for tolerance in (1e-4, 1e-7):
        problem = fp.Problem(turning, fp.Box([-0.5, -0.5], [0.7, 0.7]), fp.Resolution(tolerance), sets=sets)
        answer = fp.stationary_density(problem)
        found[tolerance] = answer.sets["corner"]
    radius, angle = np.meshgrid(0.15 * np.sqrt((np.arange(60) + 0.5) / 60), 2 * np.pi * np.arange(60) / 60)
    points = 0.5 + np.stack([radius * np.cos(angle), radius * np.sin(angle)]).reshape(2, -1)
    summed = np.pi * 0.15**2 * answer.density(points).mean()
    assert found[1e-7].value == pytest.approx(summed, rel=1e-4)  # by the rule of midpoints
    assert found[1e-4].value == pytest.approx(found[1e-7].value, rel=found[1e-4].relative_error)


def test_a_density_that_is_found():
    """The drift is odd: half of the mass is on the left; a coarse answer holds the finer one in its bar."""
    found = {}
    for tolerance in (1e-3, 1e-6):
        process = fp.Drifting(fp.Drift(["x - x**3 + 0.5*y", "-y - 0.6*x"]), fp.Isotropic(0.05))
        sets = {"left": fp.HalfSpace([-1, 0], 0.0), "rare": fp.Ball([0.2, 1.2], 0.2)}
        problem = fp.Problem(process, fp.Box([-2, -2], [2, 2]), fp.Resolution(tolerance), sets=sets)
        found[tolerance] = fp.stationary_density(problem).sets
        left = found[tolerance]["left"]
        assert left.value == pytest.approx(0.5, rel=left.relative_error)
    coarse, fine = found[1e-3]["rare"], found[1e-6]["rare"]
    assert coarse.value == pytest.approx(fine.value, rel=coarse.relative_error + fine.relative_error)


def test_as_json_and_in_the_table():
    from fokker_planck.questions.registry import entry_of

    sets = {"A": fp.Ball([1], 0.2)}
    process = fp.Overdamped(fp.Potential(WELL), fp.Isotropic(0.05))
    answer = fp.stationary_density(fp.Problem(process, fp.Box([-2], [2]), sets=sets))
    entry = entry_of(answer)
    assert entry.json(answer)["sets"]["A"]["value"] == pytest.approx(quartic(0.8, 1.2))
    assert [table.title for table in entry.tables(answer, None)][1] == "Probabilities of the sets"
