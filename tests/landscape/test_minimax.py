"""Heights that a path must climb, against the plain definition."""

import numpy as np
import pytest

from fokker_planck.landscape.minimax import climb_heights, passes_between


def by_relaxation(values, edges, sources):
    """Lower every height until no edge offers a lower path."""
    heights = np.where(sources, values, np.inf)
    while True:
        before = heights.copy()
        for a, b in np.concatenate([edges, edges[:, ::-1]]):
            heights[a] = min(heights[a], max(values[a], heights[b]))
        if np.array_equal(before, heights):
            return heights


@pytest.mark.parametrize("seed", range(6))
def test_heights_on_random_graphs(seed):
    random = np.random.default_rng(seed)
    count = 40
    values = random.normal(size=count).round(1 if seed % 2 else 6)  # with and without ties
    edges = random.integers(0, count, size=(60, 2))
    edges = np.unique(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1), axis=0)
    sources = random.random(count) < 0.1
    sources[0] = True
    assert climb_heights(values, edges, sources).tolist() == by_relaxation(values, edges, sources).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_passes_between_basins_are_enough(seed):
    random = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0.0, 9.0, 40), np.linspace(0.0, 6.0, 30), indexing="ij")
    values = (np.sin(x) * np.cos(2.0 * y) + 0.1 * random.normal(size=x.shape)).round(1 if seed % 2 else 6).ravel()
    number = np.arange(1200).reshape(40, 30)
    right, up = [number[:-1].ravel(), number[1:].ravel()], [number[:, :-1].ravel(), number[:, 1:].ravel()]
    edges = np.concatenate([np.stack(right, axis=1), np.stack(up, axis=1)])
    edges = edges[random.random(len(edges)) < 0.8]  # some vertices can be reached from nowhere
    places, goal = random.integers(0, 1200, 5), random.random(1200) < 0.05
    kept, few = passes_between(values, edges, places, [goal])
    here = np.searchsorted(kept, places)
    assert len(kept) < 700
    to_goal = climb_heights(values, edges, goal)
    assert climb_heights(values[kept], few, goal[kept])[here].tolist() == to_goal[places].tolist()
    for place, number in zip(places, here, strict=True):
        whole, reduced = (climb_heights(v, e, np.arange(len(v)) == k)
                          for v, e, k in ((values, edges, place), (values[kept], few, number)))  # fmt: skip
        assert reduced[here].tolist() == whole[places].tolist()


def test_negative_heights_and_what_cannot_be_reached():
    values = np.array([-5.0, -1.0, -3.0, -2.0])
    edges = np.array([[0, 1], [1, 2]])
    heights = climb_heights(values, edges, np.array([True, False, False, False]))
    assert heights.tolist() == [-5.0, -1.0, -1.0, np.inf]


def test_a_source_is_as_high_as_itself():
    values = np.array([3.0, 1.0, 2.0])
    edges = np.array([[0, 1], [1, 2]])
    assert climb_heights(values, edges, np.ones(3, dtype=bool)).tolist() == [3.0, 1.0, 2.0]


def test_a_double_well_on_a_grid():
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 61), np.linspace(-1.0, 1.0, 41), indexing="ij")
    values = ((x**2 - 1) ** 2 / 4 + y**2 / 2).ravel()
    number = np.arange(61 * 41).reshape(61, 41)
    edges = np.concatenate([
        np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1),
        np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1),
    ])  # fmt: skip
    heights = climb_heights(values, edges, x.ravel() >= 1.0)
    assert heights[number[10, 20]] == pytest.approx(0.25, abs=1e-12)  # x = -1, y = 0, over the saddle
    assert heights[number[55, 20]] == pytest.approx(values[number[55, 20]], abs=1e-12)
