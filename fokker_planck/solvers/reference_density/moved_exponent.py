"""An exponent on its grid, moved to what a mesh says of the density: values of its nodes on the grid, and beyond."""

from __future__ import annotations

import numpy as np

from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.fields.interpolation import Nearly, nearly
from fokker_planck.fem.triangulations.triangulation import Triangulation
from fokker_planck.formulas.arrays import Booleans, Floats
from fokker_planck.formulas.grids.spline import GridFunction, extended, reflected
from fokker_planck.mesh.simplices import simplex_volumes
from fokker_planck.quantity.light_dataclasses import dataclass, replace

DEGREE = {1: 4, 2: 6, 3: 3}
"""Of the elements on the way, log rho being wanted to tenths: in the plane 4 in place of 6 ended in an exit time 4e-7
off, 3 took half as long again (noise 0.02)."""
LARGEST_STEP = 15.0
"""Of psi in one step; a swing beyond is a density that is lost. 5 and 40 changed nothing where none was lost."""
WHOLE = 1e-9
"""Of the volume of a box, that a mesh may lack and still fill it."""


@dataclass(frozen=True)
class Repaired:
    """A ``mesh`` with the smaller cells that rho asked for at so many times the noise, psi ``finer`` in all of them."""

    mesh: Triangulation
    noise: float
    finer: float


class Meshes:
    """What steps share: the last mesh's discretization and its values on the grid, which in space take seconds.

    And the mesh on which rho was resolved at a higher noise, where it took smaller cells than the exponent did: at a
    lower one it takes them there again.
    """

    def __init__(self) -> None:
        self.last: Nearly | None = None
        self.within: Booleans | None = None
        self.repaired: Repaired | None = None

    def to_begin_with(self, base: Triangulation, noise: float, finer: float) -> Triangulation:
        """The mesh to resolve the exponent on at so many times the noise: the ``base``, or one repaired before."""
        known = self.repaired
        # larger cells are asked for where finer ones are too many, more noise where the density was lost
        return base if known is None or known.noise < noise or known.finer < finer else known.mesh

    def inside(self, base: Triangulation, grid: GridFunction) -> Booleans:
        """Which points of the grid lie in the domain, an array of the shape of its values."""
        if self.within is None:
            self.within = np.ones(grid.values.shape, dtype=bool)
            box = float(np.prod(np.subtract(grid.upper, grid.lower)))
            if simplex_volumes(base.cell_points).sum() < (1.0 - WHOLE) * box:
                linear = discretize(base, 1)
                values = nearly(linear, grid.points)(np.zeros(linear.count))
                self.within = np.isfinite(values).reshape(grid.values.shape)
        return self.within

    def on_grid(self, mesh: Triangulation, grid: GridFunction) -> Nearly:
        """Those of a mesh."""
        if self.last is None or self.last.discretization.triangulation is not mesh:
            self.last = nearly(discretize(mesh, DEGREE[mesh.dimension]), grid.points)
        return self.last


def moved(exponent: GridFunction, fresh: Floats, inside: Booleans) -> GridFunction:
    """psi moved to what is known on its grid, continued smoothly to where nothing is (NaN), its minimum zero.

    Beyond the walls of the domain, of which ``inside`` tells, it goes on with its slope.
    """
    change = np.clip(fresh - exponent.values, -LARGEST_STEP, LARGEST_STEP)
    seen = np.isfinite(change)
    values = exponent.values + reflected(extended(np.where(seen, change, 0.0), seen), inside)
    for axis, wraps in enumerate(exponent.periodic):
        if wraps:
            first = np.take(values, [0], axis)
            values = np.concatenate([np.delete(values, -1, axis), first], axis)
    return replace(exponent, values=values - values[inside].min())
