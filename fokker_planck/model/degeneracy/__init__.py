"""Noise that is missing in some direction: everywhere, by a condition, or at a point, by mistake."""
