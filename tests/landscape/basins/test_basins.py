"""Basins of attraction: which well a point belongs to, and integrals over basins against exact values."""

import numpy as np
import pytest
from landscapes import MUELLER_BROWN, THREE_HOLE

from fokker_planck.asymptotics.one_dimensional import isotropic
from fokker_planck.landscape.basins import cut_cells
from fokker_planck.landscape.basins.basin_integrals import basin_masses
from fokker_planck.landscape.basins.log_quadrature import StraightCells, log_masses, whole_cells
from fokker_planck.landscape.basins.membership import BasinMap, basin_of
from fokker_planck.landscape.finding.search import find_landscape, sample_box
from fokker_planck.mesh.kuhn import grid_points, kuhn_cells
from fokker_planck.mesh.quadrature import halved, simplex_rule
from fokker_planck.mesh.simplices import simplex_volumes
from fokker_planck.model.potential import Potential
from fokker_planck.quantity.light_dataclasses import replace

FLAT_AND_SHARP = "(x**2 - 1)**2*(1 + 0.4*x)/4"
WEIGHT_OF_FLAT = {20: 0.6019150610326906118514212, 80: 0.6039484176164204393744173, 400: 0.6042798789264067525827531}


def kuhn(lower, upper, counts):
    """A box divided into simplices: points (n, dim), cells (m, dim + 1)."""
    axes = [np.linspace(low, high, count + 1) for low, high, count in zip(lower, upper, counts, strict=True)]
    return grid_points(axes), kuhn_cells([count + 1 for count in counts])


def probabilities(text, epsilon, lower, upper, counts, tolerance, label=None):
    """Shares of the wells, their error estimates, and the landscape."""
    potential = Potential(text)
    landscape = find_landscape(potential, *sample_box(lower, upper))
    chosen = BasinMap(landscape, potential) if label is None else label(landscape, potential)
    found = basin_masses(
        *kuhn(lower, upper, counts), lambda x: -potential.value(x) / epsilon, chosen, len(landscape.minima), tolerance
    )
    logs, errors = found.shares
    return np.exp(logs), errors, landscape


def of_left(shares, landscape):
    return shares[0] if landscape.minima[0].position[0] < landscape.minima[1].position[0] else shares[1]


@pytest.mark.parametrize("inverse_epsilon", [20, 80, 400])
@pytest.mark.parametrize("cells", [40, 333])
def test_flat_and_sharp_well_on_a_line(inverse_epsilon, cells):
    shares, errors, landscape = probabilities(FLAT_AND_SHARP, 1 / inverse_epsilon, [-2.0], [2.0], [cells], 1e-11)
    assert of_left(shares, landscape) == pytest.approx(WEIGHT_OF_FLAT[inverse_epsilon], rel=1e-12)
    assert np.all(errors < 1e-11)


@pytest.mark.parametrize("inverse_epsilon", [20, 80, 400])
def test_flat_and_sharp_well_in_the_plane(inverse_epsilon):
    text = f"{FLAT_AND_SHARP} + y**2/2"
    shares, errors, landscape = probabilities(text, 1 / inverse_epsilon, [-2.0, -1.5], [2.0, 1.5], [33, 25], 1e-7)
    assert of_left(shares, landscape) == pytest.approx(WEIGHT_OF_FLAT[inverse_epsilon], rel=1e-9)
    assert np.all(errors < 1e-7)


@pytest.mark.parametrize("ask", ["__call__", "roughly", "with_margin"])
def test_points_stay_where_they_are_while_they_are_told_apart(ask):
    """Where there are no walls the flow once moved the points themselves: the vertices of a mesh went to the wells."""
    potential = Potential("(x**2 - 1)**2/4 + y**2/2 + z**2/2")
    found = find_landscape(potential, *sample_box([-2.0] * 3, [2.0] * 3))
    landscape = replace(found, frame=replace(found.frame, box=False))
    points = np.random.default_rng(1).uniform(-1.5, 1.5, (3, 50))
    known = points.copy()
    told = getattr(BasinMap(landscape, potential), ask)(points)
    labels = told[0] if ask == "with_margin" else told
    assert (points == known).all()
    assert [landscape.minima[k].position[0] > 0.0 for k in labels] == (points[0] > 0.0).tolist()


def test_flat_and_sharp_well_in_space():
    text = f"{FLAT_AND_SHARP} + y**2/2 + z**2/2"
    lower, upper = [-2.0, -1.5, -1.5], [2.0, 1.5, 1.5]
    shares, errors, landscape = probabilities(text, 1 / 20, lower, upper, [17, 10, 10], 1e-4)
    assert of_left(shares, landscape) == pytest.approx(WEIGHT_OF_FLAT[20], rel=1e-5)
    assert np.all(errors < 1e-4)


def test_rotated_well_in_the_plane():
    # Turned by an angle whose line no mesh follows; the box is wide enough that its walls carry no weight.
    u, v = "(0.8*x + 0.6*y)", "(0.8*y - 0.6*x)"
    text = f"({u}**2 - 1)**2*(1 + 0.2*tanh({u}))/4 + {v}**2/2"
    exact = isotropic(lambda x: (x**2 - 1) ** 2 * (1 + 0.2 * np.tanh(x)) / 4, 1 / 20, -3.0, 3.0)
    landscape = find_landscape(Potential(text), *sample_box([-3.0, -3.0], [3.0, 3.0]))
    ridge = 0.8 * landscape.saddles[0].position[0] + 0.6 * landscape.saddles[0].position[1]
    expected = exact.probability(-3.0, ridge).value
    shares, errors, landscape = probabilities(text, 1 / 20, [-3.0, -3.0], [3.0, 3.0], [48, 48], 1e-7)
    assert of_left(shares, landscape) == pytest.approx(expected, rel=1e-7)
    assert np.all(errors < 1e-6)


def test_curved_separatrices_agree_with_a_finer_mesh_within_the_error_bars():
    coarse, errors, _ = probabilities(MUELLER_BROWN, 10.0, [-1.5, -0.2], [1.2, 2.0], [32, 32], 1e-4)
    fine, fine_errors, _ = probabilities(MUELLER_BROWN, 10.0, [-1.5, -0.2], [1.2, 2.0], [64, 64], 1e-6)
    assert np.all(np.abs(coarse / fine - 1.0) < 2.0 * errors)
    assert np.all(errors < 1e-4)
    assert np.all(fine_errors < 1e-6)


def test_three_basins_that_meet_in_a_point():
    shares, errors, _ = probabilities(THREE_HOLE, 1 / 1.67, [-2.0, -1.5], [2.0, 2.5], [48, 48], 1e-5)
    assert shares[0] == pytest.approx(shares[1], rel=2e-5)
    assert shares[2] / shares[0] == pytest.approx(np.exp(-2.454787788), rel=2e-5)
    assert np.all(errors < 2e-5)


@pytest.mark.parametrize("tip", [0.02, 0.05, 0.15])
def test_the_lightest_of_four_basins_that_meet_in_a_cell_with_no_corner_in_it(tip):
    """The cell was light for the three basins of its corners, but held a part of the fourth: 1.6e-5 off at 5e-7."""
    slope, step = 30.0, 0.1
    low = np.array([-1.0 - (0.5 - tip) * step, -1.0 - (0.5 + tip) * step])
    points, cells = kuhn(low, low + 2.0, [20, 20])
    found = basin_masses(
        points, cells, lambda x: slope * (x[1] - x[0]), lambda x: (x[0] > 0.0) + 2 * (x[1] > 0.0), 4, 1e-7
    )
    of_x = [-np.expm1(slope * low[0]), -np.expm1(-slope * (low[0] + 2.0))]  # times e^(-slope low) on the left
    of_y = [-np.expm1(slope * low[1]), -np.expm1(-slope * (low[1] + 2.0))]
    exact = np.array([of_x[i] * of_y[j] / slope**2 for j in (0, 1) for i in (0, 1)])
    logs = np.log(exact) + slope * np.array([-low[0], 0.0, low[1] + 2.0 - low[0], low[1] + 2.0])
    assert np.abs(found.logs - logs)[1] < found.errors[1] < 1e-6
    assert np.all(np.abs(found.logs - logs) < found.errors)


def test_masses_add_up_to_the_integral_over_the_box():
    potential = Potential(MUELLER_BROWN)
    landscape = find_landscape(potential, *sample_box([-1.5, -0.2], [1.2, 2.0]))
    points, cells = kuhn([-1.5, -0.2], [1.2, 2.0], [40, 40])
    weight = lambda x: -potential.value(x) / 10.0  # noqa: E731
    logs = basin_masses(points, cells, weight, BasinMap(landscape, potential), 3, 1e-6).logs
    numbers = np.arange(len(cells))
    (whole,), _ = log_masses(StraightCells(points[cells], weight), whole_cells(numbers, 2), 0 * numbers, 1, 1e-10)
    assert np.logaddexp.reduce(logs) == pytest.approx(whole, abs=2e-6)


def test_a_label_without_margins_gives_the_same():
    def plain(landscape, potential):
        return lambda x: basin_of(landscape, potential, x)

    text = f"{FLAT_AND_SHARP} + y**2/2"
    shares, _, landscape = probabilities(text, 1 / 20, [-2.0, -1.5], [2.0, 1.5], [20, 15], 1e-6, label=plain)
    assert of_left(shares, landscape) == pytest.approx(WEIGHT_OF_FLAT[20], rel=1e-7)


def test_weights_of_any_size_neither_overflow_nor_vanish():
    # Wells 4000 units of epsilon apart in depth: each mass is right relative to itself.
    points, cells = kuhn([-1.0], [1.0], [50])
    found = basin_masses(
        points,
        cells,
        lambda x: np.where(x[0] < 0.0, -3000.0, 1000.0) + 100.0 * x[0],
        lambda x: (x[0] >= 0.0).astype(int),
        2,
        1e-10,
    )
    assert found.logs == pytest.approx([-3000.0 - np.log(100.0), 1100.0 - np.log(100.0)], abs=1e-9)
    assert np.all(found.errors < 1e-9)


def test_an_empty_basin_has_no_mass():
    empty = lambda x: np.zeros(x.shape[1], dtype=int)  # noqa: E731
    found = basin_masses(*kuhn([0.0], [1.0], [4]), lambda x: 0.0 * x[0], empty, 2)
    assert found.logs.tolist() == [pytest.approx(0.0, abs=1e-14), -np.inf]
    assert found.errors[1] == 0.0


def disc(x):
    """No flow, only numbers: inside of the disc or ball of radius 0.7 or not."""
    return (np.sum(x**2, axis=0) < 0.49).astype(int)


def test_circular_interface_converges():
    found = basin_masses(*kuhn([-1.0, -1.0], [1.0, 1.0], [24, 24]), lambda x: 0.0 * x[0], disc, 2, 1e-7)
    assert abs(np.exp(found.logs[1]) / (0.49 * np.pi) - 1.0) < found.errors[1]
    assert found.errors[1] < 3e-7


def test_ball_in_space_converges():
    found = basin_masses(*kuhn([-1.0] * 3, [1.0] * 3, [8, 8, 8]), lambda x: 0.0 * x[0], disc, 2, 1e-3)
    assert abs(np.exp(found.logs[1]) / (4 / 3 * np.pi * 0.343) - 1.0) < found.errors[1]
    assert found.errors[1] < 3e-3


def test_points_follow_the_flow_to_their_wells():
    potential = Potential(MUELLER_BROWN)
    landscape = find_landscape(potential, *sample_box([-1.5, -0.2], [1.2, 2.0]))
    labels = basin_of(landscape, potential, np.array([m.position for m in landscape.minima]).T)
    assert labels.tolist() == [0, 1, 2]
    for saddle in landscape.saddles:
        sides = saddle.x[:, None] + 1e-4 * np.array(saddle.unstable_direction)[:, None] * np.array([-1.0, 1.0])
        assert tuple(basin_of(landscape, potential, sides)) == saddle.joins


def test_points_on_a_crest_get_one_of_its_wells():
    potential = Potential("(x**2 - 1)**2/4 + y**2/2")
    landscape = find_landscape(potential, *sample_box([-2.0, -1.5], [2.0, 1.5]))
    labels = basin_of(landscape, potential, np.array([[0.0, 0.0, 0.0], [0.0, 0.7, -1.5]]))
    assert set(labels.tolist()) <= {0, 1}
    assert len(set(labels.tolist())) == 1


def test_narrow_valleys_are_followed_to_the_end():
    potential = Potential("(1 - x)**2*(x + 1)**2 + 1000*(y - x**2)**2")
    landscape = find_landscape(potential, *sample_box([-2.0, -1.0], [2.0, 3.0]))
    x = np.array([[-1.9, -0.2, 0.2, 1.9], [2.9, 0.5, 0.5, 2.9]])
    ends = [landscape.minima[k].position[0] for k in basin_of(landscape, potential, x)]
    assert np.sign(ends).tolist() == [-1, -1, 1, 1]


def test_periodic_wells_are_reached_the_short_way():
    potential = Potential("-cos(2*x)")
    landscape = find_landscape(potential, *sample_box([0.0], [2 * np.pi], None, (2 * np.pi,)), None, (2 * np.pi,))
    first, second = basin_of(landscape, potential, np.array([[6.2, 3.0]]))
    assert landscape.minima[first].position[0] == pytest.approx(0.0, abs=1e-9)
    assert landscape.minima[second].position[0] == pytest.approx(np.pi, abs=1e-9)


def test_margins_vanish_linearly_at_the_separatrix():
    potential = Potential(MUELLER_BROWN)
    landscape = find_landscape(potential, *sample_box([-1.5, -0.2], [1.2, 2.0]))
    saddle = landscape.saddles[0]
    away = np.array([1e-3, 1e-4, 1e-5])
    x = saddle.x[:, None] + np.array(saddle.unstable_direction)[:, None] * away
    margins = BasinMap(landscape, potential).with_margin(x)[1]
    assert margins[:-1] / margins[1:] == pytest.approx([10.0, 10.0], rel=0.02)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_simplex_rules_are_exact_for_polynomials(dimension):
    points, weights = simplex_rule(dimension, 4)
    # The mean of b0^3 b1^4 over a simplex is 3! 4! dim!/(7 + dim)!.
    from math import factorial

    exact = 6 * 24 * factorial(dimension) / factorial(7 + dimension)
    assert weights @ (points[:, 0] ** 3 * points[:, 1] ** 4) == pytest.approx(exact, rel=1e-13)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_halving_keeps_the_volume_in_equal_parts(dimension):
    points, cells = kuhn([0.0] * dimension, [1.0] * dimension, [2] * dimension)
    finer, children = halved(points, cells)
    volumes = simplex_volumes(finer[children]).reshape(len(cells), -1)
    assert np.allclose(volumes, simplex_volumes(points[cells])[:, None] / 2**dimension)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_parts_that_hold_a_face_are_found_among_many(dimension):
    """One pass over all parts for each face took two thirds of the time of weights with sixty minima."""
    rng = np.random.default_rng(dimension)
    parts = np.array([rng.choice(40, dimension + 1, replace=False) for _ in range(300)])
    faces = [
        np.array([rng.choice(40, length, replace=False) for _ in range(30)]).reshape(-1, length)
        for length in range(1, dimension + 2)
    ]
    faces[-1] = np.concatenate([faces[-1], parts[:3, ::-1]])
    for some in faces:
        expected = [any(set(face) <= set(part) for face in some.tolist()) for part in parts.tolist()]
        assert cut_cells._holding(parts, [some]).tolist() == expected
    assert not cut_cells._holding(parts, [np.zeros((0, 2), dtype=np.int64)]).any()
