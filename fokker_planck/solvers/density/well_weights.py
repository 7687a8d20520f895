"""Weights of states from integrals over basins: a minimum that is no state of its own is counted with another."""

from __future__ import annotations

from collections.abc import Sequence

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity
from fokker_planck.solvers.results.steady import WellWeight


def weights_of_states(
    places: Sequence[tuple[float, ...]], states: Sequence[int], logs: Floats, errors: Floats
) -> tuple[WellWeight, ...]:
    """Probabilities of states from their logarithms and errors, (K,), and the minima (dim,) at ``places`` in each."""
    return tuple(
        WellWeight(
            places[state],
            Quantity.of_log(float(log), float(error)),
            merged=tuple(place for k, place in enumerate(places) if states[k] == state and k != state),
            number=state + 1,
        )
        for state, log, error in zip(sorted(set(states)), logs, errors, strict=True)
    )
