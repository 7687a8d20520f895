"""The depopulation factor: what is missing near the saddle because friction returns too little energy to the well.

``Upsilon(delta) = exp[(1/(2 pi)) int ln(1 - exp(-delta (s^2 + 1/4)))/(s^2 + 1/4) ds]``

delta is the energy lost on the way from the saddle through the well and back, in units of epsilon.  The logarithm in
powers of the exponential, integrated term by term, and the derivative ``Li_1/2(exp(-delta/4))/(2 sqrt(pi delta))`` of
ln Upsilon in powers of delta give

- ``ln Upsilon = -sum_(n >= 1) erfc(sqrt(n delta)/2)/n``
- ``ln Upsilon = ln delta + pi^(-1/2) sum_(k >= 0) zeta(1/2 - k) (-1/4)^k delta^(k + 1/2)/(k! (2 k + 1))``, for delta
  below 8 pi,

in neither of which anything cancels where it is used.  Hence ``Upsilon ~ delta`` for small delta (energy diffusion),
and ``1 - Upsilon ~ erfc(sqrt(delta)/2)`` for large.

Source: Mel'nikov and Meshkov, J. Chem. Phys. 85 (1986) 1018; Mel'nikov, Phys. Rep. 209 (1991) 1; the series are derived
here and checked against the integral.
"""

from __future__ import annotations

from math import erfc, exp, factorial, log, pi, sqrt

from fokker_planck.errors import ProblemError

SERIES_FROM = 4.0
"""Above it the sum of error functions takes at most 40 terms, below it the power series 20: both to rounding."""
MOST_TERMS = 60
"""Of the sum of error functions: 40 were needed at the least argument."""


def log_factor(delta: float) -> float:
    """``ln Upsilon(delta)``, to rounding at any delta > 0.

    >>> round(log_factor(1e-12) - log(1e-12), 9) == round(-1.4603545088 * sqrt(1e-12 / pi), 9)     # zeta(1/2)
    True
    >>> log_factor(400.0) < 0.0, abs(log_factor(400.0) / erfc(10.0) + 1.0) < 1e-15
    (True, True)

    Raises ProblemError for a delta that is not positive.
    """
    if not delta > 0.0:
        raise ProblemError("delta", delta, "a loss of energy > 0")
    if delta > SERIES_FROM:
        total = 0.0
        for n in range(1, MOST_TERMS):
            term = erfc(0.5 * sqrt(n * delta)) / n
            total -= term
            if term <= -1e-17 * total:
                break
        return total
    return log(delta) + sum(_power_term(k, delta) for k in range(24)) / sqrt(pi)


def factor(delta: float) -> float:
    """``Upsilon(delta)``, in (0, 1).

    >>> round(factor(1e-8) * 1e8, 6), factor(1e4)
    (0.999918, 1.0)
    """
    return exp(log_factor(delta))


def log_factor_between(loss: float, loss_beyond: float | None) -> float:
    """ln F, with ``F = Upsilon(d)`` where nothing returns, and ``Upsilon(d) Upsilon(e)/Upsilon(d + e)`` between wells.

    d and e are the losses in the two wells, in units of epsilon; F is the same for both directions.

    The factor of two wells tends to ``d e/(d + e)`` for small losses: half of that of a metastable well for equal ones.

    Source: Mel'nikov, Phys. Rep. 209 (1991) 1, on double wells; for equal wells Mel'nikov and Meshkov (1986).

    >>> round(exp(log_factor_between(1e-9, 1e-9)) * 1e9, 3), log_factor_between(1.0, None) == log_factor(1.0)
    (0.5, True)
    """
    if loss_beyond is None:
        return log_factor(loss)
    return log_factor(loss) + log_factor(loss_beyond) - log_factor(loss + loss_beyond)


def _power_term(k: int, delta: float) -> float:
    from scipy.special import zetac

    return float((zetac(0.5 - k) + 1.0) * (-0.25) ** k * delta ** (k + 0.5) / (factorial(k) * (2 * k + 1)))
