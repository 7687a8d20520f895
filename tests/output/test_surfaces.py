"""Isosurfaces in space: which extra is missing, what is refused, and pixels where there is a renderer."""

import subprocess
import sys

import matplotlib.figure
import numpy as np
import pytest
from answers_by_hand import stationary
from scipy.spatial import Delaunay

import fokker_planck as fp
from fokker_planck.output.plots.near_levels import near_levels

PROBE = "import pyvista; pyvista.Plotter(off_screen=True).screenshot(return_img=True)"


def test_without_the_package_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    with pytest.raises(fp.MissingPackageError, match=r"fokker-planck-fem\[pictures3d\]"):
        stationary(3, 5).plot(ax=matplotlib.figure.Figure().add_subplot(), kind="surfaces")


def test_surfaces_are_of_fields_in_space():
    with pytest.raises(fp.ProblemError, match="surfaces in 2 coordinates"):
        stationary(2, 5).plot(ax=matplotlib.figure.Figure().add_subplot(), kind="surfaces")


@pytest.mark.slow
def test_surfaces_of_a_density_are_rendered_with_a_bar():
    pytest.importorskip("pyvista")
    if subprocess.run([sys.executable, "-c", PROBE], capture_output=True, timeout=100).returncode != 0:
        pytest.skip("nothing here renders without a screen")
    ax = matplotlib.figure.Figure().add_subplot()
    stationary(3, 21).plot(ax=ax, kind="surfaces")
    (image,) = ax.get_images()
    pixels = np.asarray(image.get_array())
    assert (pixels.min(axis=2) < 235).mean() > 0.15  # colours, not paper
    assert "density" in ax.figure.axes[-1].get_ylabel()


def test_surfaces_are_as_smooth_as_the_function_between_its_nodes():
    lattice = np.stack(np.meshgrid(*[np.linspace(-1.0, 1.0, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = Delaunay(lattice).simplices
    square = lambda x: (x**2).sum(axis=0)  # noqa: E731
    fine = near_levels(lattice, cells, [square(lattice.T)], [(square, [0.5])])
    pairs = np.sort(fine.cells[:, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]].reshape(-1, 2), axis=1)
    low, high = fine.values[0][pairs].T
    crossed = (low - 0.5) * (high - 0.5) < 0.0
    share = ((0.5 - low[crossed]) / (high - low)[crossed])[:, None]
    surface = (1.0 - share) * fine.points[pairs[crossed, 0]] + share * fine.points[pairs[crossed, 1]]
    assert len(surface) > 1000
    # (h/2)^2/(2 R) for the longest edges after three halvings, 0.2; for the longest before, 1.15, it is 0.24
    assert np.linalg.norm(surface, axis=1) == pytest.approx(np.sqrt(0.5), abs=8e-3)
