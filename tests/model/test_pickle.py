"""Results travel: what a question returns comes back from a pickle with its numbers and fields."""

import pickle

import numpy as np
import pytest

import fokker_planck as fp

LINE = fp.Problem(fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05)), fp.Box([-2.0], [2.0]))
LEFT, RIGHT = fp.HalfSpace([-1.0], 1.0), fp.HalfSpace([1.0], 1.0)
QUESTIONS = {
    "stationary": lambda: fp.stationary_density(LINE),
    "spectrum": lambda: fp.spectrum(LINE, 3),
    "exit time": lambda: fp.mean_exit_time(LINE, -1.0, RIGHT),
    "committor": lambda: fp.committor(LINE, LEFT, RIGHT),
    "rates": lambda: fp.rates(LINE),
    "landscape": lambda: fp.energy_landscape(LINE),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_pickles(question):
    found = QUESTIONS[question]()
    again = pickle.loads(pickle.dumps(found))
    assert repr(again) == repr(found)
    x = np.linspace(-1.9, 1.9, 7)[None]
    for name in ("density", "field", "reactive_density"):
        if hasattr(found, name):
            # what is known of a density by a formula becomes polynomials: for the quartic well they are the same
            np.testing.assert_allclose(getattr(again, name)(x), getattr(found, name)(x), rtol=1e-13)


def test_the_density_of_a_process_without_detailed_balance_and_its_current_pickle():
    process = fp.Drifting(fp.Drift(["-x + 2*y", "-2*x - y"]), fp.Isotropic(0.1))
    found = fp.stationary_density(fp.Problem(process, fp.Box([-2, -2], [2, 2]), fp.Resolution(tolerance=1e-4)))
    again = pickle.loads(pickle.dumps(found))
    x = np.array([[0.1, -0.3], [0.2, 0.4]])
    np.testing.assert_array_equal(again.current(x), found.current(x))
    assert again.field(x)[0] == pytest.approx(np.exp(found.field.log(x)[0]))
