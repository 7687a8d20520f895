"""All questions: a new one is a line here, and a module of its name with its entry (``questions/entry.py``).

What the command says of its questions needs no numpy, so it stands here; the rest is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.questions.entry import Entry


@dataclass(frozen=True)
class Listed:
    """A question as the command lists it: what it is about, its table of a problem file, if it has one, an example.

    ``example`` is the name of one of the examples, which the command asks with ``options`` in the help. ``in_time``
    says that it is about coefficients that depend on time, too.
    """

    summary: str
    table: str | None = None
    example: str = "double_well_2d"
    options: str = ""
    in_time: bool = False


#: By name, in the order in which ``solve`` answers them.
QUESTIONS = {
    "landscape": Listed("minima, saddles, barriers, and which saddle joins which wells", example="mueller_brown"),
    "stationary": Listed("stationary density and the weight of every well", options="-o answers"),
    "spectrum": Listed(
        "smallest eigenvalues of -L, the spectral gap first among them",
        table="spectrum",
        options="--set spectrum.count=6",
    ),
    "exit-time": Listed("mean time from the start to the target", table="exit", options="--set diffusion.epsilon=0.02"),
    "exit-law": Listed(
        "moments, survival, quantiles, rate and place of the exit", table="exit", example="leaving_an_interval"
    ),
    "exit-place": Listed(
        "where on the target it leaves, in the plane: the density along it, and shares of its lowest points",
        table="exit",
        example="place_of_exit",
    ),
    "evolve": Listed(
        "density, probabilities and means at given times from a given beginning",
        table="evolve",
        example="density_in_time",
        in_time=True,
    ),
    "periodic": Listed(
        "the state that repeats itself under a periodic schedule, its means, Floquet multipliers",
        table="periodic",
        example="stochastic_resonance",
        in_time=True,
    ),
    "correlation": Listed(
        "correlations in the stationary state, and their spectrum",
        table="correlation",
        example="stationary_correlation",
    ),
    "transport": Listed("drift and diffusion over many periods of a periodic domain", example="tilted_washboard"),
    "paths": Listed("most probable paths between wells, of least action", example="three_hole"),
    "rates": Listed("rates and mean times between wells, and which saddle carries the flow", example="three_hole"),
    "committor": Listed(
        "transitions between the two sets of [committor]: rate, probabilities",
        table="committor",
        example="mueller_brown_committor",
        options="-o answers",
    ),
}


def checked_question(name: str) -> str:
    """The name of a question; raises ProblemError, with the nearest one, where there is no such."""
    if name not in QUESTIONS:
        from fokker_planck.errors import ProblemError
        from fokker_planck.formulas.parsing.near import did_you_mean

        raise ProblemError(
            "question", f"{name[:60]!r}{did_you_mean(name, QUESTIONS)}", f"one of {', '.join(QUESTIONS)}"
        )
    return name


def entry(name: str) -> Entry[Any, Any]:
    """The entry of a question, in the module of its name.

    >>> entry("exit-time").answer.__name__
    'ExitTime'
    """
    found: Entry[Any, Any] = import_module(f"fokker_planck.questions.{name.replace('-', '_')}").ENTRY
    return found


def entry_of(answer: object, name: str | None = None) -> Entry[Any, Any]:
    """The entry of the question that an answer answers; ``name`` is tried first.

    Raises :class:`~fokker_planck.errors.ProblemError` for anything else than an answer.
    """
    for each in sorted(QUESTIONS, key=lambda other: other != name):
        found = entry(each)
        if isinstance(answer, found.answer):
            return found
    from fokker_planck.errors import ProblemError
    from fokker_planck.model.arguments import described

    raise ProblemError("answers", described(answer), "what one of the questions returns")
