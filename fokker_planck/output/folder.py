"""Result folders: JSON, fields for ParaView, one picture; written whole or not at all.

A folder holds ``result.json`` (always the last file to arrive: where it is, the folder is complete), fields as
``.vtu``, arrays to go on from as ``.npz``, and pictures.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fokker_planck.errors import FokkerPlanckError, ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.output.interruption import ended_with_nothing_left
from fokker_planck.output.origin import origin
from fokker_planck.output.parallel import World, from_first_rank, world
from fokker_planck.output.saved_field import SavedField
from fokker_planck.output.serialize import json_text, statistics_json
from fokker_planck.quantity.light_dataclasses import dataclass, field

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fokker_planck.fem.fields.field import Field
    from fokker_planck.output.plots.picture import Picture
    from fokker_planck.solvers.results.steady import Statistics

RESULT = "result.json"
PICTURE = "density.png"
LONGEST_NAME = 220  # the draft beside the folder has some more characters, and file systems take 255
PROGRAM = "fokker_planck"
CELL_KIND = {1: "line", 2: "triangle", 3: "tetra"}
PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "meshio", "matplotlib", "mpi4py", "petsc4py", "slepc4py")


@dataclass(frozen=True)
class Grid:
    """Fields on one triangulation: ``points`` (n, dim), simplices ``cells`` (m, dim + 1), values (n,) by name."""

    points: Floats
    cells: Integers
    values: dict[str, Floats]


@dataclass(frozen=True)
class Contents:
    """What goes into a folder, collected on all ranks before the first of them writes it.

    Parameters
    ----------
    result
        the object of ``result.json``, to which the list of files is added
    grids
        fields by name of file
    picture
        of the density, where there is one
    figures
        pictures of other answers, by name of file
    arrays
        arrays by their names, by name of file
    """

    result: Mapping[str, Any]
    grids: Mapping[str, Grid]
    picture: Picture | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    arrays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def write_folder(folder: str | Path, contents: Contents, ranks: World | None = None) -> tuple[str, ...]:
    """Write results into ``folder``; the names of the files written.

    A folder that exists keeps its other files, while those of an earlier result are replaced.  Under MPI every rank
    calls this, rank 0 writes.

    Raises ProblemError (key ``-o``) where the folder cannot be written.
    """
    ranks = world() if ranks is None else ranks
    folder = Path(folder)
    failure: Exception | None = None
    names: tuple[str, ...] = ()
    if ranks.speaks:
        try:
            names = _write(folder, contents)
        except (OSError, FokkerPlanckError) as error:
            failure = error
    names, failure = from_first_rank(ranks, (names, failure))
    if isinstance(failure, OSError):
        raise ProblemError("-o", str(folder), f"a folder that can be written ({failure.strerror or failure})")
    if failure is not None:
        raise failure
    return names


def check_folder(folder: str | Path) -> None:
    """Raise ProblemError (key ``-o``) before a long computation where its results could not be saved."""
    folder = Path(folder)
    if any(len(os.fsencode(part)) > LONGEST_NAME or "\0" in part for part in folder.parts):
        raise ProblemError("-o", f"{str(folder)[:60]!r}", f"the name of a folder, of {LONGEST_NAME} characters at most")
    if folder.exists() and not folder.is_dir():
        raise ProblemError("-o", str(folder), "a folder, not a file")
    if (folder / RESULT).exists() and _files_of(folder / RESULT) is None:
        raise ProblemError("-o", str(folder), f"a folder whose {RESULT} is this program's own")
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise PermissionError
        # that does not tell everything: root may do what a pseudo or read-only file system cannot
        os.rmdir(tempfile.mkdtemp(prefix=f".{PROGRAM}-", dir=nearest))
    except OSError:
        raise ProblemError("-o", str(folder), f"a folder that can be written ({nearest} cannot)") from None


def provenance(costs: Mapping[str, Statistics], problem: Mapping[str, object], ranks: int = 1) -> dict[str, Any]:
    """Where numbers come from: versions, the problem as it was read, sizes of the discretisations, seconds."""
    import fokker_planck

    versions = {PROGRAM: fokker_planck.__version__, "python": platform.python_version()}
    versions.update({package: version for package in PACKAGES if (version := _version(package)) is not None})
    for cost in costs.values():
        versions["dolfinx"] = cost.dolfinx
    return {
        "program": PROGRAM,
        "versions": versions,
        "machine": f"{platform.system()} {platform.machine()}",
        "ranks": ranks,
        "command": " ".join(map(shlex.quote, sys.argv)),
        **origin(),
        "tolerance": _tolerance(problem),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "statistics": {name: statistics_json(cost) for name, cost in costs.items()},
        "problem": dict(problem),
    }


def _tolerance(problem: Mapping[str, object]) -> float | None:
    """The one that was asked for, or that of a file which asks for none; None where no file was given."""
    from fokker_planck.model.problem import Resolution

    asked = problem.get("discretization", {})
    if not problem or not isinstance(asked, Mapping):
        return None
    return float(asked.get("tolerance", Resolution().tolerance))


def write_grid(path: Path, grid: Grid) -> None:
    """Write fields as a .vtu file; points in one and two dimensions get zero further coordinates."""
    import meshio

    dimension = grid.points.shape[1]
    points = np.zeros((len(grid.points), 3))
    points[:, :dimension] = grid.points
    values = {name: np.ascontiguousarray(field, dtype=float) for name, field in grid.values.items()}
    meshio.Mesh(points, [(CELL_KIND[dimension], grid.cells)], point_data=values).write(path, file_format="vtu")


def grid_of(fields: Mapping[str, Field]) -> Grid | None:
    """Fields of one answer on the mesh they share; None where there are none. Under MPI every rank calls this."""
    values: dict[str, Floats] = {}
    for name, function in fields.items():
        points, cells, numbers = function.triangulation()
        values[name] = numbers
        if function.logarithm:
            # minus infinity would spoil the range of colours, nan is left blank
            values[f"log_{name}"] = np.where(np.isneginf(function.log_values), np.nan, function.log_values)
    return Grid(np.asarray(points), np.asarray(cells), values) if values else None


def polynomials_of(fields: Mapping[str, Field | SavedField]) -> dict[str, Any]:
    """Fields of one answer as arrays; nothing where there are none. Under MPI every rank calls this."""
    from fokker_planck.fem.fields.field import Field
    from fokker_planck.fem.fields.field_arrays import arrays_of_fields

    kinds = {type(function) for function in fields.values()}
    if kinds == {Field}:
        return arrays_of_fields(cast("Mapping[str, Field]", fields))
    kept = {function.kept for function in fields.values() if isinstance(function, SavedField)}
    path = kept.pop() if kinds == {SavedField} and len(kept) == 1 else None
    if path is None or not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _write(folder: Path, contents: Contents) -> tuple[str, ...]:
    from fokker_planck.output.plots.density import save_figure, save_picture

    check_folder(folder)
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned_drafts(folder)
    with ended_with_nothing_left() as later, contextlib.ExitStack() as remaining:
        with later():
            draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-{os.getpid()}-", dir=folder.parent))
            remaining.callback(shutil.rmtree, draft, ignore_errors=True)
        draft.chmod(0o777 & ~_umask())
        for name, grid in contents.grids.items():
            write_grid(draft / name, grid)
        for name, arrays in contents.arrays.items():
            np.savez_compressed(draft / name, **arrays)
        if contents.picture is not None:
            save_picture(contents.picture, draft / PICTURE)
        for name, figure in contents.figures.items():
            save_figure(figure, draft / name)
        names = (RESULT, *sorted(path.name for path in draft.iterdir()))
        result = {**contents.result, "files": list(names)}
        (draft / RESULT).write_text(json_text(result) + "\n", encoding="utf-8")
        with later():
            _put_in_place(draft, folder, names)
            remaining.close()
    return names


def _remove_abandoned_drafts(folder: Path) -> None:
    """Hidden drafts beside the folder whose process was killed before it could remove them."""
    pattern = re.compile(rf"\.{re.escape(folder.name)}-(\d+)-\w+")
    for path in folder.parent.iterdir():
        named = pattern.fullmatch(path.name)
        if named is not None and path.is_dir() and not _runs(int(named.group(1))):
            shutil.rmtree(path, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _put_in_place(draft: Path, folder: Path, names: tuple[str, ...]) -> None:
    if not folder.is_symlink():
        with contextlib.suppress(OSError):  # it exists and is not empty
            draft.rename(folder)
            return
    stale = set(_files_of(folder / RESULT) or ()) - set(names)
    (folder / RESULT).unlink(missing_ok=True)
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    for name in (*names[1:], RESULT):
        os.replace(draft / name, folder / name)


def _files_of(result: Path) -> tuple[str, ...] | None:
    """The files that an earlier result lists, in its own folder; None where the file is not one of this program."""
    try:
        content = json.loads(result.read_text(encoding="utf-8"))
        if content["provenance"]["program"] != PROGRAM:
            return None
        return tuple(name for name in content["files"] if name == RESULT or _is_own(name))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_own(name: Any) -> bool:
    """Fields, arrays and pictures, in the folder itself."""
    return isinstance(name, str) and Path(name).name == name and name.endswith((".vtu", ".npz", ".png"))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
