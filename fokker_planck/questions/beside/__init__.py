"""Formulas for small noise beside the answers of the solvers."""
