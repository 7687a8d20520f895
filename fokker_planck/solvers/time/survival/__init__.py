"""The law of the exit in time: the first steps, the slow modes, and the way down between them."""
