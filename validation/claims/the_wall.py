"""Digits against the height of the barrier, for this library and for an ordinary shift-and-invert solve."""

from __future__ import annotations

from functools import partial
from math import exp, expm1, log, log10, pi
from typing import TYPE_CHECKING, Any

from validation.claim import Check, Claim, Figure, Finding, Run, Table, at_least, at_most, equal, near, worst
from validation.wells import QUARTIC, beyond, point, problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fokker_planck.quantity import Quantity

BARRIERS = (5, 10, 15, 20, 25, 30, 35, 40, 50, 70, 100, 200, 500, 1000, 2000)
QUICK = (5, 10, 15, 20, 25, 40, 100, 500)
PLANE, ANGLE = (5, 20, 50, 100, 200, 500), pi / 6
LINE_TOLERANCE, PLANE_TOLERANCE = 1e-10, 1e-8
MESHES = (50, 100, 200, 400)
#: V/noise is cut off there for the ordinary solve, or exp(-V/noise) would underflow and its matrices be singular
HIGHEST = 230.0
DIGITS_LOST = log10(exp(1.0))


def compute(run: Run) -> Finding:
    """Gap and exit time of the quartic well, by both, beside integrals in which nothing cancels."""
    barriers = QUICK if run.quick else BARRIERS
    exact = {b: run.step(f"exact, barrier {b}", partial(exact_logs, b)) for b in barriers}
    ours = {b: run.step(f"line, barrier {b}, tolerance 1e-10", partial(answers, b)) for b in barriers}
    theirs = {b: run.step(f"ordinary, barrier {b}", partial(ordinary, b)) for b in barriers}
    plane = {}
    if not run.quick:
        plane = {b: run.step(f"turned, plane, barrier {b}, tolerance 1e-8", partial(turned_gap, b)) for b in PLANE}
        exact |= {b: run.step(f"exact, barrier {b}", partial(exact_logs, b)) for b in PLANE if b not in exact}
    errors = {
        "this library, gap": {b: error(ours[b][0].log, exact[b][0]) for b in barriers},
        "this library, exit time": {b: error(ours[b][1].log, exact[b][1]) for b in barriers},
        "this library, plane": {b: error(plane[b].log, exact[b][0]) for b in plane},
        "shift-and-invert, gap": {b: min(error(n, exact[b][0]) for n, _ in theirs[b]) for b in barriers},
        "linear solve, exit time": {b: min(error(n, exact[b][1]) for _, n in theirs[b]) for b in barriers},
    }
    checks = [
        worst([equal(f"gap, line, barrier {b}", ours[b][0], of(exact[b][0]), LINE_TOLERANCE, ASKED) for b in ours]),
        worst([equal(f"time, line, barrier {b}", ours[b][1], of(exact[b][1]), LINE_TOLERANCE, ASKED) for b in ours]),
    ]
    if plane:
        turned = [equal(f"gap, plane, barrier {b}", plane[b], of(exact[b][0]), PLANE_TOLERANCE, ASKED) for b in plane]
        checks.append(worst(turned))
    for name in list(errors)[3:]:
        checks += wall(name, errors[name])
    rows = tuple((b, ours[b][0], *(f"{curve[b]:.0e}" if b in curve else "" for curve in errors.values())) for b in ours)
    table = Table("Gap, and relative errors", ("barrier/noise", "gap", *errors), rows)
    gaps = {b: (exact[b][0], ours[b][0].log, theirs[b][1][0]) for b in barriers}
    return Finding(tuple(checks), (table,), (picture(errors, gaps),), REMARKS)


def answers(barrier: int) -> list[Quantity]:
    """Gap and mean time from -1 to 1 on the line."""
    import fokker_planck as fp

    posed = problem(QUARTIC, 0.25 / barrier, tolerance=LINE_TOLERANCE)
    return [fp.spectrum(posed, 2).gap, fp.mean_exit_time(posed, point(-1.0), beyond(1.0)).mean]


def turned_gap(barrier: int) -> Quantity:
    """Gap with y**2/2 added and turned by 30 degrees, so that nothing lies along the mesh; the same number."""
    import fokker_planck as fp

    return fp.spectrum(problem(QUARTIC, 0.25 / barrier, 2, ANGLE, PLANE_TOLERANCE), 2).gap


def ordinary(barrier: int) -> list[tuple[float | None, float | None]]:
    """What a user would write: finite elements of degree 4, scipy's eigsh and one sparse solve; on several meshes.

    The weight exp(-V/noise), rows and columns scaled by exp(V/2 noise). Logarithms, None for what is not positive.
    """
    import numpy as np
    from numpy.polynomial import legendre
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import eigsh, spsolve

    def height(x: Any) -> Any:
        return np.minimum((x**2 - 1.0) ** 2 * barrier, HIGHEST)

    (q, w), noise, found = legendre.leggauss(8), 0.25 / barrier, []
    basis = np.linalg.inv(legendre.legvander(np.linspace(-1.0, 1.0, 5), 4))
    value = legendre.legvander(q, 4) @ basis
    slope = legendre.legval(q, legendre.legder(np.eye(5))).T @ basis
    for cells in MESHES:
        half = 2.0 / cells
        nodes, numbers = np.linspace(-2.0, 2.0, 4 * cells + 1), 4 * np.arange(cells)[:, None] + np.arange(5)
        weight = np.exp(-height(-2.0 + half * (2 * np.arange(cells)[:, None] + 1 + q)))
        scale = np.exp(height(nodes) / 2.0)
        both = scale[numbers][:, :, None] * scale[numbers][:, None, :]
        where = np.repeat(numbers, 5, axis=1).ravel(), np.tile(numbers, 5).ravel()
        energies = noise / half * both * np.einsum("cq,q,qi,qj->cij", weight, w, slope, slope)
        masses = half * both * np.einsum("cq,q,qi,qj->cij", weight, w, value, value)
        stiffness, mass = (csc_matrix((entries.ravel(), where)) for entries in (energies, masses))
        gap = max(eigsh(stiffness, k=2, M=mass, sigma=-1e-4, v0=np.ones(len(nodes)), return_eigenvectors=False))
        free = nodes < 1.0 - 1e-9
        time = spsolve(stiffness[free][:, free], (mass @ (1.0 / scale))[free])[cells] * scale[cells]
        found.append((log(gap) if gap > 0.0 else None, log(time) if time > 0.0 else None))
    return found


def exact_logs(barrier: int) -> list[float]:
    """Logarithms of the gap and of the time, by repeated integrals of positive functions, exp(barrier) taken out.

    T = (G 1)(-1) and 1/gap is the largest eigenvalue of G (on half of the line), with
    (G f)(x) = int_x^b exp(V/noise)/noise int_-2^y exp(-V/noise) f dz dy, b = 1 and 0; Gauss-Legendre panels.
    """
    import numpy as np
    from numpy.polynomial import legendre

    order, panels, noise = 20, 1500, 0.25 / barrier
    q, w = legendre.leggauss(order)
    integrals = [legendre.legval(q, legendre.legint(row, lbnd=-1)) for row in np.eye(order)]
    within = np.stack(integrals, axis=1) @ np.linalg.inv(legendre.legvander(q, order - 1))

    def swept(half: float, values: Any) -> Any:
        whole = np.concatenate([[0.0], np.cumsum(values @ w)[:-1]])
        return half * (whole[:, None] + values @ within.T)

    def climbed(x: Any, half: float, f: Any) -> Any:
        height = (x**2 - 1.0) ** 2 * barrier
        up = np.exp(np.minimum(height - barrier, 600.0)) / noise
        return up * swept(half, np.exp(-height) * f)

    def nodes(end: float) -> tuple[Any, float]:
        half = (end + 2.0) / (2 * panels)
        return -2.0 + half * (2 * np.arange(panels)[:, None] + 1 + q), half

    x, half = nodes(1.0)
    time = half * float((climbed(x, half, 1.0)[x[:, 0] > -1.0] @ w).sum())
    x, half = nodes(0.0)
    weight, f, last, gap = np.exp(-((x**2 - 1.0) ** 2) * barrier), np.ones_like(x), 0.0, 1.0
    while abs(gap - last) > 1e-15 * gap:
        image = swept(half, climbed(x, half, f)[::-1, ::-1])[::-1, ::-1]
        last, gap = gap, float((weight * f @ w).sum() / (weight * image @ w).sum())
        f = image / image.max()
    return [log(gap) - barrier, log(time) + barrier]


def error(found: float | None, known: float) -> float:
    """Relative error from logarithms, at least 1e-16; one where there is no answer or one of another order."""
    return 1.0 if found is None else min(max(abs(expm1(min(found - known, 1.0))), 1e-16), 1.0)


def of(logarithm: float) -> Quantity:
    """The quantity with that logarithm."""
    from fokker_planck.quantity import Quantity

    return Quantity.of_log(logarithm, 1e-13)


def wall(name: str, errors: dict[int, float]) -> list[Check]:
    """An ordinary solve is right at first, loses a digit every 2.3 units of epsilon, and has none left at the wall."""
    import numpy as np

    climbing = [b for b in (10, 15, 20, 25) if b in errors]
    slope = float(np.polyfit(climbing, [log10(errors[b]) for b in climbing], 1)[0])
    return [
        at_most(f"{name}: error at barrier 5", errors[5], 1e-8, "an opponent worth the name"),
        near(f"{name}: digits lost a unit of epsilon, 10 to 25", slope, DIGITS_LOST, 0.12, LOST),
        at_least(
            f"{name}: error at barrier 40", errors[40], 0.1, "16 digits are 37 units of epsilon, less for the mesh"
        ),
    ]


def picture(errors: dict[str, dict[int, float]], gaps: dict[int, tuple[float, float, float | None]]) -> Figure:
    """Digits against barriers; and the gap itself, where the ordinary one stays behind."""
    from validation import drawing

    colours = (drawing.BLUE, drawing.GREEN, drawing.PURPLE, drawing.RED, drawing.ORANGE)
    styles = dict(zip(errors, zip(colours, ("o-", "^-", "D-", "s--", "v--"), strict=True), strict=True))

    def draw(digits: Axes, numbers: Axes) -> None:
        digits.axvspan(25.0, 35.0, color=drawing.MUTED, alpha=0.25, linewidth=0.0)
        for name, curve in errors.items():
            if curve:
                colour, style = styles[name]
                digits.semilogx(list(curve), [-log10(e) for e in curve.values()], style, color=colour, label=name)
        digits.set_xlabel("barrier over noise")
        digits.set_ylabel("right digits")
        digits.set_ylim(-0.4, 21.5)
        digits.set_yticks(range(0, 16, 3))
        ticks = (5, 10, 20, 50, 100, 200, 500, 2000)
        digits.set_xticks(ticks, [str(tick) for tick in ticks])
        digits.minorticks_off()
        digits.legend(loc="upper right", fontsize=9.0)
        digits.text(29.5, 6.0, "the wall", rotation=90.0, ha="center", va="center", color=drawing.INK)
        shown = [b for b in gaps if b <= 100]
        seen = [b for b in shown if gaps[b][2] is not None]
        numbers.axvspan(25.0, 35.0, color=drawing.MUTED, alpha=0.25, linewidth=0.0)
        numbers.plot(shown, [gaps[b][0] * DIGITS_LOST for b in shown], "-", color=drawing.MUTED, label="exact")
        numbers.plot(shown, [gaps[b][1] * DIGITS_LOST for b in shown], "o", color=drawing.BLUE, label="this library")
        theirs = [(gaps[b][2] or 0.0) * DIGITS_LOST for b in seen]
        numbers.plot(seen, theirs, "s", color=drawing.RED, label="shift-and-invert")
        numbers.set_xlabel("barrier over noise")
        numbers.set_ylabel("log₁₀ of the gap")
        numbers.legend()

    caption = "The wall: right digits against the height of the barrier, and the gap that comes out (shaded: 25 to 35)"
    description = "Two dashed curves fall to no digit at a barrier of 30; three solid ones stay above nine up to 2000."
    return drawing.figure(caption, description, draw, panels=2, height=264.0)


ASKED = "tolerance asked of the solver"
LOST = "rounding is a part of the largest eigenvalue, the gap exp(-barrier/noise) of it: 1/ln 10 digits a unit"
REMARKS = (
    "The ordinary solve is not a bad one: high order, good scaling, the best of four meshes. Its error is rounding, "
    "which a finer mesh makes larger. Nothing warns of it: beyond the wall it returns a gap near 1e-14 whatever the "
    "barrier.",
    "Here one unknown in every well is set apart; the rest of the matrix stays well conditioned, and the small matrix "
    "between the wells has entries that are each right relative to themselves. No digit is lost to the barrier; beyond "
    "700 units of epsilon, where doubles end, answers are logarithms.",
)

CLAIM = Claim(
    name="the-wall",
    group="convergence",
    title="The wall at 30 units of epsilon, and beyond it",
    statement=(
        "A linear solve for an exit time or a shift-and-invert solve for the gap loses one digit for every 2.3 noise "
        "units of barrier, and has none left at about 30. This library keeps the tolerance it is asked for at 5, "
        "at 500 and at 2000 units of epsilon."
    ),
    formula="ordinary: |computed/exact - 1| ≈ C·10⁻¹⁶·exp(ΔV/ε);  here: ≤ tolerance at every ΔV/ε",
    source="method: Bovier, Eckhoff, Gayrard and Klein 2004 (capacities between wells), made discrete",
    compute=compute,
)
