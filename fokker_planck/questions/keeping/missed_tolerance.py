"""What is said where an answer has error bars beyond the tolerance that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BESIDE = ("asymptotic", "limits")
"""Keys of formulas beside the numbers: they have errors of their own, which no mesh makes less."""
SUFFIX = "_relative_error"


def missed(content: Mapping[str, Any], tolerance: float) -> str | None:
    """Which relative errors of the JSON of an answer exceed ``tolerance``, in one line; None where none does.

    >>> rate = {"value": 2.0, "log": 0.7, "relative_error": 3e-5}
    >>> missed({"rates": [[None, rate], [rate, None]], "asymptotic": [[None, rate], [rate, None]]}, 1e-6)
    'of 2 numbers 2 have error bars beyond the tolerance of 1e-06, up to 3e-05 (rates.0.1)'
    >>> missed({"mean": rate}, 1e-4)
    """
    from fokker_planck.output.frames import flat

    row = flat({key: value for key, value in content.items() if key not in BESIDE})
    bars = {name.removesuffix(SUFFIX): bar for name, bar in row.items() if name.endswith(SUFFIX)}
    beyond = {name: bar for name, bar in bars.items() if bar is not None and not bar <= tolerance}
    if not beyond:
        return None
    worst = max(beyond, key=lambda name: beyond[name])
    has = "has an error bar" if len(beyond) == 1 else "have error bars"
    return (
        f"of {len(bars)} numbers {len(beyond)} {has} beyond the tolerance of {tolerance:.2g}, "
        f"up to {beyond[worst]:.2g} ({worst})"
    )
