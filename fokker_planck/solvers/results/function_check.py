"""What a last look at coefficients that are Python functions found."""

from __future__ import annotations

from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class FunctionCheck:
    """How far functions are from what the mesh sees of them: ``points`` looked at, the largest ``deviation`` there.

    In units of the exponent; ``place`` is where it was found.
    """

    points: int
    deviation: float
    place: tuple[float, ...]
