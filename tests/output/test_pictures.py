"""Every answer draws itself on axes that are given; currents are those of the process; the command draws results."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import matplotlib.figure
import numpy as np
import pytest
from answers_by_hand import COST, committor, exit_time, landscape, rates, spectrum, stationary
from PIL import Image

import fokker_planck as fp
from fokker_planck.cli.command import main
from fokker_planck.cli.problem_file import load_problem_file
from fokker_planck.errors import ProblemError
from fokker_planck.output.plots.transitions import reactive_current
from fokker_planck.questions.registry import entry
from fokker_planck.solvers.results.in_time import ExitLaw, TimeOfLaw
from fokker_planck.solvers.time.evolving.evolution_results import Evolution, StateAtTime

matplotlib.use("agg")

LAW = ExitLaw(
    fp.Quantity.of(1.0, 1e-6), fp.Quantity.of(1.0, 1e-6), fp.Quantity.of(1.0, 1e-6),
    tuple(TimeOfLaw(t, fp.Quantity.of(float(np.exp(-t)), 1e-3), fp.Quantity.of(0.1, 1e-6)) for t in (0.1, 1.0, 3.0)),
    {}, {}, (0.0, 0.0), "boundary", exit_time().field, stationary().field, exit_time().statistics,
)  # fmt: skip
ANSWERS = {
    "committor": (committor, "$x$", "$y$"),
    "stationary": (stationary, "$x$", "$y$"),
    "stationary on a line": (lambda: stationary(1, 41), "$x$", r"$\log_{10}$ density"),
    "exit-time": (exit_time, "$x$", "$y$"),
    "spectrum": (spectrum, "$x$", "$y$"),
    "rates": (rates, "$x$", "$y$"),
    "landscape": (landscape, "well", "$V$"),
    "exit-law": (lambda: LAW, "time $t$", r"not left, $P(\tau > t)$"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_draws_itself_on_given_axes_with_labels(name):
    from matplotlib.figure import Figure

    make, across, up = ANSWERS[name]
    figure = Figure()
    ax = figure.add_subplot()
    assert make().plot(ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == (across, up)
    assert ax.has_data()
    figure.canvas.draw()
    ax.set_xlabel("an angle in degrees")


@pytest.mark.parametrize(
    ("question", "example", "up"),
    [
        pytest.param("evolve", "density_in_time", "density $p(x, t)$", marks=pytest.mark.slow),
        ("correlation", "stationary_correlation", None),
    ],
)
def test_answers_in_time_are_saved_loaded_and_drawn(question, example, up, tmp_path):
    asked = load_problem_file(Path(__file__).parents[2] / "examples" / f"{example}.toml")
    answer = entry(question).ask(asked.problem, asked.questions[question])
    fp.save(tmp_path, {question: answer})
    loaded = fp.load(tmp_path)[question]
    assert str(loaded) == str(answer)
    ax = loaded.plot(ax=matplotlib.figure.Figure().add_subplot())
    assert ax.has_data()
    assert ax.get_ylabel() == up if up else "covariance" in ax.get_ylabel()
    if question == "evolve":
        ax = loaded.plot(ax=matplotlib.figure.Figure().add_subplot(), kind="map")
        assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("$x$", "time $t$", "log")
        assert loaded.plot(ax=matplotlib.figure.Figure().add_subplot(), kind="probabilities").has_data()
        assert main(["plot", str(tmp_path), "-o", str(tmp_path / "film.gif")]) == 0
        with Image.open(tmp_path / "film.gif") as film:
            assert film.n_frames >= len(answer.times)
        with pytest.raises(ProblemError, match=r"\.gif or \.mp4"):
            fp.film(loaded, tmp_path / "film.png")


def frames():
    """A density in the plane at eight times."""

    def state(t):
        half = fp.Quantity.of(0.5, 1e-6)
        return StateAtTime(t, half, (half, half), {}, {}, None, stationary().field, 1e-6, 0.0)

    return Evolution(tuple(state(float(t)) for t in range(1, 9)), ((-1.0, 0.0), (1.0, 0.0)), "", None, COST)


@pytest.mark.parametrize("make", [*(each[0] for each in ANSWERS.values()), frames], ids=[*ANSWERS, "frames"])
def test_nothing_of_a_picture_on_axes_of_its_own_is_cut_off(make):
    from matplotlib import pyplot

    figure = make().plot().figure
    figure.canvas.draw()
    shown = [axes.get_tightbbox() for axes in figure.axes]
    pyplot.close(figure)
    whole = figure.bbox.padded(1.0)
    assert [box for box in shown if box and not (whole.contains(*box.min) and whole.contains(*box.max))] == []


def test_a_density_in_the_plane_has_a_frame_for_each_time(tmp_path):
    answer = frames()
    ax = matplotlib.figure.Figure().add_subplot()
    answer.plot(ax=ax)
    titles = [panel.get_title() for panel in ax.figure.axes if panel.get_title()]
    assert len(titles) == 6
    assert (titles[0], titles[-1]) == ("$t$ = 1", "$t$ = 8")
    with pytest.raises(ProblemError, match="more than one coordinate"):
        answer.plot(ax=matplotlib.figure.Figure().add_subplot(), kind="map")
    assert fp.film(replace(answer, times=answer.times[:2]), tmp_path / "two.gif").stat().st_size > 1000


def test_the_tail_of_a_law_is_drawn_in_powers_of_ten():
    times = tuple(TimeOfLaw(t, fp.Quantity.of_log(-t, 1e-3), fp.Quantity.of(0.1, 1e-6)) for t in (0.1, 3.0, 1000.0))
    ax = replace(LAW, times=times).plot(ax=matplotlib.figure.Figure().add_subplot())
    assert "log_{10}" in ax.get_ylabel()
    tail = ax.get_lines()[-1]
    # through the last time, and everywhere exponential at the rate
    assert tail.get_ydata()[[0, -1]] == pytest.approx(np.array([-0.1, -1000.0]) / np.log(10.0))


def test_without_axes_there_are_new_ones():
    from matplotlib import pyplot

    ax = spectrum().plot()
    assert ax.figure.axes[0] is ax
    pyplot.close(ax.figure)


def test_fields_in_space_are_drawn_in_three_slices_with_one_bar():
    answer = stationary(3, 5)
    for ax in (matplotlib.figure.Figure().add_subplot(), matplotlib.figure.Figure().add_axes((0.1, 0.1, 0.8, 0.8))):
        assert answer.plot(ax=ax) is ax
        panels = [each for each in (*ax.figure.axes, *ax.child_axes) if each.get_xlabel()]
        assert [(p.get_xlabel(), p.get_ylabel()) for p in panels] == [("$x$", "$y$"), ("$x$", "$z$"), ("$y$", "$z$")]
        ax.figure.canvas.draw()


def test_labels_are_those_of_the_problem_where_no_others_are_asked_for():
    process = fp.Underdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1), 1.0)
    phase_space = fp.Problem(process, fp.Box([-2.0, -2.0], [2.0, 2.0]), fp.Resolution(1e-3))
    axes = fp.stationary_density(phase_space).plot()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$x$", "$v$")
    line = fp.Problem(
        fp.Overdamped(fp.Potential("x**2/2"), fp.Isotropic(0.1)), fp.Box([-2], [2]), units=fp.Units(length="nm")
    )
    assert fp.stationary_density(line).plot().get_xlabel() == "$x$ / nm"
    assert fp.stationary_density(line).plot(units=fp.Units(length="m")).get_xlabel() == "$x$ / m"
    assert "minimum / nm" in str(fp.stationary_density(line))


def test_what_needs_no_mesh_has_the_units_of_the_problem_too(tmp_path):
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.05))
    units = fp.Units(length="degree", energy="kJ/mol", names=["phi", "psi"])
    problem = fp.Problem(process, fp.Box([-2, -2], [2, 2]), units=units)
    answers = {"landscape": fp.energy_landscape(problem), "paths": fp.most_probable_paths(problem)}
    fp.save(tmp_path, answers)
    loaded = fp.load(tmp_path)
    for answer in (*answers.values(), *(loaded[name] for name in answers)):
        axes = answer.plot(ax=matplotlib.figure.Figure().add_subplot())
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("phi / degree", "psi / degree")
    assert "V / (kJ/mol)" in answers["landscape"]._repr_html_()
    assert "length / degree" in str(answers["paths"])
    isolines = answers["paths"].surface.grid
    assert isolines[50, 50] - isolines.min() == pytest.approx(5.0, rel=1e-3)  # a quarter over 1/20, at the saddle


def test_labels_have_the_units_that_are_asked_for():
    units = fp.Units(length="degree", time="ps", energy="kJ/mol", names=["phi", "psi"])
    assert exit_time().plot(units=units).get_ylabel() == "psi / degree"
    assert landscape().plot(kind="tree", units=units).get_ylabel() == "$V$ / (kJ/mol)"
    assert landscape().plot().get_ylabel() == "$V$"
    with pytest.raises(ProblemError, match="did you mean tree"):
        landscape().plot(kind="tee")
    with pytest.raises(ProblemError, match="none: there is one"):
        rates().plot(kind="tree")
    with pytest.raises(ProblemError, match="one of surfaces"):
        exit_time().plot(kind="tree")


@pytest.fixture(scope="module")
def transitions():
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.1))
    problem = fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5]), fp.Resolution(tolerance=1e-4))
    return fp.committor(problem, fp.Ball([-1, 0], 0.25), fp.Ball([1, 0], 0.25))


def test_the_reactive_current_crosses_every_line_between_the_sets_equally(transitions):
    x, y = np.linspace(-1.9, 1.9, 191), np.linspace(-1.45, 1.45, 146)
    current = reactive_current(transitions, x, y)
    assert current.shape == (2, len(y), len(x))
    flux = np.nansum(current[0], axis=0)
    between = flux[np.abs(x) < 0.6]
    assert between.min() > 0.0
    assert np.ptp(between) < 0.01 * between.mean()  # differences over a step of 0.02


def test_the_current_turns_with_the_noise(transitions):
    x, y = np.linspace(-0.5, 0.5, 21), np.linspace(-0.5, 0.5, 21)
    skew = replace(transitions, noise=fp.Constant([[0.1, 0.05], [0.05, 0.1]]).field(None, 2))
    straight, turned = (reactive_current(answer, x, y)[:, 10, 10] for answer in (transitions, skew))
    assert abs(straight[1] / straight[0]) < 1e-3
    assert turned[1] / turned[0] == pytest.approx(0.5, abs=1e-3)
    assert reactive_current(replace(transitions, noise=None), x, y) is None


def test_a_loaded_committor_draws_sets_and_streamlines(transitions, tmp_path):
    fp.save(tmp_path / "wells", {"committor": transitions}, title="two $wells$")
    loaded = fp.load(tmp_path / "wells")["committor"]
    assert loaded.sets == transitions.sets
    x = y = np.linspace(-0.5, 0.5, 21)
    one, other = reactive_current(transitions, x, y), reactive_current(loaded, x, y)
    assert np.nanmax(np.abs(one - other)) < 0.05 * np.nanmax(np.abs(one))
    for ending in ("png", "svg"):
        picture = tmp_path / f"picture.{ending}"
        assert main(["plot", str(tmp_path / "wells"), "-o", str(picture)]) == 0
        assert picture.stat().st_size > 10_000


def test_a_region_has_no_form_in_a_file_but_the_committor_is_drawn(transitions, tmp_path):
    fp.save(tmp_path, {"committor": replace(transitions, sets=(fp.Region("x - 0.8"), fp.Ball([1, 0], 0.25)))})
    loaded = fp.load(tmp_path)["committor"]
    assert loaded.sets is None
    loaded.plot(ax=matplotlib.figure.Figure().add_subplot())


def test_numbers_without_their_fields_are_not_drawn(tmp_path, capsys):
    fp.save(tmp_path, {"stationary": stationary()})
    (tmp_path / "stationary.vtu").unlink()
    assert main(["plot", str(tmp_path)]) == 2
    assert "no field 'density' of the result that was loaded" in capsys.readouterr().err


def sweep(tmp_path):
    def time(noise):
        mean = fp.Quantity.of_log(0.25 / noise, 1e-3)
        return {"mean": mean, "asymptotic": mean * 0.9}

    file = tmp_path / "arrhenius.sqlite"
    return fp.sweep(lambda noise: {"exit-time": 0, **time(noise)}, {"noise": [0.1, 0.01, 1e-4, 1e-5]}, file=file)


def test_an_arrhenius_plot_goes_beyond_doubles_and_has_the_slope_of_the_barrier(tmp_path):
    ax = sweep(tmp_path).plot("mean", ax=matplotlib.figure.Figure().add_subplot(), arrhenius=True)
    line = ax.lines[0]
    slope = np.diff(line.get_ydata()) / np.diff(line.get_xdata())
    assert slope == pytest.approx(0.25 / np.log(10.0), rel=1e-12)
    assert ax.get_xlabel() == "1 / noise"


def test_the_command_draws_a_sweep_and_says_what_there_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sweep(tmp_path)
    assert main(["plot", "arrhenius.sqlite", "--number", "mean", "--arrhenius"]) == 0
    assert (tmp_path / "arrhenius-sweep.png").exists()
    for arguments, line in (
        (["plot", "arrhenius.sqlite", "--number", "maen"], "did you mean mean?"),
        (["plot", "nowhere"], "no such file"),
        (["plot", "arrhenius.sqlite", "-o", "picture.gif"], "films are of the answer to evolve"),
        (["plot", "arrhenius.sqlite", "-o", "picture.bmp"], "ends in .png, .svg or .pdf"),
        (["plot", "arrhenius.sqlite", "-o", "no/folder/picture.png"], "a file that can be written"),
    ):
        capsys.readouterr()
        assert main(arguments) == 2
        assert line in capsys.readouterr().err
