"""Conjugate gradients on the stars of vertices beside the direct factorisation: the same digits, however small."""

import math
from functools import cache

import numpy as np
import pytest

pytest.importorskip("mpi4py")

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.algebra import conjugate_gradients, iterated_solve, static_condensation, vertex_stars
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.fem.work import counted
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.model.reversibility.potential_of_density import detailed_balance
from fokker_planck.solvers.condensation.wells import condense, well_nodes

COSINE, SINE = math.cos(0.5), math.sin(0.5)
V = f"(({COSINE}*x + {SINE}*y)**2 - 1)**2/4 + ({COSINE}*y - {SINE}*x)**2/2 + z**2"
EVERYTHING = 10**9


@cache
def grid(degree):
    """One for both ways: on several ranks a second one may number its unknowns otherwise."""
    axes = [np.linspace(-1.5, 1.5, 8), np.linspace(-1.2, 1.2, 6), np.linspace(-0.5, 0.5, 3)]
    return discretize(grid_triangulation(axes, [False] * 3), degree)


def condensed(monkeypatch, direct, noise=0.05, degree=4):
    """The wells of the quartic well in space, turned, on a grid that both ways follow, and the work done."""
    monkeypatch.setattr(static_condensation, "DIRECT", direct)
    discretization = grid(degree)
    balance = detailed_balance(Overdamped(Potential(V), fp.Isotropic(noise)), 3, discretization.nodes.T)
    generator = assemble(discretization, balance)
    places = np.array([[-COSINE, -SINE, 0.0], [COSINE, SINE, 0.0]])
    with counted() as tally:
        return condense(generator, well_nodes(discretization, places), [], 1.0), tally.work


@pytest.mark.mpi
@pytest.mark.parametrize("degree", [2, 4])
def test_every_entry_of_a_potential_is_that_of_the_direct_solve(monkeypatch, degree):
    iterated, work = condensed(monkeypatch, 0, degree=degree)
    direct, _ = condensed(monkeypatch, EVERYTHING, degree=degree)
    assert work.iterations > 0
    # the sums are taken in another order, and currents between wells are the one thing that has to have its digits
    off = ~np.eye(2, dtype=bool)
    assert np.abs(np.expm1(iterated.couplings.logs - direct.couplings.logs))[off].max() < 1e-11
    assert iterated.slowest_inside == pytest.approx(direct.slowest_inside, rel=1e-3)
    for here, there in zip(iterated.right, direct.right, strict=True):
        known = np.isfinite(there.logs)
        assert there.logs[known].min() < -20.0
        assert np.abs(np.expm1(here.logs - there.logs))[known].max() < 1e-6


@pytest.mark.mpi
@pytest.mark.parametrize("planted", [("MOST_STEPS", 30), ("SOLVED", 0.0), ("ROUNDED", 0.0)])
def test_what_does_not_converge_is_factored_after_all(monkeypatch, caplog, planted):
    monkeypatch.setattr(conjugate_gradients, *planted)
    with caplog.at_level("INFO"):
        iterated, work = condensed(monkeypatch, 0, degree=2)
    assert "unknowns are factored instead" in caplog.text
    direct, of_direct = condensed(monkeypatch, EVERYTHING, degree=2)
    assert (work.factorisations, of_direct.factorisations) == (2, 1)
    off = ~np.eye(2, dtype=bool)
    assert np.abs(np.expm1(iterated.couplings.logs - direct.couplings.logs))[off].max() < 1e-12


def test_what_is_too_large_to_be_factored_is_refused(monkeypatch):
    monkeypatch.setattr(conjugate_gradients, "MOST_STEPS", 5)
    monkeypatch.setattr(iterated_solve, "LARGEST_FACTOR", 100)
    with pytest.raises(ConvergenceError, match="did not converge in 5 steps, and .* too many to be factored"):
        condensed(monkeypatch, 0)


def test_stars_are_shared_out_evenly():
    mine = np.array([[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]])

    class TwoRanks:
        size = 2

        def allgather(self, cells):
            return [cells, cells[::-1]]

    owners = vertex_stars.star_owners(TwoRanks(), mine, 7)
    cells = np.bincount(mine.ravel(), minlength=7)
    assert cells[owners == 0].all()
    assert cells[::-1][owners == 1].all()
    work = (cells + cells[::-1]) ** 2
    assert abs(work[owners == 0].sum() - work[owners == 1].sum()) <= work.max()


@pytest.mark.slow
@pytest.mark.parametrize("barrier", [100.0])
def test_an_exit_time_is_the_same_in_both_ways(monkeypatch, barrier):
    found = []
    for direct in (0, EVERYTHING):
        monkeypatch.setattr(static_condensation, "DIRECT", direct)
        process = fp.Overdamped(fp.Potential(V), fp.Isotropic(0.25 / barrier))
        problem = fp.Problem(process, fp.Box([-2.0] * 3, [2.0] * 3), resolution=fp.Resolution(tolerance=1e-2))
        found.append(fp.mean_exit_time(problem, [-COSINE, -SINE, 0.0], fp.HalfSpace([COSINE, SINE, 0.0], 1.0)))
    iterated, direct = found
    assert iterated.statistics.work.iterations > 0
    assert direct.statistics.work.iterations == 0
    assert iterated.mean.log == pytest.approx(direct.mean.log, abs=1e-9)
