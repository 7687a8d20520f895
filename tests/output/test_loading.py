"""Results show themselves as the command does, and come back from a folder as they were."""

import json
import pickle
import re
import shutil
import sys
from dataclasses import fields, is_dataclass, replace
from importlib import import_module

import numpy as np
import pytest
from answers_by_hand import committor, exit_time, landscape, log_density_field, rates, spectrum, stationary

import fokker_planck as fp
from fokker_planck.errors import MissingPackageError, ProblemError
from fokker_planck.output.origin import origin
from fokker_planck.output.records import HOMES
from fokker_planck.questions.keeping.report import render, rows_of
from fokker_planck.questions.registry import QUESTIONS, entry
from fokker_planck.solvers.results.in_time import ExitLaw, PartOfExit, TimeOfLaw

ANSWERS = {
    "landscape": landscape(),
    "stationary": stationary(),
    "spectrum": spectrum(),
    "exit-time": replace(exit_time(log=2000.0), asymptotic=fp.Quantity.of_log(1990.0, float("nan"))),
    "rates": rates(),
    "committor": committor(),
    "exit-law": ExitLaw(
        fp.Quantity.of(1.0, 1e-6),
        fp.Quantity.of(2.0 / 3.0, float("inf")),
        fp.Quantity.of_log(-900.0, 1e-6),
        (TimeOfLaw(1.5, fp.Quantity.of(0.2, 1e-6), fp.Quantity.of(0.1, 1e-6)),),
        {0.5: fp.Quantity.of(0.9, 1e-6)},
        {"left": PartOfExit(fp.Quantity.of(0.5, 1e-9), fp.Quantity.of(1.1, 1e-9))},
        (0.0, 0.0),
        "boundary",
        replace(log_density_field(), name="mean_exit_time"),
        log_density_field(),
        exit_time().statistics,
    ),
}
ROWS = {"landscape": 3, "stationary": 2, "spectrum": 3, "exit-time": 1, "rates": 6, "committor": 1, "exit-law": 1}


def same(one, other):
    """Equal numbers; of fields, equal values at the points."""
    if hasattr(one, "triangulation"):
        assert all(np.array_equal(a, b) for a, b in zip(one.triangulation(), other.triangulation(), strict=True))
        if one.logarithm:
            assert np.array_equal(one.log_values, other.log_values)
        assert one.logarithm == other.logarithm
    elif is_dataclass(one):
        assert type(one) is type(other)
        for f in fields(one):
            same(getattr(one, f.name), getattr(other, f.name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
    else:
        assert one == other or (one != one and other != other), (one, other)


@pytest.mark.parametrize("question", ANSWERS)
def test_what_was_saved_comes_back(tmp_path, question):
    answer = ANSWERS[question]
    fp.save(tmp_path / "out", {question: answer}, title="Two [wells]", problem={"title": "Two [wells]"})
    for path in (tmp_path / "out", tmp_path / "out" / "result.json"):
        saved = fp.load(path)
        assert list(saved) == [question]
        same(answer, saved[question])
        assert str(saved[question]) == str(answer)
        assert saved.title == saved.problem["title"] == "Two [wells]"
        assert saved.provenance["tolerance"] == 1e-6
    assert str(saved) == render({question: answer}, "Two [wells]").rstrip()
    assert repr(saved) == f"<SavedResult 'Two [wells]': {question}>"


def test_a_json_without_its_folder_has_the_numbers(tmp_path):
    fp.save(tmp_path / "out", {"stationary": stationary()})
    shutil.copy(tmp_path / "out" / "result.json", tmp_path / "kept.json")
    saved = fp.load(tmp_path / "kept.json")["stationary"]
    assert saved.wells == stationary().wells
    for asked in (lambda: saved.density(np.zeros((1, 1))), saved.plot, lambda: saved.field.log_values):
        with pytest.raises(ProblemError, match=r"stationary\.vtu: found no field 'density' .* beside its result\.json"):
            asked()


def test_a_saved_field_is_linear_between_its_points(tmp_path):
    fp.save(tmp_path / "out", {"stationary": stationary(2, 21)})
    density = fp.load(tmp_path / "out")["stationary"].density
    points, _, values = density.triangulation()
    np.testing.assert_allclose(density(points.T), values, rtol=1e-12)
    middle = density.log((points[:1].T + points[1:2].T) / 2.0)
    np.testing.assert_allclose(middle, density.log_values[:2].mean(), rtol=1e-12)
    assert np.isnan(density(np.array([[99.0], [0.0]]))).all()
    assert density.in_a_box
    with pytest.raises(ProblemError, match=r"shape \(2, n\)"):
        density(np.zeros((1, 4)))
    np.testing.assert_array_equal(density(np.zeros((3, 4))), density(np.zeros((2, 4))))  # as dolfinx gives points


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "no such file"),
        ("{", "cannot be read"),
        ("[1]", "no result of this program"),
        ('{"provenance": {"program": "fokker_planck"}}', "earlier version"),
        (
            '{"provenance": {"program": "fokker_planck"}, "records": {"exit-time": {"type": "Popen"}}}',
            "cannot be read",
        ),
    ],
)
def test_what_is_no_result_is_refused_in_a_line(tmp_path, text, found):
    if text is not None:
        (tmp_path / "result.json").write_text(text)
    with pytest.raises(ProblemError, match=found):
        fp.load(tmp_path / "result.json")


def test_a_damaged_field_file_is_refused(tmp_path):
    fp.save(tmp_path, {"exit-time": exit_time()})
    (tmp_path / "exit-time.vtu").write_text("<nothing")
    with pytest.raises(ProblemError, match=r"exit-time\.vtu: found no field file"):
        fp.load(tmp_path)


@pytest.mark.parametrize("question", ANSWERS)
def test_answers_print_their_tables_and_show_them_in_notebooks(question):
    answer = ANSWERS[question]
    assert str(answer) == render({question: answer}).rstrip()
    shown = answer._repr_html_()
    assert shown.count("<table>") == shown.count("</table>") >= 1
    assert shown.count("<tr>") - shown.count("<thead>") >= min(ROWS[question], 1)
    assert "[bold]" not in shown


def test_html_has_names_of_users_as_text():
    shown = replace(exit_time(), target="<b>[red]A")._repr_html_()
    assert "&lt;b&gt;[red]A" in shown


@pytest.mark.parametrize("question", ANSWERS)
def test_rows_of_a_frame(question):
    rows = rows_of(ANSWERS[question])
    assert len(rows) == ROWS[question]
    assert all(value is None or isinstance(value, int | float | str | bool) for row in rows for value in row.values())


def test_frames():
    pytest.importorskip("pandas")
    frame = ANSWERS["exit-time"].to_frame()
    assert frame["mean_log"].iloc[0] == 2000.0
    assert frame["mean"].isna().iloc[0]
    assert list(spectrum().to_frame()["real"])[1] == spectrum().eigenvalues[1].real.value
    assert {"from.0", "to.1", "rate", "hitting_time_log"} <= set(rates().to_frame())


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match=r"fokker-planck-fem\[pandas\]"):
        spectrum().to_frame()


def test_provenance_says_where_numbers_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["fokker-planck", "solve", "two wells.toml"])
    fp.save(tmp_path, {"exit-time": exit_time()}, problem={"discretization": {"tolerance": 1e-3}})
    found = json.loads((tmp_path / "result.json").read_text())["provenance"]
    assert found["command"] == "fokker-planck solve 'two wells.toml'"
    assert found["tolerance"] == 1e-3
    assert found["blas"] == origin()["blas"]
    assert found["commit"] is None or len(found["commit"].removesuffix("-dirty")) == 40
    fp.save(tmp_path, {"exit-time": exit_time()})
    assert json.loads((tmp_path / "result.json").read_text())["provenance"]["tolerance"] is None


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_answer_and_all_that_it_is_made_of_has_a_record(question):
    """The names in the annotations of an answer, and of what these name in turn, are known to the records."""
    unsaved = {
        "Field",
        "DensityField",
        "Set",
        "DiffusionField",
        "Current",
        "Hold",
        "Mapping",
        "Limits",
        "Floats",
        "Literal",
    }
    made, seen = [entry(question).answer], set()
    while made:
        cls = made.pop()
        assert cls.__name__ in HOMES
        seen.add(cls.__name__)
        for f in fields(cls):
            for name in set(re.findall(r"[A-Z][A-Za-z]+", str(f.type))) - unsaved - seen - {"None"}:
                made.append(getattr(import_module(f"fokker_planck.{HOMES[name]}"), name))


def test_fields_are_between_their_nodes_what_they_were(tmp_path):
    process = fp.Overdamped(fp.Potential("0.3*cos(5*x) + x**2/2 + y**2/2"), fp.Formula("0.2 + 0.02*x**2"))
    disc = fp.Problem(process, fp.Ball([0, 0], 1.7), fp.Resolution(1e-3), sets={"B": fp.Ball([0.9, 0.1], 0.3)})
    answers = {"exit-time": fp.mean_exit_time(disc, [-1, 0], "B"), "stationary": fp.stationary_density(disc)}
    fp.save(tmp_path / "one", answers)
    fp.save(tmp_path / "two", dict(fp.load(tmp_path / "one")))
    loaded = fp.load(tmp_path / "two")
    radius, angle = np.random.default_rng(5).uniform(0, (1.7, 2 * np.pi), (300, 2)).T
    x = radius * np.array([np.cos(angle), np.sin(angle)])
    assert loaded["exit-time"].field(x) == pytest.approx(
        answers["exit-time"].field(x), rel=1e-12, abs=1e-12, nan_ok=True
    )
    # the logarithm of the density is a polynomial of a higher degree, 1e-5 off where one of the elements is 3e-3 off
    assert loaded["stationary"].density(x) == pytest.approx(answers["stationary"].density(x), rel=1e-4)
    (tmp_path / "two" / "exit-time-fields.npz").write_text("no arrays")
    with pytest.raises(ProblemError, match="a file that cannot be read"):
        fp.load(tmp_path / "two")["exit-time"].field(x)


def test_fields_of_a_ring_go_around_it_after_loading_and_pickling(tmp_path):
    """A constant drift between absorbing ends: times and committors in closed form, backwards with the drift turned."""
    process = fp.Overdamped(fp.Potential("0", dimension=1), fp.Isotropic(1.0), extra=fp.Drift(["2"]))
    ring = fp.Problem(process, fp.Box([0.0], [2.0 * np.pi], "periodic"))
    first, second = fp.Ball([0.5], 0.25), fp.Ball([3.0], 0.25)
    law = fp.exit_law(ring, 3.35, second)
    transitions = fp.committor(ring, first, second)
    fp.save(tmp_path, {"exit-law": law, "committor": transitions})
    places = np.array([[-1.0, 0.5, 2.0, 3.1, 3.5, 6.0, 8.0]])
    drift, width = 2.0, 2.0 * np.pi - 0.5  # u'' + 2 u' = -1 between two absorbing ends
    s = np.mod(places[0] - 3.25, 2.0 * np.pi)
    mean = np.where(s < width, width / drift * np.expm1(-drift * s) / np.expm1(-drift * width) - s / drift, 0.0)
    for found in (law, fp.load(tmp_path)["exit-law"], pickle.loads(pickle.dumps(law))):
        np.testing.assert_allclose(found.field(places), mean, atol=1e-7)
        np.testing.assert_array_equal(found.quasi_stationary.log(places), law.quasi_stationary.log(places))
    for found in (transitions, fp.load(tmp_path)["committor"], pickle.loads(pickle.dumps(transitions))):
        to_second = np.expm1(-drift * 1.25) / np.expm1(-drift * 2.0)
        assert found.field([[2.0]])[0] == pytest.approx(to_second, abs=1e-7)
        from_first = 1.0 - np.expm1(drift * 1.25) / np.expm1(drift * 2.0)
        assert found.backward([[2.0]])[0] == pytest.approx(from_first, abs=1e-7)


def test_an_answer_that_is_not_there_is_named_with_those_that_are(tmp_path):
    fp.save(tmp_path, {"exit-time": exit_time()})
    with pytest.raises(KeyError, match=r"exit_time \(did you mean exit-time\?\): there is exit-time"):
        fp.load(tmp_path)["exit_time"]
    assert fp.load(tmp_path).get("spectrum") is None


def test_what_is_large_has_a_short_repr():
    axis = np.linspace(-1.0, 1.0, 41)
    assert len(repr(fp.Potential.from_grid(([axis], axis**2)))) < 200
