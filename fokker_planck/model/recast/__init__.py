"""A problem as another one: a ring as a line, the boundary as a set, a particle as its position."""
