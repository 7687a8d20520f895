"""Values on regular grids: read, and made into smooth functions."""
