"""Eigenvalues of the generator: those of wells, all others of a strip of the plane, clusters of them."""
