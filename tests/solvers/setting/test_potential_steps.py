"""A potential that jumps on a line under noise that depends on the state; it was left out, wrong by exp(21)."""

import numpy as np
import pytest

import fokker_planck as fp
from validation.campaign.line_quadrature import line

PLACE, JUMP = -0.3204, -0.0911


def problem(noise, interpretation):
    text = f"(x**2 - 1)**2/4 + {JUMP}*heaviside(x - ({PLACE}))"
    process = fp.Overdamped(fp.Potential(text), fp.Formula(noise), interpretation)
    return fp.Problem(process, fp.Box([-1.7], [1.9]), fp.Resolution(tolerance=1e-6))


@pytest.mark.parametrize(("interpretation", "alpha"), [("ito", 0.0), ("stratonovich", 0.5), ("klimontovich", 1.0)])
def test_the_step_of_the_potential_is_a_step_of_the_exponent(interpretation, alpha):
    def noise(x):
        return 0.01 * (1.0 + x**2)

    def drift(x):
        return x - x**3 + alpha * 0.02 * x

    whole = line(drift, noise, -1.7, 1.9, [-1.0, PLACE, 1.0], [0.0, -JUMP / noise(PLACE), 0.0])
    given = problem("0.01*(1 + x**2)", interpretation)
    found = fp.mean_exit_time(given, start=[-1.0], target=fp.HalfSpace([1.0], 1.0)).mean
    assert abs(found.log - whole.log_exit_to_right(-1.0, 1.0)) <= found.relative_error + 1e-12
    rate = fp.committor(given, fp.HalfSpace([-1.0], 1.0), fp.HalfSpace([1.0], 1.0)).rate
    wanted = -whole.log_scale_between(-1.0, 1.0) - whole.log_mass(-np.inf, np.inf)
    assert abs(rate.log - wanted) <= rate.relative_error + 1e-12


def test_the_step_has_a_vertex_on_a_mesh_from_a_file(tmp_path):
    """Without one, cells at the jump were bisected until they had no length."""
    import meshio

    t = np.linspace(-1.7, 1.9, 12)
    points = np.stack([t, 0 * t, 0 * t], axis=1)
    cells = [("line", np.stack([np.arange(11), np.arange(1, 12)], axis=1))]
    meshio.Mesh(points, cells).write(tmp_path / "line.msh", file_format="gmsh", binary=False)
    box = problem("0.01*(1 + x**2)", "ito")
    file = fp.Problem(box.process, fp.MeshFile(tmp_path / "line.msh"), box.resolution)
    target = fp.HalfSpace([1.0], 1.0)
    found, wanted = (fp.mean_exit_time(given, start=[-1.0], target=target).mean for given in (file, box))
    assert abs(found.log - wanted.log) <= found.relative_error + wanted.relative_error


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0.05*x**2 + piecewise(0.3 < x < 0.6, 1, 0)", "0.6"),
        ("(x**2 - 1)**2/4 + 0.5*heaviside(x - 0.3137)", "0.3137"),
        ("(x**2 - 1)**2/4 + 0.5*heaviside(x + 0.3137)", None),
        ("(x**2 - 1)**2/4 - 0.5*heaviside(x - 0.3137)", None),
        ("(x**2 - 1)**2/4 + 0.04*heaviside(x - 0.3137)", None),
    ],
)
@pytest.mark.parametrize("dimension", [1, 2])
def test_a_well_that_only_a_step_holds_up_is_spoken_of(text, place, dimension, recwarn):
    process = fp.Overdamped(fp.Potential(text + " + y**2" * (dimension - 1)), fp.Isotropic(0.05))
    box = fp.Box([-2.0] * dimension, [2.0] * dimension)
    fp.stationary_density(fp.Problem(process, box, fp.Resolution(tolerance=1e-4)))
    said = [str(warning.message) for warning in recwarn if "holds up" in str(warning.message)]
    assert [place is not None and f"({place}" in text for text in said] == [True] * (place is not None)


def test_a_step_that_holds_a_wind_on_a_ring_is_named():
    """Of two steps that the wind leads to, neither is a fixed point: one well, and a word."""
    text = "0.3*heaviside(x - 0.2)*heaviside(0.5 - x) + 0.2*heaviside(x - 0.7)*heaviside(0.9 - x)"
    process = fp.Overdamped(fp.Potential(text), fp.Isotropic(0.02), extra=fp.Drift(["0.8"]))
    given = fp.Problem(process, fp.Box([0.0], [1.0], "periodic"), fp.Resolution(tolerance=1e-6))
    with pytest.warns(UserWarning, match="V jumps up by 15 units of epsilon at .0.2., where the flow leads"):
        assert len(fp.stationary_density(given).wells) == 1
