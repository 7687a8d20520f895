"""The slow modes of a widened reduced problem, against all of its eigenvalues."""

import mpmath
import numpy as np
import pytest

from fokker_planck.solvers.condensation import extended_pairs, slow_subspace
from fokker_planck.solvers.condensation.extended_matrices import whole_of
from fokker_planck.solvers.condensation.slow_among_wells import slow_among_wells
from fokker_planck.solvers.condensation.slow_subspace import pairs_in_doubles, slow_pairs


def a_pencil(wells, inside, heights, fastest):
    """Rates between wells that are ``heights`` deep, beside modes from ``fastest`` on."""
    rng = np.random.default_rng(5)
    weights = np.exp(-np.asarray(heights) / 2)
    rates = rng.uniform(0.1, 1.0, (wells, wells)) * 1e-3
    flows = mpmath.matrix(wells, wells)
    for i in range(wells):
        for j in range(wells):
            if i != j:
                flows[i, j] = -mpmath.mpf(rates[i, j]) * weights[i] * weights[j]
        flows[i, i] = -mpmath.fsum(flows[i, j] * weights[i] / weights[j] for j in range(wells) if j != i)
    mass = np.eye(wells + inside) + 0.1 * rng.normal(size=(wells + inside,) * 2) / np.sqrt(inside)
    energy = np.diag(rng.uniform(fastest, 30.0 * fastest, inside)) + 0.1 * fastest * rng.normal(size=(inside, inside))
    return flows, mass, energy


@pytest.mark.parametrize(
    ("heights", "fastest"), [([0.0, 0.3, 0.1], 0.02), ([0.0, 0.3, 0.1], 1e-4), ([0.0, 80.0, 200.0], 0.5)]
)
def test_slow_modes_are_those_of_the_whole(heights, fastest, monkeypatch):
    flows, mass, energy = a_pencil(3, 6, heights, fastest)
    with mpmath.workdps(150):
        values, right, left = slow_pairs(flows, mass, energy)
        for way in ("slow_or_in_doubles", "beside_slow_inside"):
            monkeypatch.setattr(extended_pairs, way, lambda *pencil, **kind: None)
        expected = extended_pairs.general_pairs(flows, mass, energy)[0]
        for value, known in list(zip(values, expected, strict=False))[1:]:
            assert float(abs(value / known - 1)) < 1e-11
        columns, rows = mpmath.matrix(right).T, mpmath.matrix(left)
        unit = rows * mpmath.matrix(mass.tolist()) * columns - mpmath.eye(3)
        assert float(mpmath.mnorm(unit)) < 1e-10
        # relative to each: rows and columns that go with rates of e^-200 as well
        flow = rows * whole_of(flows, energy) * columns
        for k in range(1, 3):
            assert float(abs(flow[k, k] / values[k] - 1)) < 1e-10


def test_whether_it_settles_is_no_matter_of_the_last_digit():
    flows, mass, energy = a_pencil(3, 6, [0.0, 0.3, 0.1], 1e-4)
    last = np.random.default_rng(1)
    with mpmath.workdps(40):
        for _ in range(12):
            near = [matrix * (1.0 + 1e-16 * last.normal(size=matrix.shape)) for matrix in (mass, energy)]
            assert slow_pairs(flows, *near) is not None


def test_doubles_give_what_they_hold():
    flows, mass, energy = a_pencil(4, 8, [0.0, 1.0, 3.0, 5.0], 0.01)
    with mpmath.workdps(40):
        values, right, left = pairs_in_doubles(flows, mass, energy)
        # no rounding in their imaginary parts, by the sign of which one of a pair is chosen
        assert all(isinstance(value, mpmath.mpf) for value in values)
        expected, _, _ = slow_pairs(flows, mass, energy)
        assert [float(abs(value / known - 1)) < 1e-11 for value, known in zip(values, expected, strict=True)][1:] == [
            True
        ] * 3
        unit = mpmath.matrix(left) * mpmath.matrix(mass.tolist()) * mpmath.matrix(right).T - mpmath.eye(4)
        assert float(mpmath.mnorm(unit)) < 1e-10
    high, mass, energy = a_pencil(4, 8, [0.0, 1.0, 3.0, 40.0], 0.01)
    with mpmath.workdps(60):
        assert pairs_in_doubles(high, mass, energy) is None


def test_what_is_as_slow_inside_is_counted_with_the_wells():
    flows, mass, energy = a_pencil(3, 12, [0.0, 30.0, 1.0], 1.0)
    rng = np.random.default_rng(3)
    rates = [1.6e-4, 1.5e-4, 2e-3, *rng.uniform(1.0, 30.0, 9)]  # the first two beside 1.4e-4, between wells
    turned = np.eye(12) + 0.1 * rng.normal(size=(12, 12))
    energy, mass[3:, 3:] = (turned * rates) @ np.linalg.inv(turned), np.eye(12)
    with mpmath.workdps(60):
        assert slow_pairs(flows, mass, energy) is None
        values, right, left, _ = slow_subspace.beside_slow_inside(flows, mass, energy)
        columns, rows = mpmath.matrix(right).T, mpmath.matrix(left)
        unit = rows * mpmath.matrix(mass.tolist()) * columns - mpmath.eye(6)
        assert float(mpmath.mnorm(unit)) < 1e-12
        assert float(abs(values[0])) < 1e-25
        known, _ = mpmath.eig(mpmath.inverse(mpmath.matrix(mass.tolist())) * whole_of(flows, energy))
        for value, expected in list(zip(values, sorted(known, key=abs), strict=False))[1:]:
            assert float(abs(value / expected - 1)) < 1e-11


def test_what_a_deep_well_has_of_a_mode_of_shallow_ones_is_no_rounding():
    # of the slow mode of two wells 300 and 320 units of epsilon up the deepest has 1e-130, and rates are read from that
    heights = np.array([0.0, 300.0, 320.0])
    flows, mass, energy = a_pencil(3, 6, heights, 0.3)
    near = np.exp(-0.5 * np.abs(heights[:, None] - heights)) ** (1 - np.eye(3))
    apart = np.kron(np.ones((3, 3)), near)  # functions of one well in another
    mass, energy = mass * apart, energy * apart[3:, 3:]
    with mpmath.workdps(400):
        values, right, _ = slow_pairs(flows, mass, energy)
        found, vectors = mpmath.eig(mpmath.inverse(mpmath.matrix(mass.tolist())) * whole_of(flows, energy))
        order = sorted(range(9), key=lambda k: abs(found[k]))[:3]
        known = mpmath.matrix([[vectors[i, k] for k in order] for i in range(3)])
        known = known * mpmath.diag([found[k] for k in order]) * mpmath.inverse(known)
        columns = mpmath.matrix([column[:3] for column in right]).T
        chain = columns * mpmath.diag(values) * mpmath.inverse(columns)
        for k in range(3):
            for m in range(3):
                assert float(abs(chain[k, m] / known[k, m] - 1)) < 1e-9


@pytest.mark.parametrize("paired", [False, True])
def test_wells_as_fast_as_what_is_inside_are_counted_with_it(paired):
    flows, mass, energy = a_pencil(5, 9, [0.0, 60.0, 250.0, -3.0, -3.5], 1.0)
    for k in (3, 4):  # shallow ones, left as fast as the slowest inside: e^-4 and less of a rate of 30
        for j in (3, 4):
            flows[k, j] *= 1000
    if paired:  # a rotation among them
        flows[3, 4], flows[4, 3] = flows[3, 4] + 1, flows[4, 3] - 1
    with mpmath.workdps(150):
        assert slow_pairs(flows, mass, energy) is None
        known, _ = mpmath.eig(mpmath.inverse(mpmath.matrix(mass.tolist())) * whole_of(flows, energy))
        known = sorted(known, key=abs)
        values, right, left, _ = slow_among_wells(flows, mass, energy, 5e-3)
        assert len(values) == 3
        for value, expected in zip(values, known, strict=False):
            assert float(abs(value / expected - 1)) < 1e-11
        columns, rows = mpmath.matrix(right).T, mpmath.matrix(left)
        assert float(mpmath.mnorm(rows * mpmath.matrix(mass.tolist()) * columns - mpmath.eye(3))) < 1e-12
        flow = rows * whole_of(flows, energy) * columns
        for k in range(3):
            assert float(abs(flow[k, k] / values[k] - 1)) < 1e-10
        assert slow_among_wells(flows, mass, energy, np.inf) is None
