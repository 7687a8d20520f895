"""What theory and papers claim, beside what the solver finds: one file a claim, one command, one report."""
