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
    from matplotlib.figure import Figure

FILMS = (".gif", ".mp4")
"""Endings of films, which there are of densities in time."""
DRAWN_FIRST = ("committor", "stationary", "exit-law", "exit-time", "spectrum", "rates", "landscape")
"""Of several answers in a folder: what says most in one picture."""


def plot_command(arguments: Sequence[str]) -> int:
    """Run the command with its ``arguments``; the exit status."""
    options = _parser().parse_args(arguments)
    return ended(lambda: (_drawn(options), ANSWERED))


def _drawn(options: argparse.Namespace) -> str:
    os.environ["MPLBACKEND"] = "agg"
    from fokker_planck.errors import ProblemError
    from fokker_planck.output.plots.density import save_figure

    result = Path(options.result)
    if options.output and Path(options.output).suffix in FILMS:
        return _film(result, options)
    figure, name = _figure(result, options)
    path = Path(options.output) if options.output else Path(f"{result.stem}-{name}.png")
    try:
        save_figure(figure, path)
    except OSError as error:
        raise ProblemError("-o", str(path), f"a file that can be written ({error.strerror})") from None
    return f"written to {path}\n"


def _figure(result: Path, options: argparse.Namespace) -> tuple[Figure, str]:
    """The picture, and what it shows."""
    if result.is_file() and result.suffix != ".json":
        return _of_sweep(result, options), "sweep"
    from fokker_planck.errors import ProblemError
    from fokker_planck.formulas.parsing.near import did_you_mean
    from fokker_planck.questions.keeping.loading import load
    from fokker_planck.questions.keeping.report import answer_figure

    saved = load(result)
    asked = options.question or next((name for name in (*DRAWN_FIRST, *saved) if name in saved), "")
    if asked not in saved:
        found = f"{asked!r}{did_you_mean(asked, saved)}"
        raise ProblemError("--question", found, f"one of {', '.join(saved)}, which the result holds")
    figure = answer_figure(saved[asked], saved.title, options.kind or "", saved.units)
    return figure, f"{asked}-{options.kind}" if options.kind else asked


def _film(result: Path, options: argparse.Namespace) -> str:
    from fokker_planck.errors import ProblemError
    from fokker_planck.output.plots.evolution import film
    from fokker_planck.questions.keeping.loading import load

    saved = load(result) if not result.is_file() or result.suffix == ".json" else {}
    answer: Any = saved.get("evolve")
    if answer is None:
        raise ProblemError("-o", options.output, "a picture, .png, .svg or .pdf: films are of the answer to evolve")
    film(answer, options.output, getattr(saved, "title", ""), getattr(saved, "units", None))
    return f"written to {options.output}\n"


def _of_sweep(result: Path, options: argparse.Namespace) -> Figure:
    import matplotlib
    from matplotlib.figure import Figure

    from fokker_planck.cli.sweeps.result import load_sweep
    from fokker_planck.output.plots.canvas import ONE
    from fokker_planck.output.plots.density import TYPOGRAPHY

    with matplotlib.rc_context(TYPOGRAPHY):
        figure = Figure(figsize=ONE, layout="compressed")
        load_sweep(result).plot(options.number, ax=figure.add_subplot(), arrhenius=options.arrhenius)
    return figure


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog=f"{COMMAND} plot",
        description="The picture of a result: of the committor first, if there is one.",
        epilog=f"example: {COMMAND} solve double_well_2d.toml && {COMMAND} plot results/double_well_2d",
        allow_abbrev=False,
    )
    parser.add_argument("result", metavar="RESULT", help="a result folder, its result.json, or the file of a sweep")
    files = "picture: .png, .svg or .pdf; film of a density in time: .gif or .mp4"
    parser.add_argument("-o", "--output", metavar="FILE", help=files)
    parser.add_argument("--question", metavar="QUESTION", help="whose answer is drawn")
    parser.add_argument("--kind", metavar="KIND", help="another picture of it: profile, tree, surfaces, ...")
    parser.add_argument("--number", metavar="COLUMN", help="of a sweep: which number, such as exit-time.mean")
    parser.add_argument("--arrhenius", action="store_true", help="of a sweep: over one over the values")
    return parser
