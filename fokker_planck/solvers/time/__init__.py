"""The semigroup exp(t L) and its adjoint: propagation, survival, correlations, driving."""
