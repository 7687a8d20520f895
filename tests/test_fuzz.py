"""A short run of the fuzzer; `make fuzz` goes on for as long as one likes."""

from validation.fuzz.__main__ import main


def test_nonsense_is_refused_in_one_line(capsys):
    assert main(["--minutes", "0.1", "--seed", "11"]) == 0
    assert " 0 found" in capsys.readouterr().out
