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


def test_a_power_that_would_be_expanded_for_ever_is_no_polynomial():
    from fokker_planck.expression import parse_expression
    from fokker_planck.formulas.breakpoints import surfaces_of

    formula = parse_expression("abs(acos(0.5/999)**(x - 1e300)) + 0.01")
    assert surfaces_of([formula], [-1.0, -1.0], [2.0, 2.0]) == ()
