"""exp(t L) step by step, each by a Krylov space of one resolvent: where noise vanishes in some direction.

Eigenvalues of such a process lie anywhere in a sector, and Chebyshev polynomials of a resolvent (:mod:`~.semigroup`)
grow on them.  The space of S = (M + r A)^-1 M serves one step of some r (:mod:`~.rational_krylov`), then the next one
begins with what has come out.  A load that is no function of the elements (a point, one that is not zero on a target)
is smoothed first, exp(-t lambda) = s exp(-t lambda) / s with s = 1 / (1 + r lambda).

What turns much faster than a resolvent sees is taken for dead by its space without a sign: r is kept below the times
in which the flow turns, and what half of the step changes is part of the error.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.landscape.finding.survey import sample_graph
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.quantity.light_dataclasses import dataclass, replace
from fokker_planck.solvers.adaptivity.spectral_scope import fastest_current
from fokker_planck.solvers.setting.flow_setting import FlowSetting
from fokker_planck.solvers.setting.setting import Setting
from fokker_planck.solvers.time.stepping.rational_krylov import KrylovSpace, krylov_space, norm
from fokker_planck.solvers.time.stepping.semigroup import resolvent

logger = logging.getLogger(__name__)

POLE = 10.0
"""A step over r: between 5 and 20 spaces of the same size serve."""
TURNS = 3.0
"""Of r times the fastest turning of the flow: modes up to some times that are followed, what is faster is graded."""
LEAST, MOST_HALVINGS = 1e-13, 6
"""Of a vector, what a space is let off; lengths of a step that are tried, the last of which is a 32nd of the first."""
QUARTER = 4.0
"""The times that one space serves: up to the end of its step, down to a quarter of it."""


@dataclass(frozen=True)
class Step:
    """From a time ``start`` on, by a ``space`` without its vectors, of which ``along`` (m, n) are the functionals."""

    start: float
    space: KrylovSpace
    along: Floats


@dataclass(frozen=True)
class Marched:
    """The ``steps`` of one ``length``; scaled vectors (N,) at the times that were asked for, and what may be missing.

    ``changes`` are what the last vectors of the space of that time contribute to these, (N,).
    """

    steps: tuple[Step, ...]
    length: float
    vectors: dict[float, Floats]
    changes: dict[float, Floats]

    def values(self, t: float, *, slope: bool = False) -> Floats:
        """The functionals (n,) at any time, or their derivatives."""
        step = self.steps[min(int(t / self.length), len(self.steps) - 1)]
        return np.asarray(step.space.coefficients(t - step.start, slope=slope) @ step.along)


@dataclass(frozen=True)
class MarchedTwice:
    """In steps of some length, and of half of it or less."""

    coarse: Marched
    fine: Marched

    def apart(self, t: float) -> float:
        """The largest difference of the functionals at a time."""
        return float(np.abs(self.fine.values(t) - self.coarse.values(t)).max())


@dataclass
class March:
    """exp(t L), or its adjoint, of a ``load`` (N,), on the ``free`` unknowns.

    ``functionals`` (n, N) are those of every scaled vector on the way, ``turning`` is the fastest frequency of the
    flow, ``enough`` the change in M that a space may leave.
    """

    generator: Generator
    free: Booleans
    load: Floats
    functionals: Floats
    turning: float
    enough: float
    adjoint: bool = False

    def to(self, latest: float, times: Sequence[float] = (), steps: int = 1) -> Marched:
        """All steps to a ``latest`` time: so many ``steps`` or more, each halved so often as it takes.

        Raises ``ConvergenceError`` where ``MOST_HALVINGS`` do not serve.
        """
        count = max(steps, 2 ** int(np.ceil(np.log2(max(1.0, self.turning * latest / (TURNS * POLE))))))
        for _ in range(MOST_HALVINGS):
            logger.debug("%d steps to t = %.3g", count, latest)
            found = self._in_steps(latest, count, times)
            if found is not None:
                return found
            count *= 2
        raise ConvergenceError(
            f"the process turns too fast to be followed to t = {latest:.3g} in {count // 2} steps",
            "earlier times, a looser tolerance, or more noise",
        )

    def twice(self, latest: float, times: Sequence[float] = ()) -> MarchedTwice:
        """The same, and in twice as many steps."""
        coarse = self.to(latest, times)
        return MarchedTwice(coarse, self.to(latest, times, 2 * len(coarse.steps)))

    def _in_steps(self, latest: float, count: int, times: Sequence[float]) -> Marched | None:
        length = latest / count
        inverse = resolvent(self.generator, self.free, length / POLE)
        vector, steps = inverse.factored.solve(self.load, adjoint=self.adjoint), []
        vectors: dict[float, Floats] = {}
        changes: dict[float, Floats] = {}
        for number in range(count):
            enough = max(self.enough / max(norm(self.generator, vector), 1e-300), LEAST)
            span = (length if number == 0 and count > 1 else length / QUARTER, length)
            space = krylov_space(inverse, vector, span, adjoint=self.adjoint, enough=enough, raised=number == 0)
            if space.change > enough * space.length:
                return None
            start = number * length
            for t in times:
                if min(int(t / length), count - 1) == number:
                    vectors[t], changes[t] = space.at(t - start), space.last_change(t - start)
            vector = space.at(length)
            along = space.basis @ self.functionals.T
            steps.append(Step(start, replace(space, basis=space.basis[:, :0]), along))
        return Marched(tuple(steps), length, vectors, changes)


def turning_of(setting: Setting, generator: Generator) -> tuple[float, bool]:
    """How fast the process turns, and whether it has to be followed in steps, since noise vanishes in some direction.

    That is then the largest |Im mu| of the eigenvalues mu of the drift's Jacobian below the energy cutoff; else the
    largest c . D^-1 c of the current's velocity c.
    """
    if generator.symmetric:
        return 0.0, False
    if not (isinstance(setting, FlowSetting) and is_degenerate(setting.problem)):
        return fastest_current(generator.discretization, setting.weighting), False
    x = sample_graph(setting.problem)[0].T
    below = x[:, setting.weighting.value(x) < setting.ceiling]
    jacobian = np.moveaxis(setting.problem.process.noiseless_jacobian(below), 2, 0)
    return float(np.abs(np.linalg.eigvals(jacobian).imag).max(initial=0.0)), True
