"""No number without a sentence: every numeric constant of a module says beside it what it trades, or what it is."""

import ast
import io
import tokenize
from collections.abc import Iterator

import pytest
from sources import PACKAGE, files, parsed

LEAST_WORDS = 3


def _numeric(node: ast.expr) -> bool:
    """Whether an expression holds a number of its own: by itself, in a collection, or in a product with others."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float | complex) and not isinstance(node.value, bool)
    if isinstance(node, ast.UnaryOp):
        return _numeric(node.operand)
    if isinstance(node, ast.BinOp):
        return _numeric(node.left) or _numeric(node.right)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(_numeric(part) for part in node.elts)
    if isinstance(node, ast.Dict):
        return any(_numeric(part) for part in node.values)
    # whole numbers are sizes, of np.zeros(0) say
    return isinstance(node, ast.Call) and any(_fractions(part) for part in (*node.args, *node.keywords))


def _fractions(node: ast.AST) -> list[float]:
    return [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, float)]


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, ast.stmt | None]]:
    """Name and statement of each numeric constant, whatever its letters, and the statement that follows."""
    for here, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(here, ast.Assign):
            targets, value = here.targets, here.value
        elif isinstance(here, ast.AnnAssign) and here.value is not None:
            targets, value = [here.target], here.value
        else:
            continue
        names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        if names and _numeric(value):
            yield ", ".join(names), here, after


def untold_defaults(tree: ast.Module) -> list[str]:
    """Fields of classes with a number as default, neither zero nor one, that the text of their class does not name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            said = ast.get_docstring(node) or ""
            given = [part for part in node.body if isinstance(part, ast.AnnAssign | ast.Assign) and part.value]
            for part in given:
                name = ast.unparse(part.target if isinstance(part, ast.AnnAssign) else part.targets[0])
                if {*_fractions(part.value)} - {0.0, 1.0} and name not in said:
                    found.append(f"{node.name}.{name}")
    return found


def without_a_sentence(source: str, tree: ast.Module | None = None) -> list[str]:
    """Names of the constants that have neither a comment on or right above their lines nor a text right below."""
    comments, alone = {}, set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string
            if not token.line[: token.start[1]].strip():
                alone.add(token.start[0])
    found = []
    for name, here, after in _constants(tree or ast.parse(source)):
        below = after.value if isinstance(after, ast.Expr) else None
        said = str(below.value) if isinstance(below, ast.Constant) and isinstance(below.value, str) else ""
        line = here.lineno - 1
        while line in alone:
            said += comments[line]
            line -= 1
        said += " ".join(comments.get(line, "") for line in range(here.lineno, (here.end_lineno or here.lineno) + 1))
        if len([word for word in said.replace("#", " ").split() if any(map(str.isalpha, word))]) < LEAST_WORDS:
            found.append(name)
    return found


def test_every_constant_says_what_it_is():
    missing = {path: without_a_sentence(path.read_text(), parsed(path)) for path in files()}
    assert {path.relative_to(PACKAGE).as_posix(): constants for path, constants in missing.items() if constants} == {}


def test_every_number_that_a_field_begins_with_is_told_by_its_class():
    assert [name for path in files() for name in untold_defaults(parsed(path))] == []
    planted = 'class Step:\n  "What ``size`` is."\n  size: float = 0.3\n  other: float = 0.7\n  none: float = 0.0'
    assert untold_defaults(ast.parse(planted)) == ["Step.other"]


@pytest.mark.parametrize(
    "said",
    [
        "# Of the tolerance: a share.\nSHARE = 0.1",
        "#: Of the tolerance,\n#: a share.\nSHARE = 0.1",
        "SHARE = {1: 0.1, 2: 0.2}  # of the tolerance",
        'SHARE, OTHER = 0.1, -2.0\n"""Of the tolerance: a share."""',
        'SHARE = "tenth"',
        "NONE = Plan(np.zeros(0), ())",
    ],
)
def test_a_constant_with_a_sentence_passes(said):
    assert without_a_sentence(said + "\n") == []


@pytest.mark.parametrize(
    "unsaid",
    [
        "SHARE = 0.1",
        "SHARE: float = 2.0 * 3",
        "# Of the tolerance: a share.\n\nSHARE = 0.1",
        "# Of the tolerance: a share.\nPART = 0.2\nSHARE = 0.1",
        "SHARE = {1: 0.1, 2: 0.2}  # share",
        "SHARE = np.array([1.0, 2.0])",
        "SHARE = float(np.log(10.0))",
        "SHARE = (OTHER, 0.1)",
        "SHARE = {1: OTHER, 2: 0.1}",
        'SHARE = 0.1\nprint("of the tolerance")',
    ],
)
def test_a_planted_constant_without_one_is_found(unsaid):
    assert without_a_sentence(unsaid + "\n") == ["SHARE"]
