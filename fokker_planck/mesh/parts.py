"""Cells, facets and their names, from wherever they come: one conforming piece of simplices, or an error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.errors import MeshFileError
from fokker_planck.formulas.arrays import Booleans, Floats, Integers
from fokker_planck.mesh.checks import check_mesh, facets_of
from fokker_planck.mesh.curved_facets import CurvedFacets
from fokker_planck.mesh.high_order import CurvedCells, bent_inside, curved_boundary
from fokker_planck.mesh.simplices import volumes
from fokker_planck.quantity.light_dataclasses import dataclass


@dataclass(frozen=True)
class MeshData:
    """A conforming mesh of simplices.

    ``points`` (n, dim); ``cells`` (m, dim + 1), of positive volume; ``cell_sets``: for each named part of the domain
    which cells belong to it, (m,); ``facet_sets``: for each named part of facets their vertices, (k, dim); ``curved``:
    the facets of the boundary that are not straight; ``bent_inside`` (k, dim): the vertices of those facets between two
    cells that were not straight in the mesh as it was given, and are here.
    """

    points: Floats
    cells: Integers
    cell_sets: dict[str, Booleans]
    facet_sets: dict[str, Integers]
    curved: CurvedFacets | None = None
    bent_inside: Integers | None = None

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.points.shape[1])

    @property
    def outline(self) -> Floats:
        """The vertices, and points along the curved facets, (k, dim)."""
        return self.points if self.curved is None else np.concatenate([self.points, self.curved.spread])

    def __repr__(self) -> str:
        return f"<MeshData: {len(self.cells)} cells and {len(self.points)} points in {self.dimension} dimensions>"


@dataclass(frozen=True)
class Block:
    """Simplices of one dimension: numbers of their ``vertices`` (m, dim + 1), and which of them carry each name.

    Of cells that are ``curved`` all nodes are kept as well.
    """

    dimension: int
    vertices: Integers
    names: dict[str, Booleans]
    curved: CurvedCells | None = None


def mesh_of_blocks(points: Floats, blocks: Sequence[Block], key: str, name: str) -> MeshData:
    """The mesh of ``points`` (n, any) and blocks of cells and facets, of whatever ``name``, checked and put in order.

    Cells are those of the highest dimension; simplices one dimension lower name facets.  Points that no cell uses are
    dropped, cells turned to positive volume, a mesh in a plane of constant z (on a line of constant y and z) becomes
    two- (one-) dimensional.

    Raises :class:`MeshFileError` as :func:`fokker_planck.mesh.files.read_mesh` does.
    """
    given = np.atleast_2d(np.asarray(points, dtype=float))
    dimension = max((block.dimension for block in blocks), default=0)
    if dimension == 0:
        raise MeshFileError(key, f"a mesh without cells in {name}", "lines, triangles or tetrahedra")
    cells, cell_sets = _gathered([b for b in blocks if b.dimension == dimension], dimension)
    facets, facet_sets = _gathered([b for b in blocks if b.dimension == dimension - 1], dimension - 1)
    used, cells = np.unique(cells, return_inverse=True)
    cells = cells.reshape(-1, dimension + 1).astype(np.int64)
    points = _flat(given[used], dimension, key)
    number = np.full(len(given), -1, dtype=np.int64)
    number[used] = np.arange(len(used))
    negative = volumes(points, cells) < 0.0
    cells[negative, -2:] = cells[negative, :-3:-1]
    check_mesh(points, cells, key)
    facets = number[facets]
    _check_facets(facets, cells, key)
    curved = [b.curved for b in blocks if b.curved and b.dimension == dimension]
    named = {each: facets[chosen] for each, chosen in facet_sets.items()}
    return MeshData(
        points, cells, cell_sets, named, curved_boundary(curved, given, number), bent_inside(curved, given, number)
    )


def _gathered(blocks: list[Block], dimension: int) -> tuple[Integers, dict[str, Booleans]]:
    """All simplices of the blocks in one array, and the names that at least one of them carries."""
    if not blocks:
        return np.zeros((0, dimension + 1), dtype=np.int64), {}
    names: dict[str, Booleans] = {}
    for name in blocks[0].names:
        chosen = np.concatenate([block.names[name] for block in blocks])
        if chosen.any():
            names[name] = chosen
    return np.concatenate([block.vertices for block in blocks]), names


def _flat(points: Floats, dimension: int, key: str) -> Floats:
    """The first ``dimension`` coordinates, if the others do not vary."""
    if not np.isfinite(points).all():
        raise MeshFileError(key, "points with coordinates that are not finite", "finite coordinates")
    if points.shape[1] < dimension:
        raise MeshFileError(key, f"cells of dimension {dimension} on points of {points.shape[1]} coordinates", "enough")
    rest = points[:, dimension:]
    size = float(np.ptp(points, axis=0).max())
    if rest.size and np.ptp(rest, axis=0).max() > 1e-12 * size:
        what = "a curve in space" if dimension == 1 else "a surface in space"
        flat = "a straight line along x" if dimension == 1 else "triangles in a plane of constant z"
        raise MeshFileError(key, what, f"{flat}, or tetrahedra")
    return np.ascontiguousarray(points[:, :dimension])


def _check_facets(facets: Integers, cells: Integers, key: str) -> None:
    """Named and unnamed facets must be facets of the cells."""
    if not len(facets):
        return
    rows = np.concatenate([np.sort(facets, axis=1), np.unique(np.sort(facets_of(cells), axis=1), axis=0)])
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    known = np.zeros(len(first), dtype=bool)
    known[inverse.ravel()[len(facets) :]] = True
    stray = ~known[inverse.ravel()[: len(facets)]]
    if stray.any():
        found = f"{int(stray.sum())} boundary elements that are no facet of any cell"
        raise MeshFileError(key, found, "facets of the cells")
