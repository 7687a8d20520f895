"""Makes the meshes of this folder with gmsh: python meshes/make_meshes.py [FOLDER].

Needs the package gmsh (the extra of that name). The files are in gmsh's text format, version 4.1 unless said otherwise.

interval.msh   the interval [-2, 2], finer around 0; the point x = 2 is named right
l_shape.msh    [-1, 1]² without its upper right quarter, area 3; the parts lower and upper, the boundary left and outer
disc.msh       a polygon in the unit disc, in format 2.2
annulus.msh    1/2 <= r <= 1 of quadratic triangles, whose vertices lie on the circles; boundary inner and outer
cube.msh       the unit cube of tetrahedra; the face z = 0 is named floor
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import gmsh


def interval() -> None:
    """[-2, 2] with cells of length 0.05 at 0 and 0.2 at the ends."""
    geometry = gmsh.model.geo
    ends = [geometry.addPoint(x, 0.0, 0.0, size) for x, size in ((-2.0, 0.2), (0.0, 0.05), (2.0, 0.2))]
    lines = [geometry.addLine(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]
    geometry.synchronize()
    gmsh.model.addPhysicalGroup(1, lines, name="all")
    gmsh.model.addPhysicalGroup(0, ends[-1:], name="right")
    gmsh.model.mesh.generate(1)


def l_shape() -> None:
    """Two rectangles, side by side through the edge from (-1, 0) to (0, 0)."""
    geometry = gmsh.model.geo
    corners = ((-1, -1), (1, -1), (1, 0), (0, 0), (-1, 0), (0, 1), (-1, 1))
    p = [geometry.addPoint(x, y, 0.0, 0.25) for x, y in corners]
    around = ((0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (3, 5), (5, 6), (6, 4))
    line = {pair: geometry.addLine(p[pair[0]], p[pair[1]]) for pair in around}
    lower = geometry.addPlaneSurface([geometry.addCurveLoop([line[a] for a in around[:5]])])
    upper = geometry.addPlaneSurface([geometry.addCurveLoop([-line[(3, 4)], *(line[a] for a in around[5:])])])
    geometry.synchronize()
    gmsh.model.addPhysicalGroup(2, [lower], name="lower")
    gmsh.model.addPhysicalGroup(2, [upper], name="upper")
    left = [line[(4, 0)], line[(6, 4)]]
    gmsh.model.addPhysicalGroup(1, left, name="left")
    gmsh.model.addPhysicalGroup(1, [n for a, n in line.items() if n not in left and a != (3, 4)], name="outer")
    gmsh.model.mesh.generate(2)


def disc() -> None:
    """The unit disc."""
    surface = gmsh.model.occ.addDisk(0.0, 0.0, 0.0, 1.0, 1.0)
    gmsh.model.occ.synchronize()
    gmsh.model.addPhysicalGroup(2, [surface], name="disc")
    gmsh.option.setNumber("Mesh.MeshSizeMax", 0.2)
    gmsh.model.mesh.generate(2)
    gmsh.option.setNumber("Mesh.MshFileVersion", 2.2)


def annulus() -> None:
    """The disc of radius 1 without that of radius 1/2."""
    disc, hole = (gmsh.model.occ.addDisk(0.0, 0.0, 0.0, r, r) for r in (1.0, 0.5))
    ((_, surface),), _ = gmsh.model.occ.cut([(2, disc)], [(2, hole)])
    gmsh.model.occ.synchronize()
    gmsh.model.addPhysicalGroup(2, [surface], name="annulus")
    for _, curve in gmsh.model.getBoundary([(2, surface)], oriented=False):
        radius = gmsh.model.getBoundingBox(1, curve)[3]
        gmsh.model.addPhysicalGroup(1, [curve], name="outer" if radius > 0.75 else "inner")
    gmsh.option.setNumber("Mesh.MeshSizeMax", 0.25)
    gmsh.model.mesh.generate(2)
    gmsh.model.mesh.setOrder(2)


def cube() -> None:
    """[0, 1]³."""
    box = gmsh.model.occ.addBox(0.0, 0.0, 0.0, 1.0, 1.0, 1.0)
    gmsh.model.occ.synchronize()
    gmsh.model.addPhysicalGroup(3, [box], name="cube")
    floor = gmsh.model.getEntitiesInBoundingBox(-0.1, -0.1, -0.1, 1.1, 1.1, 0.1, dim=2)
    gmsh.model.addPhysicalGroup(2, [tag for _, tag in floor], name="floor")
    gmsh.option.setNumber("Mesh.MeshSizeMax", 0.4)
    gmsh.model.mesh.generate(3)


def make(folder: Path) -> None:
    """Write every mesh into ``folder``."""
    recipes: tuple[Callable[[], None], ...] = (interval, l_shape, disc, annulus, cube)
    for recipe in recipes:
        gmsh.initialize(["", "-v", "2"])
        gmsh.model.add(recipe.__name__)
        recipe()
        gmsh.write(str(folder / f"{recipe.__name__}.msh"))
        gmsh.finalize()


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
