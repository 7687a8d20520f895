"""Underdamped processes in boxes that hold their fastest particles."""

from math import sqrt

import fokker_planck as fp

QUARTIC = "(x**2 - 1)**2/4"


def kinetic(potential, epsilon, friction, half_width, tolerance, above=26.0, sets=None, height=0.25):
    """A box whose fastest particles stand ``above`` units of epsilon over the ``height`` of the barrier."""
    fastest = sqrt(2.0 * (height + above * epsilon))
    process = fp.Underdamped(fp.Potential(potential, dimension=1), fp.Isotropic(epsilon), friction)
    box = fp.Box([-half_width, -fastest], [half_width, fastest])
    return fp.Problem(process, box, fp.Resolution(tolerance=tolerance), sets or {})
