"""Coefficients that jump or have kinks on surfaces, in the plane and in space: against quadrature and closed forms."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.formulas.expression import parse_expression
from fokker_planck.model.jumps.breakpoints import surfaces_of
from fokker_planck.model.reversibility.piecewise_exponent import _crossings as crossings

INTERPRETATIONS = {"ito": 0.0, "stratonovich": 0.5, "klimontovich": 1.0}
LEFT, RIGHT = fp.HalfSpace([-1.0, 0.0], 1.0), fp.HalfSpace([1.0, 0.0], 1.0)


def problem(potential, noise, interpretation, domain, tolerance=1e-6):
    diffusion = fp.Isotropic(noise) if isinstance(noise, float) else fp.Formula(noise)
    process = fp.Overdamped(fp.Potential(potential), diffusion, interpretation)
    return fp.Problem(process, domain, fp.Resolution(tolerance=tolerance))


def holds(quantity, value, tolerance):
    """The true error is inside the bar, and the bar inside the tolerance."""
    return abs(quantity.value / value - 1.0) <= quantity.relative_error <= tolerance


def integral(function, points, order=24, pieces=40):
    """By Gauss and Legendre between all neighbours of ``points``."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    edges = np.concatenate([np.linspace(a, b, pieces + 1)[:-1] for a, b in zip(points[:-1], points[1:], strict=True)])
    edges = np.append(edges, points[-1])
    half, middle = 0.5 * np.diff(edges)[:, None], 0.5 * (edges[1:] + edges[:-1])[:, None]
    return float((half * weights * function(middle + half * nodes)).sum())


def strip_time(a, b, place, alpha, width=1.0):
    """From 0 to ``width``, reflected at 0, D = a left and b right of ``place``, no drift: w = D^(alpha - 1)."""
    share = (a / b) ** (alpha - 1.0)
    rest = width - place
    return place**2 / (2.0 * a) + share * place * rest / b + rest**2 / (2.0 * b)


def disc_time(a, b, radius, alpha):
    """From the centre to the unit circle, D = a within ``radius`` and b beyond it."""
    share = (a / b) ** (alpha - 1.0)
    inner = radius**2 / (4.0 * a)
    return inner + (0.5 * (share - 1.0) * radius**2 * np.log(1.0 / radius) + 0.25 * (1.0 - radius**2)) / b


def test_the_closed_forms():
    assert strip_time(1.0, 0.1, 1.0, 0.0, 2.0) == pytest.approx(6.5)
    assert strip_time(1.0, 0.1, 0.37, 1.0) == pytest.approx(4.38395)
    assert disc_time(0.7, 0.7, 0.3, 0.0) == pytest.approx(1.0 / 2.8)


@pytest.mark.parametrize(
    ("formula", "count"),
    [
        ("1 - 0.9*heaviside(x)", 1),
        ("heaviside(0.3 - x) + 2*heaviside(x - 0.3)", 1),
        ("abs(abs(x) - y)", 3),
        ("min((x - 1)**2 + y**2, (x + 1)**2 + y**2)", 1),
        ("sign(x*y)", 2),
        ("sign(sin(6*x))", 3),
        ("heaviside(exp(x) - 2*y)", 1),
        ("abs(x**2 + y**2 - 0.25)", 1),
        ("x**2 + tanh(y)", 0),
        ("piecewise(x < 0.2 and y < 0.1, 1, x**2 + y**2 < 0.25, 2, 3)", 3),
    ],
)
def test_surfaces_are_found(formula, count):
    assert len(surfaces_of([parse_expression(formula)], [-1.0, -1.0], [1.0, 1.0])) == count


@pytest.mark.parametrize(("interpretation", "value"), [("ito", 6.5), ("stratonovich", 8.662277660168379)])
def test_a_jump_of_the_noise_in_the_plane_and_the_density(interpretation, value):
    given = problem("0*x", "1 - 0.9*heaviside(x)", interpretation, fp.Box([-1, -1], [1, 1]))
    assert holds(fp.mean_exit_time(given, start=[-1, 0], target=RIGHT).mean, value, 1e-6)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_a_jump_between_grid_points(tolerance):
    given = problem("0*x", "1 - 0.9*heaviside(x - 0.37)", "klimontovich", fp.Box([0, 0], [1, 1]), tolerance)
    assert holds(fp.mean_exit_time(given, start=[0, 0.5], target=RIGHT).mean, 4.38395, tolerance)


@pytest.mark.parametrize("interpretation", INTERPRETATIONS)
def test_pieces_of_a_strip(interpretation):
    given = problem("0*x", "piecewise(x < 0.37, 1, 0.1)", interpretation, fp.Box([0, 0], [1, 1]))
    value = strip_time(1.0, 0.1, 0.37, INTERPRETATIONS[interpretation])
    assert holds(fp.mean_exit_time(given, start=[0, 0.5], target=RIGHT).mean, value, 1e-6)


def test_pieces_of_a_potential_on_a_line_and_in_the_plane():
    """A well cut off flat: V = x^2 within 0.6 of the origin, 0.36 beyond."""
    text = "piecewise(abs(x) < 0.6, x**2, 0.36)"

    def weight(x):
        return np.exp(-np.where(np.abs(x) < 0.6, x**2, 0.36) / 0.05)

    whole = integral(weight, [-2.0, -0.6, 0.6, 2.0])
    for domain in (fp.Box([-2], [2]), fp.Box([-2, 0], [2, 1])):
        rest = [0.5] * (len(domain.lower) - 1)
        given = problem(text, 0.05, "ito", domain, 1e-6)
        density = fp.stationary_density(given).field(np.array([[0.0, *rest], [1.0, *rest]]).T)
        assert density == pytest.approx([1.0 / whole, np.exp(-7.2) / whole], rel=1e-5)
        target = fp.HalfSpace([1.0] + [0.0] * len(rest), 1.0)
        mean = fp.mean_exit_time(given, start=[-1.0, *rest], target=target).mean
        line = problem("min(x**2, 0.36)", 0.05, "ito", fp.Box([-2], [2]), 1e-9)
        wanted = fp.mean_exit_time(line, start=[-1], target=fp.HalfSpace([1], 1)).mean.value
        assert holds(mean, wanted, 1e-6)


@pytest.mark.parametrize("interpretation", INTERPRETATIONS)
def test_a_disc_of_two_materials(interpretation):
    noise = "0.05 + 0.95*heaviside(x**2 + y**2 - 0.09)"
    given = problem("0*x", noise, interpretation, fp.Ball([0, 0], 1))
    value = disc_time(0.05, 1.0, 0.3, INTERPRETATIONS[interpretation])
    assert holds(fp.mean_exit_time(given, start=[0, 0], target="boundary").mean, value, 1e-6)


def jumping_potential(x):
    return 0.5 * (x > 0.3137) + (x**2 - 1.0) ** 2 / 4.0


@pytest.mark.parametrize("noise", [0.1, 0.01])
def test_a_jump_of_the_potential_in_the_plane(noise):
    text = "0.5*heaviside(x - 0.3137) + (x**2 - 1)**2/4"
    plane = problem(f"{text} + y**2", noise, "ito", fp.Box([-2, -2], [2, 2]))
    line = problem(text, noise, "ito", fp.Box([-2], [2]), 1e-9)
    wanted = fp.mean_exit_time(line, start=[-1], target=fp.HalfSpace([1], 1)).mean
    assert holds(fp.mean_exit_time(plane, start=[-1, 0], target=RIGHT).mean, wanted.value, 1e-6)


def test_committor_and_gap_with_a_potential_that_jumps():
    given = problem("0.5*heaviside(x - 0.3137) + (x**2 - 1)**2/4 + y**2", 0.1, "ito", fp.Box([-2, -2], [2, 2]), 1e-5)

    def weight(x):
        return np.exp(-jumping_potential(x) / 0.1)

    whole = integral(weight, [-2.0, 0.3137, 2.0])
    resistance = integral(lambda x: 1.0 / weight(x), [-1.0, 0.3137, 1.0])
    transitions = fp.committor(given, LEFT, RIGHT)
    assert holds(transitions.rate, 0.1 / (whole * resistance), 1e-5)
    kept = integral(weight, [-2.0, -1.0]) / whole
    beyond = integral(weight, [1.0, 2.0]) / whole
    assert kept < transitions.probability_last_from.value < 1.0 - beyond
    assert holds(fp.spectrum(given, count=2).gap, 0.0946109330377, 1e-5)  # on a line, tolerance 1e-7


@pytest.mark.parametrize("angle", [0.0, 0.4])
def test_kinks_of_the_potential_turned_by_an_angle(angle):
    def potential(x):
        return -0.3 * np.abs(x - 0.1234) + x**2 / 2.0 + 0.1 * np.maximum(x, 0.5)

    c, s = np.cos(angle), np.sin(angle)
    along, across = f"({c}*x + {s}*y)", f"({c}*y - {s}*x)"
    text = f"-0.3*abs({along} - 0.1234) + {along}**2/2 + 0.1*max({along}, 0.5) + {across}**2"
    given = problem(text, 0.05, "ito", fp.Box([-3, -3], [3, 3]))
    breaks = [-3.2, 0.1234, 0.5, 1.0]

    def weight(x):
        return np.exp(-potential(x) / 0.05)

    def inner(x):
        return np.array([integral(weight, [p for p in breaks if p < y] + [y], pieces=6) for y in x.ravel()])

    nodes = [-1.0, 0.1234, 0.5, 1.0]
    wanted = integral(lambda x: inner(x).reshape(x.shape) / (0.05 * weight(x)), nodes, order=16, pieces=6)
    found = fp.mean_exit_time(given, start=[-c, -s], target=fp.HalfSpace([c, s], 1.0)).mean
    assert holds(found, wanted, 1e-6)


def test_a_jump_of_the_noise_in_space():
    given = problem("0*x", "1 - 0.8*heaviside(z - 0.2)", "ito", fp.Box([0, 0, 0], [1, 1, 1]), 1e-3)
    found = fp.mean_exit_time(given, start=[0.5, 0.5, 0], target=fp.HalfSpace([0, 0, 1], 1.0)).mean
    assert holds(found, strip_time(1.0, 0.2, 0.2, 0.0), 1e-3)


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_potential_that_jumps_where_the_noise_varies(dimension):
    """V = x^2/2 + step, D = (1 + x^2)/10, Itô: Psi = log D + 5 log(1 + x^2), and at the step 0.5/D."""
    text = "x**2/2 + 0.5*heaviside(x - 0.3137)"
    box = fp.Box([-2.0, 0.0][:dimension], [2.0, 1.0][:dimension])
    given = problem(text, "0.1*(1 + x**2)", "ito", box)
    target = fp.HalfSpace([1.0, 0.0][:dimension], 1.0)
    found = fp.mean_exit_time(given, start=[-1.0, 0.5][:dimension], target=target).mean
    assert holds(found, 3932.402973857751, 1e-6)  # Gauss and Legendre on 600 pieces


@pytest.mark.parametrize(
    ("interpretation", "value"),
    [
        pytest.param("ito", 374.0851498625171, marks=pytest.mark.slow),
        ("stratonovich", 497.6424449117843),
        pytest.param("klimontovich", 744.7570350103176, marks=pytest.mark.slow),
    ],
)
def test_a_disc_in_which_noise_jumps_under_a_potential(interpretation, value):
    """D w r T' = -int_0^r w s ds with w = D^(alpha - 1) exp(-int s/D ds), by Gauss and Legendre on 400 pieces."""
    formula = "0.2 - 0.15*heaviside(x**2 + y**2 - 0.16)"
    given = problem("(x**2 + y**2)/2", formula, interpretation, fp.Ball([0, 0], 1))
    assert holds(fp.mean_exit_time(given, start=[0, 0], target="boundary").mean, value, 1e-6)


@pytest.mark.slow
def test_a_rotation_beside_noise_that_jumps():
    """A drift along circles changes no time to leave a disc; with it there is no detailed balance."""
    process = fp.Overdamped(
        fp.Potential("(x**2 + y**2)/2"),
        fp.Formula("0.2 - 0.15*heaviside(x**2 + y**2 - 0.16)"),
        "klimontovich",
        extra=fp.Drift(["-y", "x"]),
    )
    given = fp.Problem(process, fp.Ball([0, 0], 1), fp.Resolution(tolerance=1e-4))
    assert holds(fp.mean_exit_time(given, start=[0, 0], target="boundary").mean, 744.757034982, 1e-4)


@pytest.mark.parametrize(
    ("potential", "noise", "interpretation", "key"),
    [
        ("x**2/2 + y**2/2", "1 - 0.9*heaviside(x)", "ito", "diffusion.expression"),
        ("x**2/2 + heaviside(x)", "1 - 0.9*heaviside(x)", "klimontovich", "potential.expression"),
        ("x**2/2 + heaviside(x)", "1 + 0.1*y**2", "ito", "potential.expression"),
    ],
)
def test_what_depends_on_how_a_jump_is_smoothed_is_refused(potential, noise, interpretation, key):
    given = problem(potential, noise, interpretation, fp.Box([-1, -1], [1, 1]), 1e-3)
    with pytest.raises(fp.ProblemError) as error:
        fp.mean_exit_time(given, start=[-0.5, 0], target=fp.HalfSpace([1.0, 0.0], 0.9))
    assert error.value.key == key


def test_a_density_on_both_sides_of_a_jump():
    """Itô: 1 : 10 up to the surface, on curved ones, too; the whole is one."""
    given = problem("0*x", "1 - 0.9*heaviside(x**2 + y**2 - 0.25)", "ito", fp.Ball([0, 0], 1), 1e-6)
    density = fp.stationary_density(given).field(np.array([[0.0, 0.499, 0.501, 0.0], [0.3, 0.0, 0.0, -0.9]]))
    inner = 1.0 / (np.pi * (0.25 + 10.0 * 0.75))
    assert density == pytest.approx([inner, inner, 10.0 * inner, 10.0 * inner], rel=1e-6)


def line_time(well, step, noise, place, start=-1.0, stop=1.0, lower=-3.0):
    """From start to stop, reflected at lower: V = well + step beyond ``place``, D = noise[0] or noise[1], Ito."""
    between, at = [lower, start, place, stop], [noise[0], noise[1]]
    phi_at = well(np.array(place)) * (1.0 / at[0] - 1.0 / at[1])

    def phi(x):
        return np.where(x < place, well(x) / at[0], well(x) / at[1] + phi_at + step / at[1])

    def mass(y):
        return [integral(lambda z: np.exp(-phi(z)) / np.where(z < place, *at), [lower, *edges(b)]) for b in y]

    def edges(b):
        return [place, b] if b > place else [b]

    return integral(lambda y: np.exp(phi(y)) * np.reshape(mass(y.ravel()), y.shape), between[1:], pieces=8)


def test_python_functions_that_jump_on_a_line_are_followed():
    """Noise read as Ito, and V: the time by quadrature, and the spectrum of the same thing as a formula."""
    noise = fp.Sampled(lambda x: np.where(x[0] < 0.2, 0.1, 0.3))
    process = fp.Overdamped(fp.Potential("x**2/2"), noise)
    line, target = fp.Box([-3], [3]), fp.HalfSpace([1.0], 1.0)
    found = fp.mean_exit_time(fp.Problem(process, line), start=[-1], target=target).mean
    assert holds(found, line_time(lambda x: x**2 / 2, 0.0, (0.1, 0.3), 0.2), 1e-6)
    formula = problem("x**2/2", "piecewise(x < 0.2, 0.1, 0.3)", "ito", line)
    for mine, other in zip(
        fp.spectrum(fp.Problem(process, line), count=3).eigenvalues[1:],
        fp.spectrum(formula, count=3).eigenvalues[1:],
        strict=True,
    ):
        assert holds(mine.real, other.real.value, 1e-6)
    step = fp.Potential(lambda x: x[0] ** 2 / 2 + np.where(x[0] < 0.2, 0.0, 0.3), dimension=1)
    found = fp.mean_exit_time(fp.Problem(fp.Overdamped(step, fp.Isotropic(0.1)), line), start=[-1], target=target).mean
    assert holds(found, line_time(lambda x: x**2 / 2, 0.3, (0.1, 0.1), 0.2), 1e-6)


@pytest.mark.parametrize("size", [0.1, 1.1])
def test_a_jump_inside_an_arcus_tangent_is_found(size):
    """atan(1/u) = sign(u) pi/2 - atan(u): a step of 3 or 35 units of epsilon at x = 0.2."""
    domain, target = fp.Box([-3], [3]), fp.HalfSpace([1.0], 1.0)
    hidden = problem(f"x**2/2 + {size}*atan(1/(x - 0.2))", 0.1, "ito", domain)
    found = fp.mean_exit_time(hidden, start=[-1], target=target).mean
    value = line_time(lambda x: x**2 / 2 - size * np.arctan(x - 0.2), size * np.pi, (0.1, 0.1), 0.2)
    assert holds(found, value, 1e-6)


@pytest.mark.parametrize("text", ["tanh(1/(x - 0.2))", "1/(1 + exp(1/(x - 0.2)))"])
def test_a_jump_that_is_not_found_is_refused_with_its_place(text):
    hidden = problem(f"x**2/2 + 0.1*{text}", 0.1, "ito", fp.Box([-3], [3]))
    with pytest.raises(fp.ConvergenceError, match=r"changes at \(0.2\).*heaviside"):
        fp.spectrum(hidden, count=2)


@pytest.mark.parametrize("key", ["diffusion", "potential"])
def test_a_python_function_that_jumps_is_refused(key):
    def step(x):
        return np.where(x[0] + 0.3 * x[1] > 0.37, 0.1, 1.0)

    functions = {
        "diffusion": (fp.Potential("0*x"), fp.Sampled(step)),
        "potential": (fp.Potential(step, dimension=2),) * 2,
    }
    potential, noise = functions[key]
    noise = noise if key == "diffusion" else fp.Formula("1 + 0.1*x**2")
    process = fp.Overdamped(potential, noise, "klimontovich")
    given = fp.Problem(process, fp.Box([0, 0], [1, 1]), fp.Resolution(tolerance=1e-2))
    with pytest.raises(fp.ProblemError, match="a function that jumps at") as error:
        fp.mean_exit_time(given, start=[0, 0.5], target=RIGHT)
    assert error.value.key == key


RING_NOISE = "0.2 + 0.7*heaviside(x - 0.21)*heaviside(0.58 - x)"
AT_SEAM = "0.2 + 0.7*heaviside(x - 0.63)"
"""The same ring, further on by 0.42: one of the jumps is where it begins."""
RING_STEP = "0.3*heaviside(x - 0.2)*heaviside(0.7 - x)"


def ring(process, tolerance=1e-9):
    return fp.Problem(process, fp.Box([0.0], [1.0], "periodic"), fp.Resolution(tolerance=tolerance))


def wind_over_noise(formula, interpretation):
    return ring(fp.Drifting(fp.Drift(["0.7"]), fp.Formula(formula), interpretation))


def wind_over_step(noise, tolerance=1e-9):
    return ring(fp.Overdamped(fp.Potential(RING_STEP), fp.Isotropic(noise), extra=fp.Drift(["0.8"])), tolerance)


@pytest.mark.parametrize(
    ("interpretation", "velocity", "diffusion", "density", "time", "eigenvalue"),
    [
        ("ito", 0.7, 0.28921098593849, [1.6492447926325, 0.34415506053013, 1.3224054225844], 0.3585530675, None),
        (
            "stratonovich",
            0.76681829183494,
            0.30830976771447,
            [1.3233128469189, 0.60718080310496, 1.2086057084287],
            0.303347571130,
            12.2240312989845 + 4.81563563240558j,
        ),
    ],
)
def test_noise_that_jumps_on_a_ring_under_a_net_force(interpretation, velocity, diffusion, density, time, eigenvalue):
    """Coefficients are constant between jumps: sums of exponentials, matched by mpmath; times on the opened ring."""
    for formula, moved in ((RING_NOISE, 0.0), (AT_SEAM, 0.42)):
        given = wind_over_noise(formula, interpretation)
        transport = fp.effective_transport(given)
        assert abs(transport.drift[0].value - velocity) <= transport.drift[0].absolute_error < 1e-9
        assert transport.diffusion[0][0].value == pytest.approx(diffusion, rel=1e-9)
        places = np.mod(np.array([[0.1, 0.4, 0.9]]) + moved, 1.0)
        assert fp.stationary_density(given).density(places) == pytest.approx(density, rel=1e-9)
        found = fp.mean_exit_time(given, (0.1 + moved) % 1.0, fp.Ball([(0.7 + moved) % 1.0], 0.05)).mean
        assert found.value == pytest.approx(time, rel=3e-11)
        mode = fp.spectrum(given, count=2).eigenvalues[1]
        wanted = eigenvalue or 12.319563676608 + 3.66652801443607j
        assert complex(mode.real.value, abs(mode.imag)) == pytest.approx(wanted, rel=1e-9)


def test_a_potential_that_jumps_on_a_ring_under_a_net_force():
    """As above; the current is the same on both sides of a jump, and just beside it."""
    given = wind_over_step(0.2)
    transport = fp.effective_transport(given)
    assert abs(transport.drift[0].value - 0.52805502565124) <= transport.drift[0].absolute_error < 1e-9
    answer = fp.stationary_density(given)
    wanted = [2.0169356872949, 0.52403087505987, 1.2697483830364]
    assert answer.density(np.array([[0.1, 0.4, 0.9]])) == pytest.approx(wanted, rel=1e-9)
    before, after = answer.density(np.array([[0.2 - 1e-9, 0.2 + 1e-9]]))
    assert before / after == pytest.approx(np.exp(1.5), rel=1e-7)
    assert answer.current(np.array([[0.1, 0.1999, 0.2001, 0.6, 0.9]])) == pytest.approx(0.52805502565124, rel=1e-6)
    assert holds(fp.mean_exit_time(given, 0.1, fp.Ball([0.7], 0.05)).mean, 0.616688711357, 1e-9)
    mode = fp.spectrum(given, count=2).eigenvalues[1]
    wanted = 8.14935902780565 + 4.03073555203906j
    assert complex(mode.real.value, abs(mode.imag)) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("noise", "time"), [(0.02, 87666.0713931076), (0.005, 8.91527671386271e23)])
def test_a_step_that_holds_the_flow_on_a_ring(noise, time):
    """15 and 60 units of epsilon against the wind, and no fixed point: 4e-6 off where no state was made of it."""
    given = wind_over_step(noise, 1e-8)
    assert holds(fp.mean_exit_time(given, 0.1, fp.Ball([0.75], 0.03)).mean, time, 1e-8)
    # the other way out, seven units higher, was cut off
    line = fp.Problem(given.process, fp.Box([-0.22], [0.72]), given.resolution)
    assert holds(fp.mean_exit_time(line, 0.1, "boundary").mean, time, 1e-8)


def test_a_kink_at_the_end_of_a_target_is_one_vertex():
    """0.7 - 0.05 is not 0.65: a cell between them has no inverse."""
    noise = "0.1 + 0.3*abs(x - 0.3)*heaviside(0.65 - x)*heaviside(x - 0.05)"
    given = ring(fp.Drifting(fp.Drift(["0.2 + sin(2*pi*x)"]), fp.Formula(noise), "stratonovich"))
    assert holds(fp.mean_exit_time(given, 0.1, fp.Ball([0.7], 0.05)).mean, 0.49150215952, 1e-9)


@pytest.mark.parametrize("wind", [None, "0.5"])
def test_a_kink_where_a_ring_begins_is_one_like_any_other(wind):
    """The formula goes on as it began; the same ring from 0.37 on has no kink there."""
    extra = None if wind is None else fp.Drift([wind])
    found = []
    for place in (0.0, 0.37):
        text = f"0.6*abs(sin(pi*(x - {place})))"
        given = ring(fp.Overdamped(fp.Potential(text), fp.Isotropic(0.1), extra=extra))
        time = fp.mean_exit_time(given, 0.1 + place, fp.Ball([0.6 + place], 0.05)).mean
        density = fp.stationary_density(given).density(np.mod(np.array([[0.001, 0.4, 0.9]]) + place, 1.0))
        found.append([time.value, fp.spectrum(given, count=2).gap.value, *density])
    assert found[0][:2] == pytest.approx(found[1][:2], rel=2e-9)
    # between nodes a density is interpolated: 2.5e-9
    assert found[0][2:] == pytest.approx(found[1][2:], rel=1e-8)


def test_a_well_in_a_kink_where_a_ring_begins():
    process = fp.Overdamped(fp.Potential("0.6*abs(sin(2*pi*x))"), fp.Isotropic(0.1))
    wells = fp.stationary_density(ring(process, 1e-6)).wells
    assert [well.probability.value for well in wells] == pytest.approx([0.5, 0.5], rel=1e-6)


@pytest.mark.parametrize(
    ("step", "wind", "start", "target"),
    [
        (RING_STEP, 0.8, 0.1, 0.75),
        ("0.3*heaviside(x - 0.3)*heaviside(0.8 - x)", -0.8, 0.9, 0.25),
    ],
    ids=["as it is", "mirrored"],
)
def test_the_density_in_front_of_a_step_down_is_resolved(step, wind, start, target):
    """Six units of epsilon: 5e-8 off at a bar of 1e-11 with a panel that log W is not smooth in, by quadrature."""
    noise = 0.05

    def stretch(low, high, sign):
        pieces = [-0.22, 0.2, 0.7, 0.72]
        heights, found = [0.0, 0.3, 0.0], 0.0
        for a, b, height in zip(pieces[:-1], pieces[1:], heights, strict=True):
            a, b = np.clip([a, b], low, high)
            found += (
                np.exp(sign * height / noise)
                * -sign
                * noise
                / 0.8
                * (np.exp(-sign * 0.8 * b / noise) - np.exp(-sign * 0.8 * a / noise))
            )
        return found

    def weight(z):
        return np.exp(-(0.3 * ((z > 0.2) & (z < 0.7)) - 0.8 * z) / noise) / noise

    whole = stretch(-0.22, 0.72, 1.0)
    right = integral(lambda z: np.vectorize(stretch)(-0.22, z, 1.0) * weight(z), [-0.22, 0.1])
    left = integral(lambda z: np.vectorize(stretch)(z, 0.72, 1.0) * weight(z), [0.1, 0.2, 0.7, 0.72])
    value = (stretch(0.1, 0.72, 1.0) * right + stretch(-0.22, 0.1, 1.0) * left) / whole
    process = fp.Overdamped(fp.Potential(step), fp.Isotropic(noise), extra=fp.Drift([str(wind)]))
    assert holds(fp.mean_exit_time(ring(process, 1e-12), start, fp.Ball([target], 0.03)).mean, value, 1e-10)


@pytest.mark.parametrize("turn", [1.0, 5.0])
def test_noise_with_a_kink_on_a_circle_under_a_rotation(turn):
    """The density is followed, and its exponent has a kink on the circle, too: 7.4e-7 off at a bar of 2.7e-7."""
    noise = fp.Formula("0.3 + 0.2*abs(x**2 + y**2 - 1)")
    process = fp.Drifting(fp.Drift([f"-x - {turn}*y", f"-y + {turn}*x"]), noise)
    given = fp.Problem(process, fp.Box([-2, -2], [2, 2]), fp.Resolution(tolerance=1e-5))
    found = fp.mean_exit_time(given, [0.3, 0.0], fp.Region("x**2 + y**2 - 1.8**2")).mean
    # int_0.3^1.8 ds/(s g(s)) int_0^s dt t g(t)/D(t), log g = -int t/D(t) dt, whatever the rotation
    assert holds(found, 7.94775031440279, 1e-5)


def test_crossings_of_a_curved_surface_by_lines_with_starts_of_their_own():
    """Where only some of them cross, some at one of the places looked at: a drift with jumps ended in a traceback."""
    starts, ends = np.array([[0.0, 0.5, 2.0, 0.0], np.zeros(4)]), np.array([[0.5, 1.5, 3.0, 1.7], np.zeros(4)])
    found = crossings(fp.Region("x**2 + y**2 - 1"), starts, ends)
    assert found == pytest.approx(np.array([[1.0], [0.5], [1.0], [1.0 / 1.7]]), abs=1e-9)


def test_what_curved_facets_leave_is_in_the_bar():
    """All degrees share the facets: 6.9e-13 off at a bar of 5.8e-13."""
    given = problem("0*x + 0*y", "1 + 2*heaviside(x**2 + y**2 - 1)", "klimontovich", fp.Box([-2, -2], [2, 2]))
    found = fp.mean_exit_time(given, [0.3, 0.0], fp.Region("x**2 + y**2 - 1.8**2")).mean
    assert holds(found, (1.0 - 0.3**2) / 4.0 + (1.8**2 - 1.0) / 12.0, 1e-11)
