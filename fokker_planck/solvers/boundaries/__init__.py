"""What absorbs and what holds: targets, starts, singular ends of a line, walls against which a drift pushes."""
