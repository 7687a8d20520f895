"""What kind of process it is: reversible, irreversible with a known stationary density, or with an unknown one.

With the Ito drift b and the tensor D the generator is ``L u = b . grad u + D : grad grad u``. Where
``grad Psi = D^-1 (div D - b)`` is a gradient, ``L u = e^Psi div(e^-Psi D grad u)``: the process is in detailed balance,
its stationary density is e^-Psi. On a line that is always so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Function
from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.model.degeneracy.hoermander import lacking
from fokker_planck.model.diffusion.constant import Constant, ConstantField, DiffusionField, Isotropic
from fokker_planck.model.ends.line_ends import line_ends
from fokker_planck.model.jumps.function_jumps import check_functions
from fokker_planck.model.jumps.interfaces import Interfaces, OneSided, interfaces_of
from fokker_planck.model.process import Drifting, Overdamped, Process, alpha_of
from fokker_planck.model.reversibility.across_surfaces import Across, across_surfaces, keeps_flow, on_one_side
from fokker_planck.model.reversibility.definiteness import (
    SEMIDEFINITE,
    check_free_energy,
    check_semidefinite,
    is_scalar,
    smallest_eigenvalue,
)
from fokker_planck.model.reversibility.ito_drift import ItoDrift
from fokker_planck.model.reversibility.line import LineExponent, is_driven, line_exponent
from fokker_planck.model.reversibility.path import PathExponent
from fokker_planck.model.reversibility.piecewise_exponent import PiecewiseExponent
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance, ScaledPotential, detailed_balance
from fokker_planck.model.reversibility.ring import RingCurrent, RingExponent, on_ring
from fokker_planck.model.reversibility.undefined_jumps import check_defined, potential_key, refuse_steps
from fokker_planck.model.smoluchowski import Smoluchowski
from fokker_planck.model.underdamped import EnergyFlow, Underdamped
from fokker_planck.quantity.light_dataclasses import dataclass, replace

EXACT, BY_DIFFERENCES = 1e-8, 1e-5
"""Relative size of a curl, or of div c - c . grad Psi, that counts as none: rounding of formulas, and the errors of
differences of callables."""
MOST_PROBES = 200
"""Points at which a curl is looked for: a smooth one vanishes at all of them only where it vanishes everywhere."""
# the centre of a path is moved off a surface by that part of the size of the domain
ASIDE = 1e-6

Reversible = DetailedBalance


class VectorField(Protocol):
    """A vector field with its derivatives."""

    def value(self, x: Floats) -> Floats:
        """Vectors at points (dim, n), of the same shape."""
        ...

    def jacobian(self, x: Floats) -> Floats:
        """d_j of component i, (dim, dim, n)."""
        ...


@dataclass(frozen=True)
class KnownDensity:
    """L u = e^Psi div(e^-Psi D grad u) + c . grad u with div(e^-Psi c) = 0: irreversible, density e^-Psi."""

    exponent: Function
    diffusion: Isotropic | Constant | DiffusionField
    circulation: VectorField


@dataclass(frozen=True)
class UnknownDensity:
    """L u = b . grad u + D : grad grad u, irreversible, and no formula for the stationary density.

    ``guess`` is an exponent that may serve as a first exponent, V over a mean noise level say, or None.
    """

    drift: VectorField
    diffusion: Isotropic | Constant | DiffusionField
    guess: Function | None = None


Kinetics = DetailedBalance | KnownDensity | UnknownDensity


def kinetics(
    process: Process,
    dimension: int,
    probe: npt.ArrayLike,
    periods: Sequence[float | None] | None = None,
    box: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Kinetics:
    """Find out which kind of process it is.

    Parameters
    ----------
    process
        drift and noise
    dimension
        number of coordinates
    probe
        points of the domain (dim, n) at which identities are checked
    periods, box
        of every axis, None where it is not periodic; corners around the domain, those of the probes if None

    Raises
    ------
    ProblemError
        With a key under ``diffusion`` where D is not positive semidefinite at a probe, or vanishes inside a line.

    Examples
    --------
    >>> from fokker_planck.model.potential import Potential
    >>> from fokker_planck.model.diffusion.quadratic import Quadratic
    >>> student = Overdamped(Potential("x**2/2"), Quadratic(0.1, 0.4))      # density (1 + 4 x**2)**(-1 - 1/0.8)
    >>> psi = kinetics(student, 1, np.linspace(-2.0, 2.0, 9)[None]).exponent
    >>> round(float(np.diff(psi.value(np.array([[0.0, 2.0]])))[0] / np.log(17.0)), 12)
    2.25
    """
    points = np.asarray(probe, dtype=np.float64)
    if points.ndim != 2 or points.shape[0] != dimension or points.shape[1] == 0:
        raise ValueError(f"probe points have shape ({dimension}, n), n > 0, not {points.shape}")
    if process.dimension > dimension:
        key = "potential" if isinstance(process, Overdamped) else "drift"
        raise ProblemError(key, f"{process.dimension} coordinates", f"at most {dimension}, the dimension of the domain")
    field = process.field(dimension)
    around = tuple(periods) if periods is not None else (None,) * dimension
    given = box if box is not None else (points.min(axis=1), points.max(axis=1))
    lower, upper = (tuple(float(c) for c in corner) for corner in given)
    interfaces = interfaces_of(process, dimension, lower, upper)
    found = _kinetics(process, field, points, around, (lower, upper), interfaces)
    if not interfaces or isinstance(found, UnknownDensity) or isinstance(found.exponent, LineExponent | RingExponent):
        return found
    return replace(found, exponent=OneSided(found.exponent, interfaces))


def _kinetics(
    process: Process,
    field: DiffusionField,
    points: Floats,
    around: Sequence[float | None],
    box: tuple[Sequence[float], Sequence[float]],
    interfaces: Interfaces,
) -> Kinetics:
    dimension, (lower, upper) = len(points), box
    singular = dimension == 1 and around[0] is None and line_ends(process, float(lower[0]), float(upper[0]))
    given = None if singular else _given(process, field, points, interfaces, box)
    if given is not None:
        return given
    across = Across()
    if dimension > 1:
        check_functions(process, dimension, points)
    if interfaces and dimension > 1:
        check_semidefinite(field, points)
        across = across_surfaces(process, field, interfaces, lower, upper, points)
    if field.constant and isinstance(process, Overdamped) and across.balanced and not singular:
        found = _of_constant_noise(process, field, dimension, points)
        if isinstance(found, KnownDensity) and not keeps_flow(process, field, interfaces, lower, upper):
            found = None
        if found is not None:
            return found
    check_semidefinite(field, points)
    if dimension == 1:
        return _on_a_line(process, field, around[0], (float(lower[0]), float(upper[0])))
    middle = 0.5 * (np.asarray(lower, dtype=float) + np.asarray(upper, dtype=float))
    corners = tuple(map(float, lower)), tuple(map(float, upper))
    along: Function | None
    if interfaces:
        along = _exponent_between(process, field, points, middle, interfaces, across, corners)
    else:
        place = tuple(float(c) for c in middle)
        along = PathExponent(process, place, corners) if _curl_free(process, field, points) else None
    if along is not None and _periodic(along, points, lower, around):
        return DetailedBalance(along, _named(process, field))
    check_defined(process, field, across)
    return UnknownDensity(ItoDrift(process, dimension), _named(process, field), _guess(process, field, points))


def _given(
    process: Process,
    field: DiffusionField,
    points: Floats,
    interfaces: Interfaces,
    box: tuple[Sequence[float], Sequence[float]],
) -> Kinetics | None:
    """Processes that are written by their density: of an energy in phase space, or of a free energy."""
    if isinstance(process, Underdamped):
        check_functions(process, 2, points)
        refuse_steps(process, interfaces, *box, points)
        return KnownDensity(ScaledPotential(process.potential, process.diffusion.epsilon), field, EnergyFlow(process))
    if isinstance(process, Smoluchowski):
        check_free_energy(process, field, points)
        return DetailedBalance(ScaledPotential(process.potential, process.kT), _named(process, field))
    return None


def _on_a_line(process: Process, field: DiffusionField, period: float | None, ends: tuple[float, float]) -> Kinetics:
    """On a line there is detailed balance; the density on a ring under a net force is known by an integral."""
    line = line_exponent(process, *ends, period)
    if not is_driven(line):
        return DetailedBalance(line, line.diffusion if line.ends else _named(process, field))
    ring = on_ring(line)
    return KnownDensity(ring, _named(process, field), RingCurrent(ring))


def _exponent_between(
    process: Process,
    field: DiffusionField,
    points: Floats,
    middle: Floats,
    interfaces: Interfaces,
    across: Across,
    box: tuple[tuple[float, ...], tuple[float, ...]],
) -> Function | None:
    """Psi of a process whose coefficients jump or have kinks on surfaces; None without detailed balance."""
    if across.both_jump:
        found = "a V and a D that jump on one surface: the density there depends on which is the smoother"
        raise ProblemError(potential_key(process), found, "a V that is continuous where D jumps")
    if not across.balanced:
        return None
    centre = points[:, np.argmin(((points - middle[:, None]) ** 2).sum(axis=0))] + ASIDE * interfaces.scale
    place = tuple(float(c) for c in centre)
    if is_scalar(field, points):
        scalar = PiecewiseExponent(process, place, interfaces, box=box)
        return scalar if _symmetric(scalar.jacobian(points), EXACT) else None
    if across.potential_jumps or (across.noise_jumps and alpha_of(process) < 1.0):
        return None
    inner = points[:, on_one_side(interfaces, points)]
    if inner.shape[1] == 0 or not _curl_free(process, field, inner):
        return None
    return PiecewiseExponent(process, place, interfaces, scalar=False, box=box)


def _symmetric(jacobian: Floats, tolerance: float) -> bool:
    """Whether a Jacobian (dim, dim, n) is that of a gradient."""
    jacobian = jacobian[:, :, np.isfinite(jacobian).all(axis=(0, 1))]
    if jacobian.shape[2] == 0:
        return False
    curl = np.abs(jacobian - jacobian.swapaxes(0, 1)).max(axis=(0, 1))
    return bool((curl <= tolerance * np.abs(jacobian).max()).all())


def _of_constant_noise(process: Overdamped, field: DiffusionField, dimension: int, points: Floats) -> Kinetics | None:
    """The known cases of constant noise; None where the drift beside -grad V must be looked at."""
    diffusion = process.diffusion
    if not isinstance(diffusion, (Isotropic, Constant)):
        check_semidefinite(field, points)
        matrix = field.tensor(points[:, :1])[:, :, 0]
        if smallest_eigenvalue(matrix[:, :, None])[0] <= 0.0:
            return None
        diffusion = Constant(matrix)
    if isinstance(diffusion, Constant) and not _definite(diffusion.matrix_in(dimension)):
        return None
    try:
        balance = detailed_balance(Overdamped(process.potential, diffusion), dimension, points)
    except ProblemError as error:
        if error.key == "diffusion.matrix" and "irreversible" in str(error.found):
            return None
        raise
    if process.extra is None:
        return balance
    if dimension > 1 and _keeps(process, balance, points):
        return KnownDensity(balance.exponent, balance.diffusion, process.extra)
    return None


def _definite(matrix: Floats) -> bool:
    """Whether noise is in all directions."""
    return lacking(ConstantField(tuple(map(tuple, matrix.tolist()))), np.zeros((len(matrix), 1))) == 0


def _keeps(process: Overdamped, balance: DetailedBalance, points: Floats) -> bool:
    """Whether the extra drift c leaves the density alone: div c = c . grad Psi."""
    if process.extra is None:
        return False
    jacobian, vector = process.extra.jacobian(points), process.extra.value(points)
    slope = balance.exponent.gradient(points)
    source = np.einsum("iin->n", jacobian) - np.einsum("in,in->n", vector, slope)
    size = np.abs(jacobian).sum(axis=(0, 1)) + np.linalg.norm(vector, axis=0) * np.linalg.norm(slope, axis=0)
    good = np.isfinite(source) & np.isfinite(size)
    tolerance = EXACT if process.extra.exact and process.potential.exact else BY_DIFFERENCES
    return bool(good.any() and (np.abs(source[good]) <= tolerance * size[good].max()).all())


def _curl_free(process: Process, field: DiffusionField, points: Floats) -> bool:
    """Whether D^-1 (div D - b) is a gradient, judged by its derivatives at some of the probes."""
    inner = points[:, :: max(1, points.shape[1] // MOST_PROBES)]
    smallest = smallest_eigenvalue(field.tensor(inner))
    inner = inner[:, smallest > SEMIDEFINITE * np.abs(field.tensor(inner)).max()]
    if inner.shape[1] == 0:
        return False
    path = PathExponent(process, (0.0,) * len(points))
    return _symmetric(differences.gradient(path.gradient, inner), BY_DIFFERENCES * 1e-2)


def _periodic(
    exponent: Function, points: Floats, lower: Sequence[float] | Floats, periods: Sequence[float | None]
) -> bool:
    """Whether Psi returns to its value around every periodic axis."""
    for axis, period in enumerate(periods):
        if period is not None:
            left = points[:, :MOST_PROBES].copy()
            left[axis] = lower[axis]
            right = left.copy()
            right[axis] += period
            there, back = exponent.value(right), exponent.value(left)
            if np.abs(there - back).max() > 1e-8 * (1.0 + float(np.ptp(there))):
                return False
    return True


def _named(process: Process, field: DiffusionField) -> Isotropic | Constant | DiffusionField:
    return process.diffusion if isinstance(process.diffusion, (Isotropic, Constant)) else field


def _guess(process: Process, field: DiffusionField, points: Floats) -> Function | None:
    if isinstance(process, Drifting):
        return None
    level = float(np.mean(np.diag(field.tensor(points[:, :1])[:, :, 0])))
    if not field.constant or lacking(field, points):
        return None
    return ScaledPotential(process.potential, level) if level > 0.0 else None
