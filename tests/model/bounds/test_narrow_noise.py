"""Spikes and dips of noise and drift that are narrower than every sample, on a line: found, with the right numbers.

The exponent is an integral there, so that bounds of its slope -a/D and of D say where something may hide.
"""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ConvergenceError, ProblemError
from fokker_planck.formulas.bounds.kinks import kinks_of
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.model.bounds.line_boxes import line_boxes
from fokker_planck.model.diffusion.state_dependent import Formula, Hessian
from fokker_planck.model.process import Overdamped
from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of

QUARTIC = "(x**2 - 1)**2/4"
ALPHA = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}


def _exact(drift, noise, breaks, alpha=0.0):
    """log of the mean time from -1 to 1, -2 reflecting: the double integral by Gauss's rule on panels of a fiftieth.

    ``noise`` and ``drift`` are functions of x that are smooth between the breaks; around each of these panels shrink.
    """
    nodes, weights = np.polynomial.legendre.leggauss(30)
    edges = np.unique(np.concatenate([np.linspace(-2.0, 1.0, 151), [-1.0], breaks]))
    edges = edges[(edges >= -2.0) & (edges <= 1.0)]
    half = 0.5 * np.diff(edges)[:, None]
    x = edges[:-1, None] + half * (nodes + 1.0)

    def slope(points):
        return -drift(points) / noise(points)

    rise = (half * weights * slope(x)).sum(axis=1)
    start = np.concatenate([[0.0], np.cumsum(rise)[:-1]])
    inner = edges[:-1, None, None] + 0.5 * (x - edges[:-1, None])[:, :, None] * (nodes + 1.0)
    phi = start[:, None] + (0.5 * (x - edges[:-1, None])[:, :, None] * weights * slope(inner)).sum(axis=2)
    mass = noise(x) ** (alpha - 1.0) * np.exp(-phi)
    whole = (half * weights * mass).sum(axis=1)
    before = np.concatenate([[0.0], np.cumsum(whole)[:-1]])
    # the integral of the mass up to every point of a panel, by its interpolant
    vandermonde = np.polynomial.legendre.legvander(nodes, 29)
    upto = np.stack(
        [np.polynomial.legendre.legval(nodes, np.polynomial.legendre.legint(row, lbnd=-1)) for row in np.eye(30)],
        axis=1,
    )
    held = before[:, None] + half * (mass @ (upto @ np.linalg.inv(vandermonde)).T)
    after = edges[:-1] >= -1.0
    scale = noise(x) ** -alpha * np.exp(phi)
    return float(np.log((half * weights * scale * held)[after].sum()))


def _around(place, width):
    # within: one over a deep dip is a narrower spike
    graded = np.concatenate([np.geomspace(1e-5, 0.06, 60), np.geomspace(8.0, 1e5, 60)])
    steps = np.concatenate([np.linspace(-8.0, 8.0, 257), graded, -graded])
    return place + width * steps


def _time(process):
    problem = fp.Problem(process, fp.Box([-2.0], [2.0]))
    return fp.mean_exit_time(problem, [-1.0], fp.HalfSpace([1.0], 1.0)).mean


@pytest.mark.parametrize(("factor", "place", "width"), [
    (1e3, 0.3, 1e-4), (-0.999999, 0.3, 1e-5), (-0.99999, -0.3137, 1e-4), (-0.9999, -1.0137, 1e-3),
])  # fmt: skip
@pytest.mark.parametrize("interpretation", ALPHA)
def test_a_spike_or_a_dip_of_the_noise(factor, place, width, interpretation):
    formula = f"0.05*(1 + ({factor!r})*exp(-((x - ({place!r}))/{width!r})**2))"
    exact = _exact(
        lambda x: x - x**3,
        lambda x: 0.05 * (1.0 + factor * np.exp(-(((x - place) / width) ** 2))),
        _around(place, width),
        ALPHA[interpretation],
    )
    mean = _time(Overdamped(fp.Potential(QUARTIC), Formula(formula), interpretation))
    # x - 0.3 is known to 5e-12 of a width of 1e-5, and D falls by 1e6 there: 3.3e-9 with the numpy of Debian 13
    assert abs(mean.log - exact) < mean.relative_error + max(1e-9, 5e-14 / width)
    assert abs(mean.value / 729.6706919423 - 1.0) > 1e-5


@pytest.mark.parametrize(("push", "place", "width"), [(300.0, -0.3137, 1e-4), (-3000.0, 0.3137, 1e-4)])
@pytest.mark.parametrize("whole", [True, False])
def test_a_push_on_a_short_stretch(push, place, width, whole):
    spike = f"{push!r}*exp(-((x - ({place!r}))/{width!r})**2)"
    if whole:
        process = fp.Drifting(fp.Drift([f"x - x**3 + {spike}"]), fp.Isotropic(0.05))
    else:
        process = Overdamped(fp.Potential(QUARTIC), fp.Isotropic(0.05), extra=fp.Drift([spike]))
    exact = _exact(
        lambda x: x - x**3 + push * np.exp(-(((x - place) / width) ** 2)), lambda x: np.full(x.shape, 0.05),
        _around(place, width),
    )  # fmt: skip
    mean = _time(process)
    assert abs(mean.log - exact) < mean.relative_error + 1e-9
    assert abs(mean.value / 729.6706919423 - 1.0) > 0.5


def test_a_dip_with_a_cusp():
    """D = 0.05 (1 - 0.999 max(0, 1 - |x - c|/w)): between its kinks all is elementary."""
    place, width = 0.3137, 1e-6
    tent = f"max(0, 1 - abs(x - {place})/{width})"
    assert len(kinks_of([parse_expression(tent)], -2.0, 2.0)) == 3
    graded = place + width * np.concatenate([sign * np.geomspace(1e-6, 1.0, 80) for sign in (-1.0, 1.0)])
    exact = _exact(
        lambda x: x - x**3,
        lambda x: 0.05 * (1.0 - 0.999 * np.maximum(0.0, 1.0 - np.abs(x - place) / width)),
        np.concatenate([graded, [place], _around(place, width)]),
        0.5,
    )
    mean = _time(Overdamped(fp.Potential(QUARTIC), Formula(f"0.05*(1 - 0.999*{tent})"), "stratonovich"))
    assert abs(mean.log - exact) < mean.relative_error + 1e-9


def test_noise_that_is_negative_on_a_short_stretch_is_refused():
    noise = Formula("1 - 1.001*exp(-((x - 0.3137)/1e-7)**2)")
    with pytest.raises(ProblemError, match="nowhere negative"):
        _time(Overdamped(fp.Potential(QUARTIC), noise))


def test_what_has_no_end_is_refused_with_its_place():
    with pytest.raises(ConvergenceError, match="bounded near x = "):
        _time(Overdamped(fp.Potential(QUARTIC), Formula("0.05*(2 + sin(1e9*x))")))


def test_smooth_processes_take_few_intervals():
    for noise in (Hessian(0.05, 0.1), Hessian(0.0005, 0.1), Formula("0.01*(1 + x**2)")):
        found = line_boxes(Overdamped(fp.Potential(QUARTIC), noise), -2.0, 2.0)
        assert len(found.lower) < 1000
        assert found.narrower(4.0 / 2001).size == 0 or noise == Hessian(0.0005, 0.1)


SMOOTH = [
    ("double well, quadratic noise", QUARTIC + " + y**2/2", Formula("0.01*(1 + x**2 + y**2)"), None),
    ("Hessian noise at a barrier of 500", QUARTIC + " + y**2/2", Hessian(0.0005, 0.5), None),
    ("limit cycle", None, fp.Isotropic(0.001), ["x - y - x*(x**2 + y**2)", "x + y - y*(x**2 + y**2)"]),
    ("jump", "0*x*y", Formula("0.05*(1 + heaviside(x - 0.3))"), None),
    ("kink", None, fp.Isotropic(0.01), ["-x - abs(x - y)", "-y"]),
]
NARROW = [
    ("spike of D", "y**2/2", Formula("0.05*(1 + 1e3*exp(-((x - 0.3)/1e-4)**2 - y**2))"), None),
    ("dip of D", "0*x*y", Formula("1 - 0.999*exp(-(((x - 0.3)**2 + y**2)/1e-5**2))"), None),
    ("push", QUARTIC + " + y**2/2", fp.Isotropic(0.05), ["3000*exp(-((x - 0.3 + 0.1*y)/1e-4)**2)", "0"]),
    ("whole drift", None, fp.Isotropic(0.05), ["x - x**3", "-y - 1e3*exp(-((x - 0.3)/1e-5)**2)"]),
    ("Hessian noise", QUARTIC + " + y**2/2 + 1e-8*exp(-((x - 0.3)/1e-5)**2)", Hessian(0.05, 0.5), None),
]


def _in_the_plane(potential, noise, drift, box=((-2.0, -1.5), (2.0, 1.5))):
    from fokker_planck.solvers.setting.kinetics_of_problem import kinetics_of

    if potential is None:
        process = fp.Drifting(fp.Drift(drift), noise)
    else:
        process = Overdamped(fp.Potential(potential), noise, extra=fp.Drift(drift) if drift else None)
    return kinetics_of(fp.Problem(process, fp.Box(*box)))


@pytest.mark.parametrize(("name", "potential", "noise", "drift"), SMOOTH)
def test_smooth_coefficients_in_the_plane_are_let_through(name, potential, noise, drift):
    _in_the_plane(potential, noise, drift)


@pytest.mark.parametrize(("name", "potential", "noise", "drift"), NARROW)
def test_narrow_parts_of_noise_and_drift_in_the_plane_are_refused_with_their_place(name, potential, noise, drift):
    with pytest.raises(ConvergenceError, match=r"near \(0\.[23]"):
        _in_the_plane(potential, noise, drift)


@pytest.mark.parametrize(
    ("drift", "noise"),
    [
        (["-x"], "abs(cos(x*(1e5 - 1))) + 0.01"),
        (["-x", "-y"], "abs(abs(cos(1e5*y))) + 0.01"),
        # 4,001 points side by side see one wave, of 4,000
        (["-x", "-y"], "0.1 + 0.005*heaviside(sin(8377.58*y))"),
    ],
    ids=["line", "plane", "aliased"],
)
def test_more_kinks_than_any_mesh_can_follow_are_refused_at_once(drift, noise):
    """To isolate 95,000 zeros, or to compare both sides of hundreds of planes, took 10 to 20 s of CPU."""
    size = len(drift)
    process = fp.Drifting(fp.Drift(drift), fp.Formula(noise))
    given = fp.Problem(process, fp.Box([-1.0] * size, [2.0] * size))
    with pytest.raises(fp.ProblemError, match="changes its sign"):
        fp.is_reversible(given)


@pytest.mark.parametrize("noise", ["abs(max(0.2, x)) + 0.1", "1e307*(1 + x**2)", "2 + erfc(min(y, 1e300))"])
def test_noise_in_the_plane_whose_logarithm_has_ways_that_it_never_goes(noise):
    """Of abs(max(0.2, x)) the way below zero is nowhere; five times 1e307 is no double's business."""
    process = Overdamped(fp.Potential("x**2 + y**2"), Formula(noise))
    kinetics_of(fp.Problem(process, fp.Box([-1.0, -1.0], [2.0, 2.0])))


def test_noise_that_is_its_own_modulus_gives_the_same_time():
    def mean(noise):
        process = Overdamped(fp.Potential("x**2 + y**2"), Formula(noise), "klimontovich")
        problem = fp.Problem(process, fp.Box([-1.0, -1.0], [1.0, 1.0]), fp.Resolution(1e-3))
        return fp.mean_exit_time(problem, [0.0, 0.0], fp.HalfSpace([1.0, 0.0], 0.8)).mean

    plain, modulus = mean("max(0.2, x) + 0.1"), mean("abs(max(0.2, x)) + 0.1")
    assert modulus.value == pytest.approx(plain.value, rel=plain.relative_error + modulus.relative_error)
