"""Finite elements: triangulations, spaces, assembled operators, and the PETSc solvers behind them."""

from importlib.util import find_spec

from fokker_planck.errors import MissingPackageError

# Said once, here, through which every module of the folder is imported, and not by whichever of them comes first.
for _package in ("mpi4py", "petsc4py", "slepc4py", "dolfinx"):
    if find_spec(_package) is None:
        raise MissingPackageError(_package, "fem")
