"""Diffusion tensors: constant, dependent on the state, made of the curvature of the potential."""
