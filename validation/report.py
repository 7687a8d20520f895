"""The report: one HTML file that needs nothing else, the same as JSON, and its summary as Markdown."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fokker_planck.errors import MissingPackageError, ProblemError
from fokker_planck.quantity import Quantity
from validation import numbers
from validation.claim import GROUPS, Check, Table
from validation.outcome import Outcome, Results
from validation.state import write

TEMPLATE = "report.html.jinja"
PAGE, DATA, SUMMARY = "report.html", "results.json", "summary.md"
BEGIN, END = "<!-- summary of the last full run -->", "<!-- end of the summary -->"


def check_packages() -> None:
    """Raise MissingPackageError now rather than after the run, or once for every claim."""
    import fokker_planck.fem  # noqa: F401

    try:
        import jinja2  # noqa: F401
    except ImportError as error:
        raise MissingPackageError("jinja2", "validate") from error


def write_report(folder: Path, results: Results) -> Path:
    """Write the report into a folder; the path of the page."""
    write(folder / DATA, json.dumps(as_json(results), indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    write(folder / SUMMARY, markdown(results))
    write(folder / PAGE, page(results))
    return folder / PAGE


def page(results: Results) -> str:
    """The report as HTML."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "text": lambda value: numbers.pretty(numbers.text(value)) if numbers.is_number(value) else numbers.text(value),
        "bar": lambda value: numbers.pretty(numbers.bar(value)),
        "columns_of_numbers": columns_of_numbers,
        "computed": lambda check: numbers.pretty(numbers.computed(check)),
        "expected": lambda check: numbers.pretty(numbers.expected(check)),
        "difference": lambda check: numbers.pretty(numbers.difference(check)),
        "allowed": lambda check: numbers.pretty(numbers.allowed(check)),
        "share": numbers.share,
        "pretty": numbers.pretty,
        "by_reason": by_reason,
        "in_one_line": lambda check: numbers.pretty(numbers.comparison(check)),
        "duration": duration,
    }
    return environment.get_template(TEMPLATE).render(results=results, groups=list(groups(results)))


def groups(results: Results) -> Iterator[tuple[str, str, list[Outcome]]]:
    """Key, title and outcomes of each group that has any."""
    for group, title in GROUPS.items():
        outcomes = [outcome for outcome in results.outcomes if outcome.claim.group == group]
        if outcomes:
            yield group, title, outcomes


def by_reason(checks: tuple[Check, ...]) -> list[tuple[str, list[Check]]]:
    """Checks with the same reason together, otherwise in their order."""
    parts: dict[str, list[Check]] = {}
    for check in checks:
        parts.setdefault(check.because, []).append(check)
    return list(parts.items())


def columns_of_numbers(table: Table) -> set[int]:
    """The columns that are set flush right."""
    return {column for row in table.rows for column, value in enumerate(row) if numbers.is_number(value)}


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(3.21), duration(75.0), duration(7020.0)
    ('3.2 s', '1 min 15 s', '1 h 57 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def as_json(results: Results) -> dict[str, Any]:
    """Everything but the figures."""
    content = {
        "holds": results.holds,
        "verdict": results.verdict,
        "mode": "quick" if results.quick else "full",
        "selected": results.selected,
        "date": results.date,
        "seconds": round(results.seconds, 3),
        "machine": results.machine,
        "versions": results.versions,
        "claims": [_claim_json(outcome) for outcome in results.outcomes],
    }
    plain: dict[str, Any] = _plain(content)
    return plain


def markdown(results: Results) -> str:
    """Statement, verdict and worst number of every claim, and where and when these were found."""
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    lines = [
        f"**{_escaped(_capital(results.verdict))}** ({'quick' if results.quick else 'full'} run of {results.date}, "
        f"{duration(results.seconds)}).",
        "",
        _escaped(f"{results.machine}; {versions}."),
    ]
    for _, title, outcomes in groups(results):
        lines += ["", f"### {title}", "", "| claim | | worst number |", "|---|---|---|"]
        for one in outcomes:
            verdict = "holds" if one.holds else "**fails**"
            lines.append(f"| {_escaped(one.claim.title)} (`{one.claim.name}`) | {verdict} | {_escaped(worst(one))} |")
        lines.append("")
        lines += [f"- **{_escaped(one.claim.title)}.** {_escaped(one.claim.statement)}" for one in outcomes]
    return "\n".join(lines) + "\n"


def put_into_page(path: Path, results: Results) -> None:
    """Replace the summary that a page of the documentation shows."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(f"{BEGIN}\n")
    _, _, after = rest.partition(END)
    write(path, f"{before}{BEGIN}\n\n{markdown(results)}\n{END}{after}")


def check_page(path: Path) -> None:
    """Raise ProblemError where there is no page with a place for the summary."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProblemError("--page", str(path), f"a page that exists ({error.strerror})") from error
    if not 0 <= text.find(f"{BEGIN}\n") < text.find(END):
        raise ProblemError("--page", str(path), f"a page with the lines {BEGIN} and {END}")


def worst(outcome: Outcome) -> str:
    """The worst number of a claim against its tolerance, in one line."""
    if outcome.worst is None:
        return outcome.error
    return f"{outcome.worst.what}: {numbers.comparison(outcome.worst)}"


def _claim_json(outcome: Outcome) -> dict[str, Any]:
    claim, finding = outcome.claim, outcome.finding
    content: dict[str, Any] = {
        "name": claim.name,
        "group": claim.group,
        "title": claim.title,
        "statement": claim.statement,
        "formula": claim.formula,
        "source": claim.source,
        "holds": outcome.holds,
        "seconds": round(outcome.seconds, 3),
        "error": outcome.error or None,
    }
    if finding is None:
        return content | {"checks": [], "tables": [], "remarks": []}
    return content | {
        "checks": [
            {
                "what": check.what,
                "computed": check.computed,
                "expected": check.expected,
                "kind": check.kind,
                "difference": check.difference,
                "tolerance": check.tolerance,
                "because": check.because,
                "holds": check.holds,
            }
            for check in finding.checks
        ],
        "tables": [{"caption": it.caption, "columns": it.columns, "rows": it.rows} for it in finding.tables],
        "remarks": finding.remarks,
    }


def _plain(content: Any) -> Any:
    """JSON has no quantities and no infinities."""
    if isinstance(content, Quantity):
        return content.as_dict()
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _escaped(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
