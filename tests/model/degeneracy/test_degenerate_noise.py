"""Noise that vanishes in some direction, in the plane and in space: one clear line from every question."""

import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.cli.command import main

WELLS = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.1))
BOX = fp.Box([-2.0, -2.0], [2.0, 2.0])
KINDS = {
    "constant": (fp.Formula([["0.1", "0"], ["0", "0"]]), "diffusion.expression: found noise that vanishes"),
    "on a curve": (fp.Formula("0.1*(x - 0.3*y - 0.2)**2"), "diffusion.expression: .* vanishes in some direction at"),
    "across a curve": (fp.Formula([["0.1", "0"], ["0", "x**2"]]), "diffusion.expression: .* vanishes in some"),
    "at a point": (fp.Formula("0.1*((x - 0.31)**2 + (y + 0.7)**2)"), r"vanishes in some direction at \(0.31, -0.7\)"),
    "on the walls": (fp.Formula([["4 - x**2", "0"], ["0", "4 - y**2"]]), "diffusion.expression: .* vanishes"),
    "hessian": (fp.Hessian(0.1), "diffusion.floor: .* vanishes .* wanted a floor > 0"),
    "callable": (fp.Sampled(lambda x: np.abs(x[0] - 0.3), dimension=2), "diffusion: .* vanishes in some direction at"),
    "negative": (fp.Formula("(x - 0.31)**2 + (y + 0.7)**2 - 1e-5"), "an eigenvalue -1e-05 at"),
}
QUESTIONS = {
    "stationary": fp.stationary_density,
    "spectrum": lambda problem: fp.spectrum(problem, 2),
    "exit time": lambda problem: fp.mean_exit_time(problem, [-1.0, 0.0], fp.HalfSpace([1.0, 0.0], 1.0)),
    "committor": lambda problem: fp.committor(problem, fp.Ball([-1.0, 0.0], 0.3), fp.Ball([1.0, 0.0], 0.3)),
    "rates": fp.rates,
    "eyring kramers": fp.eyring_kramers,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found(kind):
    diffusion, message = KINDS[kind]
    with pytest.raises(fp.ProblemError, match=message):
        fp.spectrum(fp.Problem(fp.Overdamped(WELLS.potential, diffusion), BOX), 2)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_says_so(question):
    moving = fp.Drifting(fp.Drift(["x - x**3", "x - y/2"]), fp.Formula([["0", "0"], ["0", "0.1"]]))
    with pytest.raises(fp.ProblemError, match="diffusion.expression: found noise that vanishes in some direction"):
        QUESTIONS[question](fp.Problem(moving, BOX))


@pytest.mark.parametrize("matrix", ["[[0.1, 0.0], [0.0, 0.0]]", '[["0.1", "0"], ["0", "0"]]'])
def test_and_from_a_file(matrix, tmp_path, capsys):
    kind = 'kind = "expression"\nexpression' if '"' in matrix else 'kind = "constant"\nmatrix'
    path = tmp_path / "flat.toml"
    path.write_text(
        f'[potential]\nexpression = "x**2/2 + y**2/2"\n[diffusion]\n{kind} = {matrix}\n'
        '[domain]\nkind = "box"\nlower = [-2.0, -2.0]\nupper = [2.0, 2.0]\n'
    )
    assert main(["spectrum", str(path), "-q"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "diffusion." in said[0]


@pytest.mark.parametrize(
    "diffusion",
    [
        fp.Formula("1e-4 + x**2 + y**2"),
        fp.Formula([["exp(-4*x**2)", "0"], ["0", "1e-6"]]),
        fp.Formula([["1", "0"], ["0", "1e-9"]]),
        fp.Hessian(0.1, floor=1e-3),
    ],
)
def test_noise_that_is_only_small_is_not_taken_for_none(diffusion):
    from fokker_planck.model.degeneracy.degenerate_noise import refuse_degenerate_noise

    problem = fp.Problem(fp.Overdamped(WELLS.potential, diffusion), BOX)
    refuse_degenerate_noise(diffusion.field(WELLS.potential, 2), problem.sample(), problem.contains)
