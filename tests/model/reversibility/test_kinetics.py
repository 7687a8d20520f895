"""Which kind of process it is, and the exponent of its density: against closed forms and 30-digit quadrature."""

import mpmath
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.calculus.antiderivative import antiderivative
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.diffusion.quadratic import Quadratic
from fokker_planck.model.diffusion.state_dependent import Formula, Hessian, Sampled
from fokker_planck.model.domains.box import Box
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Drifting, Overdamped
from fokker_planck.model.reversibility.classify import KnownDensity, UnknownDensity, kinetics
from fokker_planck.model.reversibility.definiteness import check_semidefinite
from fokker_planck.model.reversibility.line import LineExponent, line_exponent
from fokker_planck.model.reversibility.noise_floor import floor_share
from fokker_planck.model.reversibility.path import PathExponent
from fokker_planck.model.reversibility.potential_of_density import DetailedBalance, ScaledPotential

RNG = np.random.default_rng(3)
QUARTIC = Potential("(x**2 - 1)**2/4")
ALPHAS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}


def on_the_line(process, lower=-2.0, upper=2.0, period=None):
    probe = np.linspace(lower, upper, 101)[None]
    return kinetics(process, 1, probe, (period,), ((lower,), (upper,)))


@pytest.mark.parametrize("name", ALPHAS)
@pytest.mark.parametrize("floor", [0.5, 1e-2, 1e-4])
def test_hessian_noise_of_the_quartic_well_in_closed_form(name, floor):
    """Phi = [sqrt(w^2 + floor^2) - 2 asinh(w/floor)] / (18 theta), w = 3 x^2 - 1."""
    theta = 1e-3
    psi = on_the_line(Overdamped(QUARTIC, Hessian(theta, floor), name)).exponent
    x = np.linspace(-2.0, 2.0, 401)
    w = 3.0 * x**2 - 1.0
    exact = (np.hypot(w, floor) - 2.0 * np.arcsinh(w / floor)) / (18.0 * theta)
    exact += (1.0 - ALPHAS[name]) * np.log(np.hypot(w, floor))
    found = psi.value(x[None])
    error = (found - found[100]) - (exact - exact[100])
    assert np.abs(error).max() < 1e-13 * np.abs(exact - exact.min()).max()
    assert -1.0 < found.min() < 1e-6


@pytest.mark.parametrize("name", ALPHAS)
def test_quadratic_noise_in_closed_form(name):
    """Student: Phi = m log(1 + r x^2), m = 1/(2 e r)."""
    psi = on_the_line(Overdamped(Potential("x**2/2"), Quadratic(1e-3, 4e-3), name), -3.0, 3.0).exponent
    x = np.linspace(-3.0, 3.0, 301)[None]
    exact = (125.0 + 1.0 - ALPHAS[name]) * np.log1p(4.0 * x[0] ** 2)
    np.testing.assert_allclose(psi.value(x) - psi.value(np.zeros((1, 1))), exact, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ALPHAS)
def test_gradient_and_hessian_are_those_of_the_value(name):
    extra = Drift("0.3*cos(x)")
    process = Overdamped(Potential("(x**2 - 1)**2/4 + sin(x)"), Formula("0.1*(1 + x**2/2)"), name, extra)
    psi = on_the_line(process).exponent
    x = np.linspace(-1.9, 1.9, 77)[None]
    h = 1e-4
    slope = (psi.value(x + h) - psi.value(x - h)) / (2 * h)
    bend = (psi.gradient(x + h) - psi.gradient(x - h)) / (2 * h)
    np.testing.assert_allclose(psi.gradient(x)[0], slope, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(psi.hessian(x)[0], bend, rtol=1e-6, atol=1e-5)
    # Psi' = (D' - b)/D
    field = process.field(1)
    expected = (field.divergence(x) - process.drift(x, 1)) / field.tensor(x)[0]
    np.testing.assert_allclose(psi.gradient(x), expected, rtol=1e-12)


def test_against_thirty_digits():
    process = Overdamped(Potential("cosh(x) + sin(5*x)"), Formula("0.02*(1.1 + sin(3*x))"), "stratonovich")
    psi = on_the_line(process, -1.0, 2.0).exponent
    with mpmath.workdps(30):
        level, theta = mpmath.mpf("1.1"), mpmath.mpf("0.02")

        def slope(x):
            return (mpmath.sinh(x) + 5 * mpmath.cos(5 * x)) / (theta * (level + mpmath.sin(3 * x)))

        exact = mpmath.quad(slope, mpmath.linspace(-1, 2, 40))
        exact += mpmath.log((mpmath.mpf("1.1") + mpmath.sin(6)) / (mpmath.mpf("1.1") + mpmath.sin(-3))) / 2
    found = psi.value(np.array([[-1.0, 2.0]]))
    assert abs(found[1] - found[0] - float(exact)) < 1e-13 * abs(float(exact))


def test_jumps_and_kinks_known_and_unknown():
    """V'' = 4 to the left of 0.2 and -1 beyond: D jumps there, and with the Ito reading Psi does by log 4."""
    V = "0.75*x**2 - 1.25*(x - 0.2)*abs(x - 0.2) + 0.5*x"
    for name, jump in (("ito", np.log(4.0)), ("klimontovich", 0.0)):
        known = on_the_line(Overdamped(Potential(V), Hessian(0.01), name), -1.0, 1.8).exponent
        assert known.kinks == (0.2,)
        across = known.value(np.array([[0.2 - 1e-9, 0.2 + 1e-9]]))
        assert across[0] - across[1] == pytest.approx(jump, abs=1e-5)
        blind = Overdamped(Potential(V), Sampled(lambda x: np.where(x[0] < 0.2, 0.04, 0.01)), name)
        x = RNG.uniform(-1.0, 1.8, (1, 200))
        np.testing.assert_allclose(on_the_line(blind, -1.0, 1.8).exponent.value(x), known.value(x), atol=1e-10)


def test_antiderivatives():
    F = antiderivative(lambda x: np.abs(np.sin(7.0 * x)), 0.0, 3.0)
    x = np.linspace(0.0, 3.0, 50)
    periods = np.floor(7.0 * x / np.pi)
    exact = (2.0 * periods + 1.0 - np.cos(7.0 * x - periods * np.pi)) / 7.0
    np.testing.assert_allclose(F(x), exact, atol=1e-14)
    np.testing.assert_allclose(antiderivative(np.exp, 0.0, 1.0)(np.array([-0.5, 1.5])), np.expm1([-0.5, 1.5]))
    with pytest.raises(ConvergenceError, match="not integrable near x = 0.3"):
        antiderivative(lambda x: (x - 0.3) ** -1.0 if 0.3 not in x else np.full_like(x, np.inf), 0.0, 1.0)
    noisy = antiderivative(lambda x: np.cos(x) * (1.0 + 1e-11 * np.sin(1e9 * x)), 0.0, 1.0)
    assert len(noisy.ends) < 2000
    assert noisy(np.array([1.0]))[0] == pytest.approx(np.sin(1.0), abs=1e-10)


# Which kind it is.


def test_constant_noise_keeps_its_own_way():
    found = on_the_line(Overdamped(QUARTIC, Isotropic(0.1)))
    assert isinstance(found, DetailedBalance)
    assert found.exponent == ScaledPotential(QUARTIC, 0.1)
    assert found.diffusion == Isotropic(0.1)
    formula = on_the_line(Overdamped(QUARTIC, Formula("e1/10", {"e1": 1.0}))).exponent
    assert formula == ScaledPotential(QUARTIC, 0.1)


def test_a_line_is_reversible_whatever_the_drift():
    whole = on_the_line(Drifting(Drift("x - x**3"), Isotropic(0.1))).exponent
    split = on_the_line(Overdamped(Potential("x**4/4"), Isotropic(0.1), extra=Drift("x"))).exponent
    x = np.linspace(-2.0, 2.0, 41)[None]
    np.testing.assert_allclose(whole.value(x), 10.0 * QUARTIC.value(x), atol=1e-12)
    np.testing.assert_allclose(
        split.value(x) - split.value(x[:, :1]), whole.value(x) - whole.value(x[:, :1]), atol=1e-12
    )


def test_a_ring_is_reversible_without_a_net_force():
    ring = 2.0 * np.pi
    still = Overdamped(Potential("-cos(x)"), Formula("1 + sin(x)/2"), extra=Drift("sin(2*x)"))
    # the integral of a/D around the ring, not that of a, must vanish
    assert isinstance(on_the_line(still, 0.0, ring, ring), KnownDensity)
    still = Overdamped(Potential("-cos(x)"), Formula("1 + cos(x)/2"), extra=Drift("sin(2*x)"))
    psi = on_the_line(still, 0.0, ring, ring).exponent
    assert psi.value(np.array([[0.3 + ring]]))[0] == pytest.approx(psi.value(np.array([[0.3]]))[0], abs=1e-12)
    driven = on_the_line(Overdamped(Potential("-cos(x)"), Isotropic(0.2), extra=Drift("0.5")), 0.0, ring, ring)
    assert isinstance(driven, KnownDensity)
    # p(x) ~ exp(-Psi(x)) int_x^(x + L) exp(Psi), by the trapezoidal rule over a period after a shift of Psi by a line
    x, y = np.array([0.0, 2.0]), np.linspace(0.0, ring, 4001)
    psi = (-np.cos(x[:, None] + y) - 0.5 * y) / 0.2
    density = np.exp((np.cos(x)) / 0.2) * np.trapezoid(np.exp(psi), y, axis=1)
    found = driven.exponent.value(x[None])
    assert found[1] - found[0] == pytest.approx(np.log(density[0] / density[1]), abs=1e-5)
    # the current p c is the same everywhere, and c = b - D' + D psi'
    current = driven.circulation.value(x[None])[0]
    assert current[1] / current[0] == pytest.approx(np.exp(found[1] - found[0]), rel=1e-13)
    drift = 0.5 - np.sin(x)
    assert current == pytest.approx(drift + 0.2 * driven.exponent.gradient(x[None])[0], rel=1e-13)
    slopes = driven.exponent.gradient(np.array([[1.0 - 1e-5, 1.0 + 1e-5]]))[0]
    assert driven.exponent.hessian(np.array([[1.0]]))[0, 0, 0] == pytest.approx(np.diff(slopes)[0] / 2e-5, rel=1e-8)
    assert driven.exponent.value(np.array([[0.3 + ring]]))[0] == pytest.approx(
        driven.exponent.value(np.array([[0.3]]))[0], abs=1e-13
    )


def in_the_plane(process, points=None):
    return kinetics(process, 2, RNG.uniform(-1.5, 1.5, (2, 300)) if points is None else points)


def test_gradients_in_the_plane_are_found():
    whole = in_the_plane(Drifting(Drift(["x - x**3 - x*y**2", "-(1 + x**2)*y"]), Isotropic(0.1)))
    assert isinstance(whole, DetailedBalance)
    x = RNG.uniform(-1.5, 1.5, (2, 100))
    exact = 10.0 * ((x[0] ** 2 - 1) ** 2 / 4 + (1 + x[0] ** 2) * x[1] ** 2 / 2)
    centre = np.zeros((2, 1)) + np.array(whole.exponent.centre)[:, None]
    c = centre[:, 0]
    exact -= 10.0 * ((c[0] ** 2 - 1) ** 2 / 4 + (1 + c[0] ** 2) * c[1] ** 2 / 2)
    np.testing.assert_allclose(whole.exponent.value(x), exact, atol=1e-12)
    # a sum of lines, each with noise of its own: Psi is the sum of theirs
    noise = Quadratic([0.1, 0.2], [0.4, 0.3], center=[-1.0, 0.5])
    both = in_the_plane(Overdamped(Potential("(x**2 - 1)**2/4 + y**2/2"), noise)).exponent
    first = on_the_line(Overdamped(QUARTIC, Quadratic(0.1, 0.4, center=-1.0))).exponent
    second = on_the_line(Overdamped(Potential("x**2/2"), Quadratic(0.2, 0.3, center=0.5))).exponent
    found = both.value(x) - both.value(x[:, :1])
    lines = first.value(x[:1]) + second.value(x[1:])
    np.testing.assert_allclose(found, lines - lines[0], atol=1e-11)
    step = 1e-4
    for axis in range(2):
        shift = step * np.eye(2)[:, [axis]]
        slope = (both.value(x + shift) - both.value(x - shift)) / (2 * step)
        np.testing.assert_allclose(both.gradient(x)[axis], slope, rtol=1e-5, atol=1e-5)


def test_the_density_of_a_rotation_is_known():
    V = Potential("(x**2 - 1)**2/4 + y**2/2 + x*y/5")
    turned = Drift(["g*(y + x/5)", "-g*(x**3 - x + y/5)"], {"g": 2.0})
    found = in_the_plane(Overdamped(V, Isotropic(0.1), extra=turned))
    assert isinstance(found, KnownDensity)
    assert found.exponent == ScaledPotential(V, 0.1)
    assert found.circulation == turned
    other = in_the_plane(Overdamped(V, Isotropic(0.1), extra=Drift(["y", "-x"])))
    assert isinstance(other, UnknownDensity)
    assert other.guess == ScaledPotential(V, 0.1)


def test_irreversible_without_a_known_density():
    V = Potential("(x**2 - 1)**2/4 + y**2/2 + x*y/2")
    for process in (
        Overdamped(V, Constant([[1.0, 0.0], [0.0, 2.0]])),
        Overdamped(V, Hessian(0.1, floor=0.5)),
        Drifting(Drift(["x - x**3 - 10*x*y**2", "-(1 + x**2)*y"]), Isotropic(0.1)),
        Drifting(Drift(["y", "-x"]), Isotropic(0.1)),
    ):
        found = in_the_plane(process)
        assert isinstance(found, UnknownDensity)
        x = RNG.uniform(-1.0, 1.0, (2, 5))
        np.testing.assert_array_equal(found.drift.value(x), process.drift(x, 2))


def test_a_path_that_does_not_settle_is_refused():
    wild = Drifting(Drift(["sin(1e5*x)*1e5", "0"]), Isotropic(1e-3))
    with pytest.raises(ConvergenceError, match="straight lines"):
        PathExponent(wild, (0.0, 0.0)).value(np.array([[1.0], [0.0]]))


# Noise that vanishes.


def test_hessian_noise_without_floor_stops_at_inflection_points():
    with pytest.raises(ProblemError, match=r"no noise at x = -0.57735 .* to the right is infinite; wanted a floor > 0"):
        on_the_line(Overdamped(QUARTIC, Hessian(0.1)))
    # the curvature jumps from 1 to -1 and is zero nowhere else than at the jump itself
    jumping = on_the_line(Overdamped(Potential("x - x*abs(x)/2"), Hessian(0.1)), -4.0, 1.0).exponent
    plain = 10.0 * Potential("x - x*abs(x)/2").value(np.array([[-1.0, 0.0, 0.5]]))
    np.testing.assert_allclose(np.diff(jumping.value(np.array([[-1.0, 0.0, 0.5]]))), np.diff(plain), atol=1e-12)


@pytest.mark.parametrize(
    ("diffusion", "found"),
    [
        (Quadratic(0.0, 1.0, center=0.3), "no noise at x = 0.3"),
        (Quadratic(-0.01, 1.0), "-0.01"),
        (Quadratic(1.0, -1.0), "-3"),
        (Formula("(x - 0.123456)**4"), "no noise at x = 0.123"),
        (Formula("1 - abs(x)"), "value -1"),
        (Formula("log(x)"), "not finite"),
    ],
)
def test_noise_that_vanishes_or_is_negative_inside_a_line(diffusion, found):
    with pytest.raises(ProblemError, match=found) as caught:
        on_the_line(Overdamped(QUARTIC, diffusion))
    assert caught.value.key in {"diffusion.curvature", "diffusion.expression"}


def test_noise_that_vanishes_at_an_end():
    """Jacobi: Psi = (1 - k/2 eps) log(1 - x^2)."""
    psi = line_exponent(Overdamped(Potential("x**2/2"), Quadratic(0.1, -0.1)), -1.0, 1.0)
    assert [(end.place, end.kind) for end in psi.ends] == [(-1.0, "entrance"), (1.0, "entrance")]
    x = np.linspace(-0.999, 0.999, 201)[None]
    # the noise itself has an error of rounding over the distance to the end
    np.testing.assert_allclose(psi.value(x) - psi.value(np.zeros((1, 1))), -4.0 * np.log1p(-(x[0] ** 2)), atol=1e-11)
    assert np.isfinite(psi.value(np.array([[-1.0, 1.0]]))).all()
    regular = line_exponent(Overdamped(Potential("0.05*x**2"), Quadratic(0.1, -0.1)), -1.0, 1.0)
    assert [end.kind for end in regular.ends] == ["regular", "regular"]


def test_tensors_that_are_not_semidefinite():
    x = RNG.uniform(-1.0, 1.0, (2, 50))
    for diffusion, found in (
        (Formula([["1", "x*y"], ["x*y", "0.01"]]), "a D with an eigenvalue -"),
        (Formula([["1", "x"], ["0", "1"]]), "not symmetric"),
        (Formula("log(x)"), "not finite"),
    ):
        with pytest.raises(ProblemError, match=found):
            check_semidefinite(diffusion.field(None, 2), x)
    check_semidefinite(Formula([["1", "0"], ["0", "0"]]).field(None, 2), x)
    space = np.diag([1.0, -1.0, 1.0])[:, :, None] * np.ones(4)
    with pytest.raises(ProblemError, match="eigenvalue -1"):
        check_semidefinite(Sampled(lambda y: space).field(None, 3), np.zeros((3, 4)))


def test_rounding_of_noise_is_that_of_its_largest_values():
    """Where D vanishes a block of points has next to none, and what rounding leaves there is no negative noise."""
    noise = Sampled(lambda y: (y[0] - 1e-15) * np.eye(3)[:, :, None]).field(None, 3)
    x = np.linspace(0.0, 1.0, 11) * np.ones((3, 1))
    check_semidefinite(noise, x)
    check_semidefinite(noise, x[:, :1], elsewhere=x)
    with pytest.raises(ProblemError, match="eigenvalue -1e-15"):
        check_semidefinite(noise, x[:, :1])


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_pivots_tell_of_negative_noise_what_eigenvalues_do(dimension):
    roots = RNG.normal(size=(200, dimension, dimension))
    turned = np.linalg.qr(roots)[0]
    values = RNG.uniform(-0.1, 1.0, (200, dimension))
    tensor = np.moveaxis(np.einsum("nia,na,nja->nij", turned, values, turned), 0, 2)
    tensor = 0.5 * (tensor + tensor.swapaxes(0, 1))
    for k, least in enumerate(values.min(axis=1)):
        field = Sampled(lambda y, k=k: tensor[:, :, k : k + 1]).field(None, dimension)
        if least >= 0.0:
            check_semidefinite(field, np.zeros((dimension, 1)))
        else:
            with pytest.raises(ProblemError, match="value -"):
                check_semidefinite(field, np.zeros((dimension, 1)))


def test_negative_noise_between_the_samples_is_found_on_the_mesh():
    from fokker_planck.fem.discretization import discretize
    from fokker_planck.fem.first_triangulation import domain_triangulation
    from fokker_planck.fem.generator import assemble

    problem = Problem(Overdamped(Potential("x**2 + y**2"), Isotropic(1.0)), Box([-1.0, -1.0], [1.0, 1.0]))
    discretization = discretize(domain_triangulation(problem, {}), 2)
    hole = Sampled(lambda x: 1.0 - 2.0 * np.exp(-100.0 * (x[0] ** 2 + x[1] ** 2))).field(None, 2)
    with pytest.raises(ProblemError, match="a D with an eigenvalue -"):
        assemble(discretization, DetailedBalance(ScaledPotential(Potential("x**2 + y**2"), 1.0), hole))


def test_the_share_of_the_floor():
    """2 V'/(k theta) log(1/floor) = (2/9)/theta log(1/floor) for the quartic well."""
    for floor, dominated in ((0.5, False), (1e-3, True)):
        psi = LineExponent(Overdamped(QUARTIC, Hessian(0.05, floor)), -2.0, 2.0)
        share = floor_share(psi, -1.0, 1.0)
        assert (share is not None) == dominated
    assert share.power == pytest.approx(2.0 / 9.0 / 0.05, rel=1e-9)
    assert share.places == (pytest.approx(-(3**-0.5)),)
    smaller = floor_share(LineExponent(Overdamped(QUARTIC, Hessian(0.05, 5e-4)), -2.0, 2.0), -1.0, 1.0)
    assert smaller.barrier - share.barrier == pytest.approx(share.power * np.log(2.0), rel=1e-4)
    assert "half the floor would multiply" in str(share)
    assert floor_share(LineExponent(Overdamped(QUARTIC, Quadratic(0.1, 0.1)), -2.0, 2.0), -1.0, 1.0) is None
    assert floor_share(LineExponent(Overdamped(QUARTIC, Hessian(0.05, 1e-3)), -2.0, 2.0), -1.0, -1.2) is None


STEPS = ["x**2/2 + 0.5*heaviside(x - 0.3)", "x**2/2 + 0.1*sign(x - 0.3)", "piecewise(x < 0.2, x**2/2, 0.1 + x**2/2)"]


@pytest.mark.parametrize("formula", STEPS)
def test_a_potential_that_jumps_is_refused_with_momentum(formula):
    """The step was not felt: the gap was that of x**2/2, for a mean time of 262 there came one of 44.7."""
    process = fp.Underdamped(fp.Potential(formula), fp.Isotropic(0.25), friction=1.0)
    asked = fp.Problem(process, fp.Box([-3, -2.8], [3, 2.8]), fp.Resolution(1e-3))
    with pytest.raises(fp.ProblemError, match="a V that jumps, with momentum"):
        fp.spectrum(asked, count=2)
    python = fp.Potential(lambda x: 0.5 * x[0] ** 2 + 0.5 * (x[0] > 0.3), dimension=1)
    asked = fp.Problem(fp.Underdamped(python, fp.Isotropic(0.25), friction=1.0), fp.Box([-3, -2.8], [3, 2.8]))
    with pytest.raises(fp.ProblemError, match="a function that jumps"):
        fp.stationary_density(asked)


def test_a_potential_in_the_plane_that_jumps_is_refused_with_momentum():
    process = fp.Underdamped(fp.Potential("(x**2 - 1)**2 + y**2 + 0.1*heaviside(x)"), fp.Isotropic(0.1), friction=1.5)
    asked = fp.Problem(process, fp.Box([-2, -2], [2, 2]), fp.Resolution(1e-2))
    for question in (lambda: fp.spectrum(asked, count=2), lambda: fp.rates(asked)):
        with pytest.raises(fp.ProblemError, match="a V that jumps, with momentum"):
            question()


def test_kinks_and_jumps_of_friction_are_answered_with_momentum():
    kinked = fp.Underdamped(fp.Potential("x**2/2 + 0.3*abs(x)"), fp.Isotropic(0.25), friction="1 + 0.5*heaviside(x)")
    found = fp.stationary_density(fp.Problem(kinked, fp.Box([-3, -2.8], [3, 2.8]), fp.Resolution(1e-3)))
    assert found.wells[0].probability.value == pytest.approx(1.0)


def test_a_fast_ring_needs_no_panel_for_every_unit_of_its_exponent():
    """p = 1/b without noise; a drift of 1e5 over a noise of 0.01 asked for 9 GB of them."""
    drift = fp.Drift(["1e5*(1 + 0.5*sin(x))"])
    found = kinetics(
        Drifting(drift, Isotropic(0.01)), 1, np.linspace(0.1, 6.0, 9)[None], (2 * np.pi,), ([0.0], [2 * np.pi])
    )
    assert np.exp(-np.diff(found.exponent.value(np.array([[0.0, 1.5 * np.pi]]))))[0] == pytest.approx(2.0, rel=1e-6)
    resting = Drifting(fp.Drift(["1e5*(0.5 + sin(x))"]), Isotropic(0.01))
    with pytest.raises(ConvergenceError, match="units of the noise around the ring"):
        kinetics(resting, 1, np.linspace(0.1, 6.0, 9)[None], (2 * np.pi,), ([0.0], [2 * np.pi]))
