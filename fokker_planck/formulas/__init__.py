"""Formulas and functions: parsed, evaluated, bounded; values on grids; derivatives and integrals."""
