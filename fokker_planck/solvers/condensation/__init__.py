"""A process condensed onto its wells: states, elimination, the reduced chain between them."""
