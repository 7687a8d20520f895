"""FiPy: finite volumes on a uniform grid, the backward equation in divergence form, div(eps exp(-V/eps) grad u).

That form is better by far than FiPy's convection terms (exponential, that is Scharfetter-Gummel; of second order).
FiPy has no eigenvalue solver: for the gap its matrix is handed to scipy's eigsh.
"""

import fipy
import numpy as np
from fipy.solvers.scipy import LinearLUSolver
from scipy.sparse import csc_matrix, diags
from scipy.sparse.linalg import eigsh

from benchmarks.double_well import START, box, height, noise

SHIFT = -1e-6


def answer(question: str, barrier: float, cells: int) -> tuple[float, int]:
    """The number asked for and how many unknowns it took, with ``cells`` cells per unit of length."""
    lower, upper = box(question)
    count = [round(cells * (b - a)) for a, b in zip(lower, upper, strict=True)]
    mesh = fipy.Grid2D(nx=count[0], ny=count[1], dx=1.0 / cells, dy=1.0 / cells) + [[lower[0]], [lower[1]]]
    weight, at_faces = (
        np.exp(-height(question, barrier)(*points.value)) for points in (mesh.cellCenters, mesh.faceCenters)
    )
    diffusion = fipy.DiffusionTerm(coeff=fipy.FaceVariable(mesh=mesh, value=noise(barrier) * at_faces))
    u = fipy.CellVariable(mesh=mesh, value=0.0)
    if question != "exit-time":
        equation = diffusion == 0
        equation.cacheMatrix()
        equation.justResidualVector(var=u)
        scale = diags(1.0 / np.sqrt(weight * mesh.cellVolumes))
        generator = csc_matrix(-(scale @ equation.matrix.matrix @ scale))
        return float(eigsh(generator, k=2, sigma=SHIFT, return_eigenvectors=False).max()), mesh.numberOfCells
    u.constrain(0.0, mesh.facesRight)
    equation = diffusion + fipy.CellVariable(mesh=mesh, value=weight) == 0
    equation.solve(var=u, solver=LinearLUSolver(tolerance=1e-14, iterations=10))
    x, y = mesh.cellCenters.value
    around = np.hypot(x - START[0], y - START[1]) < 0.8 / cells  # the start is a corner of four cells
    return float(u.value[around].mean()), mesh.numberOfCells
