"""What makes no process, domain or problem: (call, key that is named, part of what was found, of what is wanted)."""

from pathlib import Path

import numpy as np

import fokker_planck as fp
from fokker_planck import Hessian, Quadratic, Sampled, sgd
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.gallery.registry import named
from fokker_planck.model.potential import Potential
from fokker_planck.model.schedule import Schedule
from fokker_planck.sgd.learning import Learning

MESHES = Path(__file__).parents[2] / "meshes"
ONE, NAN, INF = fp.Isotropic(1.0), float("nan"), float("inf")
PLANE = Box([-2.0, -1.5], [2.0, 1.5])


def shown(value):
    """A value as the name of a case, arrays and functions without their addresses."""
    return getattr(value, "__name__", None) or " ".join(str(value).split())[:40]


ISOTROPIC = {
    f"Isotropic({shown(bad)} {type(bad).__name__})": (
        lambda bad=bad: fp.Isotropic(bad), "diffusion.epsilon", "the text '0.1'" * isinstance(bad, str),
        "a positive number",
    )
    for bad in (0, 0.0, -1.0, NAN, INF, "0.1", None, True, [0.1], 1j, np.array([0.1]), 10**400)
}  # fmt: skip

CONSTANT = {
    f"Constant({shown(bad)})": (lambda bad=bad: fp.Constant(bad), "diffusion.matrix", found, wanted)
    for bad, found, wanted in (
        ([[1.0, 2.0]], "", "as many rows as columns"),
        ([[1.0, 0.0], [0.0]], "", "rows"),
        ([], "", "as many rows"),
        ([[]], "", "as many rows"),
        (3.0, "", "as many rows"),
        ([1.0, 2.0], "", "as many rows"),
        ([[[1.0]]], "", "as many rows"),
        ([[1.0, 0.5], [0.4, 1.0]], "", "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "eigenvalue -1", ""),
        ([[-1.0]], "eigenvalue -1", ""),
        ([[0.0]], "", "positive semidefinite"),
        ([[1.0, NAN], [NAN, 1.0]], "", "finite"),
        ([[INF]], "", "finite"),
        ([["1"]], "", "numbers"),
        ([[True]], "", "numbers"),
        ([[None]], "", "numbers"),
        ([[1j]], "", "numbers"),
        ("1", "", "numbers"),
        (None, "", "numbers"),
        ({"a": 1}, "", "numbers"),
    )
}
CONSTANT["a matrix in another dimension"] = (
    lambda: fp.Constant([[1.0, 0.0], [0.0, 2.0]]).tensor(np.zeros((3, 4))), "diffusion.matrix", "", "3 of each",
)  # fmt: skip

STATE = {
    "scale of nothing": (lambda: Hessian(0.0), "diffusion.scale", "", ""),
    "scale of a text": (lambda: Hessian("1"), "diffusion.scale", "", ""),
    "negative floor": (lambda: Hessian(1.0, -0.1), "diffusion.floor", "", ""),
    "no number as floor": (lambda: Hessian(1.0, NAN), "diffusion.floor", "", ""),
    "curvature of no potential": (lambda: Hessian(1.0).field(None, 1), "diffusion.kind", "", ""),
    "offset of a text": (lambda: Quadratic("a", 1.0), "diffusion.offset", "", ""),
    "infinite curvature": (lambda: Quadratic(1.0, [1.0, INF]), "diffusion.curvature[1]", "", ""),
    "unknown form": (lambda: Quadratic(1.0, 1.0, form="round"), "diffusion.form", "", ""),
    "offsets of radial noise": (lambda: Quadratic([1.0, 1.0], 1.0, form="radial"), "diffusion.offset", "", ""),
    "slope of radial noise": (lambda: Quadratic(1.0, 1.0, slope=1.0, form="radial"), "diffusion.slope", "", ""),
    "lists of different lengths": (lambda: Quadratic([1.0, 1.0], [1.0, 1.0, 1.0]), "diffusion", "", ""),
    "quadratic in another dimension": (lambda: Quadratic([1.0, 1.0], 1.0).field(None, 3), "diffusion", "", ""),
    "unfinished formula": (lambda: fp.Formula("1 + "), "diffusion.expression", "", ""),
    "formula of a number": (lambda: fp.Formula(3), "diffusion.expression", "", ""),
    "formula of a row": (lambda: fp.Formula([["1", "x"]]), "diffusion.expression", "", ""),
    "formula with a list": (lambda: fp.Formula([["1", [2]], ["x", "1"]]), "diffusion.expression", "", ""),
    "parameter of no formula": (lambda: fp.Formula("1", {"k": 1.0}), "diffusion.parameters.k", "", ""),
    "formula of an unknown name": (lambda: fp.Formula("k"), "diffusion.expression", "", ""),
    "formula in z": (lambda: fp.Formula("1 + z").field(None, 2), "diffusion.expression", "", ""),
    "matrix of formulas in space": (
        lambda: fp.Formula([["1", "0"], ["0", "1"]]).field(None, 3), "diffusion.expression", "", ""),
    "no function": (lambda: Sampled(3.0), "diffusion", "", ""),
    "no divergence": (lambda: Sampled(np.ones_like, 3.0), "diffusion.divergence", "", ""),
    "four coordinates": (lambda: Sampled(np.ones_like, dimension=4), "diffusion.dimension", "", ""),
    "two coordinates on a line": (
        lambda: Sampled(lambda x: x[0], dimension=2).field(None, 1), "diffusion", "", ""),
    "values of another shape": (
        lambda: Sampled(lambda x: x).field(None, 2).tensor(np.zeros((2, 3))), "diffusion", "", ""),
    "function that fails": (
        lambda: Sampled(lambda x: x[5]).field(None, 2).tensor(np.zeros((2, 3))), "diffusion", "", ""),
    "divergence of another shape": (
        lambda: Sampled(np.ones_like, lambda x: x[0]).field(None, 2).divergence(np.zeros((2, 3))),
        "diffusion.divergence", "", ""),
}  # fmt: skip

SETS = {
    "centre of no number": (lambda: fp.Ball([0.0, NAN], 1.0), "ball.center[1]", "", "finite"),
    "radius below zero": (lambda: fp.Ball([0.0, 0.0], -1.0), "ball.radius", "", "> 0"),
    "radius of nothing": (lambda: fp.Ball([0.0, 0.0], 0), "ball.radius", "", "> 0"),
    "radius of a Boolean": (lambda: fp.Ball([0.0, 0.0], True), "ball.radius", "", "> 0"),
    "radius of a text": (lambda: fp.Ball([0.0, 0.0], "1"), "ball.radius", "", "> 0"),
    "centre of no coordinates": (lambda: fp.Ball([], 1.0), "ball.center", "", "one, two or three numbers"),
    "centre of four coordinates": (lambda: fp.Ball([0.0] * 4, 1.0), "ball.center", "", "one, two or three numbers"),
    "centre of a text": (lambda: fp.Ball("00", 1.0), "ball.center", "", "list"),
    "centre of a row": (lambda: fp.Ball([[0.0, 1.0]], 1.0), "ball.center[0]", "", "finite number"),
    "one semi-axis of two": (lambda: fp.Ellipsoid([0.0, 0.0], [1.0]), "ellipsoid.semi_axes", "", "2 numbers"),
    "semi-axis of nothing": (lambda: fp.Ellipsoid([0.0, 0.0], [1.0, 0.0]), "ellipsoid.semi_axes[1]", "", "> 0"),
    "normal of nothing": (lambda: fp.HalfSpace([0.0, 0.0], 1.0), "halfspace.normal", "", "not zero"),
    "infinite offset": (lambda: fp.HalfSpace([1.0, 0.0], INF), "halfspace.offset", "", "finite"),
    "region of a number": (lambda: fp.Region(3.0), "region", "", "expression"),
    "region of unknown dimension": (lambda: fp.Region(abs), "region.dimension", "", "1, 2 or 3"),
    "unfinished region": (lambda: fp.Region("x +"), "region", "", ""),
    "region of another shape": (
        lambda: fp.Region(lambda x: x[:, 0], dimension=2).called("sets.B.region").level(np.zeros((2, 3))),
        "sets.B.region", "", "real numbers of shape (3,)"),
    "region of as many rows": (
        lambda: fp.Region(lambda x: x, dimension=2).level(np.zeros((2, 5))), "region", "", "real numbers of shape"),
    "region that fails": (
        lambda: fp.Region(lambda x: np.sin(x) @ x, dimension=2).level(np.zeros((2, 3))), "region", "", "real numbers"),
    "points in space of a disc": (
        lambda: fp.Ball([0.0, 0.0], 1.0).level(np.zeros((3, 4))), "points", "", "shape (2, n)"),
}  # fmt: skip

DOMAINS = {
    "box of no width": (lambda: Box([0.0], [0.0]), "domain.upper", "", ""),
    "box turned round": (lambda: Box([0.0, 1.0], [1.0, 0.5]), "domain.upper", "", ""),
    "box of rounding": (lambda: Box([1e9], [1e9 + 1e-3]), "domain.upper", "", ""),
    "box of different lengths": (lambda: Box([0.0], [1.0, 2.0]), "domain.upper", "", ""),
    "box without an end": (lambda: Box([-INF], [0.0]), "domain.lower[0]", "", ""),
    "box of 1e200": (lambda: Box([0.0], [1e200]), "domain.upper[0]", "", ""),
    "absorbing box": (lambda: Box([0.0], [1.0], boundary="absorbing"), "domain.boundary", "", ""),
    "two words for a line": (lambda: Box([0.0], [1.0], boundary=["periodic"] * 2), "domain.boundary", "", ""),
    "boundary of a Boolean": (lambda: Box([0.0], [1.0], boundary=[True]), "domain.boundary", "", ""),
    "boundary of a number": (lambda: Box([0.0], [1.0], boundary=3), "domain.boundary", "", ""),
    "level of a text": (lambda: Sublevel("high"), "domain.level", "", ""),
    "sublevel of a lower corner": (lambda: Sublevel(1.0, lower=[0.0]), "domain.upper", "", ""),
    "sublevel of an upper corner": (lambda: Sublevel(1.0, upper=[0.0]), "domain.lower", "", ""),
    "sublevel of corners turned round": (lambda: Sublevel(1.0, [0.0], [-1.0]), "domain.upper", "", ""),
    "file of a number": (lambda: MeshFile(3), "domain.file", "", ""),
}

LINE = fp.Drift("x")
DRIFTS = {
    "no component": (lambda: fp.Drift([]), "drift.expression", "", ""),
    "component of a number": (lambda: fp.Drift([1.0]), "drift.expression", "", ""),
    "unfinished component": (lambda: fp.Drift(["x +"]), "drift.expression", "", ""),
    "component in y of one": (lambda: fp.Drift(["y"]), "drift.expression", "", ""),
    "component of an unknown name": (lambda: fp.Drift(["k*x"]), "drift.expression", "", ""),
    "parameter of no component": (lambda: fp.Drift(["x"], {"k": 1.0}), "drift.parameters.k", "", ""),
    "one component in the plane": (lambda: fp.Drift(["x"], dimension=2), "drift.dimension", "", ""),
    "function of unknown dimension": (lambda: fp.Drift(lambda x: x), "drift.dimension", "", ""),
    "parameter of a function": (lambda: fp.Drift(lambda x: x, {"k": 1.0}, 1), "drift.parameters", "", ""),
    "function of one row": (
        lambda: fp.Drift(lambda x: x[:1], dimension=2).value(np.zeros((2, 3))), "drift.expression", "", ""),
    "points in the plane on a line": (lambda: fp.Drift(["x"]).value(np.zeros((2, 3))), "drift.expression", "", ""),
    "no drift": (lambda: fp.Drifting("x", ONE), "drift", "", ""),
    "no noise beside a drift": (lambda: fp.Drifting(LINE, 1.0), "diffusion", "", ""),
    "interpretation of a drift": (lambda: fp.Drifting(LINE, ONE, "Ito"), "diffusion.interpretation", "", ""),
    "matrix beside a drift": (lambda: fp.Drifting(LINE, fp.Constant(np.eye(2))), "diffusion.matrix", "", ""),
    "curvature beside a drift": (lambda: fp.Drifting(LINE, Hessian(1.0)), "diffusion.kind", "", ""),
    "extra drift of a text": (lambda: fp.Overdamped(Potential("x"), ONE, extra="x"), "drift.extra", "", ""),
}  # fmt: skip

FIT = {
    f"{name}": (lambda process=process, domain=domain: fp.Problem(process, domain).bounding_box(), key, "", "")
    for name, process, domain, key in (
        ("drift on a line in the plane", fp.Drifting(LINE, ONE), Box([0.0, 0.0], [1.0, 1.0]), "drift.expression"),
        ("drift with a pole", fp.Drifting(fp.Drift("1/x"), ONE), Box([-1.0], [1.0]), "drift.expression"),
        ("drift on a ring", fp.Drifting(LINE, ONE), Box([-1.0], [1.0], "periodic"), "drift.expression"),
        ("drift in a sublevel", fp.Drifting(LINE, ONE), Sublevel(1.0), "domain*"),
        ("drift in a boxed sublevel", fp.Drifting(LINE, ONE), Sublevel(1.0, [-1.0], [1.0]), "domain*"),
        ("extra drift in the plane on a line", fp.Overdamped(Potential("x"), ONE, extra=fp.Drift(["x", "y"])),
         Box([0.0], [1.0]), "drift.extra"),
    )
}  # fmt: skip

PROCESSES = {
    f"Overdamped({name})": (lambda arguments=arguments: fp.Overdamped(*arguments), key, "", "")
    for name, arguments, key in (
        ("a text", ("x**2", ONE), "potential"),
        ("noise of a number", (Potential("x"), 0.1), "diffusion"),
        ("no noise", (Potential("x"), None), "diffusion"),
        ("unknown interpretation", (Potential("x"), ONE, "Ito"), "diffusion.interpretation"),
        ("no interpretation", (Potential("x"), ONE, None), "diffusion.interpretation"),
        ("matrix of another size", (Potential("x*y"), fp.Constant([[1.0]])), "diffusion.matrix"),
    )
}


def kinetic(domain):
    return fp.Problem(fp.Underdamped(Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.1), 0.5), domain)


PHASE_SPACE = {
    "phase space in a ball": (
        lambda: kinetic(fp.Ball([0.0, 0.0], 2.0)), "domain.kind", "",
        "a box in (x, v), or a sublevel set of the energy"),
    "velocities of one sign": (
        lambda: kinetic(Box([-2.0, -1.0], [2.0, 2.0])), "domain.lower", "", "a wall in x turns v around"),
    "positions alone": (lambda: kinetic(Box([-2.0], [2.0])), "domain", "", "the position x and the velocity v"),
    "periodic velocities": (
        lambda: kinetic(Box([-2.0, -2.0], [2.0, 2.0], "periodic")), "domain.boundary", "",
        "a velocity that is not periodic"),
}  # fmt: skip


def two(x):
    return (x[0] ** 2 - 1) ** 2 / 4 + np.sin(x[1]) ** 2


def slope(x):
    return np.stack([x[0] ** 3 - x[0], np.sin(2 * x[1])])


POTENTIALS = {
    f"Potential({name})": (lambda given=given: Potential(**given), key, "", "")
    for name, given, key in (
        ("number", {"source": 3.0}, "potential"),
        ("nothing", {"source": None}, "potential"),
        ("parameters of a function", {"source": two, "parameters": {"k": 1.0}}, "potential.parameters"),
        ("gradient of a number", {"source": two, "gradient": 3}, "potential.gradient"),
        ("gradient of an unknown word", {"source": two, "gradient": "numba"}, "potential.gradient"),
        ("hessian by jax alone", {"source": two, "hessian": "jax"}, "potential.hessian"),
        ("gradient of a formula", {"source": "x", "gradient": slope}, "potential"),
        ("jax for a formula", {"source": "x", "gradient": "jax"}, "potential"),
        ("unfinished", {"source": "x+"}, "potential.expression"),
        *((f"{source} of {size!r}", {"source": source, "dimension": size}, "potential.dimension")
          for source, size in (("y", 1), ("x", 4), ("x", 0), ("x", 1.0), ("x", True), ("x", "2"))),
    )
}  # fmt: skip
RETURNED = {
    f"a function that returns {name}": (
        lambda function=function: Potential(function).value(np.zeros((2, 5))), "potential", found, "(5,)")
    for name, function, found in (
        ("all coordinates", lambda x: x, "shape (2, 5)"),
        ("one number", lambda x: 1.0, "shape ()"),
        ("two points", lambda x: x[0, :2], "shape (2,)"),
        ("complex numbers", lambda x: x[0] + 1j, "complex"),
        ("Booleans", lambda x: x[0] > 0, "bool"),
        ("texts", lambda x: ["a"] * 5, "type"),
        ("nothing", lambda x: None, "object"),
        ("what is not there", lambda x: x[7], "IndexError"),
        ("of two arguments", lambda x, y: x[0], "TypeError"),
        ("a wrong product", lambda x: x[0] @ np.zeros(3), "ValueError"),
        ("a ragged list", lambda x: [[1.0], [1.0, 2.0]], "ValueError"),
    )
}  # fmt: skip
RETURNED |= {
    "a gradient of values": (
        lambda: Potential(two, gradient=two).gradient(np.zeros((2, 5))), "potential.gradient", "", ""),
    "a hessian of slopes": (
        lambda: Potential(two, hessian=slope).hessian(np.zeros((2, 5))), "potential.hessian", "", ""),
    "a formula in the plane on a line": (
        lambda: Potential("x + y").value(np.zeros((1, 3))), "potential",
        "2 coordinates on a 1-dimensional domain", ""),
}  # fmt: skip

GALLERY = {
    f"named({shown(name)} {shown(given)})": (lambda name=name, given=given: named(name, **given), key, found, wanted)
    for name, given, key, found, wanted in (
        ("mueller-browm", {}, "potential.name", "", "did you mean mueller-brown?"),
        ("", {}, "potential.name", "", "one of"),
        (None, {}, "potential.name", "", "one of"),
        (3, {}, "potential.name", "", "one of"),
        ("mueller-brown", {"k": 1.0}, "potential.parameters.k", "", "no parameters"),
        ("quartic-double-well", {"dimenson": 2}, "potential.parameters.dimenson", "", "did you mean dimension?"),
        ("quartic-double-well", {"dimension": 4}, "potential.parameters.dimension", "", "from 1 to 3"),
        ("quartic-double-well", {"dimension": 1.5}, "potential.parameters.dimension", "", "whole number"),
        ("quartic-double-well", {"k": 0.0}, "potential.parameters.k", "", "positive"),
        ("quartic-double-well", {"k": "1"}, "potential.parameters.k", "", "a number"),
        ("quartic-double-well", {"k": True}, "potential.parameters.k", "", "a number"),
        ("quartic-double-well", {"k": NAN}, "potential.parameters.k", "", "finite"),
        ("quartic-double-well", {"name": 1.0}, "potential.parameters.name", "does not have", ""),
        ("tilted-double-well", {"tilt": 0.5}, "potential.parameters.tilt", "", "between"),
        ("flat-and-sharp", {"asymmetry": 1.0}, "potential.parameters.asymmetry", "", "between"),
        ("many-wells", {"dimension": 1}, "potential.parameters.dimension", "", "from 2 to 3"),
        ("ring", {"amplitude": -1.0}, "potential.parameters.amplitude", "", "positive"),
        ("pitchfork", {"a": -2.0}, "potential.parameters.a", "", "between"),
        ("flat-ball", {"radius": 0}, "potential.parameters.radius", "", "positive"),
    )
}

HOLES = np.linspace(-2.0, 2.0, 41)
WELL = (HOLES**2 - 1.0) ** 2 / 4.0
GRIDS = {
    f"from_grid: {name}": (lambda grid=grid, given=given: Potential.from_grid(grid, **given), key, found, wanted)
    for name, grid, given, key, found, wanted in (
        ("a part without values", (HOLES, np.where(HOLES > 1.7, NAN, WELL)), {}, "potential.grid",
         "no finite value on 9.76 %", ""),
        ("a part of infinite values", (HOLES, np.where(HOLES > 1.7, INF, WELL)), {}, "potential.grid",
         "no finite value", ""),
        ("a plateau", (HOLES, np.minimum(WELL, 1.0)), {}, "potential.grid", "one and the same largest value", ""),
        ("no value", (HOLES, np.full(41, NAN)), {}, "potential.grid", "no finite value", "a potential"),
        ("values of another shape", ([0.0, 1.0, 2.0], [1.0, 2.0]), {}, "potential.grid", "", ""),
        ("no grid", 3.0, {}, "potential.grid", "", ""),
        ("uneven steps", ([0.0, 1.0, 3.0], [1.0, 2.0, 3.0]), {}, "potential.grid", "", ""),
        ("descending", ([2.0, 1.0, 0.0], [1.0, 2.0, 3.0]), {}, "potential.grid", "", ""),
        ("smoothing below zero", (HOLES, WELL), {"smoothing": -1.0}, "potential.smoothing", "", ""),
        ("scale of nothing", (HOLES, WELL), {"scale": 0.0}, "potential.scale", "", ""),
        ("two flags for one axis", (HOLES, WELL), {"periodic": [True, False]}, "potential.periodic", "", ""),
        ("a word that is none", (HOLES, WELL), {"unsampled": "walls"}, "potential.unsampled", "", ""),
        ("no such file", "nowhere.npz", {}, "potential.grid", "", ""),
    )
}  # fmt: skip

BOWL = fp.Overdamped(Potential("x**2/2"), fp.Isotropic(0.5))
RING = fp.Overdamped(Potential("0*x"), fp.Isotropic(0.5))
HEAVY = fp.Underdamped(Potential("x**2/2"), fp.Isotropic(0.5), 1.0)
HEAVY_IN_THE_PLANE = fp.Underdamped(Potential("x**2/2 + y**2"), fp.Isotropic(0.5), 1.0)
SCHEDULES = {
    f"Schedule({shown(given)})": (lambda given=given: Schedule(**given), key, "", "")
    for given, key in (
        ({}, "schedule"),
        ({"noise": []}, "schedule.noise"),
        ({"noise": 3}, "schedule.noise"),
        ({"noise": [[1, 1.0]]}, "schedule.noise[0][0]"),
        ({"noise": [[0, 1.0], [2, 1.0], [2, 3.0]]}, "schedule.noise[2][0]"),
        ({"noise": [[0, -1.0]]}, "schedule.noise[0][1]"),
        ({"noise": [[0, 1.0, 2.0]]}, "schedule.noise[0]"),
        ({"noise": "1 + x"}, "schedule.noise"),
        ({"potential": "exp(u)"}, "schedule.potential"),
        ({"potential": 1.0}, "schedule.potential"),
    )
}
SCHEDULES |= {
    "noise that turns negative": (
        lambda: Schedule(noise="1 - t/2").factor([3.0]), "schedule.noise", "the factor -0.5 at t = 3", ""),
    "an added potential of the plane": (
        lambda: fp.Problem(BOWL, Box([-1.0], [1.0]), schedule=Schedule(potential="y*t")), "schedule.potential",
        "a potential of 2 coordinates", ""),
    "an added potential that is not periodic": (
        lambda: fp.Problem(RING, Box([0.0], [1.0], "periodic"), schedule=Schedule(potential="x*sin(t)")),
        "schedule.potential", "a potential that differs across the period", ""),
    "momentum in time": (
        lambda: fp.Problem(HEAVY_IN_THE_PLANE, Box([-1.0, -1.0], [1.0, 1.0]), schedule=Schedule(noise="1 + t")),
        "schedule", "coefficients in time beside underdamped dynamics in the plane", ""),
    "a push that knows the velocity": (
        lambda: fp.Problem(HEAVY, Box([-1.0, -1.0], [1.0, 1.0]), schedule=Schedule(potential="t*x*y")),
        "schedule.potential", "a potential of more than the position", ""),
    "batches from half a step": (
        lambda: sgd.schedule(Learning(0.1, 4), batch_size=[[0, 0.5]]).factor(np.array([0.0])), "schedule.batch_size*",
        "", ""),
    "batches of nothing": (
        lambda: sgd.schedule(Learning(0.1, 4), batch_size="t").factor(np.array([0.0])), "schedule.batch_size*", "", ""),
    "a formula beside a table": (
        lambda: sgd.schedule(Learning(0.1, 4), "0.1", [[0, 4]]), "schedule*", "a formula beside a table", ""),
}  # fmt: skip

RESOLUTIONS = {
    f"Resolution({shown(given)})": (lambda given=given: fp.Resolution(**given), f"discretization.{key}", "", wanted)
    for given, key, wanted in (
        ({"tolerance": -1e-6}, "tolerance", ""),
        ({"tolerance": 0}, "tolerance", ""),
        ({"tolerance": 1.0}, "tolerance", ""),
        ({"tolerance": 1e-15}, "tolerance", ""),
        ({"tolerance": 1e-13}, "tolerance", ""),
        ({"tolerance": 0.11}, "tolerance", "a number from 5e-13 to 0.1"),
        ({"tolerance": "1e-6"}, "tolerance", ""),
        ({"tolerance": NAN}, "tolerance", ""),
        ({"degree": 0}, "degree", ""),
        ({"degree": 9}, "degree", ""),
        ({"degree": 2.0}, "degree", ""),
        ({"degree": True}, "degree", ""),
        ({"cells": []}, "cells", ""),
        ({"cells": [8, 0]}, "cells[1]", ""),
        ({"cells": [8.0]}, "cells[0]", ""),
        ({"cells": "88"}, "cells", ""),
        ({"cells": [100_000, 100_000]}, "cells", ""),
    )
}


def process(potential="(x**2 - 1)**2/4 + y**2/2", diffusion=None):
    return fp.Overdamped(Potential(potential), diffusion or fp.Isotropic(0.05))


def ring(potential="-cos(x)", lower=0.0, upper=2 * np.pi):
    return fp.Problem(process(potential), Box([lower], [upper], boundary="periodic"))


def with_sets(**sets):
    return fp.Problem(process(), PLANE, sets=sets)


PROBLEMS = {
    "potential of space in the plane": (
        lambda: fp.Problem(process("x + z**2"), PLANE), "potential.expression",
        "a potential of 3 coordinates in a domain of 2", "x, y"),
    "potential of the plane on a mesh of a line": (
        lambda: fp.Problem(process(), MeshFile(MESHES / "interval.msh")), "potential.expression",
        "a potential of 2 coordinates in a domain of 1", ""),
    "function of space in the plane": (
        lambda: fp.Problem(fp.Overdamped(Potential(lambda x: x[2], dimension=3), ONE), PLANE), "potential",
        "a potential of 3 coordinates", ""),
    "matrix of space in the plane": (
        lambda: fp.Problem(process(diffusion=fp.Constant(np.eye(3))), PLANE), "diffusion.matrix", "3 rows", "2 rows"),
    "potential as process": (lambda: fp.Problem(Potential("x"), PLANE), "process", "", ""),
    "corners as domain": (lambda: fp.Problem(process(), ([-2, -1], [2, 1])), "domain", "", ""),
    "ellipsoid as domain": (lambda: fp.Problem(process(), fp.Ellipsoid([0, 0], [1, 1])), "domain", "", ""),
    **{
        f"{formula} on both sides of zero": (
            lambda formula=formula: fp.Problem(process(formula), Box([-2], [2])), "potential.expression", "at (",
            "finite")
        for formula in ("log(x)", "1/x", "sqrt(x)", "exp(1000*x**2)")
    },
    "slope on a ring": (lambda: ring("x", 0.0, 1.0), "potential.expression", "differs by 1 across", "x = 0 and 1"),
    "wrong period": (lambda: ring("-cos(x)", 0.0, 6.28), "potential.expression", "across the period", ""),
    "even on a ring": (
        lambda: ring("(x**2 - 1)**2/4", -2.0, 2.0), "potential.expression", "a gradient that differs", ""),
    "both faces of a grid that is not said to be periodic": (
        lambda: fp.Problem(
            fp.Overdamped(
                Potential.from_grid(([np.linspace(0, 1, 21)], np.cos(2 * np.pi * np.linspace(0, 1, 21)))), ONE),
            Box([0], [1], "periodic")),
        "potential", "a gradient that differs", "say periodic = true of the grid"),
    "one axis not periodic": (
        lambda: fp.Problem(process("cos(x) + y"), Box([0, 0], [2 * np.pi, 1], boundary="periodic")),
        "potential.expression", "across the period", "y ="),
    "set of a line in the plane": (
        lambda: with_sets(A=fp.Ball([0.0], 0.1)), "sets.A", "1 dimensions in a domain of 2", ""),
    "region of space in the plane": (
        lambda: with_sets(A=fp.Region("z")), "sets.A", "3 dimensions in a domain of 2", ""),
    "text as set": (lambda: with_sets(A="x"), "sets.A", "the text 'x'", "Region('x - 0.8')"),
    "number as set": (lambda: with_sets(A=1.0), "sets.A", "1.0", "a Ball"),
    "list of sets": (
        lambda: fp.Problem(process(), PLANE, sets=[fp.Ball([0, 0], 1)]), "sets", "[Ball(", "sets by their names"),
    "set without a name": (
        lambda: fp.Problem(process(), PLANE, sets={1: fp.Ball([0, 0], 1)}), "sets", "the name 1", "texts"),
    "set called boundary": (lambda: with_sets(boundary=fp.HalfSpace([1, 0], 1)), "sets.boundary", "", ""),
    "cells of a line in the plane": (
        lambda: fp.Problem(process(), PLANE, fp.Resolution(cells=[8])), "discretization.cells", "[8]", "2 of them"),
    "cells that no machine holds": (
        lambda: fp.Problem(process(), PLANE, fp.Resolution(cells=[1, 1_000_000])), "discretization.cells", "", ""),
    "cells of a mesh file": (
        lambda: fp.Problem(process("0"), MeshFile(MESHES / "cube.msh"), fp.Resolution(cells=[8, 8, 8])),
        "discretization.cells", "", "the mesh file gives them"),
}  # fmt: skip

CALLS = {
    **ISOTROPIC, **CONSTANT, **STATE, **SETS, **DOMAINS, **DRIFTS, **FIT, **PROCESSES, **PHASE_SPACE, **POTENTIALS,
    **RETURNED, **GALLERY, **GRIDS, **SCHEDULES, **RESOLUTIONS, **PROBLEMS,
}  # fmt: skip
KINDS = (
    ISOTROPIC, CONSTANT, STATE, SETS, DOMAINS, DRIFTS, FIT, PROCESSES, PHASE_SPACE, POTENTIALS, RETURNED, GALLERY,
    GRIDS, SCHEDULES, RESOLUTIONS, PROBLEMS,
)  # fmt: skip
assert len(CALLS) == sum(map(len, KINDS)), "two cases of one name"
