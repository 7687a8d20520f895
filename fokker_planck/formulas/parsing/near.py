"""Near matches for a misspelt word."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` (did you mean NEAREST?)``, or nothing where no known word is near.

    >>> did_you_mean("epsilom", ["epsilon", "matrix"])
    ' (did you mean epsilon?)'
    """
    import difflib  # of use where something is refused

    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""
