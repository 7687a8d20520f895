"""Learning rate, batch size and number of samples: the scale of the noise, and iterations against time."""

from __future__ import annotations

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import positive_number, whole_number
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass

MOST_SAMPLES = 2**62
"""What 64-bit integers count, with room for a product of two."""


@dataclass(frozen=True)
class Learning:
    """x_(t+1) = x_t - (eta/B) sum over a batch of grad f_i(x_t): how gradient descent is run.

    Parameters
    ----------
    learning_rate
        eta > 0
    batch_size
        B, samples in a batch
    samples
        n, from which a batch is drawn without replacement; None for infinitely many, or with replacement

    Raises
    ------
    ProblemError
        With keys under ``diffusion``.

    References
    ----------
    Wu, Ma, E, How SGD selects the global minima (2018), section 3, for the factor of a finite n.

    Examples
    --------
    >>> Learning(0.5, 4).noise_scale, Learning(0.5, 4, samples=9).batch_factor
    (0.0625, 0.15625)
    """

    learning_rate: float
    batch_size: int
    samples: int | None = None

    def __post_init__(self) -> None:
        rate = positive_number("diffusion.learning_rate", self.learning_rate)
        object.__setattr__(self, "learning_rate", rate)
        size = whole_number("diffusion.batch_size", self.batch_size, 1, MOST_SAMPLES)
        object.__setattr__(self, "batch_size", size)
        if self.samples is None:
            return
        samples = whole_number("diffusion.samples", self.samples, 2, MOST_SAMPLES)
        object.__setattr__(self, "samples", samples)
        if size > samples:
            raise ProblemError("diffusion.batch_size", size, f"at most {samples}, the number of samples")

    @property
    def batch_factor(self) -> float:
        """Covariance of the gradient of a batch over that of one sample: 1/B, or (n - B)/(B (n - 1))."""
        return batch_factor(self.batch_size, self.samples)

    @property
    def noise_scale(self) -> float:
        """(eta/2) times the batch factor: D = noise_scale * C, C the gradient covariance of one sample."""
        return 0.5 * self.learning_rate * self.batch_factor

    def iterations(self, time: Quantity) -> Quantity:
        """t / eta: how many steps of gradient descent a time of the diffusion is.

        >>> Learning(0.5, 4).iterations(Quantity.of(2.0, 1e-6)).value
        4.0
        """
        return time.scaled(1.0 / self.learning_rate)

    def time(self, iterations: Quantity) -> Quantity:
        """eta times a number of iterations."""
        return iterations.scaled(self.learning_rate)


def batch_factor(batch_size: float, samples: int | None = None) -> float:
    """1/B for infinitely many samples or with replacement; (n - B)/(B (n - 1)) without, and zero for B = n."""
    if samples is None:
        return 1.0 / batch_size
    return (samples - batch_size) / (batch_size * (samples - 1.0))
