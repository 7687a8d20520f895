"""A fault planted in the package turns a claim red: the factor of D, the sign of the drift, the reading, a determinant.

Without a fault the same claims hold, or `fokker-planck validate --quick` fails.
"""

import sys

import numpy as np
import pytest

from fokker_planck.asymptotics import bouchet_reygner, eyring_kramers
from fokker_planck.errors import FokkerPlanckError
from fokker_planck.fem.operators import stiffness_matrices
from fokker_planck.model import process
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.reversibility import potential_of_density
from validation.registry import claim


class AtOnce:
    """A quick run that remembers nothing."""

    quick = True

    def step(self, name, compute):
        return compute()


LINE = "eyring-kramers-line"
PLANE = pytest.param("eyring-kramers-plane", marks=pytest.mark.slow)


def is_red(name):
    """Whether a claim fails, or cannot even be computed."""
    try:
        return not claim(name).compute(AtOnce()).holds
    except (FokkerPlanckError, TypeError):  # a TypeError where there is no number to compare
        return True


def everywhere(monkeypatch, old, new):
    """Put a function in the place of another in every module of the package that has imported it."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("fokker_planck"):
            for name, value in list(vars(module).items()):
                if value is old:
                    monkeypatch.setattr(module, name, new)


@pytest.mark.parametrize("name", [LINE, PLANE])
def test_nothing_is_planted(name):
    assert not is_red(name)


@pytest.mark.parametrize("name", [LINE, PLANE])
def test_a_factor_of_two_in_the_weak_form(name, monkeypatch):
    everywhere(monkeypatch, stiffness_matrices, lambda *given: 2.0 * stiffness_matrices(*given))
    assert is_red(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [LINE, "sgd-large-batches"])
def test_a_factor_of_two_in_the_process(name, monkeypatch):
    """As if the noise were sqrt(4 D) dW: the density changes with the times."""
    right = Isotropic.__post_init__

    def doubled(self):
        right(self)
        object.__setattr__(self, "epsilon", 2.0 * self.epsilon)

    monkeypatch.setattr(Isotropic, "__post_init__", doubled)
    assert is_red(name)


@pytest.mark.slow
def test_the_sign_of_the_drift(monkeypatch):
    for name in ("value", "gradient", "hessian"):
        right = getattr(potential_of_density.ScaledPotential, name)
        monkeypatch.setattr(potential_of_density.ScaledPotential, name, lambda self, x, right=right: -right(self, x))
    assert is_red(LINE)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["multiplicative-noise", "sgd-hessian-noise"])
def test_the_reading_of_the_noise(name, monkeypatch):
    monkeypatch.setattr(process, "INTERPRETATIONS", dict.fromkeys(process.INTERPRETATIONS, 0.0))
    assert is_red(name)


@pytest.mark.parametrize("name", [LINE, PLANE])
@pytest.mark.parametrize("kind", ["minimum", pytest.param("saddle", marks=pytest.mark.slow)])
def test_a_determinant_in_the_prefactor(name, kind, monkeypatch):
    """The integral around a well, or across a saddle, without the curvatures there."""
    right = eyring_kramers.log_local_integral

    def without(point):
        change = 0.5 * float(np.sum(np.log(np.abs(point.hessian_eigenvalues)))) if point.kind == kind else 0.0
        return right(point) + change

    everywhere(monkeypatch, right, without)
    assert is_red(name)


@pytest.mark.slow
def test_a_determinant_without_detailed_balance(monkeypatch):
    right = bouchet_reygner.assembled

    def turned_round(noise, saddle, well, top, *rest):
        return right(noise, saddle, top, well, *rest)

    everywhere(monkeypatch, right, turned_round)
    assert is_red("irreversible-drift")
