"""Which code computed a number: the commit of a checkout or of an installation from one, and the BLAS below."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 5.0
"""Seconds for git to name a commit: on a file system that hangs a result goes without."""


@cache
def origin() -> dict[str, Any]:
    """``commit`` of the code, None where nobody knows, and ``blas`` as numpy names its own."""
    return {"commit": _commit(), "blas": _blas()}


def _commit() -> str | None:
    if (CHECKOUT / ".git").exists() and (CHECKOUT / "pyproject.toml").exists():
        named = _git("describe", "--always", "--abbrev=40", "--exclude=*")
        changed = _git("status", "--porcelain", "--untracked-files=no")
        return None if not named or changed is None else f"{named}-dirty" if changed else named
    try:
        written = metadata.distribution("fokker-planck-fem").read_text("direct_url.json")
        commit = json.loads(written or "{}").get("vcs_info", {}).get("commit_id")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    return str(commit) if commit else None


def _git(*arguments: str) -> str | None:
    """What git says of the checkout, None where it says nothing in time.

    Without locks that it can do without: one that stays where a run is killed refuses the next commit.
    """
    command = ["git", "--no-optional-locks", "-C", str(CHECKOUT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _blas() -> str | None:
    import numpy as np

    try:
        built: Any = np.show_config(mode="dicts")
        library = built["Build Dependencies"]["blas"]
        return f"{library['name']} {library['version']}"
    except (KeyError, TypeError):
        return None
