"""Heavy ball and Nesterov's method themselves, on random batches, in the variables of the kinetic equation."""

from __future__ import annotations

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import described
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.sgd.losses import DataLosses, Losses, SampleLosses
from fokker_planck.sgd.momentum import Momentum
from fokker_planck.sgd.recursion import drawn_batches


@dataclass(frozen=True)
class MomentumRecursion:
    """``V_(k+1) = mu V_k - h g_k, x_(k+1) = x_k + h V_(k+1)`` with ``h = sqrt(eta)``: heavy ball, its velocity v = h V.

    ``g_k`` is the mean gradient of a new batch at ``x_k``, or at ``x_k + mu h V_k`` (Nesterov). Points are (x, V), of
    shape (2 dim, n): the first half positions, the second velocities of the kinetic equation, so that one set means the
    same for both. ``unit`` is h, the kinetic time of a step: :func:`fokker_planck.sgd.first_passage` counts in it.

    Parameters
    ----------
    losses
        f_i
    learning_rate, momentum, batch_size
        eta, mu and B
    replacement
        whether a batch is drawn with replacement
    nesterov
        whether the gradient is taken ahead

    Raises
    ------
    ProblemError
        For bad input.

    Examples
    --------
    >>> pair = SampleLosses(["(x - 1)**2/2", "(x + 1)**2/2"])
    >>> whole = MomentumRecursion(pair, learning_rate=0.25, momentum=0.5, batch_size=2)     # all samples: g = x
    >>> whole.step(np.array([[1.0], [2.0]]), np.random.default_rng(1)).ravel().tolist()     # V = 1 - 1/2, x = 1 + V/2
    [1.25, 0.5]
    """

    losses: Losses
    learning_rate: float
    momentum: float
    batch_size: int
    replacement: bool = False
    nesterov: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.losses, SampleLosses | DataLosses):
            raise ProblemError("losses", described(self.losses), "SampleLosses or DataLosses")
        checked = self.ball
        for name in ("learning_rate", "momentum", "batch_size"):
            object.__setattr__(self, name, getattr(checked, name))

    @property
    def ball(self) -> Momentum:
        """Learning rate, momentum, batch size and, without replacement, number of samples."""
        samples = None if self.replacement else self.losses.count
        return Momentum(self.learning_rate, self.momentum, self.batch_size, samples)

    @property
    def dimension(self) -> int:
        """Least number of coordinates: positions and velocities."""
        return 2 * self.losses.dimension

    @property
    def unit(self) -> float:
        """Kinetic time of one step: the root of the learning rate."""
        return self.ball.step

    def step(self, x: Floats, generator: np.random.Generator) -> Floats:
        """The next points (x, V) from points of shape (2 dim, n), each with a batch of its own."""
        half, odd = divmod(len(x), 2)
        if odd:
            raise ProblemError("start", f"{len(x)} coordinates", "as many velocities as positions")
        place, velocity, h = x[:half], x[half:], self.unit
        batches = drawn_batches(self.losses.count, self.batch_size, x.shape[1], generator, self.replacement)
        ahead = place + self.momentum * h * velocity if self.nesterov else place
        velocity = self.momentum * velocity - h * self.losses.batch_gradient(ahead, batches)
        return np.concatenate([place + h * velocity, velocity])
