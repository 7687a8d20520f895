"""Studies show themselves: the numbers in tables and frames are those of the arrays, with their places on the axes."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fokker_planck as fp
from fokker_planck.errors import ProblemError
from fokker_planck.questions.studies.noise_study import NoiseStudy

RATES, SIZES = np.array([0.1, 0.2]), np.array([1, 2, 4])
BARRIER = 0.25


def study() -> NoiseStudy:
    """log tau = barrier/D, D = eta/(2 B): exact, and one place without an answer."""
    scales = RATES[:, None] / (2 * SIZES)
    times = np.empty(scales.shape, dtype=object)
    for place in np.ndindex(scales.shape):
        times[place] = fp.Quantity.of_log(BARRIER / scales[place], 1e-6)
    times[1, 0] = None
    nothing = np.full((*scales.shape, 0), None)
    return NoiseStudy(RATES, SIZES, scales, times, times, (), nothing, np.full(scales.shape, None), None, None)


def test_a_row_has_its_place_on_the_axes_and_what_was_not_asked_is_left_out():
    rows = study().rows()
    assert [(row["learning_rate"], row["batch_size"]) for row in rows] == [(e, b) for e in RATES for b in SIZES]
    assert rows[2]["iterations_log"] == pytest.approx(BARRIER * 2 * 4 / 0.1)
    assert rows[3]["time"] is None
    assert "gap" not in rows[0]


def test_a_frame_has_a_row_for_every_place():
    pytest.importorskip("pandas")
    frame = study().to_frame()
    assert list(frame.columns[:2]) == ["learning_rate", "batch_size"]
    assert len(frame) == 6


def test_tables_have_every_place_and_fit_a_page():
    text = str(study())
    assert text.splitlines()[0].split() == "learning rate batch size iterations rel. error time rel. error".split()
    assert len(text.splitlines()) == 2 + 6
    assert max(map(len, text.splitlines())) <= 120
    assert text.splitlines()[5].split() == ["0.2", "1", "-", "-", "-", "-"]
    assert study()._repr_html_().count("<tr>") == 7
    assert repr(study()) == "<NoiseStudy: iterations, time at 2 x 3 learning rate, batch size>"


def test_a_picture_has_a_curve_for_every_value_of_the_other_axis():
    axes = study().plot(ax=Figure().add_subplot())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("batch size", r"$\log_{10}$ iterations")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["learning rate 0.1", "learning rate 0.2"]
    across, up = axes.lines[0].get_data()
    assert across.tolist() == SIZES.tolist()
    np.testing.assert_allclose(up, BARRIER * 2 * SIZES / 0.1 / np.log(10.0))
    axes = study().plot("time", along="learning_rate", ax=Figure().add_subplot())
    assert axes.get_xlabel() == "learning rate"
    assert len(axes.get_legend().get_texts()) == 3


def test_misspelt_numbers_and_axes_are_refused():
    with pytest.raises(ProblemError, match=r"number: .*did you mean iterations.*wanted one of iterations, time"):
        study().plot("iteration")
    with pytest.raises(ProblemError, match=r"along: .*wanted one of learning_rate, batch_size"):
        study().plot(along="batchsize")
