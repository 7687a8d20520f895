"""How the pages are built: `make docs` writes them to results/docs, with every warning an error."""

from __future__ import annotations

import os
from types import UnionType
from typing import Any

import mpi4py.MPI  # noqa: F401  (before dolfinx, which autodoc imports: the wheel loads its MPI here)

import fokker_planck

project = "fokker_planck"
author = "The fokker_planck developers"
copyright = author
release = version = fokker_planck.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build"]
root_doc = "index"
nitpicky = False

html_theme = "furo"
html_title = "fokker_planck"
html_static_path: list[str] = []

autosummary_generate = True
autodoc_typehints = "none"  # the signature has them, and the section on parameters says more
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
myst_heading_anchors = 3

# A page whose code fails is an error; every page is run anew, so that its numbers are this version's.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
os.environ.setdefault("OMP_NUM_THREADS", "1")


def names_of_union(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Of several classes that stand for one thing their names are said, not what a union is in Python."""
    if isinstance(obj, UnionType):
        lines[:] = [f"One of {', '.join(f'``{kind.__name__}``' for kind in obj.__args__)}."]


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", names_of_union)
