"""Wells and spikes of formulas that are narrower than every sample: found, with the right numbers, or refused."""

import math

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.bounds.branches import smooth_branches
from fokker_planck.formulas.bounds.narrow_features import seen_boxes
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.model.sets.shapes import HalfSpace

QUARTIC, RIGHT = "(x**2 - 1)**2/4", HalfSpace([1.0], 1.0)


def _line(formula, noise=0.05):
    return fp.Problem(fp.Overdamped(fp.Potential(formula), fp.Isotropic(noise)), fp.Box([-2.0], [2.0]))


def _plane(formula, noise=0.05, tolerance=1e-6):
    process = fp.Overdamped(fp.Potential(formula), fp.Isotropic(noise))
    return fp.Problem(process, fp.Box([-2.0, -1.5], [2.0, 1.5]), fp.Resolution(tolerance=tolerance))


def _exact_exit_time(potential, breaks, noise=0.05):
    """The double integral of exp(V(y)/eps) int_-2^y exp(-V/eps) / eps from -1 to 1, by Gauss's rule on fine panels."""
    nodes, weights = np.polynomial.legendre.leggauss(30)
    edges = np.unique(np.concatenate([np.linspace(-2.0, 1.0, 301), [-1.0], *breaks]))
    edges = edges[(edges >= -2.0) & (edges <= 1.0)]
    half = 0.5 * np.diff(edges)[:, None]
    x = edges[:-1, None] + half * (nodes + 1.0)
    mass = (half * weights * np.exp(-potential(x) / noise)).sum(axis=1)
    before = np.concatenate([[0.0], np.cumsum(mass)[:-1]])
    total = 0.0
    for k in np.flatnonzero(edges[:-1] >= -1.0):
        inner = x[k][:, None] + (edges[k] - x[k][:, None]) * 0.5 * (1.0 - nodes)
        part = (0.5 * (x[k] - edges[k])[:, None] * weights * np.exp(-potential(inner) / noise)).sum(axis=1)
        total += float((half[k] * weights * np.exp(potential(x[k]) / noise) * (before[k] + part)).sum())
    return total / noise


@pytest.mark.parametrize(("depth", "place", "width"), [
    (-1.0, -0.7137, 1e-4), (0.5, 0.3137, 1e-4), (-1.0, -0.7137, 1e-7), (0.5, 0.3137, 1e-7), (0.1, 0.01234, 1e-3),
    (-0.7, 0.45678, 3e-6), (-2.0, -1.1, 1e-9),
])  # fmt: skip
def test_exit_times_with_a_narrow_well_or_spike_on_a_line(depth, place, width):
    def potential(x):
        return (x**2 - 1) ** 2 / 4 + depth * np.exp(-(((x - place) / width) ** 2))

    around = place + width * np.linspace(-8.0, 8.0, 65)
    exact = _exact_exit_time(potential, [around, place + width * np.array([-1e3, -30, 30, 1e3])])
    mean = fp.mean_exit_time(_line(f"{QUARTIC} + {depth}*exp(-((x - {place})/{width})**2)"), [-1.0], RIGHT).mean
    # the place itself is rounded: 1e-16 over the width
    assert abs(mean.value / exact - 1) < mean.relative_error + 1e-15 / width + 1e-12


def test_the_issue_cases():
    assert fp.mean_exit_time(_line(QUARTIC), [-1.0], RIGHT).mean.value == pytest.approx(729.6706919423, rel=1e-7)
    well = fp.mean_exit_time(_line(f"{QUARTIC} - 1.0*exp(-((x + 0.7137)/1e-4)**2)"), [-1.0], RIGHT).mean
    assert well.value == pytest.approx(1.0246e7, rel=1e-4)
    spike = fp.mean_exit_time(_line(f"{QUARTIC} + 0.5*exp(-((x - 0.3137)/1e-4)**2)"), [-1.0], RIGHT).mean
    assert spike.value == pytest.approx(1360.34, rel=1e-5)


# int exp(-V/eps) over the basins of (-0.7137, -1, 1), mpmath with 25 digits; the lip of the well lies at -0.7137 - 4 w
WEIGHTS = {
    "1e-4": (0.9998654044610815, 6.377056574327638e-05, 7.082497317517445e-05),
    "1e-6": (0.9867248463528734, 6.290603053531454e-03, 6.984550593595187e-03),
    "1e-7": (0.8820741426528628, 0.055880777409499253, 0.06204507993763795),
}


@pytest.mark.parametrize("width", WEIGHTS)
def test_weights_of_a_narrow_well_and_of_its_neighbours(width):
    stationary = fp.stationary_density(_line(f"{QUARTIC} - 1.0*exp(-((x + 0.7137)/{width})**2)"))
    assert [round(well.minimum[0], 4) for well in stationary.wells] == [-0.7137, -1.0, 1.0]
    for well, exact in zip(stationary.wells, WEIGHTS[width], strict=True):
        # the exact place of the well is that of the double next to it
        assert abs(well.probability.value / exact - 1) < well.probability.relative_error + 1e-16 / float(width)


@pytest.mark.parametrize(("width", "turn"), [
    pytest.param(1e-2, 0.0, marks=pytest.mark.slow), (1e-4, 0.7), pytest.param(1e-7, 0.0, marks=pytest.mark.slow),
])  # fmt: skip
def test_a_narrow_well_in_the_plane_is_found_and_weighs_what_it_weighs(width, turn):
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    x, y = f"({math.cos(turn)}*x + {math.sin(turn)}*y)", f"({math.cos(turn)}*y - {math.sin(turn)}*x)"
    formula = f"({x}**2 - 1)**2/4 + {y}**2/2 - 1.3*exp(-(({x} + 0.7137)/{width})**2 - (({y} - 0.1)/{width})**2)"
    stationary = fp.stationary_density(_plane(formula, tolerance=1e-4))
    assert len(stationary.wells) == 3
    distance = [np.linalg.norm(np.array(well.minimum) - turned @ [-0.7137, 0.1]) for well in stationary.wells]
    narrow = stationary.wells[int(np.argmin(distance))].probability
    assert min(distance) < 0.01 * width + 1e-9
    # int [exp(1.3 exp(-r^2)/eps) - 1] dA = pi sum_k (1.3/eps)^k / (k k!), beside what the other wells hold
    height = ((0.7137**2 - 1) ** 2 / 4 + 0.1**2 / 2) / 0.05
    series = sum(math.exp(k * math.log(26.0) - math.lgamma(k + 1)) / k for k in range(1, 150))
    grid = np.linspace(-2.0, 2.0, 8001)
    others = float(np.trapezoid(np.exp(-((grid**2 - 1) ** 2) / 0.2), grid)) * math.sqrt(0.1 * math.pi)
    mass = math.pi * width**2 * series * math.exp(-height)
    # within the widest one the quartic changes by some percent; the walls cut off a part of the others when turned
    assert narrow.value == pytest.approx(mass / (mass + others), rel={1e-2: 1e-4, 1e-4: 1e-2, 1e-7: 1e-2}[width])


def test_a_wall_too_thin_for_any_mesh_is_refused_with_its_place():
    problem = _plane(f"{QUARTIC} + y**2/2 + 0.5*exp(-((x - 0.3137 + 0.3*y)/1e-4)**2)")
    with pytest.raises(ConvergenceError, match=r"bounded near \("):
        fp.mean_exit_time(problem, [-1.0, 0.0], HalfSpace([1.0, 0.0], 1.0))


def test_above_the_energy_cutoff_nothing_is_split():
    formula = parse_expression("x**2/2 + exp(-((x - 3.0)/1e-9)**2)")
    low = seen_boxes(formula, 100.0, [-4.0], [4.0], highest=100.0)
    assert low.size.min() > 0.1
    assert seen_boxes(formula, 100.0, [-4.0], [4.0]).size.min() < 1e-9


@pytest.mark.parametrize("noise", [0.05, 0.005, 0.0005])
def test_smooth_potentials_take_few_boxes_and_no_cell_more(noise, monkeypatch):
    import fokker_planck.fem.meshing as meshing

    assert seen_boxes(parse_expression(f"{QUARTIC} + y**2/2"), 1 / noise, [-2, -1.5], [2, 1.5]).size.size < 10_000
    seen = fp.mean_exit_time(_plane(f"{QUARTIC} + y**2/2", noise), [-1.0, 0.0], HalfSpace([1.0, 0.0], 1.0))
    monkeypatch.setattr(meshing, "too_wide", lambda mesh, points, widths: np.zeros(len(mesh.cells), dtype=bool))
    plain = fp.mean_exit_time(_plane(f"{QUARTIC} + y**2/2", noise), [-1.0, 0.0], HalfSpace([1.0, 0.0], 1.0))
    assert seen.statistics.cells <= 1.1 * plain.statistics.cells


def test_switches_are_taken_apart():
    parts = smooth_branches(parse_expression("max(x, y) + abs(z)*heaviside(x - 1)"))
    assert len(parts) == 6
    assert len(smooth_branches(parse_expression("x + y"))) == 1


@pytest.mark.parametrize("formula", ["log(1 + abs(y))", "log(1 + max(y, 0))", "sqrt(piecewise(y < 0, 1 - y, 1 + y))"])
def test_a_branch_is_not_bounded_where_it_does_not_hold(formula):
    """What log(1 - y) does at y = 1 is not in the formula: noise 1 + |y| was refused, as a part that no cell sees."""
    found = seen_boxes(parse_expression(formula), 5.0, [-2.0, -2.0], [2.0, 2.0], sampled=0.004)
    assert found.size.min() > 0.1
    with pytest.raises(ConvergenceError, match="cannot be bounded"):
        seen_boxes(parse_expression("log(abs(y))"), 5.0, [-2.0, -2.0], [2.0, 2.0], sampled=0.004)


def test_what_only_the_tolerance_asks_for_is_no_narrow_part():
    """A smooth pair of wells asked to 1e-10: boxes that prove as much have no end in reach, and it was refused."""
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + 0.027*x + 1.69*y**2/2 + 0.8*y**4"), fp.Isotropic(0.0714))
    given = fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5]), fp.Resolution(tolerance=1e-10))
    rate = fp.committor(given, fp.HalfSpace([-1, 0], 0.68), fp.HalfSpace([1, 0], 0.68)).rate

    def integral(sign, ends):
        x = np.linspace(*ends, 4001)
        middle = 0.5 * (x[1:] + x[:-1])[:, None] + 0.5 * (x[1] - x[0]) * np.polynomial.legendre.leggauss(8)[0]
        values = np.exp(sign * ((middle**2 - 1.0) ** 2 / 4.0 + 0.027 * middle) / 0.0714)
        return 0.5 * (x[1] - x[0]) * float((values @ np.polynomial.legendre.leggauss(8)[1]).sum())

    known = 0.0714 / (integral(-1.0, (-2.0, 2.0)) * integral(1.0, (-0.68, 0.68)))
    assert abs(rate.value / known - 1.0) <= rate.relative_error <= 1e-10


def test_four_smooth_wells_in_space_are_bounded():
    """A few more boxes than samples are worth, 217,680: rates between them were refused."""
    wells = [(0.99, -0.65, 0.48, -1.11, 0.56), (1.05, 0.22, -0.99, 1.28, 0.35)]
    wells += [(1.06, 0.49, 1.02, -0.39, 0.59), (0.94, -0.61, -0.64, -0.33, 0.55)]
    text = "0.15*(x**2 + y**2 + z**2)"
    for depth, a, b, c, width in wells:
        text += f" - {depth}*exp(-0.5*((x - ({a}))**2 + (y - ({b}))**2 + (z - ({c}))**2)/{width}**2)"
    found = seen_boxes(parse_expression(text), 30.0, [-2.0] * 3, [2.0] * 3, highest=8.0, sampled=40.0)
    assert found.size.min() > 0.02


@pytest.mark.parametrize(("noise", "gap"), [("1 + abs(x)", 0.06493486965), ("1 + max(x, 0)", 0.047999335346)])
def test_noise_with_a_kink_in_a_box_has_the_gap_of_its_line(noise, gap):
    """D(x) in both directions: functions of x alone solve the equation, the gap is that of the line, found there."""
    entry = f"0.1*({noise})"
    process = fp.Overdamped(
        fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Formula([[entry, "0"], ["0", entry]]), "klimontovich"
    )
    found = fp.spectrum(fp.Problem(process, fp.Box([-2, -2], [2, 2]), fp.Resolution(1e-5)), count=2).gap
    assert found.relative_error < 1e-5
    assert found.value == pytest.approx(gap, rel=found.relative_error + 1e-10)
