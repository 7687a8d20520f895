"""The process of a problem file: its tables [potential], [drift], [diffusion] and [dynamics]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fokker_planck.cli.schema import COVARIANCES, DIFFUSIONS, DRIFTS, DYNAMICS, GRID_KEYS, INTERPRETATIONS
from fokker_planck.errors import ProblemError
from fokker_planck.model.arguments import described, point, positive_number, whole_number
from fokker_planck.model.diffusion.constant import Constant, Diffusion, Isotropic
from fokker_planck.model.diffusion.quadratic import Quadratic
from fokker_planck.model.diffusion.state_dependent import Formula, Hessian, Sampled
from fokker_planck.model.drift import Drift
from fokker_planck.model.grid_data import keywords
from fokker_planck.model.potential import Potential
from fokker_planck.model.problem_table import Table, named_in_file
from fokker_planck.model.process import Drifting, Overdamped, Process
from fokker_planck.model.smoluchowski import Smoluchowski
from fokker_planck.model.underdamped import Underdamped

MOST_SAMPLES = 10**12
"""Of a training set or batch: more is a slip of the pen, and its square would leave what doubles count exactly."""


def process_of(top: Table, folder: Path) -> Process:
    """The process that the file, in that ``folder``, describes; raises ProblemError with the key that is wrong."""
    table = top.table("drift")
    dynamics = top.table("dynamics")
    kind = dynamics.word("kind", tuple(DYNAMICS), "overdamped")
    dynamics.only(("kind", *DYNAMICS[kind]), f"for {kind} dynamics")
    if kind == "underdamped":
        return _underdamped(top, dynamics, folder)
    if kind == "smoluchowski":
        return _smoluchowski(top, dynamics, folder)
    drift = _drift(table) if "drift" in top.entries else None
    if drift is not None and "expression" in table.entries:
        if "potential" in top.entries:
            raise ProblemError(
                "drift.expression", "a whole drift beside a [potential]", "one of the two, or drift.extra"
            )
        return Drifting(drift, *_diffusion(top, folder))
    potential = _potential(top, folder)
    return Overdamped(potential, *_diffusion(top, folder), drift)


def _underdamped(top: Table, dynamics: Table, folder: Path) -> Underdamped:
    if "drift" in top.entries:
        raise ProblemError("drift", "a drift beside underdamped dynamics", "none: the force is -V', with friction")
    friction = dynamics.required("friction", "a number > 0, or a formula in x")
    potential = _potential(top, folder)
    noise, _ = _diffusion(top, folder)
    if not isinstance(noise, Isotropic):
        kind = top.table("diffusion").entries["kind"]
        raise ProblemError("diffusion.kind", kind, "isotropic, for underdamped dynamics")
    with named_in_file("friction", "dynamics.friction"):
        return Underdamped(potential, noise, friction, tuple(dynamics.numbers("parameters").items()))


def _smoluchowski(top: Table, dynamics: Table, folder: Path) -> Process:
    if "drift" in top.entries:
        raise ProblemError("drift", "a drift beside smoluchowski dynamics", "none: the density is exp(-F/kT)")
    if "interpretation" in top.table("diffusion").entries:
        found = top.table("diffusion").entries["interpretation"]
        raise ProblemError("diffusion.interpretation", described(found), "none: the density is exp(-F/kT)")
    wanted = "a positive number, in the unit of the potential"
    return Smoluchowski(_potential(top, folder), _diffusion(top, folder)[0], dynamics.required("kT", wanted))


def _potential(top: Table, folder: Path) -> Potential:
    table = top.table("potential", "a table [potential] with expression, name or grid")
    table.only(("expression", "name", "parameters", "grid", *GRID_KEYS))
    given = [name for name in ("expression", "name", "grid") if name in table.entries]
    if len(given) != 1:
        wanted = "exactly one of expression, name, grid"
        found = f"both {' and '.join(given)}" if given else "neither expression nor name nor grid"
        raise ProblemError("potential", found, wanted)
    if given == ["grid"]:
        table.only(("grid", *GRID_KEYS), "beside a grid")
        path = folder / table.text("grid", "the path of a file with values on a grid")
        return Potential.from_grid(path, **keywords(table.entries, GRID_KEYS))
    table.only(("expression", "name", "parameters"), "without a grid")
    parameters = table.numbers("parameters")
    if given == ["expression"]:
        return Potential(table.text("expression", "a text such as '(x**2 - 1)**2/4'"), parameters)
    from fokker_planck.model.gallery.registry import named

    return named(table.text("name", "the name of a potential of the gallery"), **parameters).potential


def _drift(table: Table) -> Drift:
    table.only(DRIFTS)
    given = [name for name in ("expression", "extra") if name in table.entries]
    if len(given) != 1:
        found = "both expression and extra" if given else "neither expression nor extra"
        raise ProblemError("drift", found, "exactly one of expression (the whole drift), extra (beside -grad V)")
    key = table.path(given[0])
    wanted = "a list of formulas, one for each coordinate"
    formulas = table.required(given[0], wanted)
    if isinstance(formulas, str):
        formulas = [formulas]
    if not isinstance(formulas, list) or not all(isinstance(formula, str) for formula in formulas):
        raise ProblemError(key, described(formulas), wanted)
    with named_in_file("drift.expression", key):
        return Drift(formulas, table.numbers("parameters"))


def _diffusion(top: Table, folder: Path) -> tuple[Diffusion, str]:
    table = top.table("diffusion", "a table [diffusion] with kind and its keys, such as epsilon")
    kind = table.word("kind", tuple(DIFFUSIONS))
    table.only(("kind", "interpretation", *DIFFUSIONS[kind]), f"for kind {kind}")
    interpretation = table.word("interpretation", INTERPRETATIONS, "ito")
    if kind == "grid":
        path = folder / table.text("file", "the path of a file with D on a grid")
        return Sampled.from_grid(path, **keywords(table.entries, ("periodic", "scale"))), interpretation
    return _KINDS[kind](table), interpretation


def _isotropic(table: Table) -> Diffusion:
    epsilon = table.required("epsilon", "a positive number")
    return Isotropic(positive_number("diffusion.epsilon", epsilon, "a positive number"))


def _constant(table: Table) -> Diffusion:
    return Constant(_rows("diffusion.matrix", table.required("matrix", "a list of rows of numbers")))


def _hessian(table: Table) -> Diffusion:
    return Hessian(table.required("scale", "a positive number"), table.entries.get("floor", 0.0))


def _quadratic(table: Table) -> Diffusion:
    offset, curvature = (table.required(name, "a number, or one for each axis") for name in ("offset", "curvature"))
    form = table.word("form", ("axes", "radial"), "axes")
    return Quadratic(offset, curvature, table.entries.get("center", 0.0), table.entries.get("slope", 0.0), form)


def _formula(table: Table) -> Diffusion:
    given = table.required("expression", "a formula, or a matrix of formulas as a list of rows")
    if not isinstance(given, (str, list)):
        raise ProblemError("diffusion.expression", described(given), "a formula, or a matrix of formulas")
    return Formula(given, table.numbers("parameters"))


def _gradient_descent(table: Table) -> Diffusion:
    from fokker_planck.sgd.noise import diffusion_of

    covariance = table.word("covariance", tuple(COVARIANCES), "isotropic")
    keys = COVARIANCES[covariance]
    table.only(
        ("kind", "interpretation", "learning_rate", "batch_size", "samples", "covariance", *keys),
        f"for covariance {covariance}",
    )
    rate = positive_number("diffusion.learning_rate", table.required("learning_rate", "a positive number"))
    batch = whole_number("diffusion.batch_size", table.required("batch_size", "a whole number"), 1, MOST_SAMPLES)
    samples = table.entries.get("samples")
    if samples is not None:
        samples = whole_number("diffusion.samples", samples, 1, MOST_SAMPLES)
    given: dict[str, Any] = {name: table.entries[name] for name in keys if name in table.entries}
    found: Diffusion = diffusion_of(rate, batch, covariance, samples, **given)
    return found


_KINDS = {
    "isotropic": _isotropic,
    "constant": _constant,
    "hessian": _hessian,
    "quadratic": _quadratic,
    "expression": _formula,
    "sgd": _gradient_descent,
}


def _rows(key: str, value: Any) -> list[tuple[float, ...]]:
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise ProblemError(key, described(value), "a list of rows of numbers, such as [[0.1, 0.0], [0.0, 0.2]]")
    return [point(f"{key}[{i}]", row) for i, row in enumerate(value)]
