"""Noise that follows the curvature: D = scale (H^2 + floor^2 I)^(1/2), H the Hessian of the potential."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.formulas.parsing.tape import in_blocks
from fokker_planck.model.arguments import described, finite_number, positive_number
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.diffusion.principal_axes import principal_axes
from fokker_planck.model.potential import Potential
from fokker_planck.quantity.light_dataclasses import dataclass, field


@dataclass(frozen=True)
class Hessian:
    """D = scale (H^2 + floor^2 I)^(1/2) with H = Hess V, of the potential of the process.

    Parameters
    ----------
    scale
        theta > 0, units of time per curvature; for stochastic gradient descent learning rate / (2 batch size)
    floor
        curvature >= 0 below which the noise no longer falls. With none it vanishes where H is singular, on a line at
        every inflection point, and no path crosses there from the side on which the drift pushes back.

    Raises
    ------
    ProblemError
        With the keys ``diffusion.scale`` and ``diffusion.floor``.

    References
    ----------
    Xie, Sato and Sugiyama (2021), the covariance of stochastic gradient noise near minima.

    Examples
    --------
    >>> well = Hessian(0.1, floor=3.0).field(Potential("2*x**2"), 1)
    >>> well.tensor(np.array([[0.7]])).ravel().tolist()
    [0.5]
    """

    scale: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", positive_number("diffusion.scale", self.scale, "a positive number"))
        floor = finite_number("diffusion.floor", self.floor, "a number >= 0")
        if floor < 0.0:
            raise ProblemError("diffusion.floor", described(self.floor), "a number >= 0")
        object.__setattr__(self, "floor", floor)

    @property
    def dimension(self) -> None:
        """None: it fits every dimension."""
        return None

    def field(self, potential: Potential | None, dimension: int) -> DiffusionField:
        """D(x) for a potential in at most that many coordinates."""
        if potential is None:
            raise ProblemError("diffusion.kind", "hessian", "another kind: there is no potential to take a Hessian of")
        return HessianField(potential, self.scale, self.floor)


@dataclass(frozen=True)
class HessianField:
    """The field of a :class:`Hessian` for one potential."""

    potential: Potential
    scale: float
    floor: float
    constant: bool = field(default=False, init=False)
    key: str = field(default="diffusion.floor", init=False)

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at points (dim, n), of shape (dim, dim, n)."""
        return in_blocks(self._tensor, x)

    def divergence(self, x: npt.ArrayLike) -> Floats:
        """Div D at points (dim, n), of the same shape, exact where V has exact third derivatives.

        With H = Q diag(l) Q^T the derivative of f(H) is Q [G . (Q^T dH Q)] Q^T, and for f(l) = sqrt(l^2 + floor^2)
        the divided differences G_ab = (l_a + l_b) / (f(l_a) + f(l_b)) have no cancellation (Daleckii and Krein 1965).
        """
        return in_blocks(self._divergence, x)

    def tensor_and_divergence(self, x: npt.ArrayLike) -> tuple[Floats, Floats]:
        """D and div D, of which axes and eigenvalues are found once."""
        both = in_blocks(self._both, x)
        return both[:-1], both[-1]

    def _tensor(self, points: Floats) -> Floats:
        return self._raised(*principal_axes(self.potential.hessian(points)))

    def _raised(self, values: Floats, axes: Floats) -> Floats:
        return np.asarray(np.einsum("ian,jan->ijn", self.scale * np.hypot(values, self.floor) * axes, axes))

    def _both(self, points: Floats) -> Floats:
        """D, and below it div D."""
        second, third = self.potential.second_and_third_derivatives(points)
        values, axes = principal_axes(second)
        return np.concatenate([self._raised(values, axes), self._turned(values, axes, third)[None]])

    def _divergence(self, points: Floats) -> Floats:
        second, third = self.potential.second_and_third_derivatives(points)
        return self._turned(*principal_axes(second), third)

    def _turned(self, values: Floats, axes: Floats, third: Floats) -> Floats:
        """(div D)_i = sum_ab Q_ia G_ab T_abb, (dim, n), with T the third derivatives along the axes."""
        along = np.einsum("ijbn,jbn->ibn", np.einsum("ijkn,kbn->ijbn", third, axes), axes)
        turned = np.einsum("ian,ibn->abn", axes, along) * self._quotients(values)
        return np.asarray(self.scale * np.einsum("ian,an->in", axes, turned.sum(axis=1)))

    def gradient(self, x: npt.ArrayLike) -> Floats:
        """d D_ij / d x_k at points (dim, n), (k, i, j, n), as exact as the divergence."""
        values, axes = principal_axes(self.potential.hessian(x))
        turned = np.einsum("ian,ijkn,jbn->abkn", axes, self.potential.third_derivatives(x), axes, optimize=True)
        turned = turned * self._quotients(values)[:, :, None]
        return np.asarray(self.scale * np.einsum("ian,abkn,jbn->kijn", axes, turned, axes, optimize=True))

    def _quotients(self, values: Floats) -> Floats:
        """G, (dim, dim, n)."""
        roots = np.hypot(values, self.floor)
        return _over(values[:, None] + values[None], roots[:, None] + roots[None])

    def divergence_jacobian(self, x: npt.ArrayLike) -> Floats:
        """d_j (div D)_i, (dim, dim, n): exact on a line and for formulas with a floor, else by differences."""
        points = np.asarray(x, dtype=np.float64)
        if len(points) > 1 and self.floor > 0.0 and self.potential.expression is not None:
            return in_blocks(self._curvature, points)
        if len(points) > 1:
            return np.moveaxis(differences.gradient(self.divergence, points), 0, 1)
        hessian, third = self.potential.hessian(points), self.potential.third_derivatives(points)[0]
        fourth = self.potential.derivative((4,))(points)
        root = np.hypot(hessian, self.floor)
        return self.scale * (_over(hessian * fourth, root) + _over(third**2, root) * _over(self.floor, root) ** 2)

    def _curvature(self, points: Floats) -> Floats:
        """d_j d_k D_ik, (dim, dim, n), from fourth derivatives of V, all along the axes, R_abc and S_abcd.

        To G . (Q^T d_jk H Q) there is added sum_c F_acb (A^j_ac A^k_cb + A^k_ac A^j_cb), A^k = Q^T d_k H Q, with the
        second divided differences F_abc of f, in closed form and without cancellation: of sinh and cosh with
        l = floor sinh u they are 1 / (2 floor cosh((u_a + u_b)/2) cosh((u_b + u_c)/2) cosh((u_c + u_a)/2)).  So

            d_j d_k D_ik = Q_ia Q_jd [sum_b G_ab S_adbb + sum_bc F_acb (R_acd R_cbb + R_acb R_cbd)].
        """
        values, axes = principal_axes(self.potential.hessian(points))
        third, fourth = self.potential.third_derivatives(points), self.potential.fourth_derivatives(points)
        roots = np.hypot(values, self.floor)
        one, other, f, g = values[:, None], values[None], roots[:, None], roots[None]
        once = (one + other) / (f + g)
        # 2 cosh^2((u_a + u_b)/2) floor^2 = floor^2 + f g + l m, which would cancel where l m < 0
        alike = self.floor**2 * (one**2 + other**2 + self.floor**2) / (f * g + np.abs(one * other))
        pairs = np.sqrt(self.floor**2 + np.where(one * other < 0.0, alike, f * g + one * other))
        twice = np.sqrt(2.0) * self.floor**2 / (pairs[:, :, None] * pairs[None] * pairs[:, None])
        along = third
        for _ in range(3):  # each turns the first index, and puts it last
            along = np.einsum("i...n,ian->...an", along, axes)
        both = np.einsum("ijkbn,kbn->ijbn", np.einsum("ijkln,lbn->ijkbn", fourth, axes), axes)
        both = np.einsum("ajbn,jdn->adbn", np.einsum("ijbn,ian->ajbn", both, axes), axes)
        within = np.einsum("abn,adbn->adn", once, both)
        within += np.einsum("acn,acdn->adn", np.einsum("acbn,cbbn->acn", twice, along), along)
        within += np.einsum("acbn,cbdn->adn", twice * along, along)
        return np.asarray(self.scale * np.einsum("ajn,ian->ijn", np.einsum("adn,jdn->ajn", within, axes), axes))

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """Those of the potential, and the inflection points where there is no floor."""
        from fokker_planck.formulas.bounds.kinks import distinct, zeros

        points = list(self.potential.kinks(lower, upper))
        if self.floor == 0.0:
            points += zeros(lambda x: self.potential.hessian(x[None])[0, 0], lower, upper)
        return distinct(points, lower, upper)


def _over(above: Floats | float, below: Floats) -> Floats:
    """above / below, and zero for zero over zero: the mean of the derivatives on both sides of |l| at l = 0."""
    return np.asarray(np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below != 0.0))
