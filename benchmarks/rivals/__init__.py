"""What a user would write instead: one short script a method, each at its best."""
