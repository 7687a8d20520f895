"""A reported number: its value, logarithm and error estimate, and how it counts, compares and prints."""

from fokker_planck.quantity.number import Quantity, QuantityDict

__all__ = ["Quantity", "QuantityDict"]
