"""Isosurfaces in space: which extra is missing, what is refused, and pixels where there is a renderer."""

import subprocess
import sys

import matplotlib.figure
import numpy as np
import pytest
from answers_by_hand import stationary

import fokker_planck as fp

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
