"""The gradient covariance of one sample and its divergence, exactly, from the losses of the samples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fokker_planck.formulas.arrays import Floats
from fokker_planck.sgd.losses import Losses, blocks


def gradient_covariance(losses: Losses, x: npt.ArrayLike) -> Floats:
    """C(x) = 1/n sum_i g_i g_i^T - g g^T, with g_i = grad f_i and g their mean.

    Parameters
    ----------
    losses
        f_i
    x
        points, (dim, n)

    Returns
    -------
    Floats
        C, (dim, dim, n), symmetric positive semidefinite; its rank is at most n - 1.

    Examples
    --------
    >>> from fokker_planck.sgd.losses import SampleLosses
    >>> pair = SampleLosses(["x**2", "3*x**2"])                # gradients 2 x and 6 x: variance (2 x)^2
    >>> gradient_covariance(pair, np.array([[0.5, 2.0]])).ravel().tolist()
    [1.0, 16.0]
    """
    points = np.asarray(x, dtype=np.float64)
    parts = list(blocks(losses, points))
    whole = losses.gradients(points) if len(parts) == 1 else None
    mean = _mean_gradient(losses, points) if whole is None else whole.mean(axis=0)
    total = np.zeros((points.shape[0], *points.shape))
    for part in parts:
        # centred before it is squared: at a minimum of all losses nothing cancels
        centred = (losses.gradients(points, part) if whole is None else whole) - mean
        total += np.einsum("sin,sjn->ijn", centred, centred)
    return total / losses.count


def covariance_divergence(losses: Losses, x: npt.ArrayLike) -> Floats:
    """(div C)_i = sum_j d_j C_ij = 1/n sum_k [(H_k - H)(g_k - g) + (g_k - g) tr(H_k - H)]_i, H_k = Hess f_k.

    For the arguments of :func:`gradient_covariance`; returns (dim, n), exact where the Hessians are.

    Parameters
    ----------
    losses
        f_k
    x
        points, (dim, n)

    Returns
    -------
    Floats
        Div C, (dim, n), exact where the Hessians are.

    Examples
    --------
    >>> from fokker_planck.sgd.losses import SampleLosses
    >>> covariance_divergence(SampleLosses(["x**2", "3*x**2"]), np.array([[0.5, 2.0]])).ravel().tolist()
    [4.0, 16.0]
    """
    points = np.asarray(x, dtype=np.float64)
    mean = _mean_gradient(losses, points)
    curvature = sum(losses.hessians(points, part).sum(axis=0) for part in blocks(losses, points)) / losses.count
    total = np.zeros(points.shape)
    for part in blocks(losses, points):
        centred = losses.gradients(points, part) - mean
        bent = losses.hessians(points, part) - curvature
        total += np.einsum("sijn,sjn->in", bent, centred) + np.einsum("sin,sjjn->in", centred, bent)
    return total / losses.count


def _mean_gradient(losses: Losses, points: Floats) -> Floats:
    total = sum(losses.gradients(points, part).sum(axis=0) for part in blocks(losses, points))
    return np.asarray(total / losses.count)
