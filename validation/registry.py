"""Every claim there is: the modules of ``validation/claims``, found by being there."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Sequence

from fokker_planck.errors import ProblemError
from validation.claim import GROUPS, Claim

CLAIMS = "validation.claims"


def claims(package: str = CLAIMS) -> list[Claim]:
    """All claims of a package, in the order of the groups and then of their names.

    Raises ValueError where a module holds no claim, or one of another name than its file.
    """
    folder = importlib.import_module(package)
    found = [claim(module.name, package) for module in pkgutil.iter_modules(folder.__path__)]
    order = list(GROUPS)
    return sorted(found, key=lambda one: (order.index(one.group), one.name))


def claim(name: str, package: str = CLAIMS) -> Claim:
    """The claim of one module; ``name`` with hyphens or with underscores."""
    module = f"{package}.{name.replace('-', '_')}"
    found = getattr(importlib.import_module(module), "CLAIM", None)
    if not isinstance(found, Claim):
        raise ValueError(f"{module}: found no CLAIM; wanted CLAIM = Claim(...)")
    if found.name != name.replace("_", "-"):
        raise ValueError(f"{module}: found a claim of the name {found.name!r}; wanted {name.replace('_', '-')!r}")
    return found


def chosen(names: Sequence[str], quick: bool, known: Sequence[Claim]) -> list[Claim]:
    """The claims that were asked for by name, or all; of these for a quick run those that have a quick part.

    Raises ProblemError for a name that is none, with the names that are near to it.
    """
    by_name = {one.name: one for one in known}
    for name in names:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, n=4, cutoff=0.5) or list(by_name)
            raise ProblemError("claim", name[:60], f"one of {', '.join(near)} (validate --list shows all)")
        if quick and not by_name[name].quick:
            raise ProblemError("claim", name, "a claim that has a quick part, or the command without --quick")
    return [one for one in known if (one.name in names if names else one.quick or not quick)]
