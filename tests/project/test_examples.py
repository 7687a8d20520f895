"""Every example script reproduces what it claims, and has its problem file beside it."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
SLOW = {
    "batch_schedule",
    "stochastic_resonance",
    "hessian_noise",
    "hessian_noise_2d",
    "kramers_turnover",
    "momentum_escape",
    "network_section",
    "quadratic_noise",
    "saddle_escape",
    "two_minima_of_sgd",
}
MESHED = {"narrow_escape"}  # whose domain gmsh makes, so that no problem file describes it
MEASURED = {"network_section"}  # potential and noise come from a network


def test_there_are_some():
    found = {path.stem for path in SCRIPTS}
    assert found >= SLOW | {
        "flat_and_sharp", "two_minima_of_sgd", "narrow_escape", "momentum_escape",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", [pytest.param(p, marks=pytest.mark.slow if p.stem in SLOW else (), id=p.stem) for p in SCRIPTS]
)
def test_an_example_reproduces_its_claim(path, capsys):
    if path.stem in MESHED:
        pytest.importorskip("gmsh")
        pytest.importorskip("dolfinx.io.gmsh")
    elif path.stem not in MEASURED:
        assert path.with_suffix(".toml").exists()
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1] == "reproduced"
    assert left.value.code == 0
