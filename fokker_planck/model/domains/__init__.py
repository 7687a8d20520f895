"""Where a process lives: boxes, sublevel sets, meshes, and what is asked of any of them."""
