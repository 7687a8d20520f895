"""Linear systems given by their elements, and vectors beyond the range of doubles."""
