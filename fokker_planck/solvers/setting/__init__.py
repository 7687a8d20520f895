"""What a question is asked in: the kind of process, its landscape, the energies it climbs to, the error budget."""
