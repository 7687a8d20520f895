"""Narrow parts of noise and drift in several dimensions, where the density is an integral or unknown: refused.

Where V is a formula and D constant the exponent is bounded, and meshes follow what is narrow.  Otherwise integrals
along lines, splines and first meshes sample the coefficients.  Bounds of their formulas then say whether the samples
can have seen them: in boxes wider than ``NARROW`` of the domain every coefficient is a quadratic up to

    |V - q|/D,    5 |log D - q|,    |b - q| L/D  <=  ``UNSEEN``,    L = ``PART`` of the domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from fokker_planck.errors import ConvergenceError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.bounds.narrow_features import seen_boxes
from fokker_planck.formulas.expression import Expression
from fokker_planck.model.diffusion.hessian import HessianField
from fokker_planck.model.diffusion.state_dependent import FormulaField
from fokker_planck.model.process import Overdamped, Process

# Part of the domain below which samples (151 an axis in the plane, 41 in space) and the nodes of meshes see nothing for
# certain. A smooth quartic at a barrier of 500 units of epsilon asks for boxes of a hundredth.
NARROW = 1e-3
PART = 0.01
"""Of the domain, over which a drift is to change the exponent by less than ``UNSEEN``: a few cells of a first mesh."""
# Units of the exponent; of log D a fifth of that: a time is an integral of 1/D, of which a thousandth of the domain
# holds 1e-4 more where D is off by a tenth.
# A cone |x|/D is let through up to a slope of 100 units over the domain.
UNSEEN, OF_NOISE = 0.5, 5.0


def refuse_narrow(process: Process, lower: Sequence[float], upper: Sequence[float], sample: Floats) -> None:
    """Raise ConvergenceError that names the place where a formula changes within less than the samples see.

    Parameters
    ----------
    process
        in two or three dimensions
    lower, upper
        corners of a box around the domain
    sample
        points of the domain, (dim, n), for the size of D
    """
    extent = float(np.max(np.subtract(upper, lower)))
    tensor = process.field(len(sample)).tensor(sample)
    levels = np.einsum("iin->n", tensor) / len(sample)
    levels = levels[np.isfinite(levels) & (levels > 0.0)]
    if not len(levels):
        return
    noise = float(np.median(levels))
    for formula, unit in _formulas(process, len(sample), extent, noise):
        if not formula.sympy.free_symbols:
            continue
        boxes = seen_boxes(formula, unit, lower, upper, sampled=NARROW * extent, most=UNSEEN)
        narrow = boxes.edges.max(axis=0) < NARROW * extent
        if narrow.any():
            place = ", ".join(f"{c:.6g}" for c in boxes.centres[:, int(np.argmax(narrow))])
            raise ConvergenceError(
                f"'{formula.text}' changes near ({place}) within less than {NARROW:g} of the domain, and drift or "
                "noise that varies so fast is not followed in several dimensions",
                "coefficients without parts that narrow, or V alone with constant noise, where they are followed",
            )


def _formulas(process: Process, dimension: int, extent: float, noise: float) -> Iterator[tuple[Expression, float]]:
    """Every formula, and what it is multiplied with to be a number of the exponent."""
    from sympy import log

    field = process.field(dimension)
    drift = process.extra if isinstance(process, Overdamped) else process.whole
    if process.potential is not None:
        yield from ((formula, 1.0 / noise) for formula in process.potential.formulas)
    if drift is not None:
        yield from ((formula, PART * extent / noise) for formula in drift.formulas)
    if isinstance(field, HessianField):
        for formula in field.potential.formulas:
            for i in range(formula.dimension):
                yield from ((formula.derivative(i).derivative(j), field.scale / noise) for j in range(i + 1))
    for i, row in enumerate(field.entries if isinstance(field, FormulaField) else ()):
        for j, formula in enumerate(row):
            if i != j:
                yield formula, OF_NOISE / noise
            elif formula.sympy.free_symbols:
                yield replace(formula, tree=log(formula.sympy), _derivatives={}, _tapes={}), OF_NOISE
