"""Eigenvalues converge like h^(2p) on modes that polynomials do not represent, and to the exact value."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Overdamped
from fokker_planck.model.sets.shapes import Ball, HalfSpace
from fokker_planck.solvers.adaptivity.absorption import stopped
from fokker_planck.solvers.adaptivity.spectral_scope import Scope
from fokker_planck.solvers.boundaries.ends import TARGET
from fokker_planck.solvers.eigenvalues.spectral_question import Question
from fokker_planck.solvers.exit_time import exit_times
from fokker_planck.solvers.setting.setting import prepare

REFERENCES = {
    entry["id"]: entry["value"]
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "one_dimensional.json").read_text())["entries"]
}
PI = math.pi
QUARTIC = "(x**2 - 1)**2/4"
GAP = float(REFERENCES["A_eps1/8_lam1"])


def problem(expression, epsilon, domain, cells, degree):
    process = Overdamped(Potential(expression), Isotropic(epsilon))
    return Problem(process, domain, Resolution(cells=cells, degree=degree))


def gap_on(expression, epsilon, domain, cells, degree):
    """The smallest nonzero eigenvalue on one uniform mesh."""
    asked = problem(expression, epsilon, domain, cells, degree)
    discretization = discretize(domain_triangulation(asked, {}), degree)
    setting = prepare(asked)
    return math.exp(Question(setting, None, 1, Scope()).answer(discretization).numbers[0])


def check(sizes, errors, order, finest, slack=0.15):
    """The slope of log error over log size is the order, within ``slack``, and the last error is below ``finest``."""
    slope = np.polyfit(np.log(sizes), np.log(np.abs(errors)), 1)[0]
    assert slope == pytest.approx(order, abs=slack), f"order {slope:.2f}, errors {errors}"
    assert abs(errors[-1]) < finest
    assert (np.diff(np.abs(errors)) < 0.0).all()


# Cells of the meshes by degree: fine enough for the rate to show, coarse enough to stay above rounding.
LINES = {1: (16, 32, 64, 128), 2: (8, 16, 32), 3: (4, 8, 16)}
SQUARES = {1: (8, 16, 32), 2: (4, 8, 16), 3: (3, 6, 12)}


@pytest.mark.parametrize(("degree", "finest"), [(1, 6e-5), (2, 2e-7), (3, 1e-9)])
@pytest.mark.parametrize("domain", ["interval", "ring"])
def test_free_motion_on_a_line(domain, degree, finest):
    # the same mode cos(pi x / L) on half of the ring, twice as many cells for the same size
    box, factor = (Box([0.0], [1.0]), 1) if domain == "interval" else (Box([0.0], [2.0], "periodic"), 2)
    errors = [gap_on("0", 1.0, box, (factor * n,), degree) / PI**2 - 1.0 for n in LINES[degree]]
    check([1.0 / n for n in LINES[degree]], errors, 2 * degree, finest)
    assert min(errors) > 0.0  # Rayleigh and Ritz: from above


@pytest.mark.parametrize(("degree", "finest"), [(1, 1e-3), (2, 3e-6), (3, 5e-9)])
@pytest.mark.parametrize("domain", ["square", "cylinder"])
def test_free_motion_in_the_plane(domain, degree, finest):
    boundary = "reflecting" if domain == "square" else ["periodic", "reflecting"]
    box = Box([0.0, 0.0], [2.0 if domain == "cylinder" else 1.0, 1.0], boundary)
    factor = 2 if domain == "cylinder" else 1
    errors = [gap_on("0", 1.0, box, (factor * n, n), degree) / PI**2 - 1.0 for n in SQUARES[degree]]
    check([1.0 / n for n in SQUARES[degree]], errors, 2 * degree, finest)
    assert min(errors) > 0.0


@pytest.mark.memory
@pytest.mark.slow
@pytest.mark.parametrize(("degree", "sizes", "finest"), [(1, (4, 6, 8, 12), 7e-3), (2, (4, 6, 8), 5e-5)])
def test_free_motion_in_space(degree, sizes, finest):
    errors = [gap_on("0", 1.0, Box([0.0] * 3, [1.0] * 3), (n,) * 3, degree) / PI**2 - 1.0 for n in sizes]
    check([1.0 / n for n in sizes], errors, 2 * degree, finest, slack=0.25)


@pytest.mark.parametrize(("degree", "cells", "finest"), [
    (1, (32, 64, 128, 256), 2e-4), (2, (32, 64, 128), 1e-7), (3, (16, 32, 64), 1e-9),
])  # fmt: skip
def test_quartic_well_on_a_line(degree, cells, finest):
    errors = [gap_on(QUARTIC, 0.125, Box([-2.0], [2.0]), (n,), degree) / GAP - 1.0 for n in cells]
    check([1.0 / n for n in cells], errors, 2 * degree, finest, slack=0.2)


@pytest.mark.parametrize(("degree", "cells", "finest"), [
    (1, (32, 48, 64), 3e-3), (2, (16, 24, 32), 3e-5), (3, (12, 16, 24), 4e-7),
])  # fmt: skip
def test_quartic_well_in_the_plane(degree, cells, finest):
    box = Box([-2.0, -1.5], [2.0, 1.5])
    errors = [gap_on(f"{QUARTIC} + y**2/2", 0.125, box, (n, n // 2), degree) / GAP - 1.0 for n in cells]
    check([1.0 / n for n in cells], errors, 2 * degree, finest, slack=0.2)


@pytest.mark.parametrize(("degree", "finest"), [(1, 1e-4), (2, 5e-8), (3, 3e-10)])
def test_free_motion_in_a_disc(degree, finest):
    """Curved cells keep the order: the geometry is of degree 7."""
    exact = 1.8411837813406593**2
    sizes = {1: (8, 16, 32), 2: (4, 8, 16), 3: (2, 4, 8)}[degree]
    errors = [gap_on("0", 1.0, Ball([0.0, 0.0], 1.0), (n, n), degree) / exact - 1.0 for n in sizes]
    check([1.0 / n for n in sizes], errors, 2 * degree, finest, slack=0.5)


@pytest.mark.parametrize(("degree", "cells", "finest"), [
    (1, (64, 128, 256), 2e-4), (2, (32, 64, 128), 1e-7), (3, (16, 32, 64), 1e-9),
])  # fmt: skip
def test_mean_exit_time_of_a_well(degree, cells, finest):
    """tau at the bottom of a well is the energy of the mode over the mass of the well: order 2 p as well."""
    exact = float(REFERENCES["A_eps1/8_T(-1->1)"])
    errors = []
    for n in cells:
        asked = problem(QUARTIC, 0.125, Box([-2.0], [2.0]), (n,), degree)
        target = HalfSpace([1.0], 1.0)
        discretization = discretize(domain_triangulation(asked, {TARGET: target}), degree)
        times = exit_times(prepare(asked), stopped(prepare(asked), discretization, target))
        # -1 is a vertex of each of these meshes
        node = int(np.argmin(np.abs(discretization.nodes[:, 0] + 1.0)))
        errors.append(times.relative[node] * math.exp(times.log_scale) / exact - 1.0)
    check([1.0 / n for n in cells], errors, 2 * degree, finest, slack=0.25)


def test_polynomial_modes_are_exact_and_tell_no_order():
    # Ornstein and Uhlenbeck on a domain wide enough: the eigenfunctions are Hermite polynomials
    errors = [gap_on("x**2/2", 0.02, Box([-1.5], [1.5]), (n,), 2) - 1.0 for n in (16, 32)]
    assert np.abs(errors).max() < 1e-9
