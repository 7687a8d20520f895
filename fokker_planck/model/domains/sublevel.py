"""The sublevel set of a potential as a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import finite_number
from fokker_planck.model.domains.box import checked_corners
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.model.potential import Potential


@dataclass(frozen=True)
class Sublevel:
    """The connected part of V(x) <= level that holds the wells.

    Parameters
    ----------
    level
        of V
    lower, upper
        corners of the box to search in; without them the search starts around the origin and grows until V > level all
        around

    Raises
    ------
    ProblemError
        For numbers that are not finite, lower without upper, lower >= upper. Whether the set is bounded and connected
        shows when it meets a potential, in :func:`fokker_planck.model.domains.connected_part.connected_part`.

    Examples
    --------
    >>> Sublevel(1.0).level
    1.0
    """

    level: float
    lower: tuple[float, ...] | None = None
    upper: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", finite_number("domain.level", self.level))
        if self.lower is None and self.upper is None:
            return
        for name, corner in (("lower", self.lower), ("upper", self.upper)):
            if corner is None:
                raise ProblemError(f"domain.{name}", "nothing", "lower and upper, both or neither")
        lower, upper = checked_corners("domain", self.lower, self.upper)
        object.__setattr__(self, "lower", lower)
        object.__setattr__(self, "upper", upper)

    def dimension_with(self, potential: Potential) -> int:
        """Number of coordinates: that of the search box, or as many as the potential needs."""
        return len(self.lower) if self.lower is not None else max(1, potential.dimension)
