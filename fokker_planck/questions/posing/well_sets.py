"""Wells as sets, by number: the ellipsoid of one standard deviation around a minimum, for committors between wells.

Around an attractor m the process is nearly Ornstein and Uhlenbeck's, with the covariance Sigma of

    J Sigma + Sigma J^T + 2 D = 0,      J the Jacobian of the flow, D the noise at m

(``Sigma = eps (Hess V)^-1`` for isotropic noise).  The set is the ellipsoid with axes along the coordinates that lies
within ``(x - m) . Sigma^-1 (x - m) <= 1``, smaller where another well is near.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.landscape.flow.well_flow import WellFlow
from fokker_planck.model.problem import Problem
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, Set

NAMED = re.compile(r"well\s*(\d+)", re.IGNORECASE)
NEAREST = 0.25
"""Of the way to another well, measured by Sigma, that a set may reach: saddles of double wells lie at half of it."""
UNKNOWN = 0.1
"""Of the distance to the next well: radius of a ball where there is no Sigma, on a wall or at a flat minimum."""
ALONE = 0.01
"""Of the extent of the domain: that radius where there is no other well."""
AT_REST = 1e-6
"""Of the flow at one standard deviation, below which it vanishes at a minimum and no wall holds it there."""


def number_of(name: object) -> int | None:
    """The number in "well 2", None for any other name.

    >>> number_of("well 2"), number_of("reactant")
    (2, None)
    """
    found = NAMED.fullmatch(name.strip()) if isinstance(name, str) else None
    return int(found.group(1)) if found else None


def well_places(problem: Problem) -> tuple[tuple[float, ...], ...]:
    """Where the wells lie, in the order of weights and rates: those deeper than one unit of epsilon."""
    return tuple(_numbered(problem).values())


def _numbered(problem: Problem) -> dict[int, tuple[float, ...]]:
    """These wells by their numbers in the landscape."""
    from fokker_planck.solvers.setting.setting import prepare_for_wells

    setting = prepare_for_wells(problem, "committor")
    return dict(zip(setting.state_numbers, setting.state_places, strict=True))


def well_set(problem: Problem, number: int, key: str) -> Set:
    """The set of a well.

    Raises ProblemError where there is none of that number, with the places of those there are.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2"), fp.Isotropic(0.02))
    >>> found = well_set(fp.Problem(process, fp.Box([-2, -1], [2, 1])), 2, "committor.to")
    >>> [round(x, 9) for x in found.center], round(found.radius, 9)    # sqrt(0.02/2) both ways
    ([1.0, 0.0], 0.1)
    """
    places = _numbered(problem)
    if number not in places:
        listed = ", ".join(f"{n} at ({', '.join(f'{x:.4g}' for x in place)})" for n, place in places.items())
        wanted = f"one of the wells {listed}, deeper than one unit of epsilon" if listed else "a problem with wells"
        raise ProblemError(key, f"well {number}", wanted)
    place = np.array(places[number])
    others = np.array([other for n, other in places.items() if n != number]).reshape(-1, len(place))
    axes = _semi_axes(problem, place, others)
    if len(place) == 1 or np.ptp(axes) == 0.0:
        return Ball(tuple(place.tolist()), float(axes[0]))
    return Ellipsoid(tuple(place.tolist()), tuple(axes.tolist()))


def _semi_axes(problem: Problem, place: Floats, others: Floats) -> Floats:
    """Half the lengths of the ellipsoid, (dim,)."""
    precision = _precision(problem, place)
    apart = [_nearest_image(problem, other - place) for other in others]
    if precision is None:
        lower, upper = problem.bounding_box()
        distances = [UNKNOWN * float(np.linalg.norm(delta)) for delta in apart]
        return np.full(len(place), min(distances, default=ALONE * float(np.max(np.subtract(upper, lower)))))
    scale = np.sqrt(np.diag(precision))
    # by Gershgorin diag(scale**2 * rows) - precision has no negative eigenvalue: the ellipsoid lies within
    rows = (np.abs(precision) / scale / scale[:, None]).sum(axis=1)
    near = [NEAREST * float(np.sqrt(delta @ precision @ delta)) for delta in apart]
    return np.asarray(min([1.0, *near]) / (scale * np.sqrt(rows)))


def _precision(problem: Problem, place: Floats) -> Floats | None:
    """Sigma^-1, or None where the linear process has none, or a wall holds the minimum."""
    from scipy.linalg import solve_continuous_lyapunov

    flow, x = WellFlow(problem.process, problem.dimension), place[:, None]
    jacobian, noise = flow.jacobian(x)[:, :, 0], problem.process.field(problem.dimension).tensor(x)[:, :, 0]
    if not np.isfinite(jacobian).all() or not np.linalg.eigvals(jacobian).real.max() < 0.0:
        return None
    covariance = solve_continuous_lyapunov(jacobian, -2.0 * noise)
    covariance = 0.5 * (covariance + covariance.T)
    if not np.linalg.eigvalsh(covariance)[0] > 0.0:
        return None
    spread = np.sqrt(np.diag(covariance))
    if (np.abs(flow.value(x)[:, 0]) > AT_REST * (np.abs(jacobian) @ spread)).any():
        return None
    return np.asarray(np.linalg.inv(covariance))


def _nearest_image(problem: Problem, delta: Floats) -> Floats:
    """A difference of two places, the shortest among images across periodic faces."""
    shifts = [0.0 if period is None else period * np.round(step / period)
              for step, period in zip(delta, problem.periods, strict=True)]  # fmt: skip
    return np.asarray(delta - shifts)


def wells_within(places: Sequence[Sequence[float]], sets: Sequence[Set]) -> tuple[int, int] | None:
    """Which wells lie in the first set and in the second; None where that is not one each."""
    held = [np.flatnonzero(each.contains(np.array(places, dtype=float).T)) for each in sets] if places else []
    if [len(each) for each in held] != [1, 1] or held[0][0] == held[1][0]:
        return None
    return int(held[0][0]), int(held[1][0])
