"""What the offset of curved facets is of a function that vanishes on their surface: of a disc of another radius."""

from dataclasses import replace

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.surface_offsets import absorbing_facets, seen_facets
from fokker_planck.fem.triangulations.generation import ball_triangulation
from fokker_planck.fem.triangulations.refinement import refine

OFF = 1e-3


class Displaced:
    """A sphere that facets follow, and the level of a smaller one."""

    def __init__(self, dimension):
        self.project = fp.Ball([0.0] * dimension, 1.0).project
        self.level, self.gradient = (getattr(fp.Ball([0.0] * dimension, 1.0 - OFF), name) for name in LEVEL)


LEVEL = ("level", "gradient")


def seen(start, times, metric=None):
    dimension = len(start)
    mesh = ball_triangulation(fp.Ball([0.0] * dimension, 1.0))
    for _ in range(times):
        mesh = refine(mesh, np.ones(len(mesh.cells), dtype=bool), all_edges=True)
    mesh = replace(mesh, surfaces=(Displaced(dimension),))
    metric = np.eye(dimension) if metric is None else metric
    return seen_facets(mesh, absorbing_facets(mesh, "boundary", "boundary"), np.array(start), metric)


@pytest.mark.parametrize("radius", [0.0, 0.5, 0.9])
def test_mean_times_in_a_disc_change_by_what_poisson_says(radius):
    """d log (R^2 - r^2) / dR = 2 / (1 - r^2), which is the integral of the kernel over the circle."""
    found = seen([radius, 0.0], 4)
    assert found.shares.sum() == pytest.approx(OFF * 2.0 / (1.0 - radius**2), rel=0.01)
    assert found.distance == pytest.approx(1.0 - radius, rel=0.2)


def test_in_a_ball_from_its_centre():
    """The area 4 pi over 2 pi: 2 of the offset, as log (R^2 - r^2) has it."""
    assert seen([0.0, 0.0, 0.0], 2).shares.sum() == pytest.approx(2.0 * OFF, rel=0.05)


@pytest.mark.parametrize("distance", [0.03, 0.02])
def test_much_closer_than_facets_are_wide_it_is_the_offset_over_the_distance(distance):
    """Of one or two facets the most that it can be; noise twice as strong in both directions changes nothing."""
    start = [1.0 - distance, 0.0]
    some = seen(start, 1).shares.sum() * distance / OFF
    assert 1.0 <= some < 2.5
    assert seen(start, 1, np.sqrt(2.0) * np.eye(2)).shares.sum() * distance / OFF == pytest.approx(some, rel=1e-9)
