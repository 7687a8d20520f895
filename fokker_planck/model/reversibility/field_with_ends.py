"""A diffusion on a line that is continued to an end where the exponent of the process stops."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.ends.line_ends import LineEnd
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class FieldWithEnds:
    """D on a line with singular ``ends``: in the last stretch next to each, one number."""

    field: DiffusionField
    ends: tuple[LineEnd, ...]

    @property
    def constant(self) -> bool:
        """False."""
        return False

    @property
    def key(self) -> str:
        """Of the field itself."""
        return self.field.key

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at points (1, n), of shape (1, 1, n)."""
        points = np.array(x, dtype=np.float64)
        near: dict[LineEnd, npt.NDArray[np.bool_]] = {}
        for end in self.ends:
            near[end] = end.within(points[0])
            points[0, near[end]] = end.edge
        values = np.array(self.field.tensor(points), dtype=np.float64)
        for end, inside in near.items():
            values[..., inside] *= np.exp(-end.log_mass_factor) / end.resistance_factor
        return values

    def divergence(self, x: npt.ArrayLike) -> Floats:
        """D' at points (1, n), zero in the stretches."""
        return self._outside(np.asarray(self.field.divergence(x)), x)

    def divergence_jacobian(self, x: npt.ArrayLike) -> Floats:
        """D'' at points (1, n), of shape (1, 1, n), zero in the stretches."""
        return self._outside(np.asarray(self.field.divergence_jacobian(x)), x)

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """Those of the field, and the edges of the stretches."""
        edges = [end.edge for end in self.ends if lower < end.edge < upper]
        return tuple(sorted({*self.field.kinks(lower, upper), *edges}))

    def _outside(self, values: Floats, x: npt.ArrayLike) -> Floats:
        inside = np.any([end.within(np.asarray(x, dtype=np.float64)[0]) for end in self.ends], axis=0)
        return np.where(inside, 0.0, values)
