"""The landscape of known potentials: every minimum and saddle, which wells each saddle joins, walls, flat pieces."""

import time

import numpy as np
import pytest
from landscapes import MUELLER_BROWN, THREE_HOLE, chain

from fokker_planck.landscape.finding.search import find_landscape, sample_box
from fokker_planck.model.potential import Potential


def landscape_of(text, lower, upper, periods=None, per_axis=None, inside=None):
    points, edges = sample_box(lower, upper, per_axis, periods)
    if inside is not None:
        kept = inside(points.T)
        edges = (np.cumsum(kept) - 1)[edges[kept[edges].all(axis=1)]]
        points = points[kept]
    return find_landscape(Potential(text), points, edges, inside, periods)


def places(critical_points):
    return np.array([point.position for point in critical_points])


def test_mueller_brown_has_the_critical_points_of_the_literature():
    found = landscape_of(MUELLER_BROWN, [-1.5, -0.2], [1.2, 2.0])
    minima = [(-0.55822363, 1.44172584), (0.6234994, 0.02803776), (-0.05001082, 0.4666941)]
    assert np.allclose(places(found.minima), minima, atol=2e-8)
    depths = [-146.6995172100, -108.1667241169, -80.7678181297]
    assert [m.value for m in found.minima] == pytest.approx(depths, abs=1e-9)
    assert np.allclose(places(found.saddles), [(0.21248658, 0.29298833), (-0.82200156, 0.6243128)], atol=2e-8)
    assert [s.value for s in found.saddles] == pytest.approx([-72.2489401123, -40.6648435087], abs=1e-9)
    assert [s.joins for s in found.saddles] == [(1, 2), (0, 2)]
    assert found.barriers[0] == np.inf
    assert found.barriers[1:] == pytest.approx([-40.6648435087 - depths[1], -72.2489401123 - depths[2]], abs=1e-9)
    assert found.communication_height(0, 1) == found.saddles[1].value


def test_three_hole_has_two_equal_ways_and_a_direct_one():
    found = landscape_of(THREE_HOLE, [-2.0, -1.5], [2.0, 2.5])
    assert np.allclose(
        places(found.minima), [(-1.04805499, -0.04209367), (1.04805499, -0.04209367), (0.0, 1.537082)], atol=1e-7
    )
    assert [m.value for m in found.minima] == pytest.approx([-3.9948606019, -3.9948606019, -2.1721536230], abs=1e-10)
    assert np.allclose(
        places(found.saddles), [(-0.61727231, 1.10273452), (0.61727231, 1.10273452), (0.0, -0.31582655)], atol=1e-7
    )
    assert [s.value for s in found.saddles] == pytest.approx([-1.6466874535, -1.6466874535, -1.3845866404], abs=1e-10)
    assert [s.joins for s in found.saddles] == [(0, 2), (1, 2), (0, 1)]
    # The gap between the deep wells is passed by way of the upper one, below the direct saddle.
    assert found.communication_height(0, 1) == pytest.approx(-1.6466874535, abs=1e-10)
    assert [merge.saddle for merge in found.merges] == [0, 1]


def test_parallel_saddles_are_both_found():
    found = landscape_of("2*(x**2 + y**2 - 1)**2 + 0.3*y**2", [-2.0, -2.0], [2.0, 2.0])
    assert len(found.minima) == 2
    height = np.sqrt(1 - 0.3 / 4)
    assert np.allclose(places(found.saddles), [(0.0, -height), (0.0, height)], atol=1e-10)
    assert [s.joins for s in found.saddles] == [(0, 1), (0, 1)]
    assert found.saddles_between(1, 0) == found.saddles


def test_styblinski_tang_in_three_dimensions():
    found = landscape_of("+".join(f"({v}**4 - 16*{v}**2 + 5*{v})/2" for v in "xyz"), [-5.0] * 3, [5.0] * 3)
    assert len(found.minima) == 8
    assert len(found.saddles) == 12
    assert found.minima[0].value == pytest.approx(-39.16616570377142 * 3, abs=1e-10)
    joined = {s.joins for s in found.saddles}
    for first, second in joined:  # each saddle changes one coordinate
        change = np.abs(found.minima[first].x - found.minima[second].x) > 1.0
        assert change.sum() == 1


def test_ring_and_torus_go_around():
    ring = landscape_of("-cos(x)", [0.0], [2 * np.pi], (2 * np.pi,))
    assert [len(ring.minima), len(ring.saddles)] == [1, 1]
    assert ring.saddles[0].joins == (0, 0)
    assert ring.barriers == (np.inf,)
    torus = landscape_of("-cos(x) - cos(2*y)", [0.0, -np.pi], [2 * np.pi, np.pi], (2 * np.pi, 2 * np.pi))
    assert [len(torus.minima), len(torus.saddles)] == [2, 4]
    assert sorted(s.joins for s in torus.saddles) == [(0, 0), (0, 1), (0, 1), (1, 1)]


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_constant_has_one_degenerate_minimum(dimension):
    text = " + ".join(f"0*{v}" for v in "xyz"[:dimension])
    found = landscape_of(text, [-1.0] * dimension, [1.0] * dimension)
    assert len(found.minima) == 1
    assert found.minima[0].degenerate
    assert found.saddles == ()


def test_continuous_families_are_one_point_each():
    circle = landscape_of("(x**2 + y**2 - 1)**2", [-2.0, -2.0], [2.0, 2.0])
    assert [len(circle.minima), len(circle.saddles)] == [1, 0]
    assert circle.minima[0].degenerate
    assert np.linalg.norm(circle.minima[0].x) == pytest.approx(1.0, abs=1e-7)
    valleys = landscape_of("(x**2 - 1)**2 + 0*y", [-2.0, -1.0], [2.0, 1.0])
    assert [len(valleys.minima), len(valleys.saddles)] == [2, 1]
    assert valleys.saddles[0].joins == (0, 1)
    assert all(point.degenerate for point in (*valleys.minima, *valleys.saddles))


def test_quartic_directions_are_classified_by_looking_around():
    along = landscape_of("-x**4 + x**6 + y**2", [-2.0, -1.0], [2.0, 1.0])
    assert [len(along.minima), len(along.saddles)] == [2, 1]
    assert along.saddles[0].degenerate
    assert abs(along.saddles[0].unstable_direction[0]) == pytest.approx(1.0, abs=1e-6)
    across = landscape_of("-x**2/2 + x**4/4 + y**4", [-2.0, -1.0], [2.0, 1.0])
    assert [len(across.minima), len(across.saddles)] == [2, 1]
    assert across.saddles[0].degenerate
    inflection = landscape_of("x**3*(x - 1)", [-0.6], [1.4])
    assert [len(inflection.minima), len(inflection.saddles)] == [1, 0]
    quartic = landscape_of("x**4 + y**4", [-1.0, -1.0], [1.1, 1.0])
    assert len(quartic.minima) == 1


def test_narrow_valley_has_no_minima_made_by_the_grid():
    found = landscape_of("(1 - x)**2 + 100*(y - x**2)**2", [-2.0, -1.0], [2.0, 3.0])
    assert np.allclose(places(found.minima), [(1.0, 1.0)], atol=1e-9)
    assert found.saddles == ()


def test_walls_hold_minima_and_passes():
    slope = landscape_of("x + y**2", [-1.0, -1.0], [1.0, 1.0])
    (held,) = slope.minima
    assert held.on_boundary
    assert held.position == pytest.approx((-1.0, 0.0), abs=1e-10)
    assert held.wall_slopes == pytest.approx((1.0,))
    assert held.wall_normals == ((-1.0, 0.0),)
    assert held.hessian_eigenvalues == pytest.approx((2.0,))
    (corner,) = landscape_of("x + 2*y", [-1.0, -1.0], [1.0, 1.0]).minima
    assert corner.position == (-1.0, -1.0)
    assert corner.wall_slopes == (1.0, 2.0)
    along = landscape_of("(x**2 - 1)**2 + y*(2 - x**2)", [-2.0, -1.0], [2.0, 1.0])
    assert [m.on_boundary for m in along.minima] == [True, True]
    assert [s.on_boundary for s in along.saddles] == [True]
    assert along.saddles[0].joins == (0, 1)
    assert along.barriers[1] == pytest.approx(0.25, abs=1e-10)


def test_curved_wall_holds_minima():
    def disc(x):
        return np.sum(x**2, axis=0) <= 1.003**2

    found = landscape_of("-x**2/2 + y**2/2", [-1.003, -1.003], [1.003, 1.003], inside=disc)
    assert not found.frame.box
    assert np.allclose(places(found.minima), [(-1.003, 0.0), (1.003, 0.0)], atol=1e-6)
    assert [m.on_boundary for m in found.minima] == [True, True]
    assert found.minima[0].hessian_eigenvalues == pytest.approx((2.0,), rel=1e-3)  # f = -1.003^2 cos(2 t)/2
    assert [s.joins for s in found.saddles] == [(0, 1)]
    source = landscape_of("-x**2/2 - y**2/2", [-1.0, -1.0], [1.0, 1.0], inside=lambda x: np.sum(x**2, axis=0) <= 1.0)
    assert len(source.minima) == 1
    assert source.minima[0].degenerate


def test_minimum_on_a_wall_without_slope_is_ordinary():
    found = landscape_of("(x**2 - 1)**2/4 + y**2/2", [-2.0, 0.0], [2.0, 1.5])
    assert [m.on_boundary for m in found.minima] == [True, True]
    assert found.minima[0].wall_slopes == (0.0,)
    assert found.minima[0].hessian_eigenvalues == pytest.approx((1.0, 2.0))


class Crest:
    """||x| - 1.01|: no derivative at its minima nor at its crest."""

    def value(self, x):
        return np.abs(np.abs(x[0]) - 1.01)

    def gradient(self, x):
        return np.array([np.sign(np.abs(x[0]) - 1.01) * np.sign(x[0])])

    def hessian(self, x):
        return np.zeros((1, 1, x.shape[1]))


def test_a_function_with_kinks_keeps_its_minima_and_its_pass():
    found = find_landscape(Crest(), *sample_box([-2.0], [2.0]))
    assert np.allclose(np.sort(places(found.minima)[:, 0]), [-1.01, 1.01], atol=1e-9)
    assert [s.joins for s in found.saddles] == [(0, 1)]
    assert found.saddles[0].value == pytest.approx(1.01, abs=1e-3)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_wells_on_creases_beside_a_saddle_on_the_graph(slope):
    """Wells at |s| = 0.01 - 3 s^2, s = x + slope y, narrower than the graph, which takes the saddle for a minimum."""
    s = f"(x + {slope}*y)"
    found = landscape_of(f"max(abs({s}), 0.01 - 3*{s}**2) + y**2", [-2.0, -2.0], [2.0, 2.0])
    place = (np.sqrt(1.0 + 4.0 * 3.0 * 0.01) - 1.0) / 6.0
    assert np.allclose(np.sort(places(found.minima)[:, 0]), [-place, place], atol=1e-8)
    assert np.allclose([minimum.value for minimum in found.minima], place, rtol=1e-12)
    assert found.saddles[0].joins == (0, 1)
    assert found.saddles[0].value == pytest.approx(0.01, abs=1e-12)


def test_two_wells_as_deep_on_one_crease_are_two():
    """Its slope on the crease itself is that of sign(0): they were taken for one plateau, and one was left out."""
    found = landscape_of("5*(x**2 - 1)**2 + 20*abs(y - 0.1234)", [-2.0, -1.5], [2.0, 1.5])
    np.testing.assert_allclose(places(found.minima), [[-1.0, 0.1234], [1.0, 0.1234]], atol=1e-9)
    assert len(landscape_of("20*abs(y - 0.1234)", [-2.0, -1.5], [2.0, 1.5]).minima) == 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("abs(x + 0.3*y)*3 + (y - 0.4)**2 + 0.2*x", (-0.129, 0.43)),
        ("abs(x - 0.7*y) + abs(y + 0.2*x - 0.1)", (0.07 / 1.14, 0.1 / 1.14)),
    ],
)
def test_the_bottom_of_a_crease_that_no_axis_leads_down(text, place):
    found = landscape_of(text, [-2.0, -2.0], [2.0, 2.0])
    assert np.allclose(places(found.minima), [place], atol=1e-8)


def test_wells_on_a_turned_crease_in_space_are_two():
    """The one was left out for a plateau of the other."""
    well = "((0.8*x + 0.6*y)**2 - 1)**2/4 + abs(0.8*y - 0.6*x - 0.1 + 0.3*z) + z**2/2"
    found = landscape_of(well, [-2.0] * 3, [2.0] * 3, per_axis=21)
    exact = [(-0.86, -0.52, 0.0), (0.74, 0.68, 0.0)]
    np.testing.assert_allclose(sorted(map(tuple, places(found.minima))), exact, atol=1e-10)
    assert len(found.saddles) == 1


@pytest.mark.slow
@pytest.mark.parametrize("angle", [0.3, 0.5, 1.0])
def test_wells_on_a_turned_crease_of_a_python_function(angle):
    """Differences across a crease made all of it look smooth: minima were up to 0.1 off, and more than there are."""
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    def height(x):
        u, v = turned @ x
        return (u**2 - 1) ** 2 / 4 + np.abs(v - 0.1234)

    found = find_landscape(Potential(height, dimension=2), *sample_box([-2.0, -2.0], [2.0, 2.0], 13))
    exact = (turned.T @ [[-1.0, 1.0], [0.1234, 0.1234]]).T
    order = np.argsort((turned @ places(found.minima).T)[0])
    np.testing.assert_allclose(places(found.minima)[order], exact, atol=1e-11)
    assert len(found.saddles) == 1
    assert all(0.0 < minimum.uncertainty < 1e-10 for minimum in found.minima)
    assert np.allclose([minimum.hessian_eigenvalues for minimum in found.minima], [(0.0, 2.0)], atol=1e-3)


def test_scattered_mesh_gives_the_same_landscape():
    from scipy.spatial import Delaunay

    rng = np.random.default_rng(7)
    points = np.concatenate([rng.uniform(-2.0, 2.0, (3000, 2)), [(-2.0, -2.0), (2.0, -2.0), (-2.0, 2.0), (2.0, 2.0)]])
    cells = Delaunay(points).simplices
    edges = np.unique(np.sort(np.concatenate([cells[:, [0, 1]], cells[:, [0, 2]], cells[:, [1, 2]]]), axis=1), axis=0)
    found = find_landscape(Potential("(x**2 - 1)**2/4 + y**2/2 + 0.1*x"), points, edges)
    assert [len(found.minima), len(found.saddles)] == [2, 1]
    assert found.minima[0].position[0] == pytest.approx(-1.0466805318046, abs=1e-10)


def test_points_where_the_function_is_infinite_are_left_out():
    with np.errstate(all="ignore"):
        potential = Potential(lambda x: np.where(x[0] > 0, x[0] - np.log(np.abs(x[0])), np.inf))
        found = find_landscape(potential, *sample_box([0.0], [4.0], 801))
    assert found.minima[0].position[0] == pytest.approx(1.0, abs=1e-6)


def test_no_value_is_asked_for_beyond_the_box():
    """Newton's method leaves it towards critical points beyond, where coefficients may be anything.

    An exponent that is integrated along lines ended there in an error, though nothing was the matter in the box.
    """
    potential, asked = Potential("(x**2 - 4.2)**2 + y**2"), []

    class Listening:
        gradient, hessian = potential.gradient, potential.hessian

        def value(self, x):
            asked.append(np.abs(x).max())
            return potential.value(x)

    found = find_landscape(Listening(), *sample_box([-2.0, -2.0], [2.0, 2.0]))
    assert len(found.minima) == 2  # on the walls; those without them are at 2.05
    assert max(asked) <= 2.0 + 1e-9


def test_scaling_multiplies_values_and_curvatures():
    found = landscape_of("(x**2 - 1)**2/4 + x/10", [-2.0], [2.0])
    scaled = found.scaled(20.0)
    assert scaled.barriers[1] == pytest.approx(20.0 * found.barriers[1])
    assert scaled.minima[0].hessian[0][0] == pytest.approx(20.0 * found.minima[0].hessian[0][0])
    assert [s.joins for s in scaled.saddles] == [(0, 1)]


def test_shifting_the_potential_changes_no_barrier():
    low = landscape_of("(x**2 - 1)**2/4 + x/10", [-2.0], [2.0])
    high = landscape_of("(x**2 - 1)**2/4 + x/10 + 1000", [-2.0], [2.0])
    assert high.barriers[1] == pytest.approx(low.barriers[1], abs=1e-11)


def test_merge_tree_of_a_row_of_wells():
    row = chain([0.0, 1.0, 2.0, 3.0], [5.0, 2.5, 4.0])
    assert row.barriers == (np.inf, 4.0, 0.5, 1.0)
    assert [(m.survivor, m.absorbed) for m in row.merges] == [(1, 2), (1, 3), (0, 1)]
    assert row.communication_height(2, 3) == 4.0
    assert row.communication_height(0, 3) == 5.0
    assert row.communication_height(2, 2) == 2.0


def test_wells_that_nothing_joins_never_merge():
    apart = chain([0.0, 1.0], [])
    assert apart.barriers == (np.inf, np.inf)
    assert apart.communication_height(0, 1) == np.inf


@pytest.mark.parametrize(
    ("text", "lower", "upper", "limit"),
    [
        ("(x**2 - 1)**2/4", [-2.0], [2.0], 1.0),
        (MUELLER_BROWN, [-1.5, -0.2], [1.2, 2.0], 1.0),
        ("(x**2 - 1)**2/4 + y**2/2 + z**2/2", [-2.0, -1.5, -1.5], [2.0, 1.5, 1.5], 5.0),
    ],
)
def test_the_search_is_quick(text, lower, upper, limit):
    potential = Potential(text)
    points, edges = sample_box(lower, upper)
    find_landscape(potential, points[:2], edges[:0])  # imports and first evaluation
    start = time.process_time()
    find_landscape(potential, points, edges)
    assert time.process_time() - start < 3.0 * limit
