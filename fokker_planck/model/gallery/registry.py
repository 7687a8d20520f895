"""Named problems, each with what is known about it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import numpy as np

from fokker_planck.errors import ProblemError, UnknownKeyError
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.model.gallery import exits as gallery_exits
from fokker_planck.model.gallery import surfaces as gallery_surfaces
from fokker_planck.model.gallery import wells as gallery_wells
from fokker_planck.model.gallery.entries import GalleryEntry as GalleryEntry
from fokker_planck.model.gallery.entries import Known as Known
from fokker_planck.model.gallery.entries import KnownPoint as KnownPoint

_ENTRIES: dict[str, Callable[..., GalleryEntry]] = {
    "flat-and-sharp": gallery_wells.flat_and_sharp,
    "flat-ball": gallery_exits.flat_ball,
    "flat-box": gallery_exits.flat_box,
    "flat-top": gallery_wells.flat_top,
    "himmelblau": gallery_surfaces.himmelblau,
    "maier-stein": gallery_surfaces.maier_stein,
    "many-wells": gallery_wells.many_wells,
    "mexican-hat": gallery_exits.mexican_hat,
    "mueller-brown": gallery_surfaces.mueller_brown,
    "ornstein-uhlenbeck": gallery_exits.ornstein_uhlenbeck,
    "pitchfork": gallery_surfaces.pitchfork,
    "prinz": gallery_wells.prinz,
    "quartic-double-well": gallery_wells.quartic_double_well,
    "ring": gallery_exits.ring,
    "source": gallery_exits.source,
    "styblinski-tang": gallery_surfaces.styblinski_tang,
    "three-hole": gallery_surfaces.three_hole,
    "tilted-double-well": gallery_wells.tilted_double_well,
    "triple-well": gallery_wells.triple_well,
}


def names() -> tuple[str, ...]:
    """The names of all problems of the gallery.

    >>> "mueller-brown" in names()
    True
    """
    return tuple(_ENTRIES)


def named(name: str, /, **parameters: float) -> GalleryEntry:
    """The problem of that name, with some of its parameters changed.

    Parameters
    ----------
    name
        one of ``names()``
    parameters
        numbers; those not given have the values in ``parameters_of(name)``

    Returns
    -------
    GalleryEntry
        The potential, or the drift, with what is known about it.

    Raises
    ------
    ProblemError
        With the key ``potential.name``, ``potential.parameters`` or ``potential.parameters.NAME``.

    Examples
    --------
    >>> entry = named("quartic-double-well", dimension=2, k=3.0)
    >>> entry.potential.dimension, entry.critical_points[1].value
    (2, 0.25)
    """
    defaults = parameters_of(name)
    for given, value in parameters.items():
        key = f"potential.parameters.{given}"
        if given not in defaults:
            wanted = f"one of {', '.join(defaults)}" if defaults else "no parameters"
            raise UnknownKeyError(key, f"a parameter that {name} does not have", wanted + did_you_mean(given, defaults))
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise ProblemError(key, value, "a number")
        if not math.isfinite(value):
            raise ProblemError(key, value, "a finite number")
    return _ENTRIES[name](**{given: float(value) for given, value in parameters.items()})


def parameters_of(name: str) -> dict[str, float]:
    """The parameters of a named problem, with their default values.

    >>> parameters_of("tilted-double-well")
    {'tilt': 0.1, 'dimension': 1, 'k': 1.0}
    """
    if not isinstance(name, str) or name not in _ENTRIES:
        near = did_you_mean(name, _ENTRIES) if isinstance(name, str) else ""
        raise ProblemError("potential.name", name, f"one of {', '.join(_ENTRIES)}{near}")
    return {p.name: p.default for p in inspect.signature(_ENTRIES[name]).parameters.values()}
