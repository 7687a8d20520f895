"""What is measured of the cells of a mesh while it is refined: of those that stay as they were it is known already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from fokker_planck.fem.meshing import exponent_range
from fokker_planck.fem.triangulations.triangulation import Triangulation, row_keys
from fokker_planck.fem.truncation.decided_exponents import Exponents
from fokker_planck.fem.truncation.domain_truncation import Shares, shares
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.setting.flow_setting import FlowSetting

Cells = TypeVar("Cells", Floats, Booleans)


@dataclass(frozen=True)
class Measured:
    """Of every cell of a ``mesh`` what it ``holds``, and by how much psi ``changes`` there below the cutoff, (m,).

    Those that are ``fine`` (m,) were seen to be small enough for the weight.
    """

    mesh: Triangulation
    holds: Shares
    changes: Floats
    fine: Booleans


def measured(
    setting: FlowSetting, mesh: Triangulation, questions: Sequence[Exponents], before: Measured | None
) -> Measured:
    """The cells of a mesh; what is known of the same cells of the mesh ``before`` is not measured again."""
    same = np.full(len(mesh.cells), -1) if before is None else _same_cells(before.mesh.cells, mesh.cells)
    fresh = same < 0
    # a refined mesh has the points of the one before, and more after them
    part = replace(mesh, cells=mesh.cells[fresh], regions={})
    low, high = exponent_range(part, setting.weighting)
    here = shares(part, questions)
    changes, fine = np.minimum(high, setting.ceiling) - low, np.zeros(len(low), dtype=bool)
    if before is None:
        return Measured(mesh, here, changes, fine)

    def joined(new: Cells, old: Cells) -> Cells:
        result = old[same]
        result[fresh] = new
        return result

    known = before.holds
    owners = {name: joined(cells, known.owners[name]) for name, cells in here.owners.items()}
    holds = Shares(joined(here.held, known.held), joined(here.decided, known.decided), owners)
    return Measured(mesh, holds, joined(changes, before.changes), joined(fine, before.fine))


def _same_cells(before: Integers, cells: Integers) -> Integers:
    """The number among cells ``before`` (k, n) of each of the ``cells`` (m, n), of the same points; else -1."""
    keys = row_keys(np.concatenate([before, cells]))
    old, new = keys[: len(before)], keys[len(before) :]
    order = np.argsort(old)
    place = np.minimum(np.searchsorted(old[order], new), len(old) - 1)
    return np.where(old[order][place] == new, order[place], -1)
