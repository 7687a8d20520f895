"""Cells in a row as resistors in series: the matrix on their ends, eliminated without a subtraction.

With the unknowns inside of cells eliminated a cell is one conductance between its ends, since its matrix maps the
constant function to zero: one number tells all of it.  With the rates r_ij at which i is left for its neighbour j, and
k_i for what is no unknown,

    r_jl <- r_ji r_il / d_i,      k_j <- k_j + r_ji k_i / d_i,      d_i = k_i + sum_j r_ij,

eliminates i.  A factor of the matrix itself would find d_i as a difference of conductances: beside a layer 1e-9 wide in
which D is 1e6 times larger, 1e12 times what leads to the target, four digits of a mean time were left, and two on a
finer mesh.  Here every entry of the solution for a load of one sign is known to rounding.

Every other unknown is eliminated at once, then every other one of the rest, down to one. With an inverse of the last
128 a vector takes half the time, but where next to nothing leads away differences of neighbours lose a digit or two.

Source: Grassmann, Taksar and Heyman, Oper. Res. 33 (1985) 1107; Hockney, J. ACM 12 (1965) 95, for the order.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import work
from fokker_planck.fem.discretization import Discretization
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass

STEEPEST = 1400.0
"""Of an exponent between neighbours, so that the root of its exponential is a double."""
LEAST_LEFT = 1e-10
"""Of an entry, what the elimination of what is inside leaves at least where it tells a conductance: cells across which
an exponent changes by 100, far up a wall, leave rounding of any sign, and are what their matrix says."""
LOST = "the noise in a part of the domain so differs from that beside it that no flow between them can be computed"


@dataclass(frozen=True)
class Conductances:
    """What cells are between their ends, (m, 2) each: ``coupling`` (m,) is -A_12 in scaled unknowns.

    ``leaving`` are the rates r_12 and r_21, ``held`` what leads to neither: where an unknown inside is
    held, or what a mass takes.
    """

    coupling: Floats
    leaving: Floats
    held: Floats


def conductances(schur: Floats, diagonal: Floats, exponent: Floats, lost: Floats, held: Booleans) -> Conductances:
    """Of the matrices on the ends of cells, ``schur`` (m, 2, 2), with the ``exponent`` (m, 2) psi there.

    What is ``lost`` at an end, for none of the other, (m, 2), is known by itself.  Of the rest one entry of three tells
    the others: that of the end where the elimination of what is inside has taken least of the ``diagonal`` (m, 2) that
    was there before.  Cells in which an unknown is ``held`` (m,) are as they are.
    """
    whole = np.einsum("cii->ci", schur)
    ends = np.where(held[:, None], whole, whole - lost)
    left = ends / diagonal
    best, held = np.argmax(left, axis=1)[:, None], held | ~(left.max(axis=1) > LEAST_LEFT)
    slope = np.clip(exponent - exponent[:, ::-1], -STEEPEST, STEEPEST)
    told = np.take_along_axis(ends, best, axis=1)
    # A_12 = -A_11 c_1/c_2, c being the constant function in scaled unknowns
    coupling = np.where(held, -schur[:, 0, 1], (told * np.exp(-0.5 * np.take_along_axis(slope, best, axis=1)))[:, 0])
    leaving = coupling[:, None] * np.exp(0.5 * slope)
    np.put_along_axis(leaving, best, np.where(held[:, None], np.take_along_axis(leaving, best, axis=1), told), axis=1)
    return Conductances(coupling, leaving, np.where(held[:, None], whole - leaving, lost))


@dataclass(frozen=True)
class Stage:
    """Unknowns that are eliminated at once, every other one in a row of ``size``: ``pivots``, and both couplings."""

    size: int
    pivots: Floats
    before: Floats
    after: Floats

    def down(self, load: Floats) -> tuple[Floats, Floats]:
        """What the load (k, n) of what is eliminated leaves for the rest, and its own part."""
        there, rest = load[:, 1::2], load[:, 0::2].copy()
        share, beside = there / self.pivots, (self.size - 1) // 2
        count = self.size // 2
        rest[:, :count] += self.before * share
        rest[:, 1 : beside + 1] += self.after[:beside] * share[:, :beside]
        if beside < count:
            rest[:, 0] += self.after[-1] * share[:, -1]
        return rest, there

    def up(self, rest: Floats, there: Floats) -> Floats:
        """The whole solution from that of the rest."""
        whole, beside = np.empty((len(rest), self.size)), (self.size - 1) // 2
        count = self.size // 2
        whole[:, 0::2] = rest
        flow = there + self.before * rest[:, :count]
        flow[:, :beside] += self.after[:beside] * rest[:, 1 : beside + 1]
        if beside < count:
            flow[:, -1] += self.after[-1] * rest[:, 0]
        whole[:, 1::2] = flow / self.pivots
        return whole


@dataclass(frozen=True)
class LineChain:
    """The matrix of cells in a row, or around a ring, factored; ``order`` (n,) are its unknowns along the line."""

    order: Integers
    stages: tuple[Stage, ...]
    last: float

    def solve(self, right: Floats, *, adjoint: bool = False) -> Floats:
        """A^-1 times vectors (n,) or (k, n); the adjoint is the same."""
        load, loads = np.atleast_2d(right)[:, self.order], []
        for stage in self.stages:
            load, there = stage.down(load)
            loads.append(there)
        found = load / self.last if load.size else load
        for stage, there in zip(reversed(self.stages), reversed(loads), strict=True):
            found = stage.up(found, there)
        result = np.empty_like(found)
        result[:, self.order] = found
        work.done(solves=len(result))
        if not np.isfinite(result).all():
            raise ConvergenceError("linear solve with numbers beyond double precision", "more noise")
        return result.reshape(right.shape)


@dataclass(frozen=True)
class Row:
    """Unknowns in a row: ``killed`` is k; ``coupling``, ``onward`` and ``back`` lead from each to the next, (n,) each.

    From the last to the first where it is a ring; zero if it is none.
    """

    killed: Floats
    coupling: Floats
    onward: Floats
    back: Floats

    def without_every_other(self) -> tuple[Stage, Row]:
        """The second, the fourth and so on eliminated."""
        size = len(self.killed)
        odd, even = slice(1, None, 2), slice(0, size - 1, 2)
        pivots = self.killed[odd] + self.back[even] + self.onward[odd]
        if not ((pivots != 0.0) & np.isfinite(pivots)).all():
            raise ConvergenceError(LOST, "a D that varies less, or more noise where it is small")
        stage = Stage(size, pivots, self.coupling[even], self.coupling[odd])
        before, after = slice(0, size - 1, 2), np.arange(2, size + 1, 2) % size
        killed, share = self.killed.copy(), self.killed[odd] / pivots
        killed[before] += self.onward[even] * share
        killed[after] += self.back[odd] * share
        joined = [
            np.append(way[even] * (way[odd] / pivots), way[size - 1 :] if size % 2 else [])
            for way in (self.coupling, self.onward, self.back)
        ]
        return stage, Row(killed[0::2], *joined)


def line_chain(discretization: Discretization, numbers: Integers, cells: Conductances, kept: Integers) -> LineChain:
    """Eliminate all unknowns, ``kept`` (n,) of those of the mesh; ``numbers`` (m, 2) are those of the ends of cells.

    Raises ``ConvergenceError`` where nothing leads from a part of the line to what is no unknown.
    """
    places = discretization.nodes[kept, 0]
    order = np.argsort(places, kind="stable")
    rank = np.append(np.argsort(order, kind="stable"), -1)  # the last is that of what is no unknown
    row, stages = _in_a_row(len(kept), *_of_all_ranks(discretization, rank[numbers], cells)), []
    while len(row.killed) > 1:
        stage, row = row.without_every_other()
        stages.append(stage)
    last = float(row.killed[0]) if len(row.killed) else 1.0
    if last == 0.0 or not np.isfinite(last):
        raise ConvergenceError(LOST, "a D that varies less, or more noise where it is small")
    work.done(factorisations=1)
    return LineChain(order, tuple(stages), last)


def _of_all_ranks(discretization: Discretization, ends: Integers, cells: Conductances) -> tuple[Integers, Conductances]:
    """Places of the ends of cells, and what these conduct, of all processes."""
    if discretization.comm.size == 1:
        return ends, cells
    gathered = discretization.comm.allgather((ends, cells.coupling, cells.leaving, cells.held))
    every = [np.concatenate(each) for each in zip(*gathered, strict=True)]
    return every[0], Conductances(*every[1:])


def _in_a_row(size: int, ends: Integers, cells: Conductances) -> Row:
    """What the cells are to their ends, which stand at these places of the row; -1 for what is no unknown."""
    inner, leaving = (ends >= 0).all(axis=1), cells.leaving
    lost = cells.held + np.where(inner[:, None], 0.0, leaving)
    own = ends >= 0
    killed = np.bincount(ends[own], weights=lost[own], minlength=size)
    forward, backward = (ends[inner, 1] - ends[inner, 0] == way for way in (1, -1))
    # a cell across the seam of a ring leads from the last to the first
    turned = backward | (~forward & (ends[inner, 1] > ends[inner, 0]))
    first = np.where(turned, ends[inner, 1], ends[inner, 0])
    itself = ends[inner, 0] == ends[inner, 1]
    columns = np.where(turned[:, None], leaving[inner][:, ::-1], leaving[inner])
    each = (cells.coupling[inner], columns[:, 0], columns[:, 1])
    onward = [np.bincount(first, weights=np.where(itself, 0.0, part), minlength=size) for part in each]
    return Row(killed, *onward)
