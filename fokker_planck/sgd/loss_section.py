"""A section of a loss with many parameters: its mean and the covariance of its gradients on a grid."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fokker_planck.errors import ProblemError
from fokker_planck.formulas.arrays import Floats, Integers
from fokker_planck.formulas.grids.grid_files import NAMES, checked_axis
from fokker_planck.model.arguments import described, finite_number
from fokker_planck.model.diffusion.state_dependent import Sampled
from fokker_planck.model.domains.box import Box
from fokker_planck.model.potential import Potential
from fokker_planck.model.process import Overdamped
from fokker_planck.quantity.light_dataclasses import dataclass, field
from fokker_planck.sgd.learning import Learning
from fokker_planck.sgd.losses import DataLosses, SampleLosses
from fokker_planck.sgd.many_parameters import ManyLosses, function_of, losses_and_gradients
from fokker_planck.sgd.recursion import drawn_batches

MOST_POINTS = 100_000
"""Of a grid, at each of which the gradients of all samples are asked for: a network of a thousand parameters and a
thousand samples takes some 10 ms a point, 100,000 of them a quarter of an hour."""
COARSE = 0.01
"""Of the steepest slope, by which the slopes of the loss on the grid may differ from the gradients before that is
warned of: a barrier is then off by a hundredth at most, and a time at a barrier of ten units of noise by a tenth."""
WRONG = 0.3
"""Of the same, beyond which losses and gradients are not of one function, or the grid does not show it: a sum for a
mean, or a factor of two in a gradient, is off by half and more."""
DEPENDENT = 1e-8
"""Of its length: what is left of a direction that is a combination of the others."""


@dataclass(frozen=True, eq=False, repr=False)
class Section:
    """theta(s) = center + sum_k s_k v_k with orthonormal v_k: V(s) = 1/n sum_i l_i and C_jk(s) = Cov(v_j.g_i, v_k.g_i).

    Attributes
    ----------
    axes
        values of s_k, one row each
    loss
        V, of the shape of the grid
    gradient
        v_k . grad V as measured, ``(*grid, d)``
    covariance
        C of one sample, ``(*grid, d, d)``
    center, directions
        (p,) and (d, p)
    samples
        n
    slope_error
        by how much the slopes of the spline through ``loss`` differ from ``gradient``, over the largest slope
    across
        the root mean square over the grid of the gradient across the section, over that of the gradient: what a
        recursion that is not held on the section feels and the section does not show
    model
        what was asked for losses and gradients
    """

    axes: tuple[Floats, ...]
    loss: Floats
    gradient: Floats
    covariance: Floats
    center: Floats
    directions: Floats
    samples: int
    slope_error: float
    across: float
    model: ManyLosses = field(repr=False)

    def __repr__(self) -> str:
        sizes = " x ".join(str(len(axis)) for axis in self.axes)
        return f"<Section: {sizes} points, {self.directions.shape[1]} parameters, {self.samples} samples>"

    @property
    def dimension(self) -> int:
        """Number of directions."""
        return len(self.axes)

    @property
    def domain(self) -> Box:
        """The box of the grid, with walls that reflect."""
        return Box(tuple(float(axis[0]) for axis in self.axes), tuple(float(axis[-1]) for axis in self.axes))

    def parameters(self, s: npt.ArrayLike) -> Floats:
        """Theta at points s of shape (d, n), of shape (p, n)."""
        points = np.asarray(s, dtype=np.float64)
        return np.asarray(self.center[:, None] + self.directions.T @ points)

    def coordinates(self, theta: npt.ArrayLike) -> Floats:
        """The point of the section nearest to parameters of shape (p,)."""
        return np.asarray(self.directions @ (np.asarray(theta, dtype=np.float64) - self.center))

    def potential(self, smoothing: float = 0.0) -> Potential:
        """V as the spline through the mean losses, as :meth:`Potential.from_grid` makes it."""
        return Potential.from_grid((self.axes, self.loss), smoothing=smoothing, unsampled="keep")

    def diffusion(
        self, learning_rate: float, batch_size: int, replacement: bool = False, floor: float = 0.0
    ) -> Sampled:
        """D = (eta/2) c (C + floor I) as a spline, c = 1/B or, for batches without replacement, (n - B)/(B (n - 1))."""
        scale = self.learning(learning_rate, batch_size, replacement).noise_scale
        if scale == 0.0:
            raise ProblemError("diffusion.batch_size", batch_size, f"fewer than the {self.samples} samples")
        least = finite_number("floor", floor, "a number >= 0, added to the covariance")
        if least < 0.0:
            raise ProblemError("floor", least, "a number >= 0, added to the covariance")
        return Sampled.from_grid((self.axes, self.covariance + least * np.eye(self.dimension)), scale=scale)

    def process(
        self,
        learning_rate: float,
        batch_size: int,
        replacement: bool = False,
        floor: float = 0.0,
        smoothing: float = 0.0,
    ) -> Overdamped:
        """dX = -grad V dt + sqrt(2 D(X)) dW on the section (Ito); time is eta times the number of iterations."""
        return Overdamped(self.potential(smoothing), self.diffusion(learning_rate, batch_size, replacement, floor))

    def learning(self, learning_rate: float, batch_size: int, replacement: bool = False) -> Learning:
        """Learning rate and batch size with the number of samples, which turns times into iterations."""
        return Learning(learning_rate, batch_size, None if replacement else self.samples)

    def recursion(self, learning_rate: float, batch_size: int, replacement: bool = False) -> SectionRecursion:
        """Stochastic gradient descent itself, with the gradients of the model, projected on the section."""
        return SectionRecursion(self, self.learning(learning_rate, batch_size, replacement))


@dataclass(frozen=True)
class SectionRecursion:
    """s_(t+1) = s_t - (eta/B) sum over a batch of V g_i(theta(s_t)), V the directions: a walk for ``first_passage``.

    Every replica takes the gradients of all samples and keeps those of its batch, unless the model has a method
    ``batch_gradient(theta, batches)`` from (p, n) and (B, n) to mean gradients (p, n).

    Attributes
    ----------
    section
        on which it is held
    learning
        learning rate, batch size, and the number of samples where batches are drawn without replacement
    """

    section: Section
    learning: Learning

    @property
    def dimension(self) -> int:
        """Number of directions."""
        return self.section.dimension

    @property
    def unit(self) -> float:
        """Time of one step: the learning rate."""
        return self.learning.learning_rate

    def step(self, x: Floats, generator: np.random.Generator) -> Floats:
        """The next points from the points x, (d, n), each with a batch of its own."""
        section, size = self.section, self.learning.batch_size
        batches = drawn_batches(section.samples, size, x.shape[1], generator, self.learning.samples is None)
        theta = section.parameters(x)
        at_once: Callable[[Floats, Integers], npt.ArrayLike] | None = getattr(section.model, "batch_gradient", None)
        if at_once is not None:
            mean = np.asarray(at_once(theta, batches), dtype=np.float64)
        else:
            found = [
                losses_and_gradients(section.model, one)[1][drawn]
                for one, drawn in zip(theta.T, batches.T, strict=True)
            ]
            mean = np.stack([gradients.mean(axis=0) for gradients in found], axis=1)
        return np.asarray(x - self.unit * (section.directions @ mean))


def section(
    model: ManyLosses | SampleLosses | DataLosses,
    center: npt.ArrayLike,
    directions: npt.ArrayLike,
    axes: Sequence[npt.ArrayLike] | npt.ArrayLike,
) -> Section:
    """V(s) = 1/n sum_i l_i(theta(s)) and C(s), the covariance of one gradient along the section, measured on a grid.

    Parameters
    ----------
    model
        a function from parameters (p,) to the losses (n,) and gradients (n, p) of all samples; ``torch_losses`` and
        ``jax_losses`` make one of a network; per-sample losses of few coordinates do as they are
    center
        parameters (p,), where s = 0
    directions
        one to three rows (d, p); they are made orthonormal in their order, so that s are lengths
    axes
        for each direction an ascending row of values of s with equal steps

    Returns
    -------
    Section
        Its ``process(learning_rate, batch_size)`` is what questions take, ``recursion`` the descent to compare with.

    Raises
    ------
    ProblemError
        With the keys ``model``, ``center``, ``directions``, ``axes``; also where gradients are not those of the losses.

    Notes
    -----
    The diffusion is that of a descent which is held on the section. Error bars are those of the splines through the
    values on the grid; ``slope_error`` says what these lack, and more than a hundredth is warned of.

    Examples
    --------
    >>> targets = np.array([[1.0, 0.0, 2.0], [-1.0, 2.0, 0.0], [0.0, -2.0, -2.0]])
    >>> def model(theta):                           # |theta - target_i|^2/2: C is the covariance of the targets
    ...     return ((theta - targets)**2).sum(axis=1)/2, theta - targets
    >>> found = section(model, np.zeros(3), [[0.0, 0.0, 2.0]], np.linspace(-1.0, 1.0, 9))
    >>> round(float(found.covariance[3, 0, 0]), 12), round(float(found.potential()(np.array([[0.5]]))[0]), 12)
    (2.666666666667, 3.125)
    """
    function = function_of(model)
    origin, basis = _frame(center, directions)
    rows = _axes(axes, len(basis))
    shape = tuple(map(len, rows))
    if int(np.prod(shape)) > MOST_POINTS:
        raise ProblemError("axes", f"{int(np.prod(shape)):,} points", f"{MOST_POINTS:,} at most")
    measured = _measured(function, origin, basis, _points(rows))
    loss, gradient = measured.loss.reshape(shape), measured.gradient.reshape(*shape, -1)
    return Section(
        axes=rows,
        loss=loss,
        gradient=gradient,
        covariance=measured.covariance.reshape(*shape, len(basis), len(basis)),
        center=origin,
        directions=basis,
        samples=measured.samples,
        slope_error=_slope_error(rows, loss, gradient),
        across=measured.across,
        model=function,
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    """Loss (m,), gradient (m, d) and covariance (m, d, d) at m points, number of samples, share of gradient across."""

    loss: Floats
    gradient: Floats
    covariance: Floats
    samples: int
    across: float


def _measured(model: ManyLosses, origin: Floats, basis: Floats, points: Floats) -> _Measured:
    """All samples at one point after the other: only their projections are kept."""
    d, m = points.shape
    loss, along, noise = np.empty(m), np.empty((m, d)), np.empty((m, d, d))
    whole, count = 0.0, 0
    for k, s in enumerate(points.T):
        values, gradients = losses_and_gradients(model, origin + s @ basis)
        if count not in (0, len(values)):
            raise ProblemError("model", f"{len(values)} losses after {count}", "those of the same samples everywhere")
        count = len(values)
        projected = gradients @ basis.T
        loss[k], along[k] = values.mean(), projected.mean(axis=0)
        centred = projected - along[k]
        noise[k] = centred.T @ centred / count
        whole += float(np.sum(gradients.mean(axis=0) ** 2))
    share = 1.0 - float(np.sum(along**2)) / whole if whole > 0.0 else 0.0
    return _Measured(loss, along, noise, count, float(np.sqrt(max(0.0, share))))


def _points(axes: tuple[Floats, ...]) -> Floats:
    """All points of the grid, (d, n)."""
    return np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")])


def _slope_error(axes: tuple[Floats, ...], loss: Floats, measured: Floats) -> float:
    """Largest difference of the spline's slopes and the measured ones at the grid points; warned of, or refused."""
    spline = Potential.from_grid((axes, loss), unsampled="keep")
    slopes = spline.gradient(_points(axes)).T.reshape(measured.shape)
    largest = float(np.abs(measured).max())
    difference = float(np.abs(slopes - measured).max())
    error = difference / largest if largest > 0.0 else float(difference > 0.0)
    if error > WRONG:
        found = f"slopes of the losses on the grid that differ from the gradients by {100.0 * error:.3g} %"
        raise ProblemError("model", found, "the gradients of these losses, each its own, and steps that show them")
    if error > COARSE:
        text = f"slopes of the losses on the grid differ from the gradients by {100.0 * error:.2g} %"
        warnings.warn(f"{text}, which no error bar holds: take smaller steps", stacklevel=3)
    return error


def _frame(center: npt.ArrayLike, directions: npt.ArrayLike) -> tuple[Floats, Floats]:
    """The origin (p,) and orthonormal rows (d, p) that span what the directions span."""
    try:
        origin, rows = np.array(center, dtype=np.float64), np.atleast_2d(np.array(directions, dtype=np.float64))
    except (TypeError, ValueError):
        raise ProblemError("directions", described(directions), "one to three rows of numbers") from None
    if origin.ndim != 1 or not len(origin) or not np.isfinite(origin).all():
        raise ProblemError("center", f"an array of shape {origin.shape}", "finite parameters (p,)")
    wanted = f"one to three independent rows of {len(origin)} numbers, as many as parameters"
    if rows.ndim != 2 or rows.shape[1] != len(origin) or not 1 <= len(rows) <= min(3, len(origin)):
        raise ProblemError("directions", f"an array of shape {rows.shape}", wanted)
    lengths = np.linalg.norm(rows, axis=1)
    if not (np.isfinite(lengths) & (lengths > 0.0)).all():
        raise ProblemError("directions", "a row that is zero or not finite", wanted)
    q, r = np.linalg.qr((rows / lengths[:, None]).T)
    left = np.diag(r)
    if not (np.abs(left) > DEPENDENT).all():
        raise ProblemError("directions", "rows that depend on each other", wanted)
    return origin, np.asarray((q * np.sign(left)).T)


def _axes(axes: Sequence[npt.ArrayLike] | npt.ArrayLike, count: int) -> tuple[Floats, ...]:
    listed = [axes] if np.ndim(axes[0]) == 0 else list(axes)  # type: ignore[index, arg-type]
    if len(listed) != count:
        raise ProblemError("axes", f"{len(listed)} of them", f"{count}, one for each direction")
    return tuple(checked_axis(np.asarray(axis, dtype=np.float64), NAMES[i], "axes") for i, axis in enumerate(listed))
