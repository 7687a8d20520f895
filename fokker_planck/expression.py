"""Formulas typed by users, parsed into a whitelisted tree and never evaluated as Python."""

from __future__ import annotations
