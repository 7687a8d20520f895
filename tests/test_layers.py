"""Imports point one way, and each "only file that" is the only one.

The layers, lowest first: the words shared by all; the mathematics; asymptotics and fem; solvers; the outward files.
A module of the package that is not named below belongs to the mathematics, where the rules are strictest.
A module may import from its own layer and from those below, except that asymptotics know neither fem nor solvers and
these know no asymptotics, so that each checks the other. Only the tests and the outward files see both.

The checker reads the sources and imports nothing. It looks into functions and ``if TYPE_CHECKING`` too.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "fokker_planck"

WORDS, MATHEMATICS, METHODS, SOLVERS, OUTWARD = range(5)
FOLDERS = {
    **dict.fromkeys(["formulas", "mesh", "model", "sgd"], MATHEMATICS),
    **dict.fromkeys(["asymptotics", "fem"], METHODS),
    "solvers": SOLVERS,
    "output": OUTWARD,
}
FILES = {
    **dict.fromkeys(["errors", "progress", "quantity"], WORDS),
    **dict.fromkeys(
        ["answers", "committor_plot", "sgd_study", "small_noise"]
        + ["problem_file", "io", "picture", "plotting", "report", "serialize", "parallel", "cli"],
        OUTWARD,
    ),
    **dict.fromkeys(["__init__", "__main__", "validate_command"], OUTWARD),
}
STRANGERS = [{"asymptotics", "fem"}, {"asymptotics", "solvers"}]

FINITE_ELEMENTS = {"dolfinx", "basix", "ufl", "ffcx"}
ALGEBRA = {"petsc4py", "slepc4py"}
# What the mathematics must do without: it is tested in milliseconds on any machine.
HEAVY = FINITE_ELEMENTS | ALGEBRA | {"mpi4py", "gmsh", "meshio", "matplotlib", "rich"}
MAY_USE_HEAVY = {"mesh_file": {"meshio"}}

VERSION_FILE, ALGEBRA_FILE, FORMS_FILE = "fem/_dolfinx.py", "fem/_petsc.py", "fem/operators.py"
FORM_WORDS = {
    "dx", "ds", "dS", "dP", "Measure", "TestFunction", "TestFunctions", "TrialFunction", "TrialFunctions", "Argument",
}  # fmt: skip


def imported(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything that a file imports: ``from a import b`` gives ``a.b``."""
    package = [root.name, *path.relative_to(root).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
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


def _bound_to(tree: ast.AST, libraries: set[str]) -> dict[str, str]:
    """Names of a file that stand for something of these libraries, with what they stand for."""
    bound = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in libraries:
                    bound[alias.asname or alias.name.split(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in libraries:
            bound |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return bound


def room(dotted: str, root: Path) -> str | None:
    """The module or subpackage at the top of the package that holds a dotted name; None for other packages."""
    first, *rest = dotted.split(".")
    if first != root.name:
        return None
    is_module = len(rest) > 1 or (rest and ((root / rest[0]).is_dir() or (root / f"{rest[0]}.py").is_file()))
    return rest[0] if is_module else "__init__"


def layer(name: str, root: Path) -> int | None:
    """The layer of a module or subpackage; None for a folder that has none."""
    return FOLDERS.get(name) if (root / name).is_dir() else FILES.get(name, MATHEMATICS)


def broken_layers(path: Path, root: Path) -> Iterator[str]:
    """Imports of one file that point the wrong way."""
    here = path.relative_to(root).parts[0].removesuffix(".py")
    level = layer(here, root)
    if level is None:
        yield f"{path.relative_to(root)}: {here} stands in no layer, name it in tests/test_layers.py"
        return
    for line, dotted in imported(path, root):
        where = f"{path.relative_to(root)}:{line}"
        library = dotted.split(".")[0]
        there = room(dotted, root)
        if there is None:
            if level <= MATHEMATICS and library in HEAVY - MAY_USE_HEAVY.get(here, set()):
                yield f"{where}: the mathematics does without {library}"
            elif here not in {"fem", "solvers"} and library in FINITE_ELEMENTS | ALGEBRA:
                yield f"{where}: only fem and solvers use {library}"
            continue
        above = layer(there, root)
        if above is not None and above > level:
            yield f"{where}: {here} imports upwards from {there}"
        elif {here, there} in STRANGERS:
            yield f"{where}: {here} and {there} must not know each other"


def broken_rooms(path: Path, root: Path) -> Iterator[str]:
    """What one file does that is the business of another one alone."""
    name = path.relative_to(root).as_posix()
    tree = ast.parse(path.read_text())
    for line, dotted in imported(path, root):
        library, last = dotted.split(".")[0], dotted.split(".")[-1]
        if library in ALGEBRA and name != ALGEBRA_FILE:
            yield f"{name}:{line}: only {ALGEBRA_FILE} imports {library}"
        if library == "ufl" and last in FORM_WORDS and name != FORMS_FILE:
            yield f"{name}:{line}: only {FORMS_FILE} writes forms, with {last}"
        if library in FINITE_ELEMENTS and last == "__version__" and name != VERSION_FILE:
            yield f"{name}:{line}: only {VERSION_FILE} reads the version of {library}"
    forms, elements = _bound_to(tree, {"ufl"}), _bound_to(tree, FINITE_ELEMENTS)
    for node in ast.walk(tree):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Attribute) and name != FORMS_FILE:
            if node.attr in FORM_WORDS and _first_name(node) in forms:
                yield f"{where}: only {FORMS_FILE} writes forms, with {node.attr}"
        if name == VERSION_FILE:
            continue
        if isinstance(node, ast.Attribute) and node.attr == "__version__" and _first_name(node) in elements:
            yield f"{where}: only {VERSION_FILE} reads the version of {elements[_first_name(node)]}"
        if isinstance(node, ast.Compare) and any(_last_name(part) == "VERSION" for part in ast.walk(node)):
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
    """Everything in a package that breaks the order of its layers or the rule of its rooms."""
    files = sorted(root.rglob("*.py"))
    return [found for path in files for rule in (broken_layers, broken_rooms) for found in rule(path, root)]


def test_the_package_keeps_its_layers():
    assert violations(PACKAGE) == []


def test_the_checker_sees_the_whole_package():
    assert (PACKAGE / "__init__.py").is_file()
    read = {line for path in PACKAGE.rglob("*.py") for line in imported(path, PACKAGE)}
    assert len(read) > 50


PLANTED = {
    "upwards": ("sets.py", "from fokker_planck.answers import spectrum", "imports upwards from answers"),
    "upwards, in words": ("errors.py", "import fokker_planck.sets", "imports upwards from sets"),
    "upwards, relative": ("fem/mesh.py", "from ..solvers import results", "imports upwards from solvers"),
    "upwards, relative to the package": ("sets.py", "from . import answers", "imports upwards from answers"),
    "upwards, inside a function": ("sets.py", "def f():\n    import fokker_planck.io", "imports upwards from io"),
    "upwards, for typing": ("sets.py", "if TYPE_CHECKING:\n    from .cli import main", "imports upwards from cli"),
    "upwards, by import_module": ("sets.py", "import_module('fokker_planck.io')", "imports upwards from io"),
    "through the front door": ("solvers/exit.py", "from fokker_planck import Box", "imports upwards from __init__"),
    "asymptotics know fem": ("asymptotics/a.py", "from fokker_planck.fem import mesh", "must not know each other"),
    "fem knows asymptotics": ("fem/mesh.py", "import fokker_planck.asymptotics.a", "must not know each other"),
    "solvers know asymptotics": ("solvers/exit.py", "from ..asymptotics.a import rates", "must not know each other"),
    "an unnamed module is mathematics": ("new.py", "from .fem import mesh", "imports upwards from fem"),
    "a folder without a layer": ("new/a.py", "", "stands in no layer"),
    "dolfinx in the mathematics": ("sets.py", "import dolfinx.mesh", "does without dolfinx"),
    "meshio in the mathematics": ("domain.py", "def f():\n    import meshio", "does without meshio"),
    "dolfinx in asymptotics": ("asymptotics/a.py", "import dolfinx", "only fem and solvers use dolfinx"),
    "dolfinx in an outward file": ("report.py", "from dolfinx import __version__", "only fem and solvers use dolfinx"),
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
    "version read, metadata": ("answers.py", "version('fenics-dolfinx')", "only fem/_dolfinx.py reads the version"),
    "version compared": ("fem/mesh.py", "from . import _dolfinx\n_dolfinx.VERSION < '0.9'", "branches on a version"),
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
    "cli.py": "from fokker_planck import answers, report",
    "answers.py": "from .asymptotics import a\nfrom .solvers import exit",
    "report.py": "",
    "sets.py": "import numpy, scipy.optimize\nfrom .errors import ProblemError",
    "errors.py": "",
    "mesh_file.py": "def f():\n    import meshio",
    "asymptotics/a.py": "from ..quantity import Quantity",
    "quantity.py": "",
    "fem/mesh.py": "from ..mesh_file import read_mesh\nfrom . import _dolfinx\nprint(_dolfinx.VERSION)",
    "fem/_dolfinx.py": "import dolfinx, inspect\nnew = dolfinx.__version__ > '0.7' or hasattr(dolfinx.mesh, 'x')",
    "fem/_petsc.py": "from petsc4py import PETSc\nfrom slepc4py import SLEPc",
    "fem/operators.py": "import ufl\nfrom ufl import TestFunction\nform = u * ufl.dx",
    "solvers/exit.py": "from fokker_planck.fem import mesh\nfrom fokker_planck.sets import Ball",
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
    root = _write(
        tmp_path / "fokker_planck",
        ALLOWED | {name: text, "io.py": "", "domain.py": "" if name != "domain.py" else text},
    )
    assert any(complaint in found and found.startswith(name.removesuffix(".py")) for found in violations(root))
