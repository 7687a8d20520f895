"""Diffusion tensors that depend on the state: quadratic in it, given by formulas, or by a Python function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError, UnknownKeyError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.kinks import kinks_of
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.formulas.callables import values_of
from fokker_planck.formulas.expression import Expression, joint_tape, parse_expression, run_tape
from fokker_planck.formulas.function_breaks import breaks_of
from fokker_planck.formulas.parsing.tape import Tape
from fokker_planck.model.arguments import MOST_DIMENSIONS, described, finite_number
from fokker_planck.model.diffusion.constant import DiffusionField
from fokker_planck.model.diffusion.diagonal_tensors import diagonal
from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.potential import Potential
from fokker_planck.quantity.light_dataclasses import dataclass, field

TensorFunction = Callable[[Floats], npt.ArrayLike]


@dataclass(frozen=True)
class Formula:
    """D(x) = formula times I, or a symmetric matrix of formulas, with exact divergence.

    Parameters
    ----------
    expression
        a string, or rows of strings (numbers are read as such)
    parameters
        values of the other names, those of all entries together

    Raises
    ------
    ProblemError
        With the key ``diffusion.expression``.

    Examples
    --------
    >>> d = Formula([["1 + x**2", "0"], ["0", "2"]]).field(None, 2)
    >>> d.divergence(np.array([[3.0], [1.0]])).ravel().tolist()
    [6.0, 0.0]
    """

    expression: str | Sequence[Sequence[str | float]]
    parameters: Mapping[str, float] | tuple[tuple[str, float], ...] | None = None

    def __post_init__(self) -> None:
        given = self.expression if isinstance(self.expression, str) else _rows_of(self.expression)
        object.__setattr__(self, "expression", given)
        parameters = self.parameters or ()
        pairs = tuple(parameters.items()) if isinstance(parameters, Mapping) else tuple(parameters)
        object.__setattr__(self, "parameters", pairs)
        self._entries  # noqa: B018  raises where a formula is wrong

    @cached_property
    def _entries(self) -> tuple[tuple[Expression, ...], ...]:
        rows = ((self.expression,),) if isinstance(self.expression, str) else self.expression
        return formulas(rows, dict(self.parameters or ()), "diffusion.expression")

    @property
    def dimension(self) -> int | None:
        """Number of rows; None for a single formula in x at most."""
        if not isinstance(self.expression, str):
            return len(self.expression)
        needed = self._entries[0][0].dimension
        return needed if needed > 1 else None

    @cached_property
    def _fields(self) -> dict[int, FormulaField]:
        """By number of coordinates: their derivatives take 20 ms, and a flow asks for a field thousands of times."""
        return {}

    def field(self, potential: Potential | None, dimension: int) -> DiffusionField:
        """D(x) in that many coordinates; raises ProblemError where it has another number."""
        if dimension not in self._fields:
            self._fields[dimension] = FormulaField(self._entries_in(dimension))
        return self._fields[dimension]

    def _entries_in(self, dimension: int) -> tuple[tuple[Expression, ...], ...]:
        key = "diffusion.expression"
        entries = self._entries
        if isinstance(self.expression, str):
            if entries[0][0].dimension > dimension:
                found = f"a formula in {entries[0][0].dimension} coordinates"
                raise ProblemError(key, found, f"one in {', '.join('xyz'[:dimension])}, the coordinates of the problem")
            zero = parse_expression("0", key=key)
            rows = range(dimension)
            entries = tuple(tuple(entries[0][0] if i == j else zero for j in rows) for i in rows)
        elif len(entries) != dimension:
            found = f"{len(entries)} rows and columns"
            raise ProblemError(key, found, f"{dimension} of each, the problem's dimension")
        return entries


@dataclass(frozen=True)
class FormulaField:
    """The field of a :class:`Formula`; ``entries`` (dim, dim) are formulas."""

    entries: tuple[tuple[Expression, ...], ...]
    key: str = "diffusion.expression"

    @property
    def constant(self) -> bool:
        """Whether no entry holds a coordinate."""
        return not any(entry.variables for row in self.entries for entry in row)

    @property
    def formulas(self) -> tuple[Expression, ...]:
        """All entries."""
        return tuple(entry for row in self.entries for entry in row)

    @cached_property
    def _tapes(self) -> dict[str, Tape]:
        size = len(self.entries)
        derivatives = [[self.entries[i][j].derivative(j) for j in range(size)] for i in range(size)]
        second = [d.derivative(k) for k in range(size) for row in derivatives for d in row]
        return {
            "tensor": joint_tape([entry for row in self.entries for entry in row]),
            "divergence": joint_tape([entry for row in derivatives for entry in row]),
            "jacobian": joint_tape(second),
        }

    @cached_property
    def _slopes(self) -> Tape:
        size = len(self.entries)
        return joint_tape([entry.derivative(k) for k in range(size) for row in self.entries for entry in row])

    def _run(self, which: str, x: npt.ArrayLike) -> Floats:
        size, points = len(self.entries), np.asarray(x, dtype=np.float64)
        tape = self._slopes if which == "gradient" else self._tapes[which]
        values = run_tape(tape, self.entries[0][0], points)
        return values.reshape(len(values) // size**2, size, size, points.shape[1])  # no -1: there may be no points

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at points (dim, n), of shape (dim, dim, n)."""
        return np.asarray(self._run("tensor", x)[0])

    def divergence(self, x: npt.ArrayLike) -> Floats:
        """Div D at points (dim, n), of the same shape."""
        return np.asarray(self._run("divergence", x)[0].sum(axis=1))

    def gradient(self, x: npt.ArrayLike) -> Floats:
        """d D_ij / d x_k at points (dim, n), (k, i, j, n)."""
        return np.asarray(self._run("gradient", x))

    def divergence_jacobian(self, x: npt.ArrayLike) -> Floats:
        """d_k (div D)_i at points (dim, n), of shape (dim, dim, n)."""
        return np.asarray(np.moveaxis(self._run("jacobian", x).sum(axis=2), 0, 1))

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """Where a formula passes from one branch to another."""
        return kinks_of([entry for row in self.entries for entry in row], lower, upper)


@dataclass(frozen=True)
class Sampled:
    """D(x) by a Python function of points (dim, n) that returns (dim, dim, n), or (n,) for a multiple of I.

    Parameters
    ----------
    tensor
        the function
    divergence
        a function that returns div D, (dim, n); central differences of sixth order fill in, to about 1e-12
    dimension
        number of coordinates, None where the function takes any

    Examples
    --------
    >>> d = Sampled(lambda x: 1.0 + x[0] ** 2).field(None, 1)
    >>> round(float(d.divergence(np.array([[3.0]]))[0, 0]), 9)
    6.0
    """

    tensor: TensorFunction
    divergence: TensorFunction | None = None
    dimension: int | None = None

    def __post_init__(self) -> None:
        for name, given in (("diffusion", self.tensor), ("diffusion.divergence", self.divergence)):
            if not (callable(given) or (given is None and name == "diffusion.divergence")):
                raise ProblemError(name, given, "a function of points of shape (dim, n)")
        whole = isinstance(self.dimension, int) and not isinstance(self.dimension, bool)
        if self.dimension is not None and not (whole and 1 <= self.dimension <= MOST_DIMENSIONS):
            raise ProblemError("diffusion.dimension", self.dimension, f"an integer from 1 to {MOST_DIMENSIONS}")

    @classmethod
    def from_grid(
        cls,
        source: str | Path | tuple[npt.ArrayLike | Sequence[npt.ArrayLike], npt.ArrayLike],
        periodic: bool | Sequence[bool] | None = None,
        scale: float = 1.0,
    ) -> Sampled:
        """D = scale * values on a regular grid: numbers (times I), or a matrix at every point; files as of potentials.

        Raises ProblemError with keys under ``diffusion``.
        """
        from fokker_planck.model.grid_data import noise_tensor

        on_grid = noise_tensor(source, periodic, scale)
        return cls(on_grid.tensor, on_grid.divergence, on_grid.spline.dimension)

    def field(self, potential: Potential | None, dimension: int) -> DiffusionField:
        """D(x) in that many coordinates."""
        if self.dimension not in (None, dimension):
            found = f"a function of {self.dimension} coordinates"
            raise ProblemError("diffusion", found, f"one of {dimension}, the problem's dimension")
        return SampledField(self)


@dataclass(frozen=True)
class SampledField:
    """The field of a :class:`Sampled`."""

    rule: Sampled
    constant: bool = field(default=False, init=False)
    key: str = field(default="diffusion", init=False)

    def tensor(self, x: npt.ArrayLike) -> Floats:
        """D at points (dim, n), of shape (dim, dim, n)."""
        points = np.asarray(x, dtype=np.float64)
        dimension, n = points.shape
        values = values_of(self.rule.tensor, points, None, "diffusion")
        if values.shape == (n,):
            return diagonal(np.broadcast_to(values, (dimension, n)))
        if values.shape != (dimension, dimension, n):
            wanted = f"shape ({dimension}, {dimension}, {n}) or ({n},)"
            raise ProblemError("diffusion", f"an array of shape {values.shape}", wanted)
        return values

    def divergence(self, x: npt.ArrayLike) -> Floats:
        """Div D at points (dim, n), of the same shape."""
        points = np.asarray(x, dtype=np.float64)
        if self.rule.divergence is None:
            return np.asarray(np.einsum("jijn->in", differences.gradient(self.tensor, points)))
        values = values_of(self.rule.divergence, points, None, "diffusion.divergence")
        if values.shape != points.shape:
            raise ProblemError("diffusion.divergence", f"an array of shape {values.shape}", f"shape {points.shape}")
        return values

    def divergence_jacobian(self, x: npt.ArrayLike) -> Floats:
        """d_j (div D)_i by differences, (dim, dim, n)."""
        points = np.asarray(x, dtype=np.float64)
        return np.moveaxis(differences.gradient(self.divergence, points), 0, 1)

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """On a line: where the function is seen to jump."""
        return breaks_of(self.tensor, lower, upper)


def formulas(
    rows: Sequence[Sequence[str | float]], parameters: Mapping[str, float], key: str
) -> tuple[tuple[Expression, ...], ...]:
    """A matrix of formulas that share their parameters; every parameter must be used in one of them."""
    from fokker_planck.formulas.parsing.text import parameters_key, parsed_text

    texts = [[entry if isinstance(entry, str) else repr(float(entry)) for entry in row] for row in rows]
    names = [[_names(parsed_text(text, key)) for text in row] for row in texts]
    for name in parameters:
        if not any(name in used for row in names for used in row):
            wanted = "only parameters that the formulas use"
            raise UnknownKeyError(f"{parameters_key(key)}.{name}", "a parameter that no formula uses", wanted)
    return tuple(
        tuple(
            parse_expression(text, parameters={n: v for n, v in parameters.items() if n in used}, key=key)
            for text, used in zip(row, used_in_row, strict=True)
        )
        for row, used_in_row in zip(texts, names, strict=True)
    )


def _names(node: Any) -> set[str]:
    import ast

    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _rows_of(given: Any) -> tuple[tuple[str | float, ...], ...]:
    key, wanted = "diffusion.expression", "a formula, or a square matrix of formulas as a list of rows"
    if not isinstance(given, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in given):
        raise ProblemError(key, described(given), wanted)
    rows = tuple(tuple(row) for row in given)
    if not 1 <= len(rows) <= MOST_DIMENSIONS or any(len(row) != len(rows) for row in rows):
        raise ProblemError(key, described(given), wanted)
    for row in rows:
        for entry in row:
            if not isinstance(entry, str):
                finite_number(key, entry, "a formula or a number in every place of the matrix")
    return rows


__all__ = ["Formula", "Hessian", "Sampled", "formulas"]
