"""Formulas for small noise, one a file, and exact quadratures in one dimension: no mesh, no linear solver."""
