"""Two answers to the same question held to each other, bar with bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from validation.campaign.questions import Number, Numbers

ROUNDING = 1e-12  # of the coefficients of a changed problem, times barriers of hundreds of units of epsilon
LONG = 0.1  # a bar of a logarithm from which on it is not symmetric
SORTED = ("rate", "well")  # numbers that are known by their place in the order of their sizes alone


def outside(found: Numbers, reference: Numbers) -> list[str]:
    """Numbers that are further apart than both bars and the rounding of the reference together."""
    if _sorted_alone(found) and len(found) != len(reference):
        # numbers of chains of different states have nothing to do with each other
        return [f"{len(found)} numbers and {len(reference)}, of other wells or states"]
    wrong = []
    for name in found.keys() & reference.keys():
        one, other = found[name], reference[name]
        if not _agree(one, other):
            apart = f"apart by {one.distance(other):.2g}, bars {one.bar:.2g} and {other.bar:.2g}"
            wrong.append(f"{name}: {_shown(one)} and {_shown(other)}, {apart}")
    return [] if wrong and _agree_in_another_order(found, reference) else wrong


def _agree(one: Number, other: Number) -> bool:
    size = max(1.0, abs(one.value or 0.0)) if one.log is None else max(1.0, 1e-2 * abs(one.log))
    allowed = one.bar + other.bar + ROUNDING * size
    as_logs = one.log is None or other.log is None or max(one.bar, other.bar) < 1.0
    return (as_logs and bool(one.distance(other) <= allowed)) or _both_unknown(one, other)


def _agree_in_another_order(found: Numbers, reference: Numbers) -> bool:
    """Whether sizes that are not known put numbers into another order, in which all agree.

    A rate of e^-15 with a bar of 700 times itself, e^-30 in the mirror, stands before all those between the two.
    """
    sizes = [list(numbers.values()) for numbers in (found, reference)]
    doubted = any(number.bar > LONG for numbers in sizes for number in numbers)
    return _sorted_alone(found) and doubted and _all_paired(*sizes)


def _sorted_alone(numbers: Numbers) -> bool:
    return all(name.split()[0] in SORTED and " " in name for name in numbers)


def _all_paired(found: Sequence[Number], reference: Sequence[Number]) -> bool:
    """Whether each number agrees with one of its own of the others."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    agreeing = csr_array([[_agree(one, other) for other in reference] for one in found])
    return bool((maximum_bipartite_matching(agreeing) >= 0).all())


def _both_unknown(one: Number, other: Number) -> bool:
    """Whether bars are as long as the numbers: they are those of the numbers then, not of logarithms."""
    if one.log is None or other.log is None or max(one.bar, other.bar) < LONG:
        return False
    low, high = sorted((one, other), key=lambda number: float(number.log or 0.0))
    up = float(low.log or 0.0) + float(np.log1p(low.bar))
    return up >= float(high.log or 0.0) + (float(np.log1p(-high.bar)) if high.bar < 1.0 else -np.inf)


def _shown(number: Number) -> str:
    return f"exp({number.log!r})" if number.log is not None else repr(number.value)
