"""The process dX = b dt + sqrt(2 D) dW, by a potential and its noise or by its whole drift."""

from __future__ import annotations

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.kinks import distinct
from fokker_planck.model.arguments import described
from fokker_planck.model.diffusion.constant import Constant, Diffusion, DiffusionField
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass

#: alpha by name: at which point of a step, from its beginning 0 to its end 1, the noise is evaluated
INTERPRETATIONS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}


@dataclass(frozen=True)
class Overdamped:
    """dX = (-grad V(X) + c(X)) dt + sqrt(2 D(X)) o_alpha dW, that is with the Ito drift b = -grad V + c + alpha div D.

    Parameters
    ----------
    potential
        V
    diffusion
        D
    interpretation
        how a D that varies in space is read: "ito", "stratonovich", "klimontovich" are alpha = 0, 1/2, 1; constant
        tensors mean the same in all three. (div D)_i = sum_j d_j D_ij.
    extra
        c, a drift beside -grad V

    Examples
    --------
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> Overdamped(Potential("x**2/2 + y**2/2"), Isotropic(0.1)).dimension
    2
    """

    potential: Potential
    diffusion: Diffusion
    interpretation: str = "ito"
    extra: Drift | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.potential, Potential):
            without = "; a process given by its drift alone is a Drifting(drift, diffusion)"
            wanted = 'a Potential, such as Potential("x**2/2")'
            wanted += without * isinstance(self.potential, Drift)
            raise ProblemError("potential", described(self.potential), wanted)
        if self.extra is not None:
            if not isinstance(self.extra, Drift):
                raise ProblemError("drift.extra", described(self.extra), 'a Drift, such as Drift(["-y", "x"])')
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

        >>> import numpy as np
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

    Parameters
    ----------
    whole
        a
    diffusion
        D
    interpretation
        as in :class:`Overdamped`

    Examples
    --------
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> Drifting(Drift(["-x + 2*y", "-2*x - y"]), Isotropic(0.1)).dimension
    2
    """

    whole: Drift
    diffusion: Diffusion
    interpretation: str = "ito"

    def __post_init__(self) -> None:
        if not isinstance(self.whole, Drift):
            raise ProblemError("drift", described(self.whole), 'a Drift, such as Drift(["-x + y", "-x - y"])')
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
        raise ProblemError("diffusion", described(diffusion), wanted)
    if not isinstance(interpretation, str) or interpretation not in INTERPRETATIONS:
        raise ProblemError("diffusion.interpretation", interpretation, f"one of {', '.join(INTERPRETATIONS)}")
