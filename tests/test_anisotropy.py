"""Anisotropic problems against products of one-dimensional answers: narrow valleys, long boxes, D = diag(1, 1e-6).

V = f(u) + g(w) in axes turned by an angle is two independent processes, so that eigenvalues add, weights are those of
g, and times to a set of w are times on a line.
"""

from __future__ import annotations

import numpy as np
import pytest

import fokker_planck as fp

EPS = 0.05


def turned(angle: float) -> tuple[str, str, np.ndarray]:
    """Formulas for u and w, axes turned by an angle, and the unit vector along w."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    return f"({c}*x + {s}*y)", f"(-{s}*x + {c}*y)", np.array([-s, c])


def inside(quantity: fp.Quantity, exact: float) -> bool:
    assert quantity.value is not None
    assert quantity.relative_error < 1e-5
    return abs(quantity.value / exact - 1.0) <= quantity.relative_error


@pytest.mark.parametrize(("stiff", "angle"), [(1000.0, 0.5), (1e4, 0.7854)])
@pytest.mark.parametrize("domain", [fp.Box([-2, -2], [2, 2]), fp.Ball([0, 0], 2.0)], ids=["box", "ball"])
def test_two_wells_along_a_narrow_valley_that_is_turned_weigh_the_same(
    stiff: float, angle: float, domain: object
) -> None:
    """0.41 and 0.59 at bars of 4e-7 where a ball of capture reached across the saddle, unseen by its rays."""
    u, w, along = turned(angle)
    potential = fp.Potential(f"{stiff}*{u}**2 + ({w}**2 - 1)**2/4")
    found = fp.stationary_density(fp.Problem(fp.Overdamped(potential, fp.Isotropic(EPS)), domain)).wells
    assert len(found) == 2
    for well in found:
        assert abs(abs(along @ well.minimum) - 1.0) < 1e-9
        assert inside(well.probability, 0.5)


LONG = "(x**2 - 1)**2/4 + (y/1e4)**2/2"


def test_two_wells_across_a_box_ten_thousand_times_longer_than_wide() -> None:
    """One well of weight 1 +- 1e-10 where lengths of the short axis were measured by those of the long one."""
    problem = fp.Problem(fp.Overdamped(fp.Potential(LONG), fp.Isotropic(EPS)), fp.Box([-2, -2e4], [2, 2e4]))
    wells = fp.stationary_density(problem).wells
    assert [round(well.minimum[0], 6) for well in wells] == [-1.0, 1.0]
    assert all(inside(well.probability, 0.5) for well in wells)
    (saddle,) = fp.energy_landscape(problem).saddles
    assert abs(saddle.unstable_direction[0]) == pytest.approx(1.0)
    assert saddle.hessian_eigenvalues == pytest.approx((-1.0, 1e-8))
