"""Coordinates by other names: in phase space the second one is v."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fokker_planck.errors import ProblemError

PHASE_SPACE = {"v": "y"}
"""Names of coordinates in the phase space of one coordinate, and what they stand for."""
IDENTIFIER = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


def renamed(text: str, coordinates: Mapping[str, str], key: str) -> str:
    """The formula with each of the names in ``coordinates`` replaced by what it stands for.

    Raises ProblemError with ``key`` where what one stands for is used as a name itself.

    >>> renamed("v**2/2 + cos(x)", {"v": "y"}, "sets.A.region")
    'y**2/2 + cos(x)'
    """
    for name in IDENTIFIER.findall(text):
        if name in coordinates.values():
            own = next(own for own, stands_for in coordinates.items() if stands_for == name)
            raise ProblemError(key, f"the name {name} in {text!r}", f"{own}: the coordinates are x and {own}")
    return IDENTIFIER.sub(lambda found: coordinates.get(found[0], found[0]), text)
