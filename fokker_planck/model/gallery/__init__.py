"""Named problems, each with what is known about it."""
