"""From the text of a formula to a tree that can be evaluated."""
