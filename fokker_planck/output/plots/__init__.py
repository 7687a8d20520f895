"""Pictures of densities and committors, and what they show as plain arrays."""
