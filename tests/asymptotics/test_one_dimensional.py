"""Exact quadratures on a line against 60-digit references, up to barriers of 500 units of epsilon."""

import json
import re
from math import log
from pathlib import Path

import numpy as np
import pytest

from fokker_planck.asymptotics.degenerate import quartic_along
from fokker_planck.asymptotics.line_quadrature import antiderivative
from fokker_planck.asymptotics.one_dimensional import isotropic, multiplicative
from fokker_planck.asymptotics.second_order import barrier_term, mean_crossing_time, well_term
from fokker_planck.errors import ConvergenceError

ENTRIES = json.loads((Path(__file__).parents[1] / "reference" / "one_dimensional.json").read_text())["entries"]
REFERENCE = {entry["id"]: entry for entry in ENTRIES}
NAME = re.compile(
    r"(A|B|C_Ito|C_Fick|D_Ito|F_iso|F_hess_Ito|F_hess_Fick)_eps1/(\d+)_(R_)?"
    r"(?:T\((-?\d)->(-?\d)\)|P\(x<saddle\))"
)


def quartic(x):
    return (x**2 - 1) ** 2 / 4


def quartic_slope(x):
    return x**3 - x


def tilted(x):
    return quartic(x) * (1 + 0.4 * x)


def tilted_slope(x):
    return (x**3 - x) * (1 + 0.4 * x) + 0.1 * (x**2 - 1) ** 2


def tilted_curvature(x):
    return (3 * x**2 - 1) * (1 + 0.4 * x) + 0.8 * (x**3 - x)


def line_of(group, epsilon, lower, upper):
    alpha = 1.0 if group.endswith("Fick") else 0.0
    if group == "A":
        return isotropic(quartic, epsilon, lower, upper)
    if group == "B":
        return isotropic(lambda x: quartic(x) + x / 10, epsilon, lower, upper)
    if group == "F_iso":
        return isotropic(tilted, epsilon, lower, upper)
    slope, noise = {
        "C": (quartic_slope, lambda x: epsilon * np.sqrt((3 * x**2 - 1) ** 2 + 0.25)),
        "D": (quartic_slope, lambda x: epsilon * (1 + 4 * (x + 1) ** 2)),
        "F": (tilted_slope, lambda x: epsilon * np.sqrt(tilted_curvature(x) ** 2 + 0.25)),
    }[group[0]]
    return multiplicative(slope, noise, lower, upper, alpha)


def log_value(entry):
    value = entry["value"]
    mantissa, _, power = value.partition("e")
    return log(abs(float(mantissa))) + (float(power) if power else 0.0) * log(10.0)


@pytest.mark.parametrize("name", [name for name in REFERENCE if NAME.fullmatch(name)])
def test_references(name):
    group, inverse, whole, start, target = NAME.fullmatch(name).groups()
    lower, upper = (-3.5, 3.5) if whole else (-2.0, 2.0)
    line = line_of(group, 1 / int(inverse), lower, upper)
    if start is None:
        found = line.probability(lower, -1.0 + np.sqrt(1.2))
    elif float(target) > float(start):
        found = line.mean_exit_time(float(start), right=float(target))
    else:
        found = line.mean_exit_time(float(start), left=float(target))
    off = abs(found.log - log_value(REFERENCE[name]))
    assert off < 3e-13
    assert off <= 4.0 * found.relative_error


def test_enough_references_are_tested():
    assert sum(bool(NAME.fullmatch(name)) for name in REFERENCE) > 60


@pytest.mark.parametrize(
    ("name", "line", "edge"),
    [
        ("SADDLE1D_eps0.1", lambda: isotropic(lambda x: -(x**2) / 2, 0.1, -1.0, 1.0), 1.0),
        ("SADDLE1D_eps1e-4", lambda: isotropic(lambda x: -(x**2) / 2, 1e-4, -1.0, 1.0), 1.0),
        ("SADDLE_QUARTIC_eps0.1", lambda: isotropic(quartic, 0.1, -1.0, 1.0), 0.8),
        ("SADDLE_QUARTIC_eps0.01", lambda: isotropic(quartic, 0.01, -1.0, 1.0), 0.8),
        ("OUBALL_d1_eps0.5_T", lambda: isotropic(lambda x: x**2 / 2, 0.5, -1.0, 1.0), 1.0),
        ("OUBALL_d1_eps0.001_T", lambda: isotropic(lambda x: x**2 / 2, 0.001, -1.0, 1.0), 1.0),
        ("STUDENT_e0.05_r4_b3", lambda: multiplicative(lambda x: x, lambda x: 0.05 * (1 + 4 * x**2), -3.0, 3.0), 3.0),
        ("STUDENT_e0.001_r4_b3", lambda: multiplicative(lambda x: x, lambda x: 0.001 * (1 + 4 * x**2), -3.0, 3.0), 3.0),
    ],
)
def test_exits_to_both_sides(name, line, edge):
    found = line().mean_exit_time(0.0, left=-edge, right=edge)
    assert found.log == pytest.approx(log_value(REFERENCE[name]), abs=1e-12)


@pytest.mark.parametrize(("alpha", "reading"), [(0.0, "Ito"), (1.0, "Fick")])
@pytest.mark.parametrize("theta", ["0.05", "0.01", "0.001"])
def test_piecewise_parabola_with_noise_that_jumps(alpha, reading, theta):
    line = multiplicative(
        lambda x: np.where(x < 0.2, 4 * x, 0.8 - (x - 0.2)),
        lambda x: float(theta) * np.where(x < 0.2, 4.0, 1.0),
        -1.0,
        1.8,
        alpha,
        breaks=[0.2],
    )
    found = line.mean_exit_time(0.0, right=1.8)
    assert found.log == pytest.approx(log_value(REFERENCE[f"S3PIECE_{reading}_theta{theta}"]), abs=1e-12)


def test_polynomial_escape_of_power_law_noise():
    for height in ("0.25", "8"):
        a = np.sqrt(float(height))
        line = multiplicative(
            lambda x, a=a: np.where(x < 0.0, x + a, a - x),
            lambda x, a=a: (1 + 4 * (x + a) ** 2) / 20,
            -a - 4.0,
            a,
            breaks=[0.0, -a],
        )
        found = line.mean_exit_time(-a, right=a)
        assert found.log == pytest.approx(log_value(REFERENCE[f"S1PIECE_quad_dL{height}"]), abs=1e-12)


def test_stratonovich_lies_between():
    times = [line_of_alpha(alpha).mean_exit_time(-1.0, right=1.0).log for alpha in (0.0, 0.5, 1.0)]
    assert times[0] < times[1] < times[2]
    # (D_b/D_a)^(1/2 - alpha) with the effective potential the same: at small noise the three are equally far apart.
    assert times[1] - times[0] == pytest.approx(times[2] - times[1], abs=0.01)


def line_of_alpha(alpha):
    return multiplicative(quartic_slope, lambda x: np.sqrt((3 * x**2 - 1) ** 2 + 0.25) / 400, -2.0, 2.0, alpha)


def test_barriers_of_thousands_of_noise_units():
    found = isotropic(quartic, 1 / 12000, -2.0, 2.0).mean_exit_time(-1.0, right=1.0)
    assert found.value is None
    leading = log(2 * np.pi / np.sqrt(2)) + 3000.0
    assert found.log == pytest.approx(leading + np.log1p(1.5 / 12000), abs=1e-7)


def test_mirrored_line_gives_the_same():
    line, mirror = (isotropic(lambda x, s=s: quartic(x) + s * x / 10, 1 / 40, -2.0, 2.0) for s in (1.0, -1.0))
    there, back = line.mean_exit_time(-1.0, right=1.0), mirror.mean_exit_time(1.0, left=-1.0)
    assert there.log == pytest.approx(back.log, abs=1e-13)
    both = line.mean_exit_time(0.3, left=-1.0, right=1.0).log
    assert both == pytest.approx(mirror.mean_exit_time(-0.3, left=-1.0, right=1.0).log, abs=1e-13)


def test_exit_on_the_absorbing_point_takes_no_time():
    assert isotropic(quartic, 0.1, -2.0, 2.0).mean_exit_time(1.0, right=1.0).value == 0.0


def test_a_constant_added_to_the_potential_changes_nothing():
    low, high = (isotropic(lambda x, c=c: quartic(x) + c, 0.05, -2.0, 2.0) for c in (0.0, 100.0))
    assert high.mean_exit_time(-1.0, right=1.0).log == pytest.approx(low.mean_exit_time(-1.0, right=1.0).log, abs=1e-11)


def test_time_rescales_with_noise_and_potential():
    one, two = (isotropic(lambda x, c=c: c * quartic(x), 0.05 * c, -2.0, 2.0) for c in (1.0, 2.0))
    ratio = one.mean_exit_time(-1.0, right=1.0).value / two.mean_exit_time(-1.0, right=1.0).value
    assert ratio == pytest.approx(2.0, rel=1e-13)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"start": 0.0}, "no absorbing point"),
        ({"start": 0.0, "right": 3.0}, "right absorbing point"),
        ({"start": 0.0, "left": 0.5}, "not between"),
    ],
)
def test_questions_without_sense_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        isotropic(quartic, 0.1, -2.0, 2.0).mean_exit_time(**arguments)


def test_an_infinite_exponent_is_refused():
    with pytest.raises(ConvergenceError, match="too fast"), np.errstate(all="ignore"):
        isotropic(lambda x: 1.0 / x**2, 0.1, 0.0, 1.0).mean_exit_time(0.5, left=0.2)


def test_antiderivative_across_a_kink():
    found = antiderivative(np.sign, -1.0, 1.0, breaks=[0.0])
    assert found(np.array([-1.0, 0.0, 0.5, 1.0])) == pytest.approx([0.0, -1.0, -0.5, 0.0], abs=1e-14)


def test_second_order_coefficients_of_the_quartic():
    assert well_term(2.0, -6.0, 6.0) == well_term(2.0, 6.0, 6.0) == 0.75
    assert barrier_term(-1.0, 0.0, 6.0) == 0.75


@pytest.mark.parametrize(("inverse", "bound"), [(80, 2e-3), (400, 7e-5), (2000, 3e-6)])
def test_second_order_leaves_an_error_of_third_kind(inverse, bound):
    time = mean_crossing_time(0.25, (2.0, -6.0, 6.0), (-1.0, 0.0, 6.0), 1 / inverse)
    off = abs(time.log - log_value(REFERENCE[f"A_eps1/{inverse}_T(-1->1)"]))
    assert off < bound
    assert off < time.relative_error


def test_flat_top_against_the_quartic_formula():
    # V = -x^4 + x^6, wells at +-sqrt(2/3), curvature 16/3, depth 4/27
    exact = isotropic(lambda x: -(x**4) + x**6, 1e-4, -1.3, 1.3).mean_exit_time(-np.sqrt(2 / 3), right=np.sqrt(2 / 3))
    formula = quartic_along(1.0, [], [16 / 3], 4 / 27, 1e-4)
    assert formula.log == pytest.approx(exact.log, abs=formula.relative_error)
    assert formula.log == pytest.approx(exact.log, abs=0.02)
