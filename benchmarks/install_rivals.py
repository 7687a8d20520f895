"""Install what the benchmarks compare with, the optional extra ``bench``, where it is missing; nothing else may change.

Claim: after it, numpy, scipy, PETSc and MPI are those of before, which dolfinx was built against.  A package that
cannot be installed is named, and the benchmarks go on without it.
"""

import importlib.metadata
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
STAYS = ("numpy", "scipy", "mpi4py", "petsc4py", "slepc4py", "meshio", "matplotlib")


def missing() -> list[str]:
    """Requirements of the extra that are not there."""
    wanted = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]["bench"]
    return [each for each in wanted if version(re.split(r"[<>=!~ ]", each)[0]) is None]


def version(name: str) -> str | None:
    """Of an installed distribution."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def main() -> None:
    """Install each by itself, so that one failure does not stop the other."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.writelines(f"{name}=={version(name)}\n" for name in STAYS if version(name))
        pins.flush()
        for requirement in missing():
            print(f"installing {requirement}", file=sys.stderr)
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            if subprocess.run([*command, "--constraint", pins.name, requirement], check=False).returncode:
                print(f"{requirement} cannot be installed; the benchmarks go on without it", file=sys.stderr)


if __name__ == "__main__":
    main()
