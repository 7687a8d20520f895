"""Underdamped Langevin dynamics in phase space (x, v): noise and friction act on the velocity alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import described, positive_number
from fokker_planck.model.diffusion.constant import ConstantField, DiffusionField, Isotropic
from fokker_planck.model.potential import Potential
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.model.diffusion.state_dependent import Formula

FRICTION = "dynamics.friction"
#: Positions at which a formula of it is looked at, and refined around the least: zeros of higher order are wide.
FRICTION_SAMPLES = 2001
#: Of the largest, what is zero: the search comes within the root of rounding of where a square vanishes.
NO_FRICTION = 1e-12


@dataclass(frozen=True)
class Underdamped:
    """dx = v dt, dv = -V'(x) dt - gamma(x) v dt + sqrt(2 gamma(x) epsilon) dW.

    The stationary density is exp(-H/epsilon) with the energy H(x, v) = V(x) + v**2/2, whatever the friction is. A wall
    in x turns v around.

    Parameters
    ----------
    position_potential
        V, of one coordinate or two
    diffusion
        Isotropic(epsilon), epsilon the noise of the velocity in units of energy
    friction
        gamma, one over time: a number > 0, or a formula in x that is positive
    parameters
        values of the other names in the formula of the friction

    Raises
    ------
    ProblemError
        With keys under ``dynamics``, ``potential`` and ``diffusion``.

    Notes
    -----
    In sets, starts and domains the velocity is the second coordinate; formulas in Python call it y (observables v,
    too), problem files v.
    With a V of two coordinates the domain is that of positions, the velocities are all there are, and friction is a
    number: the spectrum between wells and rates alone are solved.

    References
    ----------
    Kramers, Physica 7 (1940) 284; Risken, The Fokker-Planck Equation (1989), chapter 10.

    Examples
    --------
    >>> well = Underdamped(Potential("x**2/2"), Isotropic(0.5), friction=2.0)
    >>> well.drift(np.array([[1.0], [3.0]]), 2).ravel().tolist(), float(well.potential(np.array([[1.0], [3.0]]))[0])
    ([3.0, -7.0], 5.0)
    """

    position_potential: Potential
    diffusion: Isotropic
    friction: float | str
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.friction, str):
            object.__setattr__(self, "friction", positive_number(FRICTION, self.friction, "a number > 0, or a formula"))
        V = self.position_potential
        if not isinstance(V, Potential):
            raise ProblemError("potential", described(V), 'a Potential of one coordinate, such as Potential("x**2/2")')
        if V.dimension > 2:
            wanted = "one or two: the phase space of three is six-dimensional, which this version does not solve"
            raise ProblemError("potential", f"{V.dimension} coordinates", wanted)
        if self.planar and isinstance(self.friction, str):
            raise ProblemError(FRICTION, self.friction, "a number > 0, for a potential of two coordinates")
        if not isinstance(self.diffusion, Isotropic):
            wanted = "Isotropic(epsilon): with noise of the velocity of another kind the density is not exp(-H/epsilon)"
            raise ProblemError("diffusion", described(self.diffusion), wanted)
        object.__setattr__(self, "parameters", tuple(dict(self.parameters).items()))
        self._friction  # noqa: B018  raises where the formula is wrong

    @property
    def planar(self) -> bool:
        """Whether positions have two coordinates, and the phase space four."""
        return self.position_potential.dimension == 2

    @cached_property
    def _friction(self) -> Formula | None:
        from fokker_planck.formulas.expression import parse_expression
        from fokker_planck.model.diffusion.state_dependent import Formula

        if not isinstance(self.friction, str):
            return None
        parse_expression(self.friction, ("x",), dict(self.parameters), FRICTION)
        scaled = f"({self.friction})*{self.diffusion.epsilon!r}"
        return Formula([["0", "0"], ["0", scaled]], dict(self.parameters))

    @property
    def interpretation(self) -> str:
        """Any: the noise does not depend on the velocity, which alone it drives."""
        return "ito"

    @property
    def extra(self) -> None:
        """None."""
        return None

    @property
    def turns_at_walls(self) -> bool:
        """True: a wall in x turns v around."""
        return True

    @property
    def whole(self) -> None:
        """None: the drift is that of V and the friction."""
        return None

    @cached_property
    def potential(self) -> Potential:
        """The energy H(x, v) = V(x) + v**2/2; in the plane that of positions, V."""
        V = self.position_potential
        if self.planar:
            return V
        if isinstance(V.source, str):
            return Potential(f"({V.source}) + y**2/2", dict(V.parameters))
        energy = _Energy(V)
        return Potential(energy.value, gradient=energy.gradient, hessian=energy.hessian, dimension=2)

    @property
    def dimension(self) -> int:
        """2."""
        return 2

    def field(self, dimension: int) -> DiffusionField:
        """D = diag(0, gamma epsilon), in the plane that of the velocities; raises ProblemError unless there are two."""
        if dimension != 2:
            raise ProblemError(
                "domain", f"{dimension} dimensions", "two: the phase space (x, v), or positions in the plane"
            )
        if self.planar:
            level = float(self.friction) * self.diffusion.epsilon
            return ConstantField(((level, 0.0), (0.0, level)), "diffusion.epsilon")
        if self._friction is not None:
            return self._friction.field(None, 2)
        return ConstantField(((0.0, 0.0), (0.0, float(self.friction) * self.diffusion.epsilon)), "diffusion.epsilon")

    def friction_at(self, x: Floats) -> Floats:
        """Gamma at points (2, n), (n,)."""
        return np.asarray(self.field(2).tensor(x)[1, 1] / self.diffusion.epsilon)

    def friction_at_positions(self, x: Floats) -> Floats:
        """Gamma at positions (1, n) or (2, n), (n,)."""
        return self.friction_at(x if self.planar else np.concatenate([x, np.zeros_like(x)]))

    def check_friction(self, lower: float, upper: float) -> None:
        """Raise ProblemError for a formula that is zero, or negative, between two positions."""
        if self._friction is None:
            return
        from scipy.optimize import minimize_scalar

        def friction(x: Any) -> Any:
            x = np.atleast_1d(x)
            return self.friction_at(np.array([x, 0.0 * x]))

        x = np.linspace(lower, upper, FRICTION_SAMPLES)
        values = friction(x)
        least = int(np.argmin(values))
        ends = x[max(least - 1, 0)], x[min(least + 1, len(x) - 1)]
        found = minimize_scalar(lambda at: float(friction(at)[0]), bounds=ends, method="bounded")
        place, value = min([(found.x, found.fun), (x[least], values[least])], key=lambda pair: pair[1])
        if not value > NO_FRICTION * values.max():
            said = f"'{self.friction}', which is {value:.3g} at x = {place:.4g}"
            raise ProblemError(FRICTION, said, "a formula that is positive everywhere in the domain")

    def circulation(self, x: Floats) -> Floats:
        """(v, -V'), the flow that keeps the energy, at points (2, n), of the same shape."""
        return np.stack([x[1], -self.position_potential.gradient(x[:1])[0]])

    def circulation_jacobian(self, x: Floats) -> Floats:
        """Its derivatives, (2, 2, n)."""
        zero = np.zeros(x.shape[1])
        return np.array([[zero, zero + 1.0], [-self.position_potential.hessian(x[:1])[0, 0], zero]])

    def noiseless_drift(self, x: Floats) -> Floats:
        """(v, -V' - gamma v) at points (2, n), of the same shape."""
        drift = self.circulation(x)
        drift[1] -= self.friction_at(x) * x[1]
        return drift

    def noiseless_jacobian(self, x: Floats) -> Floats:
        """Its derivatives, (2, 2, n)."""
        jacobian = self.circulation_jacobian(x)
        jacobian[1, 1] -= self.friction_at(x)
        if self._friction is not None:
            # gradient of the field: (k, i, j, n)
            slope = self._friction.field(None, 2).gradient(x)[0, 1, 1]  # type: ignore[attr-defined]
            jacobian[1, 0] -= slope / self.diffusion.epsilon * x[1]
        return jacobian

    def drift(self, x: Floats, dimension: int) -> Floats:
        """The drift in phase space: noise of the velocity that depends on x adds nothing to it."""
        return self.noiseless_drift(x)

    def drift_jacobian(self, x: Floats, dimension: int) -> Floats:
        """d_j b_i at points (2, n), (2, 2, n)."""
        return self.noiseless_jacobian(x)

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """None: there is no phase space on a line."""
        return ()


@dataclass(frozen=True)
class EnergyFlow:
    """c = (v, -V') of an underdamped process, as a vector field: div(exp(-H/epsilon) c) = 0."""

    process: Underdamped

    def value(self, x: Floats) -> Floats:
        """C at points (2, n), of the same shape."""
        return self.process.circulation(x)

    def jacobian(self, x: Floats) -> Floats:
        """d_j c_i, (2, 2, n)."""
        return self.process.circulation_jacobian(x)

    __call__ = value


@dataclass(frozen=True)
class _Energy:
    """V(x) + v**2/2 of a V that is a function."""

    position_potential: Potential

    def value(self, x: Floats) -> Floats:
        return np.asarray(self.position_potential.value(x[:1]) + 0.5 * x[1] ** 2)

    def gradient(self, x: Floats) -> Floats:
        return np.stack([self.position_potential.gradient(x[:1])[0], x[1]])

    def hessian(self, x: Floats) -> Floats:
        zero = np.zeros(x.shape[1])
        return np.array([[self.position_potential.hessian(x[:1])[0, 0], zero], [zero, zero + 1.0]])
