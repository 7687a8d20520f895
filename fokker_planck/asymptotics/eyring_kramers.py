"""Eyring-Kramers rates between wells, and what follows from them: small eigenvalues and weights of wells.

For the generator ``L u = e^Phi div(e^-Phi D grad u)`` the rate from the minimum x over the saddle z is

``k = lambda_+/(2 pi) sqrt(det Hess Phi(x) / |det Hess Phi(z)|) exp(-(Phi(z) - Phi(x)))``

with ``lambda_+`` the positive eigenvalue of ``-D(z) Hess Phi(z)``.  Parallel saddles add.  Where D = eps I and
Phi = V/eps this is the classical formula.  Sources: Bovier, Eckhoff, Gayrard, Klein, J. Eur. Math. Soc. 6 (2004) 399;
Berglund, Markov Process. Relat. Fields 19 (2013) 459.

On a reflecting wall the Gaussian integral across it becomes ``int_0^infinity exp(-g s - h s^2/2) ds``, with g the slope
of Phi at the wall and h its curvature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, pi, sqrt

import numpy as np

from fokker_planck.asymptotics.anharmonicity import neglected
from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle
from fokker_planck.quantity import Quantity

Tensor = Callable[[Floats], Floats]

LOWEST_BARRIER = 0.5
"""Below this many units of epsilon there is no well to speak of, and no prediction."""


def log_local_integral(point: CriticalPoint) -> float:
    """log of ``int exp(-Phi)`` around a minimum in Laplace's approximation; NaN for a degenerate one.

    Around a saddle the same with the descending direction counted as if it ascended.

    >>> point = CriticalPoint((0.0,), 3.0, ((2.0,),), (2.0,), "minimum")
    >>> round(log_local_integral(point) + 3.0, 12) == round(log(sqrt(pi)), 12)
    True
    """
    if point.degenerate:
        return float("nan")
    hessian, normals = np.array(point.hessian), np.array(point.wall_normals).reshape(-1, len(point.position))
    total = -point.value
    held = [number for number, slope in enumerate(point.wall_slopes) if slope > 0.0]
    # A wall without slope halves the Gaussian; one with slope takes its direction out of the determinant.
    total -= (len(point.wall_slopes) - len(held)) * log(2.0)
    for number in held:
        curvature = float(normals[number] @ hessian @ normals[number])
        total += _log_half_line(point.wall_slopes[number], curvature)
    eigenvalues = np.array(point.hessian_eigenvalues)
    if np.any(eigenvalues == 0.0):
        return float("nan")
    return total + 0.5 * float(np.sum(np.log(2.0 * pi / np.abs(eigenvalues))))


def _log_half_line(slope: float, curvature: float) -> float:
    """log of ``int_0^infinity exp(-slope s - curvature s^2/2) ds``, of the slope alone where the curvature is < 0."""
    from scipy.special import erfcx

    if curvature <= 0.0:
        return -log(slope)
    return log(sqrt(pi / (2.0 * curvature)) * float(erfcx(slope / sqrt(2.0 * curvature))))


def unstable_rate(saddle: Saddle, tensor: Tensor) -> float:
    """The positive eigenvalue of ``-D Hess Phi`` at a saddle, along the wall if a wall holds it."""
    matrix = tensor(saddle.x[:, None])[:, :, 0]
    hessian = np.array(saddle.hessian)
    normals = [n for n, slope in zip(saddle.wall_normals, saddle.wall_slopes, strict=True) if slope > 0.0]
    if normals:
        _q, _r = np.linalg.qr(np.array(normals).T, mode="complete")
        along = _q[:, len(normals) :]
        if along.shape[1] == 1:  # the second derivative along a wall that may be curved
            return -saddle.hessian_eigenvalues[0] * float(along[:, 0] @ matrix @ along[:, 0])
        matrix, hessian = along.T @ matrix @ along, along.T @ hessian @ along
    return float(np.max(np.linalg.eigvals(-matrix @ hessian).real))


def log_capacity(saddle: Saddle, tensor: Tensor) -> float:
    """log of ``lambda_+/(2 pi) int exp(-Phi)``: the rate over a saddle before division by the weight of the well."""
    return log_local_integral(saddle) + log(unstable_rate(saddle, tensor) / (2.0 * pi))


def rates(landscape: Landscape, tensor: Tensor) -> Floats:
    """Natural logarithms of the rates between wells.

    Parameters
    ----------
    landscape
        of the dimensionless exponent Phi.
    tensor
        D at points (dim, n), of shape (dim, dim, n).

    Returns
    -------
    Floats
        (K, K), from row to column; minus infinity where no saddle joins two wells and on the diagonal; NaN where a
        degenerate saddle or minimum has no rate of this form.

    Examples
    --------
    >>> well = dict(hessian=((40.0,),), hessian_eigenvalues=(40.0,), kind="minimum")
    >>> minima = (CriticalPoint((-1.0,), 0.0, **well), CriticalPoint((1.0,), 0.0, **well))
    >>> top = Saddle((0.0,), 5.0, ((-20.0,),), (-20.0,), "saddle", joins=(0, 1), unstable_direction=(1.0,))
    >>> from fokker_planck.landscape.frame import Frame
    >>> quartic = Landscape(minima, (top,), Frame((-2.0,), (2.0,), (None,)))  # (x**2 - 1)**2/4 at eps = 1/20
    >>> log_rate = rates(quartic, lambda x: np.full((1, 1, 1), 0.05))[0, 1]
    >>> round(float(log_rate) + log(2 * pi / sqrt(2)) + 5, 12)
    0.0
    """
    count = len(landscape.minima)
    weights = [log_local_integral(minimum) for minimum in landscape.minima]
    table = np.full((count, count), -np.inf)
    for saddle in landscape.saddles:
        first, second = saddle.joins
        if first == second:
            continue
        capacity = log_capacity(saddle, tensor) if not saddle.degenerate else float("nan")
        for start, stop in ((first, second), (second, first)):
            with np.errstate(invalid="ignore"):
                table[start, stop] = np.logaddexp(table[start, stop], capacity - weights[start])
    return table


def eigenvalues(
    log_rates: Floats,
    log_weights: Floats | None = None,
    count: int | None = None,
    relative_errors: Sequence[float] | None = None,
) -> list[Quantity]:
    """Eigenvalues of minus the rate matrix in ascending order, the zero first, each accurate relative to itself.

    Parameters
    ----------
    log_rates
        natural logarithms (K, K) of rates in detailed balance, minus infinity for none.
    log_weights
        of the weights w that balance them, ``w_i k_ij = w_j k_ji``; found from the rates if not given.
    count
        how many; all K if not given.
    relative_errors
        what to state for each, NaN if not given.

    Notes
    -----
    The symmetric matrix ``-c_ij / sqrt(w_i w_j)`` with ``c_ij = w_i k_ij`` has the same eigenvalues; where they span
    more orders of magnitude than a double has digits it is diagonalised in as many digits as it takes.

    Examples
    --------
    >>> two = np.array([[-np.inf, -2000.0], [-2010.0, -np.inf]])
    >>> round(eigenvalues(two)[1].log, 9)  # k_12 + k_21
    -1999.999954601
    """
    table = np.asarray(log_rates, dtype=float)
    size = len(table)
    wanted = size if count is None else min(count, size)
    logs = [-np.inf] * size
    if np.isfinite(table).any():
        weights = _balancing_weights(table) if log_weights is None else np.asarray(log_weights, dtype=float)
        capacities = table + weights[:, None]
        # Equal both ways only to rounding, which would lift the zero eigenvalue.
        capacities = np.where(np.isfinite(capacities), 0.5 * (capacities + capacities.T), -np.inf)
        logs = _log_eigenvalues(capacities, weights)
    stated = [float("nan")] * size if relative_errors is None else list(relative_errors)
    return [Quantity.of_log(logs[k], 0.0 if logs[k] == -np.inf else stated[k]) for k in range(wanted)]


def _balancing_weights(log_rates: Floats) -> Floats:
    """log w with ``w_i k_ij = w_j k_ji``, along a tree of the fastest rates."""
    weights = np.full(len(log_rates), np.nan)
    for root in range(len(weights)):
        if np.isfinite(weights[root]):
            continue
        weights[root] = 0.0
        while True:
            known, unknown = np.flatnonzero(np.isfinite(weights)), np.flatnonzero(np.isnan(weights))
            table = log_rates[np.ix_(known, unknown)]
            if table.size == 0 or table.max() == -np.inf:
                break
            i, j = np.unravel_index(int(np.argmax(table)), table.shape)
            here, there = known[i], unknown[j]
            weights[there] = weights[here] + log_rates[here, there] - log_rates[there, here]
    return weights


def _log_eigenvalues(log_capacities: Floats, log_weights: Floats, most: float = 12.0) -> list[float]:
    """Ascending; by doubles where the rates span a factor of at most exp(``most``)."""
    size = len(log_weights)
    log_rates = log_capacities - log_weights[:, None]
    finite = log_rates[np.isfinite(log_rates)]
    top, spread = float(finite.max()), float(finite.max() - finite.min())
    if spread <= most:
        half = np.exp(0.5 * (log_weights - log_weights.max()))
        matrix = np.diag(np.exp(log_rates - top).sum(axis=1))
        matrix -= np.exp(log_capacities - log_weights.max() - top) / np.outer(half, half)
        found = np.linalg.eigvalsh(matrix)
        return [log(value) + top if value > 1e-13 * found[-1] else -np.inf for value in found]
    import mpmath

    digits = 20 + int(2.0 * spread / log(10.0))
    with mpmath.workdps(digits):
        weight = [mpmath.exp(mpmath.mpf(float(value))) for value in log_weights]
        capacity = [[mpmath.exp(mpmath.mpf(float(value)) - top) for value in row] for row in log_capacities]
        exact = mpmath.matrix(size)
        for i in range(size):
            for j in range(size):
                exact[i, j] = -capacity[i][j] / mpmath.sqrt(weight[i] * weight[j])
            exact[i, i] = mpmath.fsum(capacity[i]) / weight[i]
        values = sorted(mpmath.eigsy(exact, eigvals_only=True))
        floor = mpmath.mpf(10) ** (10 - digits) * max(values)
        return [float(mpmath.log(value) + top) if value > floor else -np.inf for value in values]


def predicted_eigenvalues(
    landscape: Landscape, tensor: Tensor, count: int | None = None, exponent: Function | None = None
) -> list[Quantity | None]:
    """Small eigenvalues of -L as Eyring and Kramers predict them, the zero first, one for each well.

    None stands for an eigenvalue without prediction: its well is shallower than half a unit of epsilon, or some
    critical point is degenerate.  The stated error is one over the barrier, about the size of the first neglected term,
    or, given the ``exponent`` Phi itself, what its integrals say, if that is more.
    """
    size = len(landscape.minima)
    zero: list[Quantity | None] = [Quantity.of(0.0, 0.0)]
    log_rates = rates(landscape, tensor)
    if np.isnan(log_rates).any():
        found = zero + [None] * (size - 1)
    else:
        order = sorted(range(size), key=lambda well: landscape.barriers[well], reverse=True)
        barriers = [landscape.barriers[well] for well in order]
        errors = [0.0 if not np.isfinite(barrier) else 1.0 / max(barrier, 1e-3) for barrier in barriers]
        if exponent is not None:
            saddles = {merge.absorbed: landscape.saddles[merge.saddle] for merge in landscape.merges}
            for k, well in enumerate(order):
                if well in saddles and (count is None or k < count):
                    points = (landscape.minima[well], saddles[well])
                    errors[k] = max(errors[k], neglected(points, exponent, landscape.frame))
        weights = np.array([log_local_integral(minimum) for minimum in landscape.minima])
        predicted = eigenvalues(log_rates, weights, relative_errors=errors)
        usable = [not np.isfinite(barrier) or barrier >= LOWEST_BARRIER for barrier in barriers]
        found = [value if use else None for value, use in zip(predicted, usable, strict=True)]
        if not found:
            found = zero
    return found if count is None else found[:count]


def well_probabilities(landscape: Landscape, exponent: Function | None = None) -> list[Quantity | None]:
    """Stationary probability of every well by Laplace's method: ``e^-Phi(x) / sqrt(det Hess Phi(x))``, normalised.

    None for all if a minimum that matters is degenerate.  The error stated is one over the barrier of the well, or,
    given the ``exponent`` Phi itself, what the integrals over it and the heaviest other well say, if that is more.

    >>> from fokker_planck.landscape.frame import Frame
    >>> flat = CriticalPoint((-1.0,), 0.0, ((1.2,),), (1.2,), "minimum")
    >>> sharp = CriticalPoint((1.0,), 0.0, ((2.8,),), (2.8,), "minimum")
    >>> wells = Landscape((flat, sharp), (), Frame((-2.0,), (2.0,), (None,)))
    >>> round(well_probabilities(wells)[0].value, 12)  # sqrt(2.8)/(sqrt(2.8) + sqrt(1.2))
    0.604356076261
    """
    logs = np.array([log_local_integral(minimum) for minimum in landscape.minima])
    if np.isnan(logs).any():
        return [None] * len(logs)
    total = float(np.logaddexp.reduce(logs))
    barriers = [barrier if np.isfinite(barrier) else 0.0 for barrier in landscape.barriers]
    lowest = min((barrier for barrier in barriers if barrier > 0.0), default=0.0)
    deepest = 1.0 / lowest if lowest > 0.0 else float("nan")
    errors = [1.0 / barrier if barrier > 0.0 else deepest for barrier in barriers]
    if exponent is not None:
        for well, minimum in enumerate(landscape.minima):
            other = max((k for k in range(len(logs)) if k != well), key=lambda k: logs[k], default=well)
            share = min(1.0, float(np.exp(logs[other] - total)) * 2.0)
            doubt = neglected([minimum, landscape.minima[other]], exponent, landscape.frame)
            errors[well] = max(errors[well], share * doubt)
    return [Quantity.of_log(float(value) - total, error) for value, error in zip(logs, errors, strict=True)]
