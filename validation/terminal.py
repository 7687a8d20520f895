"""What standard output shows: a table of the claims with verdict and worst number, or the list of claims."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from validation import numbers
from validation.claim import GROUPS, Claim
from validation.outcome import Results

WIDTH_WITHOUT_TERMINAL, NARROW = 120, 110


def listed(claims: Sequence[Claim]) -> str:
    """Names and titles by group."""
    widest = max((len(claim.name) for claim in claims), default=0)
    lines: list[str] = []
    for group, title in GROUPS.items():
        members = [claim for claim in claims if claim.group == group]
        lines += [title] if members else []
        lines += [
            f"  {claim.name:<{widest}}  {claim.title}{'' if claim.quick else ' (not in a quick run)'}"
            for claim in members
        ]
    return "\n".join(lines) + "\n"


def table(results: Results, page: Path, terminal: bool) -> str:
    """All claims, the verdict on them, and where the report is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = shutil.get_terminal_size().columns if terminal else WIDTH_WITHOUT_TERMINAL
    out = StringIO()
    console = Console(file=out, highlight=False, markup=False, force_terminal=terminal, width=width)
    rows = Table(box=None, pad_edge=False, header_style="dim")
    narrow = width < NARROW
    rows.add_column("claim", no_wrap=True)
    rows.add_column("", no_wrap=True)
    for heading in ("worst number",) if narrow else ("worst number", "computed", "expected"):
        rows.add_column(heading, overflow="fold")
    rows.add_column("of allowed", justify="right")
    rows.add_column("time", justify="right", no_wrap=True)
    for one in results.outcomes:
        verdict = Text("holds", "green") if one.holds else Text("FAILS", "bold red")
        time = f"{one.seconds:.1f} s"
        if one.worst is None:
            rows.add_row(one.claim.name, verdict, Text(one.error), *[""] * (1 if narrow else 3), time)
        else:
            check = one.worst
            compared = () if narrow else (numbers.computed(check), numbers.expected(check))
            rows.add_row(one.claim.name, verdict, *map(Text, (check.what, *compared, numbers.share(check))), time)
    console.print(rows)
    text = "\n".join(line.rstrip() for line in out.getvalue().splitlines())
    last = f"{results.verdict}, in {results.seconds:.1f} s; the report is {page}"
    return f"{text}\n\n{last[:1].upper()}{last[1:]}\n"
