"""Escape along a line through the losses of a small trained network: predicted from measured noise, and met by descent.

The network y = sum_j a_j tanh(w_j x + b_j) with three hidden units is trained on noisy values of sin(2 x) from two
beginnings, which lead to two minima. Along the line through both, the mean loss and the covariance of the gradients are
measured on a grid: a potential, and a noise that depends on the place. The mean number of iterations from one minimum
to the other is solved for, and compared with stochastic gradient descent itself, held on the line.
"""

import sys

import numpy as np

import fokker_planck as fp
from fokker_planck import sgd

SAMPLES, HIDDEN, NOISE = 2048, 3, 3.0
LEARNING_RATE, BATCH_SIZE, REPLICAS = 0.12, 1, 400
LARGEST_DIFFERENCE = 0.1
"""Of the two times beside five standard errors: the diffusion is the limit of small learning rates."""


class Network:
    """Squared errors over all samples, with their gradients by hand; parameters (w, b, a), nine in a row."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.x = generator.uniform(-3.0, 3.0, SAMPLES)
        self.y = np.sin(2.0 * self.x) + NOISE * generator.standard_normal(SAMPLES)

    def _gradients(self, theta, x, y):
        """Errors, and gradients with the parameters in the first axis; all shapes broadcast."""
        w, b, a = theta.reshape(3, HIDDEN, *theta.shape[1:])
        hidden = np.tanh(w * x + b)
        error = (a * hidden).sum(axis=0) - y
        bent = error * a * (1.0 - hidden**2)
        return error, np.concatenate([bent * x, bent, error * hidden])

    def __call__(self, theta):
        """Losses (n,) and gradients (n, 9)."""
        error, gradients = self._gradients(theta[:, None], self.x, self.y)
        return error**2 / 2.0, gradients.T

    def batch_gradient(self, theta, batches):
        """Mean gradients (9, replicas) over batches (B, replicas), for each replica at its own parameters."""
        return self._gradients(theta[:, None, :], self.x[batches], self.y[batches])[1].mean(axis=1)


def trained(network: Network, seed: int) -> np.ndarray:
    """The minimum that gradient descent with momentum finds from a random beginning."""
    theta = np.random.default_rng(seed).standard_normal(3 * HIDDEN)
    velocity = np.zeros(len(theta))
    for _ in range(2500):
        velocity = 0.9 * velocity - 0.05 * network(theta)[1].mean(axis=0)
        theta = theta + velocity
    return theta


def main() -> int:
    network = Network(seed=7)
    one, other = trained(network, 0), trained(network, 2)
    length = float(np.linalg.norm(other - one))
    section = sgd.section(network, one, [other - one], np.linspace(-0.5, 1.5, 101) * length)
    losses = [network(theta)[0].mean() for theta in (one, other)]
    print(f"trained twice, to losses {losses[0]:.4f} and {losses[1]:.4f}, {length:.2f} apart")
    print(f"slopes on the grid agree with the gradients to {section.slope_error:.0e} of the steepest")

    problem = fp.Problem(section.process(LEARNING_RATE, BATCH_SIZE), section.domain)
    landscape = fp.energy_landscape(problem)
    minima = sorted(float(minimum.position[0]) for minimum in landscape.minima)
    print(f"along the line minima at {', '.join(f'{place:.3f}' for place in minima)}")
    start = min(minima, key=abs)
    target = fp.HalfSpace([1.0], min(minima, key=lambda place: abs(place - length)))
    predicted = section.learning(LEARNING_RATE, BATCH_SIZE).iterations(fp.mean_exit_time(problem, start, target).mean)
    walk = section.recursion(LEARNING_RATE, BATCH_SIZE)
    met = sgd.first_passage(walk, start, target, replicas=REPLICAS, seed=1).iterations
    print(f"iterations from one to the other: predicted {predicted}, met {met}")
    ratio, bar = met.value / predicted.value, 5.0 * met.relative_error + LARGEST_DIFFERENCE
    held = abs(ratio - 1.0) < bar
    print(f"ratio {ratio:.3f}, wanted 1 to within {bar:.2f}")
    print("reproduced" if held else "NOT REPRODUCED")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
