"""``fokker-planck plot RESULT``: the picture of a result folder, of its ``result.json``, or of a sweep."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fokker_planck.cli.arguments import OneLineParser
from fokker_planck.cli.ending import ANSWERED, COMMAND, ended

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWN_FIRST = ("committor", "stationary", "exit-law", "exit-time", "spectrum", "rates", "landscape")
"""Of several answers in a folder: what says most in one picture."""


def plot_command(arguments: Sequence[str]) -> int:
    """Run the command with its ``arguments``; the exit status."""
    options = _parser().parse_args(arguments)
    return ended(lambda: (_drawn(options), ANSWERED))


def _drawn(options: argparse.Namespace) -> str:
    os.environ["MPLBACKEND"] = "agg"
    import matplotlib
    from matplotlib.figure import Figure

    from fokker_planck.output.plots.density import TYPOGRAPHY, save_figure

    result = Path(options.result)
    with matplotlib.rc_context(TYPOGRAPHY):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        name = _draw(axes, result, options)
        path = Path(options.output) if options.output else Path(f"{result.stem}-{name}.png")
        from fokker_planck.errors import ProblemError

        try:
            save_figure(figure, path)
        except OSError as error:
            raise ProblemError("-o", str(path), f"a file that can be written ({error.strerror})") from None
    return f"written to {path}\n"


def _draw(axes: Axes, result: Path, options: argparse.Namespace) -> str:
    from fokker_planck.errors import ProblemError
    from fokker_planck.formulas.near import did_you_mean

    if result.is_file() and result.suffix != ".json":
        from fokker_planck.cli.sweeps.result import load_sweep

        load_sweep(result).plot(options.number, ax=axes, arrhenius=options.arrhenius)
        return "sweep"
    from fokker_planck.questions.loading import load

    saved = load(result)
    asked = options.question or next((name for name in (*DRAWN_FIRST, *saved) if name in saved), "")
    if asked not in saved:
        found = f"{asked!r}{did_you_mean(asked, saved)}"
        raise ProblemError("--question", found, f"one of {', '.join(saved)}, which the result holds")
    answer: Any = saved[asked]
    answer.plot(ax=axes)
    if saved.title:
        from fokker_planck.output.plots.canvas import text

        axes.set_title(text(saved.title), fontsize=11)
    return asked


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog=f"{COMMAND} plot",
        description="The picture of a result: of the committor first, if there is one.",
        epilog=f"example: {COMMAND} solve double_well_2d.toml && {COMMAND} plot results/double_well_2d",
        allow_abbrev=False,
    )
    parser.add_argument("result", metavar="RESULT", help="a result folder, its result.json, or the file of a sweep")
    parser.add_argument("-o", "--output", metavar="FILE", help="picture: .png, .svg or .pdf")
    parser.add_argument("--question", metavar="QUESTION", help="whose answer is drawn")
    parser.add_argument("--number", metavar="COLUMN", help="of a sweep: which number, such as exit-time.mean")
    parser.add_argument("--arrhenius", action="store_true", help="of a sweep: over one over the values")
    return parser
