"""Cells that stay as they were while a mesh is refined are measured once, and alike."""

import numpy as np

import fokker_planck as fp
from fokker_planck.fem.triangulations.refinement import refine
from fokker_planck.solvers.adaptivity.initial_mesh import _exponents, coarse_triangulation
from fokker_planck.solvers.adaptivity.measured_cells import measured
from fokker_planck.solvers.setting.landscape_of_flow import of_flow
from fokker_planck.solvers.setting.setting import WHOLE


def test_what_is_known_of_cells_is_what_is_measured_of_them():
    extra = fp.Drift(["-y", "x**3 - x"])
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(0.005), extra=extra)
    setting = of_flow(fp.Problem(process, fp.Box([-2.0, -1.5], [2.0, 1.5])), WHOLE)
    questions, mesh = _exponents(setting, WHOLE, 1e-10), coarse_triangulation(setting, WHOLE)
    known = None
    for _ in range(3):
        known = measured(setting, mesh, questions, known)
        fresh = measured(setting, mesh, questions, None)
        np.testing.assert_array_equal(known.changes, fresh.changes)
        # a point of the grid on the face of two cells is that of one of them, and of the other one when it is new
        assert (known.holds.held >= fresh.holds.held).all()
        assert (known.holds.held == fresh.holds.held).mean() > 0.95
        for name, cells in fresh.holds.owners.items():
            np.testing.assert_array_equal(known.holds.owners[name], cells)
        mesh = refine(mesh, known.changes > 20.0)
    assert len(mesh.cells) > 400
