"""The potential V and its derivatives, at many points at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations_with_replacement, permutations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.formulas.callables import values_of
from fokker_planck.formulas.expression import Expression, joint_tape, parse_expression, run_tape
from fokker_planck.formulas.parsing.tape import Tape
from fokker_planck.model.arguments import MOST_DIMENSIONS
from fokker_planck.quantity.light_dataclasses import dataclass, field

ArrayFunction = Callable[[Floats], npt.ArrayLike]

VARIATION = ((-1,),)
"""Among the tapes: V without its constant terms."""


@dataclass(frozen=True, init=False)
class Potential:
    """V(x), from a formula or from a Python function.

    Parameters
    ----------
    source
        a formula in x, y, z (see ``parse_expression``), or a function from points of shape (dim, n) to values of shape
        (n,)
    parameters
        values of the other names in the formula
    gradient, hessian
        for a function: functions that return shapes (dim, n) and (dim, dim, n). Without them, central differences of
        sixth order fill in, to about 1e-12 and 1e-9 where V varies on the scale of one. ``gradient="jax"``
        differentiates a function written with jax.numpy exactly.
    dimension
        number of coordinates, where it is more than the formula shows or where the source is a function

    Raises
    ------
    ProblemError
        With keys under ``potential``.

    Notes
    -----
    Derivatives of formulas are exact.

    Examples
    --------
    >>> V = Potential("(x**2 - 1)**2/4 + k*y**2/2", {"k": 3.0})
    >>> point = np.array([[2.0], [1.0]])
    >>> V(point).tolist(), V.gradient(point).tolist(), V.hessian(point)[:, :, 0].tolist()
    ([3.75], [[6.0], [3.0]], [[11.0, 0.0], [0.0, 3.0]])
    """

    source: str | ArrayFunction
    parameters: tuple[tuple[str, float], ...]
    given_dimension: int | None
    _given: tuple[ArrayFunction | str | None, ArrayFunction | None] = field(repr=False)
    _function: ArrayFunction | None = field(repr=False, compare=False)
    _gradient: ArrayFunction | None = field(repr=False, compare=False)
    _hessian: ArrayFunction | None = field(repr=False, compare=False)
    _formula: Expression | None = field(repr=False, compare=False)
    _tapes: dict[tuple[tuple[int, ...], ...], Tape] = field(repr=False, compare=False)

    def __init__(
        self,
        source: str | ArrayFunction,
        parameters: Mapping[str, float] | None = None,
        gradient: ArrayFunction | str | None = None,
        hessian: ArrayFunction | None = None,
        dimension: int | None = None,
    ) -> None:
        formula = _formula_of(source, parameters, gradient, hessian)
        object.__setattr__(self, "_given", (gradient, hessian))
        function = None if formula else source
        if gradient == "jax":
            from fokker_planck.formulas.calculus.jax_derivatives import jax_functions

            function, gradient, by_jax = jax_functions(source)  # type: ignore[arg-type]
            hessian = hessian or by_jax
        for name, given in (("gradient", gradient), ("hessian", hessian)):
            if given is not None and not callable(given):
                wanted = 'a function of points, or "jax"' if name == "gradient" else "a function of points"
                raise ProblemError(f"potential.{name}", given, wanted)
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "parameters", formula.parameters if formula else ())
        object.__setattr__(self, "given_dimension", _checked_dimension(dimension, formula))
        object.__setattr__(self, "_function", function)
        object.__setattr__(self, "_gradient", gradient)
        object.__setattr__(self, "_hessian", hessian)
        object.__setattr__(self, "_formula", formula)
        object.__setattr__(self, "_tapes", {})

    @classmethod
    def from_grid(
        cls,
        source: str | Path | tuple[npt.ArrayLike | Sequence[npt.ArrayLike], npt.ArrayLike],
        periodic: bool | Sequence[bool] | None = None,
        smoothing: float = 0.0,
        scale: float = 1.0,
        unsampled: Literal["refuse", "wall", "keep"] = "refuse",
    ) -> Potential:
        """V = scale * values on a regular grid, as a spline of degree five through them.

        Parameters
        ----------
        source
            ``(axes, values)``, or a file: .npz with x (y, z) and F, PLUMED's text, CSV of coordinates and value
        periodic
            for every axis whether V is periodic, where the file does not say so
        smoothing
            standard deviation of the Gaussian with which values are averaged first, a length
        scale
            a factor for all values
        unsampled
            what not-a-number, or a plateau of one largest value, means: an error, a "wall" (V rises from the nearest
            sampled point), or, of plateaus, "keep"

        Raises
        ------
        ProblemError
            With keys under ``potential``.

        Notes
        -----
        The error estimate of an answer knows nothing of noise and spacing of the data.

        Examples
        --------
        >>> axis = np.linspace(-2.0, 2.0, 41)
        >>> V = Potential.from_grid(([axis], (axis**2 - 1.0)**2/4))
        >>> round(float(V(np.array([[0.3]]))[0]), 9), round(float(V.gradient(np.array([[0.3]]))[0, 0]), 9)
        (0.207025, -0.273)
        """
        from fokker_planck.model.grid_data import potential_spline

        spline = potential_spline(source, periodic, smoothing, scale, unsampled)
        return cls(spline.value, gradient=spline.gradient, hessian=spline.hessian, dimension=spline.dimension)

    @property
    def dimension(self) -> int:
        """Least number of coordinates that V needs."""
        if self.given_dimension is not None:
            return self.given_dimension
        return self._formula.dimension if self._formula else 1

    @property
    def expression(self) -> str | None:
        """The formula, or None for a function."""
        return self._formula.text if self._formula else None

    @property
    def formulas(self) -> tuple[Expression, ...]:
        """The formula, parsed; nothing for a function."""
        return (self._formula,) if self._formula is not None else ()

    @property
    def exact(self) -> bool:
        """Whether gradient and Hessian come without finite differences."""
        return self._formula is not None or (self._gradient is not None and self._hessian is not None)

    def value(self, x: npt.ArrayLike) -> Floats:
        """V at the points ``x`` of shape (dim, n), of shape (n,); infinite or not-a-number where V is."""
        points = _checked_points(x, self.dimension)
        if self._formula is not None:
            values: Floats = self._run(((),), points)[0]
            return values
        if self._function is None:
            raise TypeError("a potential has a formula or a function")
        return values_of(self._function, points, (points.shape[1],), "potential")

    __call__ = value

    def variation(self, x: npt.ArrayLike) -> Floats:
        """V at the points without the terms of its formula that are constant: differences keep their digits.

        >>> Potential("(x**2 - 1)**2/4 + 1e12").variation(np.array([[1.0, 2.0]])).tolist()
        [0.0, 2.25]
        """
        if self._formula is None:
            return self.value(x)
        if VARIATION not in self._tapes:
            self._tapes[VARIATION] = joint_tape([self._formula.without_constant])
        return np.asarray(run_tape(self._tapes[VARIATION], self._formula, _checked_points(x, self.dimension))[0])

    def rounding(self, x: npt.ArrayLike) -> Floats:
        """The last place of V where slopes are finite differences of it, (n,); zero where they are exact."""
        values = self.value(x)
        return np.zeros(len(values)) if self.exact else np.asarray(np.spacing(np.abs(values)))

    def gradient(self, x: npt.ArrayLike) -> Floats:
        """grad V at the points ``x`` of shape (dim, n), of the same shape; not-a-number where it does not exist."""
        points = _checked_points(x, self.dimension)
        dimension, n = points.shape
        if self._formula is not None:
            used = min(self._formula.dimension, dimension)
            result = np.zeros((dimension, n))
            result[:used] = self._run(tuple((i,) for i in range(used)), points)
            return result
        if self._gradient is not None:
            return values_of(self._gradient, points, (dimension, n), "potential.gradient")
        return differences.gradient(self.value, points)

    def hessian(self, x: npt.ArrayLike) -> Floats:
        """Second derivatives at the points ``x`` of shape (dim, n), of shape (dim, dim, n)."""
        points = _checked_points(x, self.dimension)
        dimension, n = points.shape
        if self._formula is not None:
            used = min(self._formula.dimension, dimension)
            pairs = tuple(combinations_with_replacement(range(used), 2))
            result = np.zeros((dimension, dimension, n))
            for (i, j), values in zip(pairs, self._run(pairs, points), strict=True):
                result[i, j] = result[j, i] = values
            return result
        if self._hessian is not None:
            return values_of(self._hessian, points, (dimension, dimension, n), "potential.hessian")
        if self._gradient is not None:
            jacobian = differences.gradient(self.gradient, points)
            return (jacobian + jacobian.swapaxes(0, 1)) / 2.0
        return differences.hessian(self.value, points)

    def rough_hessian(self, x: npt.ArrayLike) -> Floats:
        """The Hessian to some four digits, for methods that correct themselves: of a function, a twelfth of the calls.

        >>> import numpy as np
        >>> bowl = Potential(lambda x: x[0]**2/2, gradient=lambda x: x)
        >>> round(float(bowl.rough_hessian(np.array([[3.0]]))[0, 0, 0]), 6)
        1.0
        """
        if self._formula is not None or self._hessian is not None or self._gradient is None:
            return self.hessian(x)
        jacobian = differences.rough_gradient(self.gradient, _checked_points(x, self.dimension))
        return (jacobian + jacobian.swapaxes(0, 1)) / 2.0

    def third_derivatives(self, x: npt.ArrayLike) -> Floats:
        """All d_i d_j d_k V at the points ``x`` of shape (dim, n), of shape (dim, dim, dim, n).

        Exact for formulas, by finite differences of the Hessian for functions.

        >>> Potential("x**3*y").third_derivatives(np.array([[2.0], [5.0]]))[0, 0, :, 0].tolist()
        [30.0, 12.0]
        """
        points = _checked_points(x, self.dimension)
        if self._formula is None:
            by_differences = differences.gradient(self.hessian, points)
            return sum(np.moveaxis(by_differences, 0, axis) for axis in range(3)) / 3.0  # type: ignore[return-value]
        return self._all_of((3,), points)[0]

    def second_and_third_derivatives(self, x: npt.ArrayLike) -> tuple[Floats, Floats]:
        """The Hessian and all third derivatives; of a formula at once, since they have most of their terms in common.

        >>> second, third = Potential("x**3*y").second_and_third_derivatives(np.array([[2.0], [5.0]]))
        >>> second[0, :, 0].tolist(), third[0, 0, :, 0].tolist()
        ([60.0, 12.0], [30.0, 12.0])
        """
        points = _checked_points(x, self.dimension)
        if self._formula is None:
            return self.hessian(points), self.third_derivatives(points)
        second, third = self._all_of((2, 3), points)
        return second, third

    def fourth_derivatives(self, x: npt.ArrayLike) -> Floats:
        """All fourth derivatives of a formula at points (dim, n), of shape (dim, dim, dim, dim, n).

        >>> Potential("x**3*y").fourth_derivatives(np.array([[2.0], [5.0]]))[0, 0, 0, :, 0].tolist()
        [0.0, 6.0]
        """
        return self._all_of((4,), _checked_points(x, self.dimension))[0]

    def _all_of(self, orders: Sequence[int], points: Floats) -> list[Floats]:
        """All derivatives of a formula of some orders, each found once."""
        dimension, n = points.shape
        used = range(min(self.dimension, dimension))
        tuples = tuple(axes for order in orders for axes in combinations_with_replacement(used, order))
        result = {order: np.zeros((*(dimension,) * order, n)) for order in orders}
        for axes, values in zip(tuples, self._run(tuples, points), strict=True):
            for permuted in set(permutations(axes)):
                result[len(axes)][permuted] = values
        return list(result.values())

    def kinks(self, lower: float, upper: float) -> tuple[float, ...]:
        """In x alone: the points at which a formula passes from one branch to another, or a function jumps."""
        from fokker_planck.formulas.bounds.kinks import kinks_of
        from fokker_planck.formulas.function_breaks import breaks_of

        if self._formula is not None:
            return kinks_of([self._formula], lower, upper)
        return breaks_of(self.value, lower, upper)

    def derivative(self, orders: Sequence[int]) -> Callable[[npt.ArrayLike], Floats]:
        """The partial derivative taken ``orders[i]`` times along coordinate i, as a function of points (dim, n).

        Exact for formulas. For functions, what their Hessian does not give comes from finite differences, and loses
        about three digits an order.

        >>> Potential("x**4*y").derivative((3, 1))(np.array([[2.0], [5.0]])).tolist()
        [48.0]
        """
        orders = tuple(orders)
        if not orders or any(not isinstance(k, (int, np.integer)) or k < 0 for k in orders):
            raise ValueError(f"orders of differentiation are counts, one for each coordinate, not {orders}")
        axes = tuple(axis for axis, count in enumerate(orders) for _ in range(count))
        return partial(_partial_derivative, self, axes)

    def _run(self, derivatives: tuple[tuple[int, ...], ...], points: Floats) -> Floats:
        """Several derivatives of the formula, each a tuple of axes, at once; of shape (derivatives, n)."""
        if self._formula is None:
            raise TypeError("a potential given as a function has no formula")
        if derivatives not in self._tapes:
            trees = []
            for axes in derivatives:
                tree = self._formula
                for axis in axes:
                    tree = tree.derivative(axis)
                trees.append(tree)
            self._tapes[derivatives] = joint_tape(trees)
        return run_tape(self._tapes[derivatives], self._formula, points)

    def __reduce__(self) -> tuple[Any, ...]:
        parameters = dict(self.parameters) if self._formula else None
        return Potential, (self.source, parameters, *self._given, self.given_dimension)

    def __str__(self) -> str:
        return self.expression or repr(self.source)


def _partial_derivative(potential: Potential, axes: tuple[int, ...], x: npt.ArrayLike) -> Floats:
    points = _checked_points(x, potential.dimension)
    if axes and max(axes) >= points.shape[0]:
        raise ValueError(f"a derivative along coordinate {max(axes)} of points with {points.shape[0]} coordinates")
    result: Floats
    if potential._formula is not None:
        if axes and max(axes) >= potential._formula.dimension:
            return np.zeros(points.shape[1])
        result = potential._run((axes,), points)[0]
        return result
    if not axes:
        return potential.value(points)
    if len(axes) == 1:
        result = potential.gradient(points)[axes[0]]
        return result
    if len(axes) == 2:
        result = potential.hessian(points)[axes[0], axes[1]]
        return result
    direction = np.eye(points.shape[0])[axes[-1]]
    return differences.first_derivative(partial(_partial_derivative, potential, axes[:-1]), points, direction)


def _formula_of(source: object, parameters: Mapping[str, float] | None, gradient: object, hessian: object) -> Any:
    if isinstance(source, str):
        if gradient is not None or hessian is not None:
            raise ProblemError(
                "potential", "a formula with a gradient or hessian", "the formula alone, it is differentiated exactly"
            )
        return parse_expression(source, parameters=parameters)
    if not callable(source):
        raise ProblemError("potential", source, "a formula or a function of points")
    if parameters:
        raise ProblemError("potential.parameters", dict(parameters), "none, the potential is a function")
    return None


def _checked_dimension(dimension: object, formula: Expression | None) -> int | None:
    if dimension is None:
        return None
    if isinstance(dimension, bool) or not isinstance(dimension, (int, np.integer)):
        raise ProblemError("potential.dimension", dimension, "an integer")
    least = formula.dimension if formula else 1
    if not least <= dimension <= MOST_DIMENSIONS:
        raise ProblemError("potential.dimension", int(dimension), f"an integer from {least} to {MOST_DIMENSIONS}")
    return int(dimension)


def _checked_points(x: npt.ArrayLike, dimension: int) -> Floats:
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(f"points have shape (dimension, n), not {points.shape}")
    if points.shape[0] < dimension:
        raise ProblemError(
            "potential",
            f"a potential in {dimension} coordinates on a {points.shape[0]}-dimensional domain",
            "one that needs no more coordinates than the domain has",
        )
    return points
