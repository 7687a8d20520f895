"""What a process decides where, as exponents: least actions between its states tell which places matter to an exit.

Nothing is decided where the process has come from one state and goes back to it, all but certainly.  With the least
actions V of :mod:`fokker_planck.landscape.least_action` the probability to arrive at a state s from x is exp(-V(x, s)),
that to have come from it exp(-(psi_s + V(s, x) - psi(x))), and the current from k to m runs through x with a share of
exp(-(V(k, x) + V(x, m) - V(k, m))), each but for a factor.  They tell what is cut; no reported number comes from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import numpy as np

from fokker_planck.fem.truncation.vertex_chain import LEAST_OF_SHARE, log_direct_parts
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.landscape.least_action import Actions, actions_on
from fokker_planck.quantity.light_dataclasses import dataclass

NEVER = 1e4
"""Stands for an infinite exponent."""


@dataclass(frozen=True)
class Exponents:
    """-log of what matters at the points of a ``grid``, (n,), and the states they lead ``to`` and ``came`` from, (n,).

    ``decided`` is the same without ways of currents on which nothing is decided.  ``names`` are those of the states;
    ``anchors`` (k, dim) places whose cells stay.
    """

    grid: GridFunction
    held: Floats
    decided: Floats
    to: Integers
    came: Integers
    names: tuple[str, ...]
    anchors: Floats


@dataclass(frozen=True)
class Ground:
    """What a process is on the points of a ``grid``: those that it reaches, ``counts`` (n,), and psi there, (n,).

    ``drift`` is b - div D at points (dim, n), ``tensor`` D there.
    """

    grid: GridFunction
    counts: Booleans
    psi: Floats
    drift: Callable[[Floats], Floats]
    tensor: Callable[[Floats], Floats]

    @cached_property
    def actions(self) -> Actions:
        """Least actions, the dearest of it, once for all questions."""
        return actions_on(self.grid, self.counts, self.drift, self.tensor)


def exponents(
    ground: Ground,
    targets: Mapping[str, Booleans],
    wells: Mapping[str, Floats],
    start: tuple[float, ...] | None,
    channels: bool,
    share: float,
) -> Exponents | None:
    """Of a question that ends in ``targets``; None where there are fewer than two states.

    What a current between two states decides at a point is the current there times the change of the probabilities to
    arrive and to have come, in units of all of it, times what that current matters: not of the whole current of a
    state, for beside an easy way out of a well the harder one is next to nothing of it, though all that gets to a
    target may have to go there, see :func:`~.vertex_chain.log_direct_parts`. With ``channels`` the way
    of the current counts whole: psi is the density but for a factor near one, which is not known.

    Parameters
    ----------
    ground
        the process.
    targets
        the points of the grid in each target, (n,); of two without a start, the question is about the ways between
        them, there and back.
    wells
        a place in each well, (dim,); those in a target are left away.
    start
        of an exit.
    channels
        whether the density is unknown.
    share
        ways that matter less than a part of it do not count.
    """
    points, psi, counts = ground.grid.points, ground.psi, ground.counts
    states, absorbing = _states(ground, targets, wells)
    if len(states) < 2:
        return None
    actions, sets = ground.actions, list(states.values())
    between = start is None and absorbing == 2
    origins = range(0 if between else absorbing, len(sets))
    levels = np.array([float(psi[members].min()) for members in sets])
    to = np.array([actions.to(members) for members in sets])
    # of the probability to have come from a state: the density there is exp(-psi)
    came = np.array([actions.out_of(members, psi) for members in sets])
    held = np.full(len(psi), NEVER)
    for state in origins:
        held = np.minimum(held, came[state] - levels[state])
    if between:
        # the time on the way, there and back: both questions are put on one mesh
        for first, second in ((0, 1), (1, 0)):
            under_way = came[first] + to[second]
            held = np.minimum(held, under_way - under_way[counts].min())
    if start is not None:
        held = np.minimum(held, _ways(actions, sets, to, _nearest(points, np.asarray(start), counts)))
    with np.errstate(invalid="ignore"):
        decided = np.fmin(held, _currents(psi, sets, to, came, origins, share))
        whole = np.fmin(held, _currents(psi, sets, to, came, origins, share, whole=True)) if channels else decided
    anchors = [points[:, members].T for members in sets[absorbing:]]
    anchors += [np.zeros((0, len(points)))] if start is None else [np.array([start])]
    whole, decided = (np.where(np.isnan(each) | ~counts, NEVER, each) for each in (whole, decided))
    owners = np.argmin(to, axis=0), np.argmin(came, axis=0)
    return Exponents(ground.grid, whole, decided, *owners, tuple(states), np.concatenate(anchors))


def _states(
    ground: Ground, targets: Mapping[str, Booleans], wells: Mapping[str, Floats]
) -> tuple[dict[str, Booleans], int]:
    """The points of every state, those of the targets first, and how many of these there are."""
    states = {name: members & ground.counts for name, members in targets.items() if (members & ground.counts).any()}
    taken, absorbing = np.zeros(len(ground.psi), dtype=bool), len(states)
    for members in states.values():
        taken |= members
    for name, place in wells.items():
        own = _nearest(ground.grid.points, place, ground.counts)
        if not (taken & own).any():
            states[name], taken = own, taken | own
    return states, absorbing


def _nearest(points: Floats, place: Floats, counts: Booleans) -> Booleans:
    distance = np.where(counts, ((points - np.asarray(place)[:, None]) ** 2).sum(axis=0), np.inf)
    return np.arange(len(distance)) == int(np.argmin(distance))


def _currents(
    psi: Floats,
    sets: Sequence[Booleans],
    to: Floats,
    came: Floats,
    origins: Sequence[int],
    share: float,
    *,
    whole: bool = False,
) -> Floats:
    """-log of the greatest share of a current from an origin to a state that is decided at a point, (n,).

    With its ``whole`` way up what only passes there counts, too.
    """
    count = len(sets)
    sizes = np.full((count, count), -np.inf)
    for k in origins:
        for m in range(count):
            if m != k:
                level = float(came[k, sets[m]].min())
                sizes[k, m] = sizes[m, k] = max(sizes[k, m], -level)
    matters = log_direct_parts(sizes)
    result = np.full(len(psi), np.inf)
    for k in origins:
        for m in range(count):
            level = float(came[k, sets[m]].min()) if m != k else np.inf
            if not np.isfinite(level) or matters[k, m] < np.log(LEAST_OF_SHARE * share):
                continue
            own, other = _change(came, k), _change(to, m)
            lost = own + other
            back = came[k] - psi
            lost = np.fmin(lost, back + (other if whole else to[m] + np.minimum(own, other)))
            result = np.fmin(result, psi - level - matters[k, m] + lost)
    return result


def _change(costs: Floats, state: int) -> Floats:
    """-log of p (1 - p) for the probability p of a state, (n,), all of them being exp(-costs) but for a factor."""
    others = np.delete(costs, state, axis=0).min(axis=0)
    return np.abs(costs[state] - others)


def _ways(actions: Actions, sets: Sequence[Booleans], to: Floats, start: Booleans) -> Floats:
    """-log of what the ways of an exit from its start to a state hold, (n,)."""
    out = actions.out_of(start)
    costs = [float(out[members].min()) for members in sets]
    return np.asarray(np.min([out + way - min(costs) for way in to], axis=0))
