"""The stationary density, weights of wells, probabilities of sets, the stationary current."""
