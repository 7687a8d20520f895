"""Questions to a discretised process; each module answers one."""
