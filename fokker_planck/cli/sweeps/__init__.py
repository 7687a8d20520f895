"""One problem file at many values of its keys, every point kept as soon as it is known."""
