"""Small claims that cost nothing, as files of a package: those that hold, fail, raise and die."""

import textwrap

HOSTILE = "<script>alert('x')</script> & \"more\" | `code`"
HEADER = "from fokker_planck.quantity import Quantity\nfrom validation.claim import *\nimport os, pathlib, time\n"
CLAIM_TEXT = (
    'CLAIM = Claim("{name}", "{group}", "The claim {name}", {statement!r}, "λ = 1 < 2", "Nobody (1900)", '
    "compute, {quick})"
)
HOLDS = """
    def compute(run):
        run.step("a number", lambda: 1.0)
        print("a library says hello")
        return Finding((equal("one", Quantity.of_log(-3000.0, 1e-9), Quantity.of_log(-3000.0, 0.0), 1e-6, "theory"),),
                       remarks=("quick" if run.quick else "full",))
"""


def put_claim(folder, name, body, group="seeds", statement="It holds.", quick=True):
    """Write the file of a claim."""
    text = CLAIM_TEXT.format(name=name, group=group, statement=statement, quick=quick)
    (folder / f"{name.replace('-', '_')}.py").write_text(HEADER + textwrap.dedent(body) + text + "\n")


def put_package(folder):
    """A package of claims: one that holds, one that does not, one that raises, one whose process dies."""
    folder.mkdir()
    (folder / "__init__.py").touch()
    put_claim(folder, "good-one", HOLDS, statement=HOSTILE)
    off = 'def compute(run):\n    return Finding((near("two", 2.1, 2.0, 0.01, "-"), at_most("one", 1, 2, "-")))\n'
    put_claim(folder, "wrong-one", off, "convergence")
    raises = 'def compute(run):\n    raise ArithmeticError("the mesh <stopped>\\nat 12")\n'
    put_claim(folder, "raising", raises, "witness", quick=False)
    put_claim(folder, "dying", "def compute(run):\n    os.kill(os.getpid(), 9)\n", "witness", quick=False)
    return folder
