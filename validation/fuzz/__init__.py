"""Formulas, problem files, overrides and meshes that make no sense: ``python -m validation.fuzz``, ``make fuzz``."""
