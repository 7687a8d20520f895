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


class _Jump(sympy.Function):  # type: ignore[misc]
    """Constant away from u = 0."""

    nargs = 1
    is_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        """Zero away from the jump."""
        return sympy.Integer(0)


class RealSign(_Jump):
    """-1, 0 or 1."""

    @classmethod
    def eval(cls, u: Any) -> Any:
        """Numbers only."""
        return sympy.sign(u) if u.is_Number else None


class RealStep(_Jump):
    """0 for u < 0, 1/2 at 0, 1 for u > 0."""

    @classmethod
    def eval(cls, u: Any) -> Any:
        """Numbers only."""
        return (1 + sympy.sign(u)) / 2 if u.is_Number else None


class _Choice(sympy.Function):  # type: ignore[misc]
    """One of two values, by the sign of a level."""

    nargs = 3
    is_real = True

    @staticmethod
    def chosen(level: Any, u: Any, v: Any) -> Any:
        """For a level that is a number."""
        raise NotImplementedError

    @classmethod
    def eval(cls, level: Any, u: Any, v: Any) -> Any:
        """Numbers and equal values only."""
        if u == v:
            return u
        return cls.chosen(level, u, v) if level.is_Number else None

    def _eval_derivative(self, symbol: Any) -> Any:
        """That of the value that counts: the other may have none there."""
        level, u, v = self.args
        return self.func(level, u.diff(symbol), v.diff(symbol))


class RealSelect(_Choice):
    """u where level >= 0, else v."""

    @staticmethod
    def chosen(level: Any, u: Any, v: Any) -> Any:
        """The first at zero."""
        return u if level >= 0 else v


class RealSide(_Choice):
    """u where level > 0, v where level < 0, their mean between: one derivative or another, of which bounds are both."""

    @staticmethod
    def chosen(level: Any, u: Any, v: Any) -> Any:
        """The mean at zero."""
        return u if level > 0 else v if level < 0 else (u + v) / 2


class _OneOfTwo(sympy.Function):  # type: ignore[misc]
    """u where it is ahead of v, else v."""

    nargs = 2
    is_real = True

    @staticmethod
    def over(u: Any, v: Any) -> Any:
        """How far u is ahead of v."""
        raise NotImplementedError

    @classmethod
    def eval(cls, u: Any, v: Any) -> Any:
        """Numbers and equal arguments only."""
        if u == v:
            return u
        return (u if cls.over(u, v) > 0 else v) if u.is_Number and v.is_Number else None

    def _eval_derivative(self, symbol: Any) -> Any:
        """That of the argument that counts."""
        u, v = self.args
        return RealSide(self.over(u, v), u.diff(symbol), v.diff(symbol))


class RealMax(_OneOfTwo):
    """The larger of two."""

    @staticmethod
    def over(u: Any, v: Any) -> Any:
        """u - v."""
        return u - v


class RealMin(_OneOfTwo):
    """The smaller of two."""

    @staticmethod
    def over(u: Any, v: Any) -> Any:
        """v - u."""
        return v - u


class RealBlend(sympy.Function):  # type: ignore[misc]
    """u where level > 0, v where level < 0; over a width about zero the one goes over into the other."""

    nargs = 4
    is_real = True

    @classmethod
    def eval(cls, level: Any, width: Any, u: Any, v: Any) -> Any:
        """Equal values only."""
        return u if u == v else None

    def _eval_derivative(self, symbol: Any) -> Any:
        """That of the values, and of the share of each; what the slope of the width adds is smaller by the width."""
        level, width, u, v = self.args
        rise = (u - v) * level.diff(symbol) / 2
        return self.func(level, width, u.diff(symbol), v.diff(symbol)) + RealRise(level, width, rise)


class RealRise(sympy.Function):  # type: ignore[misc]
    """A rise times the slope of level/sqrt(level^2 + width^2): of height rise/width, as wide as the width."""

    nargs = 3
    is_real = True

    @classmethod
    def eval(cls, level: Any, width: Any, rise: Any) -> Any:
        """None at all."""
        return rise if rise == 0 else None


def arcus_tangent(u: Any) -> Any:
    """atan(u), which jumps where a denominator q of u = p/q changes its sign: the angle of (q, p) or of (-q, -p).

    >>> arcus_tangent(1 / (sympy.Symbol("x", real=True) - 2))
    RealSelect(x - 2, atan2(1, x - 2), -atan2(1, 2 - x))
    """
    over, under = sympy.fraction(sympy.together(u))
    if not under.free_symbols or under.is_nonzero:
        return sympy.atan(u)
    # the angle of (-q, -p), written so that p = 0 is no cut: there q < 0
    return RealSelect(under, sympy.atan2(over, under), -sympy.atan2(over, -under))
