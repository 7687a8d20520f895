"""``fokker-planck examples [NAME ...]``: the problem files of the project, listed and copied."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from fokker_planck.cli.arguments import OneLineParser
from fokker_planck.cli.ending import ANSWERED, COMMAND, ended

PACKAGED = Path(__file__).resolve().parents[1] / "data"
CHECKOUT = Path(__file__).resolve().parents[2]


def examples_command(arguments: Sequence[str]) -> int:
    """Run the command with its ``arguments``; the exit status."""
    options = _parser().parse_args(arguments)
    return ended(lambda: (_answer(options), ANSWERED))


def example_files() -> dict[str, Path]:
    """The problem files by name, of the package or of the checkout that it is imported from."""
    found = {path.stem: path for path in sorted((_top() / "examples").glob("*.toml"))}
    if not found:
        from fokker_planck.errors import ProblemError

        raise ProblemError("examples", "none in this installation", "a package with its data, or a checkout")
    return found


def title_of(path: Path) -> str:
    """What a problem file says it is."""
    found = re.search(r'^title *= *"(.*)"', path.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _top() -> Path:
    return PACKAGED if (PACKAGED / "examples").is_dir() else CHECKOUT


def _answer(options: argparse.Namespace) -> str:
    files = example_files()
    if not options.name:
        width = max(map(len, files))
        listed = [f"{name:<{width}}  {title_of(path)}" for name, path in files.items()]
        return "\n".join([*listed, "", f"{COMMAND} examples NAME copies one here", ""])
    return "".join(_copied(files, name, Path(options.output), options.force) for name in options.name)


def _copied(files: dict[str, Path], asked: str, folder: Path, force: bool) -> str:
    from fokker_planck.errors import ProblemError
    from fokker_planck.formulas.parsing.near import did_you_mean

    name = asked.removesuffix(".toml")
    if name not in files:
        raise ProblemError("NAME", f"{asked[:60]!r}{did_you_mean(name, files)}", f"one of {', '.join(files)}")
    text, target = files[name].read_text(encoding="utf-8"), folder / f"{name}.toml"
    written = {target: text.encode()}
    for mesh in re.findall(r'^file *= *"\.\./(meshes/[^"]+)"', text, re.MULTILINE):
        beside = Path(mesh).name
        written[folder / beside] = (_top() / mesh).read_bytes()
        written[target] = text.replace(f"../{mesh}", beside).encode()
    for path, content in written.items():
        if path.exists() and path.read_bytes() != content and not force:
            raise ProblemError(str(path), "a file with other content", "another folder (-o DIR), or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in written.items():
            path.write_bytes(content)
    except OSError as error:
        raise ProblemError("-o", str(folder), f"a folder that can be written ({error.strerror})") from None
    return f"{target}: {title_of(target)}\n{COMMAND} solve {target}\n"


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog=f"{COMMAND} examples",
        description="Problem files to begin with: listed without NAME, copied with it.",
        epilog=f"example: {COMMAND} examples double_well_2d && {COMMAND} solve double_well_2d.toml",
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar="NAME", nargs="*", help="of an example, with or without .toml")
    parser.add_argument(
        "-o", "--output", metavar="DIR", default=".", help="copy them here; the current folder without it"
    )
    parser.add_argument("--force", action="store_true", help="write over files that have other content")
    return parser
