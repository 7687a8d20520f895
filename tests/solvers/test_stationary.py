"""Stationary density and the weights of wells, against quadrature and symmetry."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Overdamped
from fokker_planck.model.sets.shapes import Ball
from fokker_planck.solvers.stationary import stationary_density

REFERENCES = {
    entry["id"]: entry["value"]
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "one_dimensional.json").read_text())["entries"]
}
MESHES = Path(__file__).parents[2] / "meshes"
FLAT_AND_SHARP = "(x**2 - 1)**2*(1 + 2*x/5)/4"


def problem(expression, epsilon, domain, **resolution):
    diffusion = Isotropic(epsilon) if isinstance(epsilon, float) else Constant(epsilon)
    return Problem(Overdamped(Potential(expression), diffusion), domain, Resolution(**resolution))


def weights(found, axis=0):
    """Probabilities by the position of the minimum along one axis."""
    ordered = sorted(found.wells, key=lambda well: well.minimum[axis])
    return [well.probability for well in ordered]


@pytest.mark.parametrize("noise", [20, 80, 400])
def test_flat_and_sharp_wells(noise):
    found = stationary_density(problem(FLAT_AND_SHARP, 1.0 / noise, Box([-2.0], [2.0]), tolerance=1e-9))
    exact = float(REFERENCES[f"F_iso_eps1/{noise}_P(x<saddle)"])
    flat, sharp = weights(found)
    assert flat.value == pytest.approx(exact, rel=1e-9)
    assert sharp.value == pytest.approx(1.0 - exact, rel=1e-9)
    assert flat.relative_error <= 1e-9


@pytest.mark.parametrize("noise", [20, 1000, 10000])
def test_a_weight_too_small_for_a_double_keeps_its_logarithm(noise):
    """Laplace's method with its first correction, 5 V'''^2/(24 V''^3) - V''''/(8 V''^2)."""
    found = stationary_density(problem("(x**2 - 1)**2/4 + x/10", 1.0 / noise, Box([-2.0], [2.0])))
    deep, _, shallow = sorted(np.roots([1.0, 0.0, -1.0, 0.1]).real)
    logs = []
    for x in (deep, shallow):
        second = 3.0 * x**2 - 1.0
        correction = 5.0 * 36.0 * x**2 / (24.0 * second**3) - 6.0 / (8.0 * second**2)
        logs.append(-noise * ((x**2 - 1) ** 2 / 4 + x / 10) - 0.5 * math.log(second) + math.log1p(correction / noise))
    low, high = weights(found)
    assert low.log == pytest.approx(-math.log1p(math.exp(logs[1] - logs[0])), abs=1e-3)
    assert high.log == pytest.approx(logs[1] - np.logaddexp(*logs), abs=0.03 if noise == 20 else 1e-4)
    assert (high.value is None) == (high.log < -708.0)


def test_wells_of_equal_depth_in_the_plane():
    found = stationary_density(problem("(x**2 - 1)**2/4 + y**2/2", 0.05, Box([-2.0, -1.5], [2.0, 1.5])))
    assert [w.value for w in weights(found)] == pytest.approx([0.5, 0.5], rel=1e-6)
    assert sum(w.value for w in weights(found)) == pytest.approx(1.0, rel=1e-12)


def test_a_coordinate_of_its_own_does_not_change_the_weights():
    asked = problem(f"{FLAT_AND_SHARP} + (1 + y**2)*y**2/2", 0.05, Box([-2.0, -1.5], [2.0, 1.5]))
    flat = float(REFERENCES["F_iso_eps1/20_P(x<saddle)"])
    assert [w.value for w in weights(stationary_density(asked))] == pytest.approx([flat, 1.0 - flat], rel=1e-6)


def test_wells_divided_by_a_slanted_line():
    """The two wells of cos x cos y on a torus are equal by symmetry; separatrices run along the diagonals."""
    asked = problem("cos(x)*cos(y)", 0.5, Box([0.0, 0.0], [2.0 * math.pi] * 2, "periodic"))
    found = stationary_density(asked)
    assert [well.probability.value for well in found.wells] == pytest.approx([0.5, 0.5], rel=1e-6)


@pytest.mark.parametrize(
    ("asked", "inside"),
    [
        (problem("x**2/2", 0.3, Box([-1.0], [2.0])), None),
        (problem("x**2/2 + y**2 + x*y/2", 0.3, Ball([0.2, 0.0], 1.0)), lambda x, y: (x - 0.2) ** 2 + y**2 < 1.0),
    ],
)
def test_the_density_is_normalised(asked, inside):
    found = stationary_density(asked)
    assert found.field.logarithm
    assert len(found.wells) == 1
    assert found.wells[0].probability.value == pytest.approx(1.0, rel=1e-12)
    if asked.dimension == 1:
        z = quad(lambda x: math.exp(-(x**2) / 0.6), -1.0, 2.0, epsrel=1e-12)[0]
        x = np.linspace(-1.0, 2.0, 31)[None]
        assert found.field.log(x) == pytest.approx(-(x[0] ** 2) / 0.6 - math.log(z), abs=1e-8)
        return
    z = dblquad(
        lambda y, x: math.exp(-(x * x / 2 + y * y + x * y / 2) / 0.3), -0.8, 1.2,
        lambda x: -math.sqrt(1 - (x - 0.2) ** 2), lambda x: math.sqrt(1 - (x - 0.2) ** 2), epsabs=1e-11, epsrel=1e-11,
    )[0]  # fmt: skip
    x = np.array([[0.0, 0.5, -0.3], [0.0, 0.4, 0.6]])
    assert inside(*x).all()
    exact = -(x[0] ** 2 / 2 + x[1] ** 2 + x[0] * x[1] / 2) / 0.3 - math.log(z)
    assert found.field.log(x) == pytest.approx(exact, abs=1e-6)


def test_a_flat_potential_has_a_uniform_density():
    for domain, volume in ((Box([0.0, 0.0], [2.0, 3.0]), 6.0), (Ball([0.0, 0.0], 1.0), math.pi)):
        found = stationary_density(problem("0", 1.0, domain))
        assert found.field.nodal == pytest.approx(-math.log(volume), abs=1e-9)
        assert len(found.wells) == 1


def test_a_density_in_space():
    found = stationary_density(problem("x**2 + y**2 + z**2", 0.5, Ball([0.0, 0.0, 0.0], 1.0), tolerance=1e-4))
    z = quad(lambda r: 4.0 * math.pi * r * r * math.exp(-2.0 * r * r), 0.0, 1.0)[0]
    assert found.field.log(np.zeros((3, 1)))[0] == pytest.approx(-math.log(z), abs=1e-4)


def test_noise_of_different_strength_along_two_axes():
    # exp(-Phi) = exp(-x^2/(2 0.1) - 4 y^2/(2 0.2)): a Gaussian that fits the box
    asked = problem("(x**2 + 4*y**2)/2", [[0.1, 0.0], [0.0, 0.2]], Box([-2.5, -1.75], [2.5, 1.75]))
    found = stationary_density(asked)
    z = 2.0 * math.pi * math.sqrt(0.1 * 0.05)
    assert found.field.log(np.zeros((2, 1)))[0] == pytest.approx(-math.log(z), abs=1e-6)


def test_a_sublevel_set_and_a_mesh_from_a_file():
    found = stationary_density(problem("(x**2 - 1)**2/4 + y**2/2", 0.05, Sublevel(0.8)))
    assert [w.value for w in weights(found)] == pytest.approx([0.5, 0.5], rel=1e-6)
    found = stationary_density(problem("0", 1.0, MeshFile(MESHES / "l_shape.msh"), tolerance=1e-4))
    assert found.field.nodal == pytest.approx(-math.log(3.0), abs=1e-10)


def test_a_constant_added_to_the_potential_changes_nothing():
    plain = weights(stationary_density(problem(FLAT_AND_SHARP, 0.05, Box([-2.0], [2.0]))))
    raised = weights(stationary_density(problem(f"{FLAT_AND_SHARP} - 30", 0.05, Box([-2.0], [2.0]))))
    for ours, theirs in zip(plain, raised, strict=True):
        assert theirs.value == pytest.approx(ours.value, rel=1e-11)


@pytest.mark.parametrize(
    "domain", [Box([-2.0, -2.0], [2.0, 2.0]), Ball([0.0, 0.0], 2.0), Sublevel(3.0, [-3.0, -3.0], [3.0, 3.0])]
)
def test_the_density_is_known_in_the_whole_domain_though_the_mesh_ends_where_nothing_counts(domain):
    cold = problem("(x**2 - 1)**2/4 + y**2", 0.01, domain, tolerance=1e-4)
    density = stationary_density(cold).density
    points = np.array([[0.0, 1.0, 1.0, 0.3, 2.5], [0.0, 0.0, 1.5, 1.6, 2.5]])
    normalised = density.log(points) + cold.process.potential(points) / 0.01
    assert np.ptp(normalised[:4]) < 1e-6
    assert np.isnan(density(points)[4])


def test_the_density_by_its_name():
    found = stationary_density(problem("(x**2 - 1)**2/4", 0.05, Box([-2.0], [2.0])))
    assert found.density is found.field
    norm = quad(lambda x: math.exp(-((x * x - 1.0) ** 2) / 0.2), -2.0, 2.0, epsabs=1e-13)[0]
    x = np.array([[0.3, 1.0]])
    exact = np.exp(-((x[0] ** 2 - 1.0) ** 2) / 0.2) / norm
    assert found.density(x) == pytest.approx(exact, rel=1e-7)
    assert found.density.log(x) == pytest.approx(np.log(exact), abs=1e-7)


FIELDS = {
    "on a line": ("x**2/2 + 0.3*cos(5*x)", Box([-6], [6])),
    "at an end": ("x - 0.2*log(x)", Box([0], [30])),
    "in the plane": ("0.4*cosh(x) + 0.3*cos(4*x + 2*y) + y**2/2", Box([-4, -4], [4, 4])),
}


@pytest.mark.parametrize(("potential", "domain"), FIELDS.values(), ids=FIELDS.keys())
def test_between_the_nodes_of_its_mesh_a_known_density_is_its_formula(potential, domain):
    V = Potential(potential)
    density = stationary_density(Problem(Overdamped(V, Isotropic(0.5)), domain)).density
    points = np.random.default_rng(3).uniform(0.01, 2.0, (domain.dimension, 200))
    off = density.log(points) + V.value(points) / 0.5
    # the interpolant on these meshes is off by 1e-4 to 2e-3
    assert np.ptp(off) < 1e-12
