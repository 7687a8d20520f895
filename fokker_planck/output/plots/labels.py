"""What axes are called: names of coordinates, and the units of the problem where it has any."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from fokker_planck.quantity.units import NONE, Units

AXES_NAMES = ("x", "y", "z")
_UNITS: ContextVar[Units] = ContextVar("units", default=NONE)


@contextlib.contextmanager
def in_units(units: Units | None) -> Iterator[None]:
    """Within, labels have these units; those of around where there are none."""
    token = _UNITS.set(units) if units is not None else None
    try:
        yield
    finally:
        if token is not None:
            _UNITS.reset(token)


def coordinate(axis: int) -> str:
    """The name of a coordinate with its unit.

    >>> coordinate(1)
    '$y$'
    >>> with in_units(Units(length="degree", names=("phi", "psi"))):
    ...     coordinate(1)
    'psi / degree'
    """
    return measured(symbol(axis), "length")


def symbol(axis: int) -> str:
    """The name alone, letters as in formulas."""
    names = _UNITS.get().names or AXES_NAMES
    name = names[axis] if axis < len(names) else AXES_NAMES[axis]
    return f"${name}$" if len(name) == 1 and name.isalpha() else text(name)


def measured(name: str, kind: str) -> str:
    """A name with the unit of a length, a time, an energy, or a rate, which is one over a time.

    >>> with in_units(Units(time="ps", energy="kJ/mol")):
    ...     measured("$V$", "energy"), measured("rate", "rate"), measured("$x$", "length")
    ('$V$ / (kJ/mol)', 'rate / (1/ps)', '$x$')
    """
    units = _UNITS.get()
    unit = f"1/{units.time}" if kind == "rate" and units.time else getattr(units, kind, "")
    if not unit:
        return name
    return f"{name} / ({text(unit)})" if "/" in unit else f"{name} / {text(unit)}"


def text(of_user: str) -> str:
    """A name of the user's, in which dollars are no formula."""
    return of_user.replace("$", r"\$")
