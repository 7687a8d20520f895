"""Escape time, occupation of flat and sharp minima and spectral gap as functions of learning rate and batch size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.arguments import described
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.quantity import Quantity
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.questions.exit_time import mean_exit_time
from fokker_planck.questions.spectrum import spectrum
from fokker_planck.questions.stationary import stationary_density
from fokker_planck.questions.studies.study import Axis, QuantityArray, Study, of_wells, some
from fokker_planck.sgd.learning import Learning
from fokker_planck.sgd.losses import DataLosses, SampleLosses
from fokker_planck.sgd.noise import Covariance, CovarianceKey
from fokker_planck.sgd.noise import process as process_of

if TYPE_CHECKING:
    from fokker_planck.model.domains.domain import Domain
    from fokker_planck.model.potential import Potential
    from fokker_planck.model.sets.shapes import Set
    from fokker_planck.sgd.losses import Losses

QUESTIONS = ("exit-time", "stationary", "spectrum")


@dataclass(frozen=True, eq=False, repr=False)
class NoiseStudy(Study):
    """Answers over learning rates (rows) and batch sizes (columns).

    Attributes
    ----------
    learning_rates, batch_sizes
        the axes
    noise_scales
        D over the gradient covariance of one sample, (rates, sizes)
    times, iterations
        mean exit time in the time of the diffusion, and divided by the learning rate
    minima
        of the loss, in the order of the last axis of ``probabilities``
    probabilities
        of the wells, (rates, sizes, wells)
    gaps
        smallest nonzero eigenvalue per unit of time, (rates, sizes)
    flattest, sharpest
        which minimum has the smallest and the largest determinant of the Hessian
    refused
        why a number is missing, by question, row and column
    """

    learning_rates: Floats
    batch_sizes: npt.NDArray[np.int64]
    noise_scales: Floats
    times: QuantityArray
    iterations: QuantityArray
    minima: tuple[tuple[float, ...], ...]
    probabilities: QuantityArray
    gaps: QuantityArray
    flattest: int | None
    sharpest: int | None
    refused: Mapping[tuple[str, int, int], str] = field(default_factory=dict)

    @property
    def axes(self) -> Mapping[str, Axis]:
        """Learning rates and batch sizes."""
        return {"learning_rate": self.learning_rates, "batch_size": self.batch_sizes}

    @property
    def numbers(self) -> Mapping[str, QuantityArray]:
        """Iterations and times to leave, probabilities of the wells, gaps: those that were asked for."""
        wells = of_wells("probability", self.probabilities)
        return some({"iterations": self.iterations, "time": self.times, **wells, "gap": self.gaps})

    def occupation_ratios(self, one: int | None = None, other: int | None = None) -> QuantityArray:
        """Probability of one well over that of another: the flattest over the sharpest if not said otherwise."""
        one, other = (self.flattest if one is None else one), (self.sharpest if other is None else other)
        if one is None or other is None:
            raise ProblemError("wells", f"{len(self.minima)} wells", "two wells, and the question stationary")
        result = _empty(self.noise_scales.shape)
        for place in np.ndindex(result.shape):
            above, below = self.probabilities[(*place, one)], self.probabilities[(*place, other)]
            if above is not None and below is not None and above.log is not None and below.log is not None:
                error = above.relative_error + below.relative_error
                result[place] = Quantity.of_log(above.log - below.log, error)
        return result


def noise_study(
    loss: Potential | str | Losses,
    domain: Domain,
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int],
    covariance: Covariance | None = None,
    start: Sequence[float] | float | None = None,
    target: Set | str | None = None,
    samples: int | None = None,
    replacement: bool = False,
    interpretation: str = "ito",
    questions: Sequence[str] = QUESTIONS,
    resolution: Resolution | None = None,
    **keys: CovarianceKey,
) -> NoiseStudy:
    """dX = -grad V dt + sqrt((eta/B) C(X)) dW, solved for every learning rate eta and batch size B.

    Parameters
    ----------
    learning_rates, batch_sizes
        eta and B
    loss, covariance, samples, replacement, interpretation, keys
        as in :func:`fokker_planck.sgd.process`
    domain
        where the process lives
    start, target
        of the mean exit time, which is not asked without them
    questions
        of "exit-time", "stationary", "spectrum"
    resolution
        accuracy of each number

    Returns
    -------
    NoiseStudy
        The answers over both axes.

    Notes
    -----
    Equal D are solved once: for infinitely many samples that is equal eta/B. A number that cannot be had (the wanted
    accuracy is not reached, say) is None and listed in ``refused`` with the reason; bad input raises ProblemError.

    Examples
    --------
    >>> from fokker_planck.model.domains.box import Box
    >>> study = noise_study("(x**2 - 1)**2*(1 + 0.4*x)/4", Box([-2.0], [2.0]), [0.1], [1, 2], epsilon=1.0,
    ...                     questions=["stationary"])
    >>> [round(float(p), 7) for p in study.probabilities[0, :, study.flattest]]        # 0.6019150610, 0.6034466766
    [0.6019151, 0.6034467]
    """
    asked = _checked_questions(questions, start, target)
    rates = _checked_list("learning_rates", learning_rates)
    sizes = _checked_list("batch_sizes", batch_sizes)
    if isinstance(loss, SampleLosses | DataLosses) and samples is None and not replacement:
        samples = loss.count
    learning = [[Learning(rate, size, samples) for size in sizes] for rate in rates]
    solved: dict[float, _Answers] = {}
    for each in (each for row in learning for each in row):
        if each.noise_scale not in solved:
            process = process_of(
                loss, each.learning_rate, each.batch_size, covariance, samples, replacement, interpretation, **keys
            )
            problem = Problem(process, domain, resolution or Resolution())
            solved[each.noise_scale] = _answers(problem, asked, start, target)
    return _arranged(loss, learning, solved)


def _arranged(loss: Any, learning: list[list[Learning]], solved: dict[float, _Answers]) -> NoiseStudy:
    """The answers, by scale of the noise, in rows of learning rates and columns of batch sizes."""
    scales = np.array([[each.noise_scale for each in row] for row in learning])
    times, iterations, gaps = _empty(scales.shape), _empty(scales.shape), _empty(scales.shape)
    minima = next((found.minima for found in reversed(solved.values()) if found.weights), ())
    probabilities = _empty((*scales.shape, len(minima)))
    refused: dict[tuple[str, int, int], str] = {}
    for i, j in np.ndindex(scales.shape):
        each = learning[i][j]
        answers = solved[each.noise_scale]
        refused |= {(question, i, j): reason for question, reason in answers.refused.items()}
        gaps[i, j] = answers.gap
        if answers.time is not None:
            times[i, j], iterations[i, j] = answers.time, each.iterations(answers.time)
        if answers.weights:
            probabilities[i, j] = answers.weights
    flattest, sharpest = _by_curvature(loss, minima)
    return NoiseStudy(
        learning_rates=np.array([row[0].learning_rate for row in learning], dtype=np.float64),
        batch_sizes=np.array([each.batch_size for each in learning[0]], dtype=np.int64),
        noise_scales=scales,
        times=times,
        iterations=iterations,
        minima=minima,
        probabilities=probabilities,
        gaps=gaps,
        flattest=flattest,
        sharpest=sharpest,
        refused=refused,
    )


@dataclass(frozen=True)
class _Answers:
    time: Quantity | None
    minima: tuple[tuple[float, ...], ...]
    weights: list[Quantity]
    gap: Quantity | None
    refused: dict[str, str]


def _answers(problem: Problem, asked: Sequence[str], start: Any, target: Any) -> _Answers:
    refused: dict[str, str] = {}

    def tried(question: str, ask: Any) -> Any:
        if question not in asked:
            return None
        try:
            return ask()
        except ConvergenceError as error:
            refused[question] = str(error)
            return None

    time = tried("exit-time", lambda: mean_exit_time(problem, start, target).mean)
    wells = tried("stationary", lambda: stationary_density(problem).wells) or ()
    gap = tried("spectrum", lambda: spectrum(problem, 2).gap)
    minima = tuple(well.minimum for well in wells)
    return _Answers(time, minima, [well.probability for well in wells], gap, refused)


def _by_curvature(loss: Any, minima: tuple[tuple[float, ...], ...]) -> tuple[int | None, int | None]:
    """The minima with the least and the greatest determinant of the Hessian."""
    from fokker_planck.model.potential import Potential

    if len(minima) < 2:
        return None, None
    potential = loss.mean() if isinstance(loss, SampleLosses | DataLosses) else loss
    potential = Potential(potential) if isinstance(potential, str) else potential
    curvatures = np.linalg.det(np.moveaxis(potential.hessian(np.array(minima).T), 2, 0))
    return int(np.argmin(curvatures)), int(np.argmax(curvatures))


def _checked_questions(questions: Sequence[str], start: Any, target: Any) -> list[str]:
    if isinstance(questions, str) or any(question not in QUESTIONS for question in questions):
        raise ProblemError("questions", described(questions), f"a list of {', '.join(QUESTIONS)}")
    if (start is None) != (target is None):
        missing = "exit.start" if start is None else "exit.target"
        raise ProblemError(missing, "nothing", "a start and a target, or neither")
    return [question for question in questions if question != "exit-time" or start is not None]


def _checked_list(key: str, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)) or len(values) == 0:
        raise ProblemError(key, described(values), "a list of one or more numbers")
    return list(values.tolist() if isinstance(values, np.ndarray) else values)


def _empty(shape: tuple[int, ...]) -> QuantityArray:
    return np.full(shape, None, dtype=object)
