"""The pieces of the benchmarks, on coarse cases: exact answers, every rival's script, series, tables."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])


@pytest.mark.parametrize("noise", [20, 80, 400, 2000])
def test_exact_answers_are_those_of_the_references(noise):
    from benchmarks.exact import exact

    entries = json.loads((ROOT / "tests/reference/one_dimensional.json").read_text())["entries"]
    values = {entry["id"]: float(entry["value"]) for entry in entries if entry["id"].startswith("A_eps")}
    assert exact("gap", noise / 4) == pytest.approx(values[f"A_eps1/{noise}_lam1"], rel=5e-14, abs=0.0)
    assert exact("exit-time", noise / 4) == pytest.approx(values[f"A_eps1/{noise}_T(-1->1)"], rel=5e-14, abs=0.0)


# Cells per unit of length and a bound of the relative error at a barrier of 5: measured values, rounded up.
COARSE = [
    ("scikit_fem_p2", "skfem", 8, 1e-3),
    ("scikit_fem_p4", "skfem", 4, 1e-5),
    ("scharfetter_gummel", "scipy", 16, 1e-2),
    ("fipy_volumes", "fipy", 8, 1e-3),
]


@pytest.mark.parametrize("question", ["gap", "exit-time", "gap-turned"])
@pytest.mark.parametrize(("method", "package", "cells", "bound"), COARSE)
def test_a_rival_is_right_on_a_coarse_mesh(method, package, cells, bound, question, monkeypatch):
    from benchmarks.exact import exact

    monkeypatch.setenv("FIPY_SOLVERS", "scipy")
    pytest.importorskip(package, reason=f"{package} comes with the extra 'bench'")
    value, unknowns = importlib.import_module(f"benchmarks.rivals.{method}").answer(question, 5.0, cells)
    assert value == pytest.approx(exact(question, 5.0), rel=bound)
    assert unknowns > 100


@pytest.mark.parametrize("question", ["gap", "exit-time", "gap-turned"])
def test_this_library_in_the_same_frame(question):
    from benchmarks.exact import exact
    from benchmarks.one_measurement import this_library

    found = this_library(question, 5.0, 1e-3)
    assert found["value"] == pytest.approx(exact(question, 5.0), rel=found["claimed"])
    assert found["claimed"] <= 1e-3
    assert found["megabytes"] > 10


def test_a_measurement_has_its_own_process_and_survives_a_failure():
    from benchmarks.measurement import measure

    right = measure("scharfetter_gummel", "exit-time", 5.0, 8.0)
    assert right.failure is None
    assert right.error < 0.05
    assert right.seconds < right.process_seconds
    wrong = measure("no_such_method", "gap", 5.0, 8.0)
    assert "not installed" in wrong.failure
    assert wrong.error is None


def measured(*errors):
    from benchmarks.measurement import Measurement, Series

    meshes = [
        Measurement("m", "gap", 5.0, float(k), value=1.0, error=error, unknowns=k, seconds=float(k), megabytes=1.0)
        for k, error in enumerate(errors, start=1)
    ]
    return Series(tuple(meshes))


def test_one_mesh_that_is_right_by_accident_does_not_count():
    assert measured(1e-3, 5e-7, 3e-6, 2e-6).reached is None
    assert measured(1e-3, 5e-7, 3e-6, 2e-6).best.size == 2.0
    reached = measured(1e-3, 5e-7, 3e-6, 4e-7, 2e-7)
    assert reached.reached.size == 4.0
    assert reached.seconds_to_know == 9.0


def test_tables_of_the_page_are_made_anew_and_the_rest_is_kept():
    from benchmarks.compare import replaced
    from benchmarks.tables import Table

    page = "before\n<!-- table one -->\nold\n<!-- end -->\nbetween\n<!-- table two -->\nkept\n<!-- end -->\nafter\n"
    table = Table("one", "One", ("a", "b"), (("1", "2"),))
    new = replaced(page, [table])
    assert new == page.replace("old\n", "| a | b |\n| --- | --- |\n| 1 | 2 |\n")
    assert replaced(new, [table]) == new


def test_the_page_holds_every_table():
    from benchmarks.double_well import QUESTIONS

    page = (ROOT / "docs/benchmarks.md").read_text()
    for name in (*(f"{kind} {q}" for kind in ("compared", "alone") for q in QUESTIONS), "tolerances", "uniform"):
        assert f"<!-- table {name} -->" in page
