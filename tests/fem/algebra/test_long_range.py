"""Numbers beyond the range of a double: arithmetic with tiers, and solves that fall through many of them."""

import math

import numpy as np
import pytest

from fokker_planck.fem.algebra.long_range import LARGEST, LongRange, decaying_solutions, times_exp


@pytest.mark.parametrize("exponent", [0.0, 5.0, 700.0, -700.0])
def test_times_exp_is_the_product_where_that_is_a_double(exponent):
    values = np.array([-2.0, 0.0, 3.0])
    assert times_exp(values, exponent) == pytest.approx(values * math.exp(exponent), rel=1e-13)


def test_times_exp_of_factors_that_are_no_doubles():
    assert times_exp(np.array([1e-300, -1e-200]), np.array([1000.0, 460.0])) == pytest.approx(
        [math.exp(1000.0 - 300.0 * math.log(10.0)), -math.exp(460.0 - 200.0 * math.log(10.0))], rel=1e-12
    )


def test_the_powers_add_to_the_logarithm():
    number = LongRange(np.array([2.0, -3.0, 0.0]), np.array([0, -2000, -5000]))
    assert number.logs[:2] == pytest.approx([math.log(2.0), math.log(3.0) - 2000.0 * math.log(2.0)])
    assert number.logs[2] == -np.inf
    assert number.over(-2000)[1] == -3.0
    assert number.over(-2001)[1] == -6.0
    assert number.over(-2000)[0] == LARGEST
    assert number.times_exp(2000.0 * math.log(2.0))[1] == pytest.approx(-3.0, rel=1e-12)


def a_chain(fall, free):
    """-u_(k-1) + 2 cosh(fall) u_k - u_(k+1) where it is ``free``: product, solve, and what is next to others."""
    from scipy.linalg import solveh_banded

    diagonal = np.full(len(free), 2.0 * math.cosh(fall))
    upper = np.where(free[1:] & free[:-1], -1.0, 0.0)
    bands = np.vstack([np.r_[0.0, upper], np.where(free, diagonal, 1.0)])

    def apply(vectors):
        image = diagonal * vectors
        image[..., 1:] -= vectors[..., :-1]
        image[..., :-1] -= vectors[..., 1:]
        return image

    def solve(right):
        return solveh_banded(bands, np.where(free, right, 0.0).T).T

    def touching(marked):
        result = marked.copy()
        result[1:] |= marked[:-1]
        result[:-1] |= marked[1:]
        return result

    return apply, solve, touching


@pytest.mark.parametrize("fall", [1.0, 4.0])
@pytest.mark.parametrize("behind", [0, 30])
def test_a_chain_that_falls_by_thousands_of_orders_of_magnitude(fall, behind):
    """-u_(k-1) + 2 cosh(fall) u_k - u_(k+1) = 0, u_0 = 1, decays like exp(-fall k).

    On the other side u is held at zero, ten unknowns away, and stays zero ``behind``, where nothing decays further.
    """
    count, start = 4000 + 10 + behind, 10 + behind
    free = np.ones(count, dtype=bool)
    free[[start - 10, start]] = False
    given = np.zeros((1, count))
    given[0, start] = 1.0
    (solution,) = decaying_solutions(*a_chain(fall, free), given, free)
    inside = np.arange(4000 - 100)
    assert solution.logs[start + inside] == pytest.approx(-fall * inside, abs=1e-9)
    assert solution.powers.min() < -fall * 4000 / math.log(2.0) + 2000.0


def test_a_stage_of_several_solutions_is_one_solve():
    """Each went on by itself, in as many solves as all have stages together."""
    count, free, solves = 3000, np.ones(3000, dtype=bool), []
    places = np.array([0, 1700, 2999])
    free[places] = False
    apply, once, touching = a_chain(2.0, free)

    def solve(right):
        solves.append(len(right))
        return once(right)

    given = np.zeros((3, count))
    given[np.arange(3), places] = 1.0
    alone = [decaying_solutions(apply, solve, touching, row[None], free)[0] for row in given]
    separate, solves[:] = list(solves), []
    together = decaying_solutions(apply, solve, touching, given, free)
    for one, other in zip(together, alone, strict=True):
        assert one.logs[:1700] == pytest.approx(other.logs[:1700], abs=1e-9)
        assert one.logs[1701:] == pytest.approx(other.logs[1701:], abs=1e-9)
    assert len(solves) < 0.75 * len(separate)
    assert solves[0] == 3
