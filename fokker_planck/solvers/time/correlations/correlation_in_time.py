"""Correlations in time on one mesh: early ones by powers of resolvents, late ones by modes.

    C(t) = sum_j exp(-lambda_j t) int p f u_j int e^-psi z_j g / int e^-psi z_j u_j

from the time on at which what is no known mode has died out; before, by :mod:`~.rational_krylov`.
"""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.algebra.long_range import times_exp
from fokker_planck.fem.indicator import Mode
from fokker_planck.formulas.arrays import Floats, Numbers
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.time.correlations.correlation_numbers import Number
from fokker_planck.solvers.time.evolving.functions_on_mesh import Centred
from fokker_planck.solvers.time.evolving.relaxation import Decaying, Relaxation
from fokker_planck.solvers.time.stepping.rational_krylov import KrylovSpace, krylov_space, norm
from fokker_planck.solvers.time.stepping.semigroup import resolvent

QUARTER = 4.0
"""The times that one resolvent serves: up to a latest, down to a quarter of it."""
POLE = 10.0
"""The latest of them over r: between 5 and 20 spaces of the same size serve."""
OF_DUAL = 1e-4
"""Accuracy of the dual space, on which nothing but the estimate of the error rests."""
NEGLIGIBLE = 1e-3
"""Of the tolerance, what is allowed to spaces: it is in the bar."""
ROUNDING = 1e-14
"""Of sigma_f sigma_g: what rounding leaves of sums over all of the mesh, and of the shares of modes."""
KNOWN = 1e3
"""Times what rounding leaves, beyond which a late value has digits of its own."""


@dataclass(frozen=True)
class Spread:
    """f - <f> and g - <g> on one mesh, their ``product`` (N,), M times p Z (f - <f>), ``left``, and C(0).

    ``beyond`` is what of the product of both deviations, ``scale``, can lie beyond the energy cutoff, where a function
    may grow as the density falls.
    """

    first: Centred
    second: Centred
    product: Floats
    left: Floats
    covariance: float
    beyond: float

    @property
    def scale(self) -> float:
        """Of a covariance."""
        return self.first.deviation * self.second.deviation


@dataclass
class Early:
    """C(t) by powers of resolvents, for times up to ``latest``, spaces being built as times ask for them."""

    state: Relaxation
    spread: Spread
    latest: float
    single: bool
    tolerance: float
    spaces: dict[int, tuple[KrylovSpace, list[Mode]]] = field(default_factory=dict)

    def number(self, t: float) -> Number:
        """C(t), in absolute terms."""
        space, modes = self._space(t)
        generator = self.state.generator
        along = space.basis @ self.spread.left
        value = float(space.coefficients(t) @ along) / self.state.whole
        doubt = space.change * norm(generator, self.spread.first.weighted) / self.state.whole / self.spread.scale
        return Number(modes, value, scale=self.spread.scale, doubt=ROUNDING + doubt)

    def _space(self, t: float) -> tuple[KrylovSpace, list[Mode]]:
        """The space that serves a time, with what the error of values there rests on."""
        number = int(np.floor(np.log(self.latest / t) / np.log(QUARTER) + 1e-9))
        if number not in self.spaces:
            latest = self.latest * QUARTER**-number
            inverse = resolvent(self.state.generator, np.ones(len(self.spread.left), dtype=bool), latest / POLE)
            span = (latest / QUARTER, latest)
            space = krylov_space(inverse, self.spread.second.scaled, span, enough=NEGLIGIBLE * self.tolerance)
            half = 0.5 * t
            primal = space.at(half)
            if self.state.generator.symmetric and self.single:
                dual = primal
            else:
                dual = krylov_space(inverse, self.spread.first.weighted, span, adjoint=True, enough=OF_DUAL).at(half)
            log_whole = float(np.log(self.spread.scale * self.state.whole / t))
            modes = [Mode(in_cells(self.state, primal), in_cells(self.state, dual), log_whole=log_whole)]
            self.spaces[number] = space, modes
        return self.spaces[number]


def by_modes(state: Relaxation, spread: Spread, modes: list[Eigenmode], late: list[Decaying], t: float) -> Number:
    """C(t) = sum_j exp(-lambda_j t) times the share of each mode: relative to itself, where it is not rounding."""
    image = state.generator.apply_mass(spread.second.scaled)
    slowest = float(np.exp(late[0].log.real + np.log(t)))
    total = 0.0
    for mode in late:
        share = mode.share(spread.left, image) / state.whole
        if abs(share) > ROUNDING * spread.scale:
            exponent = np.exp(mode.log.real + np.log(t)) * (1.0 + 1j * mode.log.imag)
            total += float((share * np.exp(slowest - exponent)).real)
    rounding = ROUNDING * spread.scale
    functions = [*modes[0].modes]
    no_less = max(mode.no_less for mode in modes) * slowest
    if abs(total) > KNOWN * rounding:
        log = complex(np.log(abs(total)) - slowest, np.pi if total < 0.0 else 0.0)
        return Number(functions, log=log, doubt=rounding / abs(total) + no_less)
    faded = float(np.exp(-min(slowest, 700.0)))
    return Number(functions, total * faded, scale=spread.scale, doubt=ROUNDING * faded + no_less)


def in_cells(state: Relaxation, vector: Numbers) -> Numbers:
    """Values of a scaled function in every cell, (cells, n)."""
    generator = state.generator
    up, dofs = 0.5 * (generator.exponent - generator.lowest), generator.discretization.dofs
    if np.iscomplexobj(vector):
        return np.asarray(times_exp(vector.real, up) + 1j * times_exp(vector.imag, up))[dofs]
    return times_exp(vector, up)[dofs]
