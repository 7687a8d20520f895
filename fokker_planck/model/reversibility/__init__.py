"""Which kind of process it is, and the exponent of its density."""
