"""Minimum energy paths against an integrator of scipy's, in the metric of the noise, around periodic axes and walls."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import fokker_planck as fp
from fokker_planck.questions.registry import entry


@pytest.fixture(scope="module")
def mueller_brown():
    return fp.Problem(fp.Overdamped(fp.named("mueller-brown").potential, fp.Isotropic(10.0)), fp.Sublevel(250.0))


def farthest(path, curve):
    """The largest distance of the middle half of the points of a path to a polygon (dim, n)."""
    middle = path.x[:, 1:-1]
    start, way = curve[:, :-1], np.diff(curve, axis=1)
    s = np.einsum("ikn,in->kn", middle[:, :, None] - start[:, None], way) / (way**2).sum(axis=0)
    nearest = start[:, None] + np.clip(s, 0.0, 1.0) * way[:, None]
    return float(np.linalg.norm(middle[:, :, None] - nearest, axis=0).min(axis=1).max())


def integrated(flow, jacobian, saddle, time):
    """Both sides of a saddle by Dormand and Prince's method of order 8, joined."""
    values, vectors = np.linalg.eig(jacobian(saddle))
    way = vectors[:, int(np.argmax(values.real))].real * 1e-6
    exact = {"method": "DOP853", "rtol": 1e-10, "atol": 1e-12, "t_eval": np.linspace(0.0, time, 6000)}
    sides = [solve_ivp(lambda t, x: flow(x), (0.0, time), saddle + sign * way, **exact).y for sign in (-1.0, 1.0)]
    return np.concatenate([sides[0][:, ::-1], sides[1]], axis=1)


def test_the_paths_of_mueller_and_brown_are_those_of_another_integrator_and_highest_at_the_saddles(mueller_brown):
    problem = mueller_brown
    found, potential = fp.energy_landscape(problem), problem.process.potential
    assert [path.wells for path in found.paths] == [saddle.joins for saddle in found.saddles]
    for path, saddle in zip(found.paths, found.saddles, strict=True):
        curve = integrated(
            lambda x: -potential.gradient(x[:, None])[:, 0],
            lambda x: -potential.hessian(x[:, None])[:, :, 0],
            saddle.x,
            0.2,
        )
        assert farthest(path, curve) < 5e-5  # 1.5e-5 measured: chords of cubic pieces
        length = float(np.linalg.norm(np.diff(curve, axis=1), axis=0).sum())
        assert path.length == pytest.approx(length, rel=1e-3)
        assert max(path.values) == saddle.value == path.values[path.summit]
        assert (np.diff(path.values[: path.summit + 1]) > 0.0).all()
        assert (np.diff(path.values[path.summit :]) < 0.0).all()
        for end, value, point in zip(path.wells, (path.values[0], path.values[-1]), path.x[:, [0, -1]].T, strict=True):
            assert value == pytest.approx(found.minima[end].value, rel=1e-12)
            assert point == pytest.approx(found.minima[end].x, abs=1e-12)


def test_a_free_energy_is_left_in_the_metric_of_its_noise():
    F = fp.Potential("(x**2 - 1)**2/4 + (y - 0.4*x**2 - 0.3*x)**2")
    noise = fp.Constant([[1.0, 0.3], [0.3, 0.2]])
    box = fp.Box([-2, -2], [2, 2])
    (path,) = fp.energy_landscape(fp.Problem(fp.Smoluchowski(F, noise, 0.05), box)).paths
    (plain,) = fp.energy_landscape(fp.Problem(fp.Overdamped(F, fp.Isotropic(0.05)), box)).paths
    D = np.array(noise.matrix)
    curve = integrated(lambda x: -D @ F.gradient(x[:, None])[:, 0], lambda x: -D @ F.hessian(x[:, None])[:, :, 0],
                       np.zeros(2), 60.0)  # fmt: skip
    assert farthest(path, curve) < 1e-4
    assert farthest(plain, curve) > 0.03


def test_paths_go_across_periodic_faces_and_along_walls():
    ring = fp.Potential("1 - cos(x) + 2*(1 - cos(y)) + 0.5*sin(x)*sin(y)")
    box = fp.Box([-np.pi, -np.pi], [np.pi, np.pi], "periodic")
    shifted = fp.Potential("(1 - cos(2*x))/2 + y**2/2")
    along = fp.Problem(fp.Overdamped(shifted, fp.Isotropic(0.1)), fp.Box([-1, -1], [5.2, 1]))
    across = fp.Problem(fp.Overdamped(fp.Potential("cos(x - 1) + cos(2*x)"), fp.Isotropic(0.1)),
                        fp.Box([-np.pi], [np.pi], "periodic"))  # fmt: skip
    assert all(
        path is None for path in fp.energy_landscape(fp.Problem(fp.Overdamped(ring, fp.Isotropic(0.1)), box)).paths
    )
    for problem in (along, across):
        found = fp.energy_landscape(problem)
        assert len(found.paths) == len(found.saddles) >= 1
        for path, saddle in zip(found.paths, found.saddles, strict=True):
            assert np.abs(np.diff(path.x, axis=1)).max() < 0.5
            assert max(path.values) == pytest.approx(saddle.value, abs=1e-12)
    assert sum(path.length for path in found.paths) == pytest.approx(2.0 * np.pi, rel=1e-9)  # once around


def test_paths_are_saved_loaded_printed_as_json_and_scaled(mueller_brown, tmp_path):
    found = fp.energy_landscape(mueller_brown)
    fp.save(tmp_path, {"landscape": found})
    assert fp.load(tmp_path)["landscape"].paths == found.paths
    assert (tmp_path / "landscape.png").exists()
    written = entry("landscape").json(found)["saddles"][0]["path"]
    assert written["values"][written["summit"]] == found.saddles[0].value
    assert len(written["points"]) == len(written["arclength"]) == len(written["values"])
    assert "path" not in entry("landscape").rows(found)[-1]
    assert found.scaled(2.0).paths[0].values[0] == 2.0 * found.paths[0].values[0]


def test_with_momentum_it_is_the_energy():
    """Minima, saddles and barriers of V, at rest; the way between them is the line v = 0."""
    tilted, noise = fp.Potential("(x**2 - 1)**2/4 + 0.1*x"), fp.Isotropic(0.05)
    asked = fp.Problem(fp.Underdamped(tilted, noise, 0.5), fp.Box([-1.8, -1.5], [1.8, 1.5]))
    moving = fp.energy_landscape(asked)
    plain = fp.energy_landscape(fp.Problem(fp.Overdamped(tilted, noise), fp.Box([-1.8], [1.8])))
    assert moving.barriers[1] == pytest.approx(plain.barriers[1], rel=1e-9)
    for points, same in ((moving.minima, plain.minima), (moving.saddles, plain.saddles)):
        assert [(point.position[0], 0.0) for point in same] == pytest.approx(np.array([p.position for p in points]))
    (path,) = moving.paths
    assert np.abs(path.x[1]).max() < 1e-9
