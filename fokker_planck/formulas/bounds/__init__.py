"""What a parsed formula says beyond its values: bounds over boxes, proven zeros, branches."""
