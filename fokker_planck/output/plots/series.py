"""A number over the values of a key: with its error estimates, and as an Arrhenius plot beside its asymptotics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fokker_planck.output.plots.canvas import CYCLE, FIRST, INK, tidy
from fokker_planck.output.plots.labels import measured, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.quantity import Quantity

LOG_TEN = math.log(10.0)
"""Natural logarithms over this are powers of ten, which readers of axes know."""
KINDS = {
    **dict.fromkeys(("mean", "time", "quantiles", "exit-time"), "time"),
    **dict.fromkeys(("rate", "rates", "rate_constant", "rate_constant_back", "committor"), "rate"),
    **dict.fromkeys(("gap", "eigenvalues"), "rate"),
    **dict.fromkeys(("kT", "barriers", "level"), "energy"),
}
"""What numbers and keys of these names are measured in."""
SPREAD = 50.0
"""Largest over smallest value from which an axis of values is logarithmic."""


def kind_of(name: str) -> str:
    """What a key of the file or a number such as "exit-time.mean" measures; empty where it has no unit.

    >>> kind_of("exit-time.mean"), kind_of("rates.rates.0.1"), kind_of("committor.probability_reactive")
    ('time', 'rate', '')
    """
    parts = [part for part in name.split(".") if not part.isdigit() and part not in ("asymptotic", "real")]
    return KINDS.get(parts[-1], "") if parts else ""


def draw_series(
    axes: Axes,
    values: Sequence[float],
    quantities: Sequence[Quantity | None],
    names: tuple[str, str],
    beside: Sequence[Quantity | None] = (),
    arrhenius: bool = False,
    curve: tuple[int, str] = (0, ""),
) -> None:
    """log10 of a number, which need fit no double, over the values, or over one over them; ``beside``, dashed.

    ``curve`` is its number among others in the same axes, and what tells it from them.
    """
    x = np.asarray(values, dtype=float)
    places = 1.0 / x if arrhenius else x
    order = np.argsort(places)
    logs, bars = _logs(quantities), [0.0 if q is None else _bar(q) for q in quantities]
    number, name = curve
    colour = CYCLE[number % len(CYCLE)] if name else FIRST
    style = {"color": colour, "marker": "o", "markersize": 3.5, "linewidth": 1.2, "capsize": 2}
    axes.errorbar(places[order], logs[order], yerr=np.array(bars)[order], label=text(name) or "computed", **style)
    if any(q is not None for q in beside):
        dashed = {"color": colour if name else INK, "linestyle": "--", "linewidth": 1.0, "zorder": 4}
        axes.plot(places[order], _logs(beside)[order], label="" if name else "asymptotic", **dashed)
    if name or any(q is not None for q in beside):
        axes.legend(frameon=False, fontsize="small")
    if not arrhenius and x.min() > 0.0 and x.max() > SPREAD * x.min():
        axes.set_xscale("log")
    key, shown = (measured(text(each), kind_of(each)) for each in names)
    axes.set_xlabel(f"1 / ({key})" if arrhenius and "/" in key else f"1 / {key}" if arrhenius else key)
    axes.set_ylabel(rf"$\log_{{10}}$ ({shown})" if "/" in shown else rf"$\log_{{10}}$ {shown}")
    tidy(axes)


def _logs(quantities: Sequence[Quantity | None]) -> np.ndarray:
    return np.array([math.nan if q is None or q.log is None else q.log / LOG_TEN for q in quantities])


def _bar(quantity: Quantity) -> float:
    error = quantity.relative_error
    return math.log1p(error) / LOG_TEN if math.isfinite(error) else 0.0
