"""What is modelled: sets, domains, processes."""
