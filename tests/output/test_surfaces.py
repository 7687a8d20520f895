"""Isosurfaces in space: which extra is missing, what is refused, and pixels where there is a renderer."""

import subprocess
import sys
from itertools import combinations
from typing import Any

import matplotlib.figure
import numpy as np
import pytest
from answers_by_hand import stationary
from scipy.spatial import Delaunay

import fokker_planck as fp
from fokker_planck.output.plots.edges_of_box import EDGES, Edge, draw_edge, inner_numbers
from fokker_planck.output.plots.labels import in_units
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
    assert (pixels.min(axis=2) < 235).mean() > 0.08  # colours, not paper
    assert "density" in ax.figure.axes[-1].get_ylabel()
    assert {"$x$", "$y$", "$z$"} < set(labels_of(ax))


def labels_of(ax: Any) -> dict[str, Any]:
    """The box of every text on the axes, in pixels, by what it says with its place; none of them meet."""
    ax.figure.canvas.draw()
    texts = [text for text in ax.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    return {text.get_text(): box for text, box in zip(texts, boxes, strict=True)}


@pytest.mark.parametrize(("lower", "upper"), [([-1.8, -1.4, -1.0], [1.8, 1.4, 1.0]), ([0, 0, 0], [1e-3, 180.0, 7.5e5])])
def test_numbers_at_the_edges_of_a_box_do_not_meet(lower, upper):
    """Corners as a camera at (1, -1.7, 0.9) sees them, in an image of 1500 x 1200 pixels."""
    seen = {(0, 0, 0): (200, 850), (1, 0, 0): (1050, 1100), (1, 1, 0): (1350, 700), (0, 0, 1): (150, 300)}
    units = fp.Units(length="nm")
    figure = matplotlib.figure.Figure(figsize=(5.6, 4.0))
    ax = figure.add_subplot()
    ax.imshow(np.full((1200, 1500), 255))
    with in_units(units):
        for axis, (first, last) in enumerate(EDGES):
            numbers = inner_numbers(lower[axis], upper[axis])
            ends = np.array([seen[first], seen[last]], dtype=float)
            parts = (np.array(numbers)[:, None] - lower[axis]) / (upper[axis] - lower[axis])
            along = ends[1] - ends[0]
            out = np.array([-along[1], along[0]]) * (1.0 if axis == 0 else 1.0 if axis == 1 else -1.0)
            places = ends[0] + parts * along
            draw_edge(ax, Edge(axis, ends, tuple(f"{n:.6g}" for n in numbers), places, out / np.linalg.norm(out)))
    assert {"$x$ / nm", "$y$ / nm", "$z$ / nm"} < set(labels_of(ax))


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
