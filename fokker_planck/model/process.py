"""The process dX = b dt + sqrt(2 D) dW, and its generator in detailed-balance form where D is constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.formulas.kinks import distinct
from fokker_planck.model.diffusion.constant import Constant, Diffusion, DiffusionField, Isotropic
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.underdamped import Underdamped

#: alpha by name: at which point of a step, from its beginning 0 to its end 1, the noise is evaluated
INTERPRETATIONS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}

# |D H - H D| over |D| |H|: rounding of exact Hessians, and of those by finite differences
COMMUTATOR_TOLERANCE = 1e-10
COMMUTATOR_TOLERANCE_OF_DIFFERENCES = 1e-6
"""The same for Hessians by finite differences, which have some eight digits."""
SAME_EIGENVALUE = 1e-12
"""Of the largest: eigenvalues of D closer than that are one, their difference being rounding of the factorisation."""


@dataclass(frozen=True)
class Overdamped:
    """dX = (-grad V(X) + c(X)) dt + sqrt(2 D(X)) o_alpha dW, that is with the Ito drift b = -grad V + c + alpha div D.

    potential : V
    diffusion : D
    interpretation : how a D that varies in space is read: "ito", "stratonovich", "klimontovich" are alpha = 0, 1/2, 1;
        constant tensors mean the same in all three. (div D)_i = sum_j d_j D_ij.
    extra : c, a drift beside -grad V

    >>> Overdamped(Potential("x**2/2 + y**2/2"), Isotropic(0.1)).dimension
    2
    """

    potential: Potential
    diffusion: Diffusion
    interpretation: str = "ito"
    extra: Drift | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.potential, Potential):
            raise ProblemError("potential", self.potential, 'a Potential, such as Potential("x**2/2")')
        if self.extra is not None:
            if not isinstance(self.extra, Drift):
                raise ProblemError("drift.extra", self.extra, 'a Drift, such as Drift(["-y", "x"])')
            object.__setattr__(self, "extra", self.extra.called("drift.extra"))
        _check_noise(self.diffusion, self.interpretation)
        size = self.diffusion.dimension
        if size is not None and size < self.potential.dimension:
            key, found = ("diffusion.matrix", f"{size} rows and columns")
            wanted = f"{self.potential.dimension} of each, the potential has that many coordinates"
            raise ProblemError(key if isinstance(self.diffusion, Constant) else "diffusion", found, wanted)

    @property
    def turns_at_walls(self) -> bool:
        """False: walls reflect along D n."""
        return False

    @property
    def dimension(self) -> int:
        """Least number of coordinates that the process needs."""
        extra = self.extra.dimension if self.extra is not None else 1
        return max(self.potential.dimension, self.diffusion.dimension or 1, extra)

    def field(self, dimension: int) -> DiffusionField:
        """D(x) in that many coordinates."""
        return self.diffusion.field(self.potential, dimension)

    def noiseless_drift(self, x: Floats) -> Floats:
        """-grad V + c, the drift where there is no noise, (dim, n)."""
        drift = -self.potential.gradient(x)
        return drift if self.extra is None else drift + self.extra.value(x)

    def noiseless_jacobian(self, x: Floats) -> Floats:
        """Its derivatives d_j b_i, (dim, dim, n)."""
        jacobian = -self.potential.hessian(x)
        return jacobian if self.extra is None else jacobian + self.extra.jacobian(x)

    def drift(self, x: Floats, dimension: int) -> Floats:
        """The Ito drift b at points (dim, n), of the same shape.

        >>> from fokker_planck.model.diffusion.state_dependent import Formula
        >>> process = Overdamped(Potential("x**2/2"), Formula("1 + x**2"), "stratonovich")
        >>> process.drift(np.array([[3.0]]), 1).tolist()    # -3 + 6/2
        [[0.0]]
        """
        return _ito_drift(self, x, dimension)

    def drift_jacobian(self, x: Floats, dimension: int) -> Floats:
        """d_j b_i at points (dim, n), of shape (dim, dim, n)."""
        return _ito_jacobian(self, x, dimension)

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """On a line: points between which all coefficients are known to be smooth."""
        extra = self.extra.kinks(lower, upper) if self.extra is not None else ()
        found = (*self.potential.kinks(lower, upper), *extra, *self.field(1).kinks(lower, upper))
        return distinct(found, lower, upper)


@dataclass(frozen=True)
class Drifting:
    """dX = a(X) dt + sqrt(2 D(X)) o_alpha dW, that is with the Ito drift b = a + alpha div D; no potential is given.

    whole : a
    diffusion : D
    interpretation : as in :class:`Overdamped`

    >>> Drifting(Drift(["-x + 2*y", "-2*x - y"]), Isotropic(0.1)).dimension
    2
    """

    whole: Drift
    diffusion: Diffusion
    interpretation: str = "ito"

    def __post_init__(self) -> None:
        if not isinstance(self.whole, Drift):
            raise ProblemError("drift", self.whole, 'a Drift, such as Drift(["-x + y", "-x - y"])')
        _check_noise(self.diffusion, self.interpretation)
        size = self.diffusion.dimension
        if size not in (None, self.whole.dimension):
            key = "diffusion.matrix" if isinstance(self.diffusion, Constant) else "diffusion"
            raise ProblemError(key, f"{size} rows and columns", f"{self.whole.dimension} of each, as the drift has")
        self.field(self.whole.dimension)

    @property
    def potential(self) -> None:
        """None."""
        return None

    @property
    def turns_at_walls(self) -> bool:
        """False: walls reflect along D n."""
        return False

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.whole.dimension

    def field(self, dimension: int) -> DiffusionField:
        """D(x) in that many coordinates."""
        return self.diffusion.field(None, dimension)

    def noiseless_drift(self, x: Floats) -> Floats:
        """A, the drift where there is no noise, (dim, n)."""
        return self.whole.value(x)

    def noiseless_jacobian(self, x: Floats) -> Floats:
        """Its derivatives d_j a_i, (dim, dim, n)."""
        return self.whole.jacobian(x)

    def drift(self, x: Floats, dimension: int) -> Floats:
        """The Ito drift b at points (dim, n), of the same shape."""
        return _ito_drift(self, x, dimension)

    def drift_jacobian(self, x: Floats, dimension: int) -> Floats:
        """d_j b_i at points (dim, n), of shape (dim, dim, n)."""
        return _ito_jacobian(self, x, dimension)

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """On a line: points between which all coefficients are known to be smooth."""
        return distinct((*self.whole.kinks(lower, upper), *self.field(1).kinks(lower, upper)), lower, upper)


Process = Overdamped | Drifting | Underdamped


def alpha_of(process: Process) -> float:
    """0, 1/2 or 1: the share of div D that the interpretation adds to the drift."""
    return INTERPRETATIONS[process.interpretation]


def _ito_drift(process: Process, x: Floats, dimension: int) -> Floats:
    alpha, plain = alpha_of(process), process.noiseless_drift(x)
    return plain + alpha * process.field(dimension).divergence(x) if alpha else plain


def _ito_jacobian(process: Process, x: Floats, dimension: int) -> Floats:
    alpha, plain = alpha_of(process), process.noiseless_jacobian(x)
    return plain + alpha * process.field(dimension).divergence_jacobian(x) if alpha else plain


def _check_noise(diffusion: object, interpretation: object) -> None:
    if not hasattr(diffusion, "field") or not hasattr(diffusion, "dimension"):
        wanted = "Isotropic(epsilon), Constant(matrix), Hessian, Quadratic, Formula or Sampled"
        raise ProblemError("diffusion", diffusion, wanted)
    if not isinstance(interpretation, str) or interpretation not in INTERPRETATIONS:
        raise ProblemError("diffusion.interpretation", interpretation, f"one of {', '.join(INTERPRETATIONS)}")


@dataclass(frozen=True)
class ScaledPotential:
    """Phi = V / epsilon, up to a constant.

    potential : V, taken without the constant terms of its formula
    epsilon : noise
    level : subtracted from V, where it is a function, before anything is divided

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

    potential : V, a sum of functions of the parts P_g x
    levels : the distinct eigenvalues d_g of D
    projections : the orthogonal projections P_g, (dim, dim) each
    centre : c, (dim,)

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

    process : the process, D constant and no extra drift
    dimension : number of coordinates
    probe : points of the domain, (dim, n), where the commutator is checked

    Raises ProblemError with the key ``diffusion.matrix`` where the process is irreversible.

    Source: Risken, The Fokker-Planck Equation (1989), section 6.2 (potential conditions).

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
