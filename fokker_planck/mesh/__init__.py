"""Meshes as arrays of numbers: what a file holds, before finite elements are put on it."""
