"""Eigenvalues and eigenfunctions against exact spectra: ladders, multiples, killed processes, high barriers."""

import json
import math
from dataclasses import replace
from pathlib import Path

import mpmath
import numpy as np
import pytest

from fokker_planck.asymptotics.one_dimensional import isotropic
from fokker_planck.errors import FokkerPlanckError
from fokker_planck.fem.generator import assemble
from fokker_planck.model.diffusion.constant import Constant, Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Overdamped
from fokker_planck.model.sets.shapes import Ball, HalfSpace, Region
from fokker_planck.solvers.eigenvalues import spectral_question as solver
from fokker_planck.solvers.spectrum import spectrum

REFERENCES = {
    entry["id"]: entry["value"]
    for entry in json.loads((Path(__file__).parents[1] / "reference" / "one_dimensional.json").read_text())["entries"]
}
QUARTIC = "(x**2 - 1)**2/4"
TILTED = f"{QUARTIC} + x/10"
PI = math.pi


def problem(expression, epsilon, domain, **resolution):
    diffusion = Isotropic(epsilon) if isinstance(epsilon, float) else Constant(epsilon)
    return Problem(Overdamped(Potential(expression), diffusion), domain, Resolution(**resolution))


def quartic(noise, **resolution):
    return problem(QUARTIC, 1.0 / noise, Box([-2.0], [2.0]), **resolution)


def values(found):
    return [eigenvalue.real.value for eigenvalue in found.eigenvalues]


# Exact spectra; each many times over, for a solver that finds one vector in an eigenspace may overlook the others.


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        (problem("0", 0.3, Box([0.0], [2.0])), [0.3 * (n * PI / 2.0) ** 2 for n in range(6)]),
        (
            problem("0", 0.5, Box([0.0, 0.0], [1.0, 1.0])),
            [0.5 * PI**2 * k for k in (0, 1, 1, 2, 4, 4, 5, 5, 8)],
        ),
        (problem("0", 1.0, Box([0.0], [2 * PI], "periodic")), [0.0, 1.0, 1.0, 4.0, 4.0, 9.0, 9.0]),
        (
            problem("0", 1.0, Box([0.0, 0.0], [2 * PI, 2 * PI], "periodic")),
            [0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 4.0],
        ),
        (
            problem("0", 1.0, Box([0.0, 0.0], [2 * PI, PI], ["periodic", "reflecting"])),
            [0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 4.0],
        ),
        # zeros of J_m'
        (
            problem("0", 1.0, Ball([1.0, 2.0], 1.0)),
            [0.0, *[j**2 for j in (1.8411837813406593, 1.8411837813406593, 3.0542369282271403, 3.0542369282271403)],
             3.831705970207512**2],
        ),
        # Ornstein and Uhlenbeck: n k, n + 1 times, whatever the noise
        (problem("(x**2 + y**2)/2", 0.01, Ball([0.0, 0.0], 1.2)), [0.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0]),
        (problem("(x**2 + y**2)/2", 0.02, Box([-1.2, -1.2], [1.2, 1.2])), [0.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0]),
        (problem("(x**2 + 4*y**2)/2", [[0.02, 0.0], [0.0, 0.05]], Box([-1.2, -1.0], [1.2, 1.0])),
         [0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0]),
        (problem("(x**2 + y**2)/2", [[0.015, 0.005], [0.005, 0.015]], Sublevel(1.1)), [0.0, 1.0, 1.0, 2.0, 2.0, 2.0]),
    ],
    ids="interval square ring torus cylinder disc OU-disc OU-square OU-two-noises OU-turned".split(),
)  # fmt: skip
def test_exact_spectra(asked, exact):
    found = spectrum(asked, len(exact))
    assert values(found) == pytest.approx(exact, rel=1e-6)
    assert [eigenvalue.imag for eigenvalue in found.eigenvalues] == [0.0] * len(exact)
    for eigenvalue, value in zip(found.eigenvalues[1:], exact[1:], strict=True):
        assert eigenvalue.real.relative_error <= 1e-6
        assert abs(eigenvalue.real.value / value - 1.0) <= max(eigenvalue.real.relative_error, 1e-12)
    assert found.gap == found.eigenvalues[1].real


@pytest.mark.parametrize("epsilon", [1.0, 0.2, 0.1, 0.07, 0.05, 0.02])
def test_modes_at_the_top_of_a_ring_are_found_too(epsilon):
    """Pendulum: for small noise every eigenvalue comes twice, from the ladder at the bottom and from that at the top.

    Fourier-Galerkin matrix of the symmetric form, -eps d2/dx2 + |V'|^2/(4 eps) - V''/2.
    """
    n = np.arange(-60, 61)
    matrix = np.diag(epsilon * n**2.0 + 1.0 / (8.0 * epsilon))  # (1 - cos 2x)/(8 eps) - cos(x)/2
    for shift, size in {2: 1.0 / (16.0 * epsilon), 1: 0.25}.items():
        matrix -= size * (np.eye(len(n), k=shift) + np.eye(len(n), k=-shift))
    exact = np.linalg.eigvalsh(matrix)[:6]
    found = spectrum(problem("-cos(x)", epsilon, Box([0.0], [2 * PI], "periodic")), 6)
    assert abs(exact[0]) < 1e-11  # rounding of entries up to 3600
    assert values(found)[1:] == pytest.approx(exact[1:], rel=1e-6)


@pytest.mark.memory
@pytest.mark.slow
def test_the_ball_in_space():
    # zeros of the derivatives of spherical Bessel functions: l = 1 thrice, l = 2 five times
    asked = problem("0", 1.0, Ball([0.0, 0.0, 0.0], 1.0), tolerance=1e-3)
    exact = [2.08157597782**2] * 3 + [3.342093657366**2] * 5
    found = spectrum(asked, 9)
    assert values(found)[1:] == pytest.approx(exact, rel=1e-3)


# Eigenfunctions.


def test_eigenfunctions_are_those_of_the_interval():
    found = spectrum(problem("0", 1.0, Box([0.0], [1.0])), 4)
    x = np.linspace(0.0, 1.0, 41)[None]
    assert found.eigenfunctions[0](x) == pytest.approx(1.0, abs=1e-12)
    for n in (1, 2, 3):
        function = found.eigenfunctions[n](x)
        exact = math.sqrt(2.0) * np.cos(n * PI * x[0])
        sign = np.sign(function[0])
        assert sign * function == pytest.approx(exact, abs=1e-5)
        assert function[np.argmax(np.abs(function))] != 0.0


@pytest.mark.parametrize("noise", [8, 400])
def test_eigenfunctions_are_orthonormal_in_the_stationary_measure(noise):
    found = spectrum(quartic(noise), 4)
    x = np.linspace(-2.0, 2.0, 40001)
    weight = np.exp(-((x**2 - 1.0) ** 2) / 4.0 * noise)
    weight /= weight.sum()
    functions = np.nan_to_num([function(x[None]) for function in found.eigenfunctions])
    gram = (functions * weight) @ functions.T
    assert np.abs(gram - np.eye(4)).max() < 1e-4


def test_the_slow_eigenfunction_tells_the_wells_apart():
    found = spectrum(quartic(2000), 2)
    left, right = found.eigenfunctions[1](np.array([[-1.0, 1.0]]))
    assert abs(left) == pytest.approx(1.0, rel=1e-6)
    assert right == pytest.approx(-left, rel=1e-6)


# A process that is killed on a target.


@pytest.mark.parametrize(
    ("asked", "target", "exact"),
    [
        (problem("0", 0.5, Box([0.0], [1.0])), "boundary", [0.5 * (n * PI) ** 2 for n in (1, 2, 3)]),
        (problem("0", 0.5, Box([0.0], [1.0])), HalfSpace([1.0], 0.75),
         [0.5 * ((n - 0.5) * PI / 0.75) ** 2 for n in (1, 2, 3)]),
        (problem("0", 1.0, Ball([0.0, 0.0], 1.0)), "boundary", [5.783185962946784521, 3.8317059702075125**2] ),
        (problem("x**2/2", 0.5, Ball([0.0], 1.0)), "boundary", [float(REFERENCES["OUBALL_d1_eps0.5_lamD"])]),
        (problem("(x**2 + y**2)/2", 0.5, Ball([0.0, 0.0], 1.0)), "boundary", [2.0]),
        (problem("(x**2 + y**2)/2", 0.1, Ball([0.0, 0.0], 1.0)), "boundary",
         [float(REFERENCES["OUBALL_d2_eps0.1_lamD"])]),
        (problem("x**2/2", 0.001, Ball([0.0], 1.0)), "boundary", [float(REFERENCES["OUBALL_d1_eps0.001_lamD"])]),
        # by symmetry the gap itself
        (quartic(20), HalfSpace([1.0], 0.0), [float(REFERENCES["A_eps1/20_lam1"])]),
        (quartic(400), HalfSpace([1.0], 0.0), [float(REFERENCES["A_eps1/400_lam1"])]),
    ],
)  # fmt: skip
def test_spectra_of_killed_processes(asked, target, exact):
    found = spectrum(asked, len(exact), target)
    assert values(found) == pytest.approx(exact, rel=1e-6)
    assert all(value > 0.0 for value in values(found))


def schroedinger(noise, lower, upper, count):
    """Of -eps psi'' + (V'^2/(4 eps) - V''/2) psi, psi = 0 at both ends: -L of the quartic in other variables."""
    from scipy.linalg import eigh_tridiagonal

    found = []
    for points in (4000, 8000):
        x, h = np.linspace(lower, upper, points + 1, retstep=True)
        x, eps = x[1:-1], 1.0 / noise
        diagonal = 2.0 * eps / h**2 + (x**3 - x) ** 2 / (4.0 * eps) - (3.0 * x**2 - 1.0) / 2.0
        ends = {"select": "i", "select_range": (0, count - 1), "eigvals_only": True}
        found.append(eigh_tridiagonal(diagonal, np.full(len(x) - 1, -eps / h**2), **ends))
    return found[1] + (found[1] - found[0]) / 3.0


@pytest.mark.parametrize(
    "target",
    [HalfSpace([1.0, 0.0], 0.995), pytest.param(Region("0.005 - abs(x - 1)", dimension=2), marks=pytest.mark.slow)],
)
def test_a_narrow_strip_that_absorbs_in_a_well_beside_a_high_barrier(target):
    """At barrier 45 the domain was cut to what the exit needs: the mode of the saddle met the cut, without an end."""
    asked = problem(f"{QUARTIC} + y**2/2", 0.25 / 45, Box([-2.0, -1.5], [2.0, 1.5]), tolerance=1e-5)
    found = spectrum(asked, 3, target)
    slowest = isotropic(lambda x: (x**2 - 1) ** 2 / 4, 0.25 / 45, -2.0, 2.0).mean_exit_time(-1.0, right=0.995).log
    assert found.eigenvalues[0].real.log == pytest.approx(-slowest, abs=found.eigenvalues[0].real.relative_error)
    exact = [schroedinger(180.0, -2.0, 0.995, 2)[1], 1.0]
    for eigenvalue, value in zip(found.eigenvalues[1:], exact, strict=True):
        assert eigenvalue.real.value == pytest.approx(value, rel=eigenvalue.real.relative_error)
    assert found.statistics.unknowns < 30_000


# High barriers.


@pytest.mark.parametrize("noise", [80, 400, 2000])
def test_a_high_barrier_loses_no_digit(noise):
    gap = spectrum(quartic(noise, tolerance=1e-10), 2).gap
    exact = mpmath.mpf(REFERENCES[f"A_eps1/{noise}_lam1"])
    assert float(gap.value / exact - 1) == pytest.approx(0.0, abs=1e-10)
    assert gap.relative_error < 1e-10


@pytest.mark.parametrize(
    ("barrier", "exact"), [(14, 3.6359375365414904e-07), (15, 1.3404106339370604e-07), (16, 4.940084862785448e-08)]
)
@pytest.mark.parametrize("tolerance", [1e-6, 1e-8])
def test_a_domain_that_ends_high_above_the_pass_brings_no_rounding(barrier, exact, tolerance):
    # V is up to 144 units of epsilon high at the ends, too little to be cut away; exact: benchmarks/exact.py
    gap = spectrum(quartic(4 * barrier, tolerance=tolerance), 2).gap
    assert gap.value == pytest.approx(exact, rel=tolerance)


@pytest.mark.parametrize("noise", [20, 400])
@pytest.mark.parametrize(("group", "expression"), [("B", TILTED), ("F_iso", "(x**2 - 1)**2*(1 + 2*x/5)/4")])
def test_wells_of_different_depth(noise, group, expression):
    gap = spectrum(problem(expression, 1.0 / noise, Box([-2.0], [2.0])), 2).gap
    assert gap.value == pytest.approx(float(REFERENCES[f"{group}_eps1/{noise}_lam1"]), rel=1e-6)


@pytest.mark.parametrize("noise", [80, pytest.param(400, marks=pytest.mark.slow)])
def test_a_high_barrier_in_the_plane(noise):
    asked = problem(f"{QUARTIC} + y**2/2", 1.0 / noise, Box([-2.0, -1.5], [2.0, 1.5]))
    found = spectrum(asked, 3)
    assert found.gap.value == pytest.approx(float(REFERENCES[f"A_eps1/{noise}_lam1"]), rel=1e-6)
    assert 0.9 < values(found)[2] < 1.0 + 1e-9


def test_three_wells_over_a_high_barrier():
    """The middle well of 2 x^2 (x^2 - 1)^2 is joined to both others: the chain of Eyring and Kramers."""
    found = spectrum(problem("2*x**2*(x**2 - 1)**2", 1.0 / 1000, Box([-1.5], [1.5])), 3)
    # V'' = 4 in the middle, 16 outside, at the saddles -16/3, height 8/27: middle mass twice an outer one
    top = 1000 * 8 / 27
    outward = math.sqrt(4.0 * 16.0 / 3.0) / (2.0 * PI) * math.exp(-top)
    inward = math.sqrt(16.0 * 16.0 / 3.0) / (2.0 * PI) * math.exp(-top)
    assert values(found)[1:] == pytest.approx([inward, inward + 2.0 * outward], rel=0.02)


@pytest.mark.parametrize("noise", [4000, 8000])
def test_two_wells_beyond_every_double(noise):
    """lambda_1 = 2 / T(-1 -> 1), T = 2 pi/sqrt(2) exp(1/(4 eps)) (1 + 3 eps/4 + 105 eps^2/32)^2."""
    exact = math.log(math.sqrt(2.0) / math.pi) - noise / 4 - 2.0 * math.log1p(0.75 / noise + 105 / 32 / noise**2)
    found = spectrum(quartic(noise), 2).gap
    assert found.value is None
    assert found.log == pytest.approx(exact, abs=1e-6)


@pytest.mark.slow
def test_seven_wells_beyond_every_double():
    """The gap is one over the time to the lowest well, up to a factor of the number of wells."""
    noise = 500
    found = spectrum(problem("cos(10*x) + x/10", 1.0 / noise, Box([-2.0], [2.0]), tolerance=1e-3), 2).gap
    line = isotropic(lambda x: np.cos(10.0 * x) + x / 10.0, 1.0 / noise, -2.0, 2.0)
    assert found.log < -750.0
    slowest = line.mean_exit_time(1.57, left=-1.57).log
    assert found.log == pytest.approx(-slowest, abs=3.0)


@pytest.mark.parametrize("epsilon", [1e-8, pytest.param(1e-12, marks=pytest.mark.slow)])
def test_a_noise_far_too_small_is_refused(epsilon):
    with pytest.raises(FokkerPlanckError):
        spectrum(problem(f"{QUARTIC} + x/5", epsilon, Box([-2.0], [2.0])), 2)


def test_a_deep_single_well_is_no_barrier():
    # Phi spans 50000, but nothing is metastable
    assert values(spectrum(problem("x**2/2", 1e-5, Box([-1.0], [1.0])), 3)) == pytest.approx([0.0, 1.0, 2.0], rel=1e-6)


# What changes nothing, and what scales.


def test_a_constant_added_to_the_potential_changes_no_digit():
    raised = problem(f"{QUARTIC} + 7", 0.05, Box([-2.0], [2.0]))
    assert values(spectrum(raised))[1:] == pytest.approx(values(spectrum(quartic(20)))[1:], rel=1e-12)


def test_noise_and_drift_scaled_together_scale_the_rates():
    fast = problem(f"3*{QUARTIC}", 0.15, Box([-2.0], [2.0]))
    tripled = [3.0 * value for value in values(spectrum(quartic(20)))]
    assert values(spectrum(fast)) == pytest.approx(tripled, rel=1e-11)


def test_a_longer_list_begins_with_the_shorter_one():
    short, long = spectrum(quartic(8), 2), spectrum(quartic(8), 6)
    assert values(long)[:2] == pytest.approx(values(short), rel=1e-9)
    assert values(long) == sorted(values(long))


# A planted fault turns these tests red.


def relative_error():
    gap = spectrum(quartic(8), 2).gap
    return abs(gap.value / float(REFERENCES["A_eps1/8_lam1"]) - 1.0)


class Changed:
    """The exponent of a faulty program."""

    def __init__(self, exponent, factor):
        self.exponent, self.factor = exponent, factor

    def value(self, x):
        return self.factor * self.exponent.value(x)


def test_without_a_fault_the_gap_is_right():
    assert relative_error() < 1e-6


@pytest.mark.parametrize("factor", [-1.0, 0.5, 2.0])
def test_a_wrong_sign_or_a_lost_half_in_the_drift_is_seen(monkeypatch, factor):
    monkeypatch.setattr(
        solver, "assemble", lambda d, balance: assemble(d, replace(balance, exponent=Changed(balance.exponent, factor)))
    )
    assert relative_error() > 0.1


def test_a_factor_two_in_the_noise_is_seen(monkeypatch):
    def doubled(discretization, balance):
        generator = assemble(discretization, balance)
        return replace(generator, stiffness=2.0 * generator.stiffness)

    monkeypatch.setattr(solver, "assemble", doubled)
    assert relative_error() == pytest.approx(1.0, rel=1e-3)


@pytest.mark.slow
def test_a_pass_of_small_share_keeps_its_way_down():
    """Three-hole at beta 40: the direct pass carries 3e-5 of the current; cut below it, its slopes would be wells."""
    wells = "3*exp(-x**2-(y-1/3)**2)-3*exp(-x**2-(y-5/3)**2)-5*exp(-(x-1)**2-y**2)-5*exp(-(x+1)**2-y**2)"
    box = Box([-2.0, -1.5], [2.0, 2.5])
    runs = [
        spectrum(problem(f"{wells}+0.2*x**4+0.2*(y-1/3)**4", 1.0 / 40.0, box, tolerance=tolerance), 3).eigenvalues[1:]
        for tolerance in (1e-4, 1e-6)
    ]
    for coarse, fine, value in zip(*runs, (2.5160875e-41, 1.2701830e-9), strict=True):
        assert fine.real.value == pytest.approx(value, rel=1e-6)
        bars = coarse.real.relative_error + fine.real.relative_error
        assert coarse.real.log == pytest.approx(fine.real.log, abs=bars)


def test_a_trimmed_mesh_has_no_modes_of_its_own():
    """A sum of functions of x and of y, whose eigenvalues are sums; those of each by finite volumes, extrapolated.

    Where cells that hold next to nothing are gone the edge ran down a slope: a bay there gave exp(-12.3) for
    exp(-3.8064), at a bar of 0.6 %, with the tolerance 1e-2, exp(-7.22) with 3e-7, and no end with 1e-7.
    """
    along_x = f"0.518*cos({PI / 2!r}*x + 1.033) + 0.4917*cos({PI!r}*x)"
    along_y = f"0.648*cos({PI / 2!r}*y + 4.53) + 0.2886*cos({PI!r}*y)"
    box = Box([-2.22, -1.57], [1.78, 1.68], ["periodic", "reflecting"])
    first, second = spectrum(problem(f"{along_x} + {along_y}", 0.01691, box, tolerance=1e-2), 3).eigenvalues[1:]
    assert first.real.log == pytest.approx(-21.518, abs=1e-2)
    assert second.real.log == pytest.approx(-3.8063953, abs=1e-6 + second.real.relative_error)


@pytest.mark.parametrize("tolerance", [1e-4, 3.5e-6])
def test_a_mode_beside_a_wall_far_up_is_within_its_bar(tolerance):
    """The fourth eigenvalue lives 450 units of epsilon above the well; by 500 elements of degree 6 for exp(-V/2) u."""
    well = "0.15*x**2 - 0.8121*exp(-0.5*((x - 0.1095)/0.5671)**2) - 0.528*exp(-0.5*((x - 0.2832)/0.257)**2)"
    process = Overdamped(Potential(f"{well} + 0.08774*sin(2.488*x)/2.488"), Isotropic(0.003616))
    found = spectrum(Problem(process, Box([-2.38], [1.63]), resolution=Resolution(tolerance=tolerance)), 4)
    fourth = found.eigenvalues[3].real
    assert abs(fourth.value / 21.3484120554 - 1.0) <= fourth.relative_error + 1e-11
    assert fourth.relative_error < tolerance
