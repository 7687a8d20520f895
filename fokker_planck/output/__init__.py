"""What leaves the program: tables, JSON, result folders, pictures."""
