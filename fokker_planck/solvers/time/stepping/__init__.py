"""Steps in time of a fixed or a driven generator: rational Krylov, one pole, Radau, and how long a step may be."""
