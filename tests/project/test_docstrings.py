"""What help() shows says every argument and what comes back; ruff (D417) holds all docstrings with sections to that."""

import inspect
import re

import pytest

import fokker_planck as fp
from fokker_planck import sgd

#: A protocol, and a keyword whose argument is named by another word.
WITHOUT = {("Diffusion", "args"), ("Diffusion", "kwargs"), ("Region", "gradient_function")}
PUBLIC = [
    (home, name)
    for home in (fp, sgd)
    for name in home.__all__
    if inspect.isclass(getattr(home, name)) or inspect.isfunction(getattr(home, name))
    if name != "FokkerPlanckError"  # the base of all errors, which has no arguments of its own
]


def sections(text):
    """Lines of every section of numpydoc, by its title."""
    pieces = re.split(r"(?m)^([A-Z]\w+(?: \w+)?)\n-{3,}$", text)
    return {title: body.strip("\n").splitlines() for title, body in zip(pieces[1::2], pieces[2::2], strict=True)}


@pytest.mark.parametrize(("home", "name"), PUBLIC, ids=[name for _, name in PUBLIC])
def test_a_public_docstring_says_every_argument_and_what_comes_back(home, name):
    thing = getattr(home, name)
    found = sections(inspect.getdoc(thing) or "")
    lines = found.get("Parameters", []) + found.get("Attributes", [])
    told = {word for line in lines if not line.startswith(" ") for word in line.split(" : ")[0].split(", ")}
    wanted = {argument for argument in inspect.signature(thing).parameters if not argument.startswith("_")}
    assert {argument for argument in wanted - told if (name, argument) not in WITHOUT} == set()
    if inspect.isfunction(thing) and inspect.signature(thing).return_annotation not in (None, "None"):
        assert "Returns" in found
    order = ["Parameters", "Attributes", "Returns", "Raises", "Notes", "References", "Examples"]
    assert [title for title in order if title in found] == [title for title in found if title in order]
