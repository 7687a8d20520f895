"""Surfaces on which formulas pass from one branch to another: the zeros of what stands inside a switch.

A switch is ``heaviside(u)``, ``sign(u)`` or ``abs(u)``, which change at u = 0, or ``min(u, v)``, ``max(u, v)``, and the
comparisons of u and v in ``piecewise``, which change at u - v = 0. A switch inside u is taken apart, so that
``abs(abs(x) - y)`` has the planes x = 0, y = x, y = -x, each smooth: a corner is where two of them cross.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.kinks import changes_of_sign, zeros
from fokker_planck.formulas.expression import Expression
from fokker_planck.formulas.parsing.grammar import symbols
from fokker_planck.formulas.parsing.switches import CHOICES, MODULI, ONE_ARGUMENT, SWITCHES, TWO_ARGUMENTS
from fokker_planck.formulas.parsing.tape import UnsupportedFunctionError, compile_tape
from fokker_planck.model.sets.shapes import Ball, HalfSpace, Region, Set

# Smooth parts of one switch beyond which it is left alone: six nested switches, or a minimum of 64 terms.
MOST_PARTS = 64
# Polynomials above this size are not factored, which may take sympy seconds; their product is a surface as well.
MOST_TERMS, HIGHEST_DEGREE = 30, 8
# Sample of the surface on which a part of a nested switch is seen to matter, by dimension: narrower ones are kept out.
PER_AXIS = {1: 2001, 2: 161, 3: 33}
MOST_PLANES = {2: 400, 3: 60}
"""Planes of one switch, side by side: a mesh that follows more has more cells than it may, 2 k^2 and 6 k^3 of them."""


def surfaces_of(formulas: Iterable[Expression], lower: Sequence[float], upper: Sequence[float]) -> tuple[Set, ...]:
    """The smooth surfaces, as boundaries of sets, between which all formulas are smooth in a box.

    >>> from fokker_planck.formulas.expression import parse_expression
    >>> formula = parse_expression("heaviside(x - 0.5)*y + abs(x**2 + y**2 - 0.25)")
    >>> for surface in surfaces_of([formula], [-1.0, -1.0], [1.0, 1.0]):
    ...     print(surface)
    HalfSpace(normal=(1.0, 0.0), offset=0.5)
    Ball(center=(0.0, 0.0), radius=0.5)
    """
    found: dict[Any, Set] = {}
    for formula in formulas:
        if formula.smooth:
            continue
        axes = symbols(formula.names)[: len(lower)]
        for switch in sorted(set(switches(formula.sympy)), key=str):
            parts = sorted(_factors(_smooth_parts(switch)), key=str)
            nested = len(parts) > 1 and _has_switches(switch)
            for part in parts:
                _seen_as_one_of_fewer(part, formula, axes, lower, upper)
                for key, surface in _few(_surfaces(part, axes, lower, upper), formula, part, len(lower)):
                    if key not in found and (not nested or _matters(switch, surface, axes, lower, upper)):
                        found[key] = surface
    return tuple(found.values())


def _few(surfaces: Iterable[tuple[Any, Set]], formula: Expression, part: Any, dimension: int) -> list[tuple[Any, Set]]:
    """The surfaces of one part of a formula, if they are not too many for any mesh."""
    found, most = list(surfaces), MOST_PLANES.get(dimension)
    if most is not None and len(found) > most:
        _too_many(formula, part, len(found), most)
    return found


def _too_many(formula: Expression, part: Any, count: int, most: int) -> NoReturn:
    raise ProblemError(
        formula.key,
        f"{count} places or more at which {part} changes its sign, and the formula jumps or has a kink",
        f"at most {most}, which a mesh can follow",
    )


def switches(tree: Any) -> Iterator[Any]:
    """What changes its sign where a sympy tree passes from one branch to another."""
    for part in _parts(tree):
        name = type(part).__name__
        if name in (*ONE_ARGUMENT, *CHOICES):
            yield part.args[0]
        elif name in TWO_ARGUMENTS:
            yield part.args[0] - part.args[1]


def _parts(tree: Any) -> Iterator[Any]:
    from sympy import preorder_traversal

    yield from preorder_traversal(tree)


def _has_switches(tree: Any) -> bool:
    return any(True for _ in switches(tree))


def _smooth_parts(tree: Any) -> set[Any]:
    """The formulas without switches that a tree is made of, one for every way its switches can stand."""
    import sympy

    done: set[Any] = set()
    todo = [tree]
    while todo:
        here = todo.pop()
        inner = next((p for p in _parts(here) if type(p).__name__ in SWITCHES), None)
        if inner is None:
            done.add(here)
            continue
        name = type(inner).__name__
        if name in TWO_ARGUMENTS:
            ways = list(inner.args)
        elif name in CHOICES:
            ways = list(inner.args[1:])
        elif name in MODULI:
            ways = [inner.args[0], -inner.args[0]]
        else:
            ways = [sympy.Integer(0 if name == "RealStep" else -1), sympy.Integer(1)]
        todo += [here.xreplace({inner: way}) for way in ways]
        if len(todo) + len(done) > MOST_PARTS:
            return set()
    return done


def _factors(trees: Iterable[Any]) -> set[Any]:
    """What the trees are products of, without constants and exponentials: the zeros are the same."""
    from sympy import exp, factor_list

    found: set[Any] = set()
    todo = list(trees)
    while todo:
        tree = todo.pop()
        if not tree.free_symbols or isinstance(tree, exp):
            continue
        if tree.is_Mul:
            todo += tree.args
            continue
        if tree.is_Pow and tree.exp.is_Number:
            if tree.exp > 0:
                todo.append(tree.base)
            continue
        polynomial = _polynomial(tree)
        small = polynomial is not None and polynomial.total_degree() <= HIGHEST_DEGREE
        if small and 1 < len(polynomial.terms()) <= MOST_TERMS and polynomial.domain.is_QQ | polynomial.domain.is_ZZ:
            found.update(factor for factor, _power in factor_list(tree)[1])
        else:
            found.add(tree)
    return found


def _polynomial(tree: Any) -> Any:
    names = sorted(tree.free_symbols, key=str)
    # asked first, by its form alone: to see that c**(x - 1e300) is none it would be expanded, for ever
    return tree.as_poly(*names) if tree.is_polynomial(*names) else None


def _surfaces(
    tree: Any, axes: Sequence[Any], lower: Sequence[float], upper: Sequence[float]
) -> Iterator[tuple[Any, Set]]:
    """The surface tree = 0, with a key that equal surfaces share: planes normal to an axis one by one."""
    used = [axis for axis in axes if tree.has(axis)]
    if len(used) == 1:
        number = axes.index(used[0])
        normal = tuple(float(i == number) for i in range(len(axes)))
        for place in _zeros(tree, used[0], lower[number], upper[number]):
            yield (number, round(place / (1e-12 * (upper[number] - lower[number])))), HalfSpace(normal, place)
        return
    polynomial = _polynomial(tree)
    if polynomial is not None:
        key = polynomial.monic().as_expr()
        if polynomial.total_degree() == 1:
            expanded = polynomial.as_expr()
            slope = [float(expanded.coeff(axis)) for axis in axes]
            yield key, HalfSpace(tuple(slope), -float(expanded.subs(dict.fromkeys(axes, 0))))
            return
        ball = _ball(polynomial, axes)
        if ball is not None:
            yield key, ball
            return
    else:
        key = -tree if tree.could_extract_minus_sign() else tree
    region = _region(tree, axes)
    if region is not None:
        yield key, region


def _seen_as_one_of_fewer(
    tree: Any, formula: Expression, axes: Sequence[Any], lower: Sequence[float], upper: Sequence[float]
) -> None:
    """Refuse a wave along an axis which points side by side would take for a longer one."""
    used, most = [axis for axis in axes if tree.has(axis)], MOST_PLANES.get(len(axes))
    if most is None or len(used) != 1 or tree.is_polynomial(*used):
        return
    try:
        tape = compile_tape([tree], used)
    except (UnsupportedFunctionError, RecursionError):
        return
    number = axes.index(used[0])
    changes = changes_of_sign(lambda x: np.asarray(tape(x[None])[0]), lower[number], upper[number])
    if changes > most:
        _too_many(formula, tree, changes, most)


def _zeros(tree: Any, axis: Any, lower: float, upper: float) -> list[float]:
    """Where a tree in one coordinate vanishes between two numbers."""
    try:
        tape = compile_tape([tree], [axis])
    except (UnsupportedFunctionError, RecursionError):
        return []

    def function(x: Floats) -> Floats:
        return np.asarray(tape(np.asarray(x, dtype=np.float64)[None])[0])

    polynomial = _polynomial(tree)
    if polynomial is not None and polynomial.degree() == 1:
        slope, level = (float(c) for c in polynomial.all_coeffs())
        root = float(-polynomial.all_coeffs()[1] / polynomial.all_coeffs()[0]) if slope else level
        return [root] if lower < root < upper else []
    return zeros(function, lower, upper)


def _ball(polynomial: Any, axes: Sequence[Any]) -> Ball | None:
    """The ball whose surface a quadratic polynomial describes, if it does."""
    if polynomial.total_degree() != 2 or len(polynomial.gens) != len(axes):
        return None
    terms = {tuple(powers): coefficient for powers, coefficient in polynomial.terms()}
    gens = list(polynomial.gens)
    size = len(gens)

    def coefficient(*at: int) -> Any:
        return terms.get(tuple(sum(i == a for a in at) for i in range(size)), 0)

    square = coefficient(0, 0)
    if square == 0 or any(coefficient(i, i) != square for i in range(size)):
        return None
    if any(coefficient(i, j) != 0 for i in range(size) for j in range(i)):
        return None
    center = [-coefficient(i) / (2 * square) for i in range(size)]
    radius = float(sum(c**2 for c in center) - coefficient() / square)
    if not radius > 0.0:
        return None
    return Ball(tuple(float(center[gens.index(axis)]) for axis in axes), radius**0.5)


def _region(tree: Any, axes: Sequence[Any]) -> Region | None:
    """The set tree >= 0: with its text, so that it can be bounded, if the text is a formula."""
    try:
        return Region(str(tree), dimension=len(axes))
    except ProblemError:
        pass
    try:
        level = compile_tape([tree], axes)
        slope = compile_tape([tree.diff(axis) for axis in axes], axes)
    except (UnsupportedFunctionError, RecursionError):
        return None
    return Region(lambda x: level(x)[0], gradient_function=slope, dimension=len(axes))


def _matters(switch: Any, surface: Set, axes: Sequence[Any], lower: Sequence[float], upper: Sequence[float]) -> bool:
    """Whether a switch changes its sign somewhere on a surface that a part of it gave, as far as a sample shows."""
    try:
        tape = compile_tape([switch], axes)
    except (UnsupportedFunctionError, RecursionError):
        return True
    low, high = np.asarray(lower, dtype=float)[:, None], np.asarray(upper, dtype=float)[:, None]
    count = PER_AXIS[len(axes)]
    grid = np.meshgrid(*[np.linspace(a, b, count) for a, b in zip(lower, upper, strict=True)], indexing="ij")
    points = np.stack([g.ravel() for g in grid])
    slope = np.maximum(np.linalg.norm(surface.gradient(points), axis=0), 1e-300)
    near = points[:, np.abs(surface.level(points)) <= slope * float((high - low).max()) / (count - 1)]
    if not near.shape[1]:
        return True
    on = surface.project(near)
    on = on[:, ((on >= low) & (on <= high)).all(axis=0)]
    normal = surface.gradient(on)
    normal = normal / np.maximum(np.linalg.norm(normal, axis=0), 1e-300)
    step = 1e-6 * float((high - low).max())
    return not on.shape[1] or bool((tape(on + step * normal)[0] * tape(on - step * normal)[0] <= 0.0).any())
