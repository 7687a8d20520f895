"""Tables of answers as HTML, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

CAPTION = "text-align: left; font-weight: bold"
FITTING = "overflow-x: auto; white-space: nowrap"
"""A number stays on its line, and where a table is wider than the page it is moved below a finger."""


def html_tables(tables: Iterable[Table], footer: str = "") -> str:
    """The tables of an answer below each other, and a last line.

    >>> from fokker_planck.output.tables import empty_table
    >>> table = empty_table("A < B", ("set",), ("probability",))
    >>> table.add_row("left", "0.5")
    >>> html_tables([table]).count("<td")
    2
    """
    last = f'<small style="white-space: normal">{escape(footer)}</small>' if footer else ""
    return f'<div style="{FITTING}">' + "".join(_table(table) for table in tables) + last + "</div>"


def _table(table: Table) -> str:
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    aligned = ["right" if column.justify == "right" else "left" for column in table.columns]
    heads = "".join(
        f'<th style="text-align: {side}">{_plain(column.header)}</th>'
        for side, column in zip(aligned, table.columns, strict=True)
    )
    rows = (
        "".join(f'<td style="text-align: {side}">{cell}</td>' for side, cell in zip(aligned, row, strict=True))
        for row in zip(*columns, strict=True)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    caption = f'<caption style="{CAPTION}">{_plain(table.title or "")}</caption>'
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _plain(cell: object) -> str:
    """A cell without the markup of the terminal, and with that of a page."""
    from rich.text import Text

    return escape(Text.from_markup(cell).plain if isinstance(cell, str) else str(cell))
