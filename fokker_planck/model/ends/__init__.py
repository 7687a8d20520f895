"""Ends of a line at which the noise vanishes or the drift is infinite."""
