"""Finite elements: triangulations, spaces, assembled operators, and the PETSc solvers behind them."""
