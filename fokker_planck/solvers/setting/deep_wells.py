"""Wells far deeper than doubles have digits: what lies deep in them is one state with their lowest point.

In phase space the equilibrium potential of a well is one to exp(-m) on all that lies m units of epsilon below the
lowest saddle.  Finite elements do not see that by themselves: the flow along the energy is skew, and what is left of a
current in a cell in which psi changes by twelve units falls by fewer.  Over 200 units a current of exp(-200) drowned in
one of exp(-150), of either sign, whatever was refined near the saddle.  With the deep part as a single state the
barrier to be computed is never higher than ``MARGIN``, and cells in it only have to know where the mass is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.interpolation import point_functional
from fokker_planck.fem.meshing import exponent_range
from fokker_planck.fem.triangulations.fitting import component_holding
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.model.sets.shapes import Set
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.solvers.condensation.states import Surfaces
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import Setting

MARGIN = 50.0
"""Units of epsilon below the lowest saddle, from which on down a well is one state: exp(-50) is 2e-22."""
HOLDS = 45.0
"""Units of epsilon above the lowest point of a well, up to which its mass is looked at: exp(-45) is 3e-20."""


BESIDE = 1.0
"""Units of epsilon below the lowest saddle: a target that is met between them is met over the saddle, but for exp(-49);
cells that touch the saddle itself join both wells."""


def deep_level(setting: FlowSetting) -> float:
    """psi below which wells are single states; minus infinity where none is so deep, or that is not asked for."""
    if not (setting.deep < np.inf and len(setting.places)):
        return -np.inf
    saddles = [float(setting.weighting.value(point.x[:, None])[0]) for point in setting.saddles]
    level = min(saddles, default=-np.inf) - setting.deep
    return level if level > _bottom(setting) + HOLDS else -np.inf


def with_deep_wells(setting: Setting, margin: float = MARGIN, above: float = 0.0) -> Setting:
    """The setting of a question that is about nothing but what passes between wells, or out of one.

    Wells are one state from ``margin`` below the lowest saddle on.  Where that stands less than ``above`` over the
    lowest points of all wells, the setting is left as it is.
    """
    if isinstance(setting, FlowSetting) and setting.known and isinstance(setting.problem.process, Underdamped):
        deep = replace(setting, deep=margin if setting.problem.resolution.cells is None else np.inf)
        return deep if deep_level(deep) + margin > _bottom(deep) + above else setting
    return setting


def _bottom(setting: FlowSetting) -> float:
    return float(np.max(setting.weighting.value(setting.places.T), initial=-np.inf))  # a drift may have no attractor


def idle(setting: FlowSetting, low: Floats, high: Floats) -> Booleans:
    """The cells, with psi from ``low`` to ``high`` (m,), that lie deep in a well and hold none of its mass."""
    return (high < deep_level(setting)) & (low > _bottom(setting) + HOLDS)


class NotDeepError(Exception):
    """A target is met without a saddle: it reaches down into a well, or the process starts deep in a well it holds."""


def deep_states(
    setting: Setting, discretization: Discretization, wells: Integers, *targets: Booleans
) -> Surfaces | None:
    """The unknowns (N,) deep in each of the ``wells`` (K,) as parts of its state; None where none is so deep.

    A part that holds two wells, or none, is left to be solved for: then a saddle has been missed.  The ``targets``
    (N,) each are states of their own.

    Raises ``NotDeepError`` where that is met below the saddle of a well.
    """
    if not isinstance(setting, FlowSetting):
        return None
    level = deep_level(setting)
    if not np.isfinite(level) or not len(wells):
        return None
    parts = [_part(setting, discretization, well, level) for well in wells]
    absorbed = np.any([np.zeros(discretization.count, dtype=bool), *targets], axis=0)
    for well in wells:
        if (_part(setting, discretization, well, level + setting.deep - BESIDE) & absorbed).any():
            raise NotDeepError
    alone = [part[well] and int(part[wells].sum()) == 1 for part, well in zip(parts, wells, strict=True)]
    to = tuple(part if single else np.zeros_like(part) for part, single in zip(parts, alone, strict=True))
    rest = ~np.any([*to, np.isin(np.arange(discretization.count), wells)], axis=0)
    near = discretization.touching(rest & ~absorbed)
    came = tuple(part & near for part in to)
    return Surfaces(to, (*came, *targets))


def _part(setting: FlowSetting, discretization: Discretization, unknown: int, level: float) -> Booleans:
    """The unknowns (N,) of the cells below a ``level`` that are joined to one of them."""
    triangulation = discretization.triangulation
    below = exponent_range(triangulation, setting.weighting)[1] < level
    place = discretization.nodes[unknown]
    part = component_holding(triangulation, below, place[None, :]) if below.any() else below
    return discretization.marked(discretization.dofs[part[discretization.cells]])


def deep_in_target(
    setting: Setting,
    discretization: Discretization,
    target: Set | str,
    absorbed: Booleans,
    start: Floats | None = None,
) -> Booleans:
    """What is ``absorbed`` (N,), and what lies deep in wells whose lowest points are in the target.

    Out of such a well the process meets the target first, and soon.  The ``start`` is that of an exit.

    Raises ``NotDeepError`` where it starts there: soon is what is asked for then.
    """
    if not isinstance(setting, FlowSetting) or isinstance(target, str):
        return absorbed
    level = deep_level(setting)
    places = np.array([point.position for point in setting.attractors]).reshape(-1, setting.problem.dimension)
    if not np.isfinite(level) or not len(places):
        return absorbed
    for place in places[np.asarray(target.contains(places.T), dtype=bool)]:
        nearest = int(np.argmin(((discretization.nodes - place) ** 2).sum(axis=1)))
        part = _part(setting, discretization, nearest, level)
        if start is not None and part[point_functional(discretization, start) != 0.0].any():
            raise NotDeepError
        absorbed = absorbed | part
    return absorbed
