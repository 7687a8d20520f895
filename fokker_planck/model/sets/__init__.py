"""Sets of points: balls, ellipsoids, half-spaces, regions of formulas, tagged parts of a mesh, intervals of a line."""
