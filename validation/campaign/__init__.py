"""Random problems against quadrature and against identities: ``python -m validation.campaign``, ``make campaign``."""
