"""What one file of the package does is done by no other: each "only file that" is the only one.

The layers of the package are contracts of import-linter (``make lint``). The checker here reads the sources and
imports nothing. It looks into functions and ``if TYPE_CHECKING`` too.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import PACKAGE, files, nodes

FINITE_ELEMENTS = {"dolfinx", "basix", "ufl", "ffcx"}
ALGEBRA = {"petsc4py", "slepc4py"}
VERSION_FILE, ALGEBRA_FILE, FORMS_FILE = "fem/_dolfinx.py", "fem/_petsc.py", "fem/operators.py"
FORM_WORDS = {
    "dx", "ds", "dS", "dP", "Measure", "TestFunction", "TestFunctions", "TrialFunction", "TrialFunctions", "Argument",
}  # fmt: skip


def imported(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything that a file imports: ``from a import b`` gives ``a.b``."""
    package = [root.name, *path.relative_to(root).parent.parts]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _last_name(node.func) in {"import_module", "__import__"} and node.args:
            if isinstance(node.args[0], ast.Constant):
                yield node.lineno, str(node.args[0].value)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _first_name(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _bound_to(path: Path, libraries: set[str]) -> dict[str, str]:
    """Names of a file that stand for something of these libraries, with what they stand for."""
    bound = {}
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in libraries:
                    bound[alias.asname or alias.name.split(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in libraries:
            bound |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return bound


def broken_rooms(path: Path, root: Path) -> Iterator[str]:
    """What one file does that is the business of another one alone."""
    name = path.relative_to(root).as_posix()
    for line, dotted in imported(path, root):
        library, last = dotted.split(".")[0], dotted.split(".")[-1]
        if library in ALGEBRA and name != ALGEBRA_FILE:
            yield f"{name}:{line}: only {ALGEBRA_FILE} imports {library}"
        if library == "ufl" and last in FORM_WORDS and name != FORMS_FILE:
            yield f"{name}:{line}: only {FORMS_FILE} writes forms, with {last}"
        if library in FINITE_ELEMENTS and last == "__version__" and name != VERSION_FILE:
            yield f"{name}:{line}: only {VERSION_FILE} reads the version of {library}"
    forms, elements = _bound_to(path, {"ufl"}), _bound_to(path, FINITE_ELEMENTS)
    for node in nodes(path):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Attribute) and name != FORMS_FILE:
            if node.attr in FORM_WORDS and _first_name(node) in forms:
                yield f"{where}: only {FORMS_FILE} writes forms, with {node.attr}"
        if name == VERSION_FILE:
            continue
        if isinstance(node, ast.Attribute) and node.attr == "__version__" and _first_name(node) in elements:
            yield f"{where}: only {VERSION_FILE} reads the version of {elements[_first_name(node)]}"
        if isinstance(node, ast.Compare) and any(_last_name(part) == "dolfinx_version" for part in ast.walk(node)):
            yield f"{where}: only {VERSION_FILE} branches on a version"
        if isinstance(node, ast.Call) and node.args:
            called, first = _last_name(node.func), node.args[0]
            asks = called in {"hasattr", "signature"} or (called == "getattr" and len(node.args) == 3)
            if asks and _first_name(first) in elements:
                yield f"{where}: only {VERSION_FILE} asks {elements[_first_name(first)]} for a feature, with {called}"
            if (
                called == "version"
                and isinstance(first, ast.Constant)
                and re.search("dolfinx|basix|ffcx|ufl", str(first.value))
            ):
                yield f"{where}: only {VERSION_FILE} reads the version of {first.value}"


def violations(root: Path) -> list[str]:
    """Everything in a package that breaks the rule of its rooms."""
    return [found for path in sorted(root.rglob("*.py")) for found in broken_rooms(path, root)]


def test_the_package_keeps_its_rooms():
    assert violations(PACKAGE) == []


def test_the_checker_sees_the_whole_package():
    assert (PACKAGE / "__init__.py").is_file()
    read = {line for path in files() for line in imported(path, PACKAGE)}
    assert len(read) > 50


PLANTED = {
    "petsc elsewhere": ("fem/mesh.py", "from petsc4py import PETSc", "only fem/_petsc.py imports petsc4py"),
    "slepc elsewhere": ("solvers/exit.py", "def f():\n    import slepc4py", "only fem/_petsc.py imports slepc4py"),
    "a form elsewhere": (
        "solvers/exit.py",
        "import ufl\nform = u * v * ufl.dx",
        "only fem/operators.py writes forms, with dx",
    ),
    "a form elsewhere, imported": ("fem/mesh.py", "from ufl import TestFunction", "only fem/operators.py writes forms"),
    "a form elsewhere, renamed": (
        "fem/mesh.py",
        "import ufl as u\nu.Measure('dx')",
        "only fem/operators.py writes forms",
    ),
    "version read": (
        "fem/mesh.py",
        "import dolfinx\nv = dolfinx.__version__",
        "only fem/_dolfinx.py reads the version",
    ),
    "version read, imported": (
        "fem/mesh.py",
        "from dolfinx import __version__",
        "only fem/_dolfinx.py reads the version",
    ),
    "version read, metadata": (
        "output/tables.py",
        "version('fenics-dolfinx')",
        "only fem/_dolfinx.py reads the version",
    ),
    "version compared": (
        "fem/mesh.py",
        "from . import _dolfinx\n_dolfinx.dolfinx_version() < '0.9'",
        "branches on a version",
    ),
    "feature asked for": (
        "fem/mesh.py",
        "from dolfinx import mesh\nif hasattr(mesh, 'refine_plaza'): pass",
        "only fem/_dolfinx.py asks dolfinx.mesh for a feature, with hasattr",
    ),
    "signature asked for": (
        "solvers/exit.py",
        "import inspect, dolfinx.fem\ninspect.signature(dolfinx.fem.form)",
        "asks dolfinx.fem for a feature, with signature",
    ),
}

ALLOWED = {
    "fem/mesh.py": "from . import _dolfinx\nprint(_dolfinx.dolfinx_version())",
    "fem/_dolfinx.py": "import dolfinx, inspect\nnew = dolfinx.__version__ > '0.7' or hasattr(dolfinx.mesh, 'x')",
    "fem/_petsc.py": "from petsc4py import PETSc\nfrom slepc4py import SLEPc",
    "fem/operators.py": "import ufl\nfrom ufl import TestFunction\nform = u * ufl.dx",
    "solvers/exit.py": "from fokker_planck.fem import mesh\nfrom fokker_planck.model.sets.shapes import Ball",
}


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"__init__.py": "", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


def test_what_is_allowed_passes(tmp_path):
    assert violations(_write(tmp_path / "fokker_planck", ALLOWED)) == []


@pytest.mark.parametrize(("name", "text", "complaint"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_violation_is_found(tmp_path, name, text, complaint):
    root = _write(tmp_path / "fokker_planck", ALLOWED | {name: text})
    assert any(complaint in found and found.startswith(name.removesuffix(".py")) for found in violations(root))
