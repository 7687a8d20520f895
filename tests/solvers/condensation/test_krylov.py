"""Functions that widen the span of the wells' potentials."""

from types import SimpleNamespace

import numpy as np

from fokker_planck.solvers.condensation.krylov import images


def test_vectors_that_have_become_dependent_are_not_solved_for_again():
    """Of 40 solves for two wells in space 7 brought something: 65 s of 107."""
    rng = np.random.default_rng(2)
    turned = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    inverse = (turned * np.geomspace(1.0, 1e-8, 30)) @ turned.T
    generator = SimpleNamespace(exponent=np.zeros(30), apply_mass=lambda vectors: vectors)
    solved = []

    def solve(vectors):
        solved.append(len(vectors))
        return vectors @ inverse

    found = images(generator, rng.normal(size=(2, 30)), solve, 20).basis
    assert len(found) < sum(solved) <= len(found) + 2 < 40
    np.testing.assert_allclose(found @ found.T, np.eye(len(found)), atol=1e-9)
    # nothing is missing: the next image of all that is there lies in the span
    power = rng.normal(size=(1, len(found))) @ found @ np.linalg.matrix_power(inverse, 20)
    left = power - (power @ found.T) @ found
    assert np.linalg.norm(left) < 1e-6 * np.linalg.norm(power)
