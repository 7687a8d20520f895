"""Functions of 40 lines, files of 320, six parameters, 15 entries at the root: what is longer says why."""

import ast
from collections.abc import Iterator
from pathlib import Path

from sources import PACKAGE, files, nodes

LINES_OF_A_FUNCTION, LINES_OF_A_FILE, PARAMETERS, ENTRIES = 40, 320, 6, 15
"""Of code, without docstring, comments and blank lines; of a file, all but docstrings of functions and classes, whose
sections take a line for a name; of a signature, without ``self``, and with one
for ``*`` and ``**``; of the root, all that Python imports."""

LONG_FUNCTIONS: dict[str, str] = {}
LONG_FILES: dict[str, str] = {}
"""What is longer, and why: nothing."""
MOST_PARAMETERS = {
    "questions/studies/noise_study.py:noise_study": (
        13,
        "a study by name, nearly all optional, and options of problems",
    ),
    "formulas/bounds/narrow_features.py:seen_boxes": (9, "bounds of a search, by name"),
}
USUAL_MOST = 8
"""Of formulas, whose parameters are the letters they are written with, and of what hands arrays on that belong
together; seven and eight are too many elsewhere, and are ``CROWDED``."""
CROWDED = 38
"""Signatures of seven or eight parameters: fewer are better, more are not allowed."""


def functions() -> Iterator[tuple[str, ast.FunctionDef, list[str]]]:
    for path in files():
        lines = path.read_text().splitlines()
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(PACKAGE).as_posix()}:{node.name}", node, lines


def lines_of_code(function: ast.FunctionDef, lines: list[str]) -> int:
    """Without docstring, comments and blank lines.

    >>> text = 'def f():\\n    "What."\\n\\n    # why\\n    return 1'
    >>> lines_of_code(ast.parse(text).body[0], text.splitlines())
    2
    """
    first = function.body[0]
    said = range(first.lineno, (first.end_lineno or 0) + 1) if ast.get_docstring(function) is not None else range(0)
    code = [lines[n - 1].strip() for n in range(function.lineno, (function.end_lineno or 0) + 1) if n not in said]
    return sum(bool(line) and not line.startswith("#") for line in code)


def lines_but_docstrings(path: Path) -> int:
    """Of a file, docstrings of its functions and classes left out."""
    defined = (node for node in nodes(path) if isinstance(node, ast.FunctionDef | ast.ClassDef))
    said = [node.body[0] for node in defined if ast.get_docstring(node) is not None]
    return len(path.read_text().splitlines()) - sum((each.end_lineno or 0) - each.lineno + 1 for each in said)


def parameters(function: ast.FunctionDef) -> int:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    rest = [one for one in (given.vararg, given.kwarg) if one is not None]
    return len([name for name in names if name not in ("self", "cls")]) + len(rest)


def test_functions_are_short():
    long = {name for name, node, lines in functions() if lines_of_code(node, lines) > LINES_OF_A_FUNCTION}
    assert long - set(LONG_FUNCTIONS) == set(), "cut it into steps with names"
    assert set(LONG_FUNCTIONS) - long == set(), "no longer an exception"


def test_files_are_of_one_idea():
    length = {path.relative_to(PACKAGE).as_posix(): lines_but_docstrings(path) for path in files()}
    long = {name for name, count in length.items() if count > LINES_OF_A_FILE}
    assert long - set(LONG_FILES) == set(), "split it by idea"
    assert set(LONG_FILES) - long == set(), "no longer an exception"


def test_signatures_can_be_read():
    count = {name: parameters(node) for name, node, _ in functions()}
    most = {name: number for name, (number, _) in MOST_PARAMETERS.items()}
    assert {name: n for name, n in count.items() if n > most.get(name, USUAL_MOST)} == {}
    assert sum(PARAMETERS < n <= USUAL_MOST for n in count.values()) <= CROWDED


def test_the_root_is_readable():
    entries = [entry.name for entry in PACKAGE.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").is_file()]
    assert len(entries) <= ENTRIES
