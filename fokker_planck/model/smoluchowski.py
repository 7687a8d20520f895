"""Brownian motion in a free energy: the density exp(-F/kT), whatever the mobility."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import positive_number
from fokker_planck.model.diffusion.constant import Diffusion
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True, init=False)
class Smoluchowski(Overdamped):
    """dX = (-D(X) grad F(X)/kT + div D(X)) dt + sqrt(2 D(X)) dW: in detailed balance with the density exp(-F/kT).

    Parameters
    ----------
    potential
        F, a free energy
    diffusion
        D, in units of length squared over time; it may depend on the state
    kT
        in the unit of F
    interpretation, extra
        for the sake of other processes; there is nothing to choose

    Examples
    --------
    >>> from fokker_planck.model.diffusion.state_dependent import Formula
    >>> process = Smoluchowski(Potential("x**2/2"), Formula("1 + x**2"), kT=0.5)
    >>> process.drift(np.array([[3.0]]), 1).tolist()    # -10*3/0.5 + 6
    [[-54.0]]
    """

    kT: float = 1.0

    def __init__(
        self,
        potential: Potential,
        diffusion: Diffusion,
        kT: float,
        interpretation: str = "klimontovich",
        extra: Drift | None = None,
    ) -> None:
        if interpretation != "klimontovich":
            raise ProblemError("diffusion.interpretation", interpretation, "none: the density is exp(-F/kT)")
        if extra is not None:
            raise ProblemError("drift", "a drift beside a free energy", "none, for smoluchowski dynamics")
        for name, value in (
            ("potential", potential),
            ("diffusion", diffusion),
            ("interpretation", interpretation),
            ("extra", None),
            ("kT", positive_number("dynamics.kT", kT, "a positive number, in the unit of the potential")),
        ):
            object.__setattr__(self, name, value)
        self.__post_init__()

    def noiseless_drift(self, x: Floats) -> Floats:
        """-D grad F / kT, (dim, n)."""
        points = np.asarray(x, dtype=float)
        tensor = self.field(len(points)).tensor(points)
        return np.asarray(-np.einsum("ijn,jn->in", tensor, self.potential.gradient(points)) / self.kT)

    def noiseless_jacobian(self, x: Floats) -> Floats:
        """d_j of component i, (dim, dim, n)."""
        from fokker_planck.formulas.calculus import finite_differences as differences

        points = np.asarray(x, dtype=float)
        field = self.field(len(points))
        result = -np.einsum("ikn,kjn->ijn", field.tensor(points), self.potential.hessian(points)) / self.kT
        if field.constant:
            return np.asarray(result)
        slopes = differences.gradient(field.tensor, points)  # (j, i, k, n)
        return np.asarray(result - np.einsum("jikn,kn->ijn", slopes, self.potential.gradient(points)) / self.kT)
