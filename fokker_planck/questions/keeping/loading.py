"""Results read back from a folder: answers as they were returned, with their fields and where they come from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.output.folder import PROGRAM, RESULT
from fokker_planck.output.records import answer_of
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.quantity.units import NONE, Units

if TYPE_CHECKING:
    from fokker_planck.output.saved_field import LostField, SavedField

WANTED = f"a result folder of this program, or its {RESULT}"


@dataclass(frozen=True, repr=False)
class SavedResult(Mapping[str, object]):
    """Answers by name of question, as they were saved.

    Parameters
    ----------
    title
        of the problem
    problem
        its file as it was read, empty where none was given
    provenance
        versions, command, date, tolerance, sizes of the discretisations
    units
        of the numbers, for labels
    """

    title: str
    problem: Mapping[str, object]
    provenance: Mapping[str, object]
    _answers: Mapping[str, object] = field(default_factory=dict)
    units: Units = NONE

    def __getitem__(self, question: str) -> object:
        if question not in self._answers:
            known = ", ".join(self._answers) or "no answers"
            raise KeyError(f"{question}{did_you_mean(str(question), self._answers)}: there is {known}")
        return self._answers[question]

    def __iter__(self) -> Iterator[str]:
        return iter(self._answers)

    def __len__(self) -> int:
        return len(self._answers)

    def __str__(self) -> str:
        """The tables of the command line."""
        from fokker_planck.questions.keeping.report import render

        return render(self._answers, self.title).rstrip("\n")

    def __repr__(self) -> str:
        return f"<SavedResult {self.title!r}: {', '.join(self)}>"


def load(path: str | Path) -> SavedResult:
    """The answers in a result folder, or in its ``result.json``: numbers, and the fields that were saved.

    They are what the questions returned, to the last digit; fields are the polynomials that were computed, as long as
    their .npz is beside the .vtu, and linear between the nodes without. Without their .vtu numbers are there, and a
    field that is asked for is an error.

    Parameters
    ----------
    path
        of the folder, or of the file in it

    Returns
    -------
    SavedResult
        The answers by name of question, with the problem and its provenance.

    Raises
    ------
    ProblemError
        Where there is no such result.

    Examples
    --------
    >>> import fokker_planck as fp, tempfile
    >>> process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05))
    >>> time = fp.mean_exit_time(fp.Problem(process, fp.Box([-2.0], [2.0])), -1.0, fp.HalfSpace([1.0], 1.0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = fp.save(folder, {"exit-time": time})
    ...     fp.load(folder)["exit-time"].mean == time.mean
    True
    """
    path = Path(path)
    file = path / RESULT if path.is_dir() else path
    content = _content(file)
    answers = {}
    for name, written in content["records"].items():
        files = _Files(file.parent / f"{name}.vtu")
        answers[name] = _gone_on_from(name, answer_of(written, files.field), file.parent / f"{name}.npz")
    provenance = content["provenance"]
    return SavedResult(
        content.get("title", ""), provenance.get("problem", {}), provenance, answers, Units(**content.get("units", {}))
    )


def _gone_on_from(name: str, answer: object, path: Path) -> object:
    """An answer with what it can be gone on from, where that was kept."""
    import numpy as np

    from fokker_planck.questions.registry import entry_of

    if not path.exists() or (resumed := entry_of(answer, name).resumed) is None:
        return answer
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return resumed(answer, dict(arrays))
    except (OSError, ValueError, BadZipFile) as error:
        raise ProblemError(str(path), f"a file that cannot be read ({error})", WANTED) from None


@dataclass(frozen=True)
class _Files:
    """The fields of one question, read where they are asked for; lost where the .vtu was not kept beside the JSON."""

    path: Path

    @cached_property
    def _fields(self) -> dict[str, SavedField]:
        from fokker_planck.output.saved_field import read_fields

        return read_fields(self.path) if self.path.exists() else {}

    def field(self, name: str) -> SavedField | LostField:
        from fokker_planck.output.saved_field import LostField

        return self._fields.get(name) or LostField(name, self.path)


def _content(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProblemError(str(file), "no such file", WANTED) from None
    except (OSError, ValueError) as error:
        raise ProblemError(str(file), f"a file that cannot be read ({error})", WANTED) from None
    named = content.get("provenance", {}) if isinstance(content, dict) else {}
    if not isinstance(named, dict) or named.get("program") != PROGRAM or not isinstance(content.get("records"), dict):
        found = "no result of this program" if not named else "a result without records, of an earlier version"
        raise ProblemError(str(file), found, WANTED)
    return content
