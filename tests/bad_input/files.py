"""Malformed problem files: (text, key that is named, part of what was found, part of what is wanted)."""

from pathlib import Path

MESHES = Path(__file__).parents[2] / "meshes"

GOOD = """
title = "Quartic double well"
[potential]
expression = "(x**2 - 1)**2/4 + k*y**2/2"
parameters = { k = 1.0 }
[diffusion]
kind = "isotropic"
epsilon = 0.05
[domain]
kind = "box"
lower = [-2.0, -1.5]
upper = [2.0, 1.5]
[sets.A]
ball = { center = [-1.0, 0.0], radius = 0.25 }
[sets.B]
ball = { center = [1.0, 0.0], radius = 0.25 }
[spectrum]
count = 4
[exit]
start = [-1.0, 0.0]
target = "B"
[committor]
from = "A"
to = "B"
"""

EXPRESSION = 'expression = "(x**2 - 1)**2/4 + k*y**2/2"\nparameters = { k = 1.0 }\n'
DIFFUSION = 'kind = "isotropic"\nepsilon = 0.05\n'
DOMAIN = 'kind = "box"\nlower = [-2.0, -1.5]\nupper = [2.0, 1.5]\n'
SET_A = "ball = { center = [-1.0, 0.0], radius = 0.25 }"
EXIT = 'start = [-1.0, 0.0]\ntarget = "B"\n'


def instead(old, new):
    """The good file with one part replaced."""
    assert GOOD.count(old) == 1, f"{old!r} occurs {GOOD.count(old)} times"
    return GOOD.replace(old, new)


def expression(text):
    """The good file with another formula, as a TOML literal string."""
    return instead(EXPRESSION, f"expression = '''{text}'''\n")


def added(text):
    """The good file with more at its end."""
    return GOOD + text


# name: (text, key, fragment of what was found, fragment of what is wanted)
KEYS = {
    "unknown key": (instead("epsilon", "epsilom"), "diffusion.epsilom", "did you mean epsilon?", "epsilon"),
    "unknown table": (added("[boundry]\n"), "boundry", "an unknown key", "at the top of the file"),
    "misspelt table": (instead("[spectrum]", "[spectrums]"), "spectrums", "did you mean spectrum?", "spectrum"),
    "unknown key in a set": (instead(SET_A, "bal = { center = [0, 0] }"), "sets.A.bal", "did you mean ball?", "region"),
    "unknown key in a ball": (
        instead(SET_A, SET_A.replace("radius", "raduis")), "sets.A.ball.raduis", "radius?", "center"),
    "key of another kind": (
        instead(DIFFUSION, DIFFUSION + "matrix = [[1]]\n"), "diffusion.matrix", "an unknown key", "for kind isotropic"),
    "key of another domain": (
        instead(DOMAIN, DOMAIN + "radius = 1\n"), "domain.radius", "an unknown key", "for kind box"),
    "unknown key in exit": (instead("target =", "targets ="), "exit.targets", "did you mean target?", "start, target"),
    "unknown key in spectrum": (instead("count", "number"), "spectrum.number", "an unknown key", "count"),
    "unknown key in committor": (instead('to = "B"', 'too = "B"'), "committor.too", "did you mean to?", "from, to"),
    "unknown discretization": (
        added("[discretization]\ntol = 1\n"), "discretization.tol", "an unknown key", "tolerance"),
    "no potential": (instead("[potential]\n" + EXPRESSION, ""), "potential", "nothing", "expression, name or grid"),
    "empty potential": (instead(EXPRESSION, ""), "potential", "neither", "exactly one"),
    "both expression and name": (
        instead(EXPRESSION, EXPRESSION + 'name = "mueller-brown"\n'), "potential", "both", "exactly one"),
    "no diffusion": (instead("[diffusion]\n" + DIFFUSION, ""), "diffusion", "nothing", "[diffusion]"),
    "no kind of diffusion": (instead('kind = "isotropic"\n', ""), "diffusion.kind", "nothing", "isotropic"),
    "no epsilon": (instead("epsilon = 0.05\n", ""), "diffusion.epsilon", "nothing", "positive number"),
    "no domain": (instead("[domain]\n" + DOMAIN, ""), "domain", "nothing", "[domain]"),
    "no kind of domain": (instead('kind = "box"\n', ""), "domain.kind", "nothing", "box, ball, mesh, sublevel"),
    "no upper": (instead("upper = [2.0, 1.5]\n", ""), "domain.upper", "nothing", "one for each axis"),
    "no radius": (instead(SET_A, "ball = { center = [-1, 0] }"), "sets.A.ball.radius", "nothing", "radius of the ball"),
    "no start": (instead("start = [-1.0, 0.0]\n", ""), "exit.start", "nothing", "the point"),
    "no target": (instead('target = "B"\n', ""), "exit.target", "nothing", "boundary"),
    "no from": (instead('from = "A"\n', ""), "committor.from", "nothing", "name of a set"),
    "empty set": (instead(SET_A, ""), "sets.A", "an empty table", "exactly one of ball"),
    "set of two shapes": (instead(SET_A, SET_A + '\nregion = "x"'), "sets.A", "2 shapes (ball, region)", "exactly one"),
}  # fmt: skip

TYPES = {
    "title is a number": (instead('"Quartic double well"', "3"), "title", "3", "a text"),
    "potential is a text": (
        instead("[potential]\n" + EXPRESSION, "").replace("[diffusion]", "potential = 'x'\n[diffusion]", 1),
        "potential", "the text 'x'", "a table"),
    "expression is a number": (expression("x").replace("'''x'''", "0.5"), "potential.expression", "0.5", "a text"),
    "expression is a list": (expression("x").replace("'''x'''", '["x"]'), "potential.expression", "['x']", "a text"),
    "parameters are a list": (instead("{ k = 1.0 }", "[1.0]"), "potential.parameters", "[1.0]", "a table"),
    "parameter is a text": (
        instead("k = 1.0", 'k = "1.0"'), "potential.parameters.k", "the text '1.0'", "finite number"),
    "parameter is a Boolean": (
        instead("k = 1.0", "k = true"), "potential.parameters.k", "Boolean true", "finite number"),
    "epsilon is a text": (instead("0.05", '"0.05"'), "diffusion.epsilon", "the text '0.05'", "positive number"),
    "epsilon is a Boolean": (instead("0.05", "true"), "diffusion.epsilon", "the Boolean true", "positive number"),
    "epsilon is a list": (instead("0.05", "[0.05]"), "diffusion.epsilon", "[0.05]", "positive number"),
    "epsilon is a date": (instead("0.05", "2020-01-01"), "diffusion.epsilon", "2020", "positive number"),
    "matrix is a number": (instead(DIFFUSION, 'kind = "constant"\nmatrix = 1\n'), "diffusion.matrix", "1", "rows"),
    "matrix of Booleans": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[true, 0.0], [0.0, 1.0]]\n'),
        "diffusion.matrix[0][0]", "the Boolean true", "finite number"),
    "lower is a text": (instead("[-2.0, -1.5]", '"-2, -1.5"'), "domain.lower", "the text", "list of"),
    "lower has a text": (
        instead("[-2.0, -1.5]", '[-2.0, "-1.5"]'), "domain.lower[1]", "the text '-1.5'", "finite number"),
    "lower is nested": (instead("[-2.0, -1.5]", "[[-2.0, -1.5]]"), "domain.lower[0]", "[-2.0, -1.5]", "finite number"),
    "boundary is a Boolean": (instead(DOMAIN, DOMAIN + "boundary = true\n"), "domain.boundary", "Boolean", "periodic"),
    "sets is a list": (GOOD.replace("[sets.A]\n" + SET_A + "\n[sets.B]", "[[sets]]"), "sets", "[", "a table"),
    "set is a text": (instead("[sets.A]\n" + SET_A, "[sets]\nA = 'ball'"), "sets.A", "the text 'ball'", "a table with"),
    "ball is a list": (
        instead(SET_A, "ball = [0, 0, 1]"), "sets.A.ball", "[0, 0, 1]", "a table with center and radius"),
    "region is a number": (instead(SET_A, "region = 1"), "sets.A.region", "1", "an expression"),
    "start is a text": (instead("start = [-1.0, 0.0]", 'start = "A"'), "exit.start", "the text 'A'", "2 numbers"),
    "target is a number": (instead('target = "B"', "target = 1"), "exit.target", "1", "name of a set"),
    "target is a table": (instead('target = "B"', "target = {}"), "exit.target", "the table", "name of a set"),
    "two exits": (instead("[exit]", "[[exit]]"), "exit", "[", "a table"),
    "count is a real number": (instead("count = 4", "count = 4.0"), "spectrum.count", "4.0", "whole number"),
    "count is a Boolean": (instead("count = 4", "count = true"), "spectrum.count", "the Boolean true", "whole number"),
    "degree 2.5": (
        added("[discretization]\ndegree = 2.5\n"), "discretization.degree", "2.5", "whole number from 1 to 8"),
    "cells is a text": (added('[discretization]\ncells = "9x9"\n'), "discretization.cells", "the text '9x9'", "list"),
}  # fmt: skip

VALUES = {
    "epsilon nan": (instead("0.05", "nan"), "diffusion.epsilon", "nan", "positive number"),
    "epsilon inf": (instead("0.05", "inf"), "diffusion.epsilon", "inf", "positive number"),
    "epsilon zero": (instead("0.05", "0.0"), "diffusion.epsilon", "0.0", "positive number"),
    "epsilon negative": (instead("0.05", "-0.05"), "diffusion.epsilon", "-0.05", "positive number"),
    "epsilon of 400 digits": (instead("0.05", "1" * 400), "diffusion.epsilon", "an integer of 400 digits", "positive"),
    "parameter inf": (instead("k = 1.0", "k = -inf"), "potential.parameters.k", "-inf", "finite number"),
    "unused parameter": (instead("k = 1.0", "k = 1.0, m = 2.0"), "potential.parameters.m", "does not use", "uses"),
    "parameter named x": (instead("k = 1.0", "x = 1.0"), "potential.parameters.x", "coordinate", "another name"),
    "unknown diffusion": (
        instead('"isotropic"', '"isotropc"'), "diffusion.kind", "did you mean isotropic?", "constant"),
    "unknown domain": (instead('kind = "box"', 'kind = "boxes"'), "domain.kind", "did you mean box?", "sublevel"),
    "unknown interpretation": (
        instead(DIFFUSION, DIFFUSION + 'interpretation = "itoh"\n'), "diffusion.interpretation", "ito?",
        "klimontovich"),
    "matrix not symmetric": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[1.0, 0.5], [0.0, 1.0]]\n'), "diffusion.matrix", "",
        "symmetric"),
    "matrix indefinite": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[1.0, 2.0], [2.0, 1.0]]\n'), "diffusion.matrix", "-1",
        "positive"),
    "matrix zero": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[0.0, 0.0], [0.0, 0.0]]\n'), "diffusion.matrix", "",
        "positive"),
    "matrix ragged": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[1.0, 0.0], [1.0]]\n'), "diffusion.matrix", "", "rows"),
    "matrix not square": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[1.0, 0.0]]\n'), "diffusion.matrix", "", "as many rows"),
    "matrix empty": (instead(DIFFUSION, 'kind = "constant"\nmatrix = []\n'), "diffusion.matrix", "", ""),
    "matrix of another size": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[1.0]]\n'), "diffusion.matrix", "1 rows", "2"),
    "matrix nan": (
        instead(DIFFUSION, 'kind = "constant"\nmatrix = [[1.0, nan], [nan, 1.0]]\n'),
        "diffusion.matrix[0][1]", "nan", "finite"),
    "lower above upper": (instead("[2.0, 1.5]", "[2.0, -1.6]"), "domain.upper", "[2.0, -1.6]", "greater"),
    "lower equals upper": (instead("[2.0, 1.5]", "[-2.0, 1.5]"), "domain.upper", "[-2.0, 1.5]", "greater"),
    "lower and upper of different length": (instead("[2.0, 1.5]", "[2.0]"), "domain.upper", "[2.0]", "2 numbers"),
    "four dimensions": (instead("[-2.0, -1.5]", "[0, 0, 0, 0]"), "domain.lower", "[0, 0, 0, 0]", "one, two or three"),
    "no dimensions": (instead("[-2.0, -1.5]", "[]"), "domain.lower", "[]", "one, two or three"),
    "infinite box": (instead("[2.0, 1.5]", "[inf, 1.5]"), "domain.upper[0]", "inf", "finite number"),
    "unknown boundary": (
        instead(DOMAIN, DOMAIN + 'boundary = "absorbing"\n'), "domain.boundary", "absorbing", "reflecting or periodic"),
    "three boundaries": (
        instead(DOMAIN, DOMAIN + 'boundary = ["periodic", "periodic", "periodic"]\n'), "domain.boundary", "",
        "2 of them"),
    "not periodic": (
        instead(DOMAIN, DOMAIN + 'boundary = ["reflecting", "periodic"]\n').replace("k*y**2/2", "k*y"),
        "potential.expression", "differs by 3", "periodic boundary"),
    "potential of fewer dimensions in the box": (
        instead(EXPRESSION, 'expression = "x + z"\n'), "potential.expression", "3 coordinates", "x, y"),
    "negative radius": (instead(SET_A, SET_A.replace("0.25", "-0.25")), "sets.A.ball.radius", "-0.25", "> 0"),
    "ball in space": (
        instead(SET_A, "ball = { center = [0, 0, 0], radius = 1 }"), "sets.A", "3 dimensions", "2 dimensions"),
    "semi-axes of different length": (
        instead(SET_A, "ellipsoid = { center = [0, 0], semi_axes = [1] }"), "sets.A.ellipsoid.semi_axes", "[1.0]", "2"),
    "zero normal": (
        instead(SET_A, "halfspace = { normal = [0, 0], offset = 1 }"), "sets.A.halfspace.normal", "[0.0, 0.0]",
        "not zero"),
    "region that does not parse": (instead(SET_A, 'region = "x >= 1"'), "sets.A.region", "a comparison", ""),
    "region in z": (instead(SET_A, 'region = "z"'), "sets.A", "3 dimensions", "2 dimensions"),
    "set called boundary": (instead("[sets.A]", "[sets.boundary]"), "sets.boundary", "that name", "another"),
    "ball domain of radius 0": (
        instead(DOMAIN, 'kind = "ball"\ncenter = [0, 0]\nradius = 0\n'), "domain.radius", "0", "> 0"),
    "sublevel unbounded": (
        instead(DOMAIN, 'kind = "sublevel"\nlevel = 1.0\n').replace("+ k*y**2/2", "- k*y**2/2"),
        "domain.level", "as far out as", "bounded"),
    "sublevel empty": (instead(DOMAIN, 'kind = "sublevel"\nlevel = -1.0\n'), "domain.level", "no point", "level"),
    "sublevel below the saddle": (
        instead(DOMAIN, 'kind = "sublevel"\nlevel = 0.2\n'), "domain.level", "2 parts", "above"),
    "sublevel out of its box": (
        instead(DOMAIN, 'kind = "sublevel"\nlevel = 9.0\nlower = [-1, -1]\nupper = [1, 1]\n'),
        "domain.level", "reaches the faces", "wider box"),
    "sublevel with half a box": (
        instead(DOMAIN, 'kind = "sublevel"\nlevel = 0.8\nlower = [-3, -3]\n'), "domain.upper", "nothing",
        "both or neither"),
    "mesh file missing": (instead(DOMAIN, 'kind = "mesh"\nfile = "no.msh"\n'), "domain.file", "no file", "existing"),
    "mesh file is a directory": (
        instead(DOMAIN, 'kind = "mesh"\nfile = "."\n'), "domain.file", "the directory", "mesh file"),
    "mesh file is this file": (
        instead(DOMAIN, 'kind = "mesh"\nfile = "problem.toml"\n'), "domain.file", "format", ".msh"),
    "mesh of another dimension": (
        instead(DOMAIN, f'kind = "mesh"\nfile = "{MESHES / "interval.msh"}"\n'),
        "potential.expression", "2 coordinates in a domain of 1", "x"),
    "tolerance negative": (
        added("[discretization]\ntolerance = -1e-6\n"), "discretization.tolerance", "-1e-06", "from 5e-13 to 0.1"),
    "tolerance of one": (added("[discretization]\ntolerance = 1\n"), "discretization.tolerance", "1", "from"),
    "degree 0": (added("[discretization]\ndegree = 0\n"), "discretization.degree", "0", "whole number from 1 to 8"),
    "degree 9": (added("[discretization]\ndegree = 9\n"), "discretization.degree", "9", "whole number from 1 to 8"),
    "cells of wrong length": (added("[discretization]\ncells = [64]\n"), "discretization.cells", "[64]", "2 of them"),
    "no cells": (added("[discretization]\ncells = [64, 0]\n"), "discretization.cells[1]", "0", "whole number from 1"),
    "billions of cells": (
        added("[discretization]\ncells = [99999, 99999]\n"), "discretization.cells", "[99999, 99999]", "at most"),
    "count of one": (instead("count = 4", "count = 1"), "spectrum.count", "1", "whole number from 2"),
    "start of another dimension": (instead("[-1.0, 0.0]\nt", "[-1.0]\nt"), "exit.start", "[-1.0]", "2 numbers"),
    "start outside the domain": (instead("[-1.0, 0.0]\nt", "[-3.0, 0.0]\nt"), "exit.start", "[-3.0, 0.0]", "inside"),
    "start in the target": (
        instead("[-1.0, 0.0]\nt", "[1.0, 0.1]\nt"), "exit.start", "[1.0, 0.1]", "outside of the set B"),
    "start on the absorbing boundary": (
        instead(EXIT, 'start = [2.0, 0.0]\ntarget = "boundary"\n'), "exit.start", "[2.0, 0.0]", "not already on"),
    "start nan": (instead("[-1.0, 0.0]\nt", "[nan, 0.0]\nt"), "exit.start[0]", "nan", "finite number"),
    "unknown target": (instead('target = "B"', 'target = "b"'), "exit.target", "'b'", "one of the sets A, B"),
    "target outside the domain": (
        GOOD.replace("[1.0, 0.0], radius", "[9.0, 0.0], radius"), "exit.target", "the set B", "points in the domain"),
    "unknown set of the committor": (instead('from = "A"', 'from = "AA"'), "committor.from", "did you mean A?", "A, B"),
    "committor from a set to itself": (instead('to = "B"', 'to = "A"'), "committor.to", "A", "no point in common"),
    "committor between sets that overlap": (
        instead(SET_A, 'region = "x"'), "committor.to", "B", "no point in common"),
    "empty drift": (added("[drift]\n"), "drift", "neither expression nor extra", "exactly one of"),
    "two drifts": (
        added('[drift]\nextra = ["y", "-x"]\nexpression = ["y", "-x"]\n'), "drift", "both expression and extra",
        "exactly one of"),
    "whole drift beside a potential": (
        added('[drift]\nexpression = ["y", "-x"]\n'), "drift.expression", "beside a [potential]", "one of the two"),
    "drift of one component": (added('[drift]\nextra = ["y"]\n'), "drift.extra", "the variable y", "one formula for"),
    "drift of three components": (
        added('[drift]\nextra = ["y", "x", "z"]\n'), "drift.extra", "3 components", "2, one for each"),
    "drift of numbers": (added("[drift]\nextra = [1.0, 2.0]\n"), "drift.extra", "[1.0, 2.0]", "list of formulas"),
    "parameter of no drift": (
        added('[drift]\nextra = ["y", "-x"]\nparameters = { k = 1 }\n'), "drift.parameters.k", "no formula uses",
        "only parameters"),
    "drift with a pole": (
        added('[drift]\nextra = ["1/x", "0"]\n'), "drift.extra", "not finite at", "finite values in the whole"),
    "misspelt drift": (added('[drift]\nexpresion = ["y"]\n'), "drift.expresion", "did you mean expression?", "one of"),
    "no friction": (
        added('[dynamics]\nkind = "underdamped"\n'), "dynamics.friction", "nothing", "a number > 0"),
    "negative friction": (
        added('[dynamics]\nkind = "underdamped"\nfriction = -1\n'), "dynamics.friction", "-1", "a number > 0"),
    "friction": (added("[dynamics]\nfriction = 0.5\n"), "dynamics.friction", "an unknown key", "overdamped"),
    "hessian noise without scale": (
        instead(DIFFUSION, 'kind = "hessian"\nfloor = 1\n'), "diffusion.scale", "nothing", "positive number"),
    "negative scale": (
        instead(DIFFUSION, 'kind = "hessian"\nscale = -1\n'), "diffusion.scale", "-1", "positive number"),
    "negative floor": (
        instead(DIFFUSION, 'kind = "hessian"\nscale = 1\nfloor = -1\n'), "diffusion.floor", "-1", "number >= 0"),
    "quadratic noise without curvature": (
        instead(DIFFUSION, 'kind = "quadratic"\noffset = 1\n'), "diffusion.curvature", "nothing", "one for each"),
    "quadratic noise of three axes": (
        instead(DIFFUSION, 'kind = "quadratic"\noffset = [1, 1, 1]\ncurvature = 1\n'), "diffusion", "lists of 3",
        "2, one for each axis"),
    "lists of different lengths": (
        instead(DIFFUSION, 'kind = "quadratic"\noffset = [1, 1]\ncurvature = [1, 1, 1]\n'), "diffusion",
        "lists of 2 and 3", "one length"),
    "a slope in radial noise": (
        instead(DIFFUSION, 'kind = "quadratic"\noffset = 1\ncurvature = 1\nslope = 1\nform = "radial"\n'),
        "diffusion.slope", "1", "no slope"),
    "an unknown form": (
        instead(DIFFUSION, 'kind = "quadratic"\noffset = 1\ncurvature = 1\nform = "axis"\n'), "diffusion.form",
        "did you mean axes?", "axes, radial"),
    "noise by no expression": (
        instead(DIFFUSION, 'kind = "expression"\n'), "diffusion.expression", "nothing", "a formula"),
    "noise by a number": (
        instead(DIFFUSION, 'kind = "expression"\nexpression = 1\n'), "diffusion.expression", "1", "a formula"),
    "noise by a row": (
        instead(DIFFUSION, 'kind = "expression"\nexpression = [["1", "0"]]\n'), "diffusion.expression", "['1', '0']",
        "square matrix"),
    "noise in another dimension": (
        instead(DIFFUSION, 'kind = "expression"\nexpression = "1 + z**2"\n'), "diffusion.expression",
        "3 coordinates", "x, y"),
    "noise with an unused parameter": (
        instead(DIFFUSION, 'kind = "expression"\nexpression = "1"\nparameters = { k = 1 }\n'),
        "diffusion.parameters.k", "no formula uses", "only parameters"),
    "gradient descent without a rate": (
        instead(DIFFUSION, 'kind = "sgd"\nbatch_size = 1\n'), "diffusion.learning_rate", "nothing", "positive number"),
    "half a batch": (
        instead(DIFFUSION, 'kind = "sgd"\nlearning_rate = 1\nbatch_size = 1.5\n'), "diffusion.batch_size", "1.5",
        "whole number"),
    "key of another covariance": (
        instead(DIFFUSION, 'kind = "sgd"\nlearning_rate = 1\nbatch_size = 1\nfloor = 1\n'), "diffusion.floor",
        "an unknown key", "for covariance isotropic"),
}  # fmt: skip

GALLERY = {
    "unknown name": ('name = "mueler-brown"', "potential.name", "mueler-brown", "mueller-brown"),
    "name is a number": ("name = 3", "potential.name", "3", "name of a potential"),
    "unknown parameter": (
        'name = "tilted-double-well"\nparameters = { tlit = 0.1 }', "potential.parameters.tlit", "", "tilt"),
    "parameter called name": (
        'name = "three-hole"\nparameters = { name = 1 }', "potential.parameters.name", "does not have", ""),
    "half a dimension": (
        'name = "ornstein-uhlenbeck"\nparameters = { dimension = 1.5 }', "potential.parameters.dimension", "1.5", ""),
    "seven dimensions": (
        'name = "ornstein-uhlenbeck"\nparameters = { dimension = 7 }', "potential.parameters.dimension", "7", ""),
    "too many dimensions for the box": (
        'name = "ornstein-uhlenbeck"\nparameters = { dimension = 3 }', "potential.name", "3 coordinates", "x, y"),
}  # fmt: skip

FORMULAS = {
    "import": ("__import__('os')", "__import__", ""),
    "import and call": ("__import__('os').system('true')", "", ""),
    "attribute": ("x.__class__", "an attribute", ""),
    "attribute of a number": ("(1.0).real", "an attribute", ""),
    "subclasses": ("().__class__.__bases__[0].__subclasses__()", "", ""),
    "evaluation": ("eval('1')", "eval", ""),
    "open a file": ("open('/etc/passwd')", "open", ""),
    "huge power": ("9**9**9", "", ""),
    "huge power on the left": ("((9**9)**9)**9**9", "", ""),
    "huge power of x": ("x**1000000", "a huge power", "exponents up to"),
    "huge number": ("1e400*x", "no double holds", "1e308"),
    "integer of thousands of digits": ("9" * 5000 + "*x", "digits", "1e308"),
    "nested 500 deep": ("(" * 500 + "x" + ")" * 500, "nested", ""),
    "nested calls": ("sin(" * 500 + "x" + ")" * 500, "nested", ""),
    "minus signs": ("-" * 5000 + "x", "", ""),
    "tower of powers": ("x" + "**x" * 500, "", ""),
    "too long": ("x + " * 50_000 + "x", "characters", "at most"),
    "a text": ('"x"', "a string", ""),
    "formatted text": ("f'{x}'", "a string", ""),
    "lambda": ("(lambda: x)()", "", ""),
    "lambda alone": ("lambda x: x", "a lambda", ""),
    "comprehension": ("[x for x in (1, 2)]", "a comprehension", ""),
    "generator": ("sum(x for x in (1, 2))", "sum", ""),
    "walrus": ("(x := 1)", "an assignment", ""),
    "condition": ("x if x > 0 else -x", "a condition", ""),
    "comparison": ("x > 0", "a comparison", ""),
    "subscript": ("x[0]", "square brackets", ""),
    "tuple": ("x, y", "a comma", ""),
    "statement": ("import os", "a syntax error", ""),
    "two lines": ("x\nimport os", "a syntax error", ""),
    "comment": ("x # y", "the character '#'", ""),
    "null byte": ("x\\u0000", "", ""),
    "empty": ("", "an empty string", ""),
    "blank": ("   ", "an empty string", ""),
    "unfinished": ("x +", "a syntax error", ""),
    "open bracket": ("(x", "a syntax error", ""),
    "caret": ("x^2", "the operator ^", "**"),
    "forgotten star": ("2x", "a syntax error", "*"),
    "bracket after a number": ("2(x + 1)", "", "*"),
    "unknown name": ("u**2", "the unknown name 'u'", "x"),
    "unknown function": ("sine(x)", "the unknown function 'sine'", "sin"),
    "function without argument": ("sin + x", "the function sin without", "sin("),
    "two arguments": ("sin(x, y)", "sin with 2 arguments", "one argument"),
    "keyword argument": ("sin(x=1)", "sin with 1 arguments", ""),
    "truth value": ("True", "a truth value", ""),
    "None": ("None", "None", ""),
    "imaginary": ("1j*x", "an imaginary number", ""),
    "not a number": ("nan", "the unknown name 'nan'", ""),
    "infinite": ("inf*x", "the unknown name 'inf'", ""),
    "infinite constant": ("1/0", "a division by zero", ""),
    "not real": ("sqrt(-1)", "", ""),
    "unicode": ("x² + y", "the character", ""),
    "not finite in the domain": ("log(x)", "at (", "finite values in the whole domain"),
    "pole in the domain": ("1/x", "at (", "finite values in the whole domain"),
}


def formula_text(formula):
    """A file with that formula; a null byte must be an escape of a basic string."""
    return instead(EXPRESSION, f'expression = "{formula}"\n') if "\\u" in formula else expression(formula)


TABLES = {
    **KEYS,
    **TYPES,
    **VALUES,
    **{f"gallery: {name}": (instead(EXPRESSION, f"{lines}\n"), *rest) for name, (lines, *rest) in GALLERY.items()},
    **{
        f"formula: {name}": (formula_text(formula), "potential.expression", found, wanted)
        for name, (formula, found, wanted) in FORMULAS.items()
    },
}


FILES = {
    "empty": (b"", "an empty file"),
    "blank": (b" \n\n", "an empty file"),
    "a comment": (b"# nothing\n", None),
    "invalid TOML": (b"[potential\nexpression = 1\n", "invalid TOML"),
    "key twice": (b"title = 'a'\ntitle = 'b'\n", "invalid TOML"),
    "table twice": (b"[exit]\n[exit]\n", "invalid TOML"),
    "not TOML": (b"{'potential': {'expression': 'x'}}", "invalid TOML"),
    "latin-1": ("title = 'Müller'".encode("latin-1"), "not UTF-8 (at byte 10)"),
    "utf-16": ("title = 'a'".encode("utf-16"), "not UTF-8"),
    "binary noise": (bytes(range(256)), "not UTF-8"),
    "null bytes": (b"\x00" * 100, "invalid TOML"),
    "nested brackets": (b"title = " + b"[" * 100_000, "invalid TOML"),
    "integer of 10000 digits": (b"title = " + b"9" * 10_000, "invalid TOML"),
    "two megabytes": (b"# " + b"x" * 2_000_000, "more than 1000000 bytes"),
}
"""Bytes that are no problem file, and what is said of them; a comment alone is one, without a potential."""

OVERRIDES = {
    "diffusion.epsilon": "--set",
    "diffusion.epsilon=-1": "diffusion.epsilon",
    "diffusion.epsilom=1": "diffusion.epsilom",
    "difusion.epsilon=1": "difusion",
    "potential.expression.k=1": "potential.expression.k",
    "potential.expression=k*__import__('os')": "potential.expression",
    "domain=3": "domain",
    "exit.start=[0.9, 0]": "exit.start",
}
"""What is wrong in ``--set``, and the key that is named."""
