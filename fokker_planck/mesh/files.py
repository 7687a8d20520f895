"""Meshes from files: read by meshio, refused unless they are one conforming piece of simplices, straight or curved."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fokker_planck.errors import MeshFileError
from fokker_planck.formulas.arrays import Booleans
from fokker_planck.mesh.high_order import curved_cells
from fokker_planck.mesh.parts import Block, MeshData, mesh_of_blocks

#: Vertices come first in meshio's order, so the straight simplex of a curved one is its leading columns.
_SIMPLEX_DIMENSION = {"vertex": 0, "line": 1, "triangle": 2, "tetra": 3}
_OTHER_DIMENSION = {"quad": 2, "polygon": 2, "hexahedron": 3, "wedge": 3, "pyramid": 3, "polyhedron": 3}
"""Dimension of the kinds of cells, by the first part of meshio's name, that are not simplices."""


def read_mesh(path: str | Path, key: str = "domain.file") -> MeshData:
    """The mesh of simplices in a file: gmsh ``.msh``, and what else meshio reads (``.xdmf``, ``.vtu``, ``.inp``, ...).

    Cells are those of the highest dimension; simplices one dimension lower name facets. Cells of second or higher order
    give the boundary its curved facets; inside of the domain they are made straight, which changes nothing. Points that
    no cell uses are dropped, cells turned to positive volume, a mesh in a plane of constant z (on a line of constant y
    and z) becomes two- (one-) dimensional.

    ``key`` is the name used in errors. Raises :class:`MeshFileError` for a file that is missing, unreadable or of
    unknown format, and for a mesh that is empty, has other cells than simplices, indices out of range, points that are
    not finite or coincide, cells without volume or used twice, facets shared by more than two cells, overlapping
    neighbours, hanging nodes, or several pieces, or curved cells in another order of nodes than is known.

    >>> from fokker_planck.mesh.simplices import volumes
    >>> mesh = read_mesh("meshes/l_shape.msh")
    >>> mesh.dimension, round(float(volumes(mesh.points, mesh.cells).sum()), 12), sorted(mesh.facet_sets)
    (2, 3.0, ['left', 'outer'])
    """
    path = Path(path)
    mesh = _read(path, key)
    points = np.asarray(mesh.points, dtype=float)
    return mesh_of_blocks(points, list(_blocks(mesh, key, len(points))), key, path.name)


def _read(path: Path, key: str) -> Any:
    if path.is_dir():
        raise MeshFileError(key, f"the directory {path}", "a mesh file")
    if not path.exists():
        raise MeshFileError(key, f"no file {path}", "an existing mesh file")
    if not os.access(path, os.R_OK):
        raise MeshFileError(key, f"the file {path}, which may not be read", "a readable mesh file")
    if path.stat().st_size == 0:
        raise MeshFileError(key, f"the empty file {path}", "a mesh file")
    import meshio

    if not any(ending in meshio.extension_to_filetypes for ending in _endings(path)):
        raise MeshFileError(key, f"the file {path.name} of unknown format", "a name that ends in .msh, .xdmf, .vtu ...")
    said = io.StringIO()
    try:
        # meshio answers a file that it cannot parse with print and sys.exit, or with whatever its parser trips over
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return meshio.read(path)
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else said.getvalue()
        found = f"{path.name}, which cannot be read ({reason.strip()})"
        raise MeshFileError(key, found, "an intact mesh file") from None


def _endings(path: Path) -> Iterator[str]:
    ending = ""
    for suffix in reversed(path.suffixes):
        ending = (suffix + ending).lower()
        yield ending


def _blocks(mesh: Any, key: str, count: int) -> Iterator[Block]:
    named = _names(mesh)
    for i, block in enumerate(mesh.cells):
        family = _family(block.type)
        if family not in _SIMPLEX_DIMENSION:
            kind = next((name for name in _OTHER_DIMENSION if block.type.startswith(name)), block.type)
            raise MeshFileError(key, f"{len(block.data)} cells of type {kind}", "lines, triangles or tetrahedra only")
        dimension = _SIMPLEX_DIMENSION[family]
        vertices = np.asarray(block.data)
        if vertices.ndim != 2 or vertices.shape[1] < dimension + 1 or vertices.dtype.kind not in "iu":
            raise MeshFileError(
                key, f"a block of {block.type} of shape {vertices.shape}", "vertex numbers, a row a cell"
            )
        nodes, vertices = vertices.astype(np.int64), vertices[:, : dimension + 1].astype(np.int64)
        if len(vertices) == 0:
            continue
        if nodes.min() < 0 or nodes.max() >= count:
            worst = int(nodes.max() if nodes.max() >= count else nodes.min())
            raise MeshFileError(key, f"a cell with vertex number {worst}", f"vertex numbers from 0 to {count - 1}")
        curved = curved_cells(block.type, nodes, np.asarray(mesh.points, dtype=float), dimension, key)
        yield Block(dimension, vertices, {name: chosen[i] for name, chosen in named.items()}, curved)


def _family(kind: str) -> str:
    """The straight cell that a type of meshio curves: triangle6 -> triangle."""
    return kind.rstrip("0123456789")


def _names(mesh: Any) -> dict[str, list[Booleans]]:
    """For each name in the file which cells of each block carry it."""
    names: dict[str, list[Booleans]] = {}
    physical = mesh.cell_data.get("gmsh:physical")
    for name, field in mesh.field_data.items():
        if physical is not None and len(np.ravel(field)) == 2:
            tag, dimension = (int(value) for value in np.ravel(field))
            names[str(name)] = [
                (np.asarray(tags).ravel() == tag) & (_SIMPLEX_DIMENSION.get(_family(block.type)) == dimension)
                for tags, block in zip(physical, mesh.cells, strict=True)
            ]
    for name, parts in mesh.cell_sets.items():
        if str(name).startswith("gmsh:") or str(name) in names:
            continue
        chosen = []
        for part, block in zip(parts, mesh.cells, strict=True):
            mask = np.zeros(len(block.data), dtype=bool)
            if part is not None:
                mask[np.asarray(part, dtype=np.int64)] = True
            chosen.append(mask)
        names[str(name)] = chosen
    return names
