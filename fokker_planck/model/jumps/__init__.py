"""Surfaces on which coefficients jump or have a kink."""
