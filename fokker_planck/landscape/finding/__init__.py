"""All minima and saddles of a function on a domain."""
