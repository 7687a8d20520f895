"""Boxes, balls, meshes and sublevel sets: extent, membership, sampling, and the search for a sublevel set."""

from pathlib import Path

import numpy as np
import pytest

from fokker_planck.errors import MeshFileError, ProblemError
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.connected_part import connected_part
from fokker_planck.model.domains.domain import (
    bounding_box,
    contains,
    dimension_of,
    has_boundary,
    periods_of,
    sample_points,
)
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.sets.shapes import Ball

MESHES = Path(__file__).parents[3] / "meshes"
DOUBLE_WELL = Potential("(x**2 - 1)**2/4 + y**2/2")


def test_box_keeps_one_word_an_axis():
    box = Box([0, 0], [1, 2], boundary=["periodic", "reflecting"])
    assert box.boundary == ("periodic", "reflecting")
    assert box.periods == (1.0, None)
    assert Box([0, 0], [1, 2]).boundary == ("reflecting", "reflecting")
    assert Box(0, 1) == Box([0.0], [1.0])
    assert hash(box) == hash(Box((0.0, 0.0), (1.0, 2.0), boundary=("periodic", "reflecting")))


def test_box_takes_arrays():
    assert Box(np.zeros(2), np.array([1, 2])).upper == (1.0, 2.0)


@pytest.mark.parametrize(("lower", "upper"), [([0.0], [5e-324]), ([1.0], [1.0 + 1e-12])])
def test_a_box_without_room_is_refused(lower, upper):
    with pytest.raises(ProblemError, match="wide enough to compute in"):
        Box(lower, upper)


def test_periodic_axes_have_no_outside():
    ring = Box([0, 0], [1, 1], boundary=["periodic", "reflecting"])
    assert contains(ring, np.array([[-7.3, 0.5], [0.5, 1.5]])).tolist() == [True, False]
    assert has_boundary(ring)
    assert not has_boundary(Box([0], [1], boundary="periodic"))
    assert periods_of(Ball([0.0, 0.0], 1.0)) == (None, None, None)


def test_faces_belong_to_the_box_and_nan_does_not():
    box = Box([0.1, 0.1], [0.3, 0.7])
    inside = contains(box, np.array([[0.1, 0.3, 0.1 + 0.2, 0.2, np.nan], [0.1, 0.7, 0.4, 0.71, 0.4]]))
    assert inside.tolist() == [True, True, True, False, False]


def test_mesh_domain():
    domain = MeshFile(MESHES / "l_shape.msh")
    assert dimension_of(domain) == 2
    assert bounding_box(domain) == ((-1.0, -1.0), (1.0, 1.0))
    assert contains(domain, np.array([[0.5, 0.5, 0.0, 1.0, -1.0, 2.0], [-0.5, 0.5, 0.0, -1.0, 1.0, 0.0]])).tolist() == [
        True, False, True, True, True, False,
    ]  # fmt: skip


def test_missing_mesh_file_shows_when_it_is_needed():
    with pytest.raises(MeshFileError, match="no file"):
        dimension_of(MeshFile("no_such.msh"))


@pytest.mark.parametrize(
    "domain",
    [Box([0, 0, 0], [1, 2, 3]), Box([-1], [1]), Ball([1, 1], 2), Ball([1, 1, 0], 2), Sublevel(1.0)],
    ids=repr,
)
def test_samples_fill_the_domain(domain):
    x = sample_points(domain, 1000, DOUBLE_WELL)
    assert contains(domain, x, DOUBLE_WELL).all()
    assert x.shape[1] > 300
    lower, upper = (np.array(corner) for corner in bounding_box(domain, DOUBLE_WELL))
    assert np.all(x.min(axis=1) < lower + 0.2 * (upper - lower))
    assert np.all(x.max(axis=1) > upper - 0.2 * (upper - lower))


def test_samples_of_a_mesh():
    domain = MeshFile(MESHES / "cube.msh")
    x = sample_points(domain, 1000)
    assert contains(domain, x).all()
    assert x.shape[0] == 3


class TestSublevel:
    """V <= level: exact extents against the box that is found."""

    def check(self, domain, potential, lower, upper):
        part = connected_part(domain, Potential(potential))
        width = np.array(upper) - lower
        assert np.all(np.array(part.lower) <= lower)
        assert np.all(np.array(part.upper) >= upper)
        assert np.all(np.array(part.lower) >= lower - 0.08 * width)
        assert np.all(np.array(part.upper) <= upper + 0.08 * width)
        assert Potential(potential).value(np.array(part.seed)[:, None])[0] <= domain.level

    def test_parabola(self):
        self.check(Sublevel(2.0), "x**2/2", [-2.0], [2.0])

    def test_double_well_above_the_saddle(self):
        end = np.sqrt(1.0 + 2.0 * np.sqrt(0.8))
        self.check(Sublevel(0.8), "(x**2 - 1)**2/4 + y**2/2", [-end, -np.sqrt(1.6)], [end, np.sqrt(1.6)])

    def test_space(self):
        self.check(Sublevel(0.5), "(x**2 + y**2 + 4*z**2)/2", [-1.0, -1.0, -0.5], [1.0, 1.0, 0.5])

    def test_small_and_away_from_the_origin(self):
        self.check(Sublevel(1.0), "1e6*((x - 0.33)**2 + (y + 0.71)**2)", [0.329, -0.711], [0.331, -0.709])

    def test_far_away(self):
        self.check(Sublevel(0.5), "(x - 700)**2/2 + (y + 300)**2/2", [699.0, -301.0], [701.0, -299.0])

    def test_long_and_thin(self):
        self.check(Sublevel(1.0), "x**2/10000 + 10000*y**2", [-100.0, -0.01], [100.0, 0.01])

    def test_search_box_cuts_off_what_runs_away(self):
        """V = x³ - 3x falls without end on the left; from the left of -1.5 it is out of the box."""
        root = np.roots([1.0, 0.0, -3.0, -1.0]).real
        lower, upper = sorted(root)[1:]
        self.check(Sublevel(1.0, [-3.0], [4.0]), "x**3 - 3*x", [lower], [upper])

    def test_infinite_values_are_outside(self):
        self.check(Sublevel(1.0), "x**2 - log(1 - x**2)", [-0.6579], [0.6579])

    @pytest.mark.parametrize(
        ("domain", "potential", "found"),
        [
            (Sublevel(1.0), "x**2/2 - y**2/2", "as far out as"),
            (Sublevel(1.0), "-x**2", "as far out as"),
            (Sublevel(-1.0), "x**2/2", "no point"),
            (Sublevel(-1.0, [-1.0], [1.0]), "x**2/2", "below every V"),
            (Sublevel(0.1), "(x**2 - 1)**2/4 + y**2/2", "2 parts"),
            (Sublevel(0.1), "(x**2 - 1)**2/4", "2 parts"),
            (Sublevel(2.0, [-1.0], [1.0]), "x**2/2", "reaches the faces"),
        ],
    )
    def test_refused(self, domain, potential, found):
        with pytest.raises(ProblemError) as caught:
            connected_part(domain, Potential(potential))
        assert caught.value.key == "domain.level"
        assert found in str(caught.value.found)

    def test_needs_its_potential(self):
        with pytest.raises(ProblemError, match="without its potential"):
            bounding_box(Sublevel(1.0))
