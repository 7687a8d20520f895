"""Somebody who has never seen the package follows a number from the command to the factorisation: in ten files."""

import re
import sys
from pathlib import Path

import pytest

import fokker_planck
from fokker_planck.cli.command import main

ROOT = Path(fokker_planck.__file__).parent
PROJECT = Path(__file__).resolve().parents[2]  # the package itself may be an installed one
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"
FACTORS, IN_SERIES = "fem/_petsc.py", "fem/algebra/line_chain.py"
BEFORE = ("cli/problem_file.py", "questions/registry.py")
"""Which the command asks for the problem and for the question, and which have returned when numbers are computed."""


def files_above(frame):
    """The files of the package through which a call came, the first first."""
    found = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if ROOT in path.parents:
            found.append(path.relative_to(ROOT).as_posix())
        frame = frame.f_back
    return list(dict.fromkeys(reversed(found)))


ROTATION = 'drift.extra=["-y", "x**3 - x"]'
CASES = {
    "on a line": ("double_well_1d", (), IN_SERIES),
    "in the plane": ("double_well_2d", ("--tolerance", "1e-3"), FACTORS),
    "without detailed balance": ("double_well_2d", ("--tolerance", "1e-2", "--set", ROTATION), FACTORS),
}


@pytest.mark.parametrize(("example", "options", "algebra"), CASES.values(), ids=CASES.keys())
def test_from_the_command_to_the_number_in_ten_files_which_contributing_lists(example, options, algebra, capsys):
    ways = set()

    def watch(frame, event, _):
        if event == "call" and frame.f_code.co_filename == str(ROOT / algebra):
            ways.add((*BEFORE, *files_above(frame)))

    sys.setprofile(watch)
    try:
        assert main(["exit-time", str(PROJECT / "examples" / f"{example}.toml"), "-q", "--json", *options]) == 0
    finally:
        sys.setprofile(None)
    capsys.readouterr()
    listed = re.search(r"## From the command to the number\n(.*?)\n## ", CONTRIBUTING.read_text(), re.DOTALL).group(1)
    numbered = re.findall(r"^\d+\. `([a-z_]+(?:/[a-z_]+)+\.py)`", listed, re.MULTILINE)
    assert len(numbered) == 10
    assert numbered[-1] == FACTORS
    assert any(set(way) == {*numbered[:-1], algebra} for way in ways), ways
    for way in ways:
        assert way[2] == "cli/command.py"
        assert len(way) <= 10, way
        assert set(way) <= set(re.findall(r"`([a-z_]+(?:/[a-z_]+)+\.py)`", listed)), way
