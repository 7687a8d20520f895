"""Underdamped processes in the plane: their phase space has four dimensions."""
