"""What a question is asked with: beginnings and functions, wells as sets, a ring unrolled."""
