"""The pages name what there is."""

import re
from pathlib import Path

import fokker_planck as fp
from fokker_planck import sgd

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_of_the_interface_lists_every_public_name_and_no_other():
    before, after = (DOCS / "api.rst").read_text().split(".. currentmodule:: fokker_planck.sgd")
    listed, of_sgd = (set(re.findall(r"^   ([A-Za-z_]\w*)$", text, re.M)) for text in (before, after))
    assert listed == set(fp.__all__) - {"__version__", "sgd"}
    assert of_sgd == set(sgd.__all__)


def test_every_page_is_in_a_table_of_contents():
    contents = re.findall(r"^([a-z_/]+)$", (DOCS / "index.md").read_text(), re.M)
    files = [path.relative_to(DOCS) for end in ("md", "rst", "ipynb") for path in DOCS.rglob(f"*.{end}")]
    pages = {path.with_suffix("").as_posix() for path in files if path.parts[0] != "api"}
    assert pages - {"index"} == set(contents)
