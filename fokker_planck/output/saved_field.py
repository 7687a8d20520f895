"""A field as a result folder keeps it: values at points, and the polynomials of the solution between them."""

from __future__ import annotations

import contextlib
import io
import warnings
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.locator import Locator
from fokker_planck.mesh.point_function import PointFunction
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    from fokker_planck.fem.fields.field import Field

POLYNOMIALS = "-fields.npz"
"""How the name of the file ends that keeps them, where that of the values at points ends with .vtu."""


@dataclass(frozen=True, repr=False)
class SavedField(PointFunction):
    """The function with values (or logarithms) ``nodal`` (n,) at ``points`` (n, dim), linear on ``cells`` (m, dim + 1).

    At the points it is what was computed, between them as well if the polynomials of the solution were ``kept`` beside,
    as the .npz of :func:`fokker_planck.output.folder.polynomials_of`.
    """

    name: str
    points: Floats
    cells: Integers
    nodal: Floats
    logarithm: bool = False
    kept: Path | None = None

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point."""
        return int(self.points.shape[1])

    def triangulation(self) -> tuple[Floats, Integers, Floats]:
        """Points (n, dim), cells (m, dim + 1) and values (n,)."""
        return self.points, self.cells, self.values

    @property
    def values(self) -> Floats:
        """Values at the points."""
        return self._values(self.nodal)

    @property
    def log_values(self) -> Floats:
        """Natural logarithms of the values at the points."""
        return self._logs(self.nodal)

    @property
    def in_a_box(self) -> bool:
        """Whether the domain, as far as can be told from its points, is the box around them."""
        extent = np.ptp(self.points, axis=0)
        edges = self.points[self.cells][:, 1:] - self.points[self.cells][:, :1]
        volume = np.abs(np.linalg.det(edges)).sum() / np.prod(np.arange(1, self.points.shape[1] + 1))
        return bool(abs(volume / np.prod(extent) - 1.0) < 1e-9)

    @cached_property
    def _locator(self) -> Locator:
        return Locator(self.points, self.cells)

    @cached_property
    def _polynomials(self) -> Field | None:
        if self.kept is None or not self.kept.exists():
            return None
        try:
            from fokker_planck.fem.fields.field_arrays import WANTED, fields_of
        except ImportError:
            warnings.warn("without dolfinx fields that were loaded are linear between the nodes", stacklevel=4)
            return None
        try:
            with np.load(self.kept, allow_pickle=False) as arrays:
                return fields_of(dict(arrays), str(self.kept)).get(self.name)
        except (OSError, ValueError, BadZipFile) as error:
            raise ProblemError(str(self.kept), f"a file that cannot be read ({error})", WANTED) from None

    def _at(self, points: Floats) -> Floats:
        if self._polynomials is not None:
            return np.asarray(self._polynomials.log(points) if self.logarithm else self._polynomials(points))
        cell = self._locator.find(points)
        inside = cell >= 0
        result = np.full(points.shape[1], np.nan)
        weights = self._locator.barycentric(points[:, inside], cell[inside])
        result[inside] = np.einsum("nv,nv->n", weights, self.nodal[self.cells[cell[inside]]])
        return result

    def __repr__(self) -> str:
        return f"<SavedField {self.name!r}: {len(self.points)} points>"


@dataclass(frozen=True)
class LostField:
    """A field whose .vtu is not where it was saved: whatever is asked of it is an error that says so."""

    name: str
    path: Path

    def __call__(self, x: Floats) -> Floats:
        """No values: raises ProblemError."""
        raise self.error

    def log(self, x: Floats) -> Floats:
        """No logarithms: raises ProblemError."""
        raise self.error

    def triangulation(self) -> tuple[Floats, Integers, Floats]:
        """No points: raises ProblemError."""
        raise self.error

    @property
    def values(self) -> Floats:
        """No values: raises ProblemError."""
        raise self.error

    @property
    def log_values(self) -> Floats:
        """No logarithms: raises ProblemError."""
        raise self.error

    @property
    def error(self) -> ProblemError:
        """That the field was not kept."""
        found = f"no field {self.name!r} of the result that was loaded"
        return ProblemError(str(self.path), found, "the .vtu that was saved, beside its result.json")


def read_fields(path: Path) -> dict[str, SavedField]:
    """The fields of a .vtu file by name; one kept by its logarithm once, under its own name.

    Raises ProblemError where the file is missing or is none.
    """
    import meshio

    try:
        with contextlib.redirect_stderr(io.StringIO()):  # meshio's own words, beside its exception
            mesh = meshio.read(path)
    except (Exception, SystemExit) as error:  # meshio leaves the process where a file has no known ending
        raise ProblemError(str(path), f"no field file ({type(error).__name__})", "the .vtu that was saved") from None
    cells = np.asarray(mesh.cells[0].data, dtype=np.int64)
    points = np.asarray(mesh.points, dtype=float)[:, : cells.shape[1] - 1]
    found, kept = {}, path.with_name(f"{path.stem}{POLYNOMIALS}")
    for name, values in mesh.point_data.items():
        log = mesh.point_data.get(f"log_{name}")
        if log is not None:
            # nan is how minus infinity was written
            values = np.where(np.isnan(log), -np.inf, log)
        if not (name.startswith("log_") and name[4:] in mesh.point_data):
            nodal = np.asarray(values, dtype=float)
            found[name] = SavedField(name, points, cells, nodal, log is not None, kept)
    return found
