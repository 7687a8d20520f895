"""The four wells of Prinz and others: eigenvalues three ways, one of them the chain that they are used for."""

from __future__ import annotations

from functools import partial
from math import exp, log
from typing import TYPE_CHECKING, Any

from validation.claim import Claim, Figure, Finding, Run, Table, equal, near

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOLERANCE = 1e-10
END = 1.2
STEPS = (1e-3, 4e-4, 1e-4, 5e-5, 2.5e-5)
LAG, ESTIMATED = 0.005, (0.99253, 0.95759, 0.92988)


def compute(run: Run) -> Finding:
    """Solver, global polynomials, and the chain of the time-discrete process."""
    found = run.step("solver, tolerance 1e-10", solved)
    exact = galerkin(200)
    checks = [equal(f"eigenvalue {k + 1}", found["eigenvalues"][k], exact[k], TOLERANCE, ASKED) for k in range(4)]
    checks += [
        equal(f"weight of the well at {x:.3f}", weight, share, TOLERANCE, ASKED)
        for x, weight, share in zip(found["minima"], found["weights"], shares(found["minima"]), strict=True)
    ]
    for k, known in enumerate(ESTIMATED):
        value = exp(-LAG * float(found["eigenvalues"][k]))
        checks.append(near(f"eigenvalue {k + 1} of the process seen every 0.005", value, known, 5e-3, SAMPLED))
    chains: dict[float, list[float]] = {}
    if not run.quick:
        chains = {h: run.step(f"chain, step {h:g}", partial(chain, h)) for h in STEPS}
        limits = [limit([chains[h][k] for h in STEPS[-3:]]) for k in range(3)]
        for k in range(3):
            checks.append(equal(f"eigenvalue {k + 1} of the chain, step to zero", limits[k], exact[k], 1e-5, HALVED))
    heads = ("k", "solver", "polynomials", *(f"chain, step {h:g}" for h in chains), "Eyring-Kramers ratio")
    rows = tuple(
        (k + 1, found["eigenvalues"][k], f"{exact[k]:.9f}", *(f"{one[k]:.5f}" for one in chains.values()), ratio)
        for k, ratio in enumerate(found["ratios"][:3])
    )
    table = Table("Eigenvalues of -L at noise 1; the relaxation times are their reciprocals", heads, rows)
    return Finding(tuple(checks), (table,), (picture(exact, chains),), REMARKS)


def solved() -> dict[str, Any]:
    """Eigenvalues with their Eyring-Kramers ratios, and the weights of the wells."""
    import fokker_planck as fp

    entry = fp.named("prinz")
    process = fp.Overdamped(entry.potential, fp.Isotropic(1.0))
    posed = fp.Problem(process, fp.Box((-END,), (END,)), fp.Resolution(tolerance=TOLERANCE))
    eigenvalues = fp.spectrum(posed, 5).eigenvalues[1:]
    wells = fp.stationary_density(posed).wells
    return {
        "eigenvalues": [one.real for one in eigenvalues],
        "ratios": [one.ratio for one in eigenvalues],
        "minima": [well.minimum[0] for well in wells],
        "weights": [well.probability for well in wells],
    }


def potential(x: Any) -> Any:
    """V in units of kT, as published."""
    import numpy as np

    bumps = 0.8 * np.exp(-80.0 * x**2) + 0.2 * np.exp(-80.0 * (x - 0.5) ** 2) + 0.5 * np.exp(-40.0 * (x + 0.5) ** 2)
    return 4.0 * (x**8 + bumps)


def slope(x: Any) -> Any:
    """V'."""
    import numpy as np

    bumps = 128.0 * x * np.exp(-80.0 * x**2) + 32.0 * (x - 0.5) * np.exp(-80.0 * (x - 0.5) ** 2)
    return 4.0 * (8.0 * x**7 - bumps - 40.0 * (x + 0.5) * np.exp(-40.0 * (x + 0.5) ** 2))


def galerkin(degree: int) -> list[float]:
    """Smallest eigenvalues by Rayleigh and Ritz on all polynomials of that degree, weight exp(-V) on [-1.2, 1.2]."""
    import numpy as np
    from numpy.polynomial import legendre
    from scipy.linalg import eigh

    q, w = legendre.leggauss(600)
    weight = w * np.exp(-potential(END * q))
    value = legendre.legvander(q, degree)
    change = legendre.legval(q, legendre.legder(np.eye(degree + 1))).T / END
    energy, mass = (basis.T @ (weight[:, None] * basis) for basis in (change, value))
    modes = eigh(energy, mass)[1][:, 1:5]
    # the largest eigenvalue is 1e9; quotients of sums of squares do not feel its rounding
    return [float(e) for e in (weight @ (change @ modes) ** 2) / (weight @ (value @ modes) ** 2)]


def shares(minima: list[float]) -> list[float]:
    """Weights of the wells: exp(-V) integrated from one maximum to the next."""
    import numpy as np
    from scipy.optimize import brentq

    ordered = sorted(minima)
    tops = [brentq(slope, a + 0.05, b - 0.05, xtol=1e-15) for a, b in zip(ordered, ordered[1:], strict=False)]
    q, w = np.polynomial.legendre.leggauss(120)
    ends = [-END, *tops, END]
    halves = [(b - a) / 2.0 for a, b in zip(ends, ends[1:], strict=False)]
    masses = [h * float(w @ np.exp(-potential(a + h + h * q))) for a, h in zip(ends, halves, strict=False)]
    return [masses[ordered.index(x)] / sum(masses) for x in minima]


def chain(step: float) -> list[float]:
    """-log mu / step for the chain x -> x - step V'(x) + sqrt(2 step) xi, by the trapezoidal rule on a grid."""
    import numpy as np

    count = min(1001, int(2.8 / (0.3 * (2.0 * step) ** 0.5)) + 150)
    x = np.linspace(-1.4, 1.4, count)
    kernel = np.exp(-((x[None, :] - (x - step * slope(x))[:, None]) ** 2) / (4.0 * step))
    values = np.linalg.eigvals(kernel / kernel.sum(axis=1, keepdims=True)).real
    return [-log(value) / step for value in np.sort(values)[::-1][1:4]]


def limit(values: list[float]) -> float:
    """Of three values at steps h, h/2, h/4 with errors of order h and h**2."""
    first = [2.0 * b - a for a, b in zip(values, values[1:], strict=False)]
    return (4.0 * first[1] - first[0]) / 3.0


def picture(exact: list[float], chains: dict[float, list[float]]) -> Figure:
    """The potential with its density, and how the chain tends to the process."""
    import numpy as np

    from validation import drawing

    def draw(wells: Axes, *more: Axes) -> None:
        x = np.linspace(-END, END, 400)
        wells.plot(x, potential(x), "-", color=drawing.BLUE, label="V / kT")
        density = np.exp(-potential(x))
        style: dict[str, Any] = {"color": drawing.ORANGE, "alpha": 0.3, "linewidth": 0.0}
        wells.fill_between(x, 3.0 * density / density.max(), label="density", **style)
        wells.set_ylim(0.0, 5.0)
        wells.set_xlabel("x")
        wells.legend(loc="upper center")
        for ax in more:
            styles = zip((drawing.BLUE, drawing.ORANGE, drawing.GREEN), "os^", strict=True)
            for k, (colour, marker) in enumerate(styles):
                off = [abs(values[k] / exact[k] - 1.0) for values in chains.values()]
                ax.loglog(list(chains), off, f"{marker}-", color=colour, label=f"eigenvalue {k + 1}")
            ax.set_xlabel("time step of the chain")
            ax.set_ylabel("|chain / process - 1|")
            ax.legend()

    caption = "The potential and its density; the eigenvalues of the chain with a finite time step tend to those here"
    description = "Four wells between -1 and 1; three lines of slope one."
    return drawing.figure(caption, description, draw, panels=2 if chains else 1)


ASKED = "tolerance asked of the solver, 1e-10"
SAMPLED = "a hidden Markov model estimated from 50,000 samples and printed with three digits"
HALVED = "rest of an extrapolation through three time steps, each half of the one before"
REMARKS = (
    "What is compared: the potential is the published one. The paper and the software around it use it as a chain with "
    "a finite time step, mostly 1e-3, whose eigenvalues are computed here from its transition kernel; at that step "
    "they are one percent from those of the diffusion, and at smaller steps tend to them. The transition matrix of a "
    "hidden Markov model comes from the tests of the program deeptime. Timescales printed in the paper itself could "
    "not be checked and are not compared.",
    "Barriers are 0.6 to 3 units of epsilon, so that Eyring-Kramers is off by 7 to 20 percent.",
)

CLAIM = Claim(
    name="prinz",
    group="published",
    title="The four-well potential of Prinz and others",
    statement=(
        "In the four-well potential on which Markov state models are tried, the slow eigenvalues, whose reciprocals "
        "are the relaxation times, are those of global polynomials and the limit of those of the time-discrete chain, "
        "and the weights of the wells are their integrals."
    ),
    formula="V/kT = 4(x⁸ + 0.8e^(-80x²) + 0.2e^(-80(x-½)²) + 0.5e^(-40(x+½)²)),  D = 1",
    source="Prinz and others 2011, J. Chem. Phys. 134, 174105; deeptime, tests of hidden Markov models",
    compute=compute,
)
