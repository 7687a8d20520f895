"""The picture of the stationary density: what it shows is checked by its arrays and by the ink on the page."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from answers_by_hand import GridField, grid, landscape, log_density_field, stationary

import fokker_planck as fp
from fokker_planck.errors import ProblemError
from fokker_planck.output.plots import committor as committor_plot
from fokker_planck.output.plots import density as plotting
from fokker_planck.output.plots import picture


def pixels(path):
    from matplotlib.image import imread

    return imread(path)[..., :3]


@pytest.mark.filterwarnings("error:Rasterization")
@pytest.mark.parametrize(
    ("ending", "dimension"),
    [
        *(("png", dimension) for dimension in (1, 2, 3)),
        ("svg", 2),
        ("pdf", 1),
        *(pytest.param(*rest, marks=pytest.mark.slow) for rest in (("svg", 1), ("svg", 3), ("pdf", 2), ("pdf", 3))),
    ],
)
def test_every_dimension_and_format(tmp_path, dimension, ending):
    answer, path = stationary(dimension, 9), tmp_path / f"density.{ending}"
    assert plotting.plot_density(answer, path, landscape(dimension), title="50% [x]$") == path
    assert path.stat().st_size > 5000
    if ending == "png":
        assert 0.02 < np.mean(pixels(path) < 0.99) < 0.95, "neither empty nor black"
    if ending == "svg" and dimension > 1:
        assert b"<image" in path.read_bytes(), "the colours are one picture, not thousands of paths"


def test_the_same_answer_gives_the_same_file(tmp_path):
    first, second = (plotting.plot_density(stationary(), tmp_path / name, landscape()) for name in ("a.svg", "b.svg"))
    assert first.read_bytes() == second.read_bytes()


def test_greyscale_darkens_with_the_density():
    import matplotlib

    red, green, blue, _ = matplotlib.colormaps[plotting.COLOURS](np.linspace(0, 1, 65)).T
    assert (np.diff(0.2126 * red + 0.7152 * green + 0.0722 * blue) < 0).all()


def test_logarithms_and_plain_values_give_the_same_picture():
    log = stationary()
    plain = replace(log, field=replace(log.field, nodal=log.field.values, logarithm=False))
    one, other = picture.density_picture(log), picture.density_picture(plain)
    np.testing.assert_allclose(one.sheets[0].decades, other.sheets[0].decades, rtol=1e-12, atol=1e-12)


def test_wells_and_saddles_are_taken_over():
    shown = picture.density_picture(stationary(3, 5), landscape(3))
    np.testing.assert_array_equal(shown.wells, [[-1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(shown.saddles, [[0, 0, 0]])
    assert shown.saddle_decades == (pytest.approx(-5 / np.log(10)),)
    assert picture.density_picture(stationary(3, 5)).saddles.shape == (0, 3)


def test_zero_density_somewhere_is_drawn_and_nowhere_finite_is_refused(tmp_path):
    some = log_density_field()
    values = np.where(some.points[:, 0] > 1.5, -np.inf, some.nodal)
    plotting.plot_density(replace(stationary(), field=replace(some, nodal=values)), tmp_path / "a.png")
    with pytest.raises(ProblemError, match="density"):
        picture.density_picture(replace(stationary(), field=replace(some, nodal=np.full(441, np.nan))))


def test_a_uniform_density_is_drawn(tmp_path):
    points, cells = grid(2, 4)
    flat = replace(stationary(), wells=(), field=GridField(points, cells, np.full(16, 0.25)))
    plotting.plot_density(flat, tmp_path / "flat.png")


def test_a_density_below_the_smallest_double_is_drawn(tmp_path):
    deep = log_density_field(1, 101)
    deep = replace(deep, nodal=200.0 * deep.nodal - 4000.0)
    plotting.plot_density(replace(stationary(1), field=deep), tmp_path / "deep.png", landscape(1))


@pytest.mark.parametrize("name", ["density", "density.jpeg", "density.PNG.txt"])
def test_an_unknown_format_is_named(tmp_path, name):
    with pytest.raises(ProblemError, match=r"\.png, \.svg or \.pdf"):
        plotting.plot_density(stationary(), tmp_path / name)


@pytest.mark.parametrize("offset", [0.0, 0.31, -1.5, 1.5])
@pytest.mark.parametrize("normal", [1, 2])
def test_a_slice_covers_its_plane_and_keeps_linear_functions(normal, offset):
    points, cells = grid(3, 7)
    linear = points @ [0.3, -1.0, 2.0] + 0.7
    cut, triangles, values = picture.slice_plane(points, cells, linear, normal, offset)
    np.testing.assert_allclose(cut[:, normal], offset, atol=1e-6)
    np.testing.assert_allclose(values, cut @ [0.3, -1.0, 2.0] + 0.7, atol=1e-12)
    across = [axis for axis in range(3) if axis != normal]
    corners = cut[triangles][:, :, across]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum()
    assert area == pytest.approx(4.0 * 3.0, rel=1e-5)


def test_three_slices_go_through_the_lowest_minimum():
    sheets = picture.density_picture(stationary(3, 7), landscape(3)).sheets
    assert [sheet.normal for sheet in sheets] == [2, 1, 0]
    assert [sheet.axes for sheet in sheets] == [(0, 1), (0, 2), (1, 2)]
    assert [sheet.offset for sheet in sheets] == pytest.approx([0.0, 0.0, -1.0], abs=1e-5)


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_coarse_mesh_of_high_degree_is_drawn_with_the_values_of_the_field(dimension):
    class Smooth(GridField):
        def log(self, x):
            return np.where(x[0] > 1.9, np.nan, -np.sum(x**2, axis=0))

    points, cells = grid(dimension, 5)
    density = Smooth(points, cells, -np.sum(points**2, axis=1), logarithm=True)
    (sheet,) = picture.density_picture(replace(stationary(dimension), field=density)).sheets
    assert len(sheet.points) >= picture.ENOUGH_POINTS[dimension]
    exact = -np.sum(sheet.points**2, axis=1) / np.log(10)
    known = sheet.points[:, 0] <= 1.9
    np.testing.assert_allclose(sheet.decades[known], exact[known], atol=1e-12)
    assert np.isfinite(sheet.decades).all(), "linear where the field has no value"
    np.testing.assert_allclose(sheet.decades, exact, atol=0.3)


def test_halving_keeps_area_and_linear_functions():
    points, cells = grid(2, 4)
    values = points @ [1.0, -2.0]
    for _ in range(2):
        points, cells, values = picture.finer(points, cells, values)
    np.testing.assert_allclose(values, points @ [1.0, -2.0], atol=1e-12)
    first, second = (points[cells[:, k]] - points[cells[:, 0]] for k in (1, 2))
    assert 0.5 * np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]).sum() == pytest.approx(12.0)
    assert len(points) == 13 * 13


def sheet_without(keep, box=True):
    points, cells = grid(2, 5)
    cells = cells[keep(points[cells].mean(axis=1))]
    used, cells = np.unique(cells, return_inverse=True)
    points = points[used]
    decades = -np.sum((points - points.min(axis=0)) ** 2, axis=1)
    return picture.Sheet(points, cells.reshape(-1, 3), decades, (0, 1), box=box)


def test_only_a_box_without_its_faintest_part_is_painted_whole():
    def upper_right(x):
        return (x[:, 0] < 0) | (x[:, 1] < 0)

    assert not plotting._is_cut_box(sheet_without(lambda x: x[:, 0] < 9), low=-3.0), "nothing is cut off"
    assert plotting._is_cut_box(sheet_without(upper_right), low=-1.0)
    assert not plotting._is_cut_box(sheet_without(upper_right), low=-20.0), "an L is an L"
    whole = sheet_without(upper_right)
    apart = np.random.default_rng(1).normal(scale=1e-7, size=(whole.cells.size, 2))
    cracked = replace(
        whole,
        points=whole.points[whole.cells.ravel()] + apart,
        cells=np.arange(whole.cells.size).reshape(-1, 3),
        decades=whole.decades[whole.cells.ravel()],
    )
    assert plotting._is_cut_box(cracked, low=-1.0), "triangles of a slice do not fit together to the last digit"
    assert not plotting._is_cut_box(sheet_without(upper_right, box=False), low=-1.0), "the boundary is the domain's own"


@pytest.mark.parametrize(
    ("domain", "box"),
    [(fp.Box([-2.0, -1.5], [2.0, 1.5]), True), (fp.Ball([0.0, 0.0], 1.8), False), (fp.Sublevel(0.7), False)],
    ids=["box", "ball", "sublevel"],
)
def test_what_was_cut_off_a_box_is_told_from_what_was_never_there(domain, box):
    problem = fp.Problem(fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.02)), domain)
    (sheet,) = picture.density_picture(fp.stationary_density(problem)).sheets
    assert sheet.box is box


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-3.4, 0.2, [-3, -2, -1, 0]),
        (-40.0, 1.0, [-40, -35, -30, -25, -20, -15, -10, -5, 0]),
        (-0.2, 0.4, [0.0, np.log10(2)]),
        (0.1, 0.2, [0.1, 0.15, 0.2]),
    ],
)
def test_ticks_are_whole_powers_of_ten_where_there_are_enough(low, high, ticks):
    assert plotting._ticks(low, high) == pytest.approx(ticks)


def transitions(dimension):
    field = log_density_field(dimension, 9)
    points, cells, _ = field.triangulation()
    logs = field.log_values
    committor = GridField(points, cells, np.exp(logs - logs.max()))
    return SimpleNamespace(field=committor, reactive_density=field)


@pytest.mark.parametrize("dimension", [1, 2])
def test_a_committor_and_its_paths(tmp_path, dimension):
    path = committor_plot.plot_committor(transitions(dimension), tmp_path / "committor.png", title="50%")
    assert 0.02 < np.mean(pixels(path) < 0.99) < 0.95


def test_isolines_of_a_committor_follow_the_function_between_nodes_and_what_has_no_mesh_is_grey(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(committor_plot, "save_figure", lambda figure, path: seen.append(figure))
    answer = transitions(2)
    parabola = lambda x: (0.25 * x[0] + 0.5) ** 2  # noqa: E731
    answer.field = OwnValues(answer.field.points, answer.field.cells, parabola(answer.field.points.T), parabola)
    committor_plot.plot_committor(answer, tmp_path / "committor.png")
    axes = seen[0].axes[0]
    assert axes.get_facecolor()[:3] == pytest.approx((0.93, 0.93, 0.93))
    lines = next(each for each in axes.collections if hasattr(each, "levels"))
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        # the nodes are 0.5 apart, where straight lines miss the place by up to 0.06
        np.testing.assert_allclose(path.vertices[:, 0], 4.0 * np.sqrt(level) - 2.0, atol=3e-3)


class OwnValues(GridField):
    """Nodal values, and the function they are taken from."""

    def __init__(self, points, cells, nodal, function):
        super().__init__(points, cells, nodal)
        self.function = function

    def __call__(self, x):
        return self.function(x)


def test_a_committor_in_space_is_refused(tmp_path):
    with pytest.raises(ProblemError, match="three dimensions"):
        committor_plot.plot_committor(transitions(3), tmp_path / "committor.png")


def test_curves_that_coincide_are_both_seen():
    from fokker_planck.output.plots.evolution import THIN, seen_below

    widths = [seen_below(number, 3)["linewidth"] for number in range(3)]
    assert widths == sorted(widths, reverse=True)
    assert min(a - b for a, b in itertools.pairwise(widths)) > 0.5
    assert seen_below(0, 1)["linewidth"] == THIN
