"""Meshes as domains, with the sets that their tags name."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from fokker_planck.errors import ProblemError
from fokker_planck.mesh.parts import MeshData
from fokker_planck.mesh.union import MeshUnion
from fokker_planck.model.arguments import described
from fokker_planck.model.sets.shapes import Set
from fokker_planck.model.sets.tagged_sets import cells_with, facets_with
from fokker_planck.quantity.light_dataclasses import dataclass


class MeshDomain(MeshUnion):
    """The union of the cells of a mesh, straight or curved: of a file, or one that dolfinx holds."""

    def cell_set(self, tag: int | str) -> Set:
        """The union of the cells that carry a tag, or a name in a mesh file, as a set of this domain."""
        return cells_with(self, tag)

    def facet_set(self, tag: int | str) -> Set:
        """The facets of the boundary that carry a tag, or a name in a mesh file, as a set of this domain."""
        return facets_with(self, tag)


@dataclass(frozen=True)
class MeshFile(MeshDomain):
    """The union of the cells in a mesh file, straight or curved, read when it is first needed.

    Parameters
    ----------
    path
        of the file; formats as in :func:`fokker_planck.mesh.files.read_mesh`

    Examples
    --------
    >>> MeshFile("meshes/annulus.msh").facet_set("inner")
    facets tagged inner
    """

    path: Path

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, Path)):
            raise ProblemError("domain.file", described(self.path), "the path of a mesh file")
        object.__setattr__(self, "path", Path(self.path))

    @cached_property
    def data(self) -> MeshData:
        """Points, cells and named parts; raises :class:`MeshFileError` for a file that holds no usable mesh."""
        from fokker_planck.mesh.files import read_mesh

        return read_mesh(self.path)
