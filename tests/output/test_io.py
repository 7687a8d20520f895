"""A result folder holds all that was answered and where it comes from, and is never half written."""

import json
import os
from dataclasses import replace

import meshio
import numpy as np
import pytest
from answers_by_hand import (
    GridField,
    committor,
    exit_time,
    grid,
    landscape,
    log_density_field,
    potential,
    rates,
    spectrum,
    stationary,
)

import fokker_planck
from fokker_planck.errors import ProblemError
from fokker_planck.output import folder as io
from fokker_planck.output.serialize import json_text
from fokker_planck.quantity import Quantity
from fokker_planck.questions.keeping.report import answer_json
from fokker_planck.questions.keeping.result_folder import save
from fokker_planck.questions.registry import entry_of

EVERYTHING = {
    "landscape": landscape(),
    "stationary": stationary(),
    "spectrum": spectrum(),
    "exit-time": exit_time(),
    "rates": rates(),
    "committor": committor(),
}
ECHO = {"title": "Quartic double well", "diffusion": {"kind": "isotropic", "epsilon": 0.05}}


def no_constants(name):
    raise AssertionError(f"{name} is not JSON")


def test_json_of_the_contract():
    assert answer_json(spectrum()) == {
        "eigenvalues": [{"real": eigenvalue.real.as_dict(), "imag": 0.0} for eigenvalue in spectrum().eigenvalues],
        "gap": spectrum().gap.as_dict(),
    }
    assert answer_json(exit_time()) == {
        "mean": exit_time().mean.as_dict(),
        "asymptotic": exit_time().asymptotic.as_dict(),
        "ratio": pytest.approx(714.25 / 659.4),
    }
    assert answer_json(stationary())["wells"][0] == {
        "minimum": [-1.0, 0.0],
        "probability": {"value": 0.5, "log": pytest.approx(np.log(0.5)), "relative_error": 2e-9},
    }


def test_json_of_a_committor():
    assert answer_json(committor()) == {
        "rate": committor().rate.as_dict(),
        "probability_reactive": committor().probability_reactive.as_dict(),
        "probability_last_from": committor().probability_last_from.as_dict(),
        "rate_constant": committor().rate_constant.as_dict(),
        "rate_constant_back": committor().rate_constant_back.as_dict(),
        "asymptotic": None,
        "ratio": None,
    }
    assert committor().rate_constant.value == pytest.approx(2.0 * 4.26249e-3, rel=1e-12)
    assert entry_of(committor()).prediction(committor()) == []


def test_json_of_rates_is_a_matrix_that_a_script_can_use():
    answer = answer_json(rates())
    assert list(answer) == ["wells", "rates", "asymptotic"]
    assert answer["wells"] == [{"number": n, "minimum": [x, 0.0]} for n, x in ((1, -1.0), (2, 0.0), (3, 1.0))]
    matrix = np.array([[entry["value"] for entry in row] for row in answer["rates"]])
    np.testing.assert_array_equal(matrix[0], [-(3.0e-3 - 2.0e-7), 3.0e-3, -2.0e-7])
    np.testing.assert_allclose(matrix.sum(axis=1), 0.0, atol=1e-18)
    diagonal = answer["rates"][0][0]
    assert diagonal["log"] is None
    assert diagonal["relative_error"] == pytest.approx((3e-11 + 2e-11) / (3.0e-3 - 2.0e-7))
    assert answer["rates"][0][1] == rates().rates[0][1].as_dict()
    assert [[entry and entry["value"] for entry in row] for row in answer["asymptotic"]] == [
        [None, 2.5e-3, None], [2.5e-3, None, 2.5e-3], [None, 2.5e-3, None]
    ]  # fmt: skip
    assert answer["asymptotic"][0][1]["relative_error"] is None


def test_rates_below_the_smallest_double_have_logarithms_and_a_diagonal_without_value():
    tiny = Quantity.of_log(-2000.0, 1e-6)
    answer = answer_json(
        replace(rates(), minima=((-1.0,), (1.0,)), rates=((None, tiny), (tiny, None)), asymptotic=None)
    )
    assert answer["rates"][0][1] == {"value": None, "log": -2000.0, "relative_error": 1e-6}
    assert answer["rates"][0][0] == {"value": None, "log": None, "relative_error": None}
    assert answer["asymptotic"] == [[None, None], [None, None]]


def test_prediction_and_ratio_of_rates_row_by_row():
    beside = entry_of(rates()).prediction(rates())
    assert [entry["ratio"] for entry in beside] == [
        pytest.approx(1.2), None, pytest.approx(0.4), pytest.approx(0.4), None, pytest.approx(1.2)
    ]  # fmt: skip


def test_the_folder_tells_hitting_times_and_saddles(tmp_path):
    save(tmp_path / "out", {"rates": rates()})
    assert sorted(os.listdir(tmp_path / "out")) == ["rates.png", "result.json"]
    chain = json.loads((tmp_path / "out" / "result.json").read_text(), parse_constant=no_constants)["chain"]["rates"]
    assert chain["hitting_times"][0][0] is None
    assert [entry["value"] for entry in chain["hitting_times"][0][1:]] == [300.0, 1500.0]
    assert chain["saddles"][0] == {"between": [0, 1], "position": [-0.5, 0.0], "share": 0.75}


def test_committor_and_reactive_density_read_back(tmp_path):
    save(tmp_path / "out", {"committor": committor()})
    data = meshio.read(tmp_path / "out" / "committor.vtu").point_data
    assert set(data) == {"committor", "reactive_density", "log_reactive_density"}
    ends = (data["committor"] == 0.0) | (data["committor"] == 1.0)
    assert ends.any()
    np.testing.assert_array_equal(data["reactive_density"][ends], 0.0)
    np.testing.assert_array_equal(np.isnan(data["log_reactive_density"]), ends)


def test_an_answer_without_a_prediction_has_null():
    answer = answer_json(replace(exit_time(), asymptotic=None))
    assert answer["asymptotic"] is None
    assert answer["ratio"] is None
    assert entry_of(spectrum()).prediction(spectrum())[2] == {"value": None, "ratio": None}


def test_json_of_a_landscape():
    answer = answer_json(landscape())
    assert answer["barriers"] == [None, 0.25]
    assert answer["saddles"][0]["joins"] == [0, 1]
    assert answer["saddles"][0]["hessian_eigenvalues"] == [-1.0, 1.0]
    assert [point["position"] for point in answer["minima"]] == [[-1.0, 0.0], [1.0, 0.0]]


def test_numbers_beyond_a_double_are_null_with_a_logarithm_and_the_text_is_strict_json():
    answer = replace(exit_time(log=2000.0), asymptotic=Quantity.of_log(1990.0, float("nan")))
    content = json.loads(json_text(answer_json(answer)), parse_constant=no_constants)
    assert content["mean"] == {"value": None, "log": 2000.0, "relative_error": 1e-7}
    assert content["asymptotic"]["relative_error"] is None


def test_folder_with_everything(tmp_path):
    names = save(tmp_path / "new" / "answers", EVERYTHING, title="Quartic double well", problem=ECHO)
    folder = tmp_path / "new" / "answers"
    assert sorted(names) == sorted(os.listdir(folder))
    assert set(names) == {
        "result.json", "density.png", "stationary.vtu", "spectrum.vtu", "exit-time.vtu", "committor.vtu",
        *(f"{name}.png" for name in EVERYTHING if name != "stationary"),
    }  # fmt: skip
    assert os.listdir(tmp_path / "new") == ["answers"], "no draft is left"
    content = json.loads((folder / "result.json").read_text(), parse_constant=no_constants)
    assert content["answers"]["spectrum"] == answer_json(spectrum())
    assert content["eyring_kramers"]["exit-time"][0]["value"]["value"] == 659.4
    came_from = content["provenance"]
    assert came_from["problem"] == ECHO
    assert came_from["versions"]["fokker_planck"] == fokker_planck.__version__
    assert came_from["versions"]["numpy"] == np.__version__
    assert came_from["versions"]["dolfinx"] == "0.5.2"
    assert came_from["statistics"]["spectrum"] == {
        "unknowns": 7469, "cells": 640, "degree": 4, "levels": 3, "seconds": 0.42
    }  # fmt: skip


@pytest.mark.parametrize("dimension", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_fields_read_back(tmp_path, dimension):
    save(tmp_path / "out", {"stationary": stationary(dimension, 7)})
    mesh = meshio.read(tmp_path / "out" / "stationary.vtu")
    points, cells = grid(dimension, 7)
    assert mesh.points.shape == (len(points), 3)
    np.testing.assert_array_equal(mesh.points[:, :dimension], points)
    assert mesh.cells[0].type == {1: "line", 2: "triangle", 3: "tetra"}[dimension]
    np.testing.assert_array_equal(mesh.cells[0].data, cells)
    np.testing.assert_array_equal(mesh.point_data["log_density"], -potential(points) / 0.05)
    np.testing.assert_allclose(mesh.point_data["density"], np.exp(-potential(points) / 0.05))


def test_a_density_below_the_smallest_double_still_has_its_logarithm(tmp_path):
    low = replace(log_density_field(), nodal=np.full(21**2, -5000.0))
    save(tmp_path / "out", {"stationary": replace(stationary(), field=low)})
    data = meshio.read(tmp_path / "out" / "stationary.vtu").point_data
    assert (data["log_density"] == -5000.0).all()
    assert (data["density"] == 0.0).all()


def test_files_of_an_earlier_result_go_and_those_of_the_user_stay(tmp_path):
    save(tmp_path, {"spectrum": spectrum(), "exit-time": exit_time()})
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "mine.vtu").write_text("mine")
    save(tmp_path, {"exit-time": exit_time()})
    assert sorted(os.listdir(tmp_path)) == ["exit-time.png", "exit-time.vtu", "mine.vtu", "notes.txt", "result.json"]


def test_a_list_of_files_that_was_tampered_with_removes_nothing_else(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    folder = tmp_path / "out"
    save(folder, {"exit-time": exit_time()})
    content = json.loads((folder / "result.json").read_text())
    content["files"] += ["../precious.txt", "..", 3, "/etc/hostname"]
    (folder / "result.json").write_text(json.dumps(content))
    (folder / "keep").write_text("mine")
    save(folder, {"spectrum": spectrum()})
    assert (tmp_path / "precious.txt").exists()
    assert sorted(os.listdir(folder)) == ["keep", "result.json", "spectrum.png", "spectrum.vtu"]


@pytest.mark.parametrize("theirs", ['{"answers": 42}', "not json", "[]"])
def test_a_result_of_another_program_is_not_overwritten(tmp_path, theirs):
    (tmp_path / "result.json").write_text(theirs)
    with pytest.raises(ProblemError, match=r"-o: .* this program's own"):
        save(tmp_path, {"exit-time": exit_time()})
    assert (tmp_path / "result.json").read_text() == theirs
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ProblemError, match=r"-o: found .*out; wanted a folder, not a file"):
        io.check_folder(tmp_path / "out")
    with pytest.raises(ProblemError, match="-o: found .*below"):
        io.check_folder(tmp_path / "out" / "below")


def test_a_folder_without_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(ProblemError, match="can be written"):
        io.check_folder(tmp_path / "out")


def test_a_failure_half_way_leaves_the_earlier_result(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    save(folder, {"exit-time": exit_time()})
    before = (folder / "result.json").read_text()

    def full_disk(path, grid):
        path.write_text("half a fi")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(io, "write_grid", full_disk)
    with pytest.raises(ProblemError, match="No space left on device"):
        save(folder, {"spectrum": spectrum()})
    assert (folder / "result.json").read_text() == before
    assert os.listdir(tmp_path) == ["out"]
    with pytest.raises(ProblemError, match="No space left on device"):
        save(tmp_path / "fresh", {"spectrum": spectrum()})
    assert os.listdir(tmp_path) == ["out"]


def test_a_link_to_a_folder_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    save(tmp_path / "link", {"exit-time": exit_time()})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "result.json").exists()


def test_a_field_that_is_no_logarithm_is_written_as_it_is(tmp_path):
    points, cells = grid(1, 3)
    io.write_grid(tmp_path / "f.vtu", io.Grid(points, cells, {"u": GridField(points, cells, points[:, 0]).values}))
    np.testing.assert_array_equal(meshio.read(tmp_path / "f.vtu").point_data["u"], [-2.0, 0.0, 2.0])
