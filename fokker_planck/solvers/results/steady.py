"""What a question returns: numbers first, then fields, then statistics.

The function that a question asks for is the ``field`` of its answer; a spectrum has one for every eigenvalue, the
``eigenfunctions``.  A ``minimum`` is a point, a well its basin: ``minima`` are points everywhere, and ``wells`` have a
``minimum`` and numbers.
"""

from __future__ import annotations

from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING

from fokker_planck.quantity.answer import Answer
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.quantity.units import NONE, Units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fokker_planck.fem.fields.field import Field
    from fokker_planck.fem.work import Work
    from fokker_planck.model.diffusion.constant import DiffusionField
    from fokker_planck.model.sets.shapes import Set
    from fokker_planck.quantity import Quantity
    from fokker_planck.solvers.results.function_check import FunctionCheck
    from fokker_planck.solvers.results.stationary_current import Current


EYRING_KRAMERS = "Eyring-Kramers"
"""What the asymptotic value beside a number is called, unless an answer says otherwise."""

Limits = tuple[tuple[str, tuple["Quantity | None", ...]], ...]
"""Other formulas by name, each with its values beside the numbers of an answer, in their order."""


@dataclass(frozen=True)
class Statistics:
    """What an answer cost: size of the finest discretisation, number of meshes tried, wall time.

    ``functions`` tells how far coefficients that are Python functions are from what the mesh sees of them, ``work``
    what was assembled and factored for the whole answer, all meshes and verifications together.

    Attributes
    ----------
    unknowns
        of the finest discretisation
    cells
        of its mesh
    degree
        of its elements
    levels
        meshes that were tried
    seconds
        wall time
    dolfinx
        its version
    functions
        how far Python functions are from what the mesh sees of them
    work
        what was assembled, factored and solved
    missed
        which error bars are beyond the tolerance, None where none is
    units
        of the problem that was answered, with the names of its coordinates: pictures are labelled with them
    """

    unknowns: int
    cells: int
    degree: int
    levels: int
    seconds: float
    dolfinx: str
    functions: FunctionCheck | None = None
    work: Work | None = None
    missed: str | None = None
    units: Units = NONE


@dataclass(frozen=True)
class Eigenvalue:
    """One eigenvalue of -L; ``imag`` is zero for a reversible process.

    ``asymptotic`` is the value of the real part by the formula of the :class:`Spectrum`, where one exists.

    Attributes
    ----------
    real
        the real part
    imag
        the imaginary part
    asymptotic
        the real part by the formula of the spectrum
    """

    real: Quantity
    imag: float = 0.0
    asymptotic: Quantity | None = None

    @property
    def ratio(self) -> float | None:
        """Computed over asymptotic value."""
        return quotient(self.real, self.asymptotic)


@dataclass(frozen=True)
class Spectrum(Answer):
    """Eigenvalues of -L in ascending real part, zero the first unless a ``target`` absorbs, with eigenfunctions.

    ``limits`` are values of other formulas than ``formula``, whose are beside the eigenvalues.

    Attributes
    ----------
    eigenvalues
        by ascending real part
    eigenfunctions
        one for each, real
    statistics
        what it cost
    target
        where the process is absorbed; None if nowhere
    formula
        the name of the formula beside the eigenvalues
    limits
        values of other formulas, by their names
    """

    eigenvalues: tuple[Eigenvalue, ...]
    eigenfunctions: tuple[Field, ...]
    statistics: Statistics
    target: str | None = None
    formula: str = EYRING_KRAMERS
    limits: Limits = ()

    @property
    def gap(self) -> Quantity:
        """The smallest nonzero eigenvalue: the rate of relaxation, or with a target that of absorption."""
        return self.eigenvalues[0 if self.target is not None else 1].real


@dataclass(frozen=True)
class ExitTime(Answer):
    """Mean time to reach the target from ``start``; from everywhere it is the ``field``.

    Attributes
    ----------
    mean
        the mean time from the start
    start
        the point
    target
        name or description of the set
    field
        mean times from everywhere
    statistics
        what it cost
    asymptotic
        the time by the formula
    formula
        its name
    limits
        values of other formulas, by their names
    """

    mean: Quantity
    start: tuple[float, ...]
    target: str
    field: Field
    statistics: Statistics
    asymptotic: Quantity | None = None
    formula: str = EYRING_KRAMERS
    limits: Limits = ()

    @property
    def ratio(self) -> float | None:
        """Computed over asymptotic value."""
        return quotient(self.mean, self.asymptotic)


@dataclass(frozen=True)
class WellWeight:
    """Stationary probability of the basin of attraction of one minimum.

    ``merged`` are minima less than one unit of epsilon deep, whose basins are counted with it.

    Attributes
    ----------
    minimum
        its position
    probability
        of its basin of attraction
    asymptotic
        that probability by the formula for small noise
    merged
        minima that are counted with it
    number
        of its minimum in the landscape, from 1; zero where it has none
    """

    minimum: tuple[float, ...]
    probability: Quantity
    asymptotic: Quantity | None = None
    merged: tuple[tuple[float, ...], ...] = ()
    number: int = 0

    @property
    def ratio(self) -> float | None:
        """Computed over asymptotic value."""
        return quotient(self.probability, self.asymptotic)


@dataclass(frozen=True)
class Stationary(Answer):
    """The stationary density, which is the ``field``, and the weight of every well.

    ``current`` is the stationary current of a process without detailed balance; the others have none.

    Attributes
    ----------
    wells
        their weights, in the order of the minima
    field
        the density
    statistics
        what it cost
    current
        without detailed balance, else None
    sets
        probabilities of the problem's named sets; None for one that cannot be had
    """

    wells: tuple[WellWeight, ...]
    field: Field
    statistics: Statistics
    current: Current | None = None
    sets: Mapping[str, Quantity | None] = dataclass_field(default_factory=dict)

    @property
    def density(self) -> Field:
        """``field`` by the name of what it is: ``density(x)``, ``density.log(x)``."""
        return self.field


@dataclass(frozen=True)
class Committor(Answer):
    """Transitions between two sets: rate, probabilities of transition path theory; the committor is the ``field``.

    ``backward`` is the probability to have come from the first set rather than from the second, where that is not one
    less the committor: for a process without detailed balance. Where both sets hold an end of a line that keeps what
    arrives there, rate and probability of the long run are zero, and ``probability_last_from`` is None. ``sets`` and
    ``noise`` D are what pictures show beside it.

    Attributes
    ----------
    rate
        transitions from the first set to the second in a unit of time
    probability_reactive
        the share of time on the way from the first to the second
    probability_last_from
        the share of time since a visit to the first set rather than the second
    field
        the probability to reach the second set before the first
    reactive_density
        of what is on the way
    statistics
        what it cost
    backward
        the probability to have come from the first set, without detailed balance
    sets, noise
        both sets, and D, for pictures
    asymptotic
        the rate constant by the ``formula``, where each set holds one well; None elsewhere
    formula
        its name
    """

    rate: Quantity
    probability_reactive: Quantity
    probability_last_from: Quantity | None
    field: Field
    reactive_density: Field
    statistics: Statistics
    backward: Field | None = None
    sets: tuple[Set, Set] | None = dataclass_field(default=None, compare=False, repr=False)
    noise: DiffusionField | None = dataclass_field(default=None, compare=False, repr=False)
    asymptotic: Quantity | None = None
    formula: str = EYRING_KRAMERS

    @property
    def rate_constant(self) -> Quantity | None:
        """k_AB, transitions per time since a visit to the first set: one over the mean time from A to B."""
        return _divided(self.rate, self.probability_last_from)

    @property
    def rate_constant_back(self) -> Quantity | None:
        """k_BA, of the transitions back, of which there are as many."""
        last = self.probability_last_from
        return None if last is None else _divided(self.rate, 1.0 - last)


def _divided(rate: Quantity, probability: Quantity | None) -> Quantity | None:
    return None if probability is None or not probability > 0.0 else rate / probability


@dataclass(frozen=True)
class Rates(Answer):
    """The reduced chain: ``rates[k][m]`` from well k to well m and ``hitting_times[k][m]``; None on the diagonal.

    ``asymptotic`` holds the rates of the ``formula``, Eyring-Kramers as a rule, None where no saddle joins two wells;
    ``limits`` those of others, for every pair of wells.  ``numbers`` are those of the wells in the landscape, from 1.
    """

    minima: tuple[tuple[float, ...], ...]
    rates: tuple[tuple[Quantity | None, ...], ...]
    hitting_times: tuple[tuple[Quantity | None, ...], ...]
    statistics: Statistics
    asymptotic: tuple[tuple[Quantity | None, ...], ...] | None = None
    formula: str = EYRING_KRAMERS
    limits: Limits = ()
    numbers: tuple[int, ...] = ()

    @property
    def well_numbers(self) -> tuple[int, ...]:
        """Of the wells in the landscape, in which shallow ones are counted, too; else as they come."""
        return self.numbers or tuple(range(1, len(self.minima) + 1))


def quotient(value: Quantity, reference: Quantity | None) -> float | None:
    """``value / reference`` through logarithms, or None where either has none.

    >>> from fokker_planck.quantity import Quantity
    >>> round(quotient(Quantity.of(3.0, 1e-6), Quantity.of(2.0, 0.1)), 12)
    1.5
    """
    return None if reference is None else value.ratio(reference)
