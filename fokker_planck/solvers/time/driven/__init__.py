"""Coefficients that depend on time: steps, the map over one period, the added potential, and the periodic state."""
