"""How the tolerance is shared out: as docs/accuracy.md says, and in bars as they come out."""

from pathlib import Path

import pytest

import fokker_planck as fp
from fokker_planck.solvers.setting.error_budget import ErrorBudget, budget_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "accuracy.md"

ROWS = {
    "cells cut away (in the bar)": "cut",
    "the same without detailed balance (in the bar)": "cut_of_flow",
    "at most, what is cut beside the paths of an exit without detailed balance (what it is, in the bar)": "changed",
    "the same, where a degree less tells both (twice in the bar)": "changed_with_degree",
    "flat cells, in anisotropic problems (in the bar)": "flat_cells",
    "a refinement aims at": "aim",
    "the mesh on which weights of wells are integrated": "mesh_of_weights",
    "a step of the flow to the wells": "flow",
    "left out of the reduced problem of the wells": "left_out",
}


@pytest.mark.parametrize("row", ROWS)
def test_the_page_says_the_same_as_the_code(row):
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {row} |"))
    said = [cell.strip() for cell in line.strip("|").split("|")[1:]]
    shares = [getattr(ErrorBudget(1e-6, dimension), ROWS[row]) / 1e-6 for dimension in (1, 2, 3)]
    for text, share in zip(said, shares, strict=True):
        assert text in (f"{share:.0e}", "none")
    assert said != ["none"] * 3


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_what_stands_in_a_bar_leaves_most_of_the_tolerance_to_the_elements(dimension):
    budget = ErrorBudget(1e-4, dimension)
    # where cells are flat and cut at once, a refinement still aims below what is left
    assert budget.cut + budget.flat_cells + budget.aim < 0.6 * budget.tolerance
    assert budget.cut_of_flow + budget.changed + budget.aim < 0.6 * budget.tolerance


def test_what_is_allowed_for_a_cut_is_in_the_bar():
    """At a tolerance of 1e-2 the elements of degree 6 are far better, and the allowance is what the bar is of."""
    potential = fp.Potential("(x**2 - 1)**2/4 + y**2/2")
    process = fp.Overdamped(potential, fp.Isotropic(0.01))
    problem = fp.Problem(process, fp.Box([-3.0, -3.0], [3.0, 3.0]), fp.Resolution(tolerance=1e-2, degree=8))
    found = fp.mean_exit_time(problem, [-1.0, 0.0], fp.HalfSpace([1.0, 0.0], 1.0))
    cut = budget_of(problem).cut
    assert cut == pytest.approx(2e-4, rel=0.02)
    assert cut <= found.mean.relative_error < 3.0 * cut
