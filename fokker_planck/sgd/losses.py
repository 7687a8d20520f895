"""The losses of the samples: their gradients and Hessians one by one, over a batch, and their mean as a potential."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.formulas.expression import COORDINATES, Expression, joint_tape, parse_expression, run_tape
from fokker_planck.formulas.parsing.text import checked_parameters
from fokker_planck.model.arguments import described
from fokker_planck.model.potential import Potential
from fokker_planck.quantity.light_dataclasses import dataclass

#: Numbers that a block of samples takes at a time.
BLOCK = 2**20


@dataclass(frozen=True, init=False)
class SampleLosses:
    """V = 1/n sum_i f_i, the losses f_i listed one by one.

    Parameters
    ----------
    losses
        formulas, Potentials or functions from points (dim, n) to values (n,)
    parameters
        values of the other names in the formulas, each of which some formula uses

    Raises
    ------
    ProblemError
        With keys under ``losses``.

    Examples
    --------
    >>> pair = SampleLosses(["min(x**2, k*(x - 1)**2)", "min(x**2, (2 - k)*(x - 1)**2)"], {"k": 0.1})
    >>> np.round(pair.hessians(np.array([[1.0]])).ravel(), 12).tolist()
    [0.2, 3.8]
    """

    losses: tuple[Potential, ...]

    def __init__(
        self,
        losses: Sequence[str | Potential | Callable[[Floats], npt.ArrayLike]],
        parameters: Mapping[str, float] | None = None,
    ) -> None:
        if isinstance(losses, (str, bytes)) or not isinstance(losses, Sequence) or len(losses) < 2:
            raise ProblemError("losses", described(losses), "a list of two or more losses")
        checked = checked_parameters(parameters, COORDINATES, "losses.expression")
        words = {word for text in losses if isinstance(text, str) for word in re.findall(r"\w+", text)}
        unused = [name for name in checked if name not in words]
        if unused:
            raise ProblemError(
                f"losses.parameters.{unused[0]}", "a parameter that no loss uses", "only parameters used"
            )
        object.__setattr__(self, "losses", tuple(_potential(loss, checked) for loss in losses))

    @property
    def count(self) -> int:
        """n."""
        return len(self.losses)

    @property
    def dimension(self) -> int:
        """Least number of coordinates that the losses need."""
        return max(loss.dimension for loss in self.losses)

    def gradients(self, x: npt.ArrayLike, samples: slice = slice(None)) -> Floats:
        """grad f_i at points of shape (dim, n), of shape (samples, dim, n)."""
        return np.stack([loss.gradient(x) for loss in self.losses[samples]])

    def hessians(self, x: npt.ArrayLike, samples: slice = slice(None)) -> Floats:
        """Hess f_i at points of shape (dim, n), of shape (samples, dim, dim, n)."""
        return np.stack([loss.hessian(x) for loss in self.losses[samples]])

    def batch_gradient(self, x: Floats, batches: Integers) -> Floats:
        """1/B sum over the batch of grad f_i, each point with its own batch; ``batches`` (B, n), result (dim, n)."""
        total = np.zeros(x.shape)
        for i, loss in enumerate(self.losses):
            often = np.count_nonzero(batches == i, axis=0)
            drawn = np.flatnonzero(often)
            if len(drawn):
                total[:, drawn] += often[drawn] * loss.gradient(x[:, drawn])
        return np.asarray(total / batches.shape[0])

    def mean(self) -> Potential:
        """V, as a formula where all losses are formulas that are short enough together."""
        parameters: dict[str, float] = {}
        for loss in self.losses:
            for name, value in loss.parameters:
                if loss.expression is None or parameters.setdefault(name, value) != value:
                    return _mean_of(self)
        texts = [loss.expression for loss in self.losses if loss.expression is not None]
        if len(texts) == self.count:
            try:
                return Potential(f"({_sum(texts)})/{self.count}", parameters, dimension=self.dimension)
            except ProblemError:  # too long or too deep for one formula
                pass
        return _mean_of(self)


@dataclass(frozen=True, init=False)
class DataLosses:
    """V = 1/n sum_i f(x; u_i, v_i, ...): one formula, and the data of n samples.

    Parameters
    ----------
    expression
        a formula in the coordinates x, y, z and the names of the data
    data
        a list of n numbers for each name
    parameters
        values of the other names

    Raises
    ------
    ProblemError
        With keys under ``losses``.

    Examples
    --------
    >>> fit = DataLosses("(x*u - v)**2/2", {"u": [1.0, 2.0], "v": [1.0, 4.0]})
    >>> fit.gradients(np.array([[0.0]])).ravel().tolist(), fit.count
    ([-1.0, -8.0], 2)
    """

    expression: str
    data: tuple[tuple[str, tuple[float, ...]], ...]
    formula: Expression

    def __init__(
        self,
        expression: str,
        data: Mapping[str, Sequence[float] | npt.ArrayLike],
        parameters: Mapping[str, float] | None = None,
    ) -> None:
        if not isinstance(data, Mapping) or not data:
            raise ProblemError("losses.data", described(data), "a table of names and lists of numbers")
        checked_parameters(dict.fromkeys(data, 0.0), COORDINATES, "losses.data")
        columns = tuple((name, _column(name, values)) for name, values in data.items())
        lengths = {name: len(column) for name, column in columns}
        if len(set(lengths.values())) > 1 or min(lengths.values()) < 2:
            raise ProblemError("losses.data", f"lengths {lengths}", "two or more samples, as many for every name")
        formula = parse_expression(expression, (*COORDINATES, *data), parameters, "losses.expression")
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "data", columns)
        object.__setattr__(self, "formula", formula)

    @property
    def count(self) -> int:
        """n."""
        return len(self.data[0][1])

    @property
    def dimension(self) -> int:
        """Least number of coordinates that the formula needs."""
        return max((COORDINATES.index(v) + 1 for v in self.formula.variables if v in COORDINATES), default=1)

    def gradients(self, x: npt.ArrayLike, samples: slice = slice(None)) -> Floats:
        """grad f_i at points of shape (dim, n), of shape (samples, dim, n)."""
        points, columns = _points(x), self._columns()[:, samples]
        return np.moveaxis(self._gradient(*self._paired(points, columns)), 0, 1)

    def hessians(self, x: npt.ArrayLike, samples: slice = slice(None)) -> Floats:
        """Hess f_i at points of shape (dim, n), of shape (samples, dim, dim, n)."""
        points, columns = _points(x), self._columns()[:, samples]
        arguments, shape = self._paired(points, columns)
        d = points.shape[0]
        pairs = [(i, j) for i in range(d) for j in range(i + 1)]
        tape = joint_tape([self.formula.derivative(i).derivative(j) for i, j in pairs])
        values = run_tape(tape, self.formula, arguments).reshape(len(pairs), *shape)
        result = np.empty((shape[0], d, d, shape[1]))
        for (i, j), value in zip(pairs, values, strict=True):
            result[:, i, j] = result[:, j, i] = value
        return result

    def batch_gradient(self, x: Floats, batches: Integers) -> Floats:
        """1/B sum over the batch of grad f_i, each point with its own batch; ``batches`` (B, n), result (dim, n)."""
        drawn = self._columns()[:, batches]
        return np.asarray(self._gradient(*self._with_data(_points(x), drawn)).mean(axis=1))

    def mean(self) -> Potential:
        """V, with exact gradient and Hessian."""
        return _mean_of(self)

    def values(self, x: npt.ArrayLike, samples: slice = slice(None)) -> Floats:
        """f_i at points of shape (dim, n), of shape (samples, n)."""
        arguments, shape = self._paired(_points(x), self._columns()[:, samples])
        return self.formula(arguments).reshape(shape)

    def _columns(self) -> Floats:
        return np.array([column for _name, column in self.data])

    def _paired(self, points: Floats, columns: Floats) -> tuple[Floats, tuple[int, int]]:
        """Every point with every sample."""
        return self._with_data(points, np.repeat(columns[:, :, None], points.shape[1], axis=2))

    def _with_data(self, points: Floats, drawn: Floats) -> tuple[Floats, tuple[int, int]]:
        shape = (drawn.shape[1], drawn.shape[2])
        if points.shape[0] < self.dimension:
            found = f"losses in {self.dimension} coordinates at points of {points.shape[0]}"
            raise ProblemError("losses", found, "as many coordinates as the losses have")
        coordinates = np.zeros((len(COORDINATES), *shape))
        coordinates[: points.shape[0]] = points[:, None, :]
        arguments = np.concatenate([coordinates, drawn])
        return arguments.reshape(len(arguments), shape[0] * shape[1]), shape

    def _gradient(self, arguments: Floats, shape: tuple[int, int]) -> Floats:
        tape = joint_tape([self.formula.derivative(i) for i in range(self.dimension)])
        return run_tape(tape, self.formula, arguments).reshape(self.dimension, *shape)


Losses: TypeAlias = SampleLosses | DataLosses


def blocks(losses: Losses, x: Floats) -> Iterator[slice]:
    """The samples in portions whose Hessians at the points x fit a moderate array."""
    size = max(1, BLOCK // max(1, x.shape[0] ** 2 * x.shape[1]))
    for start in range(0, losses.count, size):
        yield slice(start, start + size)


def _mean_of(losses: Losses) -> Potential:
    """1/n sum of the losses as a function, with gradient and Hessian."""

    def mean(quantity: Callable[[Floats, slice], Floats]) -> Callable[[Floats], Floats]:
        def function(x: Floats) -> Floats:
            return np.asarray(sum(quantity(x, part).sum(axis=0) for part in blocks(losses, x)) / losses.count)

        return function

    return Potential(
        mean(lambda x, part: sample_values(losses, x, part)),
        gradient=mean(losses.gradients),
        hessian=mean(losses.hessians),
        dimension=losses.dimension,
    )


def sample_values(losses: Losses, x: Floats, part: slice = slice(None)) -> Floats:
    """f_i at points of shape (dim, n), of shape (samples, n)."""
    if isinstance(losses, DataLosses):
        return losses.values(x, part)
    return np.stack([loss.value(x) for loss in losses.losses[part]])


def _potential(loss: Any, parameters: Mapping[str, float]) -> Potential:
    if isinstance(loss, Potential):
        return loss
    if isinstance(loss, str):
        words = set(re.findall(r"\w+", loss))
        return Potential(loss, {name: value for name, value in parameters.items() if name in words})
    return Potential(loss)


def _sum(texts: Sequence[str]) -> str:
    """A balanced sum, whose depth grows with the logarithm of the number of terms."""
    if len(texts) == 1:
        return f"({texts[0]})"
    middle = len(texts) // 2
    return f"({_sum(texts[:middle])} + {_sum(texts[middle:])})"


def _column(name: str, values: Any) -> tuple[float, ...]:
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ProblemError(f"losses.data.{name}", described(values), "a list of numbers") from None
    if column.ndim != 1 or not np.isfinite(column).all():
        raise ProblemError(f"losses.data.{name}", described(values), "a list of finite numbers")
    return tuple(column.tolist())


def _points(x: npt.ArrayLike) -> Floats:
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(f"points have shape (dimension, n), not {points.shape}")
    return points
