"""Drifts, processes with one, and what the interpretation of the noise adds to it."""

import copy
import pickle

import numpy as np
import pytest

from fokker_planck.formulas.calculus import finite_differences as differences
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.diffusion.hessian import Hessian
from fokker_planck.model.diffusion.quadratic import Quadratic
from fokker_planck.model.diffusion.state_dependent import Formula
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem
from fokker_planck.model.process import Drifting, Overdamped
from fokker_planck.model.reversibility.drift_potential import DriftPotential, drift_potential
from fokker_planck.model.sets.shapes import Ball

RNG = np.random.default_rng(11)
MAIER_STEIN = Drift(["x - x**3 - mu*x*y**2", "-(1 + x**2)*y"], {"mu": 10.0})


def test_values_and_exact_derivatives():
    x = RNG.uniform(-1.0, 1.0, (2, 30))
    np.testing.assert_allclose(MAIER_STEIN.value(x)[0], x[0] - x[0] ** 3 - 10.0 * x[0] * x[1] ** 2, rtol=1e-12)
    by_differences = np.moveaxis(differences.gradient(MAIER_STEIN.value, x), 0, 1)
    np.testing.assert_allclose(MAIER_STEIN.jacobian(x), by_differences, atol=1e-9)
    function = Drift(lambda x: np.stack([x[1], -(x[0] ** 2)]), dimension=2)
    np.testing.assert_allclose(function.jacobian(x), Drift(["y", "-x**2"]).jacobian(x), atol=1e-9)
    assert not function.exact
    assert MAIER_STEIN.exact
    assert Drift("x").dimension == 1
    assert Drift(["1", "0"]).value(x).tolist() == [[1.0] * 30, [0.0] * 30]


@pytest.mark.parametrize(("name", "alpha"), [("ito", 0.0), ("stratonovich", 0.5), ("klimontovich", 1.0)])
@pytest.mark.parametrize("extra", [None, Drift(["y", "-x"])])
def test_the_ito_drift(name, alpha, extra):
    """b = -grad V + c + alpha div D, whichever way the process is given."""
    V, D = Potential("(x**2 - 1)**2/4 + y**2/2 + x*y**2/3"), Formula([["2 + x**2", "x*y/3"], ["x*y/3", "3"]])
    process = Overdamped(V, D, name, extra)
    x = RNG.uniform(-1.0, 1.0, (2, 30))
    divergence = np.stack([2 * x[0] + x[0] / 3, x[1] / 3])
    plain = -V.gradient(x) + (np.stack([x[1], -x[0]]) if extra else 0.0)
    np.testing.assert_allclose(process.drift(x, 2), plain + alpha * divergence, rtol=1e-12, atol=1e-13)
    by_differences = np.moveaxis(differences.gradient(lambda y: process.drift(y, 2), x), 0, 1)
    np.testing.assert_allclose(process.drift_jacobian(x, 2), by_differences, atol=1e-8)
    rotated = ("+ y", "- x") if extra else ("", "")
    whole = Drift([f"x - x**3 - y**2/3 {rotated[0]}", f"-y - 2*x*y/3 {rotated[1]}"])
    same = Drifting(whole, D, name)
    np.testing.assert_allclose(same.drift(x, 2), process.drift(x, 2), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(same.drift_jacobian(x, 2), process.drift_jacobian(x, 2), rtol=1e-12, atol=1e-13)


def test_what_a_process_needs():
    assert Overdamped(Potential("x"), Isotropic(1.0), extra=Drift(["y", "0"])).dimension == 2
    assert Overdamped(Potential("x"), Quadratic([1.0, 1.0], 0.0)).dimension == 2
    assert Drifting(MAIER_STEIN, Isotropic(1.0)).dimension == 2
    assert Drifting(MAIER_STEIN, Isotropic(1.0)).potential is None
    for process in (Drifting(MAIER_STEIN, Isotropic(1.0)), Overdamped(Potential("x"), Hessian(1.0), "ito", Drift("x"))):
        assert copy.deepcopy(process) == pickle.loads(pickle.dumps(process)) == process


def test_the_potential_of_a_drift_on_a_line():
    process = Drifting(Drift("x - x**3 + heaviside(x)"), Isotropic(0.1))
    U = drift_potential(process, 1, ((-2.0,), (2.0,)))
    x = np.linspace(-2.0, 2.0, 101)[None]
    exact = (x[0] ** 2 - 1) ** 2 / 4 - np.maximum(x[0], 0.0)
    np.testing.assert_allclose(U.value(x) - U.value(x[:, :1]), exact - exact[0], atol=1e-14)
    assert isinstance(U, DriftPotential)
    np.testing.assert_allclose(U.gradient(x), -process.drift(x, 1))
    V = Potential("x**2/2")
    assert drift_potential(Overdamped(V, Isotropic(1.0)), 2, ((-1.0, -1.0), (1.0, 1.0))) is V
    assert drift_potential(Drifting(MAIER_STEIN, Isotropic(1.0)), 2, ((-1.0, -1.0), (1.0, 1.0))) is None
    driven = Drifting(Drift("0.5 - sin(x)"), Isotropic(1.0))
    assert drift_potential(driven, 1, ((0.0,), (2 * np.pi,)), (2 * np.pi,)) is None
    assert Problem(driven, Ball([0.0], 1.0)).dimension == 1
