"""Sympy trees as short lists of numpy operations: evaluated at many points, without generating any code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.quantity.light_dataclasses import dataclass

# points handled at a time: all intermediate arrays together stay in the processor's cache
BLOCK = 4096
LARGEST_REPEATED_SQUARING = 64
"""x^64 is six squarings; np.power costs five to six products (116 us for 4,096 points, a product 20): beyond, nothing
is saved."""

FAR = 1e5
"""In widths, from where on only one of two blended values counts: the other, with a share of 1/(4 FAR^2), may be large
there. That much less of a force moves a step by 2e-11 of its length."""


def _blend(level: Any, width: Any, u: Any, v: Any) -> Any:
    """One value or the other far from where a level vanishes, and where they cannot be blended."""
    mixed = 0.5 * (u + v) + 0.5 * (u - v) * level / np.hypot(level, width)
    one_sided = np.where(level > 0.0, u, np.where(level < 0.0, v, 0.5 * (u + v)))
    return np.where((np.abs(level) < FAR * width) & np.isfinite(mixed), mixed, one_sided)


def _rise(level: Any, width: Any, rise: Any) -> Any:
    """What a blend adds to a slope; nothing where the values cannot be blended."""
    slope = rise * width * width / np.hypot(level, width) ** 3
    return np.where((np.abs(level) < FAR * width) & np.isfinite(slope), slope, 0.0)


_UNARY: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "Abs": np.abs, "RealAbs": np.abs, "sign": np.sign, "RealSign": np.sign,
    "RealStep": lambda u: np.heaviside(u, 0.5),
    # what sympy rewrites its derivatives and special values to
    "sec": lambda u: 1.0 / np.cos(u), "csc": lambda u: 1.0 / np.sin(u), "cot": lambda u: 1.0 / np.tan(u),
    "sech": lambda u: 1.0 / np.cosh(u), "csch": lambda u: 1.0 / np.sinh(u), "coth": lambda u: 1.0 / np.tanh(u),
}  # fmt: skip
_BINARY: dict[str, Callable[..., Any]] = {
    "RealMax": np.maximum, "RealMin": np.minimum, "atan2": np.arctan2,
}  # fmt: skip
_TERNARY: dict[str, Callable[..., Any]] = {
    "RealSelect": lambda level, u, v: np.where(level >= 0.0, u, v),
    "RealSide": lambda level, u, v: np.where(level > 0.0, u, np.where(level < 0.0, v, 0.5 * (u + v))),
    "RealRise": _rise,
}
_QUATERNARY: dict[str, Callable[..., Any]] = {"RealBlend": _blend}
_FUNCTIONS = {**_UNARY, **_BINARY, **_TERNARY, **_QUATERNARY}


class UnsupportedFunctionError(LookupError):
    """A tree holds a function that has no numpy counterpart here."""


@dataclass(frozen=True)
class Instruction:
    """Next register <- operation(argument registers), with a fixed number for powers.

    ``last_used`` lists the registers that no later instruction needs.
    """

    operation: str
    arguments: tuple[int, ...]
    exponent: float
    last_used: tuple[int, ...]


@dataclass(frozen=True)
class Tape:
    """Several functions of the same coordinates, evaluated together.

    Parameters
    ----------
    coordinates
        registers 0 .. coordinates-1 hold the coordinates of the points
    constants
        the following registers
    instructions
        each fills the next register
    outputs
        the register of every function
    """

    coordinates: int
    constants: tuple[float, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    def __call__(self, x: Floats) -> Floats:
        """Values at ``x`` of shape (dim >= coordinates, n), of shape (len(outputs), n); NaN where undefined."""
        n = x.shape[1]
        result = np.empty((len(self.outputs), n))
        with np.errstate(all="ignore"):
            for start in range(0, n, BLOCK):
                block = slice(start, min(start + BLOCK, n))
                registers: list[Any] = [x[i, block] for i in range(self.coordinates)]
                registers.extend(np.float64(c) for c in self.constants)
                for instruction in self.instructions:
                    registers.append(_execute(instruction, registers))
                    for finished in instruction.last_used:
                        registers[finished] = None
                for row, register in enumerate(self.outputs):
                    result[row, block] = registers[register]
        return result


def in_blocks(function: Callable[[Floats], Floats], x: Any) -> Floats:
    """The values (..., n) of a function of points (..., n), so many at a time that what it holds stays in the cache.

    >>> in_blocks(lambda points: points[:1] ** 2, np.arange(10000.0)[None]).shape
    (1, 10000)
    """
    points = np.asarray(x, dtype=np.float64)
    if points.shape[-1] <= BLOCK:
        return function(points)
    return np.concatenate([function(points[..., k : k + BLOCK]) for k in range(0, points.shape[-1], BLOCK)], axis=-1)


def compile_tape(functions: Sequence[Any], symbols: Sequence[Any]) -> Tape:
    """The tape of several sympy expressions in the given symbols; equal subtrees are computed once.

    >>> import sympy
    >>> x, y = sympy.symbols("x y")
    >>> compile_tape([x**2 + y, x - y], [x, y])(np.array([[3.0], [1.0]])).tolist()
    [[10.0], [2.0]]
    """
    compiler = _Compiler(symbols)
    return compiler.tape([compiler.register(tree) for tree in functions])


class _Compiler:
    """Registers under construction: ("constant", index), ("coordinate", index) or ("result", index)."""

    def __init__(self, symbols: Sequence[Any]) -> None:
        self.dimension = len(symbols)
        self.constants: list[float] = []
        self.instructions: list[tuple[str, tuple[tuple[str, int], ...], float]] = []
        self.known: dict[Any, tuple[str, int]] = {s: ("coordinate", i) for i, s in enumerate(symbols)}

    def tape(self, outputs: Sequence[tuple[str, int]]) -> Tape:
        offset = {"coordinate": 0, "constant": self.dimension, "result": self.dimension + len(self.constants)}
        first = offset["result"]
        final = tuple(offset[kind] + i for kind, i in outputs)
        needed = set(final)
        instructions = []
        for operation, parts, exponent in reversed(self.instructions):
            arguments = tuple(offset[kind] + i for kind, i in parts)
            last_used = tuple(i for i in set(arguments) - needed if i >= first)
            needed.update(arguments)
            instructions.append(Instruction(operation, arguments, exponent, last_used))
        return Tape(self.dimension, tuple(self.constants), tuple(reversed(instructions)), final)

    def register(self, tree: Any) -> tuple[str, int]:
        if tree not in self.known:
            self.known[tree] = self._new(tree)
        return self.known[tree]

    def _new(self, tree: Any) -> tuple[str, int]:
        if tree.is_Rational or tree.is_Float or tree.is_NumberSymbol:
            return self._constant(float(tree))
        if tree.is_Add:
            return self._sum(tree)
        if tree.is_Mul:
            return self._product(tree)
        if tree.is_Pow:
            return self._power(*tree.as_base_exp())
        name = type(tree).__name__
        if name in _FUNCTIONS or name in ("erf", "erfc"):
            return self._emit(name, tuple(self.register(a) for a in tree.args))
        raise UnsupportedFunctionError(name)

    def _sum(self, tree: Any) -> tuple[str, int]:
        # a - b rather than a + (-1)*b, positive terms first
        positive = [t for t in tree.args if not t.could_extract_minus_sign()]
        negative = [-t for t in tree.args if t.could_extract_minus_sign()]
        if not positive:
            return self._emit("negate", (self._fold("add", [self.register(t) for t in negative]),))
        result = self._fold("add", [self.register(t) for t in positive])
        for term in negative:
            result = self._emit("subtract", (result, self.register(term)))
        return result

    def _product(self, tree: Any) -> tuple[str, int]:
        coefficient, rest = tree.as_coeff_Mul()
        if coefficient == -1:
            return self._emit("negate", (self.register(rest),))
        over = [a for a in tree.args if not _divides(a)]
        under = [1 / a for a in tree.args if _divides(a)]
        if coefficient.is_Rational and coefficient != 1 and abs(coefficient.p) == 1 and not coefficient.is_Integer:
            # u/4 rather than 0.25*u: exact also where the reciprocal is not
            over, under = [a for a in over if a != coefficient], [*under, 1 / coefficient]
        result = self._fold("multiply", [self.register(a) for a in over]) if over else self._constant(1.0)
        if not under:
            return result
        return self._emit("divide", (result, self._fold("multiply", [self.register(a) for a in under])))

    def _power(self, base: Any, exponent: Any) -> tuple[str, int]:
        if type(base).__name__ == "Exp1":
            return self._emit("exp", (self.register(exponent),))
        if not exponent.is_Rational:
            return self._emit("pow", (self.register(base), self.register(exponent)))
        if exponent == -1:
            return self._emit("divide", (self._constant(1.0), self.register(base)))
        if exponent < 0:
            return self._emit("divide", (self._constant(1.0), self.register(base**-exponent)))
        return self._emit("power", (self.register(base),), float(exponent))

    def _fold(self, operation: str, registers: list[tuple[str, int]]) -> tuple[str, int]:
        result = registers[0]
        for register in registers[1:]:
            result = self._emit(operation, (result, register))
        return result

    def _constant(self, value: float) -> tuple[str, int]:
        self.constants.append(value)
        return ("constant", len(self.constants) - 1)

    def _emit(self, operation: str, arguments: tuple[tuple[str, int], ...], exponent: float = 0.0) -> tuple[str, int]:
        self.instructions.append((operation, arguments, exponent))
        return ("result", len(self.instructions) - 1)


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "negate": np.negative, "pow": np.power,
}  # fmt: skip


def _execute(instruction: Instruction, registers: list[Any]) -> Any:
    arguments = [registers[i] for i in instruction.arguments]
    if instruction.operation == "power":
        return _raised(arguments[0], instruction.exponent)
    return _function(instruction.operation)(*arguments)


@cache
def _function(name: str) -> Callable[..., Any]:
    if name in ("erf", "erfc"):
        from scipy import special

        return special.erf if name == "erf" else special.erfc  # type: ignore[no-any-return]
    return _ARITHMETIC.get(name) or _FUNCTIONS[name]


def _raised(u: Any, exponent: float) -> Any:
    """u to a positive rational power; small integers by repeated squaring, several times faster than pow."""
    if exponent == 0.5:
        return np.sqrt(u)
    n = int(exponent)
    if n != exponent or n > LARGEST_REPEATED_SQUARING:
        return np.power(u, exponent)
    result = None
    while n:
        if n & 1:
            result = u if result is None else result * u
        n >>= 1
        if n:
            u = u * u
    return result


def _divides(factor: Any) -> bool:
    """Whether a factor is a negative rational power, and so better divided by."""
    return bool(factor.is_Pow and factor.exp.is_Rational and factor.exp < 0)
