"""Meshes that see a potential which is added in time: the exponent, by which cells are chosen, does not have it in it.

What is narrower than the cells was missed by all meshes alike, with a bar that knew nothing of it: a bump of 5 units
of epsilon and a width of 3e-4 on the barrier of a quartic well was as if it were not there, 2e-4 of a probability at a
bar of 3e-10.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.triangulations.narrow import NarrowPlaces
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.schedule import EARLIEST, Schedule
from fokker_planck.solvers.adaptivity.mesh_for_functions import narrow_in_units

TIMES = 12
"""At which the potential is looked at, spread evenly, and as many again by their logarithm: what is narrow stays where
it is as a rule, and only its height changes; of what moves, cells follow these places."""
GOLDEN = 0.5 * (5.0**0.5 - 1.0)
"""Whose multiples, without their whole parts, are spread evenly and are no multiples of one time."""


def narrow_parts(schedule: Schedule, latest: float, noise: float, lower: Floats, upper: Floats) -> NarrowPlaces:
    """Where U may change within less than a cell, in units of the smallest ``noise``, at any of some times up to one.

    Raises ConvergenceError where it changes within less than any mesh follows.
    """
    # what is periodic may be zero at all multiples of one time
    even, early = latest * (np.arange(TIMES) * GOLDEN % 1.0), latest * np.geomspace(EARLIEST, 1.0, TIMES)
    formulas = schedule.potentials_at(np.concatenate([even, early]))
    return narrow_in_units(((formula, noise) for formula in formulas), lower, upper)
