"""Underdamped processes: spectra, densities and times in phase space, against spectral methods and closed forms."""

import pickle
from dataclasses import replace
from math import exp, pi, sqrt
from time import process_time

import numpy as np
import pytest
from kinetic_wells import QUARTIC, kinetic

import fokker_planck as fp
from fokker_planck.errors import ProblemError
from fokker_planck.model.problem import Resolution
from fokker_planck.model.recast.positions import positions_of
from fokker_planck.solvers.adaptivity.spectral_scope import sector_searched
from fokker_planck.solvers.momentum.kinetic_rates import rates_between_wells
from fokker_planck.solvers.setting.setting import WHOLE, prepare

SLOW = pytest.mark.slow


@pytest.mark.parametrize(("tilt", "tolerance"), [("", 1e-2), ("+ 0.1*x", 1e-3)])
def test_rates_at_low_friction_lie_within_their_bars(tilt, tolerance):
    """Of two wells the sum is the gap, with walls far away to 4e-7, and the ratio that of the masses, by quadrature.

    Two degrees agreed to a part of the error that they have in common: 2.3 and 4.3 bars were missing.
    """
    exact, noise = 2.6497645e-08 if tilt else 0.5 * 5.7811429e-12, 0.01
    potential = f"{QUARTIC} {tilt}"
    process = fp.Underdamped(fp.Potential(potential, dimension=1), fp.Isotropic(noise), 0.1)
    found = fp.rates(fp.Problem(process, fp.Sublevel(1.0), Resolution(tolerance=tolerance))).rates
    there, back = found[0][1], found[1][0]
    assert max(there.relative_error, back.relative_error) < tolerance
    assert abs(back.value / exact - 1.0) < back.relative_error + 2e-7
    x = np.linspace(-2.5, 2.5, 20_001)
    weight = np.exp(-((x**2 - 1) ** 2 / 4 + (0.1 * x if tilt else 0.0)) / noise)
    saddle = np.argmin(np.where(np.abs(x) < 0.5, weight, np.inf))
    ratio = weight[saddle:].sum() / weight[:saddle].sum()
    assert abs(there.value / back.value / ratio - 1.0) < there.relative_error + back.relative_error + 2e-7


@pytest.mark.slow
def test_gap_at_barrier_20():
    """lambda_1 by Hermite functions in x and v, all digits on three bases: 7.16896497977e-10."""
    gap = fp.spectrum(kinetic(QUARTIC, 1 / 80, 0.5, 1.45, 1e-7), count=2).gap
    assert gap.relative_error < 1e-7
    assert gap.value == pytest.approx(7.16896497977e-10, rel=gap.relative_error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("noise", "friction", "exact"),
    [
        (8, 0.1, 2.1066668386436e-2),
        (8, 0.5, 4.503721378536e-2),
        (8, 1.0, 3.881083571709e-2),
        (8, 2.0, 2.499594779955e-2),
        (8, 10.0, 5.647524422782e-3),
        (20, 0.5, 2.216814138511e-3),
    ],
)
def test_gaps_of_the_quartic_well(noise, friction, exact):
    gap = fp.spectrum(kinetic(QUARTIC, 1 / noise, friction, 2.3, 5e-8), count=2).gap
    assert gap.value == pytest.approx(exact, rel=gap.relative_error)
    assert gap.relative_error < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize(
    ("barrier", "friction", "gap"),
    [
        (50, 0.1, 8.2230628e-23),
        (50, 1.0, 5.34146524e-23),
        (50, 10.0, 8.53297075e-24),
        (100, 0.1, 1.58996063e-44),
        (100, 1.0, 1.032625080e-44),
        (100, 10.0, 1.65205330e-45),
        (300, 0.1, 2.203137e-131),
        (300, 1.0, 1.43121919e-131),
        (300, 10.0, 2.29196042e-132),
    ],
)
def test_high_barriers(barrier, friction, gap):
    """Gap and rates, ``gap`` to all its digits, 60 s of CPU at most each; Kramers and Langer's within 0.6/barrier.

    A first mesh may hold nothing but rounding, as if there were no chain.
    """
    wanted = 1e-5 if barrier < 300 else 1e-3
    asked = kinetic(QUARTIC, 0.25 / barrier, friction, 1.45, 0.5 * wanted)
    began = process_time()
    found = fp.spectrum(asked, count=2).gap
    between = process_time()
    rates = fp.rates(asked).rates
    assert max(between - began, process_time() - between) < 60.0
    unstable = sqrt(friction**2 / 4 + 1.0) - friction / 2
    log_kramers = np.log(2.0 * unstable * sqrt(2.0) / (2.0 * np.pi)) - barrier
    assert np.exp(found.log - log_kramers) == pytest.approx(1.0, abs=0.6 / barrier)
    assert found.relative_error < wanted
    assert found.value == pytest.approx(gap, rel=found.relative_error + 1e-6)
    for rate in (rates[0][1], rates[1][0]):
        assert rate.relative_error < wanted
        assert rate.value == pytest.approx(0.5 * gap, rel=rate.relative_error + 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("friction", "half_width", "fastest", "exact"),
    [(0.208, 2.2, 1.79, 2.0911468e-3), (0.3, 2.0, 1.7607, 2.25382778077e-3)],
)
def test_degrees_that_agree_are_not_taken_for_an_error(friction, half_width, fastest, exact):
    """Degrees 6 and 7 agree ten times better than either with lambda_1, by Hermite functions in x and v."""
    process = fp.Underdamped(fp.Potential(QUARTIC, dimension=1), fp.Isotropic(1 / 20), friction)
    box = fp.Box([-half_width, -fastest], [half_width, fastest])
    gap = fp.spectrum(fp.Problem(process, box, Resolution(tolerance=1e-3)), count=2).gap
    assert abs(gap.value / exact - 1.0) < gap.relative_error < 1e-3


@pytest.mark.slow
def test_low_friction():
    """Friction 0.01, noise 1/20: 2.434696e-4 by 320 x 1200 Hermite functions, of which 800 had 1e-5 more."""
    gap = fp.spectrum(kinetic(QUARTIC, 1 / 20, 0.01, 2.0, 1e-4, above=34.0), count=2).gap
    assert gap.relative_error < 1e-4
    assert gap.value == pytest.approx(2.434696e-4, rel=gap.relative_error + 1e-6)


@pytest.mark.slow
def test_low_friction_at_barrier_20():
    """Friction 0.01, noise 1/80: to 1e-6 it is 2.808504e-10; Mel'nikov and Meshkov's formula times 0.947."""
    gap = fp.spectrum(kinetic(QUARTIC, 1 / 80, 0.01, 1.5, 1e-4), count=2).gap
    assert gap.relative_error < 1e-4
    assert gap.value == pytest.approx(2.808504e-10, rel=gap.relative_error + 1e-6)


@pytest.mark.parametrize("friction", [2.0, pytest.param(3.0, marks=SLOW), pytest.param(0.5, marks=SLOW)])
@pytest.mark.filterwarnings("ignore:2 eigenvalues near:UserWarning", "ignore:of 4 numbers:UserWarning")
def test_a_particle_in_a_parabola(friction):
    """mu = (gamma - sqrt(gamma^2 - 4))/2, over- and underdamped; at critical damping the matrix is defective."""
    width = 8.5 * sqrt(0.1)
    process = fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1), friction)
    asked = fp.Problem(process, fp.Box([-width, -width], [width, width]), Resolution(tolerance=1e-6))
    found = fp.spectrum(asked, count=3).eigenvalues[1]
    exact = (friction - np.sqrt(complex(friction**2 - 4.0))) / 2.0
    assert found.real.relative_error < (5e-6 if friction == 2.0 else 1e-9)
    assert found.real.value == pytest.approx(exact.real, rel=1e-10)
    assert abs(found.imag) == pytest.approx(abs(exact.imag), abs=1e-10)


@pytest.mark.slow
def test_a_gap_at_barrier_100_follows_kramers_and_langer():
    """Over 2 k of Kramers and Langer 1 - 0.21 / barrier at friction 0.5, barriers 20 and 50."""
    epsilon, friction = 1 / 400, 1.0
    gap = fp.spectrum(kinetic(QUARTIC, epsilon, friction, 1.8, 1e-5), count=2).gap
    unstable = sqrt(friction**2 / 4 + 1.0) - friction / 2
    log_kramers = np.log(2.0 * unstable * sqrt(2.0) / (2.0 * np.pi)) - 100.0
    assert gap.relative_error < 1e-5
    # without deep wells as single states: 1.03262508e-44 with a bar of 3e-9
    assert gap.value == pytest.approx(1.03262508e-44, rel=gap.relative_error + 3e-9)
    assert np.exp(gap.log - log_kramers) == pytest.approx(1.0 - 0.21 / 100.0, abs=5e-4)


@pytest.mark.slow
def test_a_gap_at_barrier_200():
    """What lies deep in a well is one state: without that a current of exp(-150) drowned the one of exp(-200)."""
    gap = fp.spectrum(kinetic(QUARTIC, 1 / 800, 1.0, 1.5, 1e-5), count=2).gap
    assert gap.relative_error < 1e-5
    assert gap.log == pytest.approx(np.log(2.0 * (sqrt(1.25) - 0.5) * sqrt(2.0) / (2.0 * np.pi)) - 200.0, abs=1.5e-3)
    assert gap.value == pytest.approx(3.84583101e-88, rel=1e-6)


@pytest.mark.parametrize(
    ("potential", "half_width", "epsilon", "friction", "exact"),
    [
        # by 120 Hermite functions in v and Legendre polynomials of degree 50 in x, odd ones zero at the walls
        ("x + 0.5", 0.5, 0.5, 1.0, 1.03483339),
        pytest.param(QUARTIC, 1.5, 0.125, 0.5, 4.50113583e-2, marks=SLOW),
    ],
)
def test_walls_turn_the_velocity(potential, half_width, epsilon, friction, exact):
    asked = kinetic(potential, epsilon, friction, half_width, 1e-5, height=0.25)
    gap = fp.spectrum(asked, count=2).gap
    assert gap.relative_error < 1e-5
    assert gap.value == pytest.approx(exact, rel=gap.relative_error)


def test_friction_that_depends_on_the_position():
    """0.5 + x**2; by Hermite and Legendre functions 5.05245635e-2."""
    gap = fp.spectrum(kinetic(QUARTIC, 0.125, "0.5 + x**2", 1.5, 1e-5), count=2).gap
    assert gap.relative_error < 1e-5
    assert gap.value == pytest.approx(5.05245635e-2, rel=max(gap.relative_error, 1e-8))


def test_the_density_is_gibbs():
    """exp(-H/epsilon), H = V + v**2/2, and half of the process stands in each well."""
    found = fp.stationary_density(kinetic(QUARTIC, 0.125, 0.5, 1.8, 1e-6))
    x, v = np.random.default_rng(2).uniform(-1.4, 1.4, (2, 50))
    energy = (x**2 - 1.0) ** 2 / 4.0 + v**2 / 2.0
    logs = found.field.log(np.stack([x, v])) + energy / 0.125
    assert np.ptp(logs) < 1e-6
    assert [well.probability.value for well in found.wells] == pytest.approx([0.5, 0.5], rel=1e-5)
    assert [well.minimum for well in found.wells] == [pytest.approx((-1.0, 0.0)), pytest.approx((1.0, 0.0))]


def test_mean_time_to_positions_beyond_the_barrier():
    """From (-1, 0) to x >= 0, walls at 1.5: 44.675294 at 7e-7; 40,000 simulated paths have 44.76 with 0.21."""
    sets = {"right": fp.HalfSpace([1.0, 0.0], 0.0)}
    found = fp.mean_exit_time(kinetic(QUARTIC, 0.125, 0.5, 1.5, 1e-3, sets=sets, height=0.39), [-1.0, 0.0], "right")
    assert found.mean.relative_error < 1e-3
    assert found.mean.value == pytest.approx(44.675294, rel=found.mean.relative_error)
    assert found.asymptotic is None  # the separatrix is inclined to the line x = 0


@pytest.mark.slow
def test_rates_add_up_to_the_gap():
    found = fp.rates(kinetic(QUARTIC, 1 / 80, 0.5, 1.8, 1e-5))
    both = found.rates[0][1].value + found.rates[1][0].value
    assert both == pytest.approx(7.16896497977e-10, rel=found.rates[0][1].relative_error)
    kramers = (sqrt(0.0625 + 1.0) - 0.25) * sqrt(2.0) / (2.0 * np.pi) * np.exp(-20.0)
    assert found.asymptotic[0][1].value == pytest.approx(kramers, rel=1e-6)


def test_a_callable_is_the_same_process_and_pickles():
    written = fp.Underdamped(fp.Potential(QUARTIC), fp.Isotropic(0.1), 0.5)
    called = fp.Underdamped(fp.Potential(_quartic, dimension=1), fp.Isotropic(0.1), 0.5)
    x = np.random.default_rng(3).uniform(-1.5, 1.5, (2, 20))
    assert called.potential.value(x) == pytest.approx(written.potential.value(x))
    assert called.drift(x, 2) == pytest.approx(written.drift(x, 2), abs=1e-9)
    assert called.drift_jacobian(x, 2) == pytest.approx(written.drift_jacobian(x, 2), abs=1e-6)
    assert pickle.loads(pickle.dumps(called)).drift(x, 2) == pytest.approx(called.drift(x, 2))


def _quartic(x):
    return (x[0] ** 2 - 1.0) ** 2 / 4.0


def test_wells_that_walls_hold():
    """Rates both ways as with Hermite functions of the velocity over finite elements in x."""
    asked = kinetic("-x**2/2 + 0.1*x", 0.1, 0.3, 1.0, 1e-3, height=0.6)
    here, those = fp.rates(asked).rates, rates_between_wells(positions_of(asked), 0.3).rates
    (there, back), others = ((found[0][1], found[1][0]) for found in (here, those))
    for found, other in zip((there, back), others, strict=True):
        assert found.relative_error < 1e-3
        assert found.value == pytest.approx(other.value, rel=found.relative_error + other.relative_error)


@pytest.mark.slow
def test_deep_wells_that_walls_hold():
    """Kramers' rate out of a well s x at a wall, (lambda_+/omega_b) sqrt(eps/(2 pi)) (s/eps) exp(-dV/eps) (1 - eps)."""
    deep = kinetic("-x**2/2", 0.01, 1.0, 1.0, 1e-3, height=0.5)
    formula = (sqrt(1.25) - 0.5) * sqrt(0.01 / (2.0 * pi)) / 0.01 * exp(-50.0)
    assert fp.rates(deep).rates[0][1].value == pytest.approx(formula * (1.0 - 1.02 * 0.01), rel=1e-3)


def test_weights_where_walls_turn_around_what_passes_the_saddle():
    """0.7829394, the separatrix followed back from the saddle by solve_ivp, turned around at each wall, 1e-11.

    Along walls it would slide, and the weight be 0.7791.
    """
    asked = kinetic(f"{QUARTIC} + 0.1*x", 0.125, 0.2, 1.1, 1e-4, above=18.0)
    left = fp.stationary_density(asked).wells[0].probability
    assert left.relative_error < 1e-4
    assert left.value == pytest.approx(0.7829394, rel=left.relative_error)


def test_walls_where_v_is_level():
    """Half a quartic well has the eigenfunctions that are even under (x, v) to (-x, -v): Hermite in x and v."""
    fastest = sqrt(2.0 * (0.25 + 26.0 * 0.05))
    process = fp.Underdamped(fp.Potential(QUARTIC, dimension=1), fp.Isotropic(0.05), 0.5)
    asked = fp.Problem(process, fp.Box([0.0, -fastest], [2.0, fastest]), Resolution(tolerance=1e-4))
    found = fp.spectrum(asked, count=2).eigenvalues[1]
    assert complex(found.real.value, abs(found.imag)) == pytest.approx(0.3309126 + 1.28409893j, rel=1e-4)


def test_targets_that_are_refused():
    sets = {"right": fp.HalfSpace([1.0, 0.0], 0.0), "left": fp.HalfSpace([-1.0, 0.0], 0.0)}
    asked = kinetic(QUARTIC, 0.125, 0.5, 1.5, 1e-2, sets=sets)
    with pytest.raises(ProblemError, match="two sets that are apart") as error:
        fp.committor(asked, "left", "right")
    assert error.value.key == "committor.to"
    with pytest.raises(ProblemError, match="turn the velocity around"):
        fp.mean_exit_time(asked, [-1.0, 0.0], "boundary")


@pytest.mark.slow
def test_committors_of_mirrored_balls():
    """As many go from left to right as back, and each ball was visited last half of the time."""
    sets = {"left": fp.Ball([-1.0, 0.0], 0.3), "right": fp.Ball([1.0, 0.0], 0.3)}
    asked = kinetic(QUARTIC, 0.125, 0.5, 1.8, 1e-2, sets=sets)
    there, back = fp.committor(asked, "left", "right"), fp.committor(asked, "right", "left")
    assert there.rate.value == pytest.approx(back.rate.value, rel=there.rate.relative_error + back.rate.relative_error)
    last = there.probability_last_from
    assert last.value == pytest.approx(0.5, rel=last.relative_error)


def test_the_sector_that_is_searched_comes_from_the_drift_and_the_noise_alone():
    """Of a harmonic well twice 2 omega / gamma, written underdamped or as a drift; None with noise all over."""
    omega, friction = 3.0, 0.5
    well = kinetic(f"{omega**2}*x**2/2", 0.1, friction, 1.5, 1e-3)
    drift = fp.Drift(["y", f"-{omega**2}*x - {friction}*y"])
    for matrix, wanted in (
        ([[0.0, 0.0], [0.0, friction * 0.1]], 4.0 * omega / friction),
        ([[0.1, 0.0], [0.0, friction * 0.1]], None),
    ):
        written = fp.Problem(fp.Drifting(drift, fp.Constant(matrix)), well.domain, well.resolution)
        assert sector_searched(prepare(written, WHOLE)) == (wanted and pytest.approx(wanted))
    setting = prepare(well, WHOLE)
    assert sector_searched(setting) == pytest.approx(4.0 * omega / friction)
    # coloured noise beside a maximum, where the drift spreads
    spreading = fp.Drifting(fp.Drift(["4*x - x**3 + y", "-y"]), fp.Constant([[0.0, 0.0], [0.0, 0.5]]))
    assert sector_searched(replace(setting, problem=replace(well, process=spreading))) is None


def test_rates_at_small_friction_have_bars():
    """Their sum is the gap, by another question; a bound of what powers leave out is 4e4: points are met late."""
    process = fp.Underdamped(fp.Potential("(x**2 - 1)**2/4 + 0.1*x"), fp.Isotropic(0.1), 0.1)
    problem = fp.Problem(process, fp.Box([-2.2, -2.5], [2.2, 2.5]), fp.Resolution(1e-4))
    (_, there), (back, _) = fp.rates(problem).rates
    gap = 0.0182693074
    assert there.relative_error < 1e-4 > back.relative_error
    assert there.value + back.value == pytest.approx(gap, rel=2e-5)
