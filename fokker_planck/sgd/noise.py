"""The diffusion of stochastic gradient descent: D = (eta/2B) C(x), from a model of the gradient covariance C."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats
from fokker_planck.formulas.parsing.near import did_you_mean
from fokker_planck.model.arguments import described, finite_number, positive_number
from fokker_planck.model.diffusion.constant import Diffusion
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.sgd.covariance import covariance_divergence, gradient_covariance
from fokker_planck.sgd.learning import Learning
from fokker_planck.sgd.losses import Losses

Covariance: TypeAlias = str | Losses | Callable[[Floats], npt.ArrayLike]
CovarianceKey: TypeAlias = float | Sequence[float] | str
"""Entries of a model: a number, one for each axis, or a word."""

MODELS: Mapping[str, tuple[str, ...]] = {
    "isotropic": ("epsilon", "variance"),
    "hessian": ("scale", "floor"),
    "quadratic": ("offset", "slope", "curvature", "center", "form"),
}


def diffusion_of(
    learning_rate: float,
    batch_size: int,
    covariance: Covariance = "isotropic",
    samples: int | None = None,
    **keys: CovarianceKey,
) -> Diffusion:
    """D(x) = (eta/2) C(x)/B; for a batch drawn without replacement from n samples (n - B)/(B (n - 1)) for 1/B.

    C is the gradient covariance of one sample, and ``covariance`` says what is known of it:

    - ``"isotropic"``: C = epsilon I, ``epsilon`` the variance of one sample along each axis; ``variance`` is the same
    - ``"hessian"``: C = scale (H^2 + floor^2 I)^(1/2), H = Hess V; ``scale`` 1 and ``floor`` 0 if absent
    - ``"quadratic"``: C_ii = offset_i + slope_i (x_i - center_i) + curvature_i (x_i - center_i)^2, or with
      ``form="radial"`` ``C = (offset + curvature |x - center|^2) I``
    - per-sample losses (:class:`Losses`): their exact covariance, C = 1/n sum g_i g_i^T - g g^T
    - a function from points (dim, n) to tensors (dim, dim, n)

    Parameters
    ----------
    learning_rate
        eta > 0
    batch_size
        B
    covariance
        what is known of C, as above
    samples
        n, for batches drawn without replacement
    keys
        numbers of that covariance

    Returns
    -------
    Diffusion
        The diffusion of the process.

    Raises
    ------
    ProblemError
        With keys under ``diffusion``; for B = n, too, when there is no noise.

    References
    ----------
    Mandt, Hoffman, Blei, Stochastic gradient descent as approximate Bayesian inference (2017), equation 6.

    Examples
    --------
    >>> diffusion_of(0.125, 4, epsilon=2.0)
    Isotropic(epsilon=0.03125)
    """
    learning = Learning(learning_rate, batch_size, samples)
    given: dict[str, Any] = dict(keys)  # each is checked where it is used
    if learning.noise_scale == 0.0:
        wanted = "fewer than there are samples: the whole of them has no noise"
        raise ProblemError("diffusion.batch_size", batch_size, wanted)
    if not isinstance(covariance, str):
        return _from_samples(covariance, learning, given)
    if covariance not in MODELS:
        wanted = f"one of {', '.join(MODELS)}"
        raise ProblemError("diffusion.covariance", f"{covariance!r}{did_you_mean(covariance, MODELS)}", wanted)
    _only(given, MODELS[covariance], f"for the covariance {covariance}")
    scale = learning.noise_scale
    if covariance == "isotropic":
        from fokker_planck.model.diffusion.constant import Isotropic

        return Isotropic(scale * _variance(given))
    from fokker_planck.model.diffusion.quadratic import Quadratic
    from fokker_planck.model.diffusion.state_dependent import Hessian

    if covariance == "hessian":
        return Hessian(scale * positive_number("diffusion.scale", given.get("scale", 1.0)), given.get("floor", 0.0))
    for required in ("offset", "curvature"):
        if required not in given:
            raise ProblemError(f"diffusion.{required}", "nothing", "a number, or one for each axis")
    scaled: dict[str, Any] = {
        name: _scaled(name, given[name], scale) for name in ("offset", "slope", "curvature") if name in given
    }
    return Quadratic(**scaled, **{name: given[name] for name in ("center", "form") if name in given})


def process(
    loss: Potential | str | Losses,
    learning_rate: float,
    batch_size: int,
    covariance: Covariance | None = None,
    samples: int | None = None,
    replacement: bool = False,
    interpretation: str = "ito",
    **keys: CovarianceKey,
) -> Overdamped:
    """dX = -grad V dt + sqrt((eta/B) C(X)) dW: stochastic gradient descent as a diffusion, t = eta times iterations.

    Parameters
    ----------
    loss
        V, or the per-sample losses of which it is the mean
    learning_rate, batch_size, covariance, samples, keys
        as in :func:`diffusion_of`; without ``covariance`` per-sample losses give their own, and a loss alone is read as
        ``"isotropic"``
    replacement
        for per-sample losses, whether a batch is drawn with replacement; if not, ``samples`` is their number
    interpretation
        how a C that depends on the state is read; the limit of the recursion is "ito"

    Returns
    -------
    Overdamped
        The diffusion.

    Examples
    --------
    >>> process("(x**2 - 1)**2/4", 0.125, 4, epsilon=2.0).diffusion
    Isotropic(epsilon=0.03125)
    """
    if isinstance(loss, Losses):
        covariance = loss if covariance is None else covariance
        samples = loss.count if samples is None and not replacement else samples
        potential = loss.mean()
    else:
        potential = Potential(loss) if isinstance(loss, str) else loss
    model = "isotropic" if covariance is None else covariance
    return Overdamped(potential, diffusion_of(learning_rate, batch_size, model, samples, **keys), interpretation)


def _from_samples(
    covariance: Losses | Callable[[Floats], npt.ArrayLike], learning: Learning, keys: Mapping[str, object]
) -> Diffusion:
    from fokker_planck.model.diffusion.state_dependent import Sampled

    _only(keys, (), "for a covariance that is given")
    scale = learning.noise_scale
    if isinstance(covariance, Losses):
        return Sampled(
            lambda x: scale * gradient_covariance(covariance, x),
            lambda x: scale * covariance_divergence(covariance, x),
        )
    if not callable(covariance):
        wanted = f"one of {', '.join(MODELS)}, per-sample Losses, or a function of points"
        raise ProblemError("diffusion.covariance", described(covariance), wanted)
    return Sampled(lambda x: scale * np.asarray(covariance(x), dtype=np.float64))


def _variance(keys: Mapping[str, Any]) -> float:
    if len(keys) > 1:
        raise ProblemError("diffusion.variance", "epsilon beside it, which means the same", "one of the two")
    name = next(iter(keys), "epsilon")
    return positive_number(f"diffusion.{name}", keys.get(name), "a positive number")


def _only(keys: Mapping[str, object], known: Sequence[str], where: str) -> None:
    for name in keys:
        if name not in known:
            wanted = f"{where} one of {', '.join(known)}" if known else f"{where} no more keys"
            raise ProblemError(f"diffusion.{name}", f"an unknown key{did_you_mean(name, known)}", wanted)


def _scaled(name: str, value: Any, scale: float) -> float | list[float]:
    key = f"diffusion.{name}"
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [scale * finite_number(f"{key}[{i}]", entry) for i, entry in enumerate(value)]
    return scale * finite_number(key, value, "a finite number, or one for each axis")
