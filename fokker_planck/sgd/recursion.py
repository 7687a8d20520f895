"""Stochastic gradient descent itself: x_(t+1) = x_t - (eta/B) sum over a random batch of grad f_i(x_t)."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.model.arguments import described
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.sgd.learning import Learning
from fokker_planck.sgd.losses import DataLosses, Losses, SampleLosses


@dataclass(frozen=True)
class Recursion:
    """x_(t+1) = x_t - (eta/B) sum over a batch of grad f_i(x_t), a new batch at every step.

    Parameters
    ----------
    losses
        f_i
    learning_rate, batch_size
        eta and B
    replacement
        whether a batch is drawn with replacement

    Raises
    ------
    ProblemError
        For bad input.

    Examples
    --------
    >>> pair = SampleLosses(["(x - 1)**2/2", "(x + 1)**2/2"])
    >>> whole = Recursion(pair, learning_rate=0.5, batch_size=2)          # all samples: gradient descent
    >>> whole.step(np.array([[1.0, 2.0]]), np.random.default_rng(1)).tolist()
    [[0.5, 1.0]]
    """

    losses: Losses
    learning_rate: float
    batch_size: int
    replacement: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.losses, SampleLosses | DataLosses):
            raise ProblemError("losses", described(self.losses), "SampleLosses or DataLosses")
        learning = self.learning
        object.__setattr__(self, "learning_rate", learning.learning_rate)
        object.__setattr__(self, "batch_size", learning.batch_size)

    @property
    def learning(self) -> Learning:
        """Learning rate, batch size and, without replacement, number of samples."""
        return Learning(self.learning_rate, self.batch_size, None if self.replacement else self.losses.count)

    @property
    def dimension(self) -> int:
        """Least number of coordinates."""
        return self.losses.dimension

    @property
    def unit(self) -> float:
        """Time of one step: the learning rate."""
        return self.learning_rate

    def step(self, x: Floats, generator: np.random.Generator) -> Floats:
        """The next points from the points x, (dim, n), each with a batch of its own."""
        batches = drawn_batches(self.losses.count, self.batch_size, x.shape[1], generator, self.replacement)
        return x - self.learning_rate * self.losses.batch_gradient(x, batches)


def drawn_batches(
    samples: int, size: int, count: int, generator: np.random.Generator, replacement: bool = False
) -> Integers:
    """``count`` independent batches of ``size`` out of ``samples`` numbers, uniformly; (size, count).

    Without replacement by the algorithm of Floyd (Bentley and Floyd 1987), or by the smallest of random keys where that
    is less work; the order in a batch means nothing.

    >>> batches = drawn_batches(5, 3, 100, np.random.default_rng(1))
    >>> all(len(set(batch)) == 3 for batch in batches.T.tolist())
    True
    """
    if replacement or size == 1:
        return generator.integers(0, samples, (size, count))
    if size == samples:
        return np.repeat(np.arange(samples)[:, None], count, axis=1)
    if size * size > 2 * samples:
        return np.asarray(np.argpartition(generator.random((samples, count)), size - 1, axis=0)[:size])
    chosen = np.empty((size, count), dtype=np.int64)
    for k, last in enumerate(range(samples - size, samples)):
        candidate = generator.integers(0, last + 1, count)
        taken = (chosen[:k] == candidate).any(axis=0)
        chosen[k] = np.where(taken, last, candidate)
    return chosen
