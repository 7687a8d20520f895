"""Drift and diffusion over many periods: the cell problem of a periodic process.

    v_i = int b_i p dx,     -L chi_i = b_i - v_i,     chi_i periodic, <chi_i> = 0,
    D_ij = int p (e_i + grad chi_i) . D (e_j + grad chi_j) dx,

for the axes i that are periodic, unrolled: far apart in time the displacement has mean v t and covariance 2 D t.  With
y_i = x_i + chi_i that is L y_i = v_i, and int p b_i = -a(x_i, rho) / Z, cell by cell.

Source: Bensoussan, Lions and Papanicolaou, Asymptotic Analysis for Periodic Structures (1978), chapter 3; Reimann, Van
den Broeck, Linke, Hanggi, Rubi and Perez-Madrid, Phys. Rev. Lett. 87 (2001) 010602.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from fokker_planck.errors import BarrierTooHighError, ConvergenceError, ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.generator import Generator, assemble
from fokker_planck.fem.indicator import Mode
from fokker_planck.fem.reference_exponent import at_quadrature_points, weighting_of
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.calculus.antiderivative import ORDER
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Drifting, Overdamped
from fokker_planck.model.reversibility.line import line_exponent
from fokker_planck.model.reversibility.ring_transport import ring_transport
from fokker_planck.solvers.adaptivity.accuracy import answered
from fokker_planck.solvers.adaptivity.answer_types import Answer
from fokker_planck.solvers.condensation.wells import condense, well_nodes
from fokker_planck.solvers.eigenvalues.eigenmodes import Eigenmode
from fokker_planck.solvers.eigenvalues.slow_modes import slow_modes
from fokker_planck.solvers.results.in_time import Estimate, Transport
from fokker_planck.solvers.results.steady import Statistics
from fokker_planck.solvers.setting.energy_levels import heights_between_wells
from fokker_planck.solvers.setting.error_budget import budget_of
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting
from fokker_planck.solvers.setting.setting import WHOLE, Setting, prepare
from fokker_planck.solvers.time.correlations.correlation_in_time import in_cells
from fokker_planck.solvers.time.evolving.relaxation import Relaxation, decaying

ROUNDING = 4e-16
"""Of the sum of absolute values, what rounding leaves of a sum over cells, times ``MANY``."""
MANY = 30.0
"""Sums over quadrature points, elements and cells: of tilted washboards up to ten were seen."""
CLEAR = 1e3
"""Times what rounding leaves, beyond which a velocity has digits of its own."""

LEAST, SPOILED = 1e-18, 0.01
"""Of D, and of the largest entry of the tensor: e_i + grad chi_i is rounding of one in wells, its square 1e-30, the
rest is for slopes on small cells, and for several wells at barrier 53 nothing was left; that is a barrier of 41 units
of epsilon.  And what of the part of a slow mode in chi may be rounding."""
SMALLEST_LOG = -708.0
"""Of what a double holds with all its digits."""
REMEDY = "a lower barrier or more noise; `rates` and `exit-time` go on beyond"


@dataclass
class Question:
    """Velocity and diffusion along the periodic ``axes``, asked on one mesh after another.

    ``scales`` are those of the first mesh beside which numbers are known, None for those known relative to themselves.
    """

    setting: Setting
    axes: tuple[int, ...]
    scales: list[float | None] = field(default_factory=list)

    def answer(self, discretization: Discretization) -> Answer:
        """All numbers on one mesh: velocities, then the upper half of the tensor row by row."""
        setting = self.setting
        generator = assemble(discretization, setting.weighting)
        condensed = condense(generator, well_nodes(discretization, setting.places), [], setting.relaxation_rate)
        slow = slow_modes(condensed, len(condensed.wells), budget_of(setting.problem))
        ratio = np.ones(discretization.count) if generator.symmetric else condensed.density_ratio()
        state = Relaxation(condensed, ratio, [decaying(generator, mode) for mode in slow]).sharpened()
        velocities, roundings, correctors, lost = self._correctors(state)
        tensor = self._tensor(state, correctors)
        noise = float(np.mean(setting.diffusion.tensor(setting.problem.sample())[self.axes[0], self.axes[0]]))
        if max(lost) > SPOILED or not tensor.diagonal().min() > LEAST * max(noise, float(tensor.max())):
            raise BarrierTooHighError("a diffusion over periods is so small that it is lost in rounding", REMEDY)
        values = [*velocities, *(tensor[i, j] for i, j in self._pairs)]
        doubts = [*roundings, *(lost[i] * tensor[i, i] + lost[j] * tensor[j, j] for i, j in self._pairs)]
        if not self.scales:
            self.scales = self._first_scales(values, doubts, tensor)
        logs = [_log(value, scale) for value, scale in zip(values, self.scales, strict=True)]
        modes = self._modes(state, correctors, velocities, tensor, slow)
        return Answer(np.array(logs), np.array(doubts), generator, modes)

    @property
    def _pairs(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(len(self.axes)) for j in range(i, len(self.axes))]

    def _correctors(self, state: Relaxation) -> tuple[list[float], list[float], list[Floats], list[float]]:
        """v, what rounding leaves of it, scaled chi, and what is lost of chi where a mode is slow; for every axis."""
        generator, discretization = state.generator, state.generator.discretization
        velocities: list[float] = []
        roundings: list[float] = []
        correctors: list[Floats] = []
        lost: list[float] = []
        for axis in self.axes:
            places = discretization.cell_nodes[:, :, axis]
            straight = places - places[:, :1]
            load, size = _loads(generator, straight, np.abs(straight))
            first = 0.0 if generator.symmetric else float(state.rho @ load) / state.whole
            chi, missed = state.balanced(load - first * state.condensed.load, MANY * ROUNDING * size)
            correctors.append(chi)
            lost.append(missed)
            # a(chi, rho) = 0, and x + chi hardly varies where most of the density is; no current with detailed balance
            bent = np.asarray(in_cells(state, chi))
            largest = np.abs(bent).max(axis=1, keepdims=True)
            bent = straight + (bent - bent[:, :1])
            load, size = _loads(generator, bent, np.abs(bent) + largest * ROUNDING)
            known = not generator.symmetric
            velocities.append(float(state.rho @ load) / state.whole if known else 0.0)
            roundings.append(MANY * ROUNDING * float(np.abs(state.rho) @ size) / state.whole if known else 0.0)
        return velocities, roundings, correctors, lost

    def _tensor(self, state: Relaxation, correctors: list[Floats]) -> Floats:
        """int p (e_i + grad chi_i) . D (e_j + grad chi_j), (n, n): on the diagonal a sum of what is not negative."""
        discretization = state.generator.discretization
        weighted = weighting_of(self.setting.weighting).on(discretization)
        rho, _ = at_quadrature_points(discretization, state.ratio[discretization.dofs])
        amount = rho * np.exp(state.generator.lowest - weighted.exponent) * discretization.map.volume / state.whole
        slopes = []
        for axis, chi in zip(self.axes, correctors, strict=True):
            slope = at_quadrature_points(discretization, np.asarray(in_cells(state, chi)))[1]
            slope[axis] += 1.0
            slopes.append(slope)
        each = [[np.einsum("icq,ijcq,jcq,cq->", u, weighted.tensor, v, amount) for v in slopes] for u in slopes]
        return np.asarray(discretization.comm.allreduce(np.array(each)))

    def _first_scales(self, values: list[float], doubts: list[float], tensor: Floats) -> list[float | None]:
        count, tolerance = len(self.axes), self.setting.problem.resolution.tolerance
        periods = [float(self.setting.problem.periods[axis] or 1.0) for axis in self.axes]
        scales: list[float | None] = [
            None
            if abs(values[i]) > CLEAR * doubts[i]
            else max(tensor[i, i] / periods[i] + abs(values[i]), doubts[i] / tolerance)
            for i in range(count)
        ]
        return scales + [None if i == j else float(np.sqrt(tensor[i, i] * tensor[j, j])) for i, j in self._pairs]

    def _modes(
        self,
        state: Relaxation,
        correctors: list[Floats],
        velocities: list[float],
        tensor: Floats,
        slow: list[Eigenmode],
    ) -> list[list[Mode]]:
        """chi with rho for a velocity, chi with itself for the tensor."""
        dofs, periods = state.generator.discretization.dofs, self.setting.problem.periods
        cells = [np.asarray(in_cells(state, chi)) for chi in correctors]
        found = []
        for i, axis in enumerate(self.axes):
            size = max(abs(velocities[i]), float(tensor[i, i]) / float(periods[axis] or 1.0))
            whole = float(np.log(size * state.whole))
            found.append(
                [Mode(cells[i], state.ratio[dofs] if not state.generator.symmetric else cells[i], None, whole)]
            )
        for i, j in self._pairs:
            whole = float(np.log(np.sqrt(tensor[i, i] * tensor[j, j]) * state.whole))
            found.append([*slow[0].modes] if slow else [Mode(cells[i], cells[j], None, whole)])
        return found


def _loads(generator: Generator, local: Floats, size: Floats) -> tuple[Floats, Floats]:
    """-a(x, v) for a function by cell, (cells, n), a scaled load (N,), and the sum of absolute values."""
    discretization = generator.discretization
    dofs, comm = discretization.dofs, discretization.comm
    flows = -(generator.stiffness @ (local * generator.constant[dofs])[..., None])[..., 0]
    sizes = (np.abs(generator.stiffness) @ (size * generator.constant[dofs])[..., None])[..., 0]
    summed = [np.bincount(dofs.ravel(), each.ravel(), discretization.count) for each in (flows, sizes)]
    load, most = (comm.allreduce(each) for each in summed)
    return np.asarray(load), np.asarray(most)


def effective_transport(problem: Problem) -> Transport:
    """Velocity and diffusion along the periodic axes, to the problem's tolerance."""
    axes = tuple(axis for axis, period in enumerate(problem.periods) if period is not None)
    if not axes:
        raise ProblemError("domain.boundary", "no periodic axis", "one along which the process goes on: periodic")
    try:
        return _by_cells(problem, axes)
    except (BarrierTooHighError, ConvergenceError):
        found = _by_quadrature(problem)
        if found is None:
            raise
        return found


def _by_quadrature(problem: Problem) -> Transport | None:
    """On a ring, whatever the barriers, as far as doubles hold the numbers; None elsewhere."""
    process, period = problem.process, problem.periods[0]
    exact = process.potential is None or process.potential.exact
    if problem.dimension > 1 or period is None or not isinstance(process, Overdamped | Drifting) or not exact:
        return None
    started, lower = time.perf_counter(), float(problem.bounding_box()[0][0])
    found = ring_transport(line_exponent(process, lower, lower + period, period))
    if found.log_diffusion < SMALLEST_LOG or (found.sign and found.log_velocity < SMALLEST_LOG):
        raise BarrierTooHighError("a velocity or a diffusion over periods is too small for a double", REMEDY)
    drift, diffusion = found.sign * float(np.exp(found.log_velocity)), float(np.exp(found.log_diffusion))
    statistics = Statistics(
        unknowns=found.panels * ORDER,
        cells=found.panels,
        degree=ORDER - 1,
        levels=2,
        seconds=time.perf_counter() - started,
        dolfinx=_dolfinx.dolfinx_version(),
    )
    known = [Estimate(value, abs(value) * found.error) for value in (drift, diffusion)]
    return Transport((0,), (known[0],), ((known[1],),), statistics)


def _by_cells(problem: Problem, axes: tuple[int, ...]) -> Transport:
    """By the cell problem, on finer and finer meshes."""
    setting, heights = prepare(problem), None
    # the way around leads over all saddles, and nothing tells which of them are on it
    if isinstance(setting, PotentialSetting):
        heights = replace(heights_between_wells(setting), ceiling=inf, trim=False)
    else:
        setting = replace(setting, ceiling=inf)
    question = Question(setting, axes)
    outcome = answered(setting, WHOLE, question.answer, heights)
    known = [
        _known(complex(number), float(bar), float(doubt), scale)
        for number, bar, doubt, scale in zip(
            outcome.numbers, outcome.errors, outcome.payload, question.scales, strict=True
        )
    ]
    count = len(axes)
    drift = [Estimate(0.0, 0.0)] * count if isinstance(setting, PotentialSetting) else known[:count]
    rows: list[list[Estimate]] = [[known[0]] * count for _ in axes]
    for (i, j), entry in zip(question._pairs, known[count:], strict=True):
        rows[i][j] = rows[j][i] = entry
    return Transport(axes, tuple(drift), tuple(tuple(row) for row in rows), outcome.statistics)


def _log(value: float, scale: float | None) -> complex:
    """As the adaptive loop takes it: beside a scale log(3 + x), whose error is absolute."""
    if scale is not None:
        return complex(np.log(complex(3.0 + value / scale)))
    return complex(np.log(abs(value)) if value else -1e4, np.pi if value < 0.0 else 0.0)


def _known(number: complex, bar: float, doubt: float, scale: float | None) -> Estimate:
    if scale is None:
        value = float(np.exp(number.real) * np.cos(number.imag))
        return Estimate(value, abs(value) * bar + doubt)
    value = float((np.exp(number).real - 3.0) * scale)
    return Estimate(value, float(abs(np.exp(number)) * scale * bar + doubt))
