"""Newton's method from many starts at once, and what it finds."""
