"""Spectra without detailed balance: by real part, nothing passed over, defective eigenvalues as clusters."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Drifting, Overdamped
from fokker_planck.model.sets.shapes import Ball as BallDomain
from fokker_planck.model.sets.shapes import Region
from fokker_planck.questions.exit_time import mean_exit_time
from fokker_planck.questions.spectrum import spectrum
from fokker_planck.solvers.adaptivity.initial_mesh import first_mesh
from fokker_planck.solvers.adaptivity.spectral_scope import Scope, fastest_current, holds_elsewhere
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.eigenvalues import pencil
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.eigenvalues.eigenvalue_clusters import grouped
from fokker_planck.solvers.eigenvalues.followed_modes import without_slow
from fokker_planck.solvers.eigenvalues.spectral_question import Question
from fokker_planck.solvers.eigenvalues.strip_search import SLACK, all_in_strip
from fokker_planck.solvers.setting.landscape_of_flow import of_flow
from fokker_planck.solvers.setting.setting import WHOLE, prepare

# Where they are: matrices with known eigenvalues.


def strip_of(values, total, unit=0.05, bounded=None):
    """The strip of a normal matrix."""

    def nearest(shift, count):
        return values[np.argsort(np.abs(values - shift), kind="stable")[:count]]

    def numerical_range(width, height, slope):
        return bool((slope * values.real + height - slope * width - np.abs(values.imag) > 0.0).all())

    return all_in_strip(nearest, bounded or numerical_range, total, unit, len(values))


def turning(most=60):
    """0.1 k^2 +- 10 k i + n."""
    return np.array([0.1 * k**2 + 10j * k + n for k in range(-most, most + 1) for n in range(most)])


def test_a_shift_is_factored_once(monkeypatch):
    """What was searched is asked again for its vectors, and for those of the other side."""
    made = []

    class Shifted:
        def __init__(self, generator, free, shift):
            self.shift = shift
            made.append(shift)

    monkeypatch.setattr(pencil, "ShiftedPencil", Shifted)
    asked = pencil.Pencil(None, np.zeros(3, dtype=bool))
    first = asked._shifted(-0.1)
    assert asked._shifted(-0.1) is first
    assert asked._shifted(1j) is not first
    assert asked._shifted(-0.1) is first
    assert made == [-0.1, 1j]
    assert asked._shifted(-0.2) is not first


@pytest.mark.parametrize("total", [2, 4, 6, 12])
def test_slow_modes_that_turn_fast_are_found(total):
    found = strip_of(turning(), total)
    exact = np.sort(turning().real)[:total]
    whole = np.sort(np.concatenate([found.values.real, found.values[found.values.imag > 0.0].real]))
    np.testing.assert_allclose(whole[:total], exact, atol=1e-12)
    assert found.height >= found.values.imag.max()


def test_all_of_the_strip_lies_in_discs():
    found = strip_of(turning(), 6)
    x, y = np.meshgrid(np.linspace(0.0, found.width, 40), np.linspace(0.0, found.height, 400))
    points = (x + 1j * y).ravel()
    assert np.any([disc.holds(points) for disc in found.discs], axis=0).all()


def test_eigenvalues_that_a_solve_passes_over_are_noticed():
    """Two discs overlap; of what the first has there the second has nothing."""
    values, first = np.array([0.002 * k**2 + 0.3j * k + n for k in range(-80, 81) for n in range(60)]), []

    def nearest(shift, count):
        seen = values[~np.isin(values, first)]
        found = seen[np.argsort(np.abs(seen - shift), kind="stable")[:count]]
        first.extend(found)
        return found

    def bounded(width, height, slope):
        return height > 6.0  # beyond the first disc

    with pytest.raises(ConvergenceError, match="fewer eigenvalues"):
        all_in_strip(nearest, bounded, 12, 0.05, len(values))


def test_frequencies_without_a_bound_are_refused():
    with pytest.raises(ConvergenceError, match="no bound"):
        strip_of(turning(), 4, bounded=lambda width, height, slope: False)


def test_bounds_below_what_discs_cover_are_not_asked_for():
    """Each test of a bound factors the whole mesh: a spectrum in a ball took minutes for bounds of no use."""
    values, asked = np.array([0.5 * (j + k) for j in range(40) for k in range(40)], dtype=complex), []

    def nearest(shift, count):
        return values[np.argsort(np.abs(values - shift), kind="stable")[:count]]

    def bounded(width, height, slope):
        asked.append(height)
        return True

    found = all_in_strip(nearest, bounded, 4, 0.05, len(values))
    assert asked == [pytest.approx((1.0 - SLACK) * found.discs[0].reach(found.width))]
    assert len(found.discs) == 1
    asked.clear()
    assert all_in_strip(nearest, bounded, 4, 0.05, len(values), 0.9 * found.height**2 / found.width).height > 0.0
    assert not asked


def test_the_fastest_current_bounds_frequencies():
    """|10 k|^2 <= 1000 (0.1 k^2 + n): where no factorisation says more, all is found below that parabola."""

    def nothing(width, height, slope):
        return False

    def nearest(shift, count):
        return turning()[np.argsort(np.abs(turning() - shift), kind="stable")[:count]]

    found = all_in_strip(nearest, nothing, 6, 0.05, len(turning()), 1000.0)
    assert found.height == pytest.approx(np.sqrt(1000.0 * found.width))
    np.testing.assert_array_equal(found.values, strip_of(turning(), 6).values)


def test_the_fastest_current_of_a_rotation():
    """c = (y, -x) beside D = diag(0.2, 0.2): c . D^-1 c = 5 r^2, largest at the wall, seen to a cell's width."""
    process = Overdamped(Potential("x**2/2 + y**2/2"), Isotropic(0.2), extra=Drift(["y", "-x"]))
    setting = of_flow(Problem(process, BallDomain([0.0, 0.0], 2.0), Resolution(tolerance=1e-4)), Ends())
    mesh = discretize(first_mesh(setting, {}), 6)
    assert 19.0 < fastest_current(mesh, setting.weighting) < 20.0
    assert fastest_current(mesh, KnownWeight(setting.weighting.exponent, setting.diffusion)) == 0.0


def test_only_ill_conditioned_neighbours_are_one_cluster():
    values, change = np.array([1.0, 1.001, 2.0, 2.0]), np.array([1e-4, 1e-4, 1e-12, 1e-12])
    assert grouped(values, np.array([1e3, 1e3, 1.0, 1.0]), change) == [(0, 1), (2,), (3,)]
    assert grouped(values, np.ones(4), change) == [(0,), (1,), (2,), (3,)]


# Processes with known eigenvalues.


def turned(tolerance=1e-3):
    """-x in a well, 10 around a circle: 0.1 k^2 +- 10 k i + n."""
    domain = Box([-3.0, 0.0], [3.0, 2.0 * np.pi], boundary=["reflecting", "periodic"])
    return Problem(Drifting(Drift(["-x", "10"]), Isotropic(0.1)), domain, Resolution(tolerance=tolerance))


def within(found, exact):
    """Whether real and imaginary parts are inside of the bar, that of the real part times it for both."""
    bar = found.real.relative_error * found.real.value
    return abs(complex(found.real.value, found.imag) - exact) <= bar + 1e-12


@pytest.mark.slow
def test_the_gap_of_a_fast_oscillator():
    found = spectrum(turned(), 4).eigenvalues
    assert found[0].real.value == 0.0
    assert all(within(*pair) for pair in zip(found[1:], [0.1 + 10j, 0.1 - 10j, 0.4 + 20j], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 3, 12])
def test_the_gap_does_not_depend_on_how_many_are_asked_for(count):
    found = spectrum(turned(), count)
    assert within(found.eigenvalues[1], 0.1 + 10j)
    exact = sorted(0.1 * k**2 + n for k in range(-6, 7) for n in range(4))[:count]
    np.testing.assert_allclose([e.real.value for e in found.eigenvalues], exact, atol=1e-4)


@pytest.mark.slow
def test_a_rotating_process_killed_on_a_circle():
    """f(r) e^(ik phi) with f = r^k M((k - mu)/2, k + 1, r^2/2 eps) = 0 at r = 1, lambda = mu +- ik a."""
    mpmath = pytest.importorskip("mpmath")
    process = Overdamped(Potential("x**2/2 + y**2/2"), Isotropic(0.1), extra=Drift(["3*y", "-3*x"]))
    problem = Problem(process, BallDomain([0.0, 0.0], 1.0), Resolution(tolerance=1e-5))

    def mu(k, guess):
        return float(mpmath.findroot(lambda m: mpmath.hyp1f1((k - m) / 2, k + 1, 5.0), guess))

    found = spectrum(problem, 6, "boundary")
    turning = [mu(1, 1.24) + 3j, mu(1, 1.24) - 3j, mu(2, 2.6) + 6j, mu(2, 2.6) - 6j]
    exact = [mu(0, 0.055), *turning, mu(0, 2.84)]
    assert all(within(*pair) for pair in zip(found.eigenvalues, exact, strict=True))
    assert found.gap.value == pytest.approx(exact[0], rel=1e-5)
    assert found.target == "boundary"


def circling(written):
    """dX = -X + 3 J X, noise 0.1, whose density the program is told by a potential, or is not."""
    if written == "potential":
        return Overdamped(Potential("x**2/2 + y**2/2"), Isotropic(0.1), extra=Drift(["3*y", "-3*x"]))
    return Drifting(Drift(["-x + 3*y", "-y - 3*x"]), Isotropic(0.1))


@pytest.mark.parametrize("written", ["potential", "drift"])
def test_a_rotating_process_killed_on_a_set(written):
    """The same eigenvalues whatever lies beyond the circle, the radial ones from a line without any turning."""
    mpmath = pytest.importorskip("mpmath")
    problem = Problem(circling(written), Box([-1.5, -1.5], [1.5, 1.5]), Resolution(tolerance=1e-4))
    found = spectrum(problem, 3, Region("x**2 + y**2 - 1", dimension=2))

    def mu(k, guess):
        return float(mpmath.findroot(lambda m: mpmath.hyp1f1((k - m) / 2, k + 1, 5.0), guess))

    exact = [mu(0, 0.055), mu(1, 1.24) + 3j, mu(1, 1.24) - 3j]
    assert all(within(*pair) for pair in zip(found.eigenvalues, exact, strict=True))
    assert all(eigenvalue.real.relative_error < 1e-4 for eigenvalue in found.eigenvalues)


@pytest.mark.parametrize("barrier", [5.0, 45.0])
def test_a_line_given_by_its_drift_is_killed_as_one_given_by_its_potential(barrier):
    line, noise = Box([-2.0], [2.0]), Isotropic(0.25 / barrier)
    by_drift = Problem(Drifting(Drift(["x - x**3"]), noise), line)
    by_potential = Problem(Overdamped(Potential("(x**2 - 1)**2/4"), noise), line)
    first, second = (
        spectrum(asked, 3, Region("0.005 - abs(x - 1)", dimension=1)) for asked in (by_drift, by_potential)
    )
    for one, other in zip(first.eigenvalues, second.eigenvalues, strict=True):
        assert one.real.log == pytest.approx(other.real.log, abs=one.real.relative_error + other.real.relative_error)


# Slow modes alone.


def rotated_quartic(barrier, tolerance=1e-6):
    """(x^2 - 1)^2/4 + y^2/2 with the circulation J grad V, which keeps the density."""
    turning = Drift(["y", "x - x**3"])
    process = Overdamped(Potential("(x**2 - 1)**2/4 + y**2/2"), Isotropic(0.25 / barrier), extra=turning)
    return Problem(process, Box([-2.0, -1.5], [2.0, 1.5]), Resolution(tolerance=tolerance))


@pytest.mark.parametrize(
    ("barrier", "log", "known"),
    [
        pytest.param(50, -50.457313379059, 3.2e-8, marks=pytest.mark.slow),
        pytest.param(100, -100.454421086589, 1.8e-10, marks=pytest.mark.slow),
        (200, -200.4529953739, 3.6e-8),
    ],
)
def test_the_gap_of_a_high_barrier_on_what_decides_alone(barrier, log, known):
    """Against the whole domain below the energy cutoff: 145,657 to 1,337,809 unknowns, 9 to 116 s of CPU."""
    found = spectrum(rotated_quartic(barrier), 2)
    assert found.gap.log == pytest.approx(log, abs=found.gap.relative_error + known)
    assert found.gap.relative_error < 1e-6
    assert found.statistics.unknowns < 20_000


def test_a_state_without_an_attractor_is_not_cut_away():
    """A limit cycle, say: of it a chain between attractors knows nothing, and would lose its slow mode."""
    setting = prepare(rotated_quartic(50))
    assert len(setting.attractors) == 2
    assert not holds_elsewhere(setting, WHOLE)
    assert holds_elsewhere(replace(setting, attractors=setting.attractors[:1], counted=None), WHOLE)


@pytest.mark.parametrize(("fastest", "proven"), [(0.0, True), (10.0, True), (1e4, False)])
def test_modes_of_wells_are_all_where_none_can_turn_so_fast_and_decay_as_slowly(fastest, proven):
    """0.01 +- 10 i beside 0.02: the gap would be wrong by a factor of two, though the slow modes are right."""
    slow = [Eigenmode(np.log(0.02), np.zeros(0), ())]
    assert Question(prepare(rotated_quartic(5)), None, 1, Scope()).all_slow(slow, fastest, 1.0) is proven


def test_slow_modes_that_rounding_has_made_a_pair_are_not_taken_for_others():
    values = np.array([1e-16 + 1e-17j, 0.5, 0.7 + 1j])
    np.testing.assert_array_equal(without_slow(values, 2), values[1:])
    np.testing.assert_array_equal(without_slow(values[1:], 0), values[1:])
    with pytest.raises(ConvergenceError, match="cannot be told apart"):
        without_slow(values, 1)


@pytest.mark.slow
def test_the_first_mesh_of_a_spectrum_is_assembled_once():
    """Two assemblies on one mesh, one of them of a higher degree."""
    asked = Problem(circling("potential"), BallDomain([0.0, 0.0], 1.0), Resolution(tolerance=1e-4))
    found = spectrum(asked, 2, "boundary").statistics
    assert found.levels == 1
    assert found.work.assemblies == 2


@pytest.mark.slow
def test_defective_eigenvalues_are_clusters():
    """dX = -A X dt + noise, A a Jordan block: 1 twice, 2 three times, 3 four times, whatever the noise."""
    process = Drifting(Drift(["-x + 1.318*y", "-y"]), Constant([[0.2176, 0.0025], [0.0025, 0.2639]]))
    problem = Problem(process, Box([-5.7, -4.37], [5.7, 4.37]), Resolution(tolerance=1e-4))
    with pytest.warns(UserWarning, match="cannot be told apart"):
        found = spectrum(problem, 7).eigenvalues[1:]
    exact = [1.0, 1.0, 2.0, 2.0, 2.0, 3.0]
    assert all(within(*pair) for pair in zip(found, exact, strict=True))
    np.testing.assert_allclose([e.real.value for e in found], exact, rtol=1e-7)
    assert all(e.imag == 0.0 for e in found)


# Strong circulations.


@pytest.mark.slow
def test_a_limit_cycle_on_a_generous_domain():
    """The Brusselator: 0.3983 +- 0.8730i by finite volumes. Layers along the cycle that its density does not show."""
    process = Drifting(Drift(["1 - 3.5*x + x**2*y", "2.5*x - x**2*y"]), Isotropic(0.1))
    problem = Problem(process, Box([0.0, 0.0], [4.0, 4.5]), Resolution(tolerance=1e-4))
    first, second = spectrum(problem, 3).eigenvalues[1:]
    assert first.real.value == pytest.approx(0.39829363, rel=1e-4)
    assert first.imag == pytest.approx(0.87297198, rel=1e-4)
    assert second.imag == -first.imag


@pytest.mark.slow
def test_a_strange_attractor_in_space_is_refused_in_a_line():
    formulas = ["10*(y - x)", "x*(28 - z) - y", "x*y - 8*z/3"]
    domain = Box([-35.0, -45.0, -15.0], [35.0, 45.0, 70.0])
    problem = Problem(Drifting(Drift(formulas), Isotropic(5.0)), domain, Resolution(tolerance=1e-2))
    # which of them depends on the order in which entries are added up: nothing but rounding is left of the density
    said = "cells are needed to follow the density|an eigenvalue came out as -|eigenvalues of both sides differ"
    with pytest.raises(ConvergenceError, match=said):
        spectrum(problem, 2)


# Four questions, four answers.


def test_callable_targets_one_after_the_other_are_different_targets():
    process = Overdamped(Potential("x**2/2 + y**2/2"), Isotropic(0.3), extra=Drift(["y", "-x"]))
    problem = Problem(process, Box([-2.0, -2.0], [2.0, 2.0]), Resolution(tolerance=1e-2))
    times = []
    for place in (0.4, 0.8, 1.2, 1.6):
        target = Region(lambda x, place=place: x[0] - place, dimension=2)
        times.append(mean_exit_time(problem, [0.0, 0.0], target).mean.value)
        del target
        gc.collect()
    kept = problem.known["flow settings"]
    assert len(kept) == 4
    assert np.all(np.diff(times) > 0.5 * np.array(times[:-1]))
    ceilings = [setting.ceiling for _, setting in kept]
    assert len(set(ceilings)) == 4
