"""Most probable paths: climbs that are known, instantons that are mirror images of the drift, saved and drawn."""

import matplotlib.figure
import numpy as np
import pytest

import fokker_planck as fp
from fokker_planck.cli.command import main

WELL = fp.Potential("(x**2 - 1)**2/4 + y**2/2")
BOX = fp.Box([-2, -1.5], [2, 1.5])


def test_a_rotation_that_keeps_the_density_is_climbed_along_the_mirror_image_of_the_way_down():
    turned = fp.Overdamped(WELL, fp.Isotropic(0.05), extra=fp.Drift(["-y", "x**3 - x"]))
    found = fp.most_probable_paths(fp.Problem(turned, BOX))
    assert not found.reversible
    assert sorted(path.wells for path in found.paths) == [(0, 1), (1, 0)]
    for number, path in enumerate(found.paths):
        assert found.action(number) == pytest.approx(5.0, rel=1e-8)
        # b = -grad V + c goes up along grad V + c: backward in time, -grad V - c, of which y -> -y makes b
        up, down = path.x[:, : path.summit + 1], path.x[:, path.summit :]
        mirrored = np.array([[-1.0], [1.0]]) * down[:, ::-1]
        assert np.abs(up[:, 0] - mirrored[:, 0]).max() < 1e-6
        assert np.abs(up - mirrored).max() < 5e-3
        # what has been climbed is V, along the whole way
        climbed = (WELL.value(up) - WELL.value(up[:, :1])) / 0.05
        assert np.abs(np.array(path.values[: path.summit + 1]) - climbed).max() < 0.02
        assert len(set(path.values[path.summit :])) == 1


def test_with_detailed_balance_they_are_minimum_energy_paths_both_ways():
    problem = fp.Problem(fp.Smoluchowski(WELL, fp.Constant([[1.0, 0.3], [0.3, 0.2]]), kT=0.05), BOX)
    found = fp.most_probable_paths(problem)
    (path,) = fp.energy_landscape(problem).paths
    assert found.reversible
    forward = next(each for each in found.paths if each.wells == path.wells)
    assert np.abs(forward.x - path.x).max() < 1e-4
    assert [found.action(k) for k in (0, 1)] == pytest.approx([5.0, 5.0], rel=1e-9)


def test_paths_are_asked_by_the_command_saved_and_drawn(tmp_path, capsys):
    file = tmp_path / "stein.toml"
    file.write_text(
        '[drift]\nexpression = ["x - x**3 - 6*x*y**2", "-(1 + x**2)*y"]\n[diffusion]\nkind = "isotropic"\n'
        'epsilon = 0.05\n[domain]\nkind = "box"\nlower = [-2, -1]\nupper = [2, 1]\n'
    )
    folder = tmp_path / "answers"
    assert main(["paths", str(file), "-o", str(folder), "-q"]) == 0
    assert "action/eps" in capsys.readouterr().out
    assert (folder / "paths.png").exists()
    loaded = fp.load(folder)["paths"]
    # along y = 0 the climb is 5: the path of least action leaves the axis
    assert loaded.action(0) < 4.9
    assert max(abs(y) for _, y in loaded.paths[0].points) > 0.2
    ax = loaded.plot(ax=matplotlib.figure.Figure().add_subplot())
    assert ax.get_xlabel() == "$x$"


def test_one_well_has_no_paths():
    with pytest.raises(fp.ProblemError, match="two wells and a saddle"):
        fp.most_probable_paths(
            fp.Problem(fp.Overdamped(fp.Potential("x**2"), fp.Isotropic(0.1)), fp.Box([-2.0], [2.0]))
        )


def test_noise_that_vanishes_in_some_direction_is_refused_in_one_line():
    momentum = fp.Underdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05), 1.0)
    coloured = fp.Drifting(fp.Drift(["x - x**3 + y", "-y"]), fp.Constant([[0.0, 0.0], [0.0, 0.1]]))
    for process, kind in ((momentum, "an underdamped process"), (coloured, "a process")):
        with pytest.raises(fp.ProblemError, match=f"^paths: found {kind} whose noise vanishes in some direction"):
            fp.most_probable_paths(fp.Problem(process, fp.Box([-2.0, -2.0], [2.0, 2.0])))


def test_on_a_ring_with_a_net_force_every_saddle_has_a_climb_from_either_side():
    """The climb against b = sin 2x + f is -int b, along the ring: unrolled, since a well may be met across its seam."""
    force, noise = 0.3, 0.05
    stable, before = 0.5 * (np.pi + np.arcsin(force)), -0.5 * np.arcsin(force)

    def climb(a, b):
        return (0.5 * np.cos(2.0 * b) - 0.5 * np.cos(2.0 * a) - force * (b - a)) / noise

    process = fp.Overdamped(fp.Potential("cos(2*x)/2"), fp.Isotropic(noise), extra=fp.Drift([f"{force}"]))
    found = fp.most_probable_paths(fp.Problem(process, fp.Box([0.0], [2.0 * np.pi], "periodic")))
    along, against = climb(stable, before + np.pi), climb(stable, before)
    assert [found.action(k) for k in range(4)] == pytest.approx([along, along, against, against], rel=1e-8)
    assert sorted(path.wells for path in found.paths) == [(0, 1), (0, 1), (1, 0), (1, 0)]
    for path in found.paths:
        assert path.length == pytest.approx(np.pi, rel=1e-6)
    rate = fp.rates(fp.Problem(process, fp.Box([0.0], [2.0 * np.pi], "periodic"))).rates[0][1]
    assert abs(rate.log + found.action(0)) < 2.0


def test_on_a_torus_a_well_is_left_for_its_own_images():
    drift = fp.Drift(["sin(x) + 0.2", "sin(y) + 0.3"])
    problem = fp.Problem(fp.Drifting(drift, fp.Isotropic(0.1)), fp.Box([0.0, 0.0], [2.0 * np.pi] * 2, "periodic"))
    found = fp.most_probable_paths(problem)
    forces = (0.3, 0.2)
    # -int (sin + f) from the well pi + arcsin f on to the saddle 2 pi - arcsin f, and 2 pi f more the other way
    along = [(2.0 * np.sqrt(1.0 - f * f) - f * (np.pi - 2.0 * np.arcsin(f))) / 0.1 for f in forces]
    against = [climb + 2.0 * np.pi * f / 0.1 for climb, f in zip(along, forces, strict=True)]
    assert [found.action(k) for k in range(4)] == pytest.approx(sorted([*along, *against]), rel=1e-7)
    assert {path.wells for path in found.paths} == {(0, 0)}
    drawn = found.plot(ax=matplotlib.figure.Figure().add_subplot())
    assert drawn.get_xlim() == pytest.approx((0.0, 2.0 * np.pi))
