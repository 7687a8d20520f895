import json
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.domain import contains, dimension_of
from fokker_planck.model.gallery import exits as gallery_exits
from fokker_planck.model.gallery import registry as gallery
from fokker_planck.model.gallery.registry import GalleryEntry, named, names, parameters_of
from fokker_planck.model.potential import Potential
from fokker_planck.model.sets.shapes import Ball

REFERENCE = Path(__file__).parents[1] / "reference"

VARIANTS = [(name, {}) for name in names()] + [
    ("quartic-double-well", {"dimension": 2, "k": 3.0}),
    ("quartic-double-well", {"dimension": 3}),
    ("tilted-double-well", {"tilt": -0.2, "dimension": 2}),
    ("flat-and-sharp", {"asymmetry": -0.3, "dimension": 3}),
    ("ornstein-uhlenbeck", {"dimension": 3, "stiffness": 2.0}),
    ("source", {"dimension": 2}),
    ("source", {"dimension": 3, "rate": 2.0}),
    ("flat-box", {"dimension": 1}),
    ("flat-box", {"dimension": 3, "side": 2.0}),
    ("flat-ball", {"dimension": 1}),
    ("flat-ball", {"dimension": 3, "radius": 0.5}),
    ("many-wells", {"dimension": 3}),
    ("styblinski-tang", {"dimension": 1}),
    ("styblinski-tang", {"dimension": 3}),
    ("pitchfork", {"a": -0.5}),
    ("pitchfork", {"a": 0.5, "b": 2.0}),
    ("ring", {"amplitude": 3.0}),
    ("flat-top", {"height": 1.0}),
    ("triple-well", {"height": 0.5}),
    ("mexican-hat", {"height": 2.0}),
]
every_entry = pytest.mark.parametrize(("name", "parameters"), VARIANTS, ids=lambda v: str(v))


def known(entry: GalleryEntry, quantity: str, epsilon: float | None) -> float:
    (value,) = [k.value for k in entry.known if k.quantity == quantity and k.epsilon == epsilon]
    return value


@every_entry
def test_an_entry_fits_together(name, parameters):
    entry = named(name, **parameters)
    assert entry.name == name
    assert entry.description.endswith((".", "noise"))
    dimension = dimension_of(entry.domain, entry.potential)
    assert entry.potential.dimension == dimension
    if "dimension" in parameters:
        assert dimension == parameters["dimension"]
    assert entry.epsilon > 0
    for target in entry.sets.values():
        assert target.dimension == dimension
    for fact in entry.known:
        assert np.isfinite(fact.value)
        assert fact.quantity
        assert fact.source
        assert fact.epsilon is None or fact.epsilon > 0
    assert isinstance(entry.domain, (Box, Ball))


@every_entry
def test_critical_points_are_critical_of_the_stated_kind_and_height(name, parameters):
    entry = named(name, **parameters)
    for point in entry.critical_points:
        x = np.array(point.position)[:, None]
        assert contains(entry.domain, x, entry.potential).all()
        hessian = entry.potential.hessian(x)[..., 0]
        eigenvalues = np.linalg.eigvalsh(hessian)
        size = np.abs(eigenvalues).max() or 1.0
        assert np.abs(entry.potential.gradient(x)).max() <= 1e-13 * size
        assert entry.potential.value(x)[0] == pytest.approx(point.value, rel=1e-14, abs=1e-14 * size)
        degenerate = np.abs(eigenvalues) < 1e-12 * size
        unstable = int(np.sum((eigenvalues < 0) & ~degenerate))
        if point.kind == "minimum":
            assert unstable == 0
        elif point.kind == "maximum":
            assert unstable == len(eigenvalues)
        else:
            assert point.kind == "saddle"
            assert unstable == 1 or (degenerate.any() and unstable <= 1)


def test_the_named_surfaces_have_the_critical_points_of_the_literature():
    found = {tuple(np.round(p.position, 7)): p.value for p in named("mueller-brown").critical_points}
    for position, value in {
        (-0.5582236, 1.4417258): -146.6995172100,
        (0.6234994, 0.0280378): -108.1667241169,
        (-0.0500108, 0.4666941): -80.7678181297,
        (-0.8220016, 0.6243128): -40.6648435087,
        (0.2124866, 0.2929883): -72.2489401123,
    }.items():
        assert found[position] == pytest.approx(value, abs=1e-9)
    found = {tuple(np.round(p.position, 7)): p.value for p in named("three-hole").critical_points}
    for position, value in {
        (1.048055, -0.0420937): -3.9948606019,
        (-1.048055, -0.0420937): -3.9948606019,
        (0.0, 1.537082): -2.1721536230,
        (0.0, -0.3158266): -1.3845866404,
        (0.6172723, 1.1027345): -1.6466874535,
        (-0.6172723, 1.1027345): -1.6466874535,
        (0.0, 0.5191867): -0.7152298870,
    }.items():
        assert found[position] == pytest.approx(value, abs=1e-9)


def reference(identifier):
    entries = json.loads((REFERENCE / "one_dimensional.json").read_text())["entries"]
    (value,) = [entry["value"] for entry in entries if entry["id"] == identifier]
    return float(value[0] if isinstance(value, list) else value)


@pytest.mark.parametrize(
    ("name", "quantity", "epsilon", "identifier"),
    [
        *[
            ("quartic-double-well", quantity, epsilon, f"A_eps1/{round(1 / epsilon)}_{short}")
            for epsilon in (1 / 8, 1 / 20, 1 / 80, 1 / 400, 1 / 2000)
            for quantity, short in (
                ("lambda_1", "lam1"),
                ("T(x = -1 -> middle)", "T(-1->0)"),
                ("T(x = -1 -> right)", "T(-1->1)"),
            )
        ],
        ("quartic-double-well", "lambda_2", 1 / 8, "A_eps1/8_lam2"),
        ("quartic-double-well", "lambda_2", 1 / 20, "A_eps1/20_lam2"),
        *[
            ("tilted-double-well", quantity, epsilon, f"B_eps1/{round(1 / epsilon)}_{short}")
            for epsilon in (1 / 8, 1 / 20, 1 / 400)
            for quantity, short in (
                ("lambda_1", "lam1"),
                ("T(x = -1 -> right)", "T(-1->1)"),
                ("T(x = 1 -> left)", "T(1->-1)"),
            )
        ],
        *[
            ("flat-and-sharp", quantity, epsilon, f"F_iso_eps1/{round(1 / epsilon)}_{short}")
            for epsilon in (1 / 20, 1 / 80, 1 / 400)
            for quantity, short in (
                ("lambda_1", "lam1"),
                ("P(left)", "P(x<saddle)"),
                ("T(x = -1 -> right)", "T(-1->1)"),
                ("T(x = 1 -> left)", "T(1->-1)"),
            )
        ],
        ("ornstein-uhlenbeck", "T(0 -> boundary)", 0.1, "OUBALL_d1_eps0.1_T"),
        ("ornstein-uhlenbeck", "T(0 -> boundary)", 0.5, "OUBALL_d1_eps0.5_T"),
        ("source", "T(0 -> boundary)", 0.1, "SADDLE1D_eps0.1"),
        ("source", "T(0 -> boundary)", 0.01, "SADDLE1D_eps0.01"),
        ("source", "T(0 -> boundary)", 0.001, "SADDLE1D_eps1e-3"),
        ("ring", "lambda_1", 0.2, "RING0_lam1_eps0.2"),
        ("ring", "lambda_1", 0.05, "RING0_lam1_eps0.05"),
        ("flat-box", "T(centre -> boundary)", 1.0, "BM_SQUARE_center"),
    ],
)
def test_known_numbers_are_those_of_the_reference(name, quantity, epsilon, identifier):
    assert known(named(name), quantity, epsilon) == pytest.approx(reference(identifier), rel=1e-14)


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("epsilon", [0.5, 0.1])
def test_exit_times_from_the_centre_of_the_ball(dimension, epsilon):
    entry = named("ornstein-uhlenbeck", dimension=dimension)
    wanted = reference(f"OUBALL_d{dimension}_eps{epsilon}_T")
    assert known(entry, "T(0 -> boundary)", epsilon) == pytest.approx(wanted, rel=1e-14)
    # the flat limit and the scaling of time
    assert gallery_exits.exit_time_from_centre(dimension, 1e-14, epsilon) == pytest.approx(
        1 / (2 * dimension * epsilon)
    )
    assert gallery_exits.exit_time_from_centre(dimension, 3.0, 3 * epsilon) == pytest.approx(wanted / 3, rel=1e-13)


def test_the_source_in_two_dimensions():
    entry = named("source", dimension=2)
    for epsilon, name in ((0.1, "SOURCE2D_eps0.1"), (0.01, "SOURCE2D_eps0.01"), (0.001, "SOURCE2D_eps0.001")):
        assert known(entry, "T(0 -> boundary)", epsilon) == pytest.approx(reference(name), rel=1e-12)


def test_an_absorbing_eigenvalue_in_closed_form():
    """1 - |x|**2 is an eigenfunction of eps u'' - k x u' where k/(2 eps) = d/2."""
    for dimension in (1, 2, 3):
        k = 1.5
        fact = next(
            f for f in named("ornstein-uhlenbeck", dimension=dimension, stiffness=k).known if "absorb" in f.quantity
        )
        # L (1 - r^2) = -2 d eps + 2 k r^2 = -lambda (1 - r^2)
        assert 2 * dimension * fact.epsilon == pytest.approx(fact.value)
        assert 2 * k == pytest.approx(fact.value)


@pytest.mark.parametrize("epsilon", [0.2, 0.05])
def test_the_ring_by_its_fourier_matrix(epsilon):
    n = np.arange(-60, 61)
    generator = np.diag(epsilon * n**2.0).astype(complex)
    # sin(x) u': e^{ikx} -> ik (e^{i(k+1)x} - e^{i(k-1)x}) / 2i
    generator[1:, :-1] += np.diag(n[:-1] / 2.0)
    generator[:-1, 1:] -= np.diag(n[1:] / 2.0)
    eigenvalues = np.sort(np.linalg.eigvals(generator).real)
    # the smallest is the zero; the least nonzero of a single well is an odd function
    assert known(named("ring"), "lambda_1", epsilon) == pytest.approx(eigenvalues[1], rel=1e-9)


def test_the_time_to_the_top_of_the_ring():
    nodes, weights = np.polynomial.legendre.leggauss(200)
    y = np.pi * (nodes + 1) / 2
    inner = np.array([b / 2 * np.sum(weights * np.exp(np.cos(b * (nodes + 1) / 2) / 0.2)) for b in y])
    time = np.pi / 2 * np.sum(weights * np.exp(-np.cos(y) / 0.2) * inner) / 0.2
    assert known(named("ring"), "T(0 -> top)", 0.2) == pytest.approx(time, rel=1e-12)


@pytest.mark.parametrize("asymmetry", [0.4, -0.3, 0.0])
def test_the_share_of_the_flat_well_by_quadrature(asymmetry):
    entry = named("flat-and-sharp", asymmetry=asymmetry)
    limit = known(entry, "P(left) as epsilon -> 0", None)
    x = np.linspace(-2, 2, 400_001)
    values = entry.potential.value(x[None])
    errors = []
    for epsilon in (1 / 400, 1 / 800):
        weight = np.exp(-values / epsilon)
        errors.append(weight[x < 0].sum() / weight.sum() - limit)
    assert np.abs(errors).max() < 1e-3
    if asymmetry:
        assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.1)


def test_the_middle_of_the_triple_well_holds_half_of_the_mass():
    x = np.linspace(-1.4, 1.4, 400_001)
    weight = np.exp(-named("triple-well").potential.value(x[None]) / 0.002)
    assert weight[np.abs(x) < 3**-0.5].sum() / weight.sum() == pytest.approx(0.5, abs=2e-3)


def test_the_maier_stein_drift_is_a_gradient():
    x, y = points = np.random.default_rng(1).uniform(-1, 1, (2, 20))
    drift = np.stack([x - x**3 - x * y**2, -(1 + x**2) * y])
    np.testing.assert_allclose(-named("maier-stein").potential.gradient(points), drift, atol=1e-14)


def test_one_dimensional_wells_have_no_other_critical_points():
    for name in ("quartic-double-well", "flat-top", "triple-well", "prinz", "styblinski-tang"):
        entry = named(name, dimension=1) if "dimension" in parameters_of(name) else named(name)
        slope = entry.potential.gradient(
            np.linspace(*(b[0] for b in (entry.domain.lower, entry.domain.upper)), 99_999)[None]
        )[0]
        assert np.count_nonzero(np.diff(np.sign(slope[slope != 0]))) == len(
            {round(p.position[0], 9) for p in entry.critical_points}
        )


def test_the_gallery_holds_the_promised_names():
    for name in (
        "ornstein-uhlenbeck", "quartic-double-well", "tilted-double-well", "flat-and-sharp", "mueller-brown",
        "three-hole", "ring", "flat-ball", "flat-box", "prinz", "styblinski-tang", "pitchfork", "triple-well",
    ):  # fmt: skip
        assert name in names()
    assert list(names()) == sorted(names())


def test_defaults_are_listed():
    assert parameters_of("ornstein-uhlenbeck") == {"dimension": 1, "stiffness": 1.0}
    assert parameters_of("prinz") == {}
    for name in names():
        assert named(name) == named(name, **parameters_of(name))


def test_entries_are_plain_problems():
    import fokker_planck as fp

    entry = named("three-hole")
    problem = fp.Problem(fp.Overdamped(entry.potential, fp.Isotropic(entry.epsilon)), entry.domain, sets=entry.sets)
    assert problem.dimension == 2
    assert isinstance(entry.potential, Potential)
    assert gallery.Known is type(entry.known[0])
