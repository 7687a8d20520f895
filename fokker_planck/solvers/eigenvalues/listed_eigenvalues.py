"""The eigenvalues of an answer one by one: pairs as two, clusters together, with their errors and own functions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.solvers.adaptivity.answer_types import Outcome
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode


@dataclass(frozen=True)
class Member:
    """One eigenvalue for the list, its error relative to the real part, and its own function."""

    mode: Eigenmode
    log: complex
    error: float
    field: Floats


def listed(outcome: Outcome, wanted: int) -> list[Member]:
    """The first of all eigenvalues that were found, pairs as two."""
    result = []
    for mode, fields, error in zip(outcome.payload.modes, outcome.payload.fields, outcome.errors, strict=True):
        logs = (complex(mode.log), complex(mode.log).conjugate())
        result += [
            Member(mode, log, float(error) + mode.no_less, field) for log, field in zip(logs, fields, strict=False)
        ]
    return sorted(result, key=_place)[:wanted]


def _place(member: Member) -> tuple[float, float, float]:
    """By real part, those of one cluster together, pairs whole."""
    return round(member.log.real, 9), -abs(member.log.imag), -member.log.imag


def warn_of_clusters(members: Sequence[Member]) -> None:
    """Say of every cluster what is known of it."""
    clusters = {id(member.mode.cluster): member for member in members if member.mode.cluster is not None}
    for member in clusters.values():
        cluster = member.mode.cluster
        known = member.error - cluster.radius / cluster.mean.real
        warnings.warn(
            f"{cluster.count} eigenvalues near {cluster.mean:.6g} cannot be told apart (the matrix is defective there, "
            f"or nearly): each is given as their mean, which is known to {known:.1e}, within {member.error:.1e}",
            stacklevel=3,
        )
