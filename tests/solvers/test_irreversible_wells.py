"""Condensation from both sides, and the exponent it needs: identities that hold on any mesh."""

from dataclasses import dataclass, replace

import mpmath
import numpy as np
import pytest

from fokker_planck.errors import BarrierTooHighError, ProblemError
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.generator import assemble
from fokker_planck.fem.indicator import Mode, energy_errors
from fokker_planck.fem.reference_exponent import KnownWeight
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.diffusion.constant import Isotropic
from fokker_planck.model.domains.box import Box
from fokker_planck.model.drift import Drift
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem import Problem, Resolution
from fokker_planck.model.process import Drifting, Overdamped
from fokker_planck.model.reversibility.classify import ItoDrift, UnknownDensity
from fokker_planck.model.sets.shapes import HalfSpace
from fokker_planck.questions.exit_time import mean_exit_time
from fokker_planck.questions.eyring_kramers import eyring_kramers
from fokker_planck.questions.rates import rates
from fokker_planck.solvers.boundaries.ends import Ends
from fokker_planck.solvers.condensation.states import Target
from fokker_planck.solvers.condensation.wells import condense, well_nodes
from fokker_planck.solvers.eigenvalues.reduced_problem import reduced_pair
from fokker_planck.solvers.exit_time import green_function, times_of
from fokker_planck.solvers.reference_density.resolved_cells import resolved_below
from fokker_planck.solvers.setting.landscape_of_flow import coarse_mesh, of_flow
from fokker_planck.solvers.setting.setting import prepare

CROSSED = ["-(x**3 - x) - y**2 - 1/10", "-y + y*(x**3 - x)"]
WHOLE = Box([-2.0, -1.8], [2.0, 1.8])


@pytest.fixture(scope="module")
def setting():
    problem = Problem(Drifting(Drift(CROSSED), Isotropic(0.05)), WHOLE, Resolution(tolerance=1e-5))
    return of_flow(problem, Ends())


@pytest.fixture(scope="module")
def discretization(setting):
    mesh = resolved_below(
        coarse_mesh(setting.problem, {}), setting.weighting, setting.places, setting.ceiling, 8.0, 9999
    )
    return discretize(mesh, 4)


@pytest.fixture(scope="module")
def condensed(setting, discretization):
    generator = assemble(discretization, setting.weighting)
    return condense(generator, well_nodes(discretization, setting.places), [], setting.relaxation_rate)


def test_the_fixed_points_are_found(setting):
    assert [round(point.position[0], 4) for point in setting.attractors] == [-1.0467, 0.9456]
    assert len(setting.saddles) == 1
    assert setting.basins(np.array([[-0.5, 0.5], [0.1, -0.2]])).tolist() == [0, 1]


def test_the_gauge_follows_the_density(setting, discretization, condensed):
    """With the exponent that was found the density over the weight is nearly constant wherever it counts."""
    rho = condensed.density_ratio()
    counts = condensed.generator.exponent < setting.ceiling - 22.0
    assert rho[counts].min() > 0.0
    assert np.ptp(np.log(rho[counts])) < 2.0


def test_right_potentials_sum_to_one(condensed):
    total = sum(condensed.unscaled(k) for k in range(2))
    np.testing.assert_allclose(total, 1.0, rtol=0, atol=1e-7)


def test_both_sides_give_the_same_small_matrix(condensed):
    """S_kl = e_k . A h_l = g_k . A e_l, at e^-15 relative to the entries of A."""
    generator = condensed.generator
    ones = np.zeros((2, len(generator.exponent)))
    ones[[0, 1], condensed.wells] = 1.0
    left = np.array(
        [[-(condensed.left_potentials[k] @ generator.apply_stiffness(one)) for one in ones] for k in range(2)]
    )
    for k, m in ((0, 1), (1, 0)):
        assert left[k, m] == pytest.approx(condensed.couplings.times_exp(0.0)[k, m], rel=1e-9)
    assert condensed.couplings.times_exp(0.0)[0, 1] < 1e-2 * np.abs(generator.stiffness).max()


def test_the_left_kernel_is_that_of_the_whole_matrix(condensed):
    generator = condensed.generator
    rho = condensed.density_ratio() * np.exp(-0.5 * (generator.exponent - generator.lowest))
    assert np.abs(generator.apply_adjoint(rho)).max() < 1e-9 * np.abs(generator.stiffness).max()


def test_stationary_weights_leave_nothing(condensed):
    with mpmath.workdps(condensed.digits()):
        weights, s = condensed.stationary_weights(), condensed.reduced_generator()
        rest = [sum(weights[k] * s[k, m] for k in range(2)) for m in range(2)]
        assert max(abs(value) for value in rest) < mpmath.mpf(10) ** -25 * abs(s[0, 0])
        assert max(weights) == 1


def test_an_overlooked_well_is_added(setting, discretization):
    generator = assemble(discretization, setting.weighting)
    one = well_nodes(discretization, setting.places[:1])
    found = condense(generator, one, [], 1e4 * setting.relaxation_rate)
    assert len(found.wells) == 2
    place = discretization.nodes[found.wells[1]]
    assert np.linalg.norm(place - setting.places[1]) < 0.3


def test_a_target_with_a_profile_keeps_the_left_kernel(setting, discretization, condensed):
    """pi = (rho at the well, rho at the target): its potentials rebuild rho."""
    rho = condensed.density_ratio()
    members = discretization.nodes[:, 0] > 0.5
    found = condense(condensed.generator, condensed.wells[:1], [Target(members, rho)], setting.relaxation_rate)
    at_states = np.array([rho[found.wells[0]], found.references[1]])
    rebuilt = found.nodal(at_states, np.zeros(len(rho)), adjoint=True)
    counts = condensed.generator.exponent < setting.ceiling - 22.0
    np.testing.assert_allclose(rebuilt[counts], rho[counts], rtol=1e-6)


def test_slow_modes_are_eigenpairs_on_both_sides(setting, condensed):
    modes = reduced_pair(condensed, 2, 0.0)
    assert abs(modes.values[0]) < mpmath.mpf(10) ** -20
    generator = condensed.generator
    vector = (modes.coefficients(1)[0] @ modes.basis).real
    image = float(modes.values[1].real) * generator.apply_mass(vector)
    residual = generator.apply_stiffness(vector) - image
    # two powers of lambda over the slowest mode inside, where the density counts: far up there is the rounding of cells
    counts = generator.exponent < setting.ceiling - 22.0
    left = (float(modes.values[1].real) / condensed.slowest_inside) ** 2
    assert np.abs(residual[counts]).max() < left * np.abs(image[counts]).max()
    (mode,) = modes.modes(condensed, [1])
    # a(u, z) is what the mode says: by cell, where constants may be taken from u but not from the sum
    assert mode.log_whole == pytest.approx(float(mpmath.log(abs(modes.values[1]))), rel=1e-12)
    assert 0.0 < energy_errors(generator, [mode]).sum() < 0.1


def test_the_estimate_of_a_pair_falls_with_the_mesh(setting):
    def estimate(change):
        mesh = coarse_mesh(setting.problem, {})
        mesh = resolved_below(mesh, setting.weighting, setting.places, setting.ceiling, change, 20000)
        d = discretize(mesh, 4)
        generator = assemble(d, setting.weighting)
        values = np.sin(3.0 * d.nodes[:, 0]) * np.cos(2.0 * d.nodes[:, 1])
        return energy_errors(generator, [Mode(values[d.dofs], values[d.dofs], log_whole=0.0)]).sum()

    assert estimate(2.0) < 0.05 * estimate(8.0)


def test_more_cells_than_can_be_had_are_refused_with_the_remedy():
    process = Overdamped(Potential("(x**2 - 1)**2/4 + y**2/2"), Isotropic(1e-6), extra=Drift(["-y", "x**3 - x"]))
    with pytest.raises(BarrierTooHighError, match="more noise"):
        mean_exit_time(Problem(process, WHOLE), [-1.0, 0.0], HalfSpace([1.0, 0.0], 0.5))


def test_formulas_that_need_detailed_balance_say_so(setting):
    with pytest.raises(ProblemError, match="detailed balance"):
        eyring_kramers(setting.problem)


def test_rates_need_two_attractors():
    problem = Problem(Drifting(Drift(["-x - y", "x - y"]), Isotropic(0.1)), Box([-2.0, -2.0], [2.0, 2.0]))
    hidden = replace(problem)
    hidden.known["kinetics"] = UnknownDensity(ItoDrift(problem.process, 2), problem.process.field(2))
    with pytest.raises(ProblemError, match="drift: found 1 well"):
        rates(hidden)


@dataclass(frozen=True)
class Lifted:
    """An exponent and sin 2x."""

    exponent: object

    def value(self, x):
        return self.exponent.value(x) + np.sin(2.0 * x[0])


def shifted(setting, noise):
    """A process on a line in the reference exponent psi + sin 2x."""
    return KnownWeight(
        Lifted(setting.balance.exponent), setting.balance.diffusion, lambda x: 2.0 / noise * np.cos(2 * x)
    )


@pytest.mark.parametrize(("noise", "cells"), [(200, 400), (8000, 1200)])
def test_times_beyond_doubles_are_those_of_detailed_balance_in_any_reference_exponent(noise, cells):
    """The quartic well with psi = V/eps + sin 2x, so that c = 2 eps cos 2x: the process is the same.

    Its mean time to 1/2 is, exp(2000) for one, and z of a(v, z) = v(-1), which comes with a factor exp(sin 2x).
    """
    problem = Problem(Overdamped(Potential("(x**2 - 1)**2/4"), Isotropic(1.0 / noise)), Box([-1.25], [1.25]))
    setting = prepare(problem)
    mesh = grid_triangulation([np.linspace(-1.25, 1.25, cells + 1)], [False])
    d = discretize(mesh, 6)
    absorbed = d.nodes[:, 0] > 0.5 - 1e-12

    wells = well_nodes(d, setting.places, absorbed)
    plain, found = (
        times_of(condense(assemble(d, process), wells, [absorbed], setting.relaxation_rate))
        for process in (setting.balance, shifted(setting, noise))
    )
    for place in (-1.0, -0.5, 0.2):
        node = int(np.argmin(np.abs(d.nodes[:, 0] - place)))
        logs = [np.log(times.relative[node]) + times.log_scale for times in (plain, found)]
        # measured 1.1e-9, of the cells alone
        assert logs[1] - logs[0] == pytest.approx(0.0, abs=1e-8)
    assert plain.log_scale > 0.2 * noise
    functions = [green_function(times.condensed, np.array([-1.0])) for times in (plain, found)]
    lowest = [times.generator.lowest for times in (plain, found)]
    # the one of detailed balance is known up to a constant in each cell: slopes are compared
    cell = int(np.argmin(np.abs(d.nodes[d.dofs, 0].mean(axis=1) - 0.02)))
    x = d.nodes[d.dofs[cell], 0]
    values = [function.values[cell] for function in functions]
    values[1] = values[1] * np.exp(-np.sin(2.0 * x))
    slopes = [(v[1] - v[0]) / (x[1] - x[0]) for v in values]
    logs = [np.log(np.abs(s)) + f.log_scale + low for s, f, low in zip(slopes, functions, lowest, strict=True)]
    assert logs[1] - logs[0] == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(("noise", "cells"), [(200, 400), (8000, 1200)])
def test_rates_beyond_doubles_are_those_of_detailed_balance_in_any_reference_exponent(noise, cells):
    """As above with both wells: the smallest eigenvalue but zero, exp(-2000) for one, and both of its functions."""
    problem = Problem(Overdamped(Potential("(x**2 - 1)**2/4 + x/1000"), Isotropic(1.0 / noise)), Box([-1.25], [1.25]))
    setting = prepare(problem)
    d = discretize(grid_triangulation([np.linspace(-1.25, 1.25, cells + 1)], [False]), 6)
    wells = well_nodes(d, setting.places)
    found = []
    for process in (setting.balance, shifted(setting, noise)):
        condensed = condense(assemble(d, process), wells, [], setting.relaxation_rate)
        pair = reduced_pair(condensed, 2, 0.0)
        with mpmath.workdps(pair.digits):
            found.append(float(mpmath.log(abs(pair.values[1]))))
        assert energy_errors(condensed.generator, pair.modes(condensed, [1])).sum() < 1e-6
    assert found[0] < -0.2 * noise
    assert found[1] - found[0] == pytest.approx(0.0, abs=1e-8)
