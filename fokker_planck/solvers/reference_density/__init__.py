"""A reference exponent psi for a stationary density that nobody knows, followed from more noise to less."""
