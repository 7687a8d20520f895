"""Quasipotentials and minimum-action paths: linear theory, published actions, known quasipotentials, failures."""

import numpy as np
import pytest
from small_noise import W, grad_W, maier_stein, rotated

from fokker_planck.asymptotics import minimum_action as module
from fokker_planck.asymptotics.minimum_action import (
    geometric_action,
    minimum_action_path,
    minimum_action_paths,
)
from fokker_planck.asymptotics.path_boundary import BoundaryProblem, ends_of
from fokker_planck.asymptotics.quasipotential import SmallNoise, covariance, quadratic_form, resonant
from fokker_planck.errors import ConvergenceError, ProblemError

LEFT, SADDLE = [-1.0, 0.0], [0.0, 0.0]


def linear(matrix, tensor):
    A, a = np.array(matrix), np.array(tensor)
    return SmallNoise(
        lambda x: A @ x,
        lambda x: np.repeat(A[:, :, None], x.shape[1], axis=2),
        lambda x: np.repeat(a[:, :, None], x.shape[1], axis=2),
    )


@pytest.mark.parametrize(("alpha", "action"), [(1.0, 0.5), (3.0, 0.5), (5.0, 0.48307), (10.0, 0.34004)])
def test_actions_of_maier_stein(alpha, action):
    # S = 1/2 int |x' - b|^2 = 2 W; beyond alpha = 4 the path leaves the axis
    paths = minimum_action_paths(maier_stein(alpha), LEFT, SADDLE)
    assert 2 * paths[0].action == pytest.approx(action, abs=6e-6 if alpha > 4 else 1e-9)
    aside = np.abs(paths[0].points[1]).max()
    if alpha > 4:
        assert len(paths) == 3
        assert paths[1].action == pytest.approx(paths[0].action, abs=1e-9)
        assert paths[0].points[1, 2000] * paths[1].points[1, 2000] < 0
        assert aside > 0.2
        assert paths[2].action == pytest.approx(0.25, abs=1e-8)
    else:
        assert len(paths) == 1
        assert aside < 1e-8


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 3.0])
def test_a_rotation_changes_the_path_but_not_the_barrier(gamma):
    straight = np.array([np.linspace(-1.0, 0.0, 50), np.zeros(50)])
    path = minimum_action_path(rotated(gamma), LEFT, SADDLE, straight)
    assert path.action == pytest.approx(0.25, abs=2e-10)
    assert abs(path.action - 0.25) < path.error
    # everywhere on it p = grad W
    assert path.momenta == pytest.approx(grad_W(path.points), abs=3e-7)
    assert W(path.points)[-1] - W(path.points)[0] == pytest.approx(0.25, abs=3e-6)


@pytest.mark.parametrize("point", [[1.0, 0.5], [0.0, 2.0], [-1.0, 1.0]])
def test_anisotropic_ornstein_uhlenbeck_by_lyapunov(point):
    A, a = [[-1.0, 2.0], [-1.0, -3.0]], [[1.0, 0.3], [0.3, 0.5]]
    G = quadratic_form(A, a)
    S = np.linalg.inv(G)
    assert A @ S + S @ np.transpose(A) == pytest.approx(-2 * np.array(a))
    path = minimum_action_path(linear(A, a), [0.0, 0.0], point, np.outer(point, np.linspace(0, 1, 9)))
    assert path.action == pytest.approx(0.5 * np.array(point) @ G @ np.array(point), rel=1e-10)
    assert not path.to_saddle


def test_covariance_of_a_rotation_and_of_a_chain():
    assert covariance([[-2.0, 7.0], [-7.0, -2.0]], 0.3 * np.eye(2)) == pytest.approx(0.15 * np.eye(2))
    # two reservoirs at different temperatures: the warmer end moves more, and the ends are correlated
    S = covariance([[-2.0, 1.0], [1.0, -2.0]], np.diag([2.0, 1.0]))
    assert S[0, 0] > S[1, 1]
    assert pytest.approx(np.diag([4.0, 2.0])) == S @ [[2, -1], [-1, 2]] + [[2, -1], [-1, 2]] @ S
    with pytest.raises(ProblemError, match="negative real parts"):
        covariance([[1.0]], [[1.0]])


def test_saddles_of_the_linear_theory():
    G = quadratic_form([[1.0, 0.0], [0.0, -3.0]], np.eye(2))
    assert pytest.approx(np.diag([-1.0, 3.0])) == G
    assert resonant([[1.0, 5.0], [0.0, -1.0]])
    # one of a family: near tells which
    J = np.array([[1.0, -2.0], [-2.0, -1.0]])
    assert quadratic_form(J, np.eye(2), np.diag([-1.01, 1.01])) == pytest.approx(np.diag([-1.0, 1.0]), abs=0.02)
    with pytest.raises(ConvergenceError, match="no second derivatives"):
        quadratic_form([[1.0, 5.0], [0.0, -1.0]], np.eye(2))


def test_third_derivatives_of_a_known_quasipotential():
    found = rotated(0.7).third_derivatives_at(np.array(LEFT))
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 0] = -6.0
    assert found == pytest.approx(expected, abs=1e-9)


def test_state_dependent_noise_on_a_line():
    noise = SmallNoise(lambda x: x - x**3, lambda x: (1 - 3 * x**2)[None], lambda x: (1.5 + np.sin(x))[None])
    path = minimum_action_path(noise, [-1.0], [0.0])
    x = np.linspace(-1, 0, 200001)
    f = (x**3 - x) / (1.5 + np.sin(x))
    assert path.action == pytest.approx((f.sum() - 0.5 * (f[0] + f[-1])) / 200000, abs=1e-9)


def test_a_way_in_along_the_separatrix():
    # the stable direction at the saddle is the slower one: the path comes in along it, and not along the axis
    paths = minimum_action_paths(maier_stein(5.0, 0.6), LEFT, SADDLE)
    assert [round(path.action, 6) for path in paths] == [0.162639, 0.162639, 0.25]
    assert abs(paths[0].points[0, -1]) < 0.1 * abs(paths[0].points[1, -1])


def test_a_lost_path_is_not_passed_over_for_one_of_more_action(monkeypatch):
    collocated = module.collocated

    def faulty(noise, relaxed, *rest):
        if np.abs(relaxed.points[1]).max() > 0.1:
            raise ConvergenceError("lost", "do better")
        return collocated(noise, relaxed, *rest)

    monkeypatch.setattr(module, "collocated", faulty)
    with pytest.raises(ConvergenceError, match="lost"):
        minimum_action_path(maier_stein(10.0), LEFT, SADDLE)


def test_differences_do_for_derivatives():
    exact = maier_stein(10.0)
    x = np.array([[-0.3, 0.2], [0.4, -0.7]])
    p = np.array([[0.2, 0.3], [-0.1, 0.5]])
    rough = SmallNoise(exact.drift, None, lambda x: np.array([[1 + x[0] ** 2, x[1]], [x[1], 3 + x[0]]]))
    smooth = SmallNoise(exact.drift, exact.jacobian, rough.tensor)
    assert rough.energy_hessian(x, p) == pytest.approx(smooth.energy_hessian(x, p), abs=1e-7)
    assert rough.velocity_gradient(x, p) == pytest.approx(smooth.velocity_gradient(x, p), abs=1e-10)
    step = 1e-5
    for k in range(2):
        shift = step * np.eye(2)[k][:, None]
        rate = (smooth.momentum_rate(x + shift, p) - smooth.momentum_rate(x - shift, p)) / (2 * step)
        assert smooth.energy_hessian(x, p)[k] == pytest.approx(-rate, abs=1e-8)


def test_action_of_a_curve_is_least_on_the_path():
    noise = maier_stein(10.0)
    path = minimum_action_path(noise, LEFT, SADDLE)
    best = geometric_action(noise, path.points)
    assert best == pytest.approx(path.action, abs=2e-5)
    bump = 0.05 * np.sin(np.linspace(0, np.pi, path.points.shape[1]))
    for push in (np.array([[0.0], [1.0]]), np.array([[0.0], [-1.0]])):
        assert geometric_action(noise, path.points + push * bump) > best + 1e-4


@pytest.mark.parametrize(
    ("start", "end", "error", "match"),
    [
        ([-0.5, 0.0], SADDLE, ProblemError, "a fixed point"),
        (SADDLE, LEFT, ProblemError, "an attractor"),
        (LEFT, [1.0, 0.0], ProblemError, "0 unstable directions"),
        (LEFT, LEFT, ProblemError, "another point"),
        (LEFT, [0.5, 0.1], ConvergenceError, "not solved"),
    ],
)
def test_what_cannot_be_joined_is_refused(start, end, error, match):
    with pytest.raises(error, match=match):
        minimum_action_path(maier_stein(1.0), start, end)


@pytest.mark.parametrize(
    "tensor",
    [None, lambda x: np.array([[1 + 0.3 * x[0] ** 2, 0.1 * x[1]], [0.1 * x[1], 1 + x[0] * x[1]]])],
    ids=["one", "varies"],
)
@pytest.mark.parametrize("last", [(0.0, 0.0), (-0.5, 0.3)], ids=["saddle", "point"])
def test_slopes_of_the_boundary_problem_are_those_of_differences(tensor, last):
    noise = SmallNoise(
        lambda x: np.array([x[0] - x[0] ** 3 - x[1] ** 2, -x[1] + x[1] * (x[0] ** 3 - x[0])]), None, tensor
    )
    asked = BoundaryProblem(noise, ends_of(noise, np.array([-1.0, 0.0]), np.array(last)), 0.1)
    left, right, q = np.array([-0.96, 0.05, 0.1, -0.2]), np.array([*last, 0.1, 0.2]) + 0.05, np.array([3.0, 0.1])
    states, t, h = np.stack([left, right], axis=1), np.zeros(2), 1e-6

    def differences(function, at):
        return np.stack(
            [(function(at + h * one) - function(at - h * one)) / (2 * h) for one in np.eye(len(at))], axis=1
        )

    for k, y in enumerate((left, right)):
        by_state, by_unknown = (part[:, :, k] for part in asked.slopes(t, states, q))
        expected = differences(lambda y: asked.equations(t, y[:, None], q)[:, 0], y)
        assert by_state == pytest.approx(expected, abs=1e-5)
        expected = differences(lambda q, y=y: asked.equations(t, y[:, None], q)[:, 0], q)
        assert by_unknown == pytest.approx(expected, abs=1e-5)
    at_left, at_right, at_unknown = asked.slopes_of_conditions(left, right, q)
    assert at_left == pytest.approx(differences(lambda y: asked.conditions(y, right, q), left), abs=1e-5)
    assert at_right == pytest.approx(differences(lambda y: asked.conditions(left, y, q), right), abs=1e-5)
    assert at_unknown == pytest.approx(differences(lambda q: asked.conditions(left, right, q), q), abs=1e-5)
