"""Noise that depends on the state, on a line: 60-digit references and exact laws within 1e-8, and the error bars."""

import functools
import json
import math
import warnings
from pathlib import Path

import mpmath
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.asymptotics.one_dimensional import multiplicative

TOLERANCE = 1e-8
ROUNDING = 2e-12
EXAMPLES = Path(__file__).parents[2] / "examples"

QUARTIC = "(x**2 - 1)**2/4"
UNEQUAL = "(x**2 - 1)**2*(1 + 2*x/5)/4"
READINGS = {"Ito": "ito", "Fick": "klimontovich"}
PIECES = "0.75*x**2 - 1.25*(x - 0.2)*abs(x - 0.2) + 0.5*x"


@functools.cache
def references():
    """Natural logarithms by name."""
    path = Path(__file__).parents[1] / "reference" / "one_dimensional.json"
    with mpmath.workdps(40):
        return {
            entry["id"]: float(mpmath.log(mpmath.mpf(entry["value"])))
            for entry in json.loads(path.read_text())["entries"]
            if isinstance(entry["value"], str)
        }


def problem(potential, diffusion, reading="ito", lower=-2.0, upper=2.0, tolerance=TOLERANCE, **parameters):
    process = fp.Overdamped(fp.Potential(potential, parameters or None), diffusion, reading)
    return fp.Problem(process, fp.Box([lower], [upper]), fp.Resolution(tolerance=tolerance))


def check(quantity, log, tolerance=TOLERANCE):
    """The answer is right to the tolerance, knows it, and its error bar holds."""
    error = abs(math.expm1(quantity.log - log))
    assert error <= tolerance, f"{quantity} is off by {error:.1e}"
    assert 0.0 < quantity.relative_error <= tolerance
    assert error <= max(quantity.relative_error, ROUNDING), (
        f"{error:.1e} where {quantity.relative_error:.1e} is claimed"
    )


def noise_of(name):
    """The problem that the name of a reference in groups C, D and F stands for, and the quantity asked."""
    group, *words = name.split("_")
    kind = "hessian" if words[0] == "hess" or group == "C" else "white" if words[0] == "iso" else "quadratic"
    words = words[1:] if words[0] in {"hess", "iso"} else words
    reading = READINGS[words.pop(0)] if words[0] in READINGS else "ito"
    epsilon = 1.0 / float(words[0].split("/")[1])
    diffusion = {
        "hessian": lambda: fp.Hessian(epsilon, floor=0.5),
        "quadratic": lambda: fp.Quadratic(epsilon, 4.0 * epsilon, center=-1.0),
        "white": lambda: fp.Isotropic(epsilon),
    }[kind]()
    return problem(UNEQUAL if group == "F" else QUARTIC, diffusion, reading), words[1]


def ask(name):
    asked, quantity = noise_of(name)
    if quantity == "lam1":
        return fp.spectrum(asked, count=2).gap
    if quantity.startswith("P("):
        return min(fp.stationary_density(asked).wells, key=lambda well: well.minimum[0]).probability
    start, end = (float(x) for x in quantity[2:-1].split("->"))
    side = math.copysign(1.0, end - start)
    return fp.mean_exit_time(asked, [start], fp.HalfSpace([side], side * end)).mean


FAST = [
    "C_Ito_eps1/20_T(-1->1)", "C_Fick_eps1/20_lam1", "C_Fick_eps1/400_T(-1->1)", "C_Ito_eps1/400_lam1",
    "D_Ito_eps1/20_lam1", "D_Ito_eps1/20_T(1->-1)", "D_Ito_eps1/400_T(-1->1)",
    "F_hess_Ito_eps1/20_P(x<saddle)", "F_hess_Fick_eps1/80_T(1->-1)", "F_hess_Ito_eps1/400_lam1",
]  # fmt: skip
ALL = sorted(name for name in references() if name[0] in "CDF" and name[1] == "_")


def test_the_references_are_there():
    assert len(ALL) == 76
    assert set(FAST) < set(ALL)


@pytest.mark.parametrize("name", FAST)
def test_hessian_and_quadratic_noise(name):
    check(ask(name), references()[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ALL if name not in FAST])
def test_hessian_and_quadratic_noise_at_all_levels(name):
    check(ask(name), references()[name])


# Curvature that jumps: the mesh and the panels of the quadrature end there.


@pytest.mark.parametrize("height", ["0.25", "0.5", "1", "2", "4", "8"])
@pytest.mark.parametrize("kind", ["quad", "white"])
def test_two_parabolas_under_quadratic_noise(kind, height):
    a = math.sqrt(float(height))
    noise = fp.Quadratic(0.05, 0.2, center=-a) if kind == "quad" else fp.Isotropic(0.05)
    asked = problem("a*x - x*abs(x)/2", noise, lower=-a - 4.0, upper=a, a=a)
    found = fp.mean_exit_time(asked, [-a], fp.HalfSpace([1.0], a)).mean
    check(found, references()[f"S1PIECE_{kind}_dL{height}"])


def test_the_time_grows_as_a_power_of_the_barrier():
    """T ~ DL^(m + 1/2) for Ito, DL^(m - 1/2) for Klimontovich; for white noise exponentially. m = 5/2."""
    logs = references()
    power = (logs["S1PIECE_quad_dL8"] - logs["S1PIECE_quad_dL4"]) / math.log(2.0)
    assert power == pytest.approx(2.926, abs=1e-3)
    times = []
    for height in (256.0, 1024.0):
        a = math.sqrt(height)
        asked = problem("a*x - x*abs(x)/2", fp.Quadratic(0.05, 0.2, center=-a), "klimontovich", -a - 4.0, a, 1e-6, a=a)
        times.append(fp.mean_exit_time(asked, [-a], fp.HalfSpace([1.0], a)).mean.log)
    assert (times[1] - times[0]) / math.log(4.0) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("theta", ["0.05", "0.01", "0.001"])
@pytest.mark.parametrize("reading", READINGS)
def test_two_parabolas_under_hessian_noise(reading, theta):
    """No floor is needed where the curvature jumps past zero; the time beyond 1e148 is a double still."""
    asked = problem(PIECES, fp.Hessian(float(theta)), READINGS[reading], -1.0, 1.8)
    found = fp.mean_exit_time(asked, [0.0], fp.HalfSpace([1.0], 1.8)).mean
    check(found, references()[f"S3PIECE_{reading}_theta{theta}"])


def test_the_prefactor_tells_the_readings_apart():
    """T over 2 pi/|H_b| exp(DPhi) is 1/4 for Ito, 1/2 for Stratonovich, 1 for Klimontovich, at H = 4 and -1."""
    theta = 0.001
    formula = math.log(2.0 * math.pi) + 0.4 / theta * (0.2 / 4.0 + 0.8)
    for reading, ratio in (("ito", 0.25), ("stratonovich", 0.5), ("klimontovich", 1.0)):
        asked = problem(PIECES, fp.Hessian(theta), reading, -1.0, 1.8)
        found = fp.mean_exit_time(asked, [0.0], fp.HalfSpace([1.0], 1.8)).mean
        assert math.exp(found.log - formula) == pytest.approx(ratio, rel=1e-8)


# Student, Jacobi, Cox-Ingersoll-Ross: polynomial eigenfunctions.


@pytest.mark.parametrize("name", ["e0.05_r4_b1", "e0.05_r4_b3", "e0.001_r4_b1", "e0.001_r4_b3"])
def test_exit_from_a_quadratic_well(name):
    e, r, b = (float(word[1:]) for word in name.split("_"))
    asked = problem("x**2/2", fp.Quadratic(e, e * r), lower=-b, upper=b)
    check(fp.mean_exit_time(asked, [0.0], "boundary").mean, references()[f"STUDENT_{name}"])


def eigenvalues(asked, exact, tolerance=TOLERANCE):
    found = fp.spectrum(asked, count=len(exact) + 1).eigenvalues[1:]
    for eigenvalue, value in zip(found, exact, strict=True):
        check(eigenvalue.real, math.log(value), tolerance)


def test_student_eigenvalues():
    """lambda_n = n - n (n - 1)/(2 m) for n < m + 1/2; the line is cut where the tails weigh nothing."""
    for m, far in ((12.0, 300.0), (6.0, 1e4)):
        asked = problem("x**2/2", fp.Quadratic(0.5 / m, 0.5 / m), lower=-far, upper=far)
        eigenvalues(asked, [n * (1.0 - (n - 1) / (2.0 * m)) for n in (1, 2, 3, 4)])


def test_the_continuum_of_student_noise_begins_where_it_should():
    """For m = 5/2 there are eigenvalues 1, 8/5 and a continuum from (k + eps r)^2/(4 eps r) = 9/5.

    On [-R, R] it shows as 9/5 + eps r (pi j/L)^2 with L - 2 log(2 R sqrt r) bounded.
    """
    lengths = []
    for far in (1e4, 1e6):
        asked = problem("x**2/2", fp.Quadratic(0.05, 0.2), lower=-far, upper=far)
        first, second, *others = (e.real.value for e in fp.spectrum(asked, count=6).eigenvalues[1:])
        assert first == pytest.approx(1.0, abs=1e-8)
        assert second == pytest.approx(1.6, abs=1e-7)
        above = np.array(others) - 1.8
        assert (above > 0.0).all()
        assert above / above[0] == pytest.approx([1.0, 4.0, 9.0], rel=0.02)
        lengths.append(math.pi * math.sqrt(0.2 / above[0]) - 2.0 * math.log(4.0 * far))
    assert lengths[1] == pytest.approx(lengths[0], abs=0.1)


@pytest.mark.parametrize("k", [1.0, 0.3])
def test_jacobi_eigenvalues(k):
    """D = eps (1 - x^2) vanishes at both ends: n k + n (n - 1) eps, and no condition there."""
    asked = problem("k*x**2/2", fp.Quadratic(0.1, -0.1), lower=-1.0, upper=1.0, k=k)
    eigenvalues(asked, [n * k + n * (n - 1) * 0.1 for n in (1, 2, 3, 4)])


@pytest.mark.parametrize("level", [1.0, 2.0])
def test_cox_ingersoll_ross_eigenvalues(level):
    """D = sigma x vanishes at zero: the eigenvalues are n k."""
    asked = problem("(x - c)**2/2", fp.Quadratic(0.0, 0.0, slope=0.5), lower=0.0, upper=30.0, c=level)
    eigenvalues(asked, [1.0, 2.0, 3.0])


def test_an_end_without_noise_is_never_reached():
    asked = problem("x**2/2", fp.Quadratic(0.1, -0.1), lower=-1.0, upper=1.0)
    with pytest.raises(fp.ProblemError, match=r"exit.target: .* it is never reached"):
        fp.mean_exit_time(asked, [0.0], "boundary")
    inside = fp.mean_exit_time(asked, [0.0], fp.HalfSpace([1.0], 0.9)).mean
    line = multiplicative(lambda x: x, lambda x: 0.1 * (1.0 - x**2), -1.0 + 1e-6, 0.9)
    assert math.exp(inside.log - line.mean_exit_time(0.0, right=0.9).log) == pytest.approx(1.0, abs=1e-8)


# Identities.


@pytest.mark.parametrize("reading", ["ito", "stratonovich", "klimontovich"])
@pytest.mark.parametrize(
    "k", [2.0, pytest.param(0.5, marks=pytest.mark.slow), pytest.param(4.0, marks=pytest.mark.slow)]
)
def test_scaling(reading, k):
    """V_k(x) = V(sqrt(k) x): T_k(theta) = T_1(k theta)/k under Hessian noise (floor times k), T_1/k under white."""
    scale, root = 0.04, math.sqrt(k)
    stretched = "(k*x**2 - 1)**2*(1 + 2*r*x/5)/4"

    def time(potential, noise, factor, **parameters):
        asked = problem(potential, noise, reading, -2.0 / factor, 2.0 / factor, **parameters)
        return fp.mean_exit_time(asked, [-1.0 / factor], fp.HalfSpace([1.0], 1.0 / factor)).mean

    pairs = [(fp.Hessian(scale, 0.5 * k), fp.Hessian(k * scale, 0.5)), (fp.Isotropic(scale), fp.Isotropic(scale))]
    for steep, plain in pairs:
        one, other = time(stretched, steep, root, k=k, r=root), time(UNEQUAL, plain, 1.0)
        assert one.log + math.log(k) - other.log == pytest.approx(0.0, abs=one.relative_error + other.relative_error)
        assert one.relative_error + other.relative_error < 2e-8


def test_stratonovich_by_quadrature():
    for noise, diffusion, slope in (
        (fp.Hessian(0.05, 0.5), lambda x: 0.05 * np.hypot(3.0 * x**2 - 1.0, 0.5), lambda x: x**3 - x),
        (fp.Quadratic(0.02, 0.08, center=-1.0), lambda x: 0.02 * (1.0 + 4.0 * (x + 1.0) ** 2), lambda x: x**3 - x),
    ):
        line = multiplicative(slope, diffusion, -2.0, 2.0, alpha=0.5)
        found = fp.mean_exit_time(problem(QUARTIC, noise, "stratonovich"), [-1.0], fp.HalfSpace([1.0], 1.0)).mean
        check(found, line.mean_exit_time(-1.0, right=1.0).log)


def test_the_same_noise_in_four_ways():
    """As Hessian, as formula, as function, and as a whole drift with no potential."""
    formula = "0.05*sqrt((3*x**2 - 1)**2 + 0.25)"
    ways = [
        fp.Overdamped(fp.Potential(QUARTIC), fp.Hessian(0.05, 0.5), "klimontovich"),
        fp.Overdamped(fp.Potential(QUARTIC), fp.Formula(formula), "klimontovich"),
        fp.Overdamped(
            fp.Potential(QUARTIC), fp.Sampled(lambda x: 0.05 * np.hypot(3.0 * x[0] ** 2 - 1.0, 0.5)), "klimontovich"
        ),
        fp.Drifting(fp.Drift("x - x**3"), fp.Formula(formula), "klimontovich"),
        # the Ito drift of the same process: -V' + D'
        fp.Drifting(fp.Drift("x - x**3 + 0.3*x*(3*x**2 - 1)/sqrt((3*x**2 - 1)**2 + 0.25)"), fp.Formula(formula)),
    ]
    for process in ways:
        asked = fp.Problem(process, fp.Box([-2.0], [2.0]), fp.Resolution(tolerance=TOLERANCE))
        assert fp.is_reversible(asked)
        found = fp.mean_exit_time(asked, [-1.0], fp.HalfSpace([1.0], 1.0)).mean
        check(found, references()["C_Fick_eps1/20_T(-1->1)"])


def test_the_flat_well_wins_exponentially():
    """log(P/(1 - P)) is linear in 1/scale with the slope 0.05620971255 of theory; under white noise it is not."""
    odds = []
    for level in (200.0, 400.0):
        wells = fp.stationary_density(problem(UNEQUAL, fp.Hessian(1.0 / level, 0.5))).wells
        flat, sharp = (w.probability for w in sorted(wells, key=lambda well: well.minimum[0]))
        odds.append(flat.log - sharp.log)
    assert (odds[1] - odds[0]) / 200.0 == pytest.approx(0.05620971255, rel=2e-3)


# Noise that vanishes, or nearly.


def test_hessian_noise_without_a_floor_never_lets_go():
    asked = problem(QUARTIC, fp.Hessian(0.05))
    with pytest.raises(fp.ProblemError, match=r"^diffusion.floor: .* is infinite; wanted a floor > 0"):
        fp.mean_exit_time(asked, [-1.0], fp.HalfSpace([1.0], 1.0))


def test_a_small_floor_makes_the_time_and_a_warning():
    asked = problem(QUARTIC, fp.Hessian(0.05, 0.01))
    with pytest.warns(
        UserWarning, match=r"diffusion.floor: the noise nearly vanishes at x = -0.57735.* the floor's doing"
    ):
        found = fp.mean_exit_time(asked, [-1.0], fp.HalfSpace([1.0], 1.0)).mean
    line = multiplicative(lambda x: x**3 - x, lambda x: 0.05 * np.hypot(3.0 * x**2 - 1.0, 0.01), -2.0, 2.0)
    check(found, line.mean_exit_time(-1.0, right=1.0).log)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fp.mean_exit_time(problem(QUARTIC, fp.Hessian(0.05, 0.5)), [-1.0], fp.HalfSpace([1.0], 1.0))


# Exit from an unstable point.


@pytest.mark.parametrize("noise", ["0.1", "0.01", "1e-3", "1e-4", "1e-6", "1e-8"])
def test_exit_from_a_maximum(noise):
    asked = problem("-x**2/2", fp.Isotropic(float(noise)), lower=-1.0, upper=1.0)
    check(fp.mean_exit_time(asked, [0.0], "boundary").mean, references()[f"SADDLE1D_eps{noise}"])


@pytest.mark.parametrize("noise", ["0.1", "0.01"])
def test_exit_from_a_maximum_that_bends(noise):
    asked = problem(QUARTIC, fp.Isotropic(float(noise)), lower=-0.8, upper=0.8)
    check(fp.mean_exit_time(asked, [0.0], "boundary").mean, references()[f"SADDLE_QUARTIC_eps{noise}"])


@pytest.mark.parametrize("noise", [*(pytest.param(each, marks=pytest.mark.slow) for each in ("0.1", "0.001")), "0.01"])
def test_exit_from_a_maximum_in_the_plane(noise):
    process = fp.Overdamped(fp.Potential("-(x**2 + y**2)/2"), fp.Isotropic(float(noise)))
    asked = fp.Problem(process, fp.Ball([0.0, 0.0], 1.0), fp.Resolution(tolerance=1e-6))
    check(fp.mean_exit_time(asked, [0.0, 0.0], "boundary").mean, references()[f"SOURCE2D_eps{noise}"], 1e-6)


@pytest.mark.slow
def test_two_lines_make_a_plane():
    """V and D are sums over the axes: the time to cross in x is that of the line."""
    noise = fp.Quadratic([0.05, 0.05], [0.2, 0.05], center=[-1.0, 0.0])
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), noise)
    asked = fp.Problem(process, fp.Box([-2.0, -1.5], [2.0, 1.5]))
    found = fp.mean_exit_time(asked, [-1.0, 0.0], fp.HalfSpace([1.0, 0.0], 1.0)).mean
    check(found, references()["D_Ito_eps1/20_T(-1->1)"], 1e-6)


@pytest.mark.slow
def test_a_drift_in_the_plane_that_is_a_gradient():
    """Maier and Stein's with mu = 1; reference by spectral elements."""
    process = fp.Drifting(fp.Drift(["x - x**3 - x*y**2", "-(1 + x**2)*y"]), fp.Isotropic(0.1))
    asked = fp.Problem(process, fp.Box([-2.0, -2.0], [0.0, 2.0]))
    assert fp.is_reversible(asked)
    found = fp.mean_exit_time(asked, [-1.0, 0.0], fp.HalfSpace([1.0, 0.0], 0.0)).mean
    check(found, math.log(24.0548887347), 1e-6)


def test_rates_between_wells_that_are_no_nodes():
    """k_12 + k_21 is the gap, k_12/k_21 up to O(lambda) the odds of the wells; both to the digits claimed."""
    asked = problem(UNEQUAL, fp.Hessian(0.05, 0.5), tolerance=1e-7)
    found = fp.rates(asked)
    there, back = found.rates[0][1], found.rates[1][0]
    gap = references()["F_hess_Ito_eps1/20_lam1"]
    assert there.value + back.value == pytest.approx(math.exp(gap), rel=1e-7)
    finer = fp.rates(problem(UNEQUAL, fp.Hessian(0.05, 0.5), tolerance=1e-10)).rates[0][1]
    assert abs(math.expm1(there.log - finer.log)) <= there.relative_error <= 1e-7
    flat = math.exp(references()["F_hess_Ito_eps1/20_P(x<saddle)"])
    assert back.value / there.value == pytest.approx(flat / (1.0 - flat), rel=5e-3)


def test_the_examples():
    asked = fp.load_problem(EXAMPLES / "hessian_noise.toml")
    check(fp.mean_exit_time(asked, [-1.0], "sharp").mean, references()["F_hess_Ito_eps1/20_T(-1->1)"])
    asked = fp.load_problem(EXAMPLES / "quadratic_noise.toml")
    check(fp.mean_exit_time(asked, [0.0], "boundary").mean, math.log(22986.0))


@pytest.mark.parametrize(("reading", "ratio"), [("ito", 1.00246), ("klimontovich", 1.00260)])
def test_the_formula_for_small_noise(reading, ratio):
    """T over 2 pi/sqrt(V''_a |V''_b|) (D_b/D_a)^(1/2 - alpha) exp(DPhi), half of that to the top, at noise 1/400."""
    alpha = {"ito": 0.0, "klimontovich": 1.0}[reading]
    asked = problem(QUARTIC, fp.Hessian(1.0 / 400.0, 0.5), reading)
    found = fp.mean_exit_time(asked, [-1.0], fp.HalfSpace([1.0], 1.0))
    root = math.sqrt(1.25 / 4.25)  # D at the top over D at the bottom
    log = math.log(math.sqrt(2.0) * math.pi) + (0.5 - alpha) * math.log(root) + 400.0 * 0.34073206782338266
    assert found.asymptotic.log == pytest.approx(log, abs=1e-11)
    assert found.ratio == pytest.approx(ratio, abs=1e-5)
    assert fp.mean_exit_time(asked, [-1.0], fp.HalfSpace([1.0], 0.0)).ratio == pytest.approx(ratio, abs=5e-3)
    for row in (0, 1):
        assert fp.rates(asked).asymptotic[row][1 - row].log == pytest.approx(-log, abs=1e-11)
    assert fp.spectrum(asked, count=2).eigenvalues[1].ratio == pytest.approx(1.0 / ratio, abs=1e-4)
