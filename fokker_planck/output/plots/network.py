"""The wells as a network: an arrow for every rate that counts, by width and colour, with its number where few are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.output.plots.canvas import FIRST, INK, tidy
from fokker_planck.output.plots.labels import coordinate, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.solvers.results.steady import Rates

FEW = 4
"""Wells up to which every rate stands beside its arrow: twelve numbers find room, twenty do not."""
COUNTS = 0.02
"""Of the rate at which a well is left: an arrow of less is not drawn where there are more wells than that."""
MOST_ARROWS = 3
"""From one well, where there are many: its fastest ways out."""
COLOURS = "viridis_r"
"""Dark where fast, on white paper."""


def draw_rates(axes: Axes, answer: Rates) -> None:
    """The wells where they lie, and arrows between them, the wider the faster."""
    logs = {(k, m): q.log for k, row in enumerate(answer.rates) for m, q in enumerate(row) if q is not None and q.log}
    if not logs:
        raise ProblemError("picture", "no positive rate", "rates between wells")
    count = len(answer.minima)
    shown = logs if count <= FEW else _fastest(logs, count)
    places, pair = _flat(np.array(answer.minima, dtype=float))
    _window(axes, places)
    low, high = min(shown.values()), max(shown.values())
    colours = _scale(axes, low, high) if count > FEW else None
    for (k, m), log in shown.items():
        fraction = 1.0 - (high - log) / max(high - low, np.log(10.0))  # equal rates look equal
        colour = FIRST if colours is None else colours.to_rgba(log / np.log(10.0))
        _arrow(axes, places[k], places[m], {"color": colour, "linewidth": 0.6 + 2.0 * fraction}, count)
        if count <= FEW:
            middle, across = (places[k] + places[m]) / 2.0, (places[m] - places[k])[::-1] * (0.15, -0.15)
            paper = {"boxstyle": "round,pad=0.1", "color": "white"}
            style = {"ha": "center", "va": "center", "fontsize": "small", "bbox": paper}
            axes.annotate(f"{answer.rates[k][m]:.2e}", middle + across, **style)
    _wells(axes, places, answer.well_numbers)
    axes.set_xlabel(coordinate(pair[0]))
    if len(pair) > 1:
        axes.set_ylabel(coordinate(pair[1]))
    else:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    if count <= FEW:
        axes.set_title(measured("rates", "rate") if measured("", "rate") else "", fontsize=10)
    tidy(axes)


def _fastest(logs: dict[tuple[int, int], float], count: int) -> dict[tuple[int, int], float]:
    """From each well the fastest ways out, and those alone that count beside all of them."""
    kept = {}
    for well in range(count):
        out = sorted(((log, pair) for pair, log in logs.items() if pair[0] == well), reverse=True)
        whole = np.logaddexp.reduce([log for log, _ in out]) if out else 0.0
        kept.update({pair: log for log, pair in out[:MOST_ARROWS] if log - whole > np.log(COUNTS)})
    return kept


def _flat(places: Floats) -> tuple[Floats, tuple[int, ...]]:
    """Places in the plane, of three coordinates the two that differ most; which coordinates they are."""
    dimension = places.shape[1]
    if dimension == 1:
        return np.column_stack([places[:, 0], np.zeros(len(places))]), (0,)
    widest = np.sort(np.argsort(-np.ptp(places, axis=0), kind="stable")[:2])
    return places[:, widest], tuple(widest.tolist())


def _window(axes: Axes, places: Floats) -> None:
    """Room around the wells, and one unit for both axes: arrows bend to their right."""
    low, high = places.min(axis=0), places.max(axis=0)
    middle, reach = (high + low) / 2.0, float((high - low).max())
    half = np.maximum((high - low) / 2.0 + 0.25 * reach, 0.4 * reach)
    axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axes.set_ylim(middle[1] - half[1], middle[1] + half[1])
    axes.set_aspect("equal")


def _arrow(axes: Axes, start: Floats, stop: Floats, style: dict[str, Any], count: int) -> None:
    room = 12 if count <= FEW else 8
    bend = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=0.18", "shrinkA": room, "shrinkB": room}
    axes.annotate("", stop, start, arrowprops={**bend, **style})


def _scale(axes: Axes, low: float, high: float) -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    room = 0.05 * (high - low) + 1e-9
    limits = Normalize((low - room) / np.log(10.0), (high + room) / np.log(10.0))
    colours = ScalarMappable(limits, COLOURS)
    axes.figure.colorbar(colours, ax=axes, aspect=28, pad=0.02, label=measured(r"$\log_{10}$ rate", "rate"))
    return colours


def _wells(axes: Axes, places: Floats, numbers: Sequence[int]) -> None:
    few = len(places) <= FEW
    axes.plot(*places.T, "o", markersize=18 if few else 11, color="white", markeredgecolor=INK)
    for number, place in zip(numbers, places, strict=True):
        axes.annotate(str(number), place, ha="center", va="center", fontsize=11 if few else 7)
