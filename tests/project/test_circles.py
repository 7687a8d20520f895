"""No file, and no folder, imports one that, whatever the way, imports it: not in functions, nor for types alone."""

from collections.abc import Iterable, Mapping
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


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """What imports each other in a circle; nothing where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def folders(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The folders of each package, by what their files import of one another; files beside folders are not asked."""
    found: dict[str, set[str]] = {}
    for name, those in graph.items():
        inside, folder = (_folder(other) for other in those), _folder(name)
        found.setdefault(folder, set()).update(inside)
    return {folder: those - {folder, ""} for folder, those in found.items() if folder}


def _folder(name: str) -> str:
    return ".".join(name.split(".")[:3]) if name.count(".") > 2 else ""


def test_the_package_has_no_circles():
    graph = imports(PACKAGE)
    assert circle(graph) == []
    assert circle(folders(graph)) == []
    assert sum(map(len, graph.values())) > 1000
    assert len(folders(graph)) > 20


@pytest.mark.parametrize("back", ["def f():\n    from {}.one import a", "if TYPE_CHECKING:\n    import {}.one"])
def test_a_circle_is_found(tmp_path, back):
    (tmp_path / "one.py").write_text(f"from {tmp_path.name}.two import b")
    (tmp_path / "two.py").write_text(f"from {tmp_path.name} import three")
    (tmp_path / "three.py").write_text(back.format(tmp_path.name))
    assert {name.rpartition(".")[2] for name in circle(imports(tmp_path))} == {"one", "two", "three"}


def test_a_circle_of_folders_is_found():
    graph = {"p.a.x.one": {"p.a.y.two"}, "p.a.y.two": set(), "p.a.y.three": {"p.a.x.four"}, "p.a.x.four": set()}
    assert circle(graph) == []
    assert set(circle(folders(graph))) == {"p.a.x", "p.a.y"}
