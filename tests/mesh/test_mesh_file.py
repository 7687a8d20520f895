"""Meshes read from files: the meshes of the folder, other formats, and what is refused."""

from pathlib import Path

import meshio
import numpy as np
import pytest

from fokker_planck.errors import MeshFileError
from fokker_planck.mesh.checks import outer_facets
from fokker_planck.mesh.files import read_mesh
from fokker_planck.mesh.locator import Locator
from fokker_planck.mesh.simplices import volumes

MESHES = Path(__file__).parents[2] / "meshes"

SQUARE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
HALVES = [[0, 1, 2], [0, 2, 3]]


def written(folder, points, cells, name="mesh.vtu", **more):
    """A mesh file with these points, planar ones put into space."""
    points = np.asarray(points, dtype=float)
    points = np.concatenate([points, np.zeros((len(points), 3 - points.shape[1]))], axis=1)
    path = folder / name
    meshio.write(path, meshio.Mesh(points, cells, **more))
    return path


def gmsh_text(nodes, elements):
    """A file in gmsh's format 2.2."""
    lines = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$Nodes", str(len(nodes))]
    lines += [f"{tag} {x} {y} {z}" for tag, (x, y, z) in nodes.items()]
    lines += ["$EndNodes", "$Elements", str(len(elements))]
    lines += [f"{i} {kind} 2 0 1 {' '.join(map(str, tags))}" for i, (kind, *tags) in enumerate(elements, 1)]
    return "\n".join([*lines, "$EndElements", ""])


@pytest.mark.parametrize(
    ("name", "dimension", "volume", "cell_sets", "facet_sets"),
    [
        ("interval", 1, 4.0, {"all"}, {"right"}),
        ("l_shape", 2, 3.0, {"lower", "upper"}, {"left", "outer"}),
        ("disc", 2, None, {"disc"}, set()),
        ("annulus", 2, None, {"annulus"}, {"inner", "outer"}),
        ("cube", 3, 1.0, {"cube"}, {"floor"}),
    ],
)
def test_meshes_of_the_folder(name, dimension, volume, cell_sets, facet_sets):
    mesh = read_mesh(MESHES / f"{name}.msh")
    assert mesh.dimension == dimension
    assert mesh.cells.dtype == np.int64
    assert mesh.cells.shape[1] == dimension + 1
    sizes = volumes(mesh.points, mesh.cells)
    assert sizes.min() > 0
    if volume is not None:
        assert sizes.sum() == pytest.approx(volume, rel=1e-13)
    assert set(mesh.cell_sets) == cell_sets
    assert set(mesh.facet_sets) == facet_sets
    assert all(chosen.shape == (len(mesh.cells),) for chosen in mesh.cell_sets.values())
    assert all(facets.shape[1] == dimension for facets in mesh.facet_sets.values())


def test_parts_are_where_they_should_be():
    mesh = read_mesh(MESHES / "l_shape.msh")
    centers = mesh.points[mesh.cells].mean(axis=1)
    np.testing.assert_array_equal(mesh.cell_sets["upper"], centers[:, 1] > 0)
    for name, part, axis, place in (
        ("l_shape", "left", 0, -1.0),
        ("interval", "right", 0, 2.0),
        ("cube", "floor", 2, 0.0),
    ):
        mesh = read_mesh(MESHES / f"{name}.msh")
        np.testing.assert_array_equal(mesh.points[mesh.facet_sets[part]][..., axis], place)


def test_quadratic_cells_give_their_vertices():
    """All vertices of the annulus's straight triangles are its points: no midpoints are left over."""
    mesh = read_mesh(MESHES / "annulus.msh")
    radii = np.linalg.norm(mesh.points[np.unique(outer_facets(mesh.cells))], axis=1)
    assert np.all(np.isclose(radii, 0.5, atol=1e-12) | np.isclose(radii, 1.0, atol=1e-12))
    assert len(np.unique(mesh.cells)) == len(mesh.points)


@pytest.mark.parametrize("ending", ["vtu", "vtk", "inp", "mesh", "msh", "stl", "off"])
def test_formats(tmp_path, ending):
    path = written(tmp_path, SQUARE, [("triangle", HALVES)], name=f"square.{ending}")
    mesh = read_mesh(path)
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(1.0)
    assert mesh.points.shape == (4, 2)


def test_xdmf(tmp_path):
    pytest.importorskip("h5py")
    mesh = read_mesh(written(tmp_path, SQUARE, [("triangle", HALVES)], name="square.xdmf"))
    assert len(mesh.cells) == 2


def test_clockwise_cells_are_turned(tmp_path):
    mesh = read_mesh(written(tmp_path, SQUARE, [("triangle", [[0, 2, 1], [0, 2, 3]])]))
    np.testing.assert_allclose(volumes(mesh.points, mesh.cells), 0.5)
    tetra = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    mesh = read_mesh(written(tmp_path, tetra, [("tetra", [[0, 2, 1, 3]])]))
    assert volumes(mesh.points, mesh.cells)[0] == pytest.approx(1 / 6)
    mesh = read_mesh(written(tmp_path, [[0.0], [1.0]], [("line", [[1, 0]])]))
    assert volumes(mesh.points, mesh.cells)[0] == pytest.approx(1.0)


def test_points_without_cells_are_dropped(tmp_path):
    points = [[9.0, 9.0], *SQUARE, [np.nan, 0.0]]
    path = written(tmp_path, points, [("triangle", np.array(HALVES) + 1)])
    assert read_mesh(path).points.tolist() == SQUARE


def test_a_plane_of_constant_z_is_a_plane(tmp_path):
    points = np.concatenate([SQUARE, np.full((4, 1), 3.0)], axis=1)
    assert read_mesh(written(tmp_path, points, [("triangle", HALVES)])).dimension == 2


def test_edges_of_triangles_are_facets(tmp_path):
    path = written(tmp_path, SQUARE, [("line", [[0, 1]]), ("triangle", HALVES)])
    assert read_mesh(path).dimension == 2


KUHN = [[0, 1, 3, 7], [0, 1, 5, 7], [0, 2, 3, 7], [0, 2, 6, 7], [0, 4, 5, 7], [0, 4, 6, 7]]
CUBE = [[i & 1, (i >> 1) & 1, (i >> 2) & 1] for i in range(8)]


def bad_cells():
    """Name: points, cells, what the error says."""
    tetra = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    hanging = [[0, 0], [1, 0], [0.5, 1], [0.5, 0], [0.5, -1]]
    cube = [*CUBE, [0.5, 0.5, 2]]
    return {
        "quadrilaterals": (SQUARE, [("quad", [[0, 1, 2, 3]])], "1 cells of type quad"),
        "mixed": ([*SQUARE, [2, 0.5]], [("quad", [[0, 1, 2, 3]]), ("triangle", [[1, 4, 2]])], "type quad"),
        "hexahedra": (CUBE, [("hexahedron", [[0, 1, 3, 2, 4, 5, 7, 6]])], "type hexahedron"),
        "wedges": (tetra + [[1, 0, 1], [0, 1, 1]], [("wedge", [[0, 1, 2, 3, 4, 5]])], "type wedge"),
        "vertices only": (SQUARE, [("vertex", [[0], [1]])], "without cells"),
        "flat triangle": ([[0, 0], [1, 0], [2, 0]], [("triangle", [[0, 1, 2]])], "without volume"),
        "sliver": ([[0, 0], [1, 0], [0.5, 1e-12]], [("triangle", [[0, 1, 2]])], "without volume"),
        "flat tetrahedron": (
            [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]],
            [("tetra", [[0, 1, 2, 3]])],
            "without volume",
        ),
        "repeated vertex": (SQUARE, [("triangle", [[0, 1, 1], [0, 2, 3]])], "with a vertex twice"),
        "coinciding points": (
            [*SQUARE, [0, 0], [1, 1]],
            [("triangle", [[0, 1, 2], [4, 5, 3]])],
            "2 pieces that share no facet",  # two vertices at a place are the two sides of a slit
        ),
        "index out of range": (SQUARE, [("triangle", [[0, 1, 7]])], "vertex number 7"),
        "negative index": (SQUARE, [("triangle", [[0, 1, -1]])], "vertex number -1"),
        "not a number": ([[0, 0], [1, 0], [np.nan, 1]], [("triangle", [[0, 1, 2]])], "not finite"),
        "infinite": ([[0, 0], [1, 0], [np.inf, 1]], [("triangle", [[0, 1, 2]])], "not finite"),
        "cell twice": (SQUARE, [("triangle", [[0, 1, 2], [2, 1, 0], [0, 2, 3]])], "1 cells twice"),
        "three cells an edge": (
            [[0, 0], [1, 0], [0.5, 1], [0.5, -1], [0.5, 2]],
            [("triangle", [[0, 1, 2], [0, 1, 3], [0, 1, 4]])],
            "shared by 3 cells",
        ),
        "overlapping neighbours": (
            [[0, 0], [1, 0], [0.5, 1], [0.6, 2]],
            [("triangle", [[0, 1, 2], [0, 1, 3]])],
            "overlap near (0.5, 0)",
        ),
        "overlapping intervals": ([[0], [1], [0.5]], [("line", [[0, 1], [1, 2]])], "overlap"),
        "two pieces": (
            [*SQUARE, [5, 5], [6, 5], [5, 6]],
            [("triangle", [*HALVES, [4, 5, 6]])],
            "2 pieces",
        ),
        "touching at a vertex": (
            [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]],
            [("triangle", [[0, 1, 2], [0, 3, 4]])],
            "2 pieces",
        ),
        "two intervals": ([[0], [1], [2], [3]], [("line", [[0, 1], [2, 3]])], "2 pieces"),
        "hanging node": (hanging, [("triangle", [[0, 1, 2], [0, 3, 4], [3, 1, 4]])], "a hanging node at (0.5, 0)"),
        "hanging node on a face": (
            [*tetra, [0.25, 0.25, 0], [0.25, 0.25, -1]],
            [("tetra", [[0, 1, 2, 3], [0, 1, 4, 5], [0, 2, 4, 5], [1, 2, 4, 5]])],
            "a hanging node at (0.25, 0.25, 0)",
        ),
        "face split differently": (
            cube,
            [("tetra", [*KUHN, [4, 5, 6, 8], [5, 6, 7, 8]])],
            "pieces",
        ),
        "surface in space": (tetra, [("triangle", [[0, 1, 2], [0, 1, 3]])], "a surface in space"),
        "curve in the plane": (SQUARE, [("line", [[0, 1], [1, 2]])], "a curve in space"),
        "stray edge": ([*SQUARE, [2, 2]], [("triangle", HALVES), ("line", [[1, 4]])], "no facet of any cell"),
        "stray triangle": ([*tetra, [2, 2, 2]], [("tetra", [[0, 1, 2, 3]]), ("triangle", [[0, 1, 4]])], "no facet"),
    }


@pytest.mark.parametrize(("points", "cells", "found"), bad_cells().values(), ids=bad_cells().keys())
def test_bad_meshes(tmp_path, points, cells, found):
    path = written(tmp_path, points, [(kind, np.array(rows)) for kind, rows in cells])
    with pytest.raises(MeshFileError) as caught:
        read_mesh(path)
    assert caught.value.key == "domain.file"
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


NODES = {1: (0, 0, 0), 2: (1, 0, 0), 3: (0, 1, 0)}
GOOD = gmsh_text(NODES, [(2, 1, 2, 3)])


def bad_files():
    """Name: file name, content, what the error says."""
    return {
        "empty": ("mesh.msh", b"", "the empty file"),
        "not a mesh": ("mesh.msh", b"title = 'a problem file'\n", "cannot be read"),
        "cut short": ("mesh.msh", GOOD[: len(GOOD) // 2].encode(), "cannot be read"),
        "cut before the elements": ("mesh.msh", GOOD[: GOOD.index("$Elements")].encode(), "without cells"),
        "no elements": ("mesh.msh", gmsh_text(NODES, []).encode(), ""),
        "unknown node": ("mesh.msh", gmsh_text(NODES, [(2, 1, 2, 9)]).encode(), ""),
        "words for numbers": ("mesh.msh", GOOD.replace("1 0 0", "one 0 0").encode(), "cannot be read"),
        "not a number": ("mesh.msh", GOOD.replace("2 1 0 0", "2 nan 0 0").encode(), "not finite"),
        "unknown version": ("mesh.msh", GOOD.replace("2.2 0 8", "9.9 0 8").encode(), "cannot be read"),
        "unknown element": ("mesh.msh", gmsh_text(NODES, [(999, 1, 2, 3)]).encode(), "cannot be read"),
        "binary noise": ("mesh.msh", bytes(range(256)) * 20, "cannot be read"),
        "invalid xml": ("mesh.vtu", b"<VTKFile type=", "cannot be read"),
        "xml of something else": ("mesh.vtu", b"<html></html>", "cannot be read"),
        "xdmf without data": ("mesh.xdmf", b"<Xdmf Version='3.0'><Domain></Domain></Xdmf>", "cannot be read"),
        "unknown ending": ("mesh.docx", b"mesh", "unknown format"),
        "no ending": ("mesh", b"mesh", "unknown format"),
    }


@pytest.mark.parametrize(("name", "content", "found"), bad_files().values(), ids=bad_files().keys())
def test_bad_files(tmp_path, capsys, name, content, found):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MeshFileError) as caught:
        read_mesh(path, key="mesh")
    assert caught.value.key == "mesh"
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", "")


def test_missing_file(tmp_path):
    with pytest.raises(MeshFileError, match="no file"):
        read_mesh(tmp_path / "mesh.msh")


def test_directory(tmp_path):
    (tmp_path / "mesh.msh").mkdir()
    with pytest.raises(MeshFileError, match="the directory"):
        read_mesh(tmp_path / "mesh.msh")


@pytest.mark.parametrize("name", ["interval", "l_shape", "annulus", "cube"])
def test_points_are_located_in_their_cell(name):
    mesh = read_mesh(MESHES / f"{name}.msh")
    locator = Locator(mesh.points, mesh.cells)
    weights = np.random.default_rng(0).dirichlet(np.ones(mesh.dimension + 1), size=len(mesh.cells))
    inside = np.einsum("nk,nkd->nd", weights, mesh.points[mesh.cells])
    cell = locator.find(inside.T)
    np.testing.assert_array_equal(cell, np.arange(len(mesh.cells)))
    np.testing.assert_allclose(locator.barycentric(inside.T, cell), weights, atol=1e-10)
    assert (locator.find(mesh.points.T) >= 0).all()
    assert (locator.find(mesh.points.T + 10.0) < 0).all()
    assert locator.find(np.full((mesh.dimension, 1), np.nan)).tolist() == [-1]


def test_hole_of_the_annulus_is_outside():
    mesh = read_mesh(MESHES / "annulus.msh")
    x = np.random.default_rng(0).uniform(-1.2, 1.2, size=(2, 2000))
    radius = np.linalg.norm(x, axis=0)
    found = Locator(mesh.points, mesh.cells).find(x) >= 0
    assert not found[(radius < 0.47) | (radius > 1.0)].any()
    assert found[(radius > 0.51) & (radius < 0.97)].all()
