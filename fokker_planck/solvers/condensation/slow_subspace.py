"""The slowest modes of a widened reduced problem, from an invariant subspace of theirs.

Of the pencil

    [S  0] [y]            [T  B] [y]
    [0  E] [x]  = lambda  [C  N] [x],

with as many slow modes as S has rows, K, these lie in x = X y, where

    X = E^-1 (C + N X) G,      G = (T + B X)^-1 S,

and their eigenvalues are those of G, (K, K).  Iteration of the one gains the quotient of the slowest of the other modes
and the fastest of these in each step; begun with what doubles know of X, a few steps are enough.  S and G, and with
them the columns of X, span hundreds of orders of magnitude and are in multiple precision, of which products take
milliseconds, while all eigenvalues of eight wells with six powers of each take 20 s.
"""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.condensation.extended_matrices import (
    Eigenpairs,
    Matrix,
    exact,
    product,
    transposed,
    whole_in_doubles,
    whole_of,
)

SETTLED = 1e-13
"""Of the largest entry of a column of X, by which a step changes it in the end: X comes from doubles. With 1e-14 three
of ten pencils that differ in their last digits alone did not settle, where other modes are 1.3 times as fast; rates are
known to 2e-14 with either."""
MOST_STEPS = 40
"""Beyond which other ways are tried: three to six are taken, more where other modes are nearly as slow."""
LEAST_GAP, MOST_MORE = 1.3, 2
"""Between what is taken for slow and what is not, with which ``MOST_STEPS`` gain four digits, where doubles begin with
ten; and how many times as many modes inside as wells are looked at for it."""
LEFT = 1e-12
"""Of an entry of X that is begun with nothing, what so many steps leave of its error: as many digits as rates have."""
KNOWN = 1e-10
"""Of the length of a well's function, down to which doubles of X are taken to begin with: their rounding is 1e-16 of it
times a condition, for which this leaves 1e6."""
REGULAR = 1e-6
"""Of the singular values of what slow modes have in the wells, least over largest, below which doubles tell nothing of
X, and the iteration begins with none."""

LEAST, LEAST_SLOW = 1e-9, 1e-6
"""Of the largest eigenvalue of the pencil, and of the largest that is wanted, down to which doubles hold the smallest
with its vector: rounding of 1e-16 leaves it seven digits."""
NOTHING = 1e-13
"""Of the largest eigenvalue, for zero."""


def slow_subspace(flows: Any, mass: Floats, energy: Floats, least_steps: int) -> tuple[Matrix, Matrix] | None:
    """X (rows of numbers of mpmath) and G of the pencil of S (``flows``) and E with the ``mass`` [T, B; C, N].

    None where the iteration does not settle, ``least_steps`` of which are made: what one well has of another, far
    below the digits of a double, begins with nothing.
    """
    count = flows.rows
    try:
        towards, inside = (
            np.linalg.solve(energy, mass[count:, columns]) for columns in (slice(count), slice(count, None))
        )
    except np.linalg.LinAlgError:
        return None
    at_rest, bridge = mpmath.matrix(mass[:count, :count].tolist()), mass[:count, count:]
    rows_towards = exact(towards)
    space = exact(_begun(_in_doubles(flows, mass, energy), mass))
    for step in range(MOST_STEPS):
        seen = at_rest + mpmath.matrix(_of_doubles(bridge, space))
        inner = (mpmath.inverse(seen) * flows).tolist()
        moved = _of_doubles(inside, space)
        moved = [
            [a + b for a, b in zip(one, other, strict=True)] for one, other in zip(rows_towards, moved, strict=True)
        ]
        moved = product(moved, inner)
        settled = all(
            max(abs(a - b) for a, b in zip(new, old, strict=True)) <= SETTLED * max(abs(a) for a in new)
            for new, old in zip(transposed(moved), transposed(space), strict=True)
        )
        space = moved
        if settled and step + 1 >= least_steps:
            return space, inner
    return None


def beside_slow_inside(flows: Any, mass: Floats, energy: Floats) -> Eigenpairs | None:
    """The same, of K slow modes and of as many others as there are up to a gap, by an invariant subspace of them all.

    Where something inside is as slow as the fastest of the K modes, no iteration tells these from it.  What is slow
    inside is split off, E to [E_1  0; 0  E_2], and counted with the wells.  None where there is no gap.
    """
    count = flows.rows
    more = _split(flows, mass, energy)
    if more is None:
        return None
    split, right, left = more
    turned, back = np.eye(len(mass)), np.eye(len(mass))
    turned[count:, count:], back[count:, count:] = right, left
    mass, energy = back @ mass @ turned, left @ energy @ right
    wider = whole_of(flows, energy[:split, :split])
    found = slow_pairs(wider, mass, energy[split:, split:])
    if found is None:
        return None
    values, columns, rows = found
    columns = transposed(product(exact(turned), transposed(columns)))
    return values, columns, product(rows, exact(back)), 0.0


def _split(flows: Any, mass: Floats, energy: Floats) -> tuple[int, Floats, Floats] | None:
    """How many modes inside come to be slow, and bases of both sides, columns and rows, those of the slow ones first.

    Of E alone, whose others have a part in neither.
    """
    from scipy.linalg import schur, solve_sylvester

    count = flows.rows
    try:
        operator = np.linalg.solve(mass[count:, count:], energy)
        own = np.sort(np.abs(np.linalg.eigvals(operator)))
        whole = np.sort(np.abs(np.linalg.eigvals(np.linalg.solve(mass, whole_in_doubles(flows, energy)))))
        numbers = np.arange(1, min(MOST_MORE * count, len(own) - 1) + 1)
        gaps = np.minimum(own[numbers] / whole[count + numbers - 1], own[numbers] / own[numbers - 1])
        split = int(numbers[int(np.argmax(gaps))])
        between = np.sqrt(own[split - 1] * own[split])
        upper, basis, held = schur(operator, sort=lambda re, im=0.0: bool(np.hypot(re, im) < between))
        if held != split or not gaps.max() > LEAST_GAP:
            return None
        apart = solve_sylvester(upper[:split, :split], -upper[split:, split:], -upper[:split, split:])
        right = basis @ np.block([[np.eye(split), apart], [np.zeros(apart.T.shape), np.eye(len(own) - split)]])
        left = np.linalg.inv(mass[count:, count:] @ right)
    except (np.linalg.LinAlgError, ValueError):
        return None
    return split, right, left


def _of_doubles(matrix: Floats, columns: Matrix) -> Matrix:
    """The product of doubles with columns, each of which is doubles times a power that none of them need have."""
    powers = [max((mpmath.frexp(entry)[1] for entry in column if entry), default=0) for column in transposed(columns)]
    scaled = [[float(mpmath.ldexp(entry, -power)) for entry, power in zip(row, powers, strict=True)] for row in columns]
    products = (matrix @ np.array(scaled)).tolist()
    return [[mpmath.ldexp(entry, power) for entry, power in zip(row, powers, strict=True)] for row in products]


def _begun(space: Floats, mass: Floats) -> Floats:
    """X from doubles without what rotations leave in it: 1e-16 where two wells have 1e-100 in common."""
    count, sizes = space.shape[1], np.sqrt(np.abs(np.diag(mass)))
    known = np.abs(space) * sizes[count:, None] > KNOWN * sizes[:count]
    return np.where(known, space, 0.0)


def _in_doubles(flows: Any, mass: Floats, energy: Floats) -> Floats:
    """What doubles know of X, (size - K, K); zero where that is nothing."""
    count, size = flows.rows, len(mass)
    nothing = np.zeros((size - count, count))
    try:
        operator = np.linalg.solve(mass, whole_in_doubles(flows, energy))
        moduli = np.sort(np.abs(np.linalg.eigvals(operator)))
        between = np.sqrt(moduli[count - 1] * moduli[count])
        from scipy.linalg import schur

        _, basis, found = schur(operator, sort=lambda re, im=0.0: bool(np.hypot(re, im) < between))
    except (np.linalg.LinAlgError, ValueError):
        return nothing
    wells, rest = basis[:count, :count], basis[count:, :count]
    sizes = np.linalg.svd(wells, compute_uv=False)
    if found != count or not sizes[-1] > REGULAR * sizes[0]:
        return nothing
    return np.asarray(rest @ np.linalg.inv(wells))


def slow_pairs(
    flows: Any, mass: Floats, energy: Floats, *, symmetric: bool = False
) -> tuple[list[Any], Matrix, Matrix] | None:
    """Eigenvalues of the K slow modes by ascending modulus, with vectors of both sides whose products with M are one.

    None where they are too close to others.
    """
    count = flows.rows
    steps = _steps_to_settle(flows, mass, energy)
    right = None if steps is None else slow_subspace(flows, mass, energy, steps)
    left = right if symmetric or right is None else slow_subspace(flows.T, mass.T, energy.T, steps or 0)
    if right is None or left is None:
        return None
    space, inner = right
    found, vectors = mpmath.eig(mpmath.matrix(inner))
    if symmetric:
        found, vectors = [mpmath.re(value) for value in found], vectors.apply(mpmath.re)
    order = sorted(range(count), key=lambda k: (float(abs(found[k])), -float(mpmath.im(found[k]))))
    wells = [[vectors[i, k] for k in order] for i in range(count)]
    columns = wells + product(space, wells)
    rows = [[mpmath.mpf(int(i == j)) for j in range(count)] for i in range(count)]
    rows = [unit + inside for unit, inside in zip(rows, transposed(left[0]), strict=True)]
    seen = product(product(rows, exact(mass)), columns)
    rows = product(mpmath.inverse(mpmath.matrix(seen)).tolist(), rows)
    return [found[k] for k in order], transposed(columns), rows


def _steps_to_settle(flows: Any, mass: Floats, energy: Floats) -> int | None:
    """Steps of :func:`slow_subspace` that leave ``LEFT`` of what is not there, or ``MOST_STEPS``; None for no gain.

    Each gains the quotient of the slowest of the others and the K-th mode.
    """
    moduli = np.sort(np.abs(np.linalg.eigvals(np.linalg.solve(mass, whole_in_doubles(flows, energy)))))
    if flows.rows == len(moduli):
        return 0
    gap = moduli[flows.rows] / max(moduli[flows.rows - 1], np.finfo(float).tiny)
    return min(MOST_STEPS, int(np.ceil(-np.log(LEFT) / np.log(gap)))) if gap > LEAST_GAP else None


def pairs_in_doubles(
    flows: Any, mass: Floats, energy: Floats, *, symmetric: bool = False
) -> tuple[list[Any], Matrix, Matrix] | None:
    """The same by doubles, None where they do not hold the smallest eigenvalue, or rate out of a well.

    Where a pair is the last of the slow ones and the first of the others, one of the two is there.  Eigenvalues are
    the quotients of the products of their vectors, summed exactly, with errors of second order in those of these.
    """
    count, whole = flows.rows, whole_in_doubles(flows, energy)
    try:
        from scipy.linalg import eig, eigh

        values, columns = eigh(whole, mass) if symmetric else eig(whole, mass)
        order = np.lexsort((-values.imag, np.abs(values)))
        rows = columns.T if symmetric else np.linalg.inv(mass @ columns)
    except (np.linalg.LinAlgError, ValueError):
        return None
    moduli = np.abs(values[order])
    known = moduli[moduli > NOTHING * moduli[-1]]
    leaving = np.abs(np.diag(whole)[:count] / np.diag(mass)[:count])
    held = len(known) >= len(moduli) - 1 and known[0] > max(LEAST * moduli[-1], LEAST_SLOW * moduli[count - 1])
    if not held or not leaving.min() > LEAST_SLOW * leaving.max() or not np.isfinite(rows).all():
        return None
    chosen = order[:count]
    real = values[chosen].imag == 0.0  # whose vectors are, too: an inverse leaves rounding of the others in them
    right, left = ([_numbers(*one) for one in zip(part[chosen], real, strict=True)] for part in (columns.T, rows))
    between, inside, weights = flows.tolist(), exact(energy), exact(mass)
    found = []
    for one, other in zip(left, right, strict=True):
        parts = (one[:count], between, other[:count]), (one[count:], inside, other[count:])
        found.append(mpmath.fsum(_form(*part) for part in parts) / _form(one, weights, other))
    return found, right, left


def _form(left: list[Any], matrix: Matrix, right: list[Any]) -> Any:
    return mpmath.fdot(left, [mpmath.fdot(row, right) for row in matrix])


def _numbers(row: Any, real: bool) -> list[Any]:
    """Of a vector."""
    return [mpmath.mpf(entry) for entry in row.real] if real else [mpmath.mpc(entry) for entry in row]
