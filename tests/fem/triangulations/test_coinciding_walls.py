"""Targets that coincide with a hole of a mesh file: all of the hole's edges absorb."""

import math

import meshio
import numpy as np
import pytest

import fokker_planck as fp

CORNERS = 24


def ring(folder, order=1):
    """Between a regular 24-gon in the circle of radius 1/2 and another of radius 1; parabolas for order 2."""
    points, cells, number = [], [], {}

    def node(radius, place):
        if (radius, place % CORNERS) not in number:
            angle = 2.0 * math.pi * place / CORNERS
            number[radius, place % CORNERS] = len(points)
            points.append([radius * math.cos(angle), radius * math.sin(angle), 0.0])
        return number[radius, place % CORNERS]

    for i in range(CORNERS):
        a, b, c, d = node(0.5, i), node(1.0, i), node(1.0, i + 1), node(0.5, i + 1)
        middle = [node(r, p) for r, p in ((0.75, i), (1.0, i + 0.5), (0.75, i + 0.5), (0.75, i + 1), (0.5, i + 0.5))]
        if order == 1:
            cells += [[a, b, c], [a, c, d]]
        else:
            cells += [[a, b, c, middle[0], middle[1], middle[2]], [a, c, d, middle[2], middle[3], middle[4]]]
    path = folder / "ring.msh"
    kind = {1: "triangle", 2: "triangle6"}[order]
    meshio.write(path, meshio.Mesh(np.array(points), [(kind, np.array(cells))]), file_format="gmsh22", binary=False)
    return fp.MeshFile(path)


def mean(domain, target, tolerance=1e-5):
    process = fp.Overdamped(fp.Potential("0*x*y"), fp.Isotropic(1.0))
    problem = fp.Problem(process=process, domain=domain, resolution=fp.Resolution(tolerance=tolerance))
    return fp.mean_exit_time(problem, [0.8, 0.1], target).mean


@pytest.mark.slow
def test_the_disc_around_a_polygonal_hole_is_the_polygon(tmp_path):
    domain = ring(tmp_path)
    turns = [2.0 * math.pi * (i + 0.5) / CORNERS for i in range(CORNERS)]
    sides = [f"{0.5 * math.cos(math.pi / CORNERS)!r} - x*({math.cos(t)!r}) - y*({math.sin(t)!r})" for t in turns]
    known = mean(domain, fp.Region(f"min(min({', '.join(sides[:12])}), min({', '.join(sides[12:])}))"), 1e-6)
    for tolerance in (1e-3, 1e-5):
        found = mean(domain, fp.Ball([0, 0], 0.5), tolerance)
        assert abs(found.value / known.value - 1.0) <= found.relative_error + known.relative_error


def test_a_curved_hole_is_that_of_the_file(tmp_path):
    """Between circles, the outer one reflecting: (r^2 - 1/4)/-4 + log(2 r)/2; the file's parabolas are 1e-5 off."""
    found = mean(ring(tmp_path, 2), fp.Ball([0, 0], 0.5))
    radius = math.hypot(0.8, 0.1)
    assert found.value == pytest.approx(-(radius**2 - 0.25) / 4.0 + math.log(2.0 * radius) / 2.0, rel=2e-4)
