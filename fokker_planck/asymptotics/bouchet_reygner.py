"""Mean exit times without detailed balance: Bouchet and Reygner's formula, with the prefactor along the path.

For ``dX = (b + eps c) dt + sqrt(2 eps a) dW``, an attractor x, a saddle z on its separatrix, and the fluctuation path
from one to the other, the mean time over z and far beyond is, to leading order,

``tau = (2 pi/lambda_+) sqrt(|det Hess W(z)| / det Hess W(x)) (C(x)/C(z)) exp((W(z) - W(x))/eps)``,

lambda_+ the positive eigenvalue of Db(z), W and C those of :mod:`fokker_planck.asymptotics.quasipotential`.  For a = 1
and c = 0, ``C(x)/C(z) = exp(int div l dt)`` with ``l = b + grad W``, at right angles to grad W.  Hess W along the path
follows from Riccati's equation ``dG/dt = -(H_xx + H_px^T G + G H_px + G H_pp G)`` and from ``G x' = p'``.
Source: Bouchet and Reygner, Ann. Henri Poincare 17 (2016) 3499.

It holds where W is twice differentiable along the path: not beyond a focus, and not where the path comes in to the
saddle along the separatrix.  Both are found out and refused.
"""

from __future__ import annotations

from math import log, pi

import numpy as np
import numpy.typing as npt

from fokker_planck.asymptotics.fluctuation_path import ActionPath
from fokker_planck.asymptotics.minimum_action import minimum_action_paths
from fokker_planck.asymptotics.quasipotential import SmallNoise, resonant
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, replace

SAME_ACTION = 1e-6
"""Actions of two paths closer than this, with their error, are one: mirror images differ by 1e-12, the collocation's
error, and both then count in the prefactor."""
ERRORS = ("barrier_error", "amplitude_error")
MISMATCH = 2e-2
"""How far Hess W at the end of a path may be from that of the linear theory at the saddle."""
STRIDE = 8
"""Of the points of a path, at which Riccati's equation takes half a step: with 4 the amplitudes of a rotated well and
of Maier and Stein's drift change by 3e-8 to 3e-7, their bars being 1e-5 and more, in twice the time."""
SLOW_MISMATCH = 0.3
"""The same where it tends there for certain, but slowly."""


@dataclass(frozen=True)
class ExitLaw:
    """``tau = prefactor exp(barrier/eps)`` over one saddle.

    Attributes
    ----------
    barrier
        W(z) - W(x)
    log_prefactor
        of everything else
    log_amplitude
        of C(x)/C(z), the part of it that detailed balance does not have
    barrier_error
        estimate of the error of the barrier
    amplitude_error
        estimate of the error of log_amplitude
    ways
        how many paths of this action lead over the saddle
    """

    barrier: float
    log_prefactor: float
    log_amplitude: float
    barrier_error: float
    amplitude_error: float
    ways: int

    def mean_time(self, epsilon: float) -> Quantity:
        """The time over the saddle and far beyond; half of it for a target that begins on the separatrix.

        The error stated is eps/barrier, about the size of the first neglected term.
        """
        if not epsilon > 0.0:
            raise ProblemError("epsilon", epsilon, "a positive number")
        error = epsilon / self.barrier + self.amplitude_error + self.barrier_error / epsilon
        return Quantity.of_log(self.log_prefactor + self.barrier / epsilon, error)


def exit_law(
    noise: SmallNoise, attractor: npt.ArrayLike, saddle: npt.ArrayLike, guess: npt.ArrayLike | None = None
) -> ExitLaw:
    """The law of the mean exit time over a saddle, the quasipotential being computed along its path.

    Parameters
    ----------
    noise
        b, a and c.
    attractor
        x, (dim,).
    saddle
        z, (dim,).
    guess
        a first curve (dim, m) for the path.

    Raises
    ------
    ConvergenceError
        Where no path is found, or W is not smooth along it.

    Examples
    --------
    >>> def drift(x):  # W = (x**2 - 1)**2/4 + y**2/2, and int div l = 1
    ...     return np.array([x[0] - x[0]**3 - x[1]**2, -x[1] + x[1] * (x[0]**3 - x[0])])
    >>> def jacobian(x):
    ...     one, fall = 1 + 0 * x[0], 3 * x[0]**2 - 1
    ...     return np.array([[-fall, -2 * x[1]], [x[1] * fall, -one + x[0]**3 - x[0]]])
    >>> law = exit_law(SmallNoise(drift, jacobian), [-1.0, 0.0], [0.0, 0.0])
    >>> round(law.barrier, 7), round(law.log_amplitude, 5)
    (0.25, 1.0)
    """
    paths = minimum_action_paths(noise, attractor, saddle, guess)
    least = [path for path in paths if path.action <= paths[0].action + SAME_ACTION + paths[0].error]
    found = [_law_of(noise, path) for path in least]
    log_rate = float(np.logaddexp.reduce([-law.log_prefactor for law in found]))
    barrier_error, amplitude_error = (max(getattr(law, name) for law in found) for name in ERRORS)
    return replace(
        found[0],
        log_prefactor=-log_rate,
        barrier_error=barrier_error,
        amplitude_error=amplitude_error,
        ways=len(found),
    )


def log_amplitude(noise: SmallNoise, path: ActionPath) -> float:
    """log of ``C(x)/C(z)`` along a path to a saddle: ``int div l dt`` for a = 1.

    Raises ConvergenceError where the quasipotential has no second derivatives on the path.
    """
    return _law_of(noise, path).log_amplitude


def _law_of(noise: SmallNoise, path: ActionPath) -> ExitLaw:
    if not path.to_saddle:
        raise ProblemError("path", "a path that does not end at a saddle", "one that does")
    times, x, p, hessians = hessians_along(noise, path)
    saddle = np.array(path.end)
    rates = noise.log_prefactor_rate(x, p, hessians)
    h = float(times[1] - times[0])
    total = h / 3.0 * float(rates[0] + rates[-1] + 4.0 * rates[1:-1:2].sum() + 2.0 * rates[2:-1:2].sum())
    tails = [_tail(rates, h, growth_rate(noise, x, p, 0)), _tail(rates[::-1], h, growth_rate(noise, x, p, -1))]
    total += sum(tails)
    top = noise.hessian_at(saddle, hessians[:, :, -1])
    errors = (path.error, 0.1 * float(np.abs(tails).sum()) + 1e-5)
    return assembled(noise, saddle, noise.hessian_at(np.array(path.start)), top, path.action, -total, errors)


def _tail(rates: Floats, h: float, growth: float) -> float:
    """The integral of ``d ln C/dt`` before the first of the points, where it grows like a power of the distance."""
    later = min(len(rates) - 1, max(1, round(0.5 / (growth * h))))
    power = growth
    if rates[later] * rates[0] > 0.0:
        power = float(np.clip(np.log(rates[later] / rates[0]) / (later * h), 0.2 * growth, 4.0 * growth))
    return float(rates[0]) / power


def hessians_along(noise: SmallNoise, path: ActionPath) -> tuple[Floats, Floats, Floats, Floats]:
    """Times (n,), points and momenta (dim, n), and Hess W there (dim, dim, n), along a path.

    Source of the equation: differentiate ``H(x, grad W) = 0`` twice.
    """
    start = np.array(path.start)
    # Near the attractor G is known to first order.
    G = noise.hessian_at(start) + noise.third_derivatives_at(start) @ (path.points[:, 0] - start)
    some = slice(None, None, STRIDE)
    hessians = _march(noise, path.times[some], path.points[:, some], path.momenta[:, some], G)
    every = slice(None, None, 2 * STRIDE)
    times, x, p = path.times[every], path.points[:, every], path.momenta[:, every]
    if path.to_saddle:
        _check_end(noise, x, p, hessians[-1], np.array(path.end))
    return times, x, p, np.moveaxis(np.array(hessians), 0, -1)


def _march(noise: SmallNoise, times: Floats, x: Floats, p: Floats, G: Floats) -> list[Floats]:
    """Riccati's equation by Runge-Kutta steps over two intervals each, G held to ``G x' = p'`` after every step."""
    A, Q, a2 = (
        list(np.ascontiguousarray(np.moveaxis(part, 2, 0)))
        for part in (noise.velocity_gradient(x, p), noise.energy_hessian(x, p), 2.0 * noise.a(x))
    )
    velocity, force = noise.velocity(x, p), noise.momentum_rate(x, p)
    speed = np.linalg.norm(velocity, axis=0)
    tangent, pull = velocity / speed, force / speed
    # what stands across the path, and what G x' = p' says of the rest
    across = np.eye(len(x)) - np.einsum("in,jn->nij", tangent, tangent)
    mixed = np.einsum("in,jn->nij", tangent, pull)
    along = np.einsum("in,in,jn,kn->njk", tangent, pull, tangent, tangent)
    fixed = mixed + np.swapaxes(mixed, 1, 2) - along
    largest = 1e8 * (1.0 + float(np.abs(G).max()))

    def slope(k: int, H: Floats) -> Floats:
        turned = H @ A[k]
        return np.asarray(-(Q[k] + turned.T + turned + H @ a2[k] @ H))

    def held(k: int, H: Floats) -> Floats:
        return np.asarray(fixed[k] + across[k] @ H @ across[k])

    G = held(0, G)
    result = [G]
    h = float(times[2] - times[0])
    for k in range(0, len(times) - 2, 2):
        one = slope(k, G)
        two = slope(k + 1, G + 0.5 * h * one)
        three = slope(k + 1, G + 0.5 * h * two)
        four = slope(k + 2, G + h * three)
        G = held(k + 2, G + h / 6.0 * (one + 2.0 * two + 2.0 * three + four))
        if not np.abs(G).max() < largest:
            raise ConvergenceError(
                f"the paths meet in a focus at {np.round(x[:, k + 2], 6).tolist()}: the action is no minimum beyond it",
                "begin with a bent guess, or trust no formula here",
            )
        result.append(G)
    return result


def _check_end(noise: SmallNoise, x: Floats, p: Floats, G: Floats, saddle: Floats) -> None:
    """Whether the path comes in along the unstable direction, and Hess W tends to that of the linear theory."""
    shape = noise.hessian_at(saddle)
    jacobian, a = noise.J(saddle[:, None])[:, :, 0], noise.a(saddle[:, None])[:, :, 0]
    if resonant(jacobian):
        # All directions decay alike, and of the many solutions of the linear theory the path chooses one.
        rest = jacobian.T @ G + G @ jacobian + 2.0 * G @ a @ G
        levels = np.linalg.eigvalsh(G)
        smooth = np.abs(rest).max() < MISMATCH * np.abs(jacobian).max() * np.abs(G).max()
        smooth &= bool(levels[0] < 0.0 and np.all(levels[1:] > 0.0))
    else:
        velocity = noise.velocity(x[:, -1:], p[:, -1:])[:, 0]
        tangent = velocity / np.linalg.norm(velocity)
        values, vectors = np.linalg.eig(jacobian + 2.0 * a @ shape)
        way_in = vectors[:, np.argmin(values.real)].real
        aside = np.linalg.norm(tangent - (tangent @ way_in) * way_in / (way_in @ way_in))
        across = np.eye(len(tangent)) - np.outer(tangent, tangent)
        off = np.abs(across @ (G - shape) @ across).max() / np.abs(shape).max()
        rates = np.linalg.eigvals(jacobian).real
        # With the stable rates the larger ones, the path turns into the unstable direction, be it late.
        tends = -np.sort(rates)[-2] > rates.max() if len(rates) > 1 else True
        smooth = bool(max(aside, off) < (SLOW_MISMATCH if tends else MISMATCH))
    if not smooth:
        raise ConvergenceError(
            f"the quasipotential is not smooth at the saddle {saddle.tolist()}",
            "the formula holds where the path comes in along the unstable direction",
        )


def growth_rate(noise: SmallNoise, x: Floats, p: Floats, k: int) -> float:
    """The rate at which the speed changes at one end of a path."""
    velocity = noise.velocity(x[:, [k]], p[:, [k]])
    change = np.einsum("ijn,jn->in", noise.velocity_gradient(x[:, [k]], p[:, [k]]), velocity)
    change += 2.0 * np.einsum("ijn,jn->in", noise.a(x[:, [k]]), noise.momentum_rate(x[:, [k]], p[:, [k]]))
    return float(abs(np.sum(velocity * change)) / np.sum(velocity**2))


def assembled(
    noise: SmallNoise,
    saddle: Floats,
    well: Floats,
    top: Floats,
    barrier: float,
    amplitude: float,
    errors: tuple[float, float],
) -> ExitLaw:
    """The law from Hess W at both ends, (dim, dim), the barrier, log C(x)/C(z), and the errors of these two."""
    unstable = float(np.linalg.eigvals(noise.J(saddle[:, None])[:, :, 0]).real.max())
    if not unstable > 0.0:
        raise ProblemError("saddle", saddle.tolist(), "a saddle of the drift")
    determinants = float(np.linalg.slogdet(top)[1] - np.linalg.slogdet(well)[1])
    prefactor = log(2.0 * pi / unstable) + 0.5 * determinants + amplitude
    return ExitLaw(barrier, prefactor, amplitude, *errors, 1)
