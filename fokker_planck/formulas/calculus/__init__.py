"""Derivatives and integrals of functions."""
