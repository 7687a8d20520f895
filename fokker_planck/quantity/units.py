"""Names of units, for tables and pictures: numbers are what they are, in whatever units the coefficients have."""

from __future__ import annotations

from fokker_planck.errors import ProblemError
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class Units:
    """What the numbers of a problem are measured in; nothing is converted.

    Parameters
    ----------
    length
        of the coordinates, such as "degree"
    time
        such as "ps"
    energy
        of the potential, such as "kJ/mol"
    names
        what the coordinates are called, "phi" and "psi", say, instead of x and y

    Raises
    ------
    ProblemError
        With keys under ``units``, where something is no text.

    Examples
    --------
    >>> Units("degree", "ps", "kJ/mol", ["phi", "psi"]).sentence
    'phi, psi in degree, times in ps, rates in 1/ps, energies in kJ/mol'
    """

    length: str = ""
    time: str = ""
    energy: str = ""
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in ("length", "time", "energy"):
            if not isinstance(getattr(self, key), str):
                raise ProblemError(f"units.{key}", repr(getattr(self, key))[:60], "the name of a unit, such as 'ps'")
        if not isinstance(self.names, list | tuple) or not all(isinstance(name, str) for name in self.names):
            raise ProblemError("units.names", repr(self.names)[:60], "a list of names, one for each coordinate")
        object.__setattr__(self, "names", tuple(self.names))

    @property
    def sentence(self) -> str:
        """All of it in a line; empty where nothing was said."""
        coordinates = ", ".join(self.names) or "coordinates"
        said = [f"{coordinates} in {self.length}" if self.length else ", ".join(self.names)]
        said += [f"times in {self.time}, rates in 1/{self.time}"] if self.time else []
        said += [f"energies in {self.energy}"] if self.energy else []
        return ", ".join(part for part in said if part)


NONE = Units()
"""Numbers without units."""
