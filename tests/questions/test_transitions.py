"""Transitions between sets and rates between wells: published numbers, exact ones, and the identities they obey."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.asymptotics.line_quadrature import log_integral
from fokker_planck.asymptotics.one_dimensional import isotropic
from fokker_planck.asymptotics.one_dimensional_transitions import probability_reactive, transition_rate
from fokker_planck.cli import command as cli
from fokker_planck.errors import ProblemError

EXAMPLES = Path(__file__).parents[2] / "examples"
LEFT, RIGHT = fp.Ball([-1.0, 0.0], 0.25), fp.Ball([1.0, 0.0], 0.25)


def problem(potential, epsilon, domain, **options):
    return fp.Problem(fp.Overdamped(fp.Potential(potential), fp.Isotropic(epsilon)), domain, **options)


def quartic(epsilon=0.08, factor=1.0, shift=0.0):
    box = fp.Box([-1.8, -1.0], [1.8, 1.0])
    return problem(f"{factor}*((x**2 - 1)**2/4 + y**2/2) + {shift}", epsilon, box)


@pytest.fixture(scope="module")
def forth_and_back():
    """The tilted well in the plane, from left to right and from right to left."""
    tilted = problem("(x**2 - 1)**2/4 + 0.05*x + y**2/2", 0.08, fp.Box([-1.8, -1.0], [1.8, 1.0]))
    return fp.committor(tilted, LEFT, RIGHT), fp.committor(tilted, RIGHT, LEFT)


class TestPublished:
    def test_mueller_brown_by_the_command(self, capfd):
        assert cli.main(["committor", str(EXAMPLES / "mueller_brown_committor.toml"), "--json", "-q"]) == 0
        answer = json.loads(capfd.readouterr().out)
        assert answer["rate"]["value"] == pytest.approx(4.91432e-3, abs=0.5e-8)
        assert answer["probability_last_from"]["value"] == pytest.approx(0.974566, abs=0.5e-6)
        assert answer["probability_reactive"]["value"] == pytest.approx(2.3541e-4, abs=0.5e-8)
        for quantity in (answer[name] for name in ("rate", "probability_reactive", "probability_last_from")):
            assert quantity["relative_error"] <= 1e-6
            assert quantity["log"] == pytest.approx(np.log(quantity["value"]), abs=1e-12)

    def test_three_holes(self):
        holes = fp.Problem(
            fp.Overdamped(fp.named("three-hole").potential, fp.Isotropic(1 / 1.67)), fp.Box([-3, -2], [3, 3])
        )
        found = fp.committor(holes, fp.Ball([-1, 0], 0.5), fp.Ball([1, 0], 0.5))
        assert found.rate.value == pytest.approx(1.9766e-2, abs=0.5e-6)
        assert found.probability_last_from.value == pytest.approx(0.5, rel=1e-6)  # by symmetry

    def test_quartic_well(self):
        found = fp.committor(quartic(), LEFT, RIGHT)
        assert found.rate.value == pytest.approx(4.2625e-3, abs=0.5e-7)


class TestIdentities:
    def test_as_many_transitions_back_as_forth(self, forth_and_back):
        forth, back = forth_and_back
        assert forth.rate.value == pytest.approx(back.rate.value, rel=1e-10)
        assert forth.probability_reactive.value == pytest.approx(back.probability_reactive.value, rel=1e-10)

    def test_one_of_the_two_sets_was_visited_last(self, forth_and_back):
        forth, back = forth_and_back
        total = forth.probability_last_from.value + back.probability_last_from.value
        assert total == pytest.approx(1.0, abs=1e-10)
        assert forth.probability_last_from.value > 0.7, "the left well is the deeper one"

    def test_committors_of_both_directions_sum_to_one(self, forth_and_back):
        forth, back = forth_and_back
        x = np.random.default_rng(2).uniform(-1.0, 1.0, (2, 200)) * np.array([[1.5], [0.7]])
        np.testing.assert_allclose(forth.field(x) + back.field(x), 1.0, atol=1e-10)
        assert (forth.field(x) >= -1e-12).all()
        assert (forth.field(x) <= 1.0 + 1e-12).all()

    def test_the_committor_is_zero_on_the_first_set_and_one_on_the_second(self, forth_and_back):
        inside = np.array([[-1.0, 1.0, -1.2, 1.2], [0.0, 0.0, 0.1, 0.1]])
        np.testing.assert_allclose(forth_and_back[0].field(inside), [0.0, 1.0, 0.0, 1.0], atol=1e-12)
        beside = forth_and_back[0].field(np.array([[-0.5, 0.5], [0.0, 0.0]]))
        assert beside[0] < 0.2 < 0.8 < beside[1]

    @pytest.mark.slow
    def test_scaling_time_scales_rates(self):
        found, faster = fp.committor(quartic(), LEFT, RIGHT), fp.committor(quartic(0.24, 3.0), LEFT, RIGHT)
        assert faster.rate.value == pytest.approx(3.0 * found.rate.value, rel=1e-10)
        assert faster.probability_reactive.value == pytest.approx(found.probability_reactive.value, rel=1e-10)
        chain, quicker = fp.rates(quartic()), fp.rates(quartic(0.24, 3.0))
        for k, m in ((0, 1), (1, 0)):
            assert quicker.rates[k][m].value == pytest.approx(3.0 * chain.rates[k][m].value, rel=1e-10)
            assert quicker.asymptotic[k][m].value == pytest.approx(3.0 * chain.asymptotic[k][m].value, rel=1e-10)
            assert quicker.hitting_times[k][m].value == pytest.approx(chain.hitting_times[k][m].value / 3.0, rel=1e-10)

    def test_a_constant_changes_nothing(self):
        found, lifted = fp.committor(quartic(), LEFT, RIGHT), fp.committor(quartic(shift=5.0), LEFT, RIGHT)
        assert lifted.rate.value == pytest.approx(found.rate.value, rel=1e-10)


class TestOnALine:
    """One dimension, where everything is an integral."""

    def test_free_diffusion(self):
        # q linear between 1/4 and 3/4: nu = D / (length * gap), reactive share (gap/length) / 6
        line = problem("0", 2.0, fp.Box([0.0], [1.0]))
        found = fp.committor(line, fp.HalfSpace([-1.0], -0.25), fp.HalfSpace([1.0], 0.75))
        assert found.rate.value == pytest.approx(4.0, rel=1e-10)
        assert found.probability_reactive.value == pytest.approx(0.5 / 6.0, rel=1e-10)
        assert found.probability_last_from.value == pytest.approx(0.5, rel=1e-10)
        x = np.array([[0.1, 0.25, 0.4, 0.75, 0.9]])
        np.testing.assert_allclose(found.field(x), [0.0, 0.0, 0.3, 1.0, 1.0], atol=1e-12)

    def test_named_sets(self):
        sets = {"A": fp.HalfSpace([-1.0], -0.25), "B": fp.HalfSpace([1.0], 0.75)}
        line = problem("0", 2.0, fp.Box([0.0], [1.0]), sets=sets)
        assert fp.committor(line, "A", "B").rate.value == pytest.approx(4.0, rel=1e-10)

    def test_two_wells_make_half_the_gap_each_way(self):
        found = fp.rates(problem("(x**2 - 1)**2/4", 0.05, fp.Box([-2.0], [2.0])))
        half = 2.776140636573e-3 / 2
        assert found.rates[0][1].value == pytest.approx(half, rel=1e-8)
        assert found.rates[1][0].value == pytest.approx(half, rel=1e-8)
        assert found.hitting_times[0][1].value == pytest.approx(1.0 / half, rel=1e-8)
        assert found.rates[0][0] is None
        assert found.asymptotic[0][1].value == pytest.approx(np.exp(-5.0) / (np.sqrt(2.0) * np.pi), rel=1e-9)
        assert [(way.between, way.share) for way in found.flows] == [((0, 1), pytest.approx(1.0))]

    def test_two_passes_of_a_ring_share_the_flow(self):
        around = fp.Box([0.0], [2 * np.pi], boundary="periodic")
        found = fp.rates(problem("-0.5*cos(2*x) + 0.05*sin(x)", 0.1, around))
        low, high = (way.share for way in found.flows)
        # the passes are 0.1 apart in height; their curvatures are -1.95 and -2.05
        assert low / high == pytest.approx(np.sqrt(1.95 / 2.05) * np.exp(1.0), rel=1e-9)
        assert low + high == pytest.approx(1.0, rel=1e-12)

    def test_three_wells_in_a_row(self):
        found = fp.rates(problem("x**2*(x**2 - 1)**2", 0.01, fp.Box([-1.5], [1.5])))
        assert [position[0] for position in found.minima] == pytest.approx([-1.0, 0.0, 1.0], abs=1e-9)
        # detailed balance with the weights 1 : 2 : 1 of the wells as eps goes to zero
        assert found.rates[0][1].value / found.rates[1][0].value == pytest.approx(2.0, rel=0.02)
        assert found.rates[2][1].value == pytest.approx(found.rates[0][1].value, rel=1e-8)
        assert abs(found.rates[0][2].value) < 1e-3 * found.rates[0][1].value
        assert found.asymptotic[0][2] is None
        assert [way.between for way in found.flows] == [(0, 1), (1, 2)]
        # half of the visits to the middle go on
        there = found.hitting_times
        assert there[0][2].value == pytest.approx(there[0][1].value + there[1][2].value, rel=1e-6)


class TestRefused:
    def test_one_well(self):
        with pytest.raises(ProblemError, match="at least two wells"):
            fp.rates(problem("x**2", 0.1, fp.Box([-2.0], [2.0])))

    def test_a_degenerate_saddle_has_rates_but_no_prediction(self):
        flat = problem("x**6 - x**4 + y**2", 0.01, fp.Box([-1.1, -1.0], [1.1, 1.0]))
        found = fp.rates(replace(flat, resolution=fp.Resolution(tolerance=1e-4)))
        assert found.rates[0][1].value > 0.0
        assert found.asymptotic[0][1] is None
        assert found.flows == ()


@pytest.mark.parametrize("noise", [1200, 2000])
def test_sets_that_reach_the_bottoms_of_the_wells(noise):
    """q runs from -1 to 1: nu = eps / (Z int exp(V/eps)), and reactive paths fill the whole way, not only the top."""
    line = isotropic(lambda x: (x**2 - 1.0) ** 2 / 4.0, 1.0 / noise, -2.0, 2.0)
    asked = problem("(x**2 - 1)**2/4", 1.0 / noise, fp.Box([-2.0], [2.0]))
    found = fp.committor(asked, fp.HalfSpace([-1.0], 1.0), fp.HalfSpace([1.0], 1.0))
    ends = line.panels(-1.0, 1.0)
    log_rate = -log_integral(line.log_scale, ends, 20) - line.log_mass(-2.0, 2.0)
    assert found.rate.log == pytest.approx(log_rate, abs=max(found.rate.relative_error, 1e-11))
    assert max(found.rate.relative_error, found.probability_reactive.relative_error) < 1e-6


@pytest.mark.parametrize("barrier", [300.0, 1000.0, 1500.0])
def test_barriers_at_which_the_committor_is_no_double(barrier):
    """q falls to exp(-barrier) beside the first set, and what is reactive is made there: against quadrature."""
    noise, tolerance = 0.25 / barrier, 1e-8
    resolution = fp.Resolution(tolerance=tolerance)
    asked = problem("(x**2 - 1)**2/4", noise, fp.Box([-2.0], [2.0]), resolution=resolution)
    found = fp.committor(asked, fp.Ball([-1.0], 0.25), fp.Ball([1.0], 0.25))
    line = isotropic(lambda x: (x**2 - 1.0) ** 2 / 4.0, noise, -2.0, 2.0, breaks=(-1.0, 0.0, 1.0))
    wanted = transition_rate(line, -0.75, 0.75), probability_reactive(line, -0.75, 0.75)
    for ours, exact in zip((found.rate, found.probability_reactive), wanted, strict=True):
        error = abs(np.expm1(ours.log - exact.log))
        assert error <= max(ours.relative_error, exact.relative_error)
        assert ours.relative_error <= tolerance
    assert (found.rate.value is None) == (barrier > 700.0)


def test_the_reactive_density_beside_the_sets():
    """q (1 - q) p, which vanishes on the sets: its logarithm was interpolated there, to nan and inf."""
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.05))
    given = fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5]))
    found = fp.committor(given, fp.HalfSpace([-1, 0], 1.0), fp.HalfSpace([1, 0], 1.0))
    x = np.array([[-1.1, -0.99, -0.9, -0.5, 0.0, 0.9, 0.99], [0.01] * 7])
    q, density = found.field(x), fp.stationary_density(given).field(x)
    assert found.reactive_density(x) == pytest.approx(density * q * (1.0 - q), rel=0.02, abs=1e-12)


@pytest.mark.parametrize(("noise", "mirrored"), [(0.03, False), (0.02, True)])
def test_the_share_of_time_on_the_way_lies_on_the_slopes(noise, mirrored):
    """int p q (1 - q) by quadrature: as much of it lies far down the slopes as beside the saddle.

    Cells that the current does not need were cut away there: 5 % were lost at noise 0.02, at a bar of 7e-5.
    """
    x = np.linspace(-1.9, 2.2, 400_001)
    exponent = (1.5 * (x**2 - 1.0) ** 2 + 0.3 * x) / noise
    exponent -= exponent.min()
    between = np.abs(x) <= 0.9
    crossed = np.where(between, np.exp(np.where(between, exponent - exponent[between].max(), 0.0)), 0.0)
    steps = 0.5 * (crossed[1:] + crossed[:-1])
    done, left = np.append(0.0, np.cumsum(steps)), np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    on_the_way = done / done[-1] * left / left[0] * np.exp(-exponent)
    exact = float(np.trapezoid(on_the_way, x) / np.trapezoid(np.exp(-exponent), x))
    sign = -1 if mirrored else 1
    process = fp.Overdamped(fp.Potential(f"1.5*(x**2 - 1)**2 + {0.3 * sign}*x + 1.5*y**2/2"), fp.Isotropic(noise))
    ends = sorted((sign * -1.9, sign * 2.2))
    problem = fp.Problem(process, fp.Box([ends[0], -1.9], [ends[1], 2.1]), fp.Resolution(tolerance=1e-4))
    found = fp.committor(problem, fp.HalfSpace([-sign, 0.0], 0.9), fp.HalfSpace([sign, 0.0], 0.9))
    reactive = found.probability_reactive
    assert reactive.relative_error < 1e-4
    assert abs(reactive.value / exact - 1.0) < reactive.relative_error
