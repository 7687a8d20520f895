"""First meshes: domains of every kind, sets fitted into them, cells small enough, and only where the process goes."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.fields.point_location import locate
from fokker_planck.fem.first_triangulation import domain_triangulation
from fokker_planck.fem.meshing import exponent_range, resolved
from fokker_planck.fem.triangulations.triangulation import diameters, facet_keys, row_numbers, volumes
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Overdamped
from fokker_planck.model.sets.shapes import Ball, Ellipsoid, HalfSpace, Region
from fokker_planck.solvers.boundaries.ends import region_name
from fokker_planck.solvers.setting.energy_levels import heights_between_wells, heights_to_target
from fokker_planck.solvers.setting.setting import prepare

MESHES = Path(__file__).parents[2] / "meshes"
PLANE = "(x**2 - 1)**2/4 + y**2/2"


def problem(expression, epsilon, domain, **resolution):
    return Problem(Overdamped(Potential(expression), Isotropic(epsilon)), domain, Resolution(**resolution))


def area(triangulation, region=None):
    """True volume of the domain or of a region, curved cells included."""
    discretization = discretize(triangulation, 2)
    inside = slice(None) if region is None else triangulation.regions[region][discretization.cells]
    return float(discretization.map.volume[inside].sum())


def check_conforming(mesh):
    keys, _ = facet_keys(mesh.cells, mesh.vertex_class)
    assert np.bincount(row_numbers(keys)).max() <= 2
    assert volumes(mesh.points, mesh.cells).min() > 0.0


# V = x^2/2 + 2 y^2 <= 1 is an ellipse of semi-axes sqrt(2) and sqrt(1/2)
@pytest.mark.parametrize(
    ("expression", "domain", "exact", "error"),
    [
        ("0", Box([0.0], [3.0]), 3.0, 1e-13),
        ("0", Box([0.0, 1.0], [3.0, 2.0]), 3.0, 1e-13),
        ("0", Box([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]), 6.0, 1e-13),
        ("0", Ball([1.0], 2.0), 4.0, 1e-13),
        ("0", Ball([1.0, 0.0], 2.0), 4.0 * math.pi, 1e-8),
        ("0", Ball([1.0, 0.0, 0.0], 2.0), 32.0 / 3.0 * math.pi, 1e-5),
        ("x**2/2 + 2*y**2", Sublevel(1.0), math.pi, 1e-6),
        ("x**2/2", Sublevel(2.0), 4.0, 1e-9),
        pytest.param("x**2 + y**2 + z**2", Sublevel(1.0), 4.0 / 3.0 * math.pi, 1e-4, marks=pytest.mark.slow),
        ("0", MeshFile(MESHES / "l_shape.msh"), 3.0, 1e-12),
        ("0", MeshFile(MESHES / "cube.msh"), 1.0, 1e-12),
    ],
)
def test_the_volume_of_a_domain(expression, domain, exact, error):
    triangulation = domain_triangulation(problem(expression, 1.0, domain), {})
    check_conforming(triangulation)
    assert area(triangulation) == pytest.approx(exact, rel=error)


@pytest.mark.parametrize("level", [0.1, 0.2, 0.26, 0.8])
def test_the_part_of_a_sublevel_set_that_holds_the_wells(level):
    """Below the saddle at 1/4 V <= level has two parts, of which the search box holds one."""
    box = ([-2.0, -1.0], [0.0, 1.0]) if level < 0.25 else (None, None)
    expression = "(x**2 - 1)**2/4 + y**2/2 + x/1000"
    triangulation = domain_triangulation(problem(expression, 0.05, Sublevel(level, *box)), {})
    x = np.linspace(-2.0, 2.0, 4_000_001)
    height = np.sqrt(np.maximum(2.0 * (level - (x**2 - 1.0) ** 2 / 4.0 - x / 1000.0), 0.0))
    parts = 2.0 * height * (x[1] - x[0])
    exact = parts[x < 0.0].sum() if level < 0.25 else parts.sum()
    assert area(triangulation) == pytest.approx(exact, rel=1e-4)
    on_level = np.unique(triangulation.facets.vertices)
    potential = Potential(expression)
    assert np.abs(potential.value(triangulation.points[on_level].T) - level).max() < 1e-9


@pytest.mark.parametrize(
    ("region", "exact", "error"),
    [
        (HalfSpace([1.0, 0.0], 0.3), 1.4, 1e-13),
        (HalfSpace([1.0, 1.0], 0.5), 0.5 * 1.5**2, 1e-12),
        (Ball([0.3, 0.2], 0.1), math.pi * 0.01, 1e-6),
        (Ball([0.0, 0.0], 0.9), math.pi * 0.81, 1e-7),
        (Ball([1.0, 1.0], 0.5), math.pi * 0.25 / 4.0, 1e-6),
        (Ellipsoid([0.0, 0.0], [0.8, 0.2]), math.pi * 0.16, 1e-6),
        (Region("x*y - 0.25"), 2.0 * (0.75 - 0.25 * math.log(4.0)), 1e-6),
    ],
)
def test_sets_in_a_square(region, exact, error):
    asked = problem("0", 1.0, Box([-1.0, -1.0], [1.0, 1.0]))
    triangulation = domain_triangulation(asked, {"A": region})
    check_conforming(triangulation)
    assert area(triangulation, "A") == pytest.approx(exact, rel=error)
    assert area(triangulation) == pytest.approx(4.0, rel=1e-10)


def test_a_set_in_a_disc():
    asked = problem("0", 1.0, Ball([0.0, 0.0], 1.0))
    triangulation = domain_triangulation(asked, {"A": HalfSpace([1.0, 0.0], 0.5)})
    segment = math.pi / 3.0 - math.sqrt(3.0) / 4.0
    assert area(triangulation, "A") == pytest.approx(segment, rel=1e-6)
    assert area(triangulation) == pytest.approx(math.pi, rel=1e-8)


def test_two_sets_at_once():
    asked = problem("0", 1.0, Box([-1.0, -1.0], [1.0, 1.0]))
    sets = {"A": Ball([-0.5, 0.0], 0.2), "B": Ball([0.5, 0.0], 0.3)}
    triangulation = domain_triangulation(asked, sets)
    for name, ball in sets.items():
        assert area(triangulation, name) == pytest.approx(math.pi * ball.radius**2, rel=1e-6)


@pytest.mark.parametrize(("cells", "count"), [((7,), 7), ((6, 4), 48), ((2, 3, 4), 144)])
def test_given_cells_are_taken(cells, count):
    dimension = len(cells)
    asked = problem("0", 1.0, Box([0.0] * dimension, [1.0] * dimension), cells=cells)
    assert len(domain_triangulation(asked, {}).cells) == count


def test_given_cells_on_a_ball():
    for count in (4, 16):
        asked = problem("0", 1.0, Ball([0.0, 0.0], 1.0), cells=(count, count))
        assert diameters(domain_triangulation(asked, {})).max() <= 2.0 / count


def first_mesh(asked, tolerance=1e-7):
    setting = prepare(asked)
    heights = heights_between_wells(setting)
    mesh = resolved(domain_triangulation(asked, {}), setting.balance.exponent, heights, 4, tolerance)
    return mesh, setting.balance.exponent, heights


@pytest.mark.parametrize("noise", [20, 100, 400])
def test_the_exponent_changes_little_across_a_cell(noise):
    mesh, exponent, heights = first_mesh(problem(PLANE, 1.0 / noise, Box([-2.0, -1.5], [2.0, 1.5])))
    check_conforming(mesh)
    low, high = exponent_range(mesh, exponent)
    assert (low < heights.ceiling).all()
    assert (np.minimum(high, heights.ceiling) - low).max() < 20.0


@pytest.mark.parametrize("noise", [20, 100, 400])
def test_wells_and_passes_are_kept_and_integrated(noise):
    mesh, exponent, heights = first_mesh(problem(PLANE, 1.0 / noise, Box([-2.0, -1.5], [2.0, 1.5])))
    assert heights.ceiling > noise / 4 + 20.0
    discretization = discretize(mesh, 4)
    x = discretization.map.points
    weight = np.exp(-exponent.value(x.reshape(2, -1)).reshape(x.shape[1:]))
    line = np.linspace(-2.0, 2.0, 100_001)
    exact = np.exp(-noise * (line**2 - 1.0) ** 2 / 4.0).sum() * (line[1] - line[0])
    exact *= math.sqrt(2.0 * math.pi / noise) * math.erf(1.5 * math.sqrt(noise / 2.0))
    assert (weight * discretization.map.volume).sum() == pytest.approx(exact, rel=1e-7)
    # a path from well to well remains
    path = np.stack([np.linspace(-1.0, 1.0, 101), np.zeros(101)])
    assert (locate(discretization, path)[0] >= 0).all()


def test_what_lies_too_high_is_cut_off():
    low, _, _ = first_mesh(problem(PLANE, 1.0 / 20, Box([-2.0, -1.5], [2.0, 1.5])))
    high, _, _ = first_mesh(problem(PLANE, 1.0 / 400, Box([-2.0, -1.5], [2.0, 1.5])))
    assert volumes(low.points, low.cells).sum() > 6.0
    assert volumes(high.points, high.cells).sum() < 4.0


def test_a_potential_too_steep_to_follow_is_refused():
    with pytest.raises(ConvergenceError, match="cells are needed"):
        first_mesh(problem("(x**2 - 1)**2/4", 1e-9, Box([-2.0], [2.0])))


@pytest.mark.parametrize(
    ("domain", "target", "height"),
    [
        (Box([-2.0], [2.0]), HalfSpace([1.0], 1.0), 0.25),
        (Box([-2.0], [2.0]), HalfSpace([1.0], 1.8), (1.8**2 - 1.0) ** 2 / 4.0),
        (Box([-2.0], [2.0]), "boundary", 9.0 / 4.0),
        (Box([-2.0, -1.0], [2.0, 1.0]), "boundary", 0.5),
        (Ball([0.0, 0.0], 1.3), "boundary", (1.3**2 - 1.0) ** 2 / 4.0),
        (Ball([0.0, 0.0], 3.0), "boundary", 3.75),  # least on the circle where x^2 = 2
    ],
)
@pytest.mark.parametrize("noise", [20, 1000])
def test_the_mesh_reaches_as_high_as_the_way_to_the_target(domain, target, height, noise):
    expression = PLANE if domain.dimension == 2 else "(x**2 - 1)**2/4"
    asked = problem(expression, 1.0 / noise, domain)
    setting = prepare(asked)
    start = (-0.9, 0.0)[: domain.dimension]
    heights = heights_to_target(setting, start, target, region_name(target))
    lowest = min(minimum.value for minimum in setting.landscape.minima)
    assert heights.ceiling > lowest + height * noise + 5.0


def test_importance_is_that_of_wells_and_passes():
    asked = problem(PLANE, 1.0 / 100, Box([-2.0, -1.5], [2.0, 1.5]))
    heights = heights_between_wells(prepare(asked))
    bottom = heights.bottoms[0]
    low = bottom + np.array([0.0, 10.0, 24.0, 40.0])
    importance = heights.importance(low, low + np.array([1.0, 1.0, 2.0, 1.0]))
    assert importance == pytest.approx([1.0, math.exp(-10.0), 1.0, math.exp(-15.0)], rel=1e-6)


def test_a_well_that_no_sample_of_a_cell_sees_keeps_its_cell():
    # 1,894 units of epsilon deep; all of twelve cells were cut off, and the weight was "nan"
    text = "0.15*x**2 - 0.895*exp(-0.5*((x - 0.2497)/0.2784)**2) - 0.5493*exp(-0.5*((x - 0.3556)/0.4192)**2)"
    process = fp.Overdamped(fp.Potential(text), fp.Isotropic(0.0007494707854186876))
    (well,) = fp.stationary_density(fp.Problem(process, fp.Box([-1.76], [1.81]))).wells
    assert well.probability.value == 1.0


def test_a_crease_of_a_function_takes_as_many_cells_as_it_counts():
    """Each cell on it was to be as good as the tolerance by itself: 94,466 of them, and 122 s for an exit to 1e-6."""
    given = problem("(x**2 - 1)**2/4 + abs(y - 0.1234)", 0.05, Box([-2.0, -1.5], [2.0, 1.5]))
    heights = heights_between_wells(prepare(given))
    exponent = SimpleNamespace(value=lambda x: 20.0 * ((x[0] ** 2 - 1) ** 2 / 4 + np.abs(x[1] - 0.1234)))
    unfitted = problem("x**2 + y**2", 0.05, given.domain)
    mesh = resolved(domain_triangulation(unfitted, {}), exponent, heights, 6, 1e-6)
    assert 1000 < len(mesh.cells) < 20_000
