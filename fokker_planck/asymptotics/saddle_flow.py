"""Which saddle carries the flow between two wells, as the Eyring-Kramers rates have it.

With c_z the capacity of a saddle z between the wells a and b, and h_k the probability that of the wells of the chain
k is the first one met (found from the rates of all wells, those too shallow for the chain included), the flow straight
from k to m that passes over z is

    c_z (h_k(a) h_m(b) - h_k(b) h_m(a)),

and all of it is w_k k_km.  Parallel saddles share it; saddles in series, with a shallow well between them, carry all
of it each.  Source: Metzner, Schuette and Vanden-Eijnden, Multiscale Model. Simul. 7 (2009) 1192.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.asymptotics.eyring_kramers import Tensor, log_capacity, log_local_integral, rates
from fokker_planck.asymptotics.markov_chain import log_watched_chain
from fokker_planck.landscape.types import Landscape
from fokker_planck.quantity.light_dataclasses import dataclass

LEAST_SHARE = 1e-4
"""Of the flow between two wells, below which a saddle is not listed: four digits of a percentage show nothing of it."""


@dataclass(frozen=True)
class SaddleFlow:
    """The ``share`` of the flow between two wells of the chain, numbered in it, that passes over one saddle."""

    between: tuple[int, int]
    saddle: tuple[float, ...]
    share: float


def saddle_flows(landscape: Landscape, tensor: Tensor, kept: Sequence[int]) -> tuple[SaddleFlow, ...]:
    """The saddles between every two wells that something flows between directly, the largest share first.

    Parameters
    ----------
    landscape
        of the dimensionless exponent Phi.
    tensor
        D at points (dim, n), of shape (dim, dim, n).
    kept
        indices of the minima that are the chain.

    Returns
    -------
    tuple[SaddleFlow, ...]
        Nothing for a pair whose rate is not known because of a degenerate point.

    Examples
    --------
    >>> from fokker_planck.landscape.frame import Frame
    >>> from fokker_planck.landscape.types import CriticalPoint, Saddle
    >>> well = dict(hessian=((40.0,),), hessian_eigenvalues=(40.0,), kind="minimum")
    >>> minima = (CriticalPoint((-1.0,), 0.0, **well), CriticalPoint((1.0,), 0.0, **well))
    >>> top = dict(hessian=((-20.0,),), hessian_eigenvalues=(-20.0,), kind="saddle", joins=(0, 1))
    >>> saddles = (Saddle((0.0,), 5.0, **top), Saddle((2.0,), 5.0 + np.log(3.0), **top))        # on a ring
    >>> ring = Landscape(minima, saddles, Frame((-2.0,), (2.0,), (4.0,)))
    >>> [(way.saddle, round(way.share, 12)) for way in saddle_flows(ring, lambda x: np.full((1, 1, 1), 0.05), [0, 1])]
    [((0.0,), 0.75), ((2.0,), 0.25)]
    """
    between, first = log_watched_chain(rates(landscape, tensor), kept)
    found = []
    for k in range(len(kept)):
        weight = log_local_integral(landscape.minima[kept[k]])
        for m in range(k + 1, len(kept)):
            whole = weight + between[k, m]
            if not np.isfinite(whole):
                continue
            ways = []
            for saddle in landscape.saddles:
                a, b = saddle.joins
                net = _log_difference(first[a, k] + first[b, m], first[b, k] + first[a, m])
                if saddle.degenerate or a == b or not np.isfinite(net):
                    continue
                share = float(np.exp(log_capacity(saddle, tensor) + net - whole))
                if share >= LEAST_SHARE:
                    ways.append(SaddleFlow((k, m), saddle.position, min(share, 1.0)))
            found += sorted(ways, key=lambda way: -way.share)
    return tuple(found)


def _log_difference(first: float, second: float) -> float:
    """log |exp(first) - exp(second)|."""
    low, high = sorted((first, second))
    if not low < high:
        return -np.inf
    return float(high + np.log1p(-np.exp(low - high)))
