"""A finite-element function that can be evaluated at points and handed to plots and files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fokker_planck.errors import ProblemError
from fokker_planck.fem import _dolfinx
from fokker_planck.fem.discretization import Discretization
from fokker_planck.fem.fields.formula_polynomials import polynomials
from fokker_planck.fem.fields.interpolation import evaluate_in_cells, logarithms, plain
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.mesh.point_function import PointFunction
from fokker_planck.mesh.ring_line import RingLine
from fokker_planck.mesh.sublattice import lattice_pieces
from fokker_planck.quantity.light_dataclasses import dataclass

if TYPE_CHECKING:
    import dolfinx.fem


@dataclass(frozen=True, repr=False)
class Field(PointFunction):
    """Nodal values of a function, (N,), on a discretization.

    Called at points it gives the function's values, and ``log`` their natural logarithm. Where ``logarithm`` is set the
    nodal values are those of the logarithm: a density, or a mean time, need not fit a double. A function that jumps
    between cells is given by its values in every cell of this rank as well, ``by_cell`` (cells, n). The mesh ends where
    nothing counts any more; a function that is known further out is given there by ``beyond``, from points (dim, n) to
    what the nodal values are values of, nan outside of the domain. What is a formula but for a ``remainder`` is given
    by both: an interpolant of log p alone is off by 1e-3 where a cell need not be smaller for any number. When a field
    is pickled ``beyond`` stays behind, and the formula becomes polynomials.

    Attributes
    ----------
    name
        of the function
    discretization
        mesh and elements
    nodal
        values (N,), or their logarithms
    logarithm
        whether they are logarithms
    by_cell
        values in every cell (cells, n), of a function that jumps between cells
    beyond
        the function outside of the mesh, where it is known
    known_part
        a part of what the nodal values are values of, from points (dim, n) to values (n,)
    remainder
        the nodal values less the known part, in every cell, (cells, n)
    ring
        of which the mesh is a line; the function vanishes in the set at which it was opened
    """

    name: str
    discretization: Discretization
    nodal: Floats
    logarithm: bool = False
    by_cell: Floats | None = None
    beyond: Callable[[Floats], Floats] | None = None
    known_part: Callable[[Floats], Floats] | None = None
    remainder: Floats | None = None
    ring: RingLine | None = None

    @property
    def dimension(self) -> int:
        """Number of coordinates of a point."""
        return self.discretization.triangulation.dimension

    def to_dolfinx(self, log: bool = False) -> dolfinx.fem.Function:
        """The ``dolfinx.fem.Function`` with the same values (or logarithms) at the nodes, on the mesh of the solution.

        A function that is kept by its logarithm equals it at the nodes, and between them up to interpolation.  To have
        it on a mesh of one's own: ``function.interpolate(field)``.  Under MPI all ranks call this.

        Raises :class:`ProblemError` where values over- or underflow double precision; the logarithms do not, and are
        minus infinity where the field vanishes.
        """
        from fokker_planck.fem.fields.dolfinx_function import dolfinx_function

        own = self.discretization
        kept = self.nodal[own.dofs] if self.by_cell is None else self.by_cell
        name, values = (f"log {self.name}", self._logs(kept)) if log else (self.name, self._doubles(kept))
        return dolfinx_function(name, own, values, jumps=self.by_cell is not None)

    def triangulation(self) -> tuple[Floats, Integers, Floats]:
        """Points (n, dim), cells (m, dim + 1) and values (n,) of the linear interpolant on the mesh of the nodes."""
        points, cells, dofs = self._subdivided
        return points, cells, self._values(self.nodal[dofs])

    def _at(self, points: Floats) -> Floats:
        if self.ring is not None:
            return self.ring.around(self._on_mesh, points, -np.inf if self.logarithm else 0.0)
        return self._on_mesh(points)

    def _on_mesh(self, points: Floats) -> Floats:
        found = self._interpolated(points) if self.known_part is None else self._by_formula(points)
        outside = np.isnan(found)
        if self.beyond is not None and outside.any():
            found[outside] = self.beyond(points[:, outside])
        return found

    def _doubles(self, kept: Floats) -> Floats:
        values = self._values(kept)
        lost = ~np.isfinite(values) | ((values == 0.0) & np.isfinite(kept))
        if self.logarithm and lost.any():
            low, high = np.min(kept[np.isfinite(kept)]), np.max(kept)
            found = f"values from exp({low:.6g}) to exp({high:.6g})"
            raise ProblemError("to_dolfinx", found, "values within double precision, or log=True")
        return values

    def _interpolated(self, points: Floats) -> Floats:
        by_cell, dofs = self.by_cell, self.discretization.dofs

        def local(cells: Integers) -> Floats:
            return self.nodal[dofs[cells]] if by_cell is None else by_cell[cells]

        return evaluate_in_cells(self.discretization, points, local, logarithms if self.logarithm else plain)

    def _by_formula(self, points: Floats) -> Floats:
        remainder, known = self.remainder, self.known_part
        assert remainder is not None
        assert known is not None
        found = evaluate_in_cells(self.discretization, points, lambda cells: remainder[cells])
        inside = ~np.isnan(found)
        found[inside] += known(points[:, inside])
        return found

    @property
    def in_a_box(self) -> bool:
        """Whether the boundary of the domain, as far as the mesh still has it, lies on the sides of one box."""
        mesh = self.discretization.triangulation
        walls = mesh.points[mesh.facets.vertices[mesh.facets.boundary]]
        if not len(walls):
            return False
        lower, upper = walls.min(axis=(0, 1)), walls.max(axis=(0, 1))
        slack = 1e-9 * (upper - lower)
        on_side = (walls < lower + slack).all(axis=1) | (walls > upper - slack).all(axis=1)
        return bool(on_side.any(axis=1).all())

    @property
    def values(self) -> Floats:
        """Values at the vertices of :meth:`triangulation`."""
        return self.triangulation()[2]

    @property
    def log_values(self) -> Floats:
        """Natural logarithms of the values at the vertices of :meth:`triangulation`."""
        return self._logs(self.nodal[self._subdivided[2]])

    @cached_property
    def _subdivided(self) -> tuple[Floats, Integers, Integers]:
        discretization = self.discretization
        degree = discretization.degree
        pattern = lattice_pieces(_dolfinx.lattice(discretization.triangulation.dimension, degree), degree)
        cells, nodes = discretization.dofs, discretization.cell_nodes
        if discretization.comm.size > 1:
            cells = np.concatenate(discretization.comm.allgather(cells))
            nodes = np.concatenate(discretization.comm.allgather(nodes))
        flat = nodes.reshape(-1, nodes.shape[2])
        keys = np.round(flat / (1e-10 * max(np.ptp(flat, axis=0).max(), 1e-300))).astype(np.int64)
        _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        number = inverse.reshape(cells.shape)
        return flat[first], number[:, pattern].reshape(-1, pattern.shape[1]), cells.ravel()[first]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "beyond": None, "known_part": polynomials(self.discretization, self.known_part)}

    def __repr__(self) -> str:
        return f"<Field {self.name!r} on {self.discretization!r}>"
