"""How the tolerance that is asked of every number is shared out among all that makes it wrong.

A number is done when the error of the finite elements, estimated, and all that no finer mesh makes less is below the
tolerance: what is allowed here for cuts and flat cells is in every bar as it stands, and the elements get the rest.
What has no part in a bar (paths to wells, curves between basins, powers left out) is allowed so little that it does not
show.  Rounding has no share: it is added to every bar, and a tolerance below it is missed with a warning.
"""

from __future__ import annotations

from math import exp, log

from fokker_planck.fem.meshing import NARROWED, TRIM
from fokker_planck.model.problem import Problem
from fokker_planck.quantity.light_dataclasses import dataclass, replace

AIM = 0.3
"""To which a refinement is to bring the error: the indicator that steers it is right to a factor of five on most
meshes, and a mesh that just misses costs the next one, as many unknowns again and more."""
FLAT = 0.05
"""In every bar of an anisotropic problem. Of D = diag(1, 1e-6) turned, two degrees were seen to agree within 6e-10 and
3e-9 where both were wrong by 2e-8, at a tolerance of 1e-6: cells are flat in the metric of D, so that the rules of
quadrature and rounding leave what is no error of degree."""
MARGIN = {1: 16.0, 2: 11.0, 3: 9.0}
"""Units of epsilon between the height where exp(-Phi) is the tolerance of that at the highest saddle and the energy
cutoff. A unit more is more cells all around, most of all in space; what lies above is ``AT_CUTOFF`` exp(-margin)."""
MARGIN_OF_FLOW = {1: 16.0, 2: 16.0, 3: 8.0}
"""The same without detailed balance: exp(-8) of the tolerance, times ``AT_CUTOFF`` in the bar, is less than three
digits show, and every unit of epsilon costs a twentieth more cells in space."""
AT_CUTOFF = 10.0
"""Of the density at the energy cutoff, for the volume that lies there."""
TRIED, CHANGED = 1e-4, 0.1
"""Without detailed balance: what all cells that are cut away may hold together, and by how much a hundred times as much
may change the answer: that is in the bar. With the quartic well and a rotation, barriers 50 to 200, the answer changes
by a seventh of what is held; weights under noise that follows the Hessian, on a coarse mesh, by 35 times that and more:
with 1e-2 and ten times as much they lay 36 bars off. It costs a twentieth of the time; 1e-5 and a thousand times as
much a tenth, and at barrier 500 twice the time."""
CHANGED_WITH_DEGREE = 0.2
"""The same where the answer with more cut away has a degree less at once and is what verifies the other: both are in
that difference, which is then in the bar twice."""
WEIGHTS = 0.1
"""For the mesh on which weights of wells are integrated, and, times ``TRIM``, for what is cut from it: the quadrature
that follows has the whole tolerance, and no rule of it sees either."""
FLOW, LEAST_FLOW = 1e-2, 1e-13
"""Local error of a step of the flow to the wells, and at least, relative to the extent: some ten steps past a saddle
add up to less than the tolerance, and rounding of the flow is no finer."""
FLOW_WITHOUT_BALANCE, LEAST_WITHOUT_BALANCE, COARSEST_IN_SPACE = 1e-3, 1e-8, 1e-5
"""The same without detailed balance, at least, and at most: in space the flow is followed from thousands of lines and
takes most of the time that weights take; in fewer dimensions it takes next to none, and has the least."""
COARSEST_CURVE = 1e-8
"""Of a curve between basins: it is followed once for all meshes, and its error is in no estimate of an integral."""
LEFT_OUT, LEFT_OUT_OF_PAIRS = 1e-4, 1e-7
"""For what powers of A_FF^-1 M that are left out change a small eigenvalue by: each costs one solve a well. The smaller
one without detailed balance, where it is multiplied by the condition of an eigenvalue."""
LEAST_OF_FUNCTIONS = 1e-12
"""The tolerance of eigenvalues with which their functions are right to rounding. With 4e-6 for both a quantile of an
exit from a well at a barrier of one unit of epsilon was 2.2e-8 off at a bar of 1.2e-8."""
ON_A_LINE = 1e-13
"""Weights on a line are asked for to that, whatever the tolerance: they cost milliseconds from 1e-7 to here, and the
bar is rounding alone."""


@dataclass(frozen=True)
class ErrorBudget:
    """The shares of a ``tolerance`` of relative errors, in so many dimensions."""

    tolerance: float
    dimension: int

    @property
    def aim(self) -> float:
        """The error at which a refinement aims."""
        return AIM * self.tolerance

    @property
    def flat_cells(self) -> float:
        """What two degrees may have wrong in common on cells that are flat."""
        return FLAT * self.tolerance

    @property
    def cutoff(self) -> float:
        """Units of epsilon from the highest saddle that counts to the energy cutoff."""
        return log(1.0 / self.tolerance) + MARGIN[self.dimension]

    @property
    def cut(self) -> float:
        """What cells that are cut away, above the energy cutoff and below, can change."""
        below = NARROWED[self.dimension] * TRIM[self.dimension]
        return (below + AT_CUTOFF * exp(-MARGIN[self.dimension])) * self.tolerance

    @property
    def cutoff_of_flow(self) -> float:
        """Units of epsilon from the highest saddle that counts to the energy cutoff, without detailed balance."""
        return log(1.0 / self.tolerance) + MARGIN_OF_FLOW[self.dimension]

    @property
    def cut_of_flow(self) -> float:
        """What cells above that cutoff can change."""
        return AT_CUTOFF * exp(-MARGIN_OF_FLOW[self.dimension]) * self.tolerance

    @property
    def tried(self) -> float:
        """What cells below that cutoff may hold together where a cut of them is tried."""
        return TRIED * self.tolerance

    @property
    def changed(self) -> float:
        """By how much such a cut may change the answer, and be made."""
        return CHANGED * self.tolerance

    @property
    def changed_with_degree(self) -> float:
        """By how much it may with a degree less at once."""
        return CHANGED_WITH_DEGREE * self.tolerance

    @property
    def mesh_of_weights(self) -> float:
        """Error of the weight exp(-Phi) on the mesh on which it is integrated over wells."""
        return WEIGHTS * self.tolerance

    @property
    def flow(self) -> float:
        """Local error of the flow to the wells."""
        return max(FLOW * self.tolerance, LEAST_FLOW)

    @property
    def flow_without_balance(self) -> float:
        """The same without detailed balance."""
        if self.dimension < 3:
            return LEAST_WITHOUT_BALANCE
        return max(LEAST_WITHOUT_BALANCE, min(COARSEST_IN_SPACE, FLOW_WITHOUT_BALANCE * self.tolerance))

    @property
    def curves(self) -> float:
        """Error of the curves between basins of a flow, relative to the extent."""
        from fokker_planck.landscape.basins.basin_integrals import accuracy_of_separatrices

        return min(accuracy_of_separatrices(self.tolerance), COARSEST_CURVE)

    @property
    def left_out(self) -> float:
        """Relative error of a small eigenvalue by what the reduced problem of the wells leaves out."""
        return LEFT_OUT * self.tolerance

    @property
    def left_out_of_pairs(self) -> float:
        """The same without detailed balance."""
        return LEFT_OUT_OF_PAIRS * self.tolerance

    @property
    def of_functions(self) -> ErrorBudget:
        """Where slow modes are asked for as functions: what is left out of an eigenvalue is the square of that."""
        return replace(self, tolerance=max(self.tolerance**2, LEAST_OF_FUNCTIONS))

    @property
    def where_easy(self) -> ErrorBudget:
        """The budget of weights on a line where slopes are exact: what rounding leaves of it."""
        return replace(self, tolerance=min(self.tolerance, ON_A_LINE))


def budget_of(problem: Problem) -> ErrorBudget:
    """The budget of the tolerance that a problem asks for.

    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1))
    >>> budget_of(fp.Problem(process, fp.Box([-1.0], [1.0]), fp.Resolution(tolerance=1e-6))).aim
    3e-07
    """
    return ErrorBudget(problem.resolution.tolerance, problem.dimension)
