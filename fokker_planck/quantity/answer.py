"""What a question returns shows itself: as the tables of the command, in a notebook, as a frame of pandas."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from fokker_planck.quantity.units import Units

# How answers look is the business of the questions, far above; they are asked for at the first use, as names of the
# package are.
_SHOWN_BY = "fokker_planck.questions.keeping.report"


class Answer:
    """Numbers, fields and statistics of one question.

    ``print(answer)`` shows the tables of the command line; ``repr`` is that of the dataclass.
    """

    __slots__ = ()

    def __str__(self) -> str:
        shown: Any = import_module(_SHOWN_BY)
        return str(shown.answer_text(self))

    def _repr_html_(self) -> str:
        """The tables, for a notebook."""
        shown: Any = import_module(_SHOWN_BY)
        return str(shown.answer_html(self))

    def to_frame(self) -> pandas.DataFrame:
        """A row for each eigenvalue, well, pair of wells, critical point or time of an evolution, else one row.

        A number ``mean`` has columns ``mean``, ``mean_log`` and ``mean_relative_error``; what fits no double is nan,
        and has its logarithm.  Raises MissingPackageError without pandas (the extra ``pandas``).
        """
        shown: Any = import_module(_SHOWN_BY)
        frame: pandas.DataFrame = shown.answer_frame(self)
        return frame

    def plot(self, ax: Axes | None = None, kind: str = "", units: Units | None = None) -> Axes:
        """Draw this answer, on axes that are given or on new ones; the axes.

        Some answers have other pictures, by their ``kind``: "profile" and "tree" of a landscape, "surfaces" of fields
        in space, which show three slices else (extra ``pictures3d``). Labels are in ``units``, and free to be changed
        on what is returned. Raises ProblemError where there is nothing to draw.
        """
        shown: Any = import_module(_SHOWN_BY)
        axes: Axes = shown.answer_plot(self, ax, kind, units)
        return axes
