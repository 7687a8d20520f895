"""A state of an evolution at one time, with how far it can be off beside the mesh."""

from __future__ import annotations

from collections.abc import Sequence

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """The vector at a ``time``, what it is apart from the stationary one, and how far it can be off beside the mesh.

    ``values`` (n,) of the functionals, and ``off`` (n,) of each, the mass first; ``off_mass`` of the vector in total
    variation and ``off_deviation`` of the deviation, ``cut_short`` what the series leaves out of that.  ``by_modes``
    says that slow modes make it, which have digits of their own however little is left.  ``grown`` is the mass of the
    largest power.
    """

    time: float
    vector: Floats
    deviation: Floats
    values: Floats
    off: Floats
    off_mass: float
    off_deviation: float
    cut_short: float = 0.0
    by_modes: bool = False
    grown: float = 1.0


class RoundedError(ConvergenceError):
    """Of ``states`` that rounding leaves beyond the tolerance, and nothing else."""

    def __init__(self, states: Sequence[State], latest: float) -> None:
        self.states = list(states)
        self.rounded = max(state.off_mass for state in states)
        super().__init__(
            f"rounding leaves {self.rounded:.1e} of the mass at t = {latest:.3g}",
            "a looser tolerance, or a beginning nearer to where the process rests",
        )
