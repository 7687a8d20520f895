"""The weak forms of the library, all of them.

For a process in detailed balance, with exponent Phi, diffusion D and weight w = exp(-Phi),

    a(u, v) = int w D grad u . grad v dx,        m(u, v) = int w u v dx,

so that a(u, v) = m(-L u, v) for every v where the boundary reflects (w D grad u . n = 0).  Where detailed balance
is broken, with any weight w = exp(-psi), the drift that is left over comes in addition:

    a(u, v) = int w D grad u . grad v dx - int w (c . grad u) v dx,      c = b - div D + D grad psi.

The coefficients reach the forms as values at quadrature points: a form is compiled once for a cell type, degree and
rule, whatever the potential.

Forms are assembled on the discontinuous space, where nothing is added up: what comes back is the element matrix
of every cell, to be scaled cell by cell before anything is summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import ufl

from fokker_planck.fem import _dolfinx
from fokker_planck.fem.triangulation import Floats


class CellForms:
    """Stiffness and mass forms of one mesh, degree and quadrature rule, ready to be given coefficients."""

    def __init__(self, mesh: Any, degree: int, quadrature_degree: int) -> None:
        import dolfinx.fem

        space = _dolfinx.lagrange_space(mesh, degree, continuous=False)
        values = _dolfinx.quadrature_space(mesh, quadrature_degree)
        dimension = mesh.topology.dim
        u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
        dx = ufl.dx(domain=mesh, metadata={"quadrature_degree": quadrature_degree, "quadrature_scheme": "default"})
        upper = [(i, j) for i in range(dimension) for j in range(i, dimension)]
        self._tensor = {pair: dolfinx.fem.Function(values) for pair in upper}
        self._density = dolfinx.fem.Function(values)
        matrix = [[self._tensor[min(i, j), max(i, j)] for j in range(dimension)] for i in range(dimension)]
        flux = ufl.dot(ufl.as_matrix(matrix), ufl.grad(u)) if dimension > 1 else matrix[0][0] * ufl.grad(u)
        self._stiffness = _dolfinx.compile_form(ufl.inner(flux, ufl.grad(v)) * dx)
        self._mass = _dolfinx.compile_form(self._density * u * v * dx)
        self._arguments = (u, v, dx, values)
        self._starts = _dolfinx.cell_block_starts(space)
        self._size = space.dofmap.dof_layout.num_dofs
        self._dofs = _dolfinx.cell_block_starts(values)[:, None] + np.arange(values.dofmap.dof_layout.num_dofs)

    def matrices(self, tensor: Floats, density: Floats) -> tuple[Floats, Floats]:
        """Element matrices of a and of m, (cells, n, n) each.

        ``tensor`` (dim, dim, cells, points) is w D and ``density`` (cells, points) is w, both times the volume factor,
        the former in straight coordinates.
        """
        for (i, j), function in self._tensor.items():
            function.x.array[self._dofs] = tensor[i, j]
        self._density.x.array[self._dofs] = density
        stiffness, mass = map(self._blocks, _dolfinx.assembled_values(self._stiffness, self._mass))
        return stiffness, mass

    def advection(self, velocity: Floats) -> Floats:
        """Element matrices of int (velocity . grad u) v dx; ``velocity`` (dim, cells, points) in straight coordinates.

        Rows belong to the test function v.
        """
        import dolfinx.fem

        u, v, dx, values = self._arguments
        functions = [dolfinx.fem.Function(values) for _ in velocity]
        for function, component in zip(functions, velocity, strict=True):
            function.x.array[self._dofs] = component
        slope = ufl.dot(ufl.as_vector(functions), ufl.grad(u)) if len(functions) > 1 else functions[0] * u.dx(0)
        return self._blocks(next(_dolfinx.assembled_values(_dolfinx.compile_form(slope * v * dx))))

    def _blocks(self, values: Floats) -> Floats:
        blocks = values[: len(self._starts) * self._size**2].reshape(-1, self._size, self._size)
        return blocks[self._starts // self._size]
