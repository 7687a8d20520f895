"""On rings nothing depends on where the seam is: starts beyond it, sets that reach across it."""

import numpy as np
import pytest
from scipy.integrate import dblquad

import fokker_planck as fp
from fokker_planck.errors import ProblemError

PI = np.pi


def ring():
    sets = {"top": fp.Ball([0.0], 0.5), "bottom": fp.Ball([3.0], 0.5)}
    process = fp.Overdamped(fp.Potential("cos(x)"), fp.Isotropic(0.5))
    return fp.Problem(process, fp.Box([-PI], [PI], "periodic"), sets=sets)


@pytest.mark.parametrize("turns", [1, -5])
def test_a_start_beyond_the_seam(turns):
    problem, inside, beyond = ring(), -2.8, -2.8 + 2.0 * PI * turns
    alone = fp.Problem(problem.process, problem.domain)
    times = [fp.mean_exit_time(problem, [start], "top").mean for start in (inside, beyond)]
    assert times[1].value == pytest.approx(times[0].value, rel=1e-9)
    assert fp.exit_law(problem, [beyond], "top").mean.value == pytest.approx(times[0].value, rel=1e-6)
    for kind in (lambda x: {"point": [x]}, lambda x: {"gaussian": {"mean": [x], "covariance": [[0.01]]}}):
        means = [fp.evolve(alone, kind(x), [0.1], {"s": "sin(x)"}).times[0].observables["s"] for x in (inside, beyond)]
        assert means[1].value == pytest.approx(means[0].value, abs=1e-9)
    with pytest.raises(ProblemError) as refused:
        fp.mean_exit_time(problem, [3.2 + 2.0 * PI * turns], "bottom")
    assert (refused.value.key, refused.value.found) == ("exit.start", [3.2 + 2.0 * PI * turns])


def with_momentum(shift, center):
    """The same ring, turned: V = cos(x - shift)."""
    process = fp.Underdamped(fp.Potential(f"cos(x - {shift})"), fp.Isotropic(0.5), friction=1.0)
    domain = fp.Box([-PI, -6.0], [PI, 6.0], ["periodic", "reflecting"])
    return fp.Problem(process, domain, fp.Resolution(1e-2), sets={"T": fp.Ball([center, 0.0], 1.0)})


def test_a_set_across_the_seam_with_momentum():
    def weight(v, x):
        return np.exp(-(np.cos(x) + v**2 / 2.0) / 0.5)

    def half(x):
        return np.sqrt(max(0.0, 1.0 - (x - 3.0) ** 2))

    whole = dblquad(weight, -PI, PI, -6.0, 6.0)[0]
    share = dblquad(weight, 2.0, 4.0, lambda x: -half(x), half)[0] / whole
    across, turned = with_momentum(0.0, 3.0), with_momentum(-3.0, 0.0)
    found = fp.stationary_density(across).sets["T"]
    assert found.value == pytest.approx(share, rel=found.relative_error + 1e-12)
    first, second = fp.mean_exit_time(across, [0.0, 0.0], "T").mean, fp.mean_exit_time(turned, [-3.0, 0.0], "T").mean
    assert first.value == pytest.approx(second.value, rel=first.relative_error + second.relative_error)


def test_a_pendulum_in_a_box_beyond_its_energy_cutoff():
    """0.5648931116 is that of 81 Fourier modes in x by 40 Hermite functions of v."""
    process = fp.Underdamped(fp.Potential("cos(x)"), fp.Isotropic(0.5), friction=1.0)
    domain = fp.Box([-PI, -5.0], [PI, 5.0], ["periodic", "reflecting"])
    gap = fp.spectrum(fp.Problem(process, domain, fp.Resolution(1e-2)), count=2).gap
    assert gap.value == pytest.approx(0.5648931116, rel=gap.relative_error)


def test_a_ball_that_touches_a_seam():
    """The time to a ball, and transitions between two, do not know where the period begins."""

    def answers(shift):
        potential = fp.Potential(f"0.3*cos(x - {shift}) + 0.2*sin(x - {shift} - 2*y)")
        process = fp.Overdamped(potential, fp.Isotropic(0.4))
        torus = fp.Problem(process, fp.Box([0.0, 0.0], [2.0 * PI, 2.0 * PI], "periodic"), fp.Resolution(1e-4))
        target, other = fp.Ball([0.4 + shift, 5.0], 0.4), fp.Ball([3.0 + shift, 2.0], 0.5)
        return fp.mean_exit_time(torus, [3.0 + shift, 1.0], target).mean, fp.committor(torus, target, other).rate

    for touching, moved in zip(answers(0.0), answers(1.0), strict=True):
        assert touching.value == pytest.approx(moved.value, rel=touching.relative_error + moved.relative_error)
        assert touching.relative_error < 1e-4


def torus_seen_from(shift, sets=None):
    """A torus whose sets all touch a seam in a box that begins at zero, and none does once all is shifted."""
    process = fp.Overdamped(fp.Potential(f"0.3*cos(x - {shift}) + 0.2*sin(x - {shift} - 2*y)"), fp.Isotropic(0.4))
    box = fp.Box([0.0, 0.0], [2.0 * PI, 2.0 * PI], "periodic")
    return fp.Problem(process, box, fp.Resolution(1e-2), {} if sets is None else sets)


def lowest_rates(shift, ball):
    return [one.real for one in fp.spectrum(torus_seen_from(shift), 2, ball).eigenvalues]


def later(shift, ball):
    state = fp.evolve(torus_seen_from(shift), [3.0 + shift, 1.0], [4.0], {"s": f"sin(x - {shift})"}, absorb=ball)
    return [state.times[0].mass, *state.times[0].wells]


def spread_from_the_ball(shift, ball):
    state = fp.evolve(torus_seen_from(shift, {"T": ball}), {"set": "T"}, [0.5]).times[0]
    return [state.sets["T"], *state.wells]


def where_it_leaves(shift, ball):
    return [share.probability for share in fp.exit_place(torus_seen_from(shift), [0.02 + shift, 1.0], ball).shares]


slow = pytest.mark.slow


@pytest.mark.parametrize(
    "asked",
    [lowest_rates, where_it_leaves, pytest.param(later, marks=slow), pytest.param(spread_from_the_ball, marks=slow)],
)
def test_every_question_about_a_ball_that_touches_a_seam(asked):
    touching, moved = (asked(shift, fp.Ball([0.4 + shift, 5.0], 0.4)) for shift in (0.0, 1.0))
    for one, other in zip(touching, moved, strict=True):
        assert one.value == pytest.approx(other.value, rel=one.relative_error + other.relative_error)
        assert one.relative_error < 1e-2


def test_the_probability_of_a_ball_that_touches_a_seam():
    def weight(y, x):
        return np.exp(-(0.3 * np.cos(x) + 0.2 * np.sin(x - 2.0 * y)) / 0.4)

    def half(x):
        return np.sqrt(max(0.0, 0.16 - (x - 0.4) ** 2))

    whole = dblquad(weight, 0.0, 2.0 * PI, 0.0, 2.0 * PI)[0]
    share = dblquad(weight, 0.0, 0.8, lambda x: 5.0 - half(x), lambda x: 5.0 + half(x))[0] / whole
    found = fp.stationary_density(torus_seen_from(0.0, {"T": fp.Ball([0.4, 5.0], 0.4)})).sets["T"]
    assert found.value == pytest.approx(share, rel=found.relative_error + 1e-9)


def test_a_ball_that_touches_a_seam_in_space():
    """Of the box that begins elsewhere it is the middle: of a thin cap beyond a seam no mesh followed the surface."""
    process = fp.Overdamped(fp.Potential("z**2/2"), fp.Isotropic(0.4))
    box = fp.Box([0.0, 0.0, -1.0], [2.0, 2.0, 1.0], ["periodic", "periodic", "reflecting"])
    found = []
    for place in (0.5, 1.0):
        sets = {"T": fp.Ball([place, place, 0.0], 0.5)}
        found.append(fp.stationary_density(fp.Problem(process, box, fp.Resolution(3e-2), sets)).sets["T"])
    touching, inside = found
    assert touching.value == pytest.approx(inside.value, rel=touching.relative_error + inside.relative_error)


def test_a_part_of_a_ball_that_touches_a_seam():
    """All of the target is a part: 0.883 left through it where the part had no image beyond the seam."""
    ball = fp.Ball([0.4, 5.0], 0.4)
    law = fp.exit_law(torus_seen_from(0.0), [3.0, 1.0], ball, parts={"all": ball})
    assert law.parts["all"].probability.value == pytest.approx(1.0, abs=1e-9)


def test_what_ends_at_the_seam_that_a_ball_touches():
    """A region that ends there, and an observable that jumps, are others in a box that begins elsewhere."""
    ball, ends = fp.Ball([0.4, 5.0], 0.4), fp.Region("min(x - 5, 2*pi - x, 2 - abs(y - 2))")
    with pytest.raises(ProblemError, match="touches the seam x = 0 of a periodic axis"):
        fp.committor(torus_seen_from(0.0), ball, ends)
    with pytest.raises(ProblemError, match="touches the seam x = 0 of a periodic axis"):
        fp.evolve(torus_seen_from(0.0), [3.0, 1.0], [0.5], {"x": "x"}, absorb=ball)


def test_a_ball_that_touches_a_seam_beyond_which_the_formula_is_another():
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + 0*y"), fp.Isotropic(0.4))
    strip = fp.Problem(process, fp.Box([-2.0, 0.0], [2.0, 1.0], ["reflecting", "periodic"]))
    assert fp.mean_exit_time(strip, [-1.0, 0.3], fp.Ball([1.0, 0.25], 0.25)).mean.relative_error < 1e-6
    process = fp.Overdamped(fp.Potential("(y**2 - 1)**2*y**2 + x**2"), fp.Isotropic(0.4))
    even = fp.Problem(process, fp.Box([-2.0, -1.0], [2.0, 1.0], ["reflecting", "periodic"]))
    with pytest.raises(fp.ProblemError, match="touches the seam y = -1 of a periodic axis; wanted a box that begins"):
        fp.mean_exit_time(even, [-1.0, 0.3], fp.Ball([1.0, -0.75], 0.25))


def test_a_slanted_half_space_ends_at_the_seams():
    """It absorbs on the seam, too, where facets follow no piece of its surface: meshes went on to be refined there."""
    times = []
    for dimension in (2, 3):
        formula = "0.3*cos(x) + 0.2*cos(y)" + (" + z**2/2" if dimension == 3 else "")
        ends = (*[("periodic", 0.0, 2.0 * PI)] * 2, ("reflecting", -1.0, 1.0))[:dimension]
        boundary, lower, upper = zip(*ends, strict=True)
        process = fp.Overdamped(fp.Potential(formula), fp.Isotropic(0.4))
        problem = fp.Problem(process, fp.Box(lower, upper, list(boundary)), fp.Resolution(1e-2))
        target = fp.HalfSpace([0.8, 0.6, 0.0][:dimension], 5.0)
        times.append(fp.mean_exit_time(problem, [1.0, 1.0, 0.0][:dimension], target))
    plane, space = (each.mean for each in times)
    assert space.value == pytest.approx(plane.value, rel=space.relative_error + plane.relative_error)
    assert times[0].statistics.cells < 1000
