"""Wells on a line and a ring are joined in the order in which they lie, however many there are."""

import math

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.landscape.finding.along_a_line import next_minima
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Saddle


def rough(terms):
    """A sum of so many sines, with a well about every half of the shortest of their periods."""
    return "+".join(f"{math.sin(1.7 * k) / k:.6f}*sin({k}*x)" for k in range(1, terms + 1))


@pytest.mark.parametrize(
    "domain", [fp.Box([0.0], [2.0 * np.pi], "periodic"), fp.Box([-1.0], [4.0])], ids=["ring", "line"]
)
def test_neighbours_are_joined(domain):
    process = fp.Overdamped(fp.Potential(rough(20)), fp.Isotropic(0.2))
    found = fp.energy_landscape(fp.Problem(process, domain))
    places = np.array([minimum.position[0] for minimum in found.minima])
    order = np.argsort(places)
    neighbours = {frozenset(pair) for pair in zip(order, np.roll(order, -1), strict=True)}
    ring = domain.periods[0] is not None
    joined = [frozenset(saddle.joins) for saddle in found.saddles]
    assert len(joined) == len(set(joined)) == len(places) - (0 if ring else 1) > 7
    assert set(joined) <= neighbours


def points(cls, places, **more):
    """Critical points at those places of a line."""
    return [cls((place,), 0.0, ((1.0,),), (1.0,), "any", **more) for place in places]


def test_what_was_not_found_is_not_jumped_over():
    saddles = points(Saddle, [0.0, 2.0], unstable_direction=(1.0,))
    minima = points(CriticalPoint, [-1.0, 3.0])
    assert next_minima(saddles, minima, Frame((-2.0,), (4.0,), (None,))).tolist() == [[0, -1], [-1, 1]]
    assert next_minima(saddles[:1], minima[:1], Frame((-2.0,), (4.0,), (None,))).tolist() == [[0], [-1]]
    assert next_minima(saddles[:1], minima[:1], Frame((-2.0,), (4.0,), (6.0,))).tolist() == [[0], [0]]
