"""What of a domain a question can do without."""
