"""Functions on a grid in a domain that is no box: the outline of the domain is known, not its steps."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.landscape.surface import leaving_edges
from fokker_planck.output.plots.triangulated_surface import triangulated

SHAPES = {
    "disc": (fp.Ball([0.3, -0.2], 1.25), np.pi * 1.25**2),
    "ellipse": (fp.Sublevel(1.0), np.pi / np.sqrt(2)),
    "box": (fp.Box([-1, -1], [1.5, 2]), 7.5),
}


@pytest.mark.parametrize(("domain", "area"), SHAPES.values(), ids=SHAPES.keys())
def test_triangles_fill_the_domain(domain, area):
    process = fp.Overdamped(fp.Potential("x**2 + 2*y**2"), fp.Isotropic(0.1))
    surface = fp.energy_landscape(fp.Problem(process, domain)).surface
    triangles, values = triangulated(surface)
    x, y = triangles.x, triangles.y
    p, q, r = triangles.triangles.T
    areas = 0.5 * ((x[q] - x[p]) * (y[r] - y[p]) - (x[r] - x[p]) * (y[q] - y[p]))
    assert (areas >= 0.0).all()
    # squares are a hundredth of the domain wide; of an arc in one a secant misses h^3 / (12 r), in all 3e-4 and less,
    # where it leaves through the same edge twice somewhat more
    assert areas.sum() == pytest.approx(area, rel=1e-3)
    assert values == pytest.approx(x**2 + 2 * y**2, rel=1e-5)


def test_the_rim_lies_on_the_circle():
    process = fp.Overdamped(fp.Potential("x**2 + 2*y**2"), fp.Isotropic(0.1))
    surface = fp.energy_landscape(fp.Problem(process, fp.Ball([0.3, -0.2], 1.25))).surface
    first, second = leaving_edges(surface)
    points = first + np.array([part for part, _ in surface.rim]) * (second - first)
    assert np.hypot(points[0] - 0.3, points[1] + 0.2) == pytest.approx(1.25, abs=2.5 / 100 / 2**11)
