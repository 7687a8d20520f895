"""Correlation functions and power spectra in the stationary state."""
