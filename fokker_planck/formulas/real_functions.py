"""Real functions with kinks or jumps as sympy functions; derivatives hold almost everywhere.

Sympy's own Abs, sign, Max, Min and Heaviside are functions of a complex argument whose derivatives carry delta
functions; here a derivative is the classical one wherever it exists, and the mean of both sides where it does not.
This module imports sympy: import it inside functions.
"""

from __future__ import annotations

from typing import Any

import sympy


class RealAbs(sympy.Function):  # type: ignore[misc]
    """|u|."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, u: Any) -> Any:
        """Numbers only."""
        return abs(u) if u.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Sign of u."""
        return RealSign(self.args[0])


class RealSign(sympy.Function):  # type: ignore[misc]
    """-1, 0 or 1."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, u: Any) -> Any:
        """Numbers only."""
        return sympy.sign(u) if u.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Zero away from the jump."""
        return sympy.Integer(0)


class RealStep(sympy.Function):  # type: ignore[misc]
    """0 for u < 0, 1/2 at 0, 1 for u > 0."""

    nargs = 1
    is_real = True

    @classmethod
    def eval(cls, u: Any) -> Any:
        """Numbers only."""
        return (1 + sympy.sign(u)) / 2 if u.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Zero away from the jump."""
        return sympy.Integer(0)


class RealSelect(sympy.Function):  # type: ignore[misc]
    """u where level >= 0, else v."""

    nargs = 3
    is_real = True

    @classmethod
    def eval(cls, level: Any, u: Any, v: Any) -> Any:
        """Numbers and equal values only."""
        if u == v:
            return u
        return (u if level >= 0 else v) if level.is_Number else None

    def _eval_derivative(self, symbol: Any) -> Any:
        """That of the value that counts: the other may have none there."""
        level, u, v = self.args
        return RealSelect(level, u.diff(symbol), v.diff(symbol))


class RealMax(sympy.Function):  # type: ignore[misc]
    """The larger of two."""

    nargs = 2
    is_real = True

    @classmethod
    def eval(cls, u: Any, v: Any) -> Any:
        """Numbers and equal arguments only."""
        if u == v:
            return u
        return (u if u > v else v) if u.is_Number and v.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """One on the side that counts."""
        u, v = self.args
        return RealStep(u - v) if argindex == 1 else RealStep(v - u)


class RealMin(sympy.Function):  # type: ignore[misc]
    """The smaller of two."""

    nargs = 2
    is_real = True

    @classmethod
    def eval(cls, u: Any, v: Any) -> Any:
        """Numbers and equal arguments only."""
        if u == v:
            return u
        return (u if u < v else v) if u.is_Number and v.is_Number else None

    def fdiff(self, argindex: int = 1) -> Any:
        """One on the side that counts."""
        u, v = self.args
        return RealStep(v - u) if argindex == 1 else RealStep(u - v)
