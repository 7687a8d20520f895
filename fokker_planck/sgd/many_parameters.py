"""Losses of samples as functions of many parameters, of networks say, with their gradients sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import MissingPackageError, ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.formulas.calculus.jax_derivatives import double_precision
from fokker_planck.model.arguments import described
from fokker_planck.quantity.light_dataclasses import dataclass
from fokker_planck.sgd.losses import DataLosses, SampleLosses, sample_values

ManyLosses: TypeAlias = Callable[[Floats], tuple[npt.ArrayLike, npt.ArrayLike]]
"""From parameters (p,) to the losses (n,) and gradients (n, p) of all samples."""


@dataclass(frozen=True, eq=False)
class NetworkLosses:
    """The losses of a network and its gradients, sample by sample, as a function of its parameters in one row.

    Attributes
    ----------
    start
        the parameters as they were given, (p,)
    losses
        from parameters (p,) to losses (n,) and gradients (n, p)
    batch_gradient
        from parameters (p, n) and batches (B, n) to mean gradients (p, n)
    """

    start: Floats
    losses: ManyLosses
    batch_gradient: Callable[[Floats, Integers], Floats]

    def __call__(self, theta: Floats) -> tuple[npt.ArrayLike, npt.ArrayLike]:
        """Losses (n,) and gradients (n, p)."""
        return self.losses(theta)


def jax_losses(loss: Callable[[Any, Any], Any], parameters: Any, data: Any) -> NetworkLosses:
    """l_i(theta) = loss(parameters, sample i) and its gradient by JAX, in double precision.

    Parameters
    ----------
    loss
        of one sample, a scalar, written with jax.numpy
    parameters
        a tree of arrays, as optax and flax have them
    data
        a tree of arrays whose first axes count the samples

    Returns
    -------
    NetworkLosses
        What :func:`section` takes; ``start`` are the parameters in one row, in the order of ``ravel_pytree``.

    Raises
    ------
    MissingPackageError
        Without jax (the extra ``jax``).
    """
    try:
        import jax
        from jax.flatten_util import ravel_pytree
    except ImportError:
        raise MissingPackageError("jax", "jax") from None
    with double_precision(jax):
        whole = jax.tree_util.tree_map(lambda part: jax.numpy.asarray(np.asarray(part)), data)
        exact = jax.tree_util.tree_map(lambda part: np.asarray(part, dtype=np.float64), parameters)
        flat, tree_of = ravel_pytree(exact)

    def one(theta: Any, sample: Any) -> Any:
        return loss(tree_of(theta), sample)

    def drawn(theta: Any, batch: Any) -> Any:
        samples = jax.tree_util.tree_map(lambda part: part[batch], whole)
        return jax.numpy.mean(jax.vmap(jax.grad(one), (None, 0))(theta, samples), axis=0)

    every = jax.jit(lambda theta: jax.vmap(jax.value_and_grad(one), (None, 0))(theta, whole))
    batches_of = jax.jit(jax.vmap(drawn, (1, 1), 1))

    def losses(theta: Floats) -> tuple[Floats, Floats]:
        with double_precision(jax):
            values, gradients = every(jax.numpy.asarray(theta))
            return np.asarray(values, dtype=np.float64), np.asarray(gradients, dtype=np.float64)

    def batch_gradient(theta: Floats, batches: Integers) -> Floats:
        with double_precision(jax):
            found = batches_of(jax.numpy.asarray(theta), jax.numpy.asarray(batches))
            return np.asarray(found, dtype=np.float64)

    return NetworkLosses(np.asarray(flat, dtype=np.float64), losses, batch_gradient)


def torch_losses(network: Any, loss: Callable[[Any, Any], Any], inputs: Any, targets: Any) -> NetworkLosses:
    """l_i(theta) = loss(network(x_i), y_i) and its gradient by PyTorch, in double precision.

    The network is asked in the mode (training or evaluation) that it is in; layers that mix the samples of a batch have
    no losses of single samples.

    Parameters
    ----------
    network
        a ``torch.nn.Module``; it is not changed
    loss
        from an output and a target, each with one sample in its first axis, to a scalar, such as
        ``torch.nn.functional.mse_loss``
    inputs, targets
        tensors whose first axes count the samples

    Returns
    -------
    NetworkLosses
        What :func:`section` takes; ``start`` are the parameters in one row, in the order of ``named_parameters``.

    Raises
    ------
    MissingPackageError
        Without torch, which is installed as its own pages say.
    ProblemError
        Where samples have no losses of their own: layers that draw numbers or mix samples, a loss that is no scalar.
    """
    try:
        import torch
    except ImportError:
        raise MissingPackageError("torch", "torch") from None
    named = {name: part.detach().to(torch.float64) for name, part in network.named_parameters()}
    fixed = {name: _double(part.detach()) for name, part in network.named_buffers()}
    x, y = _double(inputs), _double(targets)
    if not named:
        raise ProblemError("network", "a network without parameters", "parameters to descend in")
    if len(x) != len(y):
        raise ProblemError("targets", f"{len(y)} of them", f"{len(x)}, one for each input")

    def one(theta: Any, single: Any, target: Any) -> Any:
        parts = theta.split([part.numel() for part in named.values()])
        shaped = {name: part.reshape(like.shape) for part, (name, like) in zip(parts, named.items(), strict=True)}
        output = torch.func.functional_call(network, {**fixed, **shaped}, (single.unsqueeze(0),))
        return loss(output, target.unsqueeze(0))

    every = torch.func.vmap(torch.func.grad_and_value(one), (None, 0, 0))
    drawn = torch.func.vmap(torch.func.vmap(torch.func.grad(one), (None, 0, 0)), (1, 1, 1))

    def losses(theta: Floats) -> tuple[Floats, Floats]:
        gradients, values = every(torch.tensor(theta, dtype=torch.float64), x, y)
        return values.detach().cpu().numpy(), gradients.detach().cpu().numpy()

    def batch_gradient(theta: Floats, batches: Integers) -> Floats:
        chosen = torch.as_tensor(batches)
        found = drawn(torch.tensor(theta, dtype=torch.float64), x[chosen], y[chosen])
        return np.asarray(found.mean(dim=1).T.detach().cpu().numpy())

    start = torch.cat([part.reshape(-1) for part in named.values()]).cpu().numpy()
    try:
        every(torch.tensor(start), x[:2], y[:2])
    except RuntimeError as error:  # of the transformations of functions, which say what they cannot do
        found = f"what gives no loss of a sample ({str(error).split('.')[0][:120].strip()})"
        wanted = "a scalar loss, and layers that neither draw numbers nor mix samples, as after network.eval()"
        raise ProblemError("network", found, wanted) from None
    return NetworkLosses(start, losses, batch_gradient)


def _double(part: Any) -> Any:
    """In double precision where it holds floating numbers; classes stay whole numbers."""
    return part.double() if part.is_floating_point() else part


def function_of(model: object) -> ManyLosses:
    """A model as a function of parameters; raises ProblemError where it is none."""
    if isinstance(model, SampleLosses | DataLosses):
        return _FewCoordinates(model)
    if not callable(model):
        wanted = "a function from parameters (p,) to losses (n,) and gradients (n, p), or per-sample losses"
        raise ProblemError("model", described(model), wanted)
    return model


@dataclass(frozen=True)
class _FewCoordinates:
    """Per-sample losses by formulas, as a function of parameters."""

    losses: SampleLosses | DataLosses

    def __call__(self, theta: Floats) -> tuple[Floats, Floats]:
        place = np.asarray(theta)[:, None]
        return sample_values(self.losses, place)[:, 0], self.losses.gradients(place)[:, :, 0]

    def batch_gradient(self, theta: Floats, batches: Integers) -> Floats:
        return self.losses.batch_gradient(theta, batches)


def losses_and_gradients(model: ManyLosses, theta: Floats) -> tuple[Floats, Floats]:
    """Losses (n,) and gradients (n, p), checked."""
    wanted = f"a pair of finite arrays, losses (n,) and gradients (n, {len(theta)}), n >= 2"
    try:
        values, gradients = (np.asarray(part, dtype=np.float64) for part in model(theta))
    except (TypeError, ValueError) as error:
        if isinstance(error, ProblemError):
            raise
        raise ProblemError("model", f"what is no pair of arrays ({error})", wanted) from None
    if values.ndim != 1 or len(values) < 2 or gradients.shape != (len(values), len(theta)):
        raise ProblemError("model", f"arrays of shapes {values.shape} and {gradients.shape}", wanted)
    if not (np.isfinite(values).all() and np.isfinite(gradients).all()):
        raise ProblemError("model", f"numbers that are not finite at theta = {theta.tolist()}", wanted)
    return values, gradients
