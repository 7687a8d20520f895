"""Exit times without detailed balance: numbers of the theory, exact solvers' references, identities, refusals."""

import json
from dataclasses import replace
from math import exp, log, pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from small_noise import W, grad_W, hess_W, maier_stein, rotated, solvable

from fokker_planck.asymptotics.bouchet_reygner import (
    exit_law,
    hessians_along,
    log_amplitude,
)
from fokker_planck.asymptotics.known_quasipotential import exit_law_of_quasipotential
from fokker_planck.asymptotics.minimum_action import minimum_action_path
from fokker_planck.asymptotics.multiplicative import mean_crossing_time
from fokker_planck.asymptotics.quasipotential import SmallNoise
from fokker_planck.errors import ConvergenceError, ProblemError

ENTRIES = json.loads((Path(__file__).parents[1] / "reference" / "two_dimensional.json").read_text())["entries"]
REFERENCE = {entry["id"]: entry["value"] for entry in ENTRIES}
LEFT, SADDLE = [-1.0, 0.0], [0.0, 0.0]
STRAIGHT = np.array([np.linspace(-1.0, 0.0, 50), np.zeros(50)])


@pytest.mark.parametrize("c", [0.0, 0.5, 1.0])
def test_factor_of_the_solvable_problem(c):
    law = exit_law(solvable(c), LEFT, SADDLE, STRAIGHT)
    assert law.barrier == pytest.approx(0.25, abs=1e-10)
    assert law.log_amplitude == pytest.approx(c, abs=5e-6)
    assert abs(law.log_amplitude - c) < law.amplitude_error
    assert law.log_prefactor == pytest.approx(log(2 * pi / sqrt(2)) + c, abs=1e-5)
    known = exit_law_of_quasipotential(solvable(c), W, grad_W, hess_W, LEFT, SADDLE)
    assert known.log_amplitude == pytest.approx(c, abs=1e-8)
    assert known.log_prefactor == pytest.approx(log(2 * pi / sqrt(2)) + c, abs=1e-8)


def test_ratios_to_the_exact_times():
    # Exit at the separatrix: half of the time, and a rest that decays like the root of eps.  The finite element times
    # with c = 1 are twice those with c = 0; the formula follows up to that rest.
    ratios = {}
    for c in ("0", "0.5", "1"):
        law = exit_law_of_quasipotential(solvable(float(c)), W, grad_W, hess_W, LEFT, SADDLE)
        for name in ("0.1", "0.05"):
            ratios[c, name] = float(REFERENCE[f"BR_c{c}_eps{name}"]) / (0.5 * law.mean_time(float(name)).value)
    assert ratios["0", "0.05"] == pytest.approx(1.0977, abs=1e-4)
    for c in ("0.5", "1"):
        off = [ratios[c, name] / ratios["0", name] - 1.0 for name in ("0.1", "0.05")]
        assert off[1] / off[0] == pytest.approx(sqrt(0.5), abs=0.03)


@pytest.mark.parametrize("name", ["0.1", "0.05"])
def test_maier_stein_with_a_potential_against_the_exact_time(name):
    law = exit_law(maier_stein(1.0), LEFT, SADDLE)
    assert law.log_amplitude == pytest.approx(0.0, abs=1e-6)
    exact = float(REFERENCE[f"MS_a1_eps{name}"][0])
    half = law.mean_time(float(name))
    assert abs(log(exact / (0.5 * half.value))) < half.relative_error


def test_maier_stein_three():
    law = exit_law(maier_stein(3.0), LEFT, SADDLE)
    assert exp(law.log_amplitude) == pytest.approx(0.37022529, rel=8e-6)
    assert 0.5 * exp(law.log_prefactor) == pytest.approx(0.58154852, rel=8e-6)
    assert abs(law.log_amplitude - log(0.37022529)) < law.amplitude_error


def test_transverse_curvature_of_maier_stein():
    alpha = 3.0
    noise = maier_stein(alpha)
    _times, x, _p, hessians = hessians_along(noise, minimum_action_path(noise, LEFT, SADDLE))
    s, k = x[0], hessians[1, 1]
    # at the well 3 k' + 4 + 2 alpha = 0
    assert k[0] == pytest.approx(2.0 - 10 / 3 * (s[0] + 1), abs=1e-5)
    assert k[-1] == pytest.approx(1.0, abs=1e-4)
    # k' (x^3 - x)/2 + k^2 - (1 + x^2) k - alpha x (x^3 - x) = 0
    middle = slice(200, -200)
    slope = np.gradient(k, s, edge_order=2)
    rest = 0.5 * (s**3 - s) * slope + k**2 - (1 + s**2) * k - alpha * s * (s**3 - s)
    assert rest[middle] == pytest.approx(0.0 * rest[middle], abs=2e-4)


def test_bent_paths_count_twice():
    # Two ways of equal action beyond the bifurcation; 0.9656 is a finite-volume time at eps = 1/75 over the formula
    law = exit_law(maier_stein(10.0), LEFT, SADDLE)
    assert law.ways == 2
    assert 411440.0 / law.mean_time(1 / 75).value == pytest.approx(0.9656, abs=3e-4)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 3.0])
def test_a_rotation_speeds_up_by_its_eigenvalue_alone(gamma):
    law = exit_law(rotated(gamma), LEFT, SADDLE, STRAIGHT)
    assert law.log_amplitude == pytest.approx(0.0, abs=1e-5)
    assert law.log_prefactor == pytest.approx(log(2 * pi / sqrt(1 + gamma**2) * sqrt(0.5)), abs=1e-5)
    path = minimum_action_path(rotated(gamma), LEFT, SADDLE, STRAIGHT)
    _times, x, _p, hessians = hessians_along(rotated(gamma), path)
    assert hessians == pytest.approx(hess_W(x), abs=2e-5)


def test_three_dimensions():
    turn = np.array([[0, 1, -0.5], [-1, 0, 0.7], [0.5, -0.7, 0]])

    def gradient(x):
        return np.array([x[0] ** 3 - x[0], x[1] + 0.3 * x[1] ** 3, 2 * x[2]])

    def jacobian(x):
        H = np.zeros((3, 3, x.shape[1]))
        H[0, 0], H[1, 1], H[2, 2] = 3 * x[0] ** 2 - 1, 1 + 0.9 * x[1] ** 2, 2.0
        return np.einsum("ij,jkn->ikn", turn - np.eye(3), H)

    noise = SmallNoise(lambda x: (turn - np.eye(3)) @ gradient(x), jacobian)
    law = exit_law(noise, [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0], np.vstack([STRAIGHT, STRAIGHT[1:]]))
    unstable = np.linalg.eigvals((turn - np.eye(3)) @ np.diag([-1.0, 1.0, 2.0])).real.max()
    assert law.barrier == pytest.approx(0.25, abs=1e-9)
    assert law.log_amplitude == pytest.approx(0.0, abs=1e-5)
    assert law.log_prefactor == pytest.approx(log(2 * pi / unstable * sqrt(0.5)), abs=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_one_dimension_is_the_multiplicative_formula(alpha):
    eps = 1e-3
    noise = SmallNoise(
        lambda x: x - x**3,
        lambda x: (1 - 3 * x**2)[None],
        lambda x: (1.5 + np.sin(x))[None],
        (lambda x: alpha * np.cos(x)) if alpha else None,
    )
    law = exit_law(noise, [-1.0], [0.0])
    formula = mean_crossing_time(lambda x: x**3 - x, lambda x: eps * (1.5 + np.sin(x)), -1.0, 0.0, alpha)
    assert law.log_prefactor + law.barrier / eps == pytest.approx(formula.log, abs=1e-5)


def f(x):
    return 1.5 + np.sin(x[0]) + 0.3 * np.cos(x[1])


def scalar_tensor(x):
    return f(x) * np.eye(2)[:, :, None]


def scalar_divergence(x):
    return np.array([np.cos(x[0]), -0.3 * np.sin(x[1])])


def scalar_noise(correction):
    # drift -f grad W, noise f: quasipotential W whatever f is
    def jacobian(x):
        return -f(x) * hess_W(x) - np.einsum("in,jn->ijn", grad_W(x), scalar_divergence(x))

    return SmallNoise(lambda x: -f(x) * grad_W(x), jacobian, scalar_tensor, correction)


@pytest.mark.parametrize("symmetric", [True, False])
def test_state_dependent_noise_in_the_plane(symmetric):
    # with the drift eps div a added the density is exp(-W/eps), without (Ito) it is exp(-W/eps)/f
    noise = scalar_noise(scalar_divergence if symmetric else None)
    start, end = np.array(LEFT)[:, None], np.array(SADDLE)[:, None]
    expected = 0.0 if symmetric else log(float(f(end)[0] / f(start)[0]))
    known = exit_law_of_quasipotential(noise, W, grad_W, hess_W, LEFT, SADDLE)
    assert known.log_amplitude == pytest.approx(expected, abs=1e-7)
    law = exit_law(noise, LEFT, SADDLE, STRAIGHT)
    assert law.barrier == pytest.approx(0.25, abs=1e-8)
    assert law.log_amplitude == pytest.approx(expected, abs=2e-5)
    assert law.log_prefactor == pytest.approx(known.log_prefactor, abs=2e-5)


def test_planted_faults_are_seen():
    noise = solvable(1.0)
    path = minimum_action_path(noise, LEFT, SADDLE, STRAIGHT)
    good = log_amplitude(noise, path)
    # a momentum that is wrong by a hundredth part
    assert abs(log_amplitude(noise, replace(path, momenta=1.01 * path.momenta)) - good) > 1e-3
    # a divergence that is wrong by a sign
    assert abs(log_amplitude(replace(noise, correction=lambda x: 0.1 * x), path) - good) > 1e-3


def test_a_focus_on_the_axis_is_refused():
    noise = maier_stein(10.0)
    with pytest.raises(ConvergenceError, match="focus"):
        exit_law(noise, LEFT, SADDLE, STRAIGHT)


def test_a_way_in_along_the_separatrix_is_refused():
    # the stable direction at the saddle is slower than the unstable one
    with pytest.raises(ConvergenceError, match="not smooth at the saddle"):
        exit_law(maier_stein(5.0, 0.6), LEFT, SADDLE)


def test_wrong_quasipotentials_are_refused():
    with pytest.raises(ProblemError, match="relative residual"):
        exit_law_of_quasipotential(maier_stein(3.0), W, grad_W, hess_W, LEFT, SADDLE)
    with pytest.raises(ConvergenceError, match="does not come from"):
        exit_law_of_quasipotential(solvable(0.0), W, grad_W, hess_W, [-3.0, 2.0], SADDLE)
    with pytest.raises(ProblemError, match="epsilon"):
        exit_law_of_quasipotential(solvable(0.0), W, grad_W, hess_W, LEFT, SADDLE).mean_time(0.0)
    noise = rotated(1.0)
    inside = minimum_action_path(noise, LEFT, [-0.5, 0.2], np.array([[-1.0, -0.75, -0.5], [0.0, 0.1, 0.2]]))
    with pytest.raises(ProblemError, match="does not end at a saddle"):
        log_amplitude(noise, inside)
