"""Gradient descent with momentum: the kinetic equation that it is near.

Heavy ball: ``v_(k+1) = mu v_k - eta g_k``, ``x_(k+1) = x_k + v_(k+1)``, with E g = grad L(x_k) and cov g = C/B.  In the
time ``t = h k`` with the step ``h = sqrt(eta)``, and with the velocity ``V = v/h``, it is to first order in h

``dX = V dt,  dV = -grad L dt - gamma V dt + sqrt(2 gamma eps) dW``

``gamma = (1 - mu)/sqrt(eta),  eps = eta C/(2 B (1 - mu))``,

for a step takes V times ``1 - gamma h``, and adds ``-h grad L`` and noise of the variance ``h^2 C/B = 2 gamma eps h``.
Where gamma is large (mu fixed, eta -> 0) it is ``dX = -grad L dt' + sqrt(2 eps) dW`` in the time
``t' = t/gamma = k eta/(1 - mu)``: gradient descent with the learning rate ``eta/(1 - mu)``.

Nesterov's method takes the gradient at ``x_k + mu v_k``, to first order ``grad L(x) + mu h Hess L(x) V``: a friction
``mu h Hess L`` beside gamma.  It tends to zero with h, as all does in which the recursion and the kinetic equation
differ: the method has no limit of its own, but that of the heavy ball.  (Where 1 - mu falls like 3/k it has another
one: Su, Boyd and Candes 2016.)  At fixed mu the two frictions are as ``mu eta Hess L`` to ``1 - mu``, which is not
always small.

Source: Li, Tai and E, J. Mach. Learn. Res. 20 (2019) 40, for both methods; Kovachki and Stuart, J. Mach. Learn. Res. 22
(2021) 17, for mu fixed; Shi, Du, Jordan and Su, Math. Program. 195 (2022) 79, for the friction with the Hessian.
"""

from __future__ import annotations

from math import sqrt

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import finite_number, positive_number
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.sgd.learning import Learning


@dataclass(frozen=True)
class Momentum:
    """``v_(k+1) = mu v_k - eta g_k, x_(k+1) = x_k + v_(k+1)``: how gradient descent with momentum is run.

    Parameters
    ----------
    learning_rate
        eta > 0
    momentum
        mu, at least 0 and less than 1
    batch_size
        B, samples in a batch
    samples
        n, from which a batch is drawn without replacement; None for infinitely many, or with replacement

    Raises
    ------
    ProblemError
        With keys under ``diffusion``.

    Notes
    -----
    Where v counts without the learning rate, ``b_(k+1) = mu b_k + g_k, x_(k+1) = x_k - eta b_(k+1)`` (PyTorch), it is
    the same as long as eta is constant. Where the gradient is weighted, ``m_(k+1) = mu m_k + (1 - mu) g_k, x_(k+1) =
    x_k - a m_(k+1)``, eta is ``a (1 - mu)``.

    Examples
    --------
    >>> ball = Momentum(learning_rate=0.01, momentum=0.9, batch_size=4)
    >>> round(ball.friction, 12), round(ball.step, 12), round(ball.temperature(variance=2.0), 12)
    (1.0, 0.1, 0.025)
    >>> round(ball.overdamped.learning_rate, 12), round(ball.overdamped.noise_scale * 2.0, 12)
    (0.1, 0.025)
    """

    learning_rate: float
    momentum: float
    batch_size: int = 1
    samples: int | None = None

    def __post_init__(self) -> None:
        learning = Learning(self.learning_rate, self.batch_size, self.samples)
        for name in ("learning_rate", "batch_size", "samples"):
            object.__setattr__(self, name, getattr(learning, name))
        wanted = "a number from 0 to below 1"
        momentum = finite_number("diffusion.momentum", self.momentum, wanted)
        if not 0.0 <= momentum < 1.0:
            raise ProblemError("diffusion.momentum", momentum, wanted)
        object.__setattr__(self, "momentum", momentum)

    @property
    def step(self) -> float:
        """``h = sqrt(eta)``: the kinetic time of one iteration."""
        return sqrt(self.learning_rate)

    @property
    def friction(self) -> float:
        """``gamma = (1 - mu)/sqrt(eta)``, per unit of kinetic time."""
        return (1.0 - self.momentum) / self.step

    @property
    def overdamped(self) -> Learning:
        """The limit of large friction: gradient descent without momentum, with the learning rate ``eta/(1 - mu)``."""
        return Learning(self.learning_rate / (1.0 - self.momentum), self.batch_size, self.samples)

    @property
    def velocity_noise_scale(self) -> float:
        """``gamma eps/C = sqrt(eta)/2`` times the batch factor: D of the velocity is this times C, for any matrix C."""
        return 0.5 * self.step * Learning(self.learning_rate, self.batch_size, self.samples).batch_factor

    def temperature(self, variance: float) -> float:
        """``eps = eta variance/(2 B (1 - mu))``, for a gradient of one sample with the covariance ``variance`` times I.

        The stationary density is near ``exp(-(L + V^2/2)/eps)``, whatever the friction.
        """
        return self.overdamped.noise_scale * positive_number("diffusion.variance", variance)

    def iterations(self, time: Quantity) -> Quantity:
        """``t/sqrt(eta)``: how many iterations a kinetic time is; of the overdamped time, ``overdamped.iterations``.

        >>> Momentum(0.01, 0.9).iterations(Quantity.of(5.0, 1e-6)).value
        50.0
        """
        return time.scaled(1.0 / self.step)

    def time(self, iterations: Quantity) -> Quantity:
        """``sqrt(eta)`` times a number of iterations."""
        return iterations.scaled(self.step)


def heavy_ball(friction: float, step: float, batch_size: int = 1, samples: int | None = None) -> Momentum:
    """The heavy ball that is near a kinetic equation with the friction gamma: ``eta = h^2, mu = 1 - gamma h``.

    Parameters
    ----------
    friction
        gamma
    batch_size
        B
    samples
        n, for batches drawn without replacement
    step
        h, at most 1/gamma

    Returns
    -------
    Momentum
        Learning rate and momentum.

    Examples
    --------
    >>> ball = heavy_ball(friction=0.5, step=0.2)
    >>> round(ball.learning_rate, 12), round(ball.momentum, 12), round(ball.temperature(5.0), 12)
    (0.04, 0.9, 1.0)
    """
    gamma, h = positive_number("friction", friction), positive_number("step", step)
    if gamma * h > 1.0:
        raise ProblemError("step", h, f"at most {1.0 / gamma:g}, one over the friction")
    return Momentum(h * h, 1.0 - gamma * h, batch_size, samples)
