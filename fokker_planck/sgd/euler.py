"""Steps of the diffusion: Euler and Maruyama's method for dX = b dt + sqrt(2 D) dW, reflected in a box."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import described, positive_number
from fokker_planck.model.domains.box import Box
from fokker_planck.quantity.light_dataclasses import dataclass


class TensorField(Protocol):
    """D(x)."""

    def tensor(self, x: Floats) -> Floats:
        """D at points (dim, n), of shape (dim, dim, n)."""
        ...


class Process(Protocol):
    """dX = b dt + sqrt(2 D(X)) dW, Ito."""

    @property
    def dimension(self) -> int:
        """Least number of coordinates."""
        ...

    def drift(self, x: Floats, dimension: int) -> Floats:
        """The Ito drift b at points (dim, n)."""
        ...

    def field(self, dimension: int) -> TensorField:
        """D(x)."""
        ...


@dataclass(frozen=True)
class EulerMaruyama:
    """X_(t+h) = X_t + b(X_t) h + sqrt(2 D(X_t) h) xi, xi standard normal: weak order one in h.

    Parameters
    ----------
    process
        anything with ``drift`` and ``field``, as ``Overdamped`` has
    unit
        h, the time of one step; with h = eta and D = (eta/2B) C this is gradient descent with normal gradients
    domain
        a Box; what leaves through a reflecting side is mirrored, through a periodic one comes back on the other.
        Mirroring is reflection without flux where a side is normal to an eigenvector of D, as for isotropic noise and
        diagonal tensors.

    Examples
    --------
    >>> from fokker_planck.model.diffusion.constant import Isotropic
    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.process import Overdamped
    >>> walk = EulerMaruyama(Overdamped(Potential("x**2/2"), Isotropic(1e-30)), 0.5)
    >>> walk.step(np.array([[1.0]]), np.random.default_rng(1)).round(12).tolist()
    [[0.5]]
    """

    process: Process
    unit: float
    domain: Box | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit", positive_number("step", self.unit))
        if self.domain is not None and not isinstance(self.domain, Box):
            raise ProblemError("domain", described(self.domain), "a Box, or nothing for the whole space")
        if self.domain is not None and self.domain.dimension < self.process.dimension:
            wanted = f"a box in {self.process.dimension} dimensions"
            raise ProblemError("domain", f"a box in {self.domain.dimension}", wanted)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.process.dimension if self.domain is None else self.domain.dimension

    def step(self, x: Floats, generator: np.random.Generator) -> Floats:
        """The next points from the points x, (dim, n)."""
        drift, spread = coefficients(self.process, x)
        normal = generator.standard_normal(x.shape) * np.sqrt(self.unit)
        return into_box(x + drift * self.unit + np.einsum("ijn,jn->in", spread, normal), self.domain)


def coefficients(process: Process, x: Floats) -> tuple[Floats, Floats]:
    """b, (dim, n), and a lower triangular root of 2 D, (dim, dim, n)."""
    dimension = x.shape[0]
    return process.drift(x, dimension), lower_root(2.0 * process.field(dimension).tensor(x))


def lower_root(tensor: Floats) -> Floats:
    """L with L L^T = the symmetric positive semidefinite tensors of shape (dim, dim, n).

    >>> lower_root(np.array([[4.0, 2.0], [2.0, 5.0]])[:, :, None])[:, :, 0].tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    root = np.zeros(tensor.shape)
    for j in range(tensor.shape[0]):
        rest = tensor[j, j] - np.sum(root[j, :j] ** 2, axis=0)
        root[j, j] = np.sqrt(np.maximum(rest, 0.0))
        # a pivot that is nothing but rounding belongs to a direction without noise
        divisor = np.where(root[j, j] > 1e-8 * np.sqrt(np.abs(tensor[j, j])), root[j, j], np.inf)
        for i in range(j + 1, tensor.shape[0]):
            root[i, j] = (tensor[i, j] - np.sum(root[i, :j] * root[j, :j], axis=0)) / divisor
    return root


def into_box(x: Floats, box: Box | None) -> Floats:
    """The points mirrored at reflecting sides and shifted by whole periods, however far out they are."""
    if box is None:
        return x
    result = np.empty(x.shape)
    for i, (low, high, period) in enumerate(zip(box.lower, box.upper, box.periods, strict=True)):
        width = high - low
        away = x[i] - low
        result[i] = low + (np.mod(away, width) if period else width - np.abs(np.mod(away, 2.0 * width) - width))
    return result
