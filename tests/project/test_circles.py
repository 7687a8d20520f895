"""No file of the package imports one that, whatever the way, imports it: not in functions, nor for types alone."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from sources import PACKAGE
from test_rooms import imported


def imports(root: Path) -> dict[str, set[str]]:
    """The files that every file imports, all by dotted names; the front door, which only hands names out, is none."""
    names = {_dotted(path, root): path for path in sorted(root.rglob("*.py")) if path != root / "__init__.py"}
    return {name: set(_known((to for _, to in imported(path, root)), names)) - {name} for name, path in names.items()}


def _dotted(path: Path, root: Path) -> str:
    parts = [root.name, *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _known(found: Iterable[str], names: dict[str, Path]) -> Iterable[str]:
    """What is a file, or what stands in one."""
    for dotted in found:
        yield from [name for name in (dotted, dotted.rpartition(".")[0]) if name in names][:1]


def circle(root: Path) -> list[str]:
    """Files that import each other in a circle; none where there is no circle."""
    try:
        TopologicalSorter(imports(root)).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_the_package_has_no_circles():
    assert circle(PACKAGE) == []
    assert sum(map(len, imports(PACKAGE).values())) > 1000


@pytest.mark.parametrize("back", ["def f():\n    from {}.one import a", "if TYPE_CHECKING:\n    import {}.one"])
def test_a_circle_is_found(tmp_path, back):
    (tmp_path / "one.py").write_text(f"from {tmp_path.name}.two import b")
    (tmp_path / "two.py").write_text(f"from {tmp_path.name} import three")
    (tmp_path / "three.py").write_text(back.format(tmp_path.name))
    assert {name.rpartition(".")[2] for name in circle(tmp_path)} == {"one", "two", "three"}
