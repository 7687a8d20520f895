"""Where a drift vanishes, and what its linearisation there is: attractors, saddles, sources.

``b(x) = 0`` in a box, by Newton's method from every point of a grid at once.  What is found is polished to rounding,
and counted: in one and two dimensions the signs of ``det J`` must add up to the degree of b on the boundary of the box
(Poincare and Hopf), so that a missed point is noticed, though not a missed pair of opposite signs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.landscape.newton.many_starts import Pace, newton
from fokker_planck.quantity.light_dataclasses import dataclass

Field = Callable[[Floats], Floats]

GRIDS = {1: (801, 6401), 2: (61, 181), 3: (21, 41)}
"""Grid points per axis, and of the second try where the count is wrong."""
REACH = 6.0
"""How many cells Newton's method may go from a grid point."""
DEGENERATE = 1e-6
"""An eigenvalue below this fraction of the largest counts as zero."""
MOST = 20
"""Degenerate points, which then are a curve."""


@dataclass(frozen=True)
class FixedPoint:
    """A point with b = 0.

    Parameters
    ----------
    position
        (dim,)
    jacobian
        d b_i / d x_j, (dim, dim)
    eigenvalues
        of the Jacobian, descending real part
    degenerate
        whether one of them has no real part to speak of, so that the linearisation decides nothing
    """

    position: tuple[float, ...]
    jacobian: tuple[tuple[float, ...], ...]
    eigenvalues: tuple[complex, ...]
    degenerate: bool = False

    @property
    def x(self) -> Floats:
        """The position as an array, (dim,)."""
        return np.array(self.position)

    @property
    def index(self) -> int:
        """Number of unstable eigenvalues: 0 for an attractor, 1 for a saddle between two basins."""
        return sum(value.real > 0.0 for value in self.eigenvalues)

    @property
    def kind(self) -> str:
        """The word for the index: attractor, saddle or source."""
        return "attractor" if self.index == 0 else "source" if self.index == len(self.position) else "saddle"

    @property
    def unstable_direction(self) -> tuple[float, ...]:
        """Unit right eigenvector of the largest eigenvalue: the unstable manifold of a saddle; its sign is arbitrary.

        Raises ProblemError where that eigenvalue is complex, or not positive.
        """
        return self._eigenvector(np.array(self.jacobian))

    @property
    def left_direction(self) -> tuple[float, ...]:
        """The left eigenvector u of the same eigenvalue, normalised by ``u . unstable_direction = 1``."""
        left = np.array(self._eigenvector(np.array(self.jacobian).T))
        return tuple((left / (left @ np.array(self.unstable_direction))).tolist())

    def _eigenvector(self, matrix: Floats) -> tuple[float, ...]:
        largest = self.eigenvalues[0]
        if largest.imag != 0.0 or not largest.real > 0.0:
            raise ProblemError(f"fixed point {self.position}", f"leading eigenvalue {largest}", "a positive real one")
        values, vectors = np.linalg.eig(matrix)
        vector = vectors[:, np.argmax(values.real)].real
        vector = vector * np.sign(vector[np.argmax(np.abs(vector))])
        return tuple((vector / np.linalg.norm(vector)).tolist())


BESIDE, LARGEST_SLOPE = 1e-7, 1e3
"""In extents, how far beside a zero the drift is looked at; times the slope there, how much it may have become: a jump
as high as the drift is elsewhere is 1e4 of that."""


class SomeMissedError(ConvergenceError):
    """The ``points`` that were found do not add up: a saddle on a kink of the drift is not found by Newton's method."""

    def __init__(self, reason: str, remedy: str, points: tuple[FixedPoint, ...] = ()) -> None:
        super().__init__(reason, remedy)
        self.points = points


def fixed_point(position: Sequence[float] | Floats, jacobian: npt.ArrayLike, steepness: float = 0.0) -> FixedPoint:
    """A fixed point from its position and Jacobian; ``steepness`` is how much b changes over a length elsewhere.

    >>> fixed_point([0.0, 0.0], [[1.0, 5.0], [0.0, -1.0]]).kind
    'saddle'
    """
    matrix = np.asarray(jacobian, dtype=float)
    values = np.linalg.eigvals(matrix)
    order = np.lexsort((-values.imag, -values.real))
    scale = max(float(np.abs(values).max()), steepness)
    return FixedPoint(
        tuple(float(value) for value in position),
        tuple(tuple(row) for row in matrix.tolist()),
        tuple(complex(value) for value in values[order]),
        bool(np.abs(values.real).min() <= DEGENERATE * scale),
    )


def fixed_points(
    drift_value: Field,
    drift_jacobian: Field | None,
    lower: Sequence[float],
    upper: Sequence[float],
    dimension: int,
    periods: Sequence[float | None] | None = None,
    blur: Field | None = None,
) -> tuple[FixedPoint, ...]:
    """All fixed points of a drift in a box, attractors first, then by index and position.

    Parameters
    ----------
    drift_value
        b at points (dim, n), (dim, n).
    drift_jacobian
        d b_i / d x_j, (dim, dim, n); by differences if None.
    lower
        corner of the box, (dim,).
    upper
        the opposite corner.
    dimension
        1, 2 or 3.
    periods
        length of each periodic axis, None for the others.
    blur
        the largest |b| at points that may be rounding, (n,), where b is made of finite differences.

    Raises
    ------
    ProblemError
        The box is empty or of another dimension.
    ConvergenceError
        The points do not add up, or fill a curve.

    Notes
    -----
    Source of the count: Guckenheimer and Holmes, Nonlinear Oscillations (1983), section 1.8 (index theory).

    Examples
    --------
    >>> duffing = fixed_points(lambda x: x - x**3, None, [-2.0], [2.0], 1)
    >>> [(round(point.position[0], 12) + 0.0, point.kind) for point in duffing]
    [(-1.0, 'attractor'), (1.0, 'attractor'), (0.0, 'source')]
    """
    low, high = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    if dimension not in GRIDS:
        raise ProblemError("dimension", dimension, "1, 2 or 3")
    if low.shape != (dimension,) or high.shape != (dimension,) or not np.all(low < high):
        raise ProblemError("box", f"{lower} to {upper}", f"two corners of {dimension} coordinates, the lower one below")
    jacobian = drift_jacobian if drift_jacobian is not None else _differences(drift_value)
    wraps = tuple(periods) if periods is not None else (None,) * dimension
    for count in GRIDS[dimension]:
        steepness = _steepness(drift_value, low, high)
        flow = _Flow(drift_value, jacobian, blur or _exact, low, high, wraps, steepness)
        found = _search(flow, count)
        points = tuple(fixed_point(x, jacobian(x[:, None])[:, :, 0], steepness) for x in found)
        if sum(point.degenerate for point in points) > MOST:
            raise ConvergenceError(
                f"found {len(points)} fixed points that are degenerate",
                "a drift that vanishes on a curve has no isolated ones",
            )
        if any(point.degenerate for point in points) or any(wraps):
            break
        signs = [int(np.sign(np.linalg.det(np.array(point.jacobian)))) for point in points]
        degree = _degree(drift_value, low, high)
        if degree is None or sum(signs) == degree:
            break
    else:
        raise SomeMissedError(
            f"found fixed points of total degree {sum(signs)}, the drift on the boundary has {degree}",
            "search in a smaller box, or in one without a fixed point on its boundary",
            points,
        )
    return tuple(sorted(points, key=lambda point: (point.index, point.position)))


def _differences(drift_value: Field) -> Field:
    from fokker_planck.formulas.calculus.finite_differences import gradient

    return lambda x: np.swapaxes(gradient(drift_value, x), 0, 1)


def _exact(x: Floats) -> Floats:
    """No rounding beside that of the result, (n,)."""
    return np.zeros(x.shape[1])


@dataclass(frozen=True)
class _Flow:
    """A drift b in a box: its ``value``, ``jacobian`` and ``blur``; ``steepness`` is a typical |b| over the extent."""

    value: Field
    jacobian: Field
    blur: Field
    low: Floats
    high: Floats
    periods: Sequence[float | None]
    steepness: float

    @property
    def extent(self) -> float:
        """The diagonal of the box."""
        return float(np.linalg.norm(self.high - self.low))


def _search(flow: _Flow, count: int) -> list[Floats]:
    """Polished points, one of each."""
    axes = [np.linspace(a, b, count) for a, b in zip(flow.low, flow.high, strict=True)]
    x = np.array(np.meshgrid(*axes, indexing="ij")).reshape(len(axes), -1)
    extent = flow.extent
    cell = extent / (count - 1)

    def steps(x: Floats, which: Integers) -> tuple[Floats, Booleans]:
        value = flow.value(x)
        step = _newton_step(value, flow.jacobian(x))
        # the step from here is of rounding, and the next ones are no shorter
        level = np.linalg.norm(value, axis=0) <= flow.blur(x)
        return step, level & (np.linalg.norm(step, axis=0) <= cell)

    each = np.ones(x.shape[1])
    pace = Pace(2.0 * cell * each, REACH * cell * each, 1e-15 * extent, 1e-8 * extent * each, 0.5, 1e-5 * extent * each)
    arrived = newton(steps, x, pace)
    # those that settled first come first: of equal ones the first is taken
    first = np.argsort(arrived.after, kind="stable")
    with np.errstate(all="ignore"):
        return _distinct(arrived.x[:, first[arrived.settled[first]]], flow)


def _newton_step(value: Floats, jacobian: Floats) -> Floats:
    matrix = np.moveaxis(jacobian, -1, 0)
    finite = np.isfinite(value).all(axis=0) & np.isfinite(matrix).all(axis=(1, 2))
    matrix = np.where(finite[:, None, None], matrix, np.eye(len(value)))
    inverse = np.linalg.pinv(matrix, rcond=1e-14)
    step = -np.einsum("nij,jn->in", inverse, np.where(finite, value, np.nan))
    return np.asarray(step)


def _distinct(settled: Floats, flow: _Flow) -> list[Floats]:
    """One point of each crowd: that of the smallest residual, if rounding is all that is left of b there."""
    if not settled.shape[1]:
        return []
    x = np.array(settled)
    low, high, extent = flow.low, flow.high, flow.extent
    for axis, period in enumerate(flow.periods):
        if period is not None:
            x[axis] = low[axis] + np.mod(x[axis] - low[axis], period)
    edge = 1e-9 * extent
    x = x[:, np.all((x >= (low - edge)[:, None]) & (x <= (high + edge)[:, None]), axis=0)]
    residual = np.linalg.norm(flow.value(x), axis=0)
    matrix = np.moveaxis(flow.jacobian(x), -1, 0)
    singular = np.linalg.svd(matrix, compute_uv=False) if x.shape[1] else np.zeros((0, 1))
    steep = np.maximum(singular[:, 0], flow.steepness)
    level = flow.blur(x)
    keep = (residual <= np.maximum(1e-9 * steep * extent, level)) & _continuous(flow, x, steep, level)
    x, residual, singular, steep, level = x[:, keep], residual[keep], singular[keep], steep[keep], level[keep]
    found: list[Floats] = []
    order = np.argsort(residual, kind="stable")
    while len(order):
        number = order[0]
        flat = singular[number, -1] <= 1e-3 * steep[number]
        spread = 2.0 * level[number] / max(singular[number, -1], 1e-3 * steep[number])
        radius = max((2e-3 if flat else 1e-7) * extent, spread)
        delta = _difference(x[:, order] - x[:, [number]], flow.periods)
        found.append(x[:, number])
        order = order[1:][np.linalg.norm(delta, axis=0)[1:] > radius]
    return found


def _continuous(flow: _Flow, x: Floats, steep: Floats, level: Floats) -> Booleans:
    """Whether b vanishes around points (dim, n), not at them alone: sign(x) is zero in the middle of its jump."""
    most = np.maximum(LARGEST_SLOPE * steep * BESIDE * flow.extent, level)
    steps = BESIDE * flow.extent * np.eye(len(x))
    sizes = [np.linalg.norm(flow.value(x + sign * step[:, None]), axis=0) for step in steps for sign in (-1.0, 1.0)]
    # beyond the box b need not be defined
    return np.asarray(np.nanmax(np.where(np.isfinite(sizes), sizes, 0.0), axis=0, initial=0.0) <= most)


def _steepness(drift: Field, low: Floats, high: Floats) -> float:
    """A typical size of b over that of the box."""
    axes = [np.linspace(a, b, 14)[1:-1] for a, b in zip(low, high, strict=True)]
    with np.errstate(all="ignore"):
        size = np.linalg.norm(drift(np.array(np.meshgrid(*axes, indexing="ij")).reshape(len(low), -1)), axis=0)
    size = size[np.isfinite(size)]
    return float(np.median(size) / np.linalg.norm(high - low)) if len(size) else 0.0


def _difference(delta: Floats, periods: Sequence[float | None]) -> Floats:
    wrapped = [d if p is None else d - p * np.round(d / p) for d, p in zip(delta, periods, strict=True)]
    return np.array(wrapped)


def _degree(drift: Field, low: Floats, high: Floats) -> int | None:
    """The degree of b on the boundary of the box; None where it is not well defined, and in three dimensions."""
    if len(low) == 1:
        ends = drift(np.array([[low[0], high[0]]]))[0]
        if not np.all(np.abs(ends) > 0.0):
            return None
        return int((np.sign(ends[1]) - np.sign(ends[0])) / 2)
    if len(low) == 3:
        return None
    s = np.linspace(0.0, 1.0, 4001)[:-1]
    sides = [(s, 0 * s), (1 + 0 * s, s), (1 - s, 1 + 0 * s), (0 * s, 1 - s)]
    loop = low[:, None] + (high - low)[:, None] * np.concatenate([np.array(side) for side in sides], axis=1)
    b = drift(loop)
    if not np.isfinite(b).all():
        return None
    turns = np.angle(np.exp(1j * np.diff(np.angle(b[0] + 1j * b[1]), append=np.angle(b[0, 0] + 1j * b[1, 0]))))
    # A zero on the boundary, or near it, turns the drift by a jump.
    return None if np.abs(turns).max() > 1.0 else round(float(turns.sum()) / (2.0 * np.pi))
