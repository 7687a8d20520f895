"""Basins of attraction: which one a point is in, the lines between them, integrals over them."""
