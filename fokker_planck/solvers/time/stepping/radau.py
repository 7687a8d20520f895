"""Steps in time by Radau's collocation, for M y' = -A(t)^T y: y_i at the q nodes t + tau c_i, c_q = 1, with

    M y_i + tau sum_j Q_ij A(t + tau c_j)^T y_j = M y(t),

of order 2q - 1, stiffly accurate: after a step that is long beside the times of the process the state is that of
its end.  The mass is kept by every iterate, since A(t) 1 = 0.

The system is solved by sweeps: with Q^T = L U and the lower triangle U^T for Q, and A in the middle of the step for
A(t), each stage is a system of its own (Weiser, 2015, "LU trick"), and what is left is reduced fivefold by every sweep,
however stiff it is.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial, legendre

from fokker_planck.fem.algebra.static_condensation import CondensedFactorization, condensed_factorization
from fokker_planck.fem.driven_generator import DrivenGenerator
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.model.schedule import BESIDE
from fokker_planck.quantity.light_dataclasses import dataclass

STAGES = 4
"""Of a step, of order 7: with 3 a decaying noise takes twice the steps to 1e-8, with 5 as many and more sweeps."""
EARLY = 4
"""Sweeps, before which what is left may grow: the first ones carry what came in at the beginning through all stages."""
FEWEST_SWEEPS = 1
"""After the first: where that is a small one since the guess is good, it may not have reached all stages."""
MOST_SWEEPS = 60
"""Of a step: 12 to 17 reach 1e-11; where coefficients change by all of themselves in a step, it is too long."""


@dataclass(frozen=True)
class Nodes:
    """c (q,), the integrals Q (q, q) of Lagrange's polynomials up to them, and the triangle that stands for Q."""

    places: Floats
    integrals: Floats
    triangle: Floats


@lru_cache(maxsize=4)
def radau_nodes(stages: int = STAGES) -> Nodes:
    """The right nodes of Radau on [0, 1].

    >>> radau_nodes(2).places.round(12).tolist(), radau_nodes(2).integrals[1].round(12).tolist()
    ([0.333333333333, 1.0], [0.75, 0.25])
    """
    series = np.zeros(stages + 1)
    series[-2:] = -1.0, 1.0
    places = np.sort(0.5 * (legendre.legroots(series).real + 1.0))
    places[-1] = 1.0
    integrals = np.zeros((stages, stages))
    for j in range(stages):
        others = np.delete(places, j)
        lagrange = Polynomial.fromroots(others) / float(np.prod(places[j] - others))
        integrals[:, j] = lagrange.integ()(places)
    return Nodes(places, integrals, _upper(integrals.T).T)


def at_places(stages: Floats, places: Floats) -> Floats:
    """The polynomial through the ``stages`` (q, N) of a step, at ``places`` (n,) in units of its length, (n, N).

    >>> at_places(1.0 + radau_nodes().places[:, None] ** 2, np.array([0.0, 0.5])).round(12).ravel().tolist()
    [1.0, 1.25]
    """
    nodes = radau_nodes(len(stages)).places
    powers = np.arange(len(nodes))
    through = places[:, None] ** powers @ np.linalg.inv(nodes[:, None] ** powers)
    return np.asarray(through @ stages)


def stage_times(t: float, tau: float) -> Floats:
    """The times of the stages of a step, the last of them on this side of its end, where a coefficient may jump."""
    times = t + tau * radau_nodes().places
    times[-1] -= BESIDE * times[-1]
    return times


def _upper(matrix: Floats) -> Floats:
    """The U of L U without exchange of rows."""
    upper = matrix.copy()
    for k in range(len(upper)):
        for i in range(k + 1, len(upper)):
            upper[i] -= upper[i, k] / upper[k, k] * upper[k]
    return upper


@dataclass(frozen=True)
class Stepper:
    """Steps of the process on the ``free`` unknowns (N,); ``size`` (N,) measures vectors in total variation."""

    driven: DrivenGenerator
    free: Booleans
    size: Floats

    def stages(self, load: Floats, t: float, tau: float, enough: float, guess: Floats | None = None) -> Floats | None:
        """The vectors (q, N) at the stages of a step of ``tau`` from the ``load`` M y(t), the last one at its end.

        To ``enough`` in total variation, from a ``guess`` (q, N) if there is one; None if the step is too long.
        """
        return self.prepared(t, tau).stages(load, enough, guess)

    def prepared(self, t: float, tau: float) -> Step:
        """A step with its matrices factored, to be taken by any number of vectors."""
        nodes = radau_nodes()
        middle = self.driven.elements(t + 0.5 * tau)
        factors = [self._factored(middle, tau * gamma) for gamma in np.diag(nodes.triangle)]
        at_nodes = [self.driven.elements(node) for node in stage_times(t, tau)]
        return Step(self.driven.reference, tau, at_nodes, middle, factors, self.size)

    def _factored(self, elements: Floats, tau: float) -> CondensedFactorization:
        reference = self.driven.reference
        return condensed_factorization(
            reference.discretization,
            reference.mass + tau * elements,
            self.free,
            symmetric=False,
            exponent=reference.exponent,
        )


@dataclass(frozen=True)
class Step:
    """A step of length ``tau`` with A at its nodes and in its ``middle``, and a factor for each stage."""

    reference: Generator
    tau: float
    at_nodes: list[Floats]
    middle: Floats
    factors: list[CondensedFactorization]
    size: Floats

    def stages(self, load: Floats, enough: float, guess: Floats | None = None) -> Floats | None:
        """The vectors (q, N) at all nodes, to ``enough`` in total variation; None if the step is too long."""
        found = np.zeros((len(self.factors), len(load))) if guess is None else guess
        residual = np.repeat(load[None], len(found), axis=0) if guess is None else self._residual(load, found)
        before = np.inf
        for sweep in range(MOST_SWEEPS):
            change = self._swept(residual)
            found += change
            moved = float((np.abs(change) @ self.size).max())
            if moved <= enough and sweep >= FEWEST_SWEEPS:
                return found
            if not np.isfinite(moved) or (sweep > EARLY and moved > before):
                return None
            before = moved
            residual = self._residual(load, found)
        return None

    def _residual(self, load: Floats, found: Floats) -> Floats:
        inside = np.array([self._adjoint(a, vector) for a, vector in zip(self.at_nodes, found, strict=True)])
        masses = np.array([self.reference.apply_mass(vector) for vector in found])
        return np.asarray(load - masses - self.tau * (radau_nodes().integrals @ inside))

    def _swept(self, residual: Floats) -> Floats:
        triangle = self.tau * radau_nodes().triangle
        change, images = np.zeros_like(residual), np.zeros_like(residual)
        for j, factor in enumerate(self.factors):
            change[j] = factor.solve(residual[j] - triangle[j, :j] @ images[:j], adjoint=True)
            images[j] = self._adjoint(self.middle, change[j])
        return change

    def _adjoint(self, elements: Floats, vector: Floats) -> Floats:
        return self.reference.apply_elements(np.swapaxes(elements, 1, 2), vector)
