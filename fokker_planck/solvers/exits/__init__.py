"""Ways out: densities along curves, parts of a target, descents on which nothing climbs."""
