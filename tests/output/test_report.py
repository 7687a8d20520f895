"""Tables show each number with the digits that its error bar justifies, beside the asymptotic value."""

import re

import pytest
from answers_by_hand import committor, exit_time, landscape, rates, spectrum, stationary

import fokker_planck as fp
from fokker_planck.output.tables import significant
from fokker_planck.quantity import Quantity
from fokker_planck.questions.keeping.report import render


def cells_of(text, first):
    """The cells of the row that begins with a word."""
    row = next(line for line in text.splitlines() if line.strip().startswith(first))
    return re.split(r"\s{2,}", row.strip())


def test_spectrum_row_has_value_error_bar_asymptotic_value_and_ratio():
    text = render({"spectrum": spectrum()})
    number, value, error, asymptotic, ratio = cells_of(text, "1  ")
    assert number == "1"
    assert value == "0.0027951235"
    assert (error, asymptotic) == ("3.0e-08", "0.003033")
    assert float(ratio) == pytest.approx(0.002795123456789 / 0.003033, rel=1e-5)


def test_digits_end_where_the_error_bar_begins():
    rough = cells_of(render({"spectrum": spectrum()}), "2  ")[1]
    assert rough == "0.987650"


def test_eigenvalue_zero_and_a_missing_prediction():
    assert cells_of(render({"spectrum": spectrum()}), "0  ")[1:] == ["0", "0", "-", "-"]


def test_an_imaginary_part_gets_a_column_only_where_there_is_one():
    from dataclasses import replace

    plain = spectrum()
    assert "imaginary" not in render({"spectrum": plain})
    turned = replace(plain, eigenvalues=(*plain.eigenvalues[:2], replace(plain.eigenvalues[2], imag=-1.5)))
    text = render({"spectrum": turned})
    assert "imaginary part" in text
    assert cells_of(text, "2  ")[2] == "-1.5"


def test_an_exit_time_that_fits_no_double_is_shown():
    row = cells_of(render({"exit-time": exit_time(log=2000.0)}), "(-1, 0)")
    assert row[1] == "B"
    assert row[2].endswith("e+868")
    assert row[4].endswith("e+868")
    assert float(row[5]) == pytest.approx(1.05127, rel=1e-5)


def test_wells_are_numbered_from_one_as_in_the_picture():
    text = render({"stationary": stationary()})
    assert cells_of(text, "1  ")[1] == "(-1, 0)"
    assert cells_of(text, "2  ")[1] == "(1, 0)"


def test_landscape_tells_which_wells_a_saddle_joins_and_the_barrier_in_units_of_the_noise():
    text = render({"landscape": landscape()}, noise=0.05)
    assert "barrier/eps" in text
    assert cells_of(text, "2  ") == ["2", "(1, 0)", "0", "0.25", "5", "1, 2"]
    saddles = text[text.index("Saddles") :]
    assert cells_of(saddles, "1  ") == ["1", "(0, 0)", "0.25", "1 - 2", "-1, 1"]
    assert "barrier/eps" not in render({"landscape": landscape()})


def test_rates_stand_beside_their_prediction_and_the_time_to_get_there():
    text = render({"rates": rates()})
    row = cells_of(text, "1  (-1, 0)   2  (0, 0)")
    assert row == ["1", "(-1, 0)", "2", "(0, 0)", "0.0030000000", "1.0e-08", "0.0025", "1.2", "300.000"]
    across = cells_of(text, "1  (-1, 0)   3  (1, 0)")
    assert across[4:8] == ["-2.000e-07", "1.0e-04", "-", "-"]
    saddles = text[text.index("Saddles that carry the flow") :]
    assert cells_of(saddles, "1  (-1, 0)") == ["1", "(-1, 0)", "2", "(0, 0)", "(-0.5, 0)", "75 %"]


def test_positions_of_three_dimensions_fit_a_line():
    from dataclasses import replace

    places = ((-0.558223634, 1.44172584, -1.23456789), (0.62349940, 0.02803776, 1.23456789), (0.1, 0.2, 0.3))
    text = render({"rates": replace(rates(), minima=places)})
    assert all(len(line) <= 120 for line in text.splitlines())
    for shown in ("(-0.5582,", "-1.235)", "0.0030000000", "1500.00"):
        assert shown in text


def test_rates_without_a_prediction():
    from dataclasses import replace

    text = render({"rates": replace(rates(), asymptotic=None, flows=())})
    assert cells_of(text, "1  (-1, 0)   2  (0, 0)")[6:8] == ["-", "-"]
    assert "Saddles" not in text


def test_transitions():
    text = render({"committor": committor()})
    assert cells_of(text, "transitions per unit time")[1:] == ["0.004262490", "2.0e-07"]
    assert cells_of(text, "share of time since")[1:] == ["0.500000000", "1.0e-09"]


def test_titles_and_names_are_not_read_as_markup():
    text = render({"exit-time": exit_time()}, title="[red]not red[/red] [1]")
    assert text.startswith("[red]not red[/red] [1]")


def test_lines_begin_at_once_and_tables_stand_apart():
    text = render({"landscape": landscape(), "spectrum": spectrum()})
    assert text.startswith("Minima")
    assert "\n\nSaddles" in text
    assert "\n\nSpectrum" in text
    assert "\n\n\n" not in text


def test_without_a_terminal_there_are_no_escape_codes():
    assert "\x1b" not in render({"spectrum": spectrum(), "landscape": landscape()}, title="Title")
    assert "\x1b" in render({"spectrum": spectrum()}, terminal=True)


@pytest.mark.parametrize(("log", "text"), [(-3000.0, "1.308e-1303"), (1000.0, "1.970e+434"), (0.0, "1")])
def test_numbers_outside_the_range_of_a_double(log, text):
    assert significant(Quantity.of_log(log, 0.1), 4) == text


def test_headings_have_the_units_of_the_problem():
    units = fp.Units("nm", "ps", "kJ/mol")
    text = render({"rates": rates(), "landscape": landscape(), "exit-time": exit_time()}, units=units)
    for heading in ("from / nm", "rate / (1/ps)", "mean time to it / ps", "V / (kJ/mol)", "mean time / ps"):
        assert heading in text
    assert " / ps" not in render({"rates": rates()})
