"""Answers as text, as JSON, in a folder and read back from it; what they took, and where they miss the tolerance."""
