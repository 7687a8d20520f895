"""A density as arrays is the density itself, in curved cells and beside jumps of the potential, too."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.fem.fields.density_checkpoint import arrays_of, density_of

COSINES = fp.Overdamped(fp.Potential("cos(3*x) + (x - y)**2/2"), fp.Isotropic(0.2))
STEP = fp.Overdamped(fp.Potential("x**2/2 + 0.3*heaviside(x - 0.2)"), fp.Isotropic(0.2))


@pytest.mark.parametrize(
    ("process", "domain", "at"),
    [(COSINES, fp.Ball([0.0, 0.0], 1.0), [0.1, 0.2]), (STEP, fp.Box([-2.0], [2.0]), [0.1])],
    ids=["curved", "jump"],
)
def test_arrays_are_the_density(process, domain, at):
    problem = fp.Problem(process, domain, fp.Resolution(1e-2))
    density = fp.evolve(problem, {"expression": "exp(-x**2)"}, [0.3]).field
    again, off = density_of("density", arrays_of(density))
    points = 0.9 * np.random.default_rng(1).uniform(-0.7, 0.7, (len(at), 200))
    points[0] += 0.0123
    assert off < 1e-7
    assert np.abs(again(points) / density(points) - 1.0).max() < 1e-6
    third, more = density_of("density", arrays_of(again))
    assert more == 0.0
    assert np.array_equal(third(points), again(points))
