"""Where lines cross a separatrix in space: right, in few questions to the flow, and none of them put twice."""

import numpy as np
import pytest

from fokker_planck.landscape.basins import line_search
from fokker_planck.landscape.basins.line_search import Asked, by_flow
from fokker_planck.landscape.basins.lines import Lines
from fokker_planck.landscape.basins.membership import BasinMap
from fokker_planck.landscape.basins.weighted_cells import StraightCells
from fokker_planck.landscape.finding.search import find_landscape, sample_box
from fokker_planck.model.potential import Potential

NARROW_AND_WIDE = (
    "0.15*(x**2 + y**2 + z**2) - 1.06*exp(-((x - 0.46)**2 + (y + 0.26)**2 + (z + 0.98)**2)/0.14)"
    " - 0.52*exp(-((x + 0.96)**2 + (y - 0.66)**2 + (z + 0.55)**2)/0.31)"
)
"""Its separatrix is not flat, and times to its wells are of another order from each side."""


@pytest.fixture(scope="module")
def wells():
    potential = Potential(NARROW_AND_WIDE)
    landscape = find_landscape(potential, *sample_box([-2.0] * 3, [2.0] * 3))
    assert len(landscape.minima) == 2
    return BasinMap(landscape, potential, 1e-7)


def _lines():
    """Forty lines through a large cell, from one of its corners."""
    corners = np.array([[[-1.6, 1.2, -1.1], [1.0, -1.5, -1.7], [1.0, 0.1, -1.3], [1.3, -0.2, -0.8]]])
    to = np.random.default_rng(3).dirichlet(np.ones(3), 40)
    start = np.tile([1.0, 0.0, 0.0, 0.0], (40, 1))
    stop = np.c_[0.0 * to[:, 0], to]
    return Lines(StraightCells(corners, lambda x: 0.0 * x[0]), np.zeros(40, dtype=int), start, stop)


def _counted(monkeypatch):
    asked, told = [], line_search.with_margin

    def with_margin(label, points):
        asked.append(len(points))
        return told(label, points)

    monkeypatch.setattr(line_search, "with_margin", with_margin)
    return asked


def test_lines_cross_where_bisection_finds_it_in_few_questions_and_none_twice(wells, monkeypatch):
    lines, resolution, known, count = _lines(), np.full(40, 1e-3), Asked(), _counted(monkeypatch)
    labels = np.stack([wells(lines.at(t).T) for t in np.array([[0.0], [1.0]]) * np.ones(40)], axis=1)
    found = by_flow(wells, lines, labels, resolution, known)
    low, high = np.zeros(40), np.ones(40)
    for _ in range(13):
        middle = 0.5 * (low + high)
        before = wells(lines.at(middle).T) == labels[:, 0]
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    assert np.abs(found - 0.5 * (low + high)).max() < 1e-3
    # bisection takes 12, and one for each end; guesses that creep from one end take more than twice as many
    assert sum(count) / 40 < 14.0
    count.clear()
    np.testing.assert_array_equal(by_flow(wells, lines, labels, resolution, known), found)
    assert sum(count) == 0
    # with more accuracy they go on from where they were
    by_flow(wells, lines, labels, 0.1 * resolution, known)
    assert 0 < sum(count) / 40 < 7.0


def test_margins_are_of_one_size_on_both_sides(wells):
    saddle = wells.landscape.saddles[0]
    across = np.array(saddle.unstable_direction)[:, None]
    along = saddle.x[:, None] + np.array([[0.0], [0.4], [-0.3]])
    x = np.concatenate([along - 1e-3 * across, along + 1e-3 * across], axis=1)
    middle = 0.5 * np.subtract(*wells.with_margin(x)[1])  # the separatrix may be a little to one side
    assert abs(middle) < 0.2 * wells.with_margin(x)[1].mean()
