"""Eigenvalues without detailed balance that do not come from wells: all of a strip of the plane, from mesh to mesh.

Where a question is first put a strip is searched that holds all that is asked for (:mod:`~.strip_search`); on other
meshes what was found there is followed by shift and invert, for right and left eigenvectors.  An eigenvalue moves by
its condition |u| |z| / |z . M u| times what the matrix does; those that cannot be told apart for that are one cluster,
known by its mean (:mod:`~.eigenvalue_clusters`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import _petsc
from fokker_planck.fem.generator import Generator
from fokker_planck.fem.indicator import Mode, energy_errors
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode, checked
from fokker_planck.solvers.eigenvalues.eigenvalue_clusters import cluster_of, grouped
from fokker_planck.solvers.eigenvalues.pencil import SAME, Pencil, PencilMode
from fokker_planck.solvers.eigenvalues.strip_search import SLACK, Strip, all_in_strip

SHIFT = 0.05
"""Of the rate at which wells settle, below zero: the first shift."""
ROUNDING = 1e-13
"""What rounding changes a matrix by."""
MANY = 40
"""Eigenvalues near a real shift that take about as long as a shift of their own, in complex arithmetic."""
MOST_BESIDE = 6
"""Eigenvalues nearer to a shift of another one that cost less than a factorisation for a shift of their own."""
BESIDE = 0.1
"""How far from an eigenvalue its own shift is, over the distance to the next: some ten steps of a Krylov space."""
LEAST_APART = 0.01
"""Of an eigenvalue, its distance to the next as far as that of its shift goes: its equals are found with it."""
MOVED = 0.02
"""By how much real parts may move from the first mesh to the last; the strip is wider by more."""
LARGEST_CHANGE = 0.1
"""Of an eigenvalue, up to which what changes a matrix makes clusters of its eigenvalues."""


@dataclass(frozen=True)
class Plan:
    """What to follow: eigenvalues ``values`` (k,) of the closed upper half plane, in ``groups`` of indices.

    The real ones and their ``groups`` come with those of complex pairs of both signs, number k + j the conjugate of
    number j.  ``shifts`` are with the eigenvalues expected there by distance, ``places`` (k, 2) says at which shift and
    which of those an eigenvalue is.
    """

    values: Numbers
    groups: tuple[tuple[int, ...], ...]
    shifts: tuple[tuple[complex, Numbers], ...]
    places: tuple[tuple[int, int], ...]


NOTHING = Plan(np.zeros(0), (), (), ())


@dataclass(frozen=True)
class Followed:
    """What tells on the last mesh whether a plan still holds: its modes there, without their vectors."""

    plan: Plan
    modes: tuple[PencilMode, ...]


def searched(
    pencil: Pencil, slow: Sequence[Eigenmode], zeros: int, wanted: int, rate: float, fastest: float, change: float
) -> tuple[Plan, list[PencilMode]]:
    """All of the strip that holds zero and what is wanted but for the ``slow`` modes, and where to find it again.

    Parameters
    ----------
    pencil
        of the mesh that is searched.
    slow
        modes of wells, those of the reduced problem.
    zeros
        how many eigenvalues are exactly zero.
    wanted
        how many others are asked for.
    rate
        at which wells settle.
    fastest
        a bound on c . D^-1 c for the current's velocity c.
    change
        of the matrix, relative, by what is cut off.
    """
    strip = all_in_strip(pencil.nearest, pencil.bounded, zeros + wanted, SHIFT * rate, pencil.size - 2, fastest)
    plan = _placed(strip, without_slow(strip.values, zeros + sum(mode.times for mode in slow)))
    modes = found_again(pencil, plan)
    functions = [_mode(pencil.generator, m.right, m.left, m.value) for m in modes]
    errors = np.array([float(energy_errors(pencil.generator, [function]).sum()) for function in functions])
    return replace(plan, groups=_groups(modes, errors, change)), modes


def without_slow(values: Numbers, slow: int) -> Numbers:
    """The eigenvalues of a strip, pairs as one, without the smallest, so many of them; in the order that they have.

    Raises ``ConvergenceError`` where they cannot be told apart.
    """
    order = np.argsort(np.abs(values), kind="stable")
    counted = np.cumsum(np.where(values[order].imag > 0.0, 2, 1))
    first = int(np.searchsorted(counted, slow))
    if slow and (first == len(counted) or counted[first] != slow):
        raise ConvergenceError("slow and fast eigenvalues cannot be told apart", "a smaller count, or another degree")
    return values[np.sort(order[first + 1 :] if slow else order)]


def found_again(pencil: Pencil, plan: Plan) -> list[PencilMode]:
    """The modes that the plan names, on another mesh."""
    at_shifts = [
        pencil.modes(shift, known, [number for place, number in plan.places if place == k])
        for k, (shift, known) in enumerate(plan.shifts)
    ]
    return [at_shifts[shift][number] for shift, number in plan.places]


def _groups(modes: Sequence[PencilMode], errors: Floats, change: float) -> tuple[tuple[int, ...], ...]:
    """Which eigenvalues are one cluster for changes by the relative ``errors`` of each, and by that of the matrix."""
    both = [*modes, *(mode.mirrored for mode in modes)]
    values, conditions = np.array([m.value for m in both]), np.array([m.condition for m in both])
    moved = np.minimum(np.concatenate([errors, errors]) + conditions * change, LARGEST_CHANGE)
    whole = [k for k, mode in enumerate(both) if k < len(modes) or mode.value.imag != 0.0]
    found = grouped(values[whole], conditions[whole], (np.abs(values) * moved)[whole])
    return tuple(tuple(whole[k] for k in group) for group in found)


def eigenmodes(pencil: Pencil, plan: Plan, modes: Sequence[PencilMode], rate: float, change: float) -> list[Eigenmode]:
    """The modes of a mesh in the clusters of the plan: for every member the mean, with its own function.

    Each stands for one vector of a dual basis of its cluster.
    """
    generator = pencil.generator
    height, result = np.exp(0.5 * (generator.exponent - generator.lowest)), []
    both = [*modes, *(mode.mirrored for mode in modes)]
    for group in plan.groups:
        cluster = cluster_of(pencil, [both[k] for k in group])
        mean = cluster.mean
        if mean.imag < 0.0:
            continue
        if not mean.real > 0.0:
            found = f"an eigenvalue came out as {mean:.3g}, its real part not positive"
            raise ConvergenceError(found, _petsc.REMEDY)
        log = complex(np.log(mean.real), mean.imag / mean.real) if mean.imag else float(np.log(mean.real))
        size = (abs(mean) + rate) / mean.real
        no_less = cluster.condition * size * change + cluster.radius / mean.real
        several = cluster.summary if len(cluster.values) > 1 else None
        for vector, right, left in zip(cluster.vectors, cluster.right, cluster.left, strict=True):
            functions = [_mode(generator, right, left, mean)]
            result.append(Eigenmode(log, checked(vector * height), functions, no_less, several))
    return result


def stale(found: Followed, change: float) -> bool:
    """Whether the last mesh says otherwise than the plan: other clusters, or real parts beyond the strip."""
    plan, modes = found.plan, found.modes
    if not modes:
        return False
    groups = _groups(modes, np.zeros(len(modes)), change)
    if {frozenset(group) for group in groups} != {frozenset(group) for group in plan.groups}:
        return True
    now, before = np.array([mode.value.real for mode in modes]), plan.values.real
    return bool((np.abs(now - before) > MOVED * np.maximum(now, before)).any())


def _mode(generator: Generator, right: Numbers, left: Numbers, value: complex) -> Mode:
    """Of scaled eigenvectors with z . M u = 1, for an error relative to the real part."""
    height, dofs = np.exp(0.5 * (generator.exponent - generator.lowest)), generator.discretization.dofs
    log = float(np.log(max(abs(value.real), 1e-300)))
    return Mode((right * height)[dofs], (left * height)[dofs], log_whole=log)


def _placed(strip: Strip, values: Numbers) -> Plan:
    """The shift for every eigenvalue: the real one, unless many are nearer to it, or one of its own close by."""
    if not len(values):
        return NOTHING
    first = strip.discs[0]
    shifts, places = [(first.centre, first.values)], []
    for value in values:
        ranks = [
            _rank(known, value) if number else _rank(known[:MANY], value) for number, (_, known) in enumerate(shifts)
        ]
        if min(ranks) > MOST_BESIDE and ranks[0] >= MANY:
            disc = next(disc for disc in strip.discs if disc.holds(value, SLACK))
            beside = np.sort(np.abs(disc.values - value))
            apart = float(beside[1]) if len(beside) > 1 else abs(value)
            centre = value + 1j * BESIDE * max(apart, LEAST_APART * abs(value))
            shifts.append((centre, disc.values[np.argsort(np.abs(disc.values - centre), kind="stable")]))
            ranks.append(_rank(shifts[-1][1], value))
        shift = 0 if ranks[0] < MANY else int(np.argmin(ranks))
        places.append((shift, ranks[shift]))
    used = sorted({shift for shift, _ in places})
    most = {k: 1 + max(rank for shift, rank in places if shift == k) for k in used}
    return Plan(
        values,
        (),
        tuple((shifts[k][0], shifts[k][1][: most[k]]) for k in used),
        tuple((used.index(shift), rank) for shift, rank in places),
    )


def _rank(known: Numbers, value: complex) -> int:
    """The place of a value in a list that has it; beyond the list where it has not."""
    at = int(np.argmin(np.abs(known - value)))
    return at if abs(known[at] - value) <= SAME * abs(value) else MANY + len(known)
