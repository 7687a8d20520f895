"""Drift and diffusion over many periods against quadratures and closed forms.

theory: Reimann et al., Phys. Rev. Lett. 87 (2001) 010602, on a tilted washboard; Lifson and Jackson (1962) without
tilt; shear flows, D_xx = D + <u |d/dy|^-2 u>/D; a free particle with momentum, D = eps/gamma.
"""

import json
import math

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import BarrierTooHighError, ProblemError

TURN = 2.0 * math.pi


def held(found, exact, most):
    """The error is below the bar, and the bar below ``most``."""
    assert found.absolute_error < most
    assert abs(found.value - exact) <= found.absolute_error


def reimann(potential, force, noise):
    """v and D of dX = (F - V') dt + sqrt(2 D_0) dW, V of period 2 pi, by quadrature of their I_+ and I_-."""
    x = np.arange(2400)[:, None] * TURN / 2400
    nodes, weights = np.polynomial.legendre.leggauss(400)
    y, weights = (nodes[None] + 1.0) * math.pi, weights * math.pi

    def tilted(z):
        return potential(z) - force * z

    plus = np.exp((tilted(x) - tilted(x - y)) / noise) @ weights / noise
    minus = np.exp((tilted(x + y) - tilted(x)) / noise) @ weights / noise
    whole = plus.mean() * TURN
    velocity = TURN * -math.expm1(-TURN * force / noise) / whole
    return velocity, noise * TURN**2 * (plus**2 * minus).mean() * TURN / whole**3


def washboard(potential, force, noise, tolerance=1e-8):
    extra = fp.Drift([f"{force}"]) if force else None
    process = fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise), extra=extra)
    return fp.Problem(process, fp.Box([0.0], [TURN], "periodic"), fp.Resolution(tolerance=tolerance))


@pytest.mark.parametrize(
    ("force", "noise"), [(0.0, 1.0), (0.0, 0.1), (0.0, 0.05), (0.1, 0.05), (0.3, 0.2), (0.98, 0.02), (2.0, 0.1)]
)
def test_a_tilted_washboard(force, noise):
    found = fp.effective_transport(washboard("-cos(x)", force, noise))
    velocity, diffusion = reimann(lambda z: -np.cos(z), force, noise)
    # the quadrature itself has rounding of exp(-V/eps)
    (drift,), ((spread,),) = found.drift, found.diffusion
    assert drift.value == pytest.approx(velocity, abs=drift.absolute_error + 1e-10 * diffusion)
    assert spread.value == pytest.approx(diffusion, abs=spread.absolute_error + 2e-11 * diffusion)
    assert spread.absolute_error < 1e-8 * diffusion
    if force == 0.0:
        assert drift.value == 0.0


def test_two_wells_in_a_period():
    found = fp.effective_transport(washboard("-cos(x) + 0.5*cos(2*x)", 0.2, 0.1))
    velocity, diffusion = reimann(lambda z: -np.cos(z) + 0.5 * np.cos(2.0 * z), 0.2, 0.1)
    assert found.drift[0].value == pytest.approx(velocity, rel=1e-9)
    assert found.diffusion[0][0].value == pytest.approx(diffusion, rel=1e-9)


def plane(process, lower, upper, boundary="periodic", tolerance=1e-6):
    return fp.effective_transport(
        fp.Problem(process, fp.Box(lower, upper, boundary), fp.Resolution(tolerance=tolerance))
    )


def test_a_torus():
    tilted = fp.Overdamped(fp.Potential("-cos(x) - cos(y)/2"), fp.Isotropic(0.5), extra=fp.Drift(["0.5", "0*x"]))
    found = plane(tilted, [0.0, 0.0], [TURN, TURN])
    velocity, diffusion = reimann(lambda z: -np.cos(z), 0.5, 0.5)
    held(found.drift[0], velocity, 1e-6)
    held(found.drift[1], 0.0, 1e-6)
    held(found.diffusion[0][0], diffusion, 1e-6)
    held(found.diffusion[1][1], reimann(lambda z: -np.cos(z) / 2.0, 0.0, 0.5)[1], 1e-6)
    held(found.diffusion[0][1], 0.0, 1e-6)


def test_shear_flows():
    """Taylor's dispersion: on a torus, and in a channel with walls, where only x is periodic."""
    found = plane(fp.Drifting(fp.Drift(["sin(y)", "0*x"]), fp.Isotropic(0.3)), [0.0, 0.0], [TURN, TURN])
    held(found.diffusion[0][0], 0.3 + 1.0 / 0.6, 1e-6)
    held(found.diffusion[1][1], 0.3, 1e-6)
    channel = fp.Drifting(fp.Drift(["1 + cos(pi*y)", "0*x"]), fp.Isotropic(0.3))
    found = plane(channel, [0.0, 0.0], [1.0, 1.0], ["periodic", "reflecting"])
    assert found.axes == (0,)
    held(found.drift[0], 1.0, 1e-6)
    held(found.diffusion[0][0], 0.3 + 1.0 / (0.6 * math.pi**2), 1e-6)


def test_a_free_particle_with_momentum():
    process = fp.Underdamped(fp.Potential("0*x"), fp.Isotropic(0.4), 0.5)
    found = plane(process, [0.0, -6.0], [1.0, 6.0], ["periodic", "reflecting"], 1e-5)
    held(found.drift[0], 0.0, 1e-5)
    held(found.diffusion[0][0], 0.8, 1e-5)


@pytest.mark.parametrize("force", [0.5, -0.5])
def test_barriers_at_which_cells_lose_the_diffusion_are_left_to_quadratures(force):
    """68 units of epsilon, and 342: hops one way, D = l |v| / 2, by Kramers' formula up to its next order."""
    found = fp.effective_transport(washboard("-cos(x)", force, 0.01))
    velocity, diffusion = reimann(lambda z: -np.cos(z), abs(force), 0.01)
    assert found.drift[0].value == pytest.approx(math.copysign(velocity, force), rel=1e-9)
    assert found.diffusion[0][0].value == pytest.approx(diffusion, rel=1e-9)
    assert found.diffusion[0][0].absolute_error < 1e-11 * diffusion
    noise = 0.002
    found = fp.effective_transport(washboard("-cos(x)", force, noise))
    climb = 2.0 * (math.sqrt(0.75) - 0.5 * math.acos(0.5))
    rate = math.sqrt(0.75) / TURN * math.exp(-climb / noise)
    assert found.drift[0].value == pytest.approx(math.copysign(TURN * rate, force), rel=3.0 * noise)
    assert found.diffusion[0][0].value == pytest.approx(TURN**2 * rate / 2.0, rel=3.0 * noise)


def test_quadratures_around_a_ring_agree_with_cells_where_noise_varies_and_jumps():
    from fokker_planck.model.reversibility.line import line_exponent
    from fokker_planck.model.reversibility.ring_transport import ring_transport

    for interpretation, noise in (("ito", "0.3 + 0.1*sin(x)"), ("stratonovich", "0.2 + 0.3*heaviside(x - 2)")):
        process = fp.Overdamped(fp.Potential("cos(x)"), fp.Formula(noise), interpretation, extra=fp.Drift(["-0.4"]))
        given = fp.Problem(process, fp.Box([0.0], [TURN], "periodic"), fp.Resolution(tolerance=1e-8))
        found, cells = ring_transport(line_exponent(process, 0.0, TURN, TURN)), fp.effective_transport(given)
        assert found.sign * math.exp(found.log_velocity) == pytest.approx(cells.drift[0].value, rel=1e-8)
        assert math.exp(found.log_diffusion) == pytest.approx(cells.diffusion[0][0].value, rel=1e-8)


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(BarrierTooHighError, match="too small for a double"):
        fp.effective_transport(washboard("-cos(x)", 0.0, 0.002))
    line = fp.Overdamped(fp.Potential("x**2"), fp.Isotropic(1.0))
    with pytest.raises(ProblemError, match="periodic"):
        fp.effective_transport(fp.Problem(line, fp.Box([-1.0], [1.0])))


def test_the_command_prints_the_contract(capsys):
    from fokker_planck.cli.command import main

    assert main(["transport", "examples/tilted_washboard.toml", "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sorted(found) == ["axes", "diffusion", "drift"]
    assert found["diffusion"][0][0]["value"] == pytest.approx(0.22924341622, rel=1e-9)
    assert main(["transport", "examples/tilted_washboard.toml", "-q"]) == 0
    assert "drift along x" in capsys.readouterr().out


@pytest.mark.mpi
def test_transport_on_several_ranks():
    found = fp.effective_transport(washboard("-cos(x)", 0.3, 0.2))
    velocity, diffusion = reimann(lambda z: -np.cos(z), 0.3, 0.2)
    held(found.drift[0], velocity, 1e-8)
    held(found.diffusion[0][0], diffusion, 1e-8)
