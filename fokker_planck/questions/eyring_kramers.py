"""The rates of Eyring and Kramers alone, without a solve."""

from __future__ import annotations

from math import isfinite

from fokker_planck.asymptotics.eyring_kramers import rates
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.problem import Problem
from fokker_planck.quantity import Quantity
from fokker_planck.questions.numpy_warnings import quietly


@quietly
def eyring_kramers(problem: Problem) -> list[list[Quantity | None]]:
    """``k_ij = sum_z lambda_+/(2 pi) sqrt(det Hess Phi(x_i)/|det Hess Phi(z)|) exp(Phi(x_i) - Phi(z))``, z the saddles.

    Parameters
    ----------
    problem
        the process, its domain and the accuracy

    Returns
    -------
    list[list[Quantity | None]]
        The rates between wells, from row to column, wells in the order of :func:`landscape`; None where no saddle joins
        two wells, or a degenerate one does.

    References
    ----------
    Eyring 1935; Kramers 1940; Bovier, Eckhoff, Gayrard and Klein 2004, Theorem 3.1.

    Examples
    --------
    >>> import fokker_planck as fp
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> round(eyring_kramers(fp.Problem(process, fp.Box([-2.0], [2.0])))[0][1].value, 9)   # sqrt(2)/(2 pi) exp(-5)
    0.001516571
    """
    from fokker_planck.solvers.setting.landscape_of_potential import limit_landscape, of_potential

    setting = of_potential(problem)
    return predicted_rates(rates(limit_landscape(setting), setting.balance.diffusion.tensor))


def predicted_rates(logs: Floats) -> list[list[Quantity | None]]:
    """Rates from their logarithms; None where there is none, or none is known."""
    return [[Quantity.of_log(float(log), float("nan")) if isfinite(log) else None for log in row] for row in logs]
