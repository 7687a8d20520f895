"""The only file that talks to PETSc and SLEPc: matrices from element matrices, linear and eigenvalue solves.

Every solve is checked; what did not converge raises ``ConvergenceError``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray
from petsc4py import PETSc

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem.triangulation import Floats, Integers

REMEDY = "try another degree or a finer mesh; if the barrier is high, raise the noise"


def release_memory() -> None:
    """Hand back what earlier solves have freed: PETSc and the C library would keep it, and a series of meshes add up.

    All processes of a run together: since 3.18 PETSc only marks what Python drops, until all agree that it is gone.
    """
    PETSc.garbage_cleanup()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def matrix(comm: MPI.Comm, size: int, dofs: Integers, elements: Floats, *, symmetric: bool = True) -> PETSc.Mat:
    """Sum element matrices (m, n, n) into a sparse matrix; negative rows and columns are left out."""
    from scipy.sparse import coo_matrix

    n = dofs.shape[1]
    # indices take as much memory as the entries otherwise; what is left out goes to one more row and column
    small = np.where(dofs < 0, size, dofs).astype(PETSc.IntType)
    rows, columns = np.repeat(small, n, axis=1).ravel(), np.tile(small, (1, n)).ravel()
    summed = coo_matrix((elements.ravel(), (rows, columns)), shape=(size + 1, size + 1)).tocsr()[:size, :size]
    del rows, columns
    first, last = 0, size
    if comm.size > 1:
        bounds = size * np.arange(comm.size + 1) // comm.size
        first, last = bounds[comm.rank], bounds[comm.rank + 1]
        summed = sum(comm.alltoall([summed[a:b] for a, b in zip(bounds[:-1], bounds[1:], strict=True)])).tocsr()
    local = (last - first, size)
    triple = (summed.indptr.astype(PETSc.IntType), summed.indices.astype(PETSc.IntType), summed.data)
    result = PETSc.Mat().createAIJ((local, local), csr=triple, comm=comm)
    result.assemble()
    result.setOption(PETSc.Mat.Option.SYMMETRIC, symmetric)
    return result


def _vector(like: PETSc.Mat, values: Floats) -> PETSc.Vec:
    vector = like.createVecRight()
    first, last = vector.getOwnershipRange()
    vector.setArray(values[first:last])
    return vector


def _whole(vector: PETSc.Vec) -> Floats:
    comm = vector.getComm().tompi4py()
    if comm.size == 1:
        return np.array(vector.getArray(readonly=True))
    return np.concatenate(comm.allgather(np.array(vector.getArray(readonly=True))))


class TwoSidedFactorization:
    """A matrix that need not be symmetric, factored once by MUMPS, for systems with it and with its transpose."""

    method = "lu"

    def __init__(self, operator: PETSc.Mat) -> None:
        self._operator = operator
        self._solver = PETSc.KSP().create(operator.getComm())
        self._solver.setOperators(operator)
        self._solver.setType("preonly")
        self._solver.getPC().setType(self.method)
        self._solver.getPC().setFactorSolverType("mumps")
        try:
            self._solver.setUp()
        except PETSc.Error as error:
            raise ConvergenceError(f"factorisation failed (PETSc error {error.ierr})", REMEDY) from None

    def solve(self, right: Floats, *, adjoint: bool = False, tolerance: float = 1e-8) -> Floats:
        """Solve A x = b, or A^T x = b, for one right-hand side (n,), whole on every rank; the residual is checked."""
        b = _vector(self._operator, right)
        x, residual = b.duplicate(), b.duplicate()
        (self._solver.solveTranspose if adjoint else self._solver.solve)(b, x)
        reason = self._solver.getConvergedReason()
        if reason < 0:
            raise ConvergenceError(f"linear solve failed (PETSc reason {reason})", REMEDY)
        (self._operator.multTranspose if adjoint else self._operator.mult)(x, residual)
        residual.axpy(-1.0, b)
        scale = self._operator.norm(PETSc.NormType.INFINITY) * x.norm() + b.norm()
        if not np.isfinite(scale) or residual.norm() > tolerance * scale:
            raise ConvergenceError(f"linear solve left a residual of {residual.norm() / scale:.1e}", REMEDY)
        return _whole(x)


class Factorization(TwoSidedFactorization):
    """A symmetric matrix factored once by MUMPS, for any number of right-hand sides."""

    method = "cholesky"


def lowest_eigenvectors(
    stiffness: PETSc.Mat, mass: PETSc.Mat, count: int, shift: float, known: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Eigenvalues (k,) and eigenvectors (k, n) of ``stiffness y = lambda mass y`` nearest to ``shift``, k >= count.

    Shift-and-invert Krylov-Schur; ``known`` eigenvectors (n,) are kept out.
    """
    from slepc4py import SLEPc

    solver = SLEPc.EPS().create(stiffness.getComm())
    solver.setOperators(stiffness, mass)
    solver.setProblemType(SLEPc.EPS.ProblemType.GHEP)
    solver.setDimensions(count, PETSc.DECIDE)
    solver.setTolerances(1e-13, 300)
    solver.setWhichEigenpairs(SLEPc.EPS.Which.TARGET_MAGNITUDE)
    solver.setTarget(shift)
    transform = solver.getST()
    transform.setType(SLEPc.ST.Type.SINVERT)
    linear = transform.getKSP()
    linear.setType("preonly")
    linear.getPC().setType("cholesky")
    linear.getPC().setFactorSolverType("mumps")
    if known:
        solver.setDeflationSpace([_vector(stiffness, vector) for vector in known])
    solver.setInitialSpace([_vector(stiffness, np.cos(np.arange(stiffness.getSize()[0]) * 0.7) + 0.3)])
    try:
        solver.solve()
    except PETSc.Error as error:
        raise ConvergenceError(f"eigenvalue solver failed (PETSc error {error.ierr})", REMEDY) from None
    found = solver.getConverged()
    if solver.getConvergedReason() <= 0 or found < count:
        raise ConvergenceError(
            f"only {found} of {count} eigenvalues converged in {solver.getIterationNumber()} steps", REMEDY
        )
    values, vectors = [], []
    vector: Any = stiffness.createVecRight()
    for number in range(found):
        values.append(solver.getEigenpair(number, vector).real)
        vectors.append(_whole(vector))
    return np.asarray(values), np.asarray(vectors)


def nearest_eigenpairs(
    stiffness: PETSc.Mat, mass: PETSc.Mat, count: int, shift: float
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Eigenvalues (k,) and eigenvectors (k, n) of a nonsymmetric ``stiffness y = lambda mass y``, k >= count.

    Shift-and-invert Krylov-Schur; those nearest to ``shift``, conjugate pairs whole, from real arithmetic.
    """
    from slepc4py import SLEPc

    solver = SLEPc.EPS().create(stiffness.getComm())
    solver.setOperators(stiffness, mass)
    solver.setProblemType(SLEPc.EPS.ProblemType.GNHEP)
    # from a short Krylov space eigenvalues of a matrix that is far from normal come out wrong, and as converged
    solver.setDimensions(count, min(3 * count + 30, stiffness.getSize()[0]))
    solver.setTolerances(1e-12, 300)
    solver.setWhichEigenpairs(SLEPc.EPS.Which.TARGET_MAGNITUDE)
    solver.setTarget(shift)
    transform = solver.getST()
    transform.setType(SLEPc.ST.Type.SINVERT)
    linear = transform.getKSP()
    linear.setType("preonly")
    linear.getPC().setType("lu")
    linear.getPC().setFactorSolverType("mumps")
    solver.setInitialSpace([_vector(stiffness, np.cos(np.arange(stiffness.getSize()[0]) * 0.7) + 0.3)])
    try:
        solver.solve()
    except PETSc.Error as error:
        raise ConvergenceError(f"eigenvalue solver failed (PETSc error {error.ierr})", REMEDY) from None
    found = solver.getConverged()
    if solver.getConvergedReason() <= 0 or found < count:
        raise ConvergenceError(
            f"only {found} of {count} eigenvalues converged in {solver.getIterationNumber()} steps", REMEDY
        )
    values, vectors = [], []
    real, imaginary = stiffness.createVecRight(), stiffness.createVecRight()
    for number in range(found):
        values.append(complex(solver.getEigenpair(number, real, imaginary)))
        vectors.append(_whole(real) + 1j * _whole(imaginary))
    return np.asarray(values), np.asarray(vectors)
