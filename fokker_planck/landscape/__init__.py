"""Where a process rests and which way it leaves: minima, saddles, basins, the flow between them."""
