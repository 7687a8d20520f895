"""What questions return: numbers with their errors, fields, statistics."""
