"""Meshes with slits, whose two sides have the same places: what is tagged on one side is not on the other."""

import meshio
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import MeshFileError, ProblemError


def strip(path, angles, end):
    """The ring 1 < r < 2 along these angles, its first or last end tagged; what it meets it is not joined to."""
    points = np.array([[r * np.cos(t), r * np.sin(t)] for t in angles for r in (1.0, 2.0)])
    cells = np.array([c for k in range(0, 2 * len(angles) - 2, 2) for c in ([k, k + 1, k + 3], [k, k + 3, k + 2])])
    last = 2 * len(angles) - 2
    ends = np.array([[0, 1] if end == "first" else [last, last + 1]])
    tags = {"gmsh:physical": [[1], [9] * len(cells)], "gmsh:geometrical": [[1], [1] * len(cells)]}
    fields = {"end": np.array([1, 1]), "all": np.array([9, 2])}
    mesh = meshio.Mesh(points, [("line", ends), ("triangle", cells)], field_data=fields)
    mesh.cell_data = {name: [np.array(part) for part in parts] for name, parts in tags.items()}
    meshio.write(path, mesh, file_format="gmsh22", binary=False)
    return fp.MeshFile(path)


def brownian(domain):
    process = fp.Overdamped(fp.Potential("0", dimension=2), fp.Isotropic(1.0))
    return fp.Problem(process, domain, fp.Resolution(1e-4))


@pytest.mark.parametrize(("end", "opened"), [("first", 3.930041), ("last", 41.970296)])
def test_a_tag_on_one_side_of_a_slit_absorbs_on_that_side(end, opened, tmp_path):
    """Absorbed on both, it was 1.922 from either; ``opened`` are times where the slit is 1e-4 wide, 2e-5 apart."""
    ring = strip(tmp_path / "ring.msh", np.linspace(0.0, 2.0 * np.pi, 21), end)
    start = [1.5 * np.cos(0.3), 1.5 * np.sin(0.3)]
    time = fp.mean_exit_time(brownian(ring), start, ring.facet_set("end")).mean
    assert time.value == pytest.approx(opened, rel=2e-4)
    rate = fp.spectrum(brownian(ring), 1, target=ring.facet_set("end")).eigenvalues[0].real
    wide = strip(tmp_path / "wide.msh", np.linspace(0.0, 2.0 * np.pi - 1e-4, 21), end)
    assert rate.value == pytest.approx(fp.spectrum(brownian(wide), 1, target=wide.facet_set("end")).gap.value, rel=2e-4)


def test_a_start_on_a_slit_is_refused_but_not_at_its_tip(tmp_path):
    ring = strip(tmp_path / "ring.msh", np.linspace(0.0, 2.0 * np.pi, 21), "last")
    with pytest.raises(ProblemError, match="two sides of a slit"):
        fp.mean_exit_time(brownian(ring), [1.5, 0.0], ring.facet_set("end"))
    halves = np.array([[-1, 0], [0, -1], [1, 0], [0, 1], [0, 0], [-1, 0]], dtype=float)  # slit from (-1, 0) to (0, 0)
    cells = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 5, 4]])
    meshio.write(tmp_path / "slit.vtu", meshio.Mesh(np.c_[halves, np.zeros(6)], [("triangle", cells)]))
    slit = fp.MeshFile(tmp_path / "slit.vtu")
    target = fp.HalfSpace([1.0, 0.0], 0.5)
    assert fp.mean_exit_time(brownian(slit), [0.0, 0.0], target).mean > 0.0
    with pytest.raises(ProblemError, match="two sides of a slit"):
        fp.mean_exit_time(brownian(slit), [-0.3, 0.0], target)


def test_a_strip_that_winds_over_itself_is_refused(tmp_path):
    with pytest.raises(MeshFileError, match="overlap"):
        _ = strip(tmp_path / "wound.msh", np.linspace(0.0, 7.3, 24), "first").data
