"""Wells that a wall holds count for every question, as y follows x and x alone is a process on a line with a wall."""

import pytest

import fokker_planck as fp

ALONE = "-(x**3 - x) + 0.1"


def _problem(*, plane: bool) -> fp.Problem:
    """In the plane y follows x, which knows nothing of it: no detailed balance, and the answers of x on its line."""
    drift, lower, upper = ([ALONE, "-y + 0.5*x"], [-1.5, -1.5], [0.9, 1.5]) if plane else ([ALONE], [-1.5], [0.9])
    resolution = fp.Resolution(tolerance=1e-4 if plane else 1e-9)
    return fp.Problem(fp.Drifting(fp.Drift(drift), fp.Isotropic(0.004)), fp.Box(lower, upper), resolution)


def _strip(place: float, *, plane: bool) -> fp.Region:
    return fp.Region(f"0.01 - (x - {place})**2", dimension=2 if plane else 1)


def test_committors_know_of_a_well_at_a_wall():
    """It was found anew on every mesh, twice, and nothing was cut away: 16 factorisations on 1,295 cells."""
    line, plane = (
        fp.committor(_problem(plane=plane), _strip(0.6, plane=plane), _strip(-0.7, plane=plane))
        for plane in (False, True)
    )
    assert plane.statistics.cells < 1000
    assert plane.statistics.work.factorisations < 12
    pairs = [(plane.rate, line.rate), (plane.probability_reactive, line.probability_reactive)]
    for found, exact in pairs:
        assert found.relative_error <= 1e-4
        assert abs(found.log - exact.log) <= found.relative_error


def test_exits_begin_at_a_well_at_a_wall():
    """It was refused as so far above the lowest point that it has no weight, where it is the lowest point."""
    line = fp.mean_exit_time(_problem(plane=False), [0.88], _strip(-0.7, plane=False)).mean
    plane = fp.mean_exit_time(_problem(plane=True), [0.88, 0.4], _strip(-0.7, plane=True)).mean
    assert plane.relative_error <= 1e-4
    assert abs(plane.log - line.log) <= plane.relative_error


@pytest.mark.slow
def test_spectra_know_of_a_well_at_a_wall():
    """36 factorisations, and 68 for four eigenvalues."""
    line, plane = (fp.spectrum(_problem(plane=plane), 2) for plane in (False, True))
    assert plane.statistics.work.factorisations < 16
    assert abs(plane.gap.log - line.gap.log) <= plane.gap.relative_error <= 1e-4
