"""The functions by which the potentials of wells are widened."""

from types import SimpleNamespace

import numpy as np

from fokker_planck.solvers.condensation.krylov import images


def test_they_are_orthonormal_and_m_is_applied_to_few_more_than_are_solved_for():
    rng = np.random.default_rng(3)
    root = rng.standard_normal((60, 60))
    mass, size = root @ root.T / 60.0 + np.eye(60), []
    inverse = np.linalg.inv(mass + np.diag(np.linspace(1.0, 400.0, 60)))

    def apply_mass(vectors):
        size.append(len(vectors))
        return vectors @ mass

    generator = SimpleNamespace(exponent=np.zeros(60), apply_mass=apply_mass)
    first = images(generator, rng.standard_normal((4, 60)), lambda loads: loads @ inverse, 3)
    both = images(generator, rng.standard_normal((4, 60)), lambda loads: loads @ inverse, 3, beside=first)
    assert len(both.basis) == 24
    np.testing.assert_array_equal(both.basis[:12], first.basis)
    np.testing.assert_allclose(both.basis @ mass @ both.basis.T, np.eye(24), atol=1e-10)
    np.testing.assert_allclose(both.masses, both.basis @ mass, atol=1e-11)
    # twice the eight that it begins with and the 24 solutions: what cancels is asked anew
    assert sum(size) < 64


def test_what_depends_on_others_is_left_out():
    generator = SimpleNamespace(exponent=np.zeros(5), apply_mass=lambda vectors: 2.0 * vectors)
    found = images(generator, np.ones((1, 5)), lambda loads: 3.0 * loads, 4)
    assert len(found.basis) == 1
    assert len(images(generator, np.ones((1, 5)), lambda loads: loads, 0).basis) == 0
