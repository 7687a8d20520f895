"""Most probable paths from well to well with little noise: asked for, in tables, as JSON, as a picture.

With detailed balance they climb along the lines of steepest descent of the exponent Psi in the metric of the noise, and
go down along them; without, they climb along paths of least action (Freidlin and Wentzell), which are others, and go
down with the drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.descent_paths import POINTS, descent_paths
from fokker_planck.landscape.flow.noise_metric import InNoiseMetric
from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.newton.fixed_points import FixedPoint
from fokker_planck.landscape.paths import PathOverSaddle, lengths_along
from fokker_planck.landscape.surface import Surface, surface_of
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.problem import Problem
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.output.serialize import number_json, numbers_json
from fokker_planck.output.tables import empty_table, point_text, short
from fokker_planck.quantity.answer import Answer
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.quantity.units import NONE, Units
from fokker_planck.questions.beside import small_noise
from fokker_planck.questions.entry import Entry
from fokker_planck.questions.numpy_warnings import quietly
from fokker_planck.questions.posing.covering import Descent, descent, descents, rolled, unrolled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table

    from fokker_planck.solvers.setting.flow_setting import FlowSetting
    from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting


@dataclass(frozen=True)
class MostProbablePaths(Answer):
    """Paths from well to well over each saddle between them, both ways, least climb first.

    Attributes
    ----------
    minima
        the wells
    paths
        each with what minus the logarithm of its probability is so far as ``values``: in units of epsilon
    box
        lower and upper corner of the domain
    reversible
        whether the ways back are the same curves
    periods
        of the axes that are periodic, None for the others
    surface
        in the plane minus the logarithm of the density on a grid, for the picture; None where no formula has it
    units
        of the problem, for tables and pictures
    """

    minima: tuple[tuple[float, ...], ...]
    paths: tuple[PathOverSaddle, ...]
    box: tuple[tuple[float, ...], tuple[float, ...]]
    reversible: bool
    periods: tuple[float | None, ...] = ()
    surface: Surface | None = None
    units: Units = NONE

    def action(self, number: int) -> float:
        """The climb of a path, in units of epsilon: the exponent of the rate along it."""
        path = self.paths[number]
        return path.values[path.summit] - path.values[0]


@quietly
def most_probable_paths(problem: Problem) -> MostProbablePaths:
    """inf of 1/4 int (phi' - b) . D^-1 (phi' - b) dt from each well to each of its saddles, then down to the next well.

    Parameters
    ----------
    problem
        the process and its domain

    Returns
    -------
    MostProbablePaths
        The paths, from well to well; their climbs are the exponents of the rates.

    Raises
    ------
    ProblemError
        Without two wells that a saddle joins, and for noise that vanishes in some direction.
    ConvergenceError
        Where a path of least action is not found.

    References
    ----------
    Freidlin and Wentzell 1984, chapter 4; Heymann and Vanden-Eijnden 2008.

    Examples
    --------
    Turned by a drift that keeps the density, paths are others, and climb as high:

    >>> import fokker_planck as fp
    >>> V = fp.Potential("(x**2 - 1)**2/4 + y**2/2")
    >>> turned = fp.Overdamped(V, fp.Isotropic(0.05), extra=fp.Drift(["-y", "x**3 - x"]))
    >>> found = most_probable_paths(fp.Problem(turned, fp.Box([-2, -1.5], [2, 1.5])))
    >>> [round(found.action(k), 6) for k in range(2)]           # 0.25/0.05
    [5.0, 5.0]
    """
    from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
    from fokker_planck.solvers.setting.setting import prepare_for_wells

    if is_degenerate(problem):
        kind = "an underdamped process" if isinstance(problem.process, Underdamped) else "a process"
        lacking = f"{kind} whose noise vanishes in some direction"
        raise ProblemError("paths", lacking, "noise in every direction, of which D has an inverse")
    setting = prepare_for_wells(problem, "paths")
    if isinstance(setting, PotentialSetting):
        minima, found = _by_descent(setting)
    else:
        minima, found = _by_least_action(setting)
    if not found:
        raise ProblemError("paths", f"{len(minima)} wells and no saddle between two of them", "two wells and a saddle")
    found = sorted(found, key=lambda path: path.values[path.summit] - path.values[0])
    reversible, periods = isinstance(setting, PotentialSetting), tuple(problem.periods)
    surface = None
    if problem.dimension == 2 and (isinstance(setting, PotentialSetting) or setting.known):
        (lower, upper), exponent = problem.bounding_box(), cast(Any, setting.exponent)
        surface = surface_of(exponent, Frame(lower, upper, periods), problem.contains)
    box, paths = problem.bounding_box(), tuple(found)
    return MostProbablePaths(minima, paths, box, reversible, periods, surface, problem.units)


def _by_descent(setting: PotentialSetting) -> tuple[tuple[tuple[float, ...], ...], list[PathOverSaddle]]:
    landscape = setting.landscape
    downhill = InNoiseMetric(setting.exponent, setting.diffusion.tensor)
    known = [path for path in descent_paths(downhill, landscape) if path is not None]
    return tuple(point.position for point in landscape.minima), [
        each for path in known for each in (path, path.reversed())
    ]


def _by_least_action(setting: FlowSetting) -> tuple[tuple[tuple[float, ...], ...], list[PathOverSaddle]]:
    found = []
    for number, saddle in enumerate(setting.saddles):
        sides = descents(setting, saddle) if any(setting.problem.periods) else _descents(setting, saddle)
        if sides[0] is None or sides[1] is None or np.array_equal(sides[0].place, sides[1].place):
            continue
        for start, stop in ((sides[0], sides[1]), (sides[1], sides[0])):
            up, climbs = _climb(setting, start.place, saddle.x)
            down = _evenly(stop.points, np.zeros(stop.points.shape[1]))[0]
            points = np.concatenate([up, down[:, 1:]], axis=1)
            values = np.concatenate([climbs, np.full(down.shape[1] - 1, climbs[-1])])
            found.append(_path((start.well, stop.well), number, up.shape[1] - 1, points, values))
    return tuple(point.position for point in setting.attractors), found


def _climb(setting: FlowSetting, place: Floats, saddle: Floats) -> tuple[Floats, Floats]:
    """The path of least action up to a saddle at equal distances, (dim, POINTS), and its action so far."""
    from fokker_planck.asymptotics.minimum_action import minimum_action_path

    inside = rolled(setting.problem, place[:, None])[:, 0]
    noise, epsilon = small_noise.small_noise_at(setting, inside, small_noise.Allowance())
    action = minimum_action_path(unrolled(setting.problem, noise), place, saddle)
    points = np.concatenate([place[:, None], action.points, saddle[:, None]], axis=1)
    momenta = np.concatenate([np.zeros((len(place), 1)), action.momenta, np.zeros((len(place), 1))], axis=1)
    climbs = np.cumsum((0.5 * (momenta[:, 1:] + momenta[:, :-1]) * np.diff(points, axis=1)).sum(axis=0))
    climbs = np.concatenate([[0.0], climbs * (action.action / climbs[-1])]) / epsilon
    if not np.isfinite(climbs).all():
        raise ConvergenceError("a path of least action without its action", "another noise")
    return _evenly(points, climbs)


def _descents(setting: FlowSetting, saddle: FixedPoint) -> list[Descent | None]:
    """The ways down on both sides of a saddle; None for both where they lead out of the domain, or to one state."""
    sides = small_noise.sides_of(setting, saddle)
    if sides[0] is None or sides[1] is None or sides[0] == sides[1]:
        return [None, None]
    ways: list[Descent | None] = []
    for well in (sides[0], sides[1]):
        place = setting.attractors[well].x
        step = small_noise.unstable_step(setting, saddle, place)
        way = descent(setting, saddle, saddle.x + 1e-3 * step)
        if way is None or way.well != well:
            raise ConvergenceError("the drift beyond a saddle did not lead to the well there", "another domain")
        ways.append(way)
    return ways


def _evenly(points: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The same polygon by corners at equal distances along it."""
    lengths = lengths_along(points)
    even = np.linspace(0.0, lengths[-1], POINTS)
    return np.array([np.interp(even, lengths, row) for row in points]), np.interp(even, lengths, values)


def _path(wells: tuple[int, int], saddle: int, summit: int, points: Floats, values: Floats) -> PathOverSaddle:
    rows = tuple(tuple(row) for row in points.T.tolist())
    return PathOverSaddle(wells, saddle, summit, tuple(lengths_along(points).tolist()), rows, tuple(values.tolist()))


def _json(answer: MostProbablePaths) -> dict[str, Any]:
    return {
        "wells": [{"minimum": numbers_json(minimum)} for minimum in answer.minima],
        "paths": [
            {
                "from": path.wells[0],
                "to": path.wells[1],
                "saddle": numbers_json(path.points[path.summit]),
                "action": number_json(answer.action(number)),
                "arclength": numbers_json(path.arclength),
                "points": [numbers_json(point) for point in path.points],
                "values": numbers_json(path.values),
            }
            for number, path in enumerate(answer.paths)
        ],
    }


def _rows(answer: MostProbablePaths) -> list[dict[str, Any]]:
    long = ("arclength", "points", "values")
    return [{key: value for key, value in path.items() if key not in long} for path in _json(answer)["paths"]]


def _tables(answer: MostProbablePaths, _: float | None) -> list[Table]:
    table = empty_table("Most probable paths", ("from", "to", "over"), ("action/eps", "length"))
    for number, path in enumerate(answer.paths):
        ends = [f"{well + 1}  {point_text(answer.minima[well], digits=4)}" for well in path.wells]
        place = point_text(path.points[path.summit])
        table.add_row(*ends, place, short(answer.action(number)), short(path.length))
    return [table]


def _draw(axes: Axes, answer: MostProbablePaths) -> None:
    from fokker_planck.output.plots.paths import draw_paths

    draw_paths(axes, answer)


ENTRY: Entry[None, MostProbablePaths] = Entry(
    answer=MostProbablePaths,
    draw=_draw,
    ask=lambda problem, _: most_probable_paths(problem),
    json=_json,
    rows=_rows,
    tables=_tables,
    applies=lambda _: False,
)
