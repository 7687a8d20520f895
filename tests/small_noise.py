"""Processes with known quasipotentials, or with known actions, for the tests of the irreversible asymptotics."""

import numpy as np

from fokker_planck.asymptotics.quasipotential import SmallNoise


def maier_stein(alpha, mu=1.0):
    def drift(x):
        return np.array([x[0] - x[0] ** 3 - alpha * x[0] * x[1] ** 2, -mu * (1 + x[0] ** 2) * x[1]])

    def jacobian(x):
        one = np.ones_like(x[0])
        first = [one - 3 * x[0] ** 2 - alpha * x[1] ** 2, -2 * alpha * x[0] * x[1]]
        return np.array([first, [-2 * mu * x[0] * x[1], -mu * (1 + x[0] ** 2)]])

    return SmallNoise(drift, jacobian)


def solvable(c):
    """b = -grad W + l, W = (x^2 - 1)^2/4 + y^2/2 for every c, and int div l = c."""

    def drift(x):
        return np.array([x[0] - x[0] ** 3 - c * x[1] ** 2, -x[1] + c * x[1] * (x[0] ** 3 - x[0])])

    def jacobian(x):
        fall = 3 * x[0] ** 2 - 1
        return np.array([[-fall, -2 * c * x[1]], [c * x[1] * fall, -1 + c * (x[0] ** 3 - x[0])]])

    return SmallNoise(drift, jacobian)


def rotated(gamma):
    """b = -grad W + gamma (grad W turned by a right angle): the density stays exp(-W/eps) exactly."""

    def drift(x):
        gx, gy = x[0] ** 3 - x[0], x[1]
        return np.array([-gx - gamma * gy, -gy + gamma * gx])

    def jacobian(x):
        one, bend = np.ones_like(x[0]), 3 * x[0] ** 2 - 1
        return np.array([[-bend, -gamma * one], [gamma * bend, -one]])

    return SmallNoise(drift, jacobian)


def W(x):
    return (x[0] ** 2 - 1) ** 2 / 4 + x[1] ** 2 / 2


def grad_W(x):
    return np.array([x[0] ** 3 - x[0], x[1]])


def hess_W(x):
    zero = np.zeros_like(x[0])
    return np.array([[3 * x[0] ** 2 - 1, zero], [zero, 1 + zero]])
