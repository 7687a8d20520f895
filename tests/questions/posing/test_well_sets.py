"""Committors between wells by number: the sets, their rate constants beside hitting times, chains by hand."""

import warnings

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.asymptotics.markov_chain import log_rate_constant
from fokker_planck.cli.command import main
from fokker_planck.errors import ConvergenceError
from fokker_planck.model.sets.shapes import Ball, Ellipsoid
from fokker_planck.questions.posing.well_sets import well_set

SKEW = fp.Problem(
    fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2 + 0.3*x*y"), fp.Isotropic(0.03)),
    fp.Box([-2, -1.5], [2, 1.5]),
    fp.Resolution(1e-4),
)


def test_the_rate_constant_between_wells_is_one_over_the_mean_time_between_them():
    answer, chain = fp.committor(SKEW, "well 1", "well 2"), fp.rates(SKEW)
    time = chain.hitting_times[0][1]
    assert answer.rate_constant.value == pytest.approx(
        1.0 / time.value, rel=3e-4
    )  # off by the rate over that of settling, 1e-5 * 10
    assert answer.rate_constant.value == pytest.approx(answer.rate_constant_back.value, rel=1e-4)
    assert answer.asymptotic.value == pytest.approx(chain.asymptotic[0][1].value, rel=1e-12)
    assert answer.rate_constant.value / answer.asymptotic.value == pytest.approx(1.0 - 1.5 * 0.03, abs=0.01)
    # the same between sets around the wells, of any shape; none where a set holds no well or both
    sets = [fp.Ball(shape.center, 0.1) for shape in answer.sets]
    other = fp.committor(SKEW, *sets)
    assert other.asymptotic.value == answer.asymptotic.value
    assert other.rate_constant.value == pytest.approx(answer.rate_constant.value, rel=1e-3)
    assert fp.committor(SKEW, fp.Ball([0.0, 0.7], 0.1), sets[1]).asymptotic is None


def test_sets_lie_within_a_standard_deviation_and_far_from_each_other():
    shape = well_set(SKEW, 1, "committor.from")
    assert isinstance(shape, Ellipsoid)
    precision = SKEW.process.potential.hessian(np.array(shape.center)[:, None])[:, :, 0] / 0.03
    angle = np.linspace(0.0, 2.0 * np.pi, 200)
    rim = np.array(shape.semi_axes)[:, None] * np.array([np.cos(angle), np.sin(angle)])
    reach = np.einsum("in,ij,jn->n", rim, precision, rim)
    assert 0.9 < reach.max() <= 1.0 + 1e-9
    # a momentum: epsilon/V'' across and epsilon in the velocity
    moving = fp.Underdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.02), 0.5)
    shape = well_set(fp.Problem(moving, fp.Sublevel(0.6)), 2, "committor.to")
    assert shape.semi_axes == pytest.approx([np.sqrt(0.01), np.sqrt(0.02)], rel=1e-6)
    # a flat minimum has no standard deviation, walls hold others
    flat = fp.Problem(fp.Overdamped(fp.Potential("(x**2 - 1)**4"), fp.Isotropic(0.01)), fp.Box([-2.0], [2.0]))
    shape = well_set(flat, 1, "")
    assert isinstance(shape, Ball)
    assert shape.radius == pytest.approx(0.2, rel=1e-3)
    wall = fp.Problem(fp.Overdamped(fp.Potential("-x**2"), fp.Isotropic(0.05)), fp.Box([-1.0], [1.0]))
    assert well_set(wall, 2, "").radius == pytest.approx(0.2)


def test_wells_that_are_not_there_and_one_well_twice():
    with pytest.raises(fp.ProblemError, match=r"committor.to: found well 3; wanted one of the wells 1 at \(-1.044"):
        fp.committor(SKEW, "well 1", "well 3")
    with pytest.raises(fp.ProblemError, match="another well than well 1"):
        fp.committor(SKEW, "well 1", "Well 1")


def test_a_well_has_one_number_whatever_is_asked_and_whatever_the_noise():
    """Three wells, of which the middle one is a state for little noise alone; a pocket is none at any."""
    middle = "-exp(-4*(x + 1)**2) - 0.52*exp(-30*(x + 0.1)**2) - 0.5*exp(-4*(x - 1)**2) + 0.05*x**4"
    pocket = middle.replace("0.52", "0.42")

    def asked(text, epsilon):
        process = fp.Overdamped(fp.Potential(text), fp.Isotropic(epsilon))
        return fp.Problem(process, fp.Box([-2.5], [2.5]), fp.Resolution(1e-4))

    for text, epsilon, states, listed in ((middle, 0.15, (1, 3), (1, 2, 3)), (pocket, 0.25, (1, 3), (1, 3))):
        problem = asked(text, epsilon)
        landscape = fp.energy_landscape(problem)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chain = fp.rates(problem)
            density = fp.stationary_density(problem)
        assert chain.well_numbers == states
        assert [well.number for well in density.wells] == list(listed)
        for places, numbers in ((chain.minima, states), ([well.minimum for well in density.wells], listed)):
            assert [landscape.minima[n - 1].position for n in numbers] == [pytest.approx(place) for place in places]
    there = fp.committor(problem, "well 1", "well 3")
    assert [shape.center[0] for shape in there.sets] == pytest.approx([p[0] for p in chain.minima])
    with pytest.raises(fp.ProblemError, match="found well 2; wanted one of the wells 1 at .*, 3 at .* deeper than one"):
        fp.committor(problem, "well 1", "well 2")


def test_the_command_asks_by_number(tmp_path, capsys):
    file = tmp_path / "wells.toml"
    file.write_text(
        '[potential]\nexpression = "(x**2 - 1)**2/4"\n[diffusion]\nkind = "isotropic"\nepsilon = 0.05\n'
        '[domain]\nkind = "box"\nlower = [-2]\nupper = [2]\n'
    )
    assert main(["committor", str(file), "--wells", "1", "2", "-q"]) == 0
    assert "rate constant, Eyring-Kramers (ratio 0.9" in capsys.readouterr().out
    assert main(["committor", str(file), "--set", "committor.from=well 2", "--set", "committor.to=well 1", "-q"]) == 0
    assert main(["committor", str(file), "--wells", "1", "4", "-q"]) == 2
    assert main(["rates", str(file), "--wells", "1", "2", "-q"]) == 2
    assert "committor, which is about two of them" in capsys.readouterr().err


def test_the_rate_constant_of_a_chain_is_that_of_its_committors():
    rng = np.random.default_rng(3)
    for reversible in (True, False):
        k = rng.uniform(0.1, 1.0, (5, 5)) * np.array([1.0, 3.0, 0.2, 2.0, 1.0])
        if reversible:
            p = rng.uniform(0.1, 1.0, 5)
            k = (k + k.T) / p[:, None]
        np.fill_diagonal(k, 0.0)
        L = k - np.diag(k.sum(axis=1))
        p = np.linalg.svd(L.T)[2][-1]
        p = p / p.sum()
        back = (L.T * p[None, :]) / p[:, None]

        def committor(generator):
            rows = generator.copy()
            rows[:2] = np.eye(5)[:2]
            return np.linalg.solve(rows, np.array([0.0, 1.0, 0.0, 0.0, 0.0]))

        forward, from_first = committor(L), 1.0 - committor(back)
        rate = p[0] * (k[0] @ forward)
        with np.errstate(divide="ignore"):
            found = log_rate_constant(np.log(k), 0, 1)
        assert np.exp(found) == pytest.approx(rate / (p @ from_first), rel=1e-12)


def test_a_committor_stands_where_the_wells_of_the_formula_beside_it_are_not_found(monkeypatch):
    def not_found(problem):
        raise ConvergenceError("the stationary density cannot be followed", "more noise")

    monkeypatch.setattr("fokker_planck.questions.committor.well_places", not_found)
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.1))
    answer = fp.committor(fp.Problem(process, fp.Box([-2], [2])), fp.Ball([-1], 0.1), fp.Ball([1], 0.1))
    assert answer.asymptotic is None
    assert answer.rate.value > 0.0
