"""Questions that cannot be asked: (call, key that is named, part of what was found, part of what is wanted)."""

import numpy as np
from bad_input.model_calls import MESHES, NAN, PLANE, process, ring, with_sets

import fokker_planck as fp
from fokker_planck.model.domains.box import Box
from fokker_planck.model.domains.meshes import MeshFile
from fokker_planck.model.domains.sublevel import Sublevel
from fokker_planck.model.question_arguments import checked_exit, checked_set
from fokker_planck.model.sets.shapes import Ball, HalfSpace, Region

ASKED = with_sets(right=HalfSpace([1, 0], 1), far=Ball([9, 9], 1))
L_SHAPE = MeshFile(MESHES / "l_shape.msh")


def on_line(potential="(x**2 - 1)**2/4", noise=0.05, **options):
    return fp.Problem(fp.Overdamped(fp.Potential(potential), fp.Isotropic(noise)), Box([-2.0], [2.0]), **options)


ENDS = {
    f"exit from {start!r} to {target!r}": (
        lambda start=start, target=target: checked_exit(ASKED, start, target), key, found, "")
    for start, target, key, found in (
        ([-3, 0], "right", "exit.start", "[-3.0, 0.0]"),
        ([-1, NAN], "right", "exit.start[1]", "nan"),
        ([-1, 0], "rihgt", "exit.target", "did you mean right?"),
        ([-1, 0], Ball([0.0], 1.0), "exit.target", "1 dimensions"),
    )
}  # fmt: skip
ENDS |= {
    f"exit from {start!r} to {target!r}, refused": (
        lambda start=start, target=target: checked_exit(ASKED, start, target), key, "", wanted)
    for start, target, key, wanted in (
        ([-1], "right", "exit.start", "2 numbers"),
        (-1, "right", "exit.start", "2 numbers"),
        ([1.5, 0], "right", "exit.start", "outside of the set right"),
        ([1.0, 0], "right", "exit.start", "outside of the set right"),
        ([2.0, 0], "boundary", "exit.start", "not already on the target"),
        ([-1, 0], 3, "exit.target", "a Ball"),
    )
}  # fmt: skip
ENDS |= {
    f"exit to {name}": (
        lambda problem=problem, start=start, target=target: checked_exit(problem, start, target), key, found, wanted)
    for name, problem, start, target, key, found, wanted in (
        ("a ball beyond the domain", ASKED, [-1, 0], "far", "exit.target", "", "never be reached"),
        ("a region beyond the domain", ASKED, [-1, 0], Region("x - 3"), "exit.target", "", "never be reached"),
        ("what is behind an inner corner", fp.Problem(process("0"), L_SHAPE), [-0.5, -0.5], Ball([0.6, 0.6], 0.3),
         "exit.target", "", "never be reached"),
        ("the boundary of a ring", ring(), [0.0], "boundary", "exit.target", "", "periodic"),
        ("the circle that it starts on", fp.Problem(process(), Ball([0, 0], 1)), [0.6, 0.8], "boundary",
         "exit.start", "", "not already on the target"),
        ("the level that it starts on", fp.Problem(process(), Sublevel(0.8)), [1.0, np.sqrt(1.6)], "boundary",
         "exit.start", "", "not already on the target"),
        ("the wall that it starts on", fp.Problem(process(), L_SHAPE), [0.0, 0.5], "boundary", "exit.start", "",
         "not already on the target"),
        ("the corner that it starts on", fp.Problem(process(), L_SHAPE), [0.0, 0.0], "boundary", "exit.start", "",
         "not already on the target"),
    )
}  # fmt: skip
ENDS |= {
    f"friction {friction}": (
        lambda friction=friction: fp.spectrum(
            fp.Problem(fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1), friction), Box([-3, -3], [3, 3]))),
        "dynamics.friction", f"'{friction}', which is", "positive everywhere")
    for friction in ("x**2", "x**2 - 1", "1e-3*(x - 0.37)**4")
}  # fmt: skip
ENDS["a set of a problem without sets"] = (
    lambda: checked_set(fp.Problem(process(), PLANE), "A", "committor.from"), "committor.from", "'A'",
    "there is no [sets.NAME]",
)  # fmt: skip

RIGHT = HalfSpace([1.0], 1.0)
TIMES = {
    f"mean_exit_time from {start!r} to {target!r}": (
        lambda start=start, target=target: fp.mean_exit_time(on_line(sets={"right": RIGHT}), start, target),
        key, "", "")
    for start, target, key in (
        ([3.0], RIGHT, "exit.start"),
        ([1.5], RIGHT, "exit.start"),
        ([0.0, 0.0], RIGHT, "exit.start"),
        ([NAN], RIGHT, "exit.start*"),
        ([-1.0], HalfSpace([1.0], 5.0), "exit.target"),
        ([-1.0], HalfSpace([1.0, 0.0], 1.0), "exit.target"),
        ([-1.0], "rihgt", "exit.target"),
        ([2.0], "boundary", "exit.start"),
    )
}  # fmt: skip
TIMES["mean_exit_time of a ring"] = (
    lambda: fp.mean_exit_time(ring(), [0.0], "boundary"), "exit.target", "", "periodic")  # fmt: skip

COUNTS = {
    f"spectrum of {count!r}": (lambda count=count: fp.spectrum(on_line(), count=count), "spectrum.count", "", wanted)
    for count, wanted in ((0, ""), (1, ""), (-3, ""), (2.5, ""), ("four", ""), (True, ""))
}
COUNTS |= {
    f"spectrum of {count} in the plane": (
        lambda count=count: fp.spectrum(fp.Problem(process(), PLANE), count=count), "spectrum.count", "", "200")
    for count in (201, 1000)
}  # fmt: skip
COUNTS["spectrum at the least noise"] = (
    lambda: fp.spectrum(fp.Problem(process(diffusion=fp.Isotropic(5e-324)), PLANE), count=2), "diffusion*",
    "V/D beyond", "",
)  # fmt: skip

LEFT_BALL, RIGHT_BALL = Ball([-1.0, 0.0], 0.25), Ball([1.0, 0.0], 0.25)
COMMITTORS = {
    f"committor from {name}": (
        lambda first=first, second=second: fp.committor(fp.Problem(process(), PLANE), first, second), key, found,
        wanted)
    for name, first, second, key, found, wanted in (
        ("a set to one that meets it", LEFT_BALL, Ball([-1.1, 0.0], 0.25), "committor.to", "",
         "two sets that are apart"),
        ("a set to nowhere", LEFT_BALL, Ball([5.0, 0.0], 0.25), "committor.to", "no point in the domain", ""),
        ("nowhere", Ball([5.0, 0.0], 0.25), RIGHT_BALL, "committor.from", "no point in the domain", ""),
        ("a set to an interval", LEFT_BALL, Ball([1.0], 0.25), "committor.to", "1 dimensions", ""),
        ("a name", "A", RIGHT_BALL, "committor.from", "", "there is no [sets.NAME]"),
        ("a set to nothing", LEFT_BALL, None, "committor.to", "", "a Ball, Ellipsoid, HalfSpace or Region"),
    )
}  # fmt: skip

MOVED = fp.Problem(
    fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.5)), Box([-8.0], [8.0]), sets={"A": Ball([1.0], 0.5)}
)
EVOLUTIONS = {
    f"evolve({given})": (
        lambda given=given: fp.evolve(MOVED, **{"initial": [1.0], "times": [1.0], **given}), key, "", "")
    for given, key in (
        ({"initial": [9.0]}, "evolve.initial.point"),
        ({"initial": "uniform"}, "evolve.initial"),
        ({"initial": {"gaussian": {"mean": [0.0], "covariance": [[-1.0]]}}}, "evolve.initial.gaussian.covariance*"),
        ({"initial": {"expression": "x"}}, "evolve.initial*"),
        ({"initial": {"set": "B"}}, "evolve.initial.set"),
        ({"times": []}, "evolve.times"),
        ({"times": [0.0]}, "evolve.times[0]"),
        ({"observables": {"f": "y"}}, "evolve.observables.f"),
        ({"absorb": "A"}, "evolve.initial.point"),
    )
}  # fmt: skip

CORRELATIONS = {
    f"correlation({given})": (lambda given=given: fp.correlation(on_line(), **given), key, "", "")
    for given, key in (
        ({"f": 3.0}, "correlation.f"),
        ({"f": "x +"}, "correlation.f"),
        ({"f": "y"}, "correlation.f"),
        ({"f": "1/(x - x)"}, "correlation.f"),
        ({"f": "2"}, "correlation.f"),
        ({"f": "x", "g": "1 + 0*x"}, "correlation.g"),
        ({"f": "x", "times": [0.0]}, "correlation.times[0]"),
        ({"f": "x", "frequencies": [-1.0]}, "correlation.frequencies[0]"),
    )
}
CORRELATIONS["correlation of a coordinate on a ring"] = (
    lambda: fp.correlation(ring(), "x"), "correlation.f", "across the period", "")  # fmt: skip

AXIS = np.linspace(-2.0, 2.0, 41)
SURFACE = (AXIS**2 - 1.0) ** 2 / 4.0


def middle(surface):
    return {"a": fp.Quantity.of_log(float(surface[1][20]), 1e-9)}


BOOTSTRAPS = {
    f"bootstrap: {name}": (
        lambda surface=surface, given=given: fp.bootstrap(surface, middle, **given), key, found, wanted)
    for name, surface, given, key, found, wanted in (
        ("no errors", ([AXIS], SURFACE), {}, "errors", "nothing", ""),
        ("a file without errors", "fes.dat", {}, "errors", "nothing", ""),
        ("one replica", ([AXIS], SURFACE[None]), {}, "surface", "one replica", "two or more"),
        ("errors of nothing", ([AXIS], SURFACE), {"errors": 0.0}, "errors", "0 everywhere", "some above 0"),
        ("errors below zero", ([AXIS], SURFACE), {"errors": -1.0}, "errors", "standard deviations", ""),
        ("two errors", ([AXIS], SURFACE), {"errors": [1.0, 2.0]}, "errors", "", "shape (41,)"),
        ("a length below zero", ([AXIS], SURFACE), {"errors": 0.1, "correlation": -1.0}, "correlation", "", ""),
        ("two draws", ([AXIS], SURFACE), {"errors": 0.1, "count": 2}, "count", "", ""),
    )
}  # fmt: skip

UNFOLLOWED = "a surface that no mesh of moderate size follows"
AROUND = fp.Problem(
    fp.Overdamped(fp.Potential("cos(2*pi*x) + y**2/2"), fp.Isotropic(0.3)),
    fp.Box([0, -2], [1, 2], ["periodic", "reflecting"]),
    fp.Resolution(tolerance=1e-3),
)
AT_SEAM, INSIDE = Region("0.01 - (x - 0.1)**2 - y**2"), fp.Ball([0.5, 0], 0.1)
BENT = fp.Problem(
    fp.Overdamped(fp.Potential("0.1*abs((x - 0.1)**2 + y**2 - 0.01)"), fp.Isotropic(0.3)), fp.Box([0, -1], [1, 1])
)
SURFACES = {
    "surfaces: the second of two sets": (
        lambda: fp.committor(AROUND, INSIDE, AT_SEAM), "committor.to", UNFOLLOWED,
        "a smooth surface"),
    "surfaces: the target of a spectrum": (
        lambda: fp.spectrum(AROUND, 1, AT_SEAM), "spectrum.target", UNFOLLOWED, "a smooth surface"),
    "surfaces: what absorbs": (
        lambda: fp.evolve(AROUND, [0.5, 0.0], times=[0.1], absorb=AT_SEAM), "evolve.absorb", UNFOLLOWED, ""),
    "surfaces: a kink": (
        lambda: fp.mean_exit_time(BENT, [0.6, 0.3], HalfSpace([1, 0], 0.9)),
        "potential.expression", "a jump or a kink on a surface", ""),
}  # fmt: skip

KINDS = (ENDS, TIMES, COUNTS, COMMITTORS, EVOLUTIONS, CORRELATIONS, BOOTSTRAPS, SURFACES)
CALLS = {name: case for kind in KINDS for name, case in kind.items()}
assert len(CALLS) == sum(map(len, KINDS)), "two cases of one name"
