"""Eyring-Kramers predictions against exact numbers: the ratio must tend to one as the noise falls."""

import json
from math import log, pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from landscapes import MUELLER_BROWN, THREE_HOLE, chain

from fokker_planck.asymptotics.exit_surfaces import Outside, surface_of
from fokker_planck.asymptotics.exit_time import mean_exit_time
from fokker_planck.asymptotics.eyring_kramers import (
    eigenvalues,
    predicted_eigenvalues,
    rates,
    well_probabilities,
)
from fokker_planck.asymptotics.markov_chain import log_hitting_time
from fokker_planck.asymptotics.one_dimensional import isotropic
from fokker_planck.landscape.finding.search import find_landscape, sample_box
from fokker_planck.landscape.flow.holds import HeldByBall
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle
from fokker_planck.model.domains.box import Box
from fokker_planck.model.potential import Potential
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region

HERE = Path(__file__).parents[1] / "reference"
LINE = {entry["id"]: entry for entry in json.loads((HERE / "one_dimensional.json").read_text())["entries"]}
PLANE = {entry["id"]: entry for entry in json.loads((HERE / "two_dimensional.json").read_text())["entries"]}
QUARTIC = "(x**2 - 1)**2/4"


class Exponent:
    """Phi = V / eps."""

    def __init__(self, text, epsilon):
        self.potential, self.epsilon = Potential(text), epsilon

    def value(self, x):
        return self.potential.value(x) / self.epsilon

    def gradient(self, x):
        return self.potential.gradient(x) / self.epsilon

    def hessian(self, x):
        return self.potential.hessian(x) / self.epsilon

    def tensor(self, x):
        return self.epsilon * np.repeat(np.eye(len(x))[:, :, None], x.shape[1], axis=2)


def setting(text, epsilon, lower, upper):
    exponent = Exponent(text, epsilon)
    return exponent, find_landscape(exponent, *sample_box(lower, upper))


def exit_time(text, epsilon, lower, upper, start, target):
    exponent, landscape = setting(text, epsilon, lower, upper)
    return mean_exit_time(landscape, exponent, exponent.tensor, start, target)


def log_series(epsilon):
    """log of exact over Eyring-Kramers for the quartic, by Laplace's method to third order."""
    return 2.0 * log(1 + 3 * epsilon / 4 + 105 * epsilon**2 / 32 + 10395 * epsilon**3 / 384)


def log_reference(name):
    return float(LINE[name]["log10"]) * log(10.0)


def test_mueller_brown_ratios():
    exponent, landscape = setting(MUELLER_BROWN, 10.0, [-1.5, -0.2], [1.2, 2.0])
    _, first, second = predicted_eigenvalues(landscape, exponent.tensor)
    exact = [float(value) for value in PLANE["MB_kT10"]["value"]]
    assert exact[0] / first.value == pytest.approx(0.783, abs=5e-4)
    assert exact[1] / second.value == pytest.approx(0.750, abs=5e-4)


@pytest.mark.parametrize(("beta", "ratio"), [(1.67, 0.858), (6.67, 0.948)])
def test_three_hole_ratios(beta, ratio):
    exponent, landscape = setting(THREE_HOLE, 1.0 / beta, [-2.0, -1.5], [2.0, 2.5])
    first = predicted_eigenvalues(landscape, exponent.tensor, 2)[1]
    assert float(PLANE[f"TH_beta{beta}"]["value"][0]) / first.value == pytest.approx(ratio, abs=5e-4)


@pytest.mark.parametrize("inverse", [20, 80, 400, 2000])
def test_quartic_gap_tends_to_the_formula(inverse):
    exponent, landscape = setting(QUARTIC, 1 / inverse, [-2.0], [2.0])
    gap = predicted_eigenvalues(landscape, exponent.tensor)[1]
    off = log_reference(f"A_eps1/{inverse}_lam1") - gap.log
    assert off == pytest.approx(-log_series(1 / inverse), abs=1e4 / inverse**4)
    assert abs(np.expm1(off)) < gap.relative_error


def test_tilted_well_weights_and_gap():
    exponent, landscape = setting(f"{QUARTIC} + x/10", 1 / 400, [-2.0], [2.0])
    gap = predicted_eigenvalues(landscape, exponent.tensor)[1]
    assert gap.log == pytest.approx(log_reference("B_eps1/400_lam1"), abs=0.01)
    exact = isotropic(lambda x: (x**2 - 1) ** 2 / 4 + x / 10, 1 / 400, -2.0, 2.0)
    right = exact.probability(landscape.saddles[0].position[0], 2.0)
    assert well_probabilities(landscape)[1].log == pytest.approx(right.log, abs=0.01)


def test_flat_and_sharp_wells_share_by_their_curvature():
    _, landscape = setting("(x**2 - 1)**2*(1 + 0.4*x)/4", 1 / 400, [-2.0], [2.0])
    flat = well_probabilities(landscape)[0]
    assert flat.value == pytest.approx(0.604356076261, abs=1e-10)
    assert flat.value == pytest.approx(float(LINE["F_iso_eps1/400_P(x<saddle)"]["value"]), rel=flat.relative_error)


def test_parallel_saddles_add():
    exponent, landscape = setting("2*(x**2 + y**2 - 1)**2 + 0.3*y**2", 0.02, [-2.0, -2.0], [2.0, 2.0])
    both = rates(landscape, exponent.tensor)[0, 1]
    one = Landscape(landscape.minima, landscape.saddles[:1], landscape.frame)
    assert both - rates(one, exponent.tensor)[0, 1] == pytest.approx(log(2.0), abs=1e-9)


def test_rates_obey_detailed_balance():
    exponent, landscape = setting(MUELLER_BROWN, 10.0, [-1.5, -0.2], [1.2, 2.0])
    table = rates(landscape, exponent.tensor)
    weights = [probability.log for probability in well_probabilities(landscape)]
    for i, j in ((0, 2), (1, 2)):
        assert weights[i] + table[i, j] == pytest.approx(weights[j] + table[j, i], abs=1e-10)
    assert table[0, 1] == -np.inf


def test_anisotropic_noise_uses_the_unstable_eigenvalue_of_the_product():
    # Phi = (x^2 - 1)^2/(4 d1) + y^2/(2 d2) with D = diag(d1, d2): the drift is that of V = (x^2-1)^2/4 + y^2/2,
    # so the rate is sqrt(2)/(2 pi) exp(-1/(4 d1)) whatever d2.
    exponent, landscape = setting("(x**2 - 1)**2/(4*0.02) + y**2/(2*0.3)", 1.0, [-2.0, -1.5], [2.0, 1.5])
    matrix = np.diag([0.02, 0.3])[:, :, None]
    table = rates(landscape, lambda x: np.repeat(matrix, x.shape[1], axis=2))
    assert table[0, 1] == pytest.approx(log(sqrt(2.0) / (2.0 * pi)) - 12.5, abs=1e-10)


def test_walls_count_half_or_by_their_slope():
    # Half of the plane: every Gaussian across the wall is halved, at the wells as at the saddle.
    exponent, whole = setting(f"{QUARTIC} + y**2/2", 0.05, [-2.0, -1.5], [2.0, 1.5])
    _, half = setting(f"{QUARTIC} + y**2/2", 0.05, [-2.0, 0.0], [2.0, 1.5])
    assert rates(half, exponent.tensor)[0, 1] == pytest.approx(rates(whole, exponent.tensor)[0, 1], abs=1e-12)
    # A wall on a slope that is the same everywhere changes no rate along it.
    _, slope = setting(f"{QUARTIC} + y", 0.05, [-2.0, 0.0], [2.0, 1.5])
    assert rates(slope, exponent.tensor)[0, 1] == pytest.approx(rates(whole, exponent.tensor)[0, 1], abs=1e-12)
    # e^(-s/eps) integrates to eps, exp(-s^2/2eps) over half a line to sqrt(pi eps/2).
    from fokker_planck.asymptotics.eyring_kramers import log_local_integral

    ratio = log_local_integral(slope.minima[0]) - log_local_integral(half.minima[0])
    assert ratio == pytest.approx(log(0.05 / sqrt(pi * 0.05 / 2.0)), abs=1e-12)


def ring_of_wells(count, log_rate):
    table = np.full((count, count), -np.inf)
    for k in range(count):
        table[k, (k + 1) % count] = table[k, k - 1] = log_rate
    return table


def test_eigenvalues_of_a_ring_of_equal_wells():
    # lambda_m = 4 k sin^2(pi m/N), in pairs
    found = eigenvalues(ring_of_wells(5, -700.0))
    expected = sorted(4.0 * np.sin(pi * np.arange(1, 5) / 5) ** 2)
    assert found[0].value == 0.0
    assert [value.log + 700.0 for value in found[1:]] == pytest.approx(np.log(expected), abs=1e-9)


def test_eigenvalues_that_span_thousands_of_orders():
    # A row of wells whose rates fall by e^-1000 each: eigenvalue k is the sum of the two rates over barrier k.
    table = np.full((4, 4), -np.inf)
    for k in range(3):
        table[k, k + 1] = table[k + 1, k] = -1000.0 * (k + 1)
    logs = [value.log for value in eigenvalues(table)[1:]]
    # Wells already merged move as one, with all their weight: 1 + 1/3, 1 + 1/2, 2.
    assert logs == pytest.approx([-3000.0 + log(4 / 3), -2000.0 + log(3 / 2), -1000.0 + log(2.0)], abs=1e-9)
    assert eigenvalues(table)[1].value is None


def test_eigenvalues_by_doubles_and_by_many_digits_agree():
    rng = np.random.default_rng(3)
    weights, capacities = rng.uniform(-4.0, 4.0, 6), rng.uniform(-4.0, 4.0, (6, 6))
    table = np.logaddexp(capacities, capacities.T) - weights[:, None]
    np.fill_diagonal(table, -np.inf)
    from fokker_planck.asymptotics.eyring_kramers import _log_eigenvalues

    found = eigenvalues(table)
    doubles, digits = (_log_eigenvalues(table + weights[:, None], weights, most) for most in (100.0, 1.0))
    assert [value.log for value in found[1:]] == pytest.approx(digits[1:], abs=1e-9)
    assert doubles[1:] == pytest.approx(digits[1:], abs=1e-9)
    assert doubles[0] == digits[0] == -np.inf


def test_wells_that_nothing_joins_do_not_relax():
    found = eigenvalues(np.array([[-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf], [-np.inf] * 3]))
    assert [value.value for value in found] == [0.0, 0.0, pytest.approx(2.0)]


def test_no_prediction_for_degenerate_saddles_and_shallow_wells():
    exponent, landscape = setting("-x**4 + x**6 + y**2", 0.01, [-2.0, -1.0], [2.0, 1.0])
    assert predicted_eigenvalues(landscape, exponent.tensor)[1] is None
    exponent, landscape = setting(QUARTIC, 1.0, [-2.0], [2.0])
    assert predicted_eigenvalues(landscape, exponent.tensor)[1] is None
    exponent, landscape = setting("(x**2 + y**2 - 1)**2", 0.1, [-2.0, -2.0], [2.0, 2.0])
    assert well_probabilities(landscape) == [None]
    assert [value.value for value in predicted_eigenvalues(landscape, exponent.tensor)] == [0.0]


def test_hitting_times_of_a_chain_against_a_linear_solve():
    rng = np.random.default_rng(5)
    table, absorption = rng.uniform(-3.0, 3.0, (6, 6)), rng.uniform(-3.0, 0.0, 6)
    rate = np.exp(table)
    np.fill_diagonal(rate, 0.0)
    matrix = np.diag(rate.sum(axis=1) + np.exp(absorption)) - rate
    exact = np.linalg.solve(matrix, np.ones(6))
    assert [log_hitting_time(table, absorption, k) for k in range(6)] == pytest.approx(np.log(exact), abs=1e-12)


def test_hitting_times_beyond_doubles():
    # 0 <-> 1 -> out: tau_0 = 1/k01 + (1 + k10/k01)/a1
    table = np.array([[-np.inf, -2000.0], [-1500.0, -np.inf]])
    assert log_hitting_time(table, np.array([-np.inf, -1000.0]), 0) == pytest.approx(2000.0, abs=1e-12)
    assert log_hitting_time(table, np.array([-np.inf, -1800.0]), 0) == pytest.approx(2300.0, abs=1e-12)
    assert log_hitting_time(table, np.full(2, -np.inf), 0) == np.inf


@pytest.mark.parametrize("inverse", [20, 80, 400, 2000])
@pytest.mark.parametrize(("name", "target"), [("T(-1->1)", Ball([1.0], 0.1)), ("T(-1->0)", HalfSpace([1.0], 0.0))])
def test_exit_over_and_onto_the_saddle(inverse, name, target):
    time = exit_time(QUARTIC, 1 / inverse, [-2.0], [2.0], [-1.0], target)
    off = log_reference(f"A_eps1/{inverse}_{name}") - time.log
    assert off == pytest.approx(log_series(1 / inverse), abs=1e4 / inverse**4)
    assert abs(np.expm1(off)) < time.relative_error


@pytest.mark.parametrize("edge", [-0.2, -0.1, -0.05, 0.05, 0.1, 0.2])
def test_exit_at_any_distance_from_the_saddle(edge):
    exact = isotropic(lambda x: (x**2 - 1) ** 2 / 4, 1 / 400, -2.0, 2.0).mean_exit_time(-1.0, right=edge)
    time = exit_time(QUARTIC, 1 / 400, [-2.0], [2.0], [-1.0], Region(f"x - ({edge})"))
    assert time.log == pytest.approx(exact.log, abs=0.03)


@pytest.mark.parametrize("edge", [-0.7, -0.5, -0.3])
def test_exit_on_the_slope_before_the_saddle(edge):
    exact = isotropic(lambda x: (x**2 - 1) ** 2 / 4, 1 / 400, -2.0, 2.0).mean_exit_time(-1.0, right=edge)
    time = exit_time(QUARTIC, 1 / 400, [-2.0], [2.0], [-1.0], HalfSpace([1.0], edge))
    assert time.log == pytest.approx(exact.log, abs=0.004)
    assert time.relative_error < 0.2


def test_exit_in_the_plane_is_that_on_the_line():
    line = exit_time(QUARTIC, 1 / 20, [-2.0], [2.0], [-1.0], Ball([1.0], 0.1))
    plane = exit_time(f"{QUARTIC} + y**2/2", 1 / 20, [-2.0, -1.5], [2.0, 1.5], [-0.9, 0.1], Ball([1.0, 0.0], 0.1))
    assert plane.log == pytest.approx(line.log, abs=1e-9)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_exit_from_a_ball_through_its_whole_surface(dimension):
    ball = Ball([0.0] * dimension, 1.0)
    text = " + ".join(f"{v}**2/2" for v in "xyz"[:dimension])
    time = exit_time(text, 1e-3, [-1.0] * dimension, [1.0] * dimension, [0.0] * dimension, Outside(ball))
    off = log_reference(f"OUBALL_d{dimension}_eps0.001_T") - time.log
    assert abs(off) < time.relative_error < 0.01


def test_exit_through_the_faces_of_a_box():
    # Independent coordinates: the rates through both pairs of faces add.
    box = Box([-1.0, -1.1], [1.0, 1.1])
    time = exit_time("x**2/2 + y**2/2", 0.02, [-1.0, -1.1], [1.0, 1.1], [0.0, 0.0], Outside(box))
    rate = sum(2.0 * edge * np.exp(-(edge**2) / 0.04) / sqrt(2.0 * pi * 0.02) for edge in (1.0, 1.1))
    # One over the slope is the leading term of the integral up to the wall; the next is eps/edge^2.
    assert time.log == pytest.approx(-log(rate), abs=0.03)


def test_exit_through_a_wall_on_the_saddle():
    exact = isotropic(lambda x: (x**2 - 1) ** 2 / 4, 1 / 400, -1.9, 0.0).mean_exit_time(-1.0, left=-1.9, right=0.0)
    time = exit_time(QUARTIC, 1 / 400, [-1.9], [0.0], [-1.0], Outside(Box([-1.9], [0.0])))
    assert time.log == pytest.approx(exact.log, abs=0.01)


def test_exit_to_a_target_up_the_slope_of_the_next_well():
    time = exit_time(f"{QUARTIC} + x/10", 1 / 20, [-2.0], [2.0], [-1.0], HalfSpace([1.0], 1.0))
    assert abs(log_reference("B_eps1/20_T(-1->1)") - time.log) < time.relative_error


@pytest.mark.parametrize(
    ("inverse", "edge"), [(50, 1.0), (80, 1.0), (125, 1.0), (200, 1.0), (400, 1.0), (800, 1.0), (80, 0.945650)]
)
def test_exit_to_a_target_just_behind_the_bottom_of_the_next_well(inverse, edge):
    """Nothing climbs back over the saddle before it gets there: the time is that over the saddle alone."""
    time = exit_time(f"{QUARTIC} + x/10", 1 / inverse, [-2.0], [2.0], [-1.0], HalfSpace([1.0], edge))
    left, top, _right = sorted(np.roots([1.0, 0.0, -1.0, 0.1]).real)
    V = np.polynomial.Polynomial([0.25, 0.1, -0.5, 0.0, 0.25])
    curved = V.deriv(2)(left) * abs(V.deriv(2)(top))
    assert time.log == pytest.approx(log(2.0 * pi / sqrt(curved)) + (V(top) - V(left)) * inverse, abs=1e-4)
    assert time.relative_error < 2.0 / ((V(top) - V(left)) * inverse)


def test_exit_by_way_of_an_intermediate_well():
    # Three equal wells on a line, to the far one: 1/k + 1/k + 1/k for rates k out to each side.
    exponent, landscape = setting("(1 - cos(2*pi*x))/(2*pi)**2", 0.003, [-0.4], [2.4])
    time = mean_exit_time(landscape, exponent, exponent.tensor, [0.0], Ball([2.0], 0.1))
    rate = rates(landscape, exponent.tensor)[0, 1]
    assert time.log == pytest.approx(log(3.0) - rate, abs=1e-9)


def test_no_exit_time_where_no_formula_applies():
    # The start in the target's own basin, no barrier, no well, a flat top.
    assert exit_time(QUARTIC, 1 / 20, [-2.0], [2.0], [0.9], HalfSpace([1.0], 0.95)) is None
    assert exit_time(QUARTIC, 1.0, [-2.0], [2.0], [-1.0], Ball([1.0], 0.1)) is None
    assert exit_time("0*x", 1.0, [-1.0], [1.0], [0.0], Outside(Box([-1.0], [1.0]))) is None
    assert exit_time("-x**4 + x**6", 0.005, [-1.5], [1.5], [-0.8], Ball([0.8], 0.1)) is None


@pytest.mark.parametrize(
    ("shape", "lower", "upper", "area"),
    [
        (Ball([0.1], 0.5), [-1.0], [1.0], 2.0),
        (Ball([0.1, 0.0], 0.5), [-1.0, -1.0], [1.0, 1.0], pi),
        (Ball([0.1, 0.0, 0.0], 0.5), [-1.0] * 3, [1.0] * 3, pi),
        (Ellipsoid([0.0, 0.0], [2.0, 1.0]), [-3.0, -3.0], [3.0, 3.0], 9.688448220547675),
        (HalfSpace([1.0, 0.0], 0.3), [-1.0, -1.5], [1.0, 1.5], 3.0),
        (HalfSpace([1.0, 1.0], 0.0), [-1.0, -1.0], [1.0, 1.0], 2.0 * sqrt(2.0)),
        (HalfSpace([0.0, 0.0, 1.0], 0.3), [-1.0, -1.0, -1.0], [1.0, 2.0, 1.0], 6.0),
        (Outside(Box([0.0, 0.0], [1.0, 2.0])), [0.0, 0.0], [1.0, 2.0], 6.0),
        (Outside(Box([0.0, 0.0], [1.0, 2.0], ["reflecting", "periodic"])), [0.0, 0.0], [1.0, 2.0], 4.0),
        (Outside(Box([0.0] * 3, [1.0, 2.0, 3.0])), [0.0] * 3, [1.0, 2.0, 3.0], 22.0),
        (Region("x - 0.25"), [-1.0], [1.0], 1.0),
    ],
)
def test_surfaces_have_their_area_and_point_inward(shape, lower, upper, area):
    surface = surface_of(shape, Frame(tuple(lower), tuple(upper), (None,) * len(lower)))
    assert surface.areas.sum() == pytest.approx(area, rel=1e-2)
    assert np.linalg.norm(surface.normals, axis=0) == pytest.approx(np.ones(len(surface.areas)))
    assert shape.contains(surface.points + 1e-6 * surface.normals).all()
    assert not shape.contains(surface.points - 1e-6 * surface.normals).any()


def test_surfaces_end_where_the_domain_does():
    """A plane through a ball is a disc: points in the corners of its box took half of the time, and counted."""
    frame = Frame((-1.0,) * 3, (1.0,) * 3, (None,) * 3, False, HeldByBall(Ball([0.0] * 3, 1.0)))
    surface = surface_of(HalfSpace([1.0, 0.0, 0.0], 0.6), frame)
    assert surface.areas.sum() == pytest.approx(pi * 0.8**2, rel=1e-2)


def test_surface_of_a_curved_region_is_not_known():
    assert surface_of(Region("1 - x**2 - y**4"), Frame((-2.0, -2.0), (2.0, 2.0), (None, None))) is None


def test_degenerate_points_make_no_rate():
    row = chain([0.0, 1.0], [9.0])
    from dataclasses import replace

    flat = Landscape(row.minima, (replace(row.saddles[0], degenerate=True),), row.frame)
    assert np.isnan(rates(flat, lambda x: np.ones((1, 1, x.shape[1])))[0, 1])
    assert isinstance(row.minima[0], CriticalPoint)
    assert isinstance(row.saddles[0], Saddle)
