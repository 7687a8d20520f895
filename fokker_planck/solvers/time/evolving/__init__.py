"""Densities and means at given times: where they start, how they are propagated, what is reported of them."""
