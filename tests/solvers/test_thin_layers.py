"""Layers and wells a billion times narrower than a line, against mpmath: bars know what rounding of places is."""

import mpmath
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.errors import ProblemError
from fokker_planck.fem.algebra.line_chain import conductances, line_chain
from fokker_planck.fem.discretization import discretize
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.quantity.light_dataclasses import replace

SHARES = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}
QUARTIC, FORM = "(x**2 - 1)**2/4", "0.05*piecewise(0.2 < x < 0.2 + {}, {}, 1)"
LEFT, RIGHT = fp.HalfSpace([-1.0], 1.0), fp.HalfSpace([1.0], 1.0)


class Exact:
    """The quartic well at noise 0.05, times a factor in a layer from 0.2: integrals over [-3, 3] by mpmath."""

    def __init__(self, interpretation, width, factor):
        self.start = mpmath.mpf("0.2")
        self.end, self.factor = self.start + mpmath.mpf(width), mpmath.mpf(factor)
        self.share = 1.0 - SHARES[interpretation]

    def noise(self, x):
        return (self.factor if self.start < x < self.end else 1) * mpmath.mpf("0.05")

    def level(self, x):
        return (x * x - 1) ** 2 / 4

    def weight(self, x):
        ends = [
            self.level(min(x, self.start)),
            self.level(min(max(x, self.start), self.end)),
            self.level(max(x, self.end)),
        ]
        phi = ends[0] + (ends[1] - self.level(self.start)) / self.factor + ends[2] - self.level(self.end)
        return self.noise(x) ** -self.share * mpmath.exp(-phi / mpmath.mpf("0.05"))

    def places(self, lower, upper):
        inner = [mpmath.mpf(-1), mpmath.mpf(0), self.start, self.end, mpmath.mpf(1)]
        return [lower, *(x for x in inner if lower < x < upper), upper]

    def mass(self, upper):
        return mpmath.quad(self.weight, self.places(mpmath.mpf(-3), upper))

    def time(self):
        """From -1 to 1: int (int_-3^s w) / (w D) ds."""
        total, places = mpmath.mpf(0), self.places(mpmath.mpf(-1), mpmath.mpf(1))
        for a, b in zip(places[:-1], places[1:], strict=True):
            before = self.mass(a)
            total += mpmath.quad(
                lambda s, a=a, before=before: (
                    (before + mpmath.quad(self.weight, [a, s])) / (self.weight(s) * self.noise(s))
                ),
                [a, b],
            )
        return total

    def rate(self):
        """From x <= -1 to x >= 1."""
        resistance = mpmath.quad(
            lambda s: 1 / (self.weight(s) * self.noise(s)), self.places(mpmath.mpf(-1), mpmath.mpf(1))
        )
        return 1 / (resistance * self.mass(mpmath.mpf(3)))


TIMES = {
    ("ito", "1e-9", "1e-6"): 729.111145534939,
    ("ito", "1e-5", "1e-6"): 583.675560220129,
    ("stratonovich", "1e-9", "1e6"): 729.67069166426,
    ("stratonovich", "1e-7", "1e6"): 729.670664136024,
    ("stratonovich", "1e-9", "1e9"): 729.670691663444,
    ("klimontovich", "1e-12", "1e-9"): 729.945569622484,
}
"""By :class:`Exact` with 25 digits, which takes a second each."""


def layered(interpretation, width, factor, tolerance=1e-6):
    process = fp.Overdamped(fp.Potential(QUARTIC), fp.Formula(FORM.format(width, factor)), interpretation)
    return fp.Problem(process, fp.Box([-3.0], [3.0]), fp.Resolution(tolerance=tolerance))


def holds(found, exact, most):
    return abs(found.value / float(exact) - 1.0) <= found.relative_error <= most


@pytest.mark.slow
@pytest.mark.parametrize("case", TIMES)
def test_the_times_are_those_of_quadrature(case):
    with mpmath.workdps(25):
        assert float(Exact(*case).time()) == pytest.approx(TIMES[case], rel=1e-14)


@pytest.mark.parametrize(("tolerance", "most"), [(1e-2, 2e-6), (1e-6, 3e-7)])
@pytest.mark.parametrize("case", TIMES)
def test_a_mean_time_through_a_layer(case, tolerance, most):
    """Up to 2.7e-2 off at a bar of 1.6e-2, 1.8e-5 at one of 1.2e-6: a factor was of differences of conductances.

    Of ("ito", "1e-5", "1e-6") at 1e-2 it was the left end of the mesh, see :mod:`~.vertex_chain`.
    """
    found = fp.mean_exit_time(layered(*case, tolerance), -1.0, RIGHT).mean
    assert holds(found, TIMES[case], most)


def test_what_is_known_of_a_width_is_in_the_bar():
    """0.2 + 1e-10 is known to 2.8e-17: 1.4e-10 off at a bar of 1.4e-11."""
    with pytest.warns(UserWarning, match="beyond the tolerance of 1e-09"):
        found = fp.mean_exit_time(layered("ito", "1e-10", "1e-7", 1e-9), -1.0, RIGHT).mean
    assert holds(found, 729.111145032034, 4e-9)


def test_a_rate_through_a_layer_that_conducts_all():
    """Zero with a bar that is none, after 37 s."""
    with mpmath.workdps(25):
        exact = Exact("klimontovich", "1e-7", "1e6").rate()
    found = fp.committor(layered("klimontovich", "1e-7", "1e6"), LEFT, RIGHT)
    assert holds(found.rate, exact, 1e-7)


def test_a_spectrum_with_such_a_layer_is_that_without():
    """2.3e-9 of the resistance is missing, and nothing else: the gap was 1.3e-4 off, and others were refused."""
    plain = fp.Problem(fp.Overdamped(fp.Potential(QUARTIC), fp.Isotropic(0.05)), fp.Box([-3.0], [3.0]))
    expected = fp.spectrum(plain, count=4).eigenvalues[1:]
    for case in (("klimontovich", "1e-9", "1e9"), ("stratonovich", "1e-9", "1e6")):
        found = fp.spectrum(layered(*case), count=4).eigenvalues[1:]
        for one, other in zip(found, expected, strict=True):
            error = abs(one.real.value / other.real.value - 1.0)
            assert error <= one.real.relative_error + other.real.relative_error + 2.4e-9 <= 2e-6


def test_what_becomes_of_a_start_beside_such_a_layer():
    """Rounding left 2 of a mass of 1 at t = 300."""
    plain = fp.Problem(fp.Overdamped(fp.Potential(QUARTIC), fp.Isotropic(0.05)), fp.Box([-3.0], [3.0]))
    means = [
        fp.evolve(problem, [-1.0], [300.0], {"x": "x"}).times[0].observables["x"]
        for problem in (plain, layered("klimontovich", "1e-9", "1e9"))
    ]
    assert abs(means[0].value - means[1].value) < 2e-9
    assert max(mean.absolute_error for mean in means) < 1e-8


def test_a_layer_that_places_do_not_tell_is_refused():
    """It was left out, and 4e-4 of the time with it."""
    with pytest.raises(ProblemError, match="a layer 1e-14 wide at x = 0.2.*one wider than"):
        fp.mean_exit_time(layered("klimontovich", "1e-14", "1e-11"), -1.0, RIGHT)


def test_a_kink_that_two_formulas_have_a_little_apart_is_none():
    """V and D change at 1/3, typed with 13 digits in one of them."""
    times = []
    for place in ("1/3", "0.3333333333333"):
        process = fp.Overdamped(
            fp.Potential(f"{QUARTIC} + 0.1*abs(x - 1/3)"),
            fp.Formula(f"0.05*(1 + heaviside(x - {place}))"),
            "klimontovich",
        )
        times.append(fp.mean_exit_time(fp.Problem(process, fp.Box([-3.0], [3.0])), -1.0, RIGHT).mean)
    assert holds(times[1], times[0].value, 2e-8)


@pytest.mark.parametrize(("width", "exact"), [("1e-6", 765400765.428171), ("1e-5", 7472015280.62443)])
def test_a_well_a_millionth_wide_knows_the_rounding_of_its_place(width, exact):
    """Exact by mpmath with 30 digits. Of 1e-6 the time was 1.7e-10 off at a bar of 1.8e-11."""
    process = fp.Overdamped(fp.Potential(f"x**2/10 - 3*exp(-((x - 3.3)/{width})**2)"), fp.Isotropic(0.1))
    problem = fp.Problem(process, fp.Box([-5.0], [5.0]))
    assert holds(fp.mean_exit_time(problem, 3.3, fp.HalfSpace([1.0], 4.0)).mean, exact, 5e-9)


@pytest.mark.parametrize("ring", [False, True])
def test_a_chain_of_conductances_keeps_every_digit(ring):
    """Of 7 cells with conductances from 1e-9 to 1e12, one end held: against mpmath with 60 digits."""
    values = np.array([1.0, 1e12, 3e-3, 1e12, 0.7, 1e-9, 2.0])
    mesh = discretize(grid_triangulation([np.linspace(0.0, 1.0, 8)], [ring]), 1)
    numbers = np.where(mesh.dofs == 0, -1, mesh.dofs - 1)
    order = np.argsort(mesh.corners.mean(axis=1)[:, 0])
    told = np.empty(7)
    told[order] = values
    schur = told[:, None, None] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    flat, nothing = np.zeros((7, 2)), np.zeros(7, dtype=bool)
    cells = conductances(schur, np.einsum("cii->ci", schur), flat, flat, nothing)
    size = mesh.count - 1
    chain = line_chain(mesh, numbers, cells, np.arange(1, mesh.count))
    load = np.linspace(1.0, 2.0, 2 * size).reshape(2, size)
    with mpmath.workdps(60):
        matrix = mpmath.zeros(size)
        for (i, j), value in zip(numbers.tolist(), told.tolist(), strict=True):
            for k, m in ((i, j), (j, i)):
                if k >= 0:
                    matrix[k, k] += mpmath.mpf(value)
                if k >= 0 and m >= 0:
                    matrix[k, m] -= mpmath.mpf(value)
        inverse = matrix**-1
        exact = [[float(mpmath.fsum(inverse[i, j] * row[j] for j in range(size))) for i in range(size)] for row in load]
    assert np.abs(chain.solve(load) / np.array(exact) - 1.0).max() < 2e-15


@pytest.mark.parametrize(("beyond", "exact"), [(0.2, 0.499109779808821), (0.5, 0.489860964888433)])
def test_a_probability_knows_where_the_layer_is(beyond, exact):
    """By mpmath. Past a layer 1e-12 wide the exponent was 4.2e-8 off, at bars of 1e-12."""
    problem = replace(layered("ito", "1e-12", "1e-9"), sets={"A": fp.HalfSpace([1.0], beyond)})
    assert holds(fp.stationary_density(problem).sets["A"], exact, 5e-7)
