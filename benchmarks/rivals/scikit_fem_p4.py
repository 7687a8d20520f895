"""scikit-fem, P4 triangles, by a careful user: matrices scaled, factorisation symmetric, eigenvalue a quotient.

Scaling rows and columns by exp(V/2eps) keeps all entries near one; the factors of a symmetric matrix need no pivots
and fewer entries; the quotient of sums of squares has no digits to cancel, where the eigenvalue of eigsh does.
"""

import numpy as np
import skfem
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import LinearOperator, eigsh, splu
from skfem.helpers import dot, grad

from benchmarks.double_well import START, TARGET, box, height, noise

SHIFT = -1e-6


def answer(question: str, barrier: float, cells: int) -> tuple[float, int]:
    """The number asked for and how many unknowns it took, with ``cells`` cells per unit of length."""
    (left, low), (right, high) = box(question)
    sides = [np.linspace(a, b, round(cells * (b - a)) + 1) for a, b in ((left, right), (low, high))]
    basis = skfem.Basis(skfem.MeshTri.init_tensor(*sides), skfem.ElementTriP4(), intorder=10)
    eps, over_noise = noise(barrier), height(question, barrier)
    weight = np.exp(-over_noise(*basis.global_coordinates()))

    @skfem.BilinearForm
    def energy(u, test, w):
        return eps * w["weight"] * dot(grad(u), grad(test))

    @skfem.BilinearForm
    def overlap(u, test, w):
        return w["weight"] * u * test

    scale = np.exp(over_noise(*basis.doflocs) / 2.0)
    stiffness = csc_matrix(diags(scale) @ energy.assemble(basis, weight=weight) @ diags(scale))
    mass = csc_matrix(diags(scale) @ overlap.assemble(basis, weight=weight) @ diags(scale))
    if question != "exit-time":
        inverse = LinearOperator(stiffness.shape, matvec=factors(stiffness - SHIFT * mass).solve)
        values, vectors = eigsh(stiffness, k=2, M=mass, sigma=SHIFT, OPinv=inverse)
        mode = basis.interpolate(scale * vectors[:, np.argmax(values)])
        squares = eps * (np.asarray(mode.grad) ** 2).sum(axis=0), np.asarray(mode) ** 2
        gradients, sizes = ((basis.dx * weight * square).sum() for square in squares)
        return float(gradients / sizes), stiffness.shape[0]
    free = basis.complement_dofs(basis.get_dofs(lambda x: np.isclose(x[0], TARGET)))
    time = np.zeros(stiffness.shape[0])
    time[free] = factors(stiffness[free][:, free]).solve((mass @ (1.0 / scale))[free])
    start = np.argmin(np.hypot(basis.doflocs[0] - START[0], basis.doflocs[1] - START[1]))
    return float(time[start] * scale[start]), len(free)


def factors(matrix):
    """SuperLU for a symmetric matrix."""
    return splu(csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
