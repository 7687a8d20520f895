"""How the noise is lowered while an unknown density is followed: the next noise, what is tried there, when to give up.

At a noise f times that which is asked for psi is nearly W/f + k: two noises tell how it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

import numpy as np

from fokker_planck.errors import BarrierTooHighError
from fokker_planck.fem.reference_exponent import FollowedWeight
from fokker_planck.formulas.grids.spline import GridFunction
from fokker_planck.model.degeneracy.hoermander import NO_NOISE
from fokker_planck.quantity.light_dataclasses import dataclass, replace

HOTTEST_RANGE, HOT_RANGE = 8.0, 16.0
"""Units of epsilon over the domain, at most, at a noise where psi = 0 serves for certain, and at the first that is
tried: log rho swings by a tenth of that there (rotated wells, Maier and Stein's drift). With 30 rotated wells take an
eighth less at most, and a drift that turns thirty times as fast as it attracts had an exponent beside which steps in
time are unstable. Where the first noise is lost the hotter one comes next."""
FIRST_FACTOR = 2.5
"""By what the noise is lowered at first: with 1.5 the quartic well with a rotation takes one noise more, 1.2 s of CPU
instead of 0.95 at barriers of 50 to 200; Maier and Stein's drift is followed alike."""
CHAINED_FACTOR = 16.0
"""By what the noise is lower, of that at which psi = 0 serves, where a chain on a grid of some fifty points an axis is
a first guess: rotated quartic well, three noises instead of six, log rho swinging by 0.3 at the first. What the chain
costs is a third of one. Where log rho swings by more than ``WILD`` psi = 0 is begun with all the same."""
SHORTEST_FACTOR, LONGEST_FACTOR = 1.05, 2.5
"""Between which that factor stays; with 1.5 and 5 at the upper end the same in the same time."""
NEARLY_THERE, CALMLY_THERE = 1.2, 2.0
"""Times the noise that is asked for, from which it is asked at once, the last steps being the largest by far: the
second one where the last swing was ``CALM`` (Maier and Stein's drift, alpha = 3, barrier 100: 2.7 s of CPU instead of
3.7; with the kinks of alpha = 10 a step by more than 2.5 at the end stalled at a swing of 2)."""
CALM, WILD = 0.4, 3.0
"""Swings of log rho below which the factor grows, and above which it falls: 0.1 and 1 took a tenth longer, 1.5 and 6
changed nothing."""
FORESEEN = 0.5
"""Of log rho at the noise that is asked for, as the last noises foretell it, with which that is not tried, less than
serves there anyway: quartic well with a rotation, barrier 200, after a noise 18 times as large 0.06 were foreseen, and
psi is off by 0.003; asked for 0.05, one more noise takes as long as the seven before. With 0.3 a noise more is followed
at barrier 50, a tenth of an exit time, whose error is 3e-11 with either."""
SERENE, SERENE_FACTOR = 0.02, 4.0
"""Where log rho hardly moves, the exponent is W/f + k as it is continued, and a lower noise is met at once: quartic
well with a rotation, barrier 100: ten noises instead of eleven, 4.7 s of CPU instead of 6.3."""
LARGEST_BEND = 3.0
"""Of the straight line that psi is continued along, beyond what was seen: 1 and 10 changed nothing."""
FINEST = 2
"""Times that a finer mesh is tried, each with some six times the cells."""
MOST_LOSSES, CHEAP, AFFORDABLE = 3, 1000, 4000
"""After how many losses in a row a finer mesh is tried, and up to how many cells: it has six times as many. Drifts that
hold nothing are lost on every mesh, and go on without a weight. What was followed so far is worth more: ``AFFORDABLE``
cells (Hessian noise in a sublevel set that closely holds three wells: 2,000 were too few)."""
MOST_CELLS = {1: 100_000, 2: 60_000, 3: 30_000}
"""On the way: some seconds for each noise."""
MOST_WASTED = 45_000
"""Cells in the plane, of all steps after which log rho was lost or swung by more than an exponent may be off: some 30 s
of CPU. Twelve wells under noise 45 times stronger in one direction swung by 7 to 16 on 15,000 to 22,000 cells a step,
without end; densities that were followed in the end wasted up to 40,000 (a bar of 3e-4 after 36 s, noise 17 : 1)."""
STEEPEST_GROWTH = 2.0
"""Power of one over the noise with which cells grow at the most: in the plane cells of a size in all of the domain."""
CREPT, MOST_AHEAD = 4, 150_000
"""Shortest steps in a row after which more are expected, and cells of all that are to come in the plane, beyond which
they are not taken: 45 s of CPU, and as much again for an answer on the last of these meshes. A barrier of 750 under
noise 120 times stronger in one direction was followed to 1.33 times the noise in 51 s and 22 steps, from 2.3 on in
shortest ones, each on 5 to 20 % more cells; log rho swung by 5 to 6 over the noise whatever the step, as beside a kink
of the exponent on a grid."""
GROWN, TOO_MANY = 2000, 20.0
"""The cells from which their growth with 1 / noise is believed, and how far beyond the limit it must lead."""


@dataclass(frozen=True)
class Step:
    """One solve: how far log rho is from constant below the ceiling less ``CERTAIN``, and the exponent that follows.

    What is known of rho reaches up to the ceiling less ``SURE``; ``lost`` tells that this does not cover the rest.
    ``cells`` is the size of the mesh.
    """

    swing: float
    lost: bool
    exponent: GridFunction
    cells: int


@dataclass(frozen=True)
class Way:
    """How far the noise was lowered: ``exponent`` is that at ``reached``, infinite at first, ``before`` a step earlier.

    ``swing`` is that of log rho at ``reached``. ``noise`` is to be tried next, ``factor`` below the last. Meshes are
    finer by ``FINENESS`` to the ``fineness``, ``sizes`` are their cells by noise; ``losses`` in a row were lost,
    ``creeping`` steps in a row were shortest. From ``nearly`` on the noise that is asked for is tried at once.
    ``hottest`` is tried where the first one is lost. No mesh is finer than by ``most_fine``. ``otherwise`` is how to
    begin where the first exponent does not serve.
    """

    noise: float
    factor: float
    exponent: GridFunction
    reached: float = np.inf
    swing: float = 0.0
    before: tuple[GridFunction, float] | None = None
    sizes: tuple[tuple[float, int], ...] = ()
    fineness: int = 0
    losses: int = 0
    creeping: int = 0
    nearly: float = NEARLY_THERE
    hottest: float = 0.0
    most_fine: int = FINEST
    otherwise: Way | None = None

    @property
    def nothing_yet(self) -> bool:
        """Whether no noise has served so far."""
        return bool(np.isinf(self.reached))

    def trial(self) -> GridFunction:
        """The exponent with which the next noise is tried."""
        return self.exponent if self.nothing_yet else continued(self.before, self.exponent, self.reached, self.noise)

    @property
    def unresolved(self) -> float:
        """What log rho swings by at the next noise if the grid resolves none of what was seen, which grows like 1/f."""
        return 0.0 if self.nothing_yet else self.swing * self.reached / self.noise

    def finest(self, cells: int) -> bool:
        """Whether no finer mesh than one of so many cells is tried."""
        return self.fineness >= self.most_fine or cells > (CHEAP if self.nothing_yet else AFFORDABLE)

    def begun_otherwise(self, found: Step) -> Way | None:
        """Another way to begin, where the guess of the first exponent is off by so much that nothing is gained."""
        return self.otherwise if self.nothing_yet and (found.lost or found.swing > WILD) else None

    def after_loss(self, found: Step) -> Way | None:
        """A step half as long, or a finer mesh; None where neither is left.

        Half of the step that was tried: that to the noise that is asked for may have been longer than ``factor``, and
        is not tried again before another noise has served.
        """
        if self.nothing_yet and self.noise < self.hottest:
            return replace(self, noise=self.hottest)
        losses, finest = self.losses + 1, self.finest(found.cells)
        if self.nothing_yet or self.factor < SHORTEST_FACTOR or (losses >= MOST_LOSSES and not finest):
            if finest:
                return None
            return replace(self, fineness=self.fineness + 1, factor=FIRST_FACTOR, losses=0, sizes=())
        nearly = 1.0 if self.noise == 1.0 else self.nearly
        return replace(self, losses=losses, factor=float(np.sqrt(self.reached / self.noise)), nearly=nearly)

    def after_too_many(self) -> Way | None:
        """Larger cells once more, where finer ones are too many at this noise; None where these are the largest."""
        if self.nothing_yet or self.fineness == 0:
            return None
        fineness, factor = self.fineness - 1, float(np.sqrt(self.reached / self.noise))
        return replace(self, fineness=fineness, most_fine=fineness, factor=factor, losses=0, sizes=(), nearly=1.0)

    def cells_ahead(self, cells: int) -> float:
        """Of all steps to come, should they be as short as the last and their meshes grow as they did; zero else."""
        if self.creeping < CREPT or len(self.sizes) < CREPT:
            return 0.0
        noisy, few = self.sizes[-CREPT]
        growth = min(max(log(cells / few) / log(noisy / self.noise), 0.0), STEEPEST_GROWTH)
        steps = np.arange(1.0, max(log(self.noise / self.nearly) / log(SHORTEST_FACTOR), 0.0) + 2.0)
        return float((cells * SHORTEST_FACTOR ** (growth * steps)).sum())

    def lowered(self) -> Way:
        """With the noise to try next."""
        noise = self.noise if self.nothing_yet else self.reached / self.factor
        return replace(self, noise=noise if noise > self.nearly else 1.0)


def check_growth(sizes: Sequence[tuple[float, int]], dimension: int, goes_on: Callable[[], bool]) -> None:
    """Refuse early where the meshes, as they grow with less noise, will be far too large at that which is asked for.

    ``goes_on`` tells, where that is so, whether they grow on as they did.
    """
    if len(sizes) < 3:
        return
    (noisy, few), (_, _), (noise, many) = sizes[-3:]
    growth = log(many / few) / log(noisy / noise) if noise < noisy and many > few else 0.0
    expected = many * noise**growth
    if many > GROWN and expected > TOO_MANY * MOST_CELLS[dimension] and goes_on():
        raise BarrierTooHighError(
            f"at {noise:.3g} times the noise {many} cells are needed to follow the density, at that which is asked for "
            f"about {expected:.1g}",
            "more noise, or a smaller domain",
        )


def check_steps(ahead: float, noise: float) -> None:
    """Refuse early where the steps to come at this noise have so many cells ``ahead`` of them."""
    if ahead > MOST_AHEAD:
        raise BarrierTooHighError(
            f"at {noise:.3g} times the noise the density is followed in steps of five per cent only, which need about "
            f"{ahead:.1g} cells in all down to that which is asked for",
            "more noise or a smaller domain; where the quasipotential has kinks no steps are longer",
        )


def foreseen_swing(swing: float, before: tuple[GridFunction, float] | None, reached: float, noise: float) -> float:
    """By how much log rho will differ from a constant at the noise that is asked for, continued from two noises.

    Of psi = W/f + k + f r the line through f_0 and f_1 leaves out r f_0 f_1 / f at a much lower f, which shows at the
    noise f_2 where it was tried; the next line, through f_1 and f_2, leaves out f_2^2 / f_0 times that at f = 1.  What
    shows there of anything else, of what the grid does not resolve, say, grows like 1/f.
    """
    if before is None or not noise < reached:
        return np.inf
    return swing * max(noise**2 / before[1], noise / (1.0 - noise / reached))


def next_factor(factor: float, swing: float) -> float:
    """By what the noise is lowered next, after a step with this swing of log rho."""
    if swing < SERENE:
        return max(factor, SERENE_FACTOR)
    if swing < CALM:
        return min(1.4 * factor, max(LONGEST_FACTOR, factor / 1.4))
    return max(factor / 1.3, SHORTEST_FACTOR) if swing > WILD else factor


def continued(
    before: tuple[GridFunction, float] | None, exponent: GridFunction, reached: float, noise: float
) -> GridFunction:
    """psi at a lower noise f: it is W/f + k, k from the last two noises, trusted within limits."""
    scaled = exponent.values * (reached / noise)
    if before is None:
        return replace(exponent, values=scaled)
    slope = (exponent.values - before[0].values) / (1.0 / reached - 1.0 / before[1])
    line = exponent.values + slope * (1.0 / noise - 1.0 / reached)
    lowest, highest = np.minimum(exponent.values, scaled), np.maximum(exponent.values, scaled)
    return replace(exponent, values=np.clip(line, lowest - LARGEST_BEND, highest + LARGEST_BEND))


def first_noises(process: FollowedWeight) -> tuple[float, float]:
    """The factors on D at which the exponent cannot range over more than ``HOT_RANGE``, and ``HOTTEST_RANGE``."""
    points = process.exponent.points
    tensor = np.moveaxis(process.diffusion.tensor(points), 2, 0)
    drift = process.drift(points) - process.diffusion.divergence(points)
    sizes = np.linalg.eigvalsh(tensor)[:, 0]
    speed = np.linalg.norm(drift, axis=0)
    usable = (sizes > 1e-12 * sizes.max()) & np.isfinite(speed)
    extent = float(np.linalg.norm(np.subtract(process.exponent.upper, process.exponent.lower)))
    reach = float((speed[usable] / sizes[usable]).max()) * extent
    first, hottest = np.clip([reach / HOT_RANGE, reach / HOTTEST_RANGE], 1.0, 1e6).tolist()
    return first, hottest


def typical_rate(process: FollowedWeight) -> float:
    """Rate of diffusion across the box at the noise that is asked for, slower than any well settles."""
    points = process.exponent.points
    sizes = np.linalg.eigvalsh(np.moveaxis(process.diffusion.tensor(points), 2, 0))[:, 0]
    mean = np.einsum("iin->n", process.diffusion.tensor(points)) / len(points)
    if (sizes <= NO_NOISE * mean).all():
        sizes = mean
    extent = float(np.max(np.subtract(process.exponent.upper, process.exponent.lower)))
    return float(np.median(sizes) * (np.pi / extent) ** 2)
