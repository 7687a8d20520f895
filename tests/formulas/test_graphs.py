"""Small graphs without scipy are what scipy makes of them."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial import cKDTree

from fokker_planck.formulas import graphs
from fokker_planck.landscape.minimax import climb_heights

GENERATOR = np.random.default_rng(4)


@pytest.mark.parametrize(("count", "edges"), [(50, 30), (400, 300), (2000, 1999), (7, 0)])
def test_components(count, edges):
    first, second = GENERATOR.integers(0, count, (2, edges))
    exact = connected_components(coo_matrix((np.ones(edges), (first, second)), shape=(count, count)), directed=False)[1]
    np.testing.assert_array_equal(graphs.components(first, second, count), exact)
    path = GENERATOR.permutation(count)
    assert set(graphs.components(path[:-1], path[1:], count)) == {0}


@pytest.mark.parametrize("neighbours", [1, 4, 30])
def test_nearest_points_and_those_out_of_reach(neighbours, monkeypatch):
    points, wanted = GENERATOR.random((30, 2)), GENERATOR.random((40, 2))
    found = graphs.nearest(points, wanted, neighbours, 0.3)
    exact = cKDTree(points).query(wanted, k=neighbours, distance_upper_bound=0.3)
    np.testing.assert_allclose(found[0], exact[0].reshape(40, -1), rtol=1e-14)
    np.testing.assert_array_equal(found[1], exact[1].reshape(40, -1))
    monkeypatch.setattr(graphs, "MOST_PAIRS", 0)
    np.testing.assert_array_equal(found[1], graphs.nearest(points, wanted, neighbours, 0.3)[1])


@pytest.mark.parametrize("periods", [[None, None], [1.0, None], [1.0, 1.0]])
def test_pairs_also_around_periods(periods, monkeypatch):
    points = GENERATOR.random((60, 2))
    found = graphs.pairs_within(points, 0.1, periods)
    monkeypatch.setattr(graphs, "MOST_PAIRS", 0)
    other = graphs.pairs_within(points, 0.1, periods)
    assert len(found) > 20
    assert {tuple(sorted(pair)) for pair in found.tolist()} == {tuple(sorted(pair)) for pair in other.tolist()}


def test_trees_and_climbs_over_them():
    count, values = 300, GENERATOR.random(300)
    edges = np.unique(np.sort(GENERATOR.integers(0, count, (600, 2)), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    heights = GENERATOR.random(len(edges))
    kept = graphs.spanning_tree(edges[:, 0], edges[:, 1], heights, count)
    exact = minimum_spanning_tree(coo_matrix((heights, (edges[:, 0], edges[:, 1])), shape=(count, count)))
    assert heights[kept].sum() == pytest.approx(exact.sum(), rel=1e-12)
    sources = np.zeros(count, dtype=bool)
    sources[[3, 70]] = True
    by_hand = climb_heights(values, edges, sources)
    lowest = graphs.spanning_tree(edges[:, 0], edges[:, 1], values[edges].max(axis=1), count)
    # least of the highest edges on the way, by Bellman and Ford
    climbs = np.where(sources, values, np.inf)
    for _ in range(count):
        for a, b in ((edges[:, 0], edges[:, 1]), (edges[:, 1], edges[:, 0])):
            np.minimum.at(climbs, b, np.maximum(climbs[a], values[b]))
    np.testing.assert_array_equal(by_hand, climbs)
    np.testing.assert_array_equal(by_hand, climb_heights(values, edges[lowest], sources))
    assert np.isinf(by_hand).any()
