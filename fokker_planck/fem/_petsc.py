"""The only file that talks to PETSc and SLEPc: matrices from element matrices, linear and eigenvalue solves.

Every solve is checked; what did not converge raises ``ConvergenceError``.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from mpi4py import MPI
from petsc4py import PETSc

from fokker_planck.errors import ConvergenceError
from fokker_planck.fem import work
from fokker_planck.formulas.arrays import Floats, Integers

REMEDY = "try another degree or a finer mesh; if the barrier is high, raise the noise"
FEW_ROWS = 100
"""Of a matrix whose eigenvalues are all found at once, in 1 ms."""
FEW_ENTRIES = 2_000_000
"""Of symmetric element matrices in all, which PETSc adds up in 0.1 s; scipy takes half of its time, but 0.2 s to be
imported, as it is before any matrix that is not symmetric."""


ORDERING, MINIMUM_DEGREE = 7, 0
"""MUMPS's control of how unknowns are ordered, and approximate minimum degree there, for matrices of meshes in the
plane: with the nested dissection that it takes by itself a factor of 7,000 to 40,000 unknowns took 1.6 times as long,
one of 130,000 1.4 times, and had 3 to 15 % more entries. In space that is the better one by far."""


NOT_SUPPORTED = 56
"""PETSc's error where a factor does not take several systems at once: transposed ones in its release 3.22."""


def release_memory() -> None:
    """Hand back what earlier solves have freed: PETSc and the C library would keep it, and a series of meshes add up.

    All processes of a run together: since 3.18 PETSc only marks what Python drops, until all agree that it is gone.  A
    single process frees at once; asked to clean up all the same, the wheel of PETSc has been seen to free twice.
    """
    if MPI.COMM_WORLD.size > 1:
        PETSc.garbage_cleanup()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def matrix(comm: MPI.Comm, size: int, dofs: Integers, elements: Floats, *, symmetric: bool = True) -> PETSc.Mat:
    """Sum element matrices (m, n, n) into a sparse matrix; negative rows and columns are left out."""
    n = dofs.shape[1]
    if symmetric and _few(comm, elements):
        return _added_up(comm, size, dofs, [elements], [symmetric])[0]
    # indices take as much memory as the entries otherwise; what is left out adds zero to one entry of the diagonal
    small = np.where(dofs < 0, 0, dofs).astype(PETSc.IntType)
    rows, columns, values = np.repeat(small, n, axis=1), np.tile(small, (1, n)), elements.reshape(len(dofs), -1)
    missing = dofs < 0
    touched = np.flatnonzero(missing.any(axis=1))
    if len(touched):
        out = (missing[touched, :, None] | missing[touched, None, :]).reshape(len(touched), -1)
        rows[touched], columns[touched] = np.where(out, 0, rows[touched]), np.where(out, 0, columns[touched])
        values = values.copy()
        values[touched] = np.where(out, 0.0, values[touched])
    from scipy.sparse import coo_matrix

    shape = (max(size, 1), max(size, 1))
    summed = coo_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape=shape).tocsr()
    if size == 0:
        summed = summed[:0, :0]
    del rows, columns, values
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


def stiffness_and_mass(
    comm: MPI.Comm, size: int, dofs: Integers, stiffness: Floats, mass: Floats, *, symmetric: bool
) -> tuple[PETSc.Mat, PETSc.Mat]:
    """Both sums at once: entries of the same unknowns have the same places, whose search takes most of the time."""
    if _few(comm, stiffness):
        first, second = _added_up(comm, size, dofs, [stiffness, mass], [symmetric, True])
        return first, second
    return matrix(comm, size, dofs, stiffness, symmetric=symmetric), matrix(comm, size, dofs, mass)


def _few(comm: MPI.Comm, elements: Floats) -> bool:
    return comm.size == 1 and elements.size <= FEW_ENTRIES and hasattr(PETSc.Mat, "setPreallocationCOO")


def _added_up(
    comm: MPI.Comm, size: int, dofs: Integers, each: Sequence[Floats], symmetric: Sequence[bool]
) -> list[PETSc.Mat]:
    """The same by PETSc itself, which leaves out negative rows and columns, for element matrices of the same dofs."""
    small, n = dofs.astype(PETSc.IntType), dofs.shape[1]
    pattern = PETSc.Mat().create(comm)
    pattern.setSizes((size, size))
    pattern.setType(PETSc.Mat.Type.AIJ)
    pattern.setPreallocationCOO(np.repeat(small, n, axis=1).ravel(), np.tile(small, (1, n)).ravel())
    found: list[PETSc.Mat] = []
    for elements, alike in zip(each, symmetric, strict=True):
        pattern.setValuesCOO(np.ascontiguousarray(elements).ravel(), PETSc.InsertMode.INSERT_VALUES)
        found.append(pattern if len(found) == len(each) - 1 else pattern.copy())
        found[-1].setOption(PETSc.Mat.Option.SYMMETRIC, alike)
    return found


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
    """A matrix that need not be symmetric, factored once by MUMPS, for systems with it and with its transpose.

    ``planar`` tells that it is one of a mesh in the plane, see ``MINIMUM_DEGREE``.
    """

    method = "lu"

    def __init__(self, operator: PETSc.Mat, *, planar: bool = False) -> None:
        self._operator = operator
        self._norm = float(operator.norm(PETSc.NormType.INFINITY))
        self._solver = PETSc.KSP().create(operator.getComm())
        self._solver.setOperators(operator)
        self._solver.setType("preonly")
        self._solver.getPC().setType(self.method)
        self._solver.getPC().setFactorSolverType("mumps")
        if planar:
            self._solver.getPC().setFactorSetUpSolverType()
            self._solver.getPC().getFactorMatrix().setMumpsIcntl(ORDERING, MINIMUM_DEGREE)
        try:
            self._solver.setUp()
        except PETSc.Error as error:
            raise ConvergenceError(f"factorisation failed (PETSc error {error.ierr})", REMEDY) from None
        work.done(factorisations=1)

    def solve(self, right: Floats, *, adjoint: bool = False, tolerance: float = 1e-8) -> Floats:
        """Solve A x = b, or A^T x = b, for right-hand sides (n,) or (k, n), whole on every rank; residuals are checked.

        Several at once go through the factor together, which is read once: twelve take a sixth of the time.
        """
        if right.ndim == 2 and len(right) != 1:
            return self._solve_together(right, adjoint, tolerance)
        b = _vector(self._operator, right.ravel())
        x = b.duplicate()
        (self._solver.solveTranspose if adjoint else self._solver.solve)(b, x)
        reason = self._solver.getConvergedReason()
        if reason < 0:
            raise ConvergenceError(f"linear solve failed (PETSc reason {reason})", REMEDY)
        self._check(x, b, adjoint, tolerance)
        work.done(solves=1)
        return _whole(x).reshape(right.shape)

    def _solve_together(self, right: Floats, adjoint: bool, tolerance: float) -> Floats:
        """The same for (k, n) at once."""
        if not len(right):
            return np.zeros_like(right)
        b, x = _vector(self._operator, right[0]), _vector(self._operator, right[0])
        (first, last), comm, size = b.getOwnershipRange(), self._operator.getComm(), right.shape[1]
        shape = ((last - first, size), (PETSc.DECIDE, len(right)))
        loads = PETSc.Mat().createDense(shape, array=np.asfortranarray(right[:, first:last].T), comm=comm)
        found = PETSc.Mat().createDense(shape, comm=comm)
        for block in (loads, found):
            block.assemble()
        try:
            (self._solver.matSolveTranspose if adjoint else self._solver.matSolve)(loads, found)
        except PETSc.Error as error:
            if error.ierr == NOT_SUPPORTED:
                return np.array([self.solve(one, adjoint=adjoint, tolerance=tolerance) for one in right])
            raise ConvergenceError(f"linear solves failed (PETSc error {error.ierr})", REMEDY) from None
        columns, result = np.array(found.getDenseArray(readonly=True)).T, np.empty_like(right)
        for number, (load, column) in enumerate(zip(right, columns, strict=True)):
            b.setArray(load[first:last])
            x.setArray(column)
            self._check(x, b, adjoint, tolerance)
            result[number] = _whole(x)
        work.done(solves=len(right))
        return result

    def _check(self, x: PETSc.Vec, b: PETSc.Vec, adjoint: bool, tolerance: float) -> None:
        residual = b.duplicate()
        (self._operator.multTranspose if adjoint else self._operator.mult)(x, residual)
        residual.axpy(-1.0, b)
        scale = self._norm * x.norm() + b.norm()
        if not np.isfinite(scale):
            raise ConvergenceError("linear solve with numbers beyond double precision", REMEDY)
        if residual.norm() > tolerance * scale:
            raise ConvergenceError(f"linear solve left a residual of {residual.norm() / scale:.1e}", REMEDY)


class Factorization(TwoSidedFactorization):
    """A symmetric matrix factored once by MUMPS, for any number of right-hand sides."""

    method = "cholesky"

    def apply(self, right: Floats) -> Floats:
        """A^-1 b for b (n,), as it comes: neither checked nor counted, for preconditioners."""
        b = _vector(self._operator, right)
        x = b.duplicate()
        self._solver.solve(b, x)
        return _whole(x)


def led_by_first_rank(comm: MPI.Comm, apply: Any, compute: Any) -> Any:
    """``compute(apply)`` on rank 0 alone, the other ranks joining in every ``apply``; the result on all.

    A Krylov method that each rank ran for itself would take as many steps as its own rounding says, which depends on
    where its vectors lie in memory: the ranks would then wait for each other for ever.
    """
    if comm.size == 1:
        return compute(apply)
    outcome: Any = None
    if comm.rank == 0:

        def led(vector: Any) -> Any:
            comm.bcast(vector, root=0)
            return apply(vector)

        try:
            outcome = compute(led)
        except ConvergenceError as error:
            outcome = error
        comm.bcast(None, root=0)
    else:
        while (vector := comm.bcast(None, root=0)) is not None:
            with contextlib.suppress(ConvergenceError):  # rank 0 meets it, too, and tells all
                apply(vector)
    outcome = comm.bcast(outcome, root=0)
    if isinstance(outcome, ConvergenceError):
        raise outcome
    return outcome


def is_positive(comm: MPI.Comm, size: int, dofs: Integers, elements: Floats) -> bool:
    """Whether a symmetric matrix is positive definite, by the signs of its pivots, from element matrices (m, n, n)."""
    factored = PETSc.PC().create(comm)
    factored.setOperators(matrix(comm, size, dofs, elements))
    factored.setType("cholesky")
    factored.setFactorSolverType("mumps")
    factored.setFactorSetUpSolverType()
    factored.getFactorMatrix().setMumpsIcntl(24, 1)  # without it signs are not counted
    try:
        factored.setUp()
    except PETSc.Error:
        return False
    work.done(factorisations=1)
    negative, zero, _ = factored.getFactorMatrix().getInertia()
    return bool(negative == 0 and zero == 0)


def _shift_and_invert(stiffness: PETSc.Mat, mass: PETSc.Mat, count: int, shift: float) -> Any:
    """The eigensolver of SLEPc for the pencil near ``shift``, with the factorisation of MUMPS."""
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
    return solver


def lowest_eigenvectors(
    stiffness: PETSc.Mat, mass: PETSc.Mat, count: int, shift: float, known: Sequence[Floats]
) -> tuple[Floats, Floats]:
    """Eigenvalues (k,) and eigenvectors (k, n) of ``stiffness y = lambda mass y`` nearest to ``shift``, k >= count.

    Shift-and-invert Krylov-Schur; ``known`` eigenvectors (n,) are kept out.  Both matrices are scaled in place so that
    the diagonal of the mass is one: on cells of very different sizes rounding is measured by the mass then.
    """
    size = mass.getDiagonal()
    size.sqrtabs()
    root = _whole(size)
    size.reciprocal()
    for operator in (stiffness, mass):
        operator.diagonalScale(size, size)
    solver = _shift_and_invert(stiffness, mass, count, shift)
    if known:
        solver.setDeflationSpace([_vector(stiffness, vector * root) for vector in known])
    solver.setInitialSpace([_vector(stiffness, np.cos(np.arange(stiffness.getSize()[0]) * 0.7) + 0.3)])
    try:
        solver.solve()
    except (PETSc.Error, SystemError) as error:
        # a factor that is singular to rounding is told by the former, and by the latter where slepc4py passes it on
        code = getattr(error, "ierr", "in a factorisation")
        raise ConvergenceError(f"eigenvalue solver failed (PETSc error {code})", REMEDY) from None
    work.done(factorisations=1)
    found = solver.getConverged()
    if solver.getConvergedReason() <= 0 or found < count:
        raise ConvergenceError(
            f"only {found} of {count} eigenvalues converged in {solver.getIterationNumber()} steps", REMEDY
        )
    values, vectors = [], []
    vector: Any = stiffness.createVecRight()
    for number in range(found):
        values.append(solver.getEigenpair(number, vector).real)
        vectors.append(_whole(vector) / root)
    return np.asarray(values), np.asarray(vectors)


def smallest_eigenvalue(size: int, dofs: Integers, elements: Floats, count: int = 1, shift: float = 0.0) -> float:
    """The smallest eigenvalue of a symmetric matrix above ``shift``, from element matrices as in :func:`matrix`.

    Or that of the number ``count``.  Every rank finds it for itself.
    """
    comm = MPI.COMM_SELF
    operator = matrix(comm, size, dofs, elements)
    if size < FEW_ROWS:
        return float(np.linalg.eigvalsh(operator.getValues(range(size), range(size)))[count - 1])
    identity = matrix(comm, size, np.arange(size)[:, None], np.ones((size, 1, 1)))
    return float(np.sort(lowest_eigenvectors(operator, identity, count, shift, [])[0])[count - 1])
