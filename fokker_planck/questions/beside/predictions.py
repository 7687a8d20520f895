"""What formulas for small noise say beside an answer: one function a question, for every kind of process.

That is Eyring and Kramers with detailed balance (:mod:`fokker_planck.asymptotics.eyring_kramers`), over the saddles of
Phi, and Bouchet and Reygner without (:mod:`~.small_noise`), over those of the drift; with
momentum Mel'nikov and Meshkov and its limits (:mod:`~.kinetic_formulas`), over those of V.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fokker_planck.asymptotics import eyring_kramers as kramers
from fokker_planck.asymptotics.markov_chain import log_rate_constant, log_watched_chain
from fokker_planck.asymptotics.saddle_flow import SaddleFlow, saddle_flows
from fokker_planck.model.degeneracy.hoermander import is_degenerate
from fokker_planck.model.domains.box import Box
from fokker_planck.model.problem import Problem
from fokker_planck.model.reversibility.classify import UnknownDensity
from fokker_planck.model.sets.shapes import Ball
from fokker_planck.model.sets.tagged_sets import TaggedFacets
from fokker_planck.model.underdamped import Underdamped
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.questions import eyring_kramers
from fokker_planck.questions.beside import kinetic_formulas

if TYPE_CHECKING:
    from fokker_planck.model.sets.shapes import Set
    from fokker_planck.solvers.results.steady import Limits, WellWeight

Table = tuple[tuple["Quantity | None", ...], ...]


@dataclass(frozen=True)
class Beside:
    """What is said beside numbers: the ``values`` of a ``formula``, and of others by name."""

    values: Any
    formula: str
    limits: Limits = ()
    flows: tuple[SaddleFlow, ...] = ()


def exit_time(problem: Problem, start: tuple[float, ...], target: Set | Literal["boundary"]) -> Beside:
    """The mean time from the well of ``start`` to ``target``; None where no formula is about that."""
    formula = kinetic_formulas.formula_of(problem)
    if not isinstance(problem.process, Underdamped):
        return Beside(_exit_time(problem, start, target), formula)
    if isinstance(target, str):
        return Beside(None, formula)
    return Beside(*_with(formula, kinetic_formulas.exit_time(problem, start, target)))


def _with(formula: str, found: tuple[Any, Limits]) -> tuple[Any, str, Limits]:
    return found[0], formula, found[1]


def _exit_time(problem: Problem, start: tuple[float, ...], target: Set | Literal["boundary"]) -> Quantity | None:
    from fokker_planck.asymptotics import exit_time as exit_times
    from fokker_planck.asymptotics.exit_surfaces import Outside
    from fokker_planck.questions.beside import small_noise
    from fokker_planck.solvers.boundaries.ends import Ends
    from fokker_planck.solvers.exits.descent import holds_nothing
    from fokker_planck.solvers.setting.kinetics_of_problem import is_reversible, kinetics_of
    from fokker_planck.solvers.setting.landscape_of_flow import of_flow
    from fokker_planck.solvers.setting.landscape_of_potential import limit_landscape, of_potential

    if not is_reversible(problem):
        if holds_nothing(problem) or is_degenerate(problem) and isinstance(kinetics_of(problem), UnknownDensity):
            return None
        return small_noise.predicted_exit_time(of_flow(problem, Ends.at(target, start)), start, target)
    setting = of_potential(problem)
    if isinstance(target, TaggedFacets):
        return None  # without an inside, which the formulas look for behind a saddle
    if any(end.accessible for end in getattr(setting.exponent, "ends", ())):
        return None  # the formulas know no end at which the noise vanishes
    if not isinstance(target, str):
        surface: Any = target
    elif isinstance(problem.domain, Box | Ball):
        surface = Outside(problem.domain)
    else:
        return None
    return exit_times.mean_exit_time(
        limit_landscape(setting), setting.exponent, setting.diffusion.tensor, start, surface
    )


def weights(problem: Problem, wells: Sequence[WellWeight]) -> list[Quantity | None]:
    """Of every well, by Laplace's formula; None without detailed balance, and where minima are shallower than noise."""
    from fokker_planck.solvers.setting.kinetics_of_problem import is_reversible
    from fokker_planck.solvers.setting.landscape_of_potential import limit_landscape, of_potential

    nothing: list[Quantity | None] = [None] * len(wells)
    if len(wells) > 1 and isinstance(problem.process, Underdamped) and not any(well.merged for well in wells):
        return kinetic_formulas.weights(problem, tuple(well.minimum for well in wells))
    if len(wells) < 2 or not is_reversible(problem):
        return nothing
    setting = of_potential(problem)
    limit = limit_landscape(setting)
    if len(limit.minima) != sum(1 + len(well.merged) for well in wells):
        return nothing
    beside = kramers.well_probabilities(limit, setting.exponent)
    return [None if well.merged else beside[limit.nearest_minimum(well.minimum)] for well in wells]


def eigenvalues(problem: Problem, count: int, *, absorbed: bool) -> Beside:
    """Of the small eigenvalues, None for the zero and the others; all None for a process that is absorbed somewhere.

    The formulas are about transitions in detailed balance, or with momentum.
    """
    formula = kinetic_formulas.formula_of(problem)
    if isinstance(problem.process, Underdamped) and not absorbed:
        return Beside(*_with(formula, kinetic_formulas.eigenvalues(problem, count)))
    return Beside(_eigenvalues(problem, count, absorbed=absorbed), formula)


def _eigenvalues(problem: Problem, count: int, *, absorbed: bool) -> list[Quantity | None]:
    from fokker_planck.solvers.setting.kinetics_of_problem import is_reversible
    from fokker_planck.solvers.setting.landscape_of_potential import limit_landscape, of_potential

    nothing: list[Quantity | None] = [None] * count
    if absorbed or not is_reversible(problem):
        return nothing
    setting = of_potential(problem)
    predicted = kramers.predicted_eigenvalues(
        limit_landscape(setting), setting.diffusion.tensor, count, setting.exponent
    )
    return [None, *predicted[1:count], *nothing][:count]


def rates(problem: Problem, places: tuple[tuple[float, ...], ...]) -> Beside:
    """Rates between the states of a chain at ``places``, from row to column, and what share each saddle carries."""
    formula = kinetic_formulas.formula_of(problem)
    if isinstance(problem.process, Underdamped):
        return Beside(*_with(formula, kinetic_formulas.rates(problem, places)))
    values, flows = _rates(problem, places)
    return Beside(values, formula, flows=flows)


def rate_constant(problem: Problem, places: tuple[tuple[float, ...], ...], first: int, second: int) -> Beside:
    """From the well at one of the ``places``, all there are, to that at another, whatever lies between them."""
    found = rates(problem, places)
    if found.values is None:
        return Beside(None, found.formula)
    if len(places) == 2:
        return Beside(found.values[first][second], found.formula)
    if not _every_rate_is_known(problem):
        return Beside(None, found.formula)
    logs = np.array([[-np.inf if rate is None else rate.log for rate in row] for row in found.values], dtype=float)
    log = log_rate_constant(logs, first, second)
    return Beside(Quantity.of_log(log, float("nan")) if np.isfinite(log) else None, found.formula)


def _every_rate_is_known(problem: Problem) -> bool:
    """Whether a rate that is not given is zero: over every saddle of a landscape leads a formula, but flat ones."""
    from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting, limit_landscape
    from fokker_planck.solvers.setting.setting import prepare

    setting = prepare(problem, wells=True)
    if not isinstance(setting, PotentialSetting):
        return False
    return not np.isnan(kramers.rates(limit_landscape(setting), setting.diffusion.tensor)).any()


def _rates(problem: Problem, places: tuple[tuple[float, ...], ...]) -> tuple[Table | None, tuple[SaddleFlow, ...]]:
    from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting, limit_landscape
    from fokker_planck.solvers.setting.setting import prepare

    setting = prepare(problem, wells=True)
    if not isinstance(setting, PotentialSetting):
        from fokker_planck.questions.beside import small_noise

        states = [k for k in sorted(set(setting.states)) if setting.attractors[k].position in places]
        return small_noise.predicted_rates(setting, states), ()
    landscape, tensor = limit_landscape(setting), setting.diffusion.tensor
    kept = [landscape.nearest_minimum(place) for place in places]
    if len(set(kept)) < len(kept):
        return None, ()
    logs, _ = log_watched_chain(kramers.rates(landscape, tensor), kept)
    return tuple(tuple(row) for row in eyring_kramers.predicted_rates(logs)), saddle_flows(landscape, tensor, kept)
