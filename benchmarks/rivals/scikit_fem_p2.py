"""scikit-fem, P2 triangles: the weak form with the weight exp(-V/eps), scipy's eigsh and spsolve.

The one thing that it cannot do without is to scale rows and columns by exp(V/2eps): eigsh fails otherwise.
"""

import numpy as np
import skfem
from scipy.sparse import diags
from scipy.sparse.linalg import eigsh, spsolve
from skfem.helpers import dot, grad

from benchmarks.double_well import START, TARGET, box, height, noise


def answer(question: str, barrier: float, cells: int) -> tuple[float, int]:
    """The number asked for and how many unknowns it took, with ``cells`` cells per unit of length."""
    (left, low), (right, high) = box(question)
    sides = [np.linspace(a, b, round(cells * (b - a)) + 1) for a, b in ((left, right), (low, high))]
    basis = skfem.Basis(skfem.MeshTri.init_tensor(*sides), skfem.ElementTriP2(), intorder=6)
    eps, over_noise = noise(barrier), height(question, barrier)

    @skfem.BilinearForm
    def energy(u, test, w):
        return eps * np.exp(-over_noise(*w.x)) * dot(grad(u), grad(test))

    @skfem.BilinearForm
    def overlap(u, test, w):
        return np.exp(-over_noise(*w.x)) * u * test

    scale = diags(np.exp(over_noise(*basis.doflocs) / 2.0))
    stiffness, mass = ((scale @ form.assemble(basis) @ scale).tocsc() for form in (energy, overlap))
    if question != "exit-time":
        values = eigsh(stiffness, k=2, M=mass, sigma=-1e-3, return_eigenvectors=False)
        return float(values.max()), stiffness.shape[0]
    free = basis.complement_dofs(basis.get_dofs(lambda x: np.isclose(x[0], TARGET)))
    time = np.zeros(stiffness.shape[0])
    time[free] = spsolve(stiffness[free][:, free], (mass @ (1.0 / scale.diagonal()))[free])
    time = scale @ time
    start = np.argmin(np.hypot(basis.doflocs[0] - START[0], basis.doflocs[1] - START[1]))
    return float(time[start]), len(free)
