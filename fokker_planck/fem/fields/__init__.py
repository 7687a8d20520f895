"""Finite-element functions at points and in files."""
