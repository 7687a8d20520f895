"""Error bars beside true errors, where the answer is known to many more digits.

Claim: no true relative error above 1e-12 exceeds the ``relative_error`` that is reported.  Run:
``python -m benchmarks.error_bars`` (about two minutes; ``--page docs/accuracy.md`` puts the tables into the page).
Exit status 1 if an error is larger than its bar.
"""

import argparse
import functools
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import fokker_planck as fp
from benchmarks.compare import replaced
from benchmarks.tables import Table, show

TOP = Path(__file__).resolve().parents[1]
QUARTIC = "(x**2 - 1)**2/4"
TILTED = f"{QUARTIC} + x/10"
FLAT_AND_SHARP = f"{QUARTIC}*(1 + 0.4*x)"
PLANE = f"{QUARTIC} + y**2/2"
UNEVEN_PLANE = f"{FLAT_AND_SHARP} + y**2/2"
WEIGHT = "probability of a well"
LINES = ("quartic", "tilted", "flat and sharp")
PLANES = ("quartic + y^2/2", "flat and sharp + y^2/2", "three-hole", "Mueller-Brown", "disc", "square")
FAMILIES = LINES + PLANES
TOLERANCES = {1: (1e-4, 1e-6, 1e-8, 1e-10), 2: (1e-4, 1e-6, 1e-8)}
NOISES = {
    "quartic": (8, 20, 80, 400, 2000),
    "tilted": (8, 20, 400),
    "flat and sharp": (20, 80, 400),
    "quartic + y^2/2": (8, 20, 80, 400),
    "flat and sharp + y^2/2": (20, 80, 400),
    "three-hole": (1.67, 6.67),
    "Mueller-Brown": (0.1,),
    "disc": (10,),
    "square": (1,),
}
QUESTIONS = {
    "quartic": ("exit time", "gap"),
    "tilted": ("exit time", "exit time back", "gap"),
    "flat and sharp": ("exit time", "exit time back", "gap", WEIGHT),
    "quartic + y^2/2": ("exit time", "gap"),
    "flat and sharp + y^2/2": (WEIGHT,),
    "three-hole": ("three eigenvalues",),
    "Mueller-Brown": ("three eigenvalues",),
    "disc": ("exit time",),
    "square": ("exit time",),
}
# What two meshes of spectral elements leave open; the other references have more digits than a double.
UNCERTAINTY = {"three-hole": 3e-13, "Mueller-Brown": 1e-13}
DOUBLE = 2e-13
NEGLIGIBLE = 1e-12
SHOWN = (1e-6, 1e-8)


@dataclass(frozen=True)
class Case:
    """One question to one problem; ``inverse_noise`` is 1/eps."""

    family: str
    inverse_noise: float
    question: str
    tolerance: float

    def __str__(self) -> str:
        return f"{self.family}, 1/{self.inverse_noise:g}, {self.question}, {self.tolerance:.0e}"

    @property
    def dimension(self) -> int:
        """Of the space."""
        return 1 if self.family in LINES else 2


@dataclass(frozen=True)
class Found:
    """True relative error, the claimed one, and how well the truth is known."""

    error: float
    bar: float
    uncertainty: float

    @property
    def ratio(self) -> float:
        """Error bar over error."""
        return self.bar / self.error if self.error else math.inf

    @property
    def holds(self) -> bool:
        """Whether the bar covers the error."""
        return self.error <= max(self.bar + self.uncertainty, NEGLIGIBLE)


def cases() -> Iterator[Case]:
    """Every family at every noise, question and tolerance."""
    for family in FAMILIES:
        for noise in NOISES[family]:
            for question in QUESTIONS[family]:
                dimension = Case(family, noise, question, 1.0).dimension
                yield from (Case(family, noise, question, tolerance) for tolerance in TOLERANCES[dimension])


@functools.cache
def measured(case: Case) -> tuple[Found, ...]:
    """Solve, and compare every number with its reference."""
    uncertainty = UNCERTAINTY.get(case.family, 0.0) + DOUBLE
    logs = [math.log(value) for value in exact(case)]
    answers = [(quantity.log, quantity.relative_error) for quantity in asked(case)]
    return tuple(
        Found(abs(math.expm1(log - known)), bar, uncertainty)
        for (log, bar), known in zip(answers, logs, strict=True)
    )  # fmt: skip


def asked(case: Case) -> list[fp.Quantity]:
    """The numbers that the library reports."""
    problem = problem_of(case.family, case.inverse_noise, case.tolerance)
    if case.question == "gap":
        return [fp.spectrum(problem, 2).gap]
    if case.question == "three eigenvalues":
        return [eigenvalue.real for eigenvalue in fp.spectrum(problem, 4).eigenvalues[1:]]
    if case.question == WEIGHT:
        wells = fp.stationary_density(problem).wells
        return [min(wells, key=lambda well: well.minimum[0]).probability]
    if case.family in ("disc", "square"):
        centre = [0.0, 0.0] if case.family == "disc" else [0.5, 0.5]
        return [fp.mean_exit_time(problem, centre, "boundary").mean]
    side = 1.0 if case.question == "exit time back" else -1.0
    rest = [0.0] * (case.dimension - 1)
    return [fp.mean_exit_time(problem, [side, *rest], fp.HalfSpace([-side, *rest], 1.0)).mean]


@functools.cache
def problem_of(family: str, inverse_noise: float, tolerance: float) -> fp.Problem:
    """The problem of a family."""
    line = fp.Box([-2.0], [2.0])
    potential, domain = {
        "quartic": (QUARTIC, line),
        "tilted": (TILTED, line),
        "flat and sharp": (FLAT_AND_SHARP, line),
        "quartic + y^2/2": (PLANE, fp.Box([-2.0, -1.5], [2.0, 1.5])),
        "flat and sharp + y^2/2": (UNEVEN_PLANE, fp.Box([-2.0, -1.5], [2.0, 1.5])),
        "three-hole": ("three-hole", fp.Box([-2.0, -1.5], [2.0, 2.5])),
        "Mueller-Brown": ("mueller-brown", fp.Box([-1.5, -0.2], [1.2, 2.0])),
        "disc": ("(x**2 + y**2)/2", fp.Ball([0.0, 0.0], 1.0)),
        "square": ("0*x", fp.Box([0.0, 0.0], [1.0, 1.0])),
    }[family]
    named = fp.named(potential).potential if family in ("three-hole", "Mueller-Brown") else fp.Potential(potential)
    resolution = fp.Resolution(tolerance=tolerance)
    return fp.Problem(fp.Overdamped(named, fp.Isotropic(1.0 / inverse_noise)), domain, resolution=resolution)


def exact(case: Case) -> list[float]:
    """The numbers of tests/reference, in the order of :func:`asked`."""
    noise = f"{case.inverse_noise:g}"
    letter = {"tilted": "B", "flat and sharp": "F_iso", "flat and sharp + y^2/2": "F_iso"}.get(case.family, "A")
    suffix = {"exit time": "T(-1->1)", "exit time back": "T(1->-1)", "gap": "lam1"}.get(case.question, "P(x<saddle)")
    name = {
        "three-hole": f"TH_beta{noise}",
        "Mueller-Brown": "MB_kT10",
        "disc": "OUBALL_d2_eps0.1_T",
        "square": "BM_SQUARE_center",
    }.get(case.family, f"{letter}_eps1/{noise}_{suffix}")
    value = references()[name]
    return [float(each) for each in value] if isinstance(value, list) else [float(value)]


@functools.cache
def references() -> dict[str, str | list[str]]:
    """The reference values by name, as decimal strings."""
    names = ("one_dimensional.json", "two_dimensional.json")
    files = [json.loads((TOP / "tests/reference" / name).read_text())["entries"] for name in names]
    return {entry["id"]: entry["value"] for entries in files for entry in entries}


def table(found: Mapping[Case, tuple[Found, ...]]) -> Table:
    """Of the first question to every problem the first number, at two tolerances."""
    columns = ("true error", "error bar", "ratio")
    head = ("problem", "question", *(f"{name}, {tolerance:.0e}" for tolerance in SHOWN for name in columns))
    rows = []
    for family in FAMILIES:
        for noise in NOISES[family]:
            question = QUESTIONS[family][0]
            firsts = [found[Case(family, noise, question, tolerance)][0] for tolerance in SHOWN]
            cells = [cell for first in firsts for cell in _cells(first)]
            name = f"{family}, noise {_noise(noise)}"
            rows.append((name, question.replace("three eigenvalues", "first eigenvalue"), *cells))
    return Table("error bars", "Error bars beside true errors", head, tuple(rows))


def _noise(inverse: float) -> str:
    return f"{1 / inverse:g}" if inverse <= 1 else f"1/{inverse:g}"


def _cells(number: Found) -> tuple[str, str, str]:
    if number.error < NEGLIGIBLE:
        return f"below {NEGLIGIBLE:.0e}", f"{number.bar:.1e}", ""
    return f"{number.error:.1e}", f"{number.bar:.1e}", f"{number.ratio:.1f}"


def summary(found: Mapping[Case, tuple[Found, ...]]) -> Table:
    """How the ratios are distributed, by dimension and tolerance; probabilities of wells by themselves."""
    head = ("numbers", "tolerance", "how many", "error above 1e-12", "least ratio", "median", "largest")
    groups: dict[tuple[str, float], list[Found]] = {}
    for case, numbers in found.items():
        kind = f"times and eigenvalues, {case.dimension}-D"
        if case.question == WEIGHT:
            kind = f"probabilities of wells, {case.dimension}-D"
        groups.setdefault((kind, case.tolerance), []).extend(numbers)
    rows = []
    for (kind, tolerance), chosen in sorted(groups.items(), key=lambda item: (item[0][0][::-1], -item[0][1])):
        ratios = sorted(number.ratio for number in chosen if number.error > NEGLIGIBLE)
        shown = [f"{ratio:.1f}" for ratio in (ratios[0], ratios[len(ratios) // 2], ratios[-1])] if ratios else [""] * 3
        rows.append((kind, f"{tolerance:.0e}", str(len(chosen)), str(len(ratios)), *shown))
    return Table("ratios", "Error bar over true error", head, tuple(rows))


def main(arguments: list[str] | None = None) -> int:
    """Measure all cases, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.error_bars")
    parser.add_argument("--page", type=Path, help="a page whose tables are to be replaced")
    asked_for = parser.parse_args(arguments)
    found = {case: measured(case) for case in cases()}
    tables = [table(found), summary(found)]
    for one in tables:
        show(one)
    if asked_for.page is not None:
        asked_for.page.write_text(replaced(asked_for.page.read_text(), tables))
    bad = [(case, one) for case, numbers in found.items() for one in numbers if not one.holds]
    for case, one in bad:
        print(f"WRONG: {case}: an error of {one.error:.1e} where {one.bar:.1e} is claimed", file=sys.stderr)
    return min(len(bad), 1)


if __name__ == "__main__":
    sys.exit(main())
