"""TOML from files and from the command line, with errors that fit on one line."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described

LARGEST_FILE = 1_000_000
"""Bytes: a problem file is a page of text; what is larger is some other file, which is not read to its end."""
MOST_PARTS_OF_A_KEY = 50  # dotted keys nest tables, and ever deeper tables exhaust the stack
KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; every failure is a :class:`ProblemError` whose key is the path."""
    key, wanted = str(path), "a problem file in TOML"
    if path.is_dir():
        raise ProblemError(key, "a directory", wanted)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"a file that cannot be read ({error})"
        raise ProblemError(key, found, wanted) from None
    if len(content) > LARGEST_FILE:
        raise ProblemError(key, f"more than {LARGEST_FILE} bytes", wanted)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(key, f"text that is not UTF-8 (at byte {error.start})", wanted) from None
    if not text.strip():
        raise ProblemError(key, "an empty file", wanted)
    return parsed(text, key)


def parsed(text: str, key: str) -> dict[str, Any]:
    """The tables of a TOML text."""
    if _most_parts_of_a_key(text) > MOST_PARTS_OF_A_KEY:
        raise ProblemError(key, f"a key of more than {MOST_PARTS_OF_A_KEY} parts", "the keys of a problem file")
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and integers of more digits than Python converts
        raise ProblemError(key, f"invalid TOML: {error}", "valid TOML") from None
    except RecursionError:
        raise ProblemError(key, "invalid TOML: brackets nested too deep", "valid TOML") from None


def overridden(tables: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A copy of the tables with every "key.path=value" put in; the value is TOML or, failing that, a bare text.

    >>> overridden({"diffusion": {"epsilon": 0.1}}, ["diffusion.epsilon=0.2", "title=two wells"])
    {'diffusion': {'epsilon': 0.2}, 'title': 'two wells'}
    """
    settings = {}
    for text in overrides:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not KEY.fullmatch(path):
            raise ProblemError("--set", described(text), "key.path=value, for example diffusion.epsilon=0.1")
        if path.count(".") >= MOST_PARTS_OF_A_KEY:
            raise ProblemError("--set", f"a key of more than {MOST_PARTS_OF_A_KEY} parts", "the keys of a problem file")
        settings[path] = value_of(value.strip())
    return replaced(tables, settings)


def replaced(tables: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the tables with the values of ``settings`` at their dotted keys."""
    result = copy.deepcopy(dict(tables))
    for path, value in settings.items():
        *parents, last = path.split(".")
        table = result
        for depth, name in enumerate(parents):
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                inner = ".".join(parents[: depth + 1])
                raise ProblemError(path, f"the value {table!r} at {inner}", f"a key of a table: {inner} is not one")
        table[last] = copy.deepcopy(value)
    return result


def _most_parts_of_a_key(text: str) -> int:
    """Of the longest: in a header, or between an equals sign and the comma, brace or new line before it."""
    headers = [line for line in text.splitlines() if line.lstrip().startswith("[")]
    keys = [re.split(r"[{,\n]", before)[-1] for before in text.split("=")[:-1]]
    return max((key.count(".") for key in (*headers, *keys)), default=0) + 1


def value_of(text: str) -> Any:
    """A value as TOML, or failing that a bare text."""
    try:
        tables = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return tables["value"] if list(tables) == ["value"] else text
