"""Newton's method goes most of its way with a rough Hessian where the Hessian is dear."""

import numpy as np
import pytest

from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.newton.critical_points import Guesses, polish


class Dear:
    """(x^2 - 1)^2/4 + y^2, whose second derivatives are counted; the rough ones are a tenth off."""

    def __init__(self, dear):
        self.dear_hessian, self.asked = dear, 0

    def value(self, x):
        return 0.25 * (x[0] ** 2 - 1.0) ** 2 + x[1] ** 2

    def gradient(self, x):
        return np.array([x[0] ** 3 - x[0], 2.0 * x[1]])

    def rough_hessian(self, x):
        zero = np.zeros(x.shape[1])
        return 1.1 * np.array([[3.0 * x[0] ** 2 - 1.0, zero], [zero, 2.0 + zero]])

    def hessian(self, x):
        self.asked += x.shape[1]
        return self.rough_hessian(x) / 1.1


def polished(dear):
    function, frame = Dear(dear), Frame((-2.0, -2.0), (2.0, 2.0), (None, None))
    starts = np.array([[-1.3, 0.2, 0.8, 0.45], [0.3, -0.2, 0.1, 0.0]])
    x, settled = polish(function, Guesses(starts, np.ones((2, 4), dtype=bool), np.full(4, 0.5)), frame)
    return function, x[:, settled]


def test_the_last_steps_are_those_of_the_hessian_itself():
    dear, cheap = polished(True), polished(False)
    assert dear[1] == pytest.approx(cheap[1], abs=1e-12)
    assert dear[1][0] == pytest.approx(np.round(dear[1][0]), abs=1e-12)
    assert dear[0].asked < 0.6 * cheap[0].asked
