"""What the gallery says about a named problem, and the checks of its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from fokker_planck.errors import ProblemError
from fokker_planck.model.domains.domain import Domain
from fokker_planck.model.potential import Potential
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region
from fokker_planck.quantity.light_dataclasses import dataclass, field

AnySet = Ball | Ellipsoid | HalfSpace | Region


@dataclass(frozen=True)
class Known:
    """One number that is known independently of this library.

    Parameters
    ----------
    quantity
        what it is: lambda_k is eigenvalue k of -L, T(a -> b) a mean hitting time, P(w) the weight of a well
    value
        the number
    source
        where it comes from
    epsilon
        the noise level at which it holds; None where it holds at every one, or in the limit that is stated
    """

    quantity: str
    value: float
    source: str
    epsilon: float | None = None


@dataclass(frozen=True)
class KnownPoint:
    """A critical point of V: kind is minimum, saddle (one unstable direction) or maximum (all unstable)."""

    kind: str
    position: tuple[float, ...]
    value: float


@dataclass(frozen=True)
class GalleryEntry:
    """A named potential with a domain, a noise level and sets that suit it, and what is known about it.

    The suggested domain reflects at its boundary, or is periodic; ``known`` refers to it, and to absorption on the
    suggested sets or on the whole boundary where it says so.
    """

    name: str
    description: str
    potential: Potential
    domain: Domain
    epsilon: float
    sets: Mapping[str, AnySet] = field(default_factory=dict)
    known: tuple[Known, ...] = ()
    critical_points: tuple[KnownPoint, ...] = ()


def positive(name: str, value: float) -> float:
    """A parameter that must be positive."""
    if not value > 0.0:
        raise ProblemError(f"potential.parameters.{name}", value, "a positive number")
    return value


def below(name: str, value: float, least: float, most: float) -> float:
    """A parameter strictly between two bounds."""
    if not least < value < most:
        raise ProblemError(f"potential.parameters.{name}", value, f"a number between {least:g} and {most:g}")
    return value


def dimension_parameter(value: float, least: int = 1, most: int = 3) -> int:
    """The parameter ``dimension``."""
    if value != int(value) or not least <= value <= most:
        raise ProblemError("potential.parameters.dimension", value, f"a whole number from {least} to {most}")
    return int(value)


def square_of(axes: str) -> str:
    """The sum of the squares of some coordinates: "xy" gives x**2 + y**2."""
    return " + ".join(f"{axis}**2" for axis in axes)
