"""What proven bounds of formulas say about coefficients: that nothing narrow hides between samples."""
