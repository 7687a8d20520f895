"""What has become of a point at the first time that is asked for: a mesh has to be as fine as that."""

from __future__ import annotations

import numpy as np

from fokker_planck.formulas.arrays import Floats
from fokker_planck.model.hoermander import is_degenerate
from fokker_planck.model.initial import AtPoint, Initial
from fokker_planck.solvers.setting import Setting


def spread_of(setting: Setting, initial: Initial, first: float, narrowing: float = 1.0) -> Floats | None:
    """The covariance (dim, dim) of what has become of a point at the ``first`` time; None if as wide as the domain."""
    if not isinstance(initial, AtPoint):
        return None
    point = np.array(initial.point)[:, None]
    tensor = narrowing * np.asarray(setting.diffusion.tensor(point))[..., 0]
    widths = np.subtract(*setting.problem.bounding_box()[::-1])
    if is_degenerate(setting.problem):
        spread = spread_by_flow(setting.problem.process.noiseless_jacobian(point)[..., 0], tensor, first)
    else:
        spread = 2.0 * first * tensor
    return spread if (np.diag(spread) < widths**2).all() else None


def spread_by_flow(jacobian: Floats, tensor: Floats, t: float) -> Floats:
    """int_0^t exp(J s) 2 D exp(J^T s) ds, which is regular where D is not.

    Source: Van Loan, IEEE Trans. Automat. Control 23 (1978) 395.

    >>> spread_by_flow(np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([0.0, 0.5]), 2.0).round(12).tolist()
    [[2.666666666667, 2.0], [2.0, 2.0]]
    """
    from scipy.linalg import expm

    size = len(tensor)
    block = expm(t * np.block([[-jacobian, 2.0 * tensor], [np.zeros_like(tensor), jacobian.T]]))
    spread = block[size:, size:].T @ block[:size, size:]
    return np.asarray(0.5 * (spread + spread.T))
