"""Random smooth sets and pairs of sets, meshed: how many, how much their curved cells are squeezed, how long it takes.

``python -m benchmarks.level_sets 500 60``: so many in the plane, so many in space.
"""

import sys
import time

import mpi4py.MPI  # noqa: F401 - before dolfinx
import numpy as np

from fokker_planck.errors import FokkerPlanckError
from fokker_planck.fem.shapes.curved_quality import jacobian_ratios
from fokker_planck.fem.shapes.level_sets import fit_regions
from fokker_planck.fem.triangulations.generation import grid_triangulation
from fokker_planck.model.sets.shapes import Region

WAVES = 3
CELLS = {2: 8, 3: 5}


def random_set(generator, dimension):
    """Where a sum of a few waves exceeds a level near its mean."""
    waves = generator.normal(size=(WAVES, dimension)) * (1.5 if dimension == 2 else 0.8)
    phases, heights = generator.uniform(0.0, 2.0 * np.pi, WAVES), generator.normal(size=WAVES)
    level = 0.3 * generator.normal()

    def value(x):
        return heights @ np.cos(waves @ x + phases[:, None]) - level

    def gradient(x):
        return -waves.T @ (heights[:, None] * np.sin(waves @ x + phases[:, None]))

    return Region(value, gradient_function=gradient, dimension=dimension)


def measured(count, dimension, seed=0):
    """Counts, ratios and CPU times of ``count`` sets and pairs of sets in a box."""
    generator = np.random.default_rng(seed)
    ratios, times, failed = [], [], 0
    for _ in range(count):
        names = "AB"[: generator.integers(1, 3)]
        sets = {name: random_set(generator, dimension) for name in names}
        axes = [np.linspace(-2.0, 2.0, CELLS[dimension] + 1)] * dimension
        started = time.process_time()
        try:
            mesh = fit_regions(grid_triangulation(axes, [False] * dimension), sets)
        except FokkerPlanckError as error:
            failed += 1
            print(f"  refused: {error}", file=sys.stderr)
            continue
        times.append(time.process_time() - started)
        ratios.append(float(jacobian_ratios(mesh).min()))
    return failed, np.array(ratios), np.array(times)


def main():
    """Print one line for the plane and one for space."""
    for count, dimension in zip(map(int, sys.argv[1:]), (2, 3), strict=False):
        failed, ratios, times = measured(count, dimension)
        print(
            f"{dimension} dimensions: {count - failed} of {count} meshed; least ratio {ratios.min():.2f}, "
            f"{int((ratios < 0.5).sum())} below 0.5; median {1e3 * np.median(times):.0f} ms, "
            f"90 % {1e3 * np.quantile(times, 0.9):.0f} ms, most {times.max():.1f} s of CPU"
        )


if __name__ == "__main__":
    main()
