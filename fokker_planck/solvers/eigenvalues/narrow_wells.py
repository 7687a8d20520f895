"""Modes beside a well so narrow that its matrix entries drown what flows into it: Rayleigh and Ritz with its potential.

min of a(u, u) / m(u, u) over u in span(h_1, ..., h_K, u_1, ..., u_m)

In an assembled matrix the rows of a narrow well sum to zero up to rounding of its entries, which kills what stays there
at a rate of 2^-52 eps / h^2: a well of width 1e-7 moved eigenvalues by 1e-5, whatever the mesh.  The error of a vector
u_j is in the value that it has in the well and what follows from that, along the potential h_k of the well and its
images under A_FF^-1 M, whose energy, summed up from differences within cells, is exact.

An end of a line at which the density has no bound is such a well, as narrow as coordinates allow: constants are at rest
there up to a rate of 0.01 to 1, and under x (1 - x) with mutation rates of 0.1 an assembled matrix had an eigenvalue of
-0.8. The span of the potentials, their images and polynomials alone has the slowest modes there to ten digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fokker_planck.fem.cell_products import energy, product
from fokker_planck.fem.generator import Generator
from fokker_planck.formulas.arrays import Floats
from fokker_planck.solvers.boundaries.end_conditions import singular_ends
from fokker_planck.solvers.setting.landscape_of_potential import PotentialSetting

ROUNDS = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
"""Squares of the part of a normed function that others leave, round by round: below the last it brings nothing but
rounding over it."""
FASTER = 1e6
"""Than the slowest well settles: a rate from which on rounding of it is seen at a tolerance of 1e-8."""


def has_narrow_wells(setting: PotentialSetting) -> bool:
    """Whether a well settles so fast beside the others that an assembled matrix does not hold both."""
    fastest = 0.0
    for minimum in setting.deep_minima:
        tensor = setting.balance.diffusion.tensor(np.asarray(minimum.position)[:, None])[..., 0]
        fastest = max(fastest, float(np.linalg.eigvals(tensor @ np.asarray(minimum.hessian)).real.max()))
    return fastest > FASTER * setting.relaxation_rate


def has_narrow_ends(exponent: object) -> bool:
    """Whether the line has an end at which the density is infinite, but not its integral."""
    return any(end.finite_mass and end.scale_power < end.noise_power for end in singular_ends(exponent))


def combined(
    generator: Generator, functions: Sequence[Floats], slower: int, count: int
) -> tuple[Floats, list[Floats]] | None:
    """Logarithms of the eigenvalues and nodal values of the modes, improved; None where they depend on each other.

    Parameters
    ----------
    generator
        with the mass and the stiffness.
    functions
        potentials of the wells, their images, modes as they were found, nodal values (N,).
    slower
        how many eigenvalues, zero among them, come before.
    count
        how many modes are wanted.
    """
    cells = [nodal[generator.discretization.dofs] for nodal in functions]
    logs = [0.5 * product(generator, u, u).log_of_sum() for u in cells]
    size = len(functions)
    mass, flow = np.empty((size, size)), np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            scale = logs[i] + logs[j]
            mass[i, j] = mass[j, i] = _sum(product(generator, cells[i], cells[j]), scale)
            flow[i, j] = flow[j, i] = _sum(energy(generator, cells[i], cells[j]), scale)
    from scipy.linalg import LinAlgError, eigh

    kept = _independent(mass)
    functions, logs = [functions[k] for k in kept], [logs[k] for k in kept]
    try:
        values, columns = eigh(flow[np.ix_(kept, kept)], mass[np.ix_(kept, kept)])
    except LinAlgError:
        return None
    chosen = slice(slower, slower + count)
    if len(values[chosen]) < count or not (values[chosen] > 0.0).all():
        return None
    rows = np.array([nodal * np.exp(-log + logs[-1]) for nodal, log in zip(functions, logs, strict=True)])
    return np.log(values[chosen]), [np.asarray(columns[:, k] @ rows) for k in range(len(kept))[chosen]]


def _independent(mass: Floats) -> list[int]:
    """The numbers of normed functions with this Gram matrix that depend on no others: the first that do clearly.

    Those that are left with less come in later rounds: in their own order a row of polynomials left a matrix that
    rounding made indefinite, and by what is left alone modes with rounding came before what is exact.
    """
    left = np.array(mass)
    kept: list[int] = []
    for least in ROUNDS:
        for number in range(len(mass)):
            if number in kept or left[number, number] <= least:
                continue
            kept.append(number)
            column = left[:, number] / np.sqrt(left[number, number])
            left -= np.outer(column, column)
    return sorted(kept)


def _sum(products: object, scale: float) -> float:
    total = products.relative_to(scale).sum()  # type: ignore[attr-defined]
    return float(products.comm.allreduce(float(total)))  # type: ignore[attr-defined]
