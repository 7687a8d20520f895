"""A short run of the fuzzer; `make fuzz` goes on for as long as one likes."""

from validation.fuzz.__main__ import main


def test_nonsense_is_refused_in_one_line(capsys):
    assert main(["--minutes", "0.1", "--seed", "11"]) == 0
    assert " 0 found" in capsys.readouterr().out


def test_a_pole_of_order_999_in_a_switch_is_refused():
    import pytest

    import fokker_planck as fp
    from fokker_planck.errors import ProblemError
    from fokker_planck.solvers.setting import kinetics_of
    from fokker_planck.state_diffusion import Formula

    process = fp.Drifting(fp.Drift(["-x"]), Formula("abs(3.7/x**999) + 0.01"))
    with pytest.raises(ProblemError, match="not finite"):
        kinetics_of(fp.Problem(process, fp.Box([-1.0], [2.0])))
