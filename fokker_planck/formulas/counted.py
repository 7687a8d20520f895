"""A function whose evaluations are counted, so that a search on it has an end: beyond a budget it is refused."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.quantity.light_dataclasses import dataclass, field

BY_CALL = 100
"""Points that a call costs beside those it is asked for: what numpy does around them takes as long."""


@dataclass
class Count:
    """What has been spent of a ``budget``: points, and ``BY_CALL`` for each call."""

    budget: float
    spent: float = 0.0


@dataclass(frozen=True)
class Counted:
    """f and its derivatives, counted; ``count`` is shared by all that search on it.

    Raises ConvergenceError, which says ``task``, where the budget is spent.
    """

    function: Function
    count: Count = field(compare=False)
    task: str
    remedy: str

    def value(self, x: Floats) -> Floats:
        """f, (n,)."""
        self._spend(x)
        return self.function.value(x)

    def gradient(self, x: Floats) -> Floats:
        """Gradients, (dim, n)."""
        self._spend(x)
        return self.function.gradient(x)

    def hessian(self, x: Floats) -> Floats:
        """Hessians, (dim, dim, n)."""
        self._spend(x)
        return self.function.hessian(x)

    def rough_hessian(self, x: Floats) -> Floats:
        """The same to some digits, where f has a cheaper one."""
        self._spend(x)
        return np.asarray(getattr(self.function, "rough_hessian", self.function.hessian)(x))

    @property
    def dear_hessian(self) -> bool:
        """Whether the other Hessian is worth having."""
        return bool(getattr(self.function, "dear_hessian", False))

    def rounding(self, x: Floats) -> Floats:
        """What f knows of its own rounding, (n,); none where it takes no finite differences."""
        known = getattr(self.function, "rounding", None)
        return np.zeros(x.shape[1]) if known is None else np.asarray(known(x))

    def _spend(self, x: Floats) -> None:
        count = self.count
        count.spent += x.shape[1] + BY_CALL
        if count.spent > count.budget:
            raise ConvergenceError(f"{self.task} asked more than {count.budget:.1g} times for its values", self.remedy)
