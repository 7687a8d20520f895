"""Bouchet and Reygner's exit times where the quasipotential W is known: its path is a flow that can be integrated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fokker_planck.asymptotics.bouchet_reygner import ExitLaw, assembled, growth_rate
from fokker_planck.asymptotics.quasipotential import SmallNoise
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats

NEAR = 1e-5
"""Of the distance of both ends: so near that the curvature of the path does not matter, so far that the slowness there
does not either."""
PATH_ACCURACY = 1e-8
"""Relative, of a step: 1e-11 takes twice as many steps and moves the logarithm along the path by 1e-10 to 6e-10
(three circulations around the quartic well), which is known to 1e-8 anyway."""
GAUSS = 6
"""Points in a step of the path, for what is summed along it: 4 and 8 give the same amplitude to 1e-10."""


def exit_law_of_quasipotential(
    noise: SmallNoise,
    value: Callable[[Floats], Floats],
    gradient: Callable[[Floats], Floats],
    hessian: Callable[[Floats], Floats],
    attractor: npt.ArrayLike,
    saddle: npt.ArrayLike,
) -> ExitLaw:
    """The law of the mean exit time over a saddle, along the flow ``x' = b + 2 a grad W``, back from the saddle.

    Parameters
    ----------
    noise
        b, a and c.
    value
        W at points (dim, n).
    gradient
        grad W, (dim, n).
    hessian
        Hess W, (dim, dim, n).
    attractor
        x, (dim,).
    saddle
        z, (dim,).

    Raises
    ------
    ProblemError
        W does not solve ``b . grad W + grad W . a grad W = 0``.
    ConvergenceError
        The path from the saddle does not lead back to the attractor.

    Examples
    --------
    >>> W = lambda x: (x[0]**2 - 1)**2 / 4 + x[1]**2 / 2
    >>> slope = lambda x: np.array([x[0]**3 - x[0], x[1]])
    >>> bend = lambda x: np.array([[3 * x[0]**2 - 1, 0 * x[0]], [0 * x[0], 1 + 0 * x[0]]])
    >>> noise = SmallNoise(lambda x: np.array([x[0] - x[0]**3 - x[1]**2, -x[1] + x[1] * (x[0]**3 - x[0])]))
    >>> law = exit_law_of_quasipotential(noise, W, slope, bend, [-1.0, 0.0], [0.0, 0.0])
    >>> round(law.barrier, 12), round(law.log_amplitude, 8)
    (0.25, 1.0)
    """
    first, last = (np.atleast_1d(np.asarray(point, dtype=float)) for point in (attractor, saddle))
    _check_equation(noise, gradient, first, last)
    barrier = float(value(last[:, None])[0] - value(first[:, None])[0])
    ends, total = _path(noise, gradient, hessian, first, last)
    p = gradient(ends)
    rates = noise.log_prefactor_rate(ends, p, hessian(ends))
    tail = float(rates[0]) / growth_rate(noise, ends, p, 0) + float(rates[1]) / growth_rate(noise, ends, p, 1)
    shapes = hessian(first[:, None])[:, :, 0], hessian(last[:, None])[:, :, 0]
    return assembled(noise, last, *shapes, barrier, total - tail, (1e-15, 1e-8))


def _path(
    noise: SmallNoise,
    gradient: Callable[[Floats], Floats],
    hessian: Callable[[Floats], Floats],
    first: Floats,
    last: Floats,
) -> tuple[Floats, float]:
    """Both ends of the path, (dim, 2), from beside the saddle to beside the attractor, and the logarithm along it."""
    from scipy.integrate import solve_ivp

    span = float(np.linalg.norm(last - first))
    growth = noise.J(last[:, None])[:, :, 0] + 2.0 * noise.a(last[:, None])[:, :, 0] @ hessian(last[:, None])[:, :, 0]
    values, vectors = np.linalg.eig(growth)
    way = vectors[:, np.argmin(values.real)].real
    way *= np.sign(way @ (first - last)) or 1.0
    begin = last + NEAR * span * way / np.linalg.norm(way)

    def backward(t: float, y: Floats) -> Floats:
        x = y[:, None]
        return -noise.velocity(x, gradient(x))[:, 0]

    def arrived(t: float, y: Floats) -> float:
        return float(np.linalg.norm(y - first)) - NEAR * span

    arrived.terminal = True  # type: ignore[attr-defined]
    settling = np.linalg.eigvals(noise.J(first[:, None])[:, :, 0])
    longest = 200.0 / min(abs(float(values.real.min())), float(np.abs(settling).min()))
    accuracy, reach = PATH_ACCURACY, (0.0, longest)
    path = solve_ivp(
        backward, reach, begin, "DOP853", rtol=accuracy, atol=0.1 * accuracy * span, events=arrived, dense_output=True
    )
    if path.status != 1:
        raise ConvergenceError(
            f"the fluctuation path of {last.tolist()} does not come from {first.tolist()}",
            "take the saddle that the path leads over, and its attractor",
        )
    # from each end of a step to the next by a rule of the order of the method, all at once
    nodes, weights = np.polynomial.legendre.leggauss(GAUSS)
    half, middle = 0.5 * np.diff(path.t), 0.5 * (path.t[1:] + path.t[:-1])
    x = path.sol((middle[:, None] + half[:, None] * nodes).ravel())
    along = noise.log_prefactor_rate(x, gradient(x), hessian(x)).reshape(len(half), GAUSS)
    return np.array([begin, path.y[:, -1]]).T, -float((along @ weights) @ half)


def _check_equation(noise: SmallNoise, gradient: Callable[[Floats], Floats], first: Floats, last: Floats) -> None:
    """W against its equation, at points around the straight line from one end to the other."""
    random = np.random.default_rng(0)
    x = first[:, None] + (last - first)[:, None] * random.uniform(0.0, 1.0, 50)
    x = x + 0.1 * np.linalg.norm(last - first) * random.standard_normal(x.shape)
    p, b = gradient(x), noise.drift(x)
    with_drift, with_noise = np.einsum("in,in->n", p, b), np.einsum("in,ijn,jn->n", p, noise.a(x), p)
    off = float(np.abs(with_drift + with_noise).max() / np.abs(with_noise).max())
    if not off < 1e-8:
        raise ProblemError(
            "gradient", f"a relative residual of {off:.2g}", "grad W with b . grad W + grad W . a grad W = 0"
        )
