"""Boxes, whose axes are reflecting or periodic."""

from __future__ import annotations

from collections.abc import Sequence

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described, point, same_length
from fokker_planck.quantity.light_dataclasses import dataclass

BOUNDARIES = ("reflecting", "periodic")
NARROWEST = 1e-150
"""Width of a box, of which the square is a double."""


@dataclass(frozen=True)
class Box:
    """lower_i <= x_i <= upper_i.

    Parameters
    ----------
    lower, upper
        one to three numbers each
    boundary
        "reflecting" or "periodic", for all axes or one for each; kept as one word an axis

    Raises
    ------
    ProblemError
        For numbers that are not finite, different lengths, lower >= upper.

    Examples
    --------
    >>> ring = Box([0.0], [6.28], boundary="periodic")
    >>> ring.periods, ring.dimension
    ((6.28,), 1)
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    boundary: str | tuple[str, ...] = "reflecting"

    def __post_init__(self) -> None:
        lower, upper = checked_corners("domain", self.lower, self.upper)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)
        object.__setattr__(self, "boundary", _boundaries(self.boundary, len(lower)))

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.lower)

    @property
    def periods(self) -> tuple[float | None, ...]:
        """Length of each periodic axis, None for a reflecting one."""
        return tuple(
            b - a if kind == "periodic" else None
            for a, b, kind in zip(self.lower, self.upper, self.boundary, strict=True)
        )


def checked_corners(key: str, lower: object, upper: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lower and upper corner; raises ProblemError for a box that is empty, or too narrow beside its coordinates."""
    low, high = point(f"{key}.lower", lower), point(f"{key}.upper", upper)
    same_length(f"{key}.upper", high, low, "lower")
    for a, b in zip(low, high, strict=True):
        if not b > a:
            raise ProblemError(f"{key}.upper", list(high), f"every entry greater than that of lower = {list(low)}")
        if b - a <= max(1e-9 * max(abs(a), abs(b)), NARROWEST):
            raise ProblemError(f"{key}.upper", list(high), f"a box wide enough to compute in, not lower = {list(low)}")
    return low, high


def _boundaries(boundary: object, dimension: int) -> tuple[str, ...]:
    kinds = [boundary] * dimension if isinstance(boundary, str) else boundary
    wanted = "reflecting or periodic, or a list of these words, one for each axis"
    if not isinstance(kinds, Sequence):
        raise ProblemError("domain.boundary", described(boundary), wanted)
    if len(kinds) != dimension:
        raise ProblemError("domain.boundary", list(kinds), f"{wanted}: {dimension} of them")
    for kind in kinds:
        if kind not in BOUNDARIES:
            raise ProblemError("domain.boundary", described(kind), wanted)
    return tuple(kinds)
