"""Which potential a process in detailed balance has: V, scaled along one eigenvalue of D or along several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.model.diffusion.constant import Constant, DiffusionField, Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.quantity.light_dataclasses import dataclass

# |D H - H D| over |D| |H|: rounding of exact Hessians, and of those by finite differences
COMMUTATOR_TOLERANCE = 1e-10
COMMUTATOR_TOLERANCE_OF_DIFFERENCES = 1e-6
"""The same for Hessians by finite differences, which have some eight digits."""
SAME_EIGENVALUE = 1e-12
"""Of the largest: eigenvalues of D closer than that are one, their difference being rounding of the factorisation."""


@dataclass(frozen=True)
class ScaledPotential:
    """Phi = V / epsilon, up to a constant.

    Parameters
    ----------
    potential
        V, taken without the constant terms of its formula
    epsilon
        noise
    level
        subtracted from V, where it is a function, before anything is divided

    Examples
    --------
    >>> ScaledPotential(Potential("x**2/2"), 0.5).value(np.array([[1.0]])).tolist()
    [1.0]
    """

    potential: Potential
    epsilon: float
    level: float = 0.0

    def value(self, x: Floats) -> Floats:
        """(V - level) / epsilon less its constant terms, (n,)."""
        return np.asarray((self.potential.variation(x) - self.level) / self.epsilon)

    def rounding(self, x: Floats) -> Floats:
        """The last place of V in units of epsilon, (n,): a level that is subtracted gives no digits back."""
        return self.potential.rounding(x) / self.epsilon

    def gradient(self, x: Floats) -> Floats:
        """grad V / epsilon, (dim, n)."""
        return self.potential.gradient(x) / self.epsilon

    def hessian(self, x: Floats) -> Floats:
        """Hess V / epsilon, (dim, dim, n)."""
        return self.potential.hessian(x) / self.epsilon

    def rough_hessian(self, x: Floats) -> Floats:
        """The Hessian to some digits, see :meth:`Potential.rough_hessian`."""
        return self.potential.rough_hessian(x) / self.epsilon

    def derivative(self, orders: Sequence[int]) -> Callable[[npt.ArrayLike], Floats]:
        """A partial derivative of V / epsilon, as in ``Potential.derivative``."""
        of_potential = self.potential.derivative(orders)
        return lambda x: of_potential(x) / self.epsilon

    __call__ = value


@dataclass(frozen=True)
class SeparatedPotential:
    """Phi(x) = sum over eigenspaces g of D of [V(c + P_g (x - c)) - V(c)] / d_g.

    Parameters
    ----------
    potential
        V, a sum of functions of the parts P_g x
    levels
        the distinct eigenvalues d_g of D
    projections
        the orthogonal projections P_g, (dim, dim) each
    centre
        c, (dim,)

    Notes
    -----
    Its gradient is sum P_g grad V(c + P_g (x - c)) / d_g, and equals D^-1 grad V(x).
    """

    potential: Potential
    levels: tuple[float, ...]
    projections: tuple[tuple[tuple[float, ...], ...], ...]
    centre: tuple[float, ...]

    def value(self, x: Floats) -> Floats:
        """Phi, (n,)."""
        points = np.asarray(x, dtype=np.float64)
        reference = float(self.potential.variation(self._centre())[0])
        total = np.zeros(points.shape[1])
        for level, projection in self._parts():
            total += (self.potential.variation(self._projected(projection, points)) - reference) / level
        return total

    def gradient(self, x: Floats) -> Floats:
        """grad Phi, (dim, n)."""
        points = np.asarray(x, dtype=np.float64)
        total = np.zeros(points.shape)
        for level, projection in self._parts():
            total += projection @ self.potential.gradient(self._projected(projection, points)) / level
        return total

    def hessian(self, x: Floats) -> Floats:
        """Hess Phi, (dim, dim, n)."""
        points = np.asarray(x, dtype=np.float64)
        total = np.zeros((points.shape[0], *points.shape))
        for level, projection in self._parts():
            inner = self.potential.hessian(self._projected(projection, points))
            total += np.einsum("ai,ijn,jb->abn", projection, inner, projection) / level
        return total

    __call__ = value

    def _parts(self) -> list[tuple[float, Floats]]:
        return [(d, np.array(p)) for d, p in zip(self.levels, self.projections, strict=True)]

    def _centre(self) -> Floats:
        return np.array(self.centre)[:, None]

    def _projected(self, projection: Floats, points: Floats) -> Floats:
        # a coordinate that the projection keeps is kept to the last bit: no c + (x - c)
        return projection @ points + (np.eye(len(self.centre)) - projection) @ self._centre()


@dataclass(frozen=True)
class DetailedBalance:
    """L u = e^Phi div(e^-Phi D grad u): the dimensionless exponent Phi and the tensor D.

    The stationary density is proportional to e^-Phi.
    """

    exponent: Function
    diffusion: Isotropic | Constant | DiffusionField


def detailed_balance(process: Overdamped, dimension: int, probe: npt.ArrayLike) -> DetailedBalance:
    """L u = e^Phi div(e^-Phi D grad u), with grad Phi = D^-1 grad V.

    For isotropic noise Phi = V / epsilon. For a constant matrix D the field D^-1 grad V is a gradient exactly where D
    commutes with the Hessian of V; then V is a sum of functions on the eigenspaces of D, and so is Phi. For what else
    there is see :mod:`fokker_planck.model.reversibility.classify`.

    Parameters
    ----------
    process
        the process, D constant and no extra drift
    dimension
        number of coordinates
    probe
        points of the domain, (dim, n), where the commutator is checked

    Raises
    ------
    ProblemError
        With the key ``diffusion.matrix`` where the process is irreversible.

    References
    ----------
    Risken, The Fokker-Planck Equation (1989), section 6.2 (potential conditions).

    Examples
    --------
    >>> process = Overdamped(Potential("x**2/2 + y**2/2"), Constant([[1.0, 0.0], [0.0, 2.0]]))
    >>> balance = detailed_balance(process, 2, np.random.default_rng(1).uniform(-1, 1, (2, 20)))
    >>> balance.exponent.gradient(np.array([[3.0], [2.0]])).ravel().tolist()
    [3.0, 1.0]
    """
    V, D = process.potential, process.diffusion
    if V.dimension > dimension:
        raise ProblemError(
            "potential", f"{V.dimension} coordinates", f"at most {dimension}, the dimension of the domain"
        )
    if isinstance(D, Isotropic):
        return DetailedBalance(ScaledPotential(V, D.epsilon, _level(V, probe)), D)
    if not isinstance(D, Constant):
        raise TypeError(f"a diffusion that is constant, not {D!r}")
    matrix = D.matrix_in(dimension)
    levels, projections = _eigenspaces(matrix)
    if len(levels) == 1:
        return DetailedBalance(ScaledPotential(V, levels[0], _level(V, probe)), D)
    points = np.asarray(probe, dtype=np.float64)
    if points.ndim != 2 or points.shape[0] != dimension or points.shape[1] == 0:
        raise ValueError(f"probe points have shape ({dimension}, n), n > 0, not {points.shape}")
    _check_commutes(matrix, V, points)
    middle = np.mean(points, axis=1, keepdims=True)
    centre = points[:, np.argmin(np.sum((points - middle) ** 2, axis=0))]
    exponent = SeparatedPotential(
        V,
        tuple(levels),
        tuple(tuple(tuple(row) for row in p.tolist()) for p in projections),
        tuple(centre.tolist()),
    )
    return DetailedBalance(exponent, D)


def _level(potential: Potential, probe: npt.ArrayLike) -> float:
    """A value of V, where it is a function whose values are all far from zero: as good a zero as any."""
    points = np.asarray(probe, dtype=np.float64)
    if potential.expression is not None or points.ndim != 2 or not points.shape[1]:
        return 0.0
    values = potential.value(points)
    values = values[np.isfinite(values)]
    nearest = float(values[np.argmin(np.abs(values))]) if len(values) else 0.0
    return nearest if len(values) and abs(nearest) > float(np.ptp(values)) else 0.0


def _eigenspaces(matrix: Floats) -> tuple[list[float], list[Floats]]:
    """Distinct eigenvalues and the orthogonal projections onto their eigenspaces."""
    if np.array_equal(matrix, np.diag(np.diag(matrix))):
        # no rotation, no rounding
        diagonal = np.diag(matrix)
        distinct = sorted(set(diagonal.tolist()))
        return distinct, [np.diag((diagonal == d).astype(np.float64)) for d in distinct]
    eigenvalues, vectors = np.linalg.eigh(matrix)
    breaks = np.flatnonzero(np.diff(eigenvalues) > SAME_EIGENVALUE * eigenvalues[-1]) + 1
    groups = np.split(np.arange(len(eigenvalues)), breaks)
    levels = [float(np.mean(eigenvalues[group])) for group in groups]
    return levels, [vectors[:, group] @ vectors[:, group].T for group in groups]


def _check_commutes(matrix: Floats, potential: Potential, points: Floats) -> None:
    hessian = potential.hessian(points)
    finite = np.all(np.isfinite(hessian), axis=(0, 1))
    if not np.any(finite):
        raise ProblemError("potential", "a Hessian that is finite nowhere", "a potential with second derivatives")
    hessian = hessian[:, :, finite]
    product = np.einsum("ij,jkn->ikn", matrix, hessian)
    commutator = np.sqrt(np.sum((product - product.swapaxes(0, 1)) ** 2, axis=(0, 1)))
    size = np.linalg.norm(matrix) * np.sqrt(np.max(np.sum(hessian**2, axis=(0, 1))))
    tolerance = COMMUTATOR_TOLERANCE if potential.exact else COMMUTATOR_TOLERANCE_OF_DIFFERENCES
    if np.any(commutator > tolerance * size):
        raise ProblemError(
            "diffusion.matrix",
            "a matrix that does not commute with the Hessian of V, which makes the process irreversible",
            "a multiple of the identity, or a V that is a sum over the axes of D (not solved by this version)",
        )
